"""The published clock rules as values, and which of them a case gets.

Rule set `clock_policies`: policies with their limits, and the ladder. Its `settings` hold the risk
line, the office calendar, the hour of day warnings and the code of the complaint office.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.conf import settings

from complaints.choices import REVIEW_CLOCKS, ClockName
from complaints.clocks.events import OWN_LADDER, ClockRule, rule_of
from complaints.clocks.timing import Margin, Office
from complaints.models import Case, ClockLimit, ClockPolicy, LadderStep
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from config.shared.memo import Lasting
from config.shared.worktime import Calendar
from staff import calendar as calendars_room

KIND = "clock_policies"
VULNERABLE = "vulnerable"
DEPARTMENT: Final = "@department"
REVIEW: Final = "@review"
MAX_PAUSE_DAYS: Final = 15


class Calendars:
    """The calendars one verb needs, each asked for once. '' and None are 7 x 24 in bank time."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._always = Calendar.always(settings.TIME_ZONE)
        self._current: dict[str, RuleSet | None] = {}
        self._built: dict[int, Calendar] = {}
        self._keys: dict[int | None, str] = {}

    def current(self, key: str) -> RuleSet | None:
        """Return the calendar version in force that a clock started now pins."""
        if key and key not in self._current:
            self._current[key] = rulesets.published(f"calendar:{key}", self._at)
        return self._current.get(key)

    def for_limit(self, limit: ClockLimit, case: Case) -> RuleSet | None:
        """Return the version that a clock of this limit pins for this case.

        A unit whose calendar was never published works by the bank's.
        """
        if limit.calendar != DEPARTMENT:
            return self.current(limit.calendar)
        if case.department_id not in self._keys:
            self._keys[case.department_id] = calendar_key(limit, case)
        return self.current(self._keys[case.department_id]) or self.current(calendars_room.BANK)

    def of(self, rule_set: RuleSet | None) -> Calendar:
        """Return the hours of a pinned version."""
        if rule_set is None:
            return self._always
        if rule_set.pk not in self._built:
            self._built[rule_set.pk] = calendars_room.calendar(rule_set, self._at)
        return self._built[rule_set.pk]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a case gets: candidate limits per clock (the tightest counts), and the reason.

    `lead` is how long before a referral's deadline the case is to be answered.
    """

    policy: ClockPolicy | None = None
    overlay: ClockPolicy | None = None
    limits: Mapping[str, Sequence[ClockLimit]] = field(default_factory=dict)
    lead: ClockLimit | None = None
    reason: Mapping[str, Any] = field(default_factory=dict)

    def rule(self, name: str) -> ClockRule:
        """Return what starts, stops and halts a clock of this name under this plan."""
        if name == ClockName.EXTERNAL:
            return rule_of(name, [self.lead] if self.lead else [])
        return rule_of(name, self.limits.get(name, ()))


@dataclass(frozen=True)
class RuleBook:
    """One version of the rules, read whole (it is small and never changes once published)."""

    rule_set: RuleSet
    policies: Sequence[ClockPolicy]
    limits: Mapping[int, Sequence[ClockLimit]]
    steps: Sequence[LadderStep]

    @cached_property
    def margin(self) -> Margin:
        """The risk line of this version."""
        known = self.rule_set.settings
        return Margin(known.get("risk_minutes", 120), known.get("risk_percent", 25))

    @cached_property
    def max_pause_days(self) -> int:
        """The longest pause in working days, where a limit says nothing else."""
        return int(self.rule_set.settings.get("max_pause_days", MAX_PAUSE_DAYS))

    def margin_of(self, limit: ClockLimit | None) -> Margin:
        """Return the risk line of a clock: its limit's own, else that of the version."""
        if limit is None or (limit.risk_minutes is None and limit.risk_percent is None):
            return self.margin
        return Margin(limit.risk_minutes, limit.risk_percent)

    @cached_property
    def complaint_office(self) -> str:
        """Code of the department whose head hears of grave delay."""
        return str(self.rule_set.settings.get("complaint_office", "CMPT"))

    def office(self, calendars: Calendars) -> Office:
        """Return the calendar and hour on which people are warned."""
        known = self.rule_set.settings
        hours = calendars.of(calendars.current(known.get("calendar", "bank")))
        return Office(hours, known.get("warn_minute", 540))

    def steps_for(self, name: str, severity: int, policy: str = "") -> list[LadderStep]:
        """Return the ladder of a clock whose limit stands in `policy` (a code).

        Steps that name no clock are for the internal ones, steps that name no policy for all.
        """
        return [
            step
            for step in self.steps
            if severity >= step.min_severity
            and (name in step.clocks if step.clocks else name not in OWN_LADDER)
            and (not step.policies or policy in step.policies)
        ]

    def plan(self, case: Case) -> Plan:
        """Match a case: the first row whose lists hold its codes, then the first overlay.

        A vulnerable customer also matches rows naming `vulnerable`; without a tier the case
        counts as ordinary. `reason` says which rows, of which version, and what was compared.
        """
        base = next((row for row in self.policies if not row.overlay and fits(row, case)), None)
        if base is None:
            return Plan(reason=self._reason(case, None, None))
        over = next((row for row in self.policies if row.overlay and fits(row, case)), None)
        reason = self._reason(case, base, over)
        if over is None and case.external_due_at is not None:
            reason |= self._source_row(case)
        return self._joined(base, over, reason)

    def review_plan(self, case: Case) -> Plan:
        """Return what a review of an objection gets (核查): the row for `@review` that fits."""
        rows = (row for row in self.policies if REVIEW in row.types and fits(row, case, REVIEW))
        base = next(rows, None)
        if base is None:
            return Plan()
        limits = {x.clock: [x] for x in self.limits[base.pk] if x.clock in REVIEW_CLOCKS}
        return Plan(base, None, limits, None, {"policy": base.code})

    def _source_row(self, case: Case) -> dict[str, str]:
        """Return which overlay gives the lead of a deadline that came with another source.

        The case itself came by another channel (a referred case was merged into it); of the
        overlay only the lead before the deadline counts.
        """
        for row in self.policies:
            limits = self.limits.get(row.pk, ()) if row.overlay else ()
            known = not row.types or case.type.code in row.types
            if known and any(limit.clock == ClockName.EXTERNAL for limit in limits):
                return {"source": row.code}
        return {}

    def recall(self, reason: Mapping[str, Any]) -> Plan:
        """Return the plan a case already has, whatever has changed about the case since."""
        by_code = {row.code: row for row in self.policies}
        base = by_code.get(reason.get("policy") or "")
        over = by_code.get(reason.get("overlay") or "")
        return self._joined(base, over, dict(reason)) if base else Plan(reason=reason)

    def _joined(self, base: ClockPolicy, over: ClockPolicy | None, why: dict[str, Any]) -> Plan:
        limits: dict[str, list[ClockLimit]] = {
            x.clock: [x] for x in self.limits.get(base.pk, ()) if x.clock not in REVIEW_CLOCKS
        }
        lead = None
        for limit in self.limits.get(over.pk, ()) if over else ():
            if limit.clock == ClockName.EXTERNAL:
                lead = limit
            elif limit.clock not in REVIEW_CLOCKS:
                limits.setdefault(limit.clock, []).append(limit)
        if lead is None and why.get("source"):
            row = next((row for row in self.policies if row.code == why["source"]), None)
            of_row = self.limits.get(row.pk, ()) if row else ()
            lead = next((x for x in of_row if x.clock == ClockName.EXTERNAL), None)
        return Plan(base, over, limits, lead, why)

    def _reason(
        self, case: Case, base: ClockPolicy | None, over: ClockPolicy | None
    ) -> dict[str, Any]:
        return {
            "policy": base.code if base else None,
            "policy_id": base.pk if base else None,
            "overlay": over.code if over else None,
            "rule_set": self.rule_set.pk,
            "version": self.rule_set.number,
            "why": {
                "type": case.type.code,
                "severity": case.severity,
                "tier": tier_of(case),
                "vulnerable": case.vulnerable,
                "channel": case.intake_channel.code,
            },
        }


