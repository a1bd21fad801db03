"""The export centre: start an export, watch it, download it for seven days."""

from typing import Any, Final

from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints import export_work, exporting
from complaints.exporting import ExportRefused
from config.kernel import files, jobs, journal
from config.kernel.models import Job
from config.kernel.models.jobs import JobState
from config.portal.data_forms import ExportForm
from config.shared.htmx import go, is_htmx
from staff.http import StaffRequest
from staff.models import Person

LISTED: Final = 50
LONGEST_QUERY: Final = 2_000
MOVING: Final = (JobState.QUEUED, JobState.RUNNING)


@require_http_methods(["GET", "POST"])
def exports(request: StaffRequest) -> HttpResponse:
    """Show the person's own exports; start one. htmx asks for the lists while there is work."""
    request.scope.demand("exports", "view")
    if request.method == "POST":
        return _post(request)
    if is_htmx(request):
        return render(request, "portal/_exports_lists.html", _lists(request))
    return _page(request, ExportForm(scope=request.scope))


@require_GET
def export_file(request: StaffRequest, pk: int) -> FileResponse:
    """Hand out a finished file to its owner only; every download is recorded."""
    job = _fetch(request, pk)
    stored = job.result
    if stored is None or stored.erased_at is not None:
        raise Http404
    facts = {"job": job.pk, "list": "cases", "sha256": stored.sha256}
    at = timezone.now()
    journal.note("exports", "export.downloaded", facts, actor=request.actor, at=at)
    return files.response(stored)


@require_POST
def export_stop(request: StaffRequest, pk: int) -> HttpResponse:
    """Stop an export that waits or runs."""
    job = _fetch(request, pk)
    rows = Job.objects.visible_to(request.scope, "cancel").filter(pk=job.pk)
    jobs.cancel(rows, actor=request.actor, at=timezone.now())
    return go(request, reverse("exports"))


def _post(request: StaffRequest) -> HttpResponse:
    """Start an export: of the case list as filtered there, or by the form of this page."""
    request.scope.demand("exports", "run")
    request.scope.demand("cases", "export")
    if "query" in request.POST:
        form = ExportForm(scope=request.scope)
        params = _listed(request.POST)
    else:
        form = ExportForm(request.POST, scope=request.scope)
        if not form.is_valid():
            return _page(request, form, status=422)
        params = _filled(form)
    export = export_work.export_of(params, request.scope, timezone.now())
    try:
        export.count()
    except ExportRefused as refused:
        return _page(request, form, status=422, problem=str(refused))
    _start(request, params)
    return go(request, reverse("exports"))


def _listed(data: QueryDict) -> dict[str, Any]:
    """Return the params of an export of the case list."""
    asked = QueryDict(data.get("query", "")[:LONGEST_QUERY].removeprefix("?"), mutable=True)
    for name in ("page", "cursor", "after", "col"):
        asked.pop(name, None)
    kind = "csv" if data.get("format") == "csv" else "xlsx"
    return {"query": asked.urlencode(), "format": kind, "since": None, "until": None}


def _filled(form: ExportForm) -> dict[str, Any]:
    """Return the params of an export asked for on this page."""
    data = form.cleaned_data
    return {
        "query": form.query,
        "format": data["format"],
        "since": data["since"].isoformat() if data["since"] else None,
        "until": data["until"].isoformat() if data["until"] else None,
    }


def _start(request: StaffRequest, params: dict[str, Any]) -> Job:
    """Start the job; the same export that still waits or runs is not started twice."""
    with transaction.atomic():
        owner = Person.objects.select_for_update(no_key=True).get(pk=request.actor.id or 0)
        waiting = Job.objects.visible_to(request.scope).filter(
            kind=export_work.KIND, owner_id=owner.pk, state__in=MOVING, cancel_asked_at=None
        )
        for job in waiting:
            if job.params == params:
                return job
        return jobs.start(
            export_work.KIND,
            owner_id=owner.pk,
            params=params,
            title=_title(params),
            actor=request.actor,
            at=timezone.now(),
        )


def _title(params: dict[str, Any]) -> str:
    """Return what the owner sees."""
    since, until = params["since"], params["until"]
    if since and until:
        return _("Cases received %(since)s to %(until)s") % {"since": since, "until": until}
    if since:
        return _("Cases received since %(since)s") % {"since": since}
    if until:
        return _("Cases received until %(until)s") % {"until": until}
    return _("Cases")


def _page(
    request: StaffRequest, form: ExportForm, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    """Show the whole page."""
    context = {
        **_lists(request),
        "form": form,
        "problem": problem,
        "may_run": request.scope.may("exports", "run") and request.scope.may("cases", "export"),
        "masked": exporting.is_masked(request.scope),
        "limit": exporting.row_limit(request.scope) or export_work.MOST_ROWS,
    }
    return render(request, "portal/exports.html", context, status=status)


def _lists(request: StaffRequest) -> dict[str, Any]:
    """Return the exports of this person: those under way and those that ended."""
    rows = Job.objects.visible_to(request.scope).filter(
        kind=export_work.KIND, owner_id=request.scope.member
    )
    found = list(rows.select_related("result").order_by("-asked_at", "-pk")[:LISTED])
    moving = [job for job in found if job.state in MOVING]
    ended = [_ended(job) for job in found if job.state not in MOVING]
    return {"moving": moving, "ended": ended, "at": timezone.now()}


def _ended(job: Job) -> dict[str, Any]:
    """Return what the list shows of an export that ended."""
    return {
        "job": job,
        "rows": job.counts.get("rows"),
        "masked": bool(job.counts.get("masked")),
        "file": job.result if job.result and job.result.erased_at is None else None,
        "until": export_work.kept_until(job),
        "error": jobs.error_of(job),
    }


def _fetch(request: StaffRequest, pk: int) -> Job:
    """Return one of the person's own exports; anybody else's does not exist here."""
    request.scope.demand("exports", "view")
    return Job.objects.select_related("result").fetch(
        request.scope, pk=pk, kind=export_work.KIND, owner_id=request.scope.member
    )
