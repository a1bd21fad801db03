"""Starting, stopping, pausing and moving the clocks of held cases.

Every verb takes cases that the caller holds, writes the clocks in the caller's transaction, sets
the clock fields of the case objects, and returns a ClockChange: the facts to append and the names
of the case fields to save. `at` is when the thing happened.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from complaints.choices import ClockName
from complaints.clocks import birth, rematching
from complaints.clocks.desk import (
    CASE_FIELDS,
    OPEN_STATES,
    ClockChange,
    Desk,
    clocks_of,
    refresh_from,
)
from complaints.clocks.events import (
    CASE_CLOCKS,
    STARTED_BY,
    STOPPED_BY,
    happened,
    unsaid,
)
from complaints.clocks.rules import Plan
from complaints.clocks.verdicts import drop, end_all
from complaints.models import Case, CaseClock, CasePause

REOPENED = (ClockName.PROGRESS, ClockName.RESOLVE, ClockName.LOOP)


def change(
    cases: Iterable[Case],
    at: datetime,
    *,
    stop: Collection[str] = (),
    start: Collection[str] = (),
    since: datetime | None = None,
    events: Collection[str] = (),
) -> ClockChange:
    """Do to the clocks of these cases what just happened, reading and writing once.

    What happened are the `events` (`ClockEvent`), those behind the clocks named in `stop`, and,
    without `since`, those that begin the clocks named in `start`. Every clock ends or begins whose
    limit waits for one of them. Where the case says nothing of the event, and for `start` with
    `since`, the named clocks themselves end or begin; one that still runs is cancelled and runs
    anew as the next round. Clocks on the calendar of the handling unit follow the case there.
    """
    desk = Desk(cases, at)
    born: list[CaseClock] = []
    for case in desk.cases:
        plan = desk.plan(case)
        said = {event for event in events if getattr(case, event) is not None}
        said |= happened(case, stop, STOPPED_BY)
        said |= happened(case, start, STARTED_BY) if since is None else set()
        ending = unsaid(case, stop, STOPPED_BY)
        begins = _beginning(desk, case, plan, said, ending)
        begins |= _named(case, plan, start, since)
        begins = {name: moment for name, moment in begins.items() if moment is not None}
        end_all(desk, case, _waiting(desk, case, plan, said, ending))
        _cancel(desk, case, begins)
        rematching.follow_unit(desk, case)
        if begins:
            born += birth.begin_at(desk, case, birth.matched(desk, case), begins)
    return birth.announce(desk, born)


def start(
    cases: Iterable[Case],
    at: datetime,
    names: Collection[str] | None = None,
    since: datetime | None = None,
) -> ClockChange:
    """Start clocks; without `names` all that a newly registered case gets and does not have yet.

    Sets `policy_reason` of a case that has none. A clock whose event has happened (the intake on
    a live channel is the acknowledgement) is born stopped. A clock past due at birth is marked
    breached and told of once, not level by level. A critical case calls the duty leader. For a
    case registered again, ended clocks whose event has not happened begin a round from `at`.

    `names` say that what begins these clocks happened (the assignment, for the signature).
    """
    if names is not None:
        return change(cases, at, start=names, since=since)
    desk = Desk(cases, at)
    return birth.announce(desk, birth.begin(desk, None, since), calls_duty=True)


def stop(cases: Iterable[Case], names: Collection[str], at: datetime) -> ClockChange:
    """Take in that the events behind these clocks happened; late ones keep `breached_at`.

    Acceptance begins the progress clock; a progress notice (which is no event of the case)
    begins the next one. A department that refuses has not signed: its clock just ends.
    """
    return change(cases, at, stop=names)


def happen(cases: Iterable[Case], events: Collection[str], at: datetime) -> ClockChange:
    """Take in that events happened which no clock is named after: the harm was contained."""
    return change(cases, at, events=events)


def next_round(cases: Iterable[Case], names: Collection[str], at: datetime) -> ClockChange:
    """Start the next round of clocks from `at`: a reopened case, a new department to sign.

    A clock whose own start must happen again waits for it; one whose own stop has happened is not
    owed any more.
    """
    return change(cases, at, start=names, since=at)


def restart(cases: Iterable[Case], at: datetime, since: datetime) -> ClockChange:
    """Begin the regulatory clock anew from the receipt of new facts; the old one stays readable."""
    return change(cases, at, start=[ClockName.REGULATORY], since=since)


def progressed(cases: Iterable[Case], at: datetime) -> ClockChange:
    """Note that the customer was told how far the matter is: the next notice is due from now."""
    return stop(cases, [ClockName.PROGRESS], at)


def finish(cases: Iterable[Case], at: datetime) -> ClockChange:
    """End all clocks and pauses of the case: the customer was told. A signature is not owed now.

    The clocks of a review (核查) are not the case's own and run on.
    """
    desk = Desk(cases, at)
    for case in desk.cases:
        _cancel(desk, case, [ClockName.SIGN])
        end_all(desk, case, list(desk.open(case, CASE_CLOCKS)))
    _end_pauses(desk)
    return desk.save()


def cancel(
    cases: Iterable[Case], at: datetime, names: Collection[str] = CASE_CLOCKS
) -> ClockChange:
    """End clocks without a verdict: withdrawn, merged, transferred, not accepted.

    With all its clocks the pauses of a case end too; those of a review run on.
    """
    desk = Desk(cases, at)
    for case in desk.cases:
        _cancel(desk, case, names)
    if set(names) >= set(CASE_CLOCKS):
        _end_pauses(desk)
    return desk.save()


def extend(cases: Iterable[Case], name: str, at: datetime, days: int | None = None) -> ClockChange:
    """Extend one clock by `days` of its unit, or to the next total its policy allows.

    A breach that has happened stays. Cases whose clock does not run or has no further extension
    are left as they are.
    """
    desk = Desk(cases, at)
    for case in desk.cases:
        for clock in desk.open(case, [name]):
            more = next_extension(clock) if days is None else days
            if more:
                was = clock.due_at
                clock.extension_days += more
                desk.set_due(case, clock)
                desk.arm(case, clock)
                desk.tell(case, "clock.extended", _extension(clock, more, was))
    return desk.save()


def next_extension(clock: CaseClock) -> int | None:
    """Return the days by which the policy lets this clock be extended next; None when no more."""
    totals = clock.limit.extensions if clock.limit else []
    reached = clock.amount + clock.extension_days
    return next((total - reached for total in sorted(totals) if total > reached), None)


def refresh(cases: Iterable[Case]) -> set[str]:
    """Set the clock fields of cases from their clocks, unsaved; returns the fields' names."""
    rows = list(cases)
    clocks = clocks_of(rows)
    for case in rows:
        refresh_from(case, clocks[case.pk])
    return set(CASE_FIELDS)


