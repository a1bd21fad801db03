"""How clock entries read in the record, and what the room registers about clocks."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from complaints import naming
from complaints.choices import ClockName, ClockState
from complaints.clocks.audience import barred
from complaints.clocks.escalating import sweep
from complaints.clocks.following import job_handler
from complaints.clocks.telling import kinds, settled, step_words
from config.kernel.journal import Action
from config.kernel.notice_mail import NoticeGuard
from config.shared.registry import Contribution, DueWork
from config.shared.words import listed, moment_words, noted
from staff.duty import DutyMatter

EVERY: Final = timedelta(seconds=30)


def contributions() -> list[Contribution]:
    """Return the actions, notice kinds, guards, due work and job of the clocks."""
    guard = NoticeGuard("cases", barred)
    matter = DutyMatter("cases", settled)
    return [*_actions(), *kinds(), guard, matter, DueWork("clocks", sweep, EVERY), job_handler()]


def _actions() -> Iterable[Action]:
    name, due = {"name": _label}, {"due": _when}
    clocks = {"clocks": clock_labels, "policy": naming.policy}
    yield Action(
        "clock.started", _("Clocks started, rule “%(policy)s”: %(clocks)s"), "clock", clocks
    )
    yield Action("clock.none", _("No rule sets a time limit for this case"), "clock-off")
    yield Action("clock.stopped", _("Clocks stopped: %(clocks)s"), "clock-check", clocks)
    yield Action("clock.cancelled", _("Clocks ended: %(clocks)s"), "clock-off", clocks)
    yield Action("clock.paused", _("Clocks paused: %(clocks)s"), "clock-pause", clocks)
    yield Action("clock.resumed", _("Clocks run again: %(clocks)s"), "clock-play", clocks)
    yield Action(
        "clock.extended",
        _("%(name)s extended by %(days)s days, now due %(due)s"),
        "clock-plus",
        {**name, **due},
    )
    yield Action(
        "clock.rematched", _("Clocks matched again, rule “%(policy)s”: %(clocks)s"), "clock", clocks
    )
    yield Action(
        "clock.recalendared",
        _("Due times follow the official calendar: %(clocks)s"),
        "calendar",
        clocks,
    )
    yield Action(
        "clock.breached", _("Past due when registered: %(clocks)s"), "alert-triangle", clocks
    )
    yield Action(
        "clock.escalated",
        _("%(name)s: %(step)s (due %(due)s)"),
        "trending-up",
        {**name, **due, "step": step_words},
    )
    yield Action("clock.repaired", _("Due times were corrected from the record"), "tool")


def _label(code: str) -> object:
    return ClockName(code).label if code in ClockName.values else code


def _when(text: str) -> str:
    return moment_words(datetime.fromisoformat(text))


def clock_labels(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the clocks of an entry, each with its verdict or due time."""
    return listed(_one(row) for row in rows) or "—"


def _one(row: Mapping[str, Any]) -> str:
    """Return a clock with its verdict, or else with its due time."""
    label = str(_label(row["name"]))
    if row.get("state") in ClockState.values:
        return noted(label, ClockState(row["state"]).label)
    return noted(label, _when(row["due"])) if row.get("due") else label
