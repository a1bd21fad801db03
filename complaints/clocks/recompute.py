"""The drift check: every open clock computed again from the record must agree with its row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from complaints.choices import ClockState
from complaints.clocks import history, timing
from complaints.clocks.desk import CASE_FIELDS, NEVER, OPEN_STATES, Desk, clocks_of, refresh_from
from complaints.clocks.history import Story
from complaints.clocks.rules import Calendars
from complaints.clocks.timing import Run
from complaints.models import Case, CaseClock
from complaints.querysets import CaseQuerySet
from config.kernel import journal
from config.kernel.journal import Fact
from config.kernel.models import RuleSet
from config.shared.actors import Actor
from config.shared.worktime import Unit

_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Drift:
    """One figure that differs from what the record gives; `what` is a clock or a case field."""

    number: str
    what: str
    stored: str
    computed: str


def recompute(*, check: bool, actor: Actor, at: datetime) -> Iterator[Drift]:
    """Compare the due times of all open clocks, and the clock fields of their cases, in chunks.

    Without `check` drifted rows are repaired and the repair is recorded; a clock the record does
    not know is named and left alone.
    """
    last = 0
    while True:
        pks = next_chunk(last)
        if not pks:
            return
        yield from check_chunk(pks) if check else _repair_chunk(pks, actor, at)
        last = pks[-1]


def due_of(story: Story, calendars: Calendars, pinned: dict[int, RuleSet]) -> tuple[datetime, int]:
    """Return due time and paused seconds of a recorded clock, from its pins alone."""
    hours = calendars.of(pinned[story.calendar] if story.calendar else None)
    unit = Unit(story.unit)
    bare = Run(hours, unit, story.amount, story.started_at)
    paused = sum(timing.counted(bare, *stretch) for stretch in story.pauses)
    run = Run(
        hours,
        unit,
        story.amount,
        story.started_at,
        story.extension_days,
        paused,
        story.ceiling_at,
    )
    return timing.due_at(run), paused


def busy() -> CaseQuerySet:
    """Return the cases whose clocks are compared: one runs, or lists say that one does."""
    runs = Q(clocks__state__in=OPEN_STATES) | ~Q(next_clock="")
    return Case.objects.filter(runs, is_history=False).order_by("pk").distinct()


def next_chunk(last: int) -> list[int]:
    """Return the pks of the next cases to compare after `last`; none at the end."""
    return list(busy().filter(pk__gt=last).values_list("pk", flat=True)[:_CHUNK])


def check_chunk(pks: Sequence[int]) -> Iterator[Drift]:
    """Compare these cases with the record; nothing is written."""
    cases = list(Case.objects.filter(pk__in=pks).order_by("pk"))
    clocks = clocks_of(cases)
    yield from (drift for _, drift in _clock_drifts(cases, clocks))
    for case in cases:
        stored = {name: getattr(case, name) for name in sorted(CASE_FIELDS)}
        refresh_from(case, clocks[case.pk])
        for name, value in stored.items():
            if value != getattr(case, name):
                yield Drift(case.number, name, str(value), str(getattr(case, name)))


def _repair_chunk(pks: Sequence[int], actor: Actor, at: datetime) -> list[Drift]:
    """Check again under the lock, put right what the record gives, and record that."""
    with transaction.atomic():
        rows = Case.objects.filter(pk__in=pks).order_by("pk")
        cases = list(rows.select_for_update(of=("self",), no_key=True))
        drifts = list(check_chunk(pks))
        if not drifts:
            return []
        desk = Desk(cases, at)
        for clock, _drift in _clock_drifts(cases, desk.clocks):
            case = next(case for case in cases if case.pk == clock.case_id)
            _repair(desk, case, clock)
        desk.save()
        wrong: dict[str, list[str]] = {}
        for drift in drifts:
            wrong.setdefault(drift.number, []).append(drift.what)
        facts = [
            Fact(case, "clock.repaired", {"what": wrong[case.number]})
            for case in cases
            if case.number in wrong
        ]
        for case in cases:
            refresh_from(case, desk.clocks[case.pk])
        journal.append(facts, actor=actor, at=at, save=sorted(CASE_FIELDS))
    return drifts


def _repair(desk: Desk, case: Case, clock: CaseClock) -> None:
    """Write the recorded measures onto a clock and compute its dates and next step."""
    story = history.of([case]).get((case.pk, clock.name, clock.round))
    if story is None:
        return
    clock.unit, clock.amount, clock.ceiling_at = story.unit, story.amount, story.ceiling_at
    clock.started_at, clock.extension_days = story.started_at, story.extension_days
    if clock.calendar_id != story.calendar:
        pinned = RuleSet.objects.filter(pk=story.calendar) if story.calendar else None
        clock.calendar = pinned.first() if pinned is not None else None
    run = desk.run(clock)
    clock.paused_seconds = sum(timing.counted(run, *stretch) for stretch in story.pauses)
    desk.set_due(case, clock)
    if clock.state == ClockState.RUNNING:
        desk.arm(case, clock)


def _clock_drifts(
    cases: Sequence[Case], clocks: dict[int, list[CaseClock]]
) -> Iterator[tuple[CaseClock, Drift]]:
    stories = history.of(cases)
    wanted = {story.calendar for story in stories.values() if story.calendar}
    pinned = {row.pk: row for row in RuleSet.objects.filter(pk__in=wanted)}
    calendars = Calendars(NEVER)  # pinned versions only, whatever is in force
    for case in cases:
        for clock in clocks[case.pk]:
            if clock.state not in OPEN_STATES:
                continue
            what = f"{clock.name}:{clock.round}"
            story = stories.get((case.pk, clock.name, clock.round))
            if story is None:
                yield clock, Drift(case.number, what, str(clock.due_at), "not recorded")
                continue
            due, paused = due_of(story, calendars, pinned)
            recorded = (due, paused, story.started_at)
            if recorded != (clock.due_at, clock.paused_seconds, clock.started_at):
                yield clock, Drift(case.number, what, str(clock.due_at), str(due))
