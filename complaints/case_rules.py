"""Limits of the case that the bank may change: `settings.case` of the published clock policies."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from config.kernel import rulesets
from config.shared import worktime
from staff import calendar as calendars

KIND = "clock_policies"


@dataclass(frozen=True, slots=True)
class CaseRules:
    """Defaults of DOMAIN.md §4.5 and §4.6; a key of the same name in the settings wins.

    Days are calendar days, `silence_working_days` working days, sums in CNY.
    """

    silence_working_days: int = 5
    reopen_days: int = 90
    review_days: int = 30
    repeat_days: int = 90
    unreachable_days: int = 2
    loss_high: int = 50_000
    loss_critical: int = 500_000
    extreme_emotion: int = 5
    third_complaint: int = 3
    remedy_working_days: int = 5
    chases_raise: int = 3


def rules_at(at: datetime) -> CaseRules:
    """Return the limits in force at `at`; one query."""
    published = rulesets.published(KIND, at)
    given: Mapping[str, Any] = published.settings.get("case", {}) if published else {}
    known = {part.name for part in fields(CaseRules)}
    return CaseRules(**{name: int(value) for name, value in given.items() if name in known})


def silence_ends_at(at: datetime, working_days: int) -> datetime:
    """Return the close of the n-th working day after `at` on the bank's calendar (§5.3)."""
    hours = calendars.calendar("bank", at)
    return worktime.due(hours, at, worktime.Limit(working_days, worktime.Unit.WORKING_DAYS))


def local_day(at: datetime) -> date:
    """Return the bank's date of a moment."""
    return timezone.localtime(at, ZoneInfo(settings.TIME_ZONE)).date()


def severity_of(
    rules: CaseRules, *, loss: Decimal | None, media: bool, emotion: int | None, repeats: int
) -> int:
    """Return the least severity these facts demand (DOMAIN.md §4.5); 1 when none does."""
    if loss is not None and loss >= rules.loss_critical:
        return 4
    high = (
        media,
        emotion is not None and emotion >= rules.extreme_emotion,
        loss is not None and loss >= rules.loss_high,
        repeats + 1 >= rules.third_complaint,
    )
    return 3 if any(high) else 1
