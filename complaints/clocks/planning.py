"""What clocks a case would get, without writing anything: for the form that registers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from complaints.clocks import birth
from complaints.clocks.desk import Desk
from complaints.models import Case

_UNSAVED = 0  # a key no row has


@dataclass(frozen=True, slots=True)
class Planned:
    """Code of the policy that would match ('' = none), and due time by clock name.

    `provisional` are the clocks whose due time reaches into a year not yet official.
    """

    policy: str = ""
    due: Mapping[str, datetime] = field(default_factory=dict)
    provisional: frozenset[str] = frozenset()


def planned(case: Case, *, at: datetime) -> Planned:
    """Return what registering this unsaved case now would start; the object is changed, no row."""
    case.pk = _UNSAVED
    desk = Desk([case], at)
    born = birth.begin(desk, None, None)
    open_ones = [clock for clock in born if clock.stopped_at is None]
    return Planned(
        policy=str((case.policy_reason or {}).get("policy") or ""),
        due={clock.name: clock.due_at for clock in open_ones},
        provisional=frozenset(clock.name for clock in open_ones if clock.provisional),
    )
