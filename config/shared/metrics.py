"""Honest figures: a metric is two questions about rows; whoever shows it asks the same questions.

A room contributes `Metric(...)`; `figure()` counts, `Figure` keeps numerator and denominator and
never turns "no data" into 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import sqrt
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet

from config.shared.scope import Scope

Z95: Final = 1.959964
FEW: Final = 5
"""Below this many in the denominator a rate says "insufficient data" (DOMAIN.md §2.1)."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` (included) to `end` (excluded), aware."""

    start: datetime
    end: datetime

    @classmethod
    def month(cls, year: int, month: int) -> "Period":
        """Return a calendar month in the bank's zone."""
        zone = ZoneInfo(settings.TIME_ZONE)
        following = (year + 1, 1) if month == 12 else (year, month + 1)
        return cls(datetime(year, month, 1, tzinfo=zone), datetime(*following, 1, tzinfo=zone))


Rows = Callable[[Period, Scope], QuerySet[Any]]


@dataclass(frozen=True, slots=True)
class Beside:
    """A plain number printed beside a rate; `value` gives it for a period, None = no data."""

    title: Any
    unit: str
    value: Callable[[Period, Scope], float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of the catalogue (DOMAIN.md §2.2). `denominator` None = a plain count.

    `target` is the pass mark in `unit` (None: no target), `at_least` tells its direction.
    The queries are cut by `visible_to(scope)`; drilling down shows the rows of `drill`, without
    one those of `numerator`: it is given where the rows counted are not what a reader opens.
    """

    key: str
    title: Any
    unit: str
    source: str
    numerator: Rows
    denominator: Rows | None = None
    target: float | None = None
    at_least: bool = True
    drill: Rows | None = None
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A counted metric; `share` is exact, None for 0 of 0."""

    count: int
    of: int | None = None

    @property
    def share(self) -> Fraction | None:
        """Return count / of, or None where there is nothing to divide by."""
        return Fraction(self.count, self.of) if self.of else None

    @property
    def enough(self) -> bool:
        """Whether a rate may be judged at all."""
        return self.of is None or self.of >= FEW

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the Wilson 95 % interval of the share."""
        return wilson(self.count, self.of) if self.of else None


def figure(metric: Metric, period: Period, scope: Scope) -> Figure:
    """Count a metric for one period, as far as this scope sees; one or two queries."""
    count = metric.numerator(period, scope).count()
    if metric.denominator is None:
        return Figure(count)
    return Figure(count, metric.denominator(period, scope).count())


def rows_of(metric: Metric, period: Period, scope: Scope) -> QuerySet[Any]:
    """Return what drilling down into a metric shows, as far as this scope sees."""
    return (metric.drill or metric.numerator)(period, scope)


def wilson(k: int, n: int) -> tuple[float, float]:
    """Return the Wilson 95 % interval of k of n (DOMAIN.md §2.3); n must be positive."""
    p, square = k / n, Z95 * Z95
    centre = (p + square / (2 * n)) / (1 + square / n)
    half = Z95 * sqrt(p * (1 - p) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, centre - half), min(1.0, centre + half)
