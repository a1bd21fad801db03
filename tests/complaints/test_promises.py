"""The promised reply: set, shown, reminded of, missed, kept or late by the next contact."""

from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import records
from complaints.appending import RecordRefused
from complaints.choices import Status
from complaints.conversation import promises, speaking, writing
from complaints.conversation.promises import Promise
from complaints.conversation.speaking import Call
from complaints.conversation.writing import Message
from complaints.models import Case, PromisedReply
from complaints.workflow import payloads
from config.kernel import journal, outbox
from config.kernel.models import Notice
from tests.factories.complaints import AT, DAY, HOUR, do, in_state, open_case, rows

HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


def promised(house, *, hours=6, state=Status.IN_PROGRESS, at=AT):
    """A case whose customer was told on the phone to expect a reply."""
    case = in_state(house, state, at=at)
    call = Call("out", "reached", "I call back.", reply_by=at + hours * HOUR)
    speaking.log_call(rows(case), call, actor=house.actor("officer"), at=at)
    return Case.objects.get(pk=case.pk)


def call(house, case, at, **given):
    what = {"direction": "out", "result": "reached", "summary": "Told her."} | given
    speaking.log_call(rows(case), Call(**what), actor=house.actor("officer"), at=at)


def verdicts(case):
    return list(
        PromisedReply.objects.filter(case=case).order_by("pk").values_list("kept", flat=True)
    )


def told(kind):
    return Notice.objects.filter(kind=kind)


@pytest.mark.django_db
def test_the_next_call_that_reached_the_customer_keeps_the_promise(house):
    case = promised(house)
    assert case.promised_reply_at == AT + 6 * HOUR
    call(house, case, AT + HOUR, result="no_answer")
    call(house, case, AT + HOUR, direction="in")
    assert verdicts(case) == [None]
    assert Case.objects.get(pk=case.pk).promised_reply_at == AT + 6 * HOUR
    call(house, case, AT + 6 * HOUR)
    assert verdicts(case) == [True]
    assert Case.objects.get(pk=case.pk).promised_reply_at is None
    assert journal.entries(case.stream).filter(action="case.promise_kept").count() == 1


@pytest.mark.django_db
def test_a_late_call_breaks_it_and_a_call_of_before_the_promise_answers_nothing(house):
    case = promised(house)
    early = Call("out", "reached", "Noted late.", at=AT - HOUR)
    speaking.log_call(rows(case), early, actor=house.actor("officer"), at=AT + 2 * HOUR)
    assert verdicts(case) == [None]
    call(house, case, AT + 7 * HOUR)
    assert verdicts(case) == [False]
    row = PromisedReply.objects.get(case=case)
    assert row.ended_at == AT + 7 * HOUR


@pytest.mark.django_db
def test_a_message_keeps_it_when_it_arrives_and_may_promise_anew(house):
    case = promised(house)
    what = Message("email", "More tomorrow.", sure=True, reply_by=AT + DAY)
    writing.write(rows(case), what, actor=house.actor("officer"), at=AT + 5 * HOUR)
    assert verdicts(case) == [None, None]
    outbox.deliver(AT + 5 * HOUR)
    assert verdicts(case) == [True, None]
    assert Case.objects.get(pk=case.pk).promised_reply_at == AT + DAY


@pytest.mark.django_db
def test_moving_it_in_time_has_no_verdict_and_moving_it_late_is_broken(house):
    case, actor = promised(house), house.actor("officer")
    what = Promise(AT + 9 * HOUR, method="phone", note="She agreed.")
    promises.change(rows(case), what, actor=actor, at=AT + HOUR)
    assert verdicts(case) == [None, None]
    later = Promise(AT + 30 * HOUR, method="sms", note="Told her.")
    promises.change(rows(case), later, actor=actor, at=AT + 10 * HOUR)
    assert verdicts(case) == [None, False, None]
    assert Case.objects.get(pk=case.pk).promised_reply_at == AT + 30 * HOUR


