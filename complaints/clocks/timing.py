"""When a clock is due, at risk, and climbs its ladder: pure arithmetic over what the row pins.

Due times are always computed from the start, never by adding to an older due time, so that a
clock replayed from the record ends at the same second. Units and rules: DOMAIN.md §4.12 and §5.3.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from complaints.models import LadderStep
from config.shared import worktime
from config.shared.worktime import Calendar, Limit, Unit


@dataclass(frozen=True, slots=True)
class Run:
    """What fixes the due time of one clock.

    `amount` is minutes or days of `unit`; 0 means that the due time is `ceiling_at` itself (the
    deadline on a referral sheet). `paused_seconds` are counted on `calendar` in `unit`.
    """

    calendar: Calendar
    unit: Unit
    amount: int
    started_at: datetime
    extension_days: int = 0
    paused_seconds: int = 0
    ceiling_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Margin:
    """The risk line: time left <= the smaller of `minutes` of work and `percent` of the clock.

    None = this figure does not count; with neither there is no line before the due time.
    """

    minutes: int | None = 120
    percent: int | None = 25


@dataclass(frozen=True, slots=True)
class Point:
    """One step of the ladder at its moment."""

    at: datetime
    step: LadderStep


@dataclass(frozen=True, slots=True)
class Office:
    """Where and when warnings are read: the bank's own calendar, minute of the local morning."""

    calendar: Calendar
    warn_minute: int = 540


def base_due(run: Run) -> datetime:
    """Return the due time before pauses, extensions included, never after the ceiling."""
    if run.amount == 0 and run.ceiling_at:
        return run.ceiling_at
    limit = Limit(run.amount + _extension(run), run.unit)
    return _capped(run, worktime.due(run.calendar, run.started_at, limit))


def due_at(run: Run) -> datetime:
    """Return the due time with pauses: moved by the counted time, never after the ceiling."""
    due = base_due(run)
    if run.paused_seconds and run.amount:
        due = worktime.shift(run.calendar, run.unit, due, run.paused_seconds)
    return _capped(run, due)


def counted(run: Run, start: datetime, end: datetime) -> int:
    """Count whole seconds that this clock runs from `start` to `end`; never negative."""
    return max(0, round(worktime.counted_seconds(run.calendar, run.unit, start, end)))


def risk_at(run: Run, due: datetime, margin: Margin) -> datetime:
    """Return from when on the clock is at risk (UX.md §4)."""
    lines = []
    if margin.percent is not None:
        percent = 100 - margin.percent
        lines.append(worktime.percent_point(run.calendar, run.unit, run.started_at, due, percent))
    if margin.minutes is not None:
        lines.append(worktime.before(run.calendar, due, margin.minutes))
    return max(lines, default=due)


def is_provisional(run: Run, due: datetime) -> bool:
    """Tell whether the due time may still move when an official year is published."""
    return run.unit.uses_calendar and worktime.is_provisional(run.calendar, run.started_at, due)


def lead_before(calendar: Calendar, deadline: datetime, start: datetime, days: int) -> datetime:
    """Return the close of the working day `days` before `deadline`.

    When that has passed before the clock starts, the deadline itself.
    """
    on = deadline.astimezone(calendar.zone_info).date()
    close = worktime.close_of(calendar, worktime.nth_working_day(calendar, on, -days))
    return close if close and close > start else deadline


def ladder(run: Run, due: datetime, steps: Iterable[LadderStep], office: Office) -> list[Point]:
    """Return the steps of one clock in the order of their moments.

    Percent steps and minutes before or after count on the clock's own calendar; day steps are
    read at the office's morning, but not after the due time; days after it end with a working
    day of the office.
    """
    points = (point for step in steps for point in _points(run, due, step, office))
    return sorted(points, key=lambda point: (point.at, point.step.level))


def step_code(step: LadderStep) -> str:
    """Return the short name of a step: `80%`, `-3d`, `-120m`, `+60m`, `+1wd`."""
    if step.percent is not None:
        return f"{step.percent}%"
    if step.minutes_before is not None:
        return f"-{step.minutes_before}m"
    if step.minutes_after is not None:
        return f"+{step.minutes_after}m"
    if step.days_before is not None:
        return f"-{step.days_before}d"
    return f"+{step.working_days_after}wd"


def _points(run: Run, due: datetime, step: LadderStep, office: Office) -> Iterator[Point]:
    """Yield the moment of a step; none when it lies beyond the horizon of the calendar."""
    try:
        yield Point(_moment(run, due, step, office), step)
    except worktime.BeyondHorizon:
        return


def _moment(run: Run, due: datetime, step: LadderStep, office: Office) -> datetime:
    if step.percent is not None:
        return worktime.percent_point(run.calendar, run.unit, run.started_at, due, step.percent)
    if step.minutes_before is not None:
        return worktime.before(run.calendar, due, step.minutes_before)
    if step.minutes_after is not None:
        return worktime.add(run.calendar, due, step.minutes_after)
    if step.days_before is not None:
        zone = office.calendar.zone_info
        on = due.astimezone(zone).date() - timedelta(days=step.days_before)
        morning = time(office.warn_minute // 60, office.warn_minute % 60)
        return min(datetime.combine(on, morning, zone), due)
    after = Limit(step.working_days_after or 1, Unit.WORKING_DAYS)
    return worktime.due(office.calendar, due, after)


def _extension(run: Run) -> int:
    """Return the extension in the clock's own unit; a day is 24 h or a usual working day."""
    match run.unit:
        case Unit.ELAPSED_MINUTES:
            return run.extension_days * 1440
        case Unit.WORKING_MINUTES:
            spans = run.calendar.usual_spans
            return run.extension_days * sum(s.end_minute - s.start_minute for s in spans)
        case _:
            return run.extension_days


def _capped(run: Run, due: datetime) -> datetime:
    return due if run.ceiling_at is None else min(due, run.ceiling_at)
