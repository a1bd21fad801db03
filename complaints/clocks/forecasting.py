"""What a draft would do, before it is published: open cases counted again, past ones replayed.

A job writes nothing but its own figures: of a draft of the time limits, how the due times of open
cases would move if it were applied to them, and the last 90 days on it; of a draft of a calendar,
how the due times of the clocks that run on it would move.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from complaints.choices import ClockState
from complaints.clocks import dryrun
from complaints.clocks.desk import OPEN_STATES, Desk
from complaints.clocks.dryrun import Bar, DryPolicy, DryRun
from complaints.clocks.rematching import recount
from complaints.clocks.rules import KIND, Calendars, RuleBook, books, in_force
from complaints.clocks.versions import Versions
from complaints.models import Case, CaseClock
from complaints.querysets import CaseQuerySet
from config.kernel import jobs
from config.kernel.job_runs import JobRun
from config.kernel.jobs import JobHandler, JobRefused
from config.kernel.models import Job, RuleSet
from config.kernel.models.jobs import JobState
from config.kernel.models.rules import RuleState
from config.kernel.querysets import JobQuerySet
from config.shared.actors import Actor
from staff.models import Department

__all__ = ["Bar", "DryPolicy", "DryRun", "Forecast", "Moved", "latest", "read", "start"]

FORECAST: Final = "clocks.forecast"
ROWS: Final = 200
_CHUNK: Final = 100
_FIGURES: Final = ("looked", "moved", "later", "sooner", "newly_late")
_NEEDED: Final = ("type", "intake_channel", "department")

Kept = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """One clock that would move; `before` None = it would begin, `after` None = it would end.

    `late`: it would be past due at the time of the count, and is not now.
    """

    number: str
    department_id: int
    clock: str
    before: datetime | None
    after: datetime | None
    late: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a draft would do to open cases; figures are cases of the whole bank.

    `rows` are clocks, the newly late ones first, at most 200: filter them by the reader's scope.
    Of the cases that move, `later` and `sooner` go by the first clock that does. `dry` is None for
    a calendar. `at` is the moment of the count.
    """

    looked: int
    moved: int
    later: int
    sooner: int
    newly_late: int
    rows: list[Moved]
    dry: DryRun | None
    at: datetime


def start(rule_set: RuleSet, *, actor: Actor, at: datetime) -> Job:
    """Write the job that counts for this version as it stands; one that waits or runs is given.

    Belongs to a version of the time limits (also a published one, before it is applied) or of a
    calendar.
    """
    running = _jobs(rule_set).filter(finished_at__isnull=True, params__version=rule_set.version)
    if (known := running.first()) is not None:
        return known
    title = gettext("Forecast for %(title)s, version %(n)s") % {
        "title": rule_set.title,
        "n": rule_set.number,
    }
    params = {"rule_set": rule_set.pk, "version": rule_set.version, "kind": rule_set.kind}
    return jobs.start(FORECAST, owner_id=actor.id, params=params, title=title, actor=actor, at=at)


def latest(rule_set: RuleSet) -> Job | None:
    """Return the newest forecast of this version, finished or not, or None."""
    return _jobs(rule_set).first()


def is_stale(job: Job, rule_set: RuleSet) -> bool:
    """Tell whether the draft was changed after this forecast was asked for."""
    changed = int(job.params["version"]) != rule_set.version
    return changed and rule_set.state == RuleState.DRAFT


def read(job: Job) -> Forecast | None:
    """Return the figures of a finished forecast in the reader's language; one query.

    None while it runs and when it failed or was stopped.
    """
    kept: Kept = job.checkpoint
    if job.state != JobState.DONE or "open" not in kept:
        return None
    rows = [*kept["open"]["late"], *kept["open"]["rows"]][:ROWS]
    return Forecast(
        **{name: kept["open"][name] for name in _FIGURES},
        rows=[_moved(row) for row in rows],
        dry=_dry(kept["past"]) if "past" in kept else None,
        at=job.asked_at,
    )


def job_handler() -> JobHandler:
    """Return how the job runs; its counts are the figures of the forecast."""
    return JobHandler(FORECAST, _run, title=_("Forecast of due times"))


def _jobs(rule_set: RuleSet) -> JobQuerySet:
    rows = Job.objects.filter(kind=FORECAST, params__rule_set=rule_set.pk)
    return rows.order_by("-asked_at", "-id")


def _dry(past: Kept) -> DryRun:
    """Return the replay with departments by their code."""
    pks = {int(pk) for tally in past["tallies"].values() for pk in tally["waits"]}
    units = dict(Department.objects.filter(pk__in=pks).values_list("pk", "code")) if pks else {}
    return dryrun.read(past["tallies"], past["before"], past["after"], units)


# --- The run -------------------------------------------------------------------------------


def _run(job_run: JobRun) -> None:
    """Count open cases, then replay past ones, chunk by chunk; goes on from its checkpoint."""
    job = job_run.job
    version, at = _unchanged(job), job.asked_at
    kept: Kept = job.checkpoint or {"phase": "open", "last": 0, "open": _nothing()}
    if version.kind == KIND:
        open_, past = _open(), dryrun.past(at)
        work = [("open", open_, _count_open), ("past", past, _count_past)]
        if "past" not in kept:
            kept["past"] = _limits(version, at)
    else:
        work = [("open", _on_calendar(version), _count_calendar)]
    total = job.total or sum(rows.count() for _phase, rows, _step in work)
    for phase, rows, step in work:
        if phase == kept["phase"] and not _walk(job_run, kept, rows, step, total):
            return
        if phase == kept["phase"] and phase != work[-1][0]:
            kept |= {"phase": work[-1][0], "last": 0}
    figures = {name: int(kept["open"][name]) for name in _FIGURES}
    job_run.progress(done=job_run.job.done, total=job_run.job.done, checkpoint=kept, counts=figures)


