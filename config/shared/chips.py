"""What small marks on pages show: clock chips with their words, headings, pager links.

No colours and no markup here: state, words and figures, so that a list, an export and the API
say the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, Literal

from django.utils.functional import Promise
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

ClockState = Literal["ok", "risk", "over", "paused", "met", "missed"]
DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class ClockChip:
    """One clock as pages show it (UX.md §4). The server decides `state`; the browser re-words.

    `seconds` is counted on the clock's own calendar and never negative: time left (ok, risk,
    paused), time over (over, missed) or time taken (met). `day_seconds` is how much of it makes
    one day (86,400, or the length of a working day); `day_clock` marks limits set in days, whose
    overdue words differ in Chinese. `counted_until` is the moment up to which time counts without
    a break, so the browser knows how far it may count on; None while nothing counts.
    `due_at` is None for a clock that has not started. `url` is asked again when zero is passed.
    `words` overrides the sentence made from `seconds` ("Starts when resolved"). `provisional`: the
    due time reaches into a year whose official days are not known, and may move.
    """

    state: ClockState
    name: str | Promise = ""
    due_at: datetime | None = None
    percent: int = 0
    words: str | Promise = ""
    title: str | Promise = ""
    seconds: int = 0
    day_seconds: int = DAY_SECONDS
    day_clock: bool = False
    counted_until: datetime | None = None
    url: str = ""
    provisional: bool = False

    @property
    def text(self) -> str:
        """Return the words to show, in the reader's language."""
        if self.words:
            return str(self.words)
        return clock_words(
            self.seconds, self.state, day_clock=self.day_clock, day_seconds=self.day_seconds
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The heading of a column; `sorted` is the word of aria-sort, "" when it is not the order."""

    title: str | Promise
    style: str
    url: str
    sorted: str


@dataclass(frozen=True, slots=True)
class PagerLinks:
    """Addresses of the neighbouring pages of a list ("" = none) and a line like "1-50 of 312"."""

    first: str = ""
    previous: str = ""
    next: str = ""
    last: str = ""
    words: str | Promise = ""


def duration_formats() -> dict[str, str]:
    """Return the five ways to write a duration, with %(d)s %(h)s %(m)s left open."""
    return {
        "dh": pgettext("duration", "%(d)sd %(h)sh"),
        "d": pgettext("duration", "%(d)sd"),
        "hm": pgettext("duration", "%(h)sh %(m)sm"),
        "h": pgettext("duration", "%(h)sh"),
        "m": pgettext("duration", "%(m)sm"),
    }


def duration_words(seconds: int, *, day_seconds: int = DAY_SECONDS) -> str:
    """Return the two largest units, never seconds: `1d 4h`, `1h 40m`, `40m`."""
    minutes = max(0, int(seconds)) // 60
    days, rest = divmod(minutes, max(1, day_seconds // 60))
    hours, minutes = divmod(rest, 60)
    if days:
        key = "dh" if hours else "d"
    elif hours:
        key = "hm" if minutes else "h"
    else:
        key = "m"
    return _spoken(get_language()).durations[key] % {"d": days, "h": hours, "m": minutes}


def clock_sentence(state: ClockState, *, day_clock: bool = False) -> str:
    """Return the sentence of a state with `%(time)s` left open."""
    return _spoken(get_language()).sentences[state, day_clock]


@dataclass(frozen=True, slots=True)
class _Spoken:
    """The words of every chip in one language; a list says them hundreds of times."""

    durations: Mapping[str, str]
    sentences: Mapping[tuple[str, bool], str]


@cache
def _spoken(language: str | None) -> _Spoken:
    """Look the words up in the active language, which is `language`, once."""
    left = _("%(time)s left")
    either = {
        "ok": left,
        "risk": left,
        "over": pgettext("limit in hours", "%(time)s overdue"),
        "paused": _("Paused, %(time)s left"),
        "met": _("Met in %(time)s"),
        "missed": pgettext("limit in hours", "Missed by %(time)s"),
    }
    in_days = either | {
        "over": pgettext("limit in days", "%(time)s overdue"),
        "missed": pgettext("limit in days", "Missed by %(time)s"),
    }
    sentences = {(state, False): words for state, words in either.items()}
    sentences |= {(state, True): words for state, words in in_days.items()}
    return _Spoken(duration_formats(), sentences)


def clock_words(
    seconds: int, state: ClockState, *, day_clock: bool = False, day_seconds: int = DAY_SECONDS
) -> str:
    """Return what a chip says: `1h 40m left`, `50m overdue`, `Met in 3h 12m`."""
    time = duration_words(seconds, day_seconds=day_seconds)
    return clock_sentence(state, day_clock=day_clock) % {"time": time}
