"""The versions of the routing rules, and what differs between two of them in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from complaints.models import RoutingRule
from complaints.routing.words import name_of
from config.kernel.models import RuleSet
from config.portal import routing_words
from config.portal.routing_board import KIND
from config.portal.routing_words import Lists
from config.portal.rules_versions import compared, history
from staff.http import StaffRequest

WORDS: Final = {
    "added": gettext_lazy("Added"),
    "removed": gettext_lazy("Removed"),
    "changed": gettext_lazy("Changed"),
    "moved": gettext_lazy("Moved"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a rule before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One rule that is not the same in two versions; `kind` is a key of WORDS."""

    kind: str
    code: str
    name: str
    parts: Sequence[Part] = field(default_factory=tuple)

    @property
    def words(self) -> str:
        """The kind in words."""
        return str(WORDS[self.kind])


@require_safe
def routing_versions(request: StaffRequest) -> HttpResponse:
    """List the versions, newest first, with who published them and why."""
    request.scope.demand("rules")
    return render(request, "portal/routing_versions.html", history(request, KIND))


@require_safe
def routing_compare(request: StaffRequest) -> HttpResponse:
    """Tell what differs between versions `a` and `b` in words, whole rules at a time."""
    request.scope.demand("rules")
    shown = compared(request, KIND)
    shown["differences"] = differences(shown["one"], shown["two"], routing_words.lists())
    return render(request, "portal/routing_compare.html", shown)


def differences(one: RuleSet, two: RuleSet, known: Lists) -> list[Difference]:
    """Return the rules that differ, in the order of the newer version, removed ones last."""
    before, after = _rules(one), _rules(two)
    places = _moved(list(before), list(after))
    found = []
    for code, rule in after.items():
        if code not in before:
            parts = [Part(label, "", text) for label, text in _said(rule, known) if text]
            found.append(Difference("added", code, name_of(rule), parts))
            continue
        old, new = _said(before[code], known), _said(rule, known)
        parts = [
            Part(label, was, now)
            for (label, was), (_same, now) in zip(old, new, strict=True)
            if was != now
        ]
        kind = "changed" if parts else "moved"
        if code in places:
            was_at, now_at = list(before).index(code) + 1, list(after).index(code) + 1
            parts.append(Part(_("Place"), str(was_at), str(now_at)))
        if parts:
            found.append(Difference(kind, code, name_of(rule), parts))
    for code, rule in before.items():
        if code not in after:
            parts = [Part(label, text, "") for label, text in _said(rule, known) if text]
            found.append(Difference("removed", code, name_of(rule), parts))
    return found


def _said(rule: RoutingRule, known: Lists) -> list[tuple[str, str]]:
    return list(routing_words.facts_of(rule, known).items())


def _rules(rule_set: RuleSet) -> dict[str, RoutingRule]:
    rows = RoutingRule.objects.filter(rule_set=rule_set).select_related("person")
    return {rule.code: rule for rule in rows.order_by("order", "pk")}


def _moved(before: list[str], after: list[str]) -> set[str]:
    """Return the codes that left their order among the rules both versions have.

    What stays in a longest common order has not moved; the rest has.
    """
    shared = [code for code in after if code in before]
    ranks = {code: place for place, code in enumerate(before)}
    best: list[list[str]] = []
    for n, code in enumerate(shared):
        tails = [best[i] for i in range(n) if ranks[shared[i]] < ranks[code]]
        best.append([*_longest(tails), code])
    return set(shared) - set(_longest(best))


def _longest(rows: Sequence[list[str]]) -> list[str]:
    return max(rows, key=len, default=[])
