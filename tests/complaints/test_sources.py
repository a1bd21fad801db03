"""Sources: each has its own deadline and its own answer; the nearest unanswered one counts."""

from datetime import timedelta

import pytest

from complaints import erasing
from complaints.models import SourceRef
from complaints.relations import sources
from complaints.relations.frame import RelationRefused
from config.kernel import terms
from tests.complaints.relations_help import actions, enter, fresh, last, now, url, words
from tests.factories.complaints import AT, DAY, HOUR, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house):
    return shared_house


def add(house, case, number, days):
    given = {
        "channel": terms.get("intake_channel", "R78"), "number": number, "body": "12378",
        "on": None, "due_at": AT + days * DAY,
    }  # fmt: skip
    return sources.add(rows(case), given, actor=house.actor("officer"), at=AT + HOUR)[0]


def reply(house, case, source, text="We wrote to you.", at=AT + 2 * HOUR):
    sources.answer(rows(case), source.pk, text, actor=house.actor("officer"), at=at)


def test_a_nearer_source_brings_the_deadline_nearer_a_later_one_does_not(house):
    case = open_case(house)
    add(house, case, "S-1", 9)
    assert fresh(case).external_due_at == AT + 9 * DAY
    add(house, case, "S-2", 4)
    assert fresh(case).external_due_at == AT + 4 * DAY
    add(house, case, "S-3", 20)
    assert fresh(case).external_due_at == AT + 4 * DAY
    assert actions(case).count("case.source_added") == 3


def test_an_answered_source_hands_over_to_the_next_and_the_last_stays(house):
    case = open_case(house)
    far, near = add(house, case, "S-1", 9), add(house, case, "S-2", 4)
    reply(house, case, near)
    assert fresh(case).external_due_at == AT + 9 * DAY
    reply(house, case, far, at=AT + 10 * DAY)
    assert fresh(case).external_due_at == AT + 9 * DAY
    assert last(case, "case.source_answered")["late"] is True
    assert [row.replied_at for row in sources.of(case)] == [AT + 2 * HOUR, AT + 10 * DAY]
    assert SourceRef.objects.filter(case=case, replied_at__isnull=True).count() == 0


def test_an_answer_needs_words_a_source_of_the_case_and_comes_once(house):
    case, other = open_case(house), open_case(house)
    source = add(house, case, "S-1", 9)
    for where, text in ((case, " "), (other, "Hello.")):
        with pytest.raises(RelationRefused):
            reply(house, where, source, text)
    reply(house, case, source, "The fee goes back.")
    with pytest.raises(RelationRefused):
        reply(house, case, source)
    assert "The fee goes back." in words(case)
    assert SourceRef.objects.get(pk=source.pk).reply_seq is not None


def test_a_source_without_name_and_number_is_refused(house):
    with pytest.raises(RelationRefused):
        sources.add(rows(open_case(house)), {}, actor=house.actor("officer"), at=AT)


def test_the_dialogs_add_and_answer(client, house):
    case = open_case(house, at=now())
    enter(client, house, "officer")
    due = (now() + timedelta(days=5)).strftime("%Y-%m-%dT%H:%M")
    sent = {"channel": "R78", "number": "S-77", "body": "12378", "due_at": due}
    assert client.post(url(case, "sources/new/"), {"channel": "R78"}).status_code == 422
    assert client.post(url(case, "sources/new/"), sent).status_code == 302
    source = SourceRef.objects.get(case=case)
    answer = url(case, f"sources/{source.pk}/answer/")
    page = client.get(url(case, "parts/related/")).content.decode()
    assert answer in page
    assert "S-77" in page
    assert client.get(url(open_case(house), f"sources/{source.pk}/answer/")).status_code == 404
    assert client.post(answer, {"text": "Told them."}).status_code == 302
    assert answer not in client.get(url(case, "parts/related/")).content.decode()


def test_erasing_the_customer_empties_the_numbers(house):
    customer = CustomerFactory.create()
    case = open_case(house, customer=customer)
    add(house, case, "S-1", 9)
    erasing.erase([customer.pk], AT + DAY)
    assert {row.number for row in SourceRef.objects.filter(case=case)} == {""}
