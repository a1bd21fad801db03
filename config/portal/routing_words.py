"""Routing rules as a reader sees them: the lists of their codes, conditions and acts in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from complaints.choices import Severity
from complaints.models import RoutingRule
from complaints.routing.words import LISTS, PLACES, Phrase, name_of, sentence_of, watcher
from config.kernel.models import Term
from config.shared.words import in_language, labelled, listed
from customers.models.customer import Tier
from staff.models import Department
from staff.models.people import UnitKind

Names = Mapping[tuple[str, str], str]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Condition:
    """One kind of condition: its name, the words before its value, where values come from.

    `kind` is terms, units, cities, severities, tiers, flag, amount, words or prefixes; `keys` are
    the keys of `RoutingRule.conditions` that hold it.
    """

    key: str
    label: str | Promise
    verb: str | Promise
    kind: str
    taxonomy: str = ""
    keys: tuple[str, ...] = ()
    hint: str | Promise = ""

    @property
    def stored(self) -> tuple[str, ...]:
        """The keys under which the rule keeps it."""
        return self.keys or (self.key,)


_IS: Final = pgettext_lazy("condition", "is")
_ONE_OF: Final = pgettext_lazy("condition", "is one of")
_COMMAS: Final = gettext_lazy("Several words: separate them by commas.")
_LISTED: Final = (
    Condition("types", gettext_lazy("Type"), _ONE_OF, "terms", "feedback_type"),
    Condition("business_lines", gettext_lazy("Business line"), _ONE_OF, "terms", "business_line",
              hint=gettext_lazy("A group stands for all lines in it.")),
    Condition("causes", gettext_lazy("Cause"), _ONE_OF, "terms", "cause",
              hint=gettext_lazy("A group stands for all causes in it.")),
    Condition("intake_channels", gettext_lazy("Channel"), _ONE_OF, "terms", "intake_channel"),
    Condition("branches", gettext_lazy("Branch"), _ONE_OF, "units",
              hint=gettext_lazy("A unit stands for those below it.")),
    Condition("regions", gettext_lazy("Region"), _ONE_OF, "cities"),
    Condition("tiers", gettext_lazy("Customer tier"), _ONE_OF, "tiers"),
    Condition("severities", gettext_lazy("Severity"), _ONE_OF, "severities"),
    Condition("amount", gettext_lazy("Amount"), pgettext_lazy("condition", "is between"), "amount",
              keys=("amount_from", "amount_to"),
              hint=gettext_lazy("CNY, both included. One of the two may stay empty.")),
    Condition("keywords_any", gettext_lazy("Text"),
              pgettext_lazy("condition", "contains one of"), "words", hint=_COMMAS),
    Condition("keywords_all", gettext_lazy("Text, every word"),
              pgettext_lazy("condition", "contains all of"), "words", hint=_COMMAS),
    Condition("vulnerable", gettext_lazy("Vulnerable customer"), _IS, "flag"),
    Condition("media_risk", gettext_lazy("Media risk"), _IS, "flag"),
    Condition("repeat", gettext_lazy("Repeated matter"), _IS, "flag"),
    Condition("referred", gettext_lazy("Referred by an authority"), _IS, "flag"),
    Condition("products", gettext_lazy("Product"),
              pgettext_lazy("condition", "begins with"), "words", hint=_COMMAS),
)  # fmt: skip
CONDITIONS: Final[dict[str, Condition]] = {each.key: each for each in _LISTED}


@dataclass(frozen=True)
class Lists:
    """All codes a rule may name, with labels in the reader's language; three queries."""

    terms: Mapping[str, Sequence[Term]]
    units: Sequence[Department]
    old: Mapping[Pair, str] = field(default_factory=dict)

    @property
    def names(self) -> dict[Pair, str]:
        """Labels of terms by (list, code), those out of use too."""
        return {(key, term.code): term.label for key, rows in self.terms.items() for term in rows}

    @property
    def places(self) -> dict[str, str]:
        """Labels of departments and of the places that depend on the case, by code."""
        named = {code: str(words) for code, words in PLACES.items()}
        return {unit.code: unit.label for unit in self.units} | named

    def options(self, condition: Condition, chosen: Iterable[str] = ()) -> list[Pair]:
        """Return the (code, label) pairs to choose from; chosen codes out of use stay."""
        found = self._options(condition)
        known = {code for code, _label in found}
        label = _("%(name)s (no longer in use)")
        names = self.names
        return found + [
            (code, label % {"name": names.get((condition.taxonomy, code), code)})
            for code in chosen
            if code not in known
        ]

    def _options(self, condition: Condition) -> list[Pair]:
        if condition.kind == "terms":
            return [(term.code, path_of(term)) for term in self.in_use(condition.taxonomy)]
        if condition.kind == "units":
            return [(unit.code, unit.label) for unit in self._branches()]
        if condition.kind == "cities":
            return sorted(self._cities().items())
        closed: dict[str, list[Pair]] = {
            "severities": [(str(value), str(label)) for value, label in Severity.choices],
            "tiers": [(str(value), str(label)) for value, label in Tier.choices],
            "flag": [("yes", _("yes")), ("no", _("no"))],
        }
        return closed.get(condition.kind, [])

    def in_use(self, taxonomy: str) -> list[Term]:
        """Return the active terms of a list, parents before their children."""
        return [term for term in self.terms.get(taxonomy, ()) if term.active]

    def _branches(self) -> Iterator[Department]:
        """Yield the units a case may concern: branches and what stands above them."""
        above = {pk for unit in self.units if _is_branch(unit) for pk in _path(unit)}
        return (unit for unit in self.units if unit.active and unit.pk in above)

    def _cities(self) -> dict[str, str]:
        return {
            unit.city_en: in_language(unit.city_en, unit.city_zh) or unit.city_en
            for unit in self.units
            if unit.city_en and unit.active
        }


