"""Outgoing messages: queued in the transaction that causes them, delivered later, at least once.

`queue` writes rows; `deliver` claims due rows, sends outside any transaction, and marks only rows
whose lease is still its own. Every try of a message bears the same Message-ID, so that a mail
system can drop the second copy when a worker died between sending and marking.
"""

import logging
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from config.kernel import bell, journal, sending, sms_gateway
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.shared.actors import Actor
from config.shared.claim import claim
from config.shared.registry import contributed
from config.shared.worded import WordedError

logger = logging.getLogger(__name__)

BATCH: Final = 20
LEASE: Final = timedelta(minutes=10)  # longer than a batch of EMAIL_TIMEOUT waits
LONGEST_RUN: Final = 25  # batches per run: the task limit is 240 s
BACK_OFF: Final = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30))  # between the tries
TRIES: Final = len(BACK_OFF) + 1


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to write. `key` is the business key: used twice it raises IntegrityError.

    `kind` finds the DeliveryHandler, `channel` is `email` or `sms`, `about` is `kind:number`.
    Until `leaves_at` it waits and can be recalled; None = it may leave at once.
    """

    key: str
    kind: str
    channel: str
    to: str
    subject: str
    text: str
    about: str = ""
    department_id: int | None = None
    leaves_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryHandler:
    """What a room wants to know of its messages. Called in a transaction of its own.

    `delivered(messages, at)` after the gateway took them, or, where the gateway reports arrivals
    (`sms_gateway.reports`), after it did; `failed(messages, at)` when given up.
    Because delivery is at least once, both must bear being called twice for one message.
    """

    key: str
    delivered: Callable[[list[OutboxMessage], datetime], None] | None = None
    failed: Callable[[list[OutboxMessage], datetime], None] | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """What `cancel` did: how many messages it stopped, how many a sender has in hand already."""

    count: int
    on_its_way: int = 0


class BadLetter(WordedError):  # noqa: N818 - named for what happened
    """An address that would smuggle header lines into a message."""


def queue(letters: Iterable[Letter], *, at: datetime) -> None:
    """Write the letters in the caller's transaction and ring; a key used twice is IntegrityError.

    Line breaks in a subject become blanks; control characters in an address raise BadLetter.
    """
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    rows = [
        OutboxMessage(
            key=letter.key,
            kind=letter.kind,
            channel=letter.channel,
            to=_address(letter.to),
            subject=" ".join(letter.subject.split()),
            text=letter.text,
            about=letter.about,
            department_id=letter.department_id,
            queued_at=at,
            ready_at=letter.leaves_at or at,
            message_id=f"<{uuid4().hex}@{host}>",
        )
        for letter in letters
    ]
    if rows:
        OutboxMessage.objects.bulk_create(rows, batch_size=200)
        bell.wake("outbox")


def _address(text: str) -> str:
    """Return an address without blanks around it, or refuse it."""
    address = text.strip()
    if any(unicodedata.category(sign).startswith("C") for sign in address):
        raise BadLetter("address", _("The address holds characters that are not allowed."))
    return address


def deliver(at: datetime) -> int:
    """Send what is due at `at`; returns how many messages left the house.

    Safe to run beside itself and after a kill: rows are leased, and come back by themselves. A
    try is counted before it is made, so that a message that kills its worker is given up too.
    """
    sent = 0
    with sending.Gateways() as gateways:
        for _batch in range(LONGEST_RUN):
            batch = claim(OutboxMessage.objects.all(), limit=BATCH, lease=LEASE, at=at)
            if not batch:
                break
            mine = OutboxMessage.objects.filter(pk__in=[m.pk for m in batch], lease=batch[0].lease)
            mine.update(attempts=F("attempts") + 1)
            sent += sum(_deliver_one(gateways, message, at) for message in batch)
    return sent


def _deliver_one(gateways: sending.Gateways, message: OutboxMessage, at: datetime) -> bool:
    """Send one leased message and write down how it went; True when it left and was ours."""
    if message.channel in gateways.down:
        return _finish(message, at, ready_at=at + BACK_OFF[0]) and False
    message.attempts += 1
    if message.attempts > TRIES:
        _mark_failed(message, sending.NotSent("worker lost", hopeless=True), at)
        return False
    try:
        gateways.send(message)
    except sending.NotSent as problem:
        _mark_failed(message, problem, at)
        return False
    message.state, message.sent_at, message.last_error = OutboxState.SENT, at, ""
    return _finish(message, at, ready_at=None)


def _mark_failed(message: OutboxMessage, problem: sending.NotSent, at: datetime) -> None:
    """Put the message back with a growing wait, or give it up."""
    message.last_error = problem.words[:300]
    if problem.hopeless or message.attempts >= TRIES:
        message.state = OutboxState.FAILED
        _finish(message, at, ready_at=None)
        logger.error("message %s needs attention: %s", message.pk, problem.code)
        return
    message.state = OutboxState.RETRYING
    _finish(message, at, ready_at=at + BACK_OFF[message.attempts - 1])
    logger.warning("message %s will be tried again: %s", message.pk, problem.code)


def _finish(message: OutboxMessage, at: datetime, *, ready_at: datetime | None) -> bool:
    """Write the state of a row that is still ours and tell its room; False when it is not ours."""
    with transaction.atomic():
        mine = OutboxMessage.objects.filter(pk=message.pk, lease=message.lease).update(
            state=message.state,
            attempts=message.attempts,
            last_error=message.last_error,
            sent_at=message.sent_at,
            gateway_ref=message.gateway_ref,
            ready_at=ready_at,
            lease=None,
        )
        if not mine:
            logger.warning("message %s was taken over by another worker", message.pk)
            return False
        message.ready_at = ready_at
        if message.state != OutboxState.SENT or not sms_gateway.reports(message.channel):
            tell(message, at)
        elif early := _reported(message):  # the report was faster than we
            message.delivered_at = early
            tell(message, at)
    return True


def _reported(message: OutboxMessage) -> datetime | None:
    """Return when the gateway said that this message arrived, as the row knows it now."""
    rows = OutboxMessage.objects.filter(pk=message.pk)
    return rows.values_list("delivered_at", flat=True).get()


def tell(message: OutboxMessage, at: datetime) -> None:
    """Tell the room that queued the message how it ended, in the caller's transaction."""
    handler = contributed(DeliveryHandler).get(message.kind)
    ended = {
        OutboxState.SENT: handler and handler.delivered,
        OutboxState.FAILED: handler and handler.failed,
    }.get(OutboxState(message.state))
    if ended:
        ended([message], at)


