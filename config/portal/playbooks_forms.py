"""Forms of the playbooks: one step, and the switches of a version."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import Severity
from complaints.models import PlaybookStep
from complaints.teamwork.playbook_drafting import LONGEST_MINUTES, LONGEST_NAME, StepData
from config.portal.routing_words import Lists, path_of
from config.shared.forms import CleanText, VersionedForm

_PLAIN = (
    "name_en", "name_zh", "types", "lines", "emergency", "care", "emotion", "mandatory",
)  # fmt: skip
_UNITS = {"minutes": 1, "hours": 60, "days": 1440}


class StepForm(VersionedForm):
    """What is to be done, for which cases, by when; `number` tells the draft from a later one."""

    number = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    name_en = CleanText(label=gettext_lazy("Name, English"), max_length=LONGEST_NAME)
    name_zh = CleanText(label=gettext_lazy("Name, Chinese"), max_length=LONGEST_NAME)
    types = forms.MultipleChoiceField(
        label=gettext_lazy("Types"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked = every type."),
    )  # fmt: skip
    lines = forms.MultipleChoiceField(
        label=gettext_lazy("Business lines"), required=False,
        widget=forms.SelectMultiple(attrs={"size": 7}),
        help_text=gettext_lazy("None chosen = every line. A group stands for all lines in it."),
    )  # fmt: skip
    severities = forms.MultipleChoiceField(
        label=gettext_lazy("Severities"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked = every severity."),
    )  # fmt: skip
    mandatory = forms.BooleanField(label=gettext_lazy("Mandatory"), required=False)
    amount = forms.IntegerField(
        label=gettext_lazy("Due after"), required=False, min_value=1, max_value=LONGEST_MINUTES,
        help_text=gettext_lazy("From the moment the step opens, day and night. Empty = no limit."),
    )  # fmt: skip
    unit = forms.ChoiceField(
        label=gettext_lazy("Counted in"),
        choices=(
            ("minutes", gettext_lazy("minutes")),
            ("hours", gettext_lazy("hours")),
            ("days", gettext_lazy("days")),
        ),
    )
    emergency = forms.BooleanField(
        label=gettext_lazy("Emergency plan: opens at severity critical"), required=False
    )
    care = forms.BooleanField(
        label=gettext_lazy("Care action: opens by the customer's emotion"), required=False
    )
    emotion = forms.TypedChoiceField(
        label=gettext_lazy("From emotion"), required=False, coerce=int, empty_value=None
    )
    media_risk = forms.BooleanField(
        label=gettext_lazy("Only where media risk is noted"), required=False
    )

    def __init__(
        self, *args: Any, known: Lists, step: PlaybookStep | None = None, **options: Any
    ) -> None:
        """Fill in `step`; offer the lists in use and what the step names already."""
        super().__init__(*args, **options)
        if step is not None:
            given = {name: getattr(step, name) for name in _PLAIN}
            given["severities"] = [str(one) for one in step.severities]
            given |= {"media_risk": step.media, **_amount(step.minutes)}
            self.initial = {**given, **self.initial}
        self._offer("types", [(x.code, path_of(x)) for x in known.in_use("feedback_type")])
        self._offer("lines", [(x.code, path_of(x)) for x in known.in_use("business_line")])
        self._offer("severities", [(str(x.value), str(x.label)) for x in Severity])
        emotions = ((3, _("3, anxious")), (4, _("4, angry")), (5, _("5, extreme")))
        field: Any = self.fields["emotion"]
        field.choices = [("", _("3, anxious (usual)")), *emotions[1:]]

    @property
    def stored(self) -> StepData:
        """The step as the model keeps it; only of a valid form."""
        given = self.cleaned_data
        minutes = given["amount"] and given["amount"] * _UNITS[given["unit"]]
        return StepData(
            **{name: given[name] for name in _PLAIN},
            severities=sorted(int(one) for one in given["severities"]),
            minutes=minutes or None,
            media=given["media_risk"],
        )

    def _offer(self, name: str, pairs: list[tuple[str, str]]) -> None:
        field: Any = self.fields[name]
        offered = {code for code, _label in pairs}
        label = _("%(name)s (no longer in use)")
        old = [(x, label % {"name": x}) for x in self.initial.get(name) or [] if x not in offered]
        field.choices = pairs + old


class SwitchesForm(VersionedForm):
    """What a version says beside its steps."""

    number = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    steps_block = forms.BooleanField(
        label=gettext_lazy("A case cannot be decided while a mandatory step is open"),
        required=False,
    )
    report_minutes = forms.IntegerField(
        label=gettext_lazy("Minutes to report a major complaint to the regulator"),
        min_value=1,
        max_value=LONGEST_MINUTES,
        help_text=gettext_lazy("From the moment the mark is set, day and night."),
    )


def _amount(minutes: int | None) -> dict[str, Any]:
    """Return a time in the largest unit that fits it whole."""
    if not minutes:
        return {"amount": None, "unit": "hours"}
    unit = next(name for name in ("days", "hours", "minutes") if minutes % _UNITS[name] == 0)
    return {"amount": minutes // _UNITS[unit], "unit": unit}
