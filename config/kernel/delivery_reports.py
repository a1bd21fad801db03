"""What the SMS gateway reports after it took a message: it arrived, or it did not.

A report is taken in once, however often it is sent: the first that says something new wins, and
"arrived" is never taken back by a later "failed".
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from django.db import transaction

from config.kernel import journal, outbox, sms_gateway
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import Channel, OutboxState
from config.shared.actors import SYSTEM

logger = logging.getLogger(__name__)

Taken = Literal["done", "known", "unknown", "early"]
"""What became of a report: taken in; nothing new; no such message; it has not left yet."""
LARGEST: Final = 16_384  # bytes of one report
_LONGEST_KEY: Final = 120
_CODE: Final = 40


@dataclass(frozen=True, slots=True)
class Report:
    """One report: the message's business key or the gateway's number, and how it went."""

    key: str
    ref: str
    arrived: bool
    code: str = ""


def parse(body: bytes) -> Report | None:
    """Return the report in a JSON body; None when it is none.

    `{"id": key, "ref": number, "state": "delivered" | "failed", "code": "..."}`; one of `id` and
    `ref` is enough.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("state") not in {"delivered", "failed"}:
        return None
    key, ref, code = (said.get(name, "") for name in ("id", "ref", "code"))
    if not all(isinstance(text, str) and len(text) <= _LONGEST_KEY for text in (key, ref, code)):
        return None
    if not (key or ref) or "\x00" in f"{key}{ref}{code}":
        return None
    kept = "".join(
        sign for sign in code[:_CODE] if sign.isascii() and (sign.isalnum() or sign in "-_.")
    )
    return Report(key, ref, said["state"] == "delivered", kept)


def take(report: Report, *, at: datetime) -> Taken:
    """Write a report to its message and tell the room where that counts; one transaction."""
    wanted = {"key": report.key} if report.key else {"gateway_ref": report.ref}
    rows = OutboxMessage.objects.filter(channel=Channel.SMS, **wanted)
    with transaction.atomic():
        message = rows.select_for_update(of=("self",)).order_by("pk").first()
        if message is None:
            return "unknown"
        if message.delivered_at is not None or message.state in {
            OutboxState.FAILED, OutboxState.CANCELLED
        }:  # fmt: skip
            return "known"
        return _arrived(message, at) if report.arrived else _lost(message, report.code, at)


def _arrived(message: OutboxMessage, at: datetime) -> Taken:
    """Note the arrival; a message still in our sender's hands is told of by the sender."""
    OutboxMessage.objects.filter(pk=message.pk).update(delivered_at=at)
    message.delivered_at = at
    if message.state == OutboxState.SENT and sms_gateway.reports(message.channel):
        outbox.tell(message, at)
    return "done"


def _lost(message: OutboxMessage, code: str, at: datetime) -> Taken:
    """Give the message up; one we have not marked as sent is reported again by the gateway."""
    if message.state != OutboxState.SENT:
        return "early"
    message.state, message.last_error = OutboxState.FAILED, f"SMS report: {code or 'failed'}"
    OutboxMessage.objects.filter(pk=message.pk).update(
        state=message.state, last_error=message.last_error
    )
    outbox.tell(message, at)
    journal.note("outbox", "outbox.reported", {"message": message.pk}, actor=SYSTEM, at=at)
    logger.error("message %s was reported as lost", message.pk)
    return "done"


__all__ = ["LARGEST", "Report", "Taken", "parse", "take"]
