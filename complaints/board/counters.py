"""The five counters on top of the board, each with the line below it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count as Counting
from django.db.models import Min, Q

from complaints.board.filters import came_since, gone_since, midnight
from complaints.board.sight import Count, Sight, counted
from complaints.filters import Due, due_states
from complaints.lists import CaseRow, rows_of
from complaints.models import Case
from config.shared.listing import MANY

SILENT: Final = timedelta(days=5)
"""A paused case without a movement for so long is worth a question."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Figures and what stands below them; rows are None where there is none."""

    over: Count
    risk: Count
    unassigned: Count
    paused: Count
    came: Count
    gone: Count
    open: Count
    silent: int
    worst: CaseRow | None
    next: CaseRow | None
    next_due: datetime | None
    waits_since: datetime | None

    @property
    def change(self) -> int:
        """By how many open cases there are more since midnight."""
        return self.came.n - self.gone.n


def counters(sight: Sight) -> Counters:
    """Count what is in sight: one pass over the open cases, beyond 10,000 one count each."""
    since, found = midnight(sight.at), _figures(sight)
    worst, following = _first(sight, Due.OVER), _first(sight, Due.RISK)
    shown = {row.case.pk: row for row in rows_of([c for c in (worst, following) if c],
                                                 sight.scope, sight.at)}  # fmt: skip
    return Counters(
        over=Count(found["over"]),
        risk=Count(found["risk"]),
        unassigned=Count(found["unassigned"]),
        paused=Count(found["paused"]),
        came=counted(sight.cases().filter(came_since(since))),
        gone=counted(sight.cases().filter(gone_since(since))),
        open=Count(found["open"]),
        silent=found["silent"],
        worst=shown.get(worst.pk) if worst else None,
        next=shown.get(following.pk) if following else None,
        next_due=_next_due(sight),
        waits_since=found["waits_since"],
    )


def _figures(sight: Sight) -> dict[str, Any]:
    """Return the figures of the open cases and since when the first one waits for a handler.

    An index of open cases by receipt is not there, and the one of all cases leads past the
    finished ones; so the oldest is looked for in the same pass.
    """
    states, rows, free = due_states(sight.at), sight.open(), Q(handler__isnull=True)
    parts = {
        "over": states[Due.OVER],
        "risk": states[Due.RISK],
        "unassigned": free,
        "paused": states[Due.PAUSED],
        "silent": states[Due.PAUSED] & Q(updated_at__lt=sight.at - SILENT),
    }
    counts = {f"n_{key}": Counting("pk", filter=condition) for key, condition in parts.items()}
    counted_once = rows[: MANY + 1].aggregate(
        n_open=Counting("pk"), waits_since=Min("received_at", filter=free), **counts
    )
    found = {key.removeprefix("n_"): value for key, value in counted_once.items()}
    if found["open"] > MANY:
        found |= {key: counted(rows.filter(condition)).n for key, condition in parts.items()}
        waiting = rows.filter(free).order_by("received_at")
        found["waits_since"] = waiting.values_list("received_at", flat=True).first()
    return found


def _first(sight: Sight, state: Due) -> Case | None:
    """Return the case of this state whose clock is nearest, or longest over."""
    rows = sight.open().filter(due_states(sight.at)[state])
    rows = rows.select_related("type", "intake_channel", "department", "handler", "customer")
    return rows.order_by("paused", "next_due_at", "id").first()


def _next_due(sight: Sight) -> datetime | None:
    """Return when the next clock of an open case runs out."""
    rows = sight.open().filter(paused=False, next_due_at__gte=sight.at)
    due = rows.order_by("paused", "next_due_at", "id").values_list("next_due_at", flat=True)
    found: datetime | None = due.first()
    return None if found is None or found.year > 9000 else found
