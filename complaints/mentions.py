"""People mentioned in internal notes: `@[pk]` in the words, a chip on the page, a notice to them.

A mention never widens who may see a case: whoever cannot open it is refused in words, and who may
share the case is shown the way to let them watch it first. A notice waits until the case is opened.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.clocks.telling import case_link
from complaints.models import Case, CaseExclusion
from complaints.seeing import able
from config.kernel import notices
from config.kernel.models import JournalEntry, Notice
from config.kernel.notices import NoticeKind
from config.shared.actors import Actor
from config.shared.registry import Contribution
from config.shared.worded import WordedError
from config.shared.words import actor_words, listed
from staff.models import Person

MENTIONED: Final = "case.mentioned"
MOST: Final = 20
_MARK: Final = re.compile(r"@\[(\d{1,9})\]")
_LOOKED_AT: Final = 24
_OFFERED: Final = 8


class MentionRefused(WordedError):  # noqa: N818 - reads as words
    """Somebody cannot be mentioned in a case; the words say why."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whose name fits what was typed; `able` may open the case."""

    person: Person
    able: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, or the name of somebody mentioned."""

    text: str
    is_person: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """A note as its writer typed it: names for codes; `codes` has the person behind each name."""

    text: str
    codes: Mapping[str, int]


def named(text: str) -> list[int]:
    """Return the pks of the people mentioned, in order, each once."""
    return list(dict.fromkeys(int(found[1]) for found in _MARK.finditer(text)))


def check(cases: Sequence[Case], text: str, at: datetime) -> list[int]:
    """Return who is mentioned; MentionRefused when one of them may not open one of the cases."""
    people = named(text)
    if not people:
        return []
    if len(people) > MOST:
        params = {"most": MOST}
        raise MentionRefused("many", _("Mention at most %(most)s people in one note."), params)
    for case in cases:
        unable = [pk for pk in people if pk not in able(case, people, at)]
        if unable:
            known = Person.objects.in_bulk(unable)
            names = listed(known[pk].label for pk in unable if pk in known) or "–"
            message = _(
                "%(who)s cannot open this case. A mention gives no access: have them added to the"
                " watchers first, or leave the name out."
            )
            raise MentionRefused("access", message, {"who": names})
    return people


def tell(
    cases: Sequence[Case],
    entries: Sequence[JournalEntry],
    people: Collection[int],
    *,
    actor: Actor,
    at: datetime,
) -> None:
    """Tell the people mentioned in a note, the actor excepted; `entries` go with `cases`."""
    tellings = [
        notices.Telling(
            key=f"{MENTIONED}:{case.number}:{entry.seq}:{pk}",
            person_id=pk,
            kind=MENTIONED,
            about=case.about,
            facts={"number": case.number, "who": actor.label},
            needs_action=True,
            channels=("email",),
        )
        for case, entry in zip(cases, entries, strict=True)
        for pk in people
        if pk != actor.id
    ]
    notices.tell(tellings, at=at)


def opened(case: Case, person_id: int, at: datetime) -> int:
    """Close what told this person of a mention: they have the case open. Returns how many."""
    waiting = Notice.objects.filter(
        person_id=person_id, kind=MENTIONED, about=case.about, done_at__isnull=True
    )
    if not waiting.exists():
        return 0
    waiting.filter(read_at__isnull=True).update(read_at=at)
    return waiting.update(done_at=at)


def candidates(case: Case, typed: str, at: datetime, *, share: bool) -> list[Candidate]:
    """Return people whose name or staff number fits, those who may open the case first.

    Nobody who stays out of the case; without `share` nobody who cannot open it.
    """
    text = typed.replace("\x00", "").strip()[:40]
    people = Person.objects.active().filter(account__is_active=True)
    people = people.exclude(pk__in=CaseExclusion.objects.filter(case=case).values("person"))
    if text:
        fits = Q(name_zh__icontains=text) | Q(name_en__icontains=text)
        people = people.filter(fits | Q(staff_no__istartswith=text))
    else:
        near = (case.handler_id, case.officer_id, case.registrar_id, case.rm_id)
        heads = (case.department.head_id,)
        people = people.filter(pk__in=[pk for pk in (*near, *heads) if pk])
    found = list(people.select_related("department").order_by("staff_no")[:_LOOKED_AT])
    allowed = able(case, [person.pk for person in found], at)
    rows = [Candidate(person, person.pk in allowed) for person in found]
    kept = [row for row in rows if row.able or (share and not case.restricted)]
    return sorted(kept, key=lambda row: not row.able)[:_OFFERED]


def people_of(texts: Iterable[str | None]) -> dict[int, Person]:
    """Return the people mentioned in these texts by pk; one query, none without a mention."""
    pks = {pk for text in texts if text for pk in named(text)}
    return Person.objects.in_bulk(list(pks)) if pks else {}


def pieces(text: str, people: Mapping[int, Person]) -> list[Piece]:
    """Cut a text at its mentions; a person nobody knows any more reads as a dash."""
    found, end = [], 0
    for mark in _MARK.finditer(text):
        person = people.get(int(mark[1]))
        found += [Piece(text[end : mark.start()]), Piece(person.label if person else "–", True)]  # noqa: FBT003
        end = mark.end()
    found.append(Piece(text[end:]))
    return [piece for piece in found if piece.text]


def plain(text: str, people: Mapping[int, Person]) -> str:
    """Return a text with names in place of the codes."""
    return "".join(f"@{p.text}" if p.is_person else p.text for p in pieces(text, people))


def typed(case: Case, text: str, at: datetime) -> Typed:
    """Return a note that was not sent as its writer typed it, to write on.

    Who may not open the case (any more) stays as a plain name, and so do two people of one name:
    nobody shall be mentioned in the place of another.
    """
    people = people_of([text])
    if not people:
        return Typed(text, {})
    allowed = able(case, people, at)
    labels = [person.label for person in people.values()]
    codes = {
        f"@{person.label}": pk
        for pk, person in people.items()
        if pk in allowed and labels.count(person.label) == 1
    }
    return Typed(plain(text, people), codes)


def contributions() -> tuple[Contribution, ...]:
    """Return the lines for the registry."""
    return (
        NoticeKind(
            MENTIONED,
            _("%(who)s mentioned you in a note of case %(number)s"),
            "at",
            case_link,
            _("Read the note"),
            {"who": actor_words},
        ),
    )
