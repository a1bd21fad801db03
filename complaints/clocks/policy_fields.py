"""What the fields of a clock policy may hold: the data of a draft, and in words what is wrong.

`wrong_policy`, `wrong_steps` and `wrong_settings` return a list of (field, words); a field of a
clock is named `resolve.amount`, of the third step `3.percent`.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.choices import PAUSING, REVIEW_CLOCKS, ClockEvent, ClockName, Severity
from complaints.clocks.events import DAY_CLOCKS
from complaints.clocks.rules import DEPARTMENT, REVIEW, VULNERABLE
from complaints.models.rules import LimitUnit
from config.kernel.models import RuleSet, Term
from config.kernel.models.rules import RuleState
from config.shared.words import listed
from customers.models.customer import Tier
from staff.models import Department

MOST_DAYS: Final = 400
DAY_MINUTES: Final = 1440
AUDIENCE: Final = (
    "handler", "officer", "supervisor", "department_head", "branch_head", "complaint_head",
    "executive", "duty_leader", "rm", "watchers",
)  # fmt: skip
CHANNELS: Final = ("email", "sms")
MOMENTS: Final = (
    "percent", "days_before", "working_days_after", "minutes_before", "minutes_after",
)  # fmt: skip
REPEATING: Final = (ClockName.PROGRESS, ClockName.REVIEW_STEP)
_DAY_UNITS: Final = (LimitUnit.WORKING_DAYS, LimitUnit.CALENDAR_DAYS)
_ON_CALENDAR: Final = (LimitUnit.WORKING_MINUTES, LimitUnit.WORKING_DAYS)
_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,39}")
_WHOLE: Final = 100
_OUTER: Final = {"starts_on": ClockEvent.RECEIVED, "stops_on": ClockEvent.NOTIFIED}
_NOT_ANY: Final = _("This list does not know: %(codes)s.")

Wrong = tuple[str, Promise | str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class LimitData:
    """One clock of a policy, with the fields of ClockLimit."""

    clock: str
    amount: int
    unit: str
    calendar: str = ""
    repeats: bool = False
    tracked_only: bool = False
    extensions: Sequence[int] = ()
    starts_on: str = ""
    stops_on: str = ""
    stands_in: Sequence[str] | None = None
    risk_minutes: int | None = None
    risk_percent: int | None = None
    max_pause_days: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyData:
    """One policy, with the fields of ClockPolicy; an empty list means any.

    `code` '' of a new policy is made from its place.
    """

    name_en: str
    name_zh: str
    code: str = ""
    types: Sequence[str] = ()
    severities: Sequence[int] = ()
    tiers: Sequence[str] = ()
    channels: Sequence[str] = ()
    overlay: bool = False
    origin: str = ""
    limits: Sequence[LimitData] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class StepData:
    """One step of the ladder, with the fields of LadderStep; `level` None = counted by place."""

    audience: Sequence[str]
    percent: int | None = None
    days_before: int | None = None
    working_days_after: int | None = None
    minutes_before: int | None = None
    minutes_after: int | None = None
    level: int | None = None
    clocks: Sequence[str] = ()
    policies: Sequence[str] = ()
    channels: Sequence[str] = ()
    at_once: bool = False
    min_severity: int = 1
    breach: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The codes a policy may name; four queries."""

    types: Collection[str]
    channels: Collection[str]
    calendars: Collection[str]
    departments: Collection[str]

    @classmethod
    def read(cls) -> "Known":
        """Read the lists; of terms also those no longer used, as old rules may name them."""
        terms = Term.objects.filter(taxonomy__in=["feedback_type", "intake_channel"])
        named: dict[str, set[str]] = {"feedback_type": {REVIEW}, "intake_channel": set()}
        for taxonomy, code in terms.values_list("taxonomy", "code"):
            named[taxonomy].add(code)
        kept = RuleSet.objects.filter(kind__startswith="calendar:").exclude(state=RuleState.RETIRED)
        calendars = {kind.partition(":")[2] for kind in kept.values_list("kind", flat=True)}
        units = Department.objects.filter(active=True).values_list("code", flat=True)
        return cls(
            named["feedback_type"], named["intake_channel"], {*calendars, DEPARTMENT}, set(units)
        )


