"""Follow-up 跟进: what an officer accepted and others hold now, the longest silent first (S1-9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import F, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from complaints.choices import Status
from complaints.filters import CaseFilters
from complaints.lists import CaseRow, rows_of, shown_rows
from complaints.models import Case
from config.shared.chips import duration_words
from config.shared.listing import Column, List, Order
from config.shared.scope import Reach, Scope

ACT: Final = "follow"
WITH_OTHERS: Final = (
    Status.ASSIGNED,
    Status.IN_PROGRESS,
    Status.WAITING_CUSTOMER,
    Status.WAITING_THIRD_PARTY,
    Status.SUSPENDED,
    Status.PENDING_APPROVAL,
    Status.SENT_BACK,
)
"""States in which a department is to act; a returned or resolved case is the officer's again."""
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class FollowRow:
    """One line: the row of the case list, and for how long nothing has moved."""

    row: CaseRow
    silent: str
    days: int


def rows(scope: Scope) -> QuerySet[Case]:
    """Return open cases with an officer that somebody else holds: one's own, or all of them.

    Those who reach every case (supervisors) see all officers' cases.
    """
    held = Q(handler__isnull=True) | ~Q(handler=F("officer"))
    found = shown_rows(scope, ACT).filter(held, status__in=WITH_OTHERS, officer__isnull=False)
    if Reach.ALL not in scope.to("cases", ACT):
        found = found.filter(officer=scope.member)
    return found.select_related("officer")


def lines(cases: Sequence[Case], scope: Scope, at: datetime) -> list[FollowRow]:
    """Return the lines of loaded cases at `at`; one query for all their clocks."""
    return [_line(row, at) for row in rows_of(cases, scope, at)]


def _line(row: CaseRow, at: datetime) -> FollowRow:
    seconds = max(0, int((at - row.case.updated_at).total_seconds()))
    days = seconds // _DAY
    words = ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    return FollowRow(row, words if days else duration_words(seconds), days)


def _filters(data: QueryDict, cases: QuerySet[Any], scope: Scope, at: datetime) -> CaseFilters:
    return CaseFilters(data, cases, scope, at)


FOLLOW_UP: Final = List(
    key="follow_up",
    title=_("Follow-up"),
    area="cases",
    rows=rows,
    filters=_filters,
    columns=(
        Column("silent", _("No movement for"), lambda c: c.updated_at,
               "complaints/cells/silent.html", "datetime", "silent", "nowrap m-half"),
        Column("case", _("Case"), lambda c: c.core_issue, "complaints/cells/case.html", "text",
               style="c-subj m-show", locked=True),
        Column("status", _("Status"), lambda c: c.get_status_display(),
               "complaints/cells/status.html", style="m-end"),
        Column("with", _("With"), lambda c: c.department.label, "complaints/cells/with.html",
               style="m-half"),
        Column("clock", _("Next clock"), lambda c: c.next_due_at, "complaints/cells/clock.html",
               "datetime", "clock", "m-half"),
        Column("officer", _("Complaint officer"), lambda c: c.officer.label if c.officer else "",
               "complaints/cells/officer.html"),
    ),
    orders=(
        Order("silent", _("Longest silent first"), ("updated_at", "id")),
        Order("clock", _("Due first"), ("paused", "next_due_at", "id")),
    ),
)  # fmt: skip
