"""Making clocks: which limit, from when, until when; and what happens to those born late."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from complaints.choices import ClockName, ClockState, PauseKind, Severity
from complaints.clocks import timing
from complaints.clocks.audience import Audience, Directory
from complaints.clocks.desk import OPEN_STATES, ClockChange, Desk
from complaints.clocks.events import CASE_CLOCKS, DAY_CLOCKS, STARTED_BY, STOPPED_BY
from complaints.clocks.rules import Plan, in_force
from complaints.clocks.telling import call_critical, step_tellings
from complaints.clocks.timing import Run
from complaints.clocks.verdicts import give_verdict
from complaints.models import Case, CaseClock, ClockLimit, Escalation
from config.kernel import notices
from config.kernel.models import RuleSet
from config.shared.worktime import Unit

__all__ = ["STARTED_BY", "STOPPED_BY", "Preview", "Terms", "announce", "begin", "begin_review"]

_CAPPED = (ClockName.RESOLVE, ClockName.LOOP)


@dataclass(frozen=True, slots=True)
class Terms:
    """What one clock is measured by; `amount` 0 = `ceiling` is the due time itself."""

    limit: ClockLimit
    calendar: RuleSet | None
    unit: str
    amount: int
    ceiling: datetime | None

    def apply(self, clock: CaseClock) -> None:
        """Put the terms on a clock; its dates must be computed afterwards."""
        clock.limit, clock.calendar = self.limit, self.calendar
        clock.unit, clock.amount, clock.ceiling_at = self.unit, self.amount, self.ceiling


def begin(desk: Desk, names: Collection[str] | None, since: datetime | None) -> list[CaseClock]:
    """Make the clocks of every case on the desk; `names` None = all it does not have yet."""
    born: list[CaseClock] = []
    for case in desk.cases:
        plan = matched(desk, case)
        wanted = CASE_CLOCKS if names is None else [n for n in CASE_CLOCKS if n in names]
        begins = {name: since or plan.rule(name).begins(case) for name in wanted}
        if names is None:
            begins = {n: _beginning(desk, case, plan, n, begins[n]) for n in wanted}
        born += begin_at(desk, case, plan, begins)
    return born


def matched(desk: Desk, case: Case) -> Plan:
    """Return what a case gets, keeping the reason; a case without any limit is recorded once."""
    plan = desk.plan(case)
    is_new = keep_reason(desk, case, plan)
    if is_new and plan.policy is None:
        desk.tell(case, "clock.none", {"rule_set": plan.reason.get("rule_set")})
    return plan


def begin_at(
    desk: Desk, case: Case, plan: Plan, begins: Mapping[str, datetime | None]
) -> list[CaseClock]:
    """Make clocks by name and beginning (None = not yet) and record them."""
    made = [
        clock
        for name, since in begins.items()
        if since is not None and (clock := make(desk, case, plan, name, since)) is not None
    ]
    tell_started(desk, case, plan, made)
    return made


def begin_review(desk: Desk, since: datetime, names: Collection[str]) -> list[CaseClock]:
    """Make clocks of a review (核查) under the rules in force; none where these know no review."""
    book = in_force(desk.at)
    born: list[CaseClock] = []
    for case in desk.cases if book else ():
        plan = book.review_plan(case) if book else Plan()
        born += begin_at(desk, case, plan, dict.fromkeys(names, since))
    return born


def tell_started(desk: Desk, case: Case, plan: Plan, made: Sequence[CaseClock]) -> None:
    """Record new clocks, and which of them stand still because the case waits."""
    if not made:
        return
    facts = {"policy": plan.reason.get("policy"), "clocks": [row(clock) for clock in made]}
    desk.tell(case, "clock.started", facts)
    stood = [{"name": c.name, "round": c.round} for c in made if c.state == ClockState.PAUSED]
    if stood:
        facts = {"kind": PauseKind.INTERNAL, "at": desk.at, "until": None, "clocks": stood}
        desk.tell(case, "clock.paused", facts)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a case would get: the matching reason and its clocks, unsaved, soonest due first."""

    reason: Mapping[str, Any]
    clocks: Sequence[CaseClock]


