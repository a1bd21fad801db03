"""Requests that nobody decides: after a day those above are told, once per request."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from config.kernel import journal, notices
from config.kernel.approvals import handler_of
from config.kernel.models import Approval
from config.shared.actors import SYSTEM

WAITING: Final = "approval.waiting"
_CHUNK: Final = 200


def escalate(at: datetime) -> int:
    """Due work `approvals`: tell of requests older than APPROVAL_WAIT_HOURS; returns how many.

    Those who may decide are reminded, and the seniors of the kind (`ApprovalHandler.seniors`) are
    told; never whoever asked. Safe to run twice and beside itself.
    """
    done = 0
    while rows := _tell_chunk(at):
        done += len(rows)
    return done


def _tell_chunk(at: datetime) -> list[Approval]:
    """Mark and tell one chunk, oldest first, in one transaction."""
    line = at - timedelta(hours=settings.APPROVAL_WAIT_HOURS)
    with transaction.atomic():
        waiting = Approval.objects.pending().filter(escalated_at__isnull=True, asked_at__lte=line)
        rows = list(waiting.select_for_update(skip_locked=True).order_by("asked_at", "pk")[:_CHUNK])
        for row in rows:
            row.escalated_at = at
        facts = [journal.Fact(row, "approval.escalated", {"kind": row.kind}) for row in rows]
        journal.append(facts, actor=SYSTEM, at=at, save=["escalated_at"])
        notices.tell(list(_tellings(rows)), at=at)
    return rows


def _tellings(rows: Sequence[Approval]) -> Iterable[notices.Telling]:
    """Yield one notice per request and person."""
    for kind in dict.fromkeys(row.kind for row in rows):
        handler = handler_of(kind)
        alike = [row for row in rows if row.kind == kind]
        deciders = handler.audience(alike) if handler.audience else {}
        seniors = handler.seniors(alike) if handler.seniors else {}
        for row in alike:
            people = {*deciders.get(row.pk, ()), *seniors.get(row.pk, ())} - {row.asked_by_id}
            for person in sorted(people):
                yield notices.Telling(
                    key=f"{WAITING}:{row.pk}:{person}",
                    person_id=person,
                    kind=WAITING,
                    about=row.stream,
                    facts={
                        "about": row.about.partition(":")[2],
                        "link": handler.link(row) if handler.link else "",
                    },
                    needs_action=True,
                )


__all__ = ["WAITING", "escalate"]
