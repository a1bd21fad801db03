"""One case on another version of the rules, worked out in memory: which policy, which due times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from complaints.choices import ClockState
from complaints.clocks.desk import OPEN_STATES, Desk
from complaints.clocks.explaining import Explanation, explain
from complaints.clocks.rules import books
from complaints.clocks.versions import Versions
from complaints.models import Case, ClockPolicy
from config.kernel.models import RuleSet


@dataclass(frozen=True, slots=True)
class TriedClock:
    """One clock of the case; `before` None = it would begin, `after` None = it would end.

    `late`: it would be past due now, and is not yet.
    """

    name: str
    before: datetime | None
    after: datetime | None
    late: bool
    why: Explanation | None

    @property
    def moves(self) -> bool:
        """Tell whether the due time would be another one."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Trial:
    """A case on a version: the policy that would match (None = none does) and its open clocks."""

    policy: ClockPolicy | None
    overlay: ClockPolicy | None
    clocks: Sequence[TriedClock]


def try_case(rule_set: RuleSet, case: Case, at: datetime) -> Trial:
    """Return what a version would do to one case now; nothing is written.

    A case without open clocks is only matched. Some ten queries.
    """
    book = books([rule_set.pk]).get(rule_set.pk)
    if book is None:
        return Trial(None, None, ())
    desk, plan = Desk([case], at), book.plan(case)
    if not desk.cases:  # recorded as history: it has no clocks
        return Trial(plan.policy, plan.overlay, ())
    held = desk.cases[0]
    before = {clock.pk: (clock.due_at, clock.due_at <= at) for clock in desk.open(held)}
    versions = Versions(book)
    versions.measure(desk, versions.affected(desk))
    clocks = []
    for clock in desk.clocks[held.pk]:
        was, was_late = before.get(clock.pk, (None, False))
        runs = clock.state in OPEN_STATES
        if was is None and not (runs and clock.pk is None):
            continue
        now = clock.due_at if runs else None
        late = clock.state == ClockState.MISSED or (runs and clock.due_at <= at)
        why = explain(clock) if runs else None
        clocks.append(TriedClock(clock.name, was, now, late and not was_late, why))
    return Trial(plan.policy, plan.overlay, clocks)
