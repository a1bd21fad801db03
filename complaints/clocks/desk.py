"""The working copy of one verb: all clocks of its cases, read once, changed, written once.

Every clock is written under the lock of its case. What happened is collected as facts that hold
all that is needed to compute the clocks again (`history.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from complaints.choices import REVIEW_CLOCKS, ClockName, ClockState
from complaints.clocks import timing
from complaints.clocks.events import ClockRule
from complaints.clocks.rules import Calendars, Plan, RuleBook, books, pinned
from complaints.clocks.timing import Margin, Point, Run
from complaints.models import Case, CaseClock
from config.kernel.journal import Fact
from config.kernel.rows import write
from config.shared.worktime import Calendar, Unit

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
OPEN_STATES = (ClockState.RUNNING, ClockState.PAUSED)
CASE_FIELDS = frozenset(
    {
        "next_due_at",
        "next_clock",
        "next_risk_at",
        "paused",
        "breached",
        "resolve_due_at",
        "regulatory_due_at",
    }
)
_WRITTEN = [
    "limit", "calendar", "unit", "amount", "started_at", "base_due_at", "due_at", "due_rev",
    "risk_at", "provisional", "state", "paused_at", "paused_seconds", "extension_days",
    "ceiling_at", "stopped_at", "breached_at", "next_level", "next_fire_at",
]  # fmt: skip
_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class ClockChange:
    """What a clock verb leaves to its caller: facts to append, names of case fields to save."""

    facts: list[Fact] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)

    def __add__(self, other: "ClockChange") -> "ClockChange":
        return ClockChange(self.facts + other.facts, self.fields | other.fields)


class Desk:
    """Clocks of some held cases. Cases recorded as history have none and are left out."""

    def __init__(self, cases: Iterable[Case], at: datetime) -> None:
        self.cases = [case for case in cases if not case.is_history]
        self.at = at
        self.calendars = Calendars(at)
        self.change = ClockChange()
        self.clocks = clocks_of(self.cases)
        self._new: list[CaseClock] = []
        self._touched: dict[int, CaseClock] = {}

    @cached_property
    def books(self) -> Mapping[int, RuleBook]:
        """Rules by case pk, read when a verb needs them."""
        return pinned(self.cases, self.at)

    def book(self, case: Case) -> RuleBook | None:
        """Return the rules this case started with."""
        return self.books.get(case.pk)

    def book_of(self, case: Case, clock: CaseClock) -> RuleBook | None:
        """Return the rules of one clock: a review may have begun under a later version."""
        if clock.name in REVIEW_CLOCKS and clock.limit:
            pk = clock.limit.policy.rule_set_id
            return books([pk]).get(pk)
        return self.book(case)

    def rule(self, case: Case, name: str) -> ClockRule:
        """Return what starts, stops and halts a clock of this case."""
        return self.plan(case).rule(name)

    def plan(self, case: Case) -> Plan:
        """Return what the case got, or match it now; None of both when no rules are published."""
        book = self.book(case)
        if book is None:
            return Plan()
        known = case.policy_reason or {}
        return book.recall(known) if known.get("policy") else book.plan(case)

    def open(self, case: Case, names: Collection[str] = ()) -> Iterator[CaseClock]:
        """Yield the clocks of a case that have not stopped, in the order they began."""
        for clock in self.clocks[case.pk]:
            if clock.state in OPEN_STATES and (not names or clock.name in names):
                yield clock

    def add(self, clock: CaseClock) -> None:
        """Put a clock that has just been made beside the others."""
        self.clocks[clock.case_id].append(clock)
        self._new.append(clock)

    def touch(self, clock: CaseClock) -> None:
        """Mark a changed clock as to be written."""
        if clock.pk:
            self._touched[clock.pk] = clock

    def tell(self, case: Case, action: str, facts: Mapping[str, Any]) -> None:
        """Collect a fact for the caller's journal."""
        self.change.facts.append(Fact(case, action, facts))

    def run(self, clock: CaseClock) -> Run:
        """Return what fixes the due time of a clock."""
        return run_of(clock, self.calendars)

    def set_due(self, case: Case, clock: CaseClock) -> None:
        """Compute the dates of a clock anew; a moved due date is a new revision."""
        book = self.book_of(case, clock)
        dated(clock, self.run(clock), book.margin_of(clock.limit) if book else Margin())
        self.touch(clock)

    def arm(self, case: Case, clock: CaseClock) -> None:
        """Plan the next step of the ladder: only what is still ahead, and an unseen breach."""
        point = self._next(case, clock) if clock.state == ClockState.RUNNING else None
        clock.next_fire_at = point.at if point else None
        clock.next_level = point.step.level if point else clock.next_level
        self.touch(clock)

    def points(self, case: Case, clock: CaseClock) -> list[Point]:
        """Return the ladder of a clock, moments and steps; none for tracked targets."""
        book = self.book_of(case, clock)
        if book is None or (clock.limit and clock.limit.tracked_only):
            return []
        code = clock.limit.policy.code if clock.limit else ""
        steps = book.steps_for(clock.name, case.severity, code)
        return timing.ladder(self.run(clock), clock.due_at, steps, book.office(self.calendars))

    def _next(self, case: Case, clock: CaseClock) -> Point | None:
        unseen = clock.due_at <= self.at and clock.breached_at is None
        since = clock.due_at - _TICK if unseen else self.at
        return next((p for p in self.points(case, clock) if p.at > since), None)

    def save(self) -> ClockChange:
        """Write new and changed clocks, set the clock fields of the cases (unsaved), hand back."""
        CaseClock.objects.bulk_create(self._new)
        touched = sorted(self._touched.values(), key=lambda clock: clock.pk)
        write(touched, _WRITTEN)
        if self._new or touched:
            for case in self.cases:
                refresh_from(case, self.clocks[case.pk])
            self.change.fields |= CASE_FIELDS
        self._new, self._touched = [], {}
        return self.change


