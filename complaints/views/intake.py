"""The new-case page: look the customer up, note what was said, see live what will happen."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints import clocks, identity, intake, records, service_notices
from complaints.choices import OPEN, ClockName
from complaints.drafts import CaseDraft
from complaints.intake_form import IntakeForm
from complaints.models import CallRecord, Case
from complaints.relations import matters
from config.kernel import saved
from config.shared.htmx import go
from config.shared.masking import mask_name, mask_phone
from config.shared.words import near_moment_words
from customers import lookup
from customers.models import Customer
from staff.http import StaffRequest

DRAFT = "case:new"


def _form(request: StaffRequest, data: QueryDict | None = None, **options: Any) -> IntakeForm:
    return IntakeForm(data, scope=request.scope, at=timezone.now(), **options)


@require_http_methods(["GET", "POST"])
def case_new(request: StaffRequest) -> HttpResponse:
    """Show the form (with the kept draft), or register the case and open it."""
    request.scope.demand("cases", "register")
    if request.method == "POST":
        return _register(request)
    kept = saved.load_draft(request.actor.id or 0, DRAFT)
    initial = dict(kept or {})
    initial |= _from_notice(request)
    if "customer" in request.GET:
        initial["customer"] = request.GET["customer"]
    if "beside" in request.GET:
        beside = Case.objects.select_related("customer", "intake_channel").fetch(
            request.scope, "link", number=request.GET["beside"]
        )
        initial = matters.first_values(beside)
    form = _form(request, initial=initial)
    return _page(request, form, kept=bool(kept))


def _from_notice(request: StaffRequest) -> dict[str, Any]:
    """Return what the service notice named in the address knows of the case."""
    notice = service_notices.usable(request.GET.get("notice", ""), request.scope, timezone.now())
    if notice is None:
        return {}
    known = {
        "business_line": notice.line.code if notice.line else "",
        "branch": notice.branch_id,
    }
    return {"service_notice": notice.pk, **{key: value for key, value in known.items() if value}}


def _register(request: StaffRequest) -> HttpResponse:
    """Register what was typed; a refusal keeps every word."""
    form = _form(request, request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    person = request.user.person
    beside = form.cleaned_data["beside"]
    if beside is None:
        [opened] = intake.open_cases(
            [form.draft()], actor=request.actor, at=timezone.now(), registrar=person
        )
    else:
        rows = Case.objects.visible_to(request.scope, "link").filter(pk=beside.pk)
        opened = matters.try_beside(
            rows, form.draft(), actor=request.actor, at=timezone.now(), registrar=person
        )
    if opened.case is None:
        form.add_error(None, opened.refused)
        return _page(request, form, status=422)
    if not opened.duplicate:
        _identified(request, form, opened.case)
    saved.drop_draft(request.actor.id or 0, DRAFT)
    words = (
        _("Case %(number)s is registered already.")
        if opened.duplicate
        else _("Case %(number)s is registered.")
    )
    messages.success(request, words % {"number": opened.case.number})
    if not Case.objects.visible_to(request.scope).filter(pk=opened.case.pk).exists():
        return go(request, "/")
    return go(request, opened.case.get_absolute_url())


def _identified(request: StaffRequest, form: IntakeForm, case: Case) -> None:
    """Note the identity check that was made while the case was taken."""
    method, result = form.cleaned_data["identity_method"], form.cleaned_data["identity_result"]
    if method and result:
        rows = Case.objects.visible_to(request.scope, "identify").filter(pk=case.pk)
        identity.check(rows, method, result, actor=request.actor, at=timezone.now())


def _page(
    request: StaffRequest, form: IntakeForm, *, status: int = 200, kept: bool = False
) -> HttpResponse:
    """Show the page with the chosen customer and the panel on the right."""
    number = str(form["customer"].value() or "").replace("\x00", "")
    chosen = (
        Customer.objects.visible_to(request.scope).filter(number=number).first() if number else None
    )
    context = {
        "form": form,
        "chosen": card(chosen, request, 0) if chosen else None,
        "kept": kept,
        "may_spot": request.scope.may("cases", "settle"),
        "service_notices": service_notices.banner(request.scope, timezone.now()),
        "from_notice": str(form["service_notice"].value() or ""),
        **_hints(request, form),
    }
    return render(request, "complaints/intake.html", context, status=status)


@require_GET
def intake_lookup(request: StaffRequest) -> HttpResponse:
    """Answer with matching customers as options: number, name, phone or its tail; masked."""
    request.scope.demand("cases", "register")
    text = request.GET.get("find", "").replace("\x00", "").strip()[:80]
    found = lookup.look_up(text, request.scope) if len(text) >= 2 else []
    counts = dict(
        Case.objects.visible_to(request.scope)
        .filter(customer__in=found, status__in=OPEN)
        .values_list("customer")
        .annotate(n=Count("pk"))
    )
    cards = [card(customer, request, counts.get(customer.pk, 0)) for customer in found]
    return render(request, "complaints/_intake_hits.html", {"cards": cards, "text": text})


def card(customer: Customer, request: StaffRequest, open_cases: int) -> dict[str, Any]:
    """Return what a hit shows of a customer."""
    phone = next((c.value for c in customer.contacts.all() if c.kind in {"mobile", "phone"}), "")
    plain = request.scope.may("customers", "identity")
    return {
        "number": customer.number,
        "name": customer.name if plain else mask_name(customer.name),
        "tier": customer.tier,
        "phone": mask_phone(phone) if phone else "",
        "branch": customer.branch.label if customer.branch else "",
        "open": open_cases,
    }


@require_POST
def intake_hints(request: StaffRequest) -> HttpResponse:
    """Answer with the panel on the right for what is typed so far; writes nothing."""
    request.scope.demand("cases", "register")
    form = _form(request, request.POST)
    return render(request, "complaints/_intake_hints.html", _hints(request, form))


def _hints(request: StaffRequest, form: IntakeForm) -> dict[str, Any]:
    """Return look-alikes and what will happen."""
    draft = form.partial_draft() if form.is_bound else None
    if draft is None:
        return {"similar": [], "preview": None}
    at = timezone.now()
    alike = intake.similar(draft, scope=request.scope, at=at)
    told = intake.preview(draft, at=at)
    due = sorted(told.due.items(), key=lambda pair: pair[1])
    rows = [
        {
            "label": ClockName(name).label,
            "words": near_moment_words(moment),
            "provisional": name in told.provisional,
        }
        for name, moment in due
    ]
    return {
        "similar": alike,
        "others": intake.others(draft, scope=request.scope, at=at),
        "waiting": [_waits(case) for case in intake.waiting(draft, scope=request.scope)],
        "anonymous": _is_anonymous(draft) and not form.cleaned_data.get("beside"),
        "preview": told,
        "due_rows": rows,
        "repeat": bool(alike),
    }


def _is_anonymous(draft: CaseDraft) -> bool:
    known = (draft.customer, draft.contact_name, draft.contact_phone, draft.contact_email)
    return not any(known)


def _waits(case: Case) -> dict[str, Any]:
    """Return what who may not read a case may know of it."""
    due = "" if case.next_due_at == clocks.NEVER else near_moment_words(case.next_due_at)
    return {"number": case.number, "status": case.status, "due": due}


@require_POST
def intake_draft(request: StaffRequest) -> HttpResponse:
    """Keep what is typed; drafts are bound to the person."""
    request.scope.demand("cases", "register")
    body = {
        name: value
        for name, value in request.POST.items()
        if name in IntakeForm.base_fields and value
    }
    try:
        saved.save_draft(request.actor.id or 0, DRAFT, body, at=timezone.now())
    except saved.NotSaved as refused:
        return HttpResponse(str(refused), status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


@require_POST
def intake_add(request: StaffRequest, number: str) -> HttpResponse:
    """Add what is typed to an open case instead of making a new one: a call from the customer."""
    case = Case.objects.fetch(request.scope, "note", number=number)
    form = _form(request, request.POST)
    form.is_valid()
    text = form.cleaned_data.get("content") or form.cleaned_data.get("core_issue") or ""
    if not text:
        form.add_error("content", _("Write what the customer said; it is added to the open case."))
        return _page(request, form, status=422)
    call = records.Call(CallRecord.Direction.IN, CallRecord.Result.REACHED, text)
    rows = Case.objects.visible_to(request.scope, "note").filter(pk=case.pk)
    records.log_call(rows, call, actor=request.actor, at=timezone.now())
    saved.drop_draft(request.actor.id or 0, DRAFT)
    messages.success(request, _("Added to %(number)s.") % {"number": case.number})
    return go(request, case.get_absolute_url())
