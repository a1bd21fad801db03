"""What may be written into the record: the actions, each with the sentence a reader sees."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from config.kernel.models import JournalEntry
from config.shared.registry import contributed


class UnknownAction(LookupError):  # noqa: N818 - reads as words
    """An action nobody contributed: the record takes only actions it can tell in words."""


@dataclass(frozen=True, slots=True)
class Action:
    """A kind of entry. `sentence` is a lazy text with `%(name)s` places for facts.

    `show` turns a fact (usually a code) into words for the reader, by name of the fact; it runs
    when the sentence is read, in the reader's language. `icon` is a sprite name.
    """

    key: str
    sentence: Any
    icon: str = "dot"
    show: Mapping[str, Callable[[Any], object]] = field(default_factory=dict)


class _Shown(dict[str, object]):
    """Facts for a sentence; what an older entry does not hold is a dash, never an error."""

    def __missing__(self, key: str) -> str:
        return "—"


def known(key: str) -> Action:
    """Return the action, or raise UnknownAction."""
    try:
        return contributed(Action)[key]
    except KeyError:
        message = f"action {key!r} is not contributed"
        raise UnknownAction(message) from None


def facts_of(entry: JournalEntry) -> dict[str, Any]:
    """Return the facts of an entry: codes, ids, figures, times as ISO text in UTC."""
    facts: dict[str, Any] = json.loads(entry.body)["facts"]
    return facts


def describe(entry: JournalEntry) -> str:
    """Return the sentence of an entry in the active language; plain text, not HTML."""
    action = contributed(Action).get(entry.action)
    if action is None:  # written by a release that knew it
        return _("Recorded: %(action)s") % {"action": entry.action}
    facts = _Shown({k: "—" if v is None else v for k, v in facts_of(entry).items()})
    for name, words in action.show.items():
        if name in facts and facts[name] != "—":
            facts[name] = words(facts[name])
    return str(action.sentence) % facts
