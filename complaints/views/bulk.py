"""Acts on many cases at once: asked for, confirmed with their true count, a result per case."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from complaints import bulk as acts
from complaints.bulk import ACTS, BulkVerb, Picked, Refused, wording
from complaints.bulk.forms import FORMS, BulkForm
from complaints.choices import RowResult
from complaints.models import BulkAct, BulkRow
from config.shared.htmx import changed, close_dialog, go, is_htmx, toast
from config.shared.words import listed
from staff.http import StaffRequest

NAMED: Final = 6
LISTED: Final = 50
"""Refused cases named in the answer; the page of the act shows all of them."""


@require_http_methods(["GET", "POST"])
def bulk(request: StaffRequest, verb: str) -> HttpResponse:
    """GET, or a post with `ask`, asks what the act needs; a post does it, and says per case.

    `all=1` with `query` means all cases that match; the post carries the `count` that was shown,
    and is asked again where it has changed.
    """
    if verb not in ACTS:
        raise Http404
    kind = ACTS[verb]
    request.scope.demand("cases", kind.act)
    if verb == "export":
        request.scope.demand("exports", "run")
    data = request.POST if request.method == "POST" else request.GET
    picked = acts.pick(kind, data, request.scope, timezone.now())
    if picked.too_many:
        return _too_many(request)
    if not picked.cases:
        return _told_without(request, kind, picked) if picked.refused else _nothing(request)
    asks = (
        request.method == "GET" or bool(data.get("ask")) or (picked.whole and not data.get("count"))
    )
    form = FORMS[verb](None if asks else data, picked=picked, scope=request.scope)
    if asks:
        return _asked(request, kind, picked, form)
    if form.is_valid() and _is_confirmed(form, picked, data.get("count", "")):
        return _done(request, kind, form.kept(picked), form)
    return _asked(request, kind, picked, form)


def _is_confirmed(form: BulkForm, picked: Picked, shown: str) -> bool:
    """Tell whether the count that was confirmed is still the true one; else say so in the form."""
    if not picked.whole or shown == str(picked.count):
        return True
    text = ngettext(
        "The number has changed while you decided: now %(count)d case matches.",
        "The number has changed while you decided: now %(count)d cases match.",
        picked.count,
    )
    form.add_error(None, text % {"count": picked.count})
    return False


def _done(request: StaffRequest, kind: BulkVerb, picked: Picked, form: BulkForm) -> HttpResponse:
    """Carry the act out, or have a job do it, and answer."""
    at = timezone.now()
    order = acts.Order(kind, form.what(), picked, form.cleaned_data["key"])
    act, is_new = acts.begin(order, actor=request.actor, at=at)
    if act.job_id is not None:
        return go(request, reverse("cases_bulk_act", args=[act.pk]))
    if is_new:
        act = acts.carry_out(act, request.scope, actor=request.actor, at=at)
    return _told(request, act, picked.refused)


def _asked(request: StaffRequest, kind: BulkVerb, picked: Picked, form: BulkForm) -> HttpResponse:
    """Show the form as a dialog or a page; the count in it is the true one."""
    count = picked.count
    lead = ngettext("%(count)d case: %(numbers)s", "%(count)d cases: %(numbers)s", count)
    if picked.whole:
        lead = ngettext("%(count)d case that matches", "All %(count)d cases that match", count)
    told = {"count": count, "numbers": listed(case.number for case in picked.cases[:NAMED])}
    more = "…" if count > NAMED and not picked.whole else ""
    context = {
        "form": form,
        "picked": picked,
        "title": kind.title,
        "lead": lead % told + more,
        "seen": [] if picked.whole else [(case.number, case.seen) for case in picked.cases],
        "effects": kind.effects,
        "skipped": picked.skipped,
        "was": _other_count(request, picked),
        "lasts": "" if kind.undo else kind.lasts,
        "act": _button(kind, count),
        "action": reverse("cases_bulk", args=[kind.key]),
        "danger": kind.danger,
        "back": back_of(request),
    }
    part = "queue_bulk_form" if is_htmx(request) else "queue_bulk_page"
    status = 422 if form.is_bound else 200
    return render(request, f"complaints/{part}.html", context, status=status)


def _other_count(request: StaffRequest, picked: Picked) -> str:
    """Return the count the list showed, where another number of cases matches by now."""
    seen = request.POST.get("seen", "")
    here = picked.count + picked.beyond
    is_count = picked.whole and seen.isascii() and seen.isdigit() and len(seen) < 7
    return seen if is_count and int(seen) != here else ""


def _button(kind: BulkVerb, count: int) -> str:
    """Return the words of the button: it says exactly what it will do."""
    words = ngettext("%(act)s: %(count)d case", "%(act)s: %(count)d cases", count)
    return words % {"act": kind.title, "count": count}


def _told(request: StaffRequest, act: BulkAct, beyond: Any) -> HttpResponse:
    """Say what was done; where something was refused, list it (409 when nothing was done)."""
    rows = BulkRow.objects.visible_to(request.scope).filter(act=act, result=RowResult.REFUSED)
    rows = rows.select_related("case")
    left = [Refused(row.case.number, row.said) for row in rows.order_by("pk")[:LISTED]]
    text = done_words(act)
    page = reverse("cases_bulk_act", args=[act.pk])
    undo = undo_address(request, act)
    refused = [*beyond, *left]
    if not refused and is_htmx(request):
        answer = HttpResponse(headers={"HX-Reswap": "none"})
        return changed(close_dialog(toast(answer, text, undo=undo)), "cases-changed")
    if not refused:
        messages.success(request, text)
        return redirect(back_of(request))
    context = {
        "done": act.done,
        "text": text,
        "refused": refused,
        "more": max(0, act.refused - len(left)),
        "back": back_of(request),
        "page": page,
        "undo": undo,
    }
    return _listed(request, context, done=act.done)


def _told_without(request: StaffRequest, kind: BulkVerb, picked: Picked) -> HttpResponse:
    """Say that none of the chosen cases is within reach of the act."""
    context = {
        "done": 0, "text": kind.title, "refused": picked.refused, "back": back_of(request),
    }  # fmt: skip
    return _listed(request, context, done=0)


def _listed(request: StaffRequest, context: dict[str, Any], *, done: int) -> HttpResponse:
    part = "queue_bulk_refused" if is_htmx(request) else "queue_bulk_refused_page"
    answer = render(request, f"complaints/{part}.html", context, status=200 if done else 409)
    return changed(answer, "cases-changed") if done and is_htmx(request) else answer


def done_words(act: BulkAct) -> str:
    """Return how many cases an act was done with."""
    text = ngettext("%(act)s: %(count)d case done.", "%(act)s: %(count)d cases done.", act.done)
    if act.undoes_id is not None:
        n = act.done
        text = ngettext("%(count)d case is as it was.", "%(count)d cases are as they were.", n)
    return text % {"act": wording.title(act.verb), "count": act.done}


def undo_address(request: StaffRequest, act: BulkAct) -> str:
    """Return where the act is taken back; '' where it cannot be, or not by this person."""
    if acts.why_not(act, timezone.now()) or not acts.may_undo(act, request.scope):
        return ""
    return reverse("cases_bulk_undo", args=[act.pk])


def _nothing(request: StaffRequest) -> HttpResponse:
    """Nothing was selected: say so and stay."""
    return _stay(request, gettext("Select at least one case first."))


def _too_many(request: StaffRequest) -> HttpResponse:
    """More match than one act may take: say so and stay."""
    text = gettext("More than %(most)s cases match. Narrow the filters first.")
    return _stay(request, text % {"most": f"{acts.MOST_MATCHING:,}"})


def _stay(request: StaffRequest, text: str) -> HttpResponse:
    if is_htmx(request):
        return toast(HttpResponse(headers={"HX-Reswap": "none"}), text, tone="bad")
    messages.warning(request, text)
    return redirect(back_of(request))


def back_of(request: StaffRequest) -> str:
    """Return the list the reader came from."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(asked, allowed_hosts=None) and asked.startswith("/")
    return asked if safe else reverse("cases")


__all__ = ["ACTS", "back_of", "bulk", "done_words", "undo_address"]
