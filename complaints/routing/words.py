"""A routing rule as a sentence: phrases for the editor, and why a condition did not hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import Severity
from complaints.models import RoutingRule
from complaints.routing.facts import Facts
from complaints.routing.matching import wanted
from config.kernel.models import Term
from config.shared.words import in_language, listed
from customers.models.customer import Tier
from staff.models import Department

Names = Mapping[tuple[str, str], str]
Units = Mapping[str, str]
LISTS: Final = (
    "feedback_type", "business_line", "cause", "intake_channel", "tag", "training_course",
)  # fmt: skip
PLACES: Final[Mapping[str, Promise]] = {
    "@line": gettext_lazy("the owner of the business line"),
    "@branch": gettext_lazy("the branch concerned"),
    "@registrar": gettext_lazy("the unit that registered the case"),
}
WATCHERS: Final[Mapping[str, Promise]] = {
    "@rm": gettext_lazy("the customer's relationship manager"),
    "@branch_head": gettext_lazy("the head of the branch concerned"),
}
_CLAUSES: Final[Mapping[str, tuple[Promise, str]]] = {
    "types": (gettext_lazy("type is %(values)s"), "feedback_type"),
    "business_lines": (gettext_lazy("business line is %(values)s"), "business_line"),
    "causes": (gettext_lazy("cause is %(values)s"), "cause"),
    "intake_channels": (gettext_lazy("channel is %(values)s"), "intake_channel"),
    "severities": (gettext_lazy("severity is %(values)s"), ""),
    "tiers": (gettext_lazy("customer is %(values)s"), ""),
    "products": (gettext_lazy("product begins with %(values)s"), ""),
    "branches": (gettext_lazy("branch is %(values)s"), ""),
    "regions": (gettext_lazy("region is %(values)s"), ""),
    "amount_from": (gettext_lazy("amount is at least %(values)s CNY"), ""),
    "amount_to": (gettext_lazy("amount is at most %(values)s CNY"), ""),
    "keywords_any": (gettext_lazy("words hold one of: %(values)s"), ""),
    "keywords_all": (gettext_lazy("words hold all of: %(values)s"), ""),
}
_FLAGS: Final[Mapping[tuple[str, bool], Promise]] = {
    ("media_risk", True): gettext_lazy("there is media risk"),
    ("media_risk", False): gettext_lazy("there is no media risk"),
    ("repeat", True): gettext_lazy("the matter is a repeat"),
    ("repeat", False): gettext_lazy("the matter is not a repeat"),
    ("vulnerable", True): gettext_lazy("the customer is vulnerable"),
    ("vulnerable", False): gettext_lazy("the customer is not vulnerable"),
    ("referred", True): gettext_lazy("the case was referred to us"),
    ("referred", False): gettext_lazy("the case was not referred to us"),
}
_FOUND: Final[Mapping[str, tuple[str, str]]] = {
    "types": ("type", "feedback_type"),
    "business_lines": ("lines", "business_line"),
    "causes": ("causes", "cause"),
    "intake_channels": ("channel", "intake_channel"),
    "severities": ("severity", ""),
    "tiers": ("tier", ""),
    "branches": ("branches", ""),
    "regions": ("region", ""),
    "amount_from": ("amount", ""),
    "amount_to": ("amount", ""),
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of the sentence of a rule.

    `role` is `when` (a condition), `then` (what it does) or `note`; `key` names the condition or
    the field it speaks of, `text` is a clause in the reader's language.
    """

    role: str
    key: str
    text: str


def names_of_lists() -> dict[tuple[str, str], str]:
    """Return the labels the sentences need by (list, code); one query."""
    rows = Term.objects.filter(taxonomy__in=LISTS)
    return {(term.taxonomy, term.code): term.label for term in rows}


def names_of_units() -> dict[str, str]:
    """Return the names of all units by code; one query."""
    return {unit.code: unit.label for unit in Department.objects.all()}


def name_of(rule: Any) -> str:
    """Return the name of a rule (or of the data of one) in the active language."""
    return in_language(rule.name_en, rule.name_zh) or str(rule.code)


