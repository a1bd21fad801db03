"""Watchers of a case: who may become one, who is told, what the panel offers."""

import pytest

from complaints import watching
from complaints.choices import WatchedBy
from complaints.models import Case, CaseExclusion, CaseGrant
from complaints.watching import WatchRefused
from config.kernel.journal import describe
from config.kernel.models import JournalEntry, Notice
from config.shared.actors import SYSTEM
from tests.factories.complaints import AT, HOUR, open_case, rows
from tests.factories.staff import AccountFactory, PersonFactory
from tests.portal.desks import signed_in


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def case(house):
    return open_case(house)


def watch(house, case, *names, by="officer", at=AT + HOUR):
    return watching.watch(rows(case), [house.pk(x) for x in names], actor=house.actor(by), at=at)


def page(house, case, name, path="people/"):
    return signed_in(house.accounts[name]).get(f"/cases/{case.number}/{path}")


def post(house, case, name, path, data=None):
    return signed_in(house.accounts[name]).post(f"/cases/{case.number}/{path}", data or {})


# --- The verbs -----------------------------------------------------------------------------


def test_who_watches_reads_the_case_is_told_and_recorded_once(house, case):
    reader = house.scope("loan_handler")
    assert not Case.objects.visible_to(reader).filter(pk=case.pk).exists()
    assert watch(house, case, "loan_handler") == 1
    assert watch(house, case, "loan_handler") == 0
    assert Case.objects.visible_to(reader).filter(pk=case.pk).exists()
    assert not Case.objects.visible_to(reader, "note").filter(pk=case.pk).exists()
    assert [(row.person.pk, row.why) for row in watching.watchers(case)] == [
        (house.pk("loan_handler"), "asked by a person")
    ]
    notice = Notice.objects.get(kind="case.watching")
    assert (notice.person_id, notice.about) == (house.pk("loan_handler"), case.about)
    entry = JournalEntry.objects.get(action="case.watch_added")
    assert describe(entry) == "Watches from now on: Loan_Handler Test"


def test_who_watches_by_own_wish_is_not_told(house, case):
    watch(house, case, "supervisor", by="supervisor")
    assert not Notice.objects.filter(kind="case.watching").exists()


def test_several_cases_and_people_at_once(house, case):
    other = open_case(house)
    pks = [house.pk("analyst"), house.pk("agent")]
    assert watching.watch(rows(case, other), pks, actor=house.actor("officer"), at=AT) == 4
    assert watching.unwatch(rows(case, other), pks[:1], actor=house.actor("officer"), at=AT) == 2
    assert CaseGrant.objects.count() == 2


def test_a_recused_person_is_refused_and_nobody_else_is_added(house, case):
    CaseExclusion.objects.create(case=case, person_id=house.pk("handler"), reason="named", at=AT)
    with pytest.raises(WatchRefused, match="stays out"):
        watch(house, case, "handler", "analyst")
    with pytest.raises(WatchRefused, match="You are named"):
        watch(house, case, "analyst", by="handler")
    assert not CaseGrant.objects.exists()


def test_a_restricted_case_has_no_watchers(house):
    tip = open_case(house, type="TIP", business_line="")
    assert tip.restricted
    with pytest.raises(WatchRefused, match="restricted"):
        watch(house, tip, "analyst")
    assert page(house, tip, "compliance", "watchers/").status_code == 403


def test_people_without_an_account_or_who_left_cannot_watch(house, case):
    gone = AccountFactory.create(is_active=False).person
    for person in (PersonFactory.create(), gone):
        with pytest.raises(WatchRefused, match="account"):
            watching.watch(rows(case), [person.pk], actor=SYSTEM, at=AT)


def test_a_grant_to_open_becomes_a_watcher_too(house, case):
    CaseGrant.objects.create(case=case, person_id=house.pk("agent"), at=AT)
    assert watching.watchers(case) == []
    assert watch(house, case, "agent") == 1
    assert len(watching.watchers(case)) == 1


# --- The panel -----------------------------------------------------------------------------


def test_the_panel_lists_every_kind_of_watcher_with_why(house, case):
    for name, why in (("depthead", WatchedBy.ESCALATION), ("analyst", WatchedBy.RULE)):
        CaseGrant.objects.create(case=case, person_id=house.pk(name), watcher=True, why=why, at=AT)
    text = page(house, case, "officer").content.decode()
    assert "Depthead Test" in text
    assert "raised to" in text
    assert "routing rule" in text
    assert "Watch this case" in text
    whole = signed_in(house.accounts["officer"]).get(f"/cases/{case.number}/").content.decode()
    assert f"/cases/{case.number}/people/" in whole


def test_one_watches_and_stops_by_a_button(house, case):
    assert post(house, case, "analyst", "watch/").status_code == 302
    assert CaseGrant.objects.get().person_id == house.pk("analyst")
    assert "Stop watching" in page(house, case, "analyst").content.decode()
    post(house, case, "analyst", "watch/", {"stop": "1"})
    assert not CaseGrant.objects.exists()
    assert JournalEntry.objects.filter(action="case.watch_removed").count() == 1


def test_whoever_stops_and_loses_sight_lands_on_the_list(house, case):
    watch(house, case, "loan_handler")
    answer = post(house, case, "loan_handler", "watch/", {"stop": "1"})
    assert answer.headers["Location"] == "/cases/"
    assert post(house, case, "loan_handler", "watch/").status_code == 404


def test_a_watcher_only_reads(house, case):
    watch(house, case, "loan_handler")
    assert page(house, case, "loan_handler").status_code == 200
    for path in ("watchers/", "recusal/", f"recusal/{house.pk('agent')}/lift/"):
        assert page(house, case, "loan_handler", path).status_code == 403
    pk = house.pk("loan_handler")
    assert (
        post(house, case, "loan_handler", f"watchers/{house.pk('agent')}/drop/").status_code == 403
    )
    assert post(house, case, "loan_handler", f"watchers/{pk}/drop/").status_code == 302


def test_a_supervisor_takes_others_off_an_officer_does_not(house, case):
    watch(house, case, "loan_handler")
    path = f"watchers/{house.pk('loan_handler')}/drop/"
    assert post(house, case, "officer", path).status_code == 403
    assert post(house, case, "supervisor", path).status_code == 302
    assert not CaseGrant.objects.exists()
    assert post(house, case, "supervisor", "watchers/99999999999999999999/drop/").status_code == 404


def test_the_picker_leaves_recused_people_and_watchers_out(house, case):
    CaseExclusion.objects.create(case=case, person_id=house.pk("handler"), reason="named", at=AT)
    watch(house, case, "loan_handler")
    text = page(house, case, "officer", "watchers/").content.decode()
    assert "Analyst Test" in text
    assert "Loan_Handler Test" not in text
    assert "Handler2 Test" in text
    assert "Handler Test ·" not in text
    ok = post(house, case, "officer", "watchers/", {"people": [house.pk("analyst")]})
    assert ok.status_code == 302
    for odd in ({}, {"people": [house.pk("handler")]}, {"people": ["x"]}, {"people": [10**30]}):
        assert post(house, case, "officer", "watchers/", odd).status_code == 422
