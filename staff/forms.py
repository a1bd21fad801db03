"""Forms of sign-in and of the own account."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.utils.translation import gettext_lazy as _

from staff.models import Account

if TYPE_CHECKING:
    _AccountForm = forms.ModelForm[Account]
else:
    _AccountForm = forms.ModelForm

_LONGEST_PASSWORD = 128


class SignInForm(forms.Form):
    """User name and password; too long ones are refused before anything is hashed."""

    username = forms.CharField(
        label=_("User name"),
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "class": "form-control"}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=_LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "class": "form-control"}
        ),
    )


def _new_password(label: Any) -> forms.CharField:
    attrs = {"autocomplete": "new-password", "class": "form-control"}
    return forms.CharField(
        label=label,
        max_length=_LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs=attrs),
    )


class PasswordForm(forms.Form):
    """The current password once, the new one twice."""

    current = forms.CharField(
        label=_("Current password"),
        max_length=_LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "class": "form-control"}
        ),
    )
    new = _new_password(_("New password"))
    again = _new_password(_("New password again"))

    def __init__(self, account: Account, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        self.fields["new"].help_text = password_validation.password_validators_help_text_html()

    def clean(self) -> dict[str, Any]:
        """Compare the two new ones and check them against the rules."""
        cleaned = super().clean() or {}
        new, again = cleaned.get("new"), cleaned.get("again")
        if new and again and new != again:
            self.add_error("again", _("The two new passwords differ."))
        elif new:
            try:
                password_validation.validate_password(new, self.account)
            except forms.ValidationError as error:
                self.add_error("new", error)
        return cleaned


class SettingsForm(_AccountForm):
    """How the portal looks and speaks for one account."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    theme = forms.ChoiceField(
        label=_("Appearance"),
        required=False,
        choices=[("", _("Like the computer")), ("light", _("Light")), ("dark", _("Dark"))],
    )

    class Meta:
        model = Account
        fields = ["language", "theme", "single_keys"]
        help_texts = {
            "single_keys": _("Work lists answer to single letters; off for speech input.")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("language", "theme"):
            self.fields[name].widget.attrs["class"] = "form-select"
        self.fields["single_keys"].widget.attrs["class"] = "form-check-input"
