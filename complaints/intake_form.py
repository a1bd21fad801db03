"""The form of a new case, and the draft it makes for the one door."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from complaints import service_notices
from complaints.choices import IdentityMethod, IdentityResult, Precision, Severity
from complaints.drafts import CaseDraft
from complaints.forms import LONG, MomentField
from complaints.models import Case, ServiceNotice
from config.kernel import terms
from config.shared.forms import CleanText, DayField
from config.shared.scope import Scope
from customers.models import Customer
from staff.models import Department

_LISTS = {
    "type": "feedback_type",
    "intake_channel": "intake_channel",
    "business_line": "business_line",
    "business_channel": "business_channel",
    "emotion": "emotion",
}


_BESIDE = frozenset({"token", "beside", "identity_method", "identity_result"})


class IntakeForm(forms.Form):
    """Everything a person may note on the phone; the few required fields come first."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    customer = forms.CharField(required=False, max_length=12, widget=forms.HiddenInput)
    service_notice = forms.CharField(required=False, max_length=9, widget=forms.HiddenInput)
    beside = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    contact_name = CleanText(
        label=pgettext_lazy("of a person", "Name"), required=False, max_length=120
    )
    contact_phone = CleanText(label=_("Phone"), required=False, max_length=40)
    contact_email = forms.EmailField(label=_("E-mail"), required=False)
    type = forms.ChoiceField(label=_("Type"), widget=forms.RadioSelect)
    severity = forms.TypedChoiceField(
        label=_("Severity"),
        choices=Severity.choices,
        coerce=int,
        initial=Severity.MEDIUM,
        widget=forms.RadioSelect,
    )
    core_issue = CleanText(label=_("Core issue, in one line"), max_length=200)
    content = CleanText(label=_("In the customer's words"), rows=4, max_length=LONG)
    demand = CleanText(label=_("Demand"), rows=2, max_length=LONG, required=False)
    expected_resolution = CleanText(label=_("Wished-for outcome"), max_length=LONG, required=False)
    intake_channel = forms.ChoiceField(label=_("Intake channel"))
    business_line = forms.ChoiceField(label=_("Business line"), required=False)
    business_channel = forms.ChoiceField(label=_("Business channel"), required=False)
    product = CleanText(label=_("Product"), max_length=160, required=False)
    branch = forms.ModelChoiceField(Department.objects.none(), label=_("Branch"), required=False)
    amount = forms.DecimalField(
        label=_("Amount in dispute, CNY"),
        required=False,
        min_value=0,
        max_digits=14,
        decimal_places=2,
    )
    loss_amount = forms.DecimalField(
        label=_("Loss, CNY"), required=False, min_value=0, max_digits=14, decimal_places=2
    )
    emotion = forms.ChoiceField(label=_("Emotion"), required=False)
    received_at = MomentField(label=_("Received"))
    received_precision = forms.ChoiceField(
        label=_("How exactly known"), choices=Precision.choices, initial=Precision.MINUTE
    )
    backdate_reason = CleanText(
        label=_("Why it is registered late"),
        required=False,
        max_length=LONG,
        help_text=_("Needed when it was received more than a day ago."),
    )
    occurred_on = DayField(
        label=_("Happened on"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    promised_reply_at = MomentField(label=_("Promised reply"), required=False)
    substance = forms.BooleanField(
        label=_("I already gave the customer a substantial answer"), required=False
    )
    media_risk = forms.BooleanField(label=_("Media risk"), required=False)
    vulnerable = forms.BooleanField(label=_("Vulnerable customer"), required=False)
    group_size = forms.IntegerField(
        label=_("People complaining jointly"),
        min_value=1,
        max_value=100_000,
        initial=1,
        required=False,
    )
    referral_number = CleanText(label=_("Referral number"), max_length=80, required=False)
    referral_body = CleanText(label=_("Referring body"), max_length=120, required=False)
    referral_on = DayField(
        label=_("Referral date"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    external_due_at = MomentField(label=_("Referral deadline"), required=False)
    identity_method = forms.ChoiceField(
        label=_("How the customer was identified"),
        choices=[("", _("Not yet")), *IdentityMethod.choices],
        required=False,
        help_text=_("Only the result is kept, never a picture, voice or answer."),
    )
    identity_result = forms.ChoiceField(
        label=_("Result"),
        choices=[
            (IdentityResult.PASSED.value, IdentityResult.PASSED.label),
            (IdentityResult.FAILED.value, IdentityResult.FAILED.label),
        ],
        required=False,
    )

    FOLDED = (
        ("details", _("More about the matter"), (
            "business_channel", "product", "branch", "amount", "loss_amount", "emotion",
            "occurred_on", "promised_reply_at", "media_risk", "vulnerable", "group_size",
        )),
        ("identity", _("Identity"), ("identity_method", "identity_result")),
        ("when", _("When and how it was received"), (
            "received_at", "received_precision", "backdate_reason",
        )),
        ("referral", _("Referral from a regulator or another body"), (
            "referral_number", "referral_body", "referral_on", "external_due_at",
        )),
    )  # fmt: skip

    def __init__(self, *args: Any, scope: Scope, at: datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        self.scope, self.at = scope, at
        for name, taxonomy in _LISTS.items():
            pairs = terms.choices(taxonomy)
            blank = [] if name == "type" else [("", _("Choose"))]
            self.fields[name].choices = [*blank, *pairs]  # type: ignore[attr-defined]
        branches = Department.objects.filter(active=True, kind="branch")
        self.fields["branch"].queryset = branches  # type: ignore[attr-defined]
        if not self.is_bound:
            now = timezone.localtime(at).replace(second=0, microsecond=0)
            self.initial = {
                "token": uuid4(),
                "received_at": now,
                "type": "CMP",
                "intake_channel": "TEL",
                **(self.initial or {}),
            }

    @property
    def sections(self) -> list[dict[str, Any]]:
        """Return the folded sections with their bound fields; one with errors stands open."""
        return [
            {
                "key": key,
                "title": title,
                "fields": [self[name] for name in names],
                "open": any(name in self.errors for name in names) if self.is_bound else False,
            }
            for key, title, names in self.FOLDED
        ]

    def clean_customer(self) -> Customer | None:
        """Return the chosen customer, who must be visible."""
        number = self.cleaned_data["customer"].strip().upper()
        if not number:
            return None
        found = Customer.objects.visible_to(self.scope).filter(number=number).first()
        if found is None:
            raise forms.ValidationError(
                _("No customer with this number is open to you; look up again.")
            )
        return found

    def clean_beside(self) -> Case | None:
        """Return the case of the same contact, which this person must be allowed to link."""
        number = self.cleaned_data["beside"].strip().upper()
        if not number:
            return None
        found = Case.objects.visible_to(self.scope, "link").filter(number=number).first()
        if found is None:
            raise forms.ValidationError(
                _("The case this matter belongs to is not open to you any more.")
            )
        return found

    def clean_service_notice(self) -> ServiceNotice | None:
        """Return the notice the case is registered from; one that was withdrawn is left out."""
        given = self.cleaned_data["service_notice"].strip()
        return service_notices.usable(given, self.scope, self.at)

    def draft(self) -> CaseDraft:
        """Return the draft of a valid form; its token keeps a double click from making two."""
        values = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in _BESIDE and value not in (None, "")
        }
        if "emotion" in values:
            values["emotion"] = int(values["emotion"])
        return CaseDraft(origin_key=f"form:{self.cleaned_data['token']}", **values)

    def partial_draft(self) -> CaseDraft | None:
        """Return a draft from what is typed so far, for the preview; None without a type."""
        self.is_valid()
        values = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in {*_BESIDE, "emotion"} and value not in (None, "")
        }
        if "type" not in values:
            return None
        values.setdefault("intake_channel", "TEL")
        return CaseDraft(**values)
