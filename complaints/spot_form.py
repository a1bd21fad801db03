"""The form of a matter that is settled on the spot: what came in, the answer, the declarations."""

from dataclasses import replace
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints import spot
from complaints.choices import NoticeMethod, Responsibility, Severity
from complaints.drafts import CaseDraft
from complaints.forms import LONG
from complaints.intake_form import IntakeForm
from complaints.models import Case
from complaints.replies import details
from complaints.replies.blocks import objection_words
from complaints.workflow import guards
from complaints.workflow.payloads import Answer
from config.kernel import terms
from config.shared.forms import CleanText
from config.shared.scope import Scope
from staff.models import Department, Person

_TAKEN: Final = (
    "token", "customer", "contact_name", "contact_phone", "contact_email", "type", "severity",
    "core_issue", "content", "demand", "intake_channel", "business_line", "business_channel",
    "product", "branch", "emotion", "loss_amount", "media_risk", "vulnerable", "occurred_on",
)  # fmt: skip
_LISTED: Final = {
    "outcome": "outcome",
    "nature": "nature",
    "cause": "cause",
    "suggestion_decision": "suggestion_decision",
}


class SpotForm(IntakeForm):
    """What is noted while the customer waits; complaints ask for more (guards of `settle`)."""

    answer = CleanText(label=_("Answer to the customer"), rows=4, max_length=LONG)
    method = forms.ChoiceField(
        label=_("How was the customer told?"),
        choices=[(code, NoticeMethod(code).label) for code in spot.METHODS],
    )
    outcome = forms.ChoiceField(label=_("Outcome"), required=False)
    findings = CleanText(label=_("What was verified"), rows=2, max_length=LONG, required=False)
    basis = CleanText(label=_("Basis and reasons"), rows=2, max_length=LONG, required=False)
    objection_ways = CleanText(label=_("Ways to object"), rows=4, max_length=LONG, required=False)
    nature = forms.ChoiceField(label=_("Nature"), required=False)
    cause = forms.ChoiceField(label=_("Root cause, second level"), required=False)
    release = CleanText(
        label=_("Release or change behind the cause"), max_length=60, required=False
    )
    responsible_unit = forms.ModelChoiceField(
        Department.objects.none(), label=_("Department concerned"), required=False
    )
    responsibility = forms.ChoiceField(
        label=_("Responsibility"), choices=[("", _("Choose")), *Responsibility.choices],
        required=False,
    )  # fmt: skip
    suggestion_decision = forms.ChoiceField(label=_("Decision on the suggestion"), required=False)
    remedies = forms.MultipleChoiceField(
        label=_("Remedies"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Money is granted in the case, never on the spot."),
    )  # fmt: skip
    agreed = forms.BooleanField(label=_("The customer agrees to this answer"), required=False)
    no_interest = forms.BooleanField(
        label=_("I have no interest of my own in this matter"), required=False
    )

    MATTER = ("business_channel", "product", "branch", "occurred_on", "emotion", "loss_amount",
              "media_risk", "vulnerable")  # fmt: skip
    COMPLAINT = ("outcome", "nature", "cause", "release", "responsible_unit", "responsibility",
                 "findings", "basis", "objection_ways")  # fmt: skip

    def __init__(self, *args: Any, scope: Scope, person: Person, **options: Any) -> None:
        super().__init__(*args, scope=scope, **options)
        own = {name for name in self.fields if name not in IntakeForm.base_fields}
        for name in [name for name in self.fields if name not in {*own, *_TAKEN}]:
            del self.fields[name]
        self.person = person
        self.known = {kind.code: kind for kind in spot.types_for(scope, terms.of("feedback_type"))}
        self._offer("type", [(code, kind.label) for code, kind in self.known.items()])
        grades = [g for g in Severity if g < Severity.HIGH]
        self._offer("severity", [(grade.value, grade.label) for grade in grades])
        for name, taxonomy in _LISTED.items():
            self._offer(name, [("", _("Choose")), *terms.choices(taxonomy)])
        live = [t for t in terms.of("intake_channel") if t.flags.get("live")]
        self._offer("intake_channel", [(term.code, term.label) for term in live])
        done = [t for t in terms.of("remedy") if t.flags.get("with_answer")]
        self._offer("remedies", [(term.code, term.label) for term in done])
        units: Any = self.fields["responsible_unit"]
        units.queryset = Department.objects.filter(active=True)
        if not self.is_bound:
            self.initial = {
                **(self.initial or {}),
                "type": self._first_type(),
                "responsible_unit": person.department_id,
                "objection_ways": self._objection(),
            }

    @property
    def sections(self) -> list[dict[str, Any]]:
        """Return the folded sections with their bound fields."""
        return [
            {
                "key": key,
                "title": title,
                "fields": [self[name] for name in names],
                "open": is_open or (self.is_bound and any(n in self.errors for n in names)),
            }
            for key, title, names, is_open in (
                ("matter", _("More about the matter"), self.MATTER, False),
                ("complaint", _("For complaints: decision, cause and reasons"), self.COMPLAINT,
                 self["type"].value() == "CMP"),
            )
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Ask for what the guards of the decision need of this type."""
        data = super().clean() or self.cleaned_data
        kind = self.known.get(data.get("type", ""))
        if kind is None:
            return data
        codes = terms.by_code("cause")
        case = Case(type=kind, cause=codes.get(data.get("cause", "")))
        for guard in guards.GUARDS["settle"]:
            wanted = guard.field in self.fields and guard.field not in self.errors
            if wanted and not data.get(guard.field) and guard.applies(case):
                self.add_error(guard.field, _("Write something here."))
        return data

    def draft(self) -> CaseDraft:
        """Return the draft of a valid form; its token keeps a double click from making two."""
        whole = self.cleaned_data
        try:
            self.cleaned_data = {n: v for n, v in whole.items() if n in IntakeForm.base_fields}
            found = super().draft()
        finally:
            self.cleaned_data = whole
        return replace(found, substance=True)

    @property
    def settled(self) -> spot.Spot:
        """How it was settled; only of a valid form."""
        data = self.cleaned_data
        unit = data["responsible_unit"] or self.person.department
        finding = data["responsibility"]
        names = ("outcome", "answer", "findings", "basis", "objection_ways", "nature", "cause",
                 "release", "suggestion_decision")  # fmt: skip
        needed = self.known[data["type"]].flags.get("confirm_before_close")
        given = {name: data[name] for name in names if needed or name not in self.COMPLAINT}
        return spot.Spot(
            Answer(
                **given,
                responsibilities=((unit.pk, finding),) if finding else (),
                remedies=tuple(data["remedies"]),
            ),
            data["method"],
            agreed=data["agreed"],
            no_interest=data["no_interest"],
        )

    def _offer(self, name: str, pairs: list[Any]) -> None:
        self.fields[name].choices = pairs  # type: ignore[attr-defined]

    def _first_type(self) -> str:
        wanted = str((self.initial or {}).get("type", ""))
        quick = ("INQ", *self.known)
        return wanted if wanted in self.known else next(c for c in quick if c in self.known)

    def _objection(self) -> str:
        """Return the standard words on objecting, in the language most customers have."""
        _rules, bank = details.in_force(self.at)
        return objection_words(Case(department=self.person.department), bank, "zh-hans")
