"""What is checked before a calendar is published: zone, hours, days, closings, length of years."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import groupby, pairwise
from typing import Final
from zoneinfo import available_timezones

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from config.kernel.models import RuleSet
from config.kernel.rule_kinds import ERROR, WARNING, Finding
from config.shared.calendars import REACHABLE_DAYS, Calendar
from config.shared.openings import DAY, MINUTES_A_DAY, CalendarError, moment_of
from config.shared.words import day_words, labelled, listed
from config.shared.worktime import working_days_between
from staff.models import CalendarDay, CalendarSpan

FEWEST: Final = 240  # working days of a year, UX-more.md §4
MOST: Final = 255
_WEEK: Final = 7
_PLAIN_YEAR: Final = 2024  # a leap year for calendars that name no year


def find(rule_set: RuleSet, build: Callable[[], Calendar]) -> list[Finding]:
    """Return what is wrong with the rows of a version; `build` makes its calendar."""
    spans = list(CalendarSpan.objects.filter(rule_set=rule_set).order_by("weekday", "start_minute"))
    days = list(CalendarDay.objects.filter(rule_set=rule_set).order_by("date"))
    found = [*_zone(str(rule_set.settings.get("zone", ""))), *_week(spans), *_days(days, spans)]
    if found:
        return found
    try:
        calendar = build()
    except CalendarError as problem:  # whatever the checks above do not know
        return [Finding(ERROR, "calendar", "", str(problem))]
    known = [int(year) for year in rule_set.settings.get("confirmed_years", [])]
    years = sorted({*known, *(day.date.year for day in days)})
    return [*_reachable(calendar, years), *_lengths(calendar, years)]


def is_zone(name: str) -> bool:
    """Tell whether there is a time zone of that name."""
    return name in zones()


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones, `Asia/Shanghai` and the like."""
    return frozenset(available_timezones())


def overlap(spans: Sequence[tuple[int, int]]) -> bool:
    """Tell whether hours of one day are no hours: backwards, beyond the day, or over each other."""
    ordered = sorted(spans)
    bad = any(not 0 <= start < end <= MINUTES_A_DAY for start, end in ordered)
    return bad or any(later[0] < earlier[1] for earlier, later in pairwise(ordered))


def _zone(name: str) -> Iterator[Finding]:
    if not is_zone(name):
        words = _("There is no time zone “%(zone)s”. Choose one of the list.") % {"zone": name}
        yield Finding(ERROR, "zone", "", words)


def _week(spans: Sequence[CalendarSpan]) -> Iterator[Finding]:
    for weekday, rows in groupby(spans, key=lambda row: row.weekday):
        hours = [(row.start_minute, row.end_minute) for row in rows]
        if weekday >= _WEEK or overlap(hours):
            day = WEEKDAYS[weekday] if weekday < _WEEK else weekday
            words = _("%(day)s: the hours overlap or end before they begin.") % {"day": day}
            yield Finding(ERROR, "overlap", "", words)


def _days(days: Sequence[CalendarDay], week: Sequence[CalendarSpan]) -> Iterator[Finding]:
    for row in days:
        told, code = {"day": day_words(row.date)}, row.date.isoformat()
        hours = [(int(start), int(end)) for start, end in row.spans or ()]
        if hours and not row.working:
            words = _("%(day)s is off and cannot have hours.") % told
            yield Finding(ERROR, "spans", code, words)
        elif overlap(hours):
            words = _("%(day)s: the hours overlap or end before they begin.") % told
            yield Finding(ERROR, "overlap", code, words)
        elif row.working and not hours and not week:
            words = _("%(day)s is worked but has no hours. Give its hours.") % told
            yield Finding(ERROR, "spans", code, words)


def _reachable(calendar: Calendar, years: Sequence[int]) -> Iterator[Finding]:
    """Yield every closing of more than 14 days: a clock that starts then would find no hours."""
    first, last = (years[0], years[-1] + 1) if years else (_PLAIN_YEAR, _PLAIN_YEAR + 1)
    index = calendar.openings.years(first, last)
    if not index.starts:
        words = _("This calendar never opens. Give at least one weekday hours.")
        yield Finding(ERROR, "unreachable", "", words)
        return
    closings = [index.since, *index.ends], [*index.starts, index.until]
    for closed, opens in zip(*closings, strict=True):
        if opens - closed > REACHABLE_DAYS * DAY:
            begins, ends = _day(calendar, closed), _day(calendar, opens - 1)
            words = _(
                "Closed from %(first)s to %(last)s: a calendar must open within %(days)s days. "
                "Open a day between."
            )
            told = {"first": day_words(begins), "last": day_words(ends), "days": REACHABLE_DAYS}
            yield Finding(ERROR, "unreachable", _named(calendar, begins), words % told)


def _named(calendar: Calendar, begins: date) -> str:
    """Return the first day off by date in a closing, the row to look at."""
    for step in range(REACHABLE_DAYS + 1):
        on = begins + timedelta(days=step)
        if on in calendar.days:
            return on.isoformat()
    return ""


def _lengths(calendar: Calendar, years: Sequence[int]) -> Iterator[Finding]:
    """Yield one remark on years with too few or many working days; none for a 7-day week."""
    if len(calendar.week) == _WEEK:
        return
    counts = {
        year: working_days_between(calendar, date(year - 1, 12, 31), date(year, 12, 31))
        for year in years
    }
    odd = {year: count for year, count in counts.items() if not FEWEST <= count <= MOST}
    if odd:
        words = _(
            "A usual year has %(fewest)s to %(most)s working days; here it is otherwise: "
            "%(years)s. Look through the days."
        )
        told = listed(labelled(year, count) for year, count in odd.items())
        given = {"years": told, "fewest": FEWEST, "most": MOST}
        yield Finding(WARNING, "year", f"{min(odd)}-01-01", words % given)


def _day(calendar: Calendar, moment: int) -> date:
    return moment_of(moment).astimezone(calendar.zone_info).date()
