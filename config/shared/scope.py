"""One scope on every read: what a member of staff reaches, and the queryset base that obeys it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Self, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _

M = TypeVar("M", bound=Model)


class Reach(Flag):
    """How far somebody's right extends; several roles are joined with `|`."""

    NONE = 0
    OWN = auto()  # what I handle, registered, or whose relationship manager I am
    DEPARTMENT = auto()  # my departments and all units below them
    SEVERE = auto()  # severity high or critical (duty leader)
    RESTRICTED = auto()  # restricted cases only (compliance)
    ALL = auto()


@dataclass(frozen=True, slots=True)
class Scope:
    """What one member of staff may reach at this moment.

    `member` is the person's pk (None for the system), `departments` the pks of own units with
    their sub-units, `reach` maps (area, act) to a Reach, `roles` the role codes held.
    """

    member: int | None
    departments: frozenset[int] = frozenset()
    reach: Mapping[tuple[str, str], Reach] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()
    everything: bool = False

    def to(self, area: str, act: str = "view") -> Reach:
        """Return how far `act` reaches in `area`; NONE when nothing was granted."""
        return Reach.ALL if self.everything else self.reach.get((area, act), Reach.NONE)

    def may(self, area: str, act: str = "view") -> bool:
        """Tell whether `act` is granted on at least some rows of `area`."""
        return bool(self.to(area, act))

    def demand(self, area: str, act: str = "view") -> None:
        """Raise PermissionDenied (403) where `act` is not granted at all."""
        if not self.may(area, act):
            raise PermissionDenied


WHOLE_BANK = Scope(member=None, everything=True)


class ScopedQuerySet(QuerySet[M]):
    """Base of every queryset that pages read: `visible_to` first, `fetch` for one row."""

    area = ""

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the rows on which this person may do `act`; by default all or nothing."""
        return self if Reach.ALL in scope.to(self.area, act) else self.none()

    def fetch(self, scope: Scope, act: str = "view", **lookup: object) -> M:
        """Return one row for `act`, or refuse: no reach 403, unseen 404, seen only 403 in words."""
        scope.demand(self.area, act)
        if any("\x00" in value for value in lookup.values() if isinstance(value, str)):
            raise Http404  # PostgreSQL cannot even be asked
        # No order: sorting one row costs Django more than the database needs to find it.
        for row in self.visible_to(scope, act).filter(**lookup).order_by()[:1]:
            return row
        if act != "view" and self.visible_to(scope).filter(**lookup).exists():
            raise PermissionDenied(_("You may read this, but not do that here."))
        raise Http404
