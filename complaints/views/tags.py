"""Tags: the page of the list, and the tags of one case."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints import looking_up, tag_list, tagging
from complaints.models import Case
from complaints.reach import reaches
from config.kernel.models import Term
from config.shared.forms import CleanText, VersionedForm
from config.shared.htmx import changed, close_dialog, form_answer, go, is_htmx, toast
from config.shared.listing import MANY
from staff.http import StaffRequest

_OFFERED: Final = 12


class NamesForm(VersionedForm):
    """The two names of a tag."""

    name_en = CleanText(label=gettext_lazy("English name"), max_length=40)
    name_zh = CleanText(label=gettext_lazy("Chinese name"), max_length=20)


class IntoForm(VersionedForm):
    """Which tag the cases have from now on."""

    into = forms.ChoiceField(label=gettext_lazy("Becomes"))


@require_GET
def tags(request: StaffRequest) -> HttpResponse:
    """Show the list of tags; the figures come afterwards."""
    request.scope.demand("tags")
    rows = tag_list.every()
    labels = {term.code: term.label for term in rows}
    context = {
        "lines": [
            {"term": term, "into": labels.get(str(term.flags.get("merged_into", "")), "")}
            for term in rows
        ],
        "may_edit": request.scope.may("tags", "edit"),
        "may_count": request.scope.may("cases"),
    }
    return render(request, "complaints/tags.html", context)


@require_GET
def tag_counts(request: StaffRequest) -> HttpResponse:
    """Answer with the figures beside the tags; asked for after the page has been shown."""
    request.scope.demand("tags")
    request.scope.demand("cases")
    found = tag_list.counts(request.scope)
    counts = [(code, None if n > MANY else n) for code, n in sorted(found.items())]
    return render(request, "complaints/tags_counts.html", {"counts": counts})


@require_http_methods(["GET", "POST"])
def tag_new(request: StaffRequest) -> HttpResponse:
    """Ask for the names of a new tag, and add it."""
    request.scope.demand("tags", "edit")
    form = NamesForm(request.POST if request.method == "POST" else None, row_version=0)
    if form.is_valid():
        given = form.cleaned_data
        return _try(request, form, _("New tag"), _("Add the tag"), lambda: tag_list.create(
            given["name_en"], given["name_zh"], actor=request.actor, at=timezone.now()
        ))  # fmt: skip
    return _form(request, form, _("New tag"), _("Add the tag"))


@require_http_methods(["GET", "POST"])
def tag_edit(request: StaffRequest, code: str) -> HttpResponse:
    """Ask for other names of a tag, and rename it; 409 when somebody was faster."""
    term = tag_list.fetch(request.scope, code)
    names = {"name_en": term.name_en, "name_zh": term.name_zh}
    data = request.POST if request.method == "POST" else None
    form = NamesForm(data, row_version=term.version, initial=names)
    if form.is_valid():
        given = form.cleaned_data
        seen = _seen(term, form)
        return _try(request, form, _("Rename the tag"), _("Save"), lambda: tag_list.rename(
            seen, given["name_en"], given["name_zh"], actor=request.actor, at=timezone.now()
        ))  # fmt: skip
    return _form(request, form, _("Rename the tag"), _("Save"))


@require_http_methods(["GET", "POST"])
def tag_merge(request: StaffRequest, code: str) -> HttpResponse:
    """Ask into which tag it is merged, and do it; many cases are moved in the background."""
    term = tag_list.fetch(request.scope, code)
    form = IntoForm(request.POST if request.method == "POST" else None, row_version=term.version)
    others = {row.code: row for row in tagging.usable() if row.pk != term.pk}
    pairs = [("", _("Choose a tag")), *((row.code, row.label) for row in others.values())]
    form.fields["into"].choices = pairs  # type: ignore[attr-defined]
    title = _("Merge “%(tag)s” into another tag") % {"tag": term.label}
    lead = _("Every case gets the other tag; rules that set this one set the other from now on.")
    if form.is_valid():
        into, seen = others[form.cleaned_data["into"]], _seen(term, form)
        return _try(request, form, title, _("Merge"), lambda: tag_list.merge(
            seen, into, actor=request.actor, at=timezone.now()
        ))  # fmt: skip
    return _form(request, form, title, _("Merge"), lead)


@require_http_methods(["GET", "POST"])
def tag_retire(request: StaffRequest, code: str) -> HttpResponse:
    """Ask, and take a tag out of use; a retired one is put into use again."""
    term = tag_list.fetch(request.scope, code)
    verb = tag_list.retire if term.active else tag_list.restore
    title = _("Retire “%(tag)s”") if term.active else _("Use “%(tag)s” again")
    lead = _("Cases keep it; nobody can add it any more.") if term.active else ""
    act = _("Retire") if term.active else _("Use again")
    form = VersionedForm(
        request.POST if request.method == "POST" else None, row_version=term.version
    )
    title %= {"tag": term.label}
    if form.is_valid():
        seen = _seen(term, form)
        return _try(request, form, title, act, lambda: verb(
            seen, actor=request.actor, at=timezone.now()
        ))  # fmt: skip
    return _form(request, form, title, act, lead)


@require_http_methods(["GET", "POST"])
def case_tags(request: StaffRequest, number: str) -> HttpResponse:
    """Offer the tags in use, and put one on the case; POST with `tag`."""
    case = _case(request, number)
    if request.method == "GET":
        return _offer(request, case)
    code = looking_up.tidy(request.POST.get("tag", ""), most=20)
    if not code:
        return _offer(request, case, problem=_("Choose a tag from the list."), status=422)
    rows = Case.objects.visible_to(request.scope, "tag").filter(pk=case.pk)
    return _answer(request, case, tagging.add(rows, [code], actor=request.actor, at=timezone.now()))


@require_GET
def case_tag_find(request: StaffRequest, number: str) -> HttpResponse:
    """Answer with the options of the combobox: tags whose name holds what was typed."""
    case = _case(request, number)
    return render(request, "complaints/tags_options.html", {"options": _options(request, case)})


@require_POST
def case_tag_drop(request: StaffRequest, number: str) -> HttpResponse:
    """Take a tag off the case."""
    case = _case(request, number)
    code = looking_up.tidy(request.POST.get("tag", ""), most=20)
    rows = Case.objects.visible_to(request.scope, "tag").filter(pk=case.pk)
    return _answer(
        request, case, tagging.drop(rows, [code], actor=request.actor, at=timezone.now())
    )


def _case(request: StaffRequest, number: str) -> Case:
    """Return a case the reader sees and may tag, or refuse."""
    case = Case.objects.prefetch_related("tags__term").fetch(request.scope, number=number)
    if not reaches(case, request.scope, "tag"):
        raise PermissionDenied(_("You may read this, but not do that here."))
    return case


def _options(request: StaffRequest, case: Case) -> list[Term]:
    asked = looking_up.tidy(request.GET.get("find", ""), most=40).casefold()
    has = {row.term_id for row in case.tags.all()}
    return [
        term
        for term in tagging.usable()
        if term.pk not in has and asked in f"{term.name_en}\n{term.name_zh}".casefold()
    ][:_OFFERED]


def _offer(
    request: StaffRequest, case: Case, *, problem: str | Promise = "", status: int = 200
) -> HttpResponse:
    context = {
        "case": case, "chips": tagging.chips(case), "options": _options(request, case),
        "problem": problem, "back": case.get_absolute_url(),
    }  # fmt: skip
    part = "tags_case" if is_htmx(request) else "tags_case_page"
    return render(request, f"complaints/{part}.html", context, status=status)


def _answer(request: StaffRequest, case: Case, answers: list[tagging.Tagged]) -> HttpResponse:
    """Say what became of it; the page reads the head of the case again."""
    if not answers:
        raise Http404
    why = answers[0].why
    if not is_htmx(request):
        if why:
            messages.warning(request, why)
        return go(request, case.get_absolute_url())
    if why:
        return toast(HttpResponse(status=409, headers={"HX-Reswap": "none"}), why, tone="bad")
    answer = HttpResponse(headers={"HX-Reswap": "none"})
    return changed(close_dialog(answer), "case-changed")


def _seen(term: Term, form: VersionedForm) -> Term:
    """Return the tag with the version that the reader saw."""
    term.version = form.cleaned_data["version"]
    return term


def _try(request: StaffRequest, form: VersionedForm, title: str, act: str, do: Any) -> HttpResponse:
    """Carry a change of the list out; a refusal is shown in the form."""
    try:
        do()
    except tag_list.TagChanged as stale:
        code = request.resolver_match.kwargs.get("code", "") if request.resolver_match else ""
        form.refuse(str(stale), tag_list.fetch(request.scope, code).version)
    except tag_list.TagRefused as refused:
        form.add_error(None, str(refused))
    else:
        messages.success(request, _("The list of tags is saved."))
        return go(request, reverse("tags"))
    return _form(request, form, title, act)


def _form(
    request: StaffRequest, form: VersionedForm, title: str, act: str, lead: str = ""
) -> HttpResponse:
    context = {"form": form, "title": title, "act": act, "lead": lead, "back": reverse("tags")}
    return form_answer(request, context, status=form.status)


__all__ = [
    "case_tag_drop",
    "case_tag_find",
    "case_tags",
    "tag_counts",
    "tag_edit",
    "tag_merge",
    "tag_new",
    "tag_retire",
    "tags",
]
