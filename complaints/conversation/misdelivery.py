"""A message reached the wrong person: who must know of it, and what it takes back.

The privacy officer judges the leak; the contact is not the customer's any more; and where it was
the result, the customer was not told: the time of telling is taken back, silence closes nothing,
and somebody is asked to take the case up again. The state stays: only people reopen a case.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import clocks
from complaints.appending import RecordRefused, held, needed
from complaints.choices import NoticePurpose, NoticeResult, Status, TaskKind, WatchedBy
from complaints.conversation import doubting, sharing
from complaints.models import Case, CaseExclusion, CaseGrant, CaseTask, CustomerNotice
from complaints.querysets import CaseQuerySet
from config.kernel import journal, notices
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.shared.actors import Actor
from config.shared.scope import Scope
from customers import contacting
from staff import people
from staff.models import Department
from staff.models.accounts import Role

PRIVACY: Final = "PRIV"
ASTRAY: Final = "case.misdelivered"
TELL_AGAIN: Final = "case.tell_again"
_TIME: Final = timedelta(hours=24)
_EVERY: Final = tuple(Status.values)
_TOLD: Final = (NoticeResult.TOLD, NoticeResult.DELIVERED, NoticeResult.UNREACHABLE)
_STATES: Final = (Status.NOTIFIED, Status.CLOSED)


def report(
    cases: QuerySet[Case], pk: int, reason: str, *, actor: Actor, at: datetime
) -> CustomerNotice:
    """Report that a message of the one case (pk of its CustomerNotice) reached somebody else.

    A message that answered several cases went astray for all of them. Raises RecordRefused
    without a reason, for a message that has not left, or twice.
    """
    why = needed(reason)
    with held(sharing.cases_of(cases, pk), actor, at, states=_EVERY) as rows:
        notice = CustomerNotice.objects.filter(case__in=rows, pk=pk).first()
        if notice is None or not has_left(notice):
            why_not = gettext_lazy("Only a message that has left can have reached somebody.")
            raise RecordRefused("state", why_not)
        by_pk = {case.pk: case for case in rows}
        for row in sharing.notices_of(rows, notice):
            if row.pk == notice.pk or has_left(row):
                _go_astray(by_pk[row.case_id], row, why, actor, at)
        notice.refresh_from_db()
        return notice


def _go_astray(case: Case, notice: CustomerNotice, why: str, actor: Actor, at: datetime) -> None:
    """Take back for one held case what its notice in the message had brought about."""
    untold = _was_the_telling(case, notice)
    notice.misdelivered_at, notice.result = at, NoticeResult.MISDELIVERED
    notice.save(update_fields=["misdelivered_at", "result"])
    point = doubting.point_of(case, notice.method)
    facts = {
        "purpose": notice.purpose, "method": notice.method, "notice": notice.seq,
        "contact": point is not None, "untold": untold,
    }  # fmt: skip
    said = [journal.Fact(case, ASTRAY, facts, {"reason": why})]
    fields = ["updated_at"]
    if untold:
        case.notified_at = None
        if case.status == Status.NOTIFIED:
            case.silence_ends_at = clocks.NEVER
        fields += ["notified_at", "silence_ends_at"]
        said.append(journal.Fact(case, TELL_AGAIN, {"due": at + _TIME}, {"text": _ask()}))
    entries = journal.append(said, actor=actor, at=at, save=fields)
    if untold:
        _task(case, entries[-1].seq, actor, at)
    if point is not None:
        contacting.unverify([point], actor=actor, at=at)
    _tell(case, notice, actor, at, untold=untold)


def has_left(notice: CustomerNotice) -> bool:
    """Tell whether a notice can have reached anybody: told, or its message is out of the house."""
    if notice.misdelivered_at is not None or notice.result == NoticeResult.RECALLED:
        return False
    if notice.result in _TOLD:
        return True
    sent = OutboxMessage.objects.filter(key=notice.outbox_key, state=OutboxState.SENT)
    return bool(notice.outbox_key) and sent.exists()


def astray(scope: Scope) -> QuerySet[CustomerNotice]:
    """Return the messages that reached the wrong person, of the cases this person may see."""
    seen: CaseQuerySet = Case.objects.visible_to(scope)
    rows = CustomerNotice.objects.filter(misdelivered_at__isnull=False, case__in=seen)
    return rows.select_related("case__department", "case__officer")


def _was_the_telling(case: Case, notice: CustomerNotice) -> bool:
    """Tell whether the customer counted as told of the result by this notice alone."""
    if notice.purpose != NoticePurpose.RESULT or case.status not in _STATES:
        return False
    others = CustomerNotice.objects.filter(
        case=case, purpose=NoticePurpose.RESULT, round=case.round, result__in=_TOLD
    )
    return notice.round == case.round and not others.exclude(pk=notice.pk).exists()


def _ask() -> str:
    return _(
        "The result reached the wrong person, so the customer was not told. Find the right "
        "contact, take the case up again and tell the customer."
    )


def _task(case: Case, seq: int, actor: Actor, at: datetime) -> None:
    """Ask the officer (else the unit) to see that the customer is told, within 24 hours."""
    CaseTask.objects.create(
        case=case, kind=TaskKind.OTHER,
        department=case.officer.department if case.officer else case.department,
        person=case.officer, asked_by_id=actor.id if actor.kind == "person" else None,
        asked_at=at, due_at=at + _TIME, mandatory=True, seq=seq,
    )  # fmt: skip


def _tell(case: Case, notice: CustomerNotice, actor: Actor, at: datetime, *, untold: bool) -> None:
    """Tell the privacy officer, who may then read the case; and, of a result, whoever answers."""
    out = set(CaseExclusion.objects.filter(case=case).values_list("person_id", flat=True))
    bosses = [person.pk for person in people.audience([Role.SUPERVISOR])]
    privacy = [pk for pk in _privacy() if pk not in out]
    if not case.restricted:
        _let_read(case, privacy, at)
    told = {ASTRAY: privacy or bosses}
    if untold:
        told[TELL_AGAIN] = [case.officer_id, *bosses] if case.officer_id else bosses
    notices.tell(
        [
            notices.Telling(
                key=f"{kind}:{notice.pk}:{person}",
                person_id=person,
                kind=kind,
                about=case.about,
                facts={"number": case.number, "purpose": notice.purpose},
                needs_action=True,
                channels=("email",),
            )
            for kind, persons in told.items()
            for person in dict.fromkeys(persons)
            if person not in out and (person != actor.id or kind == TELL_AGAIN)
        ],
        at=at,
    )


def _privacy() -> Sequence[int]:
    """Return the head of the privacy office; empty when there is none."""
    units = Department.objects.filter(code=PRIVACY, head__active=True)
    return [pk for pk in units.values_list("head_id", flat=True) if pk]


def _let_read(case: Case, persons: Sequence[int], at: datetime) -> None:
    CaseGrant.objects.bulk_create(
        [
            CaseGrant(case=case, person_id=pk, watcher=True, why=WatchedBy.ESCALATION, at=at)
            for pk in persons
        ],
        ignore_conflicts=True,
    )


__all__ = ["ASTRAY", "TELL_AGAIN", "astray", "has_left", "report"]
