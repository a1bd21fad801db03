"""Reminds the administrators, from 1 November on, to load next year's official days."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from config.kernel import notices, rulesets
from config.kernel.models import Notice
from staff import calendar
from staff.models.accounts import Role
from staff.people import audience

_FIRST_MONTH: Final = 11  # the last two notices came on 12 and 4 November, DOMAIN.md §5


def warn(at: datetime) -> int:
    """Tell each administrator once a day that next year is missing; returns how many were told.

    A year counts as missing while a calendar holds only provisional days for it. The notice leads
    to the import of the first calendar concerned, the bank's before others.
    """
    wanted = missing(at)
    if wanted is None:
        return 0
    key, year, today = wanted
    tellings = [
        notices.Telling(
            key=f"calendar:{year}:{today}:{person.pk}",
            person_id=person.pk,
            kind="calendar.missing",
            about=f"calendar:{key}",
            facts={"year": year},
        )
        for person in audience([Role.ADMIN])
    ]
    with transaction.atomic():
        return notices.tell(tellings, at=at)


def missing(at: datetime) -> tuple[str, int, str] | None:
    """Return key, year and today's date of a calendar whose next year is missing from November on.

    Calendars that keep no official days (day and night) never miss a year.
    """
    for key in sorted(calendar.keys(), key=lambda name: (name != calendar.BANK, name)):
        version = rulesets.published(calendar.PREFIX + key, at)
        if version is None or not version.settings.get("confirmed_years"):
            continue
        today = at.astimezone(ZoneInfo(version.settings["zone"])).date()
        hours = calendar.calendar(version, at)
        if today.month >= _FIRST_MONTH and hours.is_year_provisional(today.year + 1):
            return key, today.year + 1, today.isoformat()
    return None


def link(notice: Notice) -> str:
    """Return the page where the official days of that calendar are loaded."""
    return f"/calendars/{notice.about.partition(':')[2] or calendar.BANK}/import/"
