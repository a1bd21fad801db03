"""Forms of relations: what people type to link, split, move, chase, name agents and sources."""

import re
from collections.abc import Sequence
from copy import copy
from typing import Any, Final
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.choices import AgentState, LinkKind, NoticeMethod, Severity
from complaints.conversation import doubting
from complaints.forms import LONG, MomentField
from complaints.models import Case, CustomerNotice
from complaints.relations.linking import BY_HAND
from config.kernel import terms
from config.shared.forms import CleanText, DayField, VersionedForm
from config.shared.scope import Scope
from customers.models import Customer

_SHORT = 2_000
_CHOOSE = ("", _("Choose"))
_SEEN: Final = "seen_"
_NUMBERED: Final = re.compile(rf"{_SEEN}[0-9]{{1,18}}")


class ChaseForm(forms.Form):
    """What the customer said; may stay empty."""

    text = CleanText(label=_("What the customer said"), rows=3, max_length=_SHORT, required=False)


class ReasonForm(forms.Form):
    """A reason that must be given."""

    reason = CleanText(label=_("Reason"), rows=3, max_length=_SHORT)


class LinkForm(forms.Form):
    """The other case and how both belong together."""

    number = CleanText(
        label=_("Number of the other case"), max_length=20,
        help_text=_("Its number, for example C-2026-0000123"),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=_("How they belong together"),
        choices=[(kind.value, kind.label) for kind in BY_HAND],
        initial=LinkKind.RELATED,
    )
    reason = CleanText(label=_("Why"), rows=2, max_length=_SHORT, required=False)

    def __init__(self, *args: Any, case: Case, scope: Scope, **options: Any) -> None:
        super().__init__(*args, **options)
        self.case, self.scope = case, scope

    def clean_number(self) -> Case:
        """Return the other case, which this person must see."""
        number = str(self.cleaned_data["number"]).strip().upper()
        rows = Case.objects.visible_to(self.scope).filter(number=number)
        other = rows.exclude(pk=self.case.pk).first()
        if other is None:
            raise forms.ValidationError(
                _("There is no other case with this number that you may open.")
            )
        return other


