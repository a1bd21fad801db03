"""Lists: one declaration gives the page, the rows fragment, the export and the API.

An order is a tuple of NOT NULL columns with a unique tail, each with a named index. Pages are read
by position in that order (keyset), never by OFFSET, so the last page costs as much as the first.
`listing_pages` turns a declaration and a request's parameters into one page of rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Protocol, cast

from django.db.models import (
    BooleanField,
    Expression,
    F,
    Field,
    Func,
    GeneratedField,
    Model,
    QuerySet,
    Value,
)
from django.http import QueryDict

from config.shared.scope import Scope

MANY = 10_000
"""No figure beside a list is counted further than this."""


class Filters(Protocol):
    """What a list needs of a filter set (django-filter): the rows that match."""

    @property
    def qs(self) -> QuerySet[Any]:
        """The rows that match."""
        ...


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `value(row)` is what an export writes, `template` draws the cell of the page.

    `kind` is text, number, money, date or datetime; `order` names the order its heading sorts by;
    `style` are CSS classes of the cell. A locked column cannot be hidden. `shown` is the default.
    `compact` draws the cell on one line, where `template` needs two.
    """

    key: str
    title: Any
    value: Callable[[Any], Any]
    template: str
    kind: str = "text"
    order: str = ""
    style: str = ""
    locked: bool = False
    shown: bool = True
    compact: str = ""

    def drawn_by(self, *, compact: bool) -> str:
        """Return the template of the cell in that density."""
        return self.compact if compact and self.compact else self.template


@dataclass(frozen=True, slots=True)
class Order:
    """A way to sort: Django field names, `-` for descending, the last one unique."""

    key: str
    title: Any
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class List:
    """A list of rows of one area.

    `rows(scope)` returns what the person may see, with everything the cells need joined in;
    `filters(data, rows, scope, at)` returns the filter set. The first order is the default.
    """

    key: str
    title: Any
    area: str
    rows: Callable[[Scope], QuerySet[Any]]
    filters: Callable[[QueryDict, QuerySet[Any], Scope, datetime], Filters]
    columns: tuple[Column, ...]
    orders: tuple[Order, ...]
    page_size: int = 50

    def order(self, key: str) -> Order:
        """Return the order of that key; the default one for anything unknown."""
        return next((order for order in self.orders if order.key == key), self.orders[0])

    def chosen(self, keys: Sequence[str]) -> list[Column]:
        """Return the columns to show: the locked ones, then the named ones as named (or default).

        Unknown names are left out; where none is known the default set is shown.
        """
        locked = [column for column in self.columns if column.locked]
        free = {column.key: column for column in self.columns if not column.locked}
        named = [free[key] for key in dict.fromkeys(keys) if key in free]
        known = named or any(column.key in keys for column in locked)
        return locked + (named if known else [c for c in free.values() if c.shown])

    def read(self, data: QueryDict, scope: Scope, at: datetime) -> Iterator[Any]:
        """Yield every row that matches, in the asked order, 1,000 at a time by position.

        Reads in constant memory; a row that changes its place while reading may be met twice or
        not at all, as on any list that others work on.
        """
        rows = self.filters(data, self.rows(scope), scope, at).qs
        return in_chunks(rows, self.order(data.get("sort", "")))


class _Row(Func):
    """SQL row value: `(a, b, c)`."""

    template = "(%(expressions)s)"
    output_field = BooleanField()


class _Beyond(Func):
    """Row comparison, true for rows that come after (or before) a position; uses the index."""

    template = "%(expressions)s"
    output_field = BooleanField()
    conditional = True


def in_chunks(rows: QuerySet[Any], order: Order, size: int = 1000) -> Iterator[Any]:
    """Yield all rows in that order, `size` per query, each query starting after the last row."""
    place: tuple[Any, ...] | None = None
    while chunk := take(rows, order.fields, place, size):
        yield from chunk
        if len(chunk) < size:
            return
        place = place_of(chunk[-1], order.fields)


def take(
    rows: QuerySet[Any], fields: tuple[str, ...], place: tuple[Any, ...] | None, limit: int
) -> list[Any]:
    """Return up to `limit` rows that come after `place` (None: from the start) in that order.

    One query where all fields run in one direction; where they turn, one per direction, so that
    each is a range of the index.
    """
    ordered = rows.order_by(*fields)
    if place is None:
        return list(ordered[:limit])
    found: list[Any] = []
    for part in _after(ordered, fields, place):
        found += part[: limit - len(found)]
        if len(found) >= limit:
            break
    return found


def reverse(fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return the same order read backwards."""
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in fields)


def place_of(row: Model, fields: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the values that mark a row's position in that order."""
    return tuple(getattr(row, name.lstrip("-")) for name in fields)


def capped_count(rows: QuerySet[Any]) -> int | None:
    """Count rows up to MANY; None when there are more."""
    found = rows.order_by()[: MANY + 1].count()
    return None if found > MANY else found


def stored_field(rows: QuerySet[Any], name: str) -> "Field[Any, Any]":
    """Return the field that holds the values of a column; of a generated one, of its results."""
    model: Any = rows.model
    field: Any = model._meta.get_field(name)
    stored: Any = field.output_field if isinstance(field, GeneratedField) else field
    return cast("Field[Any, Any]", stored)


def _after(
    rows: QuerySet[Any], fields: tuple[str, ...], place: tuple[Any, ...]
) -> Iterator[QuerySet[Any]]:
    """Yield the parts of what follows `place`, nearest first.

    (-severity, due, id) after (3, d, i) is: severity = 3 and (due, id) > (d, i); severity < 3.
    """
    for start, end in reversed(_runs(fields)):
        same = {n.lstrip("-"): v for n, v in zip(fields[:start], place[:start], strict=True)}
        yield rows.filter(**same).filter(_beyond(rows, fields[start:end], place[start:end]))


def _runs(fields: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return the stretches (start, end) of fields that run in the same direction."""
    down = [name.startswith("-") for name in fields]
    turns = [at for at in range(1, len(fields)) if down[at] != down[at - 1]]
    return list(pairwise([0, *turns, len(fields)]))


def _beyond(rows: QuerySet[Any], fields: tuple[str, ...], place: tuple[Any, ...]) -> Expression:
    """Return the condition (a, b) > (x, y), or < for a descending run."""
    names = [name.lstrip("-") for name in fields]
    values = [
        Value(value, output_field=stored_field(rows, name))
        for name, value in zip(names, place, strict=True)
    ]
    sign = " < " if fields[0].startswith("-") else " > "
    return _Beyond(_Row(*map(F, names)), _Row(*values), arg_joiner=sign)
