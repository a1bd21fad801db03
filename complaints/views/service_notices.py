"""Service notices: the list of those that hold, come and were; writing, changing, withdrawing."""

from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from complaints import service_notices as room
from complaints.choices import ServiceNoticeKind
from complaints.forms import MomentField
from complaints.models import ServiceNotice
from complaints.service_notices import NoticeData, NoticeRefused
from complaints.workflow.lookups import term
from config.kernel import terms
from config.shared.chips import PagerLinks
from config.shared.forms import CleanText, VersionedForm
from config.shared.htmx import form_answer, go
from config.shared.listing import Order
from config.shared.listing_pages import BIGGEST, page_of
from staff.http import StaffRequest
from staff.models import Department

SIZE: Final = 30
MOST: Final = 100
_NEWEST: Final = Order("ended", gettext_lazy("Last ended first"), ("-ends_at", "-id"))
_ON_FIELDS: Final = frozenset({"kind", "shown_from", "ends_at", "release"})


class NoticeForm(VersionedForm):
    """One notice, in both languages of the portal."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=ServiceNoticeKind.choices)
    title_en = CleanText(label=gettext_lazy("Title in English"), max_length=120)
    title_zh = CleanText(label=gettext_lazy("Title in Chinese"), max_length=120)
    text_en = CleanText(
        label=gettext_lazy("Text in English"), max_length=500, rows=2, required=False
    )
    text_zh = CleanText(
        label=gettext_lazy("Text in Chinese"), max_length=500, rows=2, required=False
    )
    shown_from = MomentField(label=gettext_lazy("Shown from"))
    starts_at = MomentField(label=gettext_lazy("Starts"))
    ends_at = MomentField(label=pgettext_lazy("of a notice", "Ends"))
    branch = forms.ModelChoiceField(
        Department.objects.none(), label=gettext_lazy("Branch"), required=False
    )
    line = forms.ChoiceField(label=gettext_lazy("Business line"), required=False)
    cause = forms.ChoiceField(label=gettext_lazy("Root cause"), required=False)
    release = CleanText(label=gettext_lazy("Release"), max_length=60, required=False)
    template = forms.SlugField(
        label=gettext_lazy("Code of the reply template"), max_length=40, required=False
    )

    def __init__(
        self, *args: Any, notice: ServiceNotice | None, at: datetime, **options: Any
    ) -> None:
        """`notice` is the row that is changed; None = a new one, from the next full hour on."""
        super().__init__(*args, row_version=notice.version if notice else 0, **options)
        fields: Any = self.fields
        fields["branch"].queryset = Department.objects.filter(active=True, kind="branch")
        for name, taxonomy in (("line", "business_line"), ("cause", "cause")):
            fields[name].choices = [("", _("Choose")), *terms.choices(taxonomy)]
        if not self.is_bound:
            self.initial = _initial(notice, at)

    def data_of(self) -> NoticeData:
        """Return the notice of a valid form."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        values["line"] = term("business_line", values["line"])
        values["cause"] = term("cause", values["cause"])
        return NoticeData(**values)


def _initial(notice: ServiceNotice | None, at: datetime) -> dict[str, Any]:
    now = timezone.localtime(at).replace(second=0, microsecond=0)
    if notice is None:
        return {"shown_from": now, "starts_at": now}
    plain = {
        name: getattr(notice, name)
        for name in ("kind", "title_en", "title_zh", "text_en", "text_zh", "release", "template")
    }
    moments = {
        name: timezone.localtime(getattr(notice, name))
        for name in ("shown_from", "starts_at", "ends_at")
    }
    return plain | moments | {
        "branch": notice.branch_id,
        "line": notice.line.code if notice.line else "",
        "cause": notice.cause.code if notice.cause else "",
    }  # fmt: skip


@require_safe
def service_notices(request: StaffRequest) -> HttpResponse:
    """List the notices that hold or come, or with `tab=history` those that are over."""
    scope, at = request.scope, timezone.now()
    scope.demand("service_notices")
    history = request.GET.get("tab") == "history"
    rows = ServiceNotice.objects.visible_to(scope).select_related("branch", "line", "cause")
    links: PagerLinks | None = None
    if history:
        over = rows.exclude(ends_at__gt=at, withdrawn_at__isnull=True)
        page = page_of(over, _NEWEST, request.GET.get("page", ""), SIZE)
        found, links = page.rows, _links(page)
    else:
        live = rows.filter(ends_at__gt=at, withdrawn_at__isnull=True)
        found = list(live.order_by("starts_at", "id")[:MOST])
    counts = room.counts(found, scope) if scope.may("cases") else {}
    context = {
        "at": at,
        "history": history,
        "lines": [_line(notice, counts.get(notice.pk, 0), at) for notice in found],
        "links": links,
        "may_edit": scope.may("service_notices", "edit"),
        "may_register": scope.may("cases", "register"),
        "sees_cases": scope.may("cases"),
    }
    return render(request, "complaints/service_notices.html", context)


