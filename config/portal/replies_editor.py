"""Changing the draft of templates and macros: one row at a time, with a live preview."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from complaints.models import Case, Macro, ReplyTemplate
from complaints.replies import details, drafting, filling, jargon
from complaints.replies.rows import templates_of
from complaints.replies.variables import CATALOGUE, Ground, fill_from, fill_sample
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.portal import draft_rows
from config.portal.replies_forms import BankForm, DraftRowForm, MacroForm, TemplateForm
from config.shared.forms import VersionedForm
from config.shared.htmx import form_answer, go
from config.shared.worded import WordedError
from staff.http import StaffRequest

KIND = details.KIND
_LONGEST = 8000


@require_http_methods(["GET", "HEAD", "POST"])
def reply_template(request: StaffRequest, code: str | None = None) -> HttpResponse:
    """Change one template of the draft, or write a new one; 422 in words, 409 when overtaken."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(KIND)
    if draft is None:
        return draft_rows.gone(request, "replies")
    row = draft_rows.row_of(ReplyTemplate, draft, code=code)
    form = TemplateForm(
        request.POST if request.method == "POST" else None, row=row, **_options(draft)
    )
    if form.is_valid():

        def put() -> str:
            given = form.cleaned_data["version"]
            return drafting.put_template(
                draft, form.stored, code=code, actor=request.actor, at=timezone.now(),
                expected=given,
            )  # fmt: skip

        if saved := _saved(form, draft, put):
            messages.success(request, _("The template was saved in the draft."))
            return go(request, f"{reverse('replies_draft')}?r={saved}")
    context = {
        "form": form,
        "row": row,
        "variables": CATALOGUE.values(),
        "preview": _preview(request, form),
    }
    return render(request, "portal/replies_template.html", context, status=form.status)


@require_http_methods(["GET", "HEAD", "POST"])
def reply_macro(request: StaffRequest, code: str | None = None) -> HttpResponse:
    """Change one macro of the draft, or make a new one."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(KIND)
    if draft is None:
        return draft_rows.gone(request, "replies")
    row = draft_rows.row_of(Macro, draft, code=code)
    form = MacroForm(
        request.POST if request.method == "POST" else None,
        row=row,
        templates=templates_of(draft),
        **_options(draft),
    )
    if form.is_valid():

        def put() -> str:
            given = form.cleaned_data["version"]
            return drafting.put_macro(
                draft, form.stored, code=code, actor=request.actor, at=timezone.now(),
                expected=given,
            )  # fmt: skip

        if saved := _saved(form, draft, put):
            messages.success(request, _("The macro was saved in the draft."))
            return go(request, f"{reverse('replies_draft')}?r=macro:{saved}")
    context = {"form": form, "row": row}
    return render(request, "portal/replies_macro.html", context, status=form.status)


@require_http_methods(["GET", "HEAD", "POST"])
def reply_bank(request: StaffRequest) -> HttpResponse:
    """Change what templates say of the bank."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(KIND)
    if draft is None:
        return draft_rows.gone(request, "replies")
    form = BankForm(
        request.POST if request.method == "POST" else None,
        bank=details.of_version(draft),
        **_options(draft),
    )
    if form.is_valid():

        def put() -> str:
            given = form.cleaned_data["version"]
            drafting.put_details(
                draft, form.stored, actor=request.actor, at=timezone.now(), expected=given
            )
            return "bank"

        if _saved(form, draft, put):
            messages.success(request, _("The details were saved in the draft."))
            return go(request, reverse("replies_draft"))
    context = {
        "form": form,
        "title": _("Details of the bank"),
        "lead": _("Templates name them; the addresses stand in the ways to object."),
        "act": _("Save in the draft"),
        "back": reverse("replies_draft"),
    }
    return form_answer(request, context, status=form.status)


@require_http_methods(["GET", "HEAD", "POST"])
def reply_remove(request: StaffRequest, kind: str, code: str) -> HttpResponse:
    """Ask, then take a template or macro out of the draft."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(KIND)
    if draft is None:
        return draft_rows.gone(request, "replies")
    model: type[ReplyTemplate] | type[Macro] = Macro if kind == "macro" else ReplyTemplate
    row = draft_rows.row_of(model, draft, code=code)
    form = VersionedForm(
        request.POST if request.method == "POST" else None, row_version=draft.version
    )
    if form.is_valid():

        def put() -> str:
            given = form.cleaned_data["version"]
            drafting.drop(
                draft, model, code, actor=request.actor, at=timezone.now(), expected=given
            )
            return code

        if _saved(form, draft, put):
            messages.success(request, _("It was removed from the draft."))
            return go(request, reverse("replies_draft"))
    context = {
        "form": form,
        "title": _("Remove “%(name)s”?") % {"name": row.label},
        "lead": _("It is removed from this draft. The version in force stays as it is."),
        "act": _("Remove"),
        "danger": True,
        "back": reverse("replies_draft"),
    }
    return form_answer(request, context, status=form.status)


@require_POST
def reply_preview(request: StaffRequest) -> HttpResponse:
    """Answer with what is typed, filled with the examples or from a case of the reader."""
    request.scope.demand("rules", "propose")
    form = TemplateForm(request.POST)
    return render(request, "portal/_replies_preview.html", {"preview": _preview(request, form)})


def _preview(request: StaffRequest, form: TemplateForm) -> dict[str, Any]:
    """Return both languages of the typed texts, unknown names, jargon; writes nothing."""
    texts = {name: str(form[name].value() or "")[:_LONGEST] for name in TemplateForm.NAMES[5:]}
    case, wanted = _sample_case(request)
    sides = []
    for side, language in (("en", "en"), ("zh", "zh-hans")):
        subject, body = (
            _filled(texts[f"{part}_{side}"], language, case) for part in ("subject", "body")
        )
        sides.append({"language": language, "subject": subject, "body": body})
    named = {name for text in texts.values() for name in filling.names(text)}
    return {
        "sides": sides,
        "unknown": sorted(named - set(CATALOGUE)),
        "broken": any(filling.is_broken(text) for text in texts.values()),
        "jargon": jargon.find(texts.values(), jargon.words()),
        "case": case,
        "not_found": bool(wanted) and case is None,
    }


def _filled(text: str, language: str, case: Case | None) -> str:
    if case is None:
        return fill_sample(text, language).text
    at = timezone.now()
    _rules, bank = details.in_force(at)
    return fill_from(text, Ground(case, bank, language, at)).text


def _sample_case(request: StaffRequest) -> tuple[Case | None, str]:
    """Return the case to preview with, when one is named and within reach; and what was named."""
    number = request.POST.get("sample", "").replace("\x00", "").strip().upper()[:16]
    if not number or not request.scope.may("cases", "identity"):
        return None, number
    rows = Case.objects.visible_to(request.scope, "identity").filter(number=number)
    found = rows.select_related(
        "type", "customer", "department__superior", "officer", "handler", "outcome", "branch",
        "business_line__parent", "not_accepted_reason",
    )  # fmt: skip
    return found.first(), number


def _options(draft: RuleSet) -> dict[str, Any]:
    return {"row_version": draft.version, "initial": {"number": draft.number}}


def _saved(form: DraftRowForm | VersionedForm, draft: RuleSet, put: Callable[[], str]) -> str:
    """Write through `put`; returns the code of the row, '' when it was refused, in the form."""
    if not draft_rows.same_draft(form, draft):
        return ""
    try:
        return put()
    except WordedError as refused:
        draft_rows.refuse(form, draft, refused)
    return ""
