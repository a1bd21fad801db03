"""Which version of a calendar a page shows, who uses it, and what hangs on its next year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import Count
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from complaints.choices import ClockState
from complaints.models import CaseClock, ClockLimit
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from config.shared.calendars import Calendar
from config.shared.words import listed
from staff import calendar as calendars
from staff.models import Department

COUNTED: Final = 10_000
_DEPARTMENT: Final = "@department"
_OPEN: Final = (ClockState.RUNNING, ClockState.PAUSED)
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """The version on a page: `force` is in force now, `draft` is being edited, `rules` is shown."""

    key: str
    rules: RuleSet
    force: RuleSet | None
    draft: RuleSet | None
    coming: RuleSet | None

    @property
    def is_draft(self) -> bool:
        """Whether the draft is what is shown."""
        return self.draft is not None and self.draft.pk == self.rules.pk

    @property
    def in_force(self) -> bool:
        """Whether the version in force is what is shown."""
        return self.force is not None and self.force.pk == self.rules.pk


@dataclass(frozen=True, slots=True)
class Use:
    """Who counts on a calendar: limits of the policies in force, and units with it as their own."""

    limits: int
    policies: int
    units: Sequence[str]
    via_units: bool

    @property
    def words(self) -> str:
        """Return it in one line; '' for nobody."""
        parts = []
        if self.limits:
            pattern = ngettext(
                "%(n)s limit of %(policies)s policies",
                "%(n)s limits of %(policies)s policies",
                self.limits,
            )
            parts.append(pattern % {"n": self.limits, "policies": self.policies})
        if len(self.units) > _NAMED:
            pattern = ngettext("%(n)s unit", "%(n)s units", len(self.units))
            parts.append(pattern % {"n": len(self.units)})
        else:
            parts += self.units
        return listed(parts)


@dataclass(frozen=True, slots=True)
class Missing:
    """A coming year without official days: how many expected days it has, what depends on it."""

    year: int
    days: int
    clocks: int
    more: bool


def shown(key: str, asked: str, at: datetime) -> Shown:
    """Return the version a page shows: `asked` (a number, or `now`), else the draft, else the rest.

    404 for a calendar that is not there. One query.
    """
    rows = RuleSet.objects.filter(kind=calendars.PREFIX + key).order_by("-number")
    found = _chosen(key, list(rows), asked, at)
    if found is None:
        raise Http404
    return found


def all_shown(at: datetime) -> list[Shown]:
    """Return every calendar as its list shows it, the bank's first; one query."""
    rows = RuleSet.objects.filter(kind__startswith=calendars.PREFIX).order_by("-number")
    by_key: dict[str, list[RuleSet]] = {}
    for row in rows:
        by_key.setdefault(row.kind.removeprefix(calendars.PREFIX), []).append(row)
    found = [_chosen(key, versions, "now", at) for key, versions in by_key.items()]
    return sorted(
        (show for show in found if show),
        key=lambda show: (show.key != calendars.BANK, show.key),
    )


def _chosen(key: str, rows: Sequence[RuleSet], asked: str, at: datetime) -> Shown | None:
    """Choose among the versions of a calendar, the newest first; None when none is to be seen."""
    draft = next((row for row in rows if row.state == RuleState.DRAFT), None)
    done = [row for row in rows if row.state == RuleState.PUBLISHED and row.valid_from]
    force = max(
        (row for row in done if row.valid_from and row.valid_from <= at),
        key=lambda row: (row.valid_from, row.number),
        default=None,
    )
    coming = min(
        (row for row in done if row.valid_from and row.valid_from > at),
        key=lambda row: row.valid_from or at,
        default=None,
    )
    chosen = next((row for row in rows if str(row.number) == asked), None) if asked else None
    if chosen is None:
        chosen = force if asked == "now" and force else draft or force or coming
    return Shown(key, chosen, force, draft, coming) if chosen else None


def uses(keys: Sequence[str], at: datetime) -> Mapping[str, Use]:
    """Return who counts on each calendar; three queries."""
    policies = rulesets.published("clock_policies", at)
    rows = ClockLimit.objects.filter(policy__rule_set=policies).values("calendar")
    counted = {
        row["calendar"]: (row["n"], row["rows"])
        for row in rows.annotate(n=Count("pk"), rows=Count("policy", distinct=True)).order_by()
    }
    units: dict[str, list[str]] = {}
    for unit in Department.objects.active().exclude(calendar=""):
        units.setdefault(unit.calendar, []).append(unit.label)
    via = _DEPARTMENT in counted
    return {
        key: Use(*counted.get(key, (0, 0)), units=units.get(key, []), via_units=via) for key in keys
    }


def missing_year(key: str, calendar: Calendar, today: date) -> Missing | None:
    """Return the next year when its official days are not known, with what depends on it.

    Counted are the open provisional clocks that end in it or later, up to 10,000; one query.
    """
    year = today.year + 1
    if not calendar.is_year_provisional(year):
        return None
    begins = datetime(year, 1, 1, tzinfo=calendar.zone_info)
    rows = CaseClock.objects.filter(
        calendar__kind=calendars.PREFIX + key,
        state__in=_OPEN,
        provisional=True,
        due_at__gte=begins,
    )
    found = rows.order_by()[: COUNTED + 1].count()
    days = sum(on.year == year for on in calendar.days)
    return Missing(year, days, min(found, COUNTED), found > COUNTED)


def state_words(row: RuleSet, force: RuleSet | None, at: datetime) -> str:
    """Return how a version stands: draft, in force, coming, replaced, discarded."""
    if row.state == RuleState.DRAFT:
        return _("Draft")
    if row.state == RuleState.RETIRED:
        return _("Taken out of use") if row.published_at else _("Discarded draft")
    if force is not None and row.pk == force.pk:
        return _("In force")
    return _("Not yet in force") if row.valid_from and row.valid_from > at else _("Replaced")
