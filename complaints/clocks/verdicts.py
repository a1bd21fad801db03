"""How a single clock ends or runs on: the strokes that several verbs share."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from complaints.choices import ClockState
from complaints.clocks import timing
from complaints.clocks.desk import Desk
from complaints.models import Case, CaseClock


def give_verdict(clock: CaseClock, stopped: datetime) -> None:
    """End a clock at its event: met, or missed with its breach."""
    late = stopped > clock.due_at
    clock.state = ClockState.MISSED if late else ClockState.MET
    if late:
        clock.breached_at = clock.breached_at or clock.due_at
    clock.stopped_at, clock.next_fire_at, clock.paused_at = stopped, None, None


def end_all(desk: Desk, case: Case, clocks: Iterable[CaseClock]) -> None:
    """Stop open clocks with a verdict and collect one fact."""
    stopped = [_end(desk, case, clock) for clock in clocks]
    if stopped:
        desk.tell(case, "clock.stopped", {"at": desk.at, "clocks": stopped})


def _end(desk: Desk, case: Case, clock: CaseClock) -> dict[str, Any]:
    close_pause(desk, case, clock)
    give_verdict(clock, desk.at)
    desk.touch(clock)
    return {
        "name": clock.name,
        "round": clock.round,
        "state": clock.state,
        "due": clock.due_at,
    }


def drop(desk: Desk, clock: CaseClock) -> dict[str, Any]:
    """End a clock without a verdict; a breach that has happened stays. Returns its row."""
    if clock.state == ClockState.RUNNING and desk.at > clock.due_at:
        clock.breached_at = clock.breached_at or clock.due_at
    clock.state, clock.stopped_at = ClockState.CANCELLED, desk.at
    clock.next_fire_at = clock.paused_at = None
    desk.touch(clock)
    return {"name": clock.name, "round": clock.round}


def stand(desk: Desk, clock: CaseClock) -> dict[str, Any]:
    """Let a running clock stand still from now on. Returns its row."""
    clock.state, clock.paused_at, clock.next_fire_at = ClockState.PAUSED, desk.at, None
    desk.touch(clock)
    return {"name": clock.name, "round": clock.round}


def run_on(desk: Desk, case: Case, clock: CaseClock) -> dict[str, Any]:
    """Let a paused clock run on; its due time moves by what was counted. Returns its row."""
    close_pause(desk, case, clock)
    clock.state = ClockState.RUNNING
    desk.arm(case, clock)
    return {
        "name": clock.name,
        "round": clock.round,
        "seconds": clock.paused_seconds,
        "due": clock.due_at,
    }


def close_pause(desk: Desk, case: Case, clock: CaseClock) -> None:
    """Add the open stretch of a paused clock to what it has stood, and move its due time."""
    from_at = clock.paused_at
    if from_at is not None:
        run = desk.run(clock)
        clock.paused_seconds += timing.counted(run, from_at, max(from_at, desk.at))
        clock.paused_at = None
        desk.set_due(case, clock)
