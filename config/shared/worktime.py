"""Business-time arithmetic: due times, working time between moments, the explanation of both.

Pure and exact: moments are aware datetimes in any zone (results in UTC), time is counted in whole
microseconds over the real time in which a calendar is open, and a question costs a few look-ups
however long the clock runs. Every search ends within ten years or raises BeyondHorizon.
Rules: DESIGN.md §4 "Work time", DOMAIN.md §4.12 and §5.3.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from config.shared.calendars import Calendar, Day
from config.shared.openings import (
    DAY,
    HORIZON_DAYS,
    HORIZON_YEARS,
    MINUTE,
    SECOND,
    WHOLE_DAY,
    BeyondHorizon,
    CalendarError,
    NoOpening,
    Span,
    intervals,
    local_day,
    micros,
    moment_of,
)

__all__ = [
    "BeyondHorizon",
    "Calendar",
    "CalendarError",
    "Day",
    "Kind",
    "Limit",
    "NoOpening",
    "Segment",
    "Span",
    "Unit",
    "add",
    "before",
    "between",
    "close_of",
    "counted_seconds",
    "due",
    "is_open",
    "is_provisional",
    "next_opening",
    "nth_working_day",
    "percent_point",
    "segments",
    "shift",
    "working_days_between",
]


class Unit(StrEnum):
    """What a limit is counted in (DOMAIN.md §4.12: E, working h, wd, C)."""

    ELAPSED_MINUTES = "elapsed_minutes"
    WORKING_MINUTES = "working_minutes"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"

    @property
    def uses_calendar(self) -> bool:
        """False for the units whose clock runs 7 x 24 and knows no day off."""
        return self in {Unit.WORKING_MINUTES, Unit.WORKING_DAYS}


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take: `amount` >= 1 of `unit`."""

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise ValueError(f"A limit of {self.amount} {self.unit} is over before it starts.")


class Kind(StrEnum):
    """Why time was counted or not."""

    COUNTED = "counted"
    MAKEUP = "makeup"
    CLOSED = "closed"
    HOLIDAY = "holiday"
    WEEKEND = "weekend"


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of time, [start, end) in UTC, and why it counts or not.

    The names are those of the special day, else empty.
    """

    start: datetime
    end: datetime
    kind: Kind
    name_en: str = ""
    name_zh: str = ""

    @property
    def counted(self) -> bool:
        """True for opening hours of ordinary and of make-up working days."""
        return self.kind in {Kind.COUNTED, Kind.MAKEUP}

    @property
    def minutes(self) -> float:
        """Real length in minutes."""
        return (self.end - self.start) / timedelta(minutes=1)


def due(calendar: Calendar, start: datetime, limit: Limit) -> datetime:
    """Return when a limit that starts at `start` is reached, in UTC.

    Working minutes run in opening hours only; n working days end at the close of the nth working
    day strictly after the local date of `start`; n calendar days end at 23:59:59 local on that
    date + n, never moved off a holiday.
    """
    match limit.unit:
        case Unit.ELAPSED_MINUTES:
            return _plain(start, limit.amount * MINUTE)
        case Unit.WORKING_MINUTES:
            return add(calendar, start, limit.amount)
        case Unit.WORKING_DAYS:
            day = local_day(calendar.zone_info, micros(start))
            return moment_of(calendar.openings.nth_day(day, limit.amount)[1])
        case Unit.CALENDAR_DAYS:
            return _end_of_day(calendar, start, limit.amount)


def add(calendar: Calendar, start: datetime, minutes: float) -> datetime:
    """Find the earliest moment by which the calendar was open for `minutes` since `start`.

    Ends on a closing time rather than on the next opening; `between(start, add(start, m)) == m`.
    Negative minutes go back as `before` does.
    """
    return _move(calendar, start, round(minutes * MINUTE))


def before(calendar: Calendar, moment: datetime, minutes: float) -> datetime:
    """Find the latest moment from which the calendar is open for `minutes` until `moment`.

    For the lead time of a warning: it falls on an opening time rather than on the closing before
    it, and so meets people at work.
    """
    return _move(calendar, moment, -round(minutes * MINUTE))


def between(calendar: Calendar, start: datetime, end: datetime) -> float:
    """Count the open minutes from `start` to `end`; negative when `end` comes first."""
    return calendar.openings.counted(micros(start), micros(end)) / MINUTE


def counted_seconds(calendar: Calendar, unit: Unit, start: datetime, end: datetime) -> float:
    """Count the seconds that a clock of this unit runs from `start` to `end`.

    7 x 24 or in the calendar's opening hours, as the unit says; negative when `end` comes first.
    """
    return _counted(calendar, unit, start, end) / SECOND


def percent_point(
    calendar: Calendar, unit: Unit, start: datetime, due_at: datetime, percent: int
) -> datetime:
    """Find when `percent` of the time from `start` to `due_at` has run on the clock's own calendar.

    100 is `due_at` itself, more lies behind it. A clock without any time to run has all its points
    at `due_at`.
    """
    whole = _counted(calendar, unit, start, due_at)
    if percent == 100 or whole <= 0:
        return due_at.astimezone(UTC)
    part = whole * percent // 100
    return _move(calendar, start, part) if unit.uses_calendar else _plain(start, part)


def shift(calendar: Calendar, unit: Unit, due_at: datetime, paused: float) -> datetime:
    """Return the due time after a pause of `paused` seconds, as `counted_seconds` counts them."""
    amount = round(paused * SECOND)
    return _move(calendar, due_at, amount) if unit.uses_calendar else _plain(due_at, amount)


def is_provisional(calendar: Calendar, start: datetime, due_at: datetime) -> bool:
    """Tell whether the interval touches a local year whose official days are not known (§5.2)."""
    first, last = (moment.astimezone(calendar.zone_info).year for moment in (start, due_at))
    return any(calendar.is_year_provisional(year) for year in range(first, last + 1))


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Tell whether `at` is in opening hours: from the opening moment to just before the closing."""
    moment = micros(at)
    return calendar.openings.counted(moment, moment + 1) == 1


