"""The customer list: columns, orders and filters, declared once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from config.shared.listing import Column, List, Order
from config.shared.scope import Scope
from customers.filters import CustomerFilters
from customers.lookup import Hit, hit_of
from customers.models import Customer
from customers.models.customer import CustomerStatus

HIDDEN: Final = (CustomerStatus.ERASED, CustomerStatus.MERGED)


def shown_rows(scope: Scope) -> QuerySet[Customer]:
    """Return the visible customers with what a row shows; identity numbers stay unread."""
    rows = Customer.objects.visible_to(scope).exclude(status__in=HIDDEN)
    return rows.select_related("rm", "branch").prefetch_related("contacts").defer("id_number")


def rows_of(customers: Sequence[Customer], scope: Scope) -> list[Hit]:
    """Return rows for the page: telephones masked, names too where identity is not granted."""
    return [hit_of(customer, scope) for customer in customers]


def _filters(data: QueryDict, rows: QuerySet[Any], scope: Scope, at: datetime) -> CustomerFilters:
    return CustomerFilters(data, rows, scope)


def _column(key: str, title: Any, *, style: str = "") -> Column:
    return Column(key, title, lambda hit: getattr(hit, key), f"customers/cells/{key}.html",
                  style=style)  # fmt: skip


CUSTOMERS: Final = List(
    key="customers",
    title=_("Customers"),
    area="customers",
    rows=shown_rows,
    filters=_filters,
    columns=(
        _column("name", _("Customer"), style="m-half"),
        _column("tier", _("Tier"), style="m-end"),
        _column("phone", _("Phone"), style="num m-half"),
        _column("branch", _("Branch")),
        _column("rm", _("Relationship manager"), style="m-end"),
    ),
    orders=(
        Order("newest", _("Newest first"), ("-id",)),
        Order("tier", _("Tier"), ("tier", "id")),
        Order("oldest", _("Oldest first"), ("id",)),
    ),
)
