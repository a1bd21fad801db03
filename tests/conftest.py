"""Fixtures shared by the whole suite."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import hypothesis  # rewritten on import, which must not happen deep down
import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext, override_settings

from config.kernel import triggers
from config.shared import memo

# The same examples on every run, however slow the machine is.
hypothesis.settings.register_profile("house", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("house")


@pytest.fixture(autouse=True)
def _fast_and_private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use a cheap password hasher and a media folder of the test run; forget tables read before."""
    memo.forget_all()
    media = tmp_path_factory.getbasetemp() / "media"
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers, MEDIA_ROOT=media):
        yield


@pytest.fixture
def on_postgresql() -> bool:
    """Tell whether the suite runs on PostgreSQL."""
    return connection.vendor == "postgresql"


@pytest.fixture(autouse=True, scope="session")
def _flush_past_the_append_only_triggers() -> Iterator[None]:
    """Lift the triggers just before a transactional test empties the tables, then put them back."""
    flush = TransactionTestCase._fixture_teardown

    def lifted(self: TransactionTestCase) -> None:
        triggers.drop_append_only()
        try:
            flush(self)
        finally:
            triggers.install()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lifted)
        yield


QUERY_COUNTS = Path(__file__).with_name("query_counts.json")
_NOT_COUNTED = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "BEGIN", "COMMIT")


@pytest.fixture
def counted() -> Callable[[str], AbstractContextManager[None]]:
    """Compare the queries of a block with its line in query_counts.json.

    `with counted("cases page"): client.get(...)`. The same line must hold for 3 and for 3,000
    rows. RECORD_QUERIES=1 rewrites the line; the difference is for the reviewer.
    """

    @contextmanager
    def count(name: str) -> Iterator[None]:
        with CaptureQueriesContext(connection) as seen:
            yield
        told = [q["sql"] for q in seen if not q["sql"].startswith(_NOT_COUNTED)]
        known = json.loads(QUERY_COUNTS.read_text(encoding="utf-8"))
        if os.environ.get("RECORD_QUERIES") == "1":
            known[name] = len(told)
            text = json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False)
            QUERY_COUNTS.write_text(text + "\n", encoding="utf-8")
        listing = "\n".join(f"  {sql[:160]}" for sql in told)
        assert len(told) == known.get(name), f"{name}: {len(told)} queries\n{listing}"

    return count


@pytest.fixture(scope="module")
def built_world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Build the world of the matrix once; the tests of a module run in its savepoints."""
    from tests.matrix.world import build

    around = transaction.atomic()
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    media = override_settings(
        MEDIA_ROOT=tmp_path_factory.getbasetemp() / "media", PASSWORD_HASHERS=hashers
    )
    with django_db_blocker.unblock(), media:
        around.__enter__()
        world = build()
    yield world
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)
