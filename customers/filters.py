"""What the customer list can be cut by: words, tier, branch, relationship manager."""

from typing import Any, Final

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from config.shared.scope import Reach, Scope
from customers.lookup import matching
from customers.models import Customer
from customers.models.customer import Tier
from staff.models import Department, Person
from staff.models.accounts import Role
from staff.models.people import UnitKind

NOBODY: Final = "none"


class FilterForm(forms.Form):
    """The controls above the list; a value that is not offered cuts nothing."""

    q = forms.CharField(required=False, max_length=80)
    tier = forms.ChoiceField(label=_("Tier"), required=False)
    branch = forms.ChoiceField(label=_("Branch"), required=False)
    rm = forms.ChoiceField(label=_("Relationship manager"), required=False)

    def __init__(self, data: QueryDict, scope: Scope) -> None:
        super().__init__(data)
        self._offer("tier", _("All tiers"), list(Tier.choices))
        branches = [(row.code, row.label) for row in branches_for(scope)]
        self._offer("branch", _("All branches"), branches)
        managers = [(str(row.pk), row.label) for row in managers_for(scope)]
        managers.append((NOBODY, str(_("Without manager"))))
        self._offer("rm", _("All managers"), managers)

    def _offer(self, name: str, empty: Any, choices: list[tuple[Any, Any]]) -> None:
        """Give a select its choices, the empty one first."""
        field: Any = self.fields[name]
        field.choices = [("", empty), *choices]


class CustomerFilters:
    """The filter set of the list: `form` for the page, `qs` the rows that match."""

    def __init__(self, data: QueryDict, rows: QuerySet[Customer], scope: Scope) -> None:
        self.form = FilterForm(data, scope)
        self.form.is_valid()
        self._rows = rows

    @property
    def chosen(self) -> dict[str, str]:
        """The values in force, without empty ones."""
        return {key: value for key, value in self.form.cleaned_data.items() if value}

    @property
    def qs(self) -> QuerySet[Customer]:
        """The customers that match."""
        rows, chosen = self._rows, self.chosen
        if text := chosen.get("q"):
            rows = rows.filter(matching(text))
        if tier := chosen.get("tier"):
            rows = rows.filter(tier=tier)
        if branch := chosen.get("branch"):
            rows = rows.filter(branch__code=branch)
        if rm := chosen.get("rm"):
            rows = rows.filter(rm=None) if rm == NOBODY else rows.filter(rm_id=int(rm))
        return rows


def branches_for(scope: Scope, act: str = "view") -> QuerySet[Department]:
    """Return the active branches this person may name: own units, or all where the reach is."""
    rows = Department.objects.filter(kind=UnitKind.BRANCH, active=True).order_by("code")
    if Reach.ALL in scope.to("customers", act):
        return rows
    own = rows.filter(pk__in=scope.departments)
    return own if own.exists() else rows


def managers_for(scope: Scope) -> QuerySet[Person]:
    """Return the relationship managers this person may name, by name."""
    rows = Person.objects.filter(active=True, account__grants__role=Role.RM).distinct()
    reach = scope.to("customers")
    if Reach.ALL not in reach:
        own = rows.filter(department__in=scope.departments) if Reach.DEPARTMENT in reach else None
        rows = own if own is not None else rows.filter(pk=scope.member or 0)
    return rows.order_by("name_en", "pk")


__all__ = ["CustomerFilters", "branches_for", "managers_for"]
