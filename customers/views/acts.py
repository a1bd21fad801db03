"""Acts on a customer, each a dialog: register, show contacts, tier, manager, contact points."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.shared.forms import VersionedForm
from config.shared.htmx import form_answer, go, is_htmx
from config.shared.worded import WordedError
from customers import registering
from customers.forms import ContactsForm, ManagerForm, ReasonForm, RegisterForm, TierForm
from customers.models import Customer
from customers.registering import Overtaken
from customers.views.card import row_for_page
from staff.http import StaffRequest


@require_http_methods(["GET", "POST"])
def customer_new(request: StaffRequest) -> HttpResponse:
    """Register a customer; a known identity number leads to the known customer."""
    request.scope.demand("customers", "register")
    form = RegisterForm(_posted(request), scope=request.scope)
    if form.is_valid():
        at = timezone.now()
        draft = form.draft(request.user.person)
        [row] = registering.register([draft], actor=request.actor, at=at)
        known = Customer.objects.visible_to(request.scope).filter(pk=row.pk).exists()
        told = {"number": row.number}
        if not known:
            messages.info(request, _("Customer %(number)s is looked after elsewhere.") % told)
            return go(request, reverse("customers"))
        new = row.event_seq == 1 and row.name == draft.name.strip()
        text = _("%(number)s is registered.") if new else _("%(number)s was registered before.")
        messages.success(request, text % told)
        return go(request, _page(row.number))
    context = {
        "form": form,
        "title": _("Register a customer"),
        "act": _("Register"),
        "back": reverse("customers"),
    }
    return form_answer(request, context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def customer_reveal(request: StaffRequest, number: str) -> HttpResponse:
    """Show contact data in clear after a reason; the look stands in the record."""
    row = row_for_page(request.scope, number, "reveal")
    form = ReasonForm(_posted(request))
    if form.is_valid():
        rows = Customer.objects.visible_to(request.scope, "reveal").filter(pk=row.pk)
        reason = form.cleaned_data["reason"]
        try:
            shown = registering.reveal(rows, reason, actor=request.actor, at=timezone.now())
        except WordedError as error:  # given away between our look and the lock
            raise Http404 from error
        name = "customers/_revealed.html" if is_htmx(request) else "customers/revealed.html"
        return render(request, name, {"customer": row, "shown": shown})
    context = {
        "form": form,
        "title": _("Show contact data"),
        "act": _("Show"),
        "lead": _("Your name, the time and the reason are kept in the record of this customer."),
        "back": _page(number),
    }
    return form_answer(request, context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def customer_tier(request: StaffRequest, number: str) -> HttpResponse:
    """Give the customer another tier from today."""
    row = row_for_page(request.scope, number, "tiers")
    form = TierForm(_posted(request), customer=row)
    if form.is_valid():
        at = timezone.now()
        try:
            registering.change_tiers(
                Customer.objects.visible_to(request.scope, "tiers"),
                tiers={row.pk: form.cleaned_data["tier"]},
                reason=form.cleaned_data["reason"],
                on=timezone.localdate(at),
                actor=request.actor,
                at=at,
                expected={row.pk: form.cleaned_data["version"]},
            )
        except Overtaken as error:
            form.refuse(str(error), error.version)
        else:
            return _done(request, row)
    return _dialog(request, form, row, title=_("Change the tier"))


@require_http_methods(["GET", "POST"])
def customer_rm(request: StaffRequest, number: str) -> HttpResponse:
    """Give the customer another relationship manager."""
    row = row_for_page(request.scope, number, "rm")
    form = ManagerForm(_posted(request), customer=row, scope=request.scope)
    if form.is_valid():
        try:
            registering.assign_rm(
                Customer.objects.visible_to(request.scope, "rm").filter(pk=row.pk),
                rm=form.cleaned_data["rm"],
                actor=request.actor,
                at=timezone.now(),
                expected={row.pk: form.cleaned_data["version"]},
            )
        except Overtaken as error:
            form.refuse(str(error), error.version)
        else:
            return _done(request, row)
    return _dialog(request, form, row, title=_("Assign a relationship manager"))


@require_http_methods(["GET", "POST"])
def customer_contacts(request: StaffRequest, number: str) -> HttpResponse:
    """Take contact points away, prefer one, add one."""
    row = row_for_page(request.scope, number, "edit")
    form = ContactsForm(_posted(request), customer=row)
    if form.is_valid():
        try:
            registering.change_contacts(
                row,
                form.drafts(),
                actor=request.actor,
                at=timezone.now(),
                expected=form.cleaned_data["version"],
            )
        except Overtaken as error:
            form.refuse(str(error), error.version)
        else:
            return _done(request, row)
    return _dialog(request, form, row, title=_("Edit contact data"))


def _posted(request: StaffRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _page(number: str) -> str:
    return reverse("customer", args=[number])


def _done(request: StaffRequest, row: Customer) -> HttpResponse:
    """Lead back to the page, or to the list when the customer went out of sight."""
    messages.success(request, _("%(number)s is saved.") % {"number": row.number})
    seen = Customer.objects.visible_to(request.scope).filter(pk=row.pk).exists()
    return go(request, _page(row.number) if seen else reverse("customers"))


def _dialog(
    request: StaffRequest, form: VersionedForm, row: Customer, *, title: str
) -> HttpResponse:
    """Show a form as dialog for htmx, as a page otherwise."""
    context = {"form": form, "title": title, "act": _("Save"), "back": _page(row.number)}
    return form_answer(request, context, status=form.status)
