"""Saved views of the case list: keep, share, rename, order, drop; and what is for one alone."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from complaints import looking_up, looks
from complaints.lists import CASES
from complaints.views.queue import list_for
from config.kernel import saved
from config.kernel.models import SavedView
from config.shared.forms import CleanText
from config.shared.htmx import form_answer, go, is_htmx
from staff.http import StaffRequest
from staff.models.accounts import Role

_ALL: Final = "all"
"""The choice "everybody" of the field `role`; an empty one is a view of one's own."""


class ViewForm(forms.Form):
    """The name of a view and, for who may share, whose it is; `query` is the filter it keeps."""

    name = CleanText(label=pgettext_lazy("of a view", "Name"), max_length=60)
    name_zh = CleanText(label=gettext_lazy("Name in Chinese"), max_length=60, required=False)
    role = forms.ChoiceField(label=gettext_lazy("Who sees it"), required=False)
    opens = forms.BooleanField(label=gettext_lazy("The list opens with this view"), required=False)
    query = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, shares: bool, **options: Any) -> None:
        """`shares`: the reader may show views to others."""
        super().__init__(*args, **options)
        if not shares:
            del self.fields["name_zh"], self.fields["role"]
            return
        field = self.fields["role"]
        field.choices = [  # type: ignore[attr-defined]
            ("", _("Only me")),
            (_ALL, _("Everybody")),
            *Role.choices,
        ]

    def clean_name(self) -> str:
        """Return the name on one line."""
        return looking_up.tidy(self.cleaned_data["name"], most=60)

    def label(self) -> saved.Label:
        """Return what was filled in."""
        given = self.cleaned_data
        role = given.get("role") or None
        return saved.Label(
            name_en=given["name"],
            name_zh=looking_up.tidy(given.get("name_zh") or "", most=60),
            role="" if role == _ALL else role,
            opens=given["opens"],
        )


@require_http_methods(["GET", "POST"])
def view_new(request: StaffRequest) -> HttpResponse:
    """Ask for a name and keep the list as it stands under it; the same name is replaced."""
    request.scope.demand("cases")
    first = {"query": request.GET.urlencode()[:2000]}
    data = request.POST if request.method == "POST" else None
    form = ViewForm(data, initial=first, shares=request.scope.may("views", "share"))
    if form.is_valid() and request.scope.member is not None:
        label, look = form.label(), _look(request, form.cleaned_data["query"])
        try:
            if label.role is None:
                view = saved.keep_own(CASES.key, label, look, person_id=request.scope.member)
            else:
                at = timezone.now()
                view = saved.share(CASES.key, label, look, actor=request.actor, at=at)
        except saved.NotSaved as refused:
            form.add_error("name", str(refused))
        else:
            looks.forget_density(request.scope, looks.code_of(view))
            return go(request, f"{reverse('cases')}?{looks.address_of(view)}")
    lead = _("Filters, order, columns and density are kept as a tab.")
    return _asked(request, form, _("Save this view"), lead, reverse("cases_view_new"))


@require_safe
def view_list(request: StaffRequest) -> HttpResponse:
    """Show the own views and, to who may share, the shared ones; each can be changed."""
    shares = _demand(request)
    rows = _changeable(request).order_by("role", "order", "pk")
    roles = dict(Role.choices)
    groups: dict[str, list[SavedView]] = {}
    for view in rows:
        title = _("My own") if view.person_id else str(roles.get(view.role, _("Everybody")))
        groups.setdefault(title, []).append(view)
    ordered = sorted(groups.items(), key=lambda group: group[1][0].person_id is None)
    context = {"groups": ordered, "shares": shares, "in_reach": request.scope.may("cases")}
    return render(request, "complaints/queue_views.html", context)


@require_http_methods(["GET", "POST"])
def view_edit(request: StaffRequest, pk: int) -> HttpResponse:
    """Rename a view, show it to a role, or have the list open with it."""
    shares = _demand(request)
    view = _fetch(request, pk)
    first = {
        "name": view.name_en,
        "name_zh": view.name_zh,
        "role": "" if view.person_id else view.role or _ALL,
        "opens": view.opens,
    }
    data = request.POST if request.method == "POST" else None
    form = ViewForm(data, initial=first, shares=shares)
    if view.person_id is None:
        form.fields["role"].choices = form.fields["role"].choices[1:]  # type: ignore[attr-defined]
    if form.is_valid():
        try:
            label, at = form.label(), timezone.now()
            saved.change_label(view, label, actor=request.actor, at=at)
        except saved.NotSaved as refused:
            form.add_error("name", str(refused))
        else:
            return go(request, reverse("cases_views"))
    address = reverse("cases_view_edit", args=[pk])
    return _asked(request, form, _("Name and readers"), "", address, back="cases_views")


