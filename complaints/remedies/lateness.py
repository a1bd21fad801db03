"""Remedies that were promised and are overdue: told once, also after the case was closed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from complaints.choices import RemedyState
from complaints.models import CaseExclusion, CaseRemedy
from complaints.remedies.ledger import LATE, about
from config.kernel import notices
from staff import people
from staff.models.accounts import Role

_CHUNK: Final = 200


def escalate(at: datetime) -> int:
    """Due work `remedies`: tell owner, head of the unit and supervisors; returns how many.

    A remedy is told of once (`escalated_at`); safe to run twice and beside itself.
    """
    done = 0
    while rows := _claimed(at):
        done += len(rows)
    return done


def _claimed(at: datetime) -> list[CaseRemedy]:
    """Tell of one chunk of overdue remedies in one transaction."""
    late = CaseRemedy.objects.filter(
        state=RemedyState.PROMISED, due_at__lte=at, escalated_at__isnull=True
    )
    with transaction.atomic():
        pks = list(
            late.order_by("due_at", "pk")
            .select_for_update(skip_locked=True)
            .values_list("pk", flat=True)[:_CHUNK]
        )
        if not pks:
            return []
        CaseRemedy.objects.filter(pk__in=pks).update(escalated_at=at)
        rows = list(
            CaseRemedy.objects.filter(pk__in=pks)
            .select_related("case__department", "department", "term")
            .order_by("pk")
        )
        notices.tell(list(_tellings(rows)), at=at)
    return rows


def _tellings(rows: Sequence[CaseRemedy]) -> Iterable[notices.Telling]:
    bosses = [person.pk for person in people.audience([Role.SUPERVISOR])]
    named = CaseExclusion.objects.filter(case__in={row.case_id for row in rows})
    out = set(named.values_list("case_id", "person_id"))
    for row in rows:
        unit = row.department or row.case.department
        wanted = {row.owner_id, unit.head_id, *bosses} - {None}
        for person in sorted(pk for pk in wanted if pk is not None):
            if (row.case_id, person) in out:
                continue
            if row.case.restricted and person != row.owner_id:
                continue
            yield notices.Telling(
                key=f"{LATE}:{row.pk}:{person}",
                person_id=person,
                kind=LATE,
                about=about(row),
                facts={"number": row.case.number, "remedy": row.term.code},
                needs_action=True,
            )


__all__ = ["escalate"]
