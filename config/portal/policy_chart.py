"""The dry run as a picture drawn by the server: how long cases took, with both limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from complaints.clocks.dryrun import BARS, LATE, NEW, Bar, DryPolicy
from config.shared.chips import duration_words

LEFT: Final = 10
BOTTOM: Final = 108
TOP: Final = 34
STEP: Final = 21.0
ROOM: Final = 110
_CLASSES: Final = {NEW: "w-new", LATE: "g-late"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One drawn rectangle, in the units of the picture."""

    x: str
    y: str
    height: str
    style: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One limit: a line with its words, on the side where there is room."""

    x: str
    y: int
    text_x: str
    text_y: int
    words: str
    anchor: str
    strong: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table that says the same."""

    span: str
    n: int
    state: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture, what it says in one sentence, and the table."""

    pieces: Sequence[Piece]
    marks: Sequence[Mark]
    rows: Sequence[Row]
    label: str


def chart(dry: DryPolicy, draft: str, force: str) -> Chart | None:
    """Return the picture of a replay; `draft` and `force` are the limits in words.

    None without bars.
    """
    if not dry.bars:
        return None
    width = min(bar.to_minutes - bar.from_minutes for bar in dry.bars)
    tallest = max(_heights(dry.bars).values())
    scale = (BOTTOM - TOP) / tallest
    stacked: dict[int, float] = {}
    pieces = []
    for bar in dry.bars:
        place = min(bar.from_minutes // width, BARS - 1)
        base = stacked.get(place, 0.0)
        height = bar.n * scale
        stacked[place] = base + height
        style = _CLASSES.get(bar.state, "bar1")
        top = BOTTOM - base - height
        pieces.append(Piece(_n(LEFT + place * STEP), _n(top), _n(height), style))
    marks = _marks(dry, width, draft, force)
    return Chart(pieces, marks, [_row(bar) for bar in dry.bars], _label(dry))


def _heights(bars: Sequence[Bar]) -> dict[int, int]:
    found: dict[int, int] = {}
    for bar in bars:
        found[bar.from_minutes] = found.get(bar.from_minutes, 0) + bar.n
    return found


def _marks(dry: DryPolicy, width: int, draft: str, force: str) -> list[Mark]:
    """Return the lines of both limits; the words of the shorter one stand left of its line."""
    found = []
    after, before = dry.limit_after, dry.limit_before
    if after is not None:
        words = _("draft: %(limit)s") % {"limit": draft}
        first = before is None or after < before
        found.append(_mark(_x(after, width), words, 12, before=first, strong=True))
    if before is not None and before != after:
        words = _("now: %(limit)s") % {"limit": force}
        first = after is not None and before < after
        found.append(_mark(_x(before, width), words, 26, before=first, strong=False))
    return found


def _x(minutes: int, width: int) -> float:
    return LEFT - 1 + min(minutes / width, BARS) * STEP


def _mark(x: float, words: str, y: int, *, before: bool, strong: bool) -> Mark:
    left = x > ROOM if before else x > LEFT + BARS * STEP - ROOM
    place, anchor = (x - 5, "end") if left else (x + 5, "start")
    return Mark(_n(x), y, _n(place), y + 2, words, anchor, strong)


def _row(bar: Bar) -> Row:
    span = _("%(from)s to %(to)s") % {
        "from": duration_words(bar.from_minutes * 60),
        "to": duration_words(bar.to_minutes * 60),
    }
    states = {NEW: _("newly late"), LATE: _("late either way")}
    return Row(span, bar.n, states.get(bar.state, _("on time")))


def _label(dry: DryPolicy) -> str:
    """Return the finding of the picture in a sentence, for those who do not see it."""
    text = ngettext(
        "Time to resolve of %(n)s case: %(on)s on time under the draft, %(new)s newly late.",
        "Time to resolve of %(n)s cases: %(on)s on time under the draft, %(new)s newly late.",
        dry.cases,
    )
    return text % {"n": dry.cases, "on": dry.on_time_after, "new": dry.newly}


def _n(value: float) -> str:
    """Return a number as SVG reads it, whatever the language."""
    return f"{value:.1f}"
