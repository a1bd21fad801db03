"""What the staff room tells the rooms above: frozen, plural payloads, sent in the transaction.

A receiver gets `event=<payload>`; one for mass changes only writes a Job row.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.dispatch import Signal

from config.shared.actors import Actor


@dataclass(frozen=True, slots=True)
class MembersLeft:
    """These people do not work here any more; their open work needs new hands."""

    person_ids: tuple[int, ...]
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """These people became absent or came back, now or at a coming time."""

    person_ids: tuple[int, ...]
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class CalendarPublished:
    """Version `rule_set_id` of a calendar replaces `replaced_id` of `kind` from `begins` on.

    `years` are those whose special days changed; `begins` None = at once.
    """

    kind: str
    rule_set_id: int
    replaced_id: int | None
    years: tuple[int, ...]
    actor: Actor
    at: datetime
    begins: datetime | None = None


members_left: Final = Signal()
presence_changed: Final = Signal()
calendar_published: Final = Signal()
