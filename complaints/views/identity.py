"""Identifying the customer, showing contact data after it, and the list of looks without it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from complaints import case_page, identity, revealing
from complaints.choices import IdentityMethod, IdentityResult
from complaints.hiding import hider
from complaints.identity import IdentityRefused, Standing
from complaints.models import Case, IdentityCheck
from complaints.reach import reaches
from config.shared.forms import CleanText
from config.shared.htmx import changed, form_answer, go, is_htmx, toast
from config.shared.scope import Scope
from config.shared.worded import WordedError
from staff.http import StaffRequest

_LONG = 2_000
_LISTED = 200
_DAYS = 30


class CheckForm(forms.Form):
    """How the customer was identified and what came of it."""

    method = forms.ChoiceField(
        label=gettext_lazy("How the customer was identified"),
        choices=IdentityMethod.choices,
        help_text=gettext_lazy("Only the result is kept, never a picture, voice or answer."),
    )
    result = forms.ChoiceField(
        label=gettext_lazy("Result"),
        choices=[
            (IdentityResult.PASSED.value, IdentityResult.PASSED.label),
            (IdentityResult.FAILED.value, IdentityResult.FAILED.label),
        ],
        widget=forms.RadioSelect,
    )


class RevealForm(forms.Form):
    """Why contact data is needed; `override` only while the customer is not identified."""

    reason = CleanText(label=gettext_lazy("Reason"), rows=3, max_length=_LONG)

    def __init__(self, *args: Any, overrides: bool, **options: Any) -> None:
        """Ask with `overrides` why it is shown though nobody identified the customer."""
        super().__init__(*args, **options)
        if overrides:
            self.fields["override"] = CleanText(
                label=gettext_lazy("Why it is shown without identification"),
                rows=2,
                max_length=_LONG,
                help_text=gettext_lazy("The supervisors see this reason."),
            )


@require_http_methods(["GET", "POST"])
def case_identify(request: StaffRequest, number: str) -> HttpResponse:
    """Note an identity check of the customer: method and result."""
    case = case_page.rows_for_page().fetch(request.scope, "identify", number=number)
    form = CheckForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        rows = Case.objects.visible_to(request.scope, "identify").filter(pk=case.pk)
        data = form.cleaned_data
        try:
            identity.check(
                rows, data["method"], data["result"], actor=request.actor, at=timezone.now()
            )
        except IdentityRefused as refused:
            form.add_error(None, str(refused))
        else:
            return _checked(request, case, data["result"])
    held = identity.standing(case, timezone.now())
    context = {
        "form": form,
        "title": _("Identify the customer"),
        "act": _("Save"),
        "lead": _warning(held),
        "back": case.get_absolute_url(),
    }
    return form_answer(request, context, status=422 if form.is_bound else 200)


def _checked(request: StaffRequest, case: Case, result: str) -> HttpResponse:
    """Go on to what the check was for when it passed, back to the case when it did not."""
    held = identity.standing(case, timezone.now())
    if result == IdentityResult.FAILED:
        messages.warning(request, _warning(held) or _("Not identified: contact data stays hidden."))
        return go(request, case.get_absolute_url())
    told = _("The customer is identified for 24 hours.")
    if request.GET.get("then") == "reveal" and reaches(case, request.scope, "reveal"):
        if is_htmx(request):  # the dialog stays open and asks for the reason
            answer = _ask(request, RevealForm(overrides=False), case, held)
            return changed(toast(answer, told), "case-changed")
        messages.success(request, told)
        return go(request, reverse("case_reveal", args=[case.number]))
    messages.success(request, told)
    return go(request, case.get_absolute_url())


def _warning(held: Standing) -> str:
    """Return what failed checks of this contact mean; '' before the third."""
    if not held.warns:
        return ""
    return _(
        "Identification failed %(count)s times in this contact. Somebody may be pretending: call"
        " back on the number on file before you say anything about the account."
    ) % {"count": held.failed}


@require_http_methods(["GET", "POST"])
def case_reveal(request: StaffRequest, number: str) -> HttpResponse:
    """Show contact data in clear after identification and a reason; hidden again after 60 s."""
    case = case_page.rows_for_page().fetch(request.scope, "reveal", number=number)
    held = identity.standing(case, timezone.now())
    may_override = held.passed is None and reaches(case, request.scope, "override_identity")
    posted = request.POST if request.method == "POST" else None
    form = RevealForm(posted, overrides=may_override)
    if form.is_valid() and (held.passed is not None or may_override):
        rows = Case.objects.visible_to(request.scope, "reveal").filter(pk=case.pk)
        data = form.cleaned_data
        try:
            shown = revealing.reveal(
                rows,
                data["reason"],
                override=data.get("override", ""),
                actor=request.actor,
                at=timezone.now(),
            )
        except IdentityRefused as refused:  # the check ended between our look and the lock
            form.add_error(None, str(refused))
        except WordedError as error:  # routed elsewhere between our look and the lock
            raise Http404 from error
        else:
            page = "complaints/_revealed.html" if is_htmx(request) else "complaints/revealed.html"
            return render(request, page, {"case": case, "shown": shown})
    return _ask(request, form, case, held)


def _ask(request: StaffRequest, form: RevealForm, case: Case, held: Standing) -> HttpResponse:
    """Ask for identification first, or for the reason."""
    may_check = reaches(case, request.scope, "identify")
    context = {
        "form": form,
        "case": case,
        "held": held,
        "warning": _warning(held),
        "may_check": may_check,
        "may_override": "override" in form.fields,
        "back": case.get_absolute_url(),
        "action": reverse("case_reveal", args=[case.number]),
        "title": _("Show contact data"),
        "lead": _("Your name, the time and the reason are kept in the record of this case."),
    }
    if is_htmx(request):
        form.auto_id = "dialog_%s"
    page = "complaints/_reveal.html" if is_htmx(request) else "complaints/reveal.html"
    return render(request, page, context, status=422 if form.is_bound else 200)


@require_GET
def identity_overrides(request: StaffRequest) -> HttpResponse:
    """List the looks of the last 30 days that came before identification, with their reasons."""
    request.scope.demand("cases", "overrides")
    since = timezone.now() - timedelta(days=_DAYS)
    found = list(identity.overrides(request.scope, since=since)[: _LISTED + 1])
    context = {
        "rows": _with_reasons(found[:_LISTED], request.scope),
        "more": len(found) > _LISTED,
        "days": _DAYS,
    }
    return render(request, "complaints/identity_overrides.html", context)


def _with_reasons(checks: list[IdentityCheck], scope: Scope) -> list[dict[str, Any]]:
    """Return the checks with the words of their entries, masked for the reader; two queries."""
    said = identity.reasons(checks)
    rows = []
    for row in checks:
        text = said.get(row.pk)
        rows.append({"row": row, "reason": hider(row.case, scope)(text) if text else None})
    return rows
