"""The follow-up list: what one accepted, who holds it now, and how long nothing has moved."""

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from complaints import follow_up
from complaints.follow_up import FOLLOW_UP
from config.shared.chips import Head, PagerLinks
from config.shared.listing import Order
from config.shared.listing_pages import Page, page_of
from config.shared.scope import Reach
from staff.http import StaffRequest


@require_safe
def follow_up_list(request: StaffRequest) -> HttpResponse:
    """Show the cases in others' hands; `sort` silent or clock, `page` a cursor."""
    scope, at = request.scope, timezone.now()
    scope.demand(FOLLOW_UP.area, follow_up.ACT)
    order = FOLLOW_UP.order(request.GET.get("sort", ""))
    cursor = request.GET.get("page", "")
    page = page_of(FOLLOW_UP.rows(scope), order, cursor, FOLLOW_UP.page_size)
    everybody = Reach.ALL in scope.to(FOLLOW_UP.area, follow_up.ACT)
    columns = [c for c in FOLLOW_UP.columns if everybody or c.key != "officer"]
    context = {
        "at": at,
        "list": FOLLOW_UP,
        "everybody": everybody,
        "columns": columns,
        "heads": [_head(column.title, column.style, column.order, order) for column in columns],
        "rows": follow_up.lines(page.rows, scope, at),
        "order": order,
        "pager": _links(page, order),
    }
    return render(request, "complaints/follow_up.html", context)


def _head(title: Any, style: str, key: str, order: Order) -> Head:
    url = f"?sort={key}" if key else ""
    return Head(title, style, url, "ascending" if key and key == order.key else "")


def _links(page: Page, order: Order) -> PagerLinks:
    """Return the addresses of the neighbouring pages."""

    def to(cursor: str) -> str:
        data = QueryDict(mutable=True)
        data["sort"] = order.key
        if cursor:
            data["page"] = cursor
        return f"?{data.urlencode()}"

    return PagerLinks(
        first="" if page.is_first else to(""),
        previous=to(page.previous) if page.previous else "",
        next=to(page.next) if page.next else "",
        last=to(page.last) if page.last else "",
    )
