"""The form of a case's facts and classification; only what changed is handed on."""

from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.forms import LONG, SHORT, MomentField
from complaints.models import Case
from complaints.workflow.payloads import FactsEdit
from config.kernel import terms
from config.shared.forms import CleanText, DayField, VersionedForm

_FEELINGS: Final = ("emotion", "emotion_now")
_EMOTION_HINT: Final = gettext_lazy(
    "0 calm · 1 let down: thank and restate · 2 displeased: apologise, give the next time · "
    "3 anxious: one contact person, short waits · 4 angry: the supervisor joins, a private place · "
    "5 threat: two persons, recording"
)


def _money(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, min_value=0, max_digits=14, decimal_places=2
    )


class FactsForm(VersionedForm):
    """Words, classification and facts of a case, in the order in which they are asked."""

    core_issue = CleanText(label=gettext_lazy("Core issue"), max_length=SHORT)
    content = CleanText(label=gettext_lazy("In the customer's words"), rows=4, max_length=LONG)
    demand = CleanText(label=gettext_lazy("Demand"), rows=2, max_length=LONG, required=False)
    expected_resolution = CleanText(
        label=gettext_lazy("Wished-for outcome"), rows=2, max_length=LONG, required=False
    )
    business_line = forms.ChoiceField(label=gettext_lazy("Business line"), required=False)
    product = CleanText(label=gettext_lazy("Product"), max_length=160, required=False)
    business_channel = forms.ChoiceField(label=gettext_lazy("Business channel"), required=False)
    nature = forms.ChoiceField(label=gettext_lazy("Nature"), required=False)
    cause = forms.ChoiceField(label=gettext_lazy("Root cause"), required=False)
    release = CleanText(
        label=gettext_lazy("Release"),
        max_length=SHORT,
        required=False,
        help_text=gettext_lazy("Which release or change; needed for causes C2 and C3."),
    )
    trigger = forms.ChoiceField(label=gettext_lazy("Trigger point"), required=False)
    amount = _money(gettext_lazy("Amount in dispute, CNY"))
    loss_amount = _money(gettext_lazy("Loss, CNY"))
    emotion = forms.ChoiceField(label=gettext_lazy("Emotion at the start"), required=False)
    emotion_now = forms.ChoiceField(
        label=gettext_lazy("Emotion now"), required=False, help_text=_EMOTION_HINT
    )
    vulnerable = forms.BooleanField(label=gettext_lazy("Vulnerable customer"), required=False)
    media_risk = forms.BooleanField(label=gettext_lazy("Media risk"), required=False)
    media_platform = CleanText(
        label=gettext_lazy("Platform"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("Where it appeared or may appear, for example Weibo."),
    )
    media_link = forms.URLField(
        label=gettext_lazy("Link to the post"),
        max_length=300,
        required=False,
        assume_scheme="https",
    )
    screenshot = forms.FileField(label=gettext_lazy("Screenshot of the post"), required=False)
    occurred_on = DayField(
        label=gettext_lazy("Happened on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    promised_reply_at = MomentField(label=gettext_lazy("Promised reply"), required=False)
    reason = CleanText(
        label=gettext_lazy("Reason of the correction"),
        rows=2,
        max_length=2000,
        required=False,
        help_text=gettext_lazy("Needed where you change a classification that was set before."),
    )

    TEXTS = ("core_issue", "content", "demand", "expected_resolution", "product")
    TERMS = {
        "business_line": "business_line",
        "business_channel": "business_channel",
        "nature": "nature",
        "cause": "cause",
        "trigger": "trigger_point",
        "emotion": "emotion",
        "emotion_now": "emotion",
    }
    BESIDE = frozenset({"version", "seen", "reason", "screenshot"})
    """Fields of the form that are no facts of the case."""

    def __init__(self, *args: Any, case: Case, **options: Any) -> None:
        super().__init__(*args, row_version=case.version, **options)
        self.case = case
        for name, taxonomy in self.TERMS.items():
            self.fields[name].choices = [("", _("Choose")), *terms.choices(taxonomy)]  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            if name not in self.BESIDE and not self.is_bound:
                field.initial = self.stored(name)

    def stored(self, name: str) -> Any:
        """Return the present value in the form's own terms."""
        value = getattr(self.case, name)
        if name in _FEELINGS:
            return "" if value is None else str(value)
        return getattr(value, "code", value)

    def edit(self) -> FactsEdit | None:
        """Return what differs from what the case holds, with the reason; None = nothing does."""
        texts: dict[str, str] = {}
        values: dict[str, Any] = {}
        for name in self.fields:
            if name in self.BESIDE:
                continue
            new, old = self.cleaned_data.get(name), self.stored(name)
            if (new or None) == (old or None) or _same_moment(new, old):
                continue
            if name in self.TEXTS:
                texts[name] = new or ""
            else:
                values[name] = self._as_stored(name, new)
        if not texts and not values:
            return None
        return FactsEdit(texts, values, self.cleaned_data["reason"])

    def _as_stored(self, name: str, new: Any) -> Any:
        """Return a value as the case keeps it: no choice and no sum are None."""
        if name in _FEELINGS:
            return int(new) if new else None
        if isinstance(getattr(self.case, name), str | bool):
            return new
        return None if new == "" else new


def _same_moment(new: Any, old: Any) -> bool:
    """Whether both are the same minute; the browser's control knows no seconds."""
    if isinstance(new, datetime) and isinstance(old, datetime):
        return abs((new - old).total_seconds()) < 60
    return False


__all__ = ["FactsForm"]
