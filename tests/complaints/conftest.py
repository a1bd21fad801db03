"""One small bank for all tests of a module, built once and rolled back at the end."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test.utils import override_settings

from tests.factories.complaints import Bank, bank


@pytest.fixture(scope="module")
def _built(django_db_setup: None, django_db_blocker: Any) -> Iterator[Bank]:
    """Build the bank in a transaction around the module; each test runs in a savepoint of it."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    around = transaction.atomic()
    with django_db_blocker.unblock(), override_settings(PASSWORD_HASHERS=hashers):
        around.__enter__()
        house = bank()
    yield house
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


@pytest.fixture
def shared_house(_built: Bank, db: None) -> Bank:
    """The bank of the module; what a test changes is rolled back after it."""
    return _built
