"""Editing a calendar: a day, the week, a new calendar, publishing; every change goes to a draft."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import push_url

from config.kernel import rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from config.kernel.rulesets import RulesRefused
from config.portal import draft_acts
from config.portal.calendar_forms import DayForm, NewCalendarForm, WeekForm
from config.portal.calendar_pages import year_page
from config.portal.calendar_versions import Shown, shown
from config.shared.forms import DayField, VersionedForm
from config.shared.htmx import form_answer, go, is_htmx
from config.shared.worded import WordedError
from staff import calendar as calendars
from staff import calendar_drafts
from staff.calendar_checks import zones
from staff.http import StaffRequest

Change = Callable[[RuleSet, int | None], RuleSet]
_FIELDS = {"until": "last", "name": "name_en", "zone": "zone", "key": "key"}


@require_POST
def calendar_day(request: StaffRequest, key: str) -> HttpResponse:
    """Make a day off, worked or as usual in the draft; 422 and 409 show the page with the form."""
    request.scope.demand("rules", "propose")
    at = timezone.now()
    show = shown(key, "", at)
    calendar = calendars.calendar(show.rules, at)
    on = _day_of(request)
    form = DayForm(request.POST, on=on, day=calendar.special(on.toordinal()))
    if form.is_valid():
        data = form.data_of()

        def put(draft: RuleSet, expected: int | None) -> RuleSet:
            return calendar_drafts.put_day(
                draft, data, actor=request.actor, at=at, expected=expected
            )

        if apply(request, key, form, put, at):
            page = f"{reverse('calendar_year', args=[key, on.year])}?day={on.isoformat()}"
            if not is_htmx(request):
                return HttpResponseRedirect(f"{page}#day")
            return push_url(year_page(request, key, on.year, picked=on), page)
    return year_page(request, key, on.year, form=form, picked=on)


@require_http_methods(["GET", "POST"])
def calendar_week(request: StaffRequest, key: str) -> HttpResponse:
    """Edit name, zone and weekly hours; `act=copy` gives Monday's hours to Tuesday to Friday."""
    request.scope.demand("rules", "propose")
    at = timezone.now()
    show = shown(key, "", at)
    calendar = calendars.calendar(show.rules, at)
    draft = show.draft
    given: dict[str, Any] = {
        "week": calendar.week,
        "row_version": draft.version if draft else 0,
        "initial": {
            "number": draft.number if draft else 0,
            "title_en": show.rules.title_en,
            "title_zh": show.rules.title_zh,
            "zone": calendar.zone,
        },
    }
    if request.method != "POST":
        return _week_page(request, show, WeekForm(**given))
    if request.POST.get("act") == "copy":
        return _week_page(request, show, WeekForm(_copied(request), **given), copied=True)
    form = WeekForm(request.POST, **given)
    if form.is_valid():

        def put(held: RuleSet, expected: int | None) -> RuleSet:
            data = form.cleaned_data
            return calendar_drafts.put_hours(
                held,
                form.week(),
                zone=data["zone"],
                titles=(data["title_en"], data["title_zh"]),
                actor=request.actor,
                at=at,
                expected=expected,
            )

        if apply(request, key, form, put, at):
            return go(request, reverse("calendar_home", args=[key]))
    return _week_page(request, show, form)


@require_http_methods(["GET", "POST"])
def calendar_new(request: StaffRequest) -> HttpResponse:
    """Begin a calendar of its own for a team, as a draft like the bank's."""
    request.scope.demand("rules", "propose")
    at = timezone.now()
    form = NewCalendarForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        data = form.cleaned_data
        bank = calendars.calendar(calendars.BANK, at)
        try:
            calendar_drafts.new_calendar(
                data["key"],
                (data["title_en"], data["title_zh"]),
                zone=bank.zone,
                week=bank.week,
                always_open=data["always_open"],
                actor=request.actor,
                at=at,
            )
        except WordedError as refused:
            form.add_error("key", str(refused))
        else:
            messages.success(request, _("The calendar is a draft. Set its hours, then publish it."))
            return go(request, reverse("calendar_week", args=[data["key"]]))
    context = {
        "form": form,
        "title": _("New calendar"),
        "act": _("Begin the calendar"),
        "back": reverse("calendars"),
        "lead": _("A team counts on it once it is named in its unit or in a time limit."),
    }
    return form_answer(request, context, status=422 if form.is_bound else 200)


