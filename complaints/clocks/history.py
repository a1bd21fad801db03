"""What the record says about clocks: the facts of a case's chain, read back clock by clock."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from complaints.models import Case
from config.kernel.models import JournalEntry

PREFIX = "clock."


@dataclass(slots=True)
class Story:
    """One clock as recorded; `pauses` are its closed stretches, `standing` the open one.

    `due` is the due time the record named last, `moves` how it moved: (action, days or None,
    due time before, due time after). `dropped`: a new matching of the rules ended it.
    """

    name: str
    round: int
    limit: int | None
    calendar: int | None
    unit: str
    amount: int
    started_at: datetime
    ceiling_at: datetime | None
    due: datetime
    extension_days: int = 0
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    standing: datetime | None = None
    stopped_at: datetime | None = None
    dropped: bool = False
    moves: list[tuple[str, int | None, datetime, datetime]] = field(default_factory=list)


Key = tuple[int, str, int]
Stories = Mapping[Key, Story]


def of(cases: Iterable[Case]) -> dict[Key, Story]:
    """Read the stories of all clocks of these cases by (case pk, name, round); one query."""
    pks = {case.stream: case.pk for case in cases}
    if not pks:
        return {}
    entries = JournalEntry.objects.filter(stream__in=list(pks), action__startswith=PREFIX)
    stories: dict[Key, Story] = {}
    for stream, action, body in entries.order_by("stream", "seq").values_list(
        "stream", "action", "body"
    ):
        tell = _TOLD.get(action)
        if tell:
            tell(stories, pks[stream], json.loads(body)["facts"])
    return stories


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _known(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _started(stories: dict[Key, Story], case: int, facts: Mapping[str, Any]) -> None:
    for row in facts["clocks"]:
        stories[case, row["name"], row["round"]] = Story(
            row["name"],
            row["round"],
            row["limit"],
            row["calendar"],
            row["unit"],
            row["amount"],
            _known(row["started"]),
            _moment(row["ceiling"]),
            _known(row["due"]),
            row["days"],
            stopped_at=_moment(row["stopped"]),
        )


def _measured(action: str) -> Callable[[dict[Key, Story], int, Mapping[str, Any]], None]:
    """Return the reader of an act that gave running clocks other limits or calendars."""

    def read(stories: dict[Key, Story], case: int, facts: Mapping[str, Any]) -> None:
        for row in facts["clocks"]:
            story = stories.get((case, row["name"], row["round"]))
            if story is None:
                continue
            story.limit, story.calendar = row["limit"], row["calendar"]
            story.started_at = _known(row["started"])
            story.unit, story.amount = row["unit"], row["amount"]
            story.ceiling_at = _moment(row["ceiling"])
            _moved(story, action, None, _known(row["due"]))
            if row["stopped"]:
                _end(stories, case, row, _known(facts["at"]))
        for row in facts.get("cancelled", ()):
            _end(stories, case, row, _known(facts["at"]))
            if story := stories.get((case, row["name"], row["round"])):
                story.dropped = True

    return read


def _paused(stories: dict[Key, Story], case: int, facts: Mapping[str, Any]) -> None:
    for row in facts["clocks"]:
        if story := stories.get((case, row["name"], row["round"])):
            story.standing = _known(facts["at"])


def _resumed(stories: dict[Key, Story], case: int, facts: Mapping[str, Any]) -> None:
    for row in facts["clocks"]:
        if story := stories.get((case, row["name"], row["round"])):
            _close(story, _known(facts["at"]))
            _moved(story, "clock.resumed", None, _known(row["due"]))


def _extended(stories: dict[Key, Story], case: int, facts: Mapping[str, Any]) -> None:
    for row in facts["clocks"]:
        if story := stories.get((case, row["name"], row["round"])):
            story.extension_days = row["days"]
            _moved(story, "clock.extended", facts["days"], _known(facts["due"]))


def _ended(stories: dict[Key, Story], case: int, facts: Mapping[str, Any]) -> None:
    for row in facts["clocks"]:
        _end(stories, case, row, _known(facts["at"]))


def _end(stories: dict[Key, Story], case: int, row: Mapping[str, Any], at: datetime) -> None:
    if story := stories.get((case, row["name"], row["round"])):
        _close(story, at)
        story.stopped_at = at
        if row.get("due"):
            story.due = _known(row["due"])


def _close(story: Story, at: datetime) -> None:
    if story.standing is not None:
        story.pauses.append((story.standing, max(at, story.standing)))
        story.standing = None


def _moved(story: Story, action: str, days: int | None, due: datetime) -> None:
    if due != story.due:
        story.moves.append((action, days, story.due, due))
        story.due = due


_TOLD: Mapping[str, Callable[[dict[Key, Story], int, Mapping[str, Any]], None]] = {
    "clock.started": _started,
    "clock.rematched": _measured("clock.rematched"),
    "clock.recalendared": _measured("clock.recalendared"),
    "clock.applied": _measured("clock.applied"),
    "clock.paused": _paused,
    "clock.resumed": _resumed,
    "clock.extended": _extended,
    "clock.stopped": _ended,
    "clock.cancelled": _ended,
}

__all__: Sequence[str] = ["Key", "Stories", "Story", "of"]
