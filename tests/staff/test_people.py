"""People and units: joining, moving, leaving, absence, and who is asked for what."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from config.kernel import journal
from config.shared.actors import SYSTEM
from staff import people
from staff.events import members_left
from staff.models import Absence, Account, Department, Person
from staff.roles import scope_of
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)


def test_a_moved_unit_takes_everything_below_with_it():
    top, other = DepartmentFactory.create(), DepartmentFactory.create()
    middle = DepartmentFactory.create(parent=top)
    leaf = DepartmentFactory.create(parent=middle)
    boss = AccountFactory.create(roles=["HD"], person__department=other)
    assert leaf.pk not in scope_of(boss, at=AT).departments
    people.move_departments(
        Department.objects.filter(pk=middle.pk), parent=other, actor=SYSTEM, at=AT
    )
    assert leaf.pk in scope_of(boss, at=AT).departments
    leaf.refresh_from_db()
    assert leaf.path == f"/{other.pk}/{middle.pk}/{leaf.pk}/"
    assert [e.action for e in journal.entries(middle.stream)] == ["department.moved"]


def test_a_unit_cannot_stand_below_itself():
    top = DepartmentFactory.create()
    leaf = DepartmentFactory.create(parent=DepartmentFactory.create(parent=top))
    with pytest.raises(people.PeopleRefused, match="below itself"):
        people.move_departments(
            Department.objects.filter(pk=top.pk), parent=leaf, actor=SYSTEM, at=AT
        )
    top.refresh_from_db()
    assert top.parent_id is None


def test_units_with_alike_numbers_are_not_mixed_up():
    units = [DepartmentFactory.create() for _ in range(12)]
    for unit in units:
        assert Department.objects.below([unit.pk]) == [unit.pk]


def test_who_leaves_is_signed_out_and_the_rooms_above_are_told():
    account = AccountFactory.create(roles=["officer"])
    client, heard = Client(), []
    client.force_login(account)

    def listen(event, **_):
        heard.append(event)

    members_left.connect(listen)
    try:
        leaving = Person.objects.filter(pk=account.person_id)
        people.leave(leaving, left_on=date(2026, 6, 1), actor=SYSTEM, at=AT)
        people.leave(leaving, left_on=date(2026, 6, 2), actor=SYSTEM, at=AT)
    finally:
        members_left.disconnect(listen)
    assert [event.person_ids for event in heard] == [(account.person_id,)]
    assert not Account.objects.get().is_active
    assert Person.objects.get().left_on == date(2026, 6, 1)
    assert client.get("/accounts/").status_code == 302


def test_moving_a_person_moves_their_rights():
    account, unit = AccountFactory.create(roles=["DH"]), DepartmentFactory.create()
    people.move_people(Person.objects.all(), department=unit, actor=SYSTEM, at=AT)
    account = Account.objects.select_related("person").get()
    assert scope_of(account, at=AT).departments == {unit.pk}
    assert account.person.version == 2


def test_absent_people_are_not_present_from_start_to_before_end():
    here, away = PersonFactory.create(), PersonFactory.create()
    gone = PersonFactory.create(active=False)
    pks = [here.pk, away.pk, gone.pk]
    end = AT + timedelta(days=2)
    people.note_absence(away, start_at=AT, end_at=end, substitute=here, actor=SYSTEM, at=AT)
    assert people.present(pks, AT - timedelta(seconds=1)) == {here.pk, away.pk}
    assert people.present(pks, AT) == {here.pk}
    assert people.substitutes(pks, AT) == {away.pk: here.pk}
    assert people.present(pks, end) == {here.pk, away.pk}


@pytest.mark.parametrize("hours", [0, -1])
def test_an_absence_ends_after_it_begins(hours):
    with pytest.raises(people.PeopleRefused):
        people.note_absence(
            PersonFactory.create(),
            start_at=AT,
            end_at=AT + timedelta(hours=hours),
            actor=SYSTEM,
            at=AT,
        )
    assert not Absence.objects.exists()


def test_audience_asks_unit_roles_near_and_bank_roles_everywhere():
    top = DepartmentFactory.create()
    leaf, elsewhere = DepartmentFactory.create(parent=top), DepartmentFactory.create()
    head = AccountFactory.create(roles=["HD"], person__department=top).person
    handler = AccountFactory.create(roles=["DH"], person__department=leaf).person
    stranger = AccountFactory.create(roles=["DH", "HD"], person__department=elsewhere).person
    boss = AccountFactory.create(roles=["CS"], person__department=elsewhere).person
    AccountFactory.create(roles=["CS"], is_active=False)
    assert people.audience(["DH", "HD"], department=leaf) == [head, handler]
    assert people.audience(["DH", "CS"], department=leaf) == [handler, boss]
    assert people.audience(["DH"]) == [handler, stranger]
    assert people.supervisors_of(leaf) == [head]
    assert people.supervisors_of(DepartmentFactory.create()) == [boss]


def test_the_nearest_head_counts():
    top = DepartmentFactory.create(head=PersonFactory.create())
    middle = DepartmentFactory.create(parent=top, head=PersonFactory.create())
    leaf = DepartmentFactory.create(parent=middle)
    assert people.head_of(leaf) == middle.head
    Person.objects.filter(pk=middle.head_id).update(active=False)
    assert people.head_of(leaf) == top.head


def test_set_roles_replaces_and_records():
    account, unit = AccountFactory.create(roles=["CO"]), DepartmentFactory.create()
    people.set_roles(account, {"RMM": unit, "CS": None}, actor=SYSTEM, at=AT)
    assert scope_of(Account.objects.get(), at=AT).roles == {"RMM", "CS"}
    entry = journal.entries(account.person.stream).get()
    assert journal.facts_of(entry) == {"before": ["CO"], "after": ["CS", "RMM"]}
