"""The customer chased (催办): counted, recorded, told to whoever holds the case.

Anybody who may register a case may record it, also on a case they cannot read: the customer who
calls again must not be sent away. The third chase raises the severity by one grade, never above
high (`CaseRules.chases_raise`; every further third does so again).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from complaints.case_rules import rules_at
from complaints.choices import OPEN, Severity
from complaints.clocks.audience import recused
from complaints.models import Case
from complaints.relations.frame import held
from complaints.workflow.classing import raise_severity
from complaints.workflow.payloads import Grading
from config.kernel import journal, notices
from config.kernel.models import JournalEntry
from config.shared.actors import SYSTEM, Actor
from staff import people
from staff.models.accounts import Role

ACTION: Final = "case.customer_chased"
ONCE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Chased:
    """What came of it: the count now, `fresh` False for a double click, `raised` the new grade."""

    case: Case
    count: int
    fresh: bool = True
    raised: int | None = None


def customer_chased(
    cases: QuerySet[Case], text: str, *, actor: Actor, at: datetime
) -> list[Chased]:
    """Count that the customers of these open cases chased; one result per case, in pk order.

    The same person within 60 seconds counts once. An append: nobody's open form is overtaken by
    it. The owner (handler, else head of the department, else officer) and the supervisors are
    told, the actor and recused people are not. RelationRefused for a case that is not open.
    """
    with transaction.atomic():
        with held(cases, actor=actor, at=at, states=OPEN) as rows:
            twice = _just_chased(rows, actor, at)
            fresh = [case for case in rows if case.stream not in twice]
            for case in fresh:
                case.chase_count, case.chased_at = case.chase_count + 1, at
            facts = [
                journal.Fact(
                    case, ACTION, {"count": case.chase_count},
                    {"text": text.replace("\x00", "").strip()},
                )
                for case in fresh
            ]  # fmt: skip
            entries = journal.append(facts, actor=actor, at=at)
            Case.objects.filter(pk__in=[case.pk for case in fresh]).update(
                chase_count=F("chase_count") + 1, chased_at=at, updated_at=at
            )
            _tell(fresh, entries, actor, at)
        raised = _raise(fresh, at)
    return [
        Chased(case, case.chase_count, case.stream not in twice, raised.get(case.pk))
        for case in rows
    ]


def _just_chased(cases: Sequence[Case], actor: Actor, at: datetime) -> set[str]:
    """Return the streams in which this person recorded a chase a moment ago; one query."""
    rows = JournalEntry.objects.filter(
        stream__in=[case.stream for case in cases],
        action=ACTION,
        actor_kind=actor.kind,
        actor_id=actor.id,
        at__gt=at - ONCE,
    )
    return set(rows.values_list("stream", flat=True))


def _raise(cases: Sequence[Case], at: datetime) -> dict[int, int]:
    """Raise the severity where the rule says so; returns the new grades by pk."""
    limit = max(1, rules_at(at).chases_raise)
    due = [c for c in cases if c.chase_count % limit == 0 and c.severity < Severity.HIGH]
    found: dict[int, int] = {}
    for grade in sorted({case.severity + 1 for case in due}):
        rows = Case.objects.filter(pk__in=[c.pk for c in due if c.severity + 1 == grade])
        reason = _("The customer has chased %(count)s times.") % {"count": limit}
        for outcome in raise_severity(rows, Grading(grade, reason), actor=SYSTEM, at=at):
            if outcome.done:
                found[outcome.case.pk] = grade
    return found


def _tell(
    cases: Sequence[Case], entries: Sequence[JournalEntry], actor: Actor, at: datetime
) -> None:
    """Write the notices to owner and supervisors; recused people hear nothing."""
    if not cases:
        return
    bosses = [person.pk for person in people.audience([Role.SUPERVISOR])]
    out = recused(cases)
    tellings = [
        notices.Telling(
            key=f"{ACTION}:{case.number}:{entry.seq}:{pk}",
            person_id=pk,
            kind=ACTION,
            about=case.about,
            facts={"number": case.number, "count": case.chase_count},
            needs_action=True,
        )
        for case, entry in zip(cases, entries, strict=True)
        for pk in dict.fromkeys([_owner(case), *bosses])
        if pk is not None and pk != actor.id and pk not in out[case.pk] and _may(case, pk)
    ]
    notices.tell(tellings, at=at)


def _owner(case: Case) -> int | None:
    return case.handler_id or case.department.head_id or case.officer_id


def _may(case: Case, pk: int) -> bool:
    """Of a restricted case only its own people hear: a notice would tell others that it exists."""
    return not case.restricted or pk in {case.handler_id, case.officer_id, case.department.head_id}
