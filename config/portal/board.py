"""The live board: what needs a supervisor now. Cards refresh by themselves once a minute."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from complaints import workflow
from complaints.board import ageing, counters, heat, load
from complaints.board.filters import AGES, WEEKS, age_words
from complaints.board.sight import QUEUE, Sight
from complaints.choices import Status
from complaints.filters import Due, due_states
from complaints.lists import CaseRow, rows_of, shown_rows
from complaints.looking_up import tidy
from complaints.workflow.outcomes import explain_all
from complaints.workflow.payloads import Handing
from config.kernel.approvals import ApprovalHandler
from config.portal import approvals
from config.shared.chips import duration_words
from config.shared.htmx import form_answer, go
from config.shared.registry import contributed
from config.shared.scope import Reach
from config.shared.words import sentences
from staff.http import StaffRequest
from staff.models import Department, Person

DECISIONS: Final = 3
UNITS: Final = 60
MEASURES: Final = {
    "arrivals": gettext_lazy("Arrivals"),
    "reply": gettext_lazy("First reply"),
    "late": gettext_lazy("Became late"),
}
_MOST_MOVED: Final = 50
_PAIR: Final = re.compile(r"[0-9]{1,18}:[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that waits for the reader."""

    icon: str
    tone: str
    title: str
    text: str
    url: str
    verb: str


@require_safe
def board(request: StaffRequest) -> HttpResponse:
    """Show the board; `unit` a unit's code, `by` stage, `measure` of the heat-map, `wall` 1."""
    context = _frame(request)
    for card in CARDS:
        context |= CARDS[card](request, context["sight"])
    return render(request, "portal/board.html", context)


@require_safe
def board_card(request: StaffRequest, card: str) -> HttpResponse:
    """Answer with one card as it is now; asked once a minute while somebody looks."""
    context = _frame(request)
    read = CARDS.get(card)
    if read is None:
        raise Http404
    return render(request, f"portal/_board_{card}.html", context | read(request, context["sight"]))


def _frame(request: StaffRequest) -> dict[str, Any]:
    """Return what every card needs: who looks at what, and how the address goes on."""
    scope = request.scope
    scope.demand("board")
    units = _units(request)
    code = request.GET.get("unit", "")
    unit = next((unit for unit in units if unit.code == code), None)
    if code and unit is None:
        raise Http404
    data = request.GET.copy()
    data.pop("wall", None)
    kept = data.urlencode()
    return {
        "sight": Sight(scope, timezone.now(), unit),
        "at": timezone.now(),
        "unit": unit,
        "units": units,
        "queue": reverse(QUEUE),
        "kept": f"?{kept}" if kept else "",
        "data": data,
        "wall": request.GET.get("wall") == "1",
        "hands_out": scope.may("board", "hand_out") and scope.may("cases", "route"),
    }


def _units(request: StaffRequest) -> list[Department]:
    """Return the units to choose from: the own ones, or all; at most 60."""
    rows = Department.objects.filter(active=True).order_by("path")
    if Reach.ALL not in request.scope.to("board"):
        rows = rows.filter(pk__in=request.scope.departments)
    return list(rows[:UNITS])


# --- Cards ---------------------------------------------------------------------------------


def _counters(request: StaffRequest, sight: Sight) -> dict[str, Any]:
    found = counters.counters(sight)
    waited = (sight.at - found.waits_since).total_seconds() if found.waits_since else 0
    return {
        "counters": found,
        "over_words": _late_words(found.worst),
        "next_words": _next_words(found),
        "wait_words": duration_words(int(waited)) if found.waits_since else "",
        "links": {
            "over": sight.query(clock="over"),
            "risk": sight.query(clock="risk"),
            "unassigned": sight.query(handler="none"),
            "paused": sight.query(clock="paused"),
            "came": sight.query(state="all", came="today"),
            "gone": sight.query(state="all", gone="today"),
            "open": sight.query(state="open"),
        },
    }


def _late_words(row: CaseRow | None) -> str:
    """Return by how much the worst case is late, and where it is."""
    if row is None:
        return ""
    time = duration_words(row.chip.seconds, day_seconds=row.chip.day_seconds)
    return _("oldest by %(time)s, %(unit)s") % {"time": time, "unit": row.case.department.label}


