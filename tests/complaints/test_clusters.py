"""Clusters across customers: found by marks, within scope, never in the way of a case."""

import pytest

from complaints import erasing, intake
from complaints.choices import LinkKind, SignatureKind
from complaints.models import CaseClock, CaseExclusion, CaseLink, CaseSignature
from complaints.relations import clusters, signatures
from complaints.relations.clusters import Group, joined
from config.kernel import job_runs, journal
from config.kernel.models import Job
from config.shared.actors import SYSTEM
from customers.models import ContactPoint
from tests.complaints.relations_help import enter, now
from tests.factories.complaints import AT, DAY, draft, open_case
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
WORDS = "The agent told us all to write the very same complaint about the frozen account {}"


@pytest.fixture
def house(shared_house):
    return shared_house


def many(house, count=3, at=AT, **given):
    """Return cases of different customers with words of their own."""
    made = []
    for n in range(count):
        own = {"content": "".join(chr(0x4E00 + 40 * n + k) for k in range(40))}  # no pair in common
        customer = CustomerFactory.create()
        made.append(open_case(house, at=at, **{**own, "customer": customer, **given}))
    return made


def found(house, by="supervisor", at=AT + DAY):
    return clusters.clusters(house.scope(by), at)


def test_the_same_telephone_of_several_customers_is_a_cluster(house):
    cases = many(house, contact_phone="13700000001")
    [one] = found(house)
    assert (one.kind, one.total, one.customers) == (SignatureKind.PHONE, 3, 3)
    assert [case.pk for case in one.cases] == sorted((c.pk for c in cases), reverse=True)


def test_two_cases_or_one_customer_or_31_days_are_none(house):
    many(house, 2, contact_phone="13700000002")
    assert found(house) == []
    many(house, 3, contact_phone="13700000003", customer=CustomerFactory.create())
    assert found(house) == []
    many(house, 3, contact_phone="13700000004", at=AT - 31 * DAY)
    assert found(house) == []


def test_with_very_many_busy_marks_the_answer_is_the_same(house, monkeypatch):
    many(house, contact_phone="13700000021")
    many(house, 4, contact_phone="13700000022")
    before = found(house)
    assert [one.total for one in before] == [4, 3]
    monkeypatch.setattr(clusters, "_BUSY", 1)
    assert found(house) == before


def test_nearly_the_same_words_and_the_same_address_are_found(house):
    for n in range(3):
        open_case(house, content=WORDS.format(n), customer=CustomerFactory.create())
    assert [one.kind for one in found(house)] == [SignatureKind.TEXT]
    for n in range(3):
        customer = CustomerFactory.create()
        ContactPoint.objects.create(
            customer=customer, kind="address", value="5 Long Street", value_hash="a" * 64
        )
        open_case(house, content=f"{n} {'xyz'[n] * 60}", customer=customer)
    assert {one.kind for one in found(house)} == {SignatureKind.TEXT, SignatureKind.ADDRESS}


def test_marks_hold_no_words_no_numbers_and_restricted_cases_have_none(house):
    case = open_case(house, contact_phone="13700000005", content=WORDS.format(1))
    tip = open_case(house, type="TIP", contact_phone="13700000005", content=WORDS.format(1))
    values = list(CaseSignature.objects.filter(case=case).values_list("value", flat=True))
    assert values
    assert not any("137" in value and "0005" in value for value in values)
    assert not CaseSignature.objects.filter(case=tip).exists()


def test_hidden_cases_neither_show_nor_count(house):
    cases = many(house, contact_phone="13700000006")
    CaseExclusion.objects.create(
        case=cases[0], person_id=house.pk("officer"), reason="named", at=AT
    )
    assert found(house, "officer") == []
    assert len(found(house)) == 1


def test_suspicion_neither_refuses_nor_slows_a_case(house):
    for n in range(8):
        open_case(house, content=WORDS.format(n), customer=CustomerFactory.create())
    assert found(house)
    plain = open_case(house)
    odd = open_case(house, content=WORDS.format(9))
    assert (odd.status, odd.severity, odd.department_id) == (
        plain.status, plain.severity, plain.department_id,
    )  # fmt: skip
    due = [
        set(CaseClock.objects.filter(case=case).values_list("name", "due_at"))
        for case in (plain, odd)
    ]
    assert due[0] == due[1]
    assert intake.preview(draft(content=WORDS.format(10)), AT).problems == ()