@pytest.mark.parametrize("reply_by", [AT, AT - HOUR, AT + 61 * DAY])
@pytest.mark.django_db
def test_an_impossible_promise_is_refused_with_its_call(house, reply_by):
    case = open_case(house)
    with pytest.raises(RecordRefused):
        call(house, case, AT, reply_by=reply_by)
    assert not PromisedReply.objects.filter(case=case).exists()
    for method, note in (("smoke", "x"), ("phone", " ")):
        what = Promise(AT + HOUR, method=method, note=note)
        with pytest.raises(RecordRefused):
            promises.change(rows(case), what, actor=house.actor("officer"), at=AT)
    ended = in_state(house, Status.NOTIFIED)
    with pytest.raises(RecordRefused):
        call(house, ended, AT, reply_by=AT + HOUR)


@pytest.mark.django_db
def test_two_hours_before_the_handler_is_reminded_and_at_the_breach_more_people_once(house):
    case = promised(house)
    assert promises.sweep(AT + 4 * HOUR - timedelta(seconds=1)) == 0
    for _time in range(2):
        promises.sweep(AT + 4 * HOUR)
    assert [row.person_id for row in told(promises.REMIND)] == [house.pk("handler")]
    for _time in range(2):
        promises.sweep(AT + 6 * HOUR)
    breach = {row.person_id for row in told(promises.BREACH)}
    assert breach == {house.pk("handler"), house.pk("officer"), house.pk("depthead")}
    assert told(promises.REMIND).count() == 1
    missed = journal.entries(case.stream).filter(action="case.promise_missed")
    assert missed.count() == 1
    call(house, case, AT + 7 * HOUR)
    assert not told(promises.BREACH).filter(done_at__isnull=True).exists()
    assert promises.sweep(AT + 8 * HOUR) == 0


@pytest.mark.django_db
def test_a_promise_of_the_next_two_hours_needs_no_reminder(house):
    promised(house, hours=1)
    promises.sweep(AT + HOUR / 2)
    assert not told(promises.REMIND).exists()
    promises.sweep(AT + HOUR)
    assert told(promises.BREACH).exists()


@pytest.mark.django_db
def test_people_named_in_the_case_are_not_told(house):
    case = promised(house)
    from complaints.models import CaseExclusion

    CaseExclusion.objects.create(case=case, person_id=house.pk("handler"), reason="named", at=AT)
    promises.sweep(AT + 6 * HOUR)
    assert house.pk("handler") not in {row.person_id for row in told(promises.BREACH)}


@pytest.mark.django_db
def test_what_intake_noted_is_taken_over(house):
    case = open_case(house, promised_reply_at=AT + 5 * HOUR)
    assert promises.sweep(AT + HOUR) == 1
    assert promises.sweep(AT + HOUR) == 0
    row = PromisedReply.objects.get(case=case)
    assert (row.due_at, row.at) == (AT + 5 * HOUR, case.registered_at)
    Case.objects.filter(pk=case.pk).update(promised_reply_at=AT + 8 * HOUR)  # a corrected fact
    promises.sweep(AT + 2 * HOUR)
    assert verdicts(case) == [None, None]
    assert PromisedReply.objects.filter(case=case, ended_at__isnull=True).count() == 1


@pytest.mark.parametrize(("hours", "kept"), [(6, True), (1, False)])
@pytest.mark.django_db
def test_the_result_told_is_the_reply(house, hours, kept):
    case = promised(house, hours=hours, state=Status.RESOLVED)
    do(house, case, "notify", payloads.Told("phone", "Told."), at=AT + 2 * HOUR)
    promises.sweep(AT + 3 * HOUR)
    assert verdicts(case) == [kept]
    assert Case.objects.get(pk=case.pk).promised_reply_at is None


@pytest.mark.django_db
def test_a_case_that_ended_without_an_answer_has_no_verdict(house):
    case = promised(house, state=Status.ACCEPTED)
    do(house, case, "transfer", at=AT + HOUR)
    promises.sweep(AT + 9 * HOUR)
    assert verdicts(case) == [None]
    assert PromisedReply.objects.get(case=case).ended_at is not None
    assert not told(promises.BREACH).exists()