def _next_words(found: counters.Counters) -> str:
    """Return when the next clock runs out, and with whom."""
    row = found.next
    if row is not None and row.case.handler is not None:
        told = {
            "time": f"{timezone.localtime(row.case.next_due_at):%H:%M}",
            "person": row.case.handler.label,
        }
        return _("next at %(time)s, %(person)s") % told
    due = row.case.next_due_at if row is not None else found.next_due
    if due is None:
        return _("no clock runs")
    return _("next at %(time)s") % {"time": _short(due, timezone.localtime())}


def _short(due: datetime, now: datetime) -> str:
    local = timezone.localtime(due)
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%m-%d %H:%M}"


def _ageing(request: StaffRequest, sight: Sight) -> dict[str, Any]:
    by = "stage" if request.GET.get("by") == "stage" else "unit"
    found = ageing.by_stage(sight) if by == "stage" else ageing.by_unit(sight)
    ages = [(age, age_words(age)) for age in AGES]
    return {
        "ageing": found,
        "by": by,
        "ages": ages,
        "legend": list(zip(AGES, _SHORT_AGES, strict=True)),
        "tabs": _tabs(request, "by", _BY, by),
    }


_SHORT_AGES: Final = (gettext_lazy("under 1"), "1", "2", gettext_lazy("3 and more"))
_BY: Final = {"unit": gettext_lazy("Units"), "stage": gettext_lazy("Stages")}


def _load(request: StaffRequest, sight: Sight) -> dict[str, Any]:
    found = load.people(sight)
    limit = found[0].limit if found else 0
    return {"loads": found, "limit": limit, "proposal": load.proposal(sight, found)}


def _heat(request: StaffRequest, sight: Sight) -> dict[str, Any]:
    found = heat.heat(sight, request.GET.get("measure", ""))
    return {
        "heat": found,
        "weeks": WEEKS,
        "measures": _tabs(request, "measure", MEASURES, found.measure),
        "steps": range(6),
    }


def _decisions(request: StaffRequest, sight: Sight) -> dict[str, Any]:
    waiting = approvals.decidable(sight.scope)
    handlers = contributed(ApprovalHandler)
    found = [
        Decision(
            "clipboard-check",
            "risk",
            handlers[row.kind].sentence(row),
            str(handlers[row.kind].title),
            reverse("approval", args=[row.pk]),
            _("Decide"),
        )
        for row in waiting[:DECISIONS]
    ]
    untold = sight.open("notify").filter(due_states(sight.at)[Due.OVER], status=Status.RESOLVED)
    nearest = untold.order_by("paused", "next_due_at", "id").values_list("pk", flat=True)
    picked = list(nearest[:1])  # read first: as a sub-query it is held against every case
    for row in rows_of(list(shown_rows(sight.scope).filter(pk__in=picked)), sight.scope, sight.at):
        title = _("%(number)s is answered, the customer is not told")
        found.append(
            Decision(
                "message-off",
                "bad",
                title % {"number": row.case.number},
                row.chip.text,
                row.case.get_absolute_url(),
                _("Open"),
            )
        )
    return {"decisions": found, "decisions_n": len(waiting) + len(found) - len(waiting[:DECISIONS])}


def _tabs(
    request: StaffRequest, key: str, choices: Mapping[str, Any], chosen: str
) -> list[tuple[Any, str, bool]]:
    """Return (label, address, chosen) of a switch that keeps the rest of the address."""
    found = []
    for code, label in choices.items():
        data = request.GET.copy()
        data[key] = code
        found.append((label, f"?{data.urlencode()}", code == chosen))
    return found


CARDS: Final[Mapping[str, Callable[[StaffRequest, Sight], dict[str, Any]]]] = {
    "counters": _counters,
    "ageing": _ageing,
    "load": _load,
    "heat": _heat,
    "decisions": _decisions,
}


# --- Evening out ---------------------------------------------------------------------------


