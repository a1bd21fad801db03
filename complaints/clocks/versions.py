"""Open cases under another version of the rules: which it affects, and what it does to them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from complaints.clocks import birth, history
from complaints.clocks.desk import ClockChange, Desk
from complaints.clocks.events import CASE_CLOCKS
from complaints.clocks.rematching import Matching, measure_anew
from complaints.clocks.rules import Plan, RuleBook
from complaints.models import Case, CaseClock, ClockLimit, LadderStep

APPLIED = "clock.applied"
DROPPED = "clock.dropped"
_LIMIT = (
    "clock", "amount", "unit", "calendar", "repeats", "tracked_only", "extensions", "starts_on",
    "stops_on", "stands_in", "risk_minutes", "risk_percent", "max_pause_days",
)  # fmt: skip
_STEP = (
    "level", "percent", "days_before", "working_days_after", "minutes_before", "minutes_after",
    "channels", "at_once", "audience", "breach",
)  # fmt: skip

Content = tuple[Any, ...]


class Versions:
    """Compares what two versions say for the same case; each pair of rows is compared once."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self._known: dict[Content, Content] = {}

    def affected(self, desk: Desk) -> list[Matching]:
        """Return the cases of a desk that get other terms, each matched to the version.

        A case on the version already is not among them, nor one for which both say the same.
        """
        found = []
        for case in desk.cases:
            old = desk.book(case)
            if old is not None and old.rule_set.pk == self.book.rule_set.pk:
                continue
            before, plan = desk.plan(case), self.book.plan(case)
            if old is None or self._of(old, before, case) != self._of(self.book, plan, case):
                found.append(Matching(case, before, plan, {}))
        pks = {matching.case.pk for matching in found}
        stories = history.of(case for case in desk.cases if case.pk in pks)
        for matching in found:
            matching.stories = stories
        return found

    def measure(self, desk: Desk, matched: Iterable[Matching]) -> list[CaseClock]:
        """Give the affected cases of a desk the terms of the version, in memory.

        Going forward only: ended clocks keep their verdict, breaches, pauses and extensions stay.
        Returns the clocks that had to begin; the facts wait on the desk.
        """
        rows = list(matched)
        desk.books = {**desk.books, **{row.case.pk: self.book for row in rows}}
        born: list[CaseClock] = []
        for row in rows:
            birth.keep_reason(desk, row.case, row.plan)
            told = {"rule_set": self.book.rule_set.pk, "version": self.book.rule_set.number}
            before = row.before.reason.get("policy")
            born += measure_anew(desk, row, {**told, "before": before}, APPLIED)
            if not row.kept and not row.dropped:
                empty = {"policy": row.plan.reason.get("policy"), "at": desk.at, **told}
                desk.tell(row.case, APPLIED, {**empty, "clocks": [], "cancelled": []})
            if row.dropped:
                desk.tell(row.case, DROPPED, {**told, "clocks": row.dropped})
        return born

    def _of(self, book: RuleBook, plan: Plan, case: Case) -> Content:
        codes = [row.code if row else "" for row in (plan.policy, plan.overlay)]
        key = (book.rule_set.pk, *codes, case.severity)
        if key not in self._known:
            self._known[key] = _content(book, plan, case.severity)
        return self._known[key]


def apply_to(cases: Iterable[Case], versions: Versions, at: datetime) -> tuple[ClockChange, int]:
    """Put held cases on another version of the rules; returns the change and how many it affects.

    The caller writes the facts and the fields, as with every verb of the clocks.
    """
    desk = Desk(cases, at)
    matched = versions.affected(desk)
    born = versions.measure(desk, matched)
    return birth.announce(desk, born), len(matched)


def _content(book: RuleBook, plan: Plan, severity: int) -> Content:
    """Return all that a version says about a case, without the names it says it under."""
    limits = {name: tuple(map(_limit, plan.limits.get(name, ()))) for name in CASE_CLOCKS}
    ladders = tuple(
        tuple(_step(step) for step in book.steps_for(limit.clock, severity, limit.policy.code))
        for rows in plan.limits.values()
        for limit in rows
    )
    lead = _limit(plan.lead) if plan.lead else None
    settings: Mapping[str, Any] = book.rule_set.settings
    code = plan.lead.policy.code if plan.lead else ""
    outer = tuple(_step(s) for s in book.steps_for("external", severity, code)) if lead else ()
    return tuple(limits.items()), lead, ladders, outer, repr(sorted(settings.items()))


def _limit(limit: ClockLimit) -> Content:
    return tuple(_plain(getattr(limit, name)) for name in _LIMIT)


def _step(step: LadderStep) -> Content:
    return tuple(_plain(getattr(step, name)) for name in _STEP)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
