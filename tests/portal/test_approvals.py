"""Approvals: what waits for whom, the three decisions, and who is refused how."""

from decimal import Decimal

import pytest

from complaints.models import Case, CaseExclusion
from config.kernel import approvals
from config.kernel.models import Approval, Notice
from config.kernel.models.approval import ApprovalState
from config.portal.approvals import count
from staff.roles import scope_of
from tests.complaints.queue_data import many
from tests.factories import complaints as bank
from tests.portal.desks import AT, asked, queries, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return bank.bank()


@pytest.fixture
def case(house):
    return bank.open_case(house)


@pytest.fixture
def boss(house):
    return signed_in(house.accounts["supervisor"])


def post(client, request, decision="approved", **given):
    data = {"decision": decision, "note": "", "version": request.version} | given
    return client.post(f"/approvals/{request.pk}/", data)


def test_a_request_shows_what_is_asked_why_and_of_which_case(house, case, boss):
    request = asked(house, case)
    text = boss.get(f"/approvals/{request.pk}/").content.decode()
    assert "She only asks." in text
    assert "Inquiry" in text  # the code of the list in words
    assert f'href="/cases/{case.number}/"' in text
    assert 'value="approved"' in text


def test_approving_carries_it_out_and_goes_to_the_next(house, case, boss):
    first, second = asked(house, case), asked(house, bank.open_case(house))
    answer = post(boss, first)
    assert answer["Location"] == f"/approvals/{second.pk}/"
    assert Case.objects.get(pk=case.pk).type.code == "INQ"
    assert post(boss, second)["Location"] == "/approvals/"


def test_sending_back_needs_words_and_keeps_none_lost(house, case, boss):
    request = asked(house, case)
    answer = post(boss, request, "returned")
    assert answer.status_code == 422
    assert b"Say why." in answer.content
    assert post(boss, request, "returned", note="Which fee?").status_code == 302
    request.refresh_from_db()
    assert (request.state, request.decision) == (ApprovalState.RETURNED, "Which fee?")


def test_refusing_leaves_the_case_as_it_was(house, case, boss):
    request = asked(house, case)
    post(boss, request, "refused", note="It is a complaint.")
    request.refresh_from_db()
    assert request.state == ApprovalState.REFUSED
    assert Case.objects.get(pk=case.pk).type.code == "CMP"


def test_of_two_deciders_the_second_learns_who_was_faster(house, case, boss):
    request = asked(house, case)
    approvals.decide(
        request.pk, "refused", note="No.", expected_version=request.version,
        actor=house.actor("depthead"), scope=house.scope("supervisor"), at=AT,
    )  # fmt: skip
    answer = post(boss, request, "approved", note="My long words")
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "already decided by Depthead Test" in text
    assert "My long words" in text


def test_an_older_version_is_refused_with_409(house, case, boss):
    request = asked(house, case)
    Approval.objects.filter(pk=request.pk).update(version=request.version + 1)
    answer = post(boss, request, note="kept")
    assert answer.status_code == 409
    assert b"changed this request" in answer.content
    assert f'name="version" value="{request.version + 1}"'.encode() in answer.content


def test_nobody_decides_an_own_request(house, case, boss):
    request = asked(house, case, by="supervisor")
    assert request.pk not in [row.approval.pk for row in boss.get("/approvals/").context["rows"]]
    text = boss.get(f"/approvals/{request.pk}/").content.decode()
    assert "Somebody else has to decide" in text
    assert 'value="approved"' not in text
    assert post(boss, request).status_code == 403
    assert "Change of type" in boss.get("/approvals/?tab=asked").content.decode()


def test_who_asked_may_look_but_others_without_sight_get_404(house, case):
    request = asked(house, case)
    officer = signed_in(house.accounts["officer"])
    assert officer.get(f"/approvals/{request.pk}/").status_code == 200
    stranger = signed_in(house.accounts["loan_handler"])
    assert stranger.get(f"/approvals/{request.pk}/").status_code == 404
    assert signed_in(house.accounts["analyst"]).get("/approvals/").status_code == 403


def test_one_who_is_named_in_the_case_neither_sees_nor_decides(house, case, boss):
    request = asked(house, case)
    CaseExclusion.objects.create(case=case, person_id=house.pk("supervisor"), at=AT)
    assert boss.get(f"/approvals/{request.pk}/").status_code == 404
    assert post(boss, request).status_code == 404
    assert boss.get("/approvals/").context["rows"] == []


def test_money_above_the_authority_is_not_offered(house, case, boss):
    small = asked(house, case, "compensation", amount=Decimal(800))
    large = asked(house, bank.open_case(house), "compensation", amount=Decimal(6000))
    rows = [row.approval.pk for row in boss.get("/approvals/").context["rows"]]
    assert (small.pk in rows, large.pk in rows) == (True, False)
    text = boss.get(f"/approvals/{large.pk}/").content.decode()
    assert "above ¥5,000" in text
    assert 'value="approved"' not in text
    assert post(boss, large).status_code == 403
    senior = signed_in(house.accounts["approver"])
    assert 'value="approved"' in senior.get(f"/approvals/{large.pk}/").content.decode()


def test_nonsense_in_the_form_changes_nothing(house, case, boss):
    request = asked(house, case)
    assert post(boss, request, "maybe").status_code == 422
    assert post(boss, request, version="x").status_code == 422
    assert post(boss, request, note="x" * 2001).status_code == 422
    assert boss.get("/approvals/999/").status_code == 404
    request.refresh_from_db()
    assert request.state == ApprovalState.PENDING


def test_the_notice_leads_to_the_request(house, case, boss):
    request = asked(house, case)
    row = Notice.objects.get(person_id=house.pk("supervisor"), kind="approval.asked")
    assert boss.get(f"/inbox/{row.pk}/")["Location"] == f"/approvals/{request.pk}/"


def test_the_count_of_the_sidebar_is_what_the_list_shows(house, case, boss):
    asked(house, case)
    asked(house, bank.open_case(house), by="supervisor")
    asked(house, bank.open_case(house), "compensation", amount=Decimal(6000))
    scope = scope_of(house.accounts["supervisor"], at=AT)
    assert count(scope, AT)[0] == len(boss.get("/approvals/").context["rows"]) == 1


def test_what_was_decided_stays_to_be_read(house, case, boss):
    request = asked(house, case)
    post(boss, request, "refused", note="It is a complaint.")
    assert b"Refused" in boss.get("/approvals/?tab=decided").content
    assert b"It is a complaint." in boss.get(f"/approvals/{request.pk}/").content


def test_the_list_costs_the_same_for_three_and_forty(house, boss):
    cases = many(house.units["CARD"], 40)
    for row in cases[:3]:
        asked(house, row, "severity")
    few = queries(boss, "/approvals/")
    for row in cases[3:]:
        asked(house, row, "severity")
    assert queries(boss, "/approvals/") == few <= 11
