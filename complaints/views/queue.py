"""The case queue: find, triage, hand out. Filters, order and page are the address."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.views.decorators.http import require_GET, require_safe

from complaints import bulk, case_page, desk, facets, looks, priority
from complaints.filters import CaseFilters
from complaints.lists import CASES, rows_of, shown_rows
from complaints.models import Case
from config.kernel.models import SavedView
from config.shared.chips import Head, PagerLinks
from config.shared.htmx import is_htmx, toast, trigger
from config.shared.listing import MANY, Column, Order, capped_count
from config.shared.listing_pages import Page, page_of
from config.shared.scope import Scope
from staff.http import StaffRequest

_MOST_CHECKS: Final = 5
_KEPT: Final = {"view", "mine", "repeat", "customer"}
"""Parameters without a control of their own; the form carries them along."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved view above the list; `code` marks it in the page and beside its figure."""

    code: str
    title: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Choosable:
    """A column in the chooser; a locked one is always shown and keeps its place."""

    column: Column
    shown: bool
    locked: bool


@require_safe
def queue(request: StaffRequest) -> HttpResponse:
    """Show one page of the list; for htmx only its rows with chips and export form."""
    return list_for(request, request.GET)


def list_for(request: StaffRequest, given: QueryDict) -> HttpResponse:
    """Answer with the list that an address asks for."""
    request.scope.demand("cases")
    at = timezone.now()
    saved = looks.saved_views(request.scope)
    shown = looks.shown(given, saved, looks.own(request.scope))
    filters = CaseFilters(shown.data, shown_rows(request.scope), request.scope, at)
    order = CASES.order(shown.data.get("sort", ""))
    page = page_of(filters.qs, order, shown.data.get("page", ""), CASES.page_size)
    context = _context(request, filters, page, shown, at)
    if is_htmx(request):
        answer = render(request, "complaints/queue_rows.html", context | {"oob": True})
        return _at_address(request, answer, f"{reverse('cases')}?{shown.data.urlencode()}")
    return render(request, "complaints/queue.html", context | {"tabs": tabs_of(saved, shown.data)})


@require_safe
def queue_facets(request: StaffRequest) -> HttpResponse:
    """Answer with the figures beside facets and tabs; asked for after the page has been shown."""
    request.scope.demand("cases")
    at = timezone.now()
    saved = looks.saved_views(request.scope)
    data = looks.shown(request.GET, saved).data
    visible = Case.objects.visible_to(request.scope)
    filters = CaseFilters(data, visible, request.scope, at)
    figures = facets.figures_of(filters)
    counted = figures.counts
    context = {
        "at": at,
        "facets": [
            (facet.key, choice.code, _figure(counted[facet.key], choice.code))
            for facet in facets.facets_of(filters)
            if facet.key in counted
            for choice in facet.choices
        ],
        "busiest": figures.busiest,
        "tabs": [
            (looks.code_of(view), capped_count(filters.like(looks.query_of(view)).qs))
            for view in saved
        ],
        "total": figures.total,
        "many": MANY,
        "clocks": {} if "clock" in filters.chosen else counted["clock"] or {},
    }
    return render(request, "complaints/queue_facets.html", context)


@require_GET
def case_priority(request: StaffRequest, number: str) -> HttpResponse:
    """Explain the priority score of a case, in the dialog or on a page of its own."""
    case = case_page.rows_for_page().fetch(request.scope, number=number)
    context = {"case": case, **priority.context_of(case)}
    part = "queue_priority" if is_htmx(request) else "queue_priority_page"
    return render(request, f"complaints/{part}.html", context)


@require_GET
def case_next(request: StaffRequest, number: str) -> HttpResponse:
    """Go to the dialog of the next step of a case (key E); say who is waited for otherwise."""
    case = case_page.rows_for_page().fetch(request.scope, number=number)
    verb, words = desk.next_step(case, request.scope)
    url = reverse("case_move", args=[case.number, verb]) if verb else ""
    if url and is_htmx(request):
        return trigger(HttpResponse(status=204), "open-dialog", {"url": url})
    if url:
        return redirect(url)
    if not is_htmx(request):
        return redirect(case)
    text = f"{case.number}: {words}"
    return toast(HttpResponse(status=204), text, tone="plain")


def tabs_of(saved: list[SavedView], data: QueryDict) -> list[Tab]:
    """Return the saved views as tabs, in their order."""
    chinese = translation.get_language() == "zh-hans"
    return [
        Tab(
            code=looks.code_of(view),
            title=view.name_zh if chinese else view.name_en,
            url=f"?{looks.address_of(view)}",
            current=data.get("view") == looks.code_of(view),
        )
        for view in saved
    ]


