"""Opening hours indexed over real time: wall-clock spans in, sorted UTC openings and sums out.

Everything here is an integer: a moment is the microseconds since 1970-01-01 00:00 UTC, a day is its
ordinal (`date.toordinal`). `worktime` holds the rules and speaks in datetimes; use that one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = EPOCH.toordinal()
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
MINUTE = 60 * SECOND
MINUTES_A_DAY = 24 * 60
DAY = MINUTES_A_DAY * MINUTE

HORIZON_YEARS = 10
HORIZON_DAYS = 3653
"""No search looks further than this from where it starts."""
EARLIEST_YEAR, LATEST_YEAR = 1970, 2199
_EVER = 1 << 62


class CalendarError(ValueError):
    """A calendar that makes no sense, or a question that it cannot answer; the text says why."""


class NoOpening(CalendarError):  # noqa: N818
    """The calendar does not open within the days in which it must."""


class BeyondHorizon(CalendarError):  # noqa: N818
    """The answer lies further away than any calendar is trusted."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Hours of one day, half-open, in minutes after local midnight; may end at 1440 (24:00)."""

    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_minute < self.end_minute <= MINUTES_A_DAY:
            raise CalendarError(f"Opening hours {self} must start before they end, within one day.")

    def __str__(self) -> str:
        start, end = divmod(self.start_minute, 60), divmod(self.end_minute, 60)
        return f"{start[0]:02d}:{start[1]:02d}-{end[0]:02d}:{end[1]:02d}"


WHOLE_DAY = (Span(0, MINUTES_A_DAY),)


def micros(moment: datetime) -> int:
    """Return microseconds since the epoch of an aware datetime; a naive one is a ValueError."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone.")
    return (moment - EPOCH) // MICROSECOND


def moment_of(micros: int) -> datetime:
    """Return the aware UTC datetime of that many microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=micros)


def local_day(zone: ZoneInfo, micros: int) -> int:
    """Return the ordinal of the local date at that moment."""
    return moment_of(micros).astimezone(zone).toordinal()


