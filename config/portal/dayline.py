"""The strip of today's deadlines, drawn by the server: places in pixels and the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from complaints.desk import Mark
from config.shared.words import listed, sentences

WIDTH: Final = 1080
LABEL: Final = 90  # pixels that "now 14:30" takes
OPENS, CLOSES = 9 * 60, 17 * 60 + 30  # minutes after midnight; widened to what is due


@dataclass(frozen=True, slots=True)
class Place:
    """A mark on the strip: its middle in pixels, its state, and what its tooltip says."""

    x: int
    state: str
    title: str


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the axis; the first and last labels stay inside the drawing."""

    x: int
    text_x: int
    label: str


@dataclass(frozen=True, slots=True)
class Strip:
    """Everything the drawing needs; `now_x` is None outside the hours shown."""

    places: list[Place]
    hours: list[Hour]
    now_x: int | None
    now_text_x: int
    now_end: bool
    past: int
    words: str


def strip(marks: Sequence[Mark], at: datetime) -> Strip:
    """Lay out the marks between 09:00 and 17:30, or as many hours as they need."""
    minutes = [_minute(mark.at) for mark in marks]
    start = min([OPENS, *(m // 60 * 60 for m in minutes)])
    end = max([CLOSES, *(min(24 * 60, -(-m // 60) * 60) for m in minutes)])
    scale = WIDTH / (end - start)
    now = _minute(at)
    now_x = round((now - start) * scale) if start <= now <= end else None
    places = [
        Place(
            _inside(round((minute - start) * scale)),
            mark.state,
            f"{timezone.localtime(mark.at):%H:%M} {mark.number}",
        )
        for mark, minute in zip(marks, minutes, strict=True)
    ]
    to_left = now_x is not None and _is_crowded(places, now_x)
    return Strip(
        places=places,
        hours=_hours(start, end, scale),
        now_x=now_x,
        now_text_x=(now_x or 0) + (-7 if to_left else 7),
        now_end=to_left,
        past=now_x if now_x is not None else (WIDTH if now > end else 0),
        words=_words(marks),
    )


def _is_crowded(places: Sequence[Place], now_x: int) -> bool:
    """Tell whether the words "now 14:30" fit better on the left of their line."""
    right = any(now_x < place.x < now_x + LABEL for place in places)
    left = any(now_x - LABEL < place.x < now_x for place in places)
    return now_x > WIDTH - LABEL or (right and not left and now_x > LABEL)


def _minute(moment: datetime) -> int:
    local = timezone.localtime(moment)
    return local.hour * 60 + local.minute


def _inside(x: int) -> int:
    return max(9, min(WIDTH - 9, x))


def _hours(start: int, end: int, scale: float) -> list[Hour]:
    """Return the full hours, every second one where the day is long."""
    step = 60 if end - start <= 10 * 60 else 120
    found = []
    for minute in range(start, end + 1, step):
        x = round((minute - start) * scale)
        text_x = max(0, min(WIDTH - 32, x - 14))
        found.append(Hour(x, text_x, f"{minute // 60:02d}:00"))
    return found


def _words(marks: Sequence[Mark]) -> str:
    """Return the strip as a text for those who do not see it."""
    if not marks:
        return _("No deadline today.")
    times = {
        state: listed(f"{timezone.localtime(m.at):%H:%M}" for m in marks if m.state == state)
        for state in ("over", "risk", "ok")
    }
    parts = [
        _("Overdue: %(times)s.") % {"times": times["over"]} if times["over"] else "",
        _("At risk: %(times)s.") % {"times": times["risk"]} if times["risk"] else "",
        _("Due: %(times)s.") % {"times": times["ok"]} if times["ok"] else "",
    ]
    return sentences([_("Deadlines of today."), *parts])
