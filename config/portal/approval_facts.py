"""What a request holds, as lines to read: codes turned into words, free texts as they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from complaints.choices import Responsibility, Severity
from config.kernel import approvals as kernel
from config.kernel.models import Approval, Term
from config.portal.when import full_time
from config.shared.scope import Scope
from config.shared.words import listed
from staff.models.accounts import Role
from staff.roles import COMPENSATION, compensation_authority

# Name of a fact -> its label, and the list its code stands in ("" = no list).
_FACTS: Final[dict[str, tuple[Promise, str]]] = {
    "outcome": (gettext_lazy("Outcome"), "outcome"),
    "nature": (gettext_lazy("Nature"), "nature"),
    "cause": (gettext_lazy("Root cause"), "cause"),
    "responsibility": (gettext_lazy("Finding for the department"), ""),
    "remedies": (gettext_lazy("Remedies"), "remedy"),
    "suggestion_decision": (gettext_lazy("Decision on the suggestion"), "suggestion_decision"),
    "reason_code": (gettext_lazy("Reason for not accepting"), "not_accepted"),
    "type": (gettext_lazy("New type"), "feedback_type"),
    "severity": (gettext_lazy("New severity"), ""),
    "appraiser": (gettext_lazy("Who appraises, tests or evaluates"), ""),
    "new_facts_at": (gettext_lazy("New material received"), ""),
    "expected_end_at": (gettext_lazy("Expected to end"), ""),
    "stage": (gettext_lazy("Extension number"), ""),
    "recording": (gettext_lazy("Recording"), ""),
}
_WORDS: Final[dict[str, Promise]] = {
    "answer": gettext_lazy("Proposed answer"),
    "findings": gettext_lazy("Findings"),
    "basis": gettext_lazy("Basis"),
    "objection_ways": gettext_lazy("Ways to object"),
    "words": gettext_lazy("Words to or of the customer"),
    "note": gettext_lazy("Note"),
}
_MOMENTS: Final = frozenset({"expected_end_at", "new_facts_at"})
_LADDER: Final = (Role.OFFICER, Role.DEPARTMENT_HEAD, Role.SUPERVISOR, Role.APPROVER)


@dataclass(frozen=True, slots=True)
class Line:
    """One fact or text of a request; `long` texts get the whole width."""

    label: str
    text: str
    long: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the authority bar: up to `limit` (None: above `above`)."""

    role: str
    limit: Decimal | None
    above: Decimal | None
    enough: bool
    mine: bool


def lines_of(approval: Approval) -> list[Line]:
    """Return the facts and texts of a request that are filled; at most one query, for terms."""
    codes = {name: value for name, value in approval.facts.items() if value and name in _FACTS}
    labels = _labels(codes)
    lines = [
        Line(str(_FACTS[name][0]), _shown(name, codes[name], labels))
        for name in _FACTS
        if name in codes
    ]
    words = kernel.words_of(approval)
    lines += [
        Line(str(label), words[name], long=True)
        for name, label in _WORDS.items()
        if words.get(name) and words[name] != approval.reason
    ]
    return lines


def authority(amount: Decimal, scope: Scope) -> list[Step]:
    """Return who may grant how much (DOMAIN.md §4.8), the reader's own step marked."""
    sums = [COMPENSATION[role] for role in _LADDER[:-1]]
    own = compensation_authority(scope)
    steps = [
        Step(
            str(role.label), limit, None, limit >= amount, mine=role in scope.roles and limit == own
        )
        for role, limit in zip(_LADDER, sums, strict=False)
    ]
    last = _LADDER[-1]
    return [*steps, Step(str(last.label), None, sums[-1], enough=True, mine=last in scope.roles)]


def _labels(codes: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the labels of all codes of growing lists, by (list, code)."""
    wanted = Q(pk__in=[])
    for name, value in codes.items():
        if taxonomy := _FACTS[name][1]:
            wanted |= Q(taxonomy=taxonomy, code__in=list(_many(value)))
    if not wanted.children[1:]:
        return {}
    return {(term.taxonomy, term.code): term.label for term in Term.objects.filter(wanted)}


def _many(value: Any) -> Iterable[str]:
    return (str(part) for part in value) if isinstance(value, list) else (str(value),)


def _shown(name: str, value: Any, labels: dict[tuple[str, str], str]) -> str:
    """Return one fact in words."""
    if taxonomy := _FACTS[name][1]:
        return listed(labels.get((taxonomy, code), code) for code in _many(value))
    if name == "severity" and value in Severity.values:
        return str(Severity(value).label)
    if name == "responsibility" and value in Responsibility.values:
        return str(Responsibility(value).label)
    if name in _MOMENTS and (moment := _moment(value)):
        return full_time(moment)
    return str(value)


def _moment(value: Any) -> datetime | None:
    return parse_datetime(str(value))
