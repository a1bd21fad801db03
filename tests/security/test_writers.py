"""Who only reads a case leaves nothing at it; a task is answered by who works on cases."""

import re
from datetime import timedelta

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from complaints import bulk, unsent
from complaints.bulk import wording
from complaints.bulk.acts import ACTS
from complaints.models import BulkAct, BulkRow, CaseGrant, CasePresence, CaseTask
from complaints.recusal import name
from config.kernel.models import Draft, Notice
from staff.models.accounts import Role
from tests.factories.complaints import bank, open_case, rows
from tests.factories.staff import AccountFactory
from tests.portal.desks import signed_in

pytestmark = pytest.mark.django_db
READERS = (Role.EXECUTIVE, Role.AUDITOR, Role.APPROVER, Role.ANALYST)
NOBODY_ANSWERS = (Role.EXECUTIVE, Role.AUDITOR, Role.APPROVER)


@pytest.fixture
def house():
    return bank()


@pytest.fixture
def case(house):
    return open_case(house)


def somebody(role, house) -> tuple[Client, int]:
    account = AccountFactory.create(roles=[role], person__department=house.units["CARD"])
    return signed_in(account), account.person_id


def asked(case, house, person, **more):
    at = timezone.now()
    return CaseTask.objects.create(
        case=case, kind="co_handling", asked_at=at, due_at=at + timedelta(days=1), seq=1,
        department=house.units["CARD"], person_id=person, **more,
    )  # fmt: skip


@pytest.mark.parametrize("role", READERS)
def test_who_only_reads_leaves_nothing_at_a_case(house, case, role):
    client, me = somebody(role, house)
    page = client.get(f"/cases/{case.number}/")
    assert page.status_code == 200
    assert "data-presence" not in page.content.decode()
    here = f"/cases/{case.number}"
    writer = house.pk("officer")
    CasePresence.objects.create(
        case=case, person_id=writer, seen_at=timezone.now(), typing_at=timezone.now()
    )
    told = {
        f"{here}/presence/": {"typing": "1"}, f"{here}/presence/{writer}/ask/": {},
        f"{here}/drafts/write-note/": {"text": "Words"},
        f"{here}/drafts/do-resolve/": {"text": "Words"},
        f"{here}/drafts/macro-progress-note/": {"text": "Words"},
        f"{here}/drafts/write-note/drop/": {}, f"{here}/replies/words/": {"text": "Words"},
    }  # fmt: skip
    found = {url: client.post(url, data).status_code for url, data in told.items()}
    assert found == dict.fromkeys(told, 403)
    assert not CasePresence.objects.filter(person=me).exists()
    assert not Draft.objects.filter(person_id=me).exists()
    assert not Notice.objects.filter(person_id=writer, kind="case.asked_to_wait").exists()


def test_who_writes_is_present_and_keeps_drafts(house, case):
    client = signed_in(house.accounts["supervisor"])
    assert "data-presence" in client.get(f"/cases/{case.number}/").content.decode()
    assert client.post(f"/cases/{case.number}/presence/", {}).status_code == 200
    kept = client.post(f"/cases/{case.number}/drafts/write-note/", {"text": "Words"})
    assert kept.status_code == 204
    assert Draft.objects.filter(person_id=house.pk("supervisor")).count() == 1


def test_ones_own_draft_can_go_when_the_right_has_gone(house, case):
    client, me = somebody(Role.EXECUTIVE, house)
    unsent.keep(case, "write-note", QueryDict("text=x"), person_id=me, at=timezone.now())
    url = f"/cases/{case.number}/drafts/write-note/drop/"
    assert client.post(url, {"from_list": "1"}).status_code == 302
    assert not Draft.objects.filter(person_id=me).exists()


@pytest.mark.parametrize("role", NOBODY_ANSWERS)
def test_a_task_is_not_answered_by_who_only_reads_even_when_asked_by_name(house, case, role):
    client, me = somebody(role, house)
    task = asked(case, house, me)
    CaseGrant.objects.create(case=case, person_id=me, why="task", at=timezone.now())
    assert re.search(case.number, client.get("/tasks/").content.decode())
    for act in ("accept", "refuse", "answer"):
        assert client.get(f"/tasks/{task.pk}/{act}/").status_code == 403, act
        sent = client.post(
            f"/tasks/{task.pk}/{act}/",
            {"version": "0", "person": me, "reason": "No", "words": "Words"},
        )
        assert sent.status_code == 403, act
    task.refresh_from_db()
    assert task.state == "asked"


@pytest.mark.parametrize("role", NOBODY_ANSWERS)
def test_who_only_reads_is_not_asked(house, case, role):
    _client, me = somebody(role, house)
    boss = signed_in(house.accounts["supervisor"])
    url = f"/cases/{case.number}/tasks/new/"
    offered = boss.get(url).context["form"].fields["person"].queryset
    assert offered.filter(pk=house.pk("handler2")).exists()
    assert not offered.filter(pk=me).exists()
    data = {"person": me, "kind": "co_handling", "words": "What?", "mandatory": "on"}
    assert boss.post(url, data).status_code == 422
    assert not CaseTask.objects.exists()


def test_an_act_the_portal_does_not_know_is_told_in_words(house, case):
    me = house.pk("supervisor")
    act = BulkAct.objects.create(verb="gone", by_id=me, at=timezone.now(), total=1)
    BulkRow.objects.create(act=act, case=case, result="waiting")
    assert "gone" not in ACTS
    bulk.carry_out(
        act, house.scope("supervisor"), actor=house.actor("supervisor"), at=timezone.now()
    )
    row = BulkRow.objects.get(act=act)
    assert (row.result, row.why) == ("refused", "unknown")
    client = signed_in(house.accounts["supervisor"])
    assert client.get("/cases/bulk/acts/").status_code == 200
    page = client.get(f"/cases/bulk/acts/{act.pk}/")
    assert page.status_code == 200
    assert "does not know this act" in page.content.decode()
    undone = client.post(f"/cases/bulk/acts/{act.pk}/undo/")
    assert undone.status_code == 409
    assert "cannot be taken back" in undone.content.decode()
    assert client.post(f"/cases/bulk/acts/{act.pk}/stop/").status_code in {302, 403}


def test_drafts_of_cases_out_of_sight_are_not_counted(house, case):
    me, at = house.pk("officer"), timezone.now()
    other = open_case(house)
    for each in (case, other):
        unsent.keep(each, "write-note", QueryDict("text=x"), person_id=me, at=at)
    scope = house.scope("officer")
    assert unsent.count(scope) == len(unsent.mine(scope)) == 2
    name(rows(other), [me], "Interest", actor=house.actor("supervisor"), at=at)
    assert unsent.count(scope) == len(unsent.mine(scope)) == 1


def test_the_queue_leads_to_the_acts_on_many_cases(house):
    client = signed_in(house.accounts["supervisor"])
    assert 'href="/cases/bulk/acts/"' in client.get("/cases/").content.decode()


def test_a_case_named_by_an_act_is_named_to_who_may_read_it(house, case):
    me = house.pk("handler2")
    act = BulkAct.objects.create(
        verb="merge", by_id=me, at=timezone.now(), total=1, what={"into": case.pk}
    )
    assert case.number in wording.told(act, house.scope("supervisor"))
    name(rows(case), [me], "Interest", actor=house.actor("supervisor"), at=timezone.now())
    assert case.number not in wording.told(act, house.scope("handler2"))
