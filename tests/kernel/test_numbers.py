from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError

from config.kernel import numbers


@pytest.mark.django_db
def test_numbers_begin_at_one_and_go_on():
    assert list(numbers.take("case:2026", 3)) == [1, 2, 3]
    assert list(numbers.take("case:2026", 1)) == [4]
    assert list(numbers.take("case:2027", 1)) == [1]


@pytest.mark.django_db
def test_nothing_is_not_a_count():
    with pytest.raises(ValueError, match="cannot take"):
        numbers.take("case:2026", 0)


@pytest.mark.django_db(transaction=True)
def test_numbers_of_a_transaction_that_failed_are_given_out_again():
    with transaction.atomic():
        numbers.take("case:2026", 5)
        transaction.set_rollback(True)
    with transaction.atomic():
        assert list(numbers.take("case:2026", 1)) == [1]


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_given_out():
    with pytest.raises(TransactionManagementError):
        numbers.take("case:2026", 1)


@pytest.mark.django_db(transaction=True)
def test_many_who_take_at_once_get_all_numbers_once_and_leave_no_gap():
    def take(turn):
        try:
            with transaction.atomic():
                got = list(numbers.take("case:2026", 1 + turn % 3))
                if turn % 5 == 0:
                    transaction.set_rollback(True)
                    return []
            return got
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        taken = sorted(number for got in pool.map(take, range(30)) for number in got)
    assert taken == list(range(1, len(taken) + 1))
    assert len(taken) == sum(1 + turn % 3 for turn in range(30) if turn % 5)
