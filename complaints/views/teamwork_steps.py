"""Steps of the playbook and the task force of a case."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from complaints import case_page
from complaints.models import Case, CaseStep
from complaints.teamwork import parts, steps, task_force
from complaints.teamwork.access import TeamRefused
from complaints.views.teamwork_forms import ForceForm, ForceLeaveForm, LeaveOutForm
from config.shared.htmx import form_answer, go, is_htmx
from config.shared.listing_pages import BIGGEST
from staff.http import StaffRequest
from staff.models import Person

PIECE = "complaints/_part_steps.html"


@require_POST
def step_done(request: StaffRequest, number: str, step: int) -> HttpResponse:
    """Tick a step off, or with `again` open it once more; answers with the part."""
    case = _fetch(request, number, "step")
    row = _step(request, case, step)
    verb = steps.again if "again" in request.POST else steps.done
    rows = steps.within(request.scope).filter(pk=row.pk)
    said = ""
    try:
        verb(rows, actor=request.actor, at=timezone.now())
    except TeamRefused as refused:
        said = str(refused)
    if not is_htmx(request):
        if said:
            messages.error(request, said)
        return redirect(f"{case.get_absolute_url()}#steps")
    context = parts.steps_context(case, request.scope, timezone.now())
    return render(request, PIECE, context | {"said": said}, status=409 if said else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def step_skip(request: StaffRequest, number: str, step: int) -> HttpResponse:
    """Leave a step out; a mandatory one only with a reason."""
    case = _fetch(request, number, "step")
    row = _step(request, case, step)
    form = LeaveOutForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        rows = steps.within(request.scope).filter(pk=row.pk)
        reason = form.cleaned_data["reason"]
        try:
            steps.leave_out(rows, reason, actor=request.actor, at=timezone.now())
        except TeamRefused as refused:
            form.add_error(refused.field or None, str(refused))
        else:
            return go(request, case.get_absolute_url())
    context = {
        "form": form,
        "title": _("Leave the step out"),
        "lead": row.step.label,
        "act": _("Leave it out"),
        "back": case.get_absolute_url(),
    }
    return form_answer(request, context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def force_add(request: StaffRequest, number: str) -> HttpResponse:
    """Take people into the task force of the case."""
    case = _fetch(request, number, "task_force")
    form = ForceForm(request.POST if request.method == "POST" else None, case=case)
    if form.is_valid():
        pks = [person.pk for person in form.cleaned_data["people"]]
        reason = form.cleaned_data["reason"]
        try:
            rows = _rows(request, case)
            task_force.add(rows, pks, reason, actor=request.actor, at=timezone.now())
        except TeamRefused as refused:
            form.add_error(refused.field or None, str(refused))
        else:
            messages.success(request, _("They are in the task force and were told."))
            return go(request, case.get_absolute_url())
    return _form(request, form, case, title=_("Add to the task force"), act=_("Add"))


@require_http_methods(["GET", "HEAD", "POST"])
def force_drop(request: StaffRequest, number: str, person: int) -> HttpResponse:
    """Take somebody out of the task force."""
    case = _fetch(request, number, "task_force")
    members = case.grants.filter(why="task_force").values("person")
    member = get_object_or_404(Person, pk__in=members, pk=min(person, BIGGEST))
    form = ForceLeaveForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            rows = _rows(request, case)
            task_force.remove(rows, [member.pk], reason, actor=request.actor, at=timezone.now())
        except TeamRefused as refused:
            form.add_error(None, str(refused))
        else:
            told = {"person": member.label}
            messages.success(request, _("%(person)s is no longer in the task force.") % told)
            return go(request, case.get_absolute_url())
    return _form(
        request, form, case, title=_("Take out of the task force"), act=_("Take out"),
        lead=member.label, danger=True,
    )  # fmt: skip


def _fetch(request: StaffRequest, number: str, act: str) -> Case:
    """Return the case for an act: out of sight 404, wrong role or case 403."""
    case = case_page.rows_for_page().fetch(request.scope, act, number=number)
    may = parts.may_tick if act == "step" else parts.may_gather
    if not may(case, request.scope):
        raise PermissionDenied(_("You may read this, but not do that here."))
    return case


def _step(request: StaffRequest, case: Case, pk: int) -> CaseStep:
    return CaseStep.objects.select_related("step").fetch(
        request.scope, "step", case=case, pk=min(pk, BIGGEST)
    )


def _rows(request: StaffRequest, case: Case) -> Any:
    return Case.objects.visible_to(request.scope, "task_force").filter(pk=case.pk)


def _form(request: StaffRequest, form: Any, case: Case, **words: Any) -> HttpResponse:
    context = {"form": form, "back": case.get_absolute_url(), **words}
    return form_answer(request, context, status=422 if form.errors else 200)
