"""The whole year in one transaction: people, customers, the past, the bad day, the present."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from complaints.models import Case
from config.kernel import bell
from config.kernel.models import JournalEntry
from config.portal.demo import bulk
from config.portal.demo.casting import Cast
from config.portal.demo.crowd import make_customers
from config.portal.demo.helping import ask_others
from config.portal.demo.matters import dice
from config.portal.demo.past import bad_day, past_stories
from config.portal.demo.present import present_stories
from config.portal.demo.roster import answer_calls, keep_roster
from config.portal.demo.settling import settle_remedies
from config.portal.demo.shift_day import spend_shift_day
from config.portal.demo.stage import Stage
from config.portal.demo.talking import talk
from config.portal.demo.telling import Teller
from staff.demo import make_demo_people

_OPEN_NOW: Final = 12  # one case in twelve is open at the end of the year
_BAD_DAY: Final = 25
_CACHE_KIB: Final = -262_144  # negative: KiB


@dataclass(frozen=True, slots=True)
class Figures:
    """What was made; `refused` are steps that the verbs did not take, by their words."""

    people: int
    customers: int
    cases: int
    entries: int
    by_status: dict[str, int]
    refused: dict[str, int]


def tell_year(*, customers: int, cases: int, seed: int, at: datetime) -> Figures:
    """Make people, customers and cases as they would be at `at`; all or nothing.

    Deterministic by `seed` and `at`, except for tracking codes, salts and message ids. Nothing
    leaves the house. The work is one transaction, whose bells ring once; beyond 10,000 cases the
    cases are written in bulk instead, in chunks (see `bulk`).
    """
    with _room_in_memory(), transaction.atomic():
        for work in ("outbox", "clocks", "jobs"):
            bell.wake(work)
        people = make_demo_people(at)
        stage = Stage.read(at, seed)
        keep_roster(stage)
        crowd = make_customers(stage, customers)
        cast = Cast(stage, crowd, dice(seed + 1))
        refused = {} if cases > bulk.MOST_TOLD else _tell(cast, cases)
        answer_calls(stage)
        settle_remedies(stage)
        ask_others(stage)
        talk(stage)
        spend_shift_day(stage)
    if cases > bulk.MOST_TOLD:
        bulk.write_cases(cast, cases)
    by_status = Counter(Case.objects.values_list("status", flat=True))
    return Figures(
        people=people,
        customers=len(crowd),
        cases=sum(by_status.values()),
        entries=JournalEntry.objects.count(),
        by_status=dict(sorted(by_status.items())),
        refused=refused,
    )


def _tell(cast: Cast, cases: int) -> dict[str, int]:
    """Play the stories of that many cases; returns what the verbs did not do."""
    now, bad = cases // _OPEN_NOW, cases // _BAD_DAY
    stories = bad_day(cast, bad)
    stories += past_stories(cast, max(0, cases - now - bad))
    stories += present_stories(cast, now) if cases else []
    teller = Teller(cast.stage)
    teller.tell(stories)
    return dict(teller.refused)


@contextmanager
def _room_in_memory() -> Iterator[None]:
    """Give SQLite memory for what one long transaction touches; else it reads its log for hours."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA cache_size").fetchone()[0]
        cursor.execute(f"PRAGMA cache_size = {_CACHE_KIB}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA cache_size = {int(before)}")


__all__ = ["Figures", "tell_year"]