def _line(notice: ServiceNotice, n: int, at: datetime) -> dict[str, Any]:
    over = notice.withdrawn_at is not None or notice.ends_at <= at
    return {
        "notice": notice,
        "n": n,
        "query": f"?state=all&notice={notice.pk}",
        "coming": not over and notice.shown_from > at,
        "over": over,
        "changeable": not over and notice.starts_at > at,
    }


def _links(page: Any) -> PagerLinks:
    """Return the addresses of the neighbouring pages."""

    def to(cursor: str) -> str:
        return f"?tab=history&page={cursor}" if cursor else "?tab=history"

    return PagerLinks(
        first="" if page.is_first else to(""),
        previous=to(page.previous) if page.previous else "",
        next=to(page.next) if page.next else "",
        last=to(page.last) if page.last else "",
    )


@require_http_methods(["GET", "POST"])
def service_notice_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Write a notice, or change one before it starts; 422 in words, 409 when overtaken."""
    request.scope.demand("service_notices", "edit")
    at = timezone.now()
    notice = _row(request, pk) if pk is not None else None
    form = NoticeForm(request.POST if request.method == "POST" else None, notice=notice, at=at)
    if form.is_valid() and _put(request, form, notice, at):
        messages.success(request, _("The notice is saved."))
        return go(request, reverse("service_notices"))
    context = {
        "form": form,
        "title": notice.title if notice else _("New service notice"),
        "act": _("Save the notice"),
        "lead": _("It stands where cases are registered, from the first time to the last."),
        "back": reverse("service_notices"),
    }
    return form_answer(request, context, status=form.status)


def _put(
    request: StaffRequest, form: NoticeForm, notice: ServiceNotice | None, at: datetime
) -> bool:
    """Save a valid form; False leaves the refusal in it."""
    try:
        if notice is None:
            room.add_notices([form.data_of()], actor=request.actor, at=at)
        else:
            rows = ServiceNotice.objects.visible_to(request.scope, "edit").filter(pk=notice.pk)
            expected = {notice.pk: form.cleaned_data["version"]}
            room.change_notices(rows, form.data_of(), actor=request.actor, at=at, expected=expected)
    except NoticeRefused as error:
        if notice is not None and error.code in {"stale", "started"}:
            form.refuse(str(error), _row(request, notice.pk).version)
        else:
            form.add_error(error.code if error.code in _ON_FIELDS else None, str(error))
        return False
    return True


class WithdrawForm(VersionedForm):
    """Nothing to fill in: only the version that was seen."""


@require_http_methods(["GET", "POST"])
def service_notice_withdraw(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask before a notice is taken back; 409 when it was changed or is over."""
    request.scope.demand("service_notices", "edit")
    notice = _row(request, pk)
    data = request.POST if request.method == "POST" else None
    form = WithdrawForm(data, row_version=notice.version)
    if form.is_valid():
        rows = ServiceNotice.objects.visible_to(request.scope, "edit").filter(pk=notice.pk)
        expected = {notice.pk: form.cleaned_data["version"]}
        try:
            room.withdraw_notices(rows, actor=request.actor, at=timezone.now(), expected=expected)
        except NoticeRefused as error:
            form.refuse(str(error), _row(request, notice.pk).version)
        else:
            messages.success(request, _("The notice is withdrawn."))
            return go(request, reverse("service_notices"))
    context = {
        "form": form,
        "title": _("Withdraw “%(title)s”") % {"title": notice.title},
        "act": _("Withdraw the notice"),
        "lead": _("It vanishes at once. Cases registered from it keep their cause."),
        "back": reverse("service_notices"),
        "danger": True,
    }
    return form_answer(request, context, status=form.status)


@require_safe
def service_notice_register(request: StaffRequest, pk: int) -> HttpResponse:
    """Go to the form of a new case with what the notice knows."""
    request.scope.demand("cases", "register")
    notice = room.usable(str(pk), request.scope, timezone.now())
    if notice is None:
        messages.info(request, _("This notice holds no longer."))
        return redirect("case_new")
    return redirect(f"{reverse('case_new')}?notice={notice.pk}")


def _row(request: StaffRequest, pk: int) -> ServiceNotice:
    """Return a notice that the reader may change, or refuse."""
    return ServiceNotice.objects.select_related("branch", "line", "cause").fetch(
        request.scope, "edit", pk=min(pk, BIGGEST)
    )
