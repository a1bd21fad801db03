"""The list of remedies over all cases: what is late, what is promised, what was done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import django_filters
from django.db.models import Q, QuerySet, TextChoices
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from complaints.choices import RemedyState
from complaints.models import CaseRemedy
from config.shared.listing import Column, List, Order
from config.shared.scope import Reach, Scope

AREA: Final = "remedies"


class Standing(TextChoices):
    """Where a remedy stands; a promised one is late once its day has passed."""

    LATE = "late", _("Overdue")
    PROMISED = "promised", _("Promised")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class RemedyFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """What to show: one standing, and one's own only."""

    state = django_filters.ChoiceFilter(choices=Standing.choices, method="by_state")
    mine = django_filters.ChoiceFilter(choices=[("1", "1")], method="by_mine")

    class Meta:
        model = CaseRemedy
        fields: list[str] = []

    def __init__(
        self, data: QueryDict, rows: QuerySet[CaseRemedy], scope: Scope, at: datetime
    ) -> None:
        super().__init__(data, queryset=rows)
        self.scope, self.at = scope, at

    def by_state(self, rows: QuerySet[CaseRemedy], _name: str, value: str) -> QuerySet[CaseRemedy]:
        """Keep one standing."""
        if value == Standing.LATE:
            return rows.filter(state=RemedyState.PROMISED, due_at__lt=self.at)
        return rows.filter(state=value)

    def by_mine(self, rows: QuerySet[CaseRemedy], _name: str, _value: str) -> QuerySet[CaseRemedy]:
        """Keep what the reader sees to."""
        return rows.filter(owner=self.scope.member)


@dataclass(frozen=True, slots=True)
class RemedyRow:
    """One line: the remedy and whether it is late at the moment of the page."""

    remedy: CaseRemedy
    late: bool


def rows(scope: Scope) -> QuerySet[CaseRemedy]:
    """Return the remedies this person may see: by the reach of `remedies`, in visible cases.

    Own = what one sees to, and what stands in cases one handles or accepted.
    """
    scope.demand(AREA)
    found = CaseRemedy.objects.visible_to(scope)
    found = found.select_related("case", "term", "owner", "department", "proof")
    reach = scope.to(AREA)
    if Reach.ALL in reach:
        return found
    mine = Q(owner=scope.member) | Q(case__handler=scope.member) | Q(case__officer=scope.member)
    if Reach.DEPARTMENT in reach:
        mine |= Q(department__in=scope.departments)
    return found.filter(mine)


def lines(remedies: list[CaseRemedy], at: datetime) -> list[RemedyRow]:
    """Return the lines of loaded remedies."""
    return [
        RemedyRow(
            row, row.state == RemedyState.PROMISED and row.due_at is not None and row.due_at < at
        )
        for row in remedies
    ]


def _filters(data: QueryDict, found: QuerySet[Any], scope: Scope, at: datetime) -> RemedyFilters:
    return RemedyFilters(data, found, scope, at)


def _cell(name: str) -> str:
    return f"complaints/cells/{name}.html"


REMEDIES: Final = List(
    key="remedies",
    title=_("Remedies"),
    area=AREA,
    rows=rows,
    filters=_filters,
    columns=(
        Column("remedy", _("Remedy"), lambda r: r.term.label, _cell("remedy"), style="m-show",
               locked=True),
        Column("case", _("Case"), lambda r: r.case.number, _cell("remedy_case"), style="m-half"),
        Column("amount", _("Amount, CNY"), lambda r: r.amount, _cell("remedy_amount"), "money",
               style="r m-half"),
        Column("owner", _("Seen to by"), lambda r: r.owner.label if r.owner else "",
               _cell("remedy_owner")),
        Column("department", _("Paid by"), lambda r: r.department.label if r.department else "",
               _cell("remedy_department")),
        Column("due", _("Due"), lambda r: r.due_at, _cell("remedy_due"), "datetime"),
        Column("state", _("State"), lambda r: r.get_state_display(), _cell("remedy_state"),
               style="m-end"),
    ),
    orders=(
        Order("newest", _("Newest first"), ("-id",)),
        Order("oldest", _("Oldest first"), ("id",)),
    ),
)  # fmt: skip

__all__ = ["AREA", "REMEDIES", "RemedyRow", "Standing", "lines", "rows"]
