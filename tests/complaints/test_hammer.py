"""Many people press at the same moment, on real connections; counted in rows, record and messages.

The scenarios of the security plan, numbered as there; 4 and 7-11 have tests of their own.
"""

from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.test import Client
from django.utils import timezone

from complaints import workflow
from complaints.choices import Status
from complaints.models import Case
from complaints.taking_next import take_next
from complaints.workflow import Refusal, payloads
from config.kernel import journal
from config.kernel.models import JournalEntry, Notice, OutboxMessage
from staff.roles import scope_of
from tests.factories.complaints import AT, bank, do, in_state, open_case, rows
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house():
    return bank()


def now():
    return timezone.now() - timedelta(minutes=30)


def signed_in(house, name):
    client = Client()
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    assert BACKEND_SESSION_KEY in client.session
    return client


def acts(case, action):
    return journal.entries(case.stream).filter(action=action).count()


def test_1_fifty_raise_one_case_once_and_the_others_learn_who(house):
    case = open_case(house, at=now())
    client_of = [signed_in(house, name) for name in ("supervisor", "officer")]
    before = Notice.objects.count()

    def press(n):
        data = {"version": str(case.version), "severity": "3", "reason": f"Press {n}"}
        client = Client()
        client.cookies = client_of[n % 2].cookies
        address = f"/cases/{case.number}/do/raise_severity/"
        return client.post(address, data, headers=HTMX)

    answers = [answer for start in range(0, 50, 10) for answer in at_once(press, 10) if start >= 0]
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {200: 1, 409: 49}
    assert acts(case, "case.raise_severity") == 1
    lost = next(answer for answer in answers if answer.status_code == 409)
    page = lost.content.decode()
    assert "Press" in page
    assert "Test" in page  # who was faster
    told = Notice.objects.filter(about=case.about, kind__startswith="clock").count()
    assert Notice.objects.count() - before <= told + 1


def test_2_twenty_take_the_next_and_get_twenty_cases(house):
    for _ in range(22):
        open_case(house)
    Case.objects.update(handler=None, department=house.units["CMPT"].pk)
    names = ["officer", "officer2", "supervisor"]
    actors = [house.actor(name) for name in names]
    scopes = [scope_of(house.accounts[name], at=AT) for name in names]

    def press(n):
        outcome = take_next(scopes[n % 3], actor=actors[n % 3], at=AT)
        return outcome.case.pk if outcome else None

    taken = [*at_once(press, 10), *at_once(press, 10)]
    assert None not in taken
    assert len(set(taken)) == 20
    held = Case.objects.filter(handler__isnull=False)
    assert set(held.values_list("pk", flat=True)) == set(taken)
    claims = JournalEntry.objects.filter(action="case.claim")
    assert claims.count() == 20


def test_2b_the_most_pressing_is_taken_first_and_nothing_left_is_said(house):
    calm, grave = open_case(house), open_case(house, severity=4)
    Case.objects.update(handler=None, department=house.units["CMPT"].pk)
    scope = scope_of(house.accounts["officer"], at=AT)
    actor = house.actor("officer")
    assert take_next(scope, actor=actor, at=AT).case.pk == grave.pk
    assert take_next(scope, actor=actor, at=AT).case.pk == calm.pk
    assert take_next(scope, actor=actor, at=AT) is None
    client = signed_in(house, "officer")
    assert client.post("/cases/take-next/").url == "/"
    assert signed_in(house, "analyst").post("/cases/take-next/").status_code == 403


def test_3_of_two_who_assign_one_wins_and_the_other_is_told_who(house):
    case = in_state(house, Status.IN_PROGRESS)
    people = [house.pk("handler"), house.pk("handler2")]
    actors = [house.actor("supervisor"), house.actor("officer")]

    def press(n):
        what = payloads.Handing(people[n % 2])
        return workflow.assign_handler(
            rows(case), what, actor=actors[n % 2], at=AT, expected={case.pk: case.version}
        )[0]

    outcomes = at_once(press, 8)
    won = [outcome for outcome in outcomes if outcome.done]
    assert len(won) == 1
    assert Case.objects.get(pk=case.pk).handler_id == won[0].case.handler_id
    lost = [outcome for outcome in outcomes if not outcome.done]
    assert {outcome.refused for outcome in lost} == {Refusal.STALE}
    assert all("Test" in workflow.explain(outcome) for outcome in lost)
    assert acts(case, "case.assign_handler") == 1


def test_6_thirty_sends_of_one_form_make_one_case(house):
    client = signed_in(house, "officer")
    form = client.get("/cases/new/").context["form"]
    data = {
        "token": str(form.initial["token"]), "type": "CMP", "severity": "2",
        "core_issue": "Fee charged twice", "content": "The fee was charged twice.",
        "intake_channel": "TEL", "business_line": "B-CC-02", "contact_name": "Li Si",
        "contact_phone": "13900001111", "demand": "Refund", "received_precision": "minute",
        "received_at": timezone.localtime().strftime("%Y-%m-%dT%H:%M"), "group_size": "1",
    }  # fmt: skip
    cookies = client.cookies

    def send(_n):
        other = Client()
        other.cookies = cookies
        return other.post("/cases/new/", data).status_code

    codes = [code for _round in range(3) for code in at_once(send, 10)]
    assert set(codes) == {302}
    [case] = Case.objects.all()
    assert acts(case, "case.opened") == 1
    assert OutboxMessage.objects.filter(about=case.about, kind="case.acknowledgement").count() <= 1


def test_12_who_lost_the_case_meanwhile_saves_nothing_and_learns_nothing(house):
    case = in_state(house, Status.ASSESSING, at=now())
    do(house, case, "assign", payloads.Sending(house.units["CARD"].pk), at=now())
    client = signed_in(house, "handler")
    address = f"/cases/{case.number}/write/note/"
    Case.objects.filter(pk=case.pk).update(handler=house.pk("handler"))
    assert client.get(f"/cases/{case.number}/").status_code == 200
    other = house.units["LOAN"].pk
    Case.objects.filter(pk=case.pk).update(department=other, handler=None)
    answer = client.post(address, {"text": "My long note"}, headers=HTMX)
    assert answer.status_code == 404
    assert acts(case, "case.note") == 0
    assert case.core_issue not in answer.content.decode()
