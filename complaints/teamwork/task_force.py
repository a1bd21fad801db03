"""The task force of a case: people of several departments who read it and note, nothing else.

Membership is a CaseGrant of this one case. It ends when somebody is taken out, or when the case
is archived or left aside.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.choices import ENDED_ASIDE, Status, WatchedBy
from complaints.holding import hold_cases
from complaints.models import Case, CaseGrant
from complaints.teamwork import access
from complaints.teamwork.access import TeamRefused
from config.kernel import journal, notices
from config.kernel.models import Notice
from config.shared.actors import Actor
from staff.models import Person

ADDED, REMOVED = "case.force_added", "case.force_removed"
OVER: Final = (*ENDED_ASIDE, Status.ARCHIVED)


@dataclass(frozen=True, slots=True)
class Member:
    """One line of the panel."""

    person: Person
    since: datetime


def members(case: Case) -> list[Member]:
    """Return who is in the task force, the earliest first; one query."""
    rows = CaseGrant.objects.filter(case=case, why=WatchedBy.TASK_FORCE)
    kept = rows.select_related("person__department").order_by("at", "pk")
    return [Member(row.person, row.at) for row in kept]


def add(
    cases: QuerySet[Case], people: Collection[int], reason: str, *, actor: Actor, at: datetime
) -> int:
    """Take people into the task force of these cases, with a reason; returns how many are new.

    TeamRefused, and nothing is written, without a reason, for a case that is over, a recused
    person, one who does not work on cases, or one who may not open a restricted case.
    """
    wanted, words = sorted(set(people)), access.needed(reason, "reason")
    with hold_cases(cases) as held:
        out = access.refuse_recused(held.rows, actor)
        fit = access.able(wanted)
        fresh = {}
        for case in held.rows:
            _refuse(case, wanted, fit, out[case.pk])
            there = {member.person.pk for member in members(case)}
            fresh[case.pk] = [pk for pk in wanted if pk not in there]
        access.let_in(fresh, WatchedBy.TASK_FORCE, at)
        facts = [
            journal.Fact(case, ADDED, {"people": fresh[case.pk]}, {"reason": words})
            for case in held.rows
            if fresh[case.pk]
        ]
        journal.append(facts, actor=actor, at=at)
        notices.tell(_tellings(held.rows, fresh, actor), at=at)
    return sum(len(pks) for pks in fresh.values())


def remove(
    cases: QuerySet[Case], people: Collection[int], reason: str, *, actor: Actor, at: datetime
) -> int:
    """Take people out of the task force, with a reason; their access ends. Returns how many."""
    words = access.needed(reason, "reason")
    with hold_cases(cases) as held:
        access.refuse_recused(held.rows, actor)
        gone = {case.pk: access.leave_force(case, people) for case in held.rows}
        facts = [
            journal.Fact(case, REMOVED, {"people": gone[case.pk]}, {"reason": words})
            for case in held.rows
            if gone[case.pk]
        ]
        journal.append(facts, actor=actor, at=at)
        for case in held.rows:
            told = Notice.objects.filter(about=case.about, kind=ADDED, person_id__in=gone[case.pk])
            told.filter(done_at__isnull=True).update(done_at=at)
    return sum(len(pks) for pks in gone.values())


def _refuse(case: Case, wanted: Sequence[int], fit: set[int], out: set[int]) -> None:
    if case.status in OVER:
        raise TeamRefused("state", _("The case is over; it needs no task force."))
    if out & set(wanted):
        message = _("This person stays out of the case (recusal).")
        raise TeamRefused("recused", message).at_field("people")
    if not wanted or set(wanted) - fit:
        message = _("Only people who work on cases and have an account can be added.")
        raise TeamRefused("person", message).at_field("people")
    if case.restricted and set(wanted) - access.sees_restricted(case, wanted):
        message = _("The case is restricted: only who may open it already can be added.")
        raise TeamRefused("restricted", message).at_field("people")


def _tellings(
    cases: Sequence[Case], fresh: dict[int, list[int]], actor: Actor
) -> list[notices.Telling]:
    return [
        notices.Telling(
            key=f"{ADDED}:{case.number}:{case.event_seq}:{pk}",
            person_id=pk,
            kind=ADDED,
            about=case.about,
            facts={"number": case.number},
            channels=("email",),
        )
        for case in cases
        for pk in fresh[case.pk]
        if pk != actor.id
    ]