def wrong_policy(data: PolicyData, known: Known) -> list[Wrong]:
    """Return what is wrong with a policy and its clocks."""
    found = list(_wrong_texts(data))
    for name, allowed in (
        ("types", known.types),
        ("severities", set(Severity.values)),
        ("tiers", {*Tier.values, VULNERABLE}),
        ("channels", known.channels),
    ):
        found += _unknown(name, getattr(data, name), allowed)
    if not data.limits:
        found.append(("limits", _("Give the policy at least one clock."), {}))
    names = [limit.clock for limit in data.limits]
    for name in sorted({name for name in names if names.count(name) > 1}):
        found.append((f"{name}.clock", _("A policy has each clock only once."), {}))
    for limit in data.limits:
        found += [(f"{limit.clock}.{name}", words, more) for name, words, more in
                  _wrong_limit(limit, known, overlay=data.overlay, types=data.types)]  # fmt: skip
    return found


def _wrong_texts(data: PolicyData) -> Iterable[Wrong]:
    for name, longest in (("name_en", 120), ("name_zh", 120), ("origin", 60), ("code", 40)):
        text = getattr(data, name)
        if name.startswith("name") and not text.strip():
            yield name, _("Give the policy a name in both languages."), {}
        elif len(text) > longest or "\x00" in text:
            yield name, _("At most %(most)s characters."), {"most": longest}
    if data.code and not _CODE.fullmatch(data.code):
        yield "code", _("A code has capital letters, digits and hyphens only."), {}


def _wrong_limit(
    limit: LimitData, known: Known, *, overlay: bool, types: Collection[str]
) -> Iterable[Wrong]:
    """Yield what is wrong with one clock."""
    if limit.clock not in ClockName.values:
        yield "clock", _NOT_ANY, {"codes": limit.clock}
        return
    if limit.unit not in LimitUnit.values:
        yield "unit", _NOT_ANY, {"codes": limit.unit}
        return
    yield from _wrong_amounts(limit)
    yield from _wrong_calendar(limit, known)
    yield from _wrong_events(limit)
    if limit.repeats and limit.clock not in REPEATING:
        yield "repeats", _("Only notices of progress repeat."), {}
    if limit.clock == ClockName.EXTERNAL and not overlay:
        words = _("Only a policy that is added to others (referrals) sets this lead time.")
        yield "clock", words, {}
    if limit.clock == ClockName.EXTERNAL and limit.unit != LimitUnit.WORKING_DAYS:
        yield "unit", _("The lead before a referral's deadline is given in working days."), {}
    if (limit.clock in REVIEW_CLOCKS) != (REVIEW in types):
        words = _("Clocks of a review stand in a policy for reviews, and only these do.")
        yield "clock", words, {}


def _wrong_amounts(limit: LimitData) -> Iterable[Wrong]:
    minutes = limit.unit not in _DAY_UNITS
    most = MOST_DAYS * DAY_MINUTES if minutes else MOST_DAYS
    if not 1 <= limit.amount <= most:
        yield "amount", _("Give a number from 1 to %(most)s."), {"most": most}
        return
    if limit.extensions and minutes:
        yield "extensions", _("Only a limit in days is extended by days."), {}
    elif list(limit.extensions) != sorted({x for x in limit.extensions if x > limit.amount}):
        words = _("Totals after each extension rise, and are longer than the limit itself.")
        yield "extensions", words, {}
    elif limit.extensions and limit.extensions[-1] > MOST_DAYS:
        yield "extensions", _("Give a number from 1 to %(most)s."), {"most": MOST_DAYS}
    length = limit.amount if minutes else limit.amount * DAY_MINUTES
    if limit.risk_minutes is not None and not 1 <= limit.risk_minutes < length:
        yield "risk_minutes", _("The risk line is shorter than the limit itself."), {}
    if limit.risk_percent is not None and not 1 <= limit.risk_percent <= 99:
        yield "risk_percent", _("Give a number from 1 to %(most)s."), {"most": 99}
    if limit.max_pause_days is not None and not 1 <= limit.max_pause_days <= MOST_DAYS:
        yield "max_pause_days", _("Give a number from 1 to %(most)s."), {"most": MOST_DAYS}


