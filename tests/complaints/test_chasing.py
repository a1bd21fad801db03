"""The customer chased: counted once, told to the right people, the third is graver by rule."""

import pytest

from complaints.choices import Status
from complaints.models import CaseExclusion
from complaints.relations import chasing
from complaints.relations.frame import RelationRefused
from config.kernel import journal
from tests.complaints.relations_help import HTMX, actions, enter, fresh, last, now, told, url
from tests.factories.complaints import AT, HOUR, in_state, open_case, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house):
    return shared_house


def chase(house, case, by="agent", at=AT + HOUR, text=""):
    return chasing.customer_chased(rows(case), text, actor=house.actor(by), at=at)[0]


def test_a_chase_is_counted_recorded_and_told_to_owner_and_supervisors(house):
    case = in_state(house, Status.IN_PROGRESS)
    assert chase(house, case, text="Where is my money?").count == 1
    case = fresh(case)
    assert (case.chase_count, case.chased_at) == (1, AT + HOUR)
    entry = journal.entries(case.stream).filter(action="case.customer_chased").get()
    assert "money" not in entry.body
    assert told(case, "case.customer_chased") == {house.pk("handler"), house.pk("supervisor")}


def test_without_a_handler_the_head_is_told_and_without_a_head_the_officer(house):
    to_head = in_state(house, Status.IN_PROGRESS)
    rows(to_head).update(handler=None)
    chase(house, to_head)
    assert house.pk("depthead") in told(to_head, "case.customer_chased")
    to_officer = in_state(house, Status.ACCEPTED)
    rows(to_officer).update(handler=None, department=house.units["LOAN"])
    chase(house, to_officer)
    assert house.pk("officer") in told(to_officer, "case.customer_chased")


def test_recused_people_and_the_actor_hear_nothing_and_a_recused_actor_is_refused(house):
    case = in_state(house, Status.IN_PROGRESS)
    CaseExclusion.objects.create(case=case, person_id=house.pk("handler"), reason="named", at=AT)
    chase(house, case, by="supervisor")
    assert told(case, "case.customer_chased") == set()
    with pytest.raises(RelationRefused):
        chase(house, case, by="handler", at=AT + 2 * HOUR)


def test_a_double_click_counts_once_another_person_and_a_later_call_count(house):
    case = in_state(house, Status.IN_PROGRESS)
    chase(house, case)
    again = chase(house, case, at=AT + HOUR + chasing.ONCE / 2)
    assert (again.fresh, again.count) == (False, 1)
    chase(house, case, by="officer2", at=AT + HOUR + chasing.ONCE / 2)
    chase(house, case, at=AT + HOUR + chasing.ONCE)
    assert fresh(case).chase_count == 3
    assert actions(case).count("case.customer_chased") == 3


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 3), (3, 3), (4, 4)])
def test_the_third_chase_raises_by_one_grade_never_above_high(house, before, after):
    case = open_case(house, severity=before)
    for n in range(1, 4):
        done = chase(house, case, at=AT + n * HOUR)
    case = fresh(case)
    assert case.severity == after
    assert done.raised == (after if after != before else None)
    raised = journal.entries(case.stream).filter(action="case.raise_severity")
    assert [row.actor_kind for row in raised] == (["system"] if after != before else [])


def test_the_raise_matches_the_clocks_again(house):
    case = open_case(house, severity=1)
    for n in range(1, 4):
        chase(house, case, at=AT + n * HOUR)
    assert "clock.rematched" in actions(case)


def test_an_open_form_is_not_overtaken_by_a_chase(house):
    case = in_state(house, Status.IN_PROGRESS)
    chase(house, case)
    assert fresh(case).version == case.version


@pytest.mark.parametrize("state", [Status.CLOSED, Status.WITHDRAWN, Status.MERGED])
def test_a_case_that_is_over_is_not_chased(house, state):
    case = in_state(house, state)
    with pytest.raises(RelationRefused):
        chase(house, case)
    assert fresh(case).chase_count == 0


def test_one_click_of_somebody_who_cannot_read_the_case(client, house):
    case = open_case(house, at=now(), core_issue="Secret of Wang")
    enter(client, house, "agent")
    assert client.get(url(case)).status_code == 404
    dialog = client.get(url(case, "chased/"), headers=HTMX)
    assert dialog.status_code == 200
    assert case.number in dialog.content.decode()
    assert "Secret" not in dialog.content.decode()
    answer = client.post(url(case, "chased/"), {})
    assert answer.status_code == 302
    assert answer["Location"] == "/cases/chased/"
    assert fresh(case).chase_count == 1
    page = client.get("/cases/chased/", {"number": case.number})
    assert case.number in page.content.decode()
    assert "Secret" not in page.content.decode()


def test_the_tail_of_a_number_finds_open_cases_only(client, house):
    case = open_case(house, at=now())
    over = in_state(house, Status.CLOSED, at=now())
    enter(client, house, "agent")
    found = client.get("/cases/chased/", {"number": case.number[-6:]}).content.decode()
    assert case.number in found
    missed = client.get("/cases/chased/", {"number": over.number}).content.decode()
    assert url(over, "chased/") not in missed


def test_the_quick_button_answers_with_a_toast_and_the_page_shows_the_count(client, house):
    case = open_case(house, at=now())
    enter(client, house, "supervisor")
    answer = client.post(url(case, "chased/"), {"quick": "1"}, headers=HTMX)
    assert answer.status_code == 204
    assert "case-changed" in answer["HX-Trigger"]
    assert "chased 1 time" in client.get(url(case)).content.decode()
    assert last(case, "case.customer_chased")["count"] == 1


def test_a_restricted_case_is_chased_by_its_own_people_only(client, house):
    tip = open_case(house, at=now(), type="TIP")
    enter(client, house, "agent")
    rows(tip).update(registrar=house.accounts["officer"].person)
    assert client.post(url(tip, "chased/"), {}).status_code == 404
    assert fresh(tip).chase_count == 0
    chase(house, tip, by="compliance", at=now(minutes=5))
    assert house.pk("supervisor") not in told(tip, "case.customer_chased")


def test_roles_without_the_act_are_refused(client, house):
    case = open_case(house, at=now())
    enter(client, house, "analyst")
    assert client.post(url(case, "chased/"), {}).status_code == 403
    assert client.get("/cases/chased/").status_code == 403
