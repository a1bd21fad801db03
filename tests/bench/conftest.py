"""Measuring: one bank with many cases, a stop-watch, and a plain page as the floor.

`make bench` prints medians in milliseconds and their ratio to the floor measured in the same run.
BENCH_CASES (10,000; 100,000 are written in a minute on PostgreSQL) and BENCH_DUE (10,000) set
the sizes. Not part of the tests.
"""

import os
from collections.abc import Callable, Iterator
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from complaints import default_views
from config.kernel.models import NumberSeries
from tests.bench import world
from tests.factories.complaints import Bank, bank

CASES = int(os.environ.get("BENCH_CASES", "10000"))
DUE = int(os.environ.get("BENCH_DUE", "10000"))
RUNS = 21


@pytest.fixture(scope="session")
def house(django_db_setup: None, django_db_blocker: Any) -> Iterator[Bank]:
    """The bank with CASES cases, all of them found by the search (`world`)."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    around = transaction.atomic()
    with django_db_blocker.unblock(), override_settings(PASSWORD_HASHERS=hashers):
        around.__enter__()
        made = bank()
        default_views.load(made.actor("supervisor"), timezone.now())
        began = perf_counter()
        world.fill(made, CASES, timezone.now())
        print(f"\n  {CASES:,} cases written in {perf_counter() - began:.0f} s", end="")  # noqa: T201
        NumberSeries.objects.update_or_create(key="case:2026", defaults={"last": 5_000_000})
    yield made
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


@pytest.fixture
def reader(house: Bank, db: None) -> Client:
    """A client of the supervisor, who sees every case."""
    client = Client()
    client.force_login(house.accounts["supervisor"], backend="staff.accounts.AccountBackend")
    return client


@pytest.fixture
def told() -> Callable[..., None]:
    """Print one line of the result."""

    def tell(name: str, milliseconds: float, floor: float | None = None, note: str = "") -> None:
        ratio = f"{milliseconds / floor:6.2f} x floor" if floor else ""
        print(f"\n  {name:<44}{milliseconds:10.2f} ms  {ratio}  {note}", end="")  # noqa: T201

    return tell


def measured(act: Callable[[], Any], runs: int = RUNS) -> tuple[float, float, int]:
    """Return (median ms, 95th percentile ms, queries) of an act, after two runs to warm up."""
    act()
    with CaptureQueriesContext(connection) as seen:
        act()
    queries, spans = len(seen), []
    for _run in range(runs):
        began = perf_counter()
        act()
        spans.append((perf_counter() - began) * 1000)
    return median(spans), quantiles(spans, n=20)[-1], queries