@require_POST
def calendar_begin(request: StaffRequest, key: str) -> HttpResponse:
    """Begin a draft, or one copied from an older version (`from`)."""
    request.scope.demand("rules", "propose")
    if shown(key, "", timezone.now()).force is None and not request.POST.get("from"):
        raise Http404
    back = reverse("calendar_home", args=[key])
    return draft_acts.begin_view(request, calendars.PREFIX + key, back=back)


@require_http_methods(["GET", "POST"])
def calendar_publish(request: StaffRequest, key: str) -> HttpResponse:
    """Publish the draft, or ask for it."""
    back = reverse("calendar_home", args=[key])
    return draft_acts.publish_view(request, calendars.PREFIX + key, back=back)


@require_http_methods(["GET", "POST"])
def calendar_discard(request: StaffRequest, key: str) -> HttpResponse:
    """Throw the draft away."""
    kind = calendars.PREFIX + key
    lasts = RuleSet.objects.filter(kind=kind).exclude(published_at=None).exists()
    back = reverse("calendar_home", args=[key]) if lasts else reverse("calendars")
    return draft_acts.discard_view(request, kind, back=back)


def apply(
    request: StaffRequest, key: str, form: VersionedForm, change: Change, at: datetime
) -> bool:
    """Carry a change out on the draft the form was made for, beginning one where there was none.

    A refusal is put into the form: overtaken (409) or wrong in words (422).
    """
    kind = calendars.PREFIX + key
    number, expected = form.cleaned_data["number"], form.cleaned_data["version"]
    try:
        with transaction.atomic():
            draft = rulesets.draft(kind)
            if draft is None and number == 0:
                draft = _begun(request, kind, at)
                expected = draft.version
            if draft is None or number not in {0, draft.number} or draft.version != expected:
                raise RulesRefused("stale", _("Somebody has changed this version."))
            change(draft, expected)
    except WordedError as refused:
        _refuse(form, kind, refused)
        return False
    return True


def _begun(request: StaffRequest, kind: str, at: datetime) -> RuleSet:
    """Begin a draft of what is in force, or of what is to come where nothing is in force yet."""
    if rulesets.published(kind, at) is not None:
        return rule_kinds.begin(kind, actor=request.actor, at=at)
    coming = RuleSet.objects.filter(kind=kind, state=RuleState.PUBLISHED).order_by("-number")
    return rule_kinds.begin_from(coming[0], actor=request.actor, at=at)


def _refuse(form: VersionedForm, kind: str, refused: WordedError) -> None:
    """Show a refusal in the form; the next attempt works on the draft as it is now."""
    if refused.code not in draft_acts.OVERTAKEN:
        field = _FIELDS.get(refused.code)
        form.add_error(field if field in form.fields else None, str(refused))
        return
    draft = rulesets.draft(kind)
    last = draft or RuleSet.objects.filter(kind=kind).order_by("-number").first()
    why = draft_acts.overtaken(last) if last else str(refused)
    form.refuse(why, draft.version if draft else 0)
    data: Any = form.data
    data[form.add_prefix("number")] = str(draft.number if draft else 0)


def _day_of(request: StaffRequest) -> date:
    """Return the day a form is about; 404 for a form without one."""
    try:
        on: date = DayField().clean(request.POST.get("on"))
    except ValidationError:
        raise Http404 from None
    return on


def _copied(request: StaffRequest) -> Any:
    """Return the typed week with Monday's hours on the days to Friday."""
    data: Any = request.POST.copy()
    for name in list(data):
        for edge in ("opens", "closes"):
            if name.startswith(f"{edge}_0_"):
                rest = name.removeprefix(f"{edge}_0_")
                for weekday in range(1, 5):
                    data[f"{edge}_{weekday}_{rest}"] = data[name]
    return data


def _week_page(
    request: StaffRequest, show: Shown, form: WeekForm, *, copied: bool = False
) -> HttpResponse:
    context = {
        "form": form,
        "key": show.key,
        "show": show,
        "zones": sorted(zones()),
        "back": reverse("calendar_home", args=[show.key]),
        "pairs": range(1, len(form.pairs("0")) + 1),
    }
    status = 200 if copied else form.status
    return render(request, "portal/calendar_week.html", context, status=status)
