"""Forms of the import page and of the export centre."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from complaints.filters import Stage
from complaints.importing.profiles import profiles
from config.shared.forms import DayField
from config.shared.scope import Reach, Scope
from staff.models import Department


def _bootstrap(form: forms.Form) -> None:
    """Give the controls the look of the portal."""
    for field in form.fields.values():
        if not field.widget.is_hidden:
            is_choice = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_choice else "form-control"


class UploadForm(forms.Form):
    """A file of cases. `key` makes a double click one upload."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or Excel (.xlsx, .xls). The first row of the table names the columns."),
        error_messages={
            "required": _("Choose a file."),
            "empty": _("The file is empty. Choose the file that holds the table."),
        },
    )
    profile = forms.ChoiceField(label=_("Layout"), required=False)
    departments = forms.FileField(
        label=_("Rules for departments (CFPB layout only)"),
        required=False,
        help_text=_("Optional CSV with the columns product_prefix and department."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("initial", {"key": uuid4()})
        super().__init__(*args, **options)
        layouts = [("", _("Tell it by the headings"))]
        layouts += [(one.key, one.title) for one in profiles().values()]  # type: ignore[misc]
        self.fields["profile"].choices = layouts  # type: ignore[attr-defined]
        self.fields["file"].widget.attrs["accept"] = ".csv,.txt,.xlsx,.xls"
        self.fields["departments"].widget.attrs["accept"] = ".csv,.xlsx"
        _bootstrap(self)

    def clean_key(self) -> str:
        """Return the key as text; a new one where none came."""
        found: UUID | None = self.cleaned_data["key"]
        return str(found or uuid4())


class ExportForm(forms.Form):
    """Which cases to write into a file."""

    state = forms.ChoiceField(label=_("Cases"), choices=Stage.choices, initial=Stage.ALL)
    department = forms.ChoiceField(label=_("Department"), required=False)
    since = DayField(
        label=_("Received from"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = DayField(
        label=_("Received to"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    format = forms.ChoiceField(
        label=_("File type"), choices=[("xlsx", _("Excel (.xlsx)")), ("csv", _("CSV"))]
    )

    def __init__(self, *args: Any, scope: Scope, **options: Any) -> None:
        super().__init__(*args, **options)
        units = Department.objects.active()
        if Reach.ALL not in scope.to("cases", "export"):
            units = units.filter(pk__in=scope.departments)
        names = [(unit.code, unit.label) for unit in units.order_by("kind", "path", "code")]
        self.fields["department"].choices = [("", _("All departments")), *names]  # type: ignore[attr-defined]
        _bootstrap(self)

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it begins."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = found.get("since"), found.get("until")
        if since and until and until < since:
            self.add_error("until", _("The last day lies before the first one."))
        return found

    @property
    def query(self) -> str:
        """The filters as an address of the case list."""
        data = QueryDict(mutable=True)
        data["state"] = self.cleaned_data["state"]
        if self.cleaned_data["department"]:
            data["department"] = self.cleaned_data["department"]
        return data.urlencode()
