"""Files dropped or pasted on the case page, their small pictures, and the gallery."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from complaints import attachments, case_page
from complaints.models import Case
from config.kernel import thumbnails
from config.kernel.files import FileRefused
from config.shared.htmx import is_htmx
from config.shared.worded import WordedError
from config.shared.words import listed, near_moment_words, sentences
from staff.http import StaffRequest


@require_POST
def case_upload(request: StaffRequest, number: str) -> HttpResponse:
    """Keep one file; JSON says in words what became of it. A page sends many, one after the other.

    201 kept, 200 it was there already, 422 refused.
    """
    case = Case.objects.fetch(request.scope, "attach", number=number)
    upload = request.FILES.get("file")
    if upload is None:
        return _told(_("No file arrived."), 422)
    rows = Case.objects.visible_to(request.scope, "attach").filter(pk=case.pk)
    try:
        added = attachments.add(
            rows, upload, scope=request.scope, actor=request.actor, at=timezone.now()
        )
    except (FileRefused, WordedError) as refused:
        return _told(str(refused), 422)
    if added.there is not None:
        when = near_moment_words(added.there.added_at)
        return _told(_("This file is attached already, since %(when)s.") % {"when": when}, 200)
    said = [_("Attached.")]
    if added.elsewhere:
        known = {"cases": listed(added.elsewhere)}
        said.append(_("The same file is in %(cases)s.") % known)
    return _told(sentences(said), 201)


def _told(text: str, status: int) -> JsonResponse:
    return JsonResponse({"text": text, "kept": status == 201}, status=status)


@require_GET
def case_thumbnail(request: StaffRequest, number: str, token: str) -> HttpResponseBase:
    """Send the small picture of an attachment; a drawn sheet where the file cannot be drawn."""
    case = Case.objects.fetch(request.scope, number=number)
    kept = case.attachments.select_related("file").filter(file__erased_at__isnull=True)
    row = get_object_or_404(kept, file__token=token)
    if not thumbnails.is_picture(row.file):
        raise Http404
    made = thumbnails.read(row.file)
    if made is None:
        return redirect(static("img/no-picture.svg"))
    answer = HttpResponse(made, content_type=thumbnails.CONTENT_TYPE)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["Cache-Control"] = "private, max-age=300"
    return answer


@require_GET
def case_gallery(request: StaffRequest, number: str) -> HttpResponse:
    """Show all attachments large enough to recognise, as dialog or as a page."""
    case = case_page.rows_for_page().fetch(request.scope, number=number)
    context: dict[str, Any] = {
        "case": case,
        "files": case_page.files(case, request.scope),
        "title": _("Attachments"),
    }
    page = "complaints/_gallery.html" if is_htmx(request) else "complaints/gallery.html"
    return render(request, page, context)
