"""The sweep: fire ladder steps whose moment has come, each exactly once.

Cases are locked before their clocks, as every other verb does. A chunk is one transaction: steps,
record, marks and notices together, so a sweep killed half-way leaves nothing behind and the next
one does the chunk again. Rows that somebody else holds wait for the next sweep.
"""

import gc
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection, transaction

from complaints.choices import ClockState, WatchedBy
from complaints.clocks import timing
from complaints.clocks.audience import Audience, Directory
from complaints.clocks.desk import run_on
from complaints.clocks.pins import Pins
from complaints.clocks.telling import delay_tellings, stage_of, step_call, step_tellings
from complaints.clocks.timing import Point
from complaints.models import Case, CaseClock, CaseGrant, Escalation
from config.kernel import journal, notices
from config.kernel.journal import Fact
from config.kernel.notices import Telling
from config.kernel.rows import insert, write
from config.shared.actors import SYSTEM
from staff import duty
from staff.duty import DutyTelling

LIMIT = 100_000
_CHUNKS = {"postgresql": 2000, "sqlite": 200}
_CASE_FIELDS = (
    "number", "severity", "department", "branch", "handler", "officer", "registrar", "rm",
    "restricted", "breached", "event_seq", "head_hash",
)  # fmt: skip
_STEP = (
    "clock_id", "due_rev", "level", "step", "planned_at", "fired_at", "audience", "sent",
)  # fmt: skip


@dataclass(slots=True)
class Firing:
    """The steps of one clock that are due now, in order; only those of the last moment are sent."""

    case: Case
    clock: CaseClock
    points: list[Point]

    @property
    def loud(self) -> list[Point]:
        """The steps people hear of: the latest, and whatever the rules set for that moment too."""
        return [point for point in self.points if point.at == self.points[-1].at]

    @property
    def breach(self) -> Point | None:
        """The step that is the due time itself, if it is among them."""
        return next((point for point in self.points if point.step.breach), None)


@dataclass(slots=True)
class Written:
    """What one chunk will write."""

    steps: list[tuple[object, ...]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)
    calls: list[DutyTelling] = field(default_factory=list)
    watchers: set[tuple[int, int]] = field(default_factory=set)


def sweep(at: datetime, limit: int = LIMIT) -> int:
    """Fire what is due at `at`, at most `limit` clocks; returns how many clocks fired.

    Costs one query when nothing is due. Safe to run twice, beside itself, after downtime (all
    passed levels are recorded, the highest is sent) and after the clock of the machine went back.
    """
    chunk, done = _CHUNKS.get(connection.vendor, 200), 0
    pins = Pins(at)
    while done < limit:
        began = time.monotonic()
        size = min(chunk, limit - done)
        waiting = _waiting(at, size)
        with _uncollected():
            fired = _fire(list(dict.fromkeys(waiting)), pins) if waiting else 0
        done += fired
        if not fired or len(waiting) < size:
            return done
        if connection.vendor == "sqlite":  # let others write for as long as this took
            time.sleep(time.monotonic() - began)
    return done


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the cycle collector out of one chunk: it holds no cycles, and a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _waiting(at: datetime, limit: int) -> list[int]:
    """Return the case of each due clock, longest waiting first; takes no lock."""
    due = CaseClock.objects.filter(next_fire_at__lte=at).order_by("next_fire_at", "id")
    return list(due.values_list("case_id", flat=True)[:limit])


def _locked(pks: Sequence[int]) -> list[Case]:
    """Lock the cases that nobody else holds, with the fields a step needs."""
    rows = Case.objects.filter(pk__in=pks).only(*_CASE_FIELDS).order_by("pk")
    return list(rows.select_for_update(of=("self",), skip_locked=True, no_key=True))


def _fire(pks: Sequence[int], pins: Pins) -> int:
    """Fire the due steps of these cases in one transaction; returns the number of clocks."""
    at = pins.at
    with transaction.atomic():
        cases = {case.pk: case for case in _locked(pks)}
        due = CaseClock.objects.filter(case__in=list(cases), next_fire_at__lte=at)
        clocks = list(due.order_by("id"))
        if not clocks:
            return 0
        pins.read(clocks)
        _record(_due_steps(clocks, cases, pins), pins)
        write(clocks, ["next_fire_at", "next_level", "breached_at"])
    return len(clocks)


def _due_steps(clocks: Sequence[CaseClock], cases: Mapping[int, Case], pins: Pins) -> list[Firing]:
    """Work out the passed steps of each clock and plan its next one; sets the clocks' fields.

    A step that stands recorded for this due time already is left out: the record, not the plan,
    says what has fired.
    """
    at = pins.at
    known = Escalation.objects.filter(clock__in=[clock.pk for clock in clocks])
    fired = set(known.values_list("clock_id", "due_rev", "level"))
    firings = []
    for clock in clocks:
        case, planned = cases[clock.case_id], clock.next_fire_at
        points = _ladder(clock, case, pins) if planned else []
        passed = [p for p in points if planned and planned <= p.at <= at]
        ahead = next((p for p in points if p.at > at), None)
        clock.next_fire_at = ahead.at if ahead else None
        clock.next_level = ahead.step.level if ahead else clock.next_level
        fresh = [p for p in passed if (clock.pk, clock.due_rev, p.step.level) not in fired]
        if fresh:
            firings.append(Firing(case, clock, fresh))
    return firings


