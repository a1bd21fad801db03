"""What the verbs of relations share: taking the cases, refusing in words."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.choices import Status
from complaints.clocks.audience import recused
from complaints.holding import hold_cases
from complaints.models import Case
from config.shared.actors import Actor
from config.shared.worded import WordedError

ADDABLE: Final = tuple(state for state in Status.values if state != Status.ARCHIVED)


class RelationRefused(WordedError):  # noqa: N818 - reads as words
    """What cannot be related, split, moved or chased; the words say why."""


class Overtaken(RelationRefused):
    """Somebody changed the case meanwhile; `case` is how it stands now."""

    def __init__(self, case: Case) -> None:
        super().__init__("stale", _("Somebody was faster."))
        self.case = case


@contextmanager
def held(
    cases: QuerySet[Case],
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
    states: Collection[str] = ADDABLE,
) -> Iterator[list[Case]]:
    """Lock the cases; RelationRefused for a wrong state, a recused actor or an old version."""
    with hold_cases(cases, expected) as locked:
        for case in locked.rows:
            if case.pk in locked.stale:
                raise Overtaken(case)
            if case.status not in states:
                text = _("This is not possible in the state “%(state)s”.")
                raise RelationRefused("state", text, {"state": Status(case.status).label})
        out = recused(locked.rows)
        if actor.kind == "person" and any(actor.id in out[case.pk] for case in locked.rows):
            raise RelationRefused("recused", _("You are named in this case and stay out of it."))
        for case in locked.rows:
            case.updated_at = at
        yield locked.rows


def needed(text: str) -> str:
    """Return the reason without blanks around it; RelationRefused when nothing is left."""
    kept = text.replace("\x00", "").strip()
    if not kept:
        raise RelationRefused("reason", _("Give the reason."))
    return kept
