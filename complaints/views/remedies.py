"""The ledger of remedies: promise, complete, take back; the list over all cases; budgets."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from complaints import case_page
from complaints.case_rules import rules_at, silence_ends_at
from complaints.forms import MomentField
from complaints.models import Case, CaseRemedy
from complaints.remedies import budgets, listing, money
from complaints.remedies import ledger as remedies
from complaints.remedies.listing import REMEDIES, Standing
from config.kernel import terms
from config.kernel.approvals import AskRefused
from config.kernel.files import FileRefused
from config.kernel.models import Approval
from config.shared.chips import PagerLinks
from config.shared.forms import CleanText
from config.shared.htmx import form_answer, go
from config.shared.listing_pages import BIGGEST, Page, page_of
from config.shared.worded import WordedError
from staff.http import StaffRequest
from staff.models import Department, Person


class PromiseForm(forms.Form):
    """What is promised, by whom, until when."""

    term = forms.ChoiceField(label=gettext_lazy("Remedy"))
    amount = forms.DecimalField(
        label=gettext_lazy("Sum, CNY"),
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=2,
        help_text=gettext_lazy("Only where money is paid or waived."),
    )
    owner = forms.ModelChoiceField(Person.objects.none(), label=gettext_lazy("Seen to by"))
    due_at = MomentField(label=gettext_lazy("Due"))
    words = CleanText(label=gettext_lazy("What exactly"), rows=3, max_length=2000, required=False)

    def __init__(self, *args: Any, case: Case, **options: Any) -> None:
        super().__init__(*args, **options)
        chosen: Any = self.fields["term"]
        chosen.choices = [("", _("Choose")), *terms.choices("remedy")]
        people = Person.objects.filter(active=True, account__is_active=True)
        named = case.exclusions.values("person")
        owner: Any = self.fields["owner"]
        owner.queryset = people.exclude(pk__in=named).select_related("department")
        if not self.is_bound:
            at = timezone.now()
            due = silence_ends_at(at, rules_at(at).remedy_working_days)
            self.initial = {"owner": case.handler_id, "due_at": timezone.localtime(due)}


class DoneForm(forms.Form):
    """How it was done, and the proof."""

    proof = forms.FileField(label=gettext_lazy("Proof: receipt, posting, picture"), required=False)
    words = CleanText(
        label=gettext_lazy("How it was done"), rows=2, max_length=2000, required=False
    )


class CancelForm(forms.Form):
    """Why it is taken back."""

    words = CleanText(label=gettext_lazy("Reason"), rows=2, max_length=2000)


@require_http_methods(["GET", "POST"])
def remedy_new(request: StaffRequest, number: str) -> HttpResponse:
    """Promise a remedy in this case; above the authority or the budget it is asked for."""
    case = case_page.rows_for_page().fetch(request.scope, "remedy", number=number)
    form = PromiseForm(request.POST if request.method == "POST" else None, case=case)
    if form.is_valid():
        given = form.cleaned_data
        what = remedies.Promise(
            given["term"], given["owner"].pk, given["due_at"], given["words"], given["amount"]
        )
        rows = Case.objects.visible_to(request.scope, "remedy").filter(pk=case.pk)
        try:
            made = remedies.promise(rows, what, actor=request.actor, at=timezone.now())
        except (WordedError, AskRefused) as error:
            form.add_error(None, str(error))
        else:
            asked = any(isinstance(row, Approval) for row in made)
            text = _("The remedy waits for approval.") if asked else _("The remedy is promised.")
            messages.success(request, text)
            return go(request, case.get_absolute_url())
    words = {"title": _("Promise a remedy"), "act": pgettext_lazy("remedy", "Promise")}
    return _dialog(request, form, case, words)


@require_http_methods(["GET", "POST"])
def remedy_done(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """Mark a remedy as done, with its proof; 409 when it was ended meanwhile."""
    case = case_page.rows_for_page().fetch(request.scope, "remedy", number=number)
    posted = request.POST if request.method == "POST" else None
    form = DoneForm(posted, request.FILES or None)
    row = _row(request, case, pk)
    words = {"title": _("Remedy done: %(remedy)s") % {"remedy": row.term.label}, "act": _("Save")}

    def act(given: dict[str, Any]) -> None:
        remedies.complete(
            CaseRemedy.objects.visible_to(request.scope, "remedy").filter(pk=row.pk),
            given["words"],
            proof=given["proof"],
            actor=request.actor,
            at=timezone.now(),
        )

    return _ended(request, case, form, act, words)


@require_http_methods(["GET", "POST"])
def remedy_cancel(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """Take a promised remedy back with a reason; 409 when it was ended meanwhile."""
    case = case_page.rows_for_page().fetch(request.scope, "remedy", number=number)
    form = CancelForm(request.POST if request.method == "POST" else None)
    row = _row(request, case, pk)
    title = _("Take back: %(remedy)s") % {"remedy": row.term.label}

    def act(given: dict[str, Any]) -> None:
        remedies.cancel(
            CaseRemedy.objects.visible_to(request.scope, "remedy").filter(pk=row.pk),
            given["words"],
            actor=request.actor,
            at=timezone.now(),
        )

    return _ended(request, case, form, act, {"title": title, "act": _("Take back")})


def _row(request: StaffRequest, case: Case, pk: int) -> CaseRemedy:
    """Return one remedy of a case for the act, or refuse."""
    return CaseRemedy.objects.select_related("term").fetch(
        request.scope, "remedy", case=case, pk=min(pk, BIGGEST)
    )


def _ended(
    request: StaffRequest, case: Case, form: forms.Form, act: Any, words: dict[str, Any]
) -> HttpResponse:
    """Do the act of a valid form; say what hinders it."""
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            act(form.cleaned_data)
        except (WordedError, FileRefused) as error:
            form.add_error(None, str(error))
            status = 409 if getattr(error, "code", "") == "ended" else 422
        else:
            messages.success(request, _("Saved."))
            return go(request, case.get_absolute_url())
    return _dialog(request, form, case, words, status=status)


def _dialog(
    request: StaffRequest, form: forms.Form, case: Case, words: dict[str, Any], *, status: int = 0
) -> HttpResponse:
    context = {"form": form, "back": case.get_absolute_url(), **words}
    return form_answer(request, context, status=status or (422 if form.is_bound else 200))


@require_safe
def remedies_list(request: StaffRequest) -> HttpResponse:
    """Show the remedies of all cases within reach; `state`, `mine`, `sort`, `page`."""
    scope, at = request.scope, timezone.now()
    scope.demand(REMEDIES.area)
    order = REMEDIES.order(request.GET.get("sort", ""))
    filters = REMEDIES.filters(request.GET, REMEDIES.rows(scope), scope, at)
    page = page_of(filters.qs, order, request.GET.get("page", ""), REMEDIES.page_size)
    state = request.GET.get("state", "")
    context = {
        "list": REMEDIES,
        "columns": REMEDIES.columns,
        "rows": listing.lines(list(page.rows), at),
        "order": order,
        "state": state,
        "tabs": [("", _("All")), *Standing.choices],
        "pager": _links(page, request.GET),
        "budgets": money.budgets(money.year_of(at), budgets.units(scope)),
        "may_budget": scope.may(REMEDIES.area, "budget"),
    }
    return render(request, "complaints/remedies.html", context)


def _links(page: Page, given: QueryDict) -> PagerLinks:
    """Return the addresses of the neighbouring pages."""

    def to(cursor: str) -> str:
        data = given.copy()
        data.pop("page", None)
        if cursor:
            data["page"] = cursor
        return f"?{data.urlencode()}"

    return PagerLinks(
        first="" if page.is_first else to(""),
        previous=to(page.previous) if page.previous else "",
        next=to(page.next) if page.next else "",
        last=to(page.last) if page.last else "",
    )


class BudgetForm(forms.Form):
    """What may be paid in a year, by a unit or by the whole bank."""

    year = forms.IntegerField(label=gettext_lazy("Year"), min_value=2000, max_value=2100)
    department = forms.ModelChoiceField(
        Department.objects.none(),
        label=gettext_lazy("Department"),
        required=False,
        empty_label=gettext_lazy("The whole bank"),
    )
    amount = forms.DecimalField(
        label=gettext_lazy("Amount, CNY"), min_value=0, max_digits=14, decimal_places=2
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["department"]
        field.queryset = Department.objects.filter(active=True).order_by("path", "code")


@require_http_methods(["GET", "POST"])
def remedy_budget(request: StaffRequest) -> HttpResponse:
    """Set the budget of a year; an amount for the same unit and year replaces the old one."""
    request.scope.demand(REMEDIES.area, "budget")
    initial = {"year": money.year_of(timezone.now())}
    form = BudgetForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        given = form.cleaned_data
        budgets.set_budget(
            given["year"],
            given["department"],
            given["amount"],
            actor=request.actor,
            at=timezone.now(),
        )
        messages.success(request, _("The budget is set."))
        return go(request, redirect("remedies").url)
    context = {
        "form": form,
        "title": _("Budget of remedies"),
        "act": _("Set the budget"),
        "lead": _("Money beyond a budget is decided by a senior approver."),
        "back": redirect("remedies").url,
    }
    return form_answer(request, context, status=422 if form.is_bound else 200)


@require_safe
def remedy_proof(request: StaffRequest, number: str, pk: int) -> HttpResponseBase:
    """Send the proof of a remedy of a case within reach."""
    case = case_page.rows_for_page().fetch(request.scope, number=number)
    row = CaseRemedy.objects.select_related("proof").fetch(
        request.scope, case=case, pk=min(pk, BIGGEST)
    )
    if row.proof is None or row.proof.erased_at is not None:
        raise Http404
    return budgets.proof_of(case, row, actor=request.actor, at=timezone.now())
