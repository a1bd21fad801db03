"""The timeline of the case page: what happened, ready to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from complaints import case_page, mentions, timeline
from complaints.conversation.deliveries import Delivery, delivery
from complaints.conversation.speaking import link_of
from complaints.fact_names import word_label
from complaints.models import CallRecord, Case
from complaints.reach import reaches
from config.shared.scope import Scope
from config.shared.words import labelled
from staff.models import Person


@dataclass(frozen=True, slots=True)
class Words:
    """One text under a line; `text` None = erased, `pieces` the text cut at its mentions."""

    label: str
    text: str | None
    pieces: Sequence[mentions.Piece] = ()

    @property
    def beside(self) -> str:
        """The text with its label where it is short enough to stand in the line; '' for others."""
        if self.text is None or len(self.text) > _SHORT or "\n" in self.text.strip():
            return ""
        has_people = any(piece.is_person for piece in self.pieces)
        return "" if has_people else labelled(self.label, self.text.strip())


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded call: how long, its number, and where listening is noted ('' = not for them)."""

    lasted: str
    number: str
    url: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline as the page draws it. `group`: customer, notes or handling."""

    seq: int
    kind: str
    group: str
    bubble: str
    icon: str
    who: str
    sentence: str
    at: datetime
    day: str
    words: list[Words]
    deliveries: list[Delivery]
    recording: Recording | None


_SHORT: Final = 80
_BUBBLES: Final = {"customer": "cust", "call": "cust", "out": "out", "note": "note", "sys": "note"}
_GROUPS: Final = {"customer": "customer", "call": "customer", "out": "customer", "note": "notes"}


def lines(items: Sequence[timeline.Item], case: Case, scope: Scope) -> list[Line]:
    """Return the timeline's items ready to draw, days in words."""
    name, at = case_page.who(case, scope)["name"], timezone.now()
    notes = [text for item in items if item.kind == "note" for text in item.words.values()]
    people = mentions.people_of(notes)
    return [_line(item, case, scope, name, people, at) for item in items]


def _line(
    item: timeline.Item,
    case: Case,
    scope: Scope,
    name: str,
    people: Mapping[int, Person],
    at: datetime,
) -> Line:
    local = timezone.localtime(item.at)
    words = [
        Words(word_label(key), text, mentions.pieces(text or "", people))
        for key, text in item.words.items()
        if text is None or text.strip()
    ]
    author, sentence = _author(item, case, name)
    call = item.facts.get("direction") if item.kind == "call" else ""
    return Line(
        seq=item.seq,
        kind=item.kind if words or item.kind == "sys" else "sys",
        group=_GROUPS.get(item.kind, "handling"),
        bubble="out" if call == "out" else _BUBBLES[item.kind],
        icon=item.icon,
        who=author,
        sentence=sentence,
        at=local,
        day=date_format(local, pgettext("date format", "l j F Y")),
        words=words,
        deliveries=[delivery(notice, case, scope, at) for notice in item.notices],
        recording=_recording(item.call, case, scope) if item.call else None,
    )


def _recording(call: CallRecord, case: Case, scope: Scope) -> Recording | None:
    """Return the recording of a call, or how long the call was; None when neither is known."""
    if not call.recording and call.seconds is None:
        return None
    minutes, seconds = divmod(call.seconds or 0, 60)
    may_listen = bool(call.recording) and reaches(case, scope, "listen")
    return Recording(
        lasted=f"{minutes}:{seconds:02d}" if call.seconds is not None else "",
        number=call.recording if may_listen and not link_of(call.recording) else "",
        url=reverse("case_listen", args=[case.number, call.pk]) if may_listen else "",
    )


def _author(item: timeline.Item, case: Case, name: str) -> tuple[str, str]:
    """Return who stands before the line and how it was said; clocks and the system sign nothing."""
    via = item.via if item.via not in item.sentence else ""
    said = " · ".join(part for part in (item.sentence, via) if part)
    if item.action == "case.inbound" or (item.call and item.call.direction == "in"):
        pattern = pgettext("who noted a message of the customer", "%(what)s, noted by %(person)s")
        return name, pattern % {"what": said, "person": item.who}
    if item.action == "case.opened":
        how = {"channel": case.intake_channel, "person": item.who, "what": item.sentence}
        if item.actor_kind != "person":
            return name, said
        return name, _("%(channel)s, taken by %(person)s. %(what)s") % how
    if item.actor_kind == "system" or item.action.startswith("clock"):
        return "", said
    return item.who, said