def preview(case: Case, at: datetime) -> Preview:
    """Return which clocks an unsaved case would start with at `at`; writes nothing."""
    desk = Desk([case], at)
    born = begin(desk, None, None)
    return Preview(case.policy_reason or {}, sorted(born, key=lambda clock: clock.due_at))


def keep_reason(desk: Desk, case: Case, plan: Plan) -> bool:
    """Store why the case has these limits; tells whether that is news."""
    if not plan.reason or dict(plan.reason) == case.policy_reason:
        return False
    case.policy_reason = dict(plan.reason)
    desk.change.fields.add("policy_reason")
    return True


def make(desk: Desk, case: Case, plan: Plan, name: str, started_at: datetime) -> CaseClock | None:
    """Return a new clock on the desk, armed or born stopped; None when the policy has no limit.

    In a waiting state in which it stands still it is born paused, from now on.
    """
    terms = terms_of(desk, case, plan, name, started_at)
    if terms is None:
        return None
    rounds = [c.round for c in desk.clocks[case.pk] if c.name == name]
    clock = CaseClock(case=case, name=name, round=max(rounds, default=0) + 1, started_at=started_at)
    terms.apply(clock)
    desk.set_due(case, clock)
    _settle(case, clock, plan, desk.at)
    desk.add(clock)
    desk.arm(case, clock)
    return clock


def terms_of(desk: Desk, case: Case, plan: Plan, name: str, started_at: datetime) -> Terms | None:
    """Return the terms of a clock: the tightest of its limits, under the referral's ceiling."""
    ceiling = _ceiling(desk, case, plan, started_at)
    if name == ClockName.EXTERNAL:
        if plan.lead is None or ceiling is None:
            return None
        pinned = desk.calendars.for_limit(plan.lead, case)
        return Terms(plan.lead, pinned, Unit.CALENDAR_DAYS, 0, case.external_due_at)
    options = [
        Terms(
            limit,
            desk.calendars.for_limit(limit, case),
            limit.unit,
            limit.amount,
            ceiling if name in _CAPPED else None,
        )
        for limit in plan.limits.get(name, ())
    ]
    return min(options, key=lambda terms: _due(desk, terms, started_at), default=None)


def row(clock: CaseClock) -> dict[str, Any]:
    """Return what the record keeps of a clock so that it can be computed again."""
    return {
        "name": clock.name,
        "round": clock.round,
        "limit": clock.limit_id,
        "calendar": clock.calendar_id,
        "unit": clock.unit,
        "amount": clock.amount,
        "started": clock.started_at,
        "ceiling": clock.ceiling_at,
        "days": clock.extension_days,
        "due": clock.due_at,
        "stopped": clock.stopped_at,
    }


def announce(desk: Desk, born: Sequence[CaseClock], *, calls_duty: bool = False) -> ClockChange:
    """Save the desk, record what was late at birth and tell once about it; call the duty leader."""
    late = [c for c in born if c.stopped_at is None and c.due_at <= desk.at]
    for clock in late:
        clock.breached_at = clock.breached_at or clock.due_at
        desk.touch(clock)
    for case_id, clocks in _by_case(late).items():
        case = next(case for case in desk.cases if case.pk == case_id)
        rows = [{"name": c.name, "round": c.round, "due": c.due_at} for c in clocks]
        desk.tell(case, "clock.breached", {"late_at_birth": True, "clocks": rows})
    change = desk.save()
    cases = {case.pk: case for case in desk.cases}
    grave = [x for x in desk.cases if calls_duty and x.severity == Severity.CRITICAL]
    if late or grave:
        _tell(desk, late, grave, cases)
    return change


