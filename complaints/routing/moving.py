"""Cases that go back and forth between two departments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from complaints.models import Case, HandOver
from staff import people
from staff.models import Department
from staff.models.accounts import Role

MOVES: Final = 3


@dataclass(frozen=True, slots=True)
class Shuttle:
    """A case that has just been moved between the same two departments for the third time.

    `one` and `other` are codes, `tell` the pks of those who should know.
    """

    case: Case
    one: str
    other: str
    tell: tuple[int, ...]


def third_moves(cases: Sequence[Case]) -> Iterator[Shuttle]:
    """Yield the cases whose department, as set on the object, makes the third such move.

    Read before the new stretch is written: the stored stretches and the case's department are the
    way. Exactly the third counts, so each pair of departments is told once per case.
    """
    for case, one, other in _found(cases) if cases else ():
        codes = dict(Department.objects.filter(pk__in=(one, other)).values_list("pk", "code"))
        role = Role.COMPLIANCE if case.restricted else Role.SUPERVISOR
        told = tuple(person.pk for person in people.audience([role]))
        yield Shuttle(case, codes[one], codes[other], told)


def _found(cases: Sequence[Case]) -> list[tuple[Case, int, int]]:
    """Return (case, department before, department now) of third moves; one query."""
    ways: dict[int, list[int]] = {case.pk: [] for case in cases}
    rows = HandOver.objects.filter(case__in=list(ways)).order_by("case_id", "from_at", "pk")
    for case_id, unit in rows.values_list("case_id", "department_id"):
        ways[case_id].append(unit)
    found = []
    for case in cases:
        way = [*ways[case.pk], case.department_id]
        moves = [{a, b} for a, b in pairwise(way) if a != b]
        if len(way) > 1 and way[-2] != way[-1] and moves.count({way[-2], way[-1]}) == MOVES:
            found.append((case, way[-2], way[-1]))
    return found
