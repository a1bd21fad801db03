"""Reply templates and macros: the version in force or an older one, the draft, the versions."""

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from complaints.models import ReplyTemplate
from complaints.replies import details, jargon
from complaints.replies.variables import CATALOGUE, fill_sample
from config.kernel import rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.kernel.rule_kinds import Finding
from config.portal import draft_acts, replies_words
from config.portal.replies_words import Group, Item
from config.portal.rules_versions import compared, history, version
from staff.http import StaffRequest

KIND: Final = details.KIND
_LONGEST_CODE: Final = 60


@require_safe
def replies(request: StaffRequest) -> HttpResponse:
    """Show the version in force, or the one asked for by `v`, and one of its rows (`r`)."""
    request.scope.demand("rules")
    context = version(request, KIND)
    rules = context["rules"]
    if rules is not None:
        findings = rule_kinds.of(KIND).check(rules) if context["in_force"] else []
        context |= listing(request, rules, findings)
        context["base"] = reverse("replies")
    return render(request, "portal/replies.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def replies_draft(request: StaffRequest) -> HttpResponse:
    """Show the draft; a post begins one (of version `from`, if given)."""
    request.scope.demand("rules")
    if request.method == "POST":
        return draft_acts.begin_view(request, KIND, back=reverse("replies_draft"))
    draft = rulesets.draft(KIND)
    if draft is None:
        return redirect("replies")
    bar = draft_acts.bar(request, draft, bar_urls())
    context = bar | listing(request, draft, bar["findings"])
    context |= {
        "rules": draft,
        "at": timezone.now(),
        "is_draft": True,
        "editable": bar["may_propose"],
        "base": reverse("replies_draft"),
    }
    return render(request, "portal/replies.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def replies_publish(request: StaffRequest) -> HttpResponse:
    """Publish the draft, or ask somebody who may."""
    return draft_acts.publish_view(request, KIND, back=reverse("replies"))


@require_http_methods(["GET", "HEAD", "POST"])
def replies_discard(request: StaffRequest) -> HttpResponse:
    """Throw the draft away."""
    return draft_acts.discard_view(request, KIND, back=reverse("replies"))


@require_safe
def replies_versions(request: StaffRequest) -> HttpResponse:
    """List the versions, newest first, with who published them and why."""
    request.scope.demand("rules")
    return render(request, "portal/replies_versions.html", history(request, KIND))


@require_safe
def replies_compare(request: StaffRequest) -> HttpResponse:
    """Tell what differs between versions `a` and `b`, row by row."""
    request.scope.demand("rules")
    shown = compared(request, KIND)
    shown["differences"] = replies_words.differences(
        shown["one"], shown["two"], replies_words.names()
    )
    return render(request, "portal/replies_compare.html", shown)


@require_safe
def replies_variables(request: StaffRequest) -> HttpResponse:
    """List what a template may name, and the words customers do not use."""
    request.scope.demand("rules")
    context = {"variables": CATALOGUE.values(), "jargon": jargon.words()}
    return render(request, "portal/replies_variables.html", context)


def bar_urls() -> dict[str, str]:
    """Return the addresses of the banner of the draft."""
    return {
        "publish": reverse("replies_publish"),
        "discard": reverse("replies_discard"),
        "row": f"{reverse('replies_draft')}?r=",
    }


def listing(request: StaffRequest, rules: RuleSet, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the groups of a version and the chosen row with its words."""
    known = replies_words.names()
    shown = replies_words.groups(rules, known, findings)
    chosen = _chosen(shown, request.GET.get("r", "")[:_LONGEST_CODE])
    needs = replies_words.needs(rules)
    context: dict[str, Any] = {"groups": shown, "chosen": chosen, "needs": needs}
    if chosen is None:
        return context
    context["facts"] = replies_words.facts_of(chosen.row, known)
    if isinstance(chosen.row, ReplyTemplate):
        context |= {"template": chosen.row, "samples": samples(chosen.row)}
        context["facts"] = context["facts"][2:5]
    return context


def samples(row: ReplyTemplate) -> list[dict[str, str]]:
    """Return a template in both languages: as it is written, and filled with the examples."""
    return [
        {
            "language": language,
            "subject": getattr(row, f"subject_{side}"),
            "body": getattr(row, f"body_{side}"),
            "filled_subject": fill_sample(getattr(row, f"subject_{side}"), language).text,
            "filled": fill_sample(getattr(row, f"body_{side}"), language).text,
        }
        for side, language in (("en", "en"), ("zh", "zh-Hans"))
    ]


def _chosen(shown: Sequence[Group], code: str) -> Item | None:
    """Return the row with this code, else the first of all."""
    items = [item for group in shown for item in group.items]
    return next((item for item in items if item.code == code), items[0] if items else None)
