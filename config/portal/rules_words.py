"""Clock policies as a reader sees them: conditions, limits and ladder in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from complaints import naming
from complaints.choices import ClockEvent, ClockName, Severity, Status
from complaints.clocks.rules import MAX_PAUSE_DAYS, REVIEW
from complaints.models import ClockLimit, ClockPolicy, LadderStep
from complaints.models.rules import LimitUnit
from config.kernel.models import RuleSet, Term
from config.kernel.models.rules import RuleState
from config.shared.words import in_language, labelled, listed
from customers.models.customer import Tier

Names = Mapping[tuple[str, str], str]

_HOUR: Final = 60
_BREACH: Final = 100
AUDIENCES: Final[dict[str, Promise]] = {
    "handler": gettext_lazy("Handler"),
    "officer": gettext_lazy("Complaint officer"),
    "supervisor": gettext_lazy("Complaint supervisor"),
    "department_head": gettext_lazy("Department head"),
    "branch_head": gettext_lazy("Branch head"),
    "complaint_head": gettext_lazy("Head of the complaint office"),
    "executive": gettext_lazy("Executive"),
    "duty_leader": gettext_lazy("Duty leader"),
    "rm": gettext_lazy("Relationship manager"),
    "watchers": gettext_lazy("Watchers of the case"),
}
CHANNELS: Final[dict[str, Promise]] = {
    "email": gettext_lazy("e-mail"),
    "sms": gettext_lazy("SMS"),
}
_CONDITIONS: Final[dict[str, tuple[Promise, str]]] = {
    "types": (gettext_lazy("Type"), "feedback_type"),
    "severities": (gettext_lazy("Severity"), ""),
    "tiers": (gettext_lazy("Customer"), ""),
    "channels": (gettext_lazy("Channel"), "intake_channel"),
}


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One clock of a policy in words."""

    clock: str
    name: str
    limit: str
    counts: str
    working: bool
    risk: str
    pauses: str
    notes: str
    was: str = ""


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One policy: what it applies to and its limits."""

    code: str
    name: str
    when: str
    resolve: str
    origin: str
    overlay: bool
    limits: list[LimitLine]
    cases: int = 0
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: when, who is told, and its tone."""

    when: str
    who: str
    only: str
    tone: str
    how: str = ""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The steps of some clocks."""

    title: str
    rungs: list[Rung]


def term_names(*taxonomies: str) -> dict[tuple[str, str], str]:
    """Return the labels of these lists by (list, code); one query."""
    found = Term.objects.filter(taxonomy__in=taxonomies)
    return {(term.taxonomy, term.code): term.label for term in found}


def resolve_limit(rules: RuleSet, code: str) -> str:
    """Return the limit of resolving in a policy of a version, '' where it has none; one query."""
    rows = ClockLimit.objects.filter(policy__rule_set=rules, policy__code=code)
    found = rows.filter(clock=ClockName.RESOLVE).first() if "\x00" not in code else None
    return amount_words(found.amount, found.unit) if found else ""


def calendar_names() -> dict[str, str]:
    """Return the calendars a clock may count on, by key, in words; one query."""
    found = {"": _("24 hours a day"), "@department": _("Calendar of the department")}
    rows = RuleSet.objects.filter(kind__startswith="calendar:", state=RuleState.PUBLISHED)
    for row in rows.order_by("kind", "number"):
        found[row.kind.partition(":")[2]] = row.title
    return found


def policy_line(
    policy: ClockPolicy, names: Names, calendars: Mapping[str, str] | None = None
) -> PolicyLine:
    """Return a policy in words; its limits were prefetched."""
    order = list(ClockName.values)
    limits = sorted(policy.limits.all(), key=lambda row: order.index(row.clock))
    known = {row.clock: row for row in limits}
    first = next(iter(limits), None)
    shown = known.get(ClockName.RESOLVE) or known.get(ClockName.EXTERNAL) or first
    conditions = {
        name: getattr(policy, name) for name in ("types", "severities", "tiers", "channels")
    }
    return PolicyLine(
        code=policy.code,
        name=named(policy),
        when=when_words(conditions, names),
        resolve=amount_words(shown.amount, shown.unit) if shown else "",
        origin=policy.origin,
        overlay=policy.overlay,
        limits=[limit_line(row, calendars or {}, overlay=policy.overlay) for row in limits],
    )


def ladders(steps: Iterable[LadderStep], policy: PolicyLine | None = None) -> list[Ladder]:
    """Return the ladders of the clocks a policy has, or all of them, internal ones first."""
    clocks = {line.clock for line in policy.limits} if policy else set(ClockName.values)
    grouped: dict[tuple[str, ...], list[LadderStep]] = {}
    for step in steps:
        if policy is None or not step.policies or policy.code in step.policies:
            grouped.setdefault(tuple(step.clocks), []).append(step)
    return [
        Ladder(_ladder_title(named), [rung(step) for step in rows])
        for named, rows in grouped.items()
        if not named or clocks & set(named)
    ]


def settings_lines(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the settings of the time limits as (label, value)."""
    lines = []
    if (minutes := settings.get("risk_minutes")) and (percent := settings.get("risk_percent")):
        text = _("the last %(time)s or %(percent)s%% of the limit, whichever is shorter")
        time = amount_words(int(minutes), LimitUnit.ELAPSED_MINUTES)
        lines.append((_("At risk"), text % {"time": time, "percent": percent}))
    if (minute := settings.get("warn_minute")) is not None:
        lines.append((_("Warnings counted in days are sent at"), clock_time(int(minute))))
    days = int(settings.get("max_pause_days", MAX_PAUSE_DAYS))
    lines.append((_("Longest pause"), pause_limit_words(days)))
    if office := settings.get("complaint_office"):
        lines.append((_("Complaint office"), naming.department(office)))
    if limit := settings.get("handler_limit"):
        lines.append((_("Open cases one person should have at most"), str(limit)))
    if intake := settings.get("hourly_intake"):
        lines.append((_("Cases that can be accepted in one hour"), str(intake)))
    return lines


