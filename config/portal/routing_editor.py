"""Changing the draft of the routing rules: save, add, move and remove a rule."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from complaints.models import RoutingRule
from complaints.routing import drafting
from complaints.routing.words import name_of
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.portal import draft_acts, draft_rows, routing_words
from config.portal.errors import conflict
from config.portal.routing_board import KIND, editor, place_for_new
from config.portal.routing_forms import RuleForm, changes_rows, rows_asked
from config.portal.routing_pages import draft_context, draft_page
from config.portal.routing_replay import stale_context
from config.shared.forms import VersionedForm
from config.shared.htmx import form_answer, go, is_htmx, toast
from config.shared.worded import WordedError
from staff.http import StaffRequest


@require_http_methods(["GET", "HEAD", "POST"])
def routing_rule(request: StaffRequest, code: str) -> HttpResponse:
    """Save one rule of the draft; htmx saves whenever a field changes.

    A condition that was added or dropped shows the editor again. 422 with words beside the
    fields, 409 when the draft has moved on meanwhile; nothing typed is lost.
    """
    if request.method != "POST":
        request.scope.demand("rules")
        return redirect(_page_of(code))
    request.scope.demand("rules", "propose")
    draft = _draft()
    if draft is None:
        return _gone(request)
    rule = RoutingRule.objects.filter(rule_set=draft, code=code).select_related("person").first()
    if rule is None:
        return _gone(request, draft)
    form = _posted(request.POST, rule)
    if form.is_valid() and _put(request, form, draft, rule.code):
        return _saved(request, draft, code)
    return _refused(request, form, draft, rule)


@require_http_methods(["GET", "HEAD", "POST"])
def routing_new(request: StaffRequest) -> HttpResponse:
    """Show an empty rule; add it to the draft above the first one that takes every case."""
    request.scope.demand("rules", "propose")
    draft = _draft()
    if draft is None:
        return _gone(request) if request.method == "POST" else redirect("routing")
    if request.method != "POST":
        return draft_page(request, draft, is_new=True)
    form = _posted(request.POST, None)
    wants_rows = changes_rows(request.POST)
    if not wants_rows and form.is_valid():
        before = list(_codes(draft))
        if _put(request, form, draft, None):
            made = next(code for code in _codes(draft) if code not in before)
            messages.success(request, _("The rule was added."))
            return go(request, _page_of(made))
    if wants_rows:
        form = _unchecked(request.POST, draft, None)
    status = 200 if wants_rows else form.status
    if is_htmx(request):
        return _editor(request, draft, form, None, status)
    return draft_page(request, draft, form=form, is_new=True, status=status)


@require_POST
def routing_move(request: StaffRequest, code: str) -> HttpResponse:
    """Put a rule at another place; `to` comes from a button, `place` from dragging, from 1."""
    request.scope.demand("rules", "propose")
    draft = _draft()
    if draft is None:
        return _gone(request)
    place = _number(request.POST.get("to") or request.POST.get("place", ""))
    problem = ""
    try:
        drafting.move_rule(
            draft,
            code,
            place,
            actor=request.actor,
            at=timezone.now(),
            expected=_number(request.POST.get("version", "")),
        )
    except WordedError as refused:
        problem = str(refused)
    return _after_move(request, draft, code, problem)


@require_http_methods(["GET", "HEAD", "POST"])
def routing_remove(request: StaffRequest, code: str) -> HttpResponse:
    """Ask, then take a rule out of the draft."""
    request.scope.demand("rules", "propose")
    draft = _draft()
    if draft is None:
        return _gone(request)
    rule = RoutingRule.objects.filter(rule_set=draft, code=code).first()
    if rule is None:
        raise Http404
    data = request.POST if request.method == "POST" else None
    form = VersionedForm(data, row_version=draft.version)
    if form.is_valid():
        seen = form.cleaned_data["version"]
        try:
            drafting.drop_rule(draft, code, actor=request.actor, at=timezone.now(), expected=seen)
        except WordedError as refused:
            now = RuleSet.objects.get(pk=draft.pk)
            form.refuse(str(refused), now.version)
        else:
            messages.success(request, _("The rule was removed from the draft."))
            return go(request, reverse("routing_draft"))
    context = {
        "form": form,
        "title": _("Remove the rule “%(name)s”?") % {"name": name_of(rule)},
        "lead": _("It is removed from this draft. The rules in force stay as they are."),
        "act": _("Remove the rule"),
        "danger": True,
        "back": _page_of(code),
    }
    return form_answer(request, context, status=form.status)


def _put(request: StaffRequest, form: RuleForm, draft: RuleSet, code: str | None) -> bool:
    """Write the rule; False when it was refused, with the words in the form."""
    if not draft_rows.same_draft(form, draft):
        return False
    data = drafting.RuleData(**form.stored)
    at, seen = timezone.now(), form.cleaned_data["version"]
    try:
        with transaction.atomic():
            drafting.put_rule(draft, data, code=code, actor=request.actor, at=at, expected=seen)
            if code is None:
                _place(request, draft)
    except WordedError as refused:
        _refuse(form, draft, refused)
        return False
    return True


def _place(request: StaffRequest, draft: RuleSet) -> None:
    """Move the rule that was added last above the first one that takes every case."""
    rules = list(RoutingRule.objects.filter(rule_set=draft).order_by("order", "pk"))
    place = place_for_new(rules[:-1])
    if place < len(rules):
        drafting.move_rule(
            draft,
            rules[-1].code,
            place,
            actor=request.actor,
            at=timezone.now(),
            expected=draft.version,
        )


def _refuse(form: RuleForm, draft: RuleSet, refused: WordedError) -> None:
    """Show a refusal beside the field, or beside the condition of that name."""
    field = getattr(refused, "field", "")
    draft_rows.refuse(form, draft, refused, {} if field in form.fields else {field: f"c_{field}"})


def _posted(data: QueryDict, rule: RoutingRule | None) -> RuleForm:
    """Return the form as it was posted."""
    known = routing_words.lists()
    return RuleForm(data, known=known, rows=rows_asked(data), rule=rule)


def _unchecked(data: QueryDict, draft: RuleSet, rule: RoutingRule | None) -> RuleForm:
    """Return a form with everything typed and no remark: only its conditions changed."""
    bound = _posted(data, rule)
    typed = {name: bound[name].data for name in bound.fields if name not in ("version", "number")}
    return RuleForm(
        known=bound.known,
        rows=[condition.key for condition in bound.rows],
        rule=rule,
        row_version=draft.version,
        initial=typed | {"number": draft.number},
    )


def _saved(request: StaffRequest, draft: RuleSet, code: str) -> HttpResponse:
    """Answer a save: the parts of the page that depend on it, or the page."""
    shows_rows = changes_rows(request.POST)
    if not is_htmx(request):
        if not shows_rows:
            messages.success(request, _("The rule was saved in the draft."))
            return redirect(_page_of(code))
        rule = RoutingRule.objects.get(rule_set=draft, code=code)
        form = _unchecked(request.POST, draft, rule)
        return draft_page(request, draft, form=form, code=code)
    context, shown = draft_context(request, draft)
    stored = shown.rule(code)
    context |= stale_context(draft) | {"swapped": True, "rule": stored, "saved_at": timezone.now()}
    if stored is not None:
        context["sentence"] = routing_words.sentence(stored, shown.known)
    if stored is not None and shows_rows:
        context |= editor(shown, _unchecked(request.POST, draft, stored), stored)
        context["redraw"] = True
    response = render(request, "portal/routing_saved.html", context)
    if not shows_rows:
        response.headers["HX-Reswap"] = "none"
    return response


def _refused(
    request: StaffRequest, form: RuleForm, draft: RuleSet, rule: RoutingRule
) -> HttpResponse:
    """Answer what could not be saved; while somebody is still at it, only a line says why."""
    typing = is_htmx(request) and "do" not in request.POST and not form.stale
    if typing and changes_rows(request.POST):
        return _editor(request, draft, _unchecked(request.POST, draft, rule), rule, 200)
    if typing:
        why = next((str(text) for errors in form.errors.values() for text in errors), "")
        response = render(request, "portal/_routing_state.html", {"why": why, "swapped": True})
        response.headers["HX-Reswap"] = "none"
        return response
    if is_htmx(request):
        return _editor(request, draft, form, rule, form.status)
    return draft_page(request, draft, form=form, code=rule.code, status=form.status)


def _editor(
    request: StaffRequest, draft: RuleSet, form: RuleForm, rule: RoutingRule | None, status: int
) -> HttpResponse:
    """Answer with the editor alone."""
    context, shown = draft_context(request, draft)
    context |= editor(shown, form, rule) | {"is_new": rule is None}
    context["place"] = place_for_new(shown.rules)
    return render(request, "portal/_routing_editor.html", context, status=status)


def _after_move(request: StaffRequest, draft: RuleSet, code: str, problem: str) -> HttpResponse:
    """Answer a move: the list with what depends on it, or the page."""
    status = 409 if problem else 200
    if not is_htmx(request):
        if problem:
            return draft_page(request, draft, code=code, problem=problem, status=status)
        return redirect(_page_of(code))
    context, shown = draft_context(request, draft)
    chosen = shown.rule(request.POST.get("r", "")) or shown.rule(code)
    context |= stale_context(draft) | {"rule": chosen, "problem": problem, "swapped": True}
    response = render(request, "portal/routing_moved.html", context, status=status)
    if problem:
        return response
    place = next((item.place for item in shown.items if item.line.code == code), 0)
    told = _("Now at place %(n)s.") % {"n": place}
    return toast(response, told, tone="plain")


def _gone(request: StaffRequest, draft: RuleSet | None = None) -> HttpResponse:
    """Answer that the draft, or the rule in it, is no more (409)."""
    last = draft or RuleSet.objects.filter(kind=KIND).order_by("-number").first()
    why = draft_acts.overtaken(last) if last else _("There is no draft any more.")
    back = reverse("routing_draft") if draft else reverse("routing")
    return conflict(request, why, back=back)


def _draft() -> RuleSet | None:
    return rulesets.draft(KIND)


def _codes(draft: RuleSet) -> Any:
    return RoutingRule.objects.filter(rule_set=draft).values_list("code", flat=True)


def _page_of(code: str) -> str:
    return f"{reverse('routing_draft')}?{urlencode({'r': code})}"


def _number(text: str) -> int:
    """Return a small whole number; anything else is 0, which no row has."""
    good = text.isascii() and text.isdigit() and len(text) < len("1000000000")
    return int(text) if good else 0
