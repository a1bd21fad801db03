"""Changing a draft of the time limits: policies with their clocks, the ladder, the settings.

Every verb checks what it is given, field by field, and records the change as old and new codes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.choices import ClockName
from complaints.clocks.events import OWN_LADDER
from complaints.clocks.policy_fields import (
    MOMENTS,
    Known,
    LimitData,
    PolicyData,
    StepData,
    Wrong,
    wrong_policy,
    wrong_settings,
    wrong_steps,
)
from complaints.models import ClockLimit, ClockPolicy, LadderStep
from config.kernel import rule_kinds
from config.kernel.models import RuleSet
from config.kernel.rulesets import RulesRefused
from config.shared.actors import Actor

__all__ = [
    "FieldRefused",
    "LimitData",
    "PolicyData",
    "StepData",
    "drop_policy",
    "move_policy",
    "put_ladder",
    "put_policy",
    "put_settings",
]

LADDER: Final = "ladder"
SETTINGS: Final = "settings"
_STEP: Final = 10
_POLICY: Final = (
    "name_en", "name_zh", "types", "severities", "tiers", "channels", "overlay", "origin",
)  # fmt: skip
_LIMIT: Final = (
    "amount", "unit", "calendar", "repeats", "tracked_only", "extensions", "starts_on", "stops_on",
    "stands_in", "risk_minutes", "risk_percent", "max_pause_days",
)  # fmt: skip
_LADDER: Final = (
    "clocks", "level", *MOMENTS, "policies", "channels", "at_once", "min_severity", "audience",
    "breach",
)  # fmt: skip


class FieldRefused(RulesRefused):
    """A field that cannot be taken. `problems` are all of them as (field, words)."""

    def __init__(self, problems: Sequence[Wrong]) -> None:
        name, words, params = problems[0]
        super().__init__("field", words, params)
        self.field = name
        self.problems = [(name, _worded(words, params)) for name, words, params in problems]

    @property
    def words(self) -> str:
        """The sentence for the first field."""
        return str(self)


def put_policy(
    draft: RuleSet,
    data: PolicyData,
    *,
    code: str | None,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> RuleSet:
    """Write a policy with its clocks: the one with this `code`, or with None a new one, last.

    Raises FieldRefused, and RulesRefused when the draft has moved on.
    """
    _refuse(wrong_policy(data, Known.read()))
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        row = _policy(held, code) if code else _new(held, data)
        if data.code and data.code != row.code:
            words = _("The code of a policy stays as it is; the record names it.")
            _refuse([("code", words, {})])
        before = {} if row.pk is None else _flat(row)
        for name in _POLICY:
            value = getattr(data, name)
            setattr(row, name, list(value) if isinstance(value, tuple | list) else value)
        after = _flat(row, data.limits)
        if before != after:
            facts |= {"row": row.code, "changes": _changes(before, after)}
            row.save()
            row.limits.all().delete()
            ClockLimit.objects.bulk_create(_limit(row, limit) for limit in data.limits)
    return held


def move_policy(
    draft: RuleSet, code: str, to: int, *, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Put a policy at place `to`, counted from 1; beyond either end means the end."""
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        rows = list(_policies(held))
        row = _policy(held, code)
        was = rows.index(row)
        rows.insert(max(0, min(to - 1, len(rows) - 1)), rows.pop(was))
        if rows.index(row) != was:
            facts |= {"row": code, "changes": {"place": [was + 1, rows.index(row) + 1]}}
            _number(rows)
    return held