def amount_words(amount: int, unit: str) -> str:
    """Return a limit in words: `4 hours`, `30 minutes`, `3 working days`."""
    whole_hours = amount >= _HOUR and amount % _HOUR == 0
    n = amount // _HOUR if whole_hours and unit.endswith("minutes") else amount
    match unit:
        case LimitUnit.WORKING_DAYS:
            text = ngettext("%(n)s working day", "%(n)s working days", n)
        case LimitUnit.CALENDAR_DAYS:
            text = ngettext("%(n)s calendar day", "%(n)s calendar days", n)
        case LimitUnit.WORKING_MINUTES if whole_hours:
            text = ngettext("%(n)s working hour", "%(n)s working hours", n)
        case LimitUnit.WORKING_MINUTES:
            text = ngettext("%(n)s working minute", "%(n)s working minutes", n)
        case _ if whole_hours:
            text = ngettext("%(n)s hour", "%(n)s hours", n)
        case _:
            text = ngettext("%(n)s minute", "%(n)s minutes", n)
    return text % {"n": n}


def clock_time(minute: int) -> str:
    """Return `09:00` for minutes after midnight; the end of the day is 24:00."""
    return f"{minute // _HOUR:02d}:{minute % _HOUR:02d}"


def limit_line(row: ClockLimit, calendars: Mapping[str, str], *, overlay: bool) -> LimitLine:
    """Return one clock in words."""
    working = row.unit in (LimitUnit.WORKING_MINUTES, LimitUnit.WORKING_DAYS)
    around = (
        _("24 hours a day") if row.unit == LimitUnit.ELAPSED_MINUTES else _("Every calendar day")
    )
    return LimitLine(
        clock=row.clock,
        name=str(ClockName(row.clock).label),
        limit=amount_words(row.amount, row.unit),
        counts=calendar_words(row.calendar, calendars) if working else around,
        working=working,
        risk=risk_words(row),
        pauses=pause_words(row),
        notes=_join(_notes(row, overlay=overlay)),
    )


def calendar_words(key: str, calendars: Mapping[str, str]) -> str:
    """Return the name of a calendar."""
    known = calendars.get(key)
    return known or (_("Bank calendar") if key in ("bank", "") else key)


def risk_words(row: ClockLimit) -> str:
    """Return the own risk line of a clock; '' = that of the version."""
    parts = []
    if row.risk_minutes is not None:
        left = amount_words(row.risk_minutes, LimitUnit.ELAPSED_MINUTES)
        parts.append(_("%(time)s left") % {"time": left})
    if row.risk_percent is not None:
        parts.append(_("%(percent)s%% left") % {"percent": row.risk_percent})
    return _join(parts)


