"""Rules compiled to tests of facts: each rule once, then as many cases as wanted."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol

from complaints.routing.facts import Facts, normal

Test = Callable[[Facts], bool]


class RuleLike(Protocol):
    """A stored rule or the data of one."""

    code: str
    conditions: Any
    goes_on: bool
    active: bool
    severity_floor: int | None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule with the tests of its conditions, in their order."""

    rule: Any
    tests: tuple[tuple[str, Test], ...]

    def failed(self, facts: Facts) -> str:
        """Return the first condition that does not hold, '' when all do."""
        for key, test in self.tests:
            if not test(facts):
                return key
        return ""


@dataclass(frozen=True, slots=True)
class Book:
    """The rules of one version that are switched on, in order, and the words they ask for."""

    rules: tuple[Compiled, ...]
    words: frozenset[str]
    prefixes: frozenset[str]


def book_of(rules: Iterable[RuleLike]) -> Book:
    """Compile rules given in order; those switched off are left out."""
    used = [rule for rule in rules if rule.active]
    words, prefixes = asked_by(used)
    return Book(tuple(compiled(rule) for rule in used), words, prefixes)


def asked_by(rules: Iterable[RuleLike]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the normalised keywords and the beginnings of product names the rules ask for."""
    words: set[str] = set()
    prefixes: set[str] = set()
    for rule in rules:
        for key in ("keywords_any", "keywords_all"):
            words |= set(normals(wanted(rule.conditions.get(key))))
        prefixes |= {str(text) for text in wanted(rule.conditions.get("products"))}
    return frozenset(words), frozenset(prefixes)


def compiled(rule: RuleLike) -> Compiled:
    """Compile one rule."""
    tests = []
    for key, value in rule.conditions.items():
        if values := wanted(value):
            make = _TESTS.get(key)
            tests.append((key, make(values) if make else _never))
    return Compiled(rule, tuple(tests))


def walk(book: Book, facts: Facts, *, raising: bool = True) -> Iterator[tuple[Compiled, str]]:
    """Yield every rule with the condition that failed ('' = it matched), raising by floors.

    The floor of a matching rule that goes on counts for the rules below it (not where `raising`
    is off); the caller stops where a final rule has sent the case somewhere.
    """
    for one in book.rules:
        failed = one.failed(facts)
        yield one, failed
        rule = one.rule
        if raising and not failed and rule.goes_on and rule.severity_floor:
            facts.severity = max(facts.severity, rule.severity_floor)


def wanted(value: Any) -> list[Any]:
    """Return what a condition wants as a list; [] = anything."""
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


def normals(values: Iterable[Any]) -> list[str]:
    """Return keywords as they are compared, empty ones left out."""
    return [word for word in (normal(str(value)) for value in values) if word]


def amount(value: Any) -> Decimal | None:
    """Return a sum of money of a condition; None when it is none."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _never(_facts: Facts) -> bool:
    return False


def _plain(values: list[Any]) -> frozenset[Any]:
    return frozenset(value for value in values if isinstance(value, str | int))


def _one_of(name: str) -> Callable[[list[Any]], Test]:
    def make(values: list[Any]) -> Test:
        known = _plain(values)
        return lambda facts: getattr(facts, name) in known

    return make


def _any_of(name: str) -> Callable[[list[Any]], Test]:
    def make(values: list[Any]) -> Test:
        known = _plain(values)
        return lambda facts: not known.isdisjoint(getattr(facts, name))

    return make


def _products(values: list[Any]) -> Test:
    prefixes = [str(value) for value in values]
    return lambda facts: any(facts.begins(prefix) for prefix in prefixes)


def _from(values: list[Any]) -> Test:
    least = amount(values[0])
    if least is None:
        return _never
    return lambda facts: facts.amount is not None and facts.amount >= least


def _to(values: list[Any]) -> Test:
    most = amount(values[0])
    if most is None:
        return _never
    return lambda facts: facts.amount is not None and facts.amount <= most


def _says_any(values: list[Any]) -> Test:
    words = normals(values)
    return lambda facts: any(facts.says(word) for word in words)


def _says_all(values: list[Any]) -> Test:
    words = normals(values)
    return lambda facts: bool(words) and all(facts.says(word) for word in words)


_TESTS: Final[Mapping[str, Callable[[list[Any]], Test]]] = {
    "types": _one_of("type"),
    "business_lines": _any_of("lines"),
    "causes": _any_of("causes"),
    "intake_channels": _one_of("channel"),
    "severities": _one_of("severity"),
    "tiers": _one_of("tier"),
    "products": _products,
    "branches": _any_of("branches"),
    "regions": _one_of("region"),
    "media_risk": _one_of("media_risk"),
    "repeat": _one_of("repeat"),
    "vulnerable": _one_of("vulnerable"),
    "referred": _one_of("referred"),
    "amount_from": _from,
    "amount_to": _to,
    "keywords_any": _says_any,
    "keywords_all": _says_all,
}
KEYS: Final = tuple(_TESTS)
