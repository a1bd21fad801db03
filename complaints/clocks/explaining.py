"""Why is it due then? One clock told step by step; the counted parts sum to the limit.

Order of the rows as in UX.md §4: received, policy, what was counted day by day, pauses, extension,
referral deadline, due.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from complaints import naming
from complaints.choices import ClockEvent, ClockName, ClockState
from complaints.clocks import bars, history, plainly, timing
from complaints.clocks.bars import Part
from complaints.clocks.desk import run_of
from complaints.clocks.events import STARTED_BY
from complaints.clocks.history import Story
from complaints.clocks.rules import Calendars
from complaints.clocks.timing import Run
from complaints.models import Case, CaseClock, ClockPolicy
from config.shared import worktime
from config.shared.chips import duration_words
from config.shared.words import day_words, in_language, labelled, listed, moment_words, noted
from config.shared.worktime import Kind, Unit

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Row:
    """One line: `seconds` counts towards the total, negative for pauses; None only tells."""

    kind: str
    label: str
    value: str
    seconds: int | None = None
    at: datetime | None = None

    @property
    def total(self) -> bool:
        """Whether this is the result the other rows lead to."""
        return self.kind == "due"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A clock in words. `counted_seconds` is the sum of all rows with seconds.

    `bar` draws the same time: its parts sum to the time from start to due time. `letter` tells a
    customer, in plain paragraphs.
    """

    clock: str
    due_at: datetime
    limit_seconds: int
    provisional: bool
    rows: Sequence[Row] = field(default_factory=list)
    bar: Sequence[Part] = field(default_factory=list)
    letter: str = ""

    @property
    def title(self) -> str:
        """Return the question that is answered."""
        return _("%(clock)s: why %(due)s?") % {
            "clock": self.clock,
            "due": moment_words(self.due_at),
        }

    @property
    def counted_seconds(self) -> int:
        """Return what the parts sum to; equals the limit."""
        return sum(row.seconds or 0 for row in self.rows)

    @property
    def shares(self) -> list[Part]:
        """Return the bar summed by kind, for its legend."""
        return bars.shares(self.bar)

    @property
    def bar_words(self) -> str:
        """Return the bar in words, for those who do not see it."""
        return bars.words(self.bar)

    @property
    def text(self) -> str:
        """Return the explanation as lines, for mails and the clipboard."""
        return "\n".join(labelled(row.label, row.value) for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return plain values, times in ISO."""
        rows = [asdict(row) | {"at": row.at and row.at.isoformat()} for row in self.rows]
        return {
            "clock": self.clock,
            "due_at": self.due_at.isoformat(),
            "limit_seconds": self.limit_seconds,
            "counted_seconds": self.counted_seconds,
            "provisional": self.provisional,
            "rows": rows,
            "bar": [part.as_json() for part in self.bar],
            "letter": self.letter,
        }


def explain(clock: CaseClock) -> Explanation:
    """Tell why a clock is due when it is, from its pins and the record; three or four queries.

    The counted parts, less the pauses, are exactly the time from start to the due time before
    pauses on the clock's own calendar.
    """
    calendars = Calendars(clock.started_at)
    run = run_of(clock, calendars)
    story = history.of([clock.case]).get((clock.case_id, clock.name, clock.round))
    rows = [
        _received(clock),
        _policy(clock),
        *_counted_rows(run, clock),
        *_pauses(run, story, clock),
        *_extensions(story, clock),
        *_ceiling(run, clock),
        _due(clock),
    ]
    limit = timing.counted(run, clock.started_at, clock.due_at) - _paused(run, story, clock)
    stretches = _stretches(story, clock)
    parts = bars.bar(run, clock.due_at, stretches)
    letter = plainly.letter(clock, limit_words(clock), parts, stretches, _extended_to(story))
    return Explanation(
        str(ClockName(clock.name).label),
        clock.due_at,
        limit,
        clock.provisional,
        rows,
        parts,
        letter,
    )


def followed_rule(case: Case) -> str:
    """Return which rule the clocks of a case follow and why; '' when none matched."""
    reason = case.policy_reason or {}
    codes = [code for code in (reason.get("policy"), reason.get("overlay")) if code]
    if not codes:
        return ""
    rows = ClockPolicy.objects.filter(rule_set=reason["rule_set"], code__in=codes)
    names = " + ".join(_name(row) for row in rows.order_by("overlay"))
    why = reason.get("why", {})
    return _("%(names)s, version %(version)s: %(type)s, severity %(severity)s, %(channel)s") % {
        "names": names,
        "version": reason.get("version"),
        "type": naming.feedback_type(why.get("type")),
        "severity": naming.severity(why.get("severity")),
        "channel": naming.intake_channel(why.get("channel")),
    }


def limit_words(clock: CaseClock) -> str:
    """Return the limit as people say it: `3 working days`, `24 hours, day and night`."""
    total = clock.amount
    match Unit(clock.unit):
        case Unit.WORKING_DAYS:
            text = ngettext("%(n)s working day", "%(n)s working days", total)
        case Unit.CALENDAR_DAYS:
            text = ngettext("%(n)s calendar day", "%(n)s calendar days", total)
        case Unit.WORKING_MINUTES:
            return _("%(time)s of working time") % {"time": _hours(total)}
        case _:
            return _("%(time)s, day and night") % {"time": _hours(total)}
    return text % {"n": total}


def _name(policy: ClockPolicy) -> str:
    return in_language(policy.name_en, policy.name_zh)


def _received(clock: CaseClock) -> Row:
    """Return from when the clock counts, named after the event where that is known."""
    own = clock.limit.starts_on if clock.limit else ""
    event = own or STARTED_BY.get(clock.name, ClockEvent.RECEIVED)
    known = getattr(clock.case, event) == clock.started_at
    label = str(ClockEvent(event).label) if known else _("Started")
    return Row("received", label, moment_words(clock.started_at), at=clock.started_at)


def _policy(clock: CaseClock) -> Row:
    if clock.amount == 0:
        return Row("policy", _("Rule"), _("The deadline on the referral"))
    policy = clock.limit.policy if clock.limit else None
    name = _name(policy) if policy else ""
    version = policy.rule_set.number if policy else ""
    detail = _("%(limit)s (%(policy)s, version %(version)s)") % {
        "limit": limit_words(clock),
        "policy": name,
        "version": version,
    }
    return Row("policy", _("Rule"), detail)


def _counted_rows(run: Run, clock: CaseClock) -> Iterator[Row]:
    """Yield what was counted between start and due time: by local day, or one stretch."""
    if not run.unit.uses_calendar:
        seconds = timing.counted(run, clock.started_at, clock.due_at)
        words = _("%(time)s, day and night, holidays included") % {"time": duration_words(seconds)}
        yield Row("counted", _("Counted"), words, seconds)
        return
    if clock.due_at <= clock.started_at:
        return
    days: dict[date, list[worktime.Segment]] = {}
    zone = run.calendar.zone_info
    for segment in worktime.segments(run.calendar, clock.started_at, clock.due_at):
        days.setdefault(segment.start.astimezone(zone).date(), []).append(segment)
    for on, parts in days.items():
        yield _day(run, on, parts)


def _day(run: Run, on: date, parts: Sequence[worktime.Segment]) -> Row:
    """Return the line of one local day: hours that counted, or why none did."""
    zone = run.calendar.zone_info
    open_parts = [part for part in parts if part.counted]
    seconds = sum(round((part.end - part.start).total_seconds()) for part in open_parts)
    label = day_words(on)
    if not open_parts:
        part = next((p for p in parts if p.kind != Kind.CLOSED), parts[0])
        last = (parts[-1].end.astimezone(zone) - _TICK).date()
        if last > on:
            between = pgettext("from day to day", "%(first)s – %(last)s")
            label = between % {"first": label, "last": day_words(last)}
        return Row(str(part.kind), label, _why_not(part), 0)
    spans = listed(
        f"{part.start.astimezone(zone):%H:%M}-{part.end.astimezone(zone):%H:%M}"
        for part in open_parts
    )
    made_up = any(part.kind == Kind.MAKEUP for part in open_parts)
    reason = "" if made_up else _name_of(open_parts[0])
    pattern = _("%(spans)s, make-up working day: %(time)s") if made_up else _("%(spans)s: %(time)s")
    told = noted(spans, reason) if reason else spans
    detail = pattern % {"spans": told, "time": duration_words(seconds)}
    return Row("makeup" if made_up else "counted", label, detail, seconds)


def _name_of(part: worktime.Segment) -> str:
    """Return the name of a special day, its reason; '' for an ordinary one."""
    return in_language(part.name_en, part.name_zh)


def _why_not(part: worktime.Segment) -> str:
    match part.kind:
        case Kind.HOLIDAY:
            return _("holiday, not counted: %(name)s") % {"name": _name_of(part)}
        case Kind.WEEKEND:
            return _("day off, not counted")
        case _:
            return _("closed, not counted")


def _stretches(story: Story | None, clock: CaseClock) -> list[tuple[datetime, datetime | None]]:
    """Return the pauses of a clock; one that still lasts has no end and has moved nothing yet."""
    closed = list(story.pauses) if story else []
    if clock.state == ClockState.PAUSED and clock.paused_at:
        return [*closed, (clock.paused_at, None)]
    return [*closed]


def _paused(run: Run, story: Story | None, clock: CaseClock) -> int:
    return sum(row.seconds or 0 for row in _pauses(run, story, clock)) * -1


def _pauses(run: Run, story: Story | None, clock: CaseClock) -> Iterator[Row]:
    for start, end in _stretches(story, clock):
        if end is None:
            words = _("since %(start)s, still paused") % {"start": moment_words(start)}
            yield Row("paused", _("Paused"), words, 0, start)
            continue
        seconds = timing.counted(run, start, end)
        words = _("%(start)s to %(end)s: %(time)s do not count") % {
            "start": moment_words(start),
            "end": moment_words(end),
            "time": duration_words(seconds),
        }
        yield Row("paused", _("Paused"), words, -seconds, start)


def _extended_to(story: Story | None) -> datetime | None:
    """Return until when people extended the clock last."""
    moves = story.moves if story else ()
    return next((due for act, _days, _was, due in reversed(moves) if act == "clock.extended"), None)


def _extensions(story: Story | None, clock: CaseClock) -> Iterator[Row]:
    """Tell how the due time was moved by people; the moved time is part of what was counted."""
    texts = {
        "clock.extended": _("Extended"),
        "clock.rematched": _("New rule"),
        "clock.recalendared": _("Official calendar"),
        "clock.applied": _("New version of the rules"),
    }
    for action, days, was, due in story.moves if story else ():
        if action not in texts:
            continue
        pattern = (
            _("by %(days)s days, from %(was)s to %(due)s") if days else _("from %(was)s to %(due)s")
        )
        words = pattern % {"days": days, "was": moment_words(was), "due": moment_words(due)}
        yield Row("moved", texts[action], words, at=due)


def _ceiling(run: Run, clock: CaseClock) -> Iterator[Row]:
    if clock.ceiling_at and clock.amount and clock.due_at == clock.ceiling_at:
        words = _("no later than %(at)s, ahead of the referral's deadline")
        detail = words % {"at": moment_words(clock.ceiling_at)}
        yield Row("ceiling", _("Referral"), detail, at=clock.ceiling_at)


def _due(clock: CaseClock) -> Row:
    words = moment_words(clock.due_at)
    if clock.provisional:
        words = _("%(at)s (provisional: the official calendar of that year is not published)") % {
            "at": words
        }
    return Row("due", _("Due"), words, at=clock.due_at)


def _hours(minutes: int) -> str:
    if minutes % 60:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    hours = minutes // 60
    return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
