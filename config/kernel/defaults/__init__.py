"""What a fresh bank starts with: the registry of defaults, and those of the platform."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from config.shared.actors import Actor


@dataclass(frozen=True, slots=True)
class Default:
    """One set of starting data. `load(actor, at)` returns how many rows it wrote.

    Idempotent: a second run writes nothing, and what an admin changed stays as it is. Lower
    `order` first: terms 10, units and calendars 20, rules 30, texts and views 40.
    """

    key: str
    load: Callable[[Actor, datetime], int]
    order: int = 50
