"""The case page and its fragments: timeline, side panel, rail, clocks, parts, files."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from complaints import (
    case_labels,
    case_lines,
    case_page,
    case_parts,
    clocks,
    delays,
    identity,
    presence,
    revealing,
    tagging,
    timeline,
)
from complaints.case_parts import CasePart
from complaints.choices import Status
from complaints.conversation import promises
from complaints.filters import CaseFilters
from complaints.lists import CASES, rows_of, shown_rows
from complaints.models import Case, CaseClock
from complaints.reach import reaches
from complaints.views.composing import composers
from config.kernel import files as stored_files
from config.shared.htmx import is_htmx
from config.shared.listing_pages import page_of
from config.shared.registry import contributed
from config.shared.scope import Scope
from staff.http import StaffRequest

RAIL_ROWS = 30


def seen(request: StaffRequest, number: str, act: str = "view") -> Case:
    """Return the case for `act`, or refuse in the house order."""
    rows = case_page.rows_for_page().prefetch_related(None)
    return rows.fetch(request.scope, act, number=number)


@require_GET
def case_view(request: StaffRequest, number: str) -> HttpResponse:
    """Show one case: what it is, what happened, what is due, what can be done."""
    case = seen(request, number)
    case_labels.load(case)
    context = line(request, case) | side(request, case) | head(request, case)
    context |= {"composers": composers(case, request.scope), "rail_query": _rail_query(request)}
    return render(request, "complaints/case.html", context)


@require_GET
def case_timeline(request: StaffRequest, number: str) -> HttpResponse:
    """Answer with the timeline alone, filtered by ?show=."""
    if not is_htmx(request):
        return case_view(request, number)
    context = line(request, seen(request, number))
    return render(request, "complaints/_timeline.html", context)


@require_GET
def case_side(request: StaffRequest, number: str) -> HttpResponse:
    """Answer with the side panel, and the head beside it out of band."""
    case = seen(request, number)
    case_labels.load(case)
    context = side(request, case) | head(request, case) | {"oob": True}
    return render(request, "complaints/_case_side_and_head.html", context)


def head(request: StaffRequest, case: Case) -> dict[str, Any]:
    """Return what the head of the page shows."""
    return {
        "case": case,
        "at": timezone.now(),
        "told": case_page.told(case, request.scope),
        "buttons": case_page.buttons(case, request.scope),
        "steps": case_page.steps(case),
        "may_tag": reaches(case, request.scope, "tag") and case.status in tagging.STATES,
        "is_present": presence.may(case, request.scope),
        "may_chase": case.is_open and reaches(case, request.scope, "chased"),
    }


def line(request: StaffRequest, case: Case) -> dict[str, Any]:
    """Return the timeline, cut to what `?show=` asks for."""
    show = request.GET.get("show", "all")
    labels = {
        "all": _("All"),
        "customer": _("Customer"),
        "notes": _("Notes"),
        "handling": pgettext("tab of the timeline", "Handling"),
    }
    show = show if show in labels else "all"
    items = case_lines.lines(timeline.timeline(case, request.scope), case, request.scope)
    shown = items if show == "all" else [item for item in items if item.group == show]
    parts = [
        {
            "key": key,
            "label": label,
            "current": key == show,
            "count": len(items) if key == "all" else 0,
        }
        for key, label in labels.items()
    ]
    return {"case": case, "timeline": shown, "parts": parts, "show": show}


def side(request: StaffRequest, case: Case) -> dict[str, Any]:
    """Return what the side panel shows."""
    scope, at = request.scope, timezone.now()
    may_edit = reaches(case, scope, "edit") and case.is_open
    rows = case_page.clock_rows(case, at)
    return {
        "case": case,
        "told": case_page.told(case, scope),
        "who": case_page.who(case, scope),
        "clocks": rows,
        "chip": next((row.chip for row in rows if row.nearest), None),
        "facts": case_page.facts(case, request.scope),
        "files": case_page.files(case, scope),
        "approvals": case_page.pending(case, scope),
        "side_parts": case_parts.parts(case, scope),
        "edit_url": reverse("case_facts", args=[case.number]) if may_edit else "",
        **_promise(case, scope, at),
        "identity": identity.standing(case, at),
        "identify_url": reverse("case_identify", args=[case.number])
        if reaches(case, scope, "identify")
        else "",
        **_uploading(case, scope),
        **case_page.checks(case, scope),
    }


def _uploading(case: Case, scope: Scope) -> dict[str, Any]:
    """Return where files dropped on the page go, their limit in bytes, and the words for it."""
    if case.status == Status.ARCHIVED or not reaches(case, scope, "attach"):
        return {}
    limit = settings.ATTACHMENT_MAX_BYTES
    words = {
        "failed": _("Not attached: the connection or the server failed. Try again."),
        "big": _("The file is larger than %(limit)s MB.") % {"limit": limit // 1_000_000},
    }
    return {
        "upload_url": reverse("case_upload", args=[case.number]),
        "upload_max": limit,
        "drop_words": json.dumps(words, ensure_ascii=False),
    }


def _promise(case: Case, scope: Scope, at: datetime) -> dict[str, Any]:
    """Return the chip of the promised reply and where it is noted or moved."""
    may = case.is_open and reaches(case, scope, "note")
    return {
        "promise": promises.chip(case, at),
        "promise_nearest": promises.is_nearest(case),
        "promise_url": reverse("case_promise", args=[case.number]) if may else "",
    }


def _rail_query(request: StaffRequest) -> str:
    """Return the query string of the list the reader came from."""
    if "rail" in request.GET:
        return request.GET["rail"][:1000]
    came = urlsplit(request.headers.get("Referer", ""))
    return came.query[:1000] if came.path == reverse("cases") else ""


@require_GET
def case_rail(request: StaffRequest, number: str) -> HttpResponse:
    """Answer with the first rows of the list the reader came from, the present case marked."""
    seen(request, number)
    at = timezone.now()
    query = request.GET.urlencode()
    data = QueryDict(query)
    filters = CaseFilters(data, shown_rows(request.scope), request.scope, at)
    page = page_of(filters.qs, CASES.order(data.get("sort", "")), data.get("page", ""), RAIL_ROWS)
    rows = [
        {
            "url": f"{row.case.get_absolute_url()}?{urlencode({'rail': query})}",
            "current": row.case.number == number,
            "subject": row.subject,
            "chip": row.chip,
            "customer": row.name,
        }
        for row in rows_of(page.rows, request.scope, at)
    ]
    back = reverse("cases") + (f"?{query}" if query else "")
    context = {"rows": rows, "back": back, "title": _("Case queue")}
    return render(request, "complaints/_rail.html", context)


@require_GET
def case_why(request: StaffRequest, number: str, clock: int) -> HttpResponse:
    """Explain when one clock of the case is due, row by row; the parts sum to the figure.

    `?format=json` and `?format=text` (to print, to copy) answer with the same alone.
    """
    case = seen(request, number)
    row = CaseClock.objects.select_related("limit__policy__rule_set", "calendar", "case").fetch(
        request.scope, case=case, pk=clock
    )
    told = clocks.explain(row)
    form = request.GET.get("format", "")
    if form == "json":
        return JsonResponse(told.as_json())
    if form == "text":
        text = f"{case.number}\n{told.title}\n\n{told.text}\n\n{told.letter}\n"
        return HttpResponse(text, content_type="text/plain; charset=utf-8")
    context = {"case": case, "told": told, "rows": told.rows, "title": told.title, "clock": row}
    context["delay"] = delays.of_clock(case, row, request.scope, timezone.now())
    page = "complaints/_clock_why.html" if is_htmx(request) else "complaints/case_why.html"
    return render(request, page, context)


@require_GET
def case_part(request: StaffRequest, number: str, part: str) -> HttpResponse:
    """Answer with a part of the side panel that is loaded when it is opened."""
    known = contributed(CasePart).get(part)
    if known is None:
        raise Http404
    case = seen(request, number)
    if not known.shows(case, request.scope):
        raise Http404
    context = {"case": case, "piece": known.template, "at": timezone.now(), "title": known.title}
    context |= known.read(request, case)
    page = known.template if is_htmx(request) else "complaints/case_part.html"
    return render(request, page, context)


@require_GET
def case_file(request: StaffRequest, number: str, token: str) -> HttpResponseBase:
    """Send one attachment of the case; the look is journalled."""
    case = seen(request, number)
    kept = case.attachments.select_related("file").filter(file__erased_at__isnull=True)
    row = get_object_or_404(kept, file__token=token)
    rows = Case.objects.visible_to(request.scope).filter(pk=case.pk)
    revealing.opened_file(rows, str(row.file.token), actor=request.actor, at=timezone.now())
    return stored_files.response(row.file)
