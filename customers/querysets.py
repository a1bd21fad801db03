"""Named questions about customers."""

from typing import TYPE_CHECKING, Self

from config.shared.scope import Reach, Scope, ScopedQuerySet

if TYPE_CHECKING:
    from customers.models.customer import Customer


class CustomerQuerySet(ScopedQuerySet["Customer"]):
    """Customers, cut by scope: all, those of my units' branches, or those I manage."""

    area = "customers"

    def visible_to(self, scope: Scope, act: str = "view") -> Self:
        """Keep the customers on whom this person may do `act`."""
        reach = scope.to(self.area, act)
        if Reach.ALL in reach:
            return self
        if Reach.DEPARTMENT in reach:
            return self.filter(branch__in=scope.departments) | self.filter(rm=scope.member)
        if Reach.OWN in reach:
            return self.filter(rm=scope.member)
        return self.none()
