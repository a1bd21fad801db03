"""Recall against sender, sweep against sweep: on real connections exactly one of them acts."""

import pytest

from complaints import workflow
from complaints.appending import RecordRefused
from complaints.choices import NoticeResult, Status
from complaints.conversation import promises, recalling, speaking, writing
from complaints.conversation.speaking import Call
from complaints.conversation.writing import Message
from complaints.models import Case, CustomerNotice
from complaints.workflow import payloads
from config.kernel import journal, outbox
from config.kernel.models import JournalEntry, Notice, OutboxMessage
from config.kernel.models.outbox import OutboxState
from tests.factories.complaints import AT, HOUR, bank, in_state, open_case, rows
from tests.threads import at_once


@pytest.fixture(autouse=True)
def a_minute(settings):
    settings.MESSAGE_RECALL_SECONDS = 60


def a_message(house):
    """A case to whose customer somebody writes; with the notice that waits to leave."""
    case = open_case(house)
    what = Message("email", "The fee is refunded.", sure=True)
    return case, writing.write(rows(case), what, actor=house.actor("officer"), at=AT)[0]


def a_result(house):
    """A decided case whose result waits to leave; with its notice."""
    case = in_state(house, Status.RESOLVED)
    told = payloads.Told("email", "By mail.")
    workflow.notify(rows(case), told, actor=house.actor("officer"), at=AT)
    return case, CustomerNotice.objects.get(case=case, purpose="result")


def race(house, case, notice):
    """Three recalls and three senders at the same moment; returns how many recalls succeeded."""
    actor, wanted = house.actor("officer"), rows(case)

    def act(k):
        if k % 2:
            return outbox.deliver(AT + HOUR)
        try:
            recalling.recall(wanted, notice.pk, actor=actor, at=AT + HOUR)
        except RecordRefused:
            return "late"
        return "recalled"

    return at_once(act, 6).count("recalled")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("result", [False, True])
def test_of_a_recall_and_a_sender_exactly_one_wins(result):
    house = bank()
    for _n in range(3):
        case, notice = a_result(house) if result else a_message(house)
        recalled = race(house, case, notice)
        message = OutboxMessage.objects.get(key=notice.outbox_key)
        notice.refresh_from_db()
        entries = JournalEntry.objects.filter(stream=case.stream, action="case.recalled")
        assert entries.count() == recalled
        ends = {
            0: (OutboxState.SENT, AT + HOUR, NoticeResult.DELIVERED),
            1: (OutboxState.CANCELLED, None, NoticeResult.RECALLED),
        }
        assert (message.state, message.sent_at, notice.result) == ends[recalled]
        if result:
            status = Status.RESOLVED if recalled else Status.NOTIFIED
            assert Case.objects.get(pk=case.pk).status == status


@pytest.mark.django_db(transaction=True)
def test_of_six_sweeps_one_tells():
    house = bank()
    case = in_state(house, Status.IN_PROGRESS)
    call = Call("out", "reached", "I call back.", reply_by=AT + 6 * HOUR)
    speaking.log_call(rows(case), call, actor=house.actor("officer"), at=AT)
    at_once(lambda _n: promises.sweep(AT + 6 * HOUR), 6)
    assert Notice.objects.filter(kind=promises.BREACH).count() == 3
    missed = journal.entries(case.stream).filter(action="case.promise_missed")
    assert missed.count() == 1
