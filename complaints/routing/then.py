"""Who was there on the days of a replay: teams, absences, trainings, stand-ins."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from complaints.case_rules import local_day
from complaints.routing import choosing
from complaints.routing.places import Units
from staff.models import Absence, Person, Qualification, RoleGrant

_HOPS: Final = 3


@dataclass(frozen=True, slots=True)
class _Away:
    start_at: datetime
    end_at: datetime
    substitute: int | None


class Then:
    """The people and units a replay needs, read once; the work of people is that of today."""

    def __init__(self, since: datetime, until: datetime, courses: Collection[str] = ()) -> None:
        """Read units, teams, loads and what is known of absences and trainings; seven queries."""
        self.units = Units()
        self._teams: dict[int, list[int]] = {}
        for unit, person in choosing.workers():
            self._teams.setdefault(unit, []).append(person.pk)
        people = Person.objects.values_list("pk", "staff_no", "active", "department_id")
        rows = list(people)
        self.staff_no = {pk: number for pk, number, _active, _unit in rows}
        self.unit_of = {pk: unit for pk, _number, _active, unit in rows}
        self._active = {pk for pk, _number, active, _unit in rows if active}
        self._loads = choosing.loads({pk for team in self._teams.values() for pk in team})
        self._away = _absences(since, until)
        self._trained = _trainings(courses)
        able = RoleGrant.objects.filter(role__in=choosing.STAND_INS, account__is_active=True)
        self._able = set(able.values_list("account__person_id", flat=True))

    def team(self, unit: int) -> list[int]:
        """Return who handles cases in a unit, by staff number."""
        return self._teams.get(unit, [])

    def load(self, pk: int) -> int:
        """Return how many open cases a person has now."""
        return self._loads.get(pk, 0)

    def fits(self, pk: int | None, course: str, out: Collection[int], at: datetime) -> bool:
        """Tell whether a person was here, free of interest and trained at that moment."""
        if pk is None or pk in out or pk not in self._active or self._absence(pk, at):
            return False
        return not course or self._is_trained(pk, course, local_day(at))

    def fit_or_stand_in(
        self, pk: int | None, course: str, out: Collection[int], at: datetime
    ) -> int | None:
        """Return the person, or who stood in for them; None when neither could take it."""
        if self.fits(pk, course, out, at):
            return pk
        return self.stand_in(pk, course, out, at)

    def stand_in(
        self, pk: int | None, course: str, out: Collection[int], at: datetime
    ) -> int | None:
        """Return who stood in for an absent person: up to three one after another."""
        if pk is None or pk in out:
            return None
        here: int | None = pk
        for _hop in range(_HOPS):
            away = self._absence(here, at) if here is not None else None
            if away is None:
                break
            here = away.substitute
        found = here if here != pk and here in self._able else None
        return found if self.fits(found, course, out, at) else None

    def _absence(self, pk: int, at: datetime) -> _Away | None:
        rows = self._away.get(pk, ())
        return next((row for row in rows if row.start_at <= at < row.end_at), None)

    def _is_trained(self, pk: int, course: str, day: date) -> bool:
        spans = self._trained.get((pk, course), ())
        return any(begun <= day and (ends is None or day <= ends) for begun, ends in spans)


def _absences(since: datetime, until: datetime) -> dict[int, list[_Away]]:
    rows = Absence.objects.filter(end_at__gt=since, start_at__lte=until)
    found: dict[int, list[_Away]] = {}
    for pk, start_at, end_at, substitute in rows.values_list(
        "person_id", "start_at", "end_at", "substitute_id"
    ):
        found.setdefault(pk, []).append(_Away(start_at, end_at, substitute))
    return found


def _trainings(courses: Collection[str]) -> dict[tuple[int, str], list[tuple[date, date | None]]]:
    rows = Qualification.objects.filter(
        course__taxonomy="training_course", course__code__in=list(courses)
    )
    found: dict[tuple[int, str], list[tuple[date, date | None]]] = {}
    values = rows.values_list("person_id", "course__code", "obtained_on", "valid_until")
    for pk, code, begun, ends in values if courses else ():
        found.setdefault((pk, code), []).append((begun, ends))
    return found
