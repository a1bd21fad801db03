"""Who gets a case in its unit: present, free of interest, trained; else a substitute, else nobody.

Everything is read for a whole set of cases; who stands in for whom only when it is asked for.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Max, Q

from complaints.case_rules import local_day
from complaints.choices import OPEN
from complaints.models import Case, CaseExclusion, HandOver, RoutingRule
from staff import people
from staff.models import Department, Person, Qualification, RoleGrant
from staff.models.accounts import Role

Strategy = RoutingRule.Strategy
POOLS: Final = frozenset({Strategy.LEAST_LOADED, Strategy.ROUND_ROBIN, Strategy.LAST_HANDLER})
WORKERS: Final = (Role.HANDLER, Role.OFFICER)
SHOWN: Final = 20
STAND_INS: Final = (
    *WORKERS, Role.SUPERVISOR, Role.DEPARTMENT_HEAD, Role.BRANCH_HEAD, Role.RM, Role.RM_MANAGER,
)  # fmt: skip
_HOPS: Final = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """The person chosen, and all that was looked at.

    `candidates` are [person, load or turn], best first, at most 20 of `of`; `skipped` are
    [person, why] with why = away, recused, untrained, elsewhere. `instead_of` is whom a
    substitute stands in for.
    """

    person: Person | None = None
    candidates: list[list[int]] = field(default_factory=list)
    of: int = 0
    skipped: list[list[Any]] = field(default_factory=list)
    instead_of: int | None = None


@dataclass(slots=True)
class Recusals:
    """Who stays out of the cases of a call, and who of them is named in the matter itself."""

    out: dict[int, set[int]]
    named: dict[int, set[int]]

    @classmethod
    def read(
        cls,
        cases: Sequence[Case],
        out: Sequence[Collection[int]] = (),
        named: Sequence[Collection[int]] | None = None,
    ) -> "Recusals":
        """Read what is stored of saved cases, and add what the caller says, case by case."""
        found = cls({id(case): set() for case in cases}, {id(case): set() for case in cases})
        stored = {case.pk: id(case) for case in cases if case.pk}
        rows = CaseExclusion.objects.filter(case__in=list(stored))
        for case_id, person_id, reason in (
            rows.values_list("case_id", "person_id", "reason") if stored else ()
        ):
            found.out[stored[case_id]].add(person_id)
            if reason == "named":
                found.named[stored[case_id]].add(person_id)
        for case, pks in zip(cases, out, strict=False):
            found.out[id(case)] |= set(pks)
        for case, pks in zip(cases, out if named is None else named, strict=False):
            found.named[id(case)] |= set(pks)
            found.out[id(case)] |= set(pks)
        return found


class Staff:
    """The people of a call: who works where, who is here, trained and how much they have."""

    def __init__(self, cases: Sequence[Case], rules: Sequence[RoutingRule], at: datetime) -> None:
        """Read them; nothing is read when no rule chooses a person."""
        self._at = at
        self.teams: dict[int, list[Person]] = {}
        self._loads: dict[int, int] = {}
        self._turns: dict[tuple[int, int], int] = {}
        self._known: dict[int, Person] = {}
        self._last: dict[int, int | None] = {}
        self._wanted: set[int] = set()
        self._trained: set[tuple[int, str]] = set()
        self._courses = {rule.requires for rule in rules if rule.requires}
        self._substitutes: dict[int, int] | None = None
        self._capable: set[int] = set()
        if cases and any(rule.strategy != Strategy.NOBODY for rule in rules):
            self._read(cases, rules)

    def _read(self, cases: Sequence[Case], rules: Sequence[RoutingRule]) -> None:
        strategies = {rule.strategy for rule in rules}
        for department_id, person in workers():
            self.teams.setdefault(department_id, []).append(person)
        pks = {person.pk for rows in self.teams.values() for person in rows}
        repeated = [case.repeat_of_id for case in cases if case.repeat_of_id]
        if repeated:
            earlier = Case.objects.filter(pk__in=repeated).values_list("pk", "handler_id")
            self._last = dict(earlier)
        named = {rm_of(case) for case in cases} | {rule.person_id for rule in rules}
        self._wanted = pks | {pk for pk in named | set(self._last.values()) if pk}
        self._meet(self._wanted)
        if strategies & POOLS - {Strategy.ROUND_ROBIN}:
            self._loads = loads(pks)
        if Strategy.ROUND_ROBIN in strategies:
            self._turns = turns(self.teams)

    def _meet(self, pks: Collection[int]) -> None:
        """Learn who of these people is here, and who has the courses the rules require."""
        here = people.present(pks, self._at)
        self._known |= {p.pk: p for p in Person.objects.filter(pk__in=here)}
        if self._courses:
            self._trained |= trained(pks, self._courses, self._at)

    def choose(
        self, case: Case, rule: RoutingRule, unit: Department, out: Collection[int]
    ) -> Choice:
        """Return the person the rule's strategy names, and why others were passed over."""
        if rule.strategy == Strategy.NOBODY or case.restricted:
            return Choice()
        skipped: list[list[Any]] = []
        if rule.strategy not in {Strategy.LEAST_LOADED, Strategy.ROUND_ROBIN}:
            choice = self._by_name(case, rule, unit, out)
            if choice.person is not None or rule.strategy != Strategy.LAST_HANDLER:
                return choice
            skipped = choice.skipped
        choice = self._of_team(rule, unit, out)
        known = {pk for pk, _why in choice.skipped}
        choice.skipped.extend(row for row in skipped if row[0] not in known)
        return choice

    def _by_name(
        self, case: Case, rule: RoutingRule, unit: Department, out: Collection[int]
    ) -> Choice:
        """Return the named person, the manager or the last handler, or who stands in."""
        named = {
            str(Strategy.PERSON): rule.person_id,
            str(Strategy.CUSTOMER_RM): rm_of(case),
            str(Strategy.LAST_HANDLER): self._last.get(case.repeat_of_id or 0),
        }
        pk = named[rule.strategy]
        if pk is None:
            return Choice()
        why = self._unfit(pk, rule, out)
        if rule.strategy == Strategy.LAST_HANDLER and not self._works_in(pk, unit):
            why = "elsewhere"
        if not why:
            return Choice(self._known[pk], [[pk, 0]], 1)
        stand_in = self._stand_in(pk, rule, out) if why == "away" else None
        if stand_in is None:
            return Choice(skipped=[[pk, why]])
        return Choice(stand_in, [[stand_in.pk, 0]], 1, [[pk, why]], pk)

    def _of_team(self, rule: RoutingRule, unit: Department, out: Collection[int]) -> Choice:
        """Return the least loaded of the unit, or whose turn it is; count the case for them."""
        fit: dict[int, Person] = {}
        skipped: list[list[Any]] = []
        for person in self.teams.get(unit.pk, ()):
            if why := self._unfit(person.pk, rule, out):
                skipped.append([person.pk, why])
            else:
                fit[person.pk] = person
        instead: dict[int, int] = {}
        if not fit:
            for pk, why in skipped:
                stand_in = self._stand_in(pk, rule, out) if why == "away" else None
                if stand_in is not None:
                    fit[stand_in.pk] = stand_in
                    instead.setdefault(stand_in.pk, pk)
        if not fit:
            return Choice(skipped=skipped)
        figures = sorted((self._figure(rule, unit, p), p.staff_no, p.pk) for p in fit.values())
        chosen = figures[0][2]
        self._count(rule, unit, chosen)
        candidates = [[pk, figure] for figure, _no, pk in figures[:SHOWN]]
        return Choice(fit[chosen], candidates, len(figures), skipped, instead.get(chosen))

    def _figure(self, rule: RoutingRule, unit: Department, person: Person) -> int:
        if rule.strategy == Strategy.ROUND_ROBIN:
            return self._turns.get((unit.pk, person.pk), 0)
        return self._loads.get(person.pk, 0)

    def _count(self, rule: RoutingRule, unit: Department, pk: int) -> None:
        if rule.strategy == Strategy.ROUND_ROBIN:
            self._turns[unit.pk, pk] = max(self._turns.values(), default=0) + 1
        self._loads[pk] = self._loads.get(pk, 0) + 1

    def _unfit(self, pk: int, rule: RoutingRule, out: Collection[int]) -> str:
        """Return why a person cannot take a case now, '' when they can."""
        if pk in out:
            return "recused"
        if pk not in self._known:
            return "away"
        if rule.requires and (pk, rule.requires) not in self._trained:
            return "untrained"
        return ""

    def _works_in(self, pk: int, unit: Department) -> bool:
        return any(person.pk == pk for person in self.teams.get(unit.pk, ()))

    def _stand_in(self, pk: int, rule: RoutingRule, out: Collection[int]) -> Person | None:
        """Return who stands in for an absent person: up to three substitutes one after another."""
        if self._substitutes is None:
            self._substitutes = self._read_substitutes()
        here: int | None = pk
        for _hop in range(_HOPS):
            here = self._substitutes.get(here or 0)
            if here is None or here in self._known:
                break
        if here is None or here not in self._capable or self._unfit(here, rule, out):
            return None
        return self._known[here]

    def _read_substitutes(self) -> dict[int, int]:
        """Read the substitutes of everybody away, and of these; at most three rounds."""
        found: dict[int, int] = {}
        away = {pk for pk in self._wanted if pk not in self._known}
        for _hop in range(_HOPS):
            named = people.substitutes(away, self._at) if away else {}
            found |= named
            strangers = set(named.values()) - self._wanted
            if strangers:
                self._wanted |= strangers
                self._meet(strangers)
                self._loads |= loads(strangers)
            away = {pk for pk in named.values() if pk not in self._known and pk not in found}
        grants = RoleGrant.objects.filter(
            account__person__in=set(found.values()), role__in=STAND_INS, account__is_active=True
        )
        self._capable = set(grants.values_list("account__person_id", flat=True)) if found else set()
        return found