@dataclass(frozen=True, slots=True)
class RoutingLine:
    """One routing rule in words."""

    code: str
    name: str
    when: str
    to: str
    how: str
    goes_on: bool = False
    active: bool = True


def lists() -> Lists:
    """Read everything a routing rule may name; two queries."""
    found: dict[str, list[Term]] = {}
    rows = Term.objects.filter(taxonomy__in=LISTS).select_related("parent")
    for term in sorted(rows, key=_in_tree):
        found.setdefault(term.taxonomy, []).append(term)
    return Lists(found, list(Department.objects.order_by("path", "code")))


def routing_line(rule: RoutingRule, known: Lists) -> RoutingLine:
    """Return a routing rule in words; its person was joined."""
    chosen = rule.strategy in rule.Strategy.values and rule.strategy != rule.Strategy.NOBODY
    how = str(rule.Strategy(rule.strategy).label) if chosen else ""
    if rule.person is not None:
        how = rule.person.label
    return RoutingLine(
        code=rule.code,
        name=name_of(rule),
        when=when_words(rule.conditions, known),
        to="" if rule.goes_on else known.places.get(rule.department, rule.department),
        how=_marks(rule, known) if rule.goes_on else how,
        goes_on=rule.goes_on,
        active=rule.active,
    )


def when_words(conditions: Mapping[str, Any], known: Lists) -> str:
    """Return conditions that all must hold, in words; none = every case."""
    parts = []
    names = known.names
    for condition in CONDITIONS.values():
        values = [conditions.get(key) for key in condition.stored]
        if any(value not in (None, [], "") for value in values):
            parts.append(_condition_words(condition, values, known, names))
    return _(" · ").join(parts) or _("Every case")


def path_of(term: Term) -> str:
    """Return a term with its parent's label before it."""
    return f"{term.parent.label} › {term.label}" if term.parent else term.label


