"""Sixty seconds in which a message can be taken back, and what that leaves as it was."""

from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import workflow
from complaints.appending import RecordRefused
from complaints.choices import ClockState, NoticeResult, Status
from complaints.conversation import recalling, writing
from complaints.conversation.writing import Message
from complaints.models import Case, CaseClock, CustomerNotice, PromisedReply
from complaints.workflow import payloads
from config.kernel import journal, outbox, saved
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import OutboxState
from tests.factories.complaints import AT, HOUR, in_state, open_case, rows

HTMX = {"HX-Request": "true"}
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def a_minute(settings):
    settings.MESSAGE_RECALL_SECONDS = 60


@pytest.fixture
def house(shared_house):
    return shared_house


def now():
    return timezone.now()


def write(house, case, *, at=AT, **given):
    what = {"method": "email", "text": "The fee is refunded.", "sure": True} | given
    return writing.write(rows(case), Message(**what), actor=house.actor("officer"), at=at)[0]


def recall(house, case, notice, *, at=AT, by="officer"):
    return recalling.recall(rows(case), notice.pk, actor=house.actor(by), at=at)


@pytest.mark.django_db
def test_a_message_waits_a_minute_and_is_taken_back_with_its_words(house):
    case = open_case(house)
    notice = write(house, case)
    assert notice.leaves_at == AT + MINUTE
    assert outbox.deliver(AT + timedelta(seconds=59)) == 0
    taken = recall(house, case, notice, at=AT + timedelta(seconds=59))
    assert taken.text == "The fee is refunded."
    outbox.deliver(AT + 2 * MINUTE)
    notice.refresh_from_db()
    assert notice.result == NoticeResult.RECALLED
    message = OutboxMessage.objects.get(key=notice.outbox_key)
    assert (message.state, message.sent_at) == (OutboxState.CANCELLED, None)
    assert Case.objects.get(pk=case.pk).first_response_at is None
    kept = saved.load_draft(house.pk("officer"), f"case:{case.pk}:email")
    assert kept == {"text": "The fee is refunded."}
    told = journal.facts_of(journal.entries(case.stream).get(action="case.recalled"))
    assert told == {"purpose": "message", "method": "email", "notice": notice.seq}
    with pytest.raises(RecordRefused):
        recall(house, case, notice)


@pytest.mark.django_db
def test_what_has_left_is_not_taken_back(house):
    case = open_case(house)
    notice = write(house, case)
    outbox.deliver(AT + MINUTE)
    with pytest.raises(RecordRefused):
        recall(house, case, notice, at=AT + MINUTE)
    notice.refresh_from_db()
    assert notice.result == NoticeResult.DELIVERED
    other = open_case(house)
    with pytest.raises(RecordRefused):
        recall(house, other, write(house, case))  # of another case


@pytest.mark.django_db
def test_receipts_can_be_taken_back_too_and_count_for_nothing(house):
    case = open_case(house)
    receipt = CustomerNotice.objects.get(case=case, purpose="acknowledgement")
    assert recall(house, case, receipt).text == ""
    outbox.deliver(AT + HOUR)
    assert Case.objects.get(pk=case.pk).acknowledged_at is None
    assert CaseClock.objects.get(case=case, name="acknowledge").state == ClockState.RUNNING


@pytest.mark.django_db
def test_a_recalled_result_leaves_the_case_resolved_with_its_clocks(house):
    case = in_state(house, Status.RESOLVED)
    clocks = CaseClock.objects.filter(case=case).exclude(name="acknowledge")  # its receipt leaves
    before = set(clocks.values_list("name", "state"))
    told = payloads.Told("email", "By mail.")
    workflow.notify(rows(case), told, actor=house.actor("officer"), at=AT)
    notice = CustomerNotice.objects.get(case=case, purpose="result")
    recall(house, case, notice)
    outbox.deliver(AT + HOUR)
    after = Case.objects.get(pk=case.pk)
    assert (after.status, after.notified_at) == (Status.RESOLVED, None)
    assert set(clocks.values_list("name", "state")) == before
    assert workflow.deliver({notice.outbox_key: AT}, at=AT) == 0
    again = workflow.notify(rows(case), told, actor=house.actor("officer"), at=AT + HOUR)[0]
    assert again.refused is None  # it can be told anew, with a key of its own
    outbox.deliver(AT + 2 * HOUR)
    assert Case.objects.get(pk=case.pk).status == Status.NOTIFIED


@pytest.mark.django_db
def test_a_progress_notice_taken_back_starts_no_new_round(house):
    case = in_state(house, Status.IN_PROGRESS)
    first = CaseClock.objects.get(case=case, name="progress", state="running")
    notice = writing.tell_progress(
        rows(case), "Soon.", method="email", actor=house.actor("officer"), at=AT
    )[0]
    recall(house, case, notice)
    outbox.deliver(AT + HOUR)
    first.refresh_from_db()
    assert first.state == ClockState.RUNNING
    assert saved.load_draft(house.pk("officer"), f"case:{case.pk}:progress") == {"text": "Soon."}


@pytest.mark.django_db
def test_a_promise_in_a_recalled_message_was_never_made(house):
    case = open_case(house)
    old = write(house, case, reply_by=AT + 5 * HOUR)
    outbox.deliver(AT + MINUTE)
    new = write(house, case, at=AT + HOUR, reply_by=AT + 9 * HOUR)
    assert Case.objects.get(pk=case.pk).promised_reply_at == AT + 5 * HOUR
    recall(house, case, new, at=AT + HOUR)
    assert Case.objects.get(pk=case.pk).promised_reply_at == AT + 5 * HOUR
    gone = PromisedReply.objects.get(case=case, seq=new.seq)
    assert (gone.ended_at, gone.kept) == (AT + HOUR, None)
    assert PromisedReply.objects.get(case=case, seq=old.seq).ended_at is None


@pytest.mark.django_db
def test_the_page_counts_down_and_gives_the_words_back(client, house):
    case = in_state(house, Status.ACCEPTED, at=now() - HOUR)
    client.force_login(house.accounts["officer"], backend="staff.accounts.AccountBackend")
    data = {"text": "Good news.", "substance": "on", "sure": "on"}
    answer = client.post(f"/cases/{case.number}/write/email/", data, headers=HTMX)
    notice = CustomerNotice.objects.get(case=case, purpose="message")
    url = f"/cases/{case.number}/messages/{notice.pk}/recall/"
    assert url in answer["HX-Trigger"]  # the toast can take it back
    line = client.get(f"/cases/{case.number}/timeline/", headers=HTMX).content.decode()
    assert f'data-recall="{notice.leaves_at.isoformat()}"' in line
    assert url in line
    answer = client.post(url, headers=HTMX)
    assert (answer.status_code, answer["HX-Retarget"]) == (200, "#composer")
    assert "Good news." in answer.content.decode()
    line = client.get(f"/cases/{case.number}/timeline/", headers=HTMX).content.decode()
    assert url not in line
    assert "Recalled before it left" in line
    assert client.post(url, headers=HTMX).status_code == 409
    assert client.post(url).status_code == 409
    client.force_login(house.accounts["depthead"], backend="staff.accounts.AccountBackend")
    assert client.post(url).status_code in {403, 404}
    client.force_login(house.accounts["loan_handler"], backend="staff.accounts.AccountBackend")
    assert client.post(url).status_code == 404
