"""Whether the ladder of a version makes sense for its real limits, walked on a sample week."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import ClockName, Severity
from complaints.clocks import timing
from complaints.clocks.policy_words import clock_name, names_of, step_when
from complaints.clocks.rules import DEPARTMENT, RuleBook
from complaints.clocks.timing import Office, Point, Run
from complaints.models import ClockLimit, ClockPolicy, LadderStep
from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from config.kernel.rule_kinds import ERROR, WARNING, Finding
from config.shared import worktime
from config.shared.words import listed
from config.shared.worktime import Calendar, Unit
from staff import calendar as calendars_room

# A Monday morning, and a Friday afternoon whose limits cross a weekend.
SAMPLES: Final = ("2026-03-09 10:00", "2026-03-13 16:30")

_FAULTS: Final[Mapping[str, Promise]] = {
    "no_breach": gettext_lazy(
        "“%(row)s”: the ladder has no breach step for %(clocks)s, so lateness is never noted."
    ),
    "level_twice": gettext_lazy("“%(row)s”: level %(level)s stands twice for %(clocks)s."),
    "ladder_order": gettext_lazy(
        "“%(row)s”, %(clocks)s: level %(high)s (%(high_when)s) comes before level %(low)s "
        "(%(low_when)s). Change one of them."
    ),
}


def ladder_findings(book: RuleBook) -> list[Finding]:
    """Return what is wrong with the steps of a version; at most four queries per calendar."""
    walk = _Walk()
    found = [*_steps(book)]
    for policy in book.policies:
        limits = [
            limit
            for limit in book.limits.get(policy.pk, ())
            if not limit.tracked_only and not (policy.overlay and limit.clock == ClockName.EXTERNAL)
        ]
        found += _of_policy(book, policy, limits, walk)
    return found


class _Walk:
    """The newest hours of each calendar, built once."""

    def __init__(self) -> None:
        self._always = Calendar.always(settings.TIME_ZONE)
        self._built: dict[str, Calendar | None] = {"": self._always}

    def of(self, key: str) -> Calendar | None:
        """Return the hours of a calendar by key; None when none was published."""
        key = calendars_room.BANK if key == DEPARTMENT else key
        if key not in self._built:
            kept = RuleSet.objects.filter(kind=f"calendar:{key}", state=RuleState.PUBLISHED)
            newest = kept.order_by("-valid_from", "-number").first()
            hours = calendars_room.of_versions([newest.pk])[newest.pk] if newest else None
            self._built[key] = hours
        return self._built[key]

    def points(
        self, book: RuleBook, limit: ClockLimit, steps: Sequence[LadderStep]
    ) -> Iterator[list[Point]]:
        """Yield the moments of the steps for each sample start; none without a calendar."""
        hours, office = (
            self.of(limit.calendar),
            self.of(str(book.rule_set.settings.get("calendar", calendars_room.BANK))),
        )
        if hours is None or office is None:
            return
        read = Office(office, book.rule_set.settings.get("warn_minute", 540))
        for text in SAMPLES:
            start = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(settings.TIME_ZONE))
            run = Run(hours, Unit(limit.unit), limit.amount, start)
            try:
                yield timing.ladder(run, timing.due_at(run), steps, read)
            except (worktime.BeyondHorizon, worktime.NoOpening):
                return


def _steps(book: RuleBook) -> Iterator[Finding]:
    """Yield steps that nobody hears or that name a policy which is not there."""
    codes = {policy.code for policy in book.policies}
    for step in book.steps:
        told: dict[str, object] = {"level": step.level, "when": step_when(step)}
        if not step.audience:
            words = _("Level %(level)s (%(when)s) tells nobody. Say who is told.")
            yield Finding(ERROR, "audience", str(step.level), words % told)
        if gone := sorted(set(step.policies) - codes):
            words = _("Level %(level)s (%(when)s) is for the policy %(code)s, which is not here.")
            told["code"] = gone[0]
            yield Finding(ERROR, "step_policy", str(step.level), words % told)


def _of_policy(
    book: RuleBook, policy: ClockPolicy, limits: Sequence[ClockLimit], walk: _Walk
) -> Iterator[Finding]:
    """Yield findings about the ladders of one policy; clocks with the same fault stand together."""
    faults: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[str]] = {}
    for limit in limits:
        for severity in policy.severities or Severity.values:
            steps = book.steps_for(limit.clock, severity, policy.code)
            for fault in _faults(steps, walk.points(book, limit, steps)):
                clocks = faults.setdefault(fault, [])
                if limit.clock not in clocks:
                    clocks.append(limit.clock)
    for (level, code, told), clocks in faults.items():
        words = {
            "row": names_of(policy)[0],
            "clocks": listed(clock_name(clock) for clock in clocks),
            **dict(told),
        }
        yield Finding(level, code, policy.code, str(_FAULTS[code]) % words)


def _faults(
    steps: Sequence[LadderStep], walks: Iterable[Sequence[Point]]
) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Yield level, code and figures of what is wrong with one ladder."""
    if not any(step.breach for step in steps):
        yield ERROR, "no_breach", ()
    levels = [step.level for step in steps]
    for level in sorted({level for level in levels if levels.count(level) > 1}):
        yield ERROR, "level_twice", (("level", str(level)),)
    for points in walks:
        for low, high in _out_of_order(points):
            yield (
                WARNING,
                "ladder_order",
                (
                    ("high", str(high.level)),
                    ("high_when", step_when(high)),
                    ("low", str(low.level)),
                    ("low_when", step_when(low)),
                ),
            )


def _out_of_order(points: Sequence[Point]) -> Iterator[tuple[LadderStep, LadderStep]]:
    """Yield the pairs of neighbouring levels of which the higher one comes first."""
    by_level = sorted(points, key=lambda point: point.step.level)
    for low, high in pairwise(by_level):
        if high.at < low.at:
            yield low.step, high.step
