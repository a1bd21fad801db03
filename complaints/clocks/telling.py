"""Notices about clocks: what kinds there are, and the rows for one step or one case."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from complaints.choices import ClockName
from complaints.clocks.audience import Audience
from complaints.clocks.timing import Point, step_code
from complaints.models import Case, CaseClock, LadderStep
from config.kernel import notices
from config.kernel.models import Notice
from config.kernel.models.outbox import Channel
from config.kernel.notices import NoticeKind, Telling
from config.shared.chips import duration_words
from staff import duty
from staff.duty import DutyTelling
from staff.models import DutyCall

_TITLES: dict[str, tuple[Any, str]] = {
    "warning": (_("Case %(number)s: {clock}, %(step)s"), "hourglass"),
    "breach": (_("Case %(number)s: {clock} is overdue"), "alert-triangle"),
    "escalated": (_("Case %(number)s: {clock} still overdue, raised to you"), "trending-up"),
    "late": (_("Case %(number)s: {clock} was past due when registered"), "alert-triangle"),
}
_STEP: Final = re.compile(r"(?P<sign>[-+]?)(?P<n>\d+)(?P<unit>%|d|wd|m)")
_ANSWERING: Final = {
    ClockName.ACKNOWLEDGE: "officer",
    ClockName.ACCEPT: "officer",
    ClockName.SIGN: "department_head",
}
"""Who is asked why a clock ran out (a word of the audience), where it is not the handler."""
CRITICAL: Final = "case.critical"


def kinds() -> list[NoticeKind]:
    """Return the kinds of notices about clocks; one per stage and clock, so both can be worded."""
    by_clock = [
        NoticeKind(
            f"clock.{stage}.{name.value}",
            format_lazy(title, clock=name.label),
            icon,
            case_link,
            show={"step": step_words},
        )
        for stage, (title, icon) in _TITLES.items()
        for name in ClockName
    ]
    asked = [
        NoticeKind(
            delay_kind(name),
            format_lazy(_("Case %(number)s: {clock} is overdue, say why"), clock=name.label),
            "message-question",
            delay_link,
            _("Give the reason"),
        )
        for name in ClockName
    ]
    return [
        *by_clock,
        *asked,
        NoticeKind(
            "clock.resumed", _("Case %(number)s: the pause has ended"), "player-play", case_link
        ),
        NoticeKind(CRITICAL, _("Case %(number)s is critical"), "urgent", case_link),
    ]


def case_link(notice: Notice) -> str:
    """Return the address of the case a notice is about."""
    try:
        return reverse("case", args=[notice.about.removeprefix("case:")])
    except NoReverseMatch:
        return ""


def delay_kind(name: str) -> str:
    """Return the kind of the notice that asks why a clock ran out."""
    return f"clock.delay.{name}"


def delay_about(clock: CaseClock) -> str:
    """Return what such a notice is about: the clock, so that ending the case leaves it open."""
    return f"clock:{clock.pk}"


def delay_link(notice: Notice) -> str:
    """Return the page where the reason is given."""
    try:
        number, clock = notice.facts["number"], notice.about.removeprefix("clock:")
        return reverse("case_delay", args=[number, clock])
    except (NoReverseMatch, KeyError):
        return ""


def step_words(code: Any) -> str:
    """Return a step of a ladder by its short name (`80%`, `-3d`, `-120m`, `+60m`, `+1wd`)."""
    told = _STEP.fullmatch(str(code))
    if told is None:
        return str(code)
    n = int(told["n"])
    if told["unit"] == "d":
        text = ngettext("%(n)s day before it is due", "%(n)s days before it is due", n)
        text = text if n else gettext("on the day it is due")
    elif told["unit"] == "m":
        before = gettext("%(time)s before it is due")
        pattern = gettext("%(time)s after it was due") if told["sign"] == "+" else before
        return pattern % {"time": duration_words(n * 60)}
    elif told["unit"] == "wd":
        text = ngettext(
            "%(n)s working day after it was due", "%(n)s working days after it was due", n
        )
    else:
        text = gettext("%(n)s%% of the time used")
    return text % {"n": n}


def stage_of(step: LadderStep) -> str:
    """Return warning, breach or escalated for a step."""
    if step.breach:
        return "breach"
    ahead = step.days_before is not None or step.minutes_before is not None
    ahead = ahead or (step.percent is not None and step.percent < 100)
    return "warning" if ahead else "escalated"


def step_tellings(
    case: Case, clock: CaseClock, point: Point, people: Iterable[int], *, stage: str = ""
) -> list[Telling]:
    """Return the notices of one step, one per person (pk), with the channels of the step."""
    step = point.step
    kind, facts = _what(case, clock, step, stage)
    return [
        Telling(
            f"{_key(clock, step)}:{person}",
            person,
            kind,
            case.about,
            facts,
            channels=tuple(step.channels),
            at_once=step.at_once,
        )
        for person in people
    ]


def delay_tellings(
    case: Case, clock: CaseClock, step: LadderStep, audience: Audience
) -> list[Telling]:
    """Return the notices that ask why a clock ran out, to whoever was to act; once per due time.

    They wait for the person's hours, whatever the step does: the time is lost already.
    """
    facts = {
        "number": case.number,
        "clock": clock.name,
        "due": clock.due_at.isoformat(),
    }
    by_mail = tuple(channel for channel in step.channels if channel == Channel.EMAIL)
    return [
        Telling(
            f"delay:{clock.pk}:{clock.due_rev}:{person}",
            person,
            delay_kind(clock.name),
            delay_about(clock),
            facts,
            needs_action=True,
            channels=by_mail,
        )
        for person in audience.of(case, [_ANSWERING.get(ClockName(clock.name), "handler")])
    ]


def step_call(case: Case, clock: CaseClock, point: Point, audience: Audience) -> DutyTelling | None:
    """Return the call to whoever is on duty about a step; none for a restricted case."""
    if case.restricted:
        return None
    kind, facts = _what(case, clock, point.step)
    key = _key(clock, point.step)
    return DutyTelling(key, kind, case.about, facts, out=frozenset(audience.recused(case)))


def call_critical(cases: Iterable[Case], audience: Audience, *, at: datetime) -> int:
    """Call the duty leader to critical cases, once per case; returns how many were told.

    Of a restricted case compliance and its handler are told instead, with the same urgency.
    """
    rows = list(cases)
    notices.tell([t for case in rows if case.restricted for t in _critical(case, audience)], at=at)
    return duty.call(
        [
            DutyTelling(
                f"critical:{case.pk}",
                CRITICAL,
                case.about,
                {"number": case.number},
                out=frozenset(audience.recused(case)),
            )
            for case in rows
            if not case.restricted
        ],
        at=at,
    )


def settled(call: DutyCall) -> bool:
    """Tell whether a call needs nobody any more: its clock has stopped, its case was answered."""
    kind, _colon, rest = call.key.partition(":")
    pk = rest.partition(":")[0]
    if kind == "clock":
        return not CaseClock.objects.filter(pk=pk, stopped_at__isnull=True).exists()
    return kind == "critical" and not Case.objects.open().filter(pk=pk).exists()


def _critical(case: Case, audience: Audience) -> list[Telling]:
    return [
        Telling(
            f"critical:{case.pk}:{person}",
            person,
            CRITICAL,
            case.about,
            {"number": case.number},
            needs_action=True,
            channels=(Channel.SMS, Channel.EMAIL),
            at_once=True,
        )
        for person in audience.of(case, ["duty_leader"])
    ]


def _key(clock: CaseClock, step: LadderStep) -> str:
    return f"clock:{clock.pk}:{clock.due_rev}:{step.level}"


def _what(
    case: Case, clock: CaseClock, step: LadderStep, stage: str = ""
) -> tuple[str, dict[str, object]]:
    """Return kind and facts of the notices about a step."""
    facts: dict[str, object] = {
        "number": case.number,
        "clock": clock.name,
        "step": step_code(step),
        "due": clock.due_at.isoformat(),
    }
    return f"clock.{stage or stage_of(step)}.{clock.name}", facts
