"""Publishes the starting rules: time limits with their ladder, and routing (DOMAIN.md §4)."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from complaints.choices import ClockName
from complaints.models import (
    ClockLimit,
    ClockPolicy,
    DutyLine,
    LadderStep,
    PlaybookStep,
    RoutingRule,
)
from complaints.models.rules import LimitUnit
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.shared.actors import Actor

FOLDER: Final = Path(__file__).parent
BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)
CALENDAR: Final = "bank"


def load_clock_policies(actor: Actor, at: datetime) -> int:
    """Publish the time limits once; a bank that has any version keeps its own."""
    content = _read("clock_policies")
    content["steps"] = _read("ladder")["steps"]
    return _publish("clock_policies", content, _fill_policies, actor, at)


def load_routing(actor: Actor, at: datetime) -> int:
    """Publish the routing rules once; a bank that has any version keeps its own."""
    return _publish("routing", _read("routing"), _fill_routing, actor, at)


def load_duties(actor: Actor, at: datetime) -> int:
    """Publish the duty table once; a bank that has any version keeps its own."""
    return _publish("duties", _read("duties"), _fill_duties, actor, at)


def load_playbooks(actor: Actor, at: datetime) -> int:
    """Publish the playbooks once; a bank that has any version keeps its own."""
    return _publish("playbooks", _read("playbooks"), _fill_playbooks, actor, at)


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


def _publish(
    kind: str,
    content: Mapping[str, Any],
    fill: Callable[[RuleSet, Mapping[str, Any]], int],
    actor: Actor,
    at: datetime,
) -> int:
    """Make, fill and publish the first version of a kind; returns the rows written."""
    if RuleSet.objects.filter(kind=kind).exists():
        return 0
    with transaction.atomic():
        draft = rulesets.new_version(
            kind,
            titles=(content["title_en"], content["title_zh"]),
            settings=content["settings"],
            actor=actor,
            at=at,
        )
        RuleSet.objects.filter(pk=draft.pk).update(source=f"{kind}.json {content['version']}")
        written = fill(draft, content)
        begins = min(BEGINNING, at)
        reason = content["reason"]
        rulesets.publish(draft, valid_from=begins, reason=reason, actor=actor, at=at)
    return written


def _fill_policies(draft: RuleSet, content: Mapping[str, Any]) -> int:
    rows = content["policies"]
    policies = ClockPolicy.objects.bulk_create(
        ClockPolicy(
            rule_set=draft,
            order=place * 10,
            overlay=row.get("overlay", False),
            **{name: row[name] for name in ("code", "name_en", "name_zh", "origin")},
            **{name: row.get(name, []) for name in ("types", "severities", "tiers", "channels")},
        )
        for place, row in enumerate(rows, start=1)
    )
    limits = ClockLimit.objects.bulk_create(
        _limit(policy, clock, row)
        for policy, row in zip(policies, rows, strict=True)
        for clock in row["limits"]
    )
    steps = LadderStep.objects.bulk_create(
        LadderStep(rule_set=draft, order=place * 10, **row)
        for place, row in enumerate(content["steps"], start=1)
    )
    return len(policies) + len(limits) + len(steps)


def _limit(policy: ClockPolicy, clock: str, row: Mapping[str, Any]) -> ClockLimit:
    amount, unit = row["limits"][clock]
    return ClockLimit(
        policy=policy,
        clock=clock,
        amount=amount,
        unit=unit,
        calendar="" if unit == LimitUnit.ELAPSED_MINUTES else CALENDAR,
        repeats=clock in {ClockName.PROGRESS, ClockName.REVIEW_STEP},
        extensions=row.get("extensions", {}).get(clock, []),
    )


def _fill_routing(draft: RuleSet, content: Mapping[str, Any]) -> int:
    rules = RoutingRule.objects.bulk_create(
        RoutingRule(rule_set=draft, order=place * 10, **row)
        for place, row in enumerate(content["rules"], start=1)
    )
    return len(rules)


def _fill_duties(draft: RuleSet, content: Mapping[str, Any]) -> int:
    lines = DutyLine.objects.bulk_create(
        DutyLine(rule_set=draft, order=place * 10, **row)
        for place, row in enumerate(content["lines"], start=1)
    )
    return len(lines)


def _fill_playbooks(draft: RuleSet, content: Mapping[str, Any]) -> int:
    steps = PlaybookStep.objects.bulk_create(
        PlaybookStep(rule_set=draft, order=place * 10, **row)
        for place, row in enumerate(content["steps"], start=1)
    )
    return len(steps)
