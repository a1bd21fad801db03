"""The duty roster: table, dialogs, sheet in and out, calls."""

import io
from datetime import date
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.kernel import journal
from config.shared.chips import PagerLinks
from config.shared.htmx import form_answer, go
from config.shared.listing import Order
from config.shared.listing_pages import LAST, Page, page_of
from config.shared.sheet_writing import write_xlsx
from config.shared.worded import WordedError
from config.shared.words import day_words
from staff import duty, duty_import, duty_page, duty_roster
from staff.duty_forms import CopyForm, RosterFileForm, ShiftForm
from staff.duty_roster import DutyRefused
from staff.http import StaffRequest, safe_target
from staff.models import DutyCall, DutyShift

_NEWEST: Final = Order("newest", gettext_lazy("Newest first"), ("-called_at", "-id"))
_SIZE: Final = 50
_ON_TOP: Final = 3
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_GET
def duty_view(request: StaffRequest) -> HttpResponse:
    """Show the roster as a table: `span` two or month, `from` a day in it; own calls on top."""
    _demand_a_place(request)
    at = timezone.now()
    span = duty_page.span_of(request.GET.get("span", ""), request.GET.get("from", ""), at)
    shifts, days = duty_page.table(span, request.scope, at)
    looks = request.scope.may("duty", "look")
    context = {
        "tab": "roster",
        "span": span,
        "back": span.step[0],
        "forth": span.step[1],
        "shifts": shifts,
        "days": days,
        "gaps": sum(1 for day in days for cell in day.cells if cell.gap),
        "now": duty.on_duty(at) if looks else None,
        "coming": duty_page.coming(at) if looks else None,
        **_mine(request, _ON_TOP),
        "looks": looks,
        "may_edit": request.scope.may("duty", "edit"),
        "at": at,
    }
    return render(request, "staff/duty.html", context)


@require_GET
def duty_calls(request: StaffRequest) -> HttpResponse:
    """List the calls with their times, newest first; `cursor` turns the page."""
    _demand_a_place(request)
    rows = DutyCall.objects.visible_to(request.scope)
    joined = rows.select_related("called", "acknowledged_by")
    page = page_of(joined, _NEWEST, request.GET.get("cursor", ""), _SIZE)
    context = {
        "tab": "calls",
        "lines": duty_page.call_lines(page.rows),
        **_mine(request),
        "links": _links(page),
        "may_edit": False,
    }
    return render(request, "staff/duty_calls.html", context)


