"""Who hears of a step of the ladder: the words of the rules turned into people, for many cases."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Q

from complaints.models import Case, CaseExclusion, CaseGrant
from staff import duty
from staff.models import Department, RoleGrant
from staff.models.accounts import Role

_ROLES = (
    Role.SUPERVISOR,
    Role.DEPARTMENT_HEAD,
    Role.BRANCH_HEAD,
    Role.EXECUTIVE,
    Role.DUTY_LEADER,
    Role.COMPLIANCE,
)
_HEADS = (Role.DEPARTMENT_HEAD, Role.BRANCH_HEAD)


@dataclass(frozen=True, slots=True)
class _Holder:
    role: str
    department_id: int
    person_id: int


class Directory:
    """Who holds which role and who heads which unit at this moment; two queries."""

    def __init__(self, complaint_office: str = "CMPT") -> None:
        self._named: dict[int | None, int | None] = {}
        self.office: int | None = None
        for pk, code, head in Department.objects.values_list("pk", "code", "head_id"):
            self._named[pk] = head
            if code == complaint_office:
                self.office = pk
        self._by_role: dict[str, set[int | None]] = {}
        self._holding: dict[int, set[int | None]] = {}
        for holder in _holders():
            self._by_role.setdefault(holder.role, set()).add(holder.person_id)
            if holder.role in _HEADS:
                self._holding.setdefault(holder.department_id, set()).add(holder.person_id)

    def having(self, role: str) -> set[int | None]:
        """Return everybody with a role."""
        return self._by_role.get(role, set())

    def heads_of(self, department_id: int | None) -> set[int | None]:
        """Return the named head of a unit, else whoever holds the role of a head there."""
        head = self._named.get(department_id)
        return {head} if head else self._holding.get(department_id or 0, set())


class Audience:
    """People to tell about some cases at a moment; a few queries for any number of cases.

    Recused people are never told. A restricted case is told to its handler and to compliance
    only. A step that would reach nobody goes to the supervisors (restricted: compliance). The
    duty leader is who is on call at `at`; all holders of the role where the roster names nobody
    (or without a moment).
    """

    def __init__(
        self,
        cases: Sequence[Case],
        directory: Directory | None = None,
        *,
        at: datetime | None = None,
    ) -> None:
        self._cases, self._at = cases, at
        self._directory = directory or Directory()
        self._recused = recused(cases)

    def of(self, case: Case, words: Iterable[str]) -> list[int]:
        """Return the pks of the people behind the words of a step, in order of pk."""
        out = self._recused[case.pk]
        if case.restricted:
            people = {case.handler_id} | self.directory.having(Role.COMPLIANCE)
        else:
            people = {pk for word in words if word in _WORDS for pk in _WORDS[word](self, case)}
            if not people - out - {None}:
                people = self.directory.having(Role.SUPERVISOR)
        return sorted(pk for pk in people - out if pk)

    def recused(self, case: Case) -> set[int]:
        """Return the people who are kept out of a case."""
        return self._recused[case.pk]

    @property
    def directory(self) -> Directory:
        """Who is who."""
        return self._directory

    @cached_property
    def on_call(self) -> set[int | None]:
        """Whoever answers as duty leader at this moment."""
        known: set[int | None] = set(duty.leaders_now(self._at)) if self._at else set()
        return known or self.directory.having(Role.DUTY_LEADER)

    @cached_property
    def watching(self) -> Mapping[int, set[int | None]]:
        """The watchers of each case, by case pk; read when a step names them."""
        found: dict[int, set[int | None]] = {}
        rows = CaseGrant.objects.filter(case__in=[case.pk for case in self._cases], watcher=True)
        for case_id, person_id in rows.values_list("case_id", "person_id"):
            found.setdefault(case_id, set()).add(person_id)
        return found


def _handler(_people: Audience, case: Case) -> set[int | None]:
    return {case.handler_id or case.officer_id or case.registrar_id}


_WORDS: Mapping[str, Callable[[Audience, Case], set[int | None]]] = {
    "handler": _handler,
    "officer": lambda _people, case: {case.officer_id or case.registrar_id},
    "rm": lambda _people, case: {case.rm_id},
    "watchers": lambda people, case: people.watching.get(case.pk, set()),
    "supervisor": lambda people, _case: people.directory.having(Role.SUPERVISOR),
    "department_head": lambda people, case: people.directory.heads_of(case.department_id),
    "branch_head": lambda people, case: people.directory.heads_of(case.branch_id),
    "complaint_head": lambda people, _case: people.directory.heads_of(people.directory.office),
    "executive": lambda people, _case: people.directory.having(Role.EXECUTIVE),
    "duty_leader": lambda people, _case: people.on_call,
}
"""The words of a step -> the people behind them."""


def recused(cases: Iterable[Case]) -> dict[int, set[int]]:
    """Return the people excluded from each case, by case pk; one query."""
    found: dict[int, set[int]] = {case.pk: set() for case in cases if case.pk}
    rows = CaseExclusion.objects.filter(case__in=list(found))
    for case_id, person_id in rows.values_list("case_id", "person_id"):
        found[case_id].add(person_id)
    return found


def barred(pairs: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return which (about, person pk) name somebody recused since; one query.

    `about` is `case:<number>` or `clock:<pk>`; others are no matter of this room.
    """
    by_number = Q(case__number__in=[_rest(about, "case:") for about, _person in pairs])
    clocks = [rest for about, _person in pairs if (rest := _rest(about, "clock:")).isdigit()]
    rows = CaseExclusion.objects.filter(person__in={person for _about, person in pairs})
    found = rows.filter(by_number | Q(case__clocks__in=clocks))
    out = set()
    for number, clock, person in found.values_list("case__number", "case__clocks", "person_id"):
        out |= {(f"case:{number}", person), (f"clock:{clock}", person)}
    return out & set(pairs)


def _rest(about: str, kind: str) -> str:
    return about.removeprefix(kind) if about.startswith(kind) else ""


def _holders() -> list[_Holder]:
    rows = RoleGrant.objects.filter(
        role__in=_ROLES, account__is_active=True, account__person__active=True
    ).values_list("role", "department_id", "account__person__department_id", "account__person_id")
    return [_Holder(role, unit or own, person) for role, unit, own, person in rows]
