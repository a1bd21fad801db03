"""How words are put together in the reader's language: lists, sentences, brackets, dates, names.

Separators and orders differ: Chinese lists with “、”, writes sentences without a space between
them, and takes full-width brackets.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import reduce
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, pgettext, pgettext_lazy

from config.shared.actors import SYSTEM

SHORT_DAYS: Final = (
    pgettext_lazy("short weekday", "Mon"),
    pgettext_lazy("short weekday", "Tue"),
    pgettext_lazy("short weekday", "Wed"),
    pgettext_lazy("short weekday", "Thu"),
    pgettext_lazy("short weekday", "Fri"),
    pgettext_lazy("short weekday", "Sat"),
    pgettext_lazy("short weekday", "Sun"),
)
_BOTH_NAMES: Final = re.compile(
    r"(?P<english>[^\u3400-\u9fff]+) (?P<chinese>[\u3400-\u9fff][\u3400-\u9fff·\d]*)"
)


def listed(items: Iterable[object]) -> str:
    """Return the items one after the other: `phone, letter` or `电话、挂号信`."""
    return pgettext("list separator", ", ").join(str(item) for item in items)


def sentences(parts: Iterable[object]) -> str:
    """Return whole sentences as one text; empty ones are left out."""
    pattern = pgettext("two sentences", "%(first)s %(second)s")
    said = [str(part) for part in parts if part]
    return reduce(lambda one, two: pattern % {"first": one, "second": two}, said) if said else ""


def noted(text: object, note: object) -> str:
    """Return a text with a note in brackets behind it."""
    return pgettext("note in brackets", "%(text)s (%(note)s)") % {"text": text, "note": note}


def labelled(label: object, value: object) -> str:
    """Return a value with its name before it: `Rule: 3 working days`."""
    return pgettext("label and value", "%(label)s: %(value)s") % {"label": label, "value": value}


def moment_words(at: datetime) -> str:
    """Return a moment in bank time with its weekday: `Fri 20 Nov 2026, 16:10`."""
    return _moment(at, pgettext("date format", "j M Y"))


def near_moment_words(at: datetime) -> str:
    """Return a moment whose year is plain: `Fri 20 Nov, 16:10`."""
    return _moment(at, pgettext("date format", "j M"))


def day_words(on: date) -> str:
    """Return a day with its weekday: `Fri 20 Nov 2026`."""
    told = date_format(on, pgettext("date format", "j M Y"))
    pattern = pgettext("day", "%(weekday)s %(date)s")
    return pattern % {"weekday": SHORT_DAYS[on.weekday()], "date": told}


def actor_words(label: str) -> str:
    """Return who did it, from the copy kept in the record: one of the two names of a person."""
    if label == SYSTEM.label:
        return gettext("Huiyin")
    names = _BOTH_NAMES.fullmatch(label)
    if names is None:
        return label
    return in_language(names["english"], names["chinese"])


def in_language(english: str, chinese: str) -> str:
    """Return the one of two names that is in the reader's language."""
    return chinese if get_language() == "zh-hans" else english


def _moment(at: datetime, shape: str) -> str:
    local = timezone.localtime(at)
    return pgettext("moment", "%(weekday)s %(date)s, %(time)s") % {
        "weekday": SHORT_DAYS[local.weekday()],
        "date": date_format(local, shape),
        "time": f"{local:%H:%M}",
    }
