"""Forms of the routing pages: one rule as a sentence, the dry run, the case to explain."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import Severity
from complaints.models import RoutingRule
from complaints.routing.words import PLACES, WATCHERS, watcher
from config.portal.routing_words import CONDITIONS, Condition, Lists
from config.shared.forms import CleanText, VersionedForm
from staff.models import Person

LONGEST_NAME: Final = 160
MANY_WORDS: Final = 50
LONGEST_WORD: Final = 40
DAYS: Final = (7, 30, 90)
_SEPARATORS: Final = re.compile(r"[,，、;；\n]+")
_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}")
Strategy = RoutingRule.Strategy


class Words(CleanText):
    """Several words separated by commas (Chinese ones too); cleaned to a list without repeats."""

    def to_python(self, value: Any) -> Any:
        """Return the words in their order."""
        if isinstance(value, list):
            return value
        text = super().to_python(value) or ""
        found = (unicodedata.normalize("NFKC", word).strip() for word in _SEPARATORS.split(text))
        return list(dict.fromkeys(word for word in found if word))

    def prepare_value(self, value: Any) -> Any:
        """Return the words as one types them."""
        return ", ".join(value) if isinstance(value, list) else value

    def validate(self, value: Any) -> None:
        """Refuse more or longer words than a rule can hold."""
        super().validate(value)
        if len(value) > MANY_WORDS:
            raise forms.ValidationError(
                _("Use at most %(n)s words.") % {"n": MANY_WORDS}, code="many"
            )
        if any(len(word) > LONGEST_WORD for word in value):
            raise forms.ValidationError(
                _("A word may have at most %(n)s characters.") % {"n": LONGEST_WORD}, code="long"
            )

    def run_validators(self, value: Any) -> None:
        """Run those of each word: no control characters."""
        for word in value:
            super().run_validators(word)


class RuleForm(VersionedForm):
    """One routing rule; `rows` are the conditions shown, in the order of the page."""

    number = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    name_en = CleanText(label=gettext_lazy("English name"), max_length=LONGEST_NAME)
    name_zh = CleanText(label=gettext_lazy("Chinese name"), max_length=LONGEST_NAME)
    active = forms.BooleanField(label=gettext_lazy("In use"), required=False)
    goes_on = forms.ChoiceField(
        label=gettext_lazy("Then"),
        choices=[
            ("", gettext_lazy("send the case to")),
            ("1", gettext_lazy("mark the case and go on to the next rule")),
        ],
        required=False,
    )
    department = forms.ChoiceField(label=gettext_lazy("Send to"), required=False)
    strategy = forms.ChoiceField(
        label=gettext_lazy("Person"), choices=Strategy.choices, required=False
    )
    person = CleanText(
        label=gettext_lazy("Named person"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"list": "rule-people", "autocomplete": "off"}),
    )
    requires = forms.ChoiceField(label=gettext_lazy("Require training"), required=False)
    watchers = forms.MultipleChoiceField(label=gettext_lazy("Tell"), required=False)
    staff = Words(label=gettext_lazy("Tell people, by staff number"), required=False)
    severity_floor = forms.ChoiceField(
        label=gettext_lazy("Set severity at least"),
        choices=[("", gettext_lazy("leave as it is")), *Severity.choices],
        required=False,
    )
    tags = forms.MultipleChoiceField(label=gettext_lazy("Add tags"), required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        known: Lists,
        rows: Sequence[str],
        rule: RoutingRule | None = None,
        **options: Any,
    ) -> None:
        super().__init__(data, **options)
        self.known, self.rule = known, rule
        self.rows = [CONDITIONS[key] for key in CONDITIONS if key in rows]
        if rule is not None:
            self.initial = {**_initial(rule), **self.initial}
        else:
            self.initial = {"active": True, **self.initial}
        for condition in self.rows:
            self._add(condition)
        self._offer()

    def _add(self, condition: Condition) -> None:
        """Add the fields of one condition."""
        label = str(condition.label)
        match condition.kind:
            case "amount":
                for key, end in (("amount_from", _("from")), ("amount_to", _("to"))):
                    self.fields[f"c_{key}"] = forms.DecimalField(
                        label=f"{label}, {end}", required=False, min_value=0,
                        max_digits=12, decimal_places=2,
                    )  # fmt: skip
            case "words":
                self.fields[f"c_{condition.key}"] = Words(label=label, required=False)
            case "flag":
                pairs = self.known.options(condition)
                self.fields[f"c_{condition.key}"] = forms.ChoiceField(
                    label=label, choices=pairs, required=False
                )
            case _:
                chosen = self.initial.get(f"c_{condition.key}", [])
                self.fields[f"c_{condition.key}"] = forms.MultipleChoiceField(
                    label=label,
                    choices=self.known.options(condition, chosen),
                    required=False,
                    widget=forms.CheckboxSelectMultiple,
                )

    def _offer(self) -> None:
        """Fill the choices of the acts from the lists; what the rule names already stays."""
        known, given = self.known, self.initial
        units = [(unit.code, unit.label) for unit in known.units if unit.active]
        places = [(code, str(words)) for code, words in PLACES.items()]
        sent = _kept(places + units, [given.get("department", "")], known.places)
        self._choose("department", [("", _("Choose")), *sent])
        told = [(code, str(words)) for code, words in WATCHERS.items()]
        heads = [(code, watcher(code, known.places)) for code, _label in units]
        self._choose("watchers", _kept(told + heads, given.get("watchers", []), known.places))
        names = known.names
        for name, taxonomy in (("tags", "tag"), ("requires", "training_course")):
            pairs = [(term.code, term.label) for term in known.in_use(taxonomy)]
            labels = {code: label for (key, code), label in names.items() if key == taxonomy}
            value = given.get(name) or []
            pairs = _kept(pairs, [value] if isinstance(value, str) else value, labels)
            self._choose(name, pairs if name == "tags" else [("", _("no training")), *pairs])
        for name in ("watchers", "tags"):
            boxes = forms.CheckboxSelectMultiple(choices=self.fields[name].choices)  # type: ignore[attr-defined]
            self.fields[name].widget = boxes

    def _choose(self, name: str, pairs: list[tuple[str, str]]) -> None:
        self.fields[name].choices = pairs  # type: ignore[attr-defined]

    def clean_person(self) -> Person | None:
        """Return the person with the staff number that stands first in the text."""
        text = str(self.cleaned_data["person"] or "").split()
        if not text:
            return None
        found = Person.objects.filter(staff_no=text[0], active=True).first()
        if found is None:
            raise forms.ValidationError(_("Nobody active has this staff number."), code="nobody")
        return found

    def clean_staff(self) -> list[str]:
        """Return the staff numbers of active people."""
        asked: list[str] = self.cleaned_data["staff"]
        shaped = [number for number in asked if _NUMBER.fullmatch(number)]
        rows = Person.objects.filter(Q(staff_no__in=shaped), active=True)
        known = set(rows.values_list("staff_no", flat=True))
        if unknown := [number for number in asked if number not in known]:
            message = _("Nobody active has the staff number %(number)s.") % {"number": unknown[0]}
            raise forms.ValidationError(message, code="nobody")
        return asked

    def clean(self) -> dict[str, Any]:
        """Demand what the sentence leaves open: where to, who, and a span that is one."""
        data = super().clean() or self.cleaned_data
        if not data.get("goes_on") and not data.get("department"):
            self.add_error("department", _("Choose where the case goes."))
        named = data.get("strategy") == Strategy.PERSON and not data.get("goes_on")
        if named and "person" in data and data["person"] is None:
            self.add_error("person", _("Name the person by staff number."))
        least, most = data.get("c_amount_from"), data.get("c_amount_to")
        if least is not None and most is not None and least > most:
            self.add_error("c_amount_to", _("The upper amount is below the lower one."))
        return data

    @property
    def stored(self) -> dict[str, Any]:
        """The rule's fields as the model keeps them; only of a valid form."""
        data = self.cleaned_data
        goes_on = bool(data["goes_on"])
        strategy = Strategy.NOBODY if goes_on else data["strategy"] or Strategy.NOBODY
        floor = data["severity_floor"]
        return {
            "name_en": data["name_en"],
            "name_zh": data["name_zh"],
            "active": data["active"],
            "conditions": self._conditions(),
            "goes_on": goes_on,
            "department": "" if goes_on else data["department"],
            "strategy": str(strategy),
            "person": data["person"] if strategy == Strategy.PERSON else None,
            "requires": "" if goes_on else data["requires"],
            "watchers": [*data["watchers"], *(f"staff:{number}" for number in data["staff"])],
            "severity_floor": int(floor) if floor else None,
            "tags": data["tags"],
        }

    def _conditions(self) -> dict[str, Any]:
        """Return the conditions that say something."""
        found: dict[str, Any] = {}
        for condition in self.rows:
            for key in condition.stored:
                value = _stored_value(condition, self.cleaned_data.get(f"c_{key}"))
                if value not in (None, [], ""):
                    found[key] = value
        return found


