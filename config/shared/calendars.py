"""The working calendar as a value: zone, weekly hours, special days, years not yet official.

`staff.calendar` builds one from a published version; `worktime` counts with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from itertools import pairwise
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.shared.openings import (
    DAY,
    WHOLE_DAY,
    BeyondHorizon,
    CalendarError,
    NoOpening,
    Openings,
    Span,
    micros,
)

REACHABLE_DAYS = 14
"""A calendar in use must open at least once within this many days (PEERS.md §2 row 9)."""


@dataclass(frozen=True, slots=True)
class Day:
    """What one date is, against the weekly rule: off, or working (a make-up day 调休上班).

    A working day without `spans` has the calendar's `usual_spans`. An unconfirmed day makes its
    year provisional.
    """

    working: bool
    spans: tuple[Span, ...] | None = None
    name_en: str = ""
    name_zh: str = ""
    confirmed: bool = True


@dataclass(frozen=True, eq=False)
class Calendar:
    """Opening hours of one team in one zone; checked when made, never changed.

    `week` maps weekdays (0 = Monday) to their spans; a missing weekday is off. `days` overrides
    single dates. `first_year .. last_year` are the years whose official days are known; when not
    given they follow from the confirmed `days`, and a calendar without any is official for ever.
    Raises CalendarError in words.
    """

    zone: str
    week: Mapping[int, Sequence[Span]]
    days: Mapping[date, Day] = field(default_factory=dict)
    provisional_years: frozenset[int] = frozenset()
    first_year: int | None = None
    last_year: int | None = None
    version: int | str = ""

    def __post_init__(self) -> None:
        week = {weekday: tuple(spans) for weekday, spans in self.week.items() if spans}
        object.__setattr__(self, "week", week)
        object.__setattr__(self, "days", dict(self.days))
        for weekday, spans in week.items():
            if weekday not in range(7):
                raise CalendarError(f"There is no weekday {weekday}: Monday is 0, Sunday is 6.")
            _check(f"Weekday {weekday}", spans)
        for on, day in self.days.items():
            self._check_day(on, day)
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise CalendarError(f"Unknown time zone {self.zone!r}.") from None

    @classmethod
    def always(cls, zone: str = "UTC") -> Self:
        """Make the calendar that never closes: 7 x 24."""
        return cls(zone, dict.fromkeys(range(7), WHOLE_DAY), version="always")

    @cached_property
    def zone_info(self) -> ZoneInfo:
        """The zone whose wall clock the spans are read on."""
        return ZoneInfo(self.zone)

    @cached_property
    def openings(self) -> Openings:
        """The index that `worktime` counts with, built on first use and kept with the calendar."""
        return Openings(self.zone_info, self.spans_on)

    @cached_property
    def usual_spans(self) -> tuple[Span, ...]:
        """The hours of an ordinary working day: those of the first weekday that is open."""
        return tuple(self.week[min(self.week)]) if self.week else ()

    def spans_on(self, day: int) -> Sequence[Span]:
        """Return the opening hours of the date with this ordinal, empty on a day off."""
        special = self._days_by_ordinal.get(day)
        if special is None:
            return self.week.get((day - 1) % 7, ())
        if not special.working:
            return ()
        return special.spans or self.usual_spans

    def is_weekday_open(self, day: int) -> bool:
        """Tell whether the weekly rule alone opens the date with this ordinal."""
        return (day - 1) % 7 in self.week

    def special(self, day: int) -> Day | None:
        """Return the override of the date with this ordinal."""
        return self._days_by_ordinal.get(day)

    def is_year_provisional(self, year: int) -> bool:
        """Tell whether the official days of that year are unknown, so that due times may move."""
        if year in self._unconfirmed_years:
            return True
        first, last = self._known_years
        return not first <= year <= last

    def check_reachable(self, at: datetime) -> None:
        """Raise NoOpening unless the calendar opens within 14 days of `at` (aware, any zone)."""
        start = micros(at)
        try:
            opening = self.openings.next_opening(start)
        except BeyondHorizon:
            opening = None
        if opening is None or opening - start > REACHABLE_DAYS * DAY:
            on = at.astimezone(self.zone_info).date()
            raise NoOpening(f"The calendar does not open within {REACHABLE_DAYS} days of {on}.")

    @cached_property
    def _days_by_ordinal(self) -> dict[int, Day]:
        return {on.toordinal(): day for on, day in self.days.items()}

    @cached_property
    def _unconfirmed_years(self) -> frozenset[int]:
        named = (on.year for on, day in self.days.items() if not day.confirmed)
        return self.provisional_years | frozenset(named)

    @cached_property
    def _known_years(self) -> tuple[int, int]:
        years = [on.year for on, day in self.days.items() if day.confirmed]
        first = min(years, default=date.min.year) if self.first_year is None else self.first_year
        last = max(years, default=date.max.year) if self.last_year is None else self.last_year
        return first, last

    def _check_day(self, on: date, day: Day) -> None:
        if not day.working:
            if day.spans:
                raise CalendarError(f"{on} is a day off and cannot have opening hours.")
            return
        if day.spans is not None:
            _check(str(on), day.spans)
        if not (self.usual_spans if day.spans is None else day.spans):
            raise CalendarError(f"{on} is a working day without opening hours.")


def _check(where: str, spans: Sequence[Span]) -> None:
    for earlier, later in pairwise(spans):
        if later.start_minute < earlier.end_minute:
            raise CalendarError(f"{where}: {later} must come after {earlier} and not overlap it.")
