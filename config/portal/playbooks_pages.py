"""The playbooks (处理流程清单): which steps a case gets; read, changed as a draft, published."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from complaints.choices import Severity
from complaints.models import PlaybookStep
from complaints.teamwork import playbook_drafting, playbooks
from config.kernel import rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.kernel.rule_kinds import Finding
from config.portal import draft_acts, draft_rows, routing_words
from config.portal.errors import conflict
from config.portal.playbooks_forms import StepForm, SwitchesForm
from config.portal.routing_words import Lists
from config.portal.rules_versions import version
from config.shared.chips import duration_words
from config.shared.forms import VersionedForm
from config.shared.htmx import form_answer, go
from config.shared.registry import NavItem
from config.shared.worded import WordedError
from config.shared.words import listed
from staff.http import StaffRequest

KIND: Final = playbooks.KIND
NAV: Final = NavItem(
    "playbooks", gettext_lazy("Playbooks"), "playbooks", "checklist", "rules", "rules", order=27
)


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step in words."""

    step: PlaybookStep
    types: str
    lines: str
    severities: str
    due: str
    remarks: Sequence[Finding] = ()


@require_safe
def playbooks_table(request: StaffRequest) -> HttpResponse:
    """Show the version in force, or the one asked for by `v`."""
    request.scope.demand("rules")
    context = version(request, KIND)
    if context["rules"] is not None:
        findings = rule_kinds.of(KIND).check(context["rules"]) if context["in_force"] else []
        context |= _content(context["rules"], findings)
    return render(request, "portal/playbooks.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def playbooks_draft(request: StaffRequest) -> HttpResponse:
    """Show the draft; a post begins one, with `from` a copy of that older version."""
    request.scope.demand("rules")
    if request.method == "POST":
        return draft_acts.begin_view(request, KIND, back=reverse("playbooks_draft"))
    draft = rulesets.draft(KIND)
    if draft is None:
        return redirect("playbooks")
    urls = {"publish": reverse("playbooks_publish"), "discard": reverse("playbooks_discard")}
    bar = draft_acts.bar(request, draft, urls)
    context = bar | {
        "rules": draft,
        "at": timezone.now(),
        "is_draft": True,
        "editable": bar["may_propose"],
        **_content(draft, bar["findings"]),
    }
    return render(request, "portal/playbooks.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def playbooks_publish(request: StaffRequest) -> HttpResponse:
    """Publish the draft, or ask somebody who may."""
    return draft_acts.publish_view(request, KIND, back=reverse("playbooks"))


@require_http_methods(["GET", "HEAD", "POST"])
def playbooks_discard(request: StaffRequest) -> HttpResponse:
    """Throw the draft away."""
    return draft_acts.discard_view(request, KIND, back=reverse("playbooks"))


@require_http_methods(["GET", "HEAD", "POST"])
def playbook_step(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Change one step of the draft, or add one; 422 in words, 409 when the draft moved on."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(KIND)
    if draft is None:
        return draft_rows.gone(request, "playbooks")
    step = draft_rows.row_of(PlaybookStep, draft, pk=pk)
    form = StepForm(
        request.POST if request.method == "POST" else None,
        known=routing_words.lists(),
        step=step,
        row_version=draft.version,
        initial={"number": draft.number},
    )

    def put(**said: Any) -> None:
        code = step.code if step else None
        playbook_drafting.put_step(draft, form.stored, code=code, **said)

    if form.is_valid() and _done(request, form, draft, put):
        messages.success(request, _("The step was saved in the draft."))
        return go(request, reverse("playbooks_draft"))
    title = _("Step of the playbooks") if step else _("New step of the playbooks")
    return _show(request, form, title=title, act=_("Save in the draft"))


@require_http_methods(["GET", "HEAD", "POST"])
def playbook_remove(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask, then take a step out of the draft."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(KIND)
    if draft is None:
        return draft_rows.gone(request, "playbooks")
    step = draft_rows.row_of(PlaybookStep, draft, pk=pk)
    data = request.POST if request.method == "POST" else None
    form = VersionedForm(data, row_version=draft.version)

    def drop(**said: Any) -> None:
        playbook_drafting.drop_step(draft, step.code, **said)

    if form.is_valid() and _done(request, form, draft, drop):
        messages.success(request, _("The step was removed from the draft."))
        return go(request, reverse("playbooks_draft"))
    return _show(
        request, form, title=_("Remove this step?"), act=_("Remove the step"), danger=True,
        lead=_("It is removed from this draft. Cases that have it keep it."),
    )  # fmt: skip


@require_POST
def playbook_move(request: StaffRequest, pk: int, way: str) -> HttpResponse:
    """Move a step up or down in the draft; 409 when the draft moved on."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(KIND)
    if draft is None:
        return draft_rows.gone(request, "playbooks")
    step = draft_rows.row_of(PlaybookStep, draft, pk=pk)
    seen = request.POST.get("version", "")
    try:
        playbook_drafting.move_step(
            draft,
            step.code,
            up=way == "up",
            actor=request.actor,
            at=timezone.now(),
            expected=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0,
        )
    except WordedError:
        now = RuleSet.objects.get(pk=draft.pk)
        return conflict(request, draft_acts.overtaken(now), back=reverse("playbooks_draft"))
    return go(request, f"{reverse('playbooks_draft')}#step-{step.pk}")


@require_http_methods(["GET", "HEAD", "POST"])
def playbook_switches(request: StaffRequest) -> HttpResponse:
    """Change what the draft says beside its steps."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(KIND)
    if draft is None:
        return draft_rows.gone(request, "playbooks")
    form = SwitchesForm(
        request.POST if request.method == "POST" else None,
        row_version=draft.version,
        initial={"number": draft.number, **_switches(draft)},
    )

    def put(**said: Any) -> None:
        given = form.cleaned_data
        playbook_drafting.set_switches(
            draft,
            steps_block=given["steps_block"],
            report_minutes=given["report_minutes"],
            **said,
        )

    if form.is_valid() and _done(request, form, draft, put):
        messages.success(request, _("Saved in the draft."))
        return go(request, reverse("playbooks_draft"))
    return _show(request, form, title=_("Settings of the playbooks"), act=_("Save in the draft"))


def _content(rules: RuleSet, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the steps in words and the switches of a version."""
    known = routing_words.lists()
    rows = [_row(step, known, findings) for step in playbooks.rows_of(rules)]
    return {"steps": rows, **_switches(rules), "report_words": _report(rules)}


def _switches(rules: RuleSet) -> dict[str, Any]:
    names = (playbooks.BLOCKS, playbooks.REPORT_DUE)
    return {name: playbooks.setting(rules, name) for name in names}


def _report(rules: RuleSet) -> str:
    return duration_words(60 * int(playbooks.setting(rules, playbooks.REPORT_DUE)))


def _row(step: PlaybookStep, known: Lists, findings: Sequence[Finding]) -> StepRow:
    names = known.names
    return StepRow(
        step=step,
        types=listed(names.get(("feedback_type", code), code) for code in step.types),
        lines=listed(names.get(("business_line", code), code) for code in step.lines),
        severities=listed(Severity(one).label for one in step.severities),
        due=duration_words(step.minutes * 60) if step.minutes else "",
        remarks=[finding for finding in findings if finding.row == step.code],
    )


def _done(
    request: StaffRequest, form: VersionedForm, draft: RuleSet, verb: Callable[..., None]
) -> bool:
    """Carry a change out; False when it was refused, with the words in the form."""
    return draft_rows.carried_out(request, form, draft, verb, {"minutes": "amount"})


def _show(request: StaffRequest, form: VersionedForm, **words: Any) -> HttpResponse:
    context = {"form": form, "back": reverse("playbooks_draft"), **words}
    return form_answer(request, context, status=form.status)
