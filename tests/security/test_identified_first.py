"""S4-6: account and contact data are shown once the customer is identified, and not before."""

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from complaints import identity, records, unsent
from complaints.case_page import rows_for_page
from complaints.hiding import hider
from complaints.models import Case, IdentityCheck
from complaints.printing import record
from config.shared.masking import mask_numbers, numbers_in
from customers.models import Customer
from tests.factories.complaints import bank, open_case, rows
from tests.portal.desks import as_role, signed_in

pytestmark = pytest.mark.django_db
ACCOUNT, CARD, MOBILE = "6217001234567890123", "6222 0202 1234 5678", "13855554444"
ID_CARD, MAIL, LANDLINE = "110101199003078515", "wang@example.com", "01088776655"
SECRETS = (ACCOUNT, CARD, MOBILE, ID_CARD, MAIL, LANDLINE)
PAGES = ("", "timeline/", "side/", "print/")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house():
    return bank()


@pytest.fixture
def case(house):
    told = f"My account {ACCOUNT} and card {CARD}; call {MOBILE} or {LANDLINE}, {MAIL}, {ID_CARD}."
    found = open_case(
        house, content=told, core_issue=f"Fee on {ACCOUNT}", demand=f"Back to {CARD}",
        expected_resolution=f"SMS to {MOBILE}", product=f"Card {CARD}", amount=420,
        contact_phone=LANDLINE, contact_email=MAIL,
    )  # fmt: skip
    note = f"{ACCOUNT} checked, customer at {MOBILE}"
    records.add_note(rows(found), note, actor=house.actor("supervisor"), at=timezone.now())
    return found


def identify(house, case, result="passed", ago=timedelta()):
    actor = house.actor("supervisor")
    identity.check(rows(case), "questions", result, actor=actor, at=timezone.now() - ago)


def shown(client, case):
    """Return which of the secrets stand on which page of the case, or in a list or a search."""
    here = f"/cases/{case.number}/"
    answers = {page: client.get(here + page, headers=HTMX) for page in PAGES}
    answers["whole"] = client.get(here)
    answers["list"] = client.get("/cases/?state=all")
    answers["search"] = client.post("/search/hits/", {"q": case.number}, headers=HTMX)
    answers["rail"] = client.get(f"{here}rail/?state=all", headers=HTMX)
    return {
        (name, secret)
        for name, answer in answers.items()
        if answer.status_code == 200
        for secret in SECRETS
        if secret in answer.content.decode()
    }


def test_nothing_of_account_or_contact_is_shown_before_identification(house, case):
    client = signed_in(house.accounts["supervisor"])
    assert shown(client, case) == set()
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert "420.00" in page, "the sum the customer told us himself needs no identification"
    assert "•••• 0123" in page, "who knows the account recognises it"
    assert "•••• 5678" in client.get(f"/cases/{case.number}/print/").content.decode()


def test_all_of_it_is_shown_on_the_case_once_the_customer_is_identified(house, case):
    client = signed_in(house.accounts["supervisor"])
    identify(house, case)
    found = shown(client, case)
    assert {("whole", secret) for secret in SECRETS} <= found
    assert {("print/", ACCOUNT), ("side/", CARD), ("timeline/", ACCOUNT)} <= found
    assert {place for place, _secret in found} & {"list", "search", "rail"} == set()


@pytest.mark.parametrize("then", ["a day later", "a check failed", "only overridden"])
def test_it_is_hidden_again_when_nobody_is_identified_any_more(house, case, then):
    if then == "a day later":
        identify(house, case, ago=timedelta(hours=25))
    elif then == "a check failed":
        identify(house, case, ago=timedelta(hours=1))
        identify(house, case, "failed")
    else:
        IdentityCheck.objects.create(case=case, result="overridden", at=timezone.now(), seq=1)
    assert shown(signed_in(house.accounts["supervisor"]), case) == set()


def test_the_annotation_says_what_the_standing_says(house, case):
    """Two ways to the same answer: one query for a page, one expression for its row."""
    steps = [("failed", 5), ("passed", 4), ("failed", 3), ("failed", 2), ("passed", 1)]
    for result, hours in steps:
        identify(house, case, result, timedelta(hours=hours))
        row = rows_for_page().get(pk=case.pk)
        passed = identity.standing(case, timezone.now()).passed
        assert (row.identity_now == "passed") == (passed is not None), result


def test_numbers_of_the_texts_are_shown_with_a_reason_and_recorded(house, case):
    client = signed_in(house.accounts["supervisor"])
    identify(house, case)
    url = f"/cases/{case.number}/reveal/"
    answer = client.post(url, {"reason": "Posting to be checked"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert ACCOUNT in page
    assert CARD in page
    assert MOBILE in page


def test_a_reader_without_names_sees_no_number_even_after_it(house, case):
    identify(house, case)
    assert shown(signed_in(house.accounts["analyst"]), case) == set()


def test_the_result_letter_is_whole_for_who_sends_it_alone(house, case):
    url = f"/cases/{case.number}/letter/"
    page = signed_in(house.accounts["supervisor"]).get(url).content.decode()
    assert ACCOUNT in page, "what leaves is read before it is sent"
    reader = as_role("AU").get(url)
    assert reader.status_code == 200
    assert not any(secret in reader.content.decode() for secret in SECRETS)


def test_the_customer_page_and_unsent_words_show_no_number(house, case):
    me = house.pk("supervisor")
    unsent.keep(case, "write-note", QueryDict(f"text={ACCOUNT}"), person_id=me, at=timezone.now())
    client = signed_in(house.accounts["supervisor"])
    assert ACCOUNT not in client.get("/drafts/").content.decode()
    for customer in Customer.objects.all():
        page = client.get(f"/customers/{customer.number}/").content.decode()
        assert not any(secret in page for secret in SECRETS)


def test_a_plain_row_hides_and_the_record_hides(house, case):
    scope = house.scope("supervisor")
    assert ACCOUNT not in hider(Case.objects.get(pk=case.pk), scope)(case.content)
    form = record(rows_for_page().get(pk=case.pk), scope, timezone.now())
    words = " ".join(row.value for part in form.sections for row in part.rows)
    assert not any(secret in words for secret in SECRETS)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("账号6217001234567890123已扣款", "账号•••• 0123已扣款"),
        ("6222-0202-1234-5678 901", "•••• 8901"),
        ("卡号６２２２０２０２１２３４５６７８", "卡号•••• 5678"),
        ("138 5555 4444", "138 •••• 4444"),
        ("wang.li@example.com", "w••••@example.com"),
        ("110101199003078515", "110 •••••••• 8515"),
        ("3301 0000 12", "3301 0000 12"),
        ("C-2026-0000001 of 2026-01-02 10:00", "C-2026-0000001 of 2026-01-02 10:00"),
        ("CNY 1234567.89 at 95588 or 4008895588", "CNY 1234567.89 at 95588 or 4008895588"),
        ("010-88880000", "010-88880000"), ("01088880000", "01088880000"),
        ("REC-20260101-00012345678", "REC-20260101-00012345678"), ("", ""),
    ],
)  # fmt: skip
def test_numbers_are_masked_and_others_stay(text, seen):
    assert mask_numbers(text) == seen
    assert mask_numbers(seen) == seen
    assert bool(numbers_in(text)) == (text != seen)