def _beginning(
    desk: Desk, case: Case, plan: Plan, name: str, usual: datetime | None
) -> datetime | None:
    """Return when a clock of a (newly) registered case begins; None when it should not.

    A further round begins now, except the limits set from outside, which always count from
    receipt.
    """
    earlier = [clock for clock in desk.clocks[case.pk] if clock.name == name]
    if not earlier:
        return usual
    ended = plan.rule(name).ended(case)
    if ended or any(clock.state in OPEN_STATES for clock in earlier):
        return None
    return usual if name in DAY_CLOCKS or usual is None else desk.at


def _settle(case: Case, clock: CaseClock, plan: Plan, at: datetime) -> None:
    """Stop a first-round clock whose event is known already; mark a breach seen at birth."""
    rule = plan.rule(clock.name)
    stopped = rule.ended(case) if clock.round == 1 else None
    if stopped is not None and (stopped >= clock.started_at or rule.own_start):
        give_verdict(clock, max(stopped, clock.started_at))
    elif clock.due_at <= at:
        clock.breached_at = clock.due_at
    elif rule.waits(case):
        clock.state, clock.paused_at = ClockState.PAUSED, at


def _ceiling(desk: Desk, case: Case, plan: Plan, started_at: datetime) -> datetime | None:
    """Return when a referred case must be answered; None without a deadline still ahead."""
    deadline = case.external_due_at
    if plan.lead is None or deadline is None or deadline <= started_at:
        return None
    hours = desk.calendars.of(desk.calendars.for_limit(plan.lead, case))
    return timing.lead_before(hours, deadline, started_at, plan.lead.amount)


def _due(desk: Desk, terms: Terms, started_at: datetime) -> datetime:
    hours = desk.calendars.of(terms.calendar)
    run = Run(hours, Unit(terms.unit), terms.amount, started_at, ceiling_at=terms.ceiling)
    return timing.due_at(run)


def _by_case(clocks: Iterable[CaseClock]) -> dict[int, list[CaseClock]]:
    found: dict[int, list[CaseClock]] = {}
    for clock in clocks:
        found.setdefault(clock.case_id, []).append(clock)
    return found


def _tell(
    desk: Desk, late: Sequence[CaseClock], grave: Sequence[Case], cases: Mapping[int, Case]
) -> None:
    """Record the passed levels of late clocks unsent, send one per case, call the duty leader."""
    first = {pk: min(rows, key=lambda c: c.due_at) for pk, rows in _by_case(late).items()}
    heard = _audiences(desk, [*grave, *(cases[pk] for pk in first)])
    tellings: list[notices.Telling] = []
    fired: list[Escalation] = []
    for clock in late:
        case = cases[clock.case_id]
        passed = [p for p in desk.points(case, clock) if p.at <= desk.at]
        loud = next((p for p in passed if p.step.breach), None)
        if first[case.pk] is not clock:
            loud = None
        for point in passed:
            people = heard[case.pk].of(case, point.step.audience) if point is loud else []
            fired.append(
                Escalation(
                    clock=clock,
                    due_rev=clock.due_rev,
                    level=point.step.level,
                    step=timing.step_code(point.step),
                    planned_at=point.at,
                    fired_at=desk.at,
                    audience=people,
                    sent=point is loud,
                )
            )
        if loud:
            people = heard[case.pk].of(case, loud.step.audience)
            tellings += step_tellings(case, clock, loud, people, stage="late")
    Escalation.objects.bulk_create(fired)
    notices.tell(tellings, at=desk.at)
    for audience in dict.fromkeys(heard.values()) if grave else ():
        rows = [case for case in grave if heard[case.pk] is audience]
        call_critical(rows, audience, at=desk.at)


def _audiences(desk: Desk, cases: Iterable[Case]) -> dict[int, Audience]:
    """Return who hears of each case, by its pk, with the complaint office that its rules name."""
    offices: dict[str, dict[int, Case]] = {}
    for case in cases:
        book = desk.book(case)
        offices.setdefault(book.complaint_office if book else "CMPT", {})[case.pk] = case
    found: dict[int, Audience] = {}
    for code, rows in offices.items():
        found |= dict.fromkeys(rows, Audience(list(rows.values()), Directory(code), at=desk.at))
    return found
