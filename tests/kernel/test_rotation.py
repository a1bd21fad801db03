"""A new data key: everything readable before, during and after; the old key can go."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from config.kernel import journal
from config.shared.crypto import Undecipherable
from customers.models import Customer
from tests.factories.complaints import bank, open_case
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
OLD, NEW = "old:" + "o" * 40, "new:" + "n" * 40


def stored(table, column):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE {column} <> ''")  # noqa: S608
        return [row[0] for row in cursor.fetchall()]


def test_all_values_move_to_the_new_key_and_the_record_stays_whole(settings, capsys):
    settings.DATA_KEYS = OLD
    customers = [CustomerFactory.create(name=f"客户{n}") for n in range(3)]
    case = open_case(bank())
    settings.DATA_KEYS = f"{NEW},{OLD}"
    assert Customer.objects.get(pk=customers[0].pk).name == "客户0"
    call_command("rotate_data_keys")
    for table, column in (("customers_customer", "name"), ("kernel_eventwords", "text")):
        values = stored(table, column)
        assert values
        assert all(value.startswith("new:") for value in values)
    settings.DATA_KEYS = NEW
    assert [
        c.name for c in Customer.objects.filter(pk__in=[x.pk for x in customers]).order_by("pk")
    ] == ["客户0", "客户1", "客户2"]
    case.refresh_from_db()
    assert journal.first_fault(case) is None
    assert "rewritten" in capsys.readouterr().out
    call_command("rotate_data_keys")
    assert capsys.readouterr().out.startswith("0 values")


def test_a_missing_old_key_is_named_and_nothing_is_lost(settings):
    settings.DATA_KEYS = OLD
    customer = CustomerFactory.create(name="客户")
    before = stored("customers_customer", "name")
    settings.DATA_KEYS = NEW
    with pytest.raises(CommandError, match="old"):
        call_command("rotate_data_keys")
    assert stored("customers_customer", "name") == before
    with pytest.raises(Undecipherable):
        Customer.objects.get(pk=customer.pk)
