"""Approvals: yes, no, or back with a question. Nobody decides an own request.

A request about a case is shown to those who may see the case, and to whoever asked.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from complaints import clocks
from complaints.models import Case
from config.kernel import approvals as kernel
from config.kernel.approvals import Outcome, Refusal
from config.kernel.models import Approval
from config.kernel.models.approval import ApprovalState
from config.kernel.querysets import ApprovalQuerySet
from config.portal.approval_facts import Line, authority, lines_of
from config.portal.case_refs import CaseRef, refer, visible_cases
from config.portal.inbox import links
from config.shared.chips import ClockChip
from config.shared.listing import Order
from config.shared.listing_pages import Page, page_of
from config.shared.registry import contributed
from config.shared.scope import Scope
from staff.http import StaffRequest

WAITING: Final = 100
SIZE: Final = 50
NEWEST: Final = Order("newest", gettext_lazy("Newest first"), ("-asked_at", "-id"))
TABS: Final = (
    ("", gettext_lazy("Waiting for me")),
    ("open", gettext_lazy("All that wait")),
    ("asked", gettext_lazy("I asked")),
    ("decided", gettext_lazy("Decided")),
)
LONGEST_NOTE: Final = 2_000
_LONGEST_VERSION: Final = 10
_TOLD: Final[dict[str, Promise]] = {
    ApprovalState.APPROVED: gettext_lazy("Approved: %(what)s"),
    ApprovalState.RETURNED: gettext_lazy("Sent back: %(what)s"),
    ApprovalState.REFUSED: gettext_lazy("Refused: %(what)s"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One request as drawn."""

    approval: Approval
    title: str
    case: CaseRef | None
    chip: ClockChip | None
    mine: bool

    @property
    def pressing(self) -> bool:
        """Tell whether a clock that is overdue or at risk waits on it."""
        return self.chip is not None and self.chip.state in {"over", "risk"}


