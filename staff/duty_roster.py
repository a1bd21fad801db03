"""Keeping the duty roster: put a shift, empty it, copy a week; what a shift may not be."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.kernel import journal
from config.kernel.journal import Fact
from config.kernel.models import Ledger
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.moments import YEARS
from config.shared.worded import WordedError
from staff.models import Absence, DutyShift, Person
from staff.models.accounts import Role
from staff.querysets import PersonQuerySet

LONGEST: Final = timedelta(hours=24)
HOURS: Final = {"day": (time(8), time(20)), "night": (time(20), time(8))}
"""From and to of the shifts every bank has; local times, to on the next day where it is earlier."""
_NAMES: Final = {"day": pgettext_lazy("shift", "Day"), "night": pgettext_lazy("shift", "Night")}
_LOCK: Final = "roster"
_SAVED: Final = ("starts_at", "ends_at", "first", "second", "note")
_ROLES: Final = (Role.DUTY_LEADER, Role.SUPERVISOR, Role.DEPARTMENT_HEAD, Role.BRANCH_HEAD)


class DutyRefused(WordedError):  # noqa: N818 - reads as words
    """A shift that cannot be; the words say why."""


@dataclass(frozen=True, slots=True)
class ShiftData:
    """A shift as it should be: local date and name, aware moments, people, note."""

    on: date
    shift: str
    starts_at: datetime
    ends_at: datetime
    first: Person | None = None
    second: Person | None = None
    note: str = ""

    @property
    def people(self) -> list[Person]:
        """Return first and second, those that are named."""
        return [person for person in (self.first, self.second) if person is not None]

    def agrees(self, row: DutyShift) -> bool:
        """Tell whether a stored shift is already like this."""
        mine = (self.starts_at, self.ends_at, self.first and self.first.pk)
        theirs = (row.starts_at, row.ends_at, row.first_id)
        rest = (self.second and self.second.pk, self.note) == (row.second_id, row.note)
        return mine == theirs and rest


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of a week: shifts made, and (date, shift, why) of those left out."""

    made: int
    left_out: list[tuple[date, str, str]]


def eligible() -> PersonQuerySet:
    """Return who may be put on the roster: duty leaders, supervisors and heads, by staff number."""
    return Person.objects.active().holding(_ROLES).order_by("staff_no")


def shift_words(name: str) -> str:
    """Return the name of a shift in the active language; a name of the bank's own as it is."""
    return str(_NAMES.get(name, name))


def moments(on: date, begin: time, end: time) -> tuple[datetime, datetime]:
    """Return the aware moments of a shift; `end` is on the next day unless it is after `begin`."""
    zone = timezone.get_default_timezone()
    last = on if end > begin else on + timedelta(days=1)
    return (
        timezone.make_aware(datetime.combine(on, begin), zone),
        timezone.make_aware(datetime.combine(last, end), zone),
    )


# --- Verbs ---------------------------------------------------------------------------------


def put_shift(
    data: ShiftData, *, actor: Actor, at: datetime, expected: int | None = None
) -> DutyShift:
    """Write one shift over what stands at its date and name; see `put_shifts`."""
    return put_shifts([data], actor=actor, at=at, expected=expected)[0]


def put_shifts(
    rows: Sequence[ShiftData], *, actor: Actor, at: datetime, expected: int | None = None
) -> list[DutyShift]:
    """Write shifts by date and name, all or none; what is so already stays untouched.

    DutyRefused with the words of the first fault (see `faults`), or `stale` when a shift is not
    at the version the reader saw (`expected`, 0 = did not exist).
    """
    with _roster_held():
        found = faults(rows, at=at)
        if found:
            raise DutyRefused("fault", str(found[min(found)]))
        stored = [row.pk for row in _known(rows).values()]
        with hold(DutyShift.objects.filter(pk__in=stored)) as held:  # calls write to their record
            known = {(row.on, row.shift): row for row in held.rows}
            if expected is not None:
                _refuse_stale(rows, known, expected)
            written = [_write(data, known.get((data.on, data.shift))) for data in rows]
            facts = [Fact(row, action, _facts(row)) for row, action in written if action]
            journal.append(facts, actor=actor, at=at, save=_SAVED)
    return [row for row, _action in written]


