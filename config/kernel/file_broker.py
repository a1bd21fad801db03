"""The embedded broker: Celery messages as files in `var/broker`.

Kombu's own file transport opens a message under its final name before it is written, so a reader
may take it while it is still empty and the worker dies. Here a message appears whole or not at
all. Nothing depends on it: a message is only a bell, the work waits in the database.
"""

import logging
from pathlib import Path
from queue import Empty
from time import monotonic_ns
from typing import Any
from uuid import uuid4

from kombu.transport import filesystem
from kombu.utils import json

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """Writes beside the queue and renames; skips what a power cut left half written."""

    def _put(self, queue: Any, payload: Any, **_: Any) -> None:  # type: ignore[override]
        """Put a message into `queue`; its name sorts by time."""
        name = f"{monotonic_ns() // 1_000_000}_{uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        part = folder / f"{name}.part"
        text: str = json.dumps(payload)  # type: ignore[no-untyped-call]
        part.write_text(text, encoding="utf-8")
        part.replace(folder / name)

    def _get(self, queue: Any, timeout: Any = None) -> Any:
        """Take the oldest message of `queue`; raises Empty."""
        try:
            return super()._get(queue)  # type: ignore[no-untyped-call]
        except ValueError:
            logger.warning("a damaged bell was dropped; the next sweep finds the rows")
            raise Empty from None


class Transport(filesystem.Transport):
    """Kombu's file transport with our channel."""

    Channel = Channel
