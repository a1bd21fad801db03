"""Playbooks (SOP, S4-8): which steps a case gets, from the published rule set `playbooks`.

A step opens when its conditions fit: type, business line (a group stands for its lines), severity;
`emergency` steps at severity critical (S2-22), `care` steps from their level of emotion on
(DOMAIN.md §4.5), `media` steps where media risk is noted. A case keeps the version its first
steps came from. Steps stay when the case changes later; new ones join.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from complaints.choices import Severity
from complaints.models import Case, CaseStep, PlaybookStep
from config.kernel import rulesets
from config.kernel.models import RuleSet, Term
from config.shared.memo import Lasting, Memo

KIND: Final = "playbooks"
WATCHED: Final = frozenset(
    {"type", "severity", "business_line", "emotion", "emotion_now", "media_risk"}
)
"""Fields of a case whose change may open steps."""
CARE_FROM: Final = 3
REPORT_MINUTES: Final = 240
BLOCKS, REPORT_DUE = "steps_block", "report_minutes"
"""Settings of a version: open mandatory steps keep from resolving; time to report, 7x24."""

_KEPT: Final[Lasting[list[PlaybookStep]]] = Lasting()


def steps_of(rule_set_id: int) -> list[PlaybookStep]:
    """Return the steps of a version that has left draft, in order; kept once read."""
    if rule_set_id not in _KEPT:
        rows = PlaybookStep.objects.filter(rule_set=rule_set_id).select_related("rule_set")
        _KEPT[rule_set_id] = list(rows.order_by("order", "pk"))
    return _KEPT[rule_set_id]


def rows_of(rule_set: RuleSet) -> list[PlaybookStep]:
    """Return the steps of any version, a draft too, in order; one query."""
    return list(PlaybookStep.objects.filter(rule_set=rule_set).order_by("order", "pk"))


def in_force(at: datetime) -> RuleSet | None:
    """Return the version in force at `at`."""
    return rulesets.published(KIND, at)


def setting(rule_set: RuleSet | None, name: str) -> Any:
    """Return a setting of a version, or its usual value."""
    usual = {BLOCKS: False, REPORT_DUE: REPORT_MINUTES}[name]
    return (rule_set.settings if rule_set else {}).get(name, usual)


def feeling(case: Case) -> int:
    """Return the customer's emotion as last noted, 0-5; 0 where none was."""
    return int((case.emotion if case.emotion_now is None else case.emotion_now) or 0)


def fits(step: PlaybookStep, case: Case) -> bool:
    """Tell whether a step is for this case as it stands."""
    if step.types and case.type.code not in step.types:
        return False
    if step.severities and case.severity not in step.severities:
        return False
    if step.lines and not set(step.lines) & _chain(case):
        return False
    if step.emergency and case.severity < Severity.CRITICAL:
        return False
    if step.care and feeling(case) < (step.emotion or CARE_FROM):
        return False
    return case.media_risk or not step.media


def open_steps(
    cases: Sequence[Case], *, at: datetime, fresh: bool = False
) -> dict[int, list[CaseStep]]:
    """Open what these new (`fresh`) or held cases lack; what was opened, by case pk.

    Closed cases and those recorded as history get none. Safe to repeat: a step opens once.
    """
    alive = [case for case in cases if case.is_open and not case.is_history]
    if not alive:
        return {}
    force = in_force(at)
    known = {} if fresh else _known(alive)
    rows = [
        row
        for case in alive
        for row in _missing(case, known.get(case.pk, {}), force.pk if force else None, at)
    ]
    if not rows:
        return {}
    CaseStep.objects.bulk_create(rows, ignore_conflicts=True)
    found: dict[int, list[CaseStep]] = {}
    for row in rows:
        found.setdefault(row.case_id, []).append(row)
    return found


def _known(cases: Iterable[Case]) -> Mapping[int, dict[int, int]]:
    """Return step pk -> version pk of the steps each case has; one query."""
    found: dict[int, dict[int, int]] = {}
    rows = CaseStep.objects.filter(case__in=cases).order_by("pk")
    for case, step, version in rows.values_list("case_id", "step_id", "step__rule_set_id"):
        found.setdefault(case, {})[step] = version
    return found


def _missing(
    case: Case, known: Mapping[int, int], force: int | None, at: datetime
) -> list[CaseStep]:
    """Return the steps this case lacks, from the version it began with."""
    version = next(iter(known.values()), force)
    if version is None:
        return []
    return [
        CaseStep(case=case, step=step, opened_at=at, due_at=_due(step, at))
        for step in steps_of(version)
        if step.pk not in known and fits(step, case)
    ]


def _due(step: PlaybookStep, at: datetime) -> datetime | None:
    return None if step.minutes is None else at + timedelta(minutes=step.minutes)


def _chain(case: Case) -> frozenset[str]:
    return _chains().get(case.business_line_id or 0, frozenset())


def _read_chains() -> dict[int, frozenset[str]]:
    """Return the codes of every business line with those above it, by pk."""
    rows = Term.objects.filter(taxonomy="business_line").values_list("pk", "code", "parent_id")
    lines = {pk: (code, parent) for pk, code, parent in rows}
    return {pk: frozenset(_upwards(pk, lines)) for pk in lines}


def _upwards(pk: int | None, lines: Mapping[int, tuple[str, int | None]]) -> list[str]:
    found: list[str] = []
    while pk is not None and pk in lines and lines[pk][0] not in found:
        code, pk = lines[pk]
        found.append(code)
    return found


_chains: Final = Memo(_read_chains)
