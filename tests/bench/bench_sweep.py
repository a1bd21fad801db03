"""The sweep over many open cases: nothing due, and one in a hundred due.

BENCH_SIZES (10000; e.g. `10000,100000,1000000`) sets how many cases are open. Cases and clocks
are copied inside the database, so that a million is a matter of minutes on PostgreSQL. Goals:
PERFORMANCE.md §5.
"""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from time import perf_counter, process_time
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import override_settings

from complaints import clocks
from complaints.clocks import escalating
from complaints.models import Case, CaseClock
from config.kernel import notice_digests
from config.kernel.models import NoticeMail, OutboxMessage
from staff.models import Person
from tests.bench.conftest import measured
from tests.complaints.clock_house import local
from tests.factories.complaints import Bank, bank, in_state
from tests.factories.staff import PersonFactory

SIZES = sorted(int(size) for size in os.environ.get("BENCH_SIZES", "10000").split(","))
BEGAN = local("2026-03-04 10:00")
AT = BEGAN + timedelta(minutes=30)  # before any step of the usual clocks
SHARE, HANDLERS, BATCH = 100, 40, 200_000
MS_PER_DUE, MS_IDLE, SQL, SQL_PER_1000 = 0.25, 10.0, 10, 6
_OWN = {"number": "%s || n", "tracking_code": "%s || n", "handler_id": "%s + n %% %s"}
_SERIES = {
    "postgresql": "SELECT generate_series(%s, %s) AS n",
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT %s UNION ALL SELECT n + 1 FROM s WHERE n < %s) "
    "SELECT n FROM s",
}


@pytest.fixture(scope="module")
def crowd(django_db_setup: None, django_db_blocker: Any) -> Iterator[Bank]:
    """A bank with HANDLERS handlers; cases come as the sizes grow; rolled back at the end."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    around = transaction.atomic()
    with django_db_blocker.unblock(), override_settings(PASSWORD_HASHERS=hashers):
        around.__enter__()
        made = bank()
        made.units["CARD"].people.all()
        PersonFactory.create_batch(HANDLERS, department=made.units["CARD"])
    yield made
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


def columns(model: type[Case | CaseClock]) -> list[str]:
    fields = model._meta.concrete_fields
    return [str(field.column) for field in fields if not (field.primary_key or field.generated)]


def run(sql: str, params: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def copy_cases(template: Case, first: int, last: int, handler: int) -> None:
    """Write open cases n = first..last like the template, each with its clocks."""
    newest = Case.objects.order_by("-pk").values_list("pk", flat=True)[0]
    names = columns(Case)
    cells = ", ".join(_OWN.get(name, f"t.{name}") for name in names)
    given = {"number": ["B-"], "tracking_code": ["B"], "handler_id": [handler, HANDLERS]}
    params = [value for name in names for value in given.get(name, [])]
    into = f"INSERT INTO complaints_case ({', '.join(names)})"
    source = f"complaints_case t, ({_SERIES[connection.vendor]}) AS series WHERE t.id = %s"
    run(f"{into} SELECT {cells} FROM {source}", [*params, first, last, template.pk])  # noqa: S608 - names of our models
    names = columns(CaseClock)
    cells = ", ".join("c.id" if name == "case_id" else f"t.{name}" for name in names)
    into = f"INSERT INTO complaints_caseclock ({', '.join(names)})"
    source = "complaints_caseclock t, complaints_case c WHERE t.case_id = %s AND c.id > %s"
    run(f"{into} SELECT {cells} FROM {source}", [template.pk, newest])  # noqa: S608 - names of our models


def grow(template: Case, size: int, handler: int) -> None:
    """Bring the number of open cases to `size`."""
    for first in range(Case.objects.count(), size, BATCH):
        copy_cases(template, first, min(first + BATCH, size) - 1, handler)
    if connection.vendor == "postgresql":
        run("ANALYZE complaints_case", [])
        run("ANALYZE complaints_caseclock", [])


def make_due(at: datetime) -> int:
    """Let the resolve clock of one case in SHARE reach its due time at `at`; returns how many."""
    clocks_of = CaseClock.objects.filter(name="resolve")
    chosen = clocks_of.annotate(rest=F("case_id") % SHARE).filter(rest=0)
    return CaseClock.objects.filter(pk__in=chosen.values("pk")).update(
        started_at=at - timedelta(hours=48), base_due_at=at, due_at=at, risk_at=at,
        next_fire_at=at, next_level=3, breached_at=None, due_rev=_next_revision(),
    )  # fmt: skip


def _next_revision() -> int:
    newest = CaseClock.objects.order_by("-due_rev").values_list("due_rev", flat=True).first()
    return (newest or 0) + 1


def bench_sweep(crowd, db, told, monkeypatch):
    monkeypatch.setattr(escalating.time, "sleep", lambda _seconds: None)
    template = in_state(crowd, "in_progress", at=BEGAN, severity=3)
    people = Person.objects.filter(department=crowd.units["CARD"]).order_by("-pk")
    handler = people.values_list("pk", flat=True)[HANDLERS - 1]
    for turn, size in enumerate(SIZES):
        at = AT + timedelta(minutes=turn)
        began = perf_counter()
        grow(template, size, handler)
        told(f"{size:,} open: cases copied", (perf_counter() - began) * 1000)
        while clocks.sweep(at):
            pass
        middle, slow, queries = measured(lambda moment=at: clocks.sweep(moment))
        share = f"{middle / MS_IDLE:.2f} x goal of {MS_IDLE} ms"
        note = f"p95 {slow:.2f} ms, {queries} SQL, {share}"
        told(f"{size:,} open: nothing due", middle, None, note)
        due = make_due(at)
        sweep_due(size, due, at, told)
        send_mails(size, at, told)


def sweep_due(size: int, due: int, at: datetime, told: Any) -> None:
    """Measure one sweep of `due` clocks and hold it against the goals."""
    counted: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        counted.append(sql)
        return execute(sql, params, many, context)

    began, cpu = perf_counter(), process_time()
    with connection.execute_wrapper(count):
        fired = clocks.sweep(at)
    span, cpu = (perf_counter() - began) * 1000, (process_time() - cpu) * 1000
    assert fired == due
    sql = len([query for query in counted if "SAVEPOINT" not in query])
    allowed = SQL + SQL_PER_1000 * due / 1000
    each = span / due
    took = f"{span:.0f} ms, of each {cpu / due:.2f} in Python"
    goals = (
        f"{each / MS_PER_DUE:.2f} x goal of {MS_PER_DUE} ms; {sql} SQL, {sql / allowed:.2f} x goal"
    )
    told(f"{size:,} open: per due clock ({due:,} due)", each, None, f"{took}; {goals}")


def send_mails(size: int, at: datetime, told: Any) -> None:
    """Measure the digests that the sweep left."""
    lines = NoticeMail.objects.filter(ready_at__isnull=False).count()
    before = OutboxMessage.objects.count()
    began = perf_counter()
    notice_digests.send(at + timedelta(hours=1))
    span = (perf_counter() - began) * 1000
    made = OutboxMessage.objects.count() - before
    told(f"{size:,} open: per line of the digests", span / max(lines, 1), None,
         f"{lines:,} lines in {made} messages, {span:.0f} ms")  # fmt: skip