def clear_shift(
    shift: DutyShift, *, actor: Actor, at: datetime, expected: int | None = None
) -> DutyShift:
    """Take everybody off a shift that is not over; its row stays, and counts as a gap."""
    with _roster_held(), hold(DutyShift.objects.filter(pk=shift.pk)) as held:
        row = held.rows[0]
        if expected is not None and row.version != expected:
            raise DutyRefused("stale", _STALE)
        if row.ends_at <= at:
            raise DutyRefused("over", _OVER)
        told = _facts(row)
        row.first, row.second, row.note = None, None, ""
        fact = Fact(row, "duty.cleared", told)
        journal.append([fact], actor=actor, at=at, save=["first", "second", "note"])
    return row


def copy_week(source: date, target: date, *, actor: Actor, at: datetime) -> Copied:
    """Copy the week from Monday `source` to Monday `target`; staffed shifts there stay.

    A shift that cannot be (somebody is away, an overlap, already over) is left out and named.
    """
    step = target - source
    with _roster_held():
        week = DutyShift.objects.filter(on__gte=source, on__lt=source + timedelta(days=7))
        rows = _staffed(week.select_related("first", "second")).order_by("starts_at")
        wanted = [_moved(row, step) for row in rows]
        kept = {key for key, row in _known(wanted).items() if row.first_id or row.second_id}
        fresh = [data for data in wanted if (data.on, data.shift) not in kept]
        wrong = faults(fresh, at=at)
        good = [data for place, data in enumerate(fresh) if place not in wrong]
        put_shifts(good, actor=actor, at=at)
    left_out = [(fresh[place].on, fresh[place].shift, str(why)) for place, why in wrong.items()]
    return Copied(len(good), left_out)


def warnings(data: ShiftData) -> list[str]:
    """Return what is allowed but worth knowing: people without the rights of a duty leader."""
    able = set(Person.objects.holding([Role.DUTY_LEADER]).values_list("pk", flat=True))
    text = _("%(person)s does not hold the role duty leader and cannot open severe cases with it.")
    return [str(text) % {"person": x.label} for x in data.people if x.pk not in able]


# --- What a shift may not be ---------------------------------------------------------------

_STALE = _("Somebody else changed this shift meanwhile. Look at it and enter your change again.")
_OVER = _("This shift is over. What was cannot be changed.")


def faults(rows: Sequence[ShiftData], *, at: datetime) -> dict[int, str | Promise]:
    """Return the first fault of each row by its place in `rows`; three queries.

    Rows are also judged against each other. A row that agrees with what is stored has none.
    """
    known = _known(rows)
    same = {
        place
        for place, data in enumerate(rows)
        if (row := known.get((data.on, data.shift))) is not None and data.agrees(row)
    }
    away = _absences(rows)
    standing = _standing(rows)
    found: dict[int, str | Promise] = {}
    for place, data in enumerate(rows):
        if place in same:
            continue
        fault = _own_fault(data, at) or _absence_fault(data, away)
        fault = fault or _overlap_fault(data, place, rows, standing, found)
        if fault:
            found[place] = fault
    return found


def _own_fault(data: ShiftData, at: datetime) -> str | Promise:
    """Return what is wrong with a shift as such."""
    if data.on.year not in YEARS:
        return _("The year of this date cannot be counted with.")
    if not data.ends_at > data.starts_at or data.ends_at - data.starts_at > LONGEST:
        return _("A shift must end after it begins and last at most 24 hours.")
    if data.ends_at <= at:
        return _OVER
    if data.first is not None and data.second is not None and data.first.pk == data.second.pk:
        return _("First and second on call must be two people.")
    for person in data.people:
        if not person.active:
            return _("%(person)s does not work here any more.") % {"person": person.label}
    return ""


def _absence_fault(data: ShiftData, away: Sequence[Absence]) -> str | Promise:
    for person in data.people:
        for row in away:
            if (
                row.person_id == person.pk
                and row.start_at < data.ends_at
                and row.end_at > data.starts_at
            ):
                text = _("%(person)s is away during this shift. Choose somebody else.")
                return text % {"person": person.label}
    return ""


