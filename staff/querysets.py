"""Named questions about departments and people."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from config.kernel.models import Notice
from config.shared.scope import Reach, Scope, ScopedQuerySet

if TYPE_CHECKING:
    from staff.models.duty import DutyCall, DutyShift
    from staff.models.people import Department, Person


class DepartmentQuerySet(ScopedQuerySet["Department"]):
    """Units of the bank. `path` is `/1/5/`: the pks from the top down to the unit itself."""

    area = "people"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the units on which this person may do `act`."""
        reach = scope.to(self.area, act)
        if Reach.ALL in reach:
            return self
        return self.filter(pk__in=scope.departments) if Reach.DEPARTMENT in reach else self.none()

    def active(self) -> Self:
        """Keep units that still work."""
        return self.filter(active=True)

    def under(self, pks: Iterable[int]) -> Self:
        """Keep these units and everything below them."""
        wanted = Q(pk__in=[])
        for pk in pks:
            wanted |= Q(pk=pk) | Q(path__contains=f"/{pk}/")
        return self.filter(wanted)

    def below(self, pks: Iterable[int]) -> list[int]:
        """Return the pks of these units and all units below them, in one query."""
        return list(self.under(pks).order_by().values_list("pk", flat=True))


class PersonQuerySet(ScopedQuerySet["Person"]):
    """People, with or without a login."""

    area = "people"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the people on whom this person may do `act`; OWN is oneself."""
        reach = scope.to(self.area, act)
        if Reach.ALL in reach:
            return self
        wanted = Q(pk__in=[])
        if Reach.DEPARTMENT in reach:
            wanted |= Q(department__in=scope.departments)
        if Reach.OWN in reach:
            wanted |= Q(pk=scope.member)
        return self.filter(wanted)

    def active(self) -> Self:
        """Keep people who work here now."""
        return self.filter(active=True)

    def holding(self, roles: Iterable[str]) -> Self:
        """Keep people whose active account holds one of these role codes."""
        return self.filter(
            account__is_active=True, account__grants__role__in=list(roles)
        ).distinct()

    def away(self, at: datetime) -> Self:
        """Keep people who are absent at that moment."""
        return self.filter(absences__start_at__lte=at, absences__end_at__gt=at).distinct()


class DutyShiftQuerySet(ScopedQuerySet["DutyShift"]):
    """Shifts of the duty roster."""

    area = "duty"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the shifts on which this person may do `act`; OWN is where one is on call."""
        reach = scope.to(self.area, act)
        if Reach.ALL in reach:
            return self
        if Reach.OWN in reach:
            return self.filter(Q(first=scope.member) | Q(second=scope.member))
        return self.none()


class DutyCallQuerySet(ScopedQuerySet["DutyCall"]):
    """Calls to whoever is on duty."""

    area = "duty"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the calls on which this person may do `act`; OWN is those one was called for."""
        reach = scope.to(self.area, act)
        if Reach.ALL in reach:
            return self
        return self.called(scope.member) if Reach.OWN in reach else self.none()

    def called(self, person_id: int | None) -> Self:
        """Keep the calls that went to this person, also those passed on since."""
        key = Concat(Value("duty:"), Cast(OuterRef("pk"), CharField()), Value(f":{person_id or 0}"))
        return self.filter(Exists(Notice.objects.filter(key=key)))

    def waiting(self) -> Self:
        """Keep the calls nobody has acknowledged."""
        return self.filter(acknowledged_at__isnull=True)
