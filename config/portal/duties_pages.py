"""The duty table (职责分工表): who is responsible, approves, is consulted and told, by matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from complaints.models import DutyLine
from complaints.routing import duties
from complaints.routing.words import place
from config.kernel import rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.kernel.rule_kinds import Finding
from config.portal import draft_acts, draft_rows, routing_words
from config.portal.draft_rows import carried_out, row_of
from config.portal.duties_forms import DutyForm
from config.portal.routing_words import Lists
from config.portal.rules_versions import version
from config.shared.forms import VersionedForm
from config.shared.htmx import form_answer, go
from config.shared.words import listed
from staff.http import StaffRequest

KIND: Final = duties.KIND


@dataclass(frozen=True, slots=True)
class Duty:
    """One line in words."""

    pk: int
    type: str
    business_line: str
    responsible: str
    approves: str
    consulted: str
    told: str
    origin: str
    remarks: Sequence[Finding] = ()


@require_safe
def duties_table(request: StaffRequest) -> HttpResponse:
    """Show the table in force, or the version asked for by `v`."""
    request.scope.demand("rules")
    context = version(request, KIND)
    if context["rules"] is not None:
        findings = rule_kinds.of(KIND).check(context["rules"]) if context["in_force"] else []
        context["lines"] = lines(context["rules"], routing_words.lists(), findings)
    return render(request, "portal/duties.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def duties_draft(request: StaffRequest) -> HttpResponse:
    """Show the draft of the table; a post begins one."""
    request.scope.demand("rules")
    if request.method == "POST":
        return draft_acts.begin_view(request, KIND, back=reverse("duties_draft"))
    draft = rulesets.draft(KIND)
    if draft is None:
        return redirect("duties")
    urls = {
        "publish": reverse("duties_publish"),
        "discard": reverse("duties_discard"),
    }
    bar = draft_acts.bar(request, draft, urls)
    context = bar | {
        "rules": draft,
        "at": timezone.now(),
        "is_draft": True,
        "editable": bar["may_propose"],
        "lines": lines(draft, routing_words.lists(), bar["findings"]),
    }
    return render(request, "portal/duties.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def duties_publish(request: StaffRequest) -> HttpResponse:
    """Publish the draft, or ask somebody who may."""
    return draft_acts.publish_view(request, KIND, back=reverse("duties"))


@require_http_methods(["GET", "HEAD", "POST"])
def duties_discard(request: StaffRequest) -> HttpResponse:
    """Throw the draft away."""
    return draft_acts.discard_view(request, KIND, back=reverse("duties"))


@require_http_methods(["GET", "HEAD", "POST"])
def duty_line(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Change one line of the draft, or add one; 422 in words, 409 when the draft moved on."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(KIND)
    if draft is None:
        return draft_rows.gone(request, "duties")
    line = row_of(DutyLine, draft, pk=pk)
    form = DutyForm(
        request.POST if request.method == "POST" else None,
        known=routing_words.lists(),
        line=line,
        row_version=draft.version,
        initial={"number": draft.number},
    )

    def put(**said: Any) -> None:
        data = duties.LineData(**form.stored, origin=line.origin if line else "")
        duties.put_line(draft, data, code=duties.code_of(line) if line else None, **said)

    if form.is_valid() and carried_out(request, form, draft, put):
        messages.success(request, _("The line was saved in the draft."))
        return go(request, reverse("duties_draft"))
    context = {
        "form": form,
        "title": _("Line of the duty table") if line else _("New line of the duty table"),
        "act": _("Save in the draft"),
        "back": reverse("duties_draft"),
    }
    return form_answer(request, context, status=form.status)


@require_http_methods(["GET", "HEAD", "POST"])
def duty_remove(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask, then take a line out of the draft."""
    request.scope.demand("rules", "propose")
    draft = rulesets.draft(KIND)
    if draft is None:
        return draft_rows.gone(request, "duties")
    line = row_of(DutyLine, draft, pk=pk)
    data = request.POST if request.method == "POST" else None
    form = VersionedForm(data, row_version=draft.version)

    def drop(**said: Any) -> None:
        duties.drop_line(draft, duties.code_of(line), **said)

    if form.is_valid() and carried_out(request, form, draft, drop):
        messages.success(request, _("The line was removed from the draft."))
        return go(request, reverse("duties_draft"))
    context = {
        "form": form,
        "title": _("Remove this line?"),
        "lead": _("It is removed from this draft. The table in force stays as it is."),
        "act": _("Remove the line"),
        "danger": True,
        "back": reverse("duties_draft"),
    }
    return form_answer(request, context, status=form.status)


def lines(rule_set: RuleSet, known: Lists, findings: Sequence[Finding] = ()) -> list[Duty]:
    """Return the table in words, in its order; one query."""
    rows = DutyLine.objects.filter(rule_set=rule_set).order_by("order", "pk")
    return [_duty(row, known, findings) for row in rows]


def _duty(row: DutyLine, known: Lists, findings: Sequence[Finding]) -> Duty:
    names = known.names
    code = duties.code_of(row)
    return Duty(
        pk=row.pk,
        type=names.get(("feedback_type", row.type), row.type) or _("Every type"),
        business_line=names.get(("business_line", row.business_line), row.business_line)
        or _("Every business line"),
        responsible=place(row.responsible, known.places),
        approves=place(row.approves, known.places) if row.approves else "",
        consulted=listed(place(code, known.places) for code in row.consulted),
        told=listed(place(code, known.places) for code in row.told),
        origin=row.origin,
        remarks=[finding for finding in findings if finding.row == code],
    )
