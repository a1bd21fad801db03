"""Named questions about notices, outgoing messages, approvals, jobs and term lists."""

from datetime import date
from typing import TYPE_CHECKING, Self

from django.db.models import Q, QuerySet

from config.shared.scope import Reach, Scope, ScopedQuerySet

if TYPE_CHECKING:
    from config.kernel.models.approval import Approval
    from config.kernel.models.jobs import Job
    from config.kernel.models.notices import Notice
    from config.kernel.models.outbox import OutboxMessage
    from config.kernel.models.rules import Term


class NoticeQuerySet(ScopedQuerySet["Notice"]):
    """Notices; everybody reads only the own ones, whatever the roles."""

    area = "notices"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the notices of this person; a notice is never read over a shoulder."""
        if scope.everything:
            return self
        if not scope.may(self.area, act):
            return self.none()
        return self.filter(person_id=scope.member)

    def unread(self) -> Self:
        """Keep what has not been opened yet."""
        return self.filter(read_at__isnull=True)

    def waiting(self) -> Self:
        """Keep what still needs an act of the person."""
        return self.filter(needs_action=True, done_at__isnull=True)


class OutboxQuerySet(ScopedQuerySet["OutboxMessage"]):
    """Messages to customers and staff: all, or those of the own departments."""

    area = "outbox"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the messages on which this person may do `act`."""
        reach = scope.to(self.area, act)
        if Reach.ALL in reach:
            return self
        if Reach.DEPARTMENT in reach:
            return self.filter(department_id__in=scope.departments)
        return self.none()

    def waiting(self) -> Self:
        """Keep messages that a later delivery will try."""
        return self.filter(ready_at__isnull=False)

    def needing_attention(self) -> Self:
        """Keep the dead letters: every try failed and nobody has acted on it yet."""
        return self.filter(state="failed")


class ApprovalQuerySet(ScopedQuerySet["Approval"]):
    """Requests for a second person: all, those of the own departments, always the own requests."""

    area = "approvals"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the requests on which this person may do `act`.

        Whoever asked may read the request; deciding is a matter of the handler (`may_decide`).
        Requests to publish rules are shown to those who edit rules.
        """
        reach = scope.to(self.area, act)
        if Reach.ALL in reach:
            return self
        if not reach:
            return self.none()
        wanted = Q(pk__in=[])
        if Reach.DEPARTMENT in reach:
            wanted |= Q(department_id__in=scope.departments)
        if Reach.OWN in reach or act == "view":
            wanted |= Q(asked_by_id=scope.member)
        if scope.may("rules", "edit"):
            wanted |= Q(kind="rules.publish")
        return self.filter(wanted)

    def pending(self) -> Self:
        """Keep requests without a decision."""
        return self.filter(state="pending")


class JobQuerySet(ScopedQuerySet["Job"]):
    """Imports, exports and other long work: all, or those the person started."""

    area = "jobs"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the jobs on which this person may do `act`."""
        reach = scope.to(self.area, act)
        if Reach.ALL in reach:
            return self
        return self.filter(owner_id=scope.member) if reach else self.none()

    def unfinished(self) -> Self:
        """Keep jobs that wait, run, or wait for a confirmation."""
        return self.filter(finished_at__isnull=True)


class TermQuerySet(QuerySet["Term"]):
    """Entries of the growing lists; everybody who signs in may read them."""

    def of(self, taxonomy: str) -> Self:
        """Keep one list, in its order, parents loaded."""
        return self.filter(taxonomy=taxonomy).select_related("parent").order_by("order", "code")

    def usable(self, on: date | None = None) -> Self:
        """Keep active entries; with `on` (bank's local date) also only those valid that day."""
        rows = self.filter(active=True)
        if on is None:
            return rows
        begun = Q(valid_from__isnull=True) | Q(valid_from__lte=on)
        return rows.filter(begun, Q(valid_to__isnull=True) | Q(valid_to__gte=on))
