"""Who is on the line: by number, telephone, tail, name, identity; within scope, masked."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import PermissionDenied

from config.shared.actors import SYSTEM
from config.shared.scope import WHOLE_BANK, Scope
from customers import lookup, registering
from customers.models import Customer
from customers.registering import ContactDraft, CustomerDraft
from staff.roles import scope_of
from tests.factories.staff import AccountFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)


def draft(name: str, phone: str, **extra) -> CustomerDraft:
    return CustomerDraft(name=name, contacts=[ContactDraft("mobile", phone)], **extra)


@pytest.fixture
def people():
    return registering.register(
        [
            draft("王小明", "13812342107", id_number="110101199003071234"),
            draft("王小红", "13912342107"),
            draft("Anna Li", "13700001234"),
        ],
        actor=SYSTEM,
        at=AT,
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("K00000001", [0]),
        ("k1", [0]),
        ("3", [2]),
        ("138 1234 2107", [0]),
        ("+86-139-1234-2107", [1]),
        ("2107", [1, 0]),
        ("1234", [2]),
        ("110101199003071234", [0]),
        ("11010119900307123X", []),
        ("小明", [0]),
        ("王小", [1, 0]),
        ("anna", [2]),
        ("Li Anna", [2]),
        ("", []),
        ("%", []),
        ("'); --", []),
        ("9999", []),
    ],
)
def test_look_up(people, asked, found):
    assert lookup.look_up(asked, WHOLE_BANK) == [people[n] for n in found]


def test_the_limit_holds(people):
    assert len(lookup.look_up("2107", WHOLE_BANK, limit=1)) == 1


def test_merged_and_erased_customers_are_not_found(people):
    Customer.objects.filter(pk=people[0].pk).update(status="merged")
    assert lookup.look_up("小明", WHOLE_BANK) == []


def test_a_manager_finds_only_the_own_customers(people):
    rm = AccountFactory.create(roles=["RM"])
    registering.assign_rm(
        Customer.objects.filter(pk=people[1].pk), rm=rm.person, actor=SYSTEM, at=AT
    )
    scope = scope_of(rm, at=AT)
    assert lookup.look_up("2107", scope) == [people[1]]
    assert lookup.look_up("13812342107", scope) == []
    assert lookup.look_up("王小明", scope) == []


def test_no_reach_is_refused(people):
    with pytest.raises(PermissionDenied):
        lookup.look_up("2107", Scope(1))


@pytest.mark.parametrize(("role", "name"), [("CO", "王小明"), ("QA", "王••"), ("ER", "王••")])
def test_hits_are_masked(people, role, name):
    account = AccountFactory.create(roles=[role])
    (hit,) = lookup.hits("K1", scope_of(account, at=AT))
    assert (hit.name, hit.phone) == (name, "138 •••• 2107")


def test_query_count(people, django_assert_max_num_queries):
    with django_assert_max_num_queries(7):
        lookup.look_up("2107", WHOLE_BANK)
