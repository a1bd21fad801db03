"""A version of the time limits changed for one test: limits by policy and clock, own ladder."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from complaints.defaults import rules
from complaints.models import ClockLimit, ClockPolicy, LadderStep
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.shared.actors import SYSTEM
from staff import calendar as calendars
from staff.models import CalendarSpan
from tests.complaints.clock_house import LONG_AGO, local, official_days

Limits = Mapping[tuple[str, str], Mapping[str, Any]]


def publish_rules(
    limits: Limits | None = None,
    *,
    steps: Sequence[Mapping[str, Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> RuleSet:
    """Publish the default rules with `limits` changed: (policy, clock) -> fields; new ones made."""
    content = rules._read("clock_policies")
    content["steps"] = rules._read("ladder")["steps"] if steps is None else list(steps)
    draft = rulesets.new_version(
        "clock_policies",
        titles=("Changed", "改"),
        settings=content["settings"] | dict(settings or {}),
        actor=SYSTEM,
        at=at or LONG_AGO,
    )
    rules._fill_policies(draft, content)
    for (code, clock), fields in (limits or {}).items():
        policy = ClockPolicy.objects.get(rule_set=draft, code=code)
        found = ClockLimit.objects.filter(policy=policy, clock=clock)
        if not found.update(**fields):
            ClockLimit.objects.create(policy=policy, clock=clock, **fields)
    begins = at or local("2020-02-01 00:00")
    return rulesets.publish(draft, valid_from=begins, reason="test", actor=SYSTEM, at=begins)


def publish_calendar(
    key: str,
    week: Mapping[int, Sequence[tuple[int, int]]],
    days: Sequence[calendars.OfficialDay] = (),
    *,
    official: bool = True,
) -> RuleSet:
    """Publish a calendar: spans of minutes by weekday, the official days and further ones."""
    draft = rulesets.new_version(
        f"calendar:{key}",
        titles=(key, key),
        settings={"zone": "Asia/Shanghai", "confirmed_years": [2024, 2025, 2026]},
        actor=SYSTEM,
        at=LONG_AGO,
    )
    CalendarSpan.objects.bulk_create(
        CalendarSpan(rule_set=draft, weekday=day, start_minute=start, end_minute=end)
        for day, spans in week.items()
        for start, end in spans
    )
    known = {day.date: day for day in official_days()} if official else {}
    known |= {day.date: day for day in days}
    calendars.add_days(draft, list(known.values()), source="test")
    begins = local("2020-02-01 00:00")
    return rulesets.publish(draft, valid_from=begins, reason="", actor=SYSTEM, at=begins)


def step(level: int, **fields: Any) -> dict[str, Any]:
    """One rung of a ladder for the handler."""
    return {"level": level, "audience": ["handler"], **fields}


def ladder_of(rule_set: RuleSet) -> list[LadderStep]:
    return list(LadderStep.objects.filter(rule_set=rule_set).order_by("order"))