def clocks_of(cases: Sequence[Case]) -> dict[int, list[CaseClock]]:
    """Read every clock of these cases, by case pk, in one query."""
    found: dict[int, list[CaseClock]] = {case.pk: [] for case in cases}
    rows = CaseClock.objects.filter(case__in=list(found)).select_related(
        "limit__policy", "calendar"
    )
    for clock in rows.order_by("case_id", "id") if found else ():
        found[clock.case_id].append(clock)
    return found


def run_of(clock: CaseClock, calendars: Calendars) -> Run:
    """Return the figures of a stored clock as a Run."""
    return run_on(clock, calendars.of(clock.calendar))


def run_on(clock: CaseClock, hours: Calendar) -> Run:
    """Return the figures of a stored clock whose calendar is at hand."""
    return Run(
        hours,
        Unit(clock.unit),
        clock.amount,
        clock.started_at,
        clock.extension_days,
        clock.paused_seconds,
        clock.ceiling_at,
    )


def dated(clock: CaseClock, run: Run, margin: Margin) -> None:
    """Set due time, risk line and the provisional mark; raise `due_rev` when a stored one moved."""
    due = timing.due_at(run)
    if clock.pk and due != clock.due_at:
        clock.due_rev += 1
    clock.base_due_at, clock.due_at = timing.base_due(run), due
    clock.risk_at = timing.risk_at(run, due, margin)
    clock.provisional = timing.is_provisional(run, due)


def refresh_from(case: Case, clocks: Sequence[CaseClock]) -> None:
    """Set the fields that lists read. Running clocks lead; a case is paused when none runs.

    The clocks of a review count like the others, so that an open one stands in the queue by its
    due time although the case is closed; K02 and K28 read the two fields below.
    `resolve_due_at` and `regulatory_due_at` keep the last round's date after it has stopped.
    """
    running = [clock for clock in clocks if clock.state == ClockState.RUNNING]
    paused = [clock for clock in clocks if clock.state == ClockState.PAUSED]
    nearest = min(running or paused, key=lambda c: (c.due_at, c.name), default=None)
    case.next_due_at = nearest.due_at if nearest else NEVER
    case.next_clock = nearest.name if nearest else ""
    case.next_risk_at = nearest.risk_at if nearest else None
    case.paused = bool(paused) and not running
    case.breached = any(clock.breached_at for clock in clocks)
    case.resolve_due_at = _last_due(clocks, ClockName.RESOLVE)
    case.regulatory_due_at = _last_due(clocks, ClockName.REGULATORY)


def _last_due(clocks: Iterable[CaseClock], name: str) -> datetime | None:
    rounds = [c for c in clocks if c.name == name and c.state != ClockState.CANCELLED]
    return max(rounds, key=lambda clock: clock.round).due_at if rounds else None