@require_POST
def duty_acknowledge(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a call that came to the reader; 403 for whoever only sees it."""
    row = DutyCall.objects.fetch(request.scope, "acknowledge", pk=pk)
    mine = DutyCall.objects.visible_to(request.scope, "acknowledge").filter(pk=row.pk)
    if duty.acknowledge(mine, actor=request.actor, at=timezone.now()):
        messages.success(request, _("You have taken the call. Nobody else is called about it."))
    else:
        messages.info(request, _("Somebody has taken this call already."))
    return redirect(safe_target(request, reverse("duty_calls")))


@require_http_methods(["GET", "POST"])
def duty_shift(request: StaffRequest) -> HttpResponse:
    """Show the dialog of one cell (`on`, `shift`) or of a new shift, or save it."""
    request.scope.demand("duty", "edit")
    on, shift = _day(request.GET.get("on", "")), request.GET.get("shift", "")[:20]
    if "\x00" in shift or not shift:
        on, shift = None, ""
    rows = DutyShift.objects.visible_to(request.scope)
    row = rows.filter(on=on, shift=shift).first() if on is not None else None
    form = ShiftForm(_posted(request), row=row, on=on, shift=shift)
    if form.is_valid() and (answer := _save(request, form)):
        return answer
    title = _("Add a shift")
    if on is not None:
        title = f"{day_words(on)} · {duty_roster.shift_words(shift)}"
    context = {
        "form": form,
        "title": title,
        "act": _("Save"),
        "lead": _("Leave both people empty to take everybody off this shift.") if row else "",
        "back": reverse("duty"),
    }
    return form_answer(request, context, status=form.status)


@require_http_methods(["GET", "POST"])
def duty_copy(request: StaffRequest) -> HttpResponse:
    """Copy one week of the roster into another."""
    request.scope.demand("duty", "edit")
    initial = {"source": _day(request.GET.get("from", ""))}
    form = CopyForm(_posted(request), initial=initial)
    if form.is_valid():
        source, target = form.cleaned_data["source"], form.cleaned_data["target"]
        done = duty_roster.copy_week(source, target, actor=request.actor, at=timezone.now())
        text = _("Shifts copied: %(made)s") % {"made": done.made}
        (messages.success if done.made else messages.info)(request, text)
        for on, shift, why in done.left_out:
            named = f"{day_words(on)} · {duty_roster.shift_words(shift)}"
            messages.warning(request, f"{named}: {why}")
        return go(request, f"{reverse('duty')}?from={target}")
    context = {
        "form": form, "title": _("Copy a week"), "act": _("Copy"), "back": reverse("duty"),
    }  # fmt: skip
    return form_answer(request, context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def duty_import_view(request: StaffRequest) -> HttpResponse:
    """Take a sheet, show what each row would do, load it when confirmed."""
    request.scope.demand("duty", "edit")
    at = timezone.now()
    context: dict[str, Any] = {"lines": None, "limit_rows": duty_import.LIMIT_ROWS, "at": at}
    if "packed" in request.POST:
        form = RosterFileForm()
        try:
            count = duty_import.load(request.POST["packed"], actor=request.actor, at=at)
        except WordedError as refused:
            context["refused"] = str(refused)
        else:
            messages.success(request, _("Shifts saved: %(count)s") % {"count": count})
            return go(request, reverse("duty"))
        return _import_page(request, context | {"form": form}, status=422)
    form = RosterFileForm(_posted(request), request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            lines = duty_import.read(file, name=file.name, at=at)
        except WordedError as refused:
            form.add_error("file", str(refused))
        else:
            return _import_page(request, context | {"form": form} | _preview(lines))
    return _import_page(request, context | {"form": form}, status=422 if form.errors else 200)


@require_GET
def duty_export(request: StaffRequest) -> HttpResponse:
    """Hand out the shown days as a workbook an import reads back, or an empty one to fill."""
    request.scope.demand("duty", "look")
    at = timezone.now()
    span = duty_page.span_of(request.GET.get("span", ""), request.GET.get("from", ""), at)
    target = io.BytesIO()
    if "template" in request.GET:
        rows = duty_import.template_rows(span.first)
    else:
        shifts = DutyShift.objects.visible_to(request.scope)
        shown = shifts.filter(on__gte=span.first, on__lte=span.last)
        rows = duty_import.export_rows(shown.select_related("first", "second"))
        journal.note("exports", "duty.exported", {"rows": len(rows)}, actor=request.actor, at=at)
    write_xlsx(target, duty_import.COLUMNS, rows, zone=timezone.get_default_timezone())
    name = f"duty-roster-{span.first}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(target.getvalue(), content_type=_XLSX, headers=headers)


def _mine(request: StaffRequest, most: int = 20) -> dict[str, Any]:
    """Return the reader's own open calls for the top of the page."""
    lines, more = duty_page.my_calls(request.scope, most)
    return {"my_calls": lines, "more_calls": more}


def _demand_a_place(request: StaffRequest) -> None:
    """Refuse who neither may read the roster nor stands in it."""
    request.scope.demand("duty")
    if request.scope.may("duty", "look"):
        return
    stands = DutyShift.objects.visible_to(request.scope).exists()
    if not stands and not DutyCall.objects.visible_to(request.scope).exists():
        raise PermissionDenied


def _save(request: StaffRequest, form: ShiftForm) -> HttpResponse | None:
    """Save a shift and go back; None = show the form again with the reason."""
    data, at, expected = form.data_(), timezone.now(), form.cleaned_data["version"]
    mine = DutyShift.objects.visible_to(request.scope, act="edit")
    here = mine.filter(on=data.on, shift=data.shift).first()
    try:
        if here is not None and not data.people:
            duty_roster.clear_shift(here, actor=request.actor, at=at, expected=expected)
        else:
            duty_roster.put_shift(data, actor=request.actor, at=at, expected=expected)
    except DutyRefused as refused:
        if refused.code != "stale":
            form.add_error(None, str(refused))
        elif here is not None and expected == 0:
            text = _("This shift stands on the roster already. Open it there.")
            form.refuse(text, here.version)
        else:
            form.refuse(str(refused), here.version if here else 0)
        return None
    named = f"{day_words(data.on)} · {duty_roster.shift_words(data.shift)}"
    messages.success(request, _("%(number)s is saved.") % {"number": named})
    for text in duty_roster.warnings(data):
        messages.warning(request, text)
    return go(request, f"{reverse('duty')}?from={data.on}")


def _preview(lines: list[duty_import.Line]) -> dict[str, Any]:
    ready = [line for line in lines if line.state in {"new", "changed"}]
    return {
        "lines": lines,
        "ready": len(ready),
        "same": sum(line.state == "same" for line in lines),
        "wrong": sum(bool(line.errors) for line in lines),
        "packed": duty_import.pack(lines) if ready else "",
    }


def _import_page(
    request: StaffRequest, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    return render(request, "staff/duty_import.html", context, status=status)


def _links(page: Page) -> PagerLinks:
    def to(cursor: str) -> str:
        return f"?cursor={cursor}" if cursor else ""

    return PagerLinks(
        first="" if page.is_first else "?",
        previous=to(page.previous),
        next=to(page.next),
        last=to(LAST) if page.last else "",
    )


def _posted(request: StaffRequest) -> QueryDict | None:
    """Return what was posted, also when that is nothing at all; None for a look."""
    return request.POST if request.method == "POST" else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
