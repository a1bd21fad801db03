"""Everything that happened to a case in one list: from its journal, its words and its calls."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from complaints.choices import CallWay, NoticeResult
from complaints.conversation.deliveries import with_messages
from complaints.hiding import hider
from complaints.models import CallRecord, Case, CustomerNotice
from complaints.reach import reaches
from config.kernel import journal
from config.kernel.actions import Action, describe, facts_of
from config.kernel.models import JournalEntry
from config.shared.registry import contributed
from config.shared.scope import Scope
from config.shared.words import actor_words, noted

_CUSTOMER: Final = frozenset({"case.opened", "case.inbound"})
_OUT: Final = frozenset(
    {"case.message", "case.progress", "case.result_sent", "case.notify", "case.refuse",
     "case.transfer", "case.acknowledged"}
)  # fmt: skip
_NOTES: Final = frozenset({"case.note", "case.chase", "case.supervise"})
_PRIVATE: Final = frozenset({"case.recusal_named", "case.recusal_lifted"})  # why is not for all
_SHOWN_WORDS: Final = (
    "content", "text", "summary", "words", "answer", "reason", "note", "backdate_reason", "name",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One line. `kind`: customer, out (bank's messages), note, call, sys; `words` by name.

    Erased words are None. `via` is how it was said, `delivery` the NoticeResult of a letter;
    `notices` are all messages the entry caused, with how far they are (`deliveries`).
    """

    seq: int
    kind: str
    sentence: str
    icon: str
    who: str
    actor_kind: str
    at: datetime
    words: Mapping[str, str | None] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    via: str = ""
    delivery: str = ""
    action: str = ""
    notices: tuple[CustomerNotice, ...] = ()
    call: CallRecord | None = None

    @property
    def text(self) -> str:
        """The words to show under the sentence, the most telling first."""
        found = [self.words.get(name) for name in _SHOWN_WORDS]
        return next((text for text in found if text), "")

    @property
    def is_erased(self) -> bool:
        """Whether words stood here that were erased on request."""
        return any(text is None for text in self.words.values())


def timeline(case: Case, scope: Scope, *, after: int = 0) -> list[Item]:
    """Return the items of a case, oldest first; three queries however long its history.

    `after` = only entries with a higher number (what is new since the page was drawn). Without
    the act `identity` on this case names and numbers of the customer are hidden in the words,
    without `recusals` the reasons of recusals.
    """
    told = journal.told(journal.entries(case.stream).filter(seq__gt=after))
    calls = {row.seq: row for row in CallRecord.objects.filter(case=case, seq__gt=after)}
    sent = CustomerNotice.objects.filter(case=case, seq__gt=after).order_by("pk")
    letters = _letters(with_messages(sent))
    hide = hider(case, scope)
    open_to_all = reaches(case, scope, "recusals")
    shown = [
        (entry, said if open_to_all or entry.action not in _PRIVATE else {}) for entry, said in told
    ]
    return [
        _item(entry, {name: _hidden(hide, text) for name, text in said.items()}, calls, letters)
        for entry, said in shown
    ]


def _hidden(hide: Callable[[str], str], text: str | None) -> str | None:
    return None if text is None else hide(text)


def _item(
    entry: JournalEntry,
    words: Mapping[str, str | None],
    calls: Mapping[int, CallRecord],
    letters: Mapping[int, list[CustomerNotice]],
) -> Item:
    """Return one line of the timeline."""
    facts = facts_of(entry)
    action = contributed(Action).get(entry.action)
    call, notices = calls.get(entry.seq), letters.get(entry.seq, [])
    letter = next((n for n in notices if n.result == NoticeResult.DELIVERED), None)
    letter = letter or (notices[0] if notices else None)
    via = labelled_way(call) if call else ""
    return Item(
        seq=entry.seq,
        kind=_kind(entry),
        sentence=describe(entry),
        icon=action.icon if action else "dot",
        who=actor_words(entry.actor_label),
        actor_kind=entry.actor_kind,
        at=entry.at,
        words=words,
        facts=facts,
        via=via or (letter.get_method_display() if letter else ""),
        delivery=letter.result if letter else "",
        action=entry.action,
        notices=tuple(notices),
        call=call,
    )


def labelled_way(call: CallRecord) -> str:
    """Return who spoke to whom, and how where it was not by phone."""
    direction = call.get_direction_display()
    return direction if call.way == CallWay.PHONE else noted(direction, call.get_way_display())


def _kind(entry: JournalEntry) -> str:
    """Return how the page draws an entry."""
    if entry.action == "case.call":
        return "call"
    if entry.action in _CUSTOMER or entry.actor_kind == "customer":
        return "customer"
    if entry.action in _OUT:
        return "out"
    return "note" if entry.action in _NOTES else "sys"


def _letters(rows: Iterable[CustomerNotice]) -> dict[int, list[CustomerNotice]]:
    """Return the notices by the entry that caused them, in the order they were written."""
    found: dict[int, list[CustomerNotice]] = {}
    for row in rows:
        found.setdefault(row.seq, []).append(row)
    return found