@pytest.mark.django_db
def test_a_spoken_progress_notice_is_a_contact(house):
    case = promised(house)
    records.tell_progress(
        rows(case), "Soon.", method="phone", actor=house.actor("officer"), at=AT + HOUR
    )
    after = Case.objects.get(pk=case.pk)
    assert verdicts(case) == [True]
    assert after.first_response_at == AT + HOUR


@pytest.mark.parametrize(
    ("ahead", "state"), [(5 * HOUR, "ok"), (2 * HOUR, "risk"), (-HOUR, "over")]
)
@pytest.mark.django_db
def test_the_chip_counts_real_time(house, ahead, state):
    case = promised(house)
    at = case.promised_reply_at - ahead
    chip = promises.chip(case, at)
    assert (chip.state, chip.seconds) == (state, abs(ahead).total_seconds())
    assert promises.chip(open_case(house), at) is None


@pytest.mark.django_db
def test_it_is_set_on_the_page_and_stands_among_the_clocks(client, house):
    at = timezone.now() - timedelta(minutes=30)
    case = in_state(house, Status.ACCEPTED, at=at)
    client.force_login(house.accounts["officer"], backend="staff.accounts.AccountBackend")
    url = f"/cases/{case.number}/promise/"
    due = (timezone.localtime() + 5 * HOUR).strftime("%Y-%m-%dT%H:%M")
    assert "reminded" in client.get(url, headers=HTMX).content.decode()
    assert client.post(url, {"reply_by": due, "method": "phone"}).status_code == 422
    data = {"reply_by": due, "method": "phone", "note": "She agreed."}
    assert client.post(url, data).status_code == 302
    side = client.get(f"/cases/{case.number}/side/", headers=HTMX).content.decode()
    assert "Promised reply" in side
    assert PromisedReply.objects.get(case=case).by_id == house.pk("officer")
    ended = in_state(house, Status.NOTIFIED, at=at)
    assert client.post(f"/cases/{ended.number}/promise/", data).status_code == 403


@pytest.mark.django_db
def test_the_queue_shows_a_promise_that_is_due_before_every_clock(client, house):
    start = timezone.now() - HOUR
    case = promised(house, hours=2, at=start)
    client.force_login(house.accounts["officer"], backend="staff.accounts.AccountBackend")
    far = Case.objects.filter(pk=case.pk)
    far.update(next_due_at=timezone.now() + 5 * DAY)
    assert "Promised reply" in client.get("/cases/").content.decode()
    far.update(next_due_at=timezone.now() + timedelta(minutes=10))
    assert "Promised reply" not in client.get("/cases/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("odd", [{"note": "  "}, {"method": "smoke"}, {"reply_by": AT + 61 * DAY}])
def test_moving_it_needs_words_a_way_and_a_time_that_can_be(house, odd):
    case = promised(house)
    what = {"reply_by": AT + 9 * HOUR, "method": "phone", "note": "Told her."} | odd
    with pytest.raises(RecordRefused):
        promises.change(rows(case), Promise(**what), actor=house.actor("officer"), at=AT + HOUR)
    assert Case.objects.get(pk=case.pk).promised_reply_at == AT + 6 * HOUR


@pytest.mark.django_db
def test_nothing_is_promised_when_nothing_is_owed_any_more(house):
    case = in_state(house, Status.NOTIFIED)
    with pytest.raises(RecordRefused):
        call(house, case, AT + HOUR, reply_by=AT + 3 * HOUR)
    what = Promise(AT + 3 * HOUR, method="phone", note="Told her.")
    with pytest.raises(RecordRefused):
        promises.change(rows(case), what, actor=house.actor("officer"), at=AT + HOUR)
    assert not PromisedReply.objects.filter(case=case).exists()


@pytest.mark.django_db
def test_a_sweep_leaves_cases_alone_whose_promise_ended_or_that_are_told(house):
    case = promised(house)
    PromisedReply.objects.filter(case=case).update(ended_at=AT + HOUR, kept=True)
    Case.objects.filter(pk=case.pk).update(promised_reply_at=None)
    assert promises.sweep(AT + 9 * HOUR) == 0
    assert not told(promises.BREACH).exists()
