"""Where a case goes and who gets it: ordered rules, first match wins, the reason is kept.

Reading only: `assign` sets fields of the case objects and writes nothing; what the matching rules
add (watchers, tags) is in what it returns. Rules are the published rule set `routing`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from complaints.models import Case, RoutingRule
from complaints.routing import facts as facts_module
from complaints.routing import matching
from complaints.routing.choosing import Choice, Recusals, Staff, rm_of
from complaints.routing.facts import Facts
from complaints.routing.places import Units
from config.kernel import rulesets
from config.kernel.models import RuleSet
from staff.models import Department, Person

KIND: Final = "routing"


@dataclass(frozen=True, slots=True)
class Routed:
    """Where one case goes. `rule` None: nothing matched, the fields of the case are as before.

    `watchers` are pks and `tags` codes that the matching rules add; `raised` are (rule, severity
    before, severity after). They are also in `why["added"]`, rule by rule.
    """

    case: Case
    department: Department | None
    handler: Person | None
    rule: RoutingRule | None
    why: Mapping[str, Any]
    watchers: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    raised: tuple[tuple[str, int, int], ...] = ()


@dataclass(slots=True)
class _Way:
    """What the rules said about one case: the final rule and where it leads, what others add."""

    rule: RoutingRule | None = None
    unit: Department | None = None
    severity: int = 1
    missing: list[str] = field(default_factory=list)
    adding: list[tuple[RoutingRule, int]] = field(default_factory=list)


def assign(
    cases: Sequence[Case],
    *,
    at: datetime,
    out: Sequence[Collection[int]] = (),
    named: Sequence[Collection[int]] | None = None,
) -> list[Routed]:
    """Choose department and handler for unsaved or held cases, in order; sets their fields.

    Sets `department`, `handler`, `routing_reason`, and `severity` where a rule raises it. `out`
    names, case by case, the people an unsaved case excludes, `named` those of them the matter is
    about (left out: all of `out`); a saved case knows both. Cases of one call count towards each
    other's load. The number of queries does not depend on the number of cases.
    """
    return [_apply(routed) for routed in _routed(cases, at, out, named)]


def preview(
    case: Case, *, at: datetime, out: Collection[int] = (), named: Collection[int] | None = None
) -> Routed:
    """Say where a case would go, without touching it."""
    return _routed([case], at, [out], None if named is None else [named])[0]


def would(
    rule_set: RuleSet, cases: Sequence[Case], *, at: datetime, out: Sequence[Collection[int]] = ()
) -> list[Routed]:
    """Say where cases would go by one version of the rules, a draft say; touches nothing."""
    return _House(cases, rules_of(rule_set), at, Recusals.read(cases, out)).routes()


def rules_of(rule_set: RuleSet | None) -> list[RoutingRule]:
    """Return the rules of a version in their order; one query."""
    if rule_set is None:
        return []
    rows = RoutingRule.objects.filter(rule_set=rule_set).select_related("rule_set", "person")
    return list(rows.order_by("order", "id"))


def _routed(
    cases: Sequence[Case],
    at: datetime,
    out: Sequence[Collection[int]],
    named: Sequence[Collection[int]] | None,
) -> list[Routed]:
    rules = rules_of(rulesets.published(KIND, at))
    return _House(cases, rules, at, Recusals.read(cases, out, named)).routes()


class _House:
    """Rules, units and people for a set of cases."""

    def __init__(
        self, cases: Sequence[Case], rules: Sequence[RoutingRule], at: datetime, recusals: Recusals
    ) -> None:
        used = [rule for rule in rules if rule.active]
        self._places = {rule.pk: place for place, rule in enumerate(rules, start=1)}
        self._cases, self._recusals = cases, recusals
        self._book = matching.book_of(used)
        self._units = Units()
        self._staff = Staff(cases, [rule for rule in used if not rule.goes_on], at)

    def routes(self) -> list[Routed]:
        """Return where the cases go, in order; one more query when watchers are added."""
        ways = [self._way(case) for case in self._cases]
        found = [self._route(case, *way) for case, way in zip(self._cases, ways, strict=True)]
        watching = self._watchers([way for way, _facts in ways])
        return [
            self._with_effects(routed, way, watching)
            for routed, (way, _facts) in zip(found, ways, strict=True)
        ]

    def _way(self, case: Case) -> tuple[_Way, dict[str, Any]]:
        """Ask the rules about one case; history is neither raised nor added to."""
        facts = facts_module.facts_of(case, self._units, with_text=bool(self._book.words))
        kept = facts_module.kept(facts, self._book.words, self._book.prefixes)
        way = _Way(severity=facts.severity)
        for one, failed in matching.walk(self._book, facts, raising=not case.is_history):
            if failed:
                continue
            rule: RoutingRule = one.rule
            before = way.severity
            if not rule.goes_on and not self._leads(rule, facts, way):
                continue
            if not case.is_history:
                way.severity = max(way.severity, rule.severity_floor or 0)
                way.adding.append((rule, before))
            if not rule.goes_on:
                way.rule = rule
                break
        return way, kept

    def _leads(self, rule: RoutingRule, facts: Facts, way: _Way) -> bool:
        """Tell whether a final rule leads to an open unit; remembers the one it does not."""
        code = destination(rule, facts)
        way.unit = self._units.open(code) if code else None
        if way.unit is None and code:
            way.missing.append(code)
        return way.unit is not None

    def _route(self, case: Case, way: _Way, kept: dict[str, Any]) -> Routed:
        rule, unit = way.rule, way.unit
        if rule is None or unit is None:
            return Routed(case, None, None, None, {})
        out = self._recusals.out[id(case)]
        final = self._units.clear(unit, self._recusals.named[id(case)])
        choice = self._staff.choose(case, rule, final, out)
        why = _reason(rule, unit, final, choice) | {
            "place": self._places[rule.pk],
            "severity": way.severity,
            "facts": kept,
        }
        if way.missing:
            why["missing"] = way.missing
        return Routed(case, final, choice.person, rule, why)

    def _with_effects(self, routed: Routed, way: _Way, known: Mapping[Any, int]) -> Routed:
        """Add to a route what the matching rules add; recused people never watch."""
        if routed.rule is None:
            return routed
        case, added = routed.case, []
        out = self._recusals.out[id(case)] | {routed.handler.pk if routed.handler else 0}
        watchers: dict[int, None] = {}
        tags: dict[str, None] = {}
        raised = []
        for rule, before in way.adding:
            told: dict[str, Any] = {}
            if (rule.severity_floor or 0) > before:
                raised.append((rule.code, before, int(rule.severity_floor or 0)))
                told["severity"] = [before, rule.severity_floor]
            pks = {known.get(self._watcher(word, case) or 0) for word in _watching(rule, case)}
            if fit := sorted(pk for pk in pks if pk and pk not in out):
                told["watchers"] = fit
                watchers |= dict.fromkeys(fit)
            if rule.tags:
                told["tags"] = list(rule.tags)
                tags |= dict.fromkeys(rule.tags)
            if told:
                added.append({"rule": rule.code, **told})
        why = {**routed.why, "added": added} if added else routed.why
        return Routed(
            case, routed.department, routed.handler, routed.rule, why,
            tuple(watchers), tuple(tags), tuple(raised),
        )  # fmt: skip

    def _watchers(self, ways: Iterable[_Way]) -> dict[Any, int]:
        """Return the active people behind all watchers, by pk and by staff number; one query."""
        words = {
            self._watcher(word, case)
            for case, way in zip(self._cases, ways, strict=True)
            for rule, _before in way.adding
            for word in _watching(rule, case)
        } - {None}
        if not words:
            return {}
        pks = [word for word in words if isinstance(word, int)]
        numbers = [word for word in words if isinstance(word, str)]
        rows = Person.objects.active().filter(Q(pk__in=pks) | Q(staff_no__in=numbers))
        found: dict[Any, int] = {}
        for pk, number in rows.values_list("pk", "staff_no"):
            found |= {pk: pk, number: pk}
        return found

    def _watcher(self, word: str, case: Case) -> int | str | None:
        """Return the pk, or the staff number, that a word of `watchers` stands for."""
        if word == "@rm":
            return rm_of(case)
        if word == "@branch_head":
            branch = self._units.by_pk.get(case.branch_id or 0)
            return branch.head_id if branch else None
        if word.startswith("staff:"):
            return word.removeprefix("staff:")
        unit = self._units.open(word)
        return unit.head_id if unit else None


def destination(rule: Any, facts: Facts) -> str:
    """Return the code of the unit a rule names for a case; '' when the case does not name one."""
    code = str(rule.department)
    return facts.places.get(code, "") if code.startswith("@") else code


def _watching(rule: RoutingRule, case: Case) -> list[str]:
    return [] if case.restricted else list(rule.watchers)


def _reason(
    rule: RoutingRule, unit: Department, final: Department, choice: Choice
) -> dict[str, Any]:
    """Return why, in codes: the rule, where it leads, who was looked at and passed over."""
    return {
        "rule": rule.code,
        "order": rule.order,
        "rule_set": rule.rule_set_id,
        "version": rule.rule_set.number,
        "department": final.code,
        "unit": unit.code,
        "superior": final.pk != unit.pk,
        "strategy": rule.strategy,
        "person": rule.person_id,
        "requires": rule.requires,
        "handler": choice.person.pk if choice.person else None,
        "instead_of": choice.instead_of,
        "candidates": choice.candidates,
        "of": choice.of,
        "skipped": choice.skipped,
    }


def _apply(routed: Routed) -> Routed:
    case = routed.case
    if routed.department is not None:
        case.department, case.handler = routed.department, routed.handler
        case.routing_reason = dict(routed.why)
        if routed.raised:
            case.severity = routed.raised[-1][2]
    return routed
