"""The conversation: calls with their recording, messages both ways, doubts, first response."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from complaints import workflow
from complaints.appending import RecordRefused
from complaints.choices import ClockState, NoticeResult, Status
from complaints.conversation import after_end, arriving, doubting, recalling, speaking, writing
from complaints.conversation.speaking import Call
from complaints.conversation.writing import Doubtful, Message
from complaints.models import (
    CallRecord,
    Case,
    CaseClock,
    CaseExclusion,
    CustomerNotice,
    InboundMessage,
)
from complaints.workflow.payloads import Told
from config.kernel import journal, outbox
from config.kernel.models import Notice, OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.shared.actors import SYSTEM
from customers import contacting
from customers.models import ContactPoint
from tests.factories.complaints import AT, DAY, HOUR, PNG, in_state, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
PHONE = "13812345678"


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")


def now():
    return timezone.now() - timedelta(minutes=30)


def write(house, case, *, at=AT, by="officer", **given):
    what = {"method": "email", "text": "We found the booking.", "sure": True} | given
    return writing.write(rows(case), Message(**what), actor=house.actor(by), at=at)[0]


def known(house, *, verified=AT - 30 * DAY, changed=AT - 30 * DAY):
    """A customer whose mobile number is on file since then."""
    customer = CustomerFactory.create(phone=PHONE)
    ContactPoint.objects.filter(customer=customer).update(verified_at=verified, changed_at=changed)
    return customer


def fact(case, action):
    return journal.facts_of(journal.entries(case.stream).filter(action=action).last())


# --- Calls ----------------------------------------------------------------------------------


def test_a_call_keeps_way_seconds_and_recording(house, settings):
    settings.RECORDING_HOSTS = ["calls.bank.example"]
    case = open_case(house)
    link = "https://calls.bank.example/play/77?x=1"
    call = Call("out", "reached", "Told her.", seconds=252, way="video", recording=f" {link} ")
    row = speaking.log_call(rows(case), call, actor=house.actor("officer"), at=AT)[0]
    assert (row.way, row.seconds, row.recording) == ("video", 252, link)
    assert fact(case, "case.call")["recorded"] is True
    assert link not in journal.entries(case.stream).last().body


@pytest.mark.parametrize(
    "bad",
    [
        "javascript:alert(1)", "JAVASCRIPT:x", "http://calls.bank.example/1",
        "https://evil.example/1", "https://calls.bank.example.evil.example/",
        "https://user:pw@calls.bank.example/1", "https://calls.bank.example:8443/1",
        "//calls.bank.example/1", "data:text/html,x", "https://[", "x" * 301,
        "java\nscript:alert(1)",
    ],
)  # fmt: skip
def test_other_links_are_no_recordings(house, settings, bad):
    settings.RECORDING_HOSTS = ["calls.bank.example"]
    with pytest.raises(RecordRefused):
        speaking.recording_of(bad)
    assert speaking.link_of(bad) == ""


def test_a_number_is_kept_as_it_is(settings):
    settings.RECORDING_HOSTS = []
    assert speaking.recording_of(" REC-2026-0042 ") == "REC-2026-0042"
    with pytest.raises(RecordRefused):
        speaking.recording_of("https://calls.bank.example/1")


def test_listening_is_recorded_before_the_link_opens(client, house, settings):
    settings.RECORDING_HOSTS = ["calls.bank.example"]
    case = in_state(house, Status.IN_PROGRESS, at=now())
    link = "https://calls.bank.example/play/1"
    call = Call("in", "reached", "She asks.", recording=link)
    row = speaking.log_call(rows(case), call, actor=house.actor("officer"), at=now())[0]
    url = f"/cases/{case.number}/calls/{row.pk}/listen/"
    enter(client, house, "depthead")  # reads the case, but does not listen
    assert client.post(url).status_code == 403
    enter(client, house, "officer")
    assert client.get(url).status_code == 405
    answer = client.post(url)
    assert (answer.status_code, answer["Location"]) == (302, link)
    assert fact(case, "case.listened") == {"call": row.seq, "reference": False}
    other = open_case(house, at=now())
    assert client.post(f"/cases/{other.number}/calls/{row.pk}/listen/").status_code == 404
    CallRecord.objects.filter(pk=row.pk).update(recording="https://evil.example/")
    answer = client.post(url)
    assert answer["Location"] == case.get_absolute_url()  # hosts are asked again when it opens
    heard = journal.entries(case.stream).filter(action="case.listened").count()
    CallRecord.objects.filter(pk=row.pk).update(recording="")
    assert client.post(url).status_code == 404
    assert journal.entries(case.stream).filter(action="case.listened").count() == heard


@pytest.mark.parametrize(
    "odd",
    [{"way": "smoke"}, {"seconds": -1}, {"seconds": 86_401}, {"at": AT + HOUR}],
)
def test_an_odd_call_is_refused(house, odd):
    call = Call("out", "reached", "x", **odd)
    with pytest.raises(RecordRefused):
        speaking.log_call(rows(open_case(house)), call, actor=house.actor("officer"), at=AT)


def test_a_call_of_before_the_receipt_is_no_response_of_before_it(house):
    case = open_case(house)
    call = Call("out", "reached", "Told her.", substance=True, at=AT - DAY)
    speaking.log_call(rows(case), call, actor=house.actor("officer"), at=AT + HOUR)
    assert Case.objects.get(pk=case.pk).first_response_at == case.received_at


def test_only_the_first_call_out_with_substance_to_an_open_case_is_the_response(house):
    case = open_case(house)
    for hours, given in enumerate(
        ({"substance": False}, {"direction": "in"}, {"result": "no_answer"}, {}, {}), start=1
    ):
        what = {"direction": "out", "result": "reached", "substance": True} | given
        speaking.log_call(
            rows(case),
            Call(summary="x", **what),
            actor=house.actor("officer"),
            at=AT + hours * HOUR,
        )
    assert Case.objects.get(pk=case.pk).first_response_at == AT + 4 * HOUR
    ended = in_state(house, Status.CLOSED)
    rows(ended).update(first_response_at=None)
    call = Call("out", "reached", "Bye.", substance=True)
    speaking.log_call(rows(ended), call, actor=house.actor("officer"), at=AT + HOUR)
    assert Case.objects.get(pk=ended.pk).first_response_at is None


# --- Messages out ---------------------------------------------------------------------------


def test_an_email_leaves_through_the_outbox_and_its_arrival_is_the_first_response(house):
    case = open_case(house)
    notice = write(house, case)
    assert Case.objects.get(pk=case.pk).first_response_at is None
    letter = OutboxMessage.objects.get(key=notice.outbox_key)
    assert "We found the booking." in letter.text
    outbox.deliver(AT + HOUR)
    after = Case.objects.get(pk=case.pk)
    assert after.first_response_at == AT + HOUR
    clock = CaseClock.objects.get(case=case, name="respond")
    assert (clock.state, clock.stopped_at) == (ClockState.MET, AT + HOUR)
    notice.refresh_from_db()
    assert notice.result == NoticeResult.DELIVERED


def test_receipts_acceptances_and_empty_words_are_no_first_response(house):
    case = in_state(house, Status.ACCEPTED)
    write(house, case, substance=False)
    outbox.deliver(AT + HOUR)
    after = Case.objects.get(pk=case.pk)
    assert after.acknowledged_at == AT + HOUR
    assert after.first_response_at is None


def test_an_sms_holds_the_words_themselves_and_no_more_than_fit(house):
    case = open_case(house)
    notice = write(house, case, method="sms", text="The fee is back on your card.")
    assert OutboxMessage.objects.get(key=notice.outbox_key).text == "The fee is back on your card."
    with pytest.raises(RecordRefused, match="501"):
        write(house, case, method="sms", text="x" * 501)
    with pytest.raises(RecordRefused):
        write(house, open_case(house, contact_phone="01087654321"), method="sms")
    with pytest.raises(RecordRefused):
        write(house, case, method="phone")


def test_nothing_is_written_to_a_dead_customer(house):
    customer = known(house)
    customer.status = "deceased"
    customer.save()
    case = open_case(house, customer=customer, contact_phone=PHONE)
    with pytest.raises(RecordRefused):
        write(house, case, method="sms")
    assert not CustomerNotice.objects.filter(case=case, purpose="message").exists()


def test_a_registered_letter_counts_with_its_proof(client, house):
    case = in_state(house, Status.ACCEPTED, at=now())
    notice = write(house, case, method="letter", at=now())
    assert (notice.outbox_key, notice.result) == ("", NoticeResult.PENDING)
    enter(client, house, "officer")
    page = client.get(f"/cases/{case.number}/").content.decode()
    url = f"/cases/{case.number}/messages/{notice.pk}/posted/"
    assert url in page
    upload = SimpleUploadedFile("slip.png", PNG, "image/png")
    assert client.post(url, {"file": upload}).status_code == 302
    notice.refresh_from_db()
    assert notice.result == NoticeResult.DELIVERED
    assert notice.proof is not None
    assert Case.objects.get(pk=case.pk).first_response_at == notice.delivered_at
    again = SimpleUploadedFile("slip.png", PNG + b"1", "image/png")
    assert client.post(url, {"file": again}).status_code == 422


def test_progress_by_letter_counts_when_it_arrives(house):
    case = in_state(house, Status.IN_PROGRESS)
    first = CaseClock.objects.get(case=case, name="progress", state="running")
    writing.tell_progress(
        rows(case), "Nearly there.", method="email", actor=house.actor("officer"), at=AT + HOUR
    )
    first.refresh_from_db()
    assert first.state == ClockState.RUNNING
    outbox.deliver(AT + 2 * HOUR)
    first.refresh_from_db()
    assert (first.state, first.stopped_at) == (ClockState.MET, AT + 2 * HOUR)
    assert Case.objects.get(pk=case.pk).first_response_at == AT + 2 * HOUR


def test_a_message_given_up_can_be_sent_again_and_then_counts(client, house, settings):
    case = open_case(house, contact_email="not-an-address")
    notice = write(house, case)
    settings.OUTBOX_MAIL = "smtp"
    outbox.deliver(AT)
    notice.refresh_from_db()
    assert notice.result == NoticeResult.NOT_DELIVERED
    enter(client, house, "officer")
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert "The address is not valid." in page
    settings.OUTBOX_MAIL = "console"
    url = f"/cases/{case.number}/messages/{notice.pk}/again/"
    assert url in page
    assert client.post(url).status_code == 302
    assert client.post(url).status_code == 409
    outbox.deliver(timezone.now())
    notice.refresh_from_db()
    assert notice.result == NoticeResult.DELIVERED
    assert OutboxMessage.objects.get(key=notice.outbox_key).state == OutboxState.SENT


def test_a_proof_belongs_to_a_letter_of_its_case_and_counts_once(house):
    case, other = open_case(house), open_case(house)
    letter = write(house, case, method="letter")
    actor = house.actor("officer")
    slip = SimpleUploadedFile("slip.png", PNG, "image/png")
    with pytest.raises(RecordRefused):
        writing.posted(rows(other), letter.pk, slip, actor=actor, at=AT)
    writing.posted(rows(case), letter.pk, slip, actor=actor, at=AT)
    again = SimpleUploadedFile("slip2.png", PNG + b"2", "image/png")
    with pytest.raises(RecordRefused):
        writing.posted(rows(case), letter.pk, again, actor=actor, at=AT + HOUR)


def test_a_receipt_that_is_reported_twice_counts_once(house):
    case = open_case(house)
    key = CustomerNotice.objects.get(case=case, purpose="acknowledgement").outbox_key
    assert arriving.acknowledge({key: AT}, at=AT, actor=SYSTEM) == 1
    assert arriving.acknowledge({key: AT + HOUR}, at=AT + HOUR, actor=SYSTEM) == 0
    assert Case.objects.get(pk=case.pk).acknowledged_at == AT


def test_a_receipt_that_comes_after_the_intake_told_it_changes_nothing(house):
    case = open_case(house)
    rows(case).update(acknowledged_at=AT - HOUR)
    outbox.deliver(AT + HOUR)
    assert Case.objects.get(pk=case.pk).acknowledged_at == AT - HOUR


def test_a_result_is_not_taken_in_as_a_message(house):
    case = in_state(house, Status.RESOLVED)
    told = Told("email", "")
    workflow.notify(rows(case), told, actor=house.actor("officer"), at=AT)
    key = CustomerNotice.objects.get(case=case, purpose="result").outbox_key
    assert arriving.acknowledge({key: AT}, at=AT, actor=SYSTEM) == 0


def test_a_progress_notice_that_comes_after_the_result_starts_no_round(house):
    case = in_state(house, Status.IN_PROGRESS)
    told = {"method": "email", "actor": house.actor("officer"), "at": AT}
    writing.tell_progress(rows(case), "Soon.", **told)
    rows(case).update(status=Status.NOTIFIED, notified_at=AT)
    before = CaseClock.objects.filter(case=case, name="progress").count()
    outbox.deliver(AT + HOUR)
    assert CaseClock.objects.filter(case=case, name="progress").count() == before


def test_the_proof_of_a_letter_keeps_no_promise_that_the_letter_makes(house):
    case = open_case(house)
    letter = write(house, case, method="letter", reply_by=AT + 9 * HOUR)
    slip = SimpleUploadedFile("slip.png", PNG, "image/png")
    writing.posted(rows(case), letter.pk, slip, actor=house.actor("officer"), at=AT + HOUR)
    assert Case.objects.get(pk=case.pk).promised_reply_at == AT + 9 * HOUR


def test_progress_without_an_address_is_refused_and_a_told_case_owes_none(house):
    case = in_state(house, Status.IN_PROGRESS, contact_email="")
    told = {"method": "email", "actor": house.actor("officer"), "at": AT}
    with pytest.raises(RecordRefused):
        writing.tell_progress(rows(case), "Soon.", **told)
    ended = in_state(house, Status.NOTIFIED)
    with pytest.raises(RecordRefused):
        writing.tell_progress(rows(ended), "Soon.", **(told | {"method": "phone"}))


# --- A doubtful contact asks twice ----------------------------------------------------------


@pytest.mark.parametrize(
    ("verified", "changed", "code"),
    [
        (None, AT - 30 * DAY, "unverified"),
        (AT - DAY, AT - 7 * DAY + HOUR, "changed"),
        (AT - DAY, AT - 7 * DAY, ""),
        (AT - 30 * DAY, None, ""),
    ],
)
def test_when_a_number_is_in_doubt(house, verified, changed, code):
    customer = known(house, verified=verified, changed=changed)
    case = open_case(house, customer=customer, contact_phone="+86 138 1234 5678")
    assert doubting.doubt(case, "sms", AT) == code
    assert doubting.doubt(case, "email", AT) == "unknown"  # only in the case
    assert doubting.doubt(case, "letter", AT) == ""


def test_case_of_an_address_does_not_matter(house):
    customer = known(house)
    ContactPoint.objects.create(
        customer=customer, kind="email", value="Wang@Example.com", value_hash="x", verified_at=AT
    )
    case = open_case(house, customer=customer, contact_email="wang@example.com")
    assert doubting.doubt(case, "email", AT + 8 * DAY) == ""


def test_the_form_comes_back_with_the_warning_and_a_tick(client, house):
    case = in_state(house, Status.ACCEPTED, at=now())
    enter(client, house, "officer")
    url = f"/cases/{case.number}/write/email/"
    data = {"text": "Please call me back.", "substance": "on"}
    answer = client.post(url, data, headers=HTMX)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Send it all the same" in page
    assert "Please call me back." in page
    assert not CustomerNotice.objects.filter(case=case, purpose="message").exists()
    answer = client.post(url, {**data, "sure": "on"}, headers=HTMX)
    assert answer.status_code == 200
    assert fact(case, "case.message")["doubt"] == "unknown"
    assert CustomerNotice.objects.filter(case=case, purpose="message").count() == 1


def test_a_known_number_is_not_asked_about(client, house):
    customer = known(house)
    case = open_case(house, at=now(), customer=customer, contact_phone=PHONE)
    enter(client, house, "officer")
    answer = client.post(f"/cases/{case.number}/write/sms/", {"text": "Hello."}, headers=HTMX)
    assert answer.status_code == 200
    assert "doubt" not in fact(case, "case.message")


def test_the_result_by_email_asks_twice_too(client, house):
    case = in_state(house, Status.RESOLVED, at=now())
    enter(client, house, "officer")
    url = f"/cases/{case.number}/do/notify/"
    data = {"version": Case.objects.get(pk=case.pk).version, "method": "email", "words": "Dear."}
    answer = client.post(url, data, headers=HTMX)
    assert answer.status_code == 422
    assert "Send it all the same" in answer.content.decode()
    assert not CustomerNotice.objects.filter(case=case, purpose="result").exists()
    assert client.post(url, {**data, "sure": "on"}, headers=HTMX).status_code in {200, 204, 302}
    assert CustomerNotice.objects.filter(case=case, purpose="result").count() == 1
    assert fact(case, "case.sent_in_doubt") == {"method": "email", "doubt": "unknown"}


def test_the_verb_itself_asks_and_letters_of_the_house_are_not_asked(house):
    case = open_case(house)  # its receipt was queued without a question
    assert OutboxMessage.objects.filter(about=case.about, kind="case.acknowledgement").exists()
    with pytest.raises(Doubtful):
        write(house, case, sure=False)


def test_verified_and_unverified_stand_in_the_customers_record(house):
    customer = known(house, verified=None)
    point = ContactPoint.objects.get(customer=customer)
    actor = house.actor("supervisor")
    assert contacting.verify([point], actor=actor, at=AT) == 1
    point.refresh_from_db()
    assert point.verified_at == AT
    assert contacting.unverify([point], actor=actor, at=AT) == 1
    told = list(journal.entries(customer.stream).values_list("action", flat=True))
    assert told == ["customer.contact_verified", "customer.contact_unverified"]
    assert contacting.verify([], actor=actor, at=AT) == 0


# --- The customer writes --------------------------------------------------------------------


def test_what_the_customer_wrote_stands_in_the_line_and_the_handler_hears_of_it(house):
    case = in_state(house, Status.IN_PROGRESS)
    row = writing.receive(
        rows(case), "Where is my money?", method="sms", actor=house.actor("officer"),
        at=AT + HOUR, written_at=AT,
    )[0]  # fmt: skip
    assert (row.at, row.after_end) == (AT, False)
    assert Notice.objects.get(kind="case.customer_wrote").person_id == house.pk("handler")
    for bad in ({"method": "phone"}, {"written_at": AT + 9 * DAY}):
        given = {"method": "sms", "actor": house.actor("officer"), "at": AT} | bad
        with pytest.raises(RecordRefused):
            writing.receive(rows(case), "x", **given)


def test_neither_who_noted_it_nor_who_is_named_is_told_that_the_customer_wrote(house):
    case = in_state(house, Status.IN_PROGRESS)
    given = {"method": "sms", "at": AT + HOUR}
    writing.receive(rows(case), "Hello?", actor=house.actor("handler"), **given)
    CaseExclusion.objects.create(case=case, person_id=house.pk("handler"), reason="named", at=AT)
    writing.receive(rows(case), "Hello?", actor=house.actor("officer"), **given)
    with pytest.raises(RecordRefused, match="named"):
        writing.receive(rows(case), "Hello?", actor=house.actor("handler"), **given)
    assert not Notice.objects.filter(kind="case.customer_wrote").exists()


def test_thanks_after_the_end_go_to_the_triage_list_and_reopen_nothing(client, house):
    case = in_state(house, Status.CLOSED, at=now())
    enter(client, house, "supervisor")
    url = f"/cases/{case.number}/write/inbound/"
    assert client.post(url, {"method": "email", "text": "Thank you!"}).status_code == 302
    after = Case.objects.get(pk=case.pk)
    assert (after.status, after.round) == (Status.CLOSED, case.round)
    assert not CaseClock.objects.filter(case=case, state="running").exists()
    notice = Notice.objects.get(kind="case.customer_wrote_after")
    assert (notice.person_id, notice.needs_action) == (house.pk("officer"), True)
    message = InboundMessage.objects.get(case=case)
    page = client.get("/cases/after-end/")
    assert case.number in page.content.decode()
    assert after_end.count(house.scope("supervisor"), AT) == (1, False)
    settle = f"/cases/{case.number}/after-end/{message.pk}/settle/"
    for _time in range(2):
        assert client.post(settle).status_code == 302
    assert case.number not in client.get("/cases/after-end/").content.decode()
    assert journal.entries(case.stream).filter(action="case.inbound_settled").count() == 1
    notice.refresh_from_db()
    assert notice.done_at is not None


def test_the_triage_list_shows_only_ones_own_cases(client, house):
    case = in_state(house, Status.CLOSED, at=now())
    writing.receive(rows(case), "Hi", method="sms", actor=house.actor("supervisor"), at=now())
    enter(client, house, "officer2")
    assert case.number not in client.get("/cases/after-end/").content.decode()
    message = InboundMessage.objects.get(case=case)
    settle = f"/cases/{case.number}/after-end/{message.pk}/settle/"
    assert client.post(settle).status_code in {403, 404}
    enter(client, house, "analyst")
    assert client.get("/cases/after-end/").status_code == 403


# --- The page -------------------------------------------------------------------------------


def test_the_composer_offers_the_ways_and_says_what_is_missing(client, house):
    case = in_state(house, Status.ACCEPTED, at=now(), contact_email="", contact_phone="")
    enter(client, house, "officer")
    page = client.get(f"/cases/{case.number}/").content.decode()
    for key in ("call", "sms", "email", "letter", "inbound", "note", "progress", "attach"):
        assert f'id="pane-{key}"' in page
    assert "The case holds no mobile number." in page
    enter(client, house, "depthead")
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert 'id="pane-sms"' not in page
    assert client.post(f"/cases/{case.number}/write/sms/", {"text": "x"}).status_code in {403, 404}


def test_a_call_is_logged_with_everything_and_a_late_one_is_refused_in_words(client, house):
    case = in_state(house, Status.ACCEPTED, at=now())
    enter(client, house, "officer")
    url = f"/cases/{case.number}/write/call/"
    data = {
        "direction": "out", "result": "reached", "way": "in_person", "substance": "on",
        "minutes": "4", "seconds": "12", "recording": "R-9", "text": "Met at the branch.",
    }  # fmt: skip
    tomorrow = timezone.localtime() + DAY
    late = client.post(url, {**data, "at": tomorrow.strftime("%Y-%m-%dT%H:%M")}, headers=HTMX)
    assert late.status_code == 422
    assert "Met at the branch." in late.content.decode()
    assert client.post(url, data, headers=HTMX).status_code == 200
    row = CallRecord.objects.get(case=case)
    assert (row.way, row.seconds, row.recording) == ("in_person", 252, "R-9")
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert "4:12" in page
    assert "R-9" in page


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"state": "retrying", "last_error": "TimeoutError"}, "Trying again"),
        ({"state": "sent", "sent_at": AT}, "Sent"),
        ({"state": "sent", "sent_at": AT, "delivered_at": AT}, "Delivered"),
        ({"state": "cancelled"}, "Stopped before it left"),
        ({}, "Waiting to leave"),
    ],
)
def test_the_line_says_how_far_the_message_is(client, house, state, words):
    case = in_state(house, Status.ACCEPTED, at=now())
    notice = write(house, case, at=now())
    OutboxMessage.objects.filter(key=notice.outbox_key).update(**state)
    message = OutboxMessage.objects.get(key=notice.outbox_key)
    link = f"/outbox/{message.pk}/"
    for name, sees in (("supervisor", True), ("officer", False)):
        enter(client, house, name)
        page = client.get(f"/cases/{case.number}/timeline/", headers=HTMX).content.decode()
        assert words in page
        assert (link in page) is sees


def test_the_draft_of_a_recalled_message_has_the_name_of_its_tab(house):
    case = open_case(house)
    notice = write(house, case)
    assert recalling.draft_key(case, notice) == f"case:{case.pk}:write-email"
