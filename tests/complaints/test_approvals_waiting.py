"""Requests that nobody decides are told upwards, once; decided ones and named people are not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from complaints import workflow
from complaints.models import CaseExclusion
from complaints.workflow import payloads
from config.kernel import approval_waiting, journal
from config.kernel.models import Approval, Notice
from tests.factories.complaints import AT, bank, decide, open_case, rows
from tests.threads import at_once

DAY = timedelta(hours=24)


@pytest.fixture
def house():
    return bank()


def ask(house, case):
    what = payloads.Grading(1, "Overrated")
    workflow.ask("lower_severity", rows(case), what, actor=house.actor("officer"), at=AT)
    return Approval.objects.get(about=case.about)


def told():
    found = Notice.objects.filter(kind=approval_waiting.WAITING)
    return set(found.values_list("person_id", flat=True))


@pytest.mark.django_db
def test_a_request_is_told_upwards_after_a_day_and_only_once(house, settings):
    request = ask(house, open_case(house, loss_amount=Decimal(60_000)))
    assert approval_waiting.escalate(AT + DAY - timedelta(seconds=1)) == 0
    assert approval_waiting.escalate(AT + DAY) == 1
    assert approval_waiting.escalate(AT + 2 * DAY) == 0
    assert {house.pk("supervisor"), house.pk("approver")} <= told()
    assert house.pk("officer") not in told()
    actions = list(journal.entries(request.stream).values_list("action", flat=True))
    assert actions.count("approval.escalated") == 1
    other = ask(house, open_case(house, loss_amount=Decimal(60_000)))
    settings.APPROVAL_WAIT_HOURS = 2
    assert approval_waiting.escalate(other.asked_at + timedelta(hours=2)) == 1


@pytest.mark.django_db
def test_a_decided_request_is_not_told_and_a_decision_closes_the_notices(house):
    case = open_case(house, loss_amount=Decimal(60_000))
    ask(house, case)
    approval_waiting.escalate(AT + DAY)
    assert decide(house, case, "approved", by="supervisor").refused is None
    assert not Notice.objects.filter(kind=approval_waiting.WAITING, done_at=None).exists()
    assert approval_waiting.escalate(AT + 3 * DAY) == 0


@pytest.mark.django_db
def test_the_named_in_the_case_hear_nothing(house):
    case = open_case(house, loss_amount=Decimal(60_000))
    ask(house, case)
    named = house.pk("approver")
    CaseExclusion.objects.create(case=case, person_id=named, reason="named", at=AT)
    approval_waiting.escalate(AT + DAY)
    assert named not in told()
    assert house.pk("supervisor") in told()


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_the_same_moment_tell_once(house):
    request = ask(house, open_case(house, loss_amount=Decimal(60_000)))
    at_once(lambda _n: approval_waiting.escalate(AT + DAY), times=4)
    actions = list(journal.entries(request.stream).values_list("action", flat=True))
    assert actions.count("approval.escalated") == 1
