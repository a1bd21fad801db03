"""Changing a draft of the routing rules: put, move, drop a rule; each journalled on the version."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from complaints.models import RoutingRule
from complaints.routing import rule_fields
from complaints.routing.rule_fields import LONGEST, FieldRefused, RuleData
from config.kernel import rule_kinds
from config.kernel.models import RuleSet
from config.kernel.rulesets import RulesRefused
from config.shared.actors import Actor

__all__ = ["FieldRefused", "RuleData", "drop_rule", "move_rule", "put_rule"]

_STEP: Final = 10


def put_rule(
    draft: RuleSet,
    data: RuleData,
    *,
    code: str | None,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> RuleSet:
    """Write a rule of a draft: the one with this code, or with None a new one at the end.

    Raises FieldRefused with the field that cannot be kept, RulesRefused when the draft moved on or
    has no such rule.
    """
    values = rule_fields.values_of(data)
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        if code is None:
            rules = list(_rules(held))
            new = _free_code(data, {rule.code for rule in rules})
            last = max((rule.order for rule in rules), default=0)
            row = RoutingRule(rule_set=held, code=new, order=last + _STEP)
            before: dict[str, Any] = {}
        else:
            row = _rule(held, code)
            before = _told(row)
        for name, value in values.items():
            setattr(row, name, value)
        after = _told(row)
        changes = {k: [before.get(k), v] for k, v in after.items() if before.get(k) != v}
        if changes:
            row.save()
            facts |= {"row": row.code, "changes": changes}
    return held


def move_rule(
    draft: RuleSet, code: str, to: int, *, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Put a rule at a place, counted from 1; a place beyond the ends means the end.

    Raises RulesRefused.
    """
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        rules = list(_rules(held))
        row = next((rule for rule in rules if rule.code == code), None) or _rule(held, code)
        was = rules.index(row)
        rules.insert(max(0, min(to - 1, len(rules) - 1)), rules.pop(was))
        now = rules.index(row)
        if now != was:
            _number(rules)
            facts |= {"row": code, "changes": {"place": [was + 1, now + 1]}}
    return held


def drop_rule(
    draft: RuleSet, code: str, *, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Take a rule out of a draft. Raises RulesRefused."""
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        row = _rule(held, code)
        facts |= {"row": code, "changes": {k: [v, None] for k, v in _told(row).items()}}
        row.delete()
    return held


def _rules(draft: RuleSet) -> Iterable[RoutingRule]:
    return RoutingRule.objects.filter(rule_set=draft).order_by("order", "id")


def _rule(draft: RuleSet, code: str) -> RoutingRule:
    row = RoutingRule.objects.filter(rule_set=draft, code=code).first()
    if row is None:
        raise RulesRefused("row", _("This rule is not in the draft any more. Look at it again."))
    return row


def _number(rules: Sequence[RoutingRule]) -> None:
    for place, rule in enumerate(rules, start=1):
        rule.order = place * _STEP
    RoutingRule.objects.bulk_update(rules, ["order"])


def _free_code(data: RuleData, taken: set[str]) -> str:
    """Return the code of a new rule: the one given when it is free, else the next RULE-n."""
    given = data.code.strip()
    if given in taken:
        raise FieldRefused("code", _("Another rule of this draft has this code."))
    if len(given) > LONGEST["code"]:
        raise FieldRefused("code", _("The code is too long."))
    if given:
        return given
    n = len(taken) + 1
    while f"RULE-{n}" in taken:
        n += 1
    return f"RULE-{n}"


def _told(row: RoutingRule) -> dict[str, Any]:
    """Return the fields of a rule as plain values for the record."""
    return {
        "name_en": row.name_en,
        "name_zh": row.name_zh,
        "conditions": row.conditions,
        "department": row.department,
        "strategy": str(row.strategy),
        "person": row.person_id,
        "goes_on": row.goes_on,
        "active": row.active,
        "watchers": row.watchers,
        "severity_floor": row.severity_floor,
        "tags": row.tags,
        "requires": row.requires,
    }
