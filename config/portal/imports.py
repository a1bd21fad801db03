"""Import pages: upload, check, confirm, progress, result."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints.importing import cfpb, own_layout, work
from complaints.importing.checking import FIGURES
from complaints.importing.profiles import profiles
from complaints.importing.shapes import LIMIT_ROWS, worded
from config.kernel import file_names, files, jobs, journal
from config.kernel.models import Job, JobRow
from config.kernel.models.jobs import JobState
from config.portal.data_forms import UploadForm
from config.shared.htmx import go, is_htmx
from config.shared.sheets import read_sheet
from config.shared.worded import WordedError
from staff.http import StaffRequest
from staff.models import Person

MOVING: Final = (JobState.CHECKING, JobState.QUEUED, JobState.RUNNING)
LISTED: Final = 30
REMARKS: Final = 200
_TITLES: Final = {column.key: column.title for column in own_layout.COLUMNS}
_STEPS: Final = {
    JobState.CHECKING: 2,
    JobState.CHECKED: 2,
    JobState.QUEUED: 3,
    JobState.RUNNING: 3,
    JobState.DONE: 4,
}


@require_http_methods(["GET", "POST"])
def imports(request: StaffRequest) -> HttpResponse:
    """Show the upload form and earlier imports; take a file."""
    request.scope.demand("imports", "view")
    if request.method == "POST":
        request.scope.demand("imports", "run")
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                return go(request, work.link(_start(request, form)))
            except WordedError as refused:
                form.add_error("file", str(refused))
    else:
        form = UploadForm()
    found = _own_imports(request).order_by("-asked_at", "-pk")[:LISTED]
    return render(
        request,
        "portal/imports.html",
        {
            "form": form,
            "jobs": [_line(job) for job in found],
            "may_run": request.scope.may("imports", "run"),
            "limit_mb": settings.IMPORT_MAX_BYTES // 1_000_000,
            "limit_rows": LIMIT_ROWS,
            "at": timezone.now(),
        },
        status=422 if form.is_bound else 200,
    )


@require_GET
def import_page(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one import; htmx asks for its moving part every two seconds while there is work."""
    job = _fetch(request, pk)
    name = "portal/_import_body.html" if is_htmx(request) else "portal/import.html"
    return render(request, name, _context(request, job))