def intervals(zone: ZoneInfo, day: int, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Find when, on that local day, the wall clock is in one of `spans`: half-open (start, end).

    An hour that the zone skips is missing, one that it repeats counts twice: durations are real.
    """
    midnight = (day - EPOCH_ORDINAL) * DAY
    before, after = _offsets(zone, day)
    if before == after:
        base = midnight - before
        return [(base + s.start_minute * MINUTE, base + s.end_minute * MINUTE) for s in spans]
    turn = _turn(zone, midnight, before, after)
    found = []
    for offset, low, high in ((before, -_EVER, turn), (after, turn, _EVER)):
        for span in spans:
            start = max(midnight + span.start_minute * MINUTE - offset, low)
            end = min(midnight + span.end_minute * MINUTE - offset, high)
            if start < end:
                found.append((start, end))
    return found


def _offsets(zone: ZoneInfo, day: int) -> tuple[int, int]:
    """Return the UTC offsets, in microseconds, at the beginning and the end of a local day."""
    begins = datetime.fromordinal(day).replace(tzinfo=zone).utcoffset()
    ends = datetime.fromordinal(day + 1).replace(tzinfo=zone, fold=1).utcoffset()
    return (begins or timedelta()) // MICROSECOND, (ends or timedelta()) // MICROSECOND


def _turn(zone: ZoneInfo, midnight: int, before: int, after: int) -> int:
    """Find the moment of that local day at which the zone changes its offset, by bisection."""
    low = midnight - before - 1
    high = midnight + DAY - min(before, after)
    while high - low > 1:
        middle = (low + high) // 2
        offset = moment_of(middle).astimezone(zone).utcoffset() or timedelta()
        if offset // MICROSECOND == before:
            low = middle
        else:
            high = middle
    return high


@dataclass(frozen=True, slots=True)
class Index:
    """All openings of whole local years; immutable, so threads may share it.

    `starts[i] .. ends[i]` are the openings, `counted[i]` is the open time before `starts[i]` (one
    entry more than openings); `days` are the ordinals of days with an opening and `closes` their
    last closing moments. The index knows the moments from `since` to before `until`.
    """

    first_year: int
    last_year: int
    since: int
    until: int
    starts: list[int]
    ends: list[int]
    counted: list[int]
    days: list[int]
    closes: list[int]

    def counted_at(self, moment: int) -> int:
        """Return the open microseconds from the start of the index to `moment`."""
        at = bisect_right(self.starts, moment) - 1
        if at < 0:
            return 0
        return self.counted[at] + min(moment, self.ends[at]) - self.starts[at]


def _build(
    zone: ZoneInfo, spans_on: Callable[[int], Sequence[Span]], first_year: int, last_year: int
) -> Index:
    first_day = date(first_year, 1, 1).toordinal()
    next_day = date(last_year + 1, 1, 1).toordinal()
    opened: list[tuple[int, int]] = []
    days, closes = [], []
    for day in range(first_day, next_day):
        spans = spans_on(day)
        today = intervals(zone, day, spans) if spans else None
        if today:
            opened += today
            days.append(day)
            closes.append(today[-1][1])
    starts, ends, counted = _merge(opened)
    since = intervals(zone, first_day, WHOLE_DAY)[0][0]
    until = intervals(zone, next_day, WHOLE_DAY)[0][0]
    return Index(first_year, last_year, since, until, starts, ends, counted, days, closes)


def _merge(opened: list[tuple[int, int]]) -> tuple[list[int], list[int], list[int]]:
    """Join openings that touch; return starts, ends and the running sum of open time."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted(opened):
        if ends and ends[-1] == start:
            ends[-1] = end
        else:
            starts.append(start)
            ends.append(end)
    counted = [0]
    for start, end in zip(starts, ends, strict=True):
        counted.append(counted[-1] + end - start)
    return starts, ends, counted


class Openings:
    """The openings of one calendar, indexed on first use and lengthened year by year when asked."""

    def __init__(self, zone: ZoneInfo, spans_on: Callable[[int], Sequence[Span]]) -> None:
        self._zone = zone
        self._spans_on = spans_on
        self._index: Index | None = None

    def covering(self, first: int, last: int) -> Index:
        """Return an index that holds both moments; BeyondHorizon outside 1970-2199."""
        index = self._index
        if index is not None and index.since <= first and last < index.until:
            return index
        return self.years(self._year(first), self._year(last))

    def years(self, first_year: int, last_year: int) -> Index:
        """Return an index that holds at least these whole local years."""
        index = self._index
        if index is not None:
            first_year = min(first_year, index.first_year)
            last_year = max(last_year, index.last_year)
        if first_year < EARLIEST_YEAR or last_year > LATEST_YEAR:
            raise BeyondHorizon(
                f"Working time is known from {EARLIEST_YEAR} to {LATEST_YEAR}; "
                f"this reaches from {first_year} to {last_year}."
            )
        if index is None or (index.first_year, index.last_year) != (first_year, last_year):
            index = self._index = _build(self._zone, self._spans_on, first_year, last_year)
        return index

    def counted(self, start: int, end: int) -> int:
        """Count open microseconds between two moments, negative when `end` comes first."""
        index = self.covering(min(start, end), max(start, end))
        return index.counted_at(end) - index.counted_at(start)

    def after(self, moment: int, amount: int) -> int:
        """Find the earliest moment by which `amount` > 0 open microseconds ran since `moment`."""
        index = self.covering(moment, moment)
        limit = self._year(moment) + HORIZON_YEARS + 1
        while (target := index.counted_at(moment) + amount) > index.counted[-1]:
            index = self._longer(index, limit, amount)
        at = bisect_left(index.counted, target) - 1
        return _within_horizon(moment, index.starts[at] + target - index.counted[at], amount)

    def before(self, moment: int, amount: int) -> int:
        """Find the latest moment from which `amount` > 0 open microseconds run until `moment`."""
        index = self.covering(moment, moment)
        limit = self._year(moment) - HORIZON_YEARS - 1
        while (target := index.counted_at(moment) - amount) < 0:
            index = self._longer(index, limit, amount)
        at = bisect_right(index.counted, target) - 1
        return _within_horizon(moment, index.starts[at] + target - index.counted[at], amount)

    def next_opening(self, moment: int) -> int:
        """Return `moment` itself when open, else the start of the next opening."""
        index = self.covering(moment, moment)
        limit = self._year(moment) + HORIZON_YEARS + 1
        while not index.ends or index.ends[-1] <= moment:
            index = self._longer(index, limit, 1)
        return _within_horizon(
            moment, max(moment, index.starts[bisect_right(index.ends, moment)]), 1
        )

    def nth_day(self, day: int, nth: int) -> tuple[int, int]:
        """Return (ordinal, closing) of the nth working day after `day`; below 0, before it."""
        if abs(nth) > HORIZON_DAYS:
            raise _too_far(nth)
        year = date.fromordinal(day).year
        index = self.years(year, year)
        limit = year + (HORIZON_YEARS + 1) * (1 if nth > 0 else -1)
        while not 0 <= (at := _position(index.days, day, nth)) < len(index.days):
            index = self._longer(index, limit, nth)
        if abs(index.days[at] - day) > HORIZON_DAYS:
            raise _too_far(nth)
        return index.days[at], index.closes[at]

    def days(self, first: int, last: int) -> int:
        """Count the working days strictly after `first` and not after `last` (ordinals)."""
        index = self.years(date.fromordinal(first).year, date.fromordinal(last).year)
        return bisect_right(index.days, last) - bisect_right(index.days, first)

    def _year(self, moment: int) -> int:
        try:
            return date.fromordinal(local_day(self._zone, moment)).year
        except OverflowError:
            raise BeyondHorizon("This moment lies beyond any calendar.") from None

    def _longer(self, index: Index, limit: int, amount: int) -> Index:
        """Lengthen the index towards `limit`, a year; BeyondHorizon when it is already there."""
        if index.first_year <= limit <= index.last_year:
            raise _too_far(amount)
        if limit > index.last_year:
            return self.years(index.first_year, min(limit, index.last_year + 2))
        return self.years(max(limit, index.first_year - 2), index.last_year)


def _position(days: list[int], day: int, nth: int) -> int:
    """Return where the nth working day from `day` stands in `days`; may lie outside the list."""
    return bisect_right(days, day) + nth - 1 if nth > 0 else bisect_left(days, day) + nth


def _within_horizon(moment: int, found: int, amount: int) -> int:
    if abs(found - moment) > HORIZON_DAYS * DAY:
        raise _too_far(amount)
    return found


def _too_far(amount: int) -> BeyondHorizon:
    way = "after" if amount > 0 else "before"
    return BeyondHorizon(
        f"The calendar does not open often enough: "
        f"no answer within {HORIZON_YEARS} years {way} the start."
    )
