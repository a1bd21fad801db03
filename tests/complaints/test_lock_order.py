"""Locks are taken in one order, and what a lock waited for is read after it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.db import connection, connections, transaction

from complaints import workflow
from complaints.approving import handlers
from complaints.choices import NoticeResult, Status
from complaints.models import Case, CustomerNotice
from complaints.workflow import payloads
from config.kernel import approvals
from config.kernel.models import Approval, JournalEntry
from tests.factories.complaints import AT, HOUR, bank, decide, do, in_state, open_case, rows


@pytest.fixture
def house():
    return bank()


def asked(house, case):
    what = payloads.Retyping("INQ", "She asks.")
    outcome = workflow.ask("retype", rows(case), what, actor=house.actor("officer"), at=AT)[0]
    assert outcome.asked
    return Approval.objects.get(about=case.about)


def in_thread(act):
    """Run `act` on a connection of its own."""
    pool = ThreadPoolExecutor(1)

    def guarded():
        try:
            return act()
        finally:
            connections.close_all()

    future = pool.submit(guarded)
    pool.shutdown(wait=False)
    return future


def wait_for_a_waiter():
    """Come back when some other connection waits for a row."""
    for _n in range(500):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        Event().wait(0.02)
    pytest.fail("nobody waits for a lock")


def test_every_kind_of_request_locks_its_case():
    assert all(handler.lock for handler in handlers())


@pytest.mark.django_db(transaction=True)
def test_a_decision_that_waits_for_the_case_does_not_hold_the_request(house):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one lock for all rows")
    case = open_case(house)
    request = asked(house, case)
    with transaction.atomic():
        list(Case.objects.select_for_update(no_key=True).filter(pk=case.pk))
        decision = in_thread(lambda: decide(house, case, "approved", by="supervisor"))
        wait_for_a_waiter()
        free = Approval.objects.select_for_update(skip_locked=True).filter(pk=request.pk)
        assert len(free) == 1
        approvals.cancel(case.about, actor=house.actor("officer"), at=AT)
    assert decision.result(timeout=60).refused == "decided"
    assert Case.objects.get(pk=case.pk).type.code == "CMP"


@pytest.mark.django_db(transaction=True)
def test_deciding_and_leaving_the_way_at_once_end_without_a_deadlock(house):
    cases = [open_case(house) for _n in range(6)]
    for case in cases:
        asked(house, case)
    for case in cases:
        barrier = Barrier(2)

        def transfer(case=case, barrier=barrier):
            barrier.wait()
            return do(house, case, "transfer", at=AT + HOUR)

        other = in_thread(transfer)
        barrier.wait()
        decided = decide(house, case, "approved", by="supervisor", at=AT + HOUR)
        assert other.result(timeout=60).status == Status.TRANSFERRED
        expected = "approved" if decided.refused is None else "cancelled"
        assert Approval.objects.get(about=case.about).state == expected


@pytest.mark.django_db(transaction=True)
def test_a_letter_reported_as_lost_twice_at_once_is_recorded_once(house):
    case = in_state(house, Status.RESOLVED)
    told = payloads.Told("email", "By mail.")
    workflow.notify(rows(case), told, actor=house.actor("officer"), at=AT)
    key = CustomerNotice.objects.get(case=case, purpose="result").outbox_key
    barrier = Barrier(2)

    def report():
        barrier.wait()
        return workflow.fail([key], at=AT + HOUR)

    other = in_thread(report)
    mine = report()
    assert sorted([mine, other.result(timeout=60)]) == [0, 1]
    said = JournalEntry.objects.filter(stream=case.stream, action="case.not_delivered")
    assert said.count() == 1
    assert CustomerNotice.objects.get(outbox_key=key).result == NoticeResult.NOT_DELIVERED


@pytest.mark.django_db
def test_a_letter_of_the_round_before_does_not_tell_the_customer_again(house):
    case = in_state(house, Status.RESOLVED)
    told = payloads.Told("email", "By mail.")
    workflow.notify(rows(case), told, actor=house.actor("officer"), at=AT)
    key = CustomerNotice.objects.get(case=case, purpose="result").outbox_key
    Case.objects.filter(pk=case.pk).update(round=2)
    assert workflow.deliver({key: AT + HOUR}, at=AT + HOUR) == 0
    assert Case.objects.get(pk=case.pk).status == Status.RESOLVED
    assert CustomerNotice.objects.get(outbox_key=key).result == NoticeResult.DELIVERED
