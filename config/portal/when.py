"""How moments are written for people, in the bank's time zone and the reader's language."""

from datetime import datetime, timedelta
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext

from config.shared.words import SHORT_DAYS


def short_time(moment: datetime, now: datetime) -> str:
    """Return `14:18` today, `Wed 16:40` this week (from Monday), else `17 Nov`, `17 Nov 2025`."""
    local, today = timezone.localtime(moment), timezone.localtime(now).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    monday = today - timedelta(days=today.weekday())
    if monday <= local.date() < monday + timedelta(days=7):
        return f"{SHORT_DAYS[local.weekday()]} {local:%H:%M}"
    if local.year == today.year:
        return date_format(local, pgettext("date format", "j M"))
    return date_format(local, pgettext("date format", "j M Y"))


def full_time(moment: datetime | None) -> str:
    """Return weekday, day, month, year, hour and minute; nothing for no moment."""
    if moment is None:
        return ""
    return _full(timezone.localtime(moment).replace(second=0, microsecond=0), get_language())


@lru_cache(maxsize=4096)
def _full(minute: datetime, _language: str | None) -> str:
    """Write one local minute in the active language; a list says the same ones again and again."""
    return date_format(minute, pgettext("date format", "l j F Y, H:i"))
