"""The forms of the composer: what was said on the phone, and messages to and from the customer."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.choices import CallWay, NoticeMethod, NoticePurpose
from complaints.conversation.writing import LONGEST_SMS, LONGEST_SUBJECT, WRITTEN
from complaints.forms import LONG, MomentField
from complaints.models import CallRecord
from config.shared.forms import CleanText

_WRITTEN = [(code, NoticeMethod(code).label) for code in WRITTEN]


class ComposerForm(forms.Form):
    """A form of the composer: `MORE` names the fields that stand folded under the text."""

    MORE: ClassVar[tuple[str, ...]] = ()


class SureForm(ComposerForm):
    """A form that asks twice: with `doubted` it shows the tick that sends it all the same."""

    doubted = False
    sure = forms.BooleanField(label=_("Send it all the same"), required=False)

    def doubt(self, why: str) -> None:
        """Show the warning and the tick; what was typed stays."""
        self.doubted = True
        self.add_error(None, why)


class CallForm(ComposerForm):
    """What was said on the phone, in person or by video."""

    MORE = ("minutes", "seconds", "at", "recording", "reply_by")

    direction = forms.ChoiceField(
        label=_("Direction"), choices=CallRecord.Direction.choices, initial="out"
    )
    way = forms.ChoiceField(
        label=_("Way"), choices=CallWay.choices, initial=CallWay.PHONE, required=False
    )
    result = forms.ChoiceField(
        label=_("Result"), choices=CallRecord.Result.choices, initial="reached"
    )
    substance = forms.BooleanField(
        label=_("Gave the customer substance"), required=False, initial=True
    )
    minutes = forms.IntegerField(label=_("Minutes"), min_value=0, max_value=600, required=False)
    seconds = forms.IntegerField(label=_("Seconds"), min_value=0, max_value=59, required=False)
    at = MomentField(label=_("When, if not now"), required=False)
    recording = CleanText(label=_("Recording: number or link"), max_length=300, required=False)
    reply_by = MomentField(label=_("Reply promised by"), required=False)
    text = CleanText(label=_("What was said and agreed"), rows=3, max_length=LONG)

    def clean_at(self) -> datetime | None:
        """Return the moment of the call; it cannot lie ahead."""
        return _past(self.cleaned_data["at"])

    def clean(self) -> dict[str, Any]:
        """Add `lasted`: the seconds, or None when neither minutes nor seconds were given."""
        data = super().clean() or self.cleaned_data
        minutes, seconds = data.get("minutes"), data.get("seconds")
        given = minutes is not None or seconds is not None
        data["lasted"] = (minutes or 0) * 60 + (seconds or 0) if given else None
        return data


class MessageForm(SureForm):
    """A message to the customer."""

    MORE = ("reply_by",)

    substance = forms.BooleanField(
        label=_("Gives the customer substance"), required=False, initial=True
    )
    reply_by = MomentField(label=_("Reply promised by"), required=False)
    text = CleanText(label=_("Message to the customer"), rows=3, max_length=LONG)


class EmailForm(MessageForm):
    """An e-mail: its subject may be typed, or comes from a template; empty = the usual one."""

    field_order = ("subject",)

    subject = CleanText(label=_("Subject"), max_length=LONGEST_SUBJECT, required=False)


class SmsForm(MessageForm):
    """A short message."""

    text = CleanText(label=_("Message to the customer"), rows=3, max_length=LONGEST_SMS)


class LetterForm(MessageForm):
    """The words of a registered letter; its proof of posting follows."""

    text = CleanText(label=_("What the letter says"), rows=3, max_length=LONG)


class InboundForm(ComposerForm):
    """What the customer wrote."""

    MORE = ("at",)

    method = forms.ChoiceField(label=_("How"), choices=_WRITTEN)
    at = MomentField(label=_("When, if not now"), required=False)
    text = CleanText(label=_("What the customer wrote"), rows=3, max_length=LONG)

    def clean_at(self) -> datetime | None:
        """Return when it was written; that cannot lie ahead."""
        return _past(self.cleaned_data["at"])


class ProgressForm(SureForm):
    """A progress notice to the customer."""

    method = forms.ChoiceField(label=_("How"), choices=NoticeMethod.choices)
    text = CleanText(label=_("What the customer is told"), rows=3, max_length=LONG)
    purpose = NoticePurpose.PROGRESS


class PromiseForm(forms.Form):
    """When a reply was promised, and how the customer was told."""

    reply_by = MomentField(label=_("Reply promised by"))
    method = forms.ChoiceField(label=_("How was the customer told?"), choices=NoticeMethod.choices)
    note = CleanText(label=_("What the customer was told"), rows=3, max_length=2000)


class AstrayForm(forms.Form):
    """Why one thinks that a message reached the wrong person."""

    reason = CleanText(label=_("What happened, and who has it now"), rows=3, max_length=2000)


class ProofForm(forms.Form):
    """The proof of posting of a registered letter."""

    file = forms.FileField(label=_("Proof of posting"))


def _past(moment: datetime | None) -> datetime | None:
    """Return the moment; raises ValidationError for one that lies ahead."""
    if moment is not None and moment > timezone.now():
        raise forms.ValidationError(_("This lies in the future."), code="future")
    return moment
