"""Who else has the case open, asked for every 15 seconds; and people to mention in a note."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from complaints import mentions, presence
from complaints.models import Case
from complaints.reach import reaches
from config.shared.htmx import toast
from staff.http import StaffRequest


def _case(request: StaffRequest, number: str, act: str = "view") -> Case:
    return Case.objects.select_related("department").fetch(request.scope, act, number=number)


@require_POST
def case_presence(request: StaffRequest, number: str) -> HttpResponse:
    """Note that the reader has the case open (`typing`=1 while writing) and show who else has.

    `leave`=1 when the page is closed. Closes the notices of mentions: their note is on the page.
    """
    case, at, me = _case(request, number), timezone.now(), request.actor.id or 0
    if not presence.may(case, request.scope):
        raise PermissionDenied(_("You may read this, but not do that here."))
    if request.POST.get("leave") == "1":
        presence.left(case, me)
        return HttpResponse(status=204)
    presence.seen(case, me, typing=request.POST.get("typing") == "1", at=at)
    mentions.opened(case, me, at)
    viewers = presence.here(case, me, at)
    context = {"case": case, "viewers": viewers, "writers": presence.writers(viewers)}
    context["may_ask"] = reaches(case, request.scope, "note")
    return render(request, "complaints/_viewers.html", context)


@require_POST
def case_ask_to_wait(request: StaffRequest, number: str, person: int) -> HttpResponse:
    """Ask somebody who is writing to wait; they get a notice. For who may write here too."""
    case = _case(request, number, "note")
    asked = presence.ask_to_wait(case, person, actor=request.actor, at=timezone.now())
    if asked is None:
        raise Http404
    answer = HttpResponse(status=204)
    return toast(answer, _("%(who)s was asked to wait.") % {"who": asked.label})


@require_GET
def case_mentions(request: StaffRequest, number: str) -> HttpResponse:
    """Answer with people to mention in a note of this case, as options of the list at the text."""
    case = _case(request, number, "note")
    share = reaches(case, request.scope, "share")
    found = mentions.candidates(case, request.GET.get("q", ""), timezone.now(), share=share)
    return render(request, "complaints/_mentions.html", {"case": case, "candidates": found})