def sentence(rule: RoutingRule, known: Lists) -> dict[str, list[Phrase]]:
    """Return a rule as the phrases of one sentence, by role: when, then, note."""
    found: dict[str, list[Phrase]] = {"when": [], "then": [], "note": []}
    for phrase in sentence_of(rule, known.names, known.places):
        found[phrase.role].append(phrase)
    return found


def _marks(rule: RoutingRule, known: Lists) -> str:
    """Return what a rule that goes on adds to the case."""
    names = known.names
    parts = []
    if rule.severity_floor in Severity.values:
        label = Severity(rule.severity_floor).label
        parts.append(_("severity at least %(severity)s") % {"severity": label})
    if rule.watchers:
        told = listed(watcher(code, known.places) for code in rule.watchers)
        parts.append(_("tell %(people)s") % {"people": told})
    if rule.tags:
        tags = listed(names.get(("tag", code), code) for code in rule.tags)
        parts.append(_("tag %(tags)s") % {"tags": tags})
    return _(" · ").join(parts)


def _condition_words(
    condition: Condition, values: Sequence[Any], known: Lists, names: Names
) -> str:
    if condition.kind == "flag":
        return _flag_words(condition, values[0])
    if condition.kind == "amount":
        return labelled(condition.label, _amount_words(*values))
    codes = values[0] if isinstance(values[0], list) else [values[0]]
    said = listed(_value(condition, code, known, names) for code in codes)
    if condition.kind == "words":
        return f"{condition.label} {condition.verb} {said}"
    return labelled(condition.label, said)


def _flag_words(condition: Condition, value: Any) -> str:
    wanted = value[0] if isinstance(value, list) else value
    if wanted:
        return str(condition.label)
    return _("not: %(condition)s") % {"condition": condition.label}


def _amount_words(least: Any, most: Any) -> str:
    if most in (None, ""):
        return _("from ¥%(amount)s") % {"amount": least}
    if least in (None, ""):
        return _("up to ¥%(amount)s") % {"amount": most}
    return _("¥%(least)s to ¥%(most)s") % {"least": least, "most": most}


def _value(condition: Condition, code: Any, known: Lists, names: Names) -> str:
    match condition.kind:
        case "terms":
            return names.get((condition.taxonomy, code), str(code))
        case "severities" if code in Severity.values:
            return str(Severity(code).label)
        case "tiers" if code in Tier.values:
            return str(Tier(code).label)
        case "units":
            return known.places.get(code, str(code))
        case "cities":
            return dict(known.options(condition)).get(code, str(code))
    return str(code)


def _in_tree(term: Term) -> tuple[Any, ...]:
    """Return a sort key that puts children behind their parent."""
    above = term.parent or term
    return (term.taxonomy, above.order, above.code, term.parent is not None, term.order, term.code)


def _is_branch(unit: Department) -> bool:
    return unit.active and unit.kind == UnitKind.BRANCH


def _path(unit: Department) -> set[int]:
    return {int(pk) for pk in unit.path.split("/") if pk} | {unit.pk}


def facts_of(rule: RoutingRule, known: Lists) -> dict[str, str]:
    """Return all that a rule says as (name of the part -> words), '' where it says nothing."""
    line = routing_line(rule, known)
    names = known.names
    floor = Severity(rule.severity_floor).label if rule.severity_floor else ""
    then = _("mark the case and go on to the next rule") if rule.goes_on else line.to
    return {
        _("Name"): line.name,
        pgettext("condition", "When"): line.when,
        pgettext("action", "Then"): then,
        _("Person"): "" if rule.goes_on else line.how,
        _("Tell"): listed(watcher(code, known.places) for code in rule.watchers),
        _("Severity at least"): str(floor),
        _("Tags"): listed(names.get(("tag", code), code) for code in rule.tags),
        _("Training required"): names.get(("training_course", rule.requires), rule.requires),
        _("In use"): _("yes") if rule.active else _("no"),
    }