def _wrong_calendar(limit: LimitData, known: Known) -> Iterable[Wrong]:
    if limit.calendar and limit.calendar not in known.calendars:
        yield "calendar", _NOT_ANY, {"codes": limit.calendar}
    elif limit.unit in _ON_CALENDAR and not limit.calendar:
        yield "calendar", _("Working time needs a calendar."), {}
    elif limit.unit == LimitUnit.ELAPSED_MINUTES and limit.calendar:
        yield "calendar", _("Minutes day and night have no calendar."), {}


def _wrong_events(limit: LimitData) -> Iterable[Wrong]:
    """Yield what is wrong with start, stop and waiting states; the outer limits have their own."""
    for name in ("starts_on", "stops_on"):
        yield from _unknown(name, [getattr(limit, name) or "received_at"], ClockEvent.values)
    if limit.starts_on and limit.starts_on == limit.stops_on:
        yield "stops_on", _("A clock does not stop with the event that starts it."), {}
    outside = limit.clock in DAY_CLOCKS
    for name, event in _OUTER.items() if outside else ():
        if getattr(limit, name) not in ("", event):
            words = _("This limit is set from outside: it runs from receipt until told.")
            yield name, words, {}
    if outside and limit.stands_in:
        words = _("This limit is set from outside: no waiting state lets it stand still.")
        yield "stands_in", words, {}
    elif set(limit.stands_in or ()) - {str(state) for state in PAUSING}:
        labels = listed(state.label for state in PAUSING)
        words = _("A clock stands still only in waiting states: %(states)s.")
        yield "stands_in", words, {"states": labels}


def wrong_steps(steps: Sequence[StepData], policies: Collection[str]) -> list[Wrong]:
    """Return what is wrong with a ladder; `policies` are the codes it may name."""
    found: list[Wrong] = []
    for place, step in enumerate(steps, start=1):
        found += [(f"{place}.{name}", words, more) for name, words, more in
                  _wrong_step(step, policies)]  # fmt: skip
    return found


def _wrong_step(step: StepData, policies: Collection[str]) -> Iterable[Wrong]:
    given = [name for name in MOMENTS if getattr(step, name) is not None]
    if len(given) != 1:
        yield "moment", _("Say once when the step is taken."), {}
    for name in given:
        least = 0 if name == "days_before" else 1
        most = {"percent": 1000}.get(name, MOST_DAYS * (DAY_MINUTES if "minutes" in name else 1))
        if not least <= getattr(step, name) <= most:
            told = {"least": least, "most": most}
            yield name, _("Give a number from %(least)s to %(most)s."), told
    if step.breach and step.percent != _WHOLE:
        yield "breach", _("The breach is the step at 100 percent of the clock."), {}
    if not step.audience:
        yield "audience", _("Say who is told."), {}
    yield from _unknown("audience", step.audience, AUDIENCE)
    yield from _unknown("channels", step.channels, CHANNELS)
    yield from _unknown("clocks", step.clocks, ClockName.values)
    yield from _unknown("policies", step.policies, policies)
    yield from _unknown("min_severity", [step.min_severity], Severity.values)


def wrong_settings(values: Mapping[str, Any], known: Known) -> list[Wrong]:
    """Return what is wrong with the settings of a version; only those given are looked at."""
    most = {
        "risk_minutes": 10 * DAY_MINUTES,
        "risk_percent": 99,
        "max_pause_days": MOST_DAYS,
        "handler_limit": 999,
        "hourly_intake": 9999,
    }
    found: list[Wrong] = []
    for name, value in values.items():
        if name in most:
            if not isinstance(value, int) or not 1 <= value <= most[name]:
                words = _("Give a number from 1 to %(most)s.")
                found.append((name, words, {"most": most[name]}))
        elif name == "warn_minute":
            if not isinstance(value, int) or not 0 <= value < DAY_MINUTES:
                found.append((name, _("Give a time of the day."), {}))
        elif name == "calendar":
            found += _unknown(name, [value], set(known.calendars) - {DEPARTMENT})
        elif name == "complaint_office":
            found += _unknown(name, [value], known.departments)
        else:
            found.append((name, _NOT_ANY, {"codes": name}))
    return found


def _unknown(name: str, given: Iterable[Any], allowed: Collection[Any]) -> list[Wrong]:
    odd = [str(code) for code in given if code not in allowed]
    return [(name, _NOT_ANY, {"codes": listed(odd)})] if odd else []