@require_POST
def import_confirm(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a checked file be loaded; 409 when somebody was faster or it was stopped."""
    return _act(request, pk, jobs.confirm, act="run")


@require_POST
def import_stop(request: StaffRequest, pk: int) -> HttpResponse:
    """Stop an import; what was loaded stays."""
    return _act(request, pk, jobs.cancel, act="run")


@require_POST
def import_retry(request: StaffRequest, pk: int) -> HttpResponse:
    """Go on with an import that failed while it was loading."""
    request.scope.demand("imports", "run")
    job = _fetch(request, pk, "cancel")
    if job.started_at is None:
        raise Http404
    try:
        jobs.retry(job, actor=request.actor, at=timezone.now())
    except WordedError as refused:
        return _answer(request, job, str(refused))
    return go(request, work.link(job))


@require_GET
def import_errors(request: StaffRequest, pk: int) -> FileResponse:
    """Hand out the rows with errors; the download is recorded."""
    job = _fetch(request, pk)
    if job.errors_file is None or job.errors_file.erased_at:
        raise Http404
    at = timezone.now()
    facts = {"job": job.pk, "list": "case_import_errors", "sha256": job.errors_file.sha256}
    journal.note("exports", "export.downloaded", facts, actor=request.actor, at=at)
    return files.response(job.errors_file)


def _start(request: StaffRequest, form: UploadForm) -> Job:
    """Keep the file and start its check; the same form sent twice gives the same import."""
    at, data = timezone.now(), form.cleaned_data
    upload: File[Any] = data["file"]
    rules = _rules(data["departments"]) if data["departments"] else []
    with transaction.atomic():
        owner = Person.objects.select_for_update(no_key=True).get(pk=request.actor.id or 0)
        mine = _own_imports(request).filter(owner_id=owner.pk)
        same: Job | None = mine.filter(params__key=data["key"]).first()
        if same is not None:
            return same
        source = files.store(
            upload,
            kind=work.KIND,
            uploaded_by_id=owner.pk,
            at=at,
            max_bytes=settings.IMPORT_MAX_BYTES,
        )
        ending = file_names.extension(source.name)
        params = {
            "key": data["key"],
            "name": f"file.{ending}",
            "profile": data["profile"] or (cfpb.KEY if rules else ""),
            "rules": rules,
        }
        return jobs.start(
            work.KIND,
            owner_id=owner.pk,
            params=params,
            title=_("Import of cases"),
            source=source,
            actor=request.actor,
            at=at,
        )


def _rules(upload: "File[Any]") -> list[dict[str, str]]:
    """Return the rules of an uploaded department file; SheetError or ImportRefused in words."""
    headings = ["product_prefix", "department"]
    sheet = read_sheet(upload, name=upload.name or "", headers=headings, limit_rows=1000)
    rules = cfpb.rules_from([row.cells for row in sheet.rows])
    return [
        {"prefix": r.prefix, "group": r.group, "department": r.department, "line": r.line}
        for r in rules
    ]


def _act(request: StaffRequest, pk: int, verb: Any, *, act: str) -> HttpResponse:
    """Carry a verb out on the version that the reader saw."""
    request.scope.demand("imports", act)
    job = _fetch(request, pk, "cancel")
    version = request.POST.get("version", "")
    if not version.isascii() or not version.isdigit() or len(version) > 9:
        version = "0"
    rows = Job.objects.visible_to(request.scope, "cancel").filter(pk=pk, version=int(version))
    if not verb(rows, actor=request.actor, at=timezone.now()):
        job.refresh_from_db()
        return _answer(request, job, _("The import has moved on meanwhile; this is how it stands."))
    return go(request, work.link(job))


def _answer(request: StaffRequest, job: Job, words: str) -> HttpResponse:
    """Show the import as it stands, with a sentence, as a conflict."""
    context = _context(request, job) | {"problem": words}
    name = "portal/_import_body.html" if is_htmx(request) else "portal/import.html"
    return render(request, name, context, status=409)


def _own_imports(request: StaffRequest) -> Any:
    """Return the imports this person may see."""
    rows = Job.objects.visible_to(request.scope).filter(kind=work.KIND)
    return rows.select_related("source", "errors_file")


def _fetch(request: StaffRequest, pk: int, act: str = "view") -> Job:
    """Return one import, or refuse."""
    request.scope.demand("imports", "view")
    return Job.objects.select_related("source", "errors_file").fetch(
        request.scope, act, pk=pk, kind=work.KIND
    )


def _line(job: Job) -> dict[str, Any]:
    """Return what the list shows of an import."""
    return {"job": job, "name": _name(job), "counts": job.counts, "moving": job.state in MOVING}


def _name(job: Job) -> str:
    """Return the name of the file; its own title when the file is gone."""
    return (job.source.name if job.source else "") or job.title


def _context(request: StaffRequest, job: Job) -> dict[str, Any]:
    """Return everything the page of an import shows."""
    kind = "warning" if request.GET.get("show") == "warnings" else "error"
    remarks = JobRow.objects.filter(job=job, kind=kind).order_by("number", "pk")[:REMARKS]
    counts = {name: int(job.counts.get(name, 0)) for name in FIGURES}
    layout = profiles().get(str(job.params.get("profile", "")))
    return {
        "job": job,
        "name": _name(job),
        "counts": counts,
        "history": counts["new"] - counts["live"],
        "layout": layout.title if layout else "",
        "step": _STEPS.get(JobState(job.state), 2),
        "moving": job.state in MOVING,
        "is_mine": job.owner_id == request.scope.member,
        "may_run": request.scope.may("imports", "run"),
        "may_retry": job.state == JobState.FAILED and job.started_at is not None,
        "error": jobs.error_of(job),
        "kind": kind,
        "remarks": [
            (row, _TITLES.get(row.column, row.column), worded(row.message, row.params))
            for row in remarks
        ],
        "errors_there": job.errors_file is not None and job.errors_file.erased_at is None,
        "before": _loaded_before(request, job),
        "queue_url": f"{reverse('cases')}?state=all&sort=updated",
        "at": timezone.now(),
    }


def _loaded_before(request: StaffRequest, job: Job) -> datetime | None:
    """Return when the same file was loaded before, by its content."""
    if job.source is None or job.state not in {JobState.CHECKED, JobState.CHECKING}:
        return None
    same = _own_imports(request).filter(source__sha256=job.source.sha256, state=JobState.DONE)
    found = same.exclude(pk=job.pk).order_by("-finished_at").first()
    return found.finished_at if found else None


__all__ = [
    "import_confirm",
    "import_errors",
    "import_page",
    "import_retry",
    "import_stop",
    "imports",
]
