"""Messages out: what waits to leave, what went wrong and what depends on it.

Addresses are always masked. The words of a message need the act `read`, and where it is about a
case, sight of that case; without them the page shows state and errors only.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from complaints import clocks
from complaints.choices import NoticePurpose
from complaints.models import Case
from config.kernel import outbox as kernel
from config.kernel import robot_gateway, robots
from config.kernel.delivery_words import CORRECT, trouble_words
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import Channel, OutboxState
from config.kernel.notice_digests import DIGEST, URGENT, last_counts
from config.portal.case_refs import CaseRef, refer, visible_cases
from config.portal.inbox import links
from config.shared.chips import ClockChip
from config.shared.listing import Order
from config.shared.listing_pages import page_of
from config.shared.masking import mask_email, mask_phone
from config.shared.scope import Scope
from staff.http import StaffRequest, safe_target

SIZE: Final = 50
NEWEST: Final = Order("newest", gettext_lazy("Newest first"), ("-queued_at", "-id"))
TABS: Final = (
    (OutboxState.FAILED, gettext_lazy("Needs attention")),
    (OutboxState.RETRYING, gettext_lazy("Trying again")),
    (OutboxState.WAITING, gettext_lazy("Waiting")),
    (OutboxState.SENT, gettext_lazy("Sent")),
    (OutboxState.CANCELLED, gettext_lazy("Stopped")),
)
_LONG: Final = 19  # digits that no key has
STOPPABLE: Final = (OutboxState.FAILED, OutboxState.RETRYING, OutboxState.WAITING)
_STAFF_KINDS: Final[dict[str, Promise]] = {
    DIGEST: gettext_lazy("Notices to a colleague"),
    URGENT: gettext_lazy("Urgent notice to a colleague"),
    robots.LINES: gettext_lazy("Notice to a group chat"),
    robots.TEST: gettext_lazy("Test message to a group chat"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One message as drawn. `subject` is empty where its words may not be read."""

    message: OutboxMessage
    kind: str
    to: str
    subject: str
    wrong: str
    advice: str
    case: CaseRef | None
    chip: ClockChip | None

    @property
    def title(self) -> str:
        """Return what names the message in a list."""
        return self.subject or self.kind

    @property
    def hidden(self) -> bool:
        """Tell whether it is about a case the reader may not see."""
        return self.case is not None and not self.case.number


@require_safe
def outbox(request: StaffRequest) -> HttpResponse:
    """List messages by state (`tab`), newest first, with what waits on each."""
    request.scope.demand("outbox")
    context = _list(request, request.GET.get("tab", ""))
    return render(request, "portal/outbox.html", context)


