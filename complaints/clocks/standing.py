"""Clocks that stand still while a case waits: pause, resume, and how long a pause may last."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from complaints.choices import ClockName, ClockState, PauseKind
from complaints.clocks.desk import ClockChange, Desk
from complaints.clocks.events import NEVER_PAUSED
from complaints.clocks.verdicts import run_on, stand
from complaints.models import Case, CaseClock, CasePause
from config.shared import worktime

PAUSED_BY: Mapping[str, Collection[str]] = {
    PauseKind.INTERNAL: [name for name in ClockName.values if name not in NEVER_PAUSED],
    PauseKind.APPRAISAL: [ClockName.REGULATORY],
}


def pause(
    cases: Iterable[Case],
    at: datetime,
    kind: str = PauseKind.INTERNAL,
    expected_end: datetime | None = None,
    by_id: int | None = None,
) -> ClockChange:
    """Let clocks stand still: the internal ones, or for an outside appraisal the regulatory one.

    Of the internal ones those whose limit lets them stand in the state the case waits in now.
    What is late stays late: a clock past its due time is not paused. A case that is paused in
    this kind already is left as it is.
    """
    desk = Desk(cases, at)
    standing = set(_pauses(desk.cases, kind).values_list("case_id", flat=True))
    fresh = [case for case in desk.cases if case.pk not in standing]
    CasePause.objects.bulk_create(
        CasePause(
            case=case,
            kind=kind,
            status=case.status,
            started_at=at,
            expected_end_at=expected_end,
            by_id=by_id,
        )
        for case in fresh
    )
    for case in fresh:
        stood = [stand(desk, clock) for clock in _standing(desk, case, kind, case.status)]
        facts = {"kind": kind, "at": at, "until": expected_end, "clocks": stood}
        desk.tell(case, "clock.paused", facts)
    return desk.save()


def resume(cases: Iterable[Case], at: datetime, kind: str = PauseKind.INTERNAL) -> ClockChange:
    """Let paused clocks run on: due times move by the time counted on their own calendars.

    Only ladder levels still ahead are armed again. Cases without such a pause are left as they are.
    """
    desk = Desk(cases, at)
    rows = _pauses(desk.cases, kind)
    standing = set(rows.values_list("case_id", flat=True))
    if standing:
        rows.update(ended_at=at)
    for case in desk.cases:
        if case.pk in standing:
            paused = [c for c in desk.open(case, PAUSED_BY[kind]) if c.state == ClockState.PAUSED]
            ran = [run_on(desk, case, clock) for clock in paused]
            desk.tell(case, "clock.resumed", {"kind": kind, "at": at, "clocks": ran})
    return desk.save()


def longest_pause(cases: Iterable[Case], at: datetime, status: str) -> dict[int, datetime]:
    """Return by case pk when a pause beginning now in `status` must end at the latest.

    The end of the last of so many working days of the office as the strictest of the clocks it
    halts allows; cases without rules are left out. One query for any number of cases.
    """
    desk = Desk(cases, at)
    found = {}
    for case in desk.cases:
        book = desk.book(case)
        halted = _standing(desk, case, PauseKind.INTERNAL, status)
        caps = [c.limit.max_pause_days for c in halted if c.limit and c.limit.max_pause_days]
        if book:
            usual = len(caps) < len(halted) or not halted
            days = min([*caps, *([book.max_pause_days] if usual else [])])
            hours = book.office(desk.calendars).calendar
            on = worktime.nth_working_day(hours, at.astimezone(hours.zone_info).date(), days)
            found[case.pk] = datetime.combine(on + timedelta(days=1), time.min, hours.zone_info)
    return found


def _standing(desk: Desk, case: Case, kind: str, status: str) -> list[CaseClock]:
    """Return the running clocks that a pause of this kind halts in this state."""
    plan = desk.plan(case)
    return [
        clock
        for clock in desk.open(case, PAUSED_BY[kind])
        if clock.state == ClockState.RUNNING
        and clock.due_at > desk.at
        and (kind != PauseKind.INTERNAL or plan.rule(clock.name).stands(status))
    ]


def _pauses(cases: Iterable[Case], kind: str) -> Any:
    return CasePause.objects.filter(
        case__in=[case.pk for case in cases], kind=kind, ended_at__isnull=True
    )
