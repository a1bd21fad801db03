"""Hand-over of a shift: what stands in the list, two signatures, races, recusal, erasing."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import shift_parts, shifts
from complaints.choices import Status
from complaints.models import (
    CallRecord,
    Case,
    CaseExclusion,
    CustomerNotice,
    InboundMessage,
    ShiftHandOver,
)
from complaints.shifts import ShiftRefused, Words
from config.kernel import journal
from config.kernel.models import EventWords, Notice
from tests.factories.complaints import AT, HOUR, in_state, open_case
from tests.factories.customers import CustomerFactory
from tests.portal.desks import queries

pytestmark = pytest.mark.django_db
CANARY = "canarybird"


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def unit(house):
    return house.units["CMPT"]


def case_of(house, **fields):
    """Return an open case of the complaint team with these columns."""
    case = open_case(house, at=AT, department=house.units["CMPT"])
    Case.objects.filter(pk=case.pk).update(**fields)
    return Case.objects.get(pk=case.pk)


def listed(house, unit, name="supervisor", at=AT):
    return {
        x.number: x.why for x in shifts.items(unit, shifts.current(unit), house.scope(name), at)
    }


def sign_out(house, unit, by="officer", at=AT, expected=0, **words):
    return shifts.sign_out(unit, Words(**words), actor=house.actor(by), at=at, expected=expected)


def sign_in(house, shift, by="officer2", at=AT, version=None):
    return shifts.sign_in(
        ShiftHandOver.objects.filter(pk=shift.pk),
        actor=house.actor(by),
        at=at,
        expected={shift.pk: version or ShiftHandOver.objects.get(pk=shift.pk).version},
    )


def test_the_list_holds_critical_promised_and_waiting_cases_of_the_unit(house, unit):
    quiet = case_of(house)
    critical = case_of(house, severity=4, promised_reply_at=AT + HOUR)
    soon = case_of(house, promised_reply_at=AT + 12 * HOUR)
    past = case_of(house, promised_reply_at=AT - HOUR)
    case_of(house, promised_reply_at=AT + 12 * HOUR + timedelta(minutes=1))
    chased = case_of(house, chased_at=AT)
    CustomerNotice.objects.filter(case=chased).delete()
    answered = case_of(house, chased_at=AT)
    CustomerNotice.objects.create(
        case=answered, purpose="progress", method="phone", at=AT + HOUR, seq=1
    )
    wrote = case_of(house)
    InboundMessage.objects.create(case=wrote, method="email", at=AT + HOUR, seq=2)
    case_of(house, severity=4, restricted=True)
    case_of(house, severity=4, status=Status.CLOSED, closed_at=AT)
    ours = in_state(house, Status.WAITING_CUSTOMER)  # with the card unit, accepted by the officer
    assert listed(house, unit) == {
        critical.number: "critical",
        past.number: "promised",
        soon.number: "promised",
        chased.number: "wrote",
        wrote.number: "wrote",
        ours.number: "waiting",
    }
    assert list(listed(house, unit).values()) == sorted(
        listed(house, unit).values(), key=list(shifts.WHY).index
    )
    assert quiet.number not in listed(house, unit)
    assert listed(house, house.units["LOAN"]) == {}


def test_whoever_spoke_last_is_found_whatever_the_order(house, unit):
    """Against Python: the newest word of the customer, a chase among them, against our newest."""
    wanted = set()
    hours = itertools.product((None, 1, 3), repeat=4)
    for wrote, chased, told, called in hours:
        case = case_of(house, chased_at=AT + chased * HOUR if chased else None)
        CustomerNotice.objects.filter(case=case).delete()
        for hour in {wrote, 1} if wrote else ():
            InboundMessage.objects.create(case=case, method="email", at=AT + hour * HOUR, seq=9)
        if told:
            CustomerNotice.objects.create(
                case=case, purpose="progress", method="phone", at=AT + told * HOUR, seq=9
            )
        for direction, hour in (("out", called), ("in", 9)):
            if hour:
                CallRecord.objects.create(
                    case=case, direction=direction, result="reached", at=AT + hour * HOUR, seq=9
                )
        if max(wrote or 0, chased or 0) > max(told or 0, called or 0):
            wanted.add(case.number)
    assert len(wanted) == 23
    assert set(listed(house, unit)) == wanted


def test_who_is_recused_does_not_see_the_line_and_others_see_the_number_only(house, unit):
    case = case_of(house, severity=4)
    CaseExclusion.objects.create(case=case, person_id=house.pk("officer2"), reason="named", at=AT)
    assert listed(house, unit, "officer2") == {}
    sign_out(house, unit)
    assert listed(house, unit, "officer2") == {}  # neither in the frozen list
    assert listed(house, unit, "officer") == {case.number: "critical"}
    [line] = shifts.items(unit, shifts.current(unit), house.scope("agent"), AT)
    assert (line.number, line.row) == (case.number, None)


def test_the_list_is_frozen_when_signed_and_two_people_sign(house, unit):
    case = case_of(house, severity=4)
    shift = sign_out(house, unit, note=f"Call her {CANARY}", remarks={case.number: "Wait."})
    later = case_of(house, severity=4)
    assert listed(house, unit) == {case.number: "critical"}
    told = Notice.objects.filter(kind=shifts.WAITING, done_at__isnull=True)
    people = set(told.values_list("person_id", flat=True))
    assert {house.pk("officer2"), house.pk("supervisor")} <= people
    assert not {house.pk("officer"), house.pk("agent"), house.pk("handler")} & people
    with pytest.raises(ShiftRefused) as same:
        sign_in(house, shift, by="officer")
    assert same.value.code == "same"
    [done] = sign_in(house, shift)
    assert (done.in_signed_by_id, done.in_signed_at) == (house.pk("officer2"), AT)
    assert not told.exists()
    assert listed(house, unit) == {case.number: "critical", later.number: "critical"}  # the next
    entries = list(journal.entries(shift.stream))
    assert [entry.action for entry in entries] == [
        "shift.begun",
        "shift.signed_out",
        "shift.signed_in",
    ]
    assert CANARY not in "".join(entry.body for entry in entries)
    assert journal.first_fault(done) is None


def test_of_two_signatures_one_counts(house, unit):
    shift = sign_out(house, unit)
    sign_in(house, shift, by="officer2", version=shift.version)
    for by in ("supervisor", "officer2"):
        with pytest.raises(ShiftRefused) as stale:
            sign_in(house, shift, by=by, version=shift.version)
        assert stale.value.code == "stale"
    with pytest.raises(ShiftRefused):
        sign_in(house, shift, by="supervisor")  # with the version as it is now
    assert ShiftHandOver.objects.get().in_signed_by_id == house.pk("officer2")


def test_nothing_unsigned_is_taken_over_and_nothing_signed_is_changed(house, unit):
    actor = house.actor("officer")
    shift = shifts.write(unit, Words("one"), actor=actor, at=AT, expected=0)
    with pytest.raises(ShiftRefused):
        sign_in(house, shift)
    with pytest.raises(ShiftRefused) as stale:
        shifts.write(unit, Words("two"), actor=house.actor("officer2"), at=AT, expected=0)
    assert stale.value.code == "stale"
    sign_out(house, unit, expected=shift.version, note="three")
    version = ShiftHandOver.objects.get().version
    with pytest.raises(ShiftRefused) as signed:
        shifts.write(unit, Words("four"), actor=actor, at=AT, expected=version)
    assert signed.value.code == "signed"
    assert ShiftHandOver.objects.get().note == "three"


def test_words_for_a_hand_over_that_was_taken_over_meanwhile_begin_no_new_one(house, unit):
    shift = sign_out(house, unit)
    sign_in(house, shift)
    actor, seen = house.actor("officer"), shift.version
    with pytest.raises(ShiftRefused) as stale:
        shifts.write(unit, Words("late"), actor=actor, at=AT + HOUR, expected=seen)
    assert stale.value.code == "stale"
    assert ShiftHandOver.objects.count() == 1


def test_it_is_sent_back_with_a_reason_and_signed_again(house, unit):
    case = case_of(house, severity=4)
    shift = sign_out(house, unit, remarks={case.number: "Wait."})
    rows = ShiftHandOver.objects.filter(pk=shift.pk)
    give = {"actor": house.actor("officer2"), "at": AT, "expected": {shift.pk: shift.version}}
    with pytest.raises(ShiftRefused):
        shifts.send_back(rows, "  ", **give)
    shifts.send_back(rows, "Who calls her?", **give)
    stored = rows.get()
    assert (stored.out_signed_at, stored.items) == (None, [])
    assert shifts.words_of(stored).remarks == {case.number: "Wait."}
    told = Notice.objects.get(kind=shifts.REFUSED)
    assert told.person_id == house.pk("officer")
    again = sign_out(house, unit, expected=stored.version, at=AT + HOUR)
    assert sign_in(house, again)


def test_erasing_a_customer_takes_the_words_and_leaves_the_record_whole(house, unit):
    customer = CustomerFactory.create()
    case = case_of(house, severity=4, customer=customer)
    other = case_of(house, severity=4)
    words = {"note": CANARY, "remarks": {case.number: CANARY, other.number: "Stays."}}
    shift = sign_out(house, unit, **words)
    draft = house.units["CSC"]
    shifts.write(
        draft, Words("", {case.number: CANARY}), actor=house.actor("agent"), at=AT, expected=0
    )
    assert shift_parts.erase([customer.pk], AT) == 2
    shift.refresh_from_db()
    assert (shift.note, shifts.words_of(shift).remarks) == ("", {other.number: "Stays."})
    assert shifts.words_of(shifts.current(draft)).remarks == {}
    assert CANARY not in "".join(EventWords.objects.values_list("text", flat=True))
    assert journal.first_fault(ShiftHandOver.objects.get(pk=shift.pk)) is None


# --- Pages ---------------------------------------------------------------------------------


def at_work(client, house, name):
    client.force_login(house.accounts[name])
    return client


def test_the_page_keeps_signs_and_takes_over(client, house):
    now = timezone.now()
    case = case_of(house, severity=4)
    client = at_work(client, house, "officer")
    page = client.get("/shifts/")
    assert case.number in page.content.decode()
    values = {"version": 0, "note": "Quiet night", f"r-{case.number}": "Call at nine"}
    assert client.post("/shifts/", values | {"do": "save"}).status_code == 302
    slower = client.post("/shifts/", values | {"note": "Loud night", "do": "save"})
    assert slower.status_code == 409
    assert "Loud night" in slower.content.decode()
    shift = ShiftHandOver.objects.get()
    kept = client.get("/shifts/").content.decode()
    assert 'value="Call at nine"' in kept
    assert (
        client.post("/shifts/", values | {"version": shift.version, "do": "sign"}).status_code
        == 302
    )
    url = f"/shifts/{shift.pk}/"
    assert "Sign and take over" not in client.get(url).content.decode()
    incoming = at_work(client, house, "officer2")
    page = incoming.get(url).content.decode()
    assert "Call at nine" in page
    assert "Quiet night" in page
    version = ShiftHandOver.objects.get().version
    assert incoming.post(url, {"version": version}).status_code == 422  # not read through
    assert incoming.post(url, {"version": version, "read": "on"}).status_code == 302
    assert incoming.post(url, {"version": version, "read": "on"}).status_code == 409
    history = incoming.get("/shifts/history/").content.decode()
    assert url in history
    assert shift.begun_at >= now


def test_sending_back_from_the_page(client, house, unit):
    shift = sign_out(house, unit)
    client = at_work(client, house, "officer2")
    url = f"/shifts/{shift.pk}/back/"
    assert client.get(url).status_code == 200
    assert client.post(url, {"version": shift.version, "reason": ""}).status_code == 422
    assert client.post(url, {"version": 99, "reason": "Why?"}).status_code == 409
    assert client.post(url, {"version": shift.version, "reason": "Why?"}).status_code == 302
    assert ShiftHandOver.objects.get().out_signed_at is None


@pytest.mark.parametrize(
    ("name", "look", "other", "write"),
    [
        ("officer", 200, 404, 302),
        ("supervisor", 200, 200, 302),
        ("agent", 200, 404, 302),
        ("handler", 403, 403, 403),
        ("analyst", 403, 403, 403),
    ],
)
def test_who_may_look_and_sign(client, house, name, look, other, write):
    client = at_work(client, house, name)
    assert client.get("/shifts/").status_code == look
    assert client.get("/shifts/?unit=LOAN").status_code == other
    values = {"version": 0, "note": "x", "do": "save"}
    assert client.post("/shifts/", values).status_code == write
    assert client.get("/shifts/history/").status_code == look
    assert client.get("/shifts/999/").status_code == (404 if look == 200 else 403)


def test_the_hand_over_of_another_unit_stays_out_of_sight(client, house):
    shift = sign_out(house, house.units["CSC"], by="agent")
    client = at_work(client, house, "officer")
    assert client.get(f"/shifts/{shift.pk}/").status_code == 404
    assert client.post(f"/shifts/{shift.pk}/", {"version": 1, "read": "on"}).status_code == 404
    assert client.get(f"/shifts/{shift.pk}/back/").status_code == 404


def test_the_page_costs_the_same_however_many_cases_there_are(client, house):
    case_of(house, severity=4)
    client = at_work(client, house, "supervisor")
    client.get("/shifts/")
    few = queries(client, "/shifts/")
    for _ in range(9):
        case_of(house, severity=4)
    assert queries(client, "/shifts/") == few


def test_remarks_on_cases_that_left_the_list_are_not_kept(house, unit):
    case = open_case(house, at=AT, department=unit)
    words = Words("", {case.number: "Mrs Li is upset"})
    shift = shifts.sign_out(unit, words, actor=house.actor("officer"), at=AT, expected=0)
    assert shifts.words_of(ShiftHandOver.objects.get(pk=shift.pk)).remarks == {}
