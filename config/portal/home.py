"""My work: what to do next. Everybody has this page; it shows what the reader's roles allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from complaints import desk, service_notices, unsent, workflow
from complaints.models import Case
from complaints.workflow.outcomes import explain
from config.kernel import notices
from config.kernel.models import Notice
from config.portal.context import address, granted_items
from config.portal.dayline import strip
from config.shared.chips import duration_words
from config.shared.htmx import is_htmx, toast
from config.shared.registry import contributed
from staff.http import StaffRequest

NEWS: Final = 6
NEWS_AGE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class News:
    """One notice as a line."""

    at: datetime
    title: str
    url: str
    icon: str
    unread: bool


@require_safe
def home(request: StaffRequest) -> HttpResponse:
    """Show the desk; people without case work see what else they may use."""
    at = timezone.now()
    context: dict[str, Any] = {"at": at, "news": _news(request)}
    if not request.scope.may("cases"):
        return render(request, "portal/home_other.html", context | _elsewhere(request))
    context["drafts"] = unsent.count(request.scope)
    context["service_notices"] = service_notices.banner(request.scope, at)
    return render(request, "portal/home.html", context | _desk(request, at))


@require_safe
def home_next(request: StaffRequest) -> HttpResponse:
    """Answer with the parts of the desk that change while one works; asked every minute."""
    request.scope.demand("cases")
    at = timezone.now()
    context = {"at": at, "news": _news(request), "oob": True}
    return render(request, "portal/home_fresh.html", context | _desk(request, at))


@require_POST
def home_claim(request: StaffRequest, number: str) -> HttpResponse:
    """Take a case nobody handles; 409 and who did what when somebody was faster."""
    at = timezone.now()
    case = Case.objects.fetch(request.scope, "claim", number=number)
    rows = Case.objects.visible_to(request.scope, "claim").filter(pk=case.pk)
    outcome = workflow.claim(rows, actor=request.actor, at=at)[0]
    if not is_htmx(request):
        if outcome.done:
            messages.success(request, _("%(number)s is yours.") % {"number": number})
        else:
            messages.warning(request, explain(outcome))
        return redirect("home")
    context = {"at": at, "news": [], "oob": True, "claimed": True} | _desk(request, at)
    answer = render(request, "portal/home_fresh.html", context, status=200 if outcome.done else 409)
    if outcome.done:
        return toast(answer, _("%(number)s is yours.") % {"number": number})
    return toast(answer, explain(outcome), tone="bad")


def _desk(request: StaffRequest, at: datetime) -> dict[str, Any]:
    """Return what the page shows of the reader's cases."""
    scope = request.scope
    figures = desk.figures(scope, at)
    tasks = desk.next_up(scope, at)
    waiting = desk.untaken_rows(scope, at)
    return {
        "figures": figures,
        "oldest": _oldest(tasks),
        "strip": strip(desk.today(scope, at), at),
        "tasks": tasks,
        "untaken": waiting,
        "untaken_total": _total(request, len(waiting)),
        "may_claim": scope.may("cases", "claim"),
        "unit": request.user.person.department,
        "new_url": address("case_new") if scope.may("cases", "register") else "",
    }


def _total(request: StaffRequest, shown: int) -> int:
    """Count the cases nobody has taken, as far as 100; not asked while they fit on the page."""
    if shown < desk.UNTAKEN:
        return shown
    return desk.untaken(request.scope).order_by()[:100].count()


def _oldest(tasks: Sequence[desk.Task]) -> str:
    """Return by how much the first case is overdue, on its own calendar, in words."""
    late = [task.row.chip for task in tasks if task.row.chip.state == "over"]
    return duration_words(late[0].seconds, day_seconds=late[0].day_seconds) if late else ""


def _news(request: StaffRequest) -> list[News]:
    """Return the latest notices of the last seven days; one query."""
    since = timezone.now() - NEWS_AGE
    rows = Notice.objects.visible_to(request.scope).filter(at__gte=since)
    kinds = contributed(notices.NoticeKind)
    return [
        News(
            row.at,
            notices.title(row),
            notices.link(row),
            kinds[row.kind].icon if row.kind in kinds else "bell",
            row.read_at is None,
        )
        for row in rows.order_by("-at", "-id")[:NEWS]
    ]


def _elsewhere(request: StaffRequest) -> dict[str, Any]:
    """Return the pages this reader may use, as links."""
    pages = [
        (item, url)
        for item in granted_items(request.scope)
        if (url := address(item.url_name)) and item.url_name != "home"
    ]
    return {"pages": pages, "account_url": address("account")}
