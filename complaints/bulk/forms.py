"""What each act asks for; no rule is decided here."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import tagging
from complaints.bulk.choosing import Picked
from complaints.bulk.results import What
from complaints.choices import OPEN, Severity
from complaints.models import Case
from config.kernel import terms
from config.shared.forms import CleanText
from config.shared.scope import Scope
from staff.models import Department, Person


class BulkForm(forms.Form):
    """Base: `key` makes a form that was sent twice one act."""

    key = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, picked: Picked, scope: Scope, **options: Any) -> None:
        """Keep the chosen cases; subclasses offer what fits them."""
        super().__init__(*args, **options)
        self.picked, self.scope = picked, scope
        self.fields["key"].initial = uuid4().hex
        self.offer()

    def offer(self) -> None:
        """Fill in what can be chosen."""

    def what(self) -> What:
        """Return what the act is given."""
        return What()

    def kept(self, picked: Picked) -> Picked:
        """Return the cases the act is about, once the form is valid."""
        return picked


class NoteForm(BulkForm):
    """Nothing but an optional note."""

    note = CleanText(label=gettext_lazy("Note"), max_length=2000, required=False, rows=2)

    def what(self) -> What:
        """Return the note."""
        return What(words={"note": self.cleaned_data["note"]})


class ReasonForm(BulkForm):
    """A reason that must be given."""

    reason = CleanText(label=gettext_lazy("Reason"), max_length=2000, rows=2)


class HandlerForm(NoteForm):
    """Who handles the cases: somebody of the departments that hold them."""

    handler = forms.ChoiceField(label=gettext_lazy("Handler"))
    field_order = ("handler", "note")

    def offer(self) -> None:
        """Offer the active people of these departments, grouped where there are several."""
        people = Person.objects.active().filter(department__in=self.picked.departments)
        self.people = {
            person.staff_no: person
            for person in people.select_related("department").order_by("department", "staff_no")
        }
        groups: dict[str, list[tuple[str, str]]] = {}
        for person in self.people.values():
            groups.setdefault(person.department.label, []).append((person.staff_no, person.label))
        choices: list[Any] = [*groups.items()]
        if len(groups) == 1:
            choices = next(iter(groups.values()))
        _choose(self, "handler", choices, _("Choose a person"))

    def what(self) -> What:
        """Return the person and the note."""
        handler = self.people[self.cleaned_data["handler"]].pk
        return What({"handler": handler}, {"note": self.cleaned_data["note"]})


class DepartmentForm(NoteForm):
    """Which department gets the cases."""

    department = forms.ModelChoiceField(
        Department.objects.none(),
        label=gettext_lazy("Department"),
        to_field_name="code",
        empty_label=gettext_lazy("Choose a department"),
    )
    field_order = ("department", "note")

    def offer(self) -> None:
        """Offer the units that still work."""
        field = self.fields["department"]
        field.queryset = Department.objects.active().order_by("kind", "path", "code")  # type: ignore[attr-defined]

    def what(self) -> What:
        """Return the unit and the note."""
        given = self.cleaned_data
        return What({"department": given["department"].pk}, {"note": given["note"]})


class ClassifyForm(BulkForm):
    """What the cases are about; what is left empty stays as it is."""

    business_line = forms.ChoiceField(label=gettext_lazy("Business line"), required=False)
    nature = forms.ChoiceField(label=gettext_lazy("Nature"), required=False)
    cause = forms.ChoiceField(label=gettext_lazy("Root cause"), required=False)
    trigger = forms.ChoiceField(label=gettext_lazy("Trigger point"), required=False)
    release = forms.CharField(
        label=gettext_lazy("Release"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("For causes that lie in a change."),
    )
    reason = CleanText(
        label=gettext_lazy("Reason"),
        max_length=2000,
        required=False,
        rows=2,
        help_text=gettext_lazy("Needed where a classification that was set is corrected."),
    )
    LISTS: Final = {
        "business_line": "business_line",
        "nature": "nature",
        "cause": "cause",
        "trigger": "trigger_point",
    }

    def offer(self) -> None:
        """Offer the entries in use; of causes those of the second level."""
        for name, taxonomy in self.LISTS.items():
            rows = [t for t in terms.of(taxonomy) if name != "cause" or t.parent_id]
            _choose(self, name, [(t.code, terms.path(t)) for t in rows], _("Leave as it is"))

    def clean(self) -> dict[str, Any]:
        """Refuse a form in which nothing was chosen."""
        given = super().clean() or {}
        if not any(given.get(name) for name in (*self.LISTS, "release")):
            raise forms.ValidationError(_("Choose at least one thing to set."), code="empty")
        return given

    def what(self) -> What:
        """Return the codes to set and the reason."""
        given = self.cleaned_data
        codes = {name: given[name] for name in (*self.LISTS, "release") if given[name]}
        return What(codes, {"reason": given["reason"]})


class SeverityForm(ReasonForm):
    """How grave the cases are from now on."""

    severity = forms.TypedChoiceField(label=gettext_lazy("Severity"), coerce=int)
    field_order = ("severity", "reason")

    def offer(self) -> None:
        """Offer what severity can be raised to."""
        pairs = [(str(value), str(label)) for value, label in Severity.choices[1:]]
        _choose(self, "severity", pairs, _("Choose a severity"))

    def what(self) -> What:
        """Return the severity and the reason."""
        given = self.cleaned_data
        return What({"severity": given["severity"]}, {"reason": given["reason"]})


class TagForm(BulkForm):
    """Which tags the cases get."""

    tags = forms.MultipleChoiceField(
        label=gettext_lazy("Tags"), widget=forms.CheckboxSelectMultiple
    )

    def offer(self) -> None:
        """Offer the tags in use."""
        pairs = [(term.code, term.label) for term in tagging.usable()]
        self.fields["tags"].choices = pairs  # type: ignore[attr-defined]

    def what(self) -> What:
        """Return the codes."""
        return What({"tags": self.cleaned_data["tags"]})


class UntagForm(TagForm):
    """Which tags are taken away: those that one of the cases has."""

    def offer(self) -> None:
        """Offer the tags of the chosen cases, retired ones too."""
        chosen = Case.objects.filter(pk__in=[case.pk for case in self.picked.cases])
        pairs = [(term.code, term.label) for term in tagging.on_cases(chosen)]
        self.fields["tags"].choices = pairs  # type: ignore[attr-defined]


class DuplicateForm(ReasonForm):
    """Into which case the others are merged."""

    into = forms.CharField(
        label=gettext_lazy("Surviving case"),
        max_length=20,
        help_text=gettext_lazy("It answers every sender; the others are closed as merged."),
    )
    field_order = ("into", "reason")

    def offer(self) -> None:
        """Suggest the oldest of the chosen ones."""
        oldest = min(self.picked.cases, key=lambda case: case.pk, default=None)
        self.fields["into"].initial = oldest.number if oldest else ""

    def clean_into(self) -> int:
        """Return the pk of an open case within reach."""
        number = self.cleaned_data["into"].strip().upper()
        rows = Case.objects.visible_to(self.scope).visible_to(self.scope, "merge")
        found = (
            rows.filter(number=number, status__in=OPEN).first() if number.isprintable() else None
        )
        if found is None:
            raise forms.ValidationError(
                _("There is no open case with this number that you may merge into."), code="unknown"
            )
        return int(found.pk)

    def what(self) -> What:
        """Return the surviving case and the reason."""
        given = self.cleaned_data
        return What({"into": given["into"]}, {"reason": given["reason"]})

    def kept(self, picked: Picked) -> Picked:
        """Leave the surviving case out of those that are merged."""
        return picked.without(self.cleaned_data["into"])


class FileForm(BulkForm):
    """What kind of file is made."""

    format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        choices=[("xlsx", "Excel (.xlsx)"), ("csv", "CSV")],
        widget=forms.RadioSelect,
        initial="xlsx",
    )

    def what(self) -> What:
        """Return the format."""
        return What({"format": self.cleaned_data["format"]})


def _choose(form: forms.Form, name: str, choices: list[Any], empty: str) -> None:
    """Set the choices of a field, with words for none."""
    form.fields[name].choices = [("", empty), *choices]  # type: ignore[attr-defined]


FORMS: Final[Mapping[str, type[BulkForm]]] = {
    "claim": NoteForm,
    "assign_handler": HandlerForm,
    "assign": DepartmentForm,
    "classify": ClassifyForm,
    "severity": SeverityForm,
    "tag": TagForm,
    "untag": UntagForm,
    "duplicate": DuplicateForm,
    "export": FileForm,
}
"""Name of the act -> its form."""

__all__ = ["FORMS", "BulkForm"]
