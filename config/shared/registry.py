"""One registry shape: rooms contribute frozen dataclasses, portal pages loop over them.

Each room's `contributions.py` ends with `contribute(...)`; `config.portal.apps` imports them all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from config.shared.scope import Scope


class Contribution(Protocol):
    """Anything with a key that is unique among its type."""

    @property
    def key(self) -> str:
        """Return the name that is unique among its type."""
        ...


C = TypeVar("C")
_store: dict[type, dict[str, Any]] = {}


def contribute(*items: Contribution) -> None:
    """Register contributions; a key used twice for one type is a programming error."""
    for item in items:
        shelf = _store.setdefault(type(item), {})
        if item.key in shelf:
            message = f"{type(item).__name__} {item.key!r} is contributed twice"
            raise ValueError(message)
        shelf[item.key] = item


def contributed(kind: type[C]) -> Mapping[str, C]:
    """Return everything of one type, by key, in the order of contribution."""
    return _store.get(kind, {})


@dataclass(frozen=True, slots=True)
class DueWork:
    """Work found in the database: `verb(at)` does what is due and returns how many it did.

    `every` is the beat interval; the beat table, `run_due` and `wake` read this one list.
    The verb must be safe to run twice and beside itself.
    """

    key: str
    verb: Callable[[datetime], int]
    every: timedelta
    queue: str = "default"


@dataclass(frozen=True, slots=True)
class Eraser:
    """Removes one customer's words from a room: `erase(customer_pks, at)` returns rows touched."""

    key: str
    erase: Callable[[list[int], datetime], int]


@dataclass(frozen=True, slots=True)
class NavItem:
    """A sidebar entry: shown when `area`/`act` is granted.

    `count(scope, at)` returns how many things there need the reader and whether one is overdue;
    it is asked after the page has been shown.

    `group` is one of work, insight, rules, running, oversight; `icon` a sprite name.
    """

    key: str
    title: Any
    url_name: str
    icon: str
    group: str
    area: str
    act: str = "view"
    order: int = 50
    count: Callable[[Scope, datetime], tuple[int, bool]] | None = None
