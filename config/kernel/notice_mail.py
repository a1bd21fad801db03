"""Notices that also leave by e-mail or SMS: rows beside the notice, due in the person's own hours.

A row is written in the transaction of its notice. `notice_digests` makes messages of the rows:
one per person and channel for everything due together, urgent lines alone. Who has which address
and when their unit opens is contributed by the room that knows the people (`AddressBook`).
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import connection

from config.kernel import bell
from config.kernel.models import Notice, NoticeMail
from config.kernel.models.outbox import Channel
from config.shared.registry import contributed

if TYPE_CHECKING:
    from config.kernel.notices import Telling

WORK: Final = "notice_mail"
SLOT: Final = timedelta(minutes=15)
"""Messages of a person leave on the quarter, so that what happens together arrives together."""
_NAMES: Final = ("key", "person_id", "channel", "urgent", "ready_at")
_SELECT: Final = (
    "SELECT n.id, v.person_id, v.channel, v.urgent, v.ready_at, '' FROM json_to_recordset(%s) AS "
    "v(key text, person_id bigint, channel text, urgent boolean, ready_at timestamptz)"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a person is reached besides the inbox; empty = not that way. `language` may be ''."""

    email: str = ""
    mobile: str = ""
    language: str = ""

    def of(self, channel: str) -> str:
        """Return the address of a channel; '' for none and for one no gateway could take."""
        found = {Channel.EMAIL: self.email, Channel.SMS: self.mobile}.get(Channel(channel), "")
        return found.strip() if found.strip().isprintable() else ""


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Who can be reached where, and when: contributed once, by the room of the people.

    `openings(people, at)` gives by person (pk) `at` itself while their unit is open, else when it
    opens next; `addresses(people)` what is known of them. People who have left are in neither.
    """

    key: str
    openings: Callable[[Collection[int], datetime], Mapping[int, datetime]]
    addresses: Callable[[Collection[int]], Mapping[int, Address]]


@dataclass(frozen=True, slots=True)
class NoticeGuard:
    """Who must not hear of a matter any more (recused since the notice was written).

    `barred(pairs)` takes (about, person pk) and returns those that are not sent. One per room.
    """

    key: str
    barred: Callable[[Collection[tuple[str, int]]], Collection[tuple[str, int]]]


def keep(tellings: "Sequence[Telling]", *, at: datetime) -> int:
    """Queue what of these freshly written notices also leaves the house; returns the rows.

    Belongs to the transaction of the notices. Channels that do not exist are left out.
    """
    wanted = [telling for telling in tellings if telling.channels]
    if not wanted:
        return 0
    opens = openings({telling.person_id for telling in wanted if not telling.at_once}, at)
    rows = [
        (
            telling.key,
            telling.person_id,
            channel,
            telling.at_once,
            at if telling.at_once else next_slot(opens.get(telling.person_id, at), at),
        )
        for telling in wanted
        for channel in dict.fromkeys(telling.channels)
        if channel in Channel.values
    ]
    _insert(rows)
    if any(telling.at_once for telling in wanted):
        bell.wake(WORK)
    return len(rows)


def next_slot(opens: datetime, at: datetime) -> datetime:
    """Return the first quarter of an hour after `at` that is not before `opens`.

    Strictly after: what is written later at the same moment still falls into the same message.
    """
    since = max(opens, at + timedelta(microseconds=1))
    over = (since - datetime.min.replace(tzinfo=since.tzinfo)) % SLOT
    return since + (SLOT - over) if over else since


def openings(people: Collection[int], at: datetime) -> dict[int, datetime]:
    """Return by person when they can be told next, as the address books know it."""
    found: dict[int, datetime] = {}
    for book in contributed(AddressBook).values() if people else ():
        found |= book.openings(people, at)
    return found


def addresses(people: Collection[int]) -> dict[int, Address]:
    """Return what the address books know of these people."""
    found: dict[int, Address] = {}
    for book in contributed(AddressBook).values() if people else ():
        found |= book.addresses(people)
    return found


def barred(pairs: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return which (about, person) must not be sent any more."""
    asked = set(pairs)
    found: set[tuple[str, int]] = set()
    for guard in contributed(NoticeGuard).values() if asked else ():
        found |= set(guard.barred(asked))
    return found


def _insert(rows: Sequence[tuple[str, int, str, bool, datetime]]) -> None:
    """Write rows given with the key of their notice; one statement, notices are not read back."""
    quote = connection.ops.quote_name
    mails, told = quote(NoticeMail._meta.db_table), quote(Notice._meta.db_table)
    into = f"INSERT INTO {mails} (notice_id, person_id, channel, urgent, ready_at, message_key)"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            listed = [dict(zip(_NAMES, row, strict=True)) for row in rows]
            sql = f"{into} {_SELECT} JOIN {told} n ON n.key = v.key"
            cursor.execute(sql, [json.dumps(listed, default=datetime.isoformat)])
            return
        stored = connection.ops.adapt_datetimefield_value
        notice = f"(SELECT id FROM {told} WHERE key = %s)"  # noqa: S608 - names of our models
        cursor.executemany(
            f"{into} VALUES ({notice}, %s, %s, %s, %s, '')",
            [(*row[:-1], stored(row[-1])) for row in rows],
        )
