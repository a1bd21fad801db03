"""How far a message to the customer is, for the line of the timeline that wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import NoticeMethod, NoticePurpose, NoticeResult
from complaints.models import Case, CustomerNotice
from complaints.reach import reaches
from config.kernel.delivery_words import trouble_words
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.shared.scope import Scope
from config.shared.words import labelled, near_moment_words

_READ: Final = ("pk", "state", "sent_at", "delivered_at", "last_error", "lease", "ready_at")
_STANDS: Final[Mapping[str, tuple[str | Promise, str, str]]] = {
    OutboxState.RETRYING: (gettext_lazy("Trying again"), "refresh", "risk"),
    OutboxState.FAILED: (NoticeResult.NOT_DELIVERED.label, "alert-triangle", "bad"),
    OutboxState.CANCELLED: (gettext_lazy("Stopped before it left"), "ban", ""),
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as drawn: `words` say how far it is, `tone` is good, risk or bad or ''.

    The addresses are empty where nothing is to be done or the reader may not.
    """

    words: str
    icon: str
    tone: str = ""
    what: str = ""
    advice: str = ""
    recall_url: str = ""
    recall_until: str = ""
    resend_url: str = ""
    other_way: bool = False
    astray_url: str = ""
    proof_url: str = ""
    outbox_url: str = ""


def with_messages(rows: QuerySet[CustomerNotice]) -> QuerySet[CustomerNotice]:
    """Return the notices with what their outbox messages say, in the same query."""
    sent = OutboxMessage.objects.filter(key=OuterRef("outbox_key"))
    return rows.annotate(**{f"message_{name}": Subquery(sent.values(name)[:1]) for name in _READ})


def delivery(notice: CustomerNotice, case: Case, scope: Scope, at: datetime) -> Delivery:
    """Return how far a notice of `with_messages` is; no query."""
    words, icon, tone = _words(notice, at)
    marks: dict[str, Any] = {"what": _what(notice)}
    wrong, advice = trouble_words(_said(notice, "last_error") or "")
    state = _said(notice, "state")
    if state in {OutboxState.FAILED, OutboxState.RETRYING} and wrong:
        words, marks["advice"] = labelled(words, wrong), advice
    args = [case.number, notice.pk]
    if reaches(case, scope, "message"):
        marks |= _acts(notice, state, args, at)
    if _may_be_astray(notice, state) and reaches(case, scope, "misdelivered"):
        marks["astray_url"] = reverse("case_astray", args=args)
    if state and scope.may("outbox"):
        marks["outbox_url"] = reverse("outbox_message", args=[_said(notice, "pk")])
    return Delivery(words, icon, tone, **marks)


def _acts(
    notice: CustomerNotice, state: str | None, args: list[Any], at: datetime
) -> dict[str, Any]:
    """Return what somebody who may write to the customer can do about it."""
    if notice.result == NoticeResult.PENDING and _can_stop(notice, state):
        ahead = notice.leaves_at is not None and notice.leaves_at > at
        until = notice.leaves_at.isoformat() if notice.leaves_at and ahead else ""
        return {"recall_url": reverse("case_recall", args=args), "recall_until": until}
    if state == OutboxState.FAILED and notice.result == NoticeResult.NOT_DELIVERED:
        return {"resend_url": reverse("case_resend", args=args), "other_way": True}
    if notice.method == NoticeMethod.LETTER and notice.result == NoticeResult.PENDING:
        return {"proof_url": reverse("case_posted", args=args)}
    return {}


def _can_stop(notice: CustomerNotice, state: str | None) -> bool:
    waits = state in {OutboxState.WAITING, OutboxState.RETRYING}
    return waits and _said(notice, "lease") is None


def _may_be_astray(notice: CustomerNotice, state: str | None) -> bool:
    if notice.misdelivered_at is not None or notice.result == NoticeResult.RECALLED:
        return False
    told = {NoticeResult.TOLD, NoticeResult.DELIVERED, NoticeResult.UNREACHABLE}
    return notice.result in told or state == OutboxState.SENT


def _words(notice: CustomerNotice, at: datetime) -> tuple[str, str, str]:  # noqa: PLR0911 - a table
    """Return words, icon and tone: what was done about it first, then where the message is."""
    match notice.result:
        case NoticeResult.RECALLED:
            return str(NoticeResult.RECALLED.label), "arrow-back-up", ""
        case NoticeResult.MISDELIVERED:
            return str(NoticeResult.MISDELIVERED.label), "user-x", "bad"
        case NoticeResult.NOT_DELIVERED:
            return str(NoticeResult.NOT_DELIVERED.label), "alert-triangle", "bad"
    if (state := _said(notice, "state")) is not None:
        return _of_message(notice, state, at)
    if notice.method == NoticeMethod.LETTER and notice.result == NoticeResult.PENDING:
        return _("Registered letter, proof of posting is missing"), "mail", "risk"
    if notice.method == NoticeMethod.LETTER and notice.delivered_at:
        return _("Posted %(at)s") % {"at": _moment(notice.delivered_at)}, "mail-forward", "good"
    return str(NoticeResult(notice.result).label), "check", ""


def _of_message(notice: CustomerNotice, state: str, at: datetime) -> tuple[str, str, str]:
    """Return where a message in the outbox is."""
    arrived, sent = _said(notice, "delivered_at"), _said(notice, "sent_at")
    if state == OutboxState.SENT:
        pattern = _("Delivered %(at)s") if arrived else _("Sent %(at)s")
        icon, tone = ("checks", "good") if arrived else ("check", "")
        return pattern % {"at": _moment(arrived or sent or at)}, icon, tone
    if state in _STANDS:
        words, icon, tone = _STANDS[state]
        return str(words), icon, tone
    if notice.leaves_at is not None and notice.leaves_at > at:
        return _("Leaves at %(at)s") % {"at": _moment(notice.leaves_at)}, "hourglass", ""
    return _("Waiting to leave"), "hourglass", ""


def _moment(at: datetime) -> str:
    """Return the time of day, with the day where it is another one than today."""
    local, today = timezone.localtime(at), timezone.localdate()
    if local.date() == today:
        return date_format(local, "H:i")
    return near_moment_words(at)


def _what(notice: CustomerNotice) -> str:
    """Return what the message is for, where its line does not say it."""
    if notice.purpose in {NoticePurpose.MESSAGE, NoticePurpose.PROGRESS}:
        return ""
    return str(NoticePurpose(notice.purpose).label)


def _said(notice: CustomerNotice, name: str) -> Any:
    return getattr(notice, f"message_{name}", None)


__all__ = ["Delivery", "delivery", "with_messages"]
