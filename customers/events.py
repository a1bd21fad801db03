"""What the customers room tells the rooms above: frozen, plural payloads, in the transaction.

A receiver gets `event=<payload>`; it only writes a Job row.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.dispatch import Signal

from config.shared.actors import Actor


@dataclass(frozen=True, slots=True)
class TiersChanged:
    """Customer pks whose tier changed."""

    customer_ids: tuple[int, ...]
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class RmsChanged:
    """Customer pks with another relationship manager; `rm_id` None = none any more."""

    customer_ids: tuple[int, ...]
    rm_id: int | None
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class CustomersErased:
    """Customer pks whose words are gone."""

    customer_ids: tuple[int, ...]
    actor: Actor
    at: datetime


tiers_changed: Final = Signal()
rms_changed: Final = Signal()
customers_erased: Final = Signal()
