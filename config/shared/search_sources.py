"""Sources of the search field: each room contributes what can be found in it.

The pages loop over the sources and know no room. A source cuts by scope before anything else, and
masks what the reader may not see; what is hidden is neither shown nor counted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

from config.shared.chips import ClockChip
from config.shared.scope import Scope


@dataclass(frozen=True, slots=True)
class HitAct:
    """What can be done with a hit at once; `post` acts are posted, others are links."""

    title: str | Promise
    icon: str
    url: str
    post: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One line: `url` "" where the reader may know of it but not open it.

    `meta` are further words (number, name, unit); `chip` the clock of a case, `due` its due time
    where nothing else may be shown; `status` and `tier` are codes of their marks.
    """

    title: str
    url: str
    icon: str
    meta: tuple[str, ...] = ()
    chip: ClockChip | None = None
    due: datetime | None = None
    status: str = ""
    tier: str = ""
    acts: tuple[HitAct, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one source; `more`: there are further ones within the reader's sight."""

    hits: tuple[Hit, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class SearchSource:
    """One room's part of the search: `find(asked, scope, at, limit)` returns at most `limit` hits.

    `asked` is one clean line. A source that the reader does not reach finds nothing.
    """

    key: str
    title: str | Promise
    find: Callable[[str, Scope, datetime, int], Found]
    order: int = 50


def first_of(rows: list[Any], limit: int) -> tuple[list[Any], bool]:
    """Return at most `limit` rows of one more that were asked for, and whether there are more."""
    return rows[:limit], len(rows) > limit


__all__ = ["Found", "Hit", "HitAct", "SearchSource", "first_of"]
