"""Editing a calendar as a draft: week, single days, official years, zone; new calendars.

Every verb goes through `rule_kinds.change`: it holds the draft, compares the version the reader
saw, records what changed, and raises RulesRefused when somebody was faster. What makes no sense is
refused as CalendarRefused; what only looks odd is left to the check before publishing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from config.kernel import rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from config.shared.actors import Actor
from config.shared.moments import YEARS
from config.shared.openings import WHOLE_DAY, Span
from staff import calendar as calendars
from staff import calendar_changes, calendar_checks
from staff.calendar import BANK, PREFIX, add_days
from staff.calendar_files import LONGEST_NAME, CalendarRefused, OfficialDay
from staff.events import CalendarPublished, calendar_published
from staff.models import CalendarDay, CalendarSpan

OWN: Final = "own"
"""Source of a day that an administrator set; the yearly notice leaves it alone."""

NORMAL, OPEN, OFF = "normal", "open", "off"
LONGEST_STRETCH: Final = 31  # days set at one go
MOST_SPANS: Final = 8
_KEY: Final = re.compile(r"[a-z][a-z0-9-]{1,18}[a-z0-9]")
_TAKEN: Final = frozenset({"new"})
_WEEK: Final = 7

Week = Mapping[int, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class DayData:
    """What the days from `on` to `last` (None = one day) are to be.

    `kind` is normal (as their weekday), open (with `spans`, or the usual hours) or off; the names
    are the reason, shown in every explanation of a due time.
    """

    on: date
    kind: str
    spans: tuple[Span, ...] = ()
    name_en: str = ""
    name_zh: str = ""
    last: date | None = None

    @property
    def days(self) -> list[date]:
        """The dates meant, in order."""
        length = ((self.last or self.on) - self.on).days + 1
        return [self.on + timedelta(days=step) for step in range(length)]


def put_day(
    draft: RuleSet, data: DayData, *, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Make a day (or a stretch of days) of a draft off, open with its own hours, or as usual.

    Raises CalendarRefused: no reason, hours that overlap, more than 31 days, a year too far away.
    """
    _refuse_day(data)
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        rows = CalendarDay.objects.filter(rule_set=held, date__in=data.days)
        before = {row.date: calendar_changes.code_of(row) for row in rows}
        names = {row.date: (row.name_en, row.name_zh) for row in rows}
        fresh = [_row(held, on, data) for on in data.days] if data.kind != NORMAL else []
        after = {row.date: calendar_changes.code_of(row) for row in fresh}
        if before == after and all(names[r.date] == (r.name_en, r.name_zh) for r in fresh):
            return held
        rows.delete()
        CalendarDay.objects.bulk_create(fresh)
        facts["row"] = _stretch(data)
        facts["changes"] = {
            str(on): [before.get(on, NORMAL), after.get(on, NORMAL)] for on in data.days
        }
    return held


