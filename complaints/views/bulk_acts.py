"""What became of acts on many cases: the list of acts, one act with its rows, undo and stop."""

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from complaints import bulk as acts
from complaints.bulk import wording
from complaints.bulk.undoing import UndoRefused
from complaints.choices import RowResult
from complaints.models import BulkAct, BulkRow, Case
from complaints.views.bulk import done_words, undo_address
from config.kernel import jobs
from config.shared.chips import PagerLinks
from config.shared.htmx import changed, go, is_htmx, toast
from config.shared.listing import Order
from config.shared.listing_pages import Page, page_of
from config.shared.scope import Reach
from staff.http import StaffRequest

_NEWEST: Final = Order("newest", _("Newest first"), ("-at", "-id"))
_ROWS: Final = Order("rows", _("In their order"), ("id",))
_PAGE: Final = 50


@require_safe
def bulk_acts(request: StaffRequest) -> HttpResponse:
    """List the reader's own acts; supervisors may look at everybody's with `?of=all`."""
    request.scope.demand("cases")
    sees_all = Reach.ALL in request.scope.to("cases", "supervise")
    everybody = sees_all and request.GET.get("of") == "all"
    rows = BulkAct.objects.visible_to(request.scope).filter(total__gt=0)
    if not everybody:
        rows = rows.filter(by=request.scope.member)
    rows = rows.select_related("by", "undone_by__by", "undoes")
    page = page_of(rows, _NEWEST, request.GET.get("page", ""), _PAGE)
    context = {
        "lines": [_line(act) for act in page.rows],
        "pager": _pager(page, {"of": "all"} if everybody else {}),
        "sees_all": sees_all,
        "everybody": everybody,
    }
    return render(request, "complaints/bulk_acts.html", context)


@require_safe
def bulk_act(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one act: progress while it runs, then a result per case; htmx reads the moving part."""
    act = _fetch(request, pk)
    name = "bulk_act_body" if is_htmx(request) else "bulk_act"
    return render(request, f"complaints/{name}.html", _context(request, act))


@require_POST
def bulk_undo(request: StaffRequest, pk: int) -> HttpResponse:
    """Take an act back; 409 with the reason where that is not possible any more."""
    act = _fetch(request, pk)
    if not acts.may_undo(act, request.scope) and act.verb in acts.ACTS:
        raise PermissionDenied(_("Only whoever did it, or a supervisor, takes it back."))
    try:
        back = acts.undo(act, request.scope, actor=request.actor, at=timezone.now())
    except UndoRefused as refused:
        if is_htmx(request):
            answer = HttpResponse(status=409, headers={"HX-Reswap": "none"})
            return toast(answer, str(refused), tone="bad")
        return render(
            request,
            "complaints/bulk_act.html",
            _context(request, act) | {"problem": str(refused)},
            status=409,
        )
    page = reverse("cases_bulk_act", args=[back.pk])
    if back.finished_at is None or back.refused or not is_htmx(request):
        return go(request, page)
    return changed(toast(HttpResponse(status=204), done_words(back)), "cases-changed")


@require_POST
def bulk_stop(request: StaffRequest, pk: int) -> HttpResponse:
    """Stop an act that still runs; what is done stays."""
    act = _fetch(request, pk)
    if not acts.may_undo(act, request.scope):
        raise PermissionDenied(_("Only whoever did it, or a supervisor, stops it."))
    acts.stop(act, actor=request.actor, at=timezone.now())
    messages.info(request, _("It stops after the cases at hand. What is done stays."))
    return go(request, reverse("cases_bulk_act", args=[act.pk]))


def _fetch(request: StaffRequest, pk: int) -> BulkAct:
    rows = BulkAct.objects.visible_to(request.scope)
    return rows.select_related("by", "undone_by__by", "undoes__by").fetch(request.scope, pk=pk)


def _line(act: BulkAct) -> dict[str, Any]:
    return {"act": act, "title": wording.title(act.verb), "back": getattr(act, "undone_by", None)}


def _context(request: StaffRequest, act: BulkAct) -> dict[str, Any]:
    """Return what the page of an act shows; the rows of one page, by position."""
    at = timezone.now()
    shown = request.GET.get("show", "")
    rows = BulkRow.objects.visible_to(request.scope).filter(act=act).select_related("case")
    if shown in RowResult.values:
        rows = rows.filter(result=shown)
    page = page_of(rows, _ROWS, request.GET.get("page", ""), _PAGE)
    job = acts.job_of(act)
    running = act.finished_at is None and (job is None or job.finished_at is None)
    may = acts.may_undo(act, request.scope)
    return {
        **_line(act),
        "told": wording.told(act, request.scope),
        "at": at,
        "lines": _rows(request, page.rows),
        "pager": _pager(page, {"show": shown} if shown in RowResult.values else {}),
        "shows": [("", _("All")), *[(r.value, r.label) for r in RowResult if r != "waiting"]],
        "show": shown,
        "running": running,
        "done_now": job.done if job else act.done + act.refused,
        "error": jobs.error_of(job) if job else "",
        "stop_url": reverse("cases_bulk_stop", args=[act.pk])
        if running and may and job and job.cancel_asked_at is None
        else "",
        "undo_url": undo_address(request, act),
        "why_not": "" if running else acts.why_not(act, at),
        "until": act.finished_at + acts.UNDO_WITHIN if act.finished_at else None,
    }


def _rows(request: StaffRequest, rows: list[BulkRow]) -> list[dict[str, Any]]:
    """Return the lines of one page; a case out of sight is named by nothing but a dash."""
    pks = [row.case_id for row in rows]
    seen = set(
        Case.objects.visible_to(request.scope).filter(pk__in=pks).values_list("pk", flat=True)
    )
    return [
        {
            "number": row.case.number if row.case_id in seen else "",
            "url": row.case.get_absolute_url() if row.case_id in seen else "",
            "result": row.result,
            "label": row.get_result_display(),
            "said": row.said,
        }
        for row in rows
    ]


def _pager(page: Page, kept: dict[str, str]) -> PagerLinks:
    """Return the addresses of the neighbouring pages."""
    tail = "".join(f"&{name}={value}" for name, value in kept.items())
    return PagerLinks(
        first="" if page.is_first else f"?{tail.removeprefix('&')}",
        previous=f"?page={page.previous}{tail}" if page.previous else "",
        next=f"?page={page.next}{tail}" if page.next else "",
        last=f"?page={page.last}{tail}" if page.last else "",
    )


__all__ = ["bulk_act", "bulk_acts", "bulk_stop", "bulk_undo"]