def drop_policy(
    draft: RuleSet, code: str, *, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Take a policy out; steps of the ladder that named it name it no longer.

    A step for this policy alone goes with it.
    """
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        row = _policy(held, code)
        facts |= {"row": code, "changes": _changes(_flat(row), {})}
        row.limits.all().delete()
        row.delete()
        before = [_step_values(step) for step in _steps(held)]
        for step in _steps(held):
            if code in step.policies:
                step.policies = [name for name in step.policies if name != code]
                step.save() if step.policies else step.delete()
        after = [_step_values(step) for step in _steps(held)]
        facts["changes"] |= {"steps": [before, after]} if before != after else {}
    return held


def put_ladder(
    draft: RuleSet,
    steps: Sequence[StepData],
    *,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> RuleSet:
    """Write the whole ladder in this order; levels count up per group of clocks.

    Raises FieldRefused with fields such as `3.percent`.
    """
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        codes = set(_policies(held).values_list("code", flat=True))
        _refuse(wrong_steps(steps, codes))
        before = [_step_values(step) for step in _steps(held)]
        rows = _levelled(held, steps)
        after = [_step_values(row) for row in rows]
        if before != after:
            facts |= {"row": LADDER, "changes": {"steps": [before, after]}}
            _steps(held).delete()
            LadderStep.objects.bulk_create(rows)
    return held


def put_settings(
    draft: RuleSet,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> RuleSet:
    """Change the settings given; the others stay. Raises FieldRefused."""
    _refuse(wrong_settings(values, Known.read()))
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        before = {name: held.settings.get(name) for name in values}
        if changes := _changes(before, dict(values)):
            facts |= {"row": SETTINGS, "changes": changes}
            held.settings = {**held.settings, **values}
    return held


def _refuse(problems: Sequence[Wrong]) -> None:
    if problems:
        raise FieldRefused(problems)


def _worded(words: Promise | str, params: Mapping[str, object]) -> str:
    return str(words) % params if params else str(words)


def _policies(draft: RuleSet) -> Any:
    return ClockPolicy.objects.filter(rule_set=draft).order_by("order", "id")


def _steps(draft: RuleSet) -> Any:
    return LadderStep.objects.filter(rule_set=draft).order_by("order", "level", "id")


def _policy(draft: RuleSet, code: str) -> ClockPolicy:
    found = _policies(draft).filter(code=code).first()
    if found is None:
        raise RulesRefused("missing", _("This policy is not in the draft any more."))
    row: ClockPolicy = found
    return row


def _new(draft: RuleSet, data: PolicyData) -> ClockPolicy:
    """Return an unsaved policy behind all others, with a code that is free."""
    taken = set(_policies(draft).values_list("code", flat=True))
    if data.code in taken:
        _refuse([("code", _("Another policy has this code."), {})])
    places = _policies(draft).values_list("order", flat=True)
    numbers = (f"P{n}" for n in range(1, len(taken) + 2))
    free = data.code or next(code for code in numbers if code not in taken)
    return ClockPolicy(rule_set=draft, code=free, order=max(places, default=0) + _STEP)


def _number(rows: Sequence[ClockPolicy]) -> None:
    """Write the places of policies as they stand in the list."""
    for place, row in enumerate(rows, start=1):
        row.order = place * _STEP
    ClockPolicy.objects.bulk_update(rows, ["order"])


def _limit(policy: ClockPolicy, data: LimitData) -> ClockLimit:
    stands = None if data.stands_in is None else list(data.stands_in)
    values = asdict(data) | {"extensions": list(data.extensions), "stands_in": stands}
    return ClockLimit(policy=policy, **values)


def _flat(row: ClockPolicy, limits: Sequence[LimitData] | None = None) -> dict[str, Any]:
    """Return a policy as plain values by name; clocks as `resolve.amount`."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _POLICY}
    for limit in row.limits.order_by("clock") if limits is None else limits:
        for name in _LIMIT:
            value = getattr(limit, name)
            values[f"{limit.clock}.{name}"] = list(value) if isinstance(value, tuple) else value
    return values


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what differs, as name -> [old, new]; what is not there counts as None."""
    names = [*before, *(name for name in after if name not in before)]
    found = {name: [before.get(name), after.get(name)] for name in names}
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def _levelled(draft: RuleSet, steps: Sequence[StepData]) -> list[LadderStep]:
    """Return the rows of a ladder; one without a level comes after those for the same clocks."""
    rows: list[LadderStep] = []
    for place, step in enumerate(steps, start=1):
        beside = [row.level for row in rows if _clocks(row.clocks) & _clocks(step.clocks)]
        values = {name: getattr(step, name) for name in _LADDER}
        values["level"] = step.level or max(beside, default=0) + 1
        listed = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
        rows.append(LadderStep(rule_set=draft, order=place * _STEP, **listed))
    return rows


def _clocks(names: Sequence[str]) -> set[str]:
    """Return the clocks a step is for; without names all but those set from outside."""
    return set(names) or set(ClockName.values) - set(OWN_LADDER)


def _step_values(step: LadderStep) -> dict[str, Any]:
    return {name: getattr(step, name) for name in _LADDER}
