"""The facts of an entry of the record as lines, and what a chain is about, in words."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from config.kernel.models import JournalEntry
from config.portal.when import full_time
from config.shared.words import labelled, listed

_PAIR: Final = 2  # old and new
STREAMS: Final[dict[str, Promise]] = {
    "case": gettext_lazy("Case"),
    "approval": gettext_lazy("Approval"),
    "customer": gettext_lazy("Customer"),
    "department": gettext_lazy("Unit"),
    "person": pgettext_lazy("member of staff", "Person"),
    "rules": gettext_lazy("Rules"),
    "term": gettext_lazy("List entry"),
    "job": gettext_lazy("Long work"),
    "file": gettext_lazy("File"),
    "ledger": gettext_lazy("Ledger"),
}
LEDGERS: Final[dict[str, Promise]] = {
    "access": gettext_lazy("Access"),
    "settings": gettext_lazy("Settings"),
    "exports": gettext_lazy("Exports"),
    "outbox": gettext_lazy("Messages out"),
    "seals": gettext_lazy("Seals"),
}


@dataclass(frozen=True, slots=True)
class FactLine:
    """One fact: its name as recorded, and its value."""

    name: str
    value: str


def fact_lines(entry: JournalEntry) -> tuple[list[FactLine], int]:
    """Return the facts of an entry and the number of its texts, which are not shown."""
    body: dict[str, Any] = json.loads(entry.body)
    lines = [FactLine(name, _plain(value)) for name, value in sorted(body["facts"].items())]
    return lines, len(body.get("words", {}))


def stream_words(stream: str) -> str:
    """Return what a chain is about: `Approval 12`, `Access`."""
    kind, _colon, name = stream.partition(":")
    if kind == "ledger":
        return str(LEDGERS.get(name, name))
    return f"{STREAMS.get(kind, kind)} {name}"


def _plain(value: Any) -> str:
    """Return a value as text: moments in the bank's zone, nothing as a dash."""
    if value is None or value in ("", [], {}):
        return _("–")
    if isinstance(value, str):
        moment = _moment(value)
        return full_time(moment) if moment else value
    if isinstance(value, list) and not any(isinstance(part, dict | list) for part in value):
        return listed(_plain(part) for part in value)
    if isinstance(value, dict) and all(
        isinstance(v, list) and len(v) == _PAIR for v in value.values()
    ):
        return listed(labelled(k, f"{_plain(v[0])} → {_plain(v[1])}") for k, v in value.items())
    return json.dumps(value, ensure_ascii=False)


def _moment(text: str) -> datetime | None:
    """Return the moment a fact holds; None for any other text."""
    if "T" not in text:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