def _end_pauses(desk: Desk) -> None:
    """Close what is still noted as a pause; the clocks have ended."""
    open_ = CasePause.objects.filter(case__in=desk.clocks, ended_at__isnull=True)
    open_.update(ended_at=desk.at)


def _beginning(
    desk: Desk, case: Case, plan: Plan, said: Collection[str], ending: Collection[str]
) -> dict[str, datetime | None]:
    """Return which clocks begin by these events and when; after a notice the next one is due.

    Signing and progress begin with every assignment and acceptance. A clock that its limit lets
    begin with another event does so once: it is not given more time by the second one.
    """
    begins: dict[str, datetime | None] = {}
    for name in plan.limits:
        rule = plan.rule(name)
        known = [clock for clock in desk.clocks[case.pk] if clock.name == name]
        runs = any(clock.state in OPEN_STATES for clock in known)
        if rule.starts_on in said:
            over = bool(known) and rule.ended(case) is not None
            if not rule.own_start or not (runs or over):
                begins[name] = rule.begins(case)
        elif name == ClockName.PROGRESS and name in ending and rule.repeats:
            begins[name] = desk.at if rule.ended(case) is None else None
    return begins


def _named(
    case: Case, plan: Plan, names: Collection[str], since: datetime | None
) -> dict[str, datetime | None]:
    """Return when clocks begin that are started by name: `since`, else as usual."""
    if since is None:
        return {n: plan.rule(n).begins(case) for n in unsaid(case, names, STARTED_BY)}
    rules = {name: plan.rule(name) for name in names}
    return {
        name: since
        for name, rule in rules.items()
        if rule.ended(case) is None and not (rule.own_start and rule.begins(case) is None)
    }


def _waiting(
    desk: Desk, case: Case, plan: Plan, said: Collection[str], ending: Collection[str]
) -> list[CaseClock]:
    """Return the open clocks of the case that these events end, and those ended by name."""
    return [
        clock
        for clock in desk.open(case, CASE_CLOCKS)
        if clock.name in ending or plan.rule(clock.name).stops_on in said
    ]


def _cancel(desk: Desk, case: Case, names: Collection[str]) -> None:
    """End open clocks without a verdict and collect one fact."""
    ended = [drop(desk, clock) for clock in desk.open(case, names)] if names else []
    if ended:
        desk.tell(case, "clock.cancelled", {"at": desk.at, "clocks": ended})


def _extension(clock: CaseClock, more: int, was: datetime) -> dict[str, Any]:
    row = {"name": clock.name, "round": clock.round, "days": clock.extension_days}
    facts = {"name": clock.name, "days": more, "was": was, "due": clock.due_at}
    return facts | {"clocks": [row]}