def put_days(
    draft: RuleSet,
    days: Iterable[OfficialDay],
    *,
    source: str,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> RuleSet:
    """Take official days over in place of what the draft holds officially for their years.

    Days an administrator set stay, except where the notice names the same date. The years count
    as known from then on. Raises CalendarRefused for no days.
    """
    chosen = list(days)
    years = sorted({day.date.year for day in chosen})
    if not years:
        raise CalendarRefused("empty", _("The file holds no days."))
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        rows = CalendarDay.objects.filter(rule_set=held, date__year__in=years)
        rows.exclude(source=OWN).delete()
        rows.filter(date__in=[day.date for day in chosen]).delete()
        add_days(held, chosen, source=source[:120])
        known = {*held.settings.get("confirmed_years", []), *years}
        held.settings = {**held.settings, "confirmed_years": sorted(known)}
        facts |= {"row": ", ".join(map(str, years)), "days": len(chosen)}
    return held


def put_week(
    draft: RuleSet, week: Week, *, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Give the weekdays (0 = Monday) their hours; a weekday that is missing is off.

    Raises CalendarRefused for hours that overlap or end before they begin, and for a week without
    any: such a calendar never opens.
    """
    wanted = {day: tuple(sorted(spans)) for day, spans in week.items() if spans}
    _refuse_week(wanted)
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        rows = CalendarSpan.objects.filter(rule_set=held)
        before: dict[int, list[str]] = {}
        for row in rows.order_by("weekday", "start_minute"):
            before.setdefault(row.weekday, []).append(str(Span(row.start_minute, row.end_minute)))
        after = {day: [str(span) for span in spans] for day, spans in wanted.items()}
        if before != after:
            rows.delete()
            _add_week(held, wanted)
            changed = [d for d in range(_WEEK) if before.get(d) != after.get(d)]
            facts["row"] = "week"
            facts["changes"] = {str(d): [before.get(d, []), after.get(d, [])] for d in changed}
    return held


def put_zone(
    draft: RuleSet, zone: str, *, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Set the time zone the hours are read in; raises CalendarRefused for one that is not known."""
    _refuse_zone(zone)
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        before = held.settings.get("zone")
        if before != zone:
            held.settings = {**held.settings, "zone": zone}
            facts |= {"row": "zone", "changes": {"zone": [before, zone]}}
    return held


def put_titles(
    draft: RuleSet, titles: tuple[str, str], *, actor: Actor, at: datetime, expected: int | None
) -> RuleSet:
    """Rename a calendar, English and Chinese."""
    facts: dict[str, Any] = {}
    with rule_kinds.change(draft, actor=actor, at=at, expected=expected, facts=facts) as held:
        before = (held.title_en, held.title_zh)
        if before != titles:
            held.title_en, held.title_zh = titles
            facts |= {"row": "title", "changes": {"title": [list(before), list(titles)]}}
    return held


def put_hours(  # noqa: PLR0913 - one form
    draft: RuleSet,
    week: Week,
    *,
    zone: str,
    titles: tuple[str, str],
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> RuleSet:
    """Set week, zone and name together, all or nothing; see `put_week` and `put_zone`."""
    with transaction.atomic():
        held = put_week(draft, week, actor=actor, at=at, expected=expected)
        held = put_zone(held, zone, actor=actor, at=at, expected=None)
        return put_titles(held, titles, actor=actor, at=at, expected=None)


def new_calendar(  # noqa: PLR0913 - what a calendar is made of
    key: str,
    titles: tuple[str, str],
    *,
    zone: str,
    week: Week,
    always_open: bool = False,
    actor: Actor,
    at: datetime,
) -> RuleSet:
    """Begin a calendar as a draft, with the official days of the bank's calendar. Journalled.

    `key` is 3 to 20 small letters, digits and dashes; `always_open` = day and night, without
    official days. Raises CalendarRefused: a key that is taken or malformed, an unknown zone, hours
    that overlap.
    """
    if not _KEY.fullmatch(key) or key in _TAKEN:
        message = _("Use 3 to 20 small letters, digits and dashes, beginning with a letter.")
        raise CalendarRefused("key", message)
    _refuse_zone(zone)
    spans = dict.fromkeys(range(_WEEK), WHOLE_DAY) if always_open else week
    _refuse_week(spans)
    bank = None if always_open else rulesets.published(PREFIX + BANK, at)
    known = bank.settings.get("confirmed_years", []) if bank else []
    settings = {"zone": zone, "confirmed_years": known}
    try:
        with transaction.atomic():
            _refuse_taken(key)
            draft = rulesets.new_version(
                PREFIX + key, titles=titles, settings=settings, actor=actor, at=at
            )
            _add_week(draft, spans)
            _copy_days(bank, draft)
    except IntegrityError as error:  # somebody made it between our look and our write
        raise _taken(key) from error
    return draft


def load_official_days(
    days: Iterable[OfficialDay],
    *,
    key: str = BANK,
    year: int | None = None,
    actor: Actor,
    at: datetime,
) -> RuleSet | None:
    """Publish a calendar with these official days in place of what it held for their years.

    `year` takes only that year's. A version published to begin later gets the days as well, as a
    new one that begins then. Running clocks are told by `calendar_published`. Returns the version
    in force from now on, None when the calendar says just that already. Raises CalendarRefused,
    also while a draft is being edited: it would undo these days when it is published.
    """
    chosen = [day for day in days if year is None or day.date.year == year]
    if not chosen:
        raise CalendarRefused("empty", _("The file holds no days of that year."))
    base = rulesets.published(PREFIX + key, at)
    if base is None:
        raise CalendarRefused("missing", _("There is no published calendar to add them to."))
    plan = calendar_changes.preview(base, calendars.calendar(base, at), chosen)
    if all(each.same for each in plan):
        return None
    with transaction.atomic():
        if rulesets.draft(base.kind) is not None:
            message = _("A draft of this calendar is open. Take the days there, or discard it.")
            raise CalendarRefused("draft", message)
        reason = f"Official days of {', '.join(str(each.year) for each in plan)}"
        coming = _coming(base.kind, at)
        done = _with_days(base, chosen, reason, None, actor=actor, at=at)
        for later in coming:
            _with_days(later, chosen, reason, later.valid_from, actor=actor, at=at)
    return done


def _with_days(
    older: RuleSet,
    days: Sequence[OfficialDay],
    reason: str,
    begins: datetime | None,
    *,
    actor: Actor,
    at: datetime,
) -> RuleSet:
    """Publish a copy of a version with these official days."""
    draft = rule_kinds.begin_from(older, actor=actor, at=at)
    put_days(draft, days, source="load_cn_calendar", actor=actor, at=at, expected=None)
    return rule_kinds.publish(
        draft, reason=reason, valid_from=begins, actor=actor, at=at, expected=None
    )


def _coming(kind: str, at: datetime) -> list[RuleSet]:
    """Return the versions that will take over, the first to begin first."""
    later = RuleSet.objects.filter(kind=kind, state=RuleState.PUBLISHED, valid_from__gt=at)
    newest = {row.valid_from: row for row in later.order_by("valid_from", "number")}
    return list(newest.values())


def announce(new: RuleSet, replaced: RuleSet | None, actor: Actor, at: datetime) -> None:
    """Tell the rooms above that a calendar was published, so that running clocks follow it."""
    event = CalendarPublished(
        kind=new.kind,
        rule_set_id=new.pk,
        replaced_id=replaced.pk if replaced else None,
        years=calendar_changes.years_changed(replaced, new),
        actor=actor,
        at=at,
        begins=new.valid_from or at,
    )
    calendar_published.send(None, event=event)


def _row(draft: RuleSet, on: date, data: DayData) -> CalendarDay:
    spans = [[span.start_minute, span.end_minute] for span in sorted(data.spans)]
    is_open = data.kind == OPEN
    return CalendarDay(
        rule_set=draft,
        date=on,
        working=is_open,
        spans=spans if is_open and spans else None,
        name_en=data.name_en,
        name_zh=data.name_zh,
        source=OWN,
        confirmed=True,
    )


def _stretch(data: DayData) -> str:
    """Return the day, or first and last day, as the record names them."""
    return str(data.on) if data.last in {None, data.on} else f"{data.on} – {data.last}"


def _add_week(draft: RuleSet, week: Week) -> None:
    CalendarSpan.objects.bulk_create(
        CalendarSpan(
            rule_set=draft,
            weekday=weekday,
            start_minute=span.start_minute,
            end_minute=span.end_minute,
        )
        for weekday, spans in week.items()
        for span in spans
    )


def _copy_days(source: RuleSet | None, draft: RuleSet) -> None:
    """Copy the official days of a version; days of its own concern only its own people."""
    rows = list(CalendarDay.objects.filter(rule_set=source).exclude(source=OWN)) if source else []
    for row in rows:
        row.pk, row.rule_set = None, draft
    CalendarDay.objects.bulk_create(rows)


def _refuse_day(data: DayData) -> None:
    """Raise for a day that makes no sense."""
    last = data.last or data.on
    if last < data.on:
        raise CalendarRefused("until", _("The last day lies before the first one."))
    if (last - data.on).days >= LONGEST_STRETCH:
        message = _("At most %(days)s days are set at one go.")
        raise CalendarRefused("until", message, {"days": LONGEST_STRETCH})
    if data.on.year not in YEARS or last.year not in YEARS:
        raise CalendarRefused("year", _("Calendars hold the years 1990 to 2099."))
    if data.kind == NORMAL:
        return
    if not data.name_en.strip() or not data.name_zh.strip():
        raise CalendarRefused("name", _("Say why, in English and in Chinese."))
    if max(len(data.name_en), len(data.name_zh)) > LONGEST_NAME:
        raise CalendarRefused("name", _("Names have at most 60 characters."))
    if data.kind == OFF and data.spans:
        raise CalendarRefused("spans", _("A day off cannot have hours."))
    _refuse_spans(data.spans)


def _refuse_week(week: Week) -> None:
    """Raise for a week that never opens, or a weekday whose hours overlap."""
    if not any(week.values()):
        message = _("This calendar would never open. Give at least one weekday hours.")
        raise CalendarRefused("week", message)
    for spans in week.values():
        _refuse_spans(spans)


def _refuse_spans(spans: Sequence[Span]) -> None:
    """Raise for hours of one day that overlap, or for too many of them."""
    if len(spans) > MOST_SPANS:
        message = _("At most %(n)s spans a day.")
        raise CalendarRefused("spans", message, {"n": MOST_SPANS})
    if calendar_checks.overlap([(span.start_minute, span.end_minute) for span in spans]):
        raise CalendarRefused("spans", _("These hours overlap. Write them one after the other."))


def _refuse_zone(zone: str) -> None:
    if not calendar_checks.is_zone(zone):
        message = _("There is no time zone “%(zone)s”. Choose one of the list.")
        raise CalendarRefused("zone", message, {"zone": zone[:40]})


def _refuse_taken(key: str) -> None:
    if RuleSet.objects.filter(kind=PREFIX + key).exclude(state=RuleState.RETIRED).exists():
        raise _taken(key)


def _taken(key: str) -> CalendarRefused:
    return CalendarRefused("key", _("There is a calendar “%(key)s” already."), {"key": key})
