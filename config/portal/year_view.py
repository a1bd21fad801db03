"""A year of a working calendar as months of marked days."""

import calendar as months_of
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from config.portal.rules_words import clock_time
from config.shared.calendars import Calendar, Day
from config.shared.openings import Span
from config.shared.words import SHORT_DAYS, in_language, listed

_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Cell:
    """One date. `kind` is '', end (weekend), off (holiday), work (make-up day) or short."""

    on: date
    kind: str
    words: str
    today: bool
    changed: bool = False
    picked: bool = False

    @property
    def label(self) -> str:
        """Return the whole of it for those who do not see the marks."""
        parts = [date_format(self.on, pgettext("date format", "j F")), self.words]
        parts += [_("today")] if self.today else []
        parts += [_("not published")] if self.changed else []
        return listed(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Month:
    """One month: weeks from Monday, None outside the month."""

    title: str
    working: int
    weeks: list[list[Cell | None]]


@dataclass(frozen=True, slots=True)
class Special:
    """A day unlike its weekday, or several days in a row of one name and kind."""

    first: date
    last: date
    kind: str
    name: str
    confirmed: bool

    @property
    def period(self) -> str:
        """Return `1 Jan` or `1 Jan – 3 Jan`."""
        shape = pgettext("date format", "j M")
        first = date_format(self.first, shape)
        if self.first == self.last:
            return first
        return f"{first} – {date_format(self.last, shape)}"


def months(
    calendar: Calendar,
    year: int,
    today: date,
    *,
    changed: frozenset[date] = frozenset(),
    picked: date | None = None,
) -> list[Month]:
    """Return the twelve months of a year; `changed` are dates a draft moves, `picked` is chosen."""
    marks = _Marks(today, changed, picked)
    return [_month(calendar, year, number, marks) for number in range(1, 13)]


def weekday_heads() -> list[tuple[str, str]]:
    """Return (one letter, whole word) of the weekdays from Monday."""
    letters = (
        pgettext("weekday letter, Monday", "M"),
        pgettext("weekday letter, Tuesday", "T"),
        pgettext("weekday letter, Wednesday", "W"),
        pgettext("weekday letter, Thursday", "T"),
        pgettext("weekday letter, Friday", "F"),
        pgettext("weekday letter, Saturday", "S"),
        pgettext("weekday letter, Sunday", "S"),
    )
    return [(letter, str(WEEKDAYS[n])) for n, letter in enumerate(letters)]


def kind_of(calendar: Calendar, on: date) -> str:
    """Return how a date is marked: '' (ordinary), end, off, work or short."""
    return _kind(calendar, on, calendar.special(on.toordinal()))


def hours_words(spans: Iterable[Span]) -> str:
    """Return hours as people say them: `09:00-12:00, 13:00-18:00`; closed for none."""
    return _hours(tuple(spans))


def open_lines(calendar: Calendar) -> list[tuple[str, str]]:
    """Return the weekly hours without the days that are closed: (days, hours)."""
    return [line for line in week_lines(calendar) if line[1] != _("closed")]


def week_lines(calendar: Calendar) -> list[tuple[str, str]]:
    """Return the weekly hours, days with the same hours together: (days, hours)."""
    lines: list[tuple[list[int], tuple[Span, ...]]] = []
    for weekday in range(_WEEK):
        spans = tuple(calendar.week.get(weekday, ()))
        if lines and lines[-1][1] == spans:
            lines[-1][0].append(weekday)
        else:
            lines.append(([weekday], spans))
    return [(_days(days), _hours(spans)) for days, spans in lines]


def special_days(calendar: Calendar, year: int) -> list[Special]:
    """Return the days of a year unlike their weekday, in order, neighbours joined."""
    found: list[Special] = []
    for on, day in sorted(calendar.days.items()):
        if on.year != year:
            continue
        kind, name = _kind(calendar, on, day), _name(day)
        before = found[-1] if found else None
        joined = (
            before and (on - before.last).days == 1 and (before.kind, before.name) == (kind, name)
        )
        if before and joined:
            found[-1] = Special(before.first, on, kind, name, before.confirmed and day.confirmed)
        else:
            found.append(Special(on, on, kind, name, day.confirmed))
    return found


@dataclass(frozen=True, slots=True)
class _Marks:
    """What a date is besides its kind."""

    today: date
    changed: frozenset[date]
    picked: date | None


def _month(calendar: Calendar, year: int, number: int, marks: _Marks) -> Month:
    weeks: list[list[Cell | None]] = []
    working = 0
    for week in months_of.Calendar().monthdatescalendar(year, number):
        cells = [_cell(calendar, on, marks) if on.month == number else None for on in week]
        working += sum(cell is not None and cell.kind not in {"end", "off"} for cell in cells)
        weeks.append(cells)
    return Month(str(MONTHS[number]), working, weeks)


def _cell(calendar: Calendar, on: date, marks: _Marks) -> Cell:
    special = calendar.special(on.toordinal())
    kind = _kind(calendar, on, special)
    words = {"end": _("weekend"), "off": _("day off"), "work": _("weekend worked"),
             "short": _("other hours")}.get(kind, "")  # fmt: skip
    name = _name(special) if special else ""
    told = _("%(day)s, %(name)s") % {"day": words, "name": name} if name else words
    return Cell(on, kind, told, on == marks.today, on in marks.changed, on == marks.picked)


def _kind(calendar: Calendar, on: date, special: Day | None) -> str:
    """Return how a date is marked."""
    open_by_week = calendar.is_weekday_open(on.toordinal())
    if special is None:
        return "" if open_by_week else "end"
    if not special.working:
        return "off"
    if not open_by_week:
        return "work"
    usual = tuple(calendar.week.get(on.weekday(), ()))
    return "short" if special.spans and tuple(special.spans) != usual else ""


def _name(day: Day) -> str:
    return in_language(day.name_en, day.name_zh)


def _days(days: list[int]) -> str:
    """Return `Mon to Fri`, or one weekday in full."""
    if len(days) == 1:
        return str(WEEKDAYS[days[0]])
    return _("%(first)s to %(last)s") % {"first": SHORT_DAYS[days[0]], "last": SHORT_DAYS[days[-1]]}


def _hours(spans: tuple[Span, ...]) -> str:
    if not spans:
        return _("closed")
    return listed(
        f"{clock_time(span.start_minute)}-{clock_time(span.end_minute)}" for span in spans
    )
