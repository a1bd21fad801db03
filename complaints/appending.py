"""The frame of everything added to a case without moving it: lock, state, recusal; no version.

Appends lock the case but compare no version, so a comment is never lost to somebody's click.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.choices import Status
from complaints.holding import hold_cases
from complaints.models import Case, CaseExclusion
from config.shared.actors import Actor
from config.shared.worded import WordedError

UNSEALED: Final = tuple(state for state in Status.values if state != Status.ARCHIVED)


class RecordRefused(WordedError):  # noqa: N818 - reads as words
    """What cannot be added to a case; the words say why."""


@contextmanager
def held(
    cases: QuerySet[Case],
    actor: Actor,
    at: datetime,
    states: Sequence[str] = UNSEALED,
) -> Iterator[list[Case]]:
    """Lock the cases for an append; raises RecordRefused for a wrong state or a named actor."""
    with hold_cases(cases) as locked:
        if any(case.status not in states for case in locked.rows):
            raise RecordRefused("state", _("Nothing can be added to the case in this state."))
        named = CaseExclusion.objects.filter(case__in=locked.rows, person_id=actor.id or 0)
        if actor.kind == "person" and named.exists():
            raise RecordRefused("recused", _("You are named in this case and stay out of it."))
        for case in locked.rows:
            case.updated_at = at
        yield locked.rows


def needed(text: str) -> str:
    """Return the text without blanks around it; raises RecordRefused when nothing is left."""
    kept = text.replace("\x00", "").strip()
    if not kept:
        raise RecordRefused("empty", _("Write something."))
    return kept


__all__ = ["UNSEALED", "RecordRefused", "held", "needed"]
