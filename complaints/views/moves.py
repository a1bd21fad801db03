"""Dialogs of the moves: one view for every verb of the table, and the form of facts."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from complaints import acting, case_page, stale, unsent
from complaints.facts_form import FactsForm
from complaints.forms import MoveForm
from complaints.models import Case
from complaints.reach import reaches
from complaints.views import replies
from complaints.workflow import Outcome, Refusal
from complaints.workflow.moves import MOVES
from complaints.workflow.payloads import FactsEdit
from config.kernel.files import FileRefused
from config.shared.forms import VersionedForm
from config.shared.htmx import changed, go, is_htmx
from config.shared.worded import WordedError
from staff.http import StaffRequest


@require_http_methods(["GET", "POST"])
def case_move(request: StaffRequest, number: str, verb: str) -> HttpResponse:
    """Show the dialog of a move, or do it: 409 when overtaken, 422 with what is missing."""
    move = MOVES.get(verb)
    if move is None or move.by_system or verb in acting.NOT_BY_PAGE:
        raise Http404
    case = case_page.rows_for_page().fetch(request.scope, number=number)
    asks = acting.must_ask(move, case, request.scope)
    act = move.ask_act if asks else move.act
    if not reaches(case, request.scope, act):
        raise PermissionDenied(_("You may read this, but not do that here."))
    form = MoveForm(
        request.POST if request.method == "POST" else None,
        request.FILES or None,
        move=move,
        case=case,
        scope=request.scope,
        asks=asks,
    )
    stale.mark(form, case)
    draft, me = f"{unsent.MOVE}{verb}", request.actor.id
    back = unsent.restore(form, unsent.load(case, draft, person_id=me))
    if form.is_valid():
        try:
            outcome = acting.perform(
                move,
                Case.objects.visible_to(request.scope, act).filter(pk=case.pk),
                form,
                asks=asks,
                actor=request.actor,
                at=timezone.now(),
            )
        except (WordedError, FileRefused) as error:
            form.add_error(None, str(error))
        else:
            if answer := _after(request, form, outcome, case):
                unsent.drop(case, draft, person_id=me)
                return answer
    else:
        _overtaken(request, form, case)
    if form.is_bound:
        unsent.keep_refused(case, draft, request.POST, person_id=me, at=timezone.now())
    title = _("Ask: %(act)s") % {"act": move.title} if asks else move.title
    words = {"title": title, "act": title, "lead": move.effects, "danger": move.danger}
    return _dialog(
        request, form, case, **words, draft_back=back, **replies.draft_marks(case, draft)
    )


@require_http_methods(["GET", "POST"])
def case_facts(request: StaffRequest, number: str) -> HttpResponse:
    """Correct the facts and the classification of a case; old values stay in the record."""
    case = case_page.rows_for_page().fetch(request.scope, "edit", number=number)
    posted = request.POST if request.method == "POST" else None
    form = FactsForm(posted, request.FILES or None, case=case)
    stale.mark(form, case)
    if form.is_valid():
        edit = form.edit()
        if edit is None and not form.cleaned_data["screenshot"]:
            messages.info(request, _("Nothing was changed."))
            return go(request, case.get_absolute_url())
        try:
            outcome = acting.edit_facts(
                Case.objects.visible_to(request.scope, "edit").filter(pk=case.pk),
                edit or FactsEdit(),
                actor=request.actor,
                at=timezone.now(),
                expected={case.pk: form.cleaned_data["version"]},
                screenshot=form.cleaned_data["screenshot"],
            )
        except (WordedError, FileRefused) as error:
            form.add_error(None, str(error))
        else:
            if answer := _after(request, form, outcome, case):
                return answer
    else:
        _overtaken(request, form, case)
    return _dialog(request, form, case, title=_("Edit facts"), act=_("Save"))


def _overtaken(request: StaffRequest, form: VersionedForm, case: Case) -> None:
    """Say first that somebody was faster where that may be why the form does not hold any more."""
    seen = form.cleaned_data.get("version") if form.is_bound else None
    if seen is not None and seen != case.version:
        lost = Outcome(case, case.status, Refusal.STALE, _("Somebody was faster."))
        stale.refuse(form, lost, request.scope)


def _after(
    request: StaffRequest, form: VersionedForm, outcome: Outcome | None, case: Case
) -> HttpResponse | None:
    """Return the answer to a finished act; None = show the form again with the reason."""
    if outcome is None:
        raise Http404  # routed elsewhere between our look and the lock
    if outcome.done or outcome.asked:
        text = outcome.why if outcome.asked else _("%(number)s is saved.") % {"number": case.number}
        messages.success(request, text)
        visible = Case.objects.visible_to(request.scope).filter(pk=case.pk).exists()
        return go(request, case.get_absolute_url() if visible else reverse("cases"))
    if outcome.refused in {Refusal.STALE, Refusal.MOVE}:
        stale.refuse(form, outcome, request.scope)
    else:
        form.add_error(None, outcome.why)
    return None


def _dialog(request: StaffRequest, form: VersionedForm, case: Case, **words: Any) -> HttpResponse:
    """Show a form as dialog for htmx, as a page otherwise."""
    context = {"form": form, "back": case.get_absolute_url(), "case": case, **words}
    page = "partials/_dialog_form.html" if is_htmx(request) else "generic/form.html"
    answer = render(request, page, context, status=form.status)
    return changed(answer, "case-changed") if form.stale else answer
