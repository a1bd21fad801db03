"""Notes, calls, files, chases and progress notices: added without moving the case."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from complaints import delivering, records, workflow
from complaints.choices import ClockState, NoticeResult, Status
from complaints.models import CallRecord, Case, CaseAttachment, CaseClock, CustomerNotice
from complaints.records import Call, RecordRefused
from config.kernel import journal
from config.kernel.models import Notice, OutboxMessage
from tests.factories.complaints import AT, DAY, HOUR, PNG, bank, evidence, in_state, open_case, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return bank()


def test_a_note_is_kept_even_when_the_case_was_closed_meanwhile(house):
    case = in_state(house, Status.NOTIFIED)
    workflow.confirm(rows(case), actor=house.actor("officer"), at=AT)
    version = Case.objects.get(pk=case.pk).version
    entry = records.add_note(rows(case), " Call her. ", actor=house.actor("handler"), at=AT)[0]
    assert Case.objects.get(pk=case.pk).version == version
    assert journal.words_of([entry])[entry.pk] == {"text": "Call her."}
    assert "Call her" not in entry.body


@pytest.mark.parametrize("text", ["", "  ", "\x00"])
def test_an_empty_note_is_refused(house, text):
    with pytest.raises(RecordRefused):
        records.add_note(rows(open_case(house)), text, actor=house.actor("officer"), at=AT)


def test_the_archive_takes_no_notes_and_named_people_write_none(house):
    sealed = in_state(house, Status.ARCHIVED)
    with pytest.raises(RecordRefused):
        records.add_note(rows(sealed), "Late.", actor=house.actor("officer"), at=AT + 100 * DAY)
    case = open_case(house, named_ids=(house.pk("handler"),))
    with pytest.raises(RecordRefused):
        records.add_note(rows(case), "Mine.", actor=house.actor("handler"), at=AT)


def test_the_first_call_out_with_substance_is_the_first_response(house):
    case = open_case(house)
    actor = house.actor("officer")
    for call in (
        Call("out", "no_answer", "Nobody.", substance=True),
        Call("in", "reached", "She asks again.", substance=True),
        Call("out", "reached", "Said hello."),
    ):
        records.log_call(rows(case), call, actor=actor, at=AT + HOUR)
    assert Case.objects.get(pk=case.pk).first_response_at is None
    good = Call("out", "reached", "We check the booking.", substance=True, at=AT + HOUR)
    records.log_call(rows(case), good, actor=actor, at=AT + 2 * HOUR)
    assert Case.objects.get(pk=case.pk).first_response_at == AT + HOUR
    clock = CaseClock.objects.get(case=case, name="respond")
    assert (clock.state, clock.stopped_at) == (ClockState.MET, AT + HOUR)
    again = Call("out", "reached", "More.", substance=True)
    records.log_call(rows(case), again, actor=actor, at=AT + 3 * HOUR)
    assert Case.objects.get(pk=case.pk).first_response_at == AT + HOUR
    assert CallRecord.objects.filter(case=case).count() == 5
    seqs = set(CallRecord.objects.values_list("seq", flat=True))
    calls = journal.entries(case.stream).filter(action="case.call")
    assert seqs == set(calls.values_list("seq", flat=True))


@pytest.mark.parametrize(
    "call",
    [
        Call("up", "reached", "x"),
        Call("out", "maybe", "x"),
        Call("out", "reached", "x", at=AT + DAY),
    ],
)
def test_an_impossible_call_is_refused(house, call):
    with pytest.raises(RecordRefused):
        records.log_call(rows(open_case(house)), call, actor=house.actor("officer"), at=AT)


def test_a_file_is_stored_with_its_hash_in_the_record(house):
    case = open_case(house)
    evidence(house, case)
    row = CaseAttachment.objects.select_related("file").get()
    entry = journal.entries(case.stream).get(action="case.attached")
    assert journal.facts_of(entry)["sha256"] == row.file.sha256
    assert "proof.png" not in entry.body
    bad = SimpleUploadedFile("run.exe", b"MZ\x90\x00", "application/octet-stream")
    with pytest.raises(ValueError, match=r"."):
        records.attach(rows(case), bad, actor=house.actor("officer"), at=AT)
    both = rows(case, open_case(house))
    with pytest.raises(RecordRefused):
        records.attach(
            both, SimpleUploadedFile("a.png", PNG, "image/png"), actor=house.actor("officer"), at=AT
        )
    assert CaseAttachment.objects.count() == 1


def test_a_chase_reaches_the_handler_and_never_a_named_person(house):
    case = in_state(house, Status.IN_PROGRESS)
    records.chase(rows(case), "Please hurry.", actor=house.actor("officer"), at=AT)
    assert Notice.objects.get(kind="case.chase").person_id == house.pk("handler")
    with pytest.raises(RecordRefused):
        records.supervise(
            rows(case), "Now.", reply_by=AT, actor=house.actor("supervisor"), at=AT + HOUR
        )
    records.supervise(
        rows(case), "Now.", reply_by=AT + DAY, actor=house.actor("supervisor"), at=AT + HOUR
    )
    assert Notice.objects.filter(kind="case.supervise", needs_action=True).count() == 1


def test_a_progress_notice_starts_the_next_round_of_its_clock(house):
    case = in_state(house, Status.IN_PROGRESS)
    first = CaseClock.objects.get(case=case, name="progress")
    act = records.tell_progress
    act(
        rows(case),
        "We wait for the lab.",
        method="phone",
        actor=house.actor("officer"),
        at=AT + HOUR,
    )
    first.refresh_from_db()
    assert first.state == ClockState.MET
    assert CaseClock.objects.filter(case=case, name="progress", state="running").count() == 1
    act(rows(case), "Nearly there.", method="email", actor=house.actor("officer"), at=AT + 2 * HOUR)
    letter = OutboxMessage.objects.get(kind="case.progress")
    assert "Nearly there." in letter.text
    mute = in_state(house, Status.IN_PROGRESS, contact_email="")
    with pytest.raises(RecordRefused):
        act(rows(mute), "Soon.", method="email", actor=house.actor("officer"), at=AT)


def test_the_delivered_receipt_stops_its_clock_at_the_moment_of_sending(house):
    case = open_case(house)
    letter = OutboxMessage.objects.get(kind="case.acknowledgement")
    letter.sent_at = AT + HOUR
    for _time in range(2):
        delivering._delivered([letter], AT + 2 * HOUR)
    after = Case.objects.get(pk=case.pk)
    assert after.acknowledged_at == AT + HOUR
    assert CaseClock.objects.get(case=case, name="acknowledge").stopped_at == AT + HOUR
    assert CustomerNotice.objects.get().result == NoticeResult.DELIVERED
    assert journal.entries(case.stream).filter(action="case.acknowledged").count() == 1
