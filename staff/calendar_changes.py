"""What differs between two versions of a calendar, and what a yearly notice would change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from config.kernel.models import RuleSet
from config.shared.calendars import Calendar, Day
from config.shared.openings import Span
from config.shared.worktime import working_days_between
from staff.calendar_files import OfficialDay
from staff.models import CalendarDay, CalendarSpan

OPEN, OFF = "open", "off"
_OWN: Final = "own"


@dataclass(frozen=True, slots=True)
class DayChange:
    """One date that differs; None = an ordinary day by its weekday."""

    on: date
    before: CalendarDay | None
    after: CalendarDay | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a draft changes: dates, hours of weekdays (0 = Monday), zone and name."""

    days: list[DayChange] = field(default_factory=list)
    weekdays: list[int] = field(default_factory=list)
    zone: bool = False
    title: bool = False
    known: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """How many things differ; years that become known count with their days."""
        return len(self.days) + len(self.weekdays) + self.zone + self.title


@dataclass(frozen=True, slots=True)
class YearPlan:
    """What official days would change in one year.

    `own` are days an administrator set that stay, `days` what differs; the counts are working days.
    """

    year: int
    was_known: bool
    working_before: int
    working_after: int
    days: list[DayChange]
    own: list[CalendarDay]

    @property
    def same(self) -> bool:
        """Whether the calendar says just that already."""
        return self.was_known and not self.days


def code_of(row: CalendarDay) -> str:
    """Return what a day is, as a code of the record: off, open, or its hours."""
    if not row.working:
        return OFF
    return " ".join(str(Span(start, end)) for start, end in row.spans) if row.spans else OPEN


def between(base: RuleSet | None, draft: RuleSet) -> Changes:
    """Return what a draft changes in the version it would replace; all of it for a new calendar."""
    before, after = _days(base), _days(draft)
    week, hours = _week(base), _week(draft)
    return Changes(
        days=_differences(before, after),
        weekdays=[day for day in range(7) if week.get(day) != hours.get(day)],
        zone=base is not None and base.settings.get("zone") != draft.settings.get("zone"),
        title=base is not None
        and (base.title_en, base.title_zh) != (draft.title_en, draft.title_zh),
        known=tuple(sorted(_known(draft) - _known(base))),
    )


def years_changed(base: RuleSet | None, new: RuleSet) -> tuple[int, ...]:
    """Return the years whose special days or standing differ between two versions."""
    days = _differences(_days(base), _days(new))
    return tuple(sorted({day.on.year for day in days} | (_known(base) ^ _known(new))))


def preview(version: RuleSet, calendar: Calendar, days: Iterable[OfficialDay]) -> list[YearPlan]:
    """Return what taking official days into `version` would change, year by year."""
    chosen = list(days)
    years = sorted({day.date.year for day in chosen})
    rows = CalendarDay.objects.filter(rule_set=version, date__year__in=years).order_by("date")
    held = {row.date: row for row in rows}
    fresh = {day.date: _official(day) for day in chosen}
    kept = {on: row for on, row in held.items() if row.source == _OWN and on not in fresh}
    after = {**kept, **fresh}
    return [_plan(calendar, year, held, after, kept) for year in years]


def _plan(
    calendar: Calendar,
    year: int,
    held: dict[date, CalendarDay],
    after: dict[date, CalendarDay],
    kept: dict[date, CalendarDay],
) -> YearPlan:
    mine = {on: row for on, row in after.items() if on.year == year}
    others = {on: day for on, day in calendar.days.items() if on.year != year}
    then = replace(calendar, days={**others, **{on: _value(row) for on, row in mine.items()}})
    return YearPlan(
        year=year,
        was_known=not calendar.is_year_provisional(year),
        working_before=_working(calendar, year),
        working_after=_working(then, year),
        days=_differences({on: row for on, row in held.items() if on.year == year}, mine),
        own=[row for on, row in sorted(kept.items()) if on.year == year],
    )


def _working(calendar: Calendar, year: int) -> int:
    return working_days_between(calendar, date(year - 1, 12, 31), date(year, 12, 31))


def _official(day: OfficialDay) -> CalendarDay:
    return CalendarDay(date=day.date, working=day.working, name_en=day.name_en, name_zh=day.name_zh)


def _value(row: CalendarDay) -> Day:
    spans = tuple(Span(start, end) for start, end in row.spans) if row.spans else None
    return Day(row.working, spans, row.name_en, row.name_zh, row.confirmed)


def _differences(
    before: dict[date, CalendarDay], after: dict[date, CalendarDay]
) -> list[DayChange]:
    found = []
    for on in sorted({*before, *after}):
        was, now = before.get(on), after.get(on)
        if _shape(was) != _shape(now):
            found.append(DayChange(on, was, now))
    return found


def _shape(row: CalendarDay | None) -> Sequence[object] | None:
    return (code_of(row), row.name_en, row.name_zh, row.confirmed) if row else None


def _days(version: RuleSet | None) -> dict[date, CalendarDay]:
    if version is None:
        return {}
    return {row.date: row for row in CalendarDay.objects.filter(rule_set=version)}


def _week(version: RuleSet | None) -> dict[int, list[tuple[int, int]]]:
    week: dict[int, list[tuple[int, int]]] = {}
    rows = CalendarSpan.objects.filter(rule_set=version) if version else []
    for row in sorted(rows, key=lambda row: (row.weekday, row.start_minute)):
        week.setdefault(row.weekday, []).append((row.start_minute, row.end_minute))
    return week


def _known(version: RuleSet | None) -> set[int]:
    return {int(year) for year in version.settings.get("confirmed_years", [])} if version else set()
