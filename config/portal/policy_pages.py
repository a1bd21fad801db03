"""The time limits to read: a version with its policies, ladder and settings; its neighbours."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from complaints.clocks import rules as clock_rules
from config.kernel.models import RuleSet
from config.portal import draft_acts, policy_compare, policy_forecast, rules_words
from config.portal.policy_board import board
from config.portal.rules_versions import kept, numbered, publishers, version
from staff.http import StaffRequest

KIND: Final = clock_rules.KIND
LISTED: Final = 100


@require_safe
def policies(request: StaffRequest) -> HttpResponse:
    """Show the time limits in the order in which they are tried, and one of them in full."""
    context = _version(request, "policies")
    context |= board(context["rules"], request.GET.get("p", ""), context["at"])
    if context["in_force"]:
        context |= policy_forecast.applying(request, context["rules"])
    return render(request, "portal/policies.html", context)


@require_safe
def policies_ladder(request: StaffRequest) -> HttpResponse:
    """Show who is told when, for all clocks of a version."""
    context = _version(request, "ladder")
    read = policy_compare.read(context["rules"])
    context["ladders"] = rules_words.ladders(read.steps)
    return render(request, "portal/policies.html", context)


@require_safe
def policies_settings(request: StaffRequest) -> HttpResponse:
    """Show what holds for a whole version."""
    context = _version(request, "settings")
    rules: RuleSet | None = context["rules"]
    context["settings"] = rules_words.settings_lines(rules.settings) if rules else []
    return render(request, "portal/policies.html", context)


@require_safe
def policies_versions(request: StaffRequest) -> HttpResponse:
    """List the versions, and what changed between two of them (`a`, `b`), or lately."""
    context = _version(request, "versions")
    rows = list(kept(KIND)[:LISTED])
    people = publishers(rows)
    context["history"] = [(row, people.get(row.published_by_id or 0)) for row in rows]
    older, newer = _asked(request, "a", rows[1:2]), _asked(request, "b", rows[:1])
    if older is not None and newer is not None:
        words = policy_compare.vocabulary()
        before, after = policy_compare.read(older), policy_compare.read(newer)
        context["compared"] = policy_compare.changes(before, after, words)
        context |= {"older": older, "newer": newer}
    return render(request, "portal/policies.html", context)


@require_POST
def policies_begin(request: StaffRequest) -> HttpResponse:
    """Begin a draft, or go on with the open one; `from` copies an older version."""
    new = "?p=new" if request.POST.get("new") else ""
    return draft_acts.begin_view(request, KIND, back=f"{reverse('policies_draft')}{new}")


@require_http_methods(["GET", "POST"])
def policies_publish(request: StaffRequest) -> HttpResponse:
    """Publish the draft, or ask for it."""
    return draft_acts.publish_view(request, KIND, back=reverse("policies"))


@require_http_methods(["GET", "POST"])
def policies_discard(request: StaffRequest) -> HttpResponse:
    """Throw the draft away."""
    return draft_acts.discard_view(request, KIND, back=reverse("policies"))


def _version(request: StaffRequest, tab: str) -> dict[str, Any]:
    """Return what every tab shows of a version, or refuse."""
    request.scope.demand("rules")
    context = version(request, KIND)
    asked = "" if context["in_force"] or not context["rules"] else f"v={context['rules'].number}"
    return context | {
        "tab": tab,
        "query": asked,
        "draft_url": reverse("policies_draft"),
        "begin_url": reverse("policies_begin"),
    }


def _asked(request: StaffRequest, name: str, usual: list[RuleSet]) -> RuleSet | None:
    """Return the version named in the address, else the usual one; 404 for one that is not."""
    wanted = request.GET.get(name, "")
    if not wanted:
        return next(iter(usual), None)
    return numbered(KIND, wanted)
