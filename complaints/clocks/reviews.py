"""The clocks of a review of an objection (核查): beside the case's own, which stay stopped."""

from collections.abc import Collection, Iterable
from datetime import datetime

from complaints.choices import REVIEW_CLOCKS, ClockName
from complaints.clocks import birth
from complaints.clocks.desk import ClockChange, Desk
from complaints.clocks.verdicts import end_all
from complaints.models import Case


def begin_review(cases: Iterable[Case], at: datetime, since: datetime) -> ClockChange:
    """Start the clocks of a review from the receipt of the objection, under the rules in force."""
    desk = Desk(cases, at)
    return birth.announce(desk, birth.begin_review(desk, since, REVIEW_CLOCKS))


def end_review(
    cases: Iterable[Case], at: datetime, names: Collection[str] = REVIEW_CLOCKS
) -> ClockChange:
    """Stop clocks of a review at their event; without `names` all of them."""
    desk = Desk(cases, at)
    for case in desk.cases:
        end_all(desk, case, list(desk.open(case, names)))
    return desk.save()


def step_review(cases: Iterable[Case], at: datetime) -> ClockChange:
    """Note that the customer was told how far the review is: the next notice is due from now."""
    desk = Desk(cases, at)
    for case in desk.cases:
        end_all(desk, case, list(desk.open(case, [ClockName.REVIEW_STEP])))
    return birth.announce(desk, birth.begin_review(desk, at, [ClockName.REVIEW_STEP]))
