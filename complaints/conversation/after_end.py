"""The triage list: what customers wrote to cases that had ended. Only a person reopens a case."""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from complaints.appending import held
from complaints.choices import Status
from complaints.conversation.writing import WROTE_AFTER
from complaints.models import Case, InboundMessage
from config.kernel import journal, notices
from config.shared.actors import Actor
from config.shared.scope import Scope

MOST: Final = 99


def waiting(scope: Scope, act: str = "message") -> QuerySet[InboundMessage]:
    """Return the messages to ended cases that nobody saw to yet, oldest first by their index."""
    seen = Case.objects.visible_to(scope, act)
    rows = InboundMessage.objects.filter(after_end=True, triaged_at__isnull=True, case__in=seen)
    return rows.select_related("case__department", "case__officer", "case__customer")


def count(scope: Scope, _at: datetime) -> tuple[int, bool]:
    """Return how many messages wait (at most MOST are counted), and that none is ever overdue."""
    return waiting(scope).order_by()[:MOST].count(), False


def settle(cases: QuerySet[Case], pk: int, *, actor: Actor, at: datetime) -> bool:
    """Note that somebody saw to a message of the one case; False when it was done before."""
    with transaction.atomic(), held(cases, actor, at, states=tuple(Status.values)) as rows:
        wanted = InboundMessage.objects.filter(
            pk=pk, case__in=rows, after_end=True, triaged_at__isnull=True
        )
        message = wanted.first()
        if message is None:
            return False
        message.triaged_at, message.triaged_by_id = at, actor.id
        message.save(update_fields=["triaged_at", "triaged_by_id"])
        fact = journal.Fact(rows[0], "case.inbound_settled", {"message": message.seq})
        journal.append([fact], actor=actor, at=at)
        left = InboundMessage.objects.filter(case__in=rows, after_end=True, triaged_at__isnull=True)
        if not left.exists():
            notices.done(about=rows[0].about, kinds=[WROTE_AFTER], at=at)
        return True


__all__ = ["count", "settle", "waiting"]
