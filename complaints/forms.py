"""Forms of the case page: one dialog form per move (built from the table), and the composer."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints import letters
from complaints.choices import (
    NoticeMethod,
    Responsibility,
    ReviewDecision,
    Severity,
)
from complaints.conversation import doubting
from complaints.models import Case
from complaints.workflow import guards
from complaints.workflow.moves import Field, Kind, Move
from config.kernel import terms
from config.shared.forms import CleanText, VersionedForm
from config.shared.moments import YEARS
from config.shared.scope import Scope
from staff.models import Department, Person

LONG, SHORT = 20_000, 200
COMPENSATION_KINDS = [
    ("liability", _("Compensation for liability")),
    ("goodwill", _("Goodwill payment")),
]
MANY = frozenset({"remedies"})
_FRESH = frozenset({"words", "reason", "note", "method", "severity", "department_id", *MANY})


class MomentField(forms.DateTimeField):
    """A local date and time, typed in the browser's own control."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    input_formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"]

    def to_python(self, value: Any) -> datetime | None:
        """Return the aware moment; years one cannot count with are refused."""
        moment = super().to_python(value)
        if moment is not None and moment.year not in YEARS:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return moment


class MoveForm(VersionedForm):
    """The dialog of one move; fields come from `Move.fields`, choices are cut by scope.

    `doubt` is the code of a doubt about the contact that the sender accepted, else ''.
    """

    doubt = ""

    def __init__(
        self, *args: Any, move: Move, case: Case, scope: Scope, asks: bool = False, **options: Any
    ) -> None:
        super().__init__(*args, row_version=case.version, **options)
        self.move, self.case, self.scope = move, case, scope
        self._demanded = {g.field for g in guards.GUARDS.get(move.verb, ()) if g.applies(case)}
        for field in move.fields:
            self.fields[field.name if field.kind != Kind.FILE else "file"] = self._field(field)
        if asks and "reason" not in self.fields:
            self.fields["ask_reason"] = CleanText(
                label=_("Why (for the person who approves)"),
                rows=2,
                max_length=LONG,
                required=False,
            )

    def clean(self) -> dict[str, Any]:
        """Ask twice before a message leaves to a doubtful number or address."""
        data = super().clean() or self.cleaned_data
        method = data.get("method") or ""
        self.doubt = doubting.doubt(self.case, method, timezone.now())
        if self.doubt:
            self.fields["sure"] = forms.BooleanField(
                label=_("Send it all the same"), required=False
            )
            if not self.data.get("sure"):
                self.add_error(None, str(doubting.WORDS[self.doubt]))
        return data

    def _field(self, field: Field) -> forms.Field:
        """Return the form field for one field of the table."""
        make = getattr(self, f"_{field.kind.value}")
        made: forms.Field = make(field)
        made.label = field.label  # type: ignore[assignment]
        made.required = field.required or field.name in self._demanded
        if not self.is_bound and made.initial is None:
            made.initial = self._stored(field)
        return made

    def _stored(self, field: Field) -> Any:
        """Return what the case already holds for this field."""
        if field.name in _FRESH:
            return None
        if field.name == "responsibility":
            own = [
                r
                for r in self.case.responsibilities.all()
                if r.department_id == self.case.department_id
            ]
            return own[0].finding if own else None
        value = getattr(self.case, field.name, None)
        if field.name == "objection_ways" and not value and field.name in self._demanded:
            return letters.objection_ways(self.case)
        return getattr(value, "code", value)

    def _text(self, field: Field) -> forms.Field:
        return CleanText(rows=3, max_length=LONG)

    def _line(self, field: Field) -> forms.Field:
        return CleanText(max_length=SHORT)

    def _term(self, field: Field) -> forms.Field:
        pairs = terms.choices(field.source)
        if field.name in MANY:
            return forms.MultipleChoiceField(choices=pairs, widget=forms.CheckboxSelectMultiple)
        return forms.ChoiceField(choices=[("", _("Choose")), *pairs])

    def _choice(self, field: Field) -> forms.Field:
        options: dict[str, list[tuple[Any, Any]]] = {
            "responsibility": list(Responsibility.choices),
            "compensation_kind": list(COMPENSATION_KINDS),
            "method": list(NoticeMethod.choices),
            "severity": self._severities(),
            "decision": list(ReviewDecision.choices),
        }
        return forms.ChoiceField(choices=[("", _("Choose")), *options[field.name]])

    def _severities(self) -> list[tuple[Any, Any]]:
        """Return the grades above (raise) or below (lower) the present one."""
        up = self.move.verb == "raise_severity"
        return [
            (grade.value, grade.label)
            for grade in Severity
            if (grade > self.case.severity if up else grade < self.case.severity)
        ]

    def _money(self, field: Field) -> forms.Field:
        return forms.DecimalField(min_value=0, max_digits=12, decimal_places=2)

    def _number(self, field: Field) -> forms.Field:
        return forms.IntegerField(min_value=0, max_value=2_000_000_000)

    def _moment(self, field: Field) -> forms.Field:
        return MomentField()

    def _tick(self, field: Field) -> forms.Field:
        return forms.BooleanField()

    def _file(self, field: Field) -> forms.Field:
        return forms.FileField(widget=forms.ClearableFileInput)

    def _case(self, field: Field) -> forms.Field:
        return CleanText(max_length=20, help_text=_("Its number, for example C-2026-0000123"))

    def _department(self, field: Field) -> forms.Field:
        units: QuerySet[Department] = Department.objects.filter(active=True)
        return forms.ModelChoiceField(units, empty_label=_("Choose"))

    def _person(self, field: Field) -> forms.Field:
        people = Person.objects.filter(active=True, account__isnull=False)
        if self.move.verb == "ask_review":
            people = people.filter(department=self.case.department.superior_id)
        elif self.move.verb != "assign":
            people = people.filter(department=self.case.department_id)
        named = self.case.exclusions.values("person")
        return forms.ModelChoiceField(
            people.exclude(pk__in=named).select_related("department"), empty_label=_("Not decided")
        )

    def clean_into_id(self) -> int:
        """Return the pk of the surviving case, which must be visible and another one."""
        number = str(self.cleaned_data["into_id"]).strip().upper()
        found = Case.objects.visible_to(self.scope).filter(number=number).exclude(pk=self.case.pk)
        other = found.first()
        if other is None:
            raise forms.ValidationError(
                _("There is no other case with this number that you may open.")
            )
        return other.pk

    def payload(self) -> dict[str, Any]:
        """Return the cleaned fields of the table, people and units as pks, no empty optionals."""
        values: dict[str, Any] = {}
        for field in self.move.fields:
            name = "file" if field.kind == Kind.FILE else field.name
            value: Any = self.cleaned_data.get(name)
            if value in (None, "", []) and not field.required:
                continue
            if field.kind == Kind.FILE:
                continue
            if isinstance(value, Department | Person):
                value = value.pk
            if field.name in MANY:
                value = tuple(value or ())
            if field.name == "severity":
                value = int(value or 0)
            values[field.name] = value
        return values


class NoteForm(forms.Form):
    """An internal note; @ and a name mention somebody."""

    text = CleanText(
        label=_("Internal note"),
        max_length=LONG,
        widget=forms.Textarea(attrs={"rows": 3, "data-mentions": "1"}),
    )

    @property
    def written(self) -> str:
        """The words posted or kept, with codes for the people in them."""
        return str((self.data if self.is_bound else self.initial).get("text") or "")

    def show(self, text: str, codes: Mapping[str, int]) -> None:
        """Show these words in their place, with the people behind the names in them."""
        if self.is_bound:
            self.data = {"text": text}
        else:
            self.initial["text"] = text
        if codes:
            self.fields["text"].widget.attrs["data-mentions-known"] = json.dumps(codes)


class AttachForm(forms.Form):
    """A file for the case."""

    file = forms.FileField(label=_("File"))
