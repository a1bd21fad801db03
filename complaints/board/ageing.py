"""How old the open cases are, by unit or by stage: counts in four ages, drawn as one bar a row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Case as Pick
from django.db.models import Count as Counting
from django.db.models import F, Min, Q, Value, When

from complaints import clocks
from complaints.board.filters import AGES, age_states, came_since, gone_since
from complaints.board.sight import Sight
from complaints.board.tallying import By, tallies
from complaints.choices import OPEN, Status
from complaints.clocks.desk import NEVER
from complaints.models import Case
from config.shared.chips import ClockChip
from config.shared.listing import MANY
from staff.models import Department

UNITS: Final = 6
"""So many units get a row; the others are counted together."""
WIDTH, HEIGHT, GAP = 400, 22, 2
_TREND: Final = timedelta(days=7)
_NARROW: Final = 14  # pixels that a figure needs


@dataclass(frozen=True, slots=True)
class Part:
    """One age of one row: its place in the drawing, its figure and the list behind it."""

    age: str
    n: int
    x: float
    width: float
    query: str

    @property
    def middle(self) -> float:
        """Where the figure stands."""
        return self.x + self.width / 2

    @property
    def printed(self) -> bool:
        """Tell whether the figure has room."""
        return self.width >= _NARROW


@dataclass(frozen=True, slots=True)
class Row:
    """One unit or stage."""

    label: str
    query: str
    total: int
    parts: list[Part]
    chip: ClockChip | None = None
    trend: int | None = None


@dataclass(frozen=True, slots=True)
class Ageing:
    """The whole card; `cut`: figures of the 10,000 due first. `oldest` is the row to look at."""

    rows: list[Row]
    others: int
    others_n: int
    total: int
    cut: bool
    oldest: Row | None = None

    @property
    def oldest_n(self) -> int:
        """How many cases of the row to look at are three working days old or more."""
        return self.parts_of(self.oldest)[-1] if self.oldest else 0

    @property
    def old(self) -> int:
        """How many cases of all rows are."""
        return sum(self.parts_of(row)[-1] for row in self.rows)

    def parts_of(self, row: Row) -> list[int]:
        """Return the four figures of a row."""
        known = {part.age: part.n for part in row.parts}
        return [known.get(age, 0) for age in AGES]


def by_unit(sight: Sight) -> Ageing:
    """Return the ages by department, the most cases first; seven queries."""
    tally = [(int(code), *counts) for code, *counts in _tally(sight, "department_id")]
    units = Department.objects.in_bulk([pk for pk, *_counts in tally[:UNITS]])
    trends, worst = _trends(sight), _worst(sight, tally[:UNITS])
    widest = max((sum(counts) for _pk, *counts in tally), default=0)
    rows = []
    for pk, *counts in tally[:UNITS]:
        unit = units[pk]
        query = sight.query(department=unit.code)
        parts = _parts(sight, counts, widest, {"department": unit.code})
        chip, trend = worst.get(pk), trends.get(pk, 0)
        rows.append(Row(unit.label, query, sum(counts), parts, chip, trend))
    return _card(rows, [sum(counts) for _pk, *counts in tally[UNITS:]])


def by_stage(sight: Sight) -> Ageing:
    """Return the ages by state of the workflow, in the order of the way; one query."""
    found = {status: counts for status, *counts in _tally(sight, "status")}
    widest = max((sum(counts) for counts in found.values()), default=0)
    rows = [
        Row(
            str(Status(status).label),
            sight.query(status=status),
            sum(found[status]),
            _parts(sight, found[status], widest, {"status": status}),
        )
        for status in OPEN
        if status in found
    ]
    return _card(rows, [])


def _card(rows: list[Row], rest: Sequence[int]) -> Ageing:
    total = sum(row.total for row in rows) + sum(rest)
    card = Ageing(rows, len(rest), sum(rest), total, total > MANY)
    aged = [row for row in rows if card.parts_of(row)[-1]]
    oldest = max(aged, key=lambda row: card.parts_of(row)[-1], default=None)
    return Ageing(rows, len(rest), sum(rest), total, total > MANY, oldest)


def _tally(sight: Sight, column: str) -> list[tuple[Any, ...]]:
    """Count the 10,001 open cases due first by one column and by age, the most first."""
    ages = [When(condition, then=Value(n)) for n, condition in enumerate(age_states(sight.at))]
    due_first = sight.open().order_by("paused", "next_due_at", "id")
    rows = due_first.values(code=F(column), age=Pick(*ages, default=Value(len(ages) - 1)))
    counts: dict[str, list[int]] = {}
    by_code = tallies(rows[: MANY + 1], {"": By("code", "age")})[""]
    for (code, age), n in by_code.items():
        counts.setdefault(str(code), [0] * len(ages))[int(age or 0)] += n
    found = [(code, *row) for code, row in counts.items()]
    return sorted(found, key=lambda row: (-sum(row[1:]), row[0]))


def _parts(sight: Sight, counts: Sequence[int], widest: int, filters: dict[str, str]) -> list[Part]:
    """Lay the figures of a row beside one another; all rows have the same scale."""
    parts, x = [], 0.0
    for age, n in zip(AGES, counts, strict=True):
        if n:
            width = max(n / max(1, widest) * WIDTH - GAP, 3.0)
            query = sight.query(**filters, age=age)
            parts.append(Part(age, n, round(x, 1), round(width, 1), query))
            x += width + GAP
    return parts


def _trends(sight: Sight) -> dict[int, int]:
    """Return by unit how many open cases more there are than a week ago."""
    since = sight.at - _TREND
    change: dict[int, int] = {}
    for sign, condition in ((1, came_since(since)), (-1, gone_since(since))):
        counted = sight.cases().filter(condition).values_list("department")
        for pk, n in counted.annotate(n=Counting("pk")):
            change[pk] = change.get(pk, 0) + sign * n
    return change


def _worst(sight: Sight, tally: Iterable[tuple[Any, ...]]) -> dict[int, ClockChip]:
    """Return by unit the chip of the case whose clock is nearest; three queries."""
    units = [row[0] for row in tally]
    running = sight.open().filter(paused=False, department__in=units, next_due_at__lt=NEVER)
    nearest: dict[int, datetime] = dict(
        running.values_list("department").annotate(due=Min("next_due_at"))
    )
    wanted = Q(pk__in=[])
    for pk, due in nearest.items():
        wanted |= Q(department=pk, next_due_at=due)
    cases: dict[int, Case] = {}
    for case in running.filter(wanted).order_by("-id")[: 20 * UNITS]:
        cases[case.department_id] = case
    chips = clocks.chips(cases.values(), sight.at) if cases else {}
    return {pk: chips[case.pk] for pk, case in cases.items()}
