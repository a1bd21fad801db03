"""The forms of a template, a macro and the details of the bank in a draft."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import NoticeMethod, NoticePurpose, Responsibility
from complaints.models import Macro, ReplyTemplate
from complaints.replies.details import Details
from complaints.replies.drafting import MacroData, TemplateData
from complaints.replies.macro_parts import FIELDS, GIVEN, VERBS
from complaints.workflow.moves import MOVES
from config.kernel import terms
from config.portal.replies_words import BANK, GIVEN_LABELS
from config.shared.forms import CleanText, VersionedForm

_LISTED = {
    "nature": "nature",
    "cause": "cause",
    "outcome": "outcome",
    "suggestion_decision": "suggestion_decision",
    "business_line": "business_line",
    "business_channel": "business_channel",
}


class DraftRowForm(VersionedForm):
    """One row of a draft; `number` tells the draft from a later one."""

    number = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    @property
    def plain(self) -> list[Any]:
        """The fields one sees."""
        return [field for field in self if not field.is_hidden]


class TemplateForm(DraftRowForm):
    """A reply template in both languages."""

    name_en = CleanText(label=gettext_lazy("English name"), max_length=120)
    name_zh = CleanText(label=gettext_lazy("Chinese name"), max_length=120)
    purpose = forms.ChoiceField(label=gettext_lazy("Purpose"), choices=NoticePurpose.choices)
    methods = forms.MultipleChoiceField(
        label=gettext_lazy("Ways; none = every way"),
        choices=NoticeMethod.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    types = forms.MultipleChoiceField(
        label=gettext_lazy("Types; none = every type"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    subject_en = CleanText(label=gettext_lazy("Subject in English"), max_length=200, required=False)
    subject_zh = CleanText(label=gettext_lazy("Subject in Chinese"), max_length=200, required=False)
    body_en = CleanText(label=gettext_lazy("Text in English"), rows=12, max_length=8000)
    body_zh = CleanText(label=gettext_lazy("Text in Chinese"), rows=12, max_length=8000)

    NAMES = (
        "name_en", "name_zh", "purpose", "methods", "types", "subject_en", "subject_zh",
        "body_en", "body_zh",
    )  # fmt: skip

    def __init__(self, *args: Any, row: ReplyTemplate | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["types"].choices = terms.choices("feedback_type")  # type: ignore[attr-defined]
        if row is not None:
            self.initial = {**{name: getattr(row, name) for name in self.NAMES}, **self.initial}

    @property
    def stored(self) -> TemplateData:
        """The template of a valid form."""
        return TemplateData(**{name: self.cleaned_data[name] for name in self.NAMES})


class MacroForm(DraftRowForm):
    """A macro: template, facts and a move."""

    name_en = CleanText(label=gettext_lazy("English name"), max_length=120)
    name_zh = CleanText(label=gettext_lazy("Chinese name"), max_length=120)
    types = forms.MultipleChoiceField(
        label=gettext_lazy("Types; none = every type"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    template = forms.ChoiceField(label=gettext_lazy("Template"), required=False)
    method = forms.ChoiceField(
        label=gettext_lazy("Sent by"),
        required=False,
        choices=[("", gettext_lazy("not sent")), *NoticeMethod.choices],
        help_text=gettext_lazy(
            "A move that tells the customer something takes the text itself; else it is sent."
        ),
    )
    verb = forms.ChoiceField(label=gettext_lazy("Move"), required=False)

    def __init__(
        self,
        *args: Any,
        row: Macro | None = None,
        templates: list[ReplyTemplate],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._offer("types", terms.choices("feedback_type"))
        pairs = [(each.code, each.label) for each in templates]
        self._offer("template", [("", _("no message")), *pairs])
        moves = [(verb, str(MOVES[verb].title)) for verb in VERBS]
        self._offer("verb", [("", _("no move")), *moves])
        for name in FIELDS:
            self._list(f"set_{name}", _("Set: %(name)s") % {"name": GIVEN_LABELS[name]}, name)
        for name in GIVEN:
            self._given(name)
        if row is not None:
            self.initial = {**_initial(row), **self.initial}

    def _given(self, name: str) -> None:
        """Add the field of a value that is given to the move."""
        label = _("For the move: %(name)s") % {"name": GIVEN_LABELS[name]}
        field = f"give_{name}"
        if name in _LISTED:
            self._list(field, label, name)
        elif name == "days":
            self.fields[field] = forms.IntegerField(
                label=label, min_value=1, max_value=60, required=False
            )
        elif name == "responsibility":
            pairs = [("", _("not given")), *Responsibility.choices]
            self.fields[field] = forms.ChoiceField(label=label, choices=pairs, required=False)
        elif name == "remedies":
            self.fields[field] = forms.MultipleChoiceField(
                label=label,
                choices=terms.choices("remedy"),
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )
        else:
            self.fields[field] = CleanText(label=label, max_length=200, required=False)

    def _list(self, field: str, label: str, name: str) -> None:
        pairs = [("", _("not given")), *terms.choices(_LISTED[name])]
        self.fields[field] = forms.ChoiceField(label=label, choices=pairs, required=False)

    def _offer(self, name: str, pairs: Any) -> None:
        self.fields[name].choices = pairs  # type: ignore[attr-defined]

    @property
    def stored(self) -> MacroData:
        """The macro of a valid form; values of fields the move does not know are left out."""
        data = self.cleaned_data
        verb = data["verb"]
        taken = {field.name for field in MOVES[verb].fields} if verb else set()
        if "expected_end_at" in taken:
            taken.add("days")
        given = {name: data[f"give_{name}"] for name in GIVEN if name in taken}
        return MacroData(
            name_en=data["name_en"],
            name_zh=data["name_zh"],
            template=data["template"],
            method=data["method"],
            fields={name: value for name in FIELDS if (value := data[f"set_{name}"])},
            verb=verb,
            given={name: value for name, value in given.items() if value},
            types=data["types"],
        )


class BankForm(DraftRowForm):
    """What templates say of the bank and of those who hear objections."""

    def __init__(self, *args: Any, bank: Details, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, label in BANK.items():
            self.fields[name] = CleanText(
                label=str(label), max_length=200, required=False, initial=getattr(bank, name)
            )

    @property
    def stored(self) -> dict[str, str]:
        """The details of a valid form."""
        return {name: self.cleaned_data[name] for name in BANK}


def _initial(row: Macro) -> dict[str, Any]:
    """Return the values of a macro by field of the form."""
    names = ("name_en", "name_zh", "types", "template", "method", "verb")
    found: dict[str, Any] = {name: getattr(row, name) for name in names}
    found |= {f"set_{name}": value for name, value in row.fields.items()}
    return found | {f"give_{name}": value for name, value in row.given.items()}