class SplitForm(forms.Form):
    """The part that becomes a case of its own."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    type = forms.ChoiceField(label=_("Type"))
    core_issue = CleanText(label=_("Core issue, in one line"), max_length=200)
    content = CleanText(label=_("The words of this part"), rows=4, max_length=LONG)
    demand = CleanText(label=_("Demand"), max_length=LONG, required=False)
    business_line = forms.ChoiceField(label=_("Business line"), required=False)
    severity = forms.TypedChoiceField(
        label=_("Severity"), choices=Severity.choices, coerce=int, initial=Severity.MEDIUM
    )
    reason = CleanText(label=_("Why it is split off"), rows=2, max_length=_SHORT)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        lists = {"type": "feedback_type", "business_line": "business_line"}
        for name, taxonomy in lists.items():
            field: Any = self.fields[name]
            field.choices = [_CHOOSE, *terms.choices(taxonomy)]
        if not self.is_bound:
            self.initial = {"token": uuid4(), **(self.initial or {})}


class RelinkForm(VersionedForm):
    """The right customer, and why."""

    customer = CleanText(
        label=_("Customer number"), max_length=12,
        help_text=_("The right customer's number, for example K00012345"),
    )  # fmt: skip
    reason = CleanText(label=_("Reason"), rows=3, max_length=_SHORT)

    def __init__(self, *args: Any, scope: Scope, **options: Any) -> None:
        super().__init__(*args, **options)
        self.scope = scope

    def clean_customer(self) -> Customer:
        """Return the customer, who must be open to this person."""
        number = str(self.cleaned_data["customer"]).strip().upper()
        found = Customer.objects.visible_to(self.scope).filter(number=number).first()
        if found is None:
            raise forms.ValidationError(
                _("No customer with this number is open to you; look up again.")
            )
        return found


class ApologyForm(forms.Form):
    """Which messages are to be apologised for."""

    notices = forms.MultipleChoiceField(
        label=_("Messages to apologise for"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, sent: list[CustomerNotice], **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["notices"]
        field.choices = [(str(row.pk), row.get_purpose_display()) for row in sent]


class TogetherForm(forms.Form):
    """How the customer is told the results of several cases at once.

    It carries the version of every case its reader saw (`seen_` and the pk); sent, those are the
    cases it answers, whatever came or went meanwhile.
    """

    method = forms.ChoiceField(
        label=_("How"),
        choices=[
            (method.value, method.label) for method in NoticeMethod if method != NoticeMethod.LETTER
        ],
    )
    words = CleanText(label=_("What was said or written"), rows=3, max_length=LONG, required=False)
    doubt = ""
    stale = ""

    def __init__(self, *args: Any, cases: Sequence[Case] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        shown = {f"{_SEEN}{case.pk}": case.version for case in cases}
        names = (
            [name for name in self.data if _NUMBERED.fullmatch(name)] if self.is_bound else shown
        )
        for name in names:
            self.fields[name] = forms.IntegerField(
                min_value=0, initial=shown.get(name), widget=forms.HiddenInput
            )
        self._known = {case.pk: case for case in cases}

    @property
    def expected(self) -> dict[int, int]:
        """The cases the reader saw, by pk, with their versions; only of a valid form."""
        return {
            int(name.removeprefix(_SEEN)): version
            for name, version in self.cleaned_data.items()
            if name.startswith(_SEEN)
        }

    def clean(self) -> dict[str, Any]:
        """Ask twice before the message leaves to a doubtful number or address."""
        data = super().clean() or self.cleaned_data
        if not self.errors and not self.expected:
            self.add_error(None, _("Open this again: it does not say which cases you saw."))
        at, method = timezone.now(), data.get("method") or ""
        seen = [case for pk, case in self._known.items() if self.expected.get(pk) == case.version]
        doubts = (doubting.doubt(case, method, at) for case in seen)
        self.doubt = next((code for code in doubts if code), "")
        if self.doubt:
            self.fields["sure"] = forms.BooleanField(
                label=_("Send it all the same"), required=False
            )
            if not self.data.get("sure"):
                self.add_error(None, str(doubting.WORDS[self.doubt]))
        return data

    def refuse(self, why: str) -> None:
        """Turn it back as overtaken: words stay, the next sending is about what is ready now."""
        self.stale = why
        data: Any = copy(self.data)  # a QueryDict comes as a mutable copy
        for name in [name for name in self.fields if name.startswith(_SEEN)]:
            del self.fields[name]
            data.pop(name, None)
        for case in self._known.values():
            name = f"{_SEEN}{case.pk}"
            self.fields[name] = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
            data[name] = str(case.version)
        self.data = data
        self.add_error(None, ValidationError(why, code="stale"))

    @property
    def status(self) -> int:
        """Return the HTTP status of the answer that shows this form: 200, 409 or 422."""
        if self.stale:
            return 409
        return 422 if self.is_bound and self.errors else 200


class AgentForm(forms.Form):
    """Who acts for the customer."""

    name = CleanText(label=_("Name of the agent"), max_length=120)
    phone = CleanText(label=_("Phone of the agent"), max_length=40, required=False)
    relation = CleanText(label=_("Relation to the customer"), max_length=80, required=False)
    file = forms.FileField(label=_("Authority letter"), required=False)


class LetterForm(forms.Form):
    """The authority letter."""

    file = forms.FileField(label=_("Authority letter"))


class CheckForm(forms.Form):
    """What the customer said of the agent."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    state = forms.ChoiceField(
        label=_("What the customer said"),
        choices=[
            (AgentState.CONFIRMED.value, AgentState.CONFIRMED.label),
            (AgentState.DENIED.value, AgentState.DENIED.label),
        ],
        widget=forms.RadioSelect,
    )
    words = CleanText(label=_("The call in a few words"), rows=3, max_length=_SHORT)


class SourceForm(forms.Form):
    """A further body that sent the matter."""

    channel = forms.ChoiceField(label=_("Intake channel"))
    number = CleanText(label=_("Referral number"), max_length=80, required=False)
    body = CleanText(label=_("Referring body"), max_length=120, required=False)
    on = DayField(
        label=_("Referral date"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    due_at = MomentField(label=_("Referral deadline"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["channel"]
        field.choices = [_CHOOSE, *terms.choices("intake_channel")]


class SourceAnswerForm(forms.Form):
    """What the source was told."""

    text = CleanText(label=_("What the source was told"), rows=4, max_length=LONG)
