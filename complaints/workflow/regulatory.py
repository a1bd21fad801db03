"""The regulatory limit: extended, standing still for an outside appraisal, begun anew (§4.12).

Only these acts move it. The first extension is the supervisor's, everything else the senior
approver's, and the complainant is told with the reason.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints import clocks
from complaints.choices import ClockName, ClockState, NoticePurpose, PauseKind
from complaints.models import Case, CaseClock, CasePause
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Appraising, Note, Reason, Restarting
from complaints.workflow.work import Work
from config.shared.actors import Actor

_OPEN = (ClockState.RUNNING, ClockState.PAUSED)


def extend(
    cases: QuerySet[Case],
    what: Reason,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Extend the regulatory limit to its next total (day 30, day 60); called by the approval.

    From the second extension on the customer is told with the reason.
    """
    work = Work("extend", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        before = {case.pk: case.regulatory_due_at for case in ready}
        stages = extension_stages(ready)
        change = clocks.extend(ready, name=ClockName.REGULATORY, at=at)
        extended = {fact.owner.pk for fact in change.facts}
        for case in ready:
            if case.pk not in extended:
                why = _("The regulatory limit has no further extension.")
                work.refuse(case, Refusal.GUARD, why)
                continue
            stage = stages.get(case.pk, 1)
            facts = {"stage": stage, "was": before[case.pk], "due": case.regulatory_due_at}
            seq = work.move(case, facts, {"reason": what.reason})
            if stage > 1:
                _tell_customer(work, case, seq, {"reason": what.reason, "until": facts["due"]})
        work.clocks(change)
    return work.outcomes


def external_appraisal(
    cases: QuerySet[Case],
    what: Appraising,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Let the regulatory limit stand still for an outside appraisal; called by the approval.

    Every other clock runs on. Needs a document and an expected end, at which the limit runs on
    by itself; the customer is told with the reason.
    """
    work = Work("external_appraisal", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        hindered = obstacles(ready, what, at)
        for case in ready:
            if case.pk in hindered:
                work.refuse(case, Refusal.GUARD, hindered[case.pk])
                continue
            facts = {"appraiser": what.appraiser, "until": what.expected_end_at,
                     "proof": what.proof_id, "due": case.regulatory_due_at}  # fmt: skip
            seq = work.move(case, facts, {"reason": what.reason})
            told = {"appraiser": what.appraiser, "until": what.expected_end_at}
            _tell_customer(work, case, seq, {"reason": what.reason, **told})
        change = clocks.pause(
            work.moved,
            at=at,
            kind=PauseKind.APPRAISAL,
            expected_end=what.expected_end_at,
            by_id=actor.id,
        )
        work.clocks(change)
    return work.outcomes


def end_appraisal(
    cases: QuerySet[Case],
    what: Note | None = None,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Let the regulatory limit run on: the appraisal is there. Its due time moves by the pause."""
    work = Work("end_appraisal", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        pauses = CasePause.objects.filter(
            case__in=ready, kind=PauseKind.APPRAISAL, ended_at__isnull=True
        )
        standing = set(pauses.values_list("case_id", flat=True))
        for case in ready:
            if case.pk not in standing:
                work.refuse(case, Refusal.GUARD, _("No outside appraisal is under way."))
                continue
            work.move(case, {}, {"note": what.note if what else ""})
        work.clocks(clocks.resume(work.moved, at=at, kind=PauseKind.APPRAISAL))
    return work.outcomes


def restart_new_facts(
    cases: QuerySet[Case],
    what: Restarting,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Begin the regulatory limit anew from the receipt of new material; called by the approval.

    The old clock stays readable with its due time and its breach; the customer is told.
    """
    work = Work("restart_new_facts", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        hindered = obstacles(ready, what, at)
        fit = [case for case in ready if case.pk not in hindered]
        before = {case.pk: case.regulatory_due_at for case in fit}
        since = what.new_facts_at or at
        change = clocks.restart(fit, at, since)
        for case in ready:
            if case.pk in hindered:
                work.refuse(case, Refusal.GUARD, hindered[case.pk])
                continue
            due = case.regulatory_due_at
            facts = {"since": since, "proof": what.proof_id, "was": before[case.pk], "due": due}
            seq = work.move(case, facts, {"reason": what.reason})
            told = {"reason": what.reason, "new_facts": since, "until": due}
            _tell_customer(work, case, seq, told)
        work.clocks(change)
    return work.outcomes


def obstacles(cases: Sequence[Case], what: Appraising | Restarting, at: datetime) -> dict[int, str]:
    """Return by case pk why the limit can neither stand still nor begin anew; one query."""
    rows = CaseClock.objects.filter(case__in=cases, name=ClockName.REGULATORY, state__in=_OPEN)
    running = {clock.case_id: clock for clock in rows}
    judge = _no_appraisal if isinstance(what, Appraising) else _no_restart
    found = {case.pk: judge(running.get(case.pk), what, at) for case in cases}
    return {pk: why for pk, why in found.items() if why}


def extension_stages(cases: list[Case]) -> dict[int, int]:
    """Return which extension of the regulatory limit would come next, by case pk: 1, 2 ...

    Cases whose regulatory clock does not run or has no further extension are left out.
    """
    running = CaseClock.objects.filter(
        case__in=cases, name=ClockName.REGULATORY, stopped_at__isnull=True
    )
    return {
        clock.case_id: 2 if clock.extension_days else 1
        for clock in running.select_related("limit")
        if clocks.next_extension(clock)
    }


def _no_appraisal(clock: CaseClock | None, what: Any, at: datetime) -> str:
    """Return why the limit cannot stand still, or ''."""
    if not what.appraiser.strip() or not what.reason.strip():
        return _("Say who appraises, and give the reason.")
    if what.proof_id is None:
        return _("An outside appraisal needs its document.")
    if what.expected_end_at is None or what.expected_end_at <= at:
        return _("The expected end lies in the past.")
    if clock is None or clock.state != ClockState.RUNNING or clock.due_at <= at:
        return _("The regulatory limit does not run any more, or it stands still already.")
    return ""


def _no_restart(clock: CaseClock | None, what: Any, at: datetime) -> str:
    """Return why the limit cannot begin anew, or ''."""
    if not what.reason.strip():
        return _("Give the reason.")
    if clock is None:
        return _("The regulatory limit does not run any more, or it stands still already.")
    if clock.state == ClockState.PAUSED:
        return _("The outside appraisal must end first.")
    if what.new_facts_at is None or not clock.started_at < what.new_facts_at <= at:
        return _("New material is received after the limit began, and not in the future.")
    return ""


def _tell_customer(work: Work, case: Case, seq: int, words: Mapping[str, Any]) -> None:
    """Write that it takes longer; where no message can go, the named person has to tell."""
    plain = {name: getattr(value, "isoformat", lambda v=value: str(v))()
             for name, value in words.items() if value is not None}  # fmt: skip
    if not work.write(case, NoticePurpose.EXTENSION, seq, plain):
        who = [case.officer_id or case.handler_id]
        work.tell(case, "case.not_delivered", who, purpose=NoticePurpose.EXTENSION)
