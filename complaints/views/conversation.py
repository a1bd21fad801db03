"""Acts on single messages, recordings and promises of a case; what went astray, what came late."""

from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from complaints import case_page
from complaints.choices import NoticePurpose
from complaints.composer_forms import AstrayForm, PromiseForm, ProofForm
from complaints.conversation import after_end, misdelivery, promises, recalling, speaking, writing
from complaints.conversation.promises import Promise
from complaints.models import Case
from complaints.views.composing import KINDS, composers
from config.kernel.files import FileRefused
from config.shared.chips import PagerLinks
from config.shared.htmx import changed, form_answer, go, is_htmx, toast
from config.shared.listing import Order
from config.shared.listing_pages import Page, page_of
from config.shared.worded import WordedError
from config.shared.words import listed, sentences
from staff.http import StaffRequest, safe_target

_SIZE: Final = 50
_NEWEST: Final = Order("newest", gettext_lazy("Newest first"), ("-misdelivered_at", "-id"))
_OLDEST: Final = Order("oldest", gettext_lazy("Oldest first"), ("at", "id"))


def _case(request: StaffRequest, number: str, act: str) -> tuple[Case, Any]:
    """Return the case for `act` and the rows for its verb, or refuse in the house order."""
    case = case_page.rows_for_page().fetch(request.scope, act, number=number)
    return case, Case.objects.visible_to(request.scope, act).filter(pk=case.pk)


@require_POST
def case_recall(request: StaffRequest, number: str, notice: int) -> HttpResponse:
    """Take a message back before it leaves; its words stand in the composer again. 409 too late."""
    case, rows = _case(request, number, "message")
    try:
        taken = recalling.recall(rows, notice, actor=request.actor, at=timezone.now())
    except WordedError as error:
        return _too_late(request, case, str(error))
    text = _recalled(request, taken)
    row = taken.notice
    kind = row.purpose if row.purpose == NoticePurpose.PROGRESS else row.method
    tab = next((known for known in KINDS if known.key == kind), None)
    if not taken.text or tab is None:
        return _done(request, case, text)
    words = {"text": taken.text, "subject": taken.subject, "method": row.method}
    form = tab.form(initial=words, auto_id=f"{tab.key}-%s")
    context = {"case": case, "composers": composers(case, request.scope, current=kind, form=form)}
    if not is_htmx(request):
        messages.success(request, text)
        return render(request, "complaints/composer_page.html", context)
    answer = render(request, "complaints/_composer.html", context)
    answer.headers["HX-Retarget"] = "#composer"
    answer.headers["HX-Reswap"] = "outerHTML"
    return changed(toast(answer, text), "case-changed")


def _recalled(request: StaffRequest, taken: recalling.Recalled) -> str:
    """Say what was taken back; letters of other cases that went with it are listed."""
    said = [_("Recalled. The customer has not been told.")]
    pks = [case.pk for case in taken.others]
    visible = Case.objects.visible_to(request.scope).filter(pk__in=pks).order_by("pk")
    numbers = list(visible.values_list("number", flat=True)) if pks else []
    if numbers:
        with_it = _("The letters of the same answer were taken back too: %(numbers)s.")
        said.append(with_it % {"numbers": listed(numbers)})
    if unseen := len(pks) - len(numbers):
        more = ngettext(
            "So was the letter of %(n)s case out of your reach.",
            "So were the letters of %(n)s cases out of your reach.",
            unseen,
        )
        said.append(more % {"n": unseen})
    return sentences(said)


@require_POST
def case_resend(request: StaffRequest, number: str, notice: int) -> HttpResponse:
    """Put a message that was given up back in the queue. 409 when it moved on."""
    case, rows = _case(request, number, "message")
    try:
        recalling.resend(rows, notice, actor=request.actor, at=timezone.now())
    except WordedError as error:
        return _too_late(request, case, str(error))
    return _done(request, case, _("The message goes out again."))


@require_POST
def case_listen(request: StaffRequest, number: str, call: int) -> HttpResponse:
    """Record that somebody listens, then lead to the recording system."""
    case, rows = _case(request, number, "listen")
    try:
        link = speaking.listen(rows, call, actor=request.actor, at=timezone.now())
    except WordedError as error:
        raise Http404 from error
    if not link:
        messages.info(request, _("Look the number up in the recording system."))
        return redirect(case.get_absolute_url())
    return redirect(link)


@require_http_methods(["GET", "POST"])
def case_astray(request: StaffRequest, number: str, notice: int) -> HttpResponse:
    """Report that a message reached the wrong person."""
    case, rows = _case(request, number, "misdelivered")
    form = AstrayForm(request.POST or None)

    def report(data: dict[str, Any]) -> None:
        misdelivery.report(rows, notice, data["reason"], actor=request.actor, at=timezone.now())

    words = {
        "title": _("Reached the wrong person"),
        "act": _("Report it"),
        "lead": _(
            "The privacy officer is told, the contact is no longer counted as verified, and a "
            "result that went astray does not count as told."
        ),
    }
    done = _("Reported. The privacy officer was told.")
    return _dialog(request, case, form, report, {**words, "done": done})


