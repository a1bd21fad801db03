"""Clock chips of cases and clocks: state, time left on the clock's own calendar, share used."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from complaints.choices import PAUSING, ClockName, ClockState
from complaints.clocks import timing
from complaints.clocks.desk import NEVER, OPEN_STATES, run_of
from complaints.clocks.rules import Calendars
from complaints.clocks.timing import Run
from complaints.models import Case, CaseClock
from config.shared import worktime
from config.shared.chips import DAY_SECONDS, ClockChip
from config.shared.chips import ClockState as ChipState
from config.shared.words import moment_words, noted
from config.shared.worktime import Unit

_DAY_UNITS = (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS)
SHOWN = "shown_clock"


def prime(cases: Iterable[Case]) -> None:
    """Read the clock that each case of a page shows, in one query, for `chip` to use."""
    wanted = {case.pk: case for case in cases}
    rows = CaseClock.objects.filter(case__in=list(wanted), state__in=OPEN_STATES)
    found: dict[int, CaseClock] = {}
    for clock in rows.select_related("calendar").order_by("case_id", "due_at", "name"):
        case = wanted[clock.case_id]
        if clock.name == case.next_clock and clock.due_at == case.next_due_at:
            found.setdefault(case.pk, clock)
    for pk, case in wanted.items():
        setattr(case, SHOWN, found.get(pk))


def chips(cases: Iterable[Case], at: datetime) -> dict[int, ClockChip]:
    """Return the chip of every case of a page, by pk."""
    rows = list(cases)
    prime(rows)
    return {case.pk: chip(case, at) for case in rows}


def chip(subject: Case | CaseClock, at: datetime) -> ClockChip:
    """Return the chip of a clock, or of the clock a case shows (its nearest).

    A case of a list must be primed (`prime`) for working time; otherwise real time is shown.
    """
    if isinstance(subject, CaseClock):
        return _of_clock(subject, at)
    shown: CaseClock | None = getattr(subject, SHOWN, None)
    if shown is not None:
        shown.case = subject
        made = _of_clock(shown, at)
        return _waiting(made) if subject.status in PAUSING and made.state == "ok" else made
    return _of_case(subject, at)


def _of_clock(clock: CaseClock, at: datetime) -> ClockChip:
    run = run_of(clock, Calendars(at))
    until = clock.stopped_at or clock.paused_at or at
    state = _state(clock, at)
    seconds = {
        "met": timing.counted(run, clock.started_at, until),
        "missed": timing.counted(run, clock.due_at, until),
        "over": timing.counted(run, clock.due_at, at),
    }.get(state, timing.counted(run, until, clock.due_at))
    day_seconds = _day_seconds(run)
    if state == "over" and seconds < 60:  # nothing has counted since: closed hours, real time
        seconds, day_seconds = int((at - clock.due_at).total_seconds()), DAY_SECONDS
    return ClockChip(
        state=state,
        name=ClockName(clock.name).label,
        due_at=clock.due_at,
        percent=_percent(run, clock, until),
        title=_title(clock),
        seconds=seconds,
        day_seconds=day_seconds,
        day_clock=Unit(clock.unit) in _DAY_UNITS,
        counted_until=_counted_until(run, clock, at),
        words=_("Ended without a verdict") if clock.state == ClockState.CANCELLED else "",
        provisional=clock.provisional and clock.state in OPEN_STATES,
    )


def _of_case(case: Case, at: datetime) -> ClockChip:
    """Return the chip from the case's own fields, in real time; after the end, the verdict."""
    if case.next_due_at < NEVER:
        over = case.next_due_at <= at
        risk = case.next_risk_at is not None and case.next_risk_at <= at
        state: ChipState = "over" if over else "risk" if risk else "ok"
        left = abs(case.next_due_at - at)
        whole = max(case.next_due_at - case.received_at, timedelta(seconds=1))
        share = round(100 * ((at - case.received_at) / whole))
        return ClockChip(
            state="paused" if case.paused else state,
            name=ClockName(case.next_clock).label if case.next_clock else "",
            due_at=case.next_due_at,
            percent=min(100, max(0, share)),
            seconds=int(left.total_seconds()),
            counted_until=None if case.paused else case.next_due_at,
        )
    return _verdict(case)


def _verdict(case: Case) -> ClockChip:
    """Return met or missed of a case whose clocks have ended: told by `resolve_due_at` (K02)."""
    told, due = case.notified_at, case.resolve_due_at
    if told is None or due is None:
        return ClockChip("met", words=_("No clock runs"), percent=100)
    late = told > due
    length = told - due if late else told - case.received_at
    return ClockChip(
        "missed" if late else "met",
        name=ClockName.LOOP.label,
        due_at=due,
        percent=100,
        seconds=max(0, int(length.total_seconds())),
    )


def _state(clock: CaseClock, at: datetime) -> ChipState:
    match clock.state:
        case ClockState.PAUSED:
            return "paused"
        case ClockState.MISSED:
            return "missed"
        case ClockState.MET | ClockState.CANCELLED:
            return "met"
    if clock.due_at <= at:
        return "over"
    return "risk" if clock.risk_at <= at else "ok"


def _percent(run: Run, clock: CaseClock, until: datetime) -> int:
    whole = timing.counted(run, clock.started_at, clock.due_at) - clock.paused_seconds
    used = timing.counted(run, clock.started_at, until) - clock.paused_seconds
    return min(100, max(0, round(100 * used / whole))) if whole > 0 else 100


def _day_seconds(run: Run) -> int:
    if not run.unit.uses_calendar:
        return DAY_SECONDS
    spans = run.calendar.usual_spans
    return 60 * sum(span.end_minute - span.start_minute for span in spans) or DAY_SECONDS


def _counted_until(run: Run, clock: CaseClock, at: datetime) -> datetime | None:
    """Return until when time counts without a break; None while nothing counts."""
    if clock.state != ClockState.RUNNING:
        return None
    if not run.unit.uses_calendar:
        return clock.due_at if clock.due_at > at else NEVER
    if not worktime.is_open(run.calendar, at):
        return None
    until = worktime.segments(run.calendar, at, at + timedelta(days=1))[0].end
    return min(until, clock.due_at) if clock.due_at > at else until


def _title(clock: CaseClock) -> str:
    words = _("Due %(at)s") % {"at": moment_words(clock.due_at)}
    if clock.provisional and clock.state in OPEN_STATES:
        return noted(words, _("provisional: the official days of that year are not known yet"))
    return words


def _waiting(made: ClockChip) -> ClockChip:
    """Show a case that waits for somebody outside as paused while its limit is far away."""
    return ClockChip(
        state="paused",
        name=made.name,
        due_at=made.due_at,
        percent=made.percent,
        title=made.title,
        seconds=made.seconds,
        day_seconds=made.day_seconds,
        day_clock=made.day_clock,
        provisional=made.provisional,
    )
