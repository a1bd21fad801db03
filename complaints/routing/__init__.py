"""Where a case goes and who gets it: ordered rules as rows, explained and replayed.

`assign` and `preview` ask the rules in force, `explain` tells from what was kept why a case went
where it went, `replay` says what another version would do with the same cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from complaints.models import Case
from complaints.routing.choosing import Strategy
from complaints.routing.counting import hits
from complaints.routing.engine import KIND, Routed, assign, preview, would
from complaints.routing.explaining import Explanation, Passed, Tried, explain, sentence, trace
from config.kernel.models import RuleSet


@dataclass(frozen=True, slots=True)
class Change:
    """A case another version of the rules would send elsewhere; codes and pks."""

    case: Case
    before: str
    after: str
    rule: str


def replay(rule_set: RuleSet, cases: Sequence[Case], *, at: datetime) -> list[Change]:
    """Return the cases, as they are now, that this version (a draft, say) would send elsewhere.

    A few cases for a preview; `replaying` runs the cases of many days against their snapshots.
    """
    return [
        Change(r.case, r.case.department.code, r.department.code, r.rule.code)
        for r in would(rule_set, cases, at=at)
        if r.department and r.rule and r.department.pk != r.case.department_id
    ]


__all__ = [
    "KIND",
    "Change",
    "Explanation",
    "Passed",
    "Routed",
    "Strategy",
    "Tried",
    "assign",
    "explain",
    "hits",
    "preview",
    "replay",
    "sentence",
    "trace",
]
