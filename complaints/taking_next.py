"""Take the next case: the most pressing one of one's units that nobody handles."""

from datetime import datetime
from typing import Final

from django.db import transaction

from complaints import desk, workflow
from complaints.models import Case
from complaints.workflow import Outcome
from config.shared.actors import Actor
from config.shared.scope import Scope

ORDER: Final = ("paused", "-priority", "next_due_at", "id")
_TRIES: Final = 5


def take_next(scope: Scope, *, actor: Actor, at: datetime) -> Outcome | None:
    """Make the actor the handler of the next case of `desk.untaken`; None when none is left.

    The highest priority first, then the nearest due time. People who press at the same moment
    get different cases: a row that somebody is just taking is passed over.
    """
    passed: list[int] = []
    for _try in range(_TRIES):
        with transaction.atomic():
            free = desk.untaken(scope).exclude(pk__in=passed).order_by(*ORDER)
            found = free.select_for_update(of=("self",), skip_locked=True, no_key=True)
            pk = next(iter(found.values_list("pk", flat=True)[:1]), None)
            if pk is None:
                return None
            rows = Case.objects.visible_to(scope, "claim").filter(pk=pk)
            outcome = next(iter(workflow.claim(rows, actor=actor, at=at)), None)
        if outcome is not None and outcome.done:
            return outcome
        passed.append(pk)
    return None


__all__ = ["ORDER", "take_next"]
