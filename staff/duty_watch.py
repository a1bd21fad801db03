"""Empty shifts ahead: what the bank's own pattern expects and nobody is named for."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from config.kernel import notices
from config.kernel.models import Notice
from config.shared.words import day_words, listed, noted
from staff.duty_roster import shift_words
from staff.models import DutyShift
from staff.models.accounts import Role
from staff.people import audience

AHEAD: Final = timedelta(days=7)
_BACK: Final = 28
_WEEK: Final = 7
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Gap:
    """A shift without a first on call; `missing` when it does not stand on the roster at all."""

    on: date
    shift: str
    missing: bool


def gaps(first: date, last: date, *, at: datetime) -> list[Gap]:
    """Return the empty shifts from one local date to another, both included; one query.

    A shift is expected where the same weekday of one of the four weeks before had it; on a roster
    younger than a week, every shift that stands anywhere from `first` to `last`. A bank that kept
    no roster in all that time expects none. Shifts that are over at `at` are no gaps.
    """
    rows = list(
        DutyShift.objects.filter(
            on__gte=first - timedelta(days=_BACK + _WEEK), on__lte=last
        ).values_list("on", "shift", "first_id", "second_id", "ends_at")
    )
    standing = {(on, shift): (leader, ends_at) for on, shift, leader, _, ends_at in rows}
    held = {(on, shift) for on, shift, leader, second, _ in rows if leader or second}
    is_young = not any(on < first for on, _shift in held)
    names = {shift for on, shift in held if on >= first}
    found = []
    for days in range((last - first).days + 1):
        day = first + timedelta(days=days)
        expected = names if is_young else _usual(day, held)
        here = {shift for on, shift in standing if on == day}
        for shift in sorted(expected | here):
            leader, ends_at = standing.get((day, shift), (None, None))
            if leader is None and (ends_at is None or ends_at > at) and day >= _today(at):
                found.append(Gap(day, shift, ends_at is None))
    return found


def watch_gaps(at: datetime) -> int:
    """Tell administrators and supervisors once a day of empty shifts in the next 7 days.

    Returns how many people were told now.
    """
    today = _today(at)
    found = gaps(today, today + AHEAD, at=at)
    if not found:
        return 0
    facts = {
        "count": len(found),
        "shifts": [[gap.on.isoformat(), gap.shift] for gap in found[:_NAMED]],
        "more": len(found) > _NAMED,
    }
    tellings = [
        notices.Telling(
            key=f"duty.gap:{today}:{person.pk}",
            person_id=person.pk,
            kind="duty.gap",
            about="duty:roster",
            facts=facts,
        )
        for person in audience([Role.ADMIN, Role.SUPERVISOR])
    ]
    with transaction.atomic():
        return notices.tell(tellings, at=at)


def named_shifts(pairs: list[list[str]]) -> str:
    """Return shifts in words: `23 Nov (Night), 24 Nov (Day)`."""
    return listed(noted(day_words(date.fromisoformat(on)), shift_words(x)) for on, x in pairs)


def link(notice: Notice) -> str:
    """Return the page of the roster."""
    return reverse("duty")


def _usual(day: date, held: set[tuple[date, str]]) -> set[str]:
    """Return the names of the shifts that this weekday had in one of the four weeks before."""
    weeks = {day - timedelta(days=_WEEK * back) for back in range(1, _BACK // _WEEK + 1)}
    return {shift for on, shift in held if on in weeks}


def _today(at: datetime) -> date:
    return timezone.localtime(at, timezone.get_default_timezone()).date()
