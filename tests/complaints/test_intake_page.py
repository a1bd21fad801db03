"""The new-case page through its addresses: what is kept, refused in words, shown and hidden."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from complaints.models import CallRecord, Case
from config.kernel.models import Draft
from customers import registering
from tests.factories.complaints import open_case
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
NUL = "bad\x00text"


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return house.accounts[name]


def filled(**given):
    """Return the fields of a sound form; times as the browser sends them."""
    now = timezone.localtime(timezone.now()) - timedelta(minutes=3)
    values = {
        "token": str(uuid4()), "type": "CMP", "severity": "2",
        "core_issue": "Card fee charged twice",
        "content": "I was charged twice and nobody answers.", "intake_channel": "EML",
        "business_line": "B-CC-02", "contact_name": "王丽", "contact_phone": "13812345678",
        "contact_email": "wang@example.com", "received_at": now.strftime("%Y-%m-%dT%H:%M"),
        "received_precision": "minute", "group_size": "1",
    }  # fmt: skip
    return {**values, **given}


def errors(response):
    """Return the text of the error list on top of the form."""
    found = re.search(r'role="alert".*?</(?:div|section|ul)>', response.content.decode(), re.S)
    return found[0] if found else ""


@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("zh-hans", "zh-Hans")])
def test_the_page_stands_in_both_languages(client, house, language, tag):
    enter(client, house, "officer")
    client.cookies["huiyin_language"] = language
    text = client.get("/cases/new/").content.decode()
    assert f'<html lang="{tag}"' in text
    assert 'name="core_issue"' in text


def test_registering_opens_the_case_and_says_its_number(client, house):
    me = enter(client, house, "officer")
    response = client.post("/cases/new/", filled(), follow=True)
    case = Case.objects.get()
    assert response.redirect_chain == [(f"/cases/{case.number}/", 302)]
    assert f"{case.number} is registered" in response.content.decode()
    assert (case.registrar_id, case.type.code, case.department.code) == (
        me.person_id, "CMP", "CARD",
    )  # fmt: skip
    assert case.contact_name == "王丽"


def test_sending_the_form_twice_makes_one_case(client, house):
    enter(client, house, "officer")
    data = filled()
    first = client.post("/cases/new/", data)
    second = client.post("/cases/new/", data, follow=True)
    assert Case.objects.count() == 1
    assert second.redirect_chain[0][0] == first.url
    assert "is registered already" in second.content.decode()


def test_a_case_of_anothers_customer_base_is_registered_for_a_chosen_customer(client, house):
    enter(client, house, "officer")
    customer = CustomerFactory.create(name="周海明", phone="13900001111")
    client.post("/cases/new/", filled(customer=customer.number, contact_name="", contact_phone=""))
    case = Case.objects.get()
    assert case.customer_id == customer.pk
    assert (case.contact_name, case.contact_phone[-4:]) == ("周海明", "1111")


def test_the_page_chosen_from_a_customer_shows_that_customer(client, house):
    enter(client, house, "officer")
    customer = CustomerFactory.create(name="周海明")
    text = client.get(f"/cases/new/?customer={customer.number}").content.decode()
    assert customer.number in text
    assert "周海明" in text
    assert client.get("/cases/new/?customer=%00").status_code == 200


BAD = {
    "nothing said": ({"core_issue": "", "content": ""}, "Write something here"),
    "unknown type": ({"type": "XXX"}, "XXX"),
    "unknown channel": ({"intake_channel": "PIGEON"}, "PIGEON"),
    "unknown line": ({"business_line": "B-ZZ"}, "B-ZZ"),
    "severity": ({"severity": "9"}, "9"),
    "future": ({"received_at": "2099-01-01T10:00"}, "lies in the future"),
    "happened in the future": ({"occurred_on": "2099-01-01"}, "lies in the future"),
    "odd time": ({"received_at": "yesterday"}, "valid date"),
    "nul": ({"content": NUL}, "Null characters"),
    "nul in the phone": ({"contact_phone": NUL}, "Null characters"),
    "nul in the customer": ({"customer": NUL}, "Null characters"),
    "long issue": ({"core_issue": "x" * 201}, "at most 200 characters, now 201"),
    "long words": ({"content": "字" * 20_001}, "at most 20000 characters, now 20001"),
    "long product": ({"product": "x" * 161}, "at most 160"),
    "no e-mail": ({"contact_email": "nobody"}, "valid email"),
    "negative sum": ({"amount": "-1"}, "0"),
    "absurd sum": ({"amount": "1e30"}, "digits"),
    "nobody complains": ({"group_size": "0"}, "1"),
    "no such branch": ({"branch": "999999"}, "valid choice"),
    "no such customer": ({"customer": "K00000000"}, "No customer with this number"),
    "no token": ({"token": "x"}, "UUID"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_registered_comes_back_in_words_with_everything_typed(client, house, name):
    enter(client, house, "officer")
    wrong, words = BAD[name]
    response = client.post("/cases/new/", filled(demand="Give the fee back at once.", **wrong))
    text = response.content.decode()
    assert response.status_code == 422
    assert words in text
    assert "Give the fee back at once." in text
    assert 'value="王丽"' in text
    assert not Case.objects.exists()


def test_a_late_registration_on_a_live_channel_needs_its_reason(client, house):
    enter(client, house, "officer")
    late = timezone.localtime(timezone.now() - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    data = filled(intake_channel="TEL", received_at=late)
    response = client.post("/cases/new/", data)
    assert response.status_code == 422
    assert "why it is registered only now" in response.content.decode()
    client.post("/cases/new/", data | {"backdate_reason": "The line was down."})
    assert Case.objects.count() == 1


def test_a_customer_out_of_reach_is_as_good_as_none(client, house):
    enter(client, house, "handler")
    CustomerFactory.create(number="K55555555", name="周海明")
    house.accounts["handler"].grants.update(role="RM")  # sees own customers only
    response = client.post("/cases/new/", filled(customer="K55555555"))
    assert response.status_code == 422
    assert "周海明" not in response.content.decode()
    assert not Case.objects.exists()


@pytest.mark.parametrize("data", [{}, {"type": "CMP"}, {"type": "CMP", "content": "\n \n"}])
def test_hints_for_a_form_with_nothing_in_it_are_an_empty_panel(client, house, data):
    enter(client, house, "officer")
    response = client.post("/cases/new/hints/", data, headers=HTMX)
    assert response.status_code == 200
    assert "What will happen" in response.content.decode()
    fresh = filled(core_issue="", content="", contact_phone="", contact_name="")
    assert client.post("/cases/new/hints/", fresh, headers=HTMX).status_code == 200


def test_hints_name_department_clocks_and_look_alikes_and_write_nothing(client, house):
    enter(client, house, "officer")
    old = open_case(house, at=timezone.now() - timedelta(hours=2), contact_phone="13812345678")
    response = client.post("/cases/new/hints/", filled(), headers=HTMX)
    text = response.content.decode()
    assert "<html" not in text
    assert f"Looks like open case {old.number}" in text
    assert "Same phone number." in text
    assert "CARD" in text
    assert re.search(r"<dd class=\"num\">[^<]+\d\d:\d\d", text)
    assert Case.objects.count() == 1


def test_hints_tell_nothing_of_cases_the_reader_may_not_see(client, house):
    enter(client, house, "loan_handler")
    old = open_case(house, at=timezone.now(), contact_phone="13812345678")
    text = client.post("/cases/new/hints/", filled(), headers=HTMX).content.decode()
    assert old.number not in text
    assert old.core_issue not in text


def test_the_look_up_finds_by_number_name_tail_and_phone_and_masks_the_phone(client, house):
    enter(client, house, "officer")
    phone = registering.ContactDraft("mobile", "13900001111")
    [known] = registering.register(
        [registering.CustomerDraft("周海明", contacts=[phone])],
        actor=house.actor("officer"),
        at=timezone.now(),
    )
    for ask in (known.number, "周海明", "1111", "13900001111"):
        text = client.get("/cases/new/lookup/", {"find": ask}, headers=HTMX).content.decode()
        assert known.number in text, ask
        assert "13900001111" not in text.replace(ask, ""), ask


@pytest.mark.parametrize("ask", ["", "1", "%00", "\x00", "x" * 5000, "' OR 1=1 --", "<script>"])
def test_no_question_breaks_the_look_up(client, house, ask):
    enter(client, house, "officer")
    response = client.get("/cases/new/lookup/", {"find": ask}, headers=HTMX)
    assert response.status_code == 200
    assert b"<script>" not in response.content


def test_the_look_up_says_how_many_open_cases_somebody_has(client, house):
    enter(client, house, "officer")
    customer = CustomerFactory.create(number="K55555555", name="周海明")
    open_case(house, at=timezone.now(), customer=customer)
    text = client.get("/cases/new/lookup/", {"find": "K55555555"}, headers=HTMX).content.decode()
    assert "1 open case" in text


def test_what_is_typed_is_added_to_the_open_case_as_a_call(client, house):
    enter(client, house, "supervisor")
    old = open_case(house, at=timezone.now())
    client.post("/cases/new/draft/", filled())
    response = client.post(f"/cases/new/add/{old.number}/", filled(content="She asks again."))
    assert (response.status_code, response.url) == (302, f"/cases/{old.number}/")
    assert Case.objects.count() == 1
    assert CallRecord.objects.get(case=old).direction == CallRecord.Direction.IN
    assert "She asks again." in client.get(response.url).content.decode()
    assert not Draft.objects.exists()
    nothing = client.post(f"/cases/new/add/{old.number}/", filled(content="", core_issue=""))
    assert nothing.status_code == 422
    assert CallRecord.objects.count() == 1


def test_nothing_is_added_to_a_case_out_of_reach(client, house):
    old = open_case(house, at=timezone.now())
    enter(client, house, "loan_handler")
    assert client.post(f"/cases/new/add/{old.number}/", filled()).status_code == 404
    assert not CallRecord.objects.exists()


def test_a_draft_is_kept_for_its_writer_alone_and_dropped_when_sent(client, house):
    enter(client, house, "officer")
    data = filled(core_issue="Half a sentence")
    assert client.post("/cases/new/draft/", data).status_code == 204
    assert "Half a sentence" in client.get("/cases/new/").content.decode()
    assert "Your unsent draft is back" in client.get("/cases/new/").content.decode()
    enter(client, house, "officer2")
    assert "Half a sentence" not in client.get("/cases/new/").content.decode()
    enter(client, house, "officer")
    client.post("/cases/new/", data)
    assert not Draft.objects.exists()
    assert "Half a sentence" not in client.get("/cases/new/").content.decode()


def test_a_refused_form_keeps_its_draft(client, house):
    enter(client, house, "officer")
    client.post("/cases/new/draft/", filled())
    client.post("/cases/new/", filled(type="XXX"))
    assert Draft.objects.exists()


def test_a_draft_takes_only_fields_of_the_form(client, house):
    enter(client, house, "officer")
    data = filled(evil="x" * 9000, core_issue="Kept")
    assert client.post("/cases/new/draft/", data).status_code == 204
    assert "evil" not in Draft.objects.get().body


def test_a_draft_too_long_to_be_kept_is_refused_and_not_a_fault(client, house):
    enter(client, house, "officer")
    long = "字" * 90_000
    data = filled(content=long, demand=long, expected_resolution=long)
    assert client.post("/cases/new/draft/", data).status_code == 422
    assert not Draft.objects.exists()


@pytest.mark.parametrize("who", ["analyst", "approver", "compliance"])
def test_roles_that_register_nothing_have_no_such_page(client, house, who):
    enter(client, house, who)
    assert client.get("/cases/new/").status_code == 403
    assert client.post("/cases/new/", filled()).status_code == 403
    assert client.post("/cases/new/hints/", filled()).status_code == 403
    assert not Case.objects.exists()


def test_a_tip_is_registered_by_anybody_and_seen_by_compliance_only(client, house):
    enter(client, house, "officer")
    response = client.post("/cases/new/", filled(type="TIP"), follow=True)
    case = Case.objects.get()
    assert case.restricted
    assert response.status_code == 200
    assert response.redirect_chain[0][0] == "/"
    assert client.get(f"/cases/{case.number}/").status_code == 404
    enter(client, house, "compliance")
    assert client.get(f"/cases/{case.number}/").status_code == 200


def test_the_page_costs_the_same_however_much_there_is(client, house, counted):
    enter(client, house, "officer")
    client.get("/cases/new/")
    for total in (3, 12):
        for _n in range(total):
            open_case(house, at=timezone.now(), contact_phone="13812345678")
        with counted("intake page"):
            client.get("/cases/new/")
        with counted("intake hints"):
            client.post("/cases/new/hints/", filled(), headers=HTMX)
        with counted("intake look-up"):
            client.get("/cases/new/lookup/", {"find": "13812345678"}, headers=HTMX)


@pytest.mark.parametrize("name", ["received_at", "promised_reply_at", "external_due_at"])
@pytest.mark.parametrize("when", ["0001-01-01T00:00", "1950-01-01T00:00", "9999-12-31T23:59"])
def test_years_that_cannot_be_counted_are_refused_in_words(client, house, name, when):
    enter(client, house, "officer")
    fields = filled(**{name: when, "backdate_reason": "found in a drawer"})
    answer = client.post("/cases/new/", fields)
    assert answer.status_code == 422
    assert "Enter a valid date/time." in answer.content.decode()
    assert not Case.objects.exists()
    assert client.post("/cases/new/hints/", fields).status_code == 200
