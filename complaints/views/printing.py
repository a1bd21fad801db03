"""The printable record of a case; the wizard of the case bundle, its state and its file."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from complaints import case_page, printing
from complaints.bundle import asking
from complaints.bundle.asking import BundleRefused
from complaints.bundle.form import BundleForm
from complaints.models import Case
from config.kernel import files
from config.shared.htmx import go
from staff.http import StaffRequest


@require_GET
def case_print(request: StaffRequest, number: str) -> HttpResponse:
    """Show the record on one page to print; that it was printed stands in the record."""
    case = case_page.rows_for_page().fetch(request.scope, "print", number=number)
    at = timezone.now()
    rows = Case.objects.visible_to(request.scope, "print").filter(pk=case.pk)
    printing.printed(rows, actor=request.actor, at=at)
    case.refresh_from_db(fields=["event_seq", "head_hash"])
    context = {"case": case, "record": printing.record(case, request.scope, at)}
    return render(request, "complaints/print.html", context)


@require_http_methods(["GET", "POST"])
def case_bundle(request: StaffRequest, number: str) -> HttpResponse:
    """Choose what goes into the bundle and why, and have it made; list those made before."""
    case = case_page.rows_for_page().fetch(request.scope, "bundle", number=number)
    posted = request.POST if request.method == "POST" else None
    form = BundleForm(posted, files=case_page.files(case, request.scope))
    if form.is_valid():
        rows = Case.objects.visible_to(request.scope, "bundle").filter(pk=case.pk)
        try:
            asking.ask(rows, form.wish(), actor=request.actor, at=timezone.now())
        except BundleRefused as refused:
            form.add_error(None, str(refused))
        else:
            return go(request, request.path)
    context: dict[str, Any] = {
        "case": case,
        "form": form,
        "made": asking.made(case, request.scope),
        "title": _("Case bundle"),
    }
    status = 422 if form.is_bound else 200
    return render(request, "complaints/bundle.html", context, status=status)


@require_GET
def case_bundle_list(request: StaffRequest, number: str) -> HttpResponse:
    """Answer with the bundles of this person alone, asked for while one is being made."""
    case = Case.objects.fetch(request.scope, "bundle", number=number)
    context = {"case": case, "made": asking.made(case, request.scope)}
    return render(request, "complaints/_bundles.html", context)


@require_GET
def case_bundle_file(request: StaffRequest, number: str, pk: int) -> HttpResponseBase:
    """Hand a finished bundle to whoever asked for it, nobody else; every download is recorded."""
    case = Case.objects.fetch(request.scope, "bundle", number=number)
    job = get_object_or_404(asking.jobs_of(case, request.scope), pk=pk)
    if job.result is None or job.result.erased_at is not None:
        raise Http404
    rows = Case.objects.visible_to(request.scope, "bundle").filter(pk=case.pk)
    asking.downloaded(rows, job, actor=request.actor, at=timezone.now())
    return files.response(job.result)
