"""Pages of relations: moving a case to the right customer, what was disclosed, clusters."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints.choices import NoticeMethod
from complaints.hiding import hider
from complaints.models import Case
from complaints.reach import reaches
from complaints.relations import apologies, clusters, linking, relinking
from complaints.relations import forms as shapes
from complaints.relations.frame import Overtaken
from complaints.views.relations import fetch, rows
from complaints.workflow import Outcome, Refusal, explain
from config.kernel.actions import describe
from config.shared.htmx import form_answer, go
from config.shared.masking import mask_name
from config.shared.scope import Scope
from config.shared.worded import WordedError
from config.shared.words import actor_words
from staff.http import StaffRequest


@require_http_methods(["GET", "POST"])
def case_relink(request: StaffRequest, number: str) -> HttpResponse:
    """Move the case to the right customer; then show what the wrong one learned."""
    case = fetch(request, number, "relink")
    form = shapes.RelinkForm(
        request.POST if request.method == "POST" else None,
        scope=request.scope,
        row_version=case.version,
    )
    if form.is_valid():
        try:
            relinking.relink(
                rows(request, case, "relink"), form.cleaned_data["customer"].pk,
                form.cleaned_data["reason"], actor=request.actor, at=timezone.now(),
                expected={case.pk: form.cleaned_data["version"]},
            )  # fmt: skip
        except Overtaken as late:
            stale = Outcome(late.case, late.case.status, Refusal.STALE, str(late))
            form.refuse(explain(stale), late.case.version)
        except WordedError as refused:
            form.add_error(None, str(refused))
        else:
            return _moved(request, case)
    lead = _("Relationship manager, visibility and search follow the new customer; the tier at "
             "receipt stays as it was. Both customers' records say so.")  # fmt: skip
    context = {
        "form": form, "title": _("Move to another customer"), "act": _("Move"), "lead": lead,
        "back": case.get_absolute_url(), "case": case,
    }  # fmt: skip
    return form_answer(request, context, status=form.status)


def _moved(request: StaffRequest, case: Case) -> HttpResponse:
    """Go on to what was disclosed, where the case had a customer before."""
    messages.success(request, _("%(number)s is saved.") % {"number": case.number})
    if not Case.objects.visible_to(request.scope, "relink").filter(pk=case.pk).exists():
        return go(request, reverse("cases"))
    name = "case_disclosed" if case.customer_id else "case"
    return go(request, reverse(name, args=[case.number]))


@require_http_methods(["GET", "POST"])
def case_disclosed(request: StaffRequest, number: str) -> HttpResponse:
    """List what was seen and sent under the wrong customer; have people apologise for it."""
    case = fetch(request, number, "relink")
    told = relinking.disclosed(case)
    if told is None:
        raise Http404
    form = shapes.ApologyForm(request.POST if request.method == "POST" else None, sent=told.letters)
    if form.is_valid():
        pks = [int(pk) for pk in form.cleaned_data["notices"]]
        try:
            apologies.ask(
                rows(request, case, "relink"), pks, actor=request.actor, at=timezone.now()
            )
        except WordedError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The apology is asked for as a task."))
            return go(request, case.get_absolute_url())
    context = {
        "case": case,
        "form": form,
        "told": told,
        "looks": [
            {"at": row.at, "who": actor_words(row.actor_label), "what": describe(row)}
            for row in told.looks
        ],
        "letters": [{"row": row, "method": NoticeMethod(row.method).label} for row in told.letters],
        "watchers": list(case.grants.filter(watcher=True).select_related("person")),
    }
    status = 422 if form.is_bound else 200
    return render(request, "complaints/rel_disclosed.html", context, status=status)


@require_GET
def cluster_list(request: StaffRequest) -> HttpResponse:
    """Show the clusters of the last 30 days with why, and their cases."""
    request.scope.demand("clusters")
    request.scope.demand("cases")
    scope = request.scope
    found = [
        {"cluster": one, "lines": [_line(case, scope) for case in one.cases]}
        for one in clusters.clusters(scope, timezone.now())
    ]
    context = {"clusters": found, "may_act": scope.may("cases", "link")}
    return render(request, "complaints/rel_clusters.html", context)


def _line(case: Case, scope: Scope) -> dict[str, Any]:
    name = case.contact_name or (case.customer.name if case.customer else "")
    return {
        "case": case,
        "text": hider(case, scope)(case.core_issue),
        "name": name if reaches(case, scope, "identity") else mask_name(name) if name else "",
    }


@require_POST
def cluster_link(request: StaffRequest, key: str) -> HttpResponse:
    """Link the cases of a cluster that this person may link."""
    request.scope.demand("clusters")
    request.scope.demand("cases", "link")
    at = timezone.now()
    try:
        group = clusters.find(key, request.scope, at)
        mine = Case.objects.visible_to(request.scope, "link").filter(
            pk__in=sorted(group.cases)[:200]
        )
        count = linking.link_all(mine, actor=request.actor, at=at)
    except WordedError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Links made: %(count)s") % {"count": count})
    return redirect("clusters")


@require_POST
def cluster_apart(request: StaffRequest, key: str) -> HttpResponse:
    """Record that the cases of a cluster are not related."""
    request.scope.demand("clusters")
    request.scope.demand("cases", "link")
    try:
        clusters.set_apart(key, scope=request.scope, actor=request.actor, at=timezone.now())
    except WordedError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Noted; this cluster does not come back."))
    return redirect("clusters")
