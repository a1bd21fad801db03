"""The list of customers: find and cut; filters, order and page are the address."""

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.shared.chips import PagerLinks
from config.shared.htmx import is_htmx
from config.shared.listing_pages import Page, page_of
from customers.filters import CustomerFilters
from customers.lists import CUSTOMERS, rows_of, shown_rows
from staff.http import StaffRequest


@require_safe
def customers(request: StaffRequest) -> HttpResponse:
    """Show one page of the list; for htmx only its rows."""
    request.scope.demand("customers")
    data = asked(request.GET)
    filters = CustomerFilters(data, shown_rows(request.scope), request.scope)
    order = CUSTOMERS.order(data.get("sort", ""))
    page = page_of(filters.qs, order, data.get("page", ""), CUSTOMERS.page_size)
    context: dict[str, Any] = {
        "at": timezone.now(),
        "list": CUSTOMERS,
        "order": order,
        "form": filters.form,
        "filtered": bool(filters.chosen),
        "rows": rows_of(page.rows, request.scope),
        "pager": _pager(page, data),
        "may_register": request.scope.may("customers", "register"),
    }
    name = "customers/_rows.html" if is_htmx(request) else "customers/list.html"
    return render(request, name, context)


def asked(given: QueryDict) -> QueryDict:
    """Return the parameters without empty ones and control characters."""
    kept = QueryDict(mutable=True)
    for key in ("q", "tier", "branch", "rm", "sort", "page"):
        value = "".join(sign for sign in given.get(key, "") if sign.isprintable()).strip()
        if value:
            kept[key] = value
    return kept


def _pager(page: Page, data: QueryDict) -> PagerLinks:
    """Return the addresses of the neighbouring pages."""
    return PagerLinks(
        first="" if page.is_first else _with(data, ""),
        previous=_with(data, page.previous) if page.previous else "",
        next=_with(data, page.next) if page.next else "",
        last=_with(data, page.last) if page.last else "",
    )


def _with(data: QueryDict, cursor: str) -> str:
    """Return the query string for another page."""
    changed = data.copy()
    changed.pop("page", None)
    if cursor:
        changed["page"] = cursor
    return f"?{changed.urlencode()}"
