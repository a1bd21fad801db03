"""Forms that notice when somebody else was faster, and text that is clean before it is kept."""

from collections.abc import Sequence
from copy import copy
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.shared.moments import YEARS

TOO_LONG = _("Use at most %(limit_value)d characters, now %(show_value)d.")


class CleanText(forms.CharField):
    """Text with one kind of line ending, counted after that; Django refuses NUL."""

    default_error_messages = {"required": _("Write something here.")}

    def __init__(self, *, rows: int = 0, **options: Any) -> None:
        """`rows` above 0 makes a text area of that height; the rest goes to CharField."""
        if rows:
            options.setdefault("widget", forms.Textarea(attrs={"rows": rows}))
        super().__init__(**options)
        for validator in self.validators:
            if isinstance(validator, MaxLengthValidator):
                validator.message = TOO_LONG

    def to_python(self, value: Any) -> str | None:
        """Return the text with one kind of line ending."""
        text = super().to_python(value)
        return text.replace("\r\n", "\n").replace("\r", "\n") if isinstance(text, str) else text

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave out `maxlength`: it cuts a pasted text without a word; the error says how long."""
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs


class DayField(forms.DateField):
    """A day in a year the portal can count with; the browser's own control lets any be typed."""

    def to_python(self, value: Any) -> date | None:
        """Return the day; other years are no valid date."""
        day = super().to_python(value)
        if day is not None and day.year not in YEARS:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return day


class VersionedForm(forms.Form):
    """A form that carries the version of the row its reader saw.

    The view hands `cleaned_data["version"]` to the verb as `expected`. When the verb refuses
    because the row moved on, call `refuse()` and answer with 409: the form comes back with all
    typed text, the new version and a sentence that says who did what meanwhile.
    """

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    stale: str | Promise = ""
    stale_changes: Sequence[object] = ()
    """What others changed since the form was shown, for the template `partials/_stale.html`."""

    def __init__(self, *args: Any, row_version: int | None = None, **options: Any) -> None:
        """`row_version` is the version of the row as shown now (only for an unbound form)."""
        super().__init__(*args, **options)
        if row_version is not None:
            self.fields["version"].initial = row_version

    def clean_version(self) -> int:
        """Return the version the reader saw."""
        return int(self.cleaned_data["version"])

    def refuse(self, why: str | Promise, current_version: int) -> None:
        """Mark the form as overtaken: `why` is shown on top, the new version is sent next."""
        self.stale = why
        data: Any = copy(self.data)  # a QueryDict comes as a mutable copy
        data[self.add_prefix("version")] = str(current_version)
        self.data = data
        self.add_error(None, ValidationError(str(why), code="stale"))

    @property
    def status(self) -> int:
        """Return the HTTP status of the answer that shows this form: 200, 409 or 422."""
        if self.stale:
            return 409
        return 422 if self.is_bound and self.errors else 200
