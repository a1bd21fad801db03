"""The page on which a matter is registered, answered and closed while the customer is there."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from complaints import spot
from complaints.intake_form import IntakeForm
from complaints.models import Case
from complaints.spot_form import SpotForm
from complaints.views import intake
from config.kernel import saved, terms
from config.shared.htmx import go
from config.shared.worded import WordedError
from customers.models import Customer
from staff.http import StaffRequest


@require_http_methods(["GET", "HEAD", "POST"])
def case_spot(request: StaffRequest) -> HttpResponse:
    """Show the form, or settle the matter; `carry` brings what was typed on the intake page."""
    request.scope.demand("cases", "settle")
    request.scope.demand("cases", "register")
    if not spot.types_for(request.scope, terms.of("feedback_type")):
        raise PermissionDenied(_("Your role settles nothing on the spot."))
    if request.method != "POST" or "carry" in request.POST:
        return _page(request, _form(request, initial=_carried(request.POST)))
    form = _form(request, request.POST)
    if form.is_valid():
        try:
            done = spot.settle(
                form.draft(),
                form.settled,
                scope=request.scope,
                person=request.user.person,
                actor=request.actor,
                at=timezone.now(),
            )
        except WordedError as refused:
            form.add_error(refused.code if refused.code in form.fields else None, str(refused))
        else:
            return _done(request, done)
    return _page(request, form, status=422)


def _form(request: StaffRequest, data: QueryDict | None = None, **options: Any) -> SpotForm:
    return SpotForm(
        data, scope=request.scope, person=request.user.person, at=timezone.now(), **options
    )


def _carried(data: QueryDict) -> dict[str, Any]:
    """Return what was typed on the intake page, by field."""
    return {name: data[name] for name in IntakeForm.base_fields if data.get(name)}


def _done(request: StaffRequest, done: spot.Settled) -> HttpResponse:
    saved.drop_draft(request.actor.id or 0, intake.DRAFT)
    words = (
        _("Case %(number)s is registered already.")
        if done.duplicate
        else _("Case %(number)s is registered, answered and closed.")
    )
    messages.success(request, words % {"number": done.case.number})
    if not Case.objects.visible_to(request.scope).filter(pk=done.case.pk).exists():
        return go(request, "/")
    return go(request, done.case.get_absolute_url())


def _page(request: StaffRequest, form: SpotForm, *, status: int = 200) -> HttpResponse:
    number = str(form["customer"].value() or "").replace("\x00", "")
    rows = Customer.objects.visible_to(request.scope)
    chosen = rows.filter(number=number).first() if number else None
    context = {
        "form": form,
        "chosen": intake.card(chosen, request, 0) if chosen else None,
        "complaints": "CMP" in form.known,
    }
    return render(request, "complaints/spot.html", context, status=status)
