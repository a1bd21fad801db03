"""Dialogs of relations on one case: chase, link, split, agents, sources, repeats, one answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints import case_page, timeline
from complaints.choices import Status
from complaints.models import Case
from complaints.querysets import CaseQuerySet
from complaints.reach import reaches
from complaints.relations import (
    agents,
    chasing,
    linking,
    matters,
    merging,
    repeating,
    sources,
    splitting,
)
from complaints.relations import forms as shapes
from complaints.workflow import Refusal, explain
from complaints.workflow.payloads import Told
from config.kernel import terms
from config.kernel.files import FileRefused
from config.shared.htmx import changed, form_answer, go, is_htmx, toast
from config.shared.worded import WordedError
from config.shared.words import labelled, near_moment_words, sentences
from staff.http import StaffRequest

_BOTH = ["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Dialog:
    """The words of one dialog."""

    title: str
    act: str
    done: str
    lead: str = ""


def fetch(request: StaffRequest, number: str, act: str) -> Case:
    """Return the case for `act`, or refuse in the house order."""
    return case_page.rows_for_page().fetch(request.scope, act, number=number)


def rows(request: StaffRequest, case: Case, act: str) -> CaseQuerySet:
    """Return the one case, cut by scope again, for a verb."""
    return Case.objects.visible_to(request.scope, act).filter(pk=case.pk)


def answer(
    request: StaffRequest,
    case: Case,
    form: forms.Form,
    words: Dialog,
    save: Callable[[dict[str, Any]], str | None],
) -> HttpResponse:
    """Show a form, or save it and go back to the case; a refusal keeps what was typed.

    `save(cleaned data)` may return the address to go to instead.
    """
    if form.is_valid():
        try:
            url = save(form.cleaned_data)
        except (WordedError, FileRefused) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, words.done)
            return go(request, url or case.get_absolute_url())
    context = {
        "form": form, "title": words.title, "act": words.act, "lead": words.lead,
        "back": case.get_absolute_url(), "case": case,
    }  # fmt: skip
    return form_answer(request, context, status=422 if form.is_bound else 200)


def _posted(request: StaffRequest) -> Any:
    return request.POST if request.method == "POST" else None


@require_http_methods(_BOTH)
def case_chased(request: StaffRequest, number: str) -> HttpResponse:
    """Record that the customer chased; also for who may know no more than number and state."""
    case = fetch(request, number, "chased")
    form = shapes.ChaseForm(_posted(request))
    words = Dialog(
        _("Customer chased"), _("Record it"), "",
        _("%(number)s · %(state)s · due %(due)s. Whoever holds the case and the supervisors are "
          "told; the third time raises the severity.")
        % {"number": case.number, "state": Status(case.status).label, "due": _due(case)},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            chased = chasing.customer_chased(
                rows(request, case, "chased"), form.cleaned_data["text"],
                actor=request.actor, at=timezone.now(),
            )  # fmt: skip
        except WordedError as refused:
            form.add_error(None, str(refused))
        else:
            if not chased:  # routed elsewhere between our look and the lock
                raise Http404
            return _after_chase(request, chased[0])
    return answer(request, case, form, words, lambda _data: None)


def _due(case: Case) -> str:
    return near_moment_words(case.next_due_at) if case.next_due_at.year < 9999 else "–"


def _after_chase(request: StaffRequest, told: chasing.Chased) -> HttpResponse:
    """Say what came of it; who may read the case stays there, others go home."""
    facts = {"number": told.case.number, "count": told.count}
    text = _("%(number)s: chase %(count)s is recorded, the owner and the supervisors are told.")
    if not told.fresh:
        text = _("%(number)s: recorded a moment ago already, counted once.")
    elif told.raised:
        text = _("%(number)s: chase %(count)s is recorded and the severity was raised.")
    visible = Case.objects.visible_to(request.scope).filter(pk=told.case.pk).exists()
    if is_htmx(request) and "quick" in request.POST:
        return changed(toast(HttpResponse(status=204), text % facts), "case-changed")
    messages.success(request, text % facts)
    return go(request, told.case.get_absolute_url() if visible else reverse("chased_find"))


@require_GET
def chased_find(request: StaffRequest) -> HttpResponse:
    """Find an open case by its number to record a chase: number, state and due time only."""
    request.scope.demand("cases", "chased")
    text = request.GET.get("number", "").replace("\x00", "").strip().upper()[:20]
    open_rows = Case.objects.visible_to(request.scope, "chased").open()
    found = list(open_rows.filter(number=text)[:1]) if text else []
    if not found and len(text) >= 4 and text.isdigit():
        found = list(open_rows.filter(number__endswith=text).order_by("-pk")[:5])
    lines = [
        {
            "number": case.number,
            "state": case.status,
            "due": _due(case),
            "url": reverse("case_chased", args=[case.number]),
            "count": case.chase_count,
        }
        for case in found
    ]
    return render(request, "complaints/rel_chased.html", {"lines": lines, "text": text})


@require_GET
def case_another(request: StaffRequest, number: str) -> HttpResponse:
    """Begin a further matter of the same contact: the form of a new case, partly filled in."""
    case = fetch(request, number, "link")
    request.scope.demand("cases", "register")
    return redirect(f"{reverse('case_new')}?beside={case.number}")


@require_http_methods(_BOTH)
def case_answer_together(request: StaffRequest, number: str) -> HttpResponse:
    """Tell the results of all decided cases of this contact at once."""
    case = fetch(request, number, "notify")
    mine = Case.objects.visible_to(request.scope, "notify")
    ready = matters.answerable(case, mine)
    form = shapes.TogetherForm(_posted(request), cases=ready)
    words = Dialog(
        _("Answer together"), _("Tell the customer"),
        _("The customer is told all results at once."),
        _("One answer for: %(numbers)s") % {"numbers": ", ".join(row.number for row in ready)},
    )  # fmt: skip

    if form.is_valid() and _told(request, form, mine):
        messages.success(request, words.done)
        return go(request, case.get_absolute_url())
    context = {
        "form": form, "title": words.title, "act": words.act, "lead": words.lead,
        "back": case.get_absolute_url(), "case": case,
    }  # fmt: skip
    return form_answer(request, context, status=form.status)


def _told(request: StaffRequest, form: shapes.TogetherForm, mine: CaseQuerySet) -> bool:
    """Answer the cases the reader saw; False = the form says why not, overtaken or refused."""
    data, expected = form.cleaned_data, form.expected
    try:
        outcomes = matters.answer_together(
            mine.filter(pk__in=expected), Told(data["method"], data["words"]),
            actor=request.actor, at=timezone.now(), expected=expected, doubt=form.doubt,
        )  # fmt: skip
    except WordedError as refused:
        if refused.code == "gone":
            form.refuse(str(refused))
        else:
            form.add_error(None, str(refused))
        return False
    lost = [outcome for outcome in outcomes if outcome.refused in {Refusal.STALE, Refusal.MOVE}]
    if lost:
        form.refuse(sentences(labelled(o.case.number, explain(o)) for o in lost))
    elif wrong := next((outcome for outcome in outcomes if not outcome.done), None):
        form.add_error(None, explain(wrong))
    return not form.errors


@require_http_methods(_BOTH)
def case_link(request: StaffRequest, number: str) -> HttpResponse:
    """Link the case with another one that the reader sees."""
    case = fetch(request, number, "link")
    options: dict[str, Any] = {"case": case, "scope": request.scope}
    to = request.GET.get("to", "")
    form = shapes.LinkForm(_posted(request), initial={"number": to} if to else {}, **options)
    words = Dialog(_("Link with a case"), _("Link"), _("The cases are linked."))

    def save(data: dict[str, Any]) -> None:
        linking.link(
            rows(request, case, "link"), data["number"].pk, data["kind"], data["reason"],
            actor=request.actor, at=timezone.now(),
        )  # fmt: skip

    return answer(request, case, form, words, save)


@require_http_methods(_BOTH)
def case_unlink(request: StaffRequest, number: str, link: int) -> HttpResponse:
    """Take a link away, with a reason; both ends must be visible."""
    case = fetch(request, number, "link")
    ends = {row.pk: other for row, other in linking.of(case)}
    get_object_or_404(Case.objects.visible_to(request.scope), pk=ends.get(link, 0))
    form = shapes.ReasonForm(_posted(request))
    words = Dialog(_("Unlink"), _("Unlink"), _("The cases are no longer linked."))

    def save(data: dict[str, Any]) -> None:
        linking.unlink(
            rows(request, case, "link"), link, data["reason"],
            actor=request.actor, at=timezone.now(),
        )  # fmt: skip

    return answer(request, case, form, words, save)


@require_http_methods(_BOTH)
def case_split(request: StaffRequest, number: str) -> HttpResponse:
    """Make a part of the case a linked case of its own."""
    case = fetch(request, number, "link")
    line = case.business_line.code if case.business_line else ""
    form = shapes.SplitForm(_posted(request), initial={"business_line": line})
    words = Dialog(
        _("Split off a part"), _("Split off"), _("The part is a case of its own now."),
        _("The new case has the same sender, time of receipt and referral, and clocks of its own. "
          "A report against a person becomes a restricted case that only compliance opens."),
    )  # fmt: skip

    def save(data: dict[str, Any]) -> None:
        part = splitting.Part(
            type=data["type"], core_issue=data["core_issue"], content=data["content"],
            token=str(data["token"]), demand=data["demand"], business_line=data["business_line"],
            severity=data["severity"],
        )  # fmt: skip
        opened = splitting.split(
            rows(request, case, "link"), part, data["reason"],
            actor=request.actor, at=timezone.now(), registrar=request.user.person,
        )  # fmt: skip
        if opened.case is None:
            raise WordedError("split", opened.refused)

    return answer(request, case, form, words, save)


@require_POST
def case_repeat(request: StaffRequest, number: str, other: str) -> HttpResponse:
    """Note that this case repeats an earlier one."""
    case = fetch(request, number, "link")
    first = Case.objects.fetch(request.scope, number=other)
    try:
        repeating.note_repeat(
            rows(request, case, "link"), first.pk, actor=request.actor, at=timezone.now()
        )
    except WordedError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Noted as a repeat of %(number)s.") % {"number": first.number})
    return go(request, case.get_absolute_url())


@require_http_methods(_BOTH)
def case_agent(request: StaffRequest, number: str) -> HttpResponse:
    """Note who acts for the customer."""
    case = fetch(request, number, "link")
    form = shapes.AgentForm(_posted(request), request.FILES or None)
    words = Dialog(
        _("Somebody acts for the customer"), _("Save"), _("Saved."),
        _("The case goes on as it is; check the authority by the letter or a call to the "
          "customer."),
    )  # fmt: skip

    def save(data: dict[str, Any]) -> None:
        agents.add(
            rows(request, case, "link"), data, upload=data["file"],
            actor=request.actor, at=timezone.now(),
        )  # fmt: skip

    return answer(request, case, form, words, save)


@require_http_methods(_BOTH)
def case_agent_letter(request: StaffRequest, number: str, agent: int) -> HttpResponse:
    """Keep the authority letter of an agent."""
    case = fetch(request, number, "link")
    get_object_or_404(case.agents, pk=agent)
    form = shapes.LetterForm(_posted(request), request.FILES or None)
    words = Dialog(_("Authority letter"), _("Attach"), _("The authority letter is kept."))

    def save(data: dict[str, Any]) -> None:
        agents.hand_in(
            rows(request, case, "link"), agent, data["file"],
            actor=request.actor, at=timezone.now(),
        )  # fmt: skip

    return answer(request, case, form, words, save)


@require_http_methods(_BOTH)
def case_agent_check(request: StaffRequest, number: str, agent: int) -> HttpResponse:
    """Record the call to the customer about the agent."""
    case = fetch(request, number, "link")
    row = get_object_or_404(case.agents, pk=agent)
    form = shapes.CheckForm(_posted(request), initial={"version": row.version})
    words = Dialog(_("Call to the customer"), _("Save"), _("The answer is recorded."))

    def save(data: dict[str, Any]) -> None:
        said = agents.Said(data["state"], data["words"], data["version"])
        agents.check(
            rows(request, case, "link"), agent, said, actor=request.actor, at=timezone.now()
        )

    return answer(request, case, form, words, save)


@require_http_methods(_BOTH)
def case_source(request: StaffRequest, number: str) -> HttpResponse:
    """Note that a further body sent the matter, with its own deadline."""
    case = fetch(request, number, "link")
    form = shapes.SourceForm(_posted(request))
    words = Dialog(
        _("Add a source"),
        _("Add"),
        _("The source is kept."),
        _("Each source has its own deadline and its own answer; the nearest deadline counts."),
    )

    def save(data: dict[str, Any]) -> None:
        given = {**data, "channel": terms.get("intake_channel", data["channel"])}
        sources.add(rows(request, case, "link"), given, actor=request.actor, at=timezone.now())

    return answer(request, case, form, words, save)


@require_http_methods(_BOTH)
def case_source_answer(request: StaffRequest, number: str, source: int) -> HttpResponse:
    """Record the answer to one source."""
    case = fetch(request, number, "link")
    get_object_or_404(case.sources, pk=source)
    form = shapes.SourceAnswerForm(_posted(request))
    words = Dialog(_("Answer this source"), _("Save"), _("The source has its answer."))

    def save(data: dict[str, Any]) -> None:
        sources.answer(
            rows(request, case, "link"), source, data["text"],
            actor=request.actor, at=timezone.now(),
        )  # fmt: skip

    return answer(request, case, form, words, save)


@require_GET
def case_merged_line(request: StaffRequest, number: str, other: str) -> HttpResponse:
    """Answer with the timeline of a case that was merged into this one; it must be visible too."""
    case = fetch(request, number, "view")
    below = {row.pk for row in merging.merged_below([case])[case.pk]}
    found = Case.objects.visible_to(request.scope).select_related("customer")
    merged = get_object_or_404(found.filter(pk__in=below), number=other)
    piece = "complaints/_rel_timeline.html"
    context = {
        "case": case, "merged": merged, "items": timeline.timeline(merged, request.scope),
        "piece": piece, "title": merged.number, "at": timezone.now(),
        "may_open": reaches(merged, request.scope, "view"),
    }  # fmt: skip
    return render(request, piece if is_htmx(request) else "complaints/case_part.html", context)
