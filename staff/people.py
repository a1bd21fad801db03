"""The people verbs: joining, moving, leaving, absence, roles; and who is asked for what."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from config.kernel import journal
from config.kernel.journal import Fact
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.worded import WordedError
from staff.events import MembersLeft, PresenceChanged, members_left, presence_changed
from staff.models import Absence, Account, Department, Person, RoleGrant
from staff.models.accounts import Role
from staff.querysets import PersonQuerySet
from staff.sessions import end_sessions

# Roles whose rights end at their own unit; the others are asked for the whole bank.
_UNIT_ROLES: Final = frozenset(
    {Role.HANDLER, Role.DEPARTMENT_HEAD, Role.BRANCH_HEAD, Role.RM, Role.RM_MANAGER}
)
_HEADS: Final = frozenset({Role.DEPARTMENT_HEAD, Role.BRANCH_HEAD})


class PeopleRefused(WordedError):  # noqa: N818 - reads as words
    """A change of units or people that makes no sense; the words say why."""


@dataclass(frozen=True, slots=True)
class PersonDraft:
    """Somebody who joins. Names as in the staff list; `post` English and Chinese."""

    staff_no: str
    name_en: str
    name_zh: str
    department: Department
    post: tuple[str, str] = ("", "")
    email: str = ""
    joined_on: date | None = None


# --- Who -----------------------------------------------------------------------------------


def head_of(department: Department) -> Person | None:
    """Return the head of a unit, or the nearest one above it; None when nobody is named."""
    pks = [int(pk) for pk in department.path.split("/") if pk] or [department.pk]
    units = Department.objects.filter(pk__in=pks, head__active=True).select_related("head")
    nearest = max(units, key=lambda unit: len(unit.path), default=None)
    return nearest.head if nearest else None


def supervisors_of(department: Department) -> list[Person]:
    """Return who answers for the work of a unit: its heads, else the complaint supervisors."""
    heads = audience(_HEADS, department=department)
    named = head_of(department)
    if named is not None and named not in heads:
        heads.insert(0, named)
    return heads or audience([Role.SUPERVISOR])


def audience(
    roles: Collection[str],
    *,
    department: Department | None = None,
    branch: Department | None = None,
) -> list[Person]:
    """Return the active people who hold one of `roles` (codes), by staff number; one query.

    Handlers, heads, managers count only where their unit (or the one their role was granted for)
    holds `department` or `branch`; without both, all of them. The other roles hold everywhere.
    """
    paths = [unit.path for unit in (department, branch) if unit is not None]
    grants = RoleGrant.objects.filter(
        role__in=list(roles), account__is_active=True, account__person__active=True
    ).select_related("account__person__department", "department")
    found: dict[int, Person] = {}
    for grant in grants.order_by("account__person__staff_no"):
        person = grant.account.person
        unit = grant.department or person.department
        if grant.role not in _UNIT_ROLES or not paths or _holds(unit, paths):
            found[person.pk] = person
    return list(found.values())


def _holds(unit: Department, paths: Iterable[str]) -> bool:
    return bool(unit.path) and any(path.startswith(unit.path) for path in paths)


def present(person_ids: Iterable[int], at: datetime) -> set[int]:
    """Return the pks of those who work here and are not absent at that moment; one query."""
    wanted = Person.objects.active().filter(pk__in=list(person_ids))
    away = Person.objects.away(at).values("pk")
    return set(wanted.exclude(pk__in=away).values_list("pk", flat=True))


def substitutes(person_ids: Iterable[int], at: datetime) -> dict[int, int]:
    """Return absent person -> the substitute named for that moment, where one is named."""
    rows = Absence.objects.filter(
        person_id__in=list(person_ids), start_at__lte=at, end_at__gt=at, substitute__isnull=False
    )
    return {row.person_id: row.substitute_id for row in rows if row.substitute_id is not None}


# --- Units ---------------------------------------------------------------------------------


def refresh_paths() -> int:
    """Make `path` of every unit agree with its parents; returns how many were wrong."""
    units = {unit.pk: unit for unit in Department.objects.order_by("pk")}
    wrong = []
    for unit in units.values():
        path = _path_of(unit, units)
        if unit.path != path:
            unit.path = path
            wrong.append(unit)
    Department.objects.bulk_update(wrong, ["path"], batch_size=200)
    return len(wrong)


def _path_of(unit: Department, units: Mapping[int, Department]) -> str:
    pks, here = [unit.pk], unit
    while here.parent_id is not None:
        if here.parent_id in pks:
            raise PeopleRefused("cycle", _("A unit cannot stand below itself."))
        pks.append(here.parent_id)
        here = units[here.parent_id]
    return "/" + "".join(f"{pk}/" for pk in reversed(pks))


def move_departments(
    departments: QuerySet[Department], *, parent: Department | None, actor: Actor, at: datetime
) -> list[Department]:
    """Put units with everything below them under `parent`. Raises PeopleRefused for a circle."""
    with hold(departments) as held:
        facts = []
        for unit in held.rows:
            told = {"from": unit.parent_id, "to": parent and parent.pk}
            unit.parent = parent
            facts.append(Fact(unit, "department.moved", told))
        journal.append(facts, actor=actor, at=at, save=["parent"])
        refresh_paths()
    return held.rows


# --- People --------------------------------------------------------------------------------


def join(drafts: Sequence[PersonDraft], *, actor: Actor, at: datetime) -> list[Person]:
    """Add people who begin to work here."""
    with transaction.atomic():
        people = Person.objects.bulk_create(
            Person(
                staff_no=draft.staff_no,
                name_en=draft.name_en,
                name_zh=draft.name_zh,
                department=draft.department,
                post_en=draft.post[0],
                post_zh=draft.post[1],
                email=draft.email,
                joined_on=draft.joined_on,
            )
            for draft in drafts
        )
        facts = [Fact(x, "person.joined", {"department": x.department_id}) for x in people]
        journal.append(facts, actor=actor, at=at)
    return people


def move_people(
    people: PersonQuerySet, *, department: Department, actor: Actor, at: datetime
) -> list[Person]:
    """Move people to another unit; their rights follow at the next request."""
    with hold(people) as held:
        moving = [person for person in held.rows if person.department_id != department.pk]
        facts = []
        for person in moving:
            told = {"from": person.department_id, "to": department.pk}
            person.department = department
            facts.append(Fact(person, "person.moved", told))
        journal.append(facts, actor=actor, at=at, save=["department"])
    return moving


def leave(people: PersonQuerySet, *, left_on: date, actor: Actor, at: datetime) -> list[Person]:
    """Let people go: inactive, account disabled, sessions ended, rooms above told."""
    with hold(people.filter(active=True)) as held:
        for person in held.rows:
            person.active, person.left_on = False, left_on
        facts = [Fact(x, "person.left", {"left_on": left_on.isoformat()}) for x in held.rows]
        journal.append(facts, actor=actor, at=at, save=["active", "left_on"])
        pks = tuple(person.pk for person in held.rows)
        accounts = Account.objects.filter(person_id__in=pks)
        end_sessions(list(accounts.values_list("pk", flat=True)))
        accounts.update(is_active=False)
        if pks:
            members_left.send(None, event=MembersLeft(pks, actor, at))
    return held.rows


def note_absence(
    person: Person,
    *,
    start_at: datetime,
    end_at: datetime,
    substitute: Person | None = None,
    actor: Actor,
    at: datetime,
) -> Absence:
    """Note that somebody is away from `start_at` to before `end_at` (aware)."""
    if end_at <= start_at:
        raise PeopleRefused("order", _("An absence must end after it begins."))
    if substitute is not None and substitute.pk == person.pk:
        raise PeopleRefused("self", _("Nobody can stand in for themselves."))
    with hold(Person.objects.filter(pk=person.pk)) as held:
        absence = Absence.objects.create(
            person=held.rows[0], start_at=start_at, end_at=end_at, substitute=substitute
        )
        told = {"start_at": start_at, "end_at": end_at, "substitute": substitute and substitute.pk}
        journal.append([Fact(held.rows[0], "person.absent", told)], actor=actor, at=at)
        presence_changed.send(None, event=PresenceChanged((person.pk,), actor, at))
    return absence


def set_roles(
    account: Account, roles: Mapping[str, Department | None], *, actor: Actor, at: datetime
) -> None:
    """Make `roles` (code -> unit it counts for, None = own) the roles of an account."""
    with hold(Person.objects.filter(pk=account.person_id)) as held:
        before = sorted(account.grants.values_list("role", flat=True))
        account.grants.all().delete()
        RoleGrant.objects.bulk_create(
            RoleGrant(account=account, role=Role(role), department=unit)
            for role, unit in roles.items()
        )
        told = {"before": before, "after": sorted(roles)}
        journal.append([Fact(held.rows[0], "person.roles", told)], actor=actor, at=at)
