"""The fields of a routing rule as they are edited, and what is wrong with them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.choices import Severity
from complaints.models import RoutingRule
from complaints.routing import words
from complaints.routing.matching import KEYS, amount, wanted
from config.kernel.models import Term
from config.kernel.rulesets import RulesRefused
from staff.models import Department, Person

LONGEST: Final = {"name_en": 160, "name_zh": 160, "code": 40}
_AMOUNTS: Final = ("amount_from", "amount_to")
_MOST: Final = 200
_LONGEST_WORD: Final = 60


class FieldRefused(RulesRefused):
    """A field of a rule that cannot be kept; `field` names it, the words say what to do."""

    def __init__(
        self, name: str, words: str | Promise, params: Mapping[str, object] | None = None
    ) -> None:
        super().__init__("field", words)
        self.field = name
        self.params = dict(params or {})


@dataclass(frozen=True, slots=True)
class RuleData:
    """A routing rule as it is edited; the fields are those of RoutingRule.

    `code` '' = one is made up for a new rule.
    """

    name_en: str = ""
    name_zh: str = ""
    code: str = ""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    department: str = ""
    strategy: str = RoutingRule.Strategy.NOBODY
    person: Person | None = None
    goes_on: bool = False
    active: bool = True
    watchers: Sequence[str] = ()
    severity_floor: int | None = None
    tags: Sequence[str] = ()
    requires: str = ""


def values_of(data: RuleData) -> dict[str, Any]:
    """Return the checked fields of a rule, or refuse the first that cannot be kept."""
    given = _fields(data)
    _check_names(data)
    _check_sending(data)
    _check_adding(data)
    given["conditions"] = _conditions(data.conditions)
    return given


def _fields(data: RuleData) -> dict[str, Any]:
    names = ("department", "strategy", "person", "goes_on", "active", "severity_floor", "requires")
    given: dict[str, Any] = {name: getattr(data, name) for name in names}
    given |= {"name_en": data.name_en.strip(), "name_zh": data.name_zh.strip()}
    given |= {"watchers": list(data.watchers), "tags": list(data.tags)}
    return given


def _check_names(data: RuleData) -> None:
    for name in ("name_en", "name_zh"):
        text = getattr(data, name).strip()
        if not text:
            raise FieldRefused(name, _("Give the rule a name in both languages."))
        if len(text) > LONGEST[name]:
            told = {"longest": LONGEST[name]}
            raise FieldRefused(name, _("The name is longer than %(longest)s characters."), told)


def _check_sending(data: RuleData) -> None:
    """Refuse a destination or a person that nobody can be sent to."""
    if data.strategy not in RoutingRule.Strategy.values:
        raise FieldRefused("strategy", _("Choose how the person is found."))
    if data.goes_on:
        if data.department:
            message = _("A rule that goes on sends the case nowhere. Leave the department empty.")
            raise FieldRefused("department", message)
        return
    if not data.department:
        raise FieldRefused("department", _("Say where the case goes."))
    if data.department not in words.PLACES and not _is_open([data.department]):
        raise FieldRefused("department", _("This department does not work any more."))
    if data.strategy == RoutingRule.Strategy.PERSON:
        _check_person(data.person)


def _check_person(person: Person | None) -> None:
    if person is None:
        raise FieldRefused("person", _("Name the person."))
    if not person.active:
        raise FieldRefused("person", _("This person does not work here any more."))


def _check_adding(data: RuleData) -> None:
    """Refuse watchers, tags, a severity or a course that do not exist."""
    if data.severity_floor is not None and data.severity_floor not in Severity.values:
        raise FieldRefused("severity_floor", _("The severity must be one of 1 to 4."))
    named = [code for code in data.watchers if code not in words.WATCHERS]
    numbers = {code.removeprefix("staff:") for code in named if code.startswith("staff:")}
    units = [code for code in named if not code.startswith("staff:")]
    if units and not _is_open(units):
        raise FieldRefused("watchers", _("One of these departments does not work any more."))
    known = Person.objects.active().filter(staff_no__in=numbers).count() if numbers else 0
    if known != len(numbers):
        raise FieldRefused("watchers", _("One of these people does not work here any more."))
    _check_terms("tags", "tag", data.tags)
    _check_terms("requires", "training_course", [data.requires] if data.requires else [])


def _check_terms(name: str, taxonomy: str, codes: Iterable[Any]) -> None:
    wanted_codes = {str(code) for code in codes}
    rows = Term.objects.filter(taxonomy=taxonomy, code__in=wanted_codes)
    known = set(rows.values_list("code", flat=True)) if wanted_codes else set()
    if unknown := sorted(wanted_codes - known):
        told = {"code": unknown[0]}
        raise FieldRefused(name, _("“%(code)s” is not in the list."), told)


def _is_open(codes: Sequence[str]) -> bool:
    rows = Department.objects.active().filter(code__in=codes)
    return rows.count() == len(set(codes))


def _conditions(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conditions that say something, in the order of the sentence."""
    if unknown := [key for key in given if key not in KEYS]:
        told = {"code": unknown[0]}
        raise FieldRefused("conditions", _("There is no condition “%(code)s”."), told)
    found: dict[str, Any] = {}
    for key in KEYS:
        values = wanted(given.get(key))
        if values:
            found[key] = _condition(key, values)
    low, high = (amount(found.get(key)) for key in _AMOUNTS)
    if low is not None and high is not None and low > high:
        raise FieldRefused("amount_to", _("The highest amount is below the lowest."))
    return found


def _condition(key: str, values: list[Any]) -> Any:
    """Return one condition as it is kept; refuses what no case can ever meet."""
    if key in _AMOUNTS:
        return _sum(key, values)
    if len(values) > _MOST or any(not isinstance(value, str | int) for value in values):
        raise FieldRefused(key, _("Choose from the list."))
    _CHECKS.get(key, _check_texts)(key, values)
    return values


def _sum(key: str, values: list[Any]) -> int | float | str:
    found = amount(values[0])
    if found is None or found < 0 or len(values) > 1:
        raise FieldRefused(key, _("Give a sum of money, 0 or more."))
    return values[0] if isinstance(values[0], int | float) else str(found)


def _check_flag(key: str, values: list[Any]) -> None:
    if any(not isinstance(value, bool) for value in values):
        raise FieldRefused(key, _("Choose from the list."))


def _check_severities(key: str, values: list[Any]) -> None:
    if any(value not in Severity.values for value in values):
        raise FieldRefused(key, _("The severity must be one of 1 to 4."))


def _check_codes(key: str, values: list[Any]) -> None:
    _check_terms(key, TAXONOMY[key], values)


def _check_branches(key: str, values: list[Any]) -> None:
    if Department.objects.filter(code__in=values).count() != len(set(values)):
        raise FieldRefused(key, _("One of these units does not exist."))


def _check_texts(key: str, values: list[Any]) -> None:
    if any(not str(value).strip() or len(str(value)) > _LONGEST_WORD for value in values):
        raise FieldRefused(key, _("A word must not be empty or longer than 60 characters."))


TAXONOMY: Final[Mapping[str, str]] = {
    "types": "feedback_type",
    "business_lines": "business_line",
    "causes": "cause",
    "intake_channels": "intake_channel",
}
_CHECKS: Final[Mapping[str, Callable[[str, list[Any]], None]]] = {
    **dict.fromkeys(("media_risk", "repeat", "vulnerable", "referred"), _check_flag),
    **dict.fromkeys(TAXONOMY, _check_codes),
    "severities": _check_severities,
    "branches": _check_branches,
}
