"""Taking a message to a customer back before it leaves, and sending one again that was given up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints import unsent
from complaints.appending import RecordRefused, held
from complaints.choices import NoticePurpose, NoticeResult, Status
from complaints.conversation import promises, sharing
from complaints.models import Case, CustomerNotice
from config.kernel import journal, outbox, saved
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.shared.actors import Actor

_EVERY: Final = tuple(Status.values)
_FREE: Final = (NoticePurpose.MESSAGE, NoticePurpose.PROGRESS)
"""Messages whose words somebody typed; the others are made anew from the case."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was taken back: the notice, and the words that somebody had typed ('' = none).

    `others` are the further cases whose messages of the same act were taken back with it.
    """

    notice: CustomerNotice
    text: str
    subject: str = ""
    others: tuple[Case, ...] = ()


def recall(cases: QuerySet[Case], pk: int, *, actor: Actor, at: datetime) -> Recalled:
    """Stop one message (pk of its CustomerNotice) of the one case that has not left yet.

    A message that answers several cases is stopped for all of them; with a result go the letters
    that the same act wrote to the senders of merged cases: all are taken back or none.

    Of a recall and a sender exactly one wins. What the delivery would have done (the customer
    counts as told, clocks stop) has not happened and does not. A promise made in the message is
    taken back; typed words are kept as the person's draft. Raises RecordRefused when it is gone.
    """
    with held(sharing.cases_of_act(cases, pk), actor, at, states=_EVERY) as rows:
        notice = _pending(rows, pk, NoticeResult.PENDING)
        letters = [row for row in sharing.act_of(notice) if row.case_id in {c.pk for c in rows}]
        stopped = _stop(letters, notice, actor, at)
        by_pk = {case.pk: case for case in rows}
        told = _mark([row for row in letters if row.outbox_key in stopped], NoticeResult.RECALLED)
        for row in told:
            if row.purpose in _FREE:
                promises.withdraw([by_pk[row.case_id]], [row.seq], at=at)
        facts = [journal.Fact(by_pk[row.case_id], "case.recalled", _facts(row)) for row in told]
        journal.append(facts, actor=actor, at=at, save=["promised_reply_at", "updated_at"])
        case = by_pk[notice.case_id]
        text, subject = _typed(case, notice)
        if text and actor.id is not None:
            typed = {"text": [text], "subject": [subject]}
            body = {name: words for name, words in typed.items() if words[0]}
            saved.save_draft(actor.id, draft_key(case, notice), body, at=at)
        others = [by_pk[pk] for pk in sorted({row.case_id for row in told} - {case.pk})]
        return Recalled(notice, text, subject, tuple(others))


def resend(cases: QuerySet[Case], pk: int, *, actor: Actor, at: datetime) -> CustomerNotice:
    """Put a message that was given up back in the queue; raises RecordRefused when it is not."""
    with held(sharing.cases_of(cases, pk), actor, at, states=_EVERY) as rows:
        notice = _pending(rows, pk, NoticeResult.NOT_DELIVERED)
        failed = OutboxMessage.objects.filter(key=notice.outbox_key, state=OutboxState.FAILED)
        if not outbox.retry(failed, actor=actor, at=at):
            raise RecordRefused("moved", _("This message has moved on meanwhile."))
        by_pk = {case.pk: case for case in rows}
        lost = [row for row in sharing.notices_of(rows, notice) if row.result == notice.result]
        told = _mark(lost, NoticeResult.PENDING)
        facts = [journal.Fact(by_pk[row.case_id], "case.resent", _facts(row)) for row in told]
        journal.append(facts, actor=actor, at=at, save=["updated_at"])
        return notice


def draft_key(case: Case, notice: CustomerNotice) -> str:
    """Return under which name the words of a recalled message are kept: their composer's own."""
    kind = notice.purpose if notice.purpose == NoticePurpose.PROGRESS else notice.method
    return f"case:{case.pk}:{unsent.WRITE}{kind}"


def _pending(rows: list[Case], pk: int, result: str) -> CustomerNotice:
    """Return the notice of the held cases in this state, or refuse."""
    wanted = CustomerNotice.objects.filter(case__in=rows, pk=pk, result=result)
    notice = wanted.exclude(outbox_key="").select_related("case").first()
    if notice is None:
        raise _left()
    return notice


def _stop(
    letters: list[CustomerNotice], notice: CustomerNotice, actor: Actor, at: datetime
) -> set[str]:
    """Stop the messages of one act; refuses all of them when one is out of the house already.

    Returns the keys of those stopped; messages that were given up or stopped before stay so.
    """
    keys = {row.outbox_key for row in letters}
    messages = OutboxMessage.objects.filter(key__in=keys)
    stopped = set(outbox.recall(messages, actor=actor, at=at))
    over = (OutboxState.CANCELLED, OutboxState.FAILED)
    gone = set(messages.exclude(state__in=over).values_list("key", flat=True))
    if notice.outbox_key in gone or notice.outbox_key not in stopped:
        raise _left()
    if gone:
        why = _(
            "It was too late: a letter of the same answer to another sender has left already, so "
            "none was taken back."
        )
        raise RecordRefused("left", why)
    return stopped


def _left() -> RecordRefused:
    return RecordRefused("left", _("It was too late: the message has left already."))


def _mark(rows: list[CustomerNotice], after: str) -> list[CustomerNotice]:
    """Give notices that one act concerns a new state; returns them."""
    for row in rows:
        row.result = after
    CustomerNotice.objects.bulk_update(rows, ["result"])
    return rows


def _facts(notice: CustomerNotice) -> dict[str, object]:
    return {"purpose": notice.purpose, "method": notice.method, "notice": notice.seq}


def _typed(case: Case, notice: CustomerNotice) -> tuple[str, str]:
    """Return the words and the subject that somebody typed for this message, from the record."""
    if notice.purpose not in _FREE:
        return "", ""
    entry = journal.entries(case.stream).filter(seq=notice.seq)
    said: Mapping[str, str | None] = next(iter(journal.words_of(entry).values()), {})
    return said.get("text") or "", said.get("subject") or ""


__all__ = ["Recalled", "draft_key", "recall", "resend"]
