"""Group robots: which chat hears of which notices; only number and due time of a case leave."""

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.kernel import robots as kernel
from config.kernel.models import GroupRobot
from config.kernel.models.robots import RobotKind
from config.kernel.robots import RobotData, RobotRefused
from config.shared.forms import CleanText, VersionedForm
from config.shared.htmx import form_answer, go
from config.shared.words import listed
from staff.http import StaffRequest
from staff.models import Department

_PLACE: Final = "…"


class _Blanks(dict[str, object]):
    """Every fact of a notice as an ellipsis: how its title reads before there is one."""

    def __missing__(self, key: str) -> str:
        return _PLACE


@dataclass(frozen=True, slots=True)
class Line:
    """One robot as drawn."""

    robot: GroupRobot
    unit: str
    language: str
    kinds: str


class RobotForm(VersionedForm):
    """One robot; address and secret are never shown again, empty keeps them."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=RobotKind.choices)
    name = CleanText(label=gettext_lazy("Name"), max_length=80)
    department = forms.ModelChoiceField(
        Department.objects.none(),
        label=gettext_lazy("Unit of the group chat"),
        required=False,
        empty_label=gettext_lazy("The whole bank"),
        help_text=gettext_lazy("It hears only of cases this unit or a unit below it holds."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of the chat"), choices=settings.LANGUAGES
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Notices"), widget=forms.CheckboxSelectMultiple, required=False
    )
    webhook = CleanText(
        label=gettext_lazy("Address of the webhook"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Never shown again. Empty keeps the one that is stored."),
    )
    secret = CleanText(
        label=gettext_lazy("Secret"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("DingTalk and Feishu sign with it. A new address needs it again."),
    )

    def __init__(self, *args: Any, robot: GroupRobot | None, **options: Any) -> None:
        """`robot` is the row that is changed; None = a new one."""
        super().__init__(*args, row_version=robot.version if robot else 0, **options)
        units: Any = self.fields["department"]
        units.queryset = Department.objects.filter(active=True).order_by("path")
        kinds: Any = self.fields["kinds"]
        kinds.choices = _kinds()
        if robot is not None and not self.is_bound:
            self.initial = {
                "kind": robot.kind,
                "name": robot.name,
                "department": robot.department_id,
                "language": robot.language,
                "kinds": robot.kinds,
            }

    def data_of(self) -> RobotData:
        """Return the robot of a valid form."""
        values = self.cleaned_data
        return RobotData(
            kind=values["kind"],
            name=values["name"],
            department_id=values["department"].pk if values["department"] else None,
            kinds=values["kinds"],
            language=values["language"],
            webhook=values["webhook"],
            secret=values["secret"],
        )


def _kinds() -> list[tuple[str, str]]:
    """Return the notices a robot may get, in words."""
    return [(kind.key, str(kind.title) % _Blanks()) for kind in kernel.offered()]


@require_safe
def robots(request: StaffRequest) -> HttpResponse:
    """List the robots; two queries."""
    request.scope.demand("robots")
    rows = list(GroupRobot.objects.order_by("name"))
    units = Department.objects.in_bulk({row.department_id for row in rows if row.department_id})
    names, languages = dict(_kinds()), dict(settings.LANGUAGES)
    lines = [
        Line(
            row,
            units[row.department_id].label if row.department_id in units else _("The whole bank"),
            str(languages.get(row.language, row.language)),
            listed(names.get(key, key) for key in row.kinds),
        )
        for row in rows
    ]
    context = {
        "lines": lines,
        "may_edit": request.scope.may("robots", "edit"),
        "hosts": listed(settings.ROBOT_HOSTS),
    }
    return render(request, "portal/robots.html", context)


@require_http_methods(["GET", "POST"])
def robot_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add a robot or change one; 422 in words, 409 when somebody was faster."""
    request.scope.demand("robots", "edit")
    robot = _row(pk) if pk is not None else None
    form = RobotForm(request.POST if request.method == "POST" else None, robot=robot)
    if form.is_valid() and _put(request, form, robot):
        messages.success(request, _("The robot is saved. Send it a test message."))
        return go(request, reverse("robots"))
    context = {
        "form": form,
        "title": robot.name if robot else _("New group robot"),
        "act": _("Save"),
        "lead": _("Only the number and the due time of a case leave for a group chat."),
        "back": reverse("robots"),
    }
    return form_answer(request, context, status=form.status)


def _put(request: StaffRequest, form: RobotForm, robot: GroupRobot | None) -> bool:
    """Save a valid form; False leaves the refusal in it."""
    at = timezone.now()
    try:
        if robot is None:
            kernel.add_robots([form.data_of()], actor=request.actor, at=at)
        else:
            rows = GroupRobot.objects.filter(pk=robot.pk)
            expected = {robot.pk: form.cleaned_data["version"]}
            kernel.change_robots(
                rows, form.data_of(), actor=request.actor, at=at, expected=expected
            )
    except RobotRefused as error:
        if error.code == "stale" and robot is not None:
            form.refuse(str(error), GroupRobot.objects.get(pk=robot.pk).version)
        else:
            form.add_error(error.code, str(error))
        return False
    return True


@require_POST
def robot_switch(request: StaffRequest, pk: int) -> HttpResponse:
    """Switch a robot on or off; when somebody was faster nothing changes."""
    request.scope.demand("robots", "edit")
    robot = _row(pk)
    given = request.POST.get("version", "")
    seen = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
    on = request.POST.get("on") == "1"
    try:
        kernel.switch_robots(
            GroupRobot.objects.filter(pk=robot.pk),
            active=on,
            actor=request.actor,
            at=timezone.now(),
            expected={robot.pk: seen},
        )
    except RobotRefused as error:
        messages.warning(request, str(error))
        return redirect("robots")
    messages.success(request, _("Switched on.") if on else _("Switched off."))
    return redirect("robots")


@require_POST
def robot_try(request: StaffRequest, pk: int) -> HttpResponse:
    """Queue a test message; how it went stands among the messages out."""
    request.scope.demand("robots", "edit")
    robot = _row(pk)
    rows = GroupRobot.objects.filter(pk=robot.pk)
    if kernel.try_robots(rows, actor=request.actor, at=timezone.now()):
        messages.success(request, _("The test message is on its way; see Messages out."))
    else:
        messages.warning(request, _("Switch the robot on first."))
    return redirect("robots")


def _row(pk: int) -> GroupRobot:
    found = GroupRobot.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
