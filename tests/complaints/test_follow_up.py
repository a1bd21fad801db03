"""The follow-up list: what an officer accepted and others hold, the longest silent first."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from complaints import records
from complaints.models import Case, CaseExclusion
from tests.factories.complaints import do, in_state, rows
from tests.portal.desks import queries

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
URL = "/cases/follow-up/"


@pytest.fixture
def house(shared_house):
    return shared_house


def client_of(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return client


def silent(case, days: int) -> Case:
    Case.objects.filter(pk=case.pk).update(updated_at=timezone.now() - days * DAY)
    return case


def numbers(client, query="") -> list[str]:
    answer = client.get(URL + query)
    assert answer.status_code == 200
    return [line.row.case.number for line in answer.context["rows"]]


def test_an_officer_sees_the_own_cases_that_others_hold_longest_silent_first(client, house):
    now = timezone.now()
    with_unit = silent(in_state(house, "assigned", at=now), 2)
    handled = silent(in_state(house, "in_progress", at=now), 9)
    in_state(house, "assessing", at=now)  # with the officer
    in_state(house, "returned", at=now)  # back with the officer
    in_state(house, "resolved", at=now)  # the officer is to tell the customer
    in_state(house, "closed", at=now)
    client_of(client, house, "officer")
    assert numbers(client) == [handled.number, with_unit.number]
    assert numbers(client_of(client, house, "officer2")) == []
    assert numbers(client_of(client, house, "supervisor")) == [handled.number, with_unit.number]


def test_what_the_officer_handles_in_person_is_not_in_others_hands(client, house):
    case = in_state(house, "in_progress", at=timezone.now())
    Case.objects.filter(pk=case.pk).update(handler=house.pk("officer"))
    assert numbers(client_of(client, house, "officer")) == []


def test_a_line_says_who_holds_it_how_long_it_is_silent_and_what_is_due(client, house):
    case = silent(in_state(house, "in_progress", at=timezone.now()), 3)
    page = client_of(client, house, "officer").get(URL)
    text = page.content.decode()
    assert [line.silent for line in page.context["rows"]] == ["3 days"]
    assert "Handler Test" in text
    assert "clock__t" in text
    assert case.core_issue in text
    assert "officer" not in [column.key for column in page.context["columns"]]
    boss = client_of(client, house, "supervisor").get(URL).content.decode()
    assert '<span class="ink-2 nowrap">Officer Test</span>' in boss


def test_a_reminder_is_no_movement_but_a_step_is(client, house):
    case = silent(in_state(house, "in_progress", at=timezone.now()), 5)
    records.chase(rows(case), "Please hurry.", actor=house.actor("officer"), at=timezone.now())
    client_of(client, house, "officer")
    assert client.get(URL).context["rows"][0].days == 5
    do(house, case, "wait_customer", by="supervisor", at=timezone.now())
    assert client.get(URL).context["rows"][0].days == 0


def test_it_can_be_sorted_by_clock_and_paged(client, house):
    now = timezone.now()
    one = silent(in_state(house, "in_progress", at=now), 1)
    two = silent(in_state(house, "in_progress", at=now), 2)
    Case.objects.filter(pk=one.pk).update(next_due_at=now)
    client_of(client, house, "officer")
    assert numbers(client) == [two.number, one.number]
    assert numbers(client, "?sort=clock") == [one.number, two.number]
    for query in ("?page=nonsense", "?sort=nonsense&page=%00", "?page=last"):
        assert len(numbers(client, query)) == 2


@pytest.mark.parametrize(
    ("name", "status"),
    [("officer", 200), ("supervisor", 200), ("handler", 403), ("agent", 403), ("analyst", 403)],
)
def test_who_follows_up(client, house, name, status):
    assert client_of(client, house, name).get(URL).status_code == status


def test_the_sidebar_leads_there_for_those_who_may(client, house):
    for name, shown in (("officer", True), ("handler", False)):
        page = client_of(client, house, name).get(reverse("cases")).content.decode()
        assert (f'href="{URL}"' in page) is shown


def test_a_recused_officer_does_not_see_it(client, house):
    case = in_state(house, "in_progress", at=timezone.now())
    CaseExclusion.objects.create(
        case=case, person_id=house.pk("officer"), reason="named", at=timezone.now()
    )
    assert numbers(client_of(client, house, "officer")) == []


def test_nothing_to_follow_up_says_so(client, house):
    page = client_of(client, house, "officer2").get(URL).content.decode()
    assert "Nothing to follow up" in page


def test_the_list_costs_the_same_however_long(client, house):
    in_state(house, "in_progress", at=timezone.now())
    client_of(client, house, "officer")
    few = queries(client, URL)
    for _n in range(8):
        in_state(house, "in_progress", at=timezone.now())
    assert queries(client, URL) == few <= 14