def _overlap_fault(
    data: ShiftData,
    place: int,
    rows: Sequence[ShiftData],
    standing: Sequence[DutyShift],
    found: dict[int, str | Promise],
) -> str | Promise:
    """Return the words for another shift at the same time; emptied ones do not count."""
    before = [earlier for other, earlier in enumerate(rows[:place]) if other not in found]
    if any((x.on, x.shift) == (data.on, data.shift) for x in before):
        return _("This date and shift stand twice.")
    if not data.people:
        return ""
    there: list[ShiftData | DutyShift] = [*standing, *(row for row in before if row.people)]
    for other in there:
        if other.starts_at < data.ends_at and other.ends_at > data.starts_at:
            return _overlap(other.on, other.shift)
    return ""


def _overlap(on: date, shift: str) -> str:
    text = _("It overlaps the shift “%(shift)s” of %(day)s. Change the times of one of them.")
    return text % {"shift": shift_words(shift), "day": on.isoformat()}


def _known(rows: Sequence[ShiftData]) -> dict[tuple[date, str], DutyShift]:
    """Return the stored shifts at the dates and names of `rows`."""
    wanted = {(data.on, data.shift) for data in rows}
    stored = DutyShift.objects.filter(on__in={on for on, _shift in wanted})
    return {(row.on, row.shift): row for row in stored if (row.on, row.shift) in wanted}


def _standing(rows: Sequence[ShiftData]) -> list[DutyShift]:
    """Return the staffed shifts around `rows` that none of them replaces."""
    if not rows:
        return []
    replaced = {(data.on, data.shift) for data in rows}
    around = DutyShift.objects.filter(
        ends_at__gt=min(data.starts_at for data in rows),
        starts_at__lt=max(data.ends_at for data in rows),
    )
    return [row for row in _staffed(around) if (row.on, row.shift) not in replaced]


def _absences(rows: Sequence[ShiftData]) -> list[Absence]:
    named = {person.pk for data in rows for person in data.people}
    if not named:
        return []
    first, last = min(x.starts_at for x in rows), max(x.ends_at for x in rows)
    around = Absence.objects.filter(person__in=named, start_at__lt=last, end_at__gt=first)
    return list(around)


def _staffed(rows: QuerySet[DutyShift]) -> QuerySet[DutyShift]:
    return rows.filter(Q(first__isnull=False) | Q(second__isnull=False))


@contextmanager
def _roster_held() -> Iterator[None]:
    """Let one change of the roster happen at a time: two new shifts could overlap unseen."""
    Ledger.objects.get_or_create(name=_LOCK)
    with transaction.atomic():
        Ledger.objects.select_for_update(no_key=True).get(name=_LOCK)
        yield


def _refuse_stale(
    rows: Sequence[ShiftData], known: dict[tuple[date, str], DutyShift], expected: int
) -> None:
    for data in rows:
        row = known.get((data.on, data.shift))
        if (row.version if row else 0) != expected:
            raise DutyRefused("stale", _STALE)


def _write(data: ShiftData, row: DutyShift | None) -> tuple[DutyShift, str]:
    """Return the shift with the new facts and the action to record, '' when nothing changes."""
    values = {name: getattr(data, name) for name in _SAVED}
    if row is None:
        return DutyShift.objects.create(on=data.on, shift=data.shift, **values), "duty.put"
    if data.agrees(row):
        return row, ""
    for name, value in values.items():
        setattr(row, name, value)
    return row, "duty.put"


def _facts(row: DutyShift) -> dict[str, object]:
    return {
        "on": row.on.isoformat(),
        "shift": row.shift,
        "from": row.starts_at,
        "to": row.ends_at,
        "first": row.first_id,
        "second": row.second_id,
    }


def _moved(row: DutyShift, step: timedelta) -> ShiftData:
    begins, ends = row.starts_at + step, row.ends_at + step
    return ShiftData(row.on + step, row.shift, begins, ends, row.first, row.second, row.note)
