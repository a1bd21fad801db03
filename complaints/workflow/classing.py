"""What the case is: type, severity, the regulator's mark, containment."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints import clocks
from complaints.choices import ClockEvent, Severity
from complaints.models import Case
from complaints.workflow.lookups import term
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Containing, Grading, Reason, Retyping
from complaints.workflow.work import Work
from config.shared.actors import Actor


def retype(
    cases: QuerySet[Case],
    what: Retyping,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Give cases their right type; clocks are matched again, `type_at_receipt` stays."""
    work = Work("retype", actor=actor, at=at)
    kind = term("feedback_type", what.type)
    with work.on(cases, expected) as ready:
        for case in ready:
            if kind is None or kind.pk == case.type_id or not what.reason.strip():
                why = _("Choose another type and give the reason.")
                work.refuse(case, Refusal.GUARD, why)
                continue
            restricted = case.restricted or bool(kind.flags.get("restricted"))
            facts = {"type": kind.code, "type_before": case.type.code}
            words = {"reason": what.reason}
            work.move(case, facts, words, type=kind, restricted=restricted)
            if restricted:
                work.index(case)
        work.clocks(clocks.rematch(work.moved, at=at))
    return work.outcomes


def raise_severity(
    cases: QuerySet[Case],
    what: Grading,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Raise the severity; clocks are matched again and never get longer by it."""
    work = Work("raise_severity", actor=actor, at=at)
    return _grade(work, cases, what, expected)


def lower_severity(
    cases: QuerySet[Case],
    what: Grading,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Lower the severity; the supervisor's act. A case with the regulator's mark stays critical."""
    work = Work("lower_severity", actor=actor, at=at)
    return _grade(work, cases, what, expected)


def set_major(
    cases: QuerySet[Case],
    what: Reason,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Mark cases as major in the regulator's sense: critical, and to be reported (§4.5)."""
    work = Work("set_major", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            if case.regulatory_major or not what.reason.strip():
                why = _("The case is marked already, or the reason is missing.")
                work.refuse(case, Refusal.GUARD, why)
                continue
            facts = {"severity_before": case.severity}
            work.move(
                case,
                facts,
                {"reason": what.reason},
                regulatory_major=True,
                severity=Severity.CRITICAL,
            )
            work.tell(case, "case.major", [case.officer_id, case.handler_id])
        work.clocks(clocks.rematch(work.moved, at=at))
    return work.outcomes


def clear_major(
    cases: QuerySet[Case],
    what: Reason,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Take the regulator's mark away, with a reason; the severity stays until it is lowered."""
    work = Work("clear_major", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            if not case.regulatory_major or not what.reason.strip():
                why = _("The case is not marked, or the reason is missing.")
                work.refuse(case, Refusal.GUARD, why)
                continue
            work.move(case, {}, {"reason": what.reason}, regulatory_major=False)
        work.done_with("case.major")
    return work.outcomes


def contain(
    cases: QuerySet[Case],
    what: Containing,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Record that the harm of critical cases stopped, with its evidence (K04d)."""
    work = Work("contain", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            if why := _not_contained(case, what):
                work.refuse(case, Refusal.GUARD, why)
                continue
            work.move(case, {"proof": what.proof_id}, {"words": what.words}, contained_at=at)
        work.clocks(clocks.happen(work.moved, [ClockEvent.CONTAINED], at))
    return work.outcomes


def _grade(
    work: Work,
    cases: QuerySet[Case],
    what: Grading,
    expected: Mapping[int, int] | None,
) -> list[Outcome]:
    """Change the severity in the direction of the verb."""
    up = work.rules.verb == "raise_severity"
    with work.on(cases, expected) as ready:
        for case in ready:
            if why := _wrong_grade(case, what, up=up):
                work.refuse(case, Refusal.GUARD, why)
                continue
            facts = {"severity": int(what.severity), "severity_before": case.severity}
            work.move(case, facts, {"reason": what.reason}, severity=int(what.severity))
        work.clocks(clocks.rematch(work.moved, at=work.at))
    return work.outcomes


def _wrong_grade(case: Case, what: Grading, *, up: bool) -> str:
    """Return why this severity is not possible, or ''."""
    if what.severity not in Severity.values or not what.reason.strip():
        return _("Choose a severity and give the reason.")
    if what.severity == case.severity or (what.severity > case.severity) != up:
        return _("The severity would not be raised.") if up else _("It would not be lowered.")
    if not up and case.regulatory_major:
        return _("A major complaint in the regulator's sense stays critical.")
    return ""


def _not_contained(case: Case, what: Containing) -> str:
    """Return why containment cannot be recorded, or ''."""
    if case.severity != Severity.CRITICAL:
        return _("Containment is recorded for critical cases.")
    if case.contained_at is not None:
        return _("The harm was contained before.")
    if not what.words.strip() or what.proof_id is None:
        return _("Say what stopped the harm and attach the evidence.")
    return ""