@require_safe
def outbox_message(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one message beside the list it stands in."""
    message = OutboxMessage.objects.fetch(request.scope, pk=pk)
    context = _list(request, message.state)
    listed = {row.message.pk: row for row in context["rows"]}
    shown = listed.get(pk) or _rows([message], request.scope, context["at"])[0]
    context |= {
        "shown": shown,
        "text": message.text if _may_read(message, shown.case, request.scope) else "",
        "tries": kernel.TRIES,
        "may_retry": context["may_act"] and message.state == OutboxState.FAILED,
        "may_stop": context["may_act"] and message.state in STOPPABLE and message.lease is None,
        "on_its_way": _on_its_way(1) if message.lease is not None else "",
    }
    return render(request, "portal/outbox.html", context)


@require_POST
def outbox_act(request: StaffRequest) -> HttpResponse:
    """Send again or stop the messages `m`; `verb` is retry or cancel. Journalled by the kernel.

    409 in words where nothing of it is possible any more.
    """
    request.scope.demand("outbox", "retry")
    verb = request.POST.get("verb", "")
    if verb not in {"retry", "cancel"}:
        raise Http404
    given = request.POST.getlist("m")[:SIZE]
    wanted = [int(pk) for pk in given if pk.isascii() and pk.isdigit() and len(pk) < _LONG]
    back = safe_target(request, reverse("outbox"))
    if not wanted:
        messages.warning(request, _("Choose a message first."))
        return redirect(back)
    rows = OutboxMessage.objects.visible_to(request.scope, "retry").filter(pk__in=wanted)
    if not rows.exists():
        raise Http404
    act: dict[str, Any] = {"actor": request.actor, "at": timezone.now()}
    if verb == "retry":
        done = kernel.Stopped(kernel.retry(rows, **act))
    else:
        done = kernel.cancel(rows, **act)
    if not done.count:
        text = _("This message has moved on meanwhile. See where it stands now.")
        if done.on_its_way:
            text = _on_its_way(done.on_its_way)
        return render(request, "409.html", {"text": text, "back": back}, status=409)
    messages.success(request, _told(verb, done.count))
    if done.on_its_way:
        messages.warning(request, _on_its_way(done.on_its_way))
    return redirect(back)


def _told(verb: str, done: int) -> str:
    if verb == "retry":
        return ngettext("%(n)s message goes out again.", "%(n)s messages go out again.", done) % {
            "n": done
        }
    return ngettext("%(n)s message was stopped.", "%(n)s messages were stopped.", done) % {
        "n": done
    }


def _on_its_way(count: int) -> str:
    """Say that a sender has messages in hand: they cannot be stopped any more."""
    return ngettext(
        "%(n)s message is being sent right now: it is on its way and cannot be stopped any more.",
        "%(n)s messages are being sent right now: they are on their way and cannot be stopped any "
        "more.",
        count,
    ) % {"n": count}


def _list(request: StaffRequest, tab: str) -> dict[str, Any]:
    """Return the list of one state; an unknown one is what needs attention."""
    scope, at = request.scope, timezone.now()
    state = tab if tab in OutboxState.values else OutboxState.FAILED
    seen = OutboxMessage.objects.visible_to(scope)
    page = page_of(seen.filter(state=state), NEWEST, request.GET.get("cursor", ""), SIZE)
    moving = seen.filter(state__in=STOPPABLE).order_by().values_list("state")
    counts = dict(moving.annotate(n=Count("pk")))
    may_act = scope.may("outbox", "retry")
    return {
        "at": at,
        "tab": str(state),
        "tabs": [(key, title, counts.get(key, 0)) for key, title in TABS],
        "rows": _rows(page.rows, scope, at),
        "links": links(page, f"tab={state}&"),
        "needing": counts.get(OutboxState.FAILED, 0),
        "unreached": last_counts().get("without_address", 0),
        "may_act": may_act,
        "choosing": may_act and state in STOPPABLE,
        "may_retry_all": may_act and state == OutboxState.FAILED,
    }


def _rows(found: list[OutboxMessage], scope: Scope, at: datetime) -> list[Row]:
    """Return messages as drawn: two queries, for the cases and their clocks."""
    seen = visible_cases([message.about for message in found], scope)
    chips = clocks.chips(seen.values(), at) if seen else {}
    return [_row(message, seen, chips, scope) for message in found]


def _row(
    message: OutboxMessage, seen: dict[str, Case], chips: dict[int, ClockChip], scope: Scope
) -> Row:
    case = refer(message.about, seen)
    wrong, advice = _trouble(message.last_error)
    if message.kind in _STAFF_KINDS and advice == str(CORRECT):
        advice = _("Correct the address of this member of staff, then send again.")
    return Row(
        message=message,
        kind=_kind(message.kind),
        to=_masked(message),
        subject=message.subject if _may_read(message, case, scope) else "",
        wrong=wrong,
        advice=advice,
        case=case,
        chip=chips.get(case.case.pk) if case and case.case else None,
    )


def _trouble(text: str) -> tuple[str, str]:
    """Return what is wrong with a message and what to do; empty when nothing is."""
    if words := robot_gateway.WORDS.get(text):
        return str(words), _("Correct the group robot, then send again.")
    return trouble_words(text)


def _masked(message: OutboxMessage) -> str:
    """Return the address with most of it hidden; that of a robot is only its number."""
    if message.channel == Channel.EMAIL:
        return mask_email(message.to)
    return message.to if message.channel == Channel.ROBOT else mask_phone(message.to)


def _may_read(message: OutboxMessage, case: CaseRef | None, scope: Scope) -> bool:
    """Tell whether the reader may have the words of a message."""
    return scope.may("outbox", "read") and (case is None or bool(case.number))


def _kind(code: str) -> str:
    """Return what a message is for, in words where they are known."""
    if code in _STAFF_KINDS:
        return str(_STAFF_KINDS[code])
    purpose = code.removeprefix("case.")
    return str(NoticePurpose(purpose).label) if purpose in NoticePurpose.values else code
