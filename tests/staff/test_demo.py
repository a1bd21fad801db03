"""Default units and the people of the demonstration."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.shared.actors import SYSTEM
from staff import demo, loading
from staff.checks import no_demo_accounts_in_production
from staff.models import Account, Department, Person
from staff.models.accounts import Role
from tests.factories.staff import AccountFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
NAMES = [
    "officer",
    "officer2",
    "agent",
    "supervisor",
    "handler",
    "handler2",
    "depthead",
    "rm",
    "rm2",
]
NAMES += ["rmmanager", "hr", "analyst", "auditor", "approver", "admin"]
NAMES += ["branchhead", "dutyleader", "executive", "compliance"]


def test_units_are_loaded_once_with_tree_and_superiors():
    assert loading.load_departments(SYSTEM, AT) == 38
    Department.objects.filter(code="CARD").update(name_en="Cards of ours")
    assert loading.load_departments(SYSTEM, AT) == 0
    units = {unit.code: unit for unit in Department.objects.all()}
    assert units["CARD"].name_en == "Cards of ours"
    assert units["BSH01"].path == f"/{units['HO'].pk}/{units['BSH'].pk}/{units['BSH01'].pk}/"
    assert [code for code, unit in units.items() if unit.superior_id is None] == ["HO"]


def test_demo_people_sign_in_with_the_printed_password(client):
    loading.load_departments(SYSTEM, AT)
    made = demo.make_demo_people(AT)
    assert made == Account.objects.filter(is_demo=True).count() >= 40
    assert demo.make_demo_people(AT) == 0
    assert set(NAMES) <= set(Account.objects.values_list("username", flat=True))
    assert [row["username"] for row in demo.demo_rows()[: demo.NAMED]] == NAMES
    assert set(Role.values) == set(Account.objects.values_list("grants__role", flat=True))
    assert not Person.objects.filter(name_zh="").exists()
    for name in ("officer", "compliance"):
        data = {"username": name, "password": demo.PASSWORD}
        assert client.post("/accounts/login/", data).status_code == 302
        client.post("/accounts/logout/")


def test_production_reports_demo_accounts_in_its_database(settings):
    assert no_demo_accounts_in_production(databases=["default"]) == []
    AccountFactory.create(is_demo=True)
    assert no_demo_accounts_in_production(databases=["default"]) == []
    settings.PORTAL_MODE = "production"
    (found,) = no_demo_accounts_in_production(databases=["default"])
    assert found.id == "staff.E001"


def test_no_demo_people_in_production(settings):
    settings.PORTAL_MODE = "production"
    with pytest.raises(ImproperlyConfigured):
        demo.make_demo_people(AT)
