"""Who is looking and who writes: expiry, scope, one cheap write, and the rule of who may open."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from complaints import presence
from complaints.choices import WatchedBy
from complaints.models import Case, CaseExclusion, CaseGrant, CasePresence
from complaints.seeing import able
from config.kernel import journal
from config.kernel.models import Notice
from staff.models import Account, Person, RoleGrant
from staff.models.accounts import Role
from staff.roles import scope_of
from tests.factories.complaints import AT, open_case
from tests.factories.staff import AccountFactory, PersonFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "X-Background": "1"}


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return client


def fresh(house, **given):
    return open_case(house, at=timezone.now() - timedelta(minutes=30), **given)


def beat(client, case, **data):
    return client.post(f"/cases/{case.number}/presence/", data, headers=HTMX)


def names(case, me, at):
    return [(v.person.name_en, v.writing) for v in presence.here(case, me, at)]


def test_the_others_are_shown_writers_first_and_never_oneself(house):
    case = fresh(house)
    for who, typing in (("officer", False), ("supervisor", True), ("analyst", False)):
        presence.seen(case, house.pk(who), typing=typing, at=AT)
    shown = names(case, house.pk("officer"), AT)
    assert shown == [("Supervisor Test", True), ("Analyst Test", False)]


def test_who_says_nothing_for_45_seconds_is_gone_and_writing_ends_earlier(house):
    case = fresh(house)
    presence.seen(case, house.pk("supervisor"), typing=True, at=AT)
    me = house.pk("officer")
    assert names(case, me, AT + timedelta(seconds=24)) == [("Supervisor Test", True)]
    assert names(case, me, AT + timedelta(seconds=26)) == [("Supervisor Test", False)]
    assert names(case, me, AT + timedelta(seconds=44)) == [("Supervisor Test", False)]
    assert names(case, me, AT + timedelta(seconds=45)) == []


def test_a_beat_is_one_write_however_often_and_stands_in_no_record(house):
    case = fresh(house)
    before = journal.entries(case.stream).count()
    for second in range(3):
        with CaptureQueriesContext(connection) as told:
            at = AT + timedelta(seconds=15 * second)
            presence.seen(case, house.pk("officer"), typing=second == 1, at=at)
        written = [q for q in told if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
        assert len(written) == 1
    [row] = CasePresence.objects.filter(case=case)
    assert row.seen_at == AT + timedelta(seconds=30)
    assert row.typing_at is None
    assert journal.entries(case.stream).count() == before
    assert Case.objects.get(pk=case.pk).version == case.version


def test_the_page_says_who_is_here_and_who_writes(client, house):
    case = fresh(house)
    presence.seen(case, house.pk("supervisor"), typing=True, at=timezone.now())
    presence.seen(case, house.pk("analyst"), typing=False, at=timezone.now())
    text = beat(enter(client, house, "officer"), case).content.decode()
    assert "2 others here" in text
    assert "Supervisor Test, writing" in text
    assert "Analyst Test, reading" in text
    assert "Supervisor Test is writing." in text
    assert 'hx-swap-oob="innerHTML:#presence"' in text
    assert "Analyst Test is writing" not in text
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert 'id="presence" role="status"' in page


def test_the_beat_costs_the_same_for_one_viewer_and_for_ten(client, house):
    case = fresh(house)
    enter(client, house, "officer")
    beat(client, case)
    costs = []
    for name in ("supervisor", "analyst", "approver", "officer2", "agent", "compliance"):
        presence.seen(case, house.pk(name), typing=False, at=timezone.now())
        with CaptureQueriesContext(connection) as told:
            beat(client, case)
        costs.append(len(told))
    assert len(set(costs)) == 1
    assert costs[0] <= 16


def test_people_who_stay_out_or_lost_their_access_are_never_shown(house):
    case = fresh(house)
    for who in ("supervisor", "analyst", "loan_handler", "compliance"):
        presence.seen(case, house.pk(who), typing=True, at=AT)
    person = house.accounts["analyst"].person
    CaseExclusion.objects.create(case=case, person=person, reason="named", at=AT)
    assert names(case, house.pk("officer"), AT) == [("Supervisor Test", True)]
    Account.objects.filter(person=house.pk("supervisor")).update(is_active=False)
    assert names(case, house.pk("officer"), AT) == []


def test_who_may_not_open_the_case_cannot_say_they_are_there(client, house):
    case = fresh(house)
    assert beat(enter(client, house, "loan_handler"), case).status_code == 404
    assert not CasePresence.objects.filter(case=case).exists()
    assert client.get(f"/cases/{case.number}/presence/").status_code == 405


def test_leaving_is_said_at_once(client, house):
    case = fresh(house)
    enter(client, house, "officer")
    beat(client, case, typing="1")
    assert CasePresence.objects.get(case=case).typing_at is not None
    assert beat(client, case, leave="1").status_code == 204
    assert not CasePresence.objects.filter(case=case).exists()


def test_a_writer_can_be_asked_to_wait_once_a_minute(client, house):
    case = fresh(house)
    enter(client, house, "officer")
    url = f"/cases/{case.number}/presence/{house.pk('supervisor')}/ask/"
    assert client.post(url).status_code == 404  # not there
    presence.seen(case, house.pk("supervisor"), typing=True, at=timezone.now())
    assert client.post(url).status_code == 204
    assert client.post(url).status_code == 204
    kept = Notice.objects.filter(person_id=house.pk("supervisor"), kind=presence.ASKED)
    assert 1 <= kept.count() <= 2  # the minute may have turned between the two
    assert "Officer Test" in client.post(url)["HX-Trigger"] or kept.first().facts["number"]


def test_old_rows_are_forgotten(house):
    case = fresh(house)
    presence.seen(case, house.pk("officer"), typing=False, at=AT)
    assert presence.forget_old(AT + timedelta(minutes=59)) == 0
    assert presence.forget_old(AT + timedelta(minutes=61)) == 1


def test_who_may_open_is_what_the_scope_says_for_everybody(house):
    """The rule for many people and one case against `visible_to` for each of them."""
    card = house.units["CARD"]
    cases = [
        fresh(house, department=card, handler=house.accounts["handler"].person),
        fresh(house, department=house.units["LOAN"], severity=4),
        fresh(house, type="TIP"),
        fresh(house, severity=1),
    ]
    leader = AccountFactory.create(person=PersonFactory.create(), roles=["duty_leader"])
    lender = AccountFactory.create(person=PersonFactory.create(), roles=["handler"])
    RoleGrant.objects.filter(account=lender).update(department=card)
    AccountFactory.create(person=PersonFactory.create(), roles=[Role.HR])
    AccountFactory.create(person=PersonFactory.create(), roles=[])
    PersonFactory.create()
    out = house.accounts["handler2"].person
    CaseExclusion.objects.create(case=cases[0], person=out, reason="named", at=AT)
    for case in cases:
        CaseGrant.objects.create(
            case=case, person=leader.person, watcher=True, why=WatchedBy.PERSON, at=AT
        )
        CaseGrant.objects.create(
            case=case, person=house.accounts["loan_handler"].person, watcher=True, at=AT
        )
    everybody = list(Person.objects.values_list("pk", flat=True))
    for case in cases:
        row = Case.objects.select_related("department").get(pk=case.pk)
        wanted = {
            account.person_id
            for account in Account.objects.filter(is_active=True)
            if Case.objects.visible_to(scope_of(account, at=AT)).filter(pk=case.pk).exists()
        }
        assert able(row, everybody, AT) == wanted
        assert wanted
        assert len(wanted) < len(everybody)
