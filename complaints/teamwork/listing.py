"""The list of tasks: mine, my unit's, asked by me, late; keyset paging in fixed orders."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from complaints.models import CaseTask
from config.shared.listing import Column, List, Order, capped_count
from config.shared.scope import Scope

VIEWS: Final[Mapping[str, str | Promise]] = {
    "mine": _("Mine"),
    "unit": _("My department"),
    "asked": _("Asked by me"),
    "late": pgettext_lazy("tasks", "Late"),
}
_JOINED: Final = ("case__type", "case__customer", "department", "person", "asked_by")


def rows(scope: Scope) -> QuerySet[CaseTask]:
    """Return the open tasks this person sees, with what the cells need."""
    return CaseTask.objects.visible_to(scope).open().select_related(*_JOINED)


def cut(tasks: QuerySet[CaseTask], view: str, scope: Scope, at: datetime) -> QuerySet[CaseTask]:
    """Keep the tasks of one view; an unknown view is "mine"."""
    if view == "unit":
        return tasks.filter(department__in=scope.departments)
    if view == "asked":
        return tasks.filter(asked_by=scope.member or 0)
    if view == "late":
        return tasks.filter(due_at__lt=at)
    return tasks.filter(person=scope.member or 0)


def counts(scope: Scope, at: datetime) -> dict[str, int | None]:
    """Return how many open tasks each view holds; None beyond 10,000."""
    seen = CaseTask.objects.visible_to(scope).open()
    return {view: capped_count(cut(seen, view, scope, at)) for view in VIEWS}


def count(scope: Scope, at: datetime) -> tuple[int, bool]:
    """Return how many tasks wait for this person, and whether one is late."""
    mine = CaseTask.objects.visible_to(scope).open().filter(person=scope.member or 0)
    found = list(mine.order_by("due_at", "pk").values_list("due_at", flat=True)[:100])
    return len(found), bool(found) and found[0] < at


class Filters:
    """The view asked for by `view`."""

    def __init__(self, data: QueryDict, tasks: QuerySet[Any], scope: Scope, at: datetime) -> None:
        """Read the view; unknown ones mean the first."""
        asked = data.get("view", "")
        self.view = asked if asked in VIEWS else "mine"
        self.qs: QuerySet[Any] = cut(tasks, self.view, scope, at)


TASKS: Final = List(
    key="tasks",
    title=_("My tasks"),
    area="cases",
    rows=rows,
    filters=Filters,
    columns=(
        Column("due", _("Due"), lambda t: t.due_at, "complaints/cells/task_due.html",
               "datetime", "due", "nowrap m-half", locked=True),
        Column("case", _("Case"), lambda t: t.case.number, "complaints/cells/task_case.html",
               style="c-subj m-show", locked=True),
        Column("state", _("State"), lambda t: t.get_state_display(),
               "complaints/cells/task_state.html", style="m-end"),
        Column("unit", _("Asked"), lambda t: t.department.label,
               "complaints/cells/task_unit.html", style="m-half"),
        Column("asker", _("Asked by"), lambda t: t.asked_by.label if t.asked_by else "",
               "complaints/cells/task_asker.html", "text", "new", "m-half"),
    ),
    orders=(
        Order("due", _("Due first"), ("due_at", "id")),
        Order("new", _("Newest first"), ("-id",)),
    ),
)  # fmt: skip
