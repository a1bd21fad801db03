"""What a draft of a calendar would move: asked for as a job, shown when it is done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from complaints.choices import ClockName
from complaints.clocks import forecasting
from complaints.models import Case
from config.kernel import jobs, rulesets
from config.kernel.models import Job, RuleSet
from config.kernel.models.jobs import JobState
from config.portal.errors import conflict
from config.shared.htmx import go, is_htmx
from config.shared.scope import Scope
from config.shared.worded import WordedError
from config.shared.words import near_moment_words
from staff import calendar as calendars
from staff.http import StaffRequest

ROWS: Final = 6
_MOVING: Final = frozenset({JobState.CHECKING, JobState.CHECKED, JobState.QUEUED, JobState.RUNNING})


@dataclass(frozen=True, slots=True)
class MovedLine:
    """One due time that would move, in words; `number` leads to a case the reader may see."""

    number: str
    clock: str
    before: str
    after: str
    late: bool


@require_http_methods(["GET", "POST"])
def calendar_effect(request: StaffRequest, key: str) -> HttpResponse:
    """Show how far the forecast is; a post begins a new one. 404 without a draft."""
    request.scope.demand("rules")
    at = timezone.now()
    draft = rulesets.draft(calendars.PREFIX + key)
    if draft is None:
        raise Http404
    back = f"{reverse('calendar_home', args=[key])}#effect"
    if request.method == "POST":
        request.scope.demand("rules", "propose")
        try:
            start(draft, request, at)
        except WordedError as refused:
            return conflict(request, str(refused), back=back)
    if not is_htmx(request):
        return go(request, back)
    shown = {"key": key, "effect": context(request, key, draft, at)}
    return render(request, "portal/_calendar_effect.html", shown)


def start(draft: RuleSet, request: StaffRequest, at: datetime) -> Job:
    """Begin to work out what the draft would move."""
    return forecasting.start(draft, actor=request.actor, at=at)


def context(request: StaffRequest, key: str, draft: RuleSet, at: datetime) -> dict[str, Any]:
    """Return what the panel shows: nothing yet, how far it is, or what moves.

    Figures are of the whole bank; rows are of cases the reader may see.
    """
    job = forecasting.latest(draft)
    moving = job is not None and job.state in _MOVING
    found = forecasting.read(job) if job is not None and job.state == JobState.DONE else None
    lines = _lines(found.rows, request.scope) if found else []
    return {
        "url": reverse("calendar_effect", args=[key]),
        "may_start": request.scope.may("rules", "propose"),
        "job": job,
        "moving": moving,
        "error": jobs.error_of(job) if job is not None and job.state == JobState.FAILED else "",
        "forecast": found,
        "stale": job is not None and forecasting.is_stale(job, draft),
        "first": lines[:ROWS],
        "rest": lines[ROWS:],
        "hidden": len(found.rows) - len(lines) if found else 0,
        "at": at,
    }


def _lines(rows: Any, scope: Scope) -> list[MovedLine]:
    """Keep the rows of cases within the reader's reach; one query."""
    numbers = [row.number for row in rows]
    if not numbers:
        return []
    seen = Case.objects.visible_to(scope).filter(number__in=numbers)
    known = set(seen.values_list("number", flat=True))
    return [
        MovedLine(row.number, _clock(row.clock), _moment(row.before), _moment(row.after), row.late)
        for row in rows
        if row.number in known
    ]


def _moment(at: datetime | None) -> str:
    """Return day and time; a dash for a clock that begins or ends."""
    return near_moment_words(at) if at else "–"


def _clock(name: str) -> str:
    return str(ClockName(name).label) if name in ClockName.values else name
