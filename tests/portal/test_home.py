"""My work: the four counters, the strip, the next acts, claiming; and homes without cases."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from complaints import desk
from complaints.choices import Status
from config.kernel.models import Notice
from config.portal.dayline import strip
from staff.models.accounts import Role
from staff.roles import scope_of
from tests.complaints.queue_data import AT, case, many, signed_in
from tests.factories.customers import CustomerFactory
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def unit():
    return DepartmentFactory.create(name_en="Card Services")


def soon(**fields):
    return {"at": timezone.now(), "due": timedelta(minutes=30), **fields}


def officer(unit):
    return AccountFactory.create(roles=["CO"], person=PersonFactory.create(department=unit))


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_everybody_has_a_home(client, role, language):
    signed_in(client, role)
    client.cookies["huiyin_language"] = language
    assert client.get("/").status_code == 200


def test_visitors_are_sent_to_the_sign_in(client):
    assert client.get("/").status_code == 302


def test_roles_without_cases_get_their_pages_and_no_case(client, unit):
    row = case(unit, **soon())
    signed_in(client, "HR", department=unit)
    text = client.get("/").content.decode()
    assert "Cases are not part of your role." in text
    assert row.number not in text
    assert client.get("/fragments/next/").status_code == 403


def test_the_counters_are_disjoint_and_count_my_open_cases_only(unit):
    me = officer(unit)
    mine = {"handler": me.person}
    case(unit, due=timedelta(hours=-2), **mine)
    case(unit, due=timedelta(minutes=-5), **mine)
    case(unit, due=timedelta(hours=1), officer=me.person)
    case(unit, due=timedelta(hours=7), **mine)
    case(unit, due=timedelta(days=4), **mine)
    case(unit, due=timedelta(hours=3), paused=True, **mine)
    case(unit, due=timedelta(hours=-1))
    case(unit, due=timedelta(hours=-1), status=Status.CLOSED, closed_at=AT, **mine)
    found = desk.figures(scope_of(me, at=AT), AT)
    assert (found.over, found.risk, found.today, found.later, found.paused) == (2, 1, 1, 1, 1)
    assert found.total == 6
    assert found.next_due == AT + timedelta(hours=1)
    assert desk.count(scope_of(me, at=AT), AT) == (5, True)


def test_each_counter_leads_to_exactly_the_cases_it_counts(client, unit):
    me = signed_in(client, "CO", department=unit)
    case(unit, **soon(due=timedelta(hours=-1), handler=me.person))
    case(unit, **soon(due=timedelta(minutes=9), officer=me.person))
    case(unit, **soon(due=timedelta(hours=-1)))
    text = client.get("/").content.decode()
    links = re.findall(r'href="(/cases/\?mine=1&amp;clock=\w+)"', text)
    values = re.findall(r'<span class="val">(\d+)</span>', text)
    for link, value in zip(links, values, strict=True):
        page = client.get(link.replace("&amp;", "&")).content.decode()
        assert page.count('name="case"') == int(value)
    assert values[:2] == ["1", "1"]


@pytest.mark.parametrize("total", [3, 30])
def test_the_desk_costs_the_same_for_few_and_many(client, unit, counted, total):
    me = signed_in(client, "CO", department=unit)
    many(unit, total, handler=me.person)
    many(unit, total + 3)
    client.get("/")
    with counted("home"):
        client.get("/")
    with counted("home fragment"):
        client.get("/fragments/next/", headers=HTMX)


def tasks(account):
    return {task.row.subject: task for task in desk.next_up(scope_of(account, at=AT), AT)}


def test_next_up_names_the_act_for_the_state_and_the_reader(unit):
    me = officer(unit)
    rival = PersonFactory.create(department=unit)
    case(unit, core_issue="new", handler=me.person, status=Status.RECEIVED)
    case(unit, core_issue="done", handler=me.person, status=Status.RESOLVED)
    case(unit, core_issue="theirs", handler=rival, officer=me.person, status=Status.IN_PROGRESS)
    found = tasks(me)
    assert (found["new"].words, found["new"].verb) == ("Accept it and classify it", "accept")
    assert found["done"].words == "Tell the customer the result"
    assert found["done"].url.endswith("/do/notify/")
    assert (found["theirs"].verb, found["theirs"].button) == ("", "Open")


def test_a_department_handler_is_asked_to_sign_and_to_propose(unit):
    me = AccountFactory.create(roles=["DH"], person=PersonFactory.create(department=unit))
    case(unit, core_issue="sent", handler=me.person, status=Status.ASSIGNED)
    case(unit, core_issue="working", handler=me.person, status=Status.IN_PROGRESS)
    found = tasks(me)
    assert (found["sent"].verb, found["working"].verb) == ("sign", "propose")


def test_next_up_is_ordered_by_due_time_with_the_paused_last(unit):
    me = officer(unit)
    for hours, paused in ((5, False), (-3, False), (1, True), (2, False)):
        case(unit, core_issue=f"{hours}", due=timedelta(hours=hours), paused=paused,
             handler=me.person)  # fmt: skip
    assert list(tasks(me)) == ["-3", "2", "5", "1"]


def test_a_relationship_manager_sees_the_open_cases_of_the_own_customers(unit):
    me = AccountFactory.create(roles=["RM"], person=PersonFactory.create(department=unit))
    mine = case(unit, rm=me.person, **soon())
    case(unit, **soon())
    rows = desk.next_up(scope_of(me, at=AT), at=timezone.now())
    assert [task.row.case.number for task in rows] == [mine.number]


def test_readers_see_the_bank_but_no_act(client, unit):
    case(unit, core_issue="late", **soon(due=timedelta(hours=-1)))
    signed_in(client, "AU")
    text = client.get("/").content.decode()
    assert "late" in text
    assert "Claim" not in text
    assert "/do/" not in text


def test_claiming_takes_the_case_and_swaps_list_and_counters(client, unit):
    me = signed_in(client, "CO", department=unit)
    row = case(unit, **soon(customer=CustomerFactory.create(name="周海明")))
    assert f"/fragments/claim/{row.number}/" in client.get("/").content.decode()
    response = client.post(f"/fragments/claim/{row.number}/", headers=HTMX)
    text = response.content.decode()
    row.refresh_from_db()
    assert row.handler_id == me.person_id
    assert (response.status_code, "toast" in response["HX-Trigger"]) == (200, True)
    assert 'id="home-figures" hx-swap-oob="true"' in text
    assert f"/fragments/claim/{row.number}/" not in text


def test_the_second_claimer_gets_409_and_who_was_faster(client, unit):
    signed_in(client, "CO", department=unit)
    rival = PersonFactory.create(department=unit, name_en="Song Lu")
    row = case(unit, **soon(handler=rival))
    response = client.post(f"/fragments/claim/{row.number}/", headers=HTMX)
    assert response.status_code == 409
    assert "Song Lu" in response["HX-Trigger"]
    plain = client.post(f"/fragments/claim/{row.number}/", follow=True)
    assert "Song Lu" in plain.content.decode()
    row.refresh_from_db()
    assert row.handler_id == rival.pk


def test_claiming_is_refused_in_the_order_of_the_rules(client, unit):
    row = case(unit, **soon())
    signed_in(client, "DH")
    assert client.post(f"/fragments/claim/{row.number}/").status_code == 404
    signed_in(client, "AU")
    assert client.post(f"/fragments/claim/{row.number}/").status_code == 403
    assert client.get(f"/fragments/claim/{row.number}/").status_code == 405


def test_what_has_changed_shows_my_notices_only(client, unit):
    me = signed_in(client, "CO", department=unit)
    for key, person in (("a", me.person_id), ("b", me.person_id + 999)):
        Notice.objects.create(
            key=key,
            person_id=person,
            kind="job.done",
            facts={"title": f"Export {key}"},
            at=timezone.now(),
        )
    text = client.get("/").content.decode()
    assert "Export a" in text
    assert "Export b" not in text


def mark(hour, minute=0, state="ok"):
    at = datetime(2026, 11, 20, hour - 8, minute, tzinfo=UTC)
    return desk.Mark(at, state, "C-2026-0000001")


def test_the_strip_runs_from_nine_to_half_past_five():
    drawn = strip([mark(9), mark(13, 15, "risk")], AT)
    assert [hour.label for hour in drawn.hours][::8] == ["09:00", "17:00"]
    assert [place.x for place in drawn.places] == [9, 540]
    assert drawn.now_x == round(1080 * 330 / 510)
    assert drawn.words == "Deadlines of today. At risk: 13:15. Due: 09:00."


def test_the_strip_widens_to_what_is_due_and_has_words_for_an_empty_day():
    drawn = strip([mark(23, 50)], AT)
    assert drawn.hours[-1].label == "23:00"
    assert drawn.places[0].x <= 1080
    assert strip([], AT).words == "No deadline today."
    night = strip([], AT + timedelta(hours=9))
    assert (night.now_x, night.past) == (None, 1080)


def test_todays_deadlines_end_at_the_banks_midnight(unit):
    me = officer(unit)
    for hours in (-15, -14, 9, 10):
        case(unit, due=timedelta(hours=hours), handler=me.person)
    found = desk.today(scope_of(me, at=AT), AT)
    assert [(m.at - AT) // timedelta(hours=1) for m in found] == [-14, 9]
    assert [m.state for m in found] == ["over", "ok"]


def test_the_button_of_a_task_opens_a_dialog_that_the_reader_may_use(client, unit):
    me = signed_in(client, "CO", department=unit)
    for status in (Status.RECEIVED, Status.ACCEPTED, Status.ASSESSING, Status.IN_PROGRESS,
                   Status.RESOLVED, Status.RETURNED):  # fmt: skip
        case(unit, **soon(status=status, handler=me.person))
    text = client.get("/").content.decode()
    urls = re.findall(r'href="(/cases/[^"]+/do/\w+/)" data-dialog', text)
    assert len(urls) == 6
    assert {client.get(url, headers=HTMX).status_code for url in urls} == {200}
