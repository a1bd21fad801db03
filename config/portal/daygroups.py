"""Lists by time with a heading per day: today, yesterday, else the date in words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Generic, TypeVar

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class DayGroup(Generic[R]):
    """Rows of one day of the bank, in the order they came."""

    title: str
    rows: list[R]


def by_day(
    rows: Iterable[R], moment: Callable[[R], datetime], *, at: datetime
) -> list[DayGroup[R]]:
    """Group rows that are sorted by time; days are those of the bank's zone."""
    today = timezone.localtime(at).date()
    return [
        DayGroup(day_words(on, today), list(found))
        for on, found in groupby(rows, lambda row: timezone.localtime(moment(row)).date())
    ]


def day_words(on: date, today: date) -> str:
    """Return a day as a heading; the year only where it is another."""
    if on == today:
        return _("Today")
    if on == today - timedelta(days=1):
        return _("Yesterday")
    if on.year == today.year:
        return date_format(on, pgettext("date format", "l j F"))
    return date_format(on, pgettext("date format", "l j F Y"))
