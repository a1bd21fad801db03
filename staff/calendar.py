"""Working calendars from published rule sets: by key, by version, by department; their check.

A calendar is a RuleSet of kind `calendar:<key>`; `settings` hold `zone` and `confirmed_years`, the
years whose official days are known. Between versions nothing changes, so a built calendar is kept.
Editing them is calendar_drafts.py, files of official days calendar_files.py (DOMAIN.md §5).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from config.kernel.rule_kinds import Finding
from config.shared.calendars import Calendar, Day
from config.shared.memo import Lasting
from config.shared.openings import Span
from staff import calendar_checks
from staff.calendar_files import CalendarRefused, OfficialDay, read_official_days
from staff.models import CalendarDay, CalendarSpan, Department

__all__ = [
    "BANK",
    "PREFIX",
    "CalendarRefused",
    "OfficialDay",
    "add_days",
    "calendar",
    "check",
    "key_of",
    "keys",
    "keys_of",
    "link",
    "of_department",
    "of_rule_sets",
    "of_versions",
    "read_official_days",
    "titles",
]

BANK: Final = "bank"
PREFIX: Final = "calendar:"
_BUILT: Final[Lasting[tuple[str, Calendar]]] = Lasting()


def calendar(key: str | RuleSet, at: datetime) -> Calendar:
    """Return the calendar in force at `at` by its key ("bank"), or that of one version.

    Raises CalendarRefused when none was published.
    """
    if isinstance(key, RuleSet):
        return _of(key)
    version = rulesets.published(PREFIX + key, at)
    if version is None:
        message = _("There is no published calendar %(key)s.")
        raise CalendarRefused("missing", message, {"key": key})
    return _of(version)


def of_versions(pks: Iterable[int]) -> dict[int, Calendar]:
    """Return the calendars of rule set versions by pk; one query when all were built before."""
    return of_rule_sets(RuleSet.objects.filter(pk__in=list(pks)))


def of_rule_sets(versions: Iterable[RuleSet]) -> dict[int, Calendar]:
    """Return the calendars of versions by pk; two queries for those not built before."""
    rows = list(versions)
    found = {row.pk: kept for row in rows if (kept := _kept(row)) is not None}
    fresh = [row for row in rows if row.pk not in found]
    if not fresh:
        return found
    spans: dict[int, list[CalendarSpan]] = {row.pk: [] for row in fresh}
    days: dict[int, list[CalendarDay]] = {row.pk: [] for row in fresh}
    order = ("weekday", "start_minute")
    for span in CalendarSpan.objects.filter(rule_set__in=fresh).order_by(*order):
        spans[span.rule_set_id].append(span)
    for day in CalendarDay.objects.filter(rule_set__in=fresh):
        days[day.rule_set_id].append(day)
    for row in fresh:
        found[row.pk] = _build(row, spans[row.pk], days[row.pk])
        if row.state != RuleState.DRAFT:
            _BUILT[row.pk] = (row.head_hash, found[row.pk])
    return found


def keys() -> list[str]:
    """Return the keys of all calendars that were published, in their order."""
    kinds = RuleSet.objects.filter(kind__startswith=PREFIX, state=RuleState.PUBLISHED)
    found = kinds.order_by("kind").values_list("kind", flat=True).distinct()
    return [kind.removeprefix(PREFIX) for kind in found]


def titles() -> dict[str, str]:
    """Return the names of the published calendars by key, in the reader's language; one query."""
    rows = RuleSet.objects.filter(kind__startswith=PREFIX, state=RuleState.PUBLISHED)
    return {
        row.kind.removeprefix(PREFIX): f"{row.title} ({row.kind.removeprefix(PREFIX)})"
        for row in rows.order_by("kind", "number")
    }


def key_of(department: Department) -> str:
    """Return the key of a unit's calendar: its own, else the nearest above it, else the bank's.

    A unit with a calendar of its own costs no query, any other at most one.
    """
    return keys_of([department])[department.pk]


def keys_of(departments: Iterable[Department]) -> dict[int, str]:
    """Return the calendar keys of units by pk, in at most one query; see `key_of`."""
    rows = list(departments)
    lines = {row.pk: _above(row) for row in rows if not row.calendar}
    wanted = {pk for line in lines.values() for pk in line}
    units = Department.objects.filter(pk__in=wanted).exclude(calendar="")
    own = dict(units.values_list("pk", "calendar")) if wanted else {}
    found = {pk: next((own[up] for up in line if up in own), BANK) for pk, line in lines.items()}
    return {row.pk: row.calendar or found[row.pk] for row in rows}


def of_department(department: Department, at: datetime) -> Calendar:
    """Return the calendar a unit works by at `at`; raises CalendarRefused when none was published.

    A unit whose own calendar was never published works by the bank's.
    """
    key = key_of(department)
    version = rulesets.published(PREFIX + key, at) if key != BANK else None
    return _of(version) if version else calendar(BANK, at)


def check(rule_set: RuleSet) -> list[Finding]:
    """Return what is wrong or odd about a version: zone, hours, days, closings, length of years.

    Closed for more than 14 days on end is an error, a year outside 240-255 working days a warning.
    """
    return calendar_checks.find(rule_set, lambda: _of(rule_set))


def link(rule_set: RuleSet) -> str:
    """Return the page of a calendar."""
    return f"/calendars/{rule_set.kind.removeprefix(PREFIX)}/"


def add_days(
    draft: RuleSet, days: Iterable[OfficialDay], *, source: str, confirmed: bool = True
) -> None:
    """Write special days into a draft; unconfirmed ones make their year provisional."""
    CalendarDay.objects.bulk_create(
        CalendarDay(
            rule_set=draft,
            date=day.date,
            working=day.working,
            name_en=day.name_en,
            name_zh=day.name_zh,
            source=source,
            confirmed=confirmed,
        )
        for day in days
    )


def _of(version: RuleSet) -> Calendar:
    """Build a version's calendar, or take the one built before when it can no longer change."""
    return of_rule_sets([version])[version.pk]


def _kept(version: RuleSet) -> Calendar | None:
    """Return the calendar built before; the chain's head names the version beyond doubt."""
    head, built = _BUILT.get(version.pk, ("", None))
    return built if version.state != RuleState.DRAFT and head == version.head_hash else None


def _build(
    version: RuleSet, spans: Iterable[CalendarSpan], days: Iterable[CalendarDay]
) -> Calendar:
    week: dict[int, list[Span]] = {}
    for span in spans:
        week.setdefault(span.weekday, []).append(Span(span.start_minute, span.end_minute))
    known: list[int] = sorted(version.settings.get("confirmed_years", []))
    gaps = set(range(known[0], known[-1] + 1)) - set(known) if known else set()
    return Calendar(
        zone=version.settings["zone"],
        week=week,
        days={row.date: _day(row) for row in days},
        provisional_years=frozenset(gaps),
        first_year=known[0] if known else None,
        last_year=known[-1] if known else None,
        version=version.number,
    )


def _day(row: CalendarDay) -> Day:
    spans = tuple(Span(start, end) for start, end in row.spans) if row.spans else None
    return Day(row.working, spans, row.name_en, row.name_zh, row.confirmed)


def _above(department: Department) -> list[int]:
    """Return the pks of the units above one, nearest first; the path ends with the unit itself."""
    return [
        int(pk) for pk in reversed(department.path.split("/")) if pk and int(pk) != department.pk
    ]
