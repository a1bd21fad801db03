"""Customers in the search field: within scope, the telephone always masked."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.shared.scope import Scope
from config.shared.search_sources import Found, SearchSource, first_of
from config.shared.search_sources import Hit as Line
from customers import lookup


def find(asked: str, scope: Scope, _at: datetime, limit: int) -> Found:
    """Return the customers who answer `asked`: number, telephone, its tail, name, identity."""
    if not scope.may("customers"):
        return Found()
    rows, more = first_of(lookup.hits(asked, scope, limit=limit + 1), limit)
    return Found(tuple(_line(row) for row in rows), more)


def _line(row: lookup.Hit) -> Line:
    return Line(
        title=row.name,
        url=reverse("customer", args=[row.number]),
        icon="user",
        meta=tuple(text for text in (row.number, row.phone, row.branch) if text),
        tier=row.tier,
    )


def source() -> SearchSource:
    """Return the source of this room."""
    return SearchSource("customers", _("Customers"), find, order=20)


__all__ = ["find", "source"]