class MoveForm(forms.Form):
    """Which cases go from one person to another; each choice carries the version that was seen."""

    source = forms.CharField(max_length=20, widget=forms.HiddenInput)
    target = forms.CharField(max_length=20, widget=forms.HiddenInput)
    cases = forms.MultipleChoiceField(
        label=gettext_lazy("Cases"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Leave at least one case ticked.")},
    )

    def chosen(self) -> dict[int, int]:
        """Return the version seen by pk of the ticked cases."""
        pairs = (value.split(":") for value in self.cleaned_data["cases"])
        return {int(pk): int(version) for pk, version in pairs}


@require_http_methods(["GET", "POST"])
def board_move(request: StaffRequest) -> HttpResponse:
    """Show which cases would move, or move those that are left ticked."""
    request.scope.demand("board", "hand_out")
    request.scope.demand("cases", "route")
    context = _frame(request)
    if request.method == "POST":
        return _move(request, context)
    sight: Sight = context["sight"]
    found = load.proposal(sight, load.people(sight))
    if found is None:
        messages.info(request, _("Nothing needs to be evened out now."))
        return go(request, reverse("board"))
    choices = [(f"{row.case.pk}:{row.case.version}", _choice(row)) for row in found.rows]
    form = MoveForm(
        initial={
            "source": found.source.staff_no,
            "target": found.target.staff_no,
            "cases": [value for value, _label in choices],
        }
    )
    form.fields["cases"].choices = choices  # type: ignore[attr-defined]
    return _move_page(request, form, found.source, found.target)


def _choice(row: CaseRow) -> str:
    return sentences([f"{row.case.number} {row.subject}", row.chip.text])


def _move(request: StaffRequest, context: dict[str, Any]) -> HttpResponse:
    """Carry out the move of a posted form."""
    sight: Sight = context["sight"]
    people = {
        name: Person.objects.filter(staff_no=tidy(request.POST.get(name, ""), most=20)).first()
        for name in ("source", "target")
    }
    source, target = people["source"], people["target"]
    if source is None or target is None:
        raise Http404
    form = MoveForm(request.POST)
    given = [v for v in request.POST.getlist("cases") if _PAIR.fullmatch(v)][:_MOST_MOVED]
    rows = sight.open("route").filter(
        pk__in=[int(value.split(":")[0]) for value in given], handler=source
    )
    shown = rows_of(list(shown_rows(sight.scope).filter(pk__in=rows.values("pk"))),
                    sight.scope, sight.at)  # fmt: skip
    seen = {value.split(":")[0]: value for value in given}
    choices = [(seen[str(row.case.pk)], _choice(row)) for row in shown]
    form.fields["cases"].choices = choices  # type: ignore[attr-defined]
    if not form.is_valid():
        return _move_page(request, form, source, target, status=422)
    outcomes = workflow.assign_handler(
        rows.filter(pk__in=list(form.chosen())),
        Handing(target.pk),
        actor=request.actor,
        at=timezone.now(),
        expected=form.chosen(),
    )
    done = [outcome for outcome in outcomes if outcome.done]
    refused = [outcome for outcome in outcomes if not outcome.done]
    for outcome, why in zip(refused, explain_all(refused), strict=True):
        if done:
            messages.warning(request, sentences([f"{outcome.case.number}:", why]))
        else:
            form.add_error(None, sentences([f"{outcome.case.number}:", why]))
    if not done:
        return _move_page(request, form, source, target, status=409)
    text = ngettext("%(n)s case is with %(person)s now.", "%(n)s cases are with %(person)s now.",
                    len(done))  # fmt: skip
    messages.success(request, text % {"n": len(done), "person": target.label})
    return go(request, reverse("board") + context["kept"])


def _move_page(
    request: StaffRequest, form: MoveForm, source: Person, target: Person, *, status: int = 200
) -> HttpResponse:
    told = {"source": source.label, "target": target.label}
    context = {
        "form": form,
        "title": _("Move from %(source)s to %(target)s") % told,
        "act": _("Move the ticked cases"),
        "lead": _("The new handler is told. The clocks run on."),
        "back": reverse("board"),
    }
    return form_answer(request, context, status=status)
