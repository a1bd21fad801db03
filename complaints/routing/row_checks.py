"""What one routing rule names that does not exist, or does not work any more."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from complaints.models import RoutingRule
from complaints.routing import words
from complaints.routing.cover import World
from complaints.routing.facts import chain, owner_of
from complaints.routing.matching import KEYS, amount, wanted
from complaints.routing.places import Units
from complaints.routing.rule_fields import TAXONOMY
from config.kernel.models import Term
from config.kernel.rule_kinds import ERROR, WARNING, Finding
from staff.models import Person

_LISTS: Final = ("feedback_type", "business_line", "cause", "intake_channel", "tag",
                 "training_course")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """Everything rules may name: terms by list, units, active staff numbers."""

    terms: dict[str, dict[str, Term]]
    units: Units
    people: frozenset[str]

    @classmethod
    def read(cls, rules: Sequence[RoutingRule]) -> "Known":
        """Read lists, units and the people the rules name; three queries."""
        terms: dict[str, dict[str, Term]] = {name: {} for name in _LISTS}
        rows = Term.objects.filter(taxonomy__in=_LISTS).select_related("parent")
        for term in rows:
            terms[term.taxonomy][term.code] = term
        numbers = {w for rule in rules for w in rule.watchers if w.startswith("staff:")}
        return cls(terms, Units(), _active(numbers))

    def world(self, rules: Sequence[RoutingRule]) -> World:
        """Return all values a case can have, as far as these rules tell them apart."""
        sums = {
            found
            for rule in rules
            for key in ("amount_from", "amount_to")
            for value in wanted(rule.conditions.get(key))[:1]
            if (found := amount(value)) is not None
        }
        units = self.units
        lines = self.terms["business_line"]
        return World(
            types=frozenset(self.terms["feedback_type"]),
            channels=frozenset(self.terms["intake_channel"]),
            lines={code: _codes(term) for code, term in lines.items()},
            causes={code: _codes(term) for code, term in self.terms["cause"].items()},
            units={code: units.codes(unit.pk) for code, unit in units.by_code.items()},
            cities={code: units.region(unit.pk) for code, unit in units.by_code.items()},
            owners={code: owner_of(chain(term)) for code, term in lines.items()},
            open_units=frozenset(c for c, unit in units.by_code.items() if unit.active),
            sums=sorted(sums),
        )


def of_rule(rule: RoutingRule, known: Known) -> Iterator[Finding]:
    """Yield what one rule says that cannot be carried out."""
    yield from _unlisted(rule, known)
    for code in _lost_watchers(rule, known):
        text = _("Rule “%(rule)s”: watcher %(code)s leads to nobody.")
        yield _finding(WARNING, "watcher", rule, text, code)
    if rule.goes_on:
        if not (rule.watchers or rule.tags or rule.severity_floor):
            text = _("Rule “%(rule)s” goes on but adds nothing.")
            yield _finding(WARNING, "idle", rule, text)
        return
    if rule.department not in words.PLACES and known.units.open(rule.department) is None:
        text = _("Rule “%(rule)s”: department “%(code)s” does not exist or does not work any more.")
        yield _finding(ERROR, "department", rule, text, rule.department or "–")
    if rule.strategy == RoutingRule.Strategy.PERSON and (
        rule.person is None or not rule.person.active
    ):
        text = _("Rule “%(rule)s”: the named person does not work here any more. Name another.")
        yield _finding(ERROR, "person", rule, text)


def _finding(level: str, code: str, rule: RoutingRule, text: str, which: str = "") -> Finding:
    return Finding(level, code, rule.code, text % {"rule": words.name_of(rule), "code": which})


def _unlisted(rule: RoutingRule, known: Known) -> Iterator[Finding]:
    """Yield conditions and codes that are in no list, or not used any more."""
    for key in rule.conditions:
        if key not in KEYS:
            text = _("Rule “%(rule)s”: there is no condition “%(code)s”; it never matches.")
            yield _finding(ERROR, "unknown", rule, text, key)
    for code in _unknown(rule, known):
        text = _("Rule “%(rule)s”: “%(code)s” is not in the list. Correct or remove it.")
        yield _finding(ERROR, "unknown", rule, text, code)
    for code in _retired(rule, known):
        text = _("Rule “%(rule)s”: “%(code)s” is not used any more.")
        yield _finding(WARNING, "retired", rule, text, code)


def _unknown(rule: RoutingRule, known: Known) -> list[str]:
    """Return the codes of a rule that are in no list."""
    found = [
        str(code)
        for key, taxonomy in TAXONOMY.items()
        for code in wanted(rule.conditions.get(key))
        if code not in known.terms[taxonomy]
    ]
    branches = wanted(rule.conditions.get("branches"))
    found += [str(code) for code in branches if code not in known.units.by_code]
    found += [code for code in rule.tags if code not in known.terms["tag"]]
    if rule.requires and rule.requires not in known.terms["training_course"]:
        found.append(rule.requires)
    return found


def _retired(rule: RoutingRule, known: Known) -> list[str]:
    return [
        str(code)
        for key, taxonomy in TAXONOMY.items()
        for code in wanted(rule.conditions.get(key))
        if code in known.terms[taxonomy] and not known.terms[taxonomy][code].active
    ]


def _lost_watchers(rule: RoutingRule, known: Known) -> Iterator[str]:
    for word in rule.watchers:
        if word.startswith("staff:"):
            if word not in known.people:
                yield word.removeprefix("staff:")
        elif word not in words.WATCHERS:
            unit = known.units.open(word)
            if unit is None or unit.head_id is None:
                yield word


def _active(numbers: Collection[str]) -> frozenset[str]:
    plain = [word.removeprefix("staff:") for word in numbers]
    rows = Person.objects.active().filter(staff_no__in=plain)
    return frozenset(f"staff:{number}" for number in rows.values_list("staff_no", flat=True))


def _codes(term: Term) -> tuple[str, ...]:
    return tuple(one.code for one in chain(term))
