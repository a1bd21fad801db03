"""The dry run of a draft over real cases, and why one case goes where it goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from complaints import routing
from complaints.looking_up import cases_with, tidy
from complaints.models import Case, RoutingRule
from complaints.routing import replaying, words
from complaints.routing.facts import Facts, facts_of
from complaints.routing.places import Units
from config.kernel import jobs, rulesets
from config.kernel.models import Job, RuleSet
from config.kernel.models.jobs import JobState
from config.portal import routing_words
from config.portal.errors import conflict
from config.portal.routing_board import KIND
from config.portal.routing_forms import DaysForm
from config.portal.routing_words import Lists
from config.portal.rules_versions import numbered
from config.shared.htmx import is_htmx
from staff.http import StaffRequest
from staff.models import Person

MOVING: Final = (JobState.QUEUED, JobState.RUNNING)
SHOWN: Final = 10
LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Load:
    """Cases of one department or person under the rules in force and under the draft."""

    name: str
    before: int
    after: int

    @property
    def more(self) -> int:
        """How many more (below 0: fewer)."""
        return self.after - self.before

    @property
    def change(self) -> str:
        """The change with its sign, a dash for none."""
        return f"{self.more:+d}".replace("-", "−") if self.more else "–"


@dataclass(frozen=True, slots=True)
class Sample:
    """One case that would fare differently."""

    number: str
    url: str
    before: str
    after: str
    due_before: datetime | None
    due_after: datetime | None
    late: bool
    rule: str

    @property
    def moved(self) -> bool:
        """Whether the department changes."""
        return self.before != self.after

    @property
    def due_moved(self) -> bool:
        """Whether the due time changes."""
        return self.due_before != self.due_after


@require_http_methods(["GET", "HEAD", "POST"])
def routing_replay(request: StaffRequest) -> HttpResponse:
    """Show the dry run of the draft (htmx polls while it runs); a post starts one."""
    request.scope.demand("rules")
    draft = rulesets.draft(KIND)
    if request.method == "POST":
        request.scope.demand("rules", "propose")
    if draft is None:
        words = _("There is no draft any more.")
        back = reverse("routing")
        return conflict(request, words, back=back) if request.method == "POST" else redirect(back)
    form = DaysForm(request.POST if request.method == "POST" else None, initial={"days": 30})
    if form.is_valid():
        days = form.cleaned_data["days"]
        replaying.start(draft, days=days, actor=request.actor, at=timezone.now())
    status = 422 if form.errors else 200
    if not is_htmx(request):
        if status == 200:
            return redirect(f"{reverse('routing_draft')}#dryrun")
        return conflict(request, _("Choose 7, 30 or 90 days."), back=reverse("routing_draft"))
    chosen = (request.GET.get("r") or request.POST.get("r", ""))[:LONGEST]
    context = replay_context(request, draft, routing_words.lists(), form, chosen)
    return render(request, "portal/_routing_dryrun.html", context, status=status)


@require_safe
def routing_explain(request: StaffRequest) -> HttpResponse:
    """Tell for one case, rule by rule, why it matched or not; `v` is a version, else in force."""
    request.scope.demand("rules")
    request.scope.demand("cases")
    at = timezone.now()
    asked = request.GET.get("v", "")
    rule_set = numbered(KIND, asked) if asked else rulesets.published(KIND, at)
    text = tidy(request.GET.get("number", ""), LONGEST)
    context: dict[str, Any] = {"rules": rule_set, "number": text, "asked": bool(text), "at": at}
    if text and rule_set is not None:
        rows = Case.objects.visible_to(request.scope).filter(cases_with(text, at=at))
        case = rows.select_related(*_JOINED).order_by("-received_at", "-pk").first()
        context |= {"case": case, "steps": steps(case, rule_set) if case else []}
    name = "_routing_explained" if is_htmx(request) else "routing_explain"
    status = 404 if text and not context.get("case") else 200
    return render(
        request, f"portal/{name}.html", context, status=200 if is_htmx(request) else status
    )


_JOINED: Final = (
    "type", "intake_channel", "business_line__parent", "cause__parent", "customer",
    "branch", "registrar__department", "department",
)  # fmt: skip


def steps(case: Case, rule_set: RuleSet) -> list[dict[str, Any]]:
    """Return the rules in order with what this case makes of each."""
    rows = RoutingRule.objects.filter(rule_set=rule_set).select_related("person", "rule_set")
    rules = list(rows.order_by("order", "pk"))
    known = routing_words.lists()
    tried = {each.rule.pk: each for each in routing.trace(case, rules)}
    facts = facts_of(case, Units(), with_text=True)
    return [
        {
            "place": place,
            "line": routing_words.routing_line(rule, known),
            "tried": tried.get(rule.pk),
            "why": _why(tried.get(rule.pk), facts, known),
        }
        for place, rule in enumerate(rules, 1)
    ]


def _why(tried: routing.Tried | None, facts: Facts, known: Lists) -> str:
    """Return why a rule did not decide, in words."""
    if tried is None or tried.matched:
        return ""
    rule = tried.rule
    if tried.failed not in rule.conditions:
        unit = words.place(rule.department, known.places)
        return _("Matches, but there is no open unit: %(unit)s") % {"unit": unit}
    value = rule.conditions[tried.failed]
    return words.unmet(tried.failed, value, facts, known.names, known.places)


def replay_context(
    request: StaffRequest, draft: RuleSet, known: Lists, form: DaysForm, chosen: str
) -> dict[str, Any]:
    """Return what the card of the dry run shows, with the hits of the rule `chosen` (its code).

    A fixed number of queries.
    """
    job = replaying.latest(draft)
    context: dict[str, Any] = {
        "days_form": form,
        "job": job,
        "chosen_code": chosen,
        "may_run": request.scope.may("rules", "propose"),
        "moving": job is not None and job.state in MOVING,
        "run_error": jobs.error_of(job) if job else "",
        "days": int(job.params.get("days", 0)) if job else 0,
    }
    context |= stale_context(draft, job)
    if job is not None and job.state == JobState.DONE:
        context |= _result(request, draft, job, known)
        context["matches"] = context["found"].matched.get(chosen) if context.get("found") else None
    return context


def stale_context(draft: RuleSet, job: Job | None = None) -> dict[str, Any]:
    """Tell whether the dry run was made before the last change of the draft."""
    job = job or replaying.latest(draft)
    seen = job.params.get("version") if job else None
    return {"job": job, "is_stale": job is not None and seen != draft.version}


def _result(request: StaffRequest, draft: RuleSet, job: Job, known: Lists) -> dict[str, Any]:
    """Return the figures, the load and the sample of cases within the reader's scope."""
    found = replaying.read(job)
    if found is None:
        return {}
    numbers = [row.number for row in found.rows]
    visible = Case.objects.visible_to(request.scope).filter(number__in=numbers)
    seen = set(visible.values_list("number", flat=True))
    sample = [_sample(row, known.places) for row in found.rows if row.number in seen]
    people = Person.objects.in_bulk([pk for pk, *_rest in found.by_person if pk])
    names = {pk: person.label for pk, person in people.items()}
    nobody = _("nobody, the department decides")
    places = known.places | {"": _("no department")}
    return {
        "found": found,
        "unreachable": _names(draft, found.unreachable),
        "sample": sample[:SHOWN],
        "rest": sample[SHOWN:],
        "hidden": len(numbers) - len(sample),
        "departments": _loads(found.by_department, places),
        "persons": _loads(found.by_person, names | {0: nobody}),
    }


def _names(draft: RuleSet, codes: Sequence[str]) -> list[str]:
    """Return the names of rules of a draft, in their order."""
    rules = RoutingRule.objects.filter(rule_set=draft, code__in=codes).order_by("order")
    return [words.name_of(rule) for rule in rules]


def _loads(rows: Sequence[tuple[Any, int, int]], names: Mapping[Any, str]) -> list[Load]:
    """Return the load by name, the largest changes first."""
    found = [Load(names.get(key, str(key)), before, after) for key, before, after in rows]
    return sorted(found, key=lambda load: (-abs(load.more), -load.after, load.name))


def _sample(row: Any, places: Mapping[str, str]) -> Sample:
    """Return one changed case in words."""
    return Sample(
        number=row.number,
        url=reverse("case", args=[row.number]),
        before=places.get(row.department_before, row.department_before),
        after=places.get(row.department_after, row.department_after),
        due_before=row.due_before,
        due_after=row.due_after,
        late=row.late,
        rule=row.rule,
    )