@require_safe
def approvals(request: StaffRequest) -> HttpResponse:
    """List requests: what waits for the reader, what the reader asked, what was decided."""
    request.scope.demand("approvals")
    context = _list(request, request.GET.get("tab", ""), timezone.now())
    first = next(iter(context["rows"]), None)
    if first is not None and not context["tab"]:
        may = _may_decide(first.approval, request.scope)
        context |= _detail(first.approval, first, request.scope, may=may)
    return render(request, "portal/approvals.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def approval(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one request beside the list; a post decides it and goes on to the next."""
    request.scope.demand("approvals")
    found = readable(request.scope).filter(pk=pk).first()
    if found is None:
        raise Http404
    if request.method == "POST":
        return _decide(request, found)
    return _page(request, found)


def readable(scope: Scope, act: str = "view") -> ApprovalQuerySet:
    """Return the requests this person may do `act` on, as far as the cases are in sight."""
    rows: ApprovalQuerySet = Approval.objects.visible_to(scope, act)
    cases = Case.objects.visible_to(scope).filter(pk=OuterRef("about_id"))
    of_case = Q(about__startswith="case:")
    return rows.filter(~of_case | Q(asked_by_id=scope.member) | Exists(cases))


def decidable(scope: Scope) -> list[Approval]:
    """Return what waits for this person's decision, oldest first, at most WAITING; one query."""
    if not scope.may("approvals"):
        return []
    rows = readable(scope).pending().exclude(asked_by_id=scope.member)
    handlers = contributed(kernel.ApprovalHandler)
    return [
        row
        for row in rows.order_by("asked_at", "id")[:WAITING]
        if (known := handlers.get(row.kind)) and (not known.reaches or known.reaches(row, scope))
    ]


def count(scope: Scope, at: datetime) -> tuple[int, bool]:
    """Return how many requests wait for this person, and whether a clock is overdue on one."""
    waiting = decidable(scope)
    pks = [row.about_id for row in waiting if row.about.startswith("case:")]
    late = Case.objects.visible_to(scope).overdue(at).filter(pk__in=pks) if pks else None
    return len(waiting), late is not None and late.exists()


def _page(request: StaffRequest, found: Approval, **more: Any) -> HttpResponse:
    """Show the request in the list it belongs to; `more` may hold note, problem and status."""
    at = timezone.now()
    may = _may_decide(found, request.scope)
    context = _list(request, _tab_of(found, request.scope, may=may), at)
    shown = next((row for row in context["rows"] if row.approval.pk == found.pk), None)
    status = more.pop("status", 200)
    context |= {"opened": True, **_detail(found, shown, request.scope, may=may), **more}
    return render(request, "portal/approvals.html", context, status=status)


def _tab_of(found: Approval, scope: Scope, *, may: bool) -> str:
    """Return the list in which a request stands for this reader."""
    if found.state != ApprovalState.PENDING:
        return "decided"
    if found.asked_by_id == scope.member:
        return "asked"
    return "" if may else "open"


def _may_decide(found: Approval, scope: Scope) -> bool:
    """Tell whether this person may decide a request now; one query, for recusal."""
    if found.state != ApprovalState.PENDING or found.asked_by_id == scope.member:
        return False
    handler = contributed(kernel.ApprovalHandler).get(found.kind)
    return handler is not None and handler.may_decide(found, scope)


def _decide(request: StaffRequest, found: Approval) -> HttpResponse:
    """Take the decision of a form; 403 and 409 in words, 422 without the reason it needs."""
    decision = request.POST.get("decision", "")
    note = request.POST.get("note", "").replace("\r\n", "\n").strip()
    version = request.POST.get("version", "")
    known = version.isascii() and version.isdigit() and len(version) < _LONGEST_VERSION
    if decision not in _TOLD or not known:
        return _page(request, found, note=note, problem=_("Choose a decision."), status=422)
    if len(note) > LONGEST_NOTE:
        text = _("The reason has %(n)s characters, at most %(most)s are kept.")
        told = text % {"n": len(note), "most": LONGEST_NOTE}
        return _page(request, found, note=note, problem=told, status=422)
    outcome = kernel.decide(
        found.pk,
        decision,
        note=note,
        expected_version=int(version),
        actor=request.actor,
        scope=request.scope,
        at=timezone.now(),
    )
    if outcome.refused is not None:
        return _refused(request, outcome, note)
    told = str(_TOLD[decision]) % {"what": _sentence(outcome.approval)}
    messages.success(request, told)
    left = decidable(request.scope)
    return redirect("approval", left[0].pk) if left else redirect("approvals")


def _refused(request: StaffRequest, outcome: Outcome, note: str) -> HttpResponse:
    """Answer a decision that was not taken; the words typed are kept."""
    if outcome.refused in {Refusal.OWN, Refusal.NOT_ALLOWED}:
        raise PermissionDenied(outcome.why)
    status = 422 if outcome.refused == Refusal.NOTE else 409
    return _page(request, outcome.approval, note=note, problem=outcome.why, status=status)


def _list(request: StaffRequest, tab: str, at: datetime) -> dict[str, Any]:
    """Return one list; what waits is sorted by the clock that waits on it."""
    scope = request.scope
    known = tab if tab in dict(TABS) else ""
    if known:
        page = _listed(request, known)
        rows, pages = page.rows, links(page, f"tab={known}&")
    else:
        rows, pages = decidable(scope), None
    drawn = _rows(rows, scope, at)
    if not known:
        drawn.sort(key=lambda row: (not row.pressing, row.approval.asked_at, row.approval.pk))
    return {
        "at": at,
        "tab": known,
        "tabs": [(key, title, len(rows) if key == known == "" else None) for key, title in TABS],
        "rows": drawn,
        "pressing": [row for row in drawn if row.pressing and not known],
        "others": [row for row in drawn if known or not row.pressing],
        "links": pages,
    }


def _listed(request: StaffRequest, tab: str) -> Page:
    """Return a page of what the reader asked, of all that waits, or of what was decided."""
    rows = readable(request.scope)
    if tab == "asked":
        rows = rows.filter(asked_by_id=request.scope.member)
    elif tab == "open":
        rows = rows.pending()
    else:
        rows = rows.exclude(state=ApprovalState.PENDING)
    return page_of(rows, NEWEST, request.GET.get("cursor", ""), SIZE)


def _rows(found: list[Approval], scope: Scope, at: datetime) -> list[Row]:
    """Return requests as drawn: one query for the cases, one for their clocks."""
    seen = visible_cases([row.about for row in found], scope)
    chips = clocks.chips(seen.values(), at) if seen else {}
    return [_row(row, seen, chips, scope) for row in found]


def _row(row: Approval, seen: dict[str, Case], chips: dict[int, ClockChip], scope: Scope) -> Row:
    case = refer(row.about, seen)
    handler = contributed(kernel.ApprovalHandler).get(row.kind)
    waits = row.state == ApprovalState.PENDING and case is not None and case.case is not None
    return Row(
        approval=row,
        title=str(handler.title) if handler else row.kind,
        case=case,
        chip=chips.get(row.about_id) if waits else None,
        mine=row.asked_by_id == scope.member,
    )


def _sentence(row: Approval) -> str:
    handler = contributed(kernel.ApprovalHandler).get(row.kind)
    return handler.sentence(row) if handler else row.kind


def _detail(found: Approval, shown: Row | None, scope: Scope, *, may: bool) -> dict[str, Any]:
    """Return what the right side shows: the matter, who may decide, and whether the reader may."""
    facts: list[Line] = lines_of(found)
    return {
        "shown": shown or _rows([found], scope, timezone.now())[0],
        "sentence": _sentence(found),
        "facts": facts,
        "authority": authority(found.amount, scope) if found.amount else [],
        "may_decide": may,
        "pending": found.state == ApprovalState.PENDING,
        "note": "",
        "problem": "",
        "act_url": reverse("approval", args=[found.pk]),
        "matter_url": _matter(found),
    }


def _matter(found: Approval) -> str:
    """Return the page of what is asked where that is no case; cases are linked by number."""
    handler = contributed(kernel.ApprovalHandler).get(found.kind)
    of_case = found.about.startswith("case:")
    return handler.link(found) if handler and handler.link and not of_case else ""
