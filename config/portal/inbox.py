"""The inbox: what needs the reader first, then what is for information, by time.

Everybody sees the own notices only. The words are made when shown, in the reader's language.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from complaints import mentions
from config.kernel import notices
from config.kernel.models import Notice
from config.kernel.notices import NoticeKind
from config.kernel.querysets import NoticeQuerySet
from config.portal.daygroups import by_day
from config.shared.chips import PagerLinks
from config.shared.listing import Order
from config.shared.listing_pages import LAST, Page, page_of
from config.shared.registry import contributed
from staff.duty import call_of_notice
from staff.http import StaffRequest, safe_target

NEEDING: Final = 50
SIZE: Final = 50
NEWEST: Final = Order("newest", gettext_lazy("Newest first"), ("-at", "-id"))
TABS: Final = (
    ("", gettext_lazy("All")),
    ("need", gettext_lazy("Need you")),
    ("done", gettext_lazy("Done")),
)
_TONES: Final = {"alert-triangle": "bad", "urgent": "bad", "trending-up": "bad",
                 "hourglass": "risk", "flag": "risk"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One notice as drawn; `verb` is the word on its button, '' where it leads nowhere.

    `call` is the pk of the duty call it brings, to be acknowledged.
    """

    pk: int
    at: datetime
    title: str
    icon: str
    tone: str
    unread: bool
    verb: str | Promise
    call: int | None = None


@require_safe
def inbox(request: StaffRequest) -> HttpResponse:
    """Show the reader's notices; `tab` need or done, `cursor` of the list by time."""
    request.scope.demand("notices")
    at = timezone.now()
    tab = request.GET.get("tab", "")
    own = Notice.objects.visible_to(request.scope)
    cursor = request.GET.get("cursor", "")
    needing = _needing(own) if tab != "done" and not cursor else []
    listed = own.filter(needs_action=True, done_at__isnull=False) if tab == "done" else (
        own.exclude(needs_action=True, done_at__isnull=True)
    )  # fmt: skip
    page = page_of(own.none() if tab == "need" else listed, NEWEST, cursor, SIZE)
    context = {
        "at": at,
        "tab": tab,
        "tabs": TABS,
        "needing": needing,
        "more_needing": len(needing) == NEEDING,
        "days": by_day([_line(row) for row in page.rows], lambda line: line.at, at=at),
        "links": links(page, f"tab={tab}&" if tab else ""),
        "empty": not needing and not page.rows,
        "unread": any(row.read_at is None for row in page.rows),
    }
    return render(request, "portal/inbox.html", context)


@require_safe
def inbox_open(request: StaffRequest, pk: int) -> HttpResponse:
    """Note that the reader has seen a notice and go where it leads."""
    row, at = Notice.objects.fetch(request.scope, pk=pk), timezone.now()
    own = Notice.objects.visible_to(request.scope).filter(pk=pk)
    notices.read(own, at=at)
    if row.kind == mentions.MENTIONED:  # a mention asks for no more than to be read
        notices.set_aside(own, at=at)
    target = notices.link(row)
    known = url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return redirect(target if target and known else reverse("inbox"))


@require_POST
def inbox_read(request: StaffRequest) -> HttpResponse:
    """Mark everything as read; what needs an act stays until it is done."""
    request.scope.demand("notices")
    notices.read(Notice.objects.visible_to(request.scope), at=timezone.now())
    return redirect(safe_target(request, reverse("inbox")))


@require_POST
def inbox_done(request: StaffRequest, pk: int) -> HttpResponse:
    """Take one notice out of what needs the reader; 404 for anybody else's."""
    row = Notice.objects.fetch(request.scope, pk=pk)
    own = Notice.objects.visible_to(request.scope).filter(pk=row.pk)
    notices.set_aside(own, at=timezone.now())
    return redirect(safe_target(request, reverse("inbox")))


def links(page: Page, query: str = "") -> PagerLinks:
    """Return the pager of a page read by cursor; `query` is kept before the cursor."""

    def to(cursor: str) -> str:
        return f"?{query}cursor={cursor}" if cursor else ""

    return PagerLinks(
        first="" if page.is_first else f"?{query}".rstrip("&") or "?",
        previous=to(page.previous),
        next=to(page.next),
        last=to(LAST) if page.last else "",
    )


def _needing(own: NoticeQuerySet) -> list[Line]:
    """Return what waits for an act of the reader, newest first; one query."""
    return [_line(row) for row in own.waiting().order_by("-at", "-id")[:NEEDING]]


def _line(row: Notice) -> Line:
    kinds: Any = contributed(NoticeKind)
    kind: NoticeKind | None = kinds.get(row.kind)
    icon = kind.icon if kind else "bell"
    verb = (kind.verb or _("Open")) if kind and kind.link(row) else ""
    return Line(
        pk=row.pk,
        at=row.at,
        title=notices.title(row),
        icon=icon,
        tone=_TONES.get(icon, ""),
        unread=row.read_at is None,
        verb=verb,
        call=call_of_notice(row.key),
    )
