"""Who may review a decision: the superior unit, and nobody who handled or decided the case."""

from collections.abc import Sequence
from typing import Final

from django.db.models import Exists, OuterRef, Subquery
from django.utils.translation import gettext as _

from complaints.models import Case, CaseReview, HandOver
from config.kernel.models import JournalEntry
from staff import people
from staff.models import Department, Person
from staff.models.accounts import Role

_DECIDING: Final = (
    "case.settle", "case.propose", "case.approve", "case.resolve", "case.notify", "case.sign",
)  # fmt: skip


def marks() -> dict[str, Exists | Subquery]:
    """Return the annotations by which a page knows how far the review of a case is."""
    rows = CaseReview.objects.filter(case=OuterRef("pk"), told_at__isnull=True)
    return {
        "in_review": Exists(rows),
        "review_received": Exists(rows.filter(acknowledged_at__isnull=False)),
        "review_decided": Exists(rows.exclude(decision="")),
        "review_unit": Subquery(rows.values("department")[:1]),
    }


def involved(cases: Sequence[Case]) -> dict[int, frozenset[int]]:
    """Return by case pk who handled it or had a part in deciding it; two queries."""
    found: dict[int, set[int | None]] = {
        case.pk: {case.handler_id, case.officer_id} for case in cases
    }
    hops = HandOver.objects.filter(case__in=cases, handler__isnull=False)
    for case_id, handler in hops.values_list("case_id", "handler_id"):
        found[case_id].add(handler)
    streams = {case.stream: case.pk for case in cases}
    acts = JournalEntry.objects.filter(
        stream__in=list(streams), action__in=_DECIDING, actor_kind="person"
    )
    for stream, actor in acts.values_list("stream", "actor_id"):
        found[streams[stream]].add(actor)
    return {pk: frozenset(who for who in people if who) for pk, people in found.items()}


def reviewers_of(unit: Department, reviewer: Person | None) -> list[int]:
    """Return whom a review is for: the named reviewer, else the head or heads of the unit."""
    if reviewer is not None:
        return [reviewer.pk]
    if unit.head_id:
        return [unit.head_id]
    heads = (Role.DEPARTMENT_HEAD, Role.BRANCH_HEAD, Role.SUPERVISOR)
    return [who.pk for who in people.audience(heads, department=unit)]


def unfit(who: Person, unit: Department, out: frozenset[int], *, is_named: bool = False) -> str:
    """Return why this person cannot review a decision for this unit, or ''."""
    if is_named:
        return _("This person is named in the case.")
    if who.pk in out:
        return _("%(person)s handled or decided this case.") % {"person": who.label}
    if who.department_id != unit.pk:
        told = {"person": who.label, "department": unit.label}
        return _("%(person)s does not work in %(department)s, which reviews this.") % told
    return ""
