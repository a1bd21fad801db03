"""What another severity or department would have done to the deadline of a past case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from complaints.choices import ClockName
from complaints.clocks import rules, timing
from complaints.clocks.rules import Calendars, Plan, RuleBook
from complaints.clocks.timing import Run
from complaints.models import Case, CaseClock, ClockLimit
from complaints.routing.facts import Facts
from complaints.routing.places import Units
from complaints.routing.rerunning import Ran
from config.kernel import rulesets
from config.shared import worktime
from config.shared.worktime import Unit
from staff import calendar as calendars_room


@dataclass(frozen=True, slots=True)
class Moved:
    """The deadline for resolving before and after, and whether it was kept (`late`)."""

    before: datetime
    after: datetime
    late_before: bool
    late_after: bool


@dataclass(frozen=True, slots=True)
class _Measure:
    """What fixes a case's clock besides its limit; the end is when it was resolved."""

    started_at: datetime
    extension_days: int
    paused_seconds: int
    ceiling_at: datetime | None
    book: RuleBook | None
    ended_at: datetime


class Deadlines:
    """Computes deadlines for cases whose severity or department a replay changes."""

    def __init__(self, units: Units, at: datetime) -> None:
        """`at` is the end of the replay: until then open cases are measured."""
        self._at, self._units = at, units
        self._calendars = Calendars(at)
        self._plans: dict[tuple[Any, ...], Plan] = {}
        keys = calendars_room.keys_of(units.by_pk.values())
        self._keys = {unit.code: keys[pk] for pk, unit in units.by_pk.items()}
        current = rulesets.published(rules.KIND, at)
        self._current = current.pk if current else None

    def concerns(self, ran: Ran) -> bool:
        """Tell whether a deadline can differ: other severity, or another unit's calendar."""
        if ran.severity_before != ran.severity_after:
            return True
        before, after = ran.department_before, ran.department_after
        return bool(after) and self._keys.get(before) != self._keys.get(after)

    def moved(self, changed: Sequence[Ran]) -> dict[int, Moved]:
        """Return the deadlines of these cases by pk where they differ; four queries."""
        measures = self._measures(changed) if changed else {}
        found = {}
        for ran in changed:
            measure = measures.get(ran.row.pk)
            if measure is None or measure.book is None:
                continue
            before = self._due(ran, measure, ran.severity_before, ran.department_before)
            after = self._due(ran, measure, ran.severity_after, ran.department_after)
            if before is not None and after is not None and before != after:
                ended = measure.ended_at
                found[ran.row.pk] = Moved(before, after, ended > before, ended > after)
        return found

    def _measures(self, changed: Sequence[Ran]) -> dict[int, _Measure]:
        pks = [ran.row.pk for ran in changed]
        cases = Case.objects.filter(pk__in=pks)
        known = {pk: rest for pk, *rest in cases.values_list("pk", "policy_reason", "resolved_at")}
        wanted = {(why or {}).get("rule_set") or self._current for why, _end in known.values()}
        books = rules.books(pk for pk in wanted if pk)
        clocks = CaseClock.objects.filter(case__in=pks, name=ClockName.RESOLVE, round=1)
        found = {}
        for pk, begun, days, seconds, ceiling in clocks.values_list(
            "case_id", "started_at", "extension_days", "paused_seconds", "ceiling_at"
        ):
            why, ended = known[pk]
            book = books.get((why or {}).get("rule_set") or self._current or 0)
            found[pk] = _Measure(begun, days, seconds, ceiling, book, ended or self._at)
        return found

    def _due(self, ran: Ran, measure: _Measure, severity: int, department: str) -> datetime | None:
        limits = self._plan(measure.book, ran.facts, severity).limits.get(ClockName.RESOLVE, ())
        try:
            dues = [self._due_by(limit, measure, department) for limit in limits]
        except worktime.BeyondHorizon:
            return None
        return min(dues, default=None)

    def _due_by(self, limit: ClockLimit, measure: _Measure, department: str) -> datetime:
        key = limit.calendar
        if key == rules.DEPARTMENT:
            key = self._keys.get(department, calendars_room.BANK)
        hours = self._calendars.of(self._calendars.current(key))
        return timing.due_at(
            Run(
                hours,
                Unit(limit.unit),
                limit.amount,
                measure.started_at,
                measure.extension_days,
                measure.paused_seconds,
                measure.ceiling_at,
            )
        )

    def _plan(self, book: RuleBook | None, facts: Facts, severity: int) -> Plan:
        """Return the plan that facts get with a severity; each combination is matched once."""
        if book is None:
            return Plan()
        key = (book.rule_set.pk, facts.type, severity, facts.tier, facts.vulnerable, facts.channel)
        if key not in self._plans:
            seen: Mapping[str, Any] = {
                "type": SimpleNamespace(code=facts.type),
                "intake_channel": SimpleNamespace(code=facts.channel),
                "severity": severity,
                "tier_at_receipt": facts.tier,
                "vulnerable": facts.vulnerable,
                "external_due_at": None,  # a deadline of another source moves with no rule
            }
            self._plans[key] = book.plan(cast("Case", SimpleNamespace(**seen)))
        return self._plans[key]
