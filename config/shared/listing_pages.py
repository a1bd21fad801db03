"""One page of a list: the cursor in the address, and previous / next / first / last.

A cursor is opaque to people: base64 of JSON (order, way, position). Anything that is not one of
ours (cut, altered, of another order) means the first page.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.timezone import is_naive

from config.shared.listing import Order, place_of, reverse, stored_field, take

LAST = "last"
BIGGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page and the cursors around it ("" = there is no such page)."""

    rows: list[Any]
    order: Order
    previous: str = ""
    next: str = ""
    is_first: bool = True

    @property
    def last(self) -> str:
        """Cursor of the last page; "" when this is it."""
        return LAST if self.next else ""


def page_of(rows: QuerySet[Any], order: Order, cursor: str, size: int) -> Page:
    """Read the page a cursor points to; the first one for "" and any cursor that is not ours."""
    if cursor == LAST:
        return _last(rows, order, size)
    known = _read(rows, order, cursor)
    if known is None:
        return _first(rows, order, size)
    way, place = known
    if way == "before":
        return _before(rows, order, place, size)
    found = take(rows, order.fields, place, size + 1)
    if not found:
        return _last(rows, order, size)
    return _page(found[:size], order, previous=True, more=len(found) > size)


def _first(rows: QuerySet[Any], order: Order, size: int) -> Page:
    found = take(rows, order.fields, None, size + 1)
    return _page(found[:size], order, previous=False, more=len(found) > size)


def _last(rows: QuerySet[Any], order: Order, size: int) -> Page:
    found = take(rows, reverse(order.fields), None, size + 1)
    return _page(found[:size][::-1], order, previous=len(found) > size, more=False)


def _before(rows: QuerySet[Any], order: Order, place: tuple[Any, ...], size: int) -> Page:
    """Read the page that ends before `place`; a short one starts at the beginning instead."""
    found = take(rows, reverse(order.fields), place, size + 1)
    if len(found) <= size:
        return _first(rows, order, size)
    return _page(found[:size][::-1], order, previous=True, more=True)


def _page(found: list[Any], order: Order, *, previous: bool, more: bool) -> Page:
    return Page(
        rows=found,
        order=order,
        previous=_write(order, "before", found[0]) if found and previous else "",
        next=_write(order, "after", found[-1]) if found and more else "",
        is_first=not previous,
    )


def _write(order: Order, way: str, row: Any) -> str:
    place = [_plain(value) for value in place_of(row, order.fields)]
    text = json.dumps([order.key, way, place], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _read(rows: QuerySet[Any], order: Order, cursor: str) -> tuple[str, tuple[Any, ...]] | None:
    """Return way and position, or None for anything but a cursor of this order."""
    if not cursor or len(cursor) > 400:
        return None
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key, way, place = json.loads(text)
        if key != order.key or way not in {"before", "after"}:
            return None
        names = [name.lstrip("-") for name in order.fields]
        return way, tuple(
            _value(rows, name, value) for name, value in zip(names, place, strict=True)
        )
    except (binascii.Error, ValueError, TypeError, RecursionError, ValidationError):
        return None


def _value(rows: QuerySet[Any], name: str, value: Any) -> Any:
    """Return one position value as its column holds it; ValueError for what it cannot hold."""
    clean = stored_field(rows, name).to_python(value)
    if clean is None or (isinstance(clean, str) and "\0" in clean):
        raise ValueError(name)
    if isinstance(clean, int) and abs(clean) > BIGGEST:
        raise ValueError(name)
    if isinstance(clean, datetime) and is_naive(clean):
        raise ValueError(name)
    return clean
