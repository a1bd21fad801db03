"""Drafts of the forms of a case: kept while one types, listed, thrown away."""

from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from complaints import case_page, unsent
from complaints.hiding import hider
from complaints.models import Case
from complaints.views.composing import KINDS, composers
from complaints.workflow.moves import MOVES
from config.kernel import saved
from config.shared.htmx import close_dialog, go, is_htmx, toast
from staff.http import StaffRequest

_LONGEST: Final = 60
"""Letters of the name of a form: with the case it has room in the key of a draft."""


@require_POST
def case_draft(request: StaffRequest, number: str, form: str) -> HttpResponse:
    """Keep what is typed in a form of this case."""
    case = _case(request, number, form)
    _demand_writer(request, case, form)
    try:
        unsent.keep(case, form, request.POST, person_id=request.actor.id, at=timezone.now())
    except saved.NotSaved as refused:
        return HttpResponse(str(refused), status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


@require_POST
def case_draft_drop(request: StaffRequest, number: str, form: str) -> HttpResponse:
    """Throw a draft away and show the form as it was."""
    case = _case(request, number, form)
    if unsent.load(case, form, person_id=request.actor.id) is None:  # one's own can always go
        _demand_writer(request, case, form)
    unsent.drop(case, form, person_id=request.actor.id)
    if "from_list" in request.POST:
        return go(request, reverse("drafts"))
    if form.startswith(unsent.WRITE) and is_htmx(request):
        whole = case_page.rows_for_page().fetch(request.scope, number=number)
        current = form.removeprefix(unsent.WRITE)
        context = {"case": whole, "composers": composers(whole, request.scope, current=current)}
        return render(request, "complaints/_composer.html", context)
    if is_htmx(request):  # a dialog: it shows the case as it is when it is opened again
        return close_dialog(toast(HttpResponse(status=204), _("The draft was discarded.")))
    return go(request, _url(case, form))


@require_safe
def drafts(request: StaffRequest) -> HttpResponse:
    """List what the reader left unsent, latest first."""
    request.scope.demand("cases")
    rows = [_row(request, found) for found in unsent.mine(request.scope)]
    return render(request, "complaints/drafts.html", {"rows": rows, "at": timezone.now()})


def _row(request: StaffRequest, found: unsent.Unsent) -> dict[str, Any]:
    return {
        "case": found.case,
        "subject": hider(found.case, request.scope)(found.case.core_issue),
        "form": _title(found.form),
        "saved_at": found.saved_at,
        "url": _url(found.case, found.form),
        "drop_url": reverse("case_draft_drop", args=[found.case.number, found.form]),
    }


def _title(form: str) -> str:
    """Return the name of a form for people."""
    kind, _dash, name = form.partition("-")
    if f"{kind}-" == unsent.WRITE:
        return next((str(each.label) for each in KINDS if each.key == name), name)
    if f"{kind}-" == unsent.MOVE and name in MOVES:
        return str(MOVES[name].title)
    return _("Macro")


def _url(case: Case, form: str) -> str:
    """Return the page on which the form stands."""
    kind, _dash, name = form.partition("-")
    match f"{kind}-":
        case unsent.MOVE:
            return reverse("case_move", args=[case.number, name])
        case unsent.MACRO:
            return reverse("case_macro", args=[case.number, name])
    return f"{case.get_absolute_url()}#composer"


def _demand_writer(request: StaffRequest, case: Case, form: str) -> None:
    """Refuse in words who may not carry the form out on this case."""
    for act in _acts(form):
        if Case.objects.visible_to(request.scope, act).filter(pk=case.pk).exists():
            return
    raise PermissionDenied(_("You may read this, but not do that here."))


def _acts(form: str) -> list[str]:
    """Return the acts of which one is needed for a form; a macro is for who writes at all."""
    kind, _dash, name = form.partition("-")
    if f"{kind}-" == unsent.WRITE:
        return [each.act for each in KINDS if each.key == name]
    if f"{kind}-" == unsent.MOVE:
        return [act for act in (MOVES[name].act, MOVES[name].ask_act) if act]
    return ["note", "edit", "message"]


def _case(request: StaffRequest, number: str, form: str) -> Case:
    """Return the case of a form that can have a draft."""
    kind, _dash, name = form.partition("-")
    known = {
        unsent.WRITE: {each.key for each in KINDS},
        unsent.MOVE: set(MOVES),
    }.get(f"{kind}-", {name} if f"{kind}-" == unsent.MACRO and name else set())
    if name not in known or len(form) > _LONGEST:
        raise Http404
    return Case.objects.select_related("type", "customer").fetch(request.scope, number=number)