def test_marks_cost_two_queries_for_one_case_and_for_many(house, django_assert_num_queries):
    cases = many(house, 6)
    CaseSignature.objects.all().delete()
    with django_assert_num_queries(2):
        signatures.write(cases[:1], AT)
    with django_assert_num_queries(2):
        signatures.write(cases, AT)
    before = CaseSignature.objects.count()
    signatures.write(cases, AT)
    assert CaseSignature.objects.count() == before


def test_the_page_costs_the_same_for_few_and_many(client, house, django_assert_max_num_queries):
    enter(client, house, "supervisor")
    counts = []
    for turn in range(2):
        for n in range(1 + turn * 3):
            many(house, at=now(), contact_phone=f"1360000{turn}{n:03d}")
        with django_assert_max_num_queries(16) as told:
            text = client.get("/clusters/").content.decode()
        counts.append(len(told))
    assert counts[0] == counts[1]
    assert text.count("cluster") > 4


def test_not_related_is_recorded_and_does_not_come_back(client, house):
    cases = many(house, at=now(), contact_phone="13700000008")
    enter(client, house, "officer")
    [one] = found(house, at=now(minutes=1))
    assert client.post(f"/clusters/{one.key}/apart/").status_code == 302
    assert found(house, at=now(minutes=1)) == []
    many(house, at=now(), contact_phone="13700000008")
    assert found(house, at=now(minutes=1)) == []
    entry = journal.entries("ledger:clusters").get()
    assert journal.facts_of(entry)["cases"] == sorted(case.pk for case in cases)
    assert cases[0].contact_phone_hash not in entry.body
    client.post(f"/clusters/{one.key}/apart/")
    assert journal.entries("ledger:clusters").count() == 1


def test_the_cases_of_a_cluster_are_linked_at_once(client, house):
    cases = many(house, at=now(), contact_phone="13700000009")
    enter(client, house, "supervisor")
    [one] = found(house, at=now(minutes=1))
    assert client.post(f"/clusters/{one.key}/link/").status_code == 302
    links = CaseLink.objects.filter(kind=LinkKind.RELATED).values_list("a_id", "b_id")
    assert set(links) == {(cases[0].pk, case.pk) for case in cases[1:]}


@pytest.mark.parametrize(("who", "page", "act"), [
    ("officer", 200, 302), ("analyst", 200, 403), ("handler", 403, 403), ("agent", 403, 403),
])  # fmt: skip
def test_who_may_look_and_who_may_act(client, house, who, page, act):
    many(house, at=now(), contact_phone="13700000010")
    [one] = found(house, at=now(minutes=1))
    enter(client, house, who)
    answer = client.get("/clusters/")
    assert answer.status_code == page
    assert client.post(f"/clusters/{one.key}/apart/").status_code == act
    assert client.post("/clusters/unknown/link/").status_code == act


def test_groups_of_words_that_share_a_case_are_one(house):
    def group(kind, key, *cases):
        return Group(kind, frozenset({key}), frozenset(cases))

    text, phone = SignatureKind.TEXT, SignatureKind.PHONE
    made = joined(
        [group(text, "a", 1, 2, 3), group(phone, "p", 1, 2, 3), group(text, "b", 5, 6, 7),
         group(text, "c", 3, 4, 5)]
    )  # fmt: skip
    assert {(one.kind, one.cases) for one in made} == {
        (phone, frozenset({1, 2, 3})),
        (text, frozenset({1, 2, 3, 4, 5, 6, 7})),
    }


def test_older_cases_get_their_marks_by_a_job_once(house):
    case = open_case(house, at=now(hours=2))
    CaseSignature.objects.all().delete()
    assert signatures.start_backfill(SYSTEM, now(minutes=5)) == 1
    assert signatures.start_backfill(SYSTEM, now(minutes=5)) == 0
    assert job_runs.work(now(minutes=1)) == 1
    assert Job.objects.get(kind=signatures.BACKFILL).done >= 1
    assert CaseSignature.objects.filter(case=case).exists()


def test_erasing_the_customer_takes_the_marks(house):
    customer = CustomerFactory.create()
    case = open_case(house, customer=customer, content=WORDS.format(3))
    erasing.erase([customer.pk], AT + DAY)
    assert not CaseSignature.objects.filter(case=case).exists()
