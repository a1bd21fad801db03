"""Small tables read once for the request at hand, and what never changes read once for good."""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar

from django.core.signals import request_started

T = TypeVar("T")


class _Forgetful(Protocol):
    def forget(self) -> None: ...


_ALL: Final[list[_Forgetful]] = []
KEPT: Final = 30.0
"""Seconds a table is believed where no request begins: in a worker or a command."""


class Memo(Generic[T]):
    """What `load` returned, per thread; read again at the next request or after `KEPT` seconds."""

    def __init__(self, load: Callable[[], T]) -> None:
        """Remember how the table is read; nothing is read yet."""
        self._load = load
        self._kept = threading.local()
        request_started.connect(self.forget, weak=False)
        _ALL.append(self)

    def __call__(self) -> T:
        """Return the table."""
        kept: tuple[float, T] | None = getattr(self._kept, "table", None)
        if kept is None or kept[0] < time.monotonic():
            kept = (time.monotonic() + KEPT, self._load())
            self._kept.table = kept
        return kept[1]

    def forget(self, **_signal: Any) -> None:
        """Read the table again when it is asked for next, in this thread."""
        self._kept.table = None


class Lasting(dict[int, T]):
    """Values by pk that never change once they are kept, such as published versions of rules."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__()
        _ALL.append(self)

    def forget(self) -> None:
        """Drop everything."""
        self.clear()


def forget_all() -> None:
    """Let this thread read every table again, as when another database stands behind it."""
    for memo in _ALL:
        memo.forget()
