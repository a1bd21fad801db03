"""Search over everything: by number, tail, telephone, words of two letters; scoped and masked."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from complaints import indexing
from complaints.choices import Status
from complaints.models import Case, CaseExclusion
from config.kernel import search as documents
from config.shared.registry import NavItem, contributed
from config.shared.search_sources import SearchSource
from customers import registering
from customers.models import Customer
from staff.models import Absence, Person
from staff.models.accounts import Role
from staff.roles import scope_of
from tests.complaints.conftest import _built, shared_house
from tests.factories.complaints import in_state, open_case
from tests.factories.staff import AccountFactory, PersonFactory
from tests.portal.desks import as_role

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
PHONE = "13877770428"


__all__ = ["_built", "shared_house"]  # fixtures of the room next door


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def as_(house):
    def sign_in(name):
        client = Client()
        client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
        return client

    return sign_in


def hits(client, asked):
    answer = client.post("/search/hits/", {"q": asked}, headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def ago():
    return timezone.now() - timedelta(hours=2)


def case_of(house, **given):
    return in_state(house, Status.IN_PROGRESS, at=ago(), **given)


def customer_of(house, name="张伟明", phone=PHONE):
    drafted = registering.CustomerDraft(
        name, contacts=[registering.ContactDraft("mobile", phone, preferred=True)]
    )
    [row] = registering.register([drafted], actor=house.actor("supervisor"), at=ago())
    return Customer.objects.get(pk=row.pk)


def test_two_chinese_letters_find_a_case_and_a_customer(as_, house):
    """PEERS 21: Chinese search returns something."""
    case = case_of(house, content="排队一小时，柜台没有人。", core_issue="排队太久")
    customer = customer_of(house)
    assert case.number in hits(as_("supervisor"), "柜台")
    assert case.number in hits(as_("supervisor"), "排队")
    assert customer.number in hits(as_("supervisor"), "张伟")
    assert "Nothing was found" in hits(as_("supervisor"), "雪山")


@pytest.mark.parametrize("shape", ["full", "short", "bare", "tail", "padded"])
def test_a_case_is_found_by_its_number_as_people_say_it(as_, house, shape):
    case = case_of(house)
    year, number = case.number.split("-")[1:]
    asked = {
        "full": case.number, "short": f"{year}-{int(number)}", "bare": f"{year}{number}",
        "tail": str(int(number)), "padded": number[-4:],
    }[shape]  # fmt: skip
    assert f'href="/cases/{case.number}/"' in hits(as_("supervisor"), asked)


def test_the_case_of_that_number_comes_before_others_that_answer(as_, house):
    wanted = open_case(house, at=ago())
    tail = wanted.number[-4:]
    for _ in range(7):
        open_case(house, at=ago(), contact_phone=f"1380000{tail}")
    text = hits(as_("supervisor"), tail)
    assert text.index(wanted.number) == min(m.start() for m in re.finditer(r"C-20\d\d-", text))


def test_telephones_are_found_whole_and_by_the_last_four(as_, house):
    case, customer = case_of(house, contact_phone=PHONE), customer_of(house)
    for asked in (PHONE, "138 7777 0428", "+86 138-7777-0428", "0428"):
        text = hits(as_("supervisor"), asked)
        assert case.number in text, asked
        assert customer.number in text, asked
        assert PHONE not in text.replace(f"“{asked}”", "")
    assert "138 •••• 0428" in hits(as_("supervisor"), PHONE)
    assert case.number not in hits(as_("supervisor"), "0429")


def test_customer_numbers_are_found_with_and_without_zeros(as_, house):
    customer = customer_of(house)
    for asked in (customer.number, customer.number.lower(), str(int(customer.number[1:]))):
        assert customer.number in hits(as_("supervisor"), asked)


def test_people_are_found_with_unit_and_presence_and_without_telephone(as_, house):
    person = house.accounts["handler"].person
    Person.objects.filter(pk=person.pk).update(name_zh="欧阳若兰", mobile="13900001111")
    text = hits(as_("agent"), "欧阳")
    assert person.staff_no in text
    assert person.department.name_en in text
    assert "Not away" in text
    assert "13900001111" not in text
    now = timezone.now()
    Absence.objects.create(person=person, start_at=now, end_at=now + timedelta(days=2))
    assert "Away until" in hits(as_("agent"), person.staff_no)
    Person.objects.filter(pk=person.pk).update(active=False)
    assert person.staff_no not in hits(as_("agent"), "欧阳")


def test_a_person_leads_to_the_staff_list_for_who_reads_it_and_nowhere_for_others(as_, house):
    person = house.accounts["handler"].person
    entry = f'href="/admin/staff/person/{person.pk}/change/"'
    reader = as_role("AU")
    assert entry in hits(reader, person.staff_no)
    assert reader.get(f"/admin/staff/person/{person.pk}/change/").status_code == 200
    told = hits(as_("officer"), person.staff_no)
    assert person.staff_no in told
    assert "/admin/" not in told
    assert "findhit--only" in told


def test_only_pages_one_may_open_are_offered_in_both_languages(as_):
    assert 'href="/cases/new/"' in hits(as_("officer"), "new case")
    assert 'href="/cases/new/"' not in hits(as_("analyst"), "new case")
    with translation.override("zh-hans"):
        chinese = str(contributed_title("cases"))
    assert 'href="/cases/"' in hits(as_("officer"), chinese)
    assert 'href="/policies/"' not in hits(as_("officer"), "clock policies")
    assert 'href="/cases/"' in hits(as_("officer"), "")  # an empty field says where one can go


def contributed_title(key):
    return contributed(NavItem)[key].title


def test_hidden_cases_are_neither_found_nor_counted(as_, house):
    """PEERS 31: subjects of hidden cases never leak, by whatever they are looked for."""
    case = case_of(house, core_issue="Zebra fee", contact_phone=PHONE)
    Case.objects.filter(pk=case.pk).update(department=house.units["LOAN"])
    for asked in ("Zebra", case.number, case.number[-4:], PHONE, "0428"):
        text = hits(as_("handler2"), asked)
        assert case.number not in text.replace(f"“{asked}”", ""), asked
        assert "Zebra fee" not in text
    restricted = case_of(house, core_issue="Zebra secret")
    Case.objects.filter(pk=restricted.pk).update(restricted=True)
    named = case_of(house, core_issue="Zebra named")
    person = house.accounts["supervisor"].person
    CaseExclusion.objects.create(case=named, person=person, reason="named", at=ago())
    text = hits(as_("supervisor"), "Zebra")
    assert "Zebra fee" in text
    assert "Zebra secret" not in text
    assert "Zebra named" not in text
    assert restricted.number not in hits(as_("supervisor"), restricted.number).replace(
        f"“{restricted.number}”", ""
    )


@pytest.mark.parametrize("role", Role.values)
def test_every_role_finds_what_its_lists_show_and_no_more(house, role):
    """PEERS 32: search asks the same scoped rows as the lists."""
    seen = case_of(house, core_issue="Canaryword one")
    far = case_of(house, core_issue="Canaryword two")
    Case.objects.filter(pk=far.pk).update(department=house.units["LOAN"])
    person = PersonFactory.create(department=house.units["CARD"])
    account = AccountFactory.create(person=person, roles=[role])
    scope = scope_of(account, at=timezone.now())
    may = (
        set(Case.objects.visible_to(scope).values_list("number", flat=True))
        if scope.may("cases")
        else set()
    )
    client = Client()
    client.force_login(account, backend="staff.accounts.AccountBackend")
    text = hits(client, "Canaryword")
    for case in (seen, far):
        assert (case.number in text) == (case.number in may), role


def test_keys_from_the_client_never_reach_the_query(as_, house):
    """PEERS 33: only `q` is read."""
    case = case_of(house, core_issue="Zebra fee")
    data = {
        "q": "Zebra",
        "handler__account__password__startswith": "x",
        "order": "-id",
        "area": "x",
    }
    text = as_("supervisor").post("/search/hits/", data, headers=HTMX).content.decode()
    assert case.number in text


def test_names_are_masked_for_readers_without_the_right_to_them(as_, house):
    customer = customer_of(house)
    case_of(house, contact_name="张伟明", core_issue="张伟明 was charged", customer=customer)
    text = hits(as_("analyst"), "张伟明")
    assert "张••" in text
    assert "张伟明" not in text.replace("“张伟明”", "")


def test_an_agent_learns_number_state_and_due_time_of_a_case_handled_elsewhere(as_, house):
    case = case_of(house, core_issue="Zebra fee", contact_name="王丽", contact_phone=PHONE)
    for asked in (case.number, case.number[-4:], PHONE, "0428"):
        text = hits(as_("agent"), asked)
        assert f">{case.number}<" in text, asked
        assert "Handling" in text
        assert "due " in text
        assert f"/cases/{case.number}/chased/" in text
        assert f'href="/cases/{case.number}/"' not in text
        for hidden in ("Zebra fee", "王丽", PHONE):
            assert hidden not in text.replace(f"“{asked}”", ""), asked
    assert case.number not in hits(as_("agent"), "Zebra")  # words would tell what stands in it
    assert case.number not in hits(as_("agent"), "王丽")


def test_chasing_is_offered_on_open_cases_to_those_who_may(as_, house):
    live, done = case_of(house), in_state(house, Status.CLOSED, at=ago())
    assert f"/cases/{live.number}/chased/" in hits(as_("supervisor"), live.number)
    assert "/chased/" not in hits(as_("supervisor"), done.number)
    assert "/chased/" not in hits(as_("analyst"), live.number)


@pytest.mark.parametrize(
    "asked",
    [
        "<script>alert(1)</script>", '"><img src=x onerror=1>', "{{ 7*7 }}", "%", "_", "'",
        "\x00", "🙂", "a" * 5000, "０４２８", "*", '"', "AND OR NOT", "NEAR(", "{}[]()^~",
        "'; DROP TABLE x;--", "\u202e",
    ],
)  # fmt: skip
def test_odd_words_are_an_answer_in_words(as_, asked):
    text = hits(as_("supervisor"), asked)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "49" not in text or "7*7" in text
    page = as_("supervisor").post("/search/", {"q": asked}, follow=True)
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


def test_full_width_digits_mean_digits(as_, house):
    case = case_of(house, contact_phone=PHONE)
    assert case.number in hits(as_("supervisor"), "０４２８")


def test_what_was_asked_never_stands_in_an_address(as_, house, caplog):
    case = case_of(house, content="Kanarigelb was charged twice")
    client = as_("supervisor")
    sent = client.post("/search/", {"q": "Kanarigelb"})
    assert sent.status_code == 302
    assert "anarigelb" not in sent.url
    page = client.get(sent.url)
    assert case.number in page.content.decode()
    assert page["Cache-Control"] == "private, no-store"
    by_hand = client.get("/search/?q=Kanarigelb")
    assert by_hand.status_code == 302
    assert "anarigelb" not in by_hand.url
    hits(client, "Kanarigelb")
    assert "anarigelb" not in caplog.text


def test_an_address_of_a_search_works_for_its_person_only(as_, house):
    case = case_of(house, content="Kanarigelb was charged twice")
    url = as_("supervisor").post("/search/", {"q": "Kanarigelb"}).url
    other = as_("officer").get(url).content.decode()
    assert case.number not in other
    assert "Kanarigelb" not in other


@pytest.mark.parametrize("text", ["", "x", "k1:xxxx", "\x00", "a" * 3000, "k1:" + "A" * 60])
def test_an_address_that_is_not_ours_is_an_empty_page(as_, text):
    assert as_("supervisor").get("/search/", {"s": text}).status_code == 200


def test_visitors_are_sent_to_the_sign_in_page():
    assert Client().get("/search/").status_code == 302
    assert Client().post("/search/hits/", {"q": "x"}, headers=HTMX).status_code == 401


def test_the_cost_is_flat(as_, house):
    client = as_("supervisor")

    def cost(asked):
        client.post("/search/hits/", {"q": asked}, headers=HTMX)
        with CaptureQueriesContext(connection) as caught:
            hits(client, asked)
        return len(caught)

    customer_of(house, name="Zebra One", phone="13800000001")
    case_of(house, content="Zebra")
    few = cost("Zebra")
    for n in range(4):
        customer_of(house, name=f"Zebra {n}", phone=f"1380000001{n}")
    case = Case.objects.latest("pk")
    for n in range(30):
        copy = Case.objects.get(pk=case.pk)
        copy.pk, copy.number = None, f"C-2026-09{n:05d}"
        copy.tracking_code, copy.origin_key = f"Z{n}", None
        copy.save(force_insert=True)
    indexing.put(Case.objects.select_related("customer"))
    assert cost("Zebra") == few
    assert few <= 14


def test_every_room_has_a_source():
    assert {"cases", "customers", "people", "pages"} <= set(contributed(SearchSource))
    assert documents.find("case", "") == []
