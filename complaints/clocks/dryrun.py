"""The cases of the last 90 days replayed on a draft of the time limits: who would have been late.

What is kept while it runs are plain figures per policy (`Tally`), so that a run can stop and go on;
`read` turns them into what the page shows, in the reader's language.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from complaints import naming
from complaints.choices import ClockName, ClockState
from complaints.clocks import birth, history, timing
from complaints.clocks.desk import Desk
from complaints.clocks.rules import Calendars, RuleBook
from complaints.clocks.timing import Run
from complaints.models import Case, CaseClock, CasePause, ClockLimit, HandOver
from config.shared.chips import duration_words
from config.shared.worktime import Unit

DAYS: Final = 90
FEWEST: Final = 8
NAMED: Final = 200
BARS: Final = 16
OK, NEW, LATE = "ok", "new", "late"
_STATES: Final = (OK, NEW, LATE)
_WIDTHS: Final = (5, 10, 15, 30, 60, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320, 7200, 14400)
_DAY: Final = 1440

Tallies = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Bar:
    """Cases that took from `from_minutes` to `to_minutes`; `state` ok, new (newly late) or late.

    The last bar of a policy holds everything longer; a stretch with two states is two bars.
    """

    from_minutes: int
    to_minutes: int
    n: int
    state: str


@dataclass(frozen=True, slots=True)
class DryPolicy:
    """Cases that the draft gives to one policy, as they went and as they would have gone.

    On time of `cases` were `on_time_before`, would have been `on_time_after`. The bars count the
    clock's own time in minutes (working time, or time day and night), pauses left out, as do the
    limits; None where a limit is not there or counts another kind of time. `newly_late` are case
    numbers, at most 200 of `newly`.
    """

    cases: int
    late_before: int
    late_after: int
    on_time_before: int
    on_time_after: int
    newly: int
    bars: list[Bar]
    limit_before: int | None
    limit_after: int | None
    newly_late: list[str]
    sentence: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """The replay of the last `days` days, by code of the draft's policies."""

    days: int
    policies: Mapping[str, DryPolicy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Result:
    """One case: minutes it took, whether it was late, whether it would have been."""

    case: Case
    policy: str
    minutes: int
    before: bool
    after: bool
    run: Run
    end: datetime


def past(at: datetime) -> Any:
    """Return the cases to replay: received in the last 90 days, not recorded as history."""
    since = at - timedelta(days=DAYS)
    rows = Case.objects.filter(received_at__gt=since, received_at__lte=at, is_history=False)
    return rows.order_by("pk")


def replay(
    cases: Iterable[Case], book: RuleBook, widths: Mapping[str, int], at: datetime
) -> Tallies:
    """Return the tallies of one chunk of cases on a draft; six queries, nothing is written."""
    rows = list(cases)
    desk = Desk(rows, at)
    paused = set(
        CasePause.objects.filter(case__in=[case.pk for case in rows]).values_list(
            "case_id", flat=True
        )
    )
    stories = history.of(case for case in rows if case.pk in paused)
    results = [
        result for case in desk.cases if (result := _one(desk, case, book, stories)) is not None
    ]
    fresh = [result for result in results if result.after and not result.before]
    waits = _waits(fresh)
    tallies: Tallies = {}
    for result in results:
        tally = tallies.setdefault(result.policy, _empty())
        _count(tally, result, widths.get(result.policy, _DAY))
        if result in fresh:
            tally["new"] += 1
            tally["newly"].append(result.case.number)
            if (unit := waits.get(result.case.pk)) is not None:
                seen = tally["waits"].setdefault(str(unit[0]), [0, 0])
                seen[0], seen[1] = seen[0] + 1, seen[1] + unit[1]
    return tallies


def add(kept: Tallies, more: Tallies) -> None:
    """Add the tallies of a chunk to those kept, in place."""
    for code, tally in more.items():
        mine = kept.setdefault(code, _empty())
        for name in ("cases", "late_before", "late_after", "new"):
            mine[name] += tally[name]
        mine["newly"] = (mine["newly"] + tally["newly"])[:NAMED]
        mine["longest"] = max(mine["longest"], tally["longest"])
        for place, counts in tally["bars"].items():
            seen = mine["bars"].setdefault(place, [0, 0, 0])
            mine["bars"][place] = [a + b for a, b in zip(seen, counts, strict=True)]
        for unit, (n, minutes) in tally["waits"].items():
            seen = mine["waits"].setdefault(unit, [0, 0])
            mine["waits"][unit] = [seen[0] + n, seen[1] + minutes]


def limits(book: RuleBook | None, calendars: Calendars) -> dict[str, tuple[int, bool]]:
    """Return the resolve limit by policy: minutes of its own time, and whether that is working."""
    found: dict[str, tuple[int, bool]] = {}
    for policy in book.policies if book else ():
        for limit in book.limits.get(policy.pk, ()) if book else ():
            if limit.clock == ClockName.RESOLVE and not policy.overlay:
                unit = Unit(limit.unit)
                found[policy.code] = (_minutes(limit, unit, calendars), unit.uses_calendar)
    return found


def widths(found: Mapping[str, tuple[int, bool]]) -> dict[str, int]:
    """Return how many minutes one bar stands for, by policy: the limit is some eight bars wide."""
    return {
        code: next((width for width in _WIDTHS if width * 8 >= minutes), _WIDTHS[-1])
        for code, (minutes, _working) in found.items()
    }


def read(
    kept: Tallies,
    before: Mapping[str, tuple[int, bool]],
    after: Mapping[str, tuple[int, bool]],
    units: Mapping[int, str],
) -> DryRun:
    """Return the figures as shown; `units` are codes of departments by pk."""
    bars = widths(after)
    policies = {}
    for code, tally in kept.items():
        old, new = before.get(code), after.get(code)
        same = old is not None and new is not None and old[1] == new[1]
        policies[code] = DryPolicy(
            cases=tally["cases"],
            late_before=tally["late_before"],
            late_after=tally["late_after"],
            on_time_before=tally["cases"] - tally["late_before"],
            on_time_after=tally["cases"] - tally["late_after"],
            newly=tally["new"],
            bars=_bars(tally, bars.get(code, _DAY)),
            limit_before=old[0] if old and same else None,
            limit_after=new[0] if new else None,
            newly_late=list(tally["newly"]),
            sentence=_sentence(tally, units),
        )
    return DryRun(DAYS, policies)


def _empty() -> dict[str, Any]:
    return {
        "cases": 0, "late_before": 0, "late_after": 0, "new": 0, "newly": [], "bars": {},
        "longest": 0, "waits": {},
    }  # fmt: skip


def _one(desk: Desk, case: Case, book: RuleBook, stories: history.Stories) -> _Result | None:
    """Return how one case went and would have gone; None where there is nothing to compare.

    Compared is the first resolve clock: with the pauses and extensions it had, from its start.
    A case that still runs counts once one of the two limits has passed.
    """
    clocks = [c for c in desk.clocks[case.pk] if c.name == ClockName.RESOLVE]
    clock = next((c for c in clocks if c.state != ClockState.CANCELLED), None)
    plan = book.plan(case)
    if clock is None or plan.policy is None:
        return None
    terms = birth.terms_of(desk, case, plan, ClockName.RESOLVE, clock.started_at)
    if terms is None:
        return None
    end = clock.stopped_at or clock.paused_at or desk.at
    run = _run(desk, clock, terms, stories.get((case.pk, clock.name, clock.round)))
    before, after = end > clock.due_at, end > timing.due_at(run)
    if clock.stopped_at is None and not (before or after):
        return None
    took = timing.counted(run, clock.started_at, end) - run.paused_seconds
    return _Result(case, plan.policy.code, max(0, took) // 60, before, after, run, end)


def _run(desk: Desk, clock: CaseClock, terms: birth.Terms, story: history.Story | None) -> Run:
    """Return the clock as the draft would have run it, on the calendar version it had."""
    calendar = terms.calendar
    if calendar and clock.calendar and calendar.kind == clock.calendar.kind:
        calendar = clock.calendar
    hours = desk.calendars.of(calendar)
    unit = Unit(terms.unit)
    bare = Run(hours, unit, terms.amount, clock.started_at)
    stretches = story.pauses if story else ()
    paused = sum(timing.counted(bare, *stretch) for stretch in stretches)
    return Run(
        hours, unit, terms.amount, clock.started_at, clock.extension_days, paused, terms.ceiling
    )


def _count(tally: dict[str, Any], result: _Result, width: int) -> None:
    """Count one case in its policy."""
    state = LATE if result.before and result.after else NEW if result.after else OK
    place = str(min(result.minutes // width, BARS - 1))
    tally["cases"] += 1
    tally["late_before"] += result.before
    tally["late_after"] += result.after
    tally["longest"] = max(tally["longest"], result.minutes)
    tally["bars"].setdefault(place, [0, 0, 0])[_STATES.index(state)] += 1


def _waits(results: list[_Result]) -> dict[int, tuple[int, int]]:
    """Return by case the department it waited longest for, with its minutes; one query."""
    by_case = {result.case.pk: result for result in results}
    spent: dict[int, dict[int, int]] = {}
    for row in HandOver.objects.filter(case__in=list(by_case)).order_by("case_id", "from_at", "id"):
        result = by_case[row.case_id]
        until = min(row.to_at or result.end, result.end)
        if until > row.from_at:
            seconds = timing.counted(result.run, row.from_at, until)
            units = spent.setdefault(row.case_id, {})
            units[row.department_id] = units.get(row.department_id, 0) + seconds // 60
    return {
        pk: max(units.items(), key=lambda pair: (pair[1], -pair[0])) for pk, units in spent.items()
    }


def _minutes(limit: ClockLimit, unit: Unit, calendars: Calendars) -> int:
    """Return a limit in minutes of its own time; a working day counts its usual hours."""
    if unit is Unit.CALENDAR_DAYS:
        return limit.amount * _DAY
    if unit is not Unit.WORKING_DAYS:
        return limit.amount
    key = "bank" if limit.calendar.startswith("@") else limit.calendar
    spans = calendars.of(calendars.current(key)).usual_spans
    return limit.amount * sum(span.end_minute - span.start_minute for span in spans)


def _bars(tally: Mapping[str, Any], width: int) -> list[Bar]:
    """Return the bars of a policy from the shortest on; empty stretches are left out."""
    found = []
    for place, counts in sorted((int(key), value) for key, value in tally["bars"].items()):
        start, end = place * width, (place + 1) * width
        if place == BARS - 1:
            end = max(end, tally["longest"])
        found += [Bar(start, end, n, state) for n, state in zip(counts, _STATES, strict=True) if n]
    return found


def _sentence(tally: Mapping[str, Any], units: Mapping[int, str]) -> str:
    """Return what the figures say, naming the department that most newly late cases waited for."""
    cases, new = tally["cases"], tally["new"]
    if cases < FEWEST:
        return _("Too few cases to replay (%(n)s).") % {"n": cases}
    if not new:
        return _("No case would have been late that was on time.")
    if not tally["waits"]:
        text = ngettext(
            "%(n)s case would have been late that was on time.",
            "%(n)s cases would have been late that were on time.",
            new,
        )
        return text % {"n": new}
    unit, (n, minutes) = max(tally["waits"].items(), key=lambda pair: (pair[1], pair[0]))
    text = ngettext(
        "%(n)s of the %(new)s newly late cases waited longest for %(unit)s, %(time)s.",
        "%(n)s of the %(new)s newly late cases waited longest for %(unit)s, %(time)s on average.",
        n,
    )
    return text % {
        "n": n,
        "new": new,
        "unit": naming.department(units.get(int(unit), unit)),
        "time": duration_words(minutes // n * 60),
    }
