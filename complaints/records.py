"""What is added to a case without moving it: notes, calls, files, notices to the customer, chases.

Appends lock the case but compare no version, so a comment is never lost to somebody's click.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints import mentions
from complaints.appending import RecordRefused
from complaints.appending import held as _held
from complaints.appending import needed as _needed
from complaints.choices import OPEN
from complaints.conversation.arriving import acknowledge
from complaints.conversation.speaking import Call, log_call
from complaints.conversation.writing import tell_progress
from complaints.models import Case, CaseAttachment, CaseExclusion
from config.kernel import files, journal, notices
from config.kernel.models import JournalEntry, StoredFile
from config.shared.actors import Actor


def add_note(cases: QuerySet[Case], text: str, *, actor: Actor, at: datetime) -> list[JournalEntry]:
    """Add an internal note; the customer never sees it. Allowed in every state but the archive.

    `@[pk]` mentions a person: they get a notice. MentionRefused when they may not open the case.
    """
    words = _needed(text)
    with _held(cases, actor, at) as held:
        people = mentions.check(held, words, at)
        told = {"mentions": people} if people else {}
        facts = [journal.Fact(case, "case.note", told, {"text": words}) for case in held]
        entries = journal.append(facts, actor=actor, at=at)
        mentions.tell(held, entries, people, actor=actor, at=at)
        return entries


def attach(
    cases: QuerySet[Case], upload: Any, *, actor: Actor, at: datetime
) -> list[CaseAttachment]:
    """Store a file with the one case of `cases`. Raises FileRefused, RecordRefused."""
    with _held(cases, actor, at) as held:
        if len(held) != 1:
            raise RecordRefused("one", _("A file belongs to exactly one case."))
        stored = files.store(upload, kind="case", uploaded_by_id=actor.id, at=at)
        return keep_files(held, [stored], actor=actor, at=at)


def keep_files(
    held: Sequence[Case], stored: Sequence[StoredFile], *, actor: Actor, at: datetime
) -> list[CaseAttachment]:
    """Put stored files to their held cases, pairwise, and record it."""
    facts = [
        journal.Fact(
            case,
            "case.attached",
            {"file": str(file.token), "type": file.content_type, "size": file.size,
             "sha256": file.sha256},
            {"name": file.name},
        )
        for case, file in zip(held, stored, strict=True)
    ]  # fmt: skip
    journal.append(facts, actor=actor, at=at)
    return CaseAttachment.objects.bulk_create(
        CaseAttachment(case=case, file=file, added_by_id=actor.id, added_at=at)
        for case, file in zip(held, stored, strict=True)
    )


def chase(cases: QuerySet[Case], text: str, *, actor: Actor, at: datetime) -> list[JournalEntry]:
    """Remind whoever holds the case (催办); the head where nobody handles it."""
    return _press(cases, text, None, actor, at)


def supervise(
    cases: QuerySet[Case], text: str, *, reply_by: datetime, actor: Actor, at: datetime
) -> list[JournalEntry]:
    """Press for an answer by a date (督办): a person's order, kept in the record."""
    if reply_by <= at:
        raise RecordRefused("past", _("The reply date lies in the past."))
    return _press(cases, text, reply_by, actor, at)


def _press(
    cases: QuerySet[Case], text: str, reply_by: datetime | None, actor: Actor, at: datetime
) -> list[JournalEntry]:
    """Chase or supervise: record it and tell whoever holds the case."""
    words, action = _needed(text), "case.supervise" if reply_by else "case.chase"
    with _held(cases, actor, at, states=OPEN) as held:
        facts = [journal.Fact(c, action, {"reply_by": reply_by}, {"text": words}) for c in held]
        entries = journal.append(facts, actor=actor, at=at)
        named = CaseExclusion.objects.filter(case__in=held).values_list("case_id", "person_id")
        out = set(named)
        tellings = [
            notices.Telling(
                key=f"{action}:{case.number}:{entry.seq}:{person}",
                person_id=person,
                kind=action,
                about=case.about,
                facts={"number": case.number},
                needs_action=True,
            )
            for case, entry in zip(held, entries, strict=True)
            for person in {case.handler_id or case.department.head_id or case.officer_id}
            if person is not None and person != actor.id and (case.pk, person) not in out
        ]
        notices.tell(tellings, at=at)
        return entries


__all__ = [
    "Call",
    "RecordRefused",
    "acknowledge",
    "add_note",
    "attach",
    "chase",
    "keep_files",
    "log_call",
    "supervise",
    "tell_progress",
]
