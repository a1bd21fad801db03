"""What the page of the duty roster shows, read in few queries; no rule is decided here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from config.kernel import notices
from config.kernel.models import Notice
from config.shared.moments import YEARS
from config.shared.scope import Scope
from config.shared.words import SHORT_DAYS, day_words
from staff import duty, duty_watch
from staff.duty_roster import HOURS, shift_words
from staff.models import DutyCall, DutyShift

WEEK: Final = 7
_TWO_WEEKS: Final = 14


@dataclass(frozen=True, slots=True)
class Span:
    """The days shown, both ends included; `key` is `two` or `month`."""

    key: str
    first: date
    last: date

    @property
    def words(self) -> str:
        """Return the month, or the first and last day."""
        if self.key == "month":
            return date_format(self.first, pgettext("date format", "F Y"))
        return f"{day_words(self.first)} – {day_words(self.last)}"

    @property
    def step(self) -> tuple[date, date]:
        """Return where the spans before and after begin."""
        if self.key == "two":
            return self.first - timedelta(_TWO_WEEKS), self.first + timedelta(_TWO_WEEKS)
        return (self.first - timedelta(days=1)).replace(day=1), self.last + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cell:
    """One shift of one day: `row` None = does not stand there; `gap` in words where one is."""

    shift: str
    row: DutyShift | None
    gap: str
    url: str
    now: bool


@dataclass(frozen=True, slots=True)
class Day:
    """One line of the table."""

    on: date
    today: bool
    weekend: bool
    cells: list[Cell]

    @property
    def weekday(self) -> str:
        """Return the short name of the weekday."""
        return str(SHORT_DAYS[self.on.weekday()])

    @property
    def words(self) -> str:
        """Return day and month: `23 Nov`."""
        return date_format(self.on, pgettext("date format", "j M"))


@dataclass(frozen=True, slots=True)
class CallLine:
    """A call as drawn; `state` waits, taken or unanswered; `level` in words.

    `others` counts who was called together with the one that is named.
    """

    call: DutyCall
    title: str
    about: str
    link: str
    state: str
    level: str
    others: int = 0


def span_of(key: str, start: str, at: datetime) -> Span:
    """Return the two weeks or the month that hold `start` (ISO); odd values mean today.

    Two weeks begin with today, and every 14 days before and after it.
    """
    today = timezone.localtime(at, timezone.get_default_timezone()).date()
    try:
        day = date.fromisoformat(start)
    except ValueError:
        day = today
    if day.year not in YEARS[1:-1]:
        day = today
    if key == "month":
        first = day.replace(day=1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return Span("month", first, last)
    first = day - timedelta(days=(day - today).days % _TWO_WEEKS)
    return Span("two", first, first + timedelta(days=_TWO_WEEKS - 1))


def table(span: Span, scope: Scope, at: datetime) -> tuple[list[tuple[str, str]], list[Day]]:
    """Return the shifts as (name, words) and the days; gaps only for readers of the whole list."""
    rows = DutyShift.objects.visible_to(scope).filter(on__gte=span.first, on__lte=span.last)
    standing = {(row.on, row.shift): row for row in rows.select_related("first", "second")}
    looks = scope.may("duty", "look")
    gaps = duty_watch.gaps(span.first, span.last, at=at) if looks else []
    empty = {(gap.on, gap.shift) for gap in gaps}
    names = _ordered({shift for _on, shift in [*standing, *empty]} or HOURS, standing.values())
    may_edit = scope.may("duty", "edit")
    today = timezone.localtime(at, timezone.get_default_timezone()).date()
    days = []
    for number in range((span.last - span.first).days + 1):
        on = span.first + timedelta(days=number)
        cells = [
            _cell(on, name, standing.get((on, name)), (on, name) in empty, may_edit, at)
            for name in names
        ]
        days.append(Day(on, on == today, on.weekday() >= 5, cells))
    return [(name, shift_words(name)) for name in names], days


def _cell(
    on: date,
    name: str,
    row: DutyShift | None,
    is_gap: bool,  # noqa: FBT001
    may_edit: bool,  # noqa: FBT001
    at: datetime,
) -> Cell:
    over = row.ends_at <= at if row else on < timezone.localtime(at).date()
    gap = ""
    if is_gap:
        gap = _("Nobody first on call") if row and row.second else _("Nobody on call")
    url = ""
    if may_edit and not over:
        url = f"{reverse('duty_shift')}?{urlencode({'on': on.isoformat(), 'shift': name})}"
    now = row is not None and row.starts_at <= at < row.ends_at and bool(row.first or row.second)
    return Cell(name, row, gap, url, now)


def _ordered(names: Iterable[str], rows: Iterable[DutyShift]) -> list[str]:
    """Return the names of shifts by the hour at which they begin."""
    begins = {name: hours[0] for name, hours in HOURS.items()}
    begins |= {row.shift: timezone.localtime(row.starts_at).time() for row in rows}
    return sorted(names, key=lambda name: (begins.get(name, time.max), name))


def coming(at: datetime) -> DutyShift | None:
    """Return the next staffed shift after the present one."""
    later = DutyShift.objects.filter(starts_at__gt=at, first__isnull=False)
    return later.select_related("first", "second").order_by("starts_at").first()


def my_calls(scope: Scope, most: int = 20) -> tuple[list[CallLine], bool]:
    """Return the reader's calls that nobody has acknowledged, newest first, and if there are more.

    At most `most` of them.
    """
    mine = DutyCall.objects.visible_to(scope, "acknowledge").called(scope.member).waiting()
    rows = list(mine.select_related("called").order_by("-called_at", "-pk")[: most + 1])
    return call_lines(rows[:most]), len(rows) > most


def call_lines(calls: Sequence[DutyCall]) -> list[CallLine]:
    """Return calls in words."""
    return [_line(row) for row in calls]


def _line(row: DutyCall) -> CallLine:
    notice = Notice(kind=row.kind, about=row.about, facts=row.facts.get("told", {}))
    levels = {1: _("First on call"), 2: _("Second on call"), duty.FALLBACK: _("Fallback people")}
    called = row.facts.get("called", [])
    others = len(called) - called.index(row.called_id) - 1 if row.called_id in called else 0
    state = "taken" if row.acknowledged_at else "waits" if row.pass_at else "unanswered"
    return CallLine(
        call=row,
        title=notices.title(notice),
        about=row.about.partition(":")[2],
        link=notices.link(notice),
        state=state,
        level=levels.get(row.level, levels[duty.FALLBACK]),
        others=others,
    )
