"""Money of remedies: what a case has been granted, and what is left of a year's budget."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from complaints.choices import RemedyState
from complaints.models import Case, CaseRemedy, RemedyBudget
from complaints.relations import sources

NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Budget:
    """One line of a year: whose budget, how much, how much of it is promised or paid (CNY)."""

    row: RemedyBudget
    spent: Decimal

    @property
    def left(self) -> Decimal:
        """What is left; negative when more was granted than planned."""
        return self.row.amount - self.spent

    @property
    def share(self) -> int:
        """Whole percent that is used, at most 100; 100 for an empty budget."""
        if self.row.amount <= 0:
            return 100
        return min(100, int(self.spent * 100 / self.row.amount))


def granted(cases: Iterable[Case]) -> dict[int, Decimal]:
    """Return by case pk the sum of its remedies that were not cancelled.

    What was granted in cases merged into it counts: it is one matter, and merging opens no new
    authority. Two queries, one more per step of merging.
    """
    root = sources.survivors(list(cases))
    rows = _counted().filter(case__in=root).order_by()
    found: dict[int, Decimal] = {}
    for pk, total in rows.values_list("case_id").annotate(Sum("amount")):
        found[root[pk]] = found.get(root[pk], NOTHING) + (total or NOTHING)
    return found


def year_of(at: datetime) -> int:
    """Return the bank's calendar year of a moment."""
    return timezone.localdate(at).year


def budgets(year: int, departments: Collection[int] | None = None) -> list[Budget]:
    """Return the budgets of a year with what is spent, the bank's first; two or three queries.

    `departments` cuts to the bank's and these units' budgets.
    """
    rows = RemedyBudget.objects.filter(year=year).select_related("department")
    if departments is not None:
        rows = rows.filter(Q(department__isnull=True) | Q(department__in=departments))
    ordered = sorted(rows, key=lambda row: (row.department_id is not None, row.pk))
    by_unit = _spent(year)
    total = sum(by_unit.values(), NOTHING)
    return [
        Budget(row, total if row.department_id is None else by_unit.get(row.department_id, NOTHING))
        for row in ordered
    ]


def exceeds(amount: Decimal, departments: Sequence[int], at: datetime) -> bool:
    """Tell whether a budget of this year would not cover `amount` more for one of these units.

    The budget rows are locked until the caller's transaction ends, so that of two grants at the
    same moment the second counts the first. No budget set: nothing is exceeded.
    """
    year = year_of(at)
    wanted = Q(department__isnull=True) | Q(department__in=list(departments))
    rows = RemedyBudget.objects.filter(wanted, year=year).order_by("pk")
    if not list(rows.select_for_update(no_key=True).values_list("pk", flat=True)):
        return False
    return any(budget.left < amount for budget in budgets(year, departments))


def _spent(year: int) -> dict[int | None, Decimal]:
    """Return what is promised or paid in a year by department."""
    rows = _counted().filter(at__gte=_begin(year), at__lt=_begin(year + 1))
    summed = rows.order_by().values_list("department_id").annotate(Sum("amount"))
    return {unit: total or NOTHING for unit, total in summed}


def _counted() -> QuerySet[CaseRemedy]:
    rows = CaseRemedy.objects.filter(amount__isnull=False)
    return rows.exclude(state=RemedyState.CANCELLED)


def _begin(year: int) -> datetime:
    return timezone.make_aware(datetime(year, 1, 1))  # noqa: DTZ001 - made aware here


__all__ = ["Budget", "budgets", "exceeds", "granted", "year_of"]
