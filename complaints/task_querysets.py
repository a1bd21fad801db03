"""Named questions about tasks: whose they are, which are late."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, Self

from django.apps import apps
from django.db.models import Exists, OuterRef, Q

from complaints.choices import TaskKind
from config.shared.scope import Reach, Scope, ScopedQuerySet

if TYPE_CHECKING:
    from complaints.models.teamwork import CaseTask


def _answered(scope: Scope) -> Q:
    """Tasks this person may take, refuse and answer: asked of them, and they answer tasks."""
    return _asked(scope) if scope.may("cases", "answer_task") else Q(pk__in=[])


def _asked(scope: Scope) -> Q:
    """Tasks asked of this person, or of a unit in which they work on cases."""
    wanted = Q(person=scope.member)
    if scope.may("cases", "task"):
        wanted |= Q(department__in=scope.departments)
    return wanted


def _seen(scope: Scope) -> Q:
    if Reach.ALL in scope.to("cases", "task"):
        return Q()
    return _asked(scope) | Q(asked_by=scope.member)


def _called_back(scope: Scope) -> Q:
    reach = scope.to("cases", "supervise")
    wanted = Q(asked_by=scope.member)
    if Reach.ALL in reach:
        wanted = Q()
    elif Reach.DEPARTMENT in reach:
        wanted |= Q(case__department__in=scope.departments)
    report_too = Reach.ALL in scope.to("cases", "major")
    return wanted if report_too else wanted & ~Q(kind=TaskKind.REPORT)


_REACHED: Final[Mapping[str, Callable[[Scope], Q]]] = {
    "view": _seen,
    "answer": _answered,
    "cancel": _called_back,
}


class CaseTaskQuerySet(ScopedQuerySet["CaseTask"]):
    """Tasks of cases; nobody sees one of a case they are kept out of."""

    area = "cases"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the tasks on which this person may do `act`: view, answer, cancel.

        One sees what one was asked or asks, and what one's unit was asked (those who work on
        cases there, act `task`); who reaches every case sees all. Those asked answer, if they
        answer tasks at all (act `answer_task`: readers and auditors do not). Who asked calls
        back, so does who supervises the case; the report to the regulator only supervisors.
        Recused people see none; restricted cases are for those who may open them.
        """
        if scope.everything:
            return self
        rows = self.filter(_REACHED[act](scope))
        out = apps.get_model("complaints", "CaseExclusion")._default_manager
        theirs = out.filter(person_id=scope.member or 0, case_id=OuterRef("case_id"))
        rows = rows.filter(~Exists(theirs))
        if Reach.ALL in scope.to(self.area, "restricted"):
            return rows
        grants = apps.get_model("complaints", "CaseGrant")._default_manager
        granted = grants.filter(person_id=scope.member or 0, case_id=OuterRef("case_id"))
        return rows.filter(Q(case__restricted=False) | Exists(granted))

    def open(self) -> Self:
        """Keep tasks that nobody has answered, refused or cancelled."""
        return self.filter(ended_at__isnull=True)

    def late(self, at: datetime) -> Self:
        """Keep open tasks whose due time has passed."""
        return self.open().filter(due_at__lt=at)
