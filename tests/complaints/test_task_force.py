"""The task force: reads and notes in one case, nothing else; ends with removal and archive."""

import pytest

from complaints import records, watching
from complaints.choices import Status, WatchedBy
from complaints.models import Case, CaseExclusion, CaseGrant
from complaints.teamwork import asking, task_force
from complaints.teamwork.access import TeamRefused
from complaints.teamwork.asking import Asking
from config.kernel import journal
from config.kernel.models import Notice
from tests.factories.complaints import AT, DAY, do, in_state, open_case, rows
from tests.factories.staff import AccountFactory
from tests.portal.desks import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def case(house):
    return in_state(house, Status.IN_PROGRESS)


def add(house, case, *names, by="supervisor", reason="Across departments."):
    pks = [house.pk(name) for name in names]
    return task_force.add(rows(case), pks, reason, actor=house.actor(by), at=AT)


def sees(house, name, case, act="view"):
    return Case.objects.visible_to(house.scope(name), act).filter(pk=case.pk).exists()


def test_members_read_and_note_and_do_nothing_else(house, case):
    other = in_state(house, Status.IN_PROGRESS)
    assert add(house, case, "loan_handler") == 1
    assert add(house, case, "loan_handler") == 0
    assert sees(house, "loan_handler", case)
    assert sees(house, "loan_handler", case, "note")
    assert not sees(house, "loan_handler", other)
    for act in ("edit", "resolve", "message", "task", "step", "reveal", "attach", "watch"):
        assert not sees(house, "loan_handler", case, act), act
    client = signed_in(house.accounts["loan_handler"])
    page = client.get(case.get_absolute_url())
    assert page.status_code == 200
    mine = Case.objects.visible_to(house.scope("loan_handler"), "note").filter(pk=case.pk)
    records.add_note(mine, "Seen it.", actor=house.actor("loan_handler"), at=AT)
    assert client.get(f"/cases/{case.number}/do/resolve/").status_code == 403
    assert client.get(f"/cases/{case.number}/reveal/").status_code in {403, 405}


def test_a_note_through_the_page(house, case):
    add(house, case, "loan_handler")
    client = signed_in(house.accounts["loan_handler"])
    url = f"/cases/{case.number}/write/note/"
    assert url in client.get(case.get_absolute_url()).content.decode()
    assert client.post(url, {"text": "The loan side is fine."}).status_code in {200, 302}
    assert journal.entries(case.stream).filter(action="case.note").exists()
    stranger = signed_in(house.accounts["handler2"])
    assert stranger.post(url, {"text": "Me too."}).status_code == 403


def test_joining_is_recorded_with_its_reason_and_told(house, case):
    add(house, case, "loan_handler", "analyst")
    entry = journal.entries(case.stream).filter(action=task_force.ADDED).get()
    assert "Across" not in entry.body
    assert journal.words_of([entry])[entry.pk]["reason"] == "Across departments."
    assert "Loan_Handler Test" in journal.describe(entry)
    assert Notice.objects.filter(kind=task_force.ADDED).count() == 2


def test_who_cannot_join(house, case):
    CaseExclusion.objects.create(case=case, person_id=house.pk("analyst"), reason="named", at=AT)
    with pytest.raises(TeamRefused, match="stays out"):
        add(house, case, "analyst")
    with pytest.raises(TeamRefused):
        add(house, case, "loan_handler", reason=" ")
    hr = AccountFactory.create(roles=["hr"]).person_id
    boss = house.actor("supervisor")
    with pytest.raises(TeamRefused, match="work on cases"):
        task_force.add(rows(case), [hr], "Why not.", actor=boss, at=AT)
    with pytest.raises(TeamRefused):
        task_force.add(rows(case), [], "Nobody.", actor=boss, at=AT)
    tip = open_case(house, type="TIP", business_line="", severity=3)
    with pytest.raises(TeamRefused, match="restricted"):
        add(house, tip, "loan_handler")
    assert not CaseGrant.objects.exists()


def test_removing_ends_the_access_but_not_a_task_or_watching(house, case):
    add(house, case, "loan_handler", "officer2")
    what = Asking("Agreed?", [], house.pk("officer2"))
    asking.ask(rows(case), what, actor=house.actor("supervisor"), at=AT)
    watching.watch(rows(case), [house.pk("loan_handler")], actor=house.actor("supervisor"), at=AT)
    assert {m.person.pk for m in task_force.members(case)} == {
        house.pk("loan_handler"), house.pk("officer2"),
    }  # fmt: skip
    people = [house.pk("loan_handler"), house.pk("officer2")]
    gone = task_force.remove(rows(case), people, "Done.", actor=house.actor("supervisor"), at=AT)
    assert gone == 2
    assert not task_force.members(case)
    assert not sees(house, "loan_handler", case, "note")
    watcher = CaseGrant.objects.get(case=case, person=house.pk("loan_handler"))
    assert (watcher.watcher, watcher.why) == (True, WatchedBy.PERSON)
    tasked = CaseGrant.objects.get(case=case, person=house.pk("officer2"))
    assert tasked.why == WatchedBy.TASK
    again = task_force.remove(rows(case), people, "Again.", actor=house.actor("supervisor"), at=AT)
    assert again == 0


def test_the_access_ends_with_the_archive_not_before(house, case):
    add(house, case, "loan_handler")
    for verb in ("resolve", "notify", "confirm"):
        case = do(house, case, verb)
    assert sees(house, "loan_handler", case)
    do(house, case, "archive", by="supervisor", at=AT + 91 * DAY)
    assert not sees(house, "loan_handler", case)
    with pytest.raises(TeamRefused, match="over"):
        add(house, case, "loan_handler")


def test_the_dialogs_and_who_may(house, case):
    url = f"/cases/{case.number}/force/"
    for name, code in (("supervisor", 200), ("depthead", 200), ("handler", 403), ("agent", 403)):
        assert signed_in(house.accounts[name]).get(url).status_code == code, name
    boss = signed_in(house.accounts["supervisor"])
    assert boss.post(url, {"people": [], "reason": "x"}).status_code == 422
    pk = house.pk("loan_handler")
    assert boss.post(url, {"people": [pk], "reason": "Loans too."}).status_code == 302
    part = boss.get(f"/cases/{case.number}/parts/force/").content.decode()
    assert f"/force/{pk}/drop/" in part
    plain = signed_in(house.accounts["handler"]).get(f"/cases/{case.number}/parts/force/")
    assert "/drop/" not in plain.content.decode()
    drop = f"{url}{pk}/drop/"
    assert boss.post(drop, {"reason": ""}).status_code == 422
    assert boss.post(drop, {"reason": "Done."}).status_code == 302
    assert boss.get(drop).status_code == 404
