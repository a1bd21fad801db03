"""Cases of the past sent through other rules: plain values in, where each would have gone out.

What was true when a case was routed is taken from its snapshot: the facts, who was there, how much
each had. Where the other rules ask the same question the same way, the answer is the same person.
Where they do not, the loads then are corrected by what the other rules have given and taken so far
(until those cases ended), and absences are those of the moment.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from complaints.choices import OPEN
from complaints.models import RoutingRule
from complaints.routing import matching
from complaints.routing.choosing import POOLS, Strategy
from complaints.routing.engine import destination
from complaints.routing.facts import Facts
from complaints.routing.places import Units
from complaints.routing.then import Then
from staff.models import Department

_LATER: Final = 10**15
_BY_LOAD: Final = POOLS - {Strategy.ROUND_ROBIN}


class Row(NamedTuple):
    """The values of one case that a rerun needs, in the order of `FIELDS`."""

    pk: int
    number: str
    reason: dict[str, Any]
    registered_at: datetime
    received_at: datetime
    restricted: bool
    status: str
    rm: int | None
    customers_rm: int | None
    last_handler: int | None
    due_at: datetime | None
    notified_at: datetime | None
    updated_at: datetime
    product: str


FIELDS: Final = (
    "pk", "number", "routing_reason", "registered_at", "received_at", "restricted", "status",
    "rm_id", "customer__rm_id", "repeat_of__handler_id", "resolve_due_at", "notified_at",
    "updated_at", "product",
)  # fmt: skip


@dataclass(slots=True)
class Ran:
    """Where a case went and where it would go: codes, pks (None = nobody), severities."""

    row: Row
    facts: Facts
    department_before: str
    department_after: str
    person_before: int | None
    person_after: int | None
    severity_before: int
    severity_after: int
    rule: str


@dataclass(slots=True)
class Shift:
    """How the load of people differs from what it was, while the cases concerned are open."""

    more: Counter[int] = field(default_factory=Counter)
    ends: list[tuple[float, int, int]] = field(default_factory=list)

    def move(self, before: int | None, after: int | None, until: datetime | None) -> None:
        """Take a case from one person and give it to another until it ends."""
        for pk, sign in ((before, -1), (after, 1)):
            if pk:
                self.more[pk] += sign
                if until is not None:
                    heapq.heappush(self.ends, (until.timestamp(), pk, sign))

    def pass_to(self, at: datetime) -> None:
        """Forget the cases that have ended by `at`."""
        now = at.timestamp()
        while self.ends and self.ends[0][0] <= now:
            _end, pk, sign = heapq.heappop(self.ends)
            self.more[pk] -= sign
            if not self.more[pk]:
                del self.more[pk]


class Rerun:
    """One version of the rules, asked about cases in the order in which they came."""

    def __init__(self, rules: Sequence[RoutingRule], then: Then) -> None:
        """Compile the rules; `then` knows the people and units of those days."""
        self.book = matching.book_of(rules)
        self._then = then
        self._units: Units = then.units
        self.matched: Counter[str] = Counter()
        self.shift = Shift()
        self._seen: dict[int, int] = {}
        self._turns: dict[tuple[str, int], int] = {}
        self._given = 0
        self._diverged: set[str] = set()

    def ask(self, row: Row, facts: Facts, out: Collection[int], named: Collection[int]) -> Ran:
        """Say where a case that rules sent somewhere would go by these rules."""
        reason = row.reason
        rule, unit, severity = self._send(reason, facts)
        before, handler = reason["department"], reason.get("handler")
        self.shift.pass_to(row.registered_at)
        self._learn(reason)
        after, person = "", None
        if rule is not None and unit is not None:
            final = self._final(unit, reason, named)
            after = final.code
            person = self._person(row, rule, final, out)
        if (before, handler) != (after, person):
            self._note_turns(reason, rule, after)
        if person != handler:
            self.shift.move(handler, person, _ended(row))
        return Ran(
            row, facts, before, after, handler, person,
            reason.get("severity", facts.severity), severity, rule.code if rule else "",
        )  # fmt: skip

    def _send(
        self, reason: Mapping[str, Any], facts: Facts
    ) -> tuple[RoutingRule | None, Department | None, int]:
        """Return the rule that sends a case somewhere, the unit, and the severity after floors."""
        severity = facts.severity
        for one, failed in matching.walk(self.book, facts):
            if failed:
                continue
            rule: RoutingRule = one.rule
            unit = None if rule.goes_on else self._unit(rule, facts, reason)
            if unit is None and not rule.goes_on:
                continue
            self.matched[rule.code] += 1
            severity = max(severity, rule.severity_floor or 0)
            if unit is not None:
                return rule, unit, severity
        return None, None, severity

    def _unit(
        self, rule: RoutingRule, facts: Facts, reason: Mapping[str, Any]
    ) -> Department | None:
        """Return the unit behind a destination, as open as it was when the case came."""
        code = destination(rule, facts)
        if not code or code in reason.get("missing", ()):
            return None
        if code == reason.get("unit", reason["department"]):
            return self._units.by_code.get(code)
        return self._units.open(code)

    def _final(
        self, unit: Department, reason: Mapping[str, Any], named: Collection[int]
    ) -> Department:
        if unit.code == reason.get("unit", reason["department"]):
            return self._units.by_code.get(reason["department"], unit)
        return self._units.clear(unit, named)

    def _person(
        self, row: Row, rule: RoutingRule, unit: Department, out: Collection[int]
    ) -> int | None:
        """Return who would get the case: as then where the question is the same."""
        if rule.strategy == Strategy.NOBODY or row.restricted:
            return None
        if _is_same(row.reason, rule, unit):
            return self._same(row.reason, rule, unit)
        named = {
            str(Strategy.PERSON): rule.person_id,
            str(Strategy.CUSTOMER_RM): row.rm or row.customers_rm,
            str(Strategy.LAST_HANDLER): row.last_handler,
        }
        at, team = row.registered_at, self._then.team(unit.pk)
        if rule.strategy in named:
            pk = named[rule.strategy]
            if rule.strategy == Strategy.LAST_HANDLER and pk not in team:
                pk = None
            found = self._then.fit_or_stand_in(pk, rule.requires, out, at)
            if found is not None or rule.strategy != Strategy.LAST_HANDLER:
                return found
        fit = [pk for pk in team if self._then.fits(pk, rule.requires, out, at)]
        if not fit:
            stand_ins = (self._then.stand_in(pk, rule.requires, out, at) for pk in team)
            fit = [pk for pk in stand_ins if pk is not None]
        if rule.strategy == Strategy.ROUND_ROBIN:
            return self._turn(unit.code, [(pk, 0) for pk in fit])
        return self._least([(pk, self._seen.get(pk, self._then.load(pk))) for pk in fit])

    def _same(self, reason: Mapping[str, Any], rule: RoutingRule, unit: Department) -> int | None:
        """Return the person of then, unless loads or turns have shifted meanwhile."""
        then: int | None = reason.get("handler")
        candidates = [(pk, n) for pk, n in reason.get("candidates", ())]
        if rule.strategy not in POOLS or len(candidates) <= 1:
            return then
        if rule.strategy == Strategy.ROUND_ROBIN:
            return self._turn(unit.code, candidates) if unit.code in self._diverged else then
        more = self.shift.more
        if not any(pk in more for pk, _n in candidates):
            return then
        return self._least(candidates)

    def _least(self, candidates: Sequence[tuple[int, int]]) -> int | None:
        more, numbers = self.shift.more, self._then.staff_no
        ranked = ((n + more.get(pk, 0), numbers.get(pk, ""), pk) for pk, n in candidates)
        return min(ranked, default=(0, "", None))[2]

    def _turn(self, unit: str, candidates: Sequence[tuple[int, int]]) -> int | None:
        numbers = self._then.staff_no
        ranked = ((self._turns.get((unit, pk), n), numbers.get(pk, ""), pk) for pk, n in candidates)
        chosen = min(ranked, default=(0, "", None))[2]
        if chosen is not None:
            self._given += 1
            self._turns[unit, chosen] = _LATER + self._given
        return chosen

    def _learn(self, reason: Mapping[str, Any]) -> None:
        """Remember the loads a snapshot shows, for people whom only the other rules ask for."""
        if reason.get("strategy") in _BY_LOAD:
            for pk, n in reason.get("candidates", ()):
                self._seen[pk] = n

    def _note_turns(self, reason: Mapping[str, Any], rule: RoutingRule | None, after: str) -> None:
        """Mark the units whose turns are no longer those of then."""
        if rule is not None and rule.strategy == Strategy.ROUND_ROBIN:
            self._diverged.add(after)
        if reason.get("strategy") == Strategy.ROUND_ROBIN:
            self._diverged.add(reason["department"])

    def state(self) -> dict[str, Any]:
        """Return all that later answers depend on as plain values."""
        return {
            "matched": dict(self.matched),
            "more": list(self.shift.more.items()),
            "ends": self.shift.ends,
            "seen": list(self._seen.items()),
            "turns": [[*key, n] for key, n in self._turns.items()],
            "given": self._given,
            "diverged": sorted(self._diverged),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.matched = Counter(state["matched"])
        self.shift = Shift(Counter(dict(state["more"])), [tuple(x) for x in state["ends"]])
        self._seen = dict(state["seen"])
        self._turns = {(unit, pk): n for unit, pk, n in state["turns"]}
        self._given = state["given"]
        self._diverged = set(state["diverged"])


def _is_same(reason: Mapping[str, Any], rule: RoutingRule, unit: Department) -> bool:
    """Tell whether rules then and now ask the same question about the person."""
    return (
        unit.code == reason["department"]
        and rule.strategy == reason.get("strategy")
        and rule.requires == reason.get("requires", "")
        and (rule.strategy != Strategy.PERSON or rule.person_id == reason.get("person"))
    )


def _ended(row: Row) -> datetime | None:
    """Return when the case left its handler's load; None while it is open."""
    if row.status in OPEN:
        return None
    return row.notified_at or row.updated_at
