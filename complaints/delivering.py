"""What the outbox tells about letters to customers: arrived, or given up."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from complaints import records, workflow
from complaints.choices import NoticePurpose
from complaints.letters import KINDS
from config.kernel.models import OutboxMessage
from config.kernel.outbox import DeliveryHandler
from config.shared.actors import SYSTEM

_RESULT: Final = KINDS[NoticePurpose.RESULT]
_REVIEW: Final = KINDS[NoticePurpose.REVIEW]


def handlers() -> Iterator[DeliveryHandler]:
    """Yield one handler per kind of letter."""
    for kind in KINDS.values():
        yield DeliveryHandler(kind, delivered=_delivered, failed=_failed)


def _delivered(messages: list[OutboxMessage], at: datetime) -> None:
    """Take in what arrived: a result tells the customer, a receipt stops its clock.

    It arrived when the gateway reported so, else when the gateway took it.
    The result of a review ends the review.
    """
    arrived = {m.key: m.delivered_at or m.sent_at or at for m in messages}
    kinds = {m.key: m.kind for m in messages}
    results = {key: moment for key, moment in arrived.items() if kinds[key] == _RESULT}
    reviews = {key: moment for key, moment in arrived.items() if kinds[key] == _REVIEW}
    others = {key: arrived[key] for key in arrived.keys() - results.keys() - reviews.keys()}
    if results:
        workflow.deliver(results, at=at)
    if reviews:
        workflow.deliver_review(reviews, at=at)
    if others:
        records.acknowledge(others, at=at, actor=SYSTEM)


def _failed(messages: list[OutboxMessage], at: datetime) -> None:
    """Mark the notices as not delivered and tell the handler."""
    workflow.fail([message.key for message in messages], at=at)
