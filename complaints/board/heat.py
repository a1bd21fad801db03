"""When cases arrive: weekday by hour over eight weeks, with three measures."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import Count as Counting
from django.db.models import F, Q

from complaints.board.filters import WEEKS, came_since, first_moment, with_slots
from complaints.board.sight import Sight, hourly_intake
from complaints.board.tallying import medians
from config.shared.chips import duration_words
from config.shared.listing import MANY
from config.shared.words import SHORT_DAYS

MEASURES: Final = ("arrivals", "reply", "late")
FEW: Final = 5
"""Below so many cases a median or a share says nothing."""
_HOURS: Final = range(8, 20)
_STEPS: Final = 5
_Slot = tuple[int, int]  # weekday (Monday 1) and hour


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of the week. `words` is the figure; `step` 0-5 its tint; `short`: over capacity.

    `grey`: too few cases for the measure.
    """

    words: str
    step: int
    query: str = ""
    short: bool = False
    grey: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """One row of the table."""

    label: str
    cells: list[Cell]
    total: str


@dataclass(frozen=True, slots=True)
class Heat:
    """The table; `cut`: medians are of the newest 10,000 cases, since `since`."""

    measure: str
    hours: list[int]
    days: list[Day]
    short: bool
    capacity: int
    total: int
    cut: bool
    peak: str
    since: datetime


def heat(sight: Sight, measure: str) -> Heat:
    """Return the table of a measure (`MEASURES`; another one is the first); at most two queries."""
    kind = measure if measure in MEASURES else MEASURES[0]
    since = first_moment(sight.at)
    rows = with_slots(sight.cases().filter(came_since(since)))
    counted = rows.values_list("day_in", "hour_in").annotate(
        n=Counting("pk"),
        late=Counting("pk", filter=Q(breached=True)),
        answered=Counting("pk", filter=Q(first_response_at__isnull=False)),
    )
    found = list(counted)
    came = {(day, hour): (n, late) for day, hour, n, late, _answered in found}
    replies = _replies(sight, since) if kind == "reply" else {}
    cut = kind == "reply" and sum(answered for *_slot, answered in found) > MANY
    table = _Table(sight, kind, came, replies, hourly_intake(sight.at))
    hours = _hours(came)
    days = [
        Day(
            str(SHORT_DAYS[day - 1]),
            [table.cell((day, hour)) for hour in hours],
            table.of_day(day),
        )
        for day in range(1, 8)
    ]
    total = sum(n for n, _late in came.values())
    peak = table.peak
    return Heat(kind, hours, days, bool(peak), table.capacity, total, cut, peak, since)


def _replies(sight: Sight, since: datetime) -> dict[tuple[int, int | None], float]:
    """Return the median seconds until the first reply, of the newest 10,000 cases.

    By weekday and hour, and by weekday (hour None).
    """
    answered = sight.cases().filter(came_since(since), first_response_at__isnull=False)
    newest = with_slots(answered).order_by("-received_at", "-id")
    spans = newest.values("day_in", "hour_in", spent=F("first_response_at") - F("received_at"))
    return medians(spans[:MANY], "day_in", "hour_in", "spent")


def _hours(came: dict[_Slot, tuple[int, int]]) -> list[int]:
    """Return the hours of the table: those of the day, widened to whenever something came."""
    hours = {hour for _day, hour in came} | {_HOURS.start, _HOURS.stop - 1}
    return list(range(min(hours), max(hours) + 1))


@dataclass
class _Table:
    """The figures of one measure: (cases, late ones) and median replies by hour of the week."""

    sight: Sight
    kind: str
    came: dict[_Slot, tuple[int, int]]
    replies: dict[tuple[int, int | None], float]
    capacity: int
    top: float = field(init=False)

    def __post_init__(self) -> None:
        """Find the highest value that counts: it has the darkest tint."""
        self.top = max((self._value(slot) for slot in self.came if self._sure(slot)), default=0.0)

    @property
    def peak(self) -> str:
        """The hour with the most arrivals over what can be accepted, in words; '' = none."""
        short = [slot for slot in self.came if self._is_short(slot)]
        most = max(short, key=lambda slot: self.came[slot][0], default=None)
        return f"{SHORT_DAYS[most[0] - 1]} {most[1]:02d}:00" if most else ""

    def cell(self, slot: _Slot) -> Cell:
        """Return one hour of the week as drawn."""
        if slot not in self.came:
            return Cell("–" if self.kind == "reply" else "0", 0)
        value, grey = self._value(slot), not self._sure(slot)
        more: dict[str, Any] = {"late": "1"} if self.kind == "late" else {}
        query = self.sight.query(state="all", slot=f"{slot[0]}-{slot[1]:02d}", **more)
        share = value / max(self.top, 1) * (_STEPS - 0.01)
        step = 0 if grey or not value else min(_STEPS, 1 + int(share))
        return Cell(self._words(slot), step, query, self._is_short(slot), grey)

    def of_day(self, day: int) -> str:
        """Return the figure of a whole day."""
        if self.kind == "reply":
            middle = self.replies.get((day, None))
            return "–" if middle is None else duration_words(int(middle))
        late = self.kind == "late"
        return str(sum(pair[late] for slot, pair in self.came.items() if slot[0] == day))

    def _value(self, slot: _Slot) -> float:
        if self.kind == "reply":
            return self.replies.get(slot, 0.0)
        return float(self.came[slot][self.kind == "late"])

    def _words(self, slot: _Slot) -> str:
        if self.kind != "reply":
            return str(self.came[slot][self.kind == "late"])
        return duration_words(int(self._value(slot))) if slot in self.replies else "–"

    def _sure(self, slot: _Slot) -> bool:
        """Tell whether there are enough cases for the measure."""
        return self.kind == "arrivals" or self.came[slot][0] >= FEW

    def _is_short(self, slot: _Slot) -> bool:
        """Tell whether more came in such an hour, in the mean of the weeks, than can be taken."""
        return self.kind == "arrivals" and self.came[slot][0] > self.capacity * WEEKS
