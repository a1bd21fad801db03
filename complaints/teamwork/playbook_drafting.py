"""Changing a draft of the playbooks: put, drop and move steps, set its switches; journalled."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from complaints.choices import Severity
from complaints.models import PlaybookStep
from complaints.routing.rule_fields import FieldRefused
from complaints.teamwork import playbooks
from config.kernel import rule_kinds
from config.kernel.models import RuleSet, Term
from config.kernel.rulesets import RulesRefused
from config.shared.actors import Actor

_PLACE: Final = 10
LONGEST_CODE, LONGEST_NAME = 40, 200
LONGEST_MINUTES: Final = 366 * 24 * 60


@dataclass(frozen=True, slots=True)
class StepData:
    """A step as it is edited; the fields are those of PlaybookStep."""

    name_en: str = ""
    name_zh: str = ""
    types: Sequence[str] = ()
    lines: Sequence[str] = ()
    severities: Sequence[int] = ()
    emergency: bool = False
    care: bool = False
    emotion: int | None = None
    media: bool = False
    mandatory: bool = False
    minutes: int | None = None


_FIELDS: Final = tuple(StepData.__dataclass_fields__)
_LISTS: Final = ("types", "lines", "severities")


def put_step(
    draft: RuleSet,
    data: StepData,
    *,
    code: str | None,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> RuleSet:
    """Write a step of a draft: the one with this code, or with None a new one at the end.

    Raises FieldRefused with the field that cannot be kept, RulesRefused when the draft moved on.
    """
    _check(data)
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        rows = playbooks.rows_of(held)
        if code is None:
            row = PlaybookStep(
                rule_set=held, code=_free({x.code for x in rows}), order=_behind(rows)
            )
            before: dict[str, Any] = {}
        else:
            row = _step(rows, code)
            before = _told(row)
        for name, value in _told(data).items():
            setattr(row, name, value)
        changes = {k: [before.get(k), v] for k, v in _told(row).items() if before.get(k) != v}
        if changes:
            row.save()
            facts |= {"row": row.code, "changes": changes}
    return held


def drop_step(
    draft: RuleSet, code: str, *, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Take a step out of a draft. Raises RulesRefused."""
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        row = _step(playbooks.rows_of(held), code)
        facts |= {"row": code, "changes": {k: [v, None] for k, v in _told(row).items()}}
        row.delete()
    return held


def move_step(
    draft: RuleSet, code: str, *, up: bool, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Move a step one place up or down; at the edge it stays. Raises RulesRefused."""
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        rows = playbooks.rows_of(held)
        row = _step(rows, code)
        here = rows.index(row)
        there = here - 1 if up else here + 1
        if 0 <= there < len(rows):
            rows[here], rows[there] = rows[there], rows[here]
            for place, one in enumerate(rows, start=1):
                one.order = place * _PLACE
            PlaybookStep.objects.bulk_update(rows, ["order"])
            facts |= {"row": code, "changes": {"order": [here + 1, there + 1]}}
    return held


def set_switches(
    draft: RuleSet,
    *,
    steps_block: bool,
    report_minutes: int,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> RuleSet:
    """Say whether open mandatory steps keep from resolving, and the time to report; 7x24."""
    if not 1 <= report_minutes <= LONGEST_MINUTES:
        raise FieldRefused("report_minutes", _("Between one minute and a year."))
    given = {playbooks.BLOCKS: steps_block, playbooks.REPORT_DUE: report_minutes}
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        before = {name: playbooks.setting(held, name) for name in given}
        changes = {k: [before[k], v] for k, v in given.items() if before[k] != v}
        if changes:
            held.settings = {**held.settings, **given}
            facts |= {"changes": changes}
    return held


def _step(rows: Iterable[PlaybookStep], code: str) -> PlaybookStep:
    row = next((row for row in rows if row.code == code), None)
    if row is None:
        raise RulesRefused("row", _("This step is not in the draft any more. Look at it again."))
    return row


def _free(taken: set[str]) -> str:
    """Return the first code `STEP-n` that no step of the draft has."""
    n = len(taken) + 1
    while f"STEP-{n}" in taken:
        n += 1
    return f"STEP-{n}"


def _behind(rows: Iterable[PlaybookStep]) -> int:
    return max((row.order for row in rows), default=0) + _PLACE


def _told(step: PlaybookStep | StepData) -> dict[str, Any]:
    """Return the fields of a step as plain values."""
    found = {name: getattr(step, name) for name in _FIELDS}
    return found | {name: list(found[name]) for name in _LISTS}


def _check(data: StepData) -> None:
    """Refuse what does not exist or cannot be."""
    for name in ("name_en", "name_zh"):
        text = getattr(data, name)
        if not text.strip() or len(text) > LONGEST_NAME:
            raise FieldRefused(name, _("Give a name of at most 200 characters."))
    for name, taxonomy in (("types", "feedback_type"), ("lines", "business_line")):
        codes = set(getattr(data, name))
        known = Term.objects.filter(taxonomy=taxonomy, code__in=codes)
        if codes - set(known.values_list("code", flat=True)):
            raise FieldRefused(name, _("One of these is not in the list."))
    if set(data.severities) - set(Severity.values):
        raise FieldRefused("severities", _("One of these is not in the list."))
    if data.emotion is not None and data.emotion not in range(playbooks.CARE_FROM, 6):
        raise FieldRefused("emotion", _("Care steps open at an emotion of 3, 4 or 5."))
    if data.minutes is not None and not 1 <= data.minutes <= LONGEST_MINUTES:
        raise FieldRefused("minutes", _("Between one minute and a year."))
