"""Sixty seconds in which a message can be taken back, and what that leaves as it was."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import unsent, workflow
from complaints.appending import RecordRefused
from complaints.choices import ClockState, LinkKind, NoticeResult, Status
from complaints.conversation import recalling, writing
from complaints.conversation.writing import Message
from complaints.models import Case, CaseClock, CustomerNotice, PromisedReply
from complaints.relations import linking, matters
from complaints.workflow import payloads
from config.kernel import journal, outbox
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.shared.claim import claim
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


def kept(house, case):
    """What the composer of the case gives back to the officer."""
    return unsent.of_case(case, person_id=house.pk("officer"))


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
    assert kept(house, case) == {"write-email": {"text": ["The fee is refunded."]}}
    told = journal.facts_of(journal.entries(case.stream).get(action="case.recalled"))
    assert told == {"purpose": "message", "method": "email", "notice": notice.seq}
    with pytest.raises(RecordRefused):
        recall(house, case, notice)


@pytest.mark.django_db
def test_what_has_left_is_not_taken_back(house):
    case = open_case(house)
    notice = write(house, case)
    outbox.deliver(AT + MINUTE)
    with pytest.raises(RecordRefused, match="the message has left already"):
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
    assert kept(house, case) == {"write-progress": {"text": ["Soon."]}}


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


def merged(house, into, email):
    """A case of another sender that was merged into this one."""
    case = open_case(house, contact_email=email, contact_phone="")
    rows(case).update(status=Status.MERGED, merged_into=into)
    return case


def results(*cases):
    """The state of the result letters of these cases, by case."""
    found = CustomerNotice.objects.filter(case__in=cases, purpose="result")
    return {row.case_id: row.result for row in found}


def told_together(house):
    """Two matters answered together, each with a merged sender (one over two steps)."""
    same = {"contact_phone": "13900001111", "contact_email": "wang@example.com"}
    first, second = (in_state(house, Status.RESOLVED, **same) for _n in range(2))
    actor = house.actor("officer")
    linking.link(rows(first), second.pk, LinkKind.SAME_CONTACT, actor=actor, at=AT)
    one = merged(house, first, "li@example.com")
    two = merged(house, merged(house, second, ""), "zhao@example.com")
    outbox.deliver(AT + HOUR)  # receipts
    at = AT + 2 * HOUR
    done = matters.answer_together(rows(first, second), payloads.Told("email"), actor=actor, at=at)
    assert all(outcome.done for outcome in done)
    cases = (first, second, one, two)
    assert results(*cases) == dict.fromkeys([c.pk for c in cases], NoticeResult.PENDING)
    return cases


@pytest.mark.django_db
@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_an_answer_is_taken_back_from_everybody_wherever_one_begins(house, start):
    cases = told_together(house)
    other = merged(house, cases[0], "later@example.com")  # of no part of that answer
    notice = CustomerNotice.objects.get(case=cases[start], purpose="result")
    taken = recall(house, cases[start], notice, at=AT + 2 * HOUR)
    assert {case.pk for case in taken.others} == {c.pk for c in cases} - {cases[start].pk}
    assert results(*cases) == dict.fromkeys([c.pk for c in cases], NoticeResult.RECALLED)
    assert results(other) == {}
    assert outbox.deliver(AT + 5 * HOUR) == 1  # the receipt of the last one
    for case in cases:
        assert journal.entries(case.stream).filter(action="case.recalled").count() == 1
    assert {Case.objects.get(pk=c.pk).status for c in cases[:2]} == {Status.RESOLVED}


@pytest.mark.django_db
@pytest.mark.parametrize("start", [0, 2])
def test_once_a_letter_of_an_answer_is_in_hand_none_is_taken_back(house, start):
    cases = told_together(house)
    last = CustomerNotice.objects.get(case=cases[3], purpose="result")
    taken = OutboxMessage.objects.filter(key=last.outbox_key)
    claim(taken, limit=1, lease=outbox.LEASE, at=AT + 3 * HOUR)
    notice = CustomerNotice.objects.get(case=cases[start], purpose="result")
    with pytest.raises(RecordRefused, match="another sender"):
        recall(house, cases[start], notice, at=AT + 3 * HOUR)
    assert results(*cases) == dict.fromkeys([c.pk for c in cases], NoticeResult.PENDING)
    assert not OutboxMessage.objects.filter(state=OutboxState.CANCELLED).exists()
    taken.update(lease=None, ready_at=AT + 3 * HOUR)
    outbox.deliver(AT + 3 * HOUR)
    assert set(results(*cases).values()) == {NoticeResult.DELIVERED}


@pytest.mark.django_db
def test_a_letter_that_was_given_up_does_not_hold_the_others(house):
    cases = told_together(house)
    lost = CustomerNotice.objects.get(case=cases[2], purpose="result")
    OutboxMessage.objects.filter(key=lost.outbox_key).update(state="failed", ready_at=None)
    workflow.fail([lost.outbox_key], at=AT + 2 * HOUR)
    notice = CustomerNotice.objects.get(case=cases[0], purpose="result")
    taken = recall(house, cases[0], notice, at=AT + 2 * HOUR)
    assert {case.pk for case in taken.others} == {cases[1].pk, cases[3].pk}
    assert results(cases[2]) == {cases[2].pk: NoticeResult.NOT_DELIVERED}


@pytest.mark.django_db
def test_the_answer_on_the_phone_leaves_only_letters_to_take_back(house):
    case = in_state(house, Status.RESOLVED)
    one, two = merged(house, case, "li@example.com"), merged(house, case, "zhao@example.com")
    told = payloads.Told("phone", "Told her.")
    workflow.notify(rows(case), told, actor=house.actor("officer"), at=AT)
    notice = CustomerNotice.objects.get(case=one, purpose="result")
    taken = recall(house, one, notice)
    assert [each.pk for each in taken.others] == [two.pk]
    assert results(case) == {case.pk: NoticeResult.TOLD}
    assert Case.objects.get(pk=case.pk).status == Status.NOTIFIED


@pytest.mark.django_db
def test_the_page_lists_what_went_with_it(client, house, settings):
    case = in_state(house, Status.RESOLVED, at=now() - HOUR)
    one = merged(house, case, "li@example.com")
    workflow.notify(rows(case), payloads.Told("email", ""), actor=house.actor("officer"), at=now())
    notice = CustomerNotice.objects.get(case=case, purpose="result")
    client.force_login(house.accounts["officer"], backend="staff.accounts.AccountBackend")
    url = f"/cases/{case.number}/messages/{notice.pk}/recall/"
    answer = client.post(url, headers=HTMX)
    assert answer.status_code == 204
    words = json.loads(answer["HX-Trigger"])["toast"]["text"]
    assert "taken back too" in words
    assert one.number in words


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
