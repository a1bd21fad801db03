"""The hand-over of a shift: write, sign, take over or send back; what was handed over before."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from complaints import looking_up
from complaints import shifts as room
from complaints.models import ShiftHandOver
from complaints.shifts import Item, ShiftRefused, Words
from config.shared.chips import PagerLinks
from config.shared.forms import CleanText, VersionedForm
from config.shared.htmx import form_answer, go
from config.shared.listing import Order
from config.shared.listing_pages import Page, page_of
from staff.http import StaffRequest
from staff.models import Department

SIZE: Final = 30
_NEWEST: Final = Order("newest", gettext_lazy("Newest first"), ("-begun_at", "-id"))


class WordsForm(VersionedForm):
    """The words for the next shift: one field in all, one per case of the list."""

    note = CleanText(
        label=gettext_lazy("Notes for the next shift"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "form-control"}),
    )

    def __init__(self, *args: Any, items: list[Item], **options: Any) -> None:
        """`items` are the lines shown; each gets a field of its own."""
        super().__init__(*args, **options)
        self.numbers = [item.number for item in items]
        for number in self.numbers:
            self.fields[f"r-{number}"] = CleanText(
                label=_("Note on %(number)s") % {"number": number},
                max_length=500,
                required=False,
                widget=forms.TextInput(attrs={"class": "form-control form-control-sm"}),
            )

    def words(self, kept: Words) -> Words:
        """Return the words of a valid form; what stands on lines not shown here stays."""
        given = {number: self.cleaned_data[f"r-{number}"].strip() for number in self.numbers}
        return Words(self.cleaned_data["note"], {**kept.remarks, **given})


class TakeForm(VersionedForm):
    """The signature of the incoming person."""

    read = forms.BooleanField(
        label=gettext_lazy("I have read every line and take over"),
        error_messages={"required": gettext_lazy("Read it through first, then tick this.")},
    )


class BackForm(VersionedForm):
    """Why the incoming person does not take over."""

    reason = CleanText(label=gettext_lazy("What is missing"), max_length=1000, rows=3)


@require_http_methods(["GET", "POST"])
def shifts(request: StaffRequest) -> HttpResponse:
    """Show the hand-over of a unit (`unit`, a code) as it stands; a post keeps words or signs."""
    request.scope.demand(room.AREA)
    unit = _unit(request, "view")
    if request.method == "POST":
        return _write(request, unit)
    return _page(request, unit, room.current(unit))


def _unit(request: StaffRequest, act: str) -> Department:
    """Return the unit asked for, else the own one; 404 out of reach."""
    rows = room.units(request.scope, act)
    code = looking_up.tidy(request.GET.get("unit", ""), most=20)
    own = request.user.person.department_id
    found = rows.filter(code=code).first() if code else rows.filter(pk=own).first()
    if found is None and not code:
        found = rows.first()
    if found is None:
        raise Http404
    return found


def _page(
    request: StaffRequest,
    unit: Department,
    shift: ShiftHandOver | None,
    *,
    form: WordsForm | None = None,
    take: TakeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show one hand-over: as a form while it is written, else as it was signed."""
    at = timezone.now()
    lines = room.items(unit, shift, request.scope, at)
    words = room.words_of(shift)
    signed = shift is not None and shift.out_signed_at is not None
    may = room.units(request.scope, "sign").filter(pk=unit.pk).exists()
    writes = may and not signed
    if form is None and writes:
        initial = {"note": words.note, **{f"r-{item.number}": item.remark for item in lines}}
        version = shift.version if shift else 0
        form = WordsForm(items=lines, row_version=version, initial=initial)
    mine = shift is not None and shift.out_signed_by_id == request.scope.member
    takes = may and signed and shift is not None and shift.in_signed_at is None and not mine
    context = {
        "at": at,
        "unit": unit,
        "units": list(room.units(request.scope)[:60]),
        "shift": shift,
        "note": words.note,
        "lines": [(item, form[f"r-{item.number}"] if form else None) for item in lines],
        "form": form,
        "take": take or (TakeForm(row_version=shift.version) if takes and shift else None),
        "signed": signed,
        "mine": mine,
        "home": reverse("shifts"),
    }
    return render(request, "complaints/shifts.html", context, status=status)