def rm_of(case: Case) -> int | None:
    """Return the relationship manager of a case, else that of its customer."""
    return case.rm_id or (case.customer.rm_id if case.customer else None)


def workers() -> Iterator[tuple[int, Person]]:
    """Yield (department pk, person) of everybody who handles cases, by staff number."""
    grants = RoleGrant.objects.filter(
        role__in=WORKERS, account__is_active=True, account__person__active=True
    ).select_related("account__person")
    seen = set()
    for grant in grants.order_by("account__person__staff_no"):
        person = grant.account.person
        key = (grant.department_id or person.department_id, person.pk)
        if key not in seen:
            seen.add(key)
            yield key[0], person


def loads(pks: Iterable[int]) -> dict[int, int]:
    """Count open cases by handler in one query."""
    open_cases = Case.objects.filter(handler__in=list(pks), status__in=OPEN)
    counted = open_cases.values_list("handler_id").annotate(n=Count("pk")).order_by()
    return {pk: n for pk, n in counted if pk}


def turns(departments: Mapping[int, Any] | Iterable[int]) -> dict[tuple[int, int], int]:
    """Return the latest hand-over by (department, handler); who has none is next."""
    rows = HandOver.objects.filter(department__in=list(departments), handler__isnull=False)
    latest = rows.values_list("department_id", "handler_id").annotate(last=Max("pk")).order_by()
    return {(unit, person): last for unit, person, last in latest if person}


def trained(pks: Collection[int], courses: Collection[str], at: datetime) -> set[tuple[int, str]]:
    """Return (person, course) of trainings that count on the bank's day of `at`; one query."""
    today = local_day(at)
    rows = Qualification.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gte=today),
        person__in=list(pks),
        course__taxonomy="training_course",
        course__code__in=list(courses),
        obtained_on__lte=today,
    )
    return set(rows.values_list("person_id", "course__code"))
