"""The factories make rows as whole as real ones."""

import pytest
from django.utils import timezone

from config.shared.scope import Reach
from staff.roles import scope_of
from tests.factories.customers import CustomerFactory
from tests.factories.staff import AccountFactory, DepartmentFactory

pytestmark = pytest.mark.django_db


def test_scope_of_a_factory_account_holds_units_below():
    top = DepartmentFactory.create()
    leaf = DepartmentFactory.create(parent=DepartmentFactory.create(parent=top))
    other = DepartmentFactory.create()
    account = AccountFactory.create(roles=["HD", "officer"], person__department=top)
    scope = scope_of(account, at=timezone.now())
    assert {top.pk, leaf.pk} < scope.departments
    assert other.pk not in scope.departments
    assert scope.roles == {"HD", "CO"}
    assert scope.to("cases") == Reach.ALL | Reach.DEPARTMENT


def test_customer_factory():
    customer = CustomerFactory.create(phone="138 1234 2107")
    assert customer.contacts.get().value == "13812342107"
