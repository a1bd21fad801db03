"""Registering customers, their tier and manager, erasing their words."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection

from config.kernel import journal, search
from config.kernel.models import EventWords, JournalEntry
from config.shared.actors import SYSTEM, Actor
from config.shared.scope import WHOLE_BANK
from customers import erasing, registering
from customers.events import customers_erased, rms_changed, tiers_changed
from customers.lookup import look_up
from customers.models import ContactPoint, Customer, TierChange
from customers.registering import ContactDraft, CustomerDraft
from tests.factories.staff import PersonFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
HR = Actor("person", 7, "Min Feng")
WANG = CustomerDraft(
    name="王小明",
    id_number="110101199003071234",
    tier="key",
    contacts=[
        ContactDraft("mobile", "+86 138-1234-2107", preferred=True),
        ContactDraft("phone", "13812342107"),
        ContactDraft("email", "wang@mail.example"),
        ContactDraft("mobile", " "),
    ],
)


def register(*drafts: CustomerDraft) -> list[Customer]:
    return registering.register(drafts, actor=HR, at=AT)


@pytest.fixture
def listen():
    heard: list = []

    def receiver(event, **_):
        heard.append(event)

    signals = (tiers_changed, rms_changed, customers_erased)
    for signal in signals:
        signal.connect(receiver)
    yield heard
    for signal in signals:
        signal.disconnect(receiver)


def test_a_customer_is_numbered_recorded_and_found():
    wang, li = register(WANG, CustomerDraft(name="Li Wei"))
    assert (wang.number, li.number) == ("K00000001", "K00000002")
    assert {p.value for p in wang.contacts.all()} == {"13812342107", "wang@mail.example"}
    assert search.find("customer", "小明") == [wang.pk]
    entry = journal.entries(wang.stream).get()
    assert entry.action == "customer.registered"
    assert TierChange.objects.get(customer=wang).after == "key"


def test_personal_data_is_not_readable_in_the_tables_or_the_record():
    register(WANG)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, id_number FROM customers_customer")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT value FROM customers_contactpoint")
        stored += str(cursor.fetchall())
    stored += "".join(JournalEntry.objects.values_list("body", flat=True))
    for secret in ("王小明", "110101199003071234", "13812342107", "wang@mail"):
        assert secret not in stored


@pytest.mark.parametrize(
    "again",
    [
        CustomerDraft(name="X", id_number="1101 0119 9003 0712 34"),
        CustomerDraft(name="X", external_ref="CORE-1"),
    ],
)
def test_a_known_identity_or_reference_gives_the_known_customer(again):
    first = CustomerDraft(name="王小明", id_number="110101199003071234", external_ref="CORE-1")
    (known,) = register(first)
    rows = register(again, CustomerDraft(name="Y"), again)
    assert [row.pk for row in rows] == [known.pk, known.pk + 1, known.pk]
    assert Customer.objects.get(pk=known.pk).name == "王小明"


def test_twice_in_one_batch_is_one_customer():
    rows = register(WANG, WANG)
    assert rows[0] is rows[1]
    assert Customer.objects.count() == 1


def test_queries_do_not_grow_with_the_number(django_assert_max_num_queries):
    drafts = [
        CustomerDraft(name=f"客户{n}", contacts=[ContactDraft("mobile", f"138000{n:05d}")])
        for n in range(30)
    ]
    register(CustomerDraft(name="first"))
    with django_assert_max_num_queries(12):
        register(*drafts)


def test_a_tier_change_keeps_history_and_tells_the_rooms_above(listen):
    wang, li = register(WANG, CustomerDraft(name="Li Wei"))
    changed = registering.change_tiers(
        Customer.objects.all(),
        tiers={wang.pk: "core", li.pk: "ordinary"},
        reason="annual review",
        on=date(2026, 7, 1),
        actor=HR,
        at=AT,
    )
    assert [row.pk for row in changed] == [wang.pk]
    assert registering.tiers_on([wang.pk], date(2026, 6, 30)) == {wang.pk: "key"}
    assert registering.tiers_on([wang.pk], date(2026, 7, 1)) == {wang.pk: "core"}
    wang.refresh_from_db()
    assert (wang.tier, wang.tier_since, wang.version) == ("core", date(2026, 7, 1), 2)
    assert [event.customer_ids for event in listen] == [(wang.pk,)]
    newest = journal.entries(wang.stream).last()
    assert newest is not None
    assert journal.describe(newest) == "Tier changed from Key to Core"


def test_a_new_manager_is_told_once(listen):
    (wang,), rm = register(WANG), PersonFactory.create()
    for _ in range(2):
        registering.assign_rm(Customer.objects.all(), rm=rm, actor=HR, at=AT)
    wang.refresh_from_db()
    assert wang.rm == rm
    assert [(e.customer_ids, e.rm_id) for e in listen] == [((wang.pk,), rm.pk)]


def test_changed_contacts_keep_equal_rows():
    (wang,) = register(WANG)
    email = wang.contacts.get(kind="email")
    wanted = [ContactDraft("email", "wang@mail.example", consent=False)]
    wanted.append(ContactDraft("mobile", "139 0000 1111"))
    registering.change_contacts(wang, wanted, actor=HR, at=AT)
    assert {p.value for p in wang.contacts.all()} == {"wang@mail.example", "13900001111"}
    email.refresh_from_db()
    assert not email.consent


def test_an_erased_customer_leaves_facts_only(listen):
    wang, li = register(WANG, CustomerDraft(name="Li Wei"))
    registering.change_tiers(
        Customer.objects.all(), tiers={wang.pk: "core"}, reason="王 asked", on=AT.date(),
        actor=HR, at=AT,
    )  # fmt: skip
    erasing.erase_customers(Customer.objects.filter(pk=wang.pk), actor=SYSTEM, at=AT)
    wang.refresh_from_db()
    assert (wang.name, wang.id_hash, wang.status, wang.tier) == ("", "", "erased", "core")
    assert not ContactPoint.objects.filter(customer=wang).exists()
    assert search.find("customer", "小明") == []
    assert not EventWords.objects.filter(erased_at=None).exists()
    assert "王" not in "".join(TierChange.objects.values_list("reason", flat=True))
    assert look_up("13812342107", WHOLE_BANK) == []
    assert look_up("Li Wei", WHOLE_BANK) == [li]
    assert listen[-1].customer_ids == (wang.pk,)
    register(WANG)  # the identity number is free again
    assert Customer.objects.count() == 3


def test_a_legal_hold_keeps_everybody_of_the_batch():
    register(WANG, CustomerDraft(name="Li Wei"))
    Customer.objects.filter(pk=Customer.objects.latest("pk").pk).update(legal_hold=True)
    with pytest.raises(erasing.ErasureRefused, match="K00000002"):
        erasing.erase_customers(Customer.objects.all(), actor=SYSTEM, at=AT)
    assert not Customer.objects.filter(status="erased").exists()