def pause_words(row: ClockLimit) -> str:
    """Return in which states a clock stands still; '' = as usual."""
    if row.stands_in is None:
        return ""
    labels = dict(Status.choices)
    return _join(labels.get(code, code) for code in row.stands_in) or _("never")


def pause_limit_words(days: int) -> str:
    """Return the longest pause in words."""
    return ngettext("at most %(n)s working day", "at most %(n)s working days", days) % {"n": days}


def _notes(row: ClockLimit, *, overlay: bool) -> list[str]:
    """Return what else holds for a clock."""
    notes = []
    if row.starts_on:
        notes.append(labelled(_("starts"), ClockEvent(row.starts_on).label))
    if row.stops_on:
        notes.append(labelled(_("stops"), ClockEvent(row.stops_on).label))
    if row.repeats:
        notes.append(_("starts anew after each notice"))
    if row.tracked_only:
        notes.append(_("never escalates"))
    if row.extensions:
        text = _("may be extended to %(days)s days")
        notes.append(text % {"days": _join(row.extensions)})
    if overlay and row.clock == ClockName.EXTERNAL:
        notes.append(_("kept free before the referral's own deadline"))
    return notes


def when_words(conditions: Mapping[str, Any], names: Names) -> str:
    """Return conditions that all must hold, in words; none = everything else."""
    parts = []
    for key, wanted in conditions.items():
        if not wanted:
            continue
        label, taxonomy = _CONDITIONS.get(key, (key, ""))
        values = _join(_value(key, taxonomy, code, names) for code in wanted)
        parts.append(_("%(label)s: %(values)s") % {"label": label, "values": values})
    return _(" · ").join(parts) or _("Everything else")


def _value(key: str, taxonomy: str, code: Any, names: Names) -> str:
    if code == REVIEW:
        return _("Review of an objection")
    if taxonomy:
        return names.get((taxonomy, code), str(code))
    if key == "severities" and code in Severity.values:
        return str(Severity(code).label)
    if key == "tiers":
        return _("vulnerable") if code == "vulnerable" else str(Tier(code).label)
    return str(code)


def rung(step: LadderStep) -> Rung:
    """Return one step in words, with its tone."""
    after = step.working_days_after is not None or step.minutes_after is not None
    late = after or (step.percent or 0) >= _BREACH
    before = step.days_before is not None or step.minutes_before is not None
    near = (step.percent or 0) > _BREACH // 2 or before
    only = []
    if step.min_severity > Severity.LOW:
        text = _("only from severity %(severity)s")
        only.append(text % {"severity": Severity(step.min_severity).label})
    if step.policies:
        only.append(_("only %(policies)s") % {"policies": _join(step.policies)})
    how = [str(CHANNELS.get(code, code)) for code in step.channels]
    if step.at_once:
        how.append(_("at once"))
    return Rung(
        when=moment_of(step),
        who=_join(str(AUDIENCES.get(word, word)) for word in step.audience),
        only=_join(only),
        tone="bad" if late else "risk" if near else "",
        how=_join(how),
    )


def moment_of(step: LadderStep) -> str:
    """Return when a step is due: a share of the clock, or time before or after its end."""
    if step.percent is not None:
        return f"{step.percent}%"
    if step.days_before is not None:
        if step.days_before == 0:
            return _("on the day")
        n = step.days_before
        return ngettext("%(n)s day before", "%(n)s days before", n) % {"n": n}
    if step.minutes_before is not None:
        time = amount_words(step.minutes_before, LimitUnit.ELAPSED_MINUTES)
        return _("%(time)s before") % {"time": time}
    if step.minutes_after is not None:
        return _("+%(time)s") % {"time": amount_words(step.minutes_after, "elapsed_minutes")}
    n = step.working_days_after or 0
    return ngettext("+%(n)s working day", "+%(n)s working days", n) % {"n": n}


def _ladder_title(clocks: tuple[str, ...]) -> str:
    if not clocks:
        return _("Who is told, as the internal clocks run")
    named = _join(str(ClockName(name).label) for name in clocks if name in ClockName.values)
    return _("Who is told: %(clocks)s") % {"clocks": named}


def named(row: ClockPolicy) -> str:
    """Return the name of a row in the reader's language."""
    return in_language(row.name_en, row.name_zh)


def _join(parts: Iterable[Any]) -> str:
    return listed(parts)