def sentence_of(rule: Any, names: Names, units: Units) -> list[Phrase]:
    """Return a rule (or the data of one) as phrases: conditions first, then what it does."""
    return [*_when(rule.conditions, names, units), *_then(rule, names, units)]


def clause(key: str, value: Any, names: Names, units: Units) -> str:
    """Return one condition in words."""
    values = wanted(value)
    if values and isinstance(values[0], bool) and (key, values[0]) in _FLAGS:
        return str(_FLAGS[key, values[0]])
    pattern, taxonomy = _CLAUSES.get(key, (gettext_lazy("%(key)s is %(values)s"), ""))
    shown = listed(_value(key, taxonomy, code, names, units) for code in values)
    return str(pattern) % {"values": shown, "key": key}


def unmet(key: str, value: Any, facts: Facts, names: Names, units: Units) -> str:
    """Return why a condition did not hold for the facts of a case."""
    told = {"clause": clause(key, value, names, units)}
    if key not in _FOUND:
        return _("not so: %(clause)s") % told
    name, taxonomy = _FOUND[key]
    found = getattr(facts, name)
    codes: Sequence[Any] = found[:1] if isinstance(found, tuple) else [found]
    shown = [_value(key, taxonomy, code, names, units) for code in codes if code not in (None, "")]
    told["found"] = listed(shown) or _("not known")
    return _("wanted: %(clause)s; it was: %(found)s") % told


def place(code: str, units: Units) -> str:
    """Return a destination in words: a unit, or what a case names."""
    return str(PLACES.get(code) or units.get(code) or code)


def watcher(word: str, units: Units) -> str:
    """Return one watcher of a rule in words."""
    if word in WATCHERS:
        return str(WATCHERS[word])
    if word.startswith("staff:"):
        return _("staff member %(number)s") % {"number": word.removeprefix("staff:")}
    return _("the head of %(unit)s") % {"unit": units.get(word, word)}


def _when(conditions: Mapping[str, Any], names: Names, units: Units) -> list[Phrase]:
    found = [
        Phrase("when", key, clause(key, value, names, units))
        for key, value in conditions.items()
        if wanted(value)
    ]
    return found or [Phrase("when", "", _("every case"))]


def _then(rule: Any, names: Names, units: Units) -> Iterable[Phrase]:
    if rule.department and not rule.goes_on:
        told = {"department": place(rule.department, units)}
        yield Phrase("then", "department", _("send to %(department)s") % told)
        yield from _person(rule, names)
    if rule.severity_floor:
        told = {"severity": _severity(rule.severity_floor)}
        yield Phrase("then", "severity_floor", _("severity at least %(severity)s") % told)
    if rule.watchers:
        told = {"people": listed(watcher(word, units) for word in rule.watchers)}
        yield Phrase("then", "watchers", _("watched by %(people)s") % told)
    if rule.tags:
        told = {"tags": listed(names.get(("tag", code), code) for code in rule.tags)}
        yield Phrase("then", "tags", _("tagged %(tags)s") % told)
    if rule.goes_on:
        yield Phrase("note", "goes_on", _("the rules below are still asked"))
    if not rule.active:
        yield Phrase("note", "active", _("switched off"))


def _person(rule: Any, names: Names) -> Iterable[Phrase]:
    strategies = RoutingRule.Strategy
    if rule.strategy in strategies.values:
        told = {"how": strategies(rule.strategy).label}
        person = getattr(rule, "person", None)
        if rule.strategy == strategies.PERSON and person is not None:
            told["how"] = person.label
        yield Phrase("then", "strategy", _("person: %(how)s") % told)
    if rule.requires:
        told = {"course": names.get(("training_course", rule.requires), rule.requires)}
        yield Phrase("then", "requires", _("only with a valid training: %(course)s") % told)


def _value(key: str, taxonomy: str, code: Any, names: Names, units: Units) -> str:
    if taxonomy:
        return names.get((taxonomy, str(code)), str(code))
    if key == "severities":
        return _severity(code)
    if key == "tiers":
        return str(Tier(code).label) if code in Tier.values else str(code)
    if key == "branches":
        return units.get(str(code), str(code))
    return str(code)


def _severity(code: Any) -> str:
    return str(Severity(code).label) if code in Severity.values else str(code)