def chooser(shown: looks.Shown) -> list[Choosable]:
    """Return the shown columns in their order, then the others."""
    columns = shown.columns
    hidden = [column for column in CASES.columns if column not in columns]
    free = {key for key in shown.keys if not CASES.chosen([key])[-1].locked}
    return [
        *(Choosable(c, shown=True, locked=c.key not in free) for c in columns),
        *(Choosable(c, shown=False, locked=False) for c in hidden),
    ]


def _context(
    request: StaffRequest, filters: CaseFilters, page: Page, shown: looks.Shown, at: datetime
) -> dict[str, Any]:
    scope, data, columns = request.scope, shown.data, shown.columns
    found = facets.applied(filters, data)
    return {
        "at": at,
        "list": CASES,
        "columns": columns,
        "chooser": chooser(shown),
        "cells": [(c.drawn_by(compact=shown.compact), c.style) for c in columns],
        "compact": shown.compact,
        "heads": [_head(column, page.order, data) for column in columns],
        "rows": rows_of(page.rows, scope, at),
        "order": page.order,
        "pager": _pager(page, data),
        "facets": facets.facets_of(filters),
        "applied": found,
        "cleared": facets.without(data, *[item.key for item in found]),
        "drop": None if page.rows else _one_too_many(filters, found),
        "data": data,
        "kept": [pair for pair in data.lists() if pair[0] in _KEPT],
        "here": f"{reverse('cases')}?{data.urlencode()}",
        "facets_query": _with(data),
        "query": facets.without(data, "view").removeprefix("?"),
        "background": "X-Background" in request.headers,
        "export_url": _address("exports") if scope.may("cases", "export") else "",
        "new_url": _address("case_new") if scope.may("cases", "register") else "",
        "may_claim": scope.may("cases", "claim"),
        "may_route": scope.may("cases", "route"),
        "bulk_acts": bulk.on_bar(scope),
        **_view_state(scope, shown),
    }


def _view_state(scope: Scope, shown: looks.Shown) -> dict[str, Any]:
    """Return what stands beside the tabs: what was changed, and what can be done with it."""
    view = shown.view
    own = view is not None and view.person_id is not None
    return {
        "view": view,
        "view_code": looks.code_of(view) if view else "",
        "view_url": f"?{looks.address_of(view)}" if view else "",
        "view_mine": own,
        "may_save_view": view is not None and (own or scope.may("views", "share")),
        "changed": shown.changed,
        "state_query": shown.data.urlencode(),
    }


def _at_address(request: StaffRequest, answer: HttpResponse, url: str) -> HttpResponse:
    """Have the browser show the address of the list; one it shows already is not added twice.

    While words are typed the entry of the history is replaced, so that Back leaves the search.
    """
    came = urlsplit(request.headers.get("HX-Current-URL", ""))
    if f"{came.path}?{came.query}" == url:
        return answer
    before, after = (QueryDict(query, mutable=True) for query in (came.query, urlsplit(url).query))
    typed = before.pop("q", None) != after.pop("q", None) and before == after
    answer["HX-Replace-Url" if typed else "HX-Push-Url"] = url
    return answer


def _pager(page: Page, data: QueryDict) -> PagerLinks:
    """Return the addresses of the neighbouring pages."""
    return PagerLinks(
        first="" if page.is_first else _with(data),
        previous=_with(data, page=page.previous) if page.previous else "",
        next=_with(data, page=page.next) if page.next else "",
        last=_with(data, page=page.last) if page.last else "",
    )


def _with(data: QueryDict, **changes: str) -> str:
    """Return the query string with some parameters changed, on the first page unless named."""
    changed = data.copy()
    changed.pop("page", None)
    for key, value in changes.items():
        changed[key] = value
    return f"?{changed.urlencode()}"


def _one_too_many(filters: CaseFilters, found: list[facets.Applied]) -> facets.Applied | None:
    """Return the one filter without which there would be cases, if one alone is to blame."""
    for item in found[:_MOST_CHECKS]:
        if filters.matching(without=item.key).exists():
            return item
    return None


def _figure(counts: dict[str, int] | None, code: str) -> int | None:
    return None if counts is None else counts.get(code, 0)


def _head(column: Column, order: Order, data: QueryDict) -> Head:
    """Return a column's heading: a link that sorts, where an order belongs to it."""
    way = ""
    if column.order == order.key:
        way = "descending" if order.fields[0].startswith("-") else "ascending"
    url = _with(data, sort=column.order) if column.order else ""
    return Head(column.title, column.style, url, way)


def _address(name: str) -> str:
    """Return the address of a page; "" where it is not installed."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
