"""The routing rules: the version in force or an older one to read, and the draft to change."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from config.kernel import rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.portal import draft_acts
from config.portal.routing_board import (
    KIND,
    Board,
    board,
    editor,
    fallback_words,
    form_of,
    place_for_new,
    reading,
)
from config.portal.routing_forms import DaysForm, RuleForm
from config.portal.routing_replay import replay_context
from config.portal.rules_versions import version
from staff.http import StaffRequest

LONGEST_CODE = 40


@require_safe
def routing(request: StaffRequest) -> HttpResponse:
    """Show the version in force, or the one asked for by `v`, each rule as a sentence."""
    request.scope.demand("rules")
    context = version(request, KIND)
    if context["rules"] is None:
        return render(request, "portal/routing.html", context)
    findings = rule_kinds.of(KIND).check(context["rules"]) if context["in_force"] else []
    shown = board(context["rules"], at=context["at"], findings=findings)
    context |= page(request, shown) | reading(shown, asked_code(request))
    return render(request, "portal/routing.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def routing_draft(request: StaffRequest) -> HttpResponse:
    """Show the draft and one of its rules; a post begins a draft (of version `from`, if given)."""
    request.scope.demand("rules")
    if request.method == "POST":
        return draft_acts.begin_view(request, KIND, back=reverse("routing_draft"))
    draft = rulesets.draft(KIND)
    if draft is None:
        return redirect("routing")
    return draft_page(request, draft)


@require_http_methods(["GET", "HEAD", "POST"])
def routing_publish(request: StaffRequest) -> HttpResponse:
    """Publish the draft, or ask somebody who may."""
    return draft_acts.publish_view(request, KIND, back=reverse("routing"))


@require_http_methods(["GET", "HEAD", "POST"])
def routing_discard(request: StaffRequest) -> HttpResponse:
    """Throw the draft away."""
    return draft_acts.discard_view(request, KIND, back=reverse("routing"))


def draft_page(  # noqa: PLR0913 - what the page may show besides the draft
    request: StaffRequest,
    draft: RuleSet,
    *,
    form: RuleForm | None = None,
    code: str = "",
    is_new: bool = False,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the whole page of the draft: list, editor of one rule, dry run.

    `form` is a form to show again; `is_new` shows the editor of a rule that is not there yet.
    """
    context, shown = draft_context(request, draft)
    rule = None if is_new else shown.rule(code or asked_code(request))
    if rule is None and not is_new:
        rule = next(iter(shown.rules), None)
    if context["may_propose"] and (rule is not None or is_new):
        context |= editor(shown, form or _fresh(shown, rule), rule)
        context["place"] = place_for_new(shown.rules)
    elif rule is not None:
        context |= reading(shown, rule.code)
    days = DaysForm(initial={"days": 30})
    context |= replay_context(request, draft, shown.known, days, rule.code if rule else "")
    context |= {"problem": problem, "is_new": is_new}
    return render(request, "portal/routing_draft.html", context, status=status)


def draft_context(request: StaffRequest, draft: RuleSet) -> tuple[dict[str, Any], Board]:
    """Return the banner and the list of the draft, with what the check says about each rule."""
    bar = draft_acts.bar(request, draft, bar_urls())
    shown = board(draft, at=timezone.now(), findings=bar["findings"])
    context = bar | page(request, shown) | {"rules": draft, "at": timezone.now()}
    return context, shown


def page(request: StaffRequest, shown: Board) -> dict[str, Any]:
    """Return what list and head show of a version; the focus goes to an `added` condition."""
    draft = shown.rule_set.state == "draft"
    return {
        "board": shown,
        "items": shown.items,
        "lines": [item.line for item in shown.items],
        "lead": fallback_words(shown),
        "is_draft": draft,
        "editable": draft and request.scope.may("rules", "propose"),
        "may_explain": request.scope.may("cases"),
        "base": reverse("routing_draft") if draft else reverse("routing"),
        "added": request.POST.get("add", ""),
        "dropped": request.POST.get("drop", ""),
    }


def bar_urls() -> dict[str, str]:
    """Return the addresses of the banner of the draft."""
    return {
        "publish": reverse("routing_publish"),
        "discard": reverse("routing_discard"),
        "row": f"{reverse('routing_draft')}?r=",
    }


def asked_code(request: StaffRequest) -> str:
    """Return the code of the rule that the address names."""
    return request.GET.get("r", "")[:LONGEST_CODE]


def _fresh(shown: Board, rule: Any) -> RuleForm:
    """Return the unbound form of a rule, or of a new one."""
    if rule is not None:
        return form_of(shown, rule)
    given = {"number": shown.rule_set.number}
    return RuleForm(
        known=shown.known, rows=["types"], row_version=shown.rule_set.version, initial=given
    )