def _ladder(clock: CaseClock, case: Case, pins: Pins) -> list[Point]:
    rules = pins.rules(clock)
    if rules is None or clock.state != ClockState.RUNNING:
        return []
    run = run_on(clock, pins.hours(clock))
    steps = rules.steps(clock.name, case.severity, rules.policy(clock))
    return timing.ladder(run, clock.due_at, steps, rules.office)


def _record(firings: Sequence[Firing], pins: Pins) -> None:
    """Write steps, marks, watchers, record, notices and calls of one chunk."""
    if not firings:
        return
    at = pins.at
    audiences = _audiences(firings, pins)
    written = Written()
    for firing in firings:
        _collect(firing, audiences[pins.directory(firing.clock)], pins, written)
    insert(Escalation, _STEP, written.steps)
    _add_watchers(written.watchers, at)
    journal.append_plain(written.facts, actor=SYSTEM, at=at, also=["breached"])
    notices.tell(written.tellings, at=at, are_new=True)
    if written.calls:
        duty.call(written.calls, at=at)


def _audiences(firings: Sequence[Firing], pins: Pins) -> dict[Directory, Audience]:
    """Return who hears of the cases, for each complaint office that their rules name."""
    cases: dict[Directory, dict[int, Case]] = {}
    for firing in firings:
        cases.setdefault(pins.directory(firing.clock), {})[firing.case.pk] = firing.case
    return {
        directory: Audience(list(rows.values()), directory, at=pins.at)
        for directory, rows in cases.items()
    }


def _collect(firing: Firing, audience: Audience, pins: Pins, written: Written) -> None:
    """Work out what one clock's steps write; sets the marks of clock and case."""
    case, clock, at = firing.case, firing.clock, pins.at
    heard = _heard(firing, audience)
    people = sorted({person for told in heard.values() for person in told})
    written.steps += _rows(firing, heard, at)
    written.facts.append(_fact(firing, people))
    for point in firing.loud:
        told = heard[point.step.level]
        wakes = point.step.at_once and not pins.is_open(clock)
        call = step_call(case, clock, point, audience) if wakes else None
        written.calls += [call] if call else []
        called = audience.on_call if call else set()
        left = [person for person in told if person not in called]
        written.tellings += step_tellings(case, clock, point, left)
        if stage_of(point.step) != "warning":
            written.watchers |= {(case.pk, pk) for pk in told if pk != case.handler_id}
    if breach := firing.breach:
        clock.breached_at = clock.breached_at or clock.due_at
        case.breached = True
        written.tellings += delay_tellings(case, clock, breach.step, audience)


def _heard(firing: Firing, audience: Audience) -> dict[int, list[int]]:
    """Return by level who hears of it; a person named by several steps hears of the highest."""
    heard: dict[int, list[int]] = {}
    known: set[int] = set()
    for point in reversed(firing.loud):
        named = audience.of(firing.case, point.step.audience)
        heard[point.step.level] = [person for person in named if person not in known]
        known.update(named)
    return heard


def _rows(
    firing: Firing, heard: Mapping[int, Sequence[int]], at: datetime
) -> list[tuple[object, ...]]:
    """Return the escalation rows of one clock, in the order of `_STEP`."""
    clock = firing.clock
    return [
        (
            clock.pk,
            clock.due_rev,
            point.step.level,
            timing.step_code(point.step),
            point.at,
            at,
            list(heard.get(point.step.level, ())),
            point.step.level in heard,
        )
        for point in firing.points
    ]


def _fact(firing: Firing, people: Sequence[int]) -> Fact:
    clock = firing.clock
    steps = [timing.step_code(point.step) for point in firing.points]
    return Fact(
        firing.case,
        "clock.escalated",
        {
            "name": clock.name,
            "round": clock.round,
            "due": clock.due_at.astimezone(UTC).isoformat(),
            "due_rev": clock.due_rev,
            "step": steps[-1],
            "steps": steps,
            "breached": firing.breach is not None,
            "people": list(people),
        },
    )


def _add_watchers(told: Iterable[tuple[int, int]], at: datetime) -> None:
    """Let the people a late case was raised to read it; who may already keeps what they have."""
    why = WatchedBy.ESCALATION
    rows = [(case_id, person_id, True, why, at) for case_id, person_id in sorted(told)]
    fields = ("case_id", "person_id", "watcher", "why", "at")
    insert(CaseGrant, fields, rows, unless=("person_id", "case_id"))
