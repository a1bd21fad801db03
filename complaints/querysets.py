"""Named questions about cases."""

from datetime import datetime
from typing import TYPE_CHECKING, Self, TypeVar

from django.apps import apps
from django.db.models import Exists, Model, OuterRef, Q

from complaints.choices import OPEN, Severity, WatchedBy
from config.shared.scope import Reach, Scope, ScopedQuerySet

if TYPE_CHECKING:
    from complaints.models.case import Case
    from complaints.models.desk import BulkAct, BulkRow
    from complaints.models.replies import ServiceNotice

M = TypeVar("M", bound=Model)


class CaseQuerySet(ScopedQuerySet["Case"]):
    """Cases, cut by scope, recusals and grants; and the states people ask for."""

    area = "cases"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the cases on which this person may do `act`.

        A recused person never sees the case; a restricted one needs a grant or the right
        (`cases`, `restricted`). Watchers read the case they were granted.
        """
        if scope.everything:
            return self
        rows = self._reached(scope, act)
        recused = apps.get_model("complaints", "CaseExclusion")._default_manager
        rows = rows.filter(
            ~Exists(recused.filter(person_id=scope.member or 0, case_id=OuterRef("pk")))
        )
        if Reach.ALL in scope.to(self.area, "restricted"):
            return rows
        return rows.filter(Q(restricted=False) | self._granted(scope))

    def _reached(self, scope: Scope, act: str) -> Self:
        """Keep what the reach table gives for `act`."""
        reach = scope.to(self.area, act)
        if Reach.ALL in reach:
            return self
        if not reach:
            return self.none()
        wanted = Q(pk__in=[])
        if Reach.DEPARTMENT in reach:
            wanted |= Q(department__in=scope.departments)
        if Reach.SEVERE in reach:
            wanted |= Q(severity__gte=Severity.HIGH)
        if Reach.RESTRICTED in reach:
            wanted |= Q(restricted=True)
        if Reach.OWN in reach:
            wanted |= Q(handler=scope.member) | Q(registrar=scope.member) | Q(rm=scope.member)
            wanted |= Q(officer=scope.member)
        return self.filter(wanted | self._beside(scope, act, reach))

    def _beside(self, scope: Scope, act: str, reach: Reach) -> Q:
        """Cases reached beside the table: granted to read, or for one's own unit to review.

        Members of a task force note in its case.
        """
        if act == "view":
            return self._granted(scope)
        if act == "note":
            return self._granted(scope, why=WatchedBy.TASK_FORCE)
        if act == "review" and Reach.DEPARTMENT in reach:
            reviews = apps.get_model("complaints", "CaseReview")._default_manager
            theirs = reviews.filter(case=OuterRef("pk"), department__in=scope.departments)
            return Q(Exists(theirs.filter(told_at__isnull=True)))
        return Q(pk__in=[])

    def _granted(self, scope: Scope, **only: str) -> Q:
        """Cases granted to this person by name."""
        grants = apps.get_model("complaints", "CaseGrant")._default_manager
        mine = grants.filter(person_id=scope.member or 0, case_id=OuterRef("pk"), **only)
        return Q(Exists(mine))

    def open(self) -> Self:
        """Keep cases whose customer still waits for the result."""
        return self.filter(status__in=OPEN)

    def overdue(self, at: datetime) -> Self:
        """Keep open cases whose nearest running clock has passed."""
        return self.open().filter(paused=False, next_due_at__lt=at)


class OfCaseQuerySet(ScopedQuerySet[M]):
    """Rows that belong to a case (`case`): who may do an act on the case may do it on them."""

    area = "cases"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the rows of the cases on which this person may do `act`."""
        if scope.everything:
            return self
        cases = apps.get_model("complaints", "Case")._default_manager
        return self.filter(case__in=cases.visible_to(scope, act))


class BulkActQuerySet(ScopedQuerySet["BulkAct"]):
    """Acts on many cases: one's own; those who supervise every case see all of them."""

    area = "cases"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the acts this person may look at and take back."""
        if Reach.ALL in scope.to(self.area, "supervise"):
            return self
        return self.filter(by=scope.member)


class BulkRowQuerySet(ScopedQuerySet["BulkRow"]):
    """Cases of acts on many: seen with the act; the page names only the cases in sight."""

    area = "cases"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the rows of the acts this person may look at."""
        if Reach.ALL in scope.to(self.area, "supervise"):
            return self
        return self.filter(act__by=scope.member)


class ServiceNoticeQuerySet(ScopedQuerySet["ServiceNotice"]):
    """Service notices: everybody who may read them reads all of them."""

    area = "service_notices"
