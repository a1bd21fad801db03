"""Taking a message to a customer back before it leaves, and sending one again that was given up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

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
    """What was taken back: the notice, and the words that somebody had typed ('' = none)."""

    notice: CustomerNotice
    text: str


def recall(cases: QuerySet[Case], pk: int, *, actor: Actor, at: datetime) -> Recalled:
    """Stop one message (pk of its CustomerNotice) of the one case that has not left yet.

    A message that answers several cases is stopped for all of them.

    Of a recall and a sender exactly one wins. What the delivery would have done (the customer
    counts as told, clocks stop) has not happened and does not. A promise made in the message is
    taken back; typed words are kept as the person's draft. Raises RecordRefused when it is gone.
    """
    with held(sharing.cases_of(cases, pk), actor, at, states=_EVERY) as rows:
        notice = _pending(rows, pk, NoticeResult.PENDING)
        message = OutboxMessage.objects.filter(key=notice.outbox_key)
        if not outbox.recall(message, actor=actor, at=at):
            raise RecordRefused("left", _("It was too late: the message has left already."))
        by_pk = {case.pk: case for case in rows}
        told = _mark(rows, notice, NoticeResult.PENDING, NoticeResult.RECALLED)
        for row in told:
            promises.withdraw([by_pk[row.case_id]], [row.seq], at=at)
        facts = [journal.Fact(by_pk[row.case_id], "case.recalled", _facts(row)) for row in told]
        journal.append(facts, actor=actor, at=at, save=["promised_reply_at", "updated_at"])
        case = by_pk[notice.case_id]
        text = _typed(case, notice)
        if text and actor.id is not None:
            saved.save_draft(actor.id, draft_key(case, notice), {"text": text}, at=at)
        return Recalled(notice, text)


def resend(cases: QuerySet[Case], pk: int, *, actor: Actor, at: datetime) -> CustomerNotice:
    """Put a message that was given up back in the queue; raises RecordRefused when it is not."""
    with held(sharing.cases_of(cases, pk), actor, at, states=_EVERY) as rows:
        notice = _pending(rows, pk, NoticeResult.NOT_DELIVERED)
        failed = OutboxMessage.objects.filter(key=notice.outbox_key, state=OutboxState.FAILED)
        if not outbox.retry(failed, actor=actor, at=at):
            raise RecordRefused("moved", _("This message has moved on meanwhile."))
        by_pk = {case.pk: case for case in rows}
        told = _mark(rows, notice, NoticeResult.NOT_DELIVERED, NoticeResult.PENDING)
        facts = [journal.Fact(by_pk[row.case_id], "case.resent", _facts(row)) for row in told]
        journal.append(facts, actor=actor, at=at, save=["updated_at"])
        return notice


def draft_key(case: Case, notice: CustomerNotice) -> str:
    """Return under which name the words of a recalled message are kept."""
    kind = notice.purpose if notice.purpose == NoticePurpose.PROGRESS else notice.method
    return f"case:{case.pk}:{kind}"


def _pending(rows: list[Case], pk: int, result: str) -> CustomerNotice:
    """Return the notice of the held cases in this state, or refuse."""
    wanted = CustomerNotice.objects.filter(case__in=rows, pk=pk, result=result)
    notice = wanted.exclude(outbox_key="").first()
    if notice is None:
        raise RecordRefused("left", _("It was too late: the message has left already."))
    return notice


def _mark(
    rows: list[Case], notice: CustomerNotice, before: str, after: str
) -> list[CustomerNotice]:
    """Give every notice of this message in the state `before` the state `after`; returns them."""
    marked = [row for row in sharing.notices_of(rows, notice) if row.result == before]
    for row in marked:
        row.result = after
    CustomerNotice.objects.bulk_update(marked, ["result"])
    return marked


def _facts(notice: CustomerNotice) -> dict[str, object]:
    return {"purpose": notice.purpose, "method": notice.method, "notice": notice.seq}


def _typed(case: Case, notice: CustomerNotice) -> str:
    """Return the words somebody typed for this message, from the record."""
    if notice.purpose not in _FREE:
        return ""
    entry = journal.entries(case.stream).filter(seq=notice.seq)
    words = journal.words_of(entry)
    return next((said.get("text") or "" for said in words.values()), "")


__all__ = ["Recalled", "draft_key", "recall", "resend"]
