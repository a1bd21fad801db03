"""The time of one clock as a bar: stretches that counted, closed hours, days off, pauses."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.clocks.timing import Run
from config.shared import worktime
from config.shared.chips import duration_words
from config.shared.words import in_language, labelled, listed
from config.shared.worktime import Kind

COUNTED, PAUSED = "counted", "paused"
KINDS: Final[dict[str, str | Promise]] = {
    COUNTED: gettext_lazy("Counted"),
    "closed": gettext_lazy("Closed hours"),
    "weekend": gettext_lazy("Days off"),
    "holiday": gettext_lazy("Holidays"),
    PAUSED: gettext_lazy("Paused"),
}
Stretch = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of the bar, in the order of time.

    `kind` is a key of KINDS; the seconds of all parts sum to the real time from start to due
    time, the percents to 100. `x` and `width` place it on a bar that is 1000 wide.
    """

    kind: str
    seconds: int
    percent: int
    label: str
    x: float = 0.0
    width: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return plain values without the drawing."""
        return {name: value for name, value in asdict(self).items() if name not in {"x", "width"}}


def bar(run: Run, due: datetime, pauses: Iterable[Stretch]) -> list[Part]:
    """Cut the time from start to due time into parts; a pause that lasts reaches to the end.

    Empty when the clock was due before it began.
    """
    if due <= run.started_at:
        return []
    pieces = list(_joined(_covered(_counted(run, due), pauses, due)))
    whole = (due - run.started_at).total_seconds()
    parts, before = [], 0.0
    for start, end, kind, label in pieces:
        after = before + (end - start).total_seconds()
        seconds, percent = round(after) - round(before), _of(after, whole) - _of(before, whole)
        x, far = 1000 * before / whole, 1000 * after / whole
        parts.append(Part(kind, seconds, percent, label, round(x, 2), round(far - x, 2)))
        before = after
    return parts


def shares(parts: Sequence[Part]) -> list[Part]:
    """Sum the parts by kind, in the order of KINDS; kinds that do not occur are left out."""
    found = []
    for kind, label in KINDS.items():
        of_kind = [part for part in parts if part.kind == kind]
        if of_kind:
            seconds = sum(part.seconds for part in of_kind)
            found.append(Part(kind, seconds, sum(part.percent for part in of_kind), str(label)))
    return found


def words(parts: Sequence[Part]) -> str:
    """Return the bar for those who do not see it: `Counted: 21h, Closed hours: 45h`."""
    return listed(labelled(part.label, duration_words(part.seconds)) for part in shares(parts))


_Piece = tuple[datetime, datetime, str, str]


def _counted(run: Run, due: datetime) -> Iterator[_Piece]:
    """Yield why time counted or not, as the calendar says; 7 x 24 it always does."""
    if not run.unit.uses_calendar:
        yield run.started_at, due, COUNTED, str(KINDS[COUNTED])
        return
    for segment in worktime.segments(run.calendar, run.started_at, due):
        kind = COUNTED if segment.counted else str(segment.kind)
        name = in_language(segment.name_en, segment.name_zh) if kind == Kind.HOLIDAY else ""
        label = _("Make-up working day") if segment.kind == Kind.MAKEUP else str(KINDS[kind])
        yield segment.start, segment.end, kind, name or label


def _covered(
    pieces: Iterable[_Piece], pauses: Iterable[Stretch], due: datetime
) -> Iterator[_Piece]:
    """Lay the pauses over the pieces."""
    covers = sorted((start, end or due) for start, end in pauses)
    for start, end, kind, label in pieces:
        cursor = start
        for pause_start, pause_end in covers:
            since, until = max(pause_start, cursor), min(pause_end, end)
            if since < until:
                if cursor < since:
                    yield cursor, since, kind, label
                yield since, until, PAUSED, str(KINDS[PAUSED])
                cursor = until
        if cursor < end:
            yield cursor, end, kind, label


def _joined(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """Join neighbours of one kind and label."""
    last: _Piece | None = None
    for piece in pieces:
        if last and last[2:] == piece[2:]:
            last = (last[0], piece[1], *piece[2:])
            continue
        if last:
            yield last
        last = piece
    if last:
        yield last


def _of(part: float, whole: float) -> int:
    return round(100 * part / whole)