class DaysForm(forms.Form):
    """How far back the dry run looks."""

    days = forms.TypedChoiceField(
        label=gettext_lazy("Look back"),
        choices=[(n, n) for n in DAYS],
        coerce=int,
    )


def rows_asked(data: QueryDict) -> list[str]:
    """Return the conditions a posted form showed, with the added and without the dropped ones."""
    shown = [key for key in data.getlist("has") if key in CONDITIONS]
    added, dropped = data.get("add", ""), data.get("drop", "")
    if added in CONDITIONS and added not in shown:
        shown.append(added)
    return [key for key in shown if key != dropped]


def rows_of(rule: RoutingRule) -> list[str]:
    """Return the conditions a stored rule has."""
    return [
        condition.key
        for condition in CONDITIONS.values()
        if any(rule.conditions.get(key) not in (None, [], "") for key in condition.stored)
    ]


def changes_rows(data: QueryDict) -> bool:
    """Tell whether a posted form adds or drops a condition."""
    return data.get("add", "") in CONDITIONS or data.get("drop", "") in CONDITIONS


def _initial(rule: RoutingRule) -> dict[str, Any]:
    """Return a stored rule as the form shows it."""
    people = [code.removeprefix("staff:") for code in rule.watchers if code.startswith("staff:")]
    person = rule.person
    shown: dict[str, Any] = {
        "name_en": rule.name_en,
        "name_zh": rule.name_zh,
        "active": rule.active,
        "goes_on": "1" if rule.goes_on else "",
        "department": rule.department,
        "strategy": rule.strategy,
        "person": f"{person.staff_no} {person.label}" if person else "",
        "requires": rule.requires,
        "watchers": [code for code in rule.watchers if not code.startswith("staff:")],
        "staff": people,
        "severity_floor": rule.severity_floor or "",
        "tags": list(rule.tags),
    }
    for key, value in rule.conditions.items():
        shown[f"c_{key}"] = _shown_value(key, value)
    return shown


def _shown_value(key: str, value: Any) -> Any:
    """Return a stored condition as its field shows it."""
    condition = CONDITIONS.get(key)
    if condition is not None and condition.kind == "flag":
        first = value[0] if isinstance(value, list) and value else value
        return "yes" if first else "no"
    if condition is not None and condition.kind == "severities":
        return [str(grade) for grade in value]
    return value


def _stored_value(condition: Condition, value: Any) -> Any:
    """Return a cleaned field as the rule keeps it."""
    if condition.kind == "flag":
        return [value == "yes"] if value else []
    if condition.kind == "severities":
        return [int(grade) for grade in value or []]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _kept(
    pairs: list[tuple[str, str]], chosen: Iterable[str], labels: Mapping[str, str | Promise]
) -> list[tuple[str, str]]:
    """Return the pairs with the chosen codes that are no longer offered."""
    known = {code for code, _label in pairs}
    label = _("%(name)s (no longer in use)")
    old = [code for code in chosen if code and code not in known]
    return pairs + [(code, label % {"name": labels.get(code, code)}) for code in old]


__all__ = [
    "DAYS",
    "DaysForm",
    "RuleForm",
    "Words",
    "changes_rows",
    "rows_asked",
    "rows_of",
]
