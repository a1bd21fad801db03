"""The form of a bundle: parts, files, what is blacked out, for whom and why."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints.bundle.asking import PARTS, Wish
from config.shared.forms import CleanText

_NAMES = 40
_ALWAYS = [(key, label) for key, label in PARTS.items() if key != "notes"]


class BundleForm(forms.Form):
    """Three steps on one page; internal notes stay out unless they are ticked."""

    parts = forms.MultipleChoiceField(
        label=_("Parts"),
        choices=_ALWAYS,
        initial=["record", "timeline", "messages", "decisions", "approvals"],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    notes = forms.BooleanField(
        label=_("Internal notes as well"),
        required=False,
        help_text=_(
            "They are written for colleagues. Leave them out unless the law asks for them."
        ),
    )
    attached = forms.MultipleChoiceField(
        label=_("Attachments"), widget=forms.CheckboxSelectMultiple, required=False
    )
    names = CleanText(
        label=_("Further names to black out, one per line"),
        rows=3,
        max_length=2_000,
        required=False,
        help_text=_(
            "Colleagues appear by their role; telephone, identity and card numbers and addresses of"
            " e-mail are blacked out by themselves. Attachments go in as they are."
        ),
    )
    recipient = CleanText(
        label=_("For whom"), max_length=120, help_text=_("It is printed across every page.")
    )
    reason = CleanText(label=_("Reason"), rows=2, max_length=2_000)

    def __init__(self, *args: Any, files: Sequence[dict[str, Any]], **options: Any) -> None:
        """Offer the attachments in `files` (name, token)."""
        super().__init__(*args, **options)
        field: Any = self.fields["attached"]
        field.choices = [(str(file["token"]), file["name"]) for file in files]

    def clean_names(self) -> tuple[str, ...]:
        """Return the names of two letters or more; a single letter would black out everything."""
        lines = [line.strip() for line in str(self.cleaned_data["names"] or "").split("\n")]
        names = tuple(dict.fromkeys(line for line in lines if line))
        if len(names) > _NAMES:
            raise forms.ValidationError(_("Give at most 40 names."))
        if any(len(name) < 2 for name in names):
            raise forms.ValidationError(_("A name has two letters or more."))
        return names

    def wish(self) -> Wish:
        """Return what a valid form asks for."""
        data = self.cleaned_data
        parts = (*data["parts"], *(["notes"] if data["notes"] else []))
        return Wish(
            parts, tuple(data["attached"]), data["recipient"], data["reason"], data["names"]
        )
