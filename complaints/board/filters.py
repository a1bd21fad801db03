"""Filters of the case queue that the figures of the board lead to.

`age` in working days of the bank's calendar, `came` and `gone` today, `late`, the hour of arrival
`slot` (weekday-hour, Monday 1) in the last eight weeks, and the service `notice` it was
registered from. What is no such code matches nothing or is left out; no value is an error.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Final

import django_filters
from django import forms
from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from complaints.clocks import rules
from complaints.models import Case, ServiceNotice
from config.shared import worktime
from config.shared.calendars import Calendar
from config.shared.scope import Scope
from config.shared.words import SHORT_DAYS, listed

WEEKS: Final = 8
AGES: Final = ("0", "1", "2", "3")
"""Working days since the case was received; the last one means three or more."""
_MOST: Final = 200


class _MatchingField(forms.Field):
    """Any number of codes of one shape; others are left out."""

    widget = forms.SelectMultiple

    def __init__(self, *, shape: str, **options: Any) -> None:
        super().__init__(**options)
        self.shape = re.compile(shape)

    def clean(self, value: Any) -> list[str]:
        """Return the codes once each, in the order given."""
        given = [str(item) for item in value or [] if item][:_MOST]
        return list(dict.fromkeys(code for code in given if self.shape.fullmatch(code)))


class _Matching(django_filters.Filter):  # type: ignore[misc]  # django-filter has no types
    """Filter over codes of one shape."""

    field_class = _MatchingField


class BoardFilters(django_filters.FilterSet):  # type: ignore[misc]  # as above
    """The filters of the board; a part of the filters of the case list."""

    at: datetime
    scope: Scope

    age = _Matching(shape="[0-3]", method="by_age", label=gettext_lazy("Age in working days"))
    came = _Matching(shape="today", method="by_came", label=gettext_lazy("Received"))
    gone = _Matching(
        shape="today", method="by_gone", label=pgettext_lazy("no longer open", "Finished")
    )
    late = _Matching(shape="1", method="by_late", label=gettext_lazy("Became late"))
    slot = _Matching(
        shape="[1-7]-([01][0-9]|2[0-3])", method="by_slot", label=gettext_lazy("Hour of arrival")
    )
    notice = _Matching(shape="[0-9]{1,9}", method="by_notice", label=gettext_lazy("Service notice"))

    @cached_property
    def ages(self) -> Sequence[Q]:
        """The condition of every age; read once, for it needs the calendar."""
        return age_states(self.at)

    def by_age(self, rows: QuerySet[Case], _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases of these ages."""
        wanted = Q(pk__in=[])
        for code in value:
            wanted |= self.ages[int(code)]
        return rows.filter(wanted)

    def by_came(self, rows: QuerySet[Case], _name: str, _value: list[str]) -> QuerySet[Case]:
        """Keep cases received today."""
        return rows.filter(came_since(midnight(self.at)))

    def by_gone(self, rows: QuerySet[Case], _name: str, _value: list[str]) -> QuerySet[Case]:
        """Keep cases that ended today."""
        return rows.filter(gone_since(midnight(self.at)))

    def by_late(self, rows: QuerySet[Case], _name: str, _value: list[str]) -> QuerySet[Case]:
        """Keep cases of which a clock ran out."""
        return rows.filter(breached=True)

    def by_slot(self, rows: QuerySet[Case], _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases of the last eight weeks that came in at these hours of the week."""
        wanted = Q(pk__in=[])
        for code in value:
            day, hour = code.split("-")
            wanted |= Q(day_in=int(day), hour_in=int(hour))
        return with_slots(rows.filter(came_since(first_moment(self.at)))).filter(wanted)

    def by_notice(self, rows: QuerySet[Case], _name: str, value: list[str]) -> QuerySet[Case]:
        """Keep cases that were registered from these service notices."""
        return rows.filter(service_notice__notice__in=[int(code) for code in value])


def midnight(at: datetime) -> datetime:
    """Return when the bank's day of `at` began."""
    return start_of(timezone.localdate(at))


def start_of(on: date) -> datetime:
    """Return when a day of the bank begins."""
    return timezone.make_aware(datetime.combine(on, time.min))


def first_moment(at: datetime) -> datetime:
    """Return when the weeks begin over which arrivals are counted."""
    return midnight(at) - timedelta(weeks=WEEKS)


def came_since(moment: datetime) -> Q:
    """Return which cases came in since; what was recorded as history did not."""
    return Q(received_at__gte=moment, is_history=False)


def gone_since(moment: datetime) -> Q:
    """Return which cases stopped waiting for their result since, told or ended aside.

    `updated_at` says the same more coarsely and has the index.
    """
    told = Q(notified_at__gte=moment)
    aside = Q(not_accepted_at__gte=moment) | Q(withdrawn_at__gte=moment)
    untold = Q(closed_at__gte=moment, notified_at__isnull=True)
    return Q(updated_at__gte=moment, is_history=False) & (told | aside | untold)


def with_slots(rows: QuerySet[Case]) -> "QuerySet[Any]":
    """Add weekday (Monday 1) and hour of arrival, in bank time."""
    zone = timezone.get_default_timezone()
    return rows.annotate(
        day_in=ExtractIsoWeekDay("received_at", tzinfo=zone),
        hour_in=ExtractHour("received_at", tzinfo=zone),
    )


def office_calendar(at: datetime) -> Calendar:
    """Return the bank's working calendar at `at`; every day works where none is published."""
    book = rules.in_force(at)
    if book is None:
        return Calendar.always(settings.TIME_ZONE)
    return book.office(rules.Calendars(at)).calendar


def age_states(at: datetime) -> tuple[Q, Q, Q, Q]:
    """Return the condition of each age: working days after the day of receipt, up to today."""
    calendar, tomorrow = office_calendar(at), timezone.localdate(at) + timedelta(days=1)
    one, two, three = (
        start_of(worktime.nth_working_day(calendar, tomorrow, -n)) for n in (1, 2, 3)
    )
    return (
        Q(received_at__gte=one),
        Q(received_at__lt=one, received_at__gte=two),
        Q(received_at__lt=two, received_at__gte=three),
        Q(received_at__lt=three),
    )


def age_words(code: str) -> str:
    """Return an age in words."""
    if code == AGES[0]:
        return _("under 1 working day")
    if code == AGES[-1]:
        return _("3 working days and more")
    return ngettext("%(n)s working day", "%(n)s working days", int(code)) % {"n": code}


def slot_words(code: str) -> str:
    """Return an hour of the week in words: `Mon 09:00`."""
    day, _dash, hour = code.partition("-")
    return f"{SHORT_DAYS[int(day) - 1]} {hour}:00"


def chosen_words(key: str, codes: Sequence[str]) -> str:
    """Return the chosen values of one of these filters in words; '' for another filter."""
    if key == "notice":
        rows = ServiceNotice.objects.filter(pk__in=[int(code) for code in codes])
        return listed(row.title for row in rows.order_by(F("starts_at").desc()))
    if key == "age":
        return listed(age_words(code) for code in codes)
    if key == "slot":
        return listed(slot_words(code) for code in codes)
    fixed = {"came": _("today"), "gone": _("today"), "late": _("yes")}
    return fixed.get(key, "")