def retry(messages: QuerySet[OutboxMessage], *, actor: Actor, at: datetime) -> int:
    """Put dead letters back in the queue with fresh tries; returns how many. Journalled."""
    wanted = messages.filter(state=OutboxState.FAILED)
    return _act(wanted, "outbox.retried", OutboxState.WAITING, actor=actor, at=at)


def cancel(messages: QuerySet[OutboxMessage], *, actor: Actor, at: datetime) -> Stopped:
    """Stop messages that no sender has taken; what is being sent now stays with its sender.

    Sender and cancel lock the row: a leased message is left alone, a cancelled one is never
    claimed. Journalled.
    """
    stoppable = [OutboxState.WAITING, OutboxState.RETRYING, OutboxState.FAILED]
    wanted = messages.filter(state__in=stoppable)
    with transaction.atomic():
        free = wanted.filter(lease__isnull=True)
        count = _act(free, "outbox.cancelled", OutboxState.CANCELLED, actor=actor, at=at)
        return Stopped(count, wanted.filter(lease__isnull=False).count())


def recall(messages: QuerySet[OutboxMessage], *, actor: Actor, at: datetime) -> list[str]:
    """Stop messages that no sender has taken yet; returns the keys of those stopped. Journalled.

    Whoever locks the row first wins: a sender that came before holds a lease, and the message
    stays with it; after us the sender finds nothing due. So exactly one of the two happens.
    """
    waiting = [OutboxState.WAITING, OutboxState.RETRYING]
    with transaction.atomic():
        free = messages.filter(state__in=waiting, lease__isnull=True, ready_at__isnull=False)
        held = list(free.select_for_update(of=("self",)).order_by("pk"))
        _act(
            OutboxMessage.objects.filter(pk__in=[message.pk for message in held]),
            "outbox.recalled",
            OutboxState.CANCELLED,
            actor=actor,
            at=at,
        )
    return [message.key for message in held]


def _act(
    messages: QuerySet[OutboxMessage],
    action: str,
    state: OutboxState,
    *,
    actor: Actor,
    at: datetime,
) -> int:
    """Lock the messages, move them to `state` and write one entry of ledger `outbox`."""
    again = state == OutboxState.WAITING
    with transaction.atomic():
        keys = defaultdict(list)
        for message in messages.select_for_update(of=("self",)).order_by("pk"):
            keys[message.kind].append(message.pk)
        ids = [pk for pks in keys.values() for pk in pks]
        if not ids:
            return 0
        OutboxMessage.objects.filter(pk__in=ids).update(
            state=state, ready_at=at if again else None, lease=None, attempts=0
        )
        facts = {"messages": ids, "kinds": sorted(keys), "count": len(ids)}
        journal.note("outbox", action, facts, actor=actor, at=at)
        if again:
            bell.wake("outbox")
    return len(ids)
