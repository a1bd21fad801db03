"""Why a case has the score it has (S3-24): the points of `models/priority.py`, in words.

The score itself is a generated column of the database; `explain` adds the same points up from the
loaded case, and a test holds the two together over every combination.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from complaints.case_parts import CasePart
from complaints.models import Case
from complaints.models.priority import (
    CHASE_POINTS,
    EMOTION_POINTS,
    FLAG_POINTS,
    MOST_CHASES,
    REFERRAL_POINTS,
    REPEAT_POINTS,
    SEVERITY_POINTS,
    TIER_POINTS,
)
from customers.models.customer import Tier

_FLAGS: Final[dict[str, str | Promise]] = {
    "breached": gettext_lazy("A limit has run out"),
    "regulatory_major": gettext_lazy("Major for the regulator"),
    "media_risk": gettext_lazy("Media risk"),
    "vulnerable": gettext_lazy("Vulnerable customer"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One reason and its points, at least 1."""

    label: str
    points: int


def explain(case: Case) -> list[Line]:
    """Return the reasons with their points, the largest first; they sum to `case.priority`."""
    found = [line for line in _lines(case) if line.points]
    return sorted(found, key=lambda line: -line.points)


def _lines(case: Case) -> Iterator[Line]:
    yield Line(
        _("Severity: %(severity)s") % {"severity": case.get_severity_display()},
        case.severity * SEVERITY_POINTS,
    )
    yield _emotion(case)
    chases = min(case.chase_count, MOST_CHASES)
    words = ngettext(
        "Customer chased %(count)d time", "Customer chased %(count)d times", case.chase_count
    )
    yield Line(words % {"count": case.chase_count}, chases * CHASE_POINTS)
    tier = case.tier_at_receipt
    if tier in TIER_POINTS:
        yield Line(_("Customer tier: %(tier)s") % {"tier": Tier(tier).label}, TIER_POINTS[tier])
    for name, label in _FLAGS.items():
        yield Line(str(label), FLAG_POINTS[name] if getattr(case, name) else 0)
    yield Line(_("Brought forward before"), REPEAT_POINTS if case.repeat_count > 0 else 0)
    referred = case.external_due_at is not None
    yield Line(_("Came with the deadline of another body"), REFERRAL_POINTS if referred else 0)


def _emotion(case: Case) -> Line:
    """Return the points of how upset the customer is: the later note counts."""
    later = case.emotion_now is not None
    level = case.emotion_now if later else (case.emotion or 0)
    words = _("Emotion now: %(level)s of 5") if later else _("Emotion at first: %(level)s of 5")
    return Line(words % {"level": level}, (level or 0) * EMOTION_POINTS)


def context_of(case: Case) -> dict[str, Any]:
    """Return what the explanation shows."""
    lines = explain(case)
    return {"lines": lines, "score": sum(line.points for line in lines)}


def contributions() -> tuple[CasePart, ...]:
    """Return the part of the case page."""
    return (
        CasePart(
            "priority",
            gettext_lazy("Priority score"),
            "flame",
            "complaints/_priority.html",
            lambda _request, case: context_of(case),
            order=45,
            count=lambda case: case.priority,
        ),
    )


__all__ = ["Line", "context_of", "contributions", "explain"]
