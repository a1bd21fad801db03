"""Cases that nobody has taken for half an hour of opening hours: the supervisors hear of it, once.

A stretch begins when a case reaches a unit or person (`HandOver`). The due work looks only at
cases touched since the line it drew last time, so its cost follows what happened lately, not
what is open; that it has spoken of a stretch stands in the record of the case.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.choices import OPEN, Status
from complaints.clocks import rules
from complaints.clocks.audience import Audience, Directory
from complaints.clocks.telling import case_link
from complaints.models import Case, HandOver
from config.kernel import journal, notices, running
from config.kernel.actions import Action
from config.kernel.journal import Fact
from config.kernel.models import JournalEntry
from config.kernel.notices import NoticeKind, Telling
from config.shared import worktime
from config.shared.actors import SYSTEM
from config.shared.registry import DueWork

KEY: Final = "unassigned"
ACTION: Final = "case.unassigned"
EVERY: Final = timedelta(minutes=2)
MINUTES: Final = 30
"""Of the office's opening hours; the setting `unassigned_minutes` of the time limits wins."""
_OVERLAP: Final = timedelta(hours=1)
_LOOK_BACK: Final = timedelta(days=14)
_CHUNK: Final = 200
_NEEDED: Final = (
    "number", "department", "branch", "handler", "officer", "registrar", "rm", "restricted",
    "event_seq", "head_hash",
)  # fmt: skip
_HELD_BY_OFFICER: Final = (Status.ACCEPTED, Status.ASSESSING)


def untaken() -> Q:
    """Return which cases nobody has taken: no handler, or sent to a unit that has not signed.

    While the officer who accepted it assesses a case, it is with that officer.
    """
    with_officer = Q(officer__isnull=False, status__in=_HELD_BY_OFFICER)
    nobody = Q(handler__isnull=True) & ~with_officer
    return Q(status__in=OPEN) & (nobody | Q(status=Status.ASSIGNED))


def alarm(at: datetime) -> int:
    """Tell the supervisors of every stretch that passed the line by `at`; returns the cases.

    Safe to run twice, beside itself and after downtime of up to two weeks.
    """
    book = rules.in_force(at)
    if book is None:
        return 0
    office = book.office(rules.Calendars(at)).calendar
    minutes = int(book.rule_set.settings.get("unassigned_minutes", MINUTES))
    line = worktime.before(office, at, minutes)
    last = running.last(f"due:{KEY}") or at - _LOOK_BACK
    since = worktime.before(office, max(min(last, at) - _OVERLAP, at - _LOOK_BACK), minutes)
    return sum(_alarm(pks, line, book.complaint_office, at) for pks in _chunks(since, line))


def contributions() -> list[Action | NoticeKind | DueWork]:
    """Return what this module registers."""
    return [
        Action(ACTION, _("Nobody had taken the case in time; the supervisors were told"), "alarm"),
        NoticeKind(
            ACTION,
            _("Case %(number)s: nobody has taken it yet"),
            "alarm",
            case_link,
            _("Give it to somebody"),
        ),
        DueWork(KEY, alarm, EVERY),
    ]


def _chunks(since: datetime, line: datetime) -> Iterator[list[int]]:
    """Yield the pks of untaken cases that came to stand still in (since, line]."""
    began = Q(hand_overs__from_at__gt=since)
    left = Q(updated_at__lte=line)  # taken from its handler in the midst of a stretch
    running_since = Q(hand_overs__to_at__isnull=True, hand_overs__from_at__lte=line)
    recent = Case.objects.filter(untaken(), running_since & (began | left), updated_at__gt=since)
    last = 0
    while True:
        rows = recent.filter(pk__gt=last).order_by("pk")
        pks = list(rows.values_list("pk", flat=True).distinct()[:_CHUNK])
        if not pks:
            return
        yield pks
        last = pks[-1]


def _alarm(pks: Sequence[int], line: datetime, office: str, at: datetime) -> int:
    """Write record and notices of one chunk; what was told before under the lock stays told."""
    with transaction.atomic():
        held = Case.objects.filter(untaken(), pk__in=pks).only(*_NEEDED).order_by("pk")
        cases = list(held.select_for_update(of=("self",), no_key=True))
        stretches = _stretches(cases, line)
        known = _told(cases)
        fresh = [c for c in cases if stretches.get(c.pk, 0) and stretches[c.pk] not in known]
        if not fresh:
            return 0
        audience = Audience(fresh, Directory(office), at=at)
        journal.append_plain(
            [Fact(case, ACTION, {"hand_over": stretches[case.pk]}) for case in fresh],
            actor=SYSTEM,
            at=at,
        )
        notices.tell(_tellings(fresh, stretches, audience), at=at)
    return len(fresh)


def _stretches(cases: Iterable[Case], line: datetime) -> dict[int, int]:
    """Return the running stretch of each case that began by the line, by case pk."""
    rows = HandOver.objects.filter(case__in=list(cases), to_at__isnull=True, from_at__lte=line)
    return dict(rows.order_by("from_at", "pk").values_list("case_id", "pk"))


def _told(cases: Iterable[Case]) -> set[int]:
    """Return the stretches of these cases that were told of before."""
    rows = JournalEntry.objects.filter(stream__in=[case.stream for case in cases], action=ACTION)
    return {int(journal.facts_of(entry)["hand_over"]) for entry in rows}


def _tellings(
    cases: Iterable[Case], stretches: dict[int, int], audience: Audience
) -> list[Telling]:
    return [
        Telling(
            f"{KEY}:{stretches[case.pk]}:{person}",
            person,
            ACTION,
            case.about,
            {"number": case.number},
            needs_action=True,
            channels=("email",),
        )
        for case in cases
        for person in audience.of(case, ["supervisor"])
    ]
