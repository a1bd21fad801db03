"""What happens to a case and what that does to its clocks: the usual events and a limit's own.

An event is the field of the case that says when it happened (`ClockEvent`). A limit may name
other events than the usual ones of its clock, and the waiting states in which it stands still.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from complaints.choices import PAUSING, REVIEW_CLOCKS, ClockEvent, ClockName
from complaints.models import Case, ClockLimit

# The field of the case whose setting stops a clock (DOMAIN.md §4.12).
STOPPED_BY: Final[Mapping[str, str]] = {
    ClockName.ACKNOWLEDGE: ClockEvent.ACKNOWLEDGED,
    ClockName.ACCEPT: ClockEvent.ACCEPTED,
    ClockName.RESPOND: ClockEvent.RESPONDED,
    ClockName.SIGN: ClockEvent.SIGNED,
    ClockName.RESOLVE: ClockEvent.RESOLVED,
    ClockName.LOOP: ClockEvent.NOTIFIED,
    ClockName.REGULATORY: ClockEvent.NOTIFIED,
    ClockName.EXTERNAL: ClockEvent.NOTIFIED,
}
# The field a clock counts from; every other clock counts from receipt.
STARTED_BY: Final[Mapping[str, str]] = {
    ClockName.SIGN: ClockEvent.ASSIGNED,
    ClockName.PROGRESS: ClockEvent.ACCEPTED,
}
DAY_CLOCKS: Final = (ClockName.REGULATORY, ClockName.EXTERNAL)
CASE_CLOCKS: Final = tuple(name for name in ClockName.values if name not in REVIEW_CLOCKS)
"""The clocks of the case itself; those of a review (核查) run beside it."""

NEVER_PAUSED: Final = frozenset({*DAY_CLOCKS, *REVIEW_CLOCKS})
OWN_LADDER: Final = NEVER_PAUSED
"""Clocks that only the steps naming them warn of: a review is no matter of who decided."""

_AT_RECEIPT: Final = frozenset({ClockEvent.RECEIVED, ClockEvent.REGISTERED})


@dataclass(frozen=True, slots=True)
class ClockRule:
    """What starts and stops one clock (fields of the case), and where it stands still.

    `stops_on` '' = no event of the case ends it (progress notices do); `stands_in` None = wherever
    a case waits. `own_start` and `repeats`: the limit names its start itself; a notice begins the
    next round.
    """

    starts_on: str
    stops_on: str
    stands_in: frozenset[str] | None = None
    own_start: bool = False
    repeats: bool = False

    def begins(self, case: Case) -> datetime | None:
        """Return when the clock of this case begins; None while its event has not happened."""
        moment: datetime | None = getattr(case, self.starts_on)
        return moment

    def ended(self, case: Case) -> datetime | None:
        """Return when its last event happened; None when it has not, or there is none."""
        return getattr(case, self.stops_on) if self.stops_on else None

    def stands(self, status: str) -> bool:
        """Tell whether a pause in this state halts the clock."""
        return self.stands_in is None or status in self.stands_in

    def waits(self, case: Case) -> bool:
        """Tell whether the case waits now, in a state that halts the clock."""
        return case.status in PAUSING and self.stands(case.status)


def rule_of(name: str, limits: Sequence[ClockLimit]) -> ClockRule:
    """Return the rule of a clock: the first of its limits that says something, else as usual.

    The regulatory limit and a referral's deadline never stand still in a waiting state.
    """
    start = next((limit.starts_on for limit in limits if limit.starts_on), "")
    stop = next((limit.stops_on for limit in limits if limit.stops_on), "")
    stands = next((limit.stands_in for limit in limits if limit.stands_in is not None), None)
    if name in NEVER_PAUSED:
        stands = []
    return ClockRule(
        start or STARTED_BY.get(name, ClockEvent.RECEIVED),
        stop or STOPPED_BY.get(name, ""),
        None if stands is None else frozenset(stands),
        own_start=bool(start) and start not in _AT_RECEIPT,
        repeats=any(limit.repeats for limit in limits),
    )


def happened(case: Case, names: Iterable[str], by: Mapping[str, str]) -> frozenset[str]:
    """Return the events that clock names stand for, as far as the case says they happened."""
    fields = {by[name] for name in names if name in by}
    return frozenset(field for field in fields if getattr(case, field) is not None)


def unsaid(case: Case, names: Iterable[str], by: Mapping[str, str]) -> Collection[str]:
    """Return the names behind which no event of the case stands: notices, a refused signature."""
    return [name for name in names if name not in by or getattr(case, by[name]) is None]