def calendar_key(limit: ClockLimit, case: Case) -> str:
    """Return the key of the calendar a limit counts on for this case; '' = 7 x 24.

    `@department` is the calendar of the unit that handles the case; at most one query.
    """
    if limit.calendar != DEPARTMENT:
        return limit.calendar
    return calendars_room.key_of(case.department) if case.department_id else calendars_room.BANK


def tier_of(case: Case) -> str:
    """Return the tier that counts for the whole life of the case."""
    return case.tier_at_receipt or "ordinary"


def fits(row: ClockPolicy, case: Case, kind: str = "") -> bool:
    """Tell whether all four lists of a row hold the case; an empty list holds everything.

    `kind` stands for the type of what is not a case of its own (`@review`).
    """
    tiers = {tier_of(case), VULNERABLE} if case.vulnerable else {tier_of(case)}
    return (
        (not row.types or (kind or case.type.code) in row.types)
        and (not row.severities or case.severity in row.severities)
        and (not row.tiers or bool(tiers & set(row.tiers)))
        and (not row.channels or case.intake_channel.code in row.channels)
    )


_BOOKS: Final[Lasting["RuleBook"]] = Lasting()


def books(ids: Iterable[int]) -> dict[int, RuleBook]:
    """Return these versions; three queries for those not met before, however many."""
    wanted = set(ids)
    if unknown := wanted - _BOOKS.keys():
        read = _read_books(unknown)
        final = {pk: book for pk, book in read.items() if book.rule_set.state != RuleState.DRAFT}
        _BOOKS.update(final)
        return {pk: _BOOKS[pk] for pk in wanted & _BOOKS.keys()} | read
    return {pk: _BOOKS[pk] for pk in wanted}


