"""How long a dry run of routing rules takes over BENCH_REPLAY (10,000) cases of thirty days."""

import json
import os
from datetime import timedelta
from time import perf_counter, process_time

import pytest
from django.db import transaction
from django.utils import timezone

from complaints import routing
from complaints.models import Case, CaseClock, RoutingRule
from complaints.routing.engine import rules_of
from complaints.routing.replaying import Work
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.shared.actors import SYSTEM
from tests.complaints.queue_data import built, term
from tests.factories.complaints import bank
from tests.factories.staff import AccountFactory, PersonFactory

CASES = int(os.environ.get("BENCH_REPLAY", "10000"))
_LINES = ("B-CC-02", "B-LN-01", "B-FX-02", "B-EB-01", "B-PI-01", "B-SV-02")
_UNITS = ("CARD", "LOAN", "INTL", "EBANK", "PRIV", "RETAIL")


@pytest.fixture(scope="session")
def days(django_db_setup, django_db_blocker):
    """Thirty days of cases, routed in batches by the rules in force."""
    around = transaction.atomic()
    with django_db_blocker.unblock():
        around.__enter__()
        house = bank()
        for code in _UNITS:
            for _n in range(8):
                person = PersonFactory.create(department=house.units[code])
                AccountFactory.create(person=person, roles=["handler"])
        at = timezone.now()
        fill(at)
    yield at
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


def fill(at):
    """Write the cases; a tenth of them still open, one in fifty with media risk."""
    lines = [term("business_line", code) for code in _LINES]
    for begun in range(0, CASES, 1000):
        rows = [one(at, n, lines) for n in range(begun, min(begun + 1000, CASES))]
        routing.assign(rows, at=at)
        Case.objects.bulk_create(rows, batch_size=500)
        raised = [row for row in rows if row.business_line == lines[2]]  # by the draft
        CaseClock.objects.bulk_create(clock(row) for row in raised)


def clock(row):
    """Return the clock of a case by which it was to be resolved."""
    due = row.received_at + timedelta(days=5)
    return CaseClock(
        case=row, name="resolve", started_at=row.received_at, amount=3, unit="working_days",
        base_due_at=due, due_at=due, risk_at=due,
    )  # fmt: skip


def one(at, n, lines):
    """Return an unsaved case of the last thirty days."""
    received = at - timedelta(days=30) * (1 - n / CASES) + timedelta(minutes=1)
    ended = None if n % 10 == 0 else min(received + timedelta(days=2), at)
    return built(
        None, at=received + timedelta(hours=4), received_at=received,
        business_line=lines[n % len(lines)], media_risk=n % 50 == 0, severity=1 + n % 4,
        content="The counter was closed and nobody answered the telephone. " * 4,
        status="closed" if ended else "received", closed_at=ended, notified_at=ended,
        resolved_at=ended,
    )  # fmt: skip


def draft_of(*, keywords=False):
    """Return a draft that sends card fees elsewhere and raises what is about interest."""
    base = RuleSet.objects.get(kind="routing")
    draft = rulesets.new_version("routing", based_on=base, actor=SYSTEM, at=timezone.now())
    said = {"keywords_any": ["telephone", "柜台"]} if keywords else {}
    RoutingRule.objects.create(
        rule_set=draft, order=1, code="FEES", name_en="Fees", name_zh="收费", department="RETAIL",
        conditions={"business_lines": ["B-CC"], **said}, strategy="least_loaded",
    )  # fmt: skip
    RoutingRule.objects.create(
        rule_set=draft, order=2, code="FX", name_en="FX", name_zh="外汇", goes_on=True,
        conditions={"business_lines": ["B-FX"]}, severity_floor=3,
    )  # fmt: skip
    return draft


@pytest.mark.parametrize("which", ["in force", "draft", "draft with new keywords"])
def bench_replay(days, db, told, which):
    rule_set = RuleSet.objects.get(kind="routing")
    if which != "in force":
        rule_set = draft_of(keywords="keywords" in which)
    began, busy = perf_counter(), process_time()
    work = Work(rules_of(rule_set), days - timedelta(days=31), days + timedelta(days=1))
    while rows := work.next_rows():
        work.take(rows)
    result = work.result()
    span, busy = perf_counter() - began, process_time() - busy
    json.dumps(work.state())
    told(f"replay, {which}", span * 1000, None,
         f"{result.cases:,} cases in {span:.1f} s ({busy:.1f} s busy): {result.moved:,} moved,"
         f" {result.shorter:,} shorter, {result.newly_late:,} late")  # fmt: skip
    assert result.cases == CASES
    if which == "in force":
        assert (result.moved, result.repersoned, result.raised) == (0, 0, 0)
