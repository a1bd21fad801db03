"""What the clocks of one sweep pin: rule versions, calendars, and the people of the moment."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Final

from complaints.clocks.audience import Directory
from complaints.clocks.rules import Calendars, RuleBook, books
from complaints.clocks.timing import Office
from complaints.models import CaseClock, ClockLimit, LadderStep
from config.kernel.models import RuleSet
from config.shared import worktime
from config.shared.memo import Lasting
from config.shared.worktime import Calendar

_VERSIONS: Final[Lasting[int]] = Lasting()
"""The version of the rules that a limit stands in, by pk of the limit."""


class Rules:
    """One version of the rules, with what the sweep asks of it again and again."""

    def __init__(self, book: RuleBook, calendars: Calendars) -> None:
        self.book = book
        self._calendars = calendars
        self._steps: dict[tuple[str, int, str], list[LadderStep]] = {}
        self._codes = {
            limit.pk: policy.code
            for policy in book.policies
            for limit in book.limits.get(policy.pk, ())
        }

    @cached_property
    def office(self) -> Office:
        """Where and when warnings are read."""
        return self.book.office(self._calendars)

    def is_open(self, at: datetime) -> bool:
        """Tell whether the office is open at that moment."""
        return worktime.is_open(self.office.calendar, at)

    def steps(self, name: str, severity: int, policy: str = "") -> list[LadderStep]:
        """Return the ladder of a clock of a case of this severity; `policy` is a code."""
        key = (name, severity, policy)
        if key not in self._steps:
            self._steps[key] = self.book.steps_for(name, severity, policy)
        return self._steps[key]

    def policy(self, clock: CaseClock) -> str:
        """Return the code of the policy that a clock's limit stands in."""
        return self._codes.get(clock.limit_id or 0, "")


class Pins:
    """Versions that the clocks of one sweep pin, each read once; no row per clock is joined."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._calendars = Calendars(at)
        self._rules: dict[int | None, Rules] = {}
        self._hours: dict[int | None, Calendar] = {None: self._calendars.of(None)}
        self._directories: dict[str, Directory] = {}

    def read(self, clocks: Iterable[CaseClock]) -> None:
        """Read what these clocks pin and no clock before them did."""
        pinned = {(clock.limit_id, clock.calendar_id) for clock in clocks}
        limits = {limit for limit, _hours in pinned if limit}
        if new := limits - _VERSIONS.keys():
            known = ClockLimit.objects.filter(pk__in=new)
            _VERSIONS.update(known.values_list("pk", "policy__rule_set_id"))
        versions = {_VERSIONS[limit] for limit in limits} - self._rules.keys()
        if versions:
            read = books(versions)
            self._rules |= {pk: Rules(book, self._calendars) for pk, book in read.items()}
        hours = {hours for _limit, hours in pinned if hours} - self._hours.keys()
        if hours:
            for row in RuleSet.objects.filter(pk__in=hours):
                self._hours[row.pk] = self._calendars.of(row)

    def rules(self, clock: CaseClock) -> Rules | None:
        """Return the rules a clock runs under; None for a clock without a limit of the rules."""
        return self._rules.get(_VERSIONS.get(clock.limit_id or 0))

    def is_open(self, clock: CaseClock) -> bool:
        """Tell whether the office of the clock's rules is open at the moment of the sweep."""
        rules = self.rules(clock)
        return rules is None or rules.is_open(self.at)

    def hours(self, clock: CaseClock) -> Calendar:
        """Return the calendar a clock counts on."""
        return self._hours[clock.calendar_id]

    def directory(self, clock: CaseClock) -> Directory:
        """Return who is who, with the complaint office that the clock's rules name."""
        rules = self.rules(clock)
        code = rules.book.complaint_office if rules else "CMPT"
        if code not in self._directories:
            self._directories[code] = Directory(code)
        return self._directories[code]