def _read_books(wanted: set[int]) -> dict[int, RuleBook]:
    """Read versions with their policies, limits and ladder."""
    policies = ClockPolicy.objects.filter(rule_set__in=wanted).select_related("rule_set")
    limits = ClockLimit.objects.filter(policy__rule_set__in=wanted).order_by("id")
    rows = list(policies.order_by("order", "id"))
    by_policy: dict[int, list[ClockLimit]] = {row.pk: [] for row in rows}
    known = {row.pk: row for row in rows}
    for limit in limits:
        limit.policy = known[limit.policy_id]
        by_policy[limit.policy_id].append(limit)
    steps = list(LadderStep.objects.filter(rule_set__in=wanted).order_by("order", "level", "id"))
    return {
        rule_set.pk: RuleBook(
            rule_set,
            [row for row in rows if row.rule_set_id == rule_set.pk],
            by_policy,
            [step for step in steps if step.rule_set_id == rule_set.pk],
        )
        for rule_set in {row.rule_set for row in rows}
    }


def in_force(at: datetime) -> RuleBook | None:
    """Return the rules that a case registered at `at` gets; None before the first publication."""
    rule_set = rulesets.published(KIND, at)
    return books([rule_set.pk]).get(rule_set.pk) if rule_set else None


def pinned(cases: Iterable[Case], at: datetime) -> dict[int, RuleBook]:
    """Return by case pk the rules each case started with; those in force where it has none."""
    wanted = {case.pk: (case.policy_reason or {}).get("rule_set") for case in cases}
    if not all(wanted.values()):
        current = rulesets.published(KIND, at)
        wanted = {pk: known or (current.pk if current else None) for pk, known in wanted.items()}
    read = books(known for known in wanted.values() if known)
    return {pk: read[known] for pk, known in wanted.items() if known in read}
