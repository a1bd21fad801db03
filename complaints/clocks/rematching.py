"""Changed cases and changed calendars: running clocks get new limits from their old beginning."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from complaints.choices import OPEN, ClockState, PauseKind
from complaints.clocks import birth, history, timing
from complaints.clocks.desk import ClockChange, Desk
from complaints.clocks.events import CASE_CLOCKS, NEVER_PAUSED, ClockRule
from complaints.clocks.rules import DEPARTMENT, Plan
from complaints.clocks.verdicts import close_pause, drop, give_verdict, run_on, stand
from complaints.models import Case, CaseClock
from config.kernel.models import RuleSet


@dataclass(slots=True)
class Matching:
    """One case under a new plan: what it had, what is recorded of its clocks.

    The rows of clocks stand by what became of them: kept, dropped, running on, standing still.
    """

    case: Case
    before: Plan
    plan: Plan
    stories: history.Stories
    kept: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    ran: list[dict[str, Any]] = field(default_factory=list)
    stood: list[dict[str, Any]] = field(default_factory=list)


def rematch(cases: Iterable[Case], at: datetime) -> ClockChange:
    """Match the rules again after a change of type, severity or referral deadline.

    Within the version of the rules the case started with, and going forward only: stopped clocks
    keep their verdict. Running ones get the new limit from their original start (pauses counted
    anew on its calendar), or from the event the new limit names; those the new policy does not
    know, or whose start has not happened, are cancelled; missing ones start, also those that an
    earlier matching had cancelled. A pause ends or begins where the new limit says so.
    """
    desk = Desk(cases, at)
    stories = history.of(_running(desk))
    born: list[CaseClock] = []
    for case in desk.cases:
        book = desk.book(case)
        if book is None:
            continue
        code, before = (case.policy_reason or {}).get("policy"), desk.plan(case)
        matching = Matching(case, before, book.plan(case), stories)
        birth.keep_reason(desk, case, matching.plan)
        born += measure_anew(desk, matching, {"before": code})
    return birth.announce(desk, born, calls_duty=True)


def follow(desk: Desk, calendars: dict[str, RuleSet]) -> ClockChange:
    """Move the open clocks of a desk to newer versions of their calendars, by kind."""
    recount(desk, calendars)
    return desk.save()


def recount(desk: Desk, calendars: dict[str, RuleSet]) -> None:
    """Count the open clocks of a desk on other versions of their calendars, in memory."""
    stories = history.of(_running(desk))
    for case in desk.cases:
        _move(
            desk,
            case,
            {
                clock: newer
                for clock in desk.open(case)
                if clock.calendar and (newer := calendars.get(clock.calendar.kind))
            },
            stories,
        )


def follow_unit(desk: Desk, case: Case) -> None:
    """Let clocks on the calendar of the handling unit count by that of the present one."""
    moved = {}
    for clock in desk.open(case):
        if clock.limit and clock.limit.calendar == DEPARTMENT:
            version = desk.calendars.for_limit(clock.limit, case)
            if version and (clock.calendar is None or version.kind != clock.calendar.kind):
                moved[clock] = version
    if moved:
        _move(desk, case, moved, history.of([case]))


def measure_anew(
    desk: Desk, matching: Matching, facts: Mapping[str, Any], action: str = "clock.rematched"
) -> list[CaseClock]:
    """Put the terms of a new plan on the open clocks of a case and record it as `action`.

    Returns the clocks that had to begin; `facts` are added to the record.
    """
    case, plan = matching.case, matching.plan
    for clock in list(desk.open(case, CASE_CLOCKS)):
        _measure(desk, matching, clock)
    born = _missing(desk, matching)
    if matching.kept or matching.dropped:
        base = {"policy": plan.reason.get("policy"), "at": desk.at, **facts}
        desk.tell(case, action, base | {"clocks": matching.kept, "cancelled": matching.dropped})
    pauses: dict[str, Any] = {"kind": PauseKind.INTERNAL, "at": desk.at}
    if matching.ran:
        desk.tell(case, "clock.resumed", pauses | {"clocks": matching.ran})
    if matching.stood:
        desk.tell(case, "clock.paused", pauses | {"until": None, "clocks": matching.stood})
    birth.tell_started(desk, case, plan, born)
    return born


def _measure(desk: Desk, matching: Matching, clock: CaseClock) -> None:
    """Give one open clock its new start, limit, end and pause."""
    case, plan = matching.case, matching.plan
    old, new = matching.before.rule(clock.name), plan.rule(clock.name)
    same = clock.round > 1 or old.starts_on == new.starts_on
    started = clock.started_at if same else new.begins(case)
    terms = birth.terms_of(desk, case, plan, clock.name, started) if started else None
    if terms is None or started is None:
        matching.dropped.append(drop(desk, clock))
        return
    calendar, clock.started_at = clock.calendar, started
    terms.apply(clock)
    if calendar and clock.calendar and calendar.kind == clock.calendar.kind:
        clock.calendar = calendar
    _date(desk, case, clock, matching.stories)
    ended = new.ended(case) if clock.round == 1 and old.stops_on != new.stops_on else None
    if ended is not None:
        close_pause(desk, case, clock)
        give_verdict(clock, max(ended, started))
    elif clock.name not in NEVER_PAUSED:
        _fit_pause(desk, matching, clock, new)
    matching.kept.append(birth.row(clock))


def _fit_pause(desk: Desk, matching: Matching, clock: CaseClock, rule: ClockRule) -> None:
    """Let an internal clock stand or run as its new limit says for the state of the case."""
    case = matching.case
    if clock.state == ClockState.PAUSED and not rule.stands(case.status):
        matching.ran.append(run_on(desk, case, clock))
    elif clock.state == ClockState.RUNNING and rule.waits(case) and clock.due_at > desk.at:
        matching.stood.append(stand(desk, clock))


def _missing(desk: Desk, matching: Matching) -> list[CaseClock]:
    """Begin the clocks that the new policy has and the case never had, or lost by a matching."""
    case, plan = matching.case, matching.plan
    if case.status not in OPEN:
        return []
    last = {clock.name: clock for clock in desk.clocks[case.pk]}
    made = []
    for name in CASE_CLOCKS:
        rule, clock = plan.rule(name), last.get(name)
        story = matching.stories.get((case.pk, name, clock.round)) if clock else None
        lost = story is not None and story.dropped and rule.ended(case) is None
        begins = rule.begins(case) if clock is None or lost else None
        if begins and (fresh := birth.make(desk, case, plan, name, begins)):
            made.append(fresh)
    return made


def _move(
    desk: Desk, case: Case, calendars: dict[CaseClock, RuleSet], stories: history.Stories
) -> None:
    """Let clocks count on other versions of calendars and record the new due times."""
    moved = []
    for clock, newer in calendars.items():
        if newer.pk != clock.calendar_id:
            was, clock.calendar = clock.due_at, newer
            _date(desk, case, clock, stories)
            moved.append(birth.row(clock) | {"was": was})
    if moved:
        desk.tell(case, "clock.recalendared", {"at": desk.at, "clocks": moved})


def _date(desk: Desk, case: Case, clock: CaseClock, stories: history.Stories) -> None:
    """Count pauses anew and compute the dates; one that is late now is seen by the next sweep."""
    story = stories.get((case.pk, clock.name, clock.round))
    if story and story.pauses:
        run = desk.run(clock)
        clock.paused_seconds = sum(timing.counted(run, *stretch) for stretch in story.pauses)
    desk.set_due(case, clock)
    desk.arm(case, clock)


def _running(desk: Desk) -> list[Case]:
    """Return the cases that have an open clock; a pause may have counted nothing until now."""
    return [case for case in desk.cases if any(desk.open(case))]
