"""Panels: what higher rooms show on a page of a lower one; the page loops and knows no room."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.shared.scope import Scope


@dataclass(frozen=True, slots=True)
class Figure:
    """One fact in big letters with the words below it; `url` leads to the rows that make it."""

    value: str
    words: Any
    url: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a panel read: figures for the head of the page, `context` for its template."""

    figures: tuple[Figure, ...] = ()
    context: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page `page` (e.g. "customer") about its subject.

    `read(subject, scope, at)` returns what to show, None where the reader may see nothing of it;
    `template` draws it with `panel` = the context that was read.
    """

    key: str
    page: str
    template: str
    read: Callable[[Any, Scope, datetime], Shown | None]
    order: int = 50


__all__ = ["Figure", "Panel", "Shown"]