def next_opening(calendar: Calendar, at: datetime) -> datetime:
    """Return `at` itself when open, else the start of the next opening hours."""
    return moment_of(calendar.openings.next_opening(micros(at)))


def nth_working_day(calendar: Calendar, on: date, nth: int) -> date:
    """Return the nth working day strictly after `on`, or before it when negative; 0 is refused."""
    if nth == 0:
        raise ValueError("The 0th working day is not defined.")
    return date.fromordinal(calendar.openings.nth_day(on.toordinal(), nth)[0])


def working_days_between(calendar: Calendar, start: date, end: date) -> int:
    """Count working days strictly after `start` up to and with `end`; negative backwards."""
    first, last = sorted((start, end))
    days = calendar.openings.days(first.toordinal(), last.toordinal())
    return days if start <= end else -days


def close_of(calendar: Calendar, on: date) -> datetime | None:
    """Return the last closing time of that local date in UTC; None on a day off."""
    day = on.toordinal()
    found, closing = calendar.openings.nth_day(day - 1, 1)
    return moment_of(closing) if found == day else None


def segments(calendar: Calendar, start: datetime, end: datetime) -> list[Segment]:
    """Cut [start, end) into stretches without gaps; the counted ones sum to `between`.

    Neighbours of one kind and name are one segment. Raises ValueError when `end` comes first and
    BeyondHorizon when it lies more than ten years away.
    """
    first, last = micros(start), micros(end)
    if last < first:
        raise ValueError("A clock cannot be explained backwards.")
    _check_horizon(last - first)
    zone = calendar.zone_info
    days = range(local_day(zone, first) - 1, local_day(zone, last) + 2)
    parts = sorted(part for day in days for part in _day_parts(calendar, day))
    joined: list[Segment] = []
    for opening, closing, kind, name_en, name_zh in parts:
        since, until = max(opening, first), min(closing, last)
        if since < until:
            _join(joined, Segment(moment_of(since), moment_of(until), kind, name_en, name_zh))
    return joined


_Part = tuple[int, int, Kind, str, str]


def _join(joined: list[Segment], segment: Segment) -> None:
    """Append, or lengthen the last segment when the reason is the same."""
    if joined and replace(joined[-1], start=segment.start, end=segment.end) == segment:
        joined[-1] = replace(joined[-1], end=segment.end)
    else:
        joined.append(segment)


def _day_parts(calendar: Calendar, day: int) -> Iterator[_Part]:
    """Yield the stretches of one local date: opening hours and closed ones, or one day off."""
    zone, special = calendar.zone_info, calendar.special(day)
    names = (special.name_en, special.name_zh) if special else ("", "")
    whole, spans = intervals(zone, day, WHOLE_DAY), calendar.spans_on(day)
    if not spans:
        kind = Kind.HOLIDAY if special else Kind.WEEKEND
        yield from ((start, end, kind, *names) for start, end in whole)
        return
    kind = Kind.COUNTED if calendar.is_weekday_open(day) else Kind.MAKEUP
    opened = intervals(zone, day, spans)
    yield from ((start, end, kind, *names) for start, end in opened)
    for start, end in whole:
        yield from ((*gap, Kind.CLOSED, "", "") for gap in _gaps(opened, start, end))


def _gaps(opened: Iterable[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield what of [start, end) is not in `opened` (sorted, not overlapping)."""
    cursor = start
    for opening, closing in opened:
        if start <= opening < end:
            if cursor < opening:
                yield cursor, opening
            cursor = closing
    if cursor < end:
        yield cursor, end


def _counted(calendar: Calendar, unit: Unit, start: datetime, end: datetime) -> int:
    first, last = micros(start), micros(end)
    return calendar.openings.counted(first, last) if unit.uses_calendar else last - first


def _move(calendar: Calendar, moment: datetime, amount: int) -> datetime:
    """Go `amount` open microseconds forward, or back when negative."""
    _check_horizon(amount)
    if amount > 0:
        return moment_of(calendar.openings.after(micros(moment), amount))
    if amount < 0:
        return moment_of(calendar.openings.before(micros(moment), -amount))
    return moment_of(micros(moment))


def _plain(moment: datetime, amount: int) -> datetime:
    _check_horizon(amount)
    return moment_of(micros(moment) + amount)


def _end_of_day(calendar: Calendar, start: datetime, days: int) -> datetime:
    _check_horizon(days * DAY)
    on = start.astimezone(calendar.zone_info).date() + timedelta(days=days)
    return datetime.combine(on, time(23, 59, 59), calendar.zone_info).astimezone(UTC)


def _check_horizon(amount: int) -> None:
    if abs(amount) > HORIZON_DAYS * DAY:
        raise BeyondHorizon(f"{abs(amount) // DAY} days are more than {HORIZON_YEARS} years.")
