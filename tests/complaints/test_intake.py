"""The one door: what comes in becomes a case, once, whole, routed, with its clocks running."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints import intake
from complaints.choices import ClockName, NoticePurpose, NoticeResult, Precision, Status
from complaints.drafts import HistoryFacts
from complaints.models import Case, CaseClock, CaseExclusion, CustomerNotice, HandOver
from config.kernel import journal, search
from config.kernel.models import Notice, OutboxMessage
from config.shared.actors import SYSTEM
from customers.models import Customer
from tests.factories.complaints import AT, DAY, HOUR, bank, draft, open_case
from tests.factories.customers import CustomerFactory
from tests.factories.staff import PersonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return bank()


def opened(*drafts, at=AT):
    return intake.open_cases(drafts, actor=SYSTEM, at=at)


def test_a_letter_becomes_a_case_with_number_code_department_clocks_and_receipt(house):
    case = open_case(house)
    assert case.number == "C-2026-0000001"
    assert len(case.tracking_code) == 19
    assert case.status == Status.RECEIVED
    assert case.department.code == "CARD"
    assert case.routing_reason["rule"]
    assert case.regulatory_due_at is not None
    assert set(CaseClock.objects.values_list("name", flat=True)) >= {"accept", "resolve", "loop"}
    letter = OutboxMessage.objects.get()
    assert letter.to == case.contact_email
    assert case.number in letter.subject
    assert case.content not in letter.text
    notice = CustomerNotice.objects.get()
    assert (notice.purpose, notice.result) == (NoticePurpose.ACKNOWLEDGEMENT, NoticeResult.PENDING)
    assert HandOver.objects.get().department == case.department
    entry = journal.entries(case.stream).first()
    assert entry.action == "case.opened"
    assert journal.words_of([entry])[entry.pk]["content"] == case.content
    assert case.content not in entry.body
    assert search.find("case", "fee twice") == [case.pk]
    assert search.find("case", case.number[-4:]) == [case.pk]


def test_numbers_have_no_gaps_and_begin_anew_in_the_banks_new_year(house):
    bad = draft(core_issue="", content="")
    results = opened(draft(), bad, draft())
    numbers = [r.case.number for r in results if r.case]
    assert numbers == ["C-2026-0000001", "C-2026-0000002"]
    assert "core issue" in results[1].refused
    new_year = AT.replace(year=2026, month=12, day=31, hour=16, minute=30)  # 00:30 in Shanghai
    assert opened(draft(), at=new_year)[0].case.number == "C-2027-0000001"


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"type": "XXX"}, "XXX"),
        ({"type": ""}, "Type".lower()),
        ({"intake_channel": "NOPE"}, "NOPE"),
        ({"business_line": "B-??"}, "B-??"),
        ({"received_at": AT + HOUR}, "future"),
        ({"intake_channel": "TEL", "received_at": AT - 2 * DAY}, "say why"),
        ({"severity": 9}, "severity"),
        ({"emotion": 6}, "emotion"),
        ({"group_size": 0}, "one person"),
        ({"amount": -1}, "negative"),
        ({"product": "x" * 161}, "160"),
        ({"content": "bad \x00 byte"}, "cannot be kept"),
        ({"history": HistoryFacts(status=Status.CLOSED)}, "time of closing"),
        ({"history": HistoryFacts(closed_at=AT - 9 * DAY)}, "before it was received"),
        ({"history": HistoryFacts(status="merged")}, "merged"),
    ],
)
def test_what_is_wrong_is_said_in_words_and_nothing_is_stored(house, given, word):
    result = opened(draft(**given))[0]
    assert result.case is None
    assert word in result.refused or word in result.refused.lower()
    assert not Case.objects.exists()
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("name", ["received_at", "promised_reply_at", "external_due_at"])
@pytest.mark.parametrize("year", [1, 1950, 9999])
def test_a_time_no_calendar_knows_is_refused_beside_a_sound_draft(house, name, year):
    results = opened(draft(**{name: AT.replace(year=year)}), draft())
    assert [bool(result.case) for result in results] == [False, True]


def test_a_late_letter_needs_no_reason_and_a_late_call_does(house):
    assert open_case(house, received_at=AT - 3 * DAY, intake_channel="LTR").received_at < AT
    late = {"received_at": AT - 3 * DAY, "intake_channel": "TEL"}
    assert (
        open_case(house, backdate_reason="System was down.", **late).acknowledged_at == AT - 3 * DAY
    )


def test_a_day_only_call_of_yesterday_needs_no_reason(house):
    case = open_case(
        house, intake_channel="TEL", received_at=AT - 2 * DAY, received_precision=Precision.DAY
    )
    assert case.received_precision == Precision.DAY


def test_the_same_origin_is_one_case_in_the_batch_and_later(house):
    first, twin = opened(draft(origin_key="file:7"), draft(origin_key="file:7"))
    assert twin.duplicate
    assert twin.case is first.case
    again = opened(draft(origin_key="file:7", core_issue="changed"))[0]
    assert again.duplicate
    assert again.case.pk == first.case.pk
    assert Case.objects.count() == 1


def test_a_live_channel_is_its_own_receipt_and_may_be_the_first_response(house):
    plain = open_case(house, intake_channel="TEL")
    assert plain.acknowledged_at == plain.received_at
    assert plain.first_response_at is None
    assert not OutboxMessage.objects.exists()
    told = open_case(house, intake_channel="TEL", substance=True)
    assert told.first_response_at == told.received_at
    states = dict(CaseClock.objects.filter(case=told).values_list("name", "state"))
    assert states[ClockName.ACKNOWLEDGE] == states[ClockName.RESPOND] == "met"


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({}, 1),
        ({"media_risk": True}, 3),
        ({"emotion": 5}, 3),
        ({"loss_amount": 49_999}, 1),
        ({"loss_amount": 50_000}, 3),
        ({"loss_amount": 500_000}, 4),
        ({"regulatory_major": True}, 4),
        ({"severity": 4, "media_risk": True}, 4),
    ],
)
def test_the_facts_raise_the_severity(house, given, severity):
    assert open_case(house, **{"severity": 1, **given}).severity == severity


def test_repeats_point_back_and_the_third_complaint_is_grave(house):
    someone = CustomerFactory.create(phone="13812342107")
    first = open_case(house, customer=someone, severity=1, at=AT - 100 * DAY)
    second = open_case(house, customer=someone, severity=1, at=AT - 80 * DAY)
    third = open_case(house, customer=someone, severity=1, at=AT - 30 * DAY)
    assert (second.repeat_of_id, second.repeat_count, second.severity) == (first.pk, 1, 1)
    assert (third.repeat_of_id, third.repeat_count, third.severity) == (second.pk, 2, 3)
    other = open_case(house, customer=someone, business_line="B-LN-01", severity=1)
    assert (other.repeat_of_id, other.repeat_count) == (None, 0)
    much_later = open_case(house, customer=someone, severity=1, at=AT + 100 * DAY)
    assert much_later.repeat_of_id is None


def test_repeats_are_seen_inside_one_batch_and_by_telephone(house):
    one, two = opened(draft(contact_phone="13900001111"), draft(contact_phone="139 0000 1111"))
    assert Case.objects.get(pk=two.case.pk).repeat_of_id == one.case.pk


def test_the_customer_fills_in_what_the_draft_leaves_open(house):
    manager = PersonFactory.create()
    someone = CustomerFactory.create(
        phone="13812342107", tier="core", rm=manager, vulnerable=["health"],
        branch=house.units["BRANCH"], language="en",
    )  # fmt: skip
    case = open_case(house, customer=someone, contact_name="", contact_phone="", contact_email="")
    assert (case.tier_at_receipt, case.rm_id, case.vulnerable) == ("core", manager.pk, True)
    assert (case.contact_name, case.contact_phone) == (someone.name, "13812342107")
    assert case.branch == house.units["BRANCH"]
    assert OutboxMessage.objects.get().channel == "sms"
    someone.tier = "ordinary"
    Customer.objects.filter(pk=someone.pk).update(tier="ordinary")
    assert Case.objects.get().tier_at_receipt == "core"


def test_nothing_is_sent_about_the_dead(house):
    gone = CustomerFactory.create(status="deceased")
    open_case(house, customer=gone)
    assert not OutboxMessage.objects.exists()


def test_a_report_against_a_person_is_restricted_and_found_by_number_only(house):
    case = open_case(house, type="TIP", content="The clerk Li took a bribe")
    assert case.restricted
    assert search.find("case", "bribe") == []
    assert search.find("case", case.number[-4:]) == [case.pk]
    assert not Case.objects.visible_to(house.scope("supervisor")).exists()
    assert Case.objects.visible_to(house.scope("compliance")).exists()


def test_people_named_in_the_matter_and_their_reports_stay_out(house):
    boss = house.accounts["depthead"].person
    below = house.accounts["handler"].person
    below.reports_to = boss
    below.save(update_fields=["reports_to"])
    case = open_case(house, named_ids=(boss.pk,))
    out = set(CaseExclusion.objects.values_list("person_id", flat=True))
    assert {boss.pk, below.pk} <= out
    assert case.handler_id not in out
    assert not Case.objects.visible_to(house.scope("depthead")).exists()
    assert not Notice.objects.filter(person_id__in=out).exists()


def test_history_is_recorded_and_nobody_is_paged(house):
    past = HistoryFacts(outcome="NUP", resolved_at=AT - 400 * DAY, closed_at=AT - 399 * DAY)
    case = open_case(house, received_at=AT - 410 * DAY, history=past, severity=4)
    assert (case.status, case.is_history, case.outcome.code) == (Status.CLOSED, True, "NUP")
    assert case.closed_at == AT - 399 * DAY
    assert not CaseClock.objects.exists()
    assert not OutboxMessage.objects.exists()
    assert not Notice.objects.exists()
    assert search.find("case", "fee") == [case.pk]


def test_a_critical_case_calls_and_the_handler_hears(house):
    open_case(house, severity=4, regulatory_major=True)
    kinds = set(Notice.objects.values_list("kind", flat=True))
    assert "case.major" in kinds


def test_look_alikes_are_open_recent_and_in_scope(house):
    case = open_case(house, contact_phone="13812342107")
    same = draft(contact_phone="138-1234-2107")
    found = intake.similar(same, scope=house.scope("officer"), at=AT + DAY)
    assert [(x.case.pk, x.why) for x in found] == [(case.pk, "phone")]
    assert intake.similar(same, scope=house.scope("loan_handler"), at=AT + DAY) == []
    assert intake.similar(same, scope=house.scope("officer"), at=AT + 91 * DAY) == []
    assert intake.similar(draft(contact_phone=""), scope=house.scope("officer"), at=AT) == []


def test_the_preview_says_what_will_happen_and_writes_nothing(house):
    before = intake.preview(draft(), AT)
    assert not Case.objects.exists()
    case = open_case(house)
    assert before.department == case.department
    assert before.policy == case.policy_reason["policy"]
    assert before.due[ClockName.RESOLVE] == case.resolve_due_at
    assert before.due[ClockName.REGULATORY] == case.regulatory_due_at
    assert before.problems == ()
    empty = intake.preview(draft(type="", core_issue="", content=""), AT)
    assert empty.department is None
    assert len(empty.problems) == 2


def test_the_cost_does_not_grow_with_the_batch(house):
    customers = [CustomerFactory.create(phone=f"137{n:08d}") for n in range(55)]

    def cost(some):
        with CaptureQueriesContext(connection) as caught:
            opened(*(draft(customer=c, named_ids=(house.pk("handler"),)) for c in some))
        return len(caught)

    cost(customers[:2])  # first use of the year's series
    few = cost(customers[2:4])
    assert cost(customers[4:8]) == few
    # SQLite takes 999 values per statement, so wide rows go in several INSERTs
    assert cost(customers[8:55]) - few <= (0 if connection.vendor == "postgresql" else 12)
    assert Case.objects.count() == 55
