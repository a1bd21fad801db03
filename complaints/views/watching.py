"""The people around a case: watchers, and who stays out of it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints import case_page, recusal, watching
from complaints.models import Case
from complaints.querysets import CaseQuerySet
from complaints.reach import reaches
from config.shared.forms import CleanText
from config.shared.htmx import form_answer, go, is_htmx
from config.shared.listing_pages import BIGGEST
from config.shared.worded import WordedError
from staff.http import StaffRequest
from staff.models import Person

_LONG = 2_000
_WHY = {
    "named": gettext_lazy("named in the case"),
    "reports": gettext_lazy("reports to somebody named"),
    "unit": gettext_lazy("works for somebody named"),
}


class _People(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        """Return name, unit and staff number: names repeat."""
        return f"{obj.label} · {obj.department.label} · {obj.staff_no}"

    def clean(self, value: Any) -> Any:
        """Return the people; a number no database holds is an unknown one."""
        odd = [one for one in value or () if _is_no_key(str(one))]
        if odd:
            text = self.error_messages["invalid_choice"]
            raise ValidationError(text, code="invalid_choice", params={"value": odd[0]})
        return super().clean(value)


def _is_no_key(text: str) -> bool:
    """Tell whether a text is a number too large to ask the database for."""
    digits = text.strip().lstrip("+-").replace("_", "")
    return digits.isdigit() and len(digits.lstrip("0")) >= len(str(BIGGEST))


class WatchersForm(forms.Form):
    """Who else is to watch; recused people and those who watch already are left out."""

    people = _People(
        Person.objects.none(),
        label=gettext_lazy("Who is to watch the case"),
        widget=forms.SelectMultiple(attrs={"size": 10}),
        help_text=gettext_lazy(
            "They may read the case and hear of it; they do not handle it. Hold Ctrl to choose"
            " several."
        ),
    )

    def __init__(self, *args: Any, case: Case, **options: Any) -> None:
        """Offer everybody with an account who may be added to `case`."""
        super().__init__(*args, **options)
        people = Person.objects.active().filter(account__is_active=True)
        people = people.exclude(pk__in=case.exclusions.values("person"))
        people = people.exclude(pk__in=case.grants.filter(watcher=True).values("person"))
        field: Any = self.fields["people"]
        field.queryset = people.select_related("department").order_by("department", "staff_no")


class RecusalForm(forms.Form):
    """Who has an interest in the case, and which."""

    people = _People(
        Person.objects.none(),
        label=gettext_lazy("Who has an interest in the matter"),
        widget=forms.SelectMultiple(attrs={"size": 8}),
        help_text=gettext_lazy("Hold Ctrl to choose several."),
    )
    reason = CleanText(label=gettext_lazy("What the interest is"), rows=3, max_length=_LONG)

    def __init__(self, *args: Any, case: Case, **options: Any) -> None:
        """Offer everybody who works here and is not kept out of `case` yet."""
        super().__init__(*args, **options)
        people = Person.objects.active().exclude(pk__in=case.exclusions.values("person"))
        field: Any = self.fields["people"]
        field.queryset = people.select_related("department").order_by("department", "staff_no")


class LiftForm(forms.Form):
    """Why somebody may work on the case in spite of an interest."""

    reason = CleanText(label=gettext_lazy("Reason"), rows=3, max_length=_LONG)


@require_GET
def case_people(request: StaffRequest, number: str) -> HttpResponse:
    """Answer with the panel: watchers with why; for those who may, who stays out of the case."""
    case = _fetch(request, number)
    piece = "complaints/_part_watchers.html"
    context = {"case": case, "piece": piece, "title": _("People around the case"), "at": _now()}
    context |= panel(request, case)
    return render(request, piece if is_htmx(request) else "complaints/case_part.html", context)


def panel(request: StaffRequest, case: Case) -> dict[str, Any]:
    """Return what the panel shows to this reader."""
    scope = request.scope
    shows = reaches(case, scope, "recusals")
    found = watching.watchers(case)
    return {
        "watchers": found,
        "me": scope.member,
        "watches": any(row.person.pk == scope.member for row in found),
        "may_watch": not case.restricted and reaches(case, scope, "watch"),
        "may_share": not case.restricted and reaches(case, scope, "share"),
        "may_drop": reaches(case, scope, "supervise"),
        "may_recuse": reaches(case, scope, "recuse"),
        "shows_recused": shows,
        "recused": [(row, _WHY.get(row.why, row.why)) for row in recusal.of(case)] if shows else [],
        "declared": _declared(case) if shows else [],
    }


@require_POST
def case_watch(request: StaffRequest, number: str) -> HttpResponse:
    """Watch the case oneself, or with `stop` no longer."""
    case = _fetch(request, number)
    me, stops = request.scope.member or 0, "stop" in request.POST
    if not stops and not reaches(case, request.scope, "watch"):
        raise PermissionDenied(_not_here())
    verb = watching.unwatch if stops else watching.watch
    try:
        verb(_rows(request, case), [me], actor=request.actor, at=_now())
    except WordedError as refused:
        messages.error(request, str(refused))
    else:
        text = _("You watch case %(number)s no longer.") if stops else _(
            "You watch case %(number)s from now on."
        )  # fmt: skip
        messages.success(request, text % {"number": case.number})
    return _back(request, case)


@require_POST
def case_unwatch(request: StaffRequest, number: str, person: int) -> HttpResponse:
    """Take somebody else off the watchers; for those who supervise the case."""
    case = _fetch(request, number)
    if person != request.scope.member and not reaches(case, request.scope, "supervise"):
        raise PermissionDenied(_not_here())
    watcher = get_object_or_404(Person, pk=person)
    watching.unwatch(_rows(request, case), [watcher.pk], actor=request.actor, at=_now())
    text = _("%(person)s watches the case no longer.") % {"person": watcher.label}
    messages.success(request, text)
    return _back(request, case)


@require_http_methods(["GET", "POST"])
def case_watchers(request: StaffRequest, number: str) -> HttpResponse:
    """Let other people watch the case."""
    case = _fetch(request, number)
    if case.restricted or not reaches(case, request.scope, "share"):
        raise PermissionDenied(_not_here())
    form = WatchersForm(request.POST if request.method == "POST" else None, case=case)
    if form.is_valid():
        pks = [person.pk for person in form.cleaned_data["people"]]
        try:
            watching.watch(_rows(request, case), pks, actor=request.actor, at=_now())
        except WordedError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("They watch the case and were told."))
            return go(request, case.get_absolute_url())
    return _dialog(request, form, case, title=_("Add watchers"), act=_("Add"))


@require_http_methods(["GET", "POST"])
def case_recuse(request: StaffRequest, number: str) -> HttpResponse:
    """Note that people have an interest in the case and stay out of it."""
    case = _fetch(request, number)
    if not reaches(case, request.scope, "recuse"):
        raise PermissionDenied(_not_here())
    form = RecusalForm(request.POST if request.method == "POST" else None, case=case)
    if form.is_valid():
        pks = [person.pk for person in form.cleaned_data["people"]]
        reason = form.cleaned_data["reason"]
        try:
            rows = _rows(request, case)
            effects = recusal.name(rows, pks, reason, actor=request.actor, at=_now())
        except WordedError as refused:
            form.add_error(None, str(refused))
        else:
            for effect in effects:
                _say(request, effect)
            return go(request, _after(request, case))
    lead = _("They and the people who report to them can no longer open the case and hear "
             "nothing of it. If the head of a branch is named, the whole branch stays out and the "
             "unit above it handles the case.")  # fmt: skip
    title = _("Name somebody with an interest")
    return _dialog(request, form, case, title=title, act=_("Keep out of the case"), lead=lead)


@require_http_methods(["GET", "POST"])
def case_lift(request: StaffRequest, number: str, person: int) -> HttpResponse:
    """Ask to let somebody work on the case in spite of an interest."""
    case = _fetch(request, number)
    scope = request.scope
    if not (reaches(case, scope, "recuse") and reaches(case, scope, "recusals")):
        raise PermissionDenied(_not_here())
    named = get_object_or_404(Person, pk=person, excluded_from__case=case)
    form = LiftForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            rows = _rows(request, case)
            recusal.ask_to_lift(rows, named.pk, reason, actor=request.actor, at=_now())
        except WordedError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Asked. A supervisor or senior approver decides."))
            return go(request, case.get_absolute_url())
    lead = _("%(person)s stays out of the case until somebody else agrees.")
    return _dialog(
        request, form, case, title=_("Ask to lift the recusal"), act=_("Ask"),
        lead=lead % {"person": named.label},
    )  # fmt: skip


def _say(request: StaffRequest, effect: recusal.Effect) -> None:
    """Tell the reader what naming somebody has changed."""
    told = {"count": len(effect.out)}
    messages.success(request, _("People kept out of the case now: %(count)s") % told)
    if "handler" in effect.taken:
        messages.warning(request, _("The case has no handler now. Choose somebody else."))
    if "officer" in effect.taken:
        messages.warning(request, _("The complaint officer stays out. Choose somebody else."))
    if "reviewer" in effect.taken:
        messages.warning(request, _("The review has no reviewer now. Choose somebody else."))
    if effect.superior is not None:
        text = _("The head of the department is named: send the case to %(unit)s.")
        messages.warning(request, text % {"unit": effect.superior.label})


def _declared(case: Case) -> list[tuple[Any, str]]:
    words = {
        "accept": _("on accepting"), "sign": _("on signing for it"), "claim": _("on taking it"),
        "approve": _("on deciding"), "review": _("on reviewing"),
    }  # fmt: skip
    return [(row, words.get(row.act, row.act)) for row in recusal.declarations(case)]


def _fetch(request: StaffRequest, number: str) -> Case:
    return case_page.rows_for_page().fetch(request.scope, number=number)


def _rows(request: StaffRequest, case: Case) -> CaseQuerySet:
    return Case.objects.visible_to(request.scope).filter(pk=case.pk)


def _after(request: StaffRequest, case: Case) -> str:
    """Return the page of the case, or the list when the reader sees it no more."""
    return case.get_absolute_url() if _rows(request, case).exists() else reverse("cases")


def _back(request: StaffRequest, case: Case) -> HttpResponse:
    return redirect(_after(request, case))


def _dialog(request: StaffRequest, form: forms.Form, case: Case, **words: Any) -> HttpResponse:
    context = {"form": form, "back": case.get_absolute_url(), **words}
    return form_answer(request, context, status=422 if form.errors else 200)


def _not_here() -> str:
    return _("You may read this, but not do that here.")


_now = timezone.now
