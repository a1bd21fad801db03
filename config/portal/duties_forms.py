"""The form of one line of the duty table."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.models import DutyLine
from complaints.routing.words import PLACES
from config.portal.routing_words import Lists, path_of
from config.shared.forms import VersionedForm

_PLACES = ("@line", "@branch")


class DutyForm(VersionedForm):
    """Who does what for a kind of matter; `number` tells the draft from a later one."""

    number = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    type = forms.ChoiceField(label=gettext_lazy("Type"), required=False)
    business_line = forms.ChoiceField(
        label=gettext_lazy("Business line"),
        required=False,
        help_text=gettext_lazy("A group stands for all lines in it."),
    )
    responsible = forms.ChoiceField(
        label=gettext_lazy("Responsible"), help_text=gettext_lazy("Handles the case.")
    )
    approves = forms.ChoiceField(label=gettext_lazy("Approves"), required=False)
    consulted = forms.MultipleChoiceField(
        label=gettext_lazy("Consulted"), required=False, widget=forms.CheckboxSelectMultiple
    )
    told = forms.MultipleChoiceField(
        label=gettext_lazy("Told"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self, *args: Any, known: Lists, line: DutyLine | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        if line is not None:
            names = ("type", "business_line", "responsible", "approves", "consulted", "told")
            self.initial = {**{name: getattr(line, name) for name in names}, **self.initial}
        for name, taxonomy, everything in (
            ("type", "feedback_type", _("Every type")),
            ("business_line", "business_line", _("Every business line")),
        ):
            pairs = [(term.code, path_of(term)) for term in known.in_use(taxonomy)]
            self._offer(name, [("", everything), *pairs])
        units = [(unit.code, unit.label) for unit in known.units if unit.active]
        places = [(code, str(PLACES[code])) for code in _PLACES] + units
        self._offer("responsible", [("", _("Choose")), *places])
        self._offer("approves", [("", _("nobody")), *places])
        for name in ("consulted", "told"):
            self._offer(name, places)

    def _offer(self, name: str, pairs: list[tuple[str, str]]) -> None:
        """Offer these choices, and what the line names already."""
        field: Any = self.fields[name]
        value = self.initial.get(name) or []
        chosen = [value] if isinstance(value, str) else value
        offered = {code for code, _label in pairs}
        label = _("%(name)s (no longer in use)")
        old = [(code, label % {"name": code}) for code in chosen if code not in offered]
        field.choices = pairs + old

    @property
    def stored(self) -> dict[str, Any]:
        """The fields of the line as the model keeps them; only of a valid form."""
        names = ("type", "business_line", "responsible", "approves", "consulted", "told")
        return {name: self.cleaned_data[name] for name in names}
