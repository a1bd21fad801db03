"""The yearly notice of official days: upload, what it would change year by year, into the draft."""

from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from config.kernel.models import RuleSet
from config.portal.calendar_editor import apply
from config.portal.calendar_forms import NoticeForm, TakeForm
from config.portal.calendar_versions import Shown, shown
from config.shared.htmx import go
from config.shared.moments import YEARS
from config.shared.sheet_types import SheetError
from config.shared.worded import WordedError
from config.shared.words import day_words, in_language
from staff import calendar as calendars
from staff import calendar_changes, calendar_drafts, calendar_files
from staff.calendar_files import OfficialDay, Reading
from staff.http import StaffRequest
from staff.models import CalendarDay

MAX_BYTES: Final = 5_000_000
FAULTS: Final = 100
_LONGEST_NAME: Final = 80


@require_http_methods(["GET", "POST"])
def calendar_import(request: StaffRequest, key: str) -> HttpResponse:
    """Take a file and show what it would change; nothing is kept before it is confirmed."""
    request.scope.demand("rules", "propose")
    at = timezone.now()
    show = shown(key, "", at)
    if request.method != "POST":
        return _page(request, show, NoticeForm(), at)
    form = NoticeForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, show, form, at)
    upload = form.cleaned_data["file"]
    try:
        if upload.size > MAX_BYTES:
            message = _("The file is larger than %(limit)s MB. A notice is a short table.")
            raise SheetError("large", message, {"limit": MAX_BYTES // 1_000_000})
        reading = calendar_files.read_file(upload, upload.name or "")
    except WordedError as refused:
        form.add_error("file", str(refused))
        return _page(request, show, form, at)
    return _page(request, show, form, at, reading=reading, name=upload.name or "")


@require_http_methods(["POST"])
def calendar_take(request: StaffRequest, key: str) -> HttpResponse:
    """Put the days that were looked at into the draft; 409 when the draft has moved on."""
    request.scope.demand("rules", "propose")
    at = timezone.now()
    show = shown(key, "", at)
    form = TakeForm(request.POST)
    try:
        days = calendar_files.read_official_days(request.POST.get("days", ""))
    except WordedError as refused:
        return _page(request, show, NoticeForm(), at, problem=str(refused), status=422)
    if form.is_valid():
        source = form.cleaned_data["name"] or "import"

        def put(draft: RuleSet, expected: int | None) -> RuleSet:
            return calendar_drafts.put_days(
                draft, days, source=source, actor=request.actor, at=at, expected=expected
            )

        if apply(request, key, form, put, at):
            text = ngettext(
                "%(n)s day was put into the draft. See what it moves, then publish it.",
                "%(n)s days were put into the draft. See what they move, then publish them.",
                len(days),
            )
            messages.success(request, text % {"n": len(days)})
            return go_to_year(request, key, max(day.date.year for day in days))
    reading, name = Reading(days, []), request.POST.get("name", "")
    return _page(
        request, shown(key, "", at), NoticeForm(), at, reading=reading, name=name, take=form
    )


@require_safe
def calendar_days(request: StaffRequest, key: str, year: int) -> HttpResponse:
    """Hand out the special days of a year as a CSV in the shape that the import takes."""
    request.scope.demand("rules")
    if year not in YEARS:
        raise Http404
    show = shown(key, "now", timezone.now())
    rows = CalendarDay.objects.filter(rule_set=show.rules, date__year=year).order_by("date")
    days = [OfficialDay(row.date, row.working, row.name_zh, row.name_en) for row in rows]
    answer = HttpResponse("\ufeff" + calendar_files.as_csv(days), content_type="text/csv")
    answer["Content-Disposition"] = f'attachment; filename="{key}-{year}.csv"'
    return answer


def _page(  # noqa: PLR0913 - what the page may show
    request: StaffRequest,
    show: Shown,
    form: NoticeForm,
    at: datetime,
    *,
    reading: Reading | None = None,
    name: str = "",
    take: TakeForm | None = None,
    problem: str = "",
    status: int = 0,
) -> HttpResponse:
    """Show the form, and what a file would change where one was read."""
    base, draft = show.draft or show.rules, show.draft
    calendar = calendars.calendar(base, at)
    good = reading is not None and not reading.faults
    plan = calendar_changes.preview(base, calendar, reading.days) if reading and good else []
    if reading and good and take is None:
        take = TakeForm(
            row_version=draft.version if draft else 0,
            initial={
                "number": draft.number if draft else 0,
                "days": calendar_files.as_csv(reading.days),
                "name": name[:_LONGEST_NAME],
            },
        )
    context: dict[str, Any] = {
        "show": show,
        "key": show.key,
        "year": timezone.localdate().year,
        "form": form,
        "name": name,
        "reading": reading,
        "faults": reading.faults[:FAULTS] if reading else [],
        "plan": [_told(each) for each in plan],
        "nothing": bool(plan) and all(each.same for each in plan),
        "take": take,
        "problem": problem,
        "back": reverse("calendar_home", args=[show.key]),
    }
    failed = form.errors or (reading is not None and reading.faults)
    code = status or (take.status if take else 0) or 200
    return render(request, "portal/calendar_import.html", context, status=422 if failed else code)


def _told(plan: calendar_changes.YearPlan) -> dict[str, Any]:
    """Return one year of the preview; every day with what it was and becomes."""
    return {
        "plan": plan,
        "lines": [
            {
                "on": each.on,
                "words": day_words(each.on),
                "sides": [_shape(each.before), _shape(each.after)],
            }
            for each in plan.days
        ],
    }


def _shape(row: CalendarDay | None) -> dict[str, Any]:
    """Return a day for the preview: kind, name, whether it was only expected."""
    if row is None:
        return {"kind": "", "name": "", "expected": False}
    return {
        "kind": "work" if row.working else "off",
        "name": in_language(row.name_en, row.name_zh),
        "expected": not row.confirmed,
    }


def go_to_year(request: StaffRequest, key: str, year: int) -> HttpResponse:
    """Go to a year of a calendar, where the effect of the draft stands."""
    return go(request, f"{reverse('calendar_year', args=[key, year])}#effect")