@require_http_methods(["GET", "POST"])
def case_posted(request: StaffRequest, number: str, notice: int) -> HttpResponse:
    """Add the proof of posting to a registered letter."""
    case, rows = _case(request, number, "message")
    form = ProofForm(request.POST or None, request.FILES or None)

    def post(data: dict[str, Any]) -> None:
        writing.posted(rows, notice, data["file"], actor=request.actor, at=timezone.now())

    words = {
        "title": _("Proof of posting"),
        "act": _("Attach"),
        "lead": _("With its proof the registered letter counts as delivered."),
        "done": _("Saved."),
    }
    return _dialog(request, case, form, post, words)


@require_http_methods(["GET", "POST"])
def case_promise(request: StaffRequest, number: str) -> HttpResponse:
    """Set or move the time by which the customer was promised a reply."""
    case, rows = _case(request, number, "note")
    if not case.is_open:
        raise PermissionDenied(_("The customer was told the result already."))
    form = PromiseForm(request.POST or None, initial={"reply_by": case.promised_reply_at})

    def set_it(data: dict[str, Any]) -> None:
        what = Promise(data["reply_by"], method=data["method"], note=data["note"])
        promises.change(rows, what, actor=request.actor, at=timezone.now())

    words = {
        "title": _("Promised reply"),
        "act": _("Save"),
        "lead": _("The handler is reminded two hours before, and again when it is overdue."),
        "done": _("Saved."),
    }
    return _dialog(request, case, form, set_it, words)


@require_safe
def misdelivered(request: StaffRequest) -> HttpResponse:
    """List the messages that reached the wrong person, newest first, for those who oversee."""
    request.scope.demand("outbox", "read")
    found = misdelivery.astray(request.scope)
    page = page_of(found, _NEWEST, request.GET.get("page", ""), _SIZE)
    context = {
        "rows": page.rows,
        "total": found[:_MOST].count(),
        "most": _MOST,
        "pager": _links(page),
    }
    return render(request, "complaints/misdelivered.html", context)


@require_safe
def after_end_list(request: StaffRequest) -> HttpResponse:
    """List what customers wrote to cases that had ended and nobody saw to yet."""
    request.scope.demand("cases", "message")
    found = after_end.waiting(request.scope)
    page = page_of(found, _OLDEST, request.GET.get("page", ""), _SIZE)
    context = {
        "rows": [
            {"message": row, "who": case_page.who(row.case, request.scope)} for row in page.rows
        ],
        "pager": _links(page),
    }
    return render(request, "complaints/after_end.html", context)


@require_POST
def after_end_settle(request: StaffRequest, number: str, message: int) -> HttpResponse:
    """Take a message off the list: somebody saw to it. The case stays as it is."""
    _found, rows = _case(request, number, "message")
    done = after_end.settle(rows, message, actor=request.actor, at=timezone.now())
    text = _("Taken off the list.") if done else _("Somebody saw to it already.")
    messages.success(request, text)
    return redirect(safe_target(request, "after_end"))


_MOST: Final = 1000
"""Rows counted at most."""


def _dialog(
    request: StaffRequest,
    case: Case,
    form: forms.Form,
    act: Callable[[dict[str, Any]], None],
    words: dict[str, str],
) -> HttpResponse:
    """Show a form, or carry it out; a refusal comes back in the form."""
    if form.is_valid():
        try:
            act(form.cleaned_data)
        except (WordedError, FileRefused) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, words["done"])
            return go(request, case.get_absolute_url())
    context = {"form": form, "back": case.get_absolute_url(), **words}
    return form_answer(request, context, status=422 if form.is_bound else 200)


def _done(request: StaffRequest, case: Case, text: str) -> HttpResponse:
    """Answer an act of the timeline: the parts of the page load themselves again."""
    if not is_htmx(request):
        messages.success(request, text)
        return go(request, case.get_absolute_url())
    return changed(toast(HttpResponse(status=204), text), "case-changed")


def _too_late(request: StaffRequest, case: Case, text: str) -> HttpResponse:
    """Say that the message has moved on: 409, and the timeline shows where it is."""
    if not is_htmx(request):
        context = {"text": text, "back": case.get_absolute_url()}
        return render(request, "409.html", context, status=409)
    return changed(toast(HttpResponse(status=409), text, tone="bad"), "case-changed")


def _links(page: Page) -> PagerLinks:
    """Return the addresses of the neighbouring pages."""

    def to(cursor: str) -> str:
        return f"?page={cursor}" if cursor else ""

    return PagerLinks(
        first="" if page.is_first else "?",
        previous=to(page.previous),
        next=to(page.next),
        last=to(page.last),
    )
