"""The working calendars: all of them, twelve months of one, its versions."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.kernel.models import RuleSet
from config.portal import calendar_effect, draft_acts, year_view
from config.portal.calendar_forms import DayForm
from config.portal.calendar_versions import Shown, all_shown, missing_year, shown, state_words, uses
from config.portal.rules_versions import publisher
from config.shared.calendars import Calendar
from config.shared.htmx import is_htmx
from config.shared.moments import YEARS
from config.shared.words import day_words
from staff import calendar as calendars_room
from staff import calendar_changes
from staff.http import StaffRequest
from staff.models import CalendarDay, Person

LISTED: Final = 8
_REMINDED_FROM: Final = 11  # the month in which next year's notice comes


@require_safe
def calendars(request: StaffRequest) -> HttpResponse:
    """List the calendars: hours, who counts on each, drafts, what is missing."""
    request.scope.demand("rules")
    at = timezone.now()
    found = all_shown(at)
    using = uses([show.key for show in found], at)
    hours = calendars_room.of_rule_sets(show.rules for show in found)
    rows = [_line(show, hours[show.rules.pk], using, at) for show in found]
    context = {"rows": rows, "may_propose": request.scope.may("rules", "propose")}
    return render(request, "portal/calendars.html", context)


@require_safe
def calendar_home(request: StaffRequest, key: str) -> HttpResponse:
    """Go to this year of a calendar, or to the year of the day that is asked for."""
    request.scope.demand("rules")
    shown(key, "", timezone.now())
    day = _day(request.GET.get("day", ""))
    if day is None:
        return redirect("calendar_year", key, timezone.localdate().year)
    return redirect(f"{reverse('calendar_year', args=[key, day.year])}?day={day}#day")


@require_safe
def calendar_year(request: StaffRequest, key: str, year: int) -> HttpResponse:
    """Show twelve months of one calendar and the chosen day; htmx asks for the day alone."""
    return year_page(request, key, year)


@require_safe
def calendar_history(request: StaffRequest, key: str) -> HttpResponse:
    """List the versions of a calendar, the newest first, with who published each and why."""
    request.scope.demand("rules")
    at = timezone.now()
    show = shown(key, "", at)
    rows = list(RuleSet.objects.filter(kind=show.rules.kind).order_by("-number"))
    people = Person.objects.in_bulk([row.published_by_id for row in rows if row.published_by_id])
    context = {
        "key": key,
        "year": timezone.localdate().year,
        "show": show,
        "lines": [
            {
                "row": row,
                "state": state_words(row, show.force, at),
                "who": people.get(row.published_by_id or 0),
                "may_copy": row.published_at is not None,
            }
            for row in rows
        ],
        "may_propose": request.scope.may("rules", "propose"),
    }
    return render(request, "portal/calendar_history.html", context)


def year_page(
    request: StaffRequest,
    key: str,
    year: int,
    *,
    form: DayForm | None = None,
    picked: date | None = None,
) -> HttpResponse:
    """Show the page of a year; `form` for day `picked` is one that could not be carried out."""
    request.scope.demand("rules")
    at, today = timezone.now(), timezone.localdate()
    if year not in YEARS:
        raise Http404
    show = shown(key, request.GET.get("v", ""), at)
    calendar = calendars_room.calendar(show.rules, at)
    picked = picked or _picked(request.GET.get("day", ""), year)
    status = form.status if form else 200
    context = _frame(request, show, year) | day_context(request, show, calendar, picked, form)
    if is_htmx(request) and request.htmx.target == "day":
        return render(request, "portal/_calendar_day.html", context, status=status)
    changes = _changes(show)
    changed = frozenset(change.on for change in changes.days) if changes else frozenset()
    months = year_view.months(calendar, year, today, changed=changed, picked=picked)
    context |= {
        "months": months,
        "weekdays": year_view.weekday_heads(),
        "total": sum(month.working for month in months),
        "week": year_view.week_lines(calendar),
        "open_week": year_view.open_lines(calendar),
        "special": year_view.special_days(calendar, year),
        "zone": calendar.zone,
        "provisional": calendar.is_year_provisional(year),
        "years": [(y, calendar.is_year_provisional(y)) for y in range(year - 1, year + 2)],
        "missing": _missing(show, calendar, today),
        "use": uses([key], at)[key],
        "publisher": publisher(show.rules),
        "changes": changes,
        "change_lines": [(x, day_words(x.on)) for x in changes.days[:LISTED]] if changes else [],
        "change_rest": max(0, len(changes.days) - LISTED) if changes else 0,
        "calendars": _names(),
    }
    if show.draft is not None:
        urls = _draft_urls(key)
        context["bar"] = draft_acts.bar(
            request, show.draft, urls, changes=changes.count if changes else None
        )
        context["effect"] = calendar_effect.context(request, key, show.draft, at)
    return render(request, "portal/calendar.html", context, status=status)


def day_context(
    request: StaffRequest,
    show: Shown,
    calendar: Calendar,
    picked: date | None,
    form: DayForm | None = None,
) -> dict[str, Any]:
    """Return what the panel of the chosen day shows; one query where a day is chosen."""
    if picked is None:
        return {"picked": None}
    special = calendar.special(picked.toordinal())
    spans = calendar.spans_on(picked.toordinal())
    base = show.force if show.is_draft else None
    rows = CalendarDay.objects.filter(rule_set__in=[row for row in (show.rules, base) if row])
    found = {row.rule_set_id: row for row in rows.filter(date=picked)}
    mine, before = found.get(show.rules.pk), found.get(base.pk) if base else None
    draft = show.draft
    latest = show.in_force or (show.force is None and show.rules == show.coming)
    editable = show.is_draft or (draft is None and latest)
    if form is None and editable and request.scope.may("rules", "propose"):
        form = DayForm(
            on=picked,
            day=special,
            row_version=draft.version if draft else 0,
            initial={"number": draft.number if draft else 0},
        )
    return {
        "picked": picked,
        "picked_words": day_words(picked),
        "day": special,
        "row": mine,
        "kind": year_view.kind_of(calendar, picked),
        "hours": year_view.hours_words(spans),
        "usual": year_view.hours_words(calendar.week.get(picked.weekday(), ())),
        "changed": show.is_draft and _code(mine) != _code(before),
        "own": mine is not None and mine.source == "own",
        "form": form,
    }


def _frame(request: StaffRequest, show: Shown, year: int) -> dict[str, Any]:
    """Return what every part of a calendar page needs."""
    return {
        "show": show,
        "rules": show.rules,
        "key": show.key,
        "year": year,
        "may_propose": request.scope.may("rules", "propose"),
        "version_query": f"v={show.rules.number}" if request.GET.get("v") else "",
    }


def _draft_urls(key: str) -> dict[str, str]:
    return {
        "publish": reverse("calendar_publish", args=[key]),
        "discard": reverse("calendar_discard", args=[key]),
        "row": f"{reverse('calendar_home', args=[key])}?day=",
        "changes": "#chg-h",
    }


def _line(
    show: Shown, calendar: Calendar, using: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """Return what the list shows of a calendar."""
    today = at.astimezone(calendar.zone_info).date()
    near = (day for y in (0, 1) for day in year_view.special_days(calendar, today.year + y))
    always = all(calendar.week.get(day) for day in range(7)) and not calendar.days
    return {
        "key": show.key,
        "show": show,
        "week": year_view.week_lines(calendar),
        "zone": calendar.zone,
        "use": using[show.key],
        "next": next((day for day in near if day.last >= today), None),
        "missing": None if always else _next_year(calendar, today),
    }


def _next_year(calendar: Calendar, today: date) -> int | None:
    """Return next year from November on while it is not known."""
    due = today.month >= _REMINDED_FROM and calendar.is_year_provisional(today.year + 1)
    return today.year + 1 if due else None


def _missing(show: Shown, calendar: Calendar, today: date) -> Any:
    """Return what is to be said about the next year: once clocks depend on it, or in November."""
    found = missing_year(show.key, calendar, today)
    if found is None or not (found.clocks or today.month >= _REMINDED_FROM):
        return None
    return found


def _changes(show: Shown) -> calendar_changes.Changes | None:
    """Return what the shown draft changes in the version in force."""
    return calendar_changes.between(show.force, show.rules) if show.is_draft else None


def _code(row: CalendarDay | None) -> tuple[str, ...]:
    return (calendar_changes.code_of(row), row.name_en, row.name_zh) if row else ()


def _picked(text: str, year: int) -> date | None:
    """Return the chosen day; nothing for what is no day of this year."""
    day = _day(text)
    return day if day and day.year == year else None


def _day(text: str) -> date | None:
    """Return the day of an ISO text in a year that calendars hold."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def _names() -> list[tuple[str, str]]:
    """Return key and title of all calendars, for going from one to another."""
    rows = RuleSet.objects.filter(kind__startswith=calendars_room.PREFIX).exclude(state="retired")
    named = {row.kind: row.title for row in rows.order_by("kind", "number")}
    found = [(kind.removeprefix(calendars_room.PREFIX), title) for kind, title in named.items()]
    return sorted(found, key=lambda pair: (pair[0] != calendars_room.BANK, pair))


__all__ = ["calendar_history", "calendar_home", "calendar_year", "calendars", "year_page"]