@require_POST
def view_save(request: StaffRequest, pk: int) -> HttpResponse:
    """Write the list as it stands into a view: filters, order, columns, density."""
    request.scope.demand("cases")
    view = _fetch(request, pk)
    query = request.POST.get("query", "")[:2000]
    try:
        look = _look(request, query)
        saved.change_look(view, look, actor=request.actor, at=timezone.now())
    except saved.NotSaved as refused:
        messages.error(request, str(refused))
        return redirect(f"{reverse('cases')}?{query}")
    looks.set_columns(request.scope, looks.code_of(view), [])
    looks.forget_density(request.scope, looks.code_of(view))
    messages.success(request, _("The view is saved."))
    return redirect(f"{reverse('cases')}?{looks.address_of(view)}")


@require_POST
def view_move(request: StaffRequest, pk: int) -> HttpResponse:
    """Move a view one place up or down."""
    _demand(request)
    saved.move_view(_fetch(request, pk), -1 if request.POST.get("way") == "up" else 1)
    return redirect("cases_views")


@require_POST
def view_drop(request: StaffRequest, pk: int) -> HttpResponse:
    """Forget a view; one of the bank or of somebody else stays, but for who may share."""
    _demand(request)
    view = _changeable(request).filter(pk=pk).first()
    if view is not None:
        saved.drop(view, actor=request.actor, at=timezone.now())
        messages.success(request, _("The view is gone."))
    return redirect("cases_views")


@require_POST
def look(request: StaffRequest) -> HttpResponse:
    """Set what is for this person alone: density, columns of a view; or take it back."""
    request.scope.demand("cases")
    data = _asked_for(request.POST.get("query", ""))
    code, act = looking_up.tidy(data.get("view", ""), most=40), request.POST.get("act")
    if act == "density":
        looks.set_density(request.scope, code, compact=request.POST.get("compact") == "1")
        if is_htmx(request):
            return list_for(request, data)
    elif act == "columns":
        keys = CASES.chosen(data.getlist("col"))
        looks.set_columns(request.scope, code, [column.key for column in keys])
        data.pop("col", None)
    elif act == "default":
        looks.set_columns(request.scope, code, [])
        data.pop("col", None)
    elif act == "discard":
        looks.forget_density(request.scope, code)
        view = next((v for v in looks.saved_views(request.scope) if looks.code_of(v) == code), None)
        return redirect(f"{reverse('cases')}?{looks.address_of(view) if view else ''}")
    return redirect(f"{reverse('cases')}?{data.urlencode()}")


def _asked(
    request: StaffRequest,
    form: ViewForm,
    title: str,
    lead: str,
    action: str,
    back: str = "cases",
) -> HttpResponse:
    """Show a form of this module as a dialog or a page."""
    context = {
        "form": form,
        "title": title,
        "lead": lead,
        "act": _("Save"),
        "action": action,
        "back": reverse(back),
    }
    return form_answer(request, context, status=422 if form.is_bound else 200)


def _look(request: StaffRequest, query: str) -> saved.Look:
    """Return the list as an address shows it to this person."""
    views = looks.saved_views(request.scope)
    data = _asked_for(query)
    shown = looks.shown(data, views, looks.own(request.scope))
    default = [column.key for column in CASES.chosen([])]
    columns = [] if shown.keys == default else shown.keys
    return saved.Look(looks.kept(data), columns, shown.compact)


def _asked_for(query: str) -> QueryDict:
    return QueryDict(query[:2000], mutable=True)


def _demand(request: StaffRequest) -> bool:
    """Refuse who neither reads cases nor shares views; return whether they may share."""
    shares = request.scope.may("views", "share")
    if not shares and not request.scope.may("cases"):
        raise PermissionDenied
    return shares


def _changeable(request: StaffRequest) -> Any:
    return saved.changeable(
        CASES.key,
        person_id=request.scope.member or 0,
        shares=request.scope.may("views", "share"),
    )


def _fetch(request: StaffRequest, pk: int) -> SavedView:
    """Return a view this person may change, else 404."""
    view: SavedView = get_object_or_404(_changeable(request), pk=pk)
    return view
