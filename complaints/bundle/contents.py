"""What stands in each part of a bundle, in words ready to print; nobody but the customer named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from complaints import printing, timeline
from complaints.bundle.asking import PARTS
from complaints.bundle.redacting import Redactor
from complaints.fact_names import word_label
from complaints.models import Case
from complaints.timeline import Item
from config.kernel.approvals import ApprovalHandler
from config.kernel.models import Approval, JournalEntry
from config.shared.registry import contributed
from config.shared.scope import Scope
from config.shared.words import labelled, moment_words

_LOOKS: Final = frozenset(
    {"case.file_opened", "case.revealed", "case.printed", "case.bundled", "case.bundle_asked",
     "case.bundle_opened", "case.watch_added", "case.watch_removed", "case.recusal_named",
     "case.recusal_lifted", "case.identity_overridden"}
)  # fmt: skip
_DECISIONS: Final = frozenset(
    {"case.settle", "case.propose", "case.approve", "case.send_back", "case.resolve", "case.notify",
     "case.refuse", "case.transfer", "case.decide_review", "case.tell_review", "case.contain",
     "case.ask_compensation", "case.close", "case.confirm", "case.reopen", "case.withdraw"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """A heading with lines of text below it; `rows` are label and value beside each other."""

    heading: str
    lines: list[str] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """One numbered part of the bundle."""

    title: str
    blocks: list[Block]


@dataclass(frozen=True, slots=True)
class _Read:
    """What all parts are made of, read once."""

    case: Case
    scope: Scope
    at: datetime
    items: Sequence[Item]
    actors: Mapping[int, tuple[int | None, str]]
    redact: Redactor


def parts(
    case: Case, scope: Scope, wanted: Sequence[str], names: Sequence[str], at: datetime
) -> tuple[list[Part], Redactor]:
    """Return the wanted parts in their fixed order, and what blacked them out."""
    items = timeline.timeline(case, scope)
    rows = JournalEntry.objects.filter(stream=case.stream)
    actors = {
        seq: (pk, kind) for seq, pk, kind in rows.values_list("seq", "actor_id", "actor_kind")
    }
    texts = [text for item in items for text in item.words.values() if text]
    redact = Redactor(case, texts, names)
    read = _Read(case, scope, at, items, actors, redact)
    made = [Part(str(PARTS[key]), _BLOCKS[key](read)) for key in PARTS if key in wanted]
    return made, redact


def _record(read: _Read) -> list[Block]:
    form = printing.record(read.case, read.scope, read.at)
    blocks = [
        Block(section.title, rows=[(row.label, read.redact(row.value)) for row in section.rows])
        for section in form.sections
    ]
    files = [(read.redact(row.label), row.value) for row in form.files]
    end = [(_("Entries of the record"), str(form.entries)), (_("Last hash"), form.digest)]
    return [*blocks, Block(_("Attachments"), rows=files), Block(_("Log hash"), rows=end)]


def _timeline(read: _Read) -> list[Block]:
    kept = [item for item in read.items if item.kind != "note" and item.action not in _LOOKS]
    return [_block(read, item, words=item.kind != "sys") for item in kept]


def _messages(read: _Read) -> list[Block]:
    kept = [item for item in read.items if item.kind in {"customer", "out", "call"}]
    return [_block(read, item) for item in kept]


def _decisions(read: _Read) -> list[Block]:
    return [_block(read, item) for item in read.items if item.action in _DECISIONS]


def _notes(read: _Read) -> list[Block]:
    return [_block(read, item) for item in read.items if item.kind == "note"]


def _approvals(read: _Read) -> list[Block]:
    """Return the requests about the case: what was asked, by whom, and how it was decided."""
    handlers = contributed(ApprovalHandler)
    blocks = []
    for row in Approval.objects.filter(about=read.case.about).order_by("asked_at", "pk"):
        title = str(handlers[row.kind].title) if row.kind in handlers else row.kind
        asked = read.redact.who(row.asked_by_id, "person", row.asked_by_label)
        rows = [
            (_("Asked by"), f"{asked} · {moment_words(row.asked_at)}"),
            (_("Reason"), read.redact(row.reason) or "–"),
            (_("State"), str(row.get_state_display())),
        ]
        if row.decided_at:
            decided = read.redact.who(row.decided_by_id, "person", row.decided_by_label)
            rows.append((_("Decided by"), f"{decided} · {moment_words(row.decided_at)}"))
            rows.append((_("Decision"), read.redact(row.decision) or "–"))
        blocks.append(Block(title, rows=rows))
    return blocks


def _block(read: _Read, item: Item, *, words: bool = True) -> Block:
    """Return one line of the timeline with its words."""
    pk, kind = read.actors.get(item.seq, (None, item.actor_kind))
    who = read.redact.who(pk, kind, item.who)
    said = " · ".join(part for part in (moment_words(item.at), who) if part)
    heading = f"{said} · {read.redact(item.sentence)}"
    lines = []
    for name, text in item.words.items() if words else ():
        if text is None:
            lines.append(_("The words were erased."))
        elif text.strip():
            label = word_label(name)
            told = read.redact(text)
            lines.append(labelled(label, told) if len(item.words) > 1 else told)
    return Block(heading, lines)


_BLOCKS: Final[Mapping[str, Callable[[_Read], list[Block]]]] = {
    "record": _record,
    "timeline": _timeline,
    "messages": _messages,
    "decisions": _decisions,
    "approvals": _approvals,
    "notes": _notes,
}

__all__ = ["Block", "Part", "parts"]
