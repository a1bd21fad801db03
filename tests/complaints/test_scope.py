"""Who reaches which case for which act; recusal, restricted cases, and the buttons offered."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from complaints import workflow
from complaints.choices import Status
from complaints.models import Case, CaseExclusion, CaseGrant
from complaints.workflow import payloads
from complaints.workflow.outcomes import Refusal
from tests.factories.complaints import AT, bank, default, in_state, open_case, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return bank()


@pytest.mark.parametrize(
    ("who", "act", "answer"),
    [
        ("officer", "view", True),
        ("officer", "accept", True),  # registered it
        ("officer2", "view", True),
        ("officer2", "accept", PermissionDenied),
        ("officer2", "claim", True),
        ("supervisor", "retype", True),
        ("handler", "view", True),
        ("handler", "retype", PermissionDenied),
        ("loan_handler", "view", Http404),
        ("loan_handler", "sign", Http404),
        ("analyst", "view", True),
        ("analyst", "note", PermissionDenied),
        ("compliance", "view", Http404),
    ],
)
def test_one_case_and_many_people(house, who, act, answer):
    case = open_case(house)
    scope = house.scope(who)
    if answer is True:
        assert Case.objects.fetch(scope, act, pk=case.pk) == case
        return
    with pytest.raises(answer):
        Case.objects.fetch(scope, act, pk=case.pk)


def test_verbs_touch_only_what_the_queryset_reaches(house):
    mine, other = open_case(house), open_case(house, by="officer2")
    reached = Case.objects.visible_to(house.scope("officer"), "accept")
    what = payloads.Taking(no_interest=True)
    outcomes = workflow.accept(reached, what, actor=house.actor("officer"), at=AT)
    assert [o.case.pk for o in outcomes] == [mine.pk]
    assert Case.objects.get(pk=other.pk).status == Status.RECEIVED


@pytest.mark.parametrize("verb", ["accept", "claim", "transfer", "edit_facts", "raise_severity"])
def test_a_named_person_is_refused_by_every_verb_even_with_the_row_in_hand(house, verb):
    case = open_case(house)
    CaseExclusion.objects.create(case=case, person_id=house.pk("officer"), reason="named", at=AT)
    assert not Case.objects.visible_to(house.scope("officer")).exists()
    function, kind = workflow.VERBS[verb]
    what = default(house, verb, kind)
    outcome = function(rows(case), what, actor=house.actor("officer"), at=AT)[0]
    assert outcome.refused is Refusal.RECUSED
    assert Case.objects.get(pk=case.pk).event_seq == case.event_seq


def test_a_restricted_case_opens_to_compliance_and_by_grant(house):
    case = open_case(house, type="TIP")
    for who in ("officer", "supervisor", "handler", "analyst", "depthead"):
        assert not Case.objects.visible_to(house.scope(who)).exists(), who
    assert Case.objects.visible_to(house.scope("compliance"), "accept").exists()
    CaseGrant.objects.create(case=case, person_id=house.pk("supervisor"), at=AT)
    assert Case.objects.visible_to(house.scope("supervisor")).exists()


def buttons(house, case, who):
    return {view.move.verb: view.asks for view in workflow.available(case, house.scope(who))}


def test_buttons_follow_state_and_reach(house):
    case = open_case(house)
    officer, boss = buttons(house, case, "officer"), buttons(house, case, "supervisor")
    assert officer["accept"] is False
    assert officer["refuse"] is True  # the officer's refusal asks
    assert boss["refuse"] is False
    assert officer["withdraw"] is boss["withdraw"] is True  # always a second person
    assert "notify" not in officer
    assert "archive" not in boss
    assert buttons(house, case, "analyst") == {}


def test_the_handler_proposes_and_asks_to_pause_but_does_not_resolve(house):
    case = in_state(house, Status.IN_PROGRESS)
    seen = buttons(house, case, "handler")
    assert seen["propose"] is False
    assert seen["wait_customer"] is True
    assert "resolve" not in seen
    assert "resolve" in buttons(house, case, "officer")
