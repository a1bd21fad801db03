"""Forms of the duty roster."""

from datetime import date, timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.shared.forms import CleanText, DayField, VersionedForm
from staff.duty_import import FILE_SIZE
from staff.duty_roster import HOURS, ShiftData, eligible, moments
from staff.models import DutyShift, Person

_DAY: Final = {"type": "date", "class": "form-control"}
_TIME: Final = {"type": "time", "class": "form-control"}


class _PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        """Return the name with the staff number: names repeat."""
        return f"{obj.label} · {obj.staff_no}"


class ShiftForm(VersionedForm):
    """One shift; on the dialog of a cell, date and shift stand in the title and are hidden."""

    on = DayField(label=_("Date"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    shift = CleanText(label=_("Shift"), max_length=20, help_text=_("For example: day, night"))
    starts = forms.TimeField(
        label=pgettext_lazy("time of a shift", "From"),
        widget=forms.TimeInput(attrs=_TIME, format="%H:%M"),
    )
    ends = forms.TimeField(
        label=pgettext_lazy("time of a shift", "To"),
        widget=forms.TimeInput(attrs=_TIME, format="%H:%M"),
        help_text=_("On the next day where it is not after the beginning."),
    )
    first = _PersonField(Person.objects.none(), label=_("First on call"), required=False)
    second = _PersonField(
        Person.objects.none(),
        label=_("Second on call"),
        required=False,
        help_text=_("Called when the first does not answer in 15 minutes."),
    )
    note = CleanText(label=_("Note"), max_length=120, required=False)

    def __init__(
        self, *args: Any, row: DutyShift | None, on: date | None, shift: str, **options: Any
    ) -> None:
        """`row` is what stands at `on` and `shift`; without a date both are asked for."""
        options.setdefault("initial", _initial(row, on, shift))
        super().__init__(*args, row_version=row.version if row else 0, **options)
        standing = [pk for pk in ((row.first_id, row.second_id) if row else ()) if pk]
        able = Q(pk__in=eligible().order_by().values("pk")) | Q(pk__in=standing)
        people = Person.objects.filter(able)
        for name in ("first", "second"):
            field: Any = self.fields[name]
            field.queryset = people.order_by("staff_no")
            field.empty_label = _("Nobody")
        if on is not None:
            self.fields["on"].widget = forms.HiddenInput()
            self.fields["shift"].widget = forms.HiddenInput()

    def data_(self) -> ShiftData:
        """Return the shift as typed; the form is valid."""
        given = self.cleaned_data
        starts_at, ends_at = moments(given["on"], given["starts"], given["ends"])
        return ShiftData(
            given["on"], given["shift"].strip(), starts_at, ends_at, given["first"],
            given["second"], given["note"],
        )  # fmt: skip


def _initial(row: DutyShift | None, on: date | None, shift: str) -> dict[str, Any]:
    begin, end = HOURS.get(shift, (None, None))
    if row is None:
        return {"on": on, "shift": shift, "starts": begin, "ends": end}
    return {
        "on": row.on,
        "shift": row.shift,
        "starts": timezone.localtime(row.starts_at).time(),
        "ends": timezone.localtime(row.ends_at).time(),
        "first": row.first_id,
        "second": row.second_id,
        "note": row.note,
    }


class CopyForm(forms.Form):
    """Which week goes where; any day names its week."""

    source = DayField(
        label=_("Copy the week of"), widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d")
    )
    target = DayField(
        label=_("into the week of"),
        widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"),
        help_text=_("Any day of the week. Shifts that name somebody there stay as they are."),
    )

    def clean_source(self) -> date:
        """Return the Monday."""
        return _monday(self.cleaned_data["source"])

    def clean_target(self) -> date:
        """Return the Monday, of another week."""
        monday = _monday(self.cleaned_data["target"])
        if monday == self.cleaned_data.get("source"):
            raise ValidationError(_("Choose another week than the one you copy."))
        return monday


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


class RosterFileForm(forms.Form):
    """A sheet with the roster."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("Excel or CSV with the columns date, shift, from, to, first, second, note."),
        widget=forms.ClearableFileInput(
            attrs={"class": "form-control", "accept": ".xlsx,.xls,.csv,.txt"}
        ),
        error_messages={
            "required": _("Choose a file."),
            "empty": _("The file is empty. Choose the file that holds the table."),
        },
    )

    def clean_file(self) -> Any:
        """Return the upload; a roster is never large."""
        file = self.cleaned_data["file"]
        if file.size > FILE_SIZE:
            raise ValidationError(_("The file is larger than 2 MB. Is it the duty roster?"))
        return file
