"""How a link of the record is made: canonical text, what it repeats of its row, its hash."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from config.kernel.models import JournalEntry

ERASED = "words.erased"
_ENCODER = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
)


def canonical(content: Mapping[str, Any]) -> str:
    """Return the one JSON text of a content: sorted keys, no blanks, letters as they are."""
    return _ENCODER.encode(content)


def columns(entry: JournalEntry) -> dict[str, Any]:
    """Return what the body repeats of the entry's columns; a changed column shows."""
    return {
        "stream": entry.stream,
        "seq": entry.seq,
        "action": entry.action,
        "at": _text(entry.at),
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor_id,
    }


def chained(previous: str, body: str) -> str:
    """Return the hash of a link."""
    return sha256((previous + body).encode()).hexdigest()


def plain(value: Any) -> Any:
    """Return the value as plain JSON; nothing is turned into text by accident."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _text(value)


def _text(value: object) -> str:
    """Return text: codes as they are, times as ISO in UTC, decimals as written."""
    match value:
        case str() | Decimal() | UUID():
            return str(value)
        case datetime():
            if value.tzinfo is None:
                message = "a time in the record needs a zone"
                raise ValueError(message)
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
    message = f"{type(value).__name__} cannot stand in the record"
    raise TypeError(message)
