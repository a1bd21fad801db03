"""Customer pages: list, card, dialogs; who sees and who may do what."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from config.kernel import journal
from config.kernel.models import JournalEntry
from config.shared.actors import SYSTEM
from customers.models import Customer
from customers.models.customer import ContactKind
from customers.registering import ContactDraft, CustomerDraft, register
from staff.models.people import UnitKind
from tests.complaints import queue_data
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
PHONE = "13812342107"


@pytest.fixture
def branch():
    return DepartmentFactory.create(kind=UnitKind.BRANCH)


@pytest.fixture
def customer(branch):
    return made("周海明", branch, PHONE)


def made(name, branch, phone, **facts):
    contacts = [ContactDraft(ContactKind.MOBILE, phone, preferred=True)]
    draft = CustomerDraft(name=name, contacts=contacts, branch=branch, **facts)
    return register([draft], actor=SYSTEM, at=AT)[0]


def sign_in(client, role, department=None):
    return queue_data.signed_in(client, role, department=department)


def page(customer, name="customer"):
    return reverse(name, args=[customer.number])


@pytest.mark.parametrize("text", ["周海明", "K00000001", "1", PHONE, "2107"])
def test_the_list_finds_by_name_number_and_phone(client, customer, branch, text):
    made("陈玉兰", branch, "15012349999")
    sign_in(client, "CO")
    told = client.get(reverse("customers"), {"q": text}).content.decode()
    assert "周海明" in told
    assert "陈玉兰" not in told


def test_the_list_cuts_by_tier_branch_and_manager(client, customer, branch):
    elsewhere = DepartmentFactory.create(kind=UnitKind.BRANCH)
    manager = AccountFactory.create(roles=["RM"]).person
    made("陈玉兰", elsewhere, "15012349999", tier="core", rm=manager)
    sign_in(client, "CO")
    for cut in ({"tier": "core"}, {"branch": elsewhere.code}, {"rm": str(manager.pk)}):
        told = client.get(reverse("customers"), cut).content.decode()
        assert "陈玉兰" in told
        assert "周海明" not in told
    told = client.get(reverse("customers"), {"rm": "none"}).content.decode()
    assert "周海明" in told
    assert "陈玉兰" not in told


def test_numbers_are_masked_on_list_and_card(client, customer):
    sign_in(client, "CO")
    for address in (reverse("customers"), page(customer)):
        told = client.get(address).content.decode()
        assert PHONE not in told
        assert "138 •••• 2107" in told


def test_names_are_masked_without_identity(client, customer):
    sign_in(client, "QA")
    for address in (reverse("customers"), page(customer)):
        told = client.get(address).content.decode()
        assert "周海明" not in told
        assert "周••" in told


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_pages_render_in_both_languages(client, customer, language):
    account = sign_in(client, "RMM", customer.branch)
    account.person.account.__class__.objects.filter(pk=account.pk).update(language=language)
    client.cookies["huiyin_language"] = language
    names = ["customer", "customer_reveal", "customer_tier", "customer_rm", "customer_contacts"]
    addresses = [page(customer, name) for name in names]
    for address in (reverse("customers"), reverse("customer_new"), *addresses):
        assert client.get(address).status_code == 200


def test_refusals_follow_the_house_order(client, customer):
    sign_in(client, "AD")
    assert client.get(reverse("customers")).status_code == 403
    assert client.get(page(customer)).status_code == 403
    sign_in(client, "RM")
    assert client.get(page(customer)).status_code == 404
    sign_in(client, "CO")
    assert client.get(page(customer)).status_code == 200
    for name in ("customer_tier", "customer_rm", "customer_contacts", "customer_reveal"):
        assert client.get(page(customer, name)).status_code == 403


def test_a_manager_sees_own_customers_only(client, customer, branch):
    manager = sign_in(client, "RM").person
    mine = made("陈玉兰", branch, "15012349999", rm=manager)
    told = client.get(reverse("customers")).content.decode()
    assert mine.number in told
    assert customer.number not in told


def test_reveal_needs_a_reason_and_stands_in_the_record(client, customer):
    sign_in(client, "CS")
    assert client.post(page(customer, "customer_reveal"), {"reason": " "}).status_code == 422
    assert not JournalEntry.objects.filter(action="customer.revealed").exists()
    told = client.post(page(customer, "customer_reveal"), {"reason": "Return call"})
    assert PHONE in told.content.decode()
    entry = journal.entries(customer.stream).get(action="customer.revealed")
    assert journal.words_of([entry])[entry.pk]["reason"] == "Return call"


def test_tier_changes_with_a_reason_and_shows_in_the_history(client, customer, branch):
    sign_in(client, "RMM", branch)
    address = page(customer, "customer_tier")
    customer.refresh_from_db()
    given = {"tier": "core", "version": customer.version}
    assert client.post(address, given).status_code == 422
    assert client.post(address, {**given, "reason": "Assets"}).status_code == 302
    customer.refresh_from_db()
    assert customer.tier == "core"
    assert "Assets" in client.get(page(customer)).content.decode()


def test_an_old_form_gets_409_and_keeps_its_words(client, customer, branch):
    sign_in(client, "RMM", branch)
    seen = Customer.objects.get(pk=customer.pk).version
    first = {"tier": "key", "reason": "First", "version": seen}
    assert client.post(page(customer, "customer_tier"), first).status_code == 302
    late = {"tier": "core", "reason": "Second reason", "version": seen}
    told = client.post(page(customer, "customer_tier"), late)
    assert told.status_code == 409
    assert "Second reason" in told.content.decode()
    assert Customer.objects.get(pk=customer.pk).tier == "key"


def test_a_manager_is_assigned(client, customer, branch):
    sign_in(client, "RMM", branch)
    person = PersonFactory.create(department=branch)
    AccountFactory.create(roles=["RM"], person=person)
    version = Customer.objects.get(pk=customer.pk).version
    given = {"rm": person.pk, "version": version}
    assert client.post(page(customer, "customer_rm"), given).status_code == 302
    assert Customer.objects.get(pk=customer.pk).rm == person


def test_contacts_are_removed_preferred_and_added(client, customer, branch):
    sign_in(client, "RMM", branch)
    point = customer.contacts.get()
    address = page(customer, "customer_contacts")
    version = Customer.objects.get(pk=customer.pk).version
    wrong = {"version": version, "kind": "mobile", "value": "12"}
    assert client.post(address, wrong).status_code == 422
    given = {"version": version, "remove": [point.pk], "kind": "email", "value": "a@b.example"}
    assert client.post(address, given).status_code == 302
    assert [(x.kind, x.value) for x in customer.contacts.all()] == [("email", "a@b.example")]
    assert client.post(address, given).status_code in {409, 422}


def test_a_customer_is_registered_once(client, branch):
    sign_in(client, "CO")
    given = {
        "kind": "person", "name": "孙丽", "mobile": "13912345678", "id_kind": "passport",
        "id_number": "E12345678", "branch": branch.pk, "language": "zh-hans",
    }  # fmt: skip
    first = client.post(reverse("customer_new"), given)
    made_one = Customer.objects.get()
    assert first.url == page(made_one)
    again = client.post(reverse("customer_new"), given)
    assert again.url == first.url
    assert Customer.objects.count() == 1


def test_registering_asks_for_a_way_to_reach_the_customer(client):
    sign_in(client, "CO")
    given = {"kind": "person", "name": "孙丽", "language": "zh-hans"}
    assert client.post(reverse("customer_new"), given).status_code == 422
    assert not Customer.objects.exists()


def test_who_registers_as_manager_becomes_the_manager(client, branch):
    account = sign_in(client, "RM", branch)
    given = {
        "kind": "person", "name": "孙丽", "mobile": "13912345678", "branch": branch.pk,
        "language": "zh-hans",
    }  # fmt: skip
    client.post(reverse("customer_new"), given)
    assert Customer.objects.get().rm == account.person


def test_the_card_shows_cases_within_scope(client, customer, branch):
    mine = queue_data.case(branch, customer=customer, core_issue="Card fee twice")
    hidden = queue_data.case(branch, customer=customer, core_issue="Tip", restricted=True)
    sign_in(client, "CS")
    told = client.get(page(customer)).content.decode()
    assert mine.number in told
    assert hidden.number not in told


@pytest.mark.parametrize("count", [3, 30, 3000])
def test_queries_do_not_grow_with_the_rows(client, branch, counted, count):
    phones = (f"139{number:08d}" for number in range(count))
    drafts = [
        CustomerDraft(name=f"客户{phone}", branch=branch, contacts=[ContactDraft("mobile", phone)])
        for phone in phones
    ]
    rows = register(drafts, actor=SYSTEM, at=AT)
    unit = DepartmentFactory.create()
    queue_data.many(unit, min(count, 30), customer=rows[0])
    sign_in(client, "CO")
    client.get(reverse("customers"))
    with counted("customers page"):
        client.get(reverse("customers"))
    with counted("customer page"):
        client.get(page(rows[0]))