Step = Callable[[Sequence[Case], RuleSet, Kept, datetime], None]


def _walk(job_run: JobRun, kept: Kept, rows: CaseQuerySet, step: Step, total: int) -> bool:
    """Go through cases in order of their pk; False when the run should stop."""
    at = job_run.job.asked_at
    while not job_run.cancelled():
        chunk = rows.filter(pk__gt=kept["last"]).select_related(*_NEEDED)[:_CHUNK]
        cases = list(chunk)
        if not cases:
            return True
        version = _unchanged(job_run.job)
        step(cases, version, kept, at)
        kept["last"] = cases[-1].pk
        done = job_run.job.done + len(cases)
        job_run.progress(done=done, total=max(total, done), checkpoint=kept)
    return False


def _unchanged(job: Job) -> RuleSet:
    """Return the version; raises JobRefused when its draft was changed since it was asked for."""
    version = RuleSet.objects.get(pk=job.params["rule_set"])
    if is_stale(job, version):
        message = _("The draft was changed while it was counted. Start the forecast again.")
        raise JobRefused("stale", message)
    return version


def _open() -> CaseQuerySet:
    return Case.objects.open().filter(is_history=False).order_by("pk")


def _on_calendar(version: RuleSet) -> CaseQuerySet:
    """Return the cases with a clock that runs on another version of this calendar."""
    clocks = CaseClock.objects.filter(calendar__kind=version.kind, state__in=OPEN_STATES)
    pks = clocks.exclude(calendar=version).values("case_id")
    return Case.objects.filter(pk__in=pks, is_history=False).order_by("pk")


def _nothing() -> Kept:
    return dict.fromkeys(_FIGURES, 0) | {"late": [], "rows": []}


def _limits(version: RuleSet, at: datetime) -> Kept:
    """Return the resolve limits in force and in the draft, and empty tallies."""
    calendars = Calendars(at)
    before = dryrun.limits(in_force(at), calendars)
    return {"before": before, "after": dryrun.limits(_book(version), calendars), "tallies": {}}


def _book(version: RuleSet) -> RuleBook:
    return books([version.pk]).get(version.pk) or RuleBook(version, [], {}, [])


def _count_open(cases: Sequence[Case], version: RuleSet, kept: Kept, at: datetime) -> None:
    """Lay the draft over open cases in memory and note what would move."""
    versions, desk = Versions(_book(version)), Desk(cases, at)
    before = _dues(desk)
    matched = versions.affected(desk)
    versions.measure(desk, matched)
    _note(kept["open"], desk, before)


def _count_past(cases: Sequence[Case], version: RuleSet, kept: Kept, at: datetime) -> None:
    """Replay past cases on the draft."""
    past = kept["past"]
    bars = dryrun.widths(past["after"])
    dryrun.add(past["tallies"], dryrun.replay(cases, _book(version), bars, at))


def _count_calendar(cases: Sequence[Case], version: RuleSet, kept: Kept, at: datetime) -> None:
    """Let clocks count on the draft of their calendar in memory and note what would move."""
    desk = Desk(cases, at)
    before = _dues(desk)
    recount(desk, {version.kind: version})
    _note(kept["open"], desk, before)


Dues = Mapping[tuple[int, str, int], tuple[datetime, bool]]


def _dues(desk: Desk) -> Dues:
    """Return due time and lateness of every open clock by case, name and round."""
    return {
        (case.pk, clock.name, clock.round): (clock.due_at, _is_late(clock, desk.at))
        for case in desk.cases
        for clock in desk.open(case)
    }


def _is_late(clock: CaseClock, at: datetime) -> bool:
    return clock.state == ClockState.MISSED or (
        clock.state == ClockState.RUNNING and clock.due_at <= at
    )


def _note(figures: Kept, desk: Desk, before: Dues) -> None:
    """Add what moved on the desk to the figures kept."""
    for case in desk.cases:
        figures["looked"] += 1
        moved = list(_moves(desk, case, before))
        if not moved:
            continue
        first = moved[0]
        figures["moved"] += 1
        later = first.after is None or (first.before is not None and first.after > first.before)
        figures["later" if later else "sooner"] += 1
        figures["newly_late"] += any(row.late for row in moved)
        for row in moved:
            rows = figures["late" if row.late else "rows"]
            if len(rows) < ROWS:
                rows.append(_plain(row))


def _moves(desk: Desk, case: Case, before: Dues) -> Iterator[Moved]:
    """Yield the clocks of a case that would move, begin or end, in the order they began."""
    for clock in desk.clocks[case.pk]:
        was, was_late = before.get((case.pk, clock.name, clock.round), (None, False))
        runs = clock.state in OPEN_STATES
        if was is None and not (runs and clock.pk is None):
            continue
        now = clock.due_at if runs else None
        late = _is_late(clock, desk.at) and not was_late
        if now != was or late:
            yield Moved(case.number, case.department_id, clock.name, was, now, late)


def _plain(row: Moved) -> list[Any]:
    times = [moment and moment.isoformat() for moment in (row.before, row.after)]
    return [row.number, row.department_id, row.clock, *times, row.late]


def _moved(row: Sequence[Any]) -> Moved:
    number, unit, clock, before, after, late = row
    was, now = (datetime.fromisoformat(text) if text else None for text in (before, after))
    return Moved(number, unit, clock, was, now, late)
