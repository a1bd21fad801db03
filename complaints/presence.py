"""Who has a case open and who is writing: soft presence, no lock and no part of the record.

A page that is looked at says so every 15 seconds; who has not said so for 45 seconds is gone.
Only people who may open the case are shown, and nobody who stays out of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_lazy as _

from complaints.clocks.telling import case_link
from complaints.models import Case, CasePresence
from complaints.reach import reaches
from complaints.seeing import able
from config.kernel import notices
from config.kernel.notices import NoticeKind
from config.shared.actors import Actor
from config.shared.registry import Contribution, DueWork
from config.shared.scope import Scope
from config.shared.words import actor_words
from staff.models import Person

EXPIRES: Final = timedelta(seconds=45)
WRITING: Final = timedelta(seconds=25)  # one beat and what a slow line takes
ASKED: Final = "case.asked_to_wait"
_KEPT: Final = timedelta(hours=1)
_MOST: Final = 12


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody else who has the case open. `writing`: typed a letter within 25 seconds."""

    person: Person
    writing: bool


def seen(case: Case, person_id: int, *, typing: bool, at: datetime) -> None:
    """Note that this person has the case open; one statement."""
    CasePresence.objects.bulk_create(
        [
            CasePresence(
                case=case, person_id=person_id, seen_at=at, typing_at=at if typing else None
            )
        ],
        update_conflicts=True,
        unique_fields=["case", "person"],
        update_fields=["seen_at", "typing_at"],
    )


def may(case: Case, scope: Scope) -> bool:
    """Tell whether this person is shown at the case: who may write in it or take it on.

    Whoever only reads (quality, executive reader, senior approver, auditor) leaves no trace here.
    """
    return reaches(case, scope, "note") or reaches(case, scope, "claim")


def left(case: Case, person_id: int) -> None:
    """Forget this person at once: the page was closed."""
    CasePresence.objects.filter(case=case, person_id=person_id).delete()


def here(case: Case, me: int | None, at: datetime) -> list[Viewer]:
    """Return the others who have the case open and may; writers first, then by staff number."""
    rows = CasePresence.objects.filter(case=case, seen_at__gt=at - EXPIRES).exclude(person=me)
    found = list(rows.select_related("person").order_by("-seen_at")[:_MOST])
    allowed = able(case, [row.person_id for row in found], at) if found else set()
    shown = [
        Viewer(row.person, row.typing_at is not None and row.typing_at > at - WRITING)
        for row in found
        if row.person_id in allowed
    ]
    return sorted(shown, key=lambda one: (not one.writing, one.person.staff_no))


def writers(viewers: Sequence[Viewer]) -> list[Person]:
    """Return who of them is writing."""
    return [viewer.person for viewer in viewers if viewer.writing]


def ask_to_wait(case: Case, person_id: int, *, actor: Actor, at: datetime) -> Person | None:
    """Ask somebody who has the case open to wait; None = they are gone. At most once a minute."""
    person = next(
        (one.person for one in here(case, actor.id, at) if one.person.pk == person_id), None
    )
    if person is None:
        return None
    telling = notices.Telling(
        key=f"{ASKED}:{case.number}:{actor.id}:{person_id}:{at:%Y%m%d%H%M}",
        person_id=person_id,
        kind=ASKED,
        about=case.about,
        facts={"number": case.number, "who": actor.label},
    )
    notices.tell([telling], at=at)
    return person


def forget_old(at: datetime) -> int:
    """Due work `presence`: delete what was said more than an hour ago; returns how many rows."""
    return CasePresence.objects.filter(seen_at__lt=at - _KEPT).delete()[0]


def contributions() -> tuple[Contribution, ...]:
    """Return the lines for the registry."""
    return (
        NoticeKind(
            ASKED,
            _("%(who)s works on case %(number)s too and asks you to wait a moment"),
            "pencil",
            case_link,
            show={"who": actor_words},
        ),
        DueWork("presence", forget_old, timedelta(minutes=30)),
    )