def _write(request: StaffRequest, unit: Department) -> HttpResponse:
    """Keep or sign what was posted; 409 keeps every word typed."""
    if not room.units(request.scope, "sign").filter(pk=unit.pk).exists():
        raise PermissionDenied
    shift, at = room.current(unit), timezone.now()
    lines = room.items(unit, shift, request.scope, at)
    form = WordsForm(request.POST, items=lines)
    if not form.is_valid():
        return _page(request, unit, shift, form=form, status=422)
    signs = request.POST.get("do") == "sign"
    verb = room.sign_out if signs else room.write
    try:
        verb(
            unit,
            form.words(room.words_of(shift)),
            actor=request.actor,
            at=at,
            expected=form.cleaned_data["version"],
        )
    except ShiftRefused as error:
        now = room.current(unit)
        form.refuse(str(error), now.version if now else 0)
        return _page(request, unit, now, form=form, status=409)
    told = _("Signed. The next shift was told.") if signs else _("The words are kept.")
    messages.success(request, told)
    return go(request, f"{reverse('shifts')}?unit={unit.code}")


@require_http_methods(["GET", "POST"])
def shift(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one hand-over; a post is the signature of the incoming person."""
    request.scope.demand(room.AREA)
    row = _row(request, pk)
    if request.method != "POST":
        return _page(request, row.department, row)
    request.scope.demand(room.AREA, "sign")
    take = TakeForm(request.POST)
    if not take.is_valid():
        return _page(request, row.department, row, take=take, status=422)
    rows = room.visible(request.scope, "sign").filter(pk=pk)
    expected = {pk: take.cleaned_data["version"]}
    try:
        if not room.sign_in(rows, actor=request.actor, at=timezone.now(), expected=expected):
            raise PermissionDenied
    except ShiftRefused as error:
        now = _row(request, pk)
        take.refuse(str(error), now.version)
        return _page(request, now.department, now, take=take, status=409)
    messages.success(request, _("You have taken over."))
    return go(request, reverse("shift", args=[pk]))


@require_http_methods(["GET", "POST"])
def shift_back(request: StaffRequest, pk: int) -> HttpResponse:
    """Send a hand-over back with a reason, instead of signing it."""
    request.scope.demand(room.AREA, "sign")
    row = _row(request, pk)
    form = BackForm(request.POST if request.method == "POST" else None, row_version=row.version)
    if form.is_valid():
        rows = room.visible(request.scope, "sign").filter(pk=pk)
        try:
            room.send_back(
                rows,
                form.cleaned_data["reason"],
                actor=request.actor,
                at=timezone.now(),
                expected={pk: form.cleaned_data["version"]},
            )
        except ShiftRefused as error:
            form.refuse(str(error), _row(request, pk).version)
        else:
            messages.success(request, _("Sent back; the outgoing shift was told."))
            return go(request, f"{reverse('shifts')}?unit={row.department.code}")
    context = {
        "form": form,
        "title": _("Send the hand-over back"),
        "act": _("Send back"),
        "lead": _("It is written and signed again; the reason stands in the record."),
        "back": reverse("shift", args=[pk]),
    }
    return form_answer(request, context, status=form.status)


@require_safe
def shift_history(request: StaffRequest) -> HttpResponse:
    """List what a unit handed over, newest first."""
    request.scope.demand(room.AREA)
    unit = _unit(request, "view")
    rows = room.visible(request.scope).filter(department=unit)
    page = page_of(rows, _NEWEST, request.GET.get("page", ""), SIZE)
    context = {
        "unit": unit,
        "units": list(room.units(request.scope)[:60]),
        "rows": page.rows,
        "links": _links(page, unit),
        "home": reverse("shift_history"),
    }
    return render(request, "complaints/shift_history.html", context)


def _links(page: Page, unit: Department) -> PagerLinks:
    """Return the addresses of the neighbouring pages."""

    def to(cursor: str) -> str:
        return f"?unit={unit.code}" + (f"&page={cursor}" if cursor else "")

    return PagerLinks(
        first="" if page.is_first else to(""),
        previous=to(page.previous) if page.previous else "",
        next=to(page.next) if page.next else "",
        last=to(page.last) if page.last else "",
    )


def _row(request: StaffRequest, pk: int) -> ShiftHandOver:
    found = room.visible(request.scope).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
