"""What a version of the time limits would do: dry run, open cases, one case; applying it to them.

Figures are of the whole bank; case numbers are shown within the reader's scope.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from complaints.choices import ClockName
from complaints.clocks import applying as apply_verbs
from complaints.clocks import forecasting, trying
from complaints.clocks.forecasting import DryPolicy, Moved
from complaints.clocks.rules import KIND
from complaints.models import Case
from config.kernel import jobs, rulesets
from config.kernel.models import Job, RuleSet
from config.kernel.models.jobs import JobState
from config.kernel.models.rules import RuleState
from config.portal import rules_words
from config.portal.case_refs import visible_cases
from config.portal.errors import conflict
from config.portal.policy_chart import chart
from config.shared.forms import CleanText
from config.shared.htmx import form_answer, go, is_htmx
from config.shared.scope import Scope
from config.shared.worded import WordedError
from config.shared.words import actor_words, near_moment_words, noted
from staff.http import StaffRequest
from staff.models import Department

TARGET: Final = 90
SAMPLE: Final = 20
LONGEST: Final = 500
_NUMBER: Final = 30


class ApplyForm(forms.Form):
    """Why a version is applied to open cases."""

    reason = CleanText(label=gettext_lazy("Reason"), rows=3, max_length=LONGEST)


class TryForm(forms.Form):
    """Which case is tried."""

    number = CleanText(label=gettext_lazy("Case number"), max_length=_NUMBER)


@dataclass(frozen=True, slots=True)
class Sample:
    """One clock that would move, of a case in sight."""

    number: str
    url: str
    department: str
    clock: str
    before: str
    after: str
    late: bool


@dataclass(frozen=True, slots=True)
class Rates:
    """On time now and on the draft, in percent; None of no cases."""

    before: float | None
    after: float | None

    @property
    def missed(self) -> bool:
        """Tell whether the draft would miss the target."""
        return self.after is not None and self.after < TARGET


def card(
    request: StaffRequest, rules: RuleSet, code: str, *, draft: str = "", force: str = ""
) -> dict[str, Any]:
    """Return the context of the forecast of a version; `code` is the policy whose replay is shown.

    `draft` and `force` are its resolve limits in words. Four queries.
    """
    job = forecasting.latest(rules)
    done = forecasting.read(job) if job else None
    dry = done.dry.policies.get(code) if done and done.dry else None
    return {
        "version": rules,
        "job": job,
        "moving": _moving(job),
        "failed": jobs.error_of(job) if job and job.state == JobState.FAILED else "",
        "stale": bool(job and forecasting.is_stale(job, rules)),
        "forecast": done,
        "dry": dry,
        "rates": _rates(dry) if dry else None,
        "chart": chart(dry, draft, force) if dry else None,
        "newly": _links(dry.newly_late, request.scope) if dry else [],
        "samples": _samples(done.rows, request.scope) if done else [],
        "target": TARGET,
        "code": code,
        "may_count": request.scope.may("rules", "propose"),
        "may_try": request.scope.may("cases"),
        "forecast_url": f"{reverse('policies_forecast', args=[rules.number])}?"
        + urlencode({"p": code}),
    }


def applying(request: StaffRequest, rules: RuleSet) -> dict[str, Any]:
    """Return the context of the card on the version in force: preview, progress and result."""
    job = apply_verbs.latest(rules)
    context = card(request, rules, "")
    return context | {
        "applied": job,
        "applied_by": actor_words(job.params["actor"]["label"]) if job else "",
        "apply_moving": _moving(job),
        "apply_failed": jobs.error_of(job) if job and job.state == JobState.FAILED else "",
        "may_apply": request.scope.may("rules", "edit"),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def policies_forecast(request: StaffRequest, number: int) -> HttpResponse:
    """Show the forecast of the draft or of the version in force; a post starts the count."""
    request.scope.demand("rules", "propose" if request.method == "POST" else "view")
    rules = _version(number)
    if request.method == "POST":
        forecasting.start(rules, actor=request.actor, at=timezone.now())
    code = request.GET.get("p", "")
    if not is_htmx(request):
        return redirect(_page(rules, code))
    if rules.state != RuleState.DRAFT:
        context = applying(request, rules)
        return render(request, "portal/policies_apply_body.html", context)
    return render(request, "portal/policies_forecast.html", draft_card(request, rules, code))


def draft_card(request: StaffRequest, draft: RuleSet, code: str) -> dict[str, Any]:
    """Return the context of the forecast under a draft, with the limits of the policy in words."""
    now = rulesets.published(KIND, timezone.now())
    words = {rules.pk: rules_words.resolve_limit(rules, code) for rules in (draft, now) if rules}
    mine = words.get(draft.pk, "")
    return card(request, draft, code, draft=mine, force=words.get(now.pk, "") if now else "")


@require_safe
def policies_try(request: StaffRequest) -> HttpResponse:
    """Show what the draft would do to one case (`number`) in the reader's sight."""
    request.scope.demand("rules")
    request.scope.demand("cases")
    draft = rulesets.draft(KIND)
    if draft is None:
        return redirect("policies")
    form = TryForm(request.GET if "number" in request.GET else None)
    context: dict[str, Any] = {"form": form, "draft": draft, "at": timezone.now()}
    if form.is_valid():
        wanted = form.cleaned_data["number"].strip().upper()
        case = Case.objects.visible_to(request.scope).filter(number=wanted).first()
        if case is None:
            form.add_error("number", _("No case of yours has this number."))
        else:
            trial = trying.try_case(draft, case, context["at"])
            context |= {"case": case, "trial": trial, "policy": _policy_words(trial)}
            context["clocks"] = [
                (
                    str(ClockName(clock.name).label),
                    _due(clock.before, _("not running")),
                    _due(clock.after, _("ends")),
                    clock,
                )
                for clock in trial.clocks
            ]
    status = 422 if form.is_bound and form.errors else 200
    name = "portal/policies_tried.html" if is_htmx(request) else "portal/policies_try.html"
    return render(request, name, context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def policies_apply(request: StaffRequest, number: int) -> HttpResponse:
    """Ask for a reason, then apply the version in force to open cases; 409 when it is not."""
    request.scope.demand("rules", "edit")
    rules = RuleSet.objects.filter(kind=KIND, number=number).first()
    if rules is None or rules.state == RuleState.DRAFT:
        raise Http404
    form = ApplyForm(request.POST if request.method == "POST" else None)
    back = reverse("policies")
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            apply_verbs.start(rules, reason=reason, actor=request.actor, at=timezone.now())
        except WordedError as refused:
            return conflict(request, str(refused), kept={_("Reason"): reason}, back=back)
        messages.success(request, _("Open cases are put on this version; see how far it is."))
        return go(request, back)
    context = {
        "form": form,
        "title": _("Apply version %(n)s to open cases") % {"n": number},
        "lead": _(
            "Their due times change from now on. What has ended or was late stays as it is. "
            "Each changed case says so on its timeline."
        ),
        "act": _("Apply to open cases"),
        "back": back,
    }
    return form_answer(request, context, status=422 if form.is_bound else 200)


def _version(number: int) -> RuleSet:
    """Return the draft or the version in force by its number, or 404."""
    found = RuleSet.objects.filter(kind=KIND, number=number).first()
    now = rulesets.published(KIND, timezone.now())
    if found is None or (found.state != RuleState.DRAFT and found != now):
        raise Http404
    return found


def _page(rules: RuleSet, code: str) -> str:
    name = "policies_draft" if rules.state == RuleState.DRAFT else "policies"
    query = f"?{urlencode({'p': code})}" if code else ""
    return f"{reverse(name)}{query}#forecast"


def _moving(job: Job | None) -> bool:
    return job is not None and job.finished_at is None


def _rates(dry: DryPolicy) -> Rates:
    if not dry.cases:
        return Rates(None, None)
    return Rates(dry.on_time_before / dry.cases * 100, dry.on_time_after / dry.cases * 100)


def _links(numbers: list[str], scope: Scope) -> list[Case]:
    """Return the cases of these numbers that the reader may see."""
    seen = visible_cases([f"case:{number}" for number in numbers], scope)
    return sorted(seen.values(), key=lambda case: case.number)


def _samples(rows: list[Moved], scope: Scope) -> list[Sample]:
    """Return the first rows of cases that the reader may see."""
    seen = visible_cases({f"case:{row.number}" for row in rows}, scope)
    shown = [row for row in rows if f"case:{row.number}" in seen][:SAMPLE]
    units = Department.objects.in_bulk({row.department_id for row in shown}) if shown else {}
    return [
        Sample(
            number=row.number,
            url=seen[f"case:{row.number}"].get_absolute_url(),
            department=units[row.department_id].label if row.department_id in units else "",
            clock=str(ClockName(row.clock).label),
            before=_due(row.before, _("not running")),
            after=_due(row.after, _("ends")),
            late=row.late,
        )
        for row in shown
    ]


def _due(moment: datetime | None, none: str) -> str:
    return near_moment_words(moment) if moment else none


def _policy_words(trial: trying.Trial) -> str:
    """Return the policy that would match, with the one on top of it."""
    if trial.policy is None:
        return ""
    name = rules_words.named(trial.policy)
    if trial.overlay is None:
        return name
    top = _("with %(name)s on top") % {"name": rules_words.named(trial.overlay)}
    return noted(name, top)
