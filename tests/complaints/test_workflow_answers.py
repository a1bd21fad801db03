"""From the assessment to the customer who was told: guards, letters, delivery, silence."""

from dataclasses import replace
from decimal import Decimal

import pytest

from complaints import delivering, records, workflow
from complaints.case_rules import silence_ends_at
from complaints.choices import ClockState, NoticeResult, Responsibility, Status
from complaints.models import Case, CaseClock, CaseRemedy, CaseResponsibility, CustomerNotice
from complaints.workflow import payloads
from complaints.workflow.outcomes import Refusal
from config.kernel import journal
from config.kernel.models import Notice, OutboxMessage
from config.kernel.verifying import first_fault
from config.shared.actors import SYSTEM
from tests.factories.complaints import (
    ANSWER,
    AT,
    DAY,
    HOUR,
    bank,
    default,
    do,
    evidence,
    in_state,
    open_case,
    rows,
)

pytestmark = pytest.mark.django_db
Call = records.Call


@pytest.fixture
def house():
    return bank()


def told(house, case, method, *, at=AT, by="officer", **more):
    what = payloads.Told(method, **more)
    return workflow.notify(rows(case), what, actor=house.actor(by), at=at)[0]


def open_clocks(case):
    return CaseClock.objects.filter(case=case, state__in=[ClockState.RUNNING, ClockState.PAUSED])


def test_accepting_needs_a_person_without_interest_and_a_business_line(house):
    case = open_case(house, business_line=None)
    act = workflow.accept
    undeclared = act(rows(case), payloads.Taking(), actor=house.actor("officer"), at=AT)[0]
    assert undeclared.refused is Refusal.GUARD
    machine = act(rows(case), payloads.Taking(no_interest=True), actor=SYSTEM, at=AT)[0]
    assert machine.refused is Refusal.GUARD
    bare = act(rows(case), payloads.Taking(no_interest=True), actor=house.actor("officer"), at=AT)[
        0
    ]
    assert "Business line" in bare.why
    assert Case.objects.get().status == Status.RECEIVED
    good = payloads.Taking(no_interest=True, business_line="B-CC-02")
    after = do(house, case, "accept", good, at=AT + HOUR)
    assert after.accepted_at == AT + HOUR
    assert after.officer_id == house.pk("officer")
    assert CaseClock.objects.get(case=case, name="accept").state == ClockState.MET
    assert OutboxMessage.objects.filter(kind="case.acceptance").count() == 1


def test_refusing_tells_the_customer_with_the_reason_and_ends_the_clocks(house):
    case = in_state(house, Status.NOT_ACCEPTED)
    letter = OutboxMessage.objects.get(kind="case.not_accepted")
    assert "no matter of ours" in letter.text
    assert case.not_accepted_reason.code == "NDB"
    assert not open_clocks(case).exists()
    back = do(house, case, "readmit", by="supervisor", at=AT + DAY)
    assert back.status == Status.RECEIVED
    assert open_clocks(back).filter(name="resolve").exists()


@pytest.mark.parametrize(
    ("left_out", "word"),
    [
        ({"cause": ""}, "Root cause"),
        ({"cause": "A"}, "Root cause"),
        ({"nature": ""}, "Nature"),
        ({"outcome": ""}, "Outcome"),
        ({"outcome": "WDR"}, "Outcome"),
        ({"responsibility": ""}, "Responsibility"),
        ({"answer": " "}, "Answer"),
        ({"findings": ""}, "verified"),
        ({"basis": ""}, "Basis"),
        ({"objection_ways": ""}, "object"),
        ({"compensation": Decimal(10)}, "kind"),
    ],
)
def test_a_complaint_is_not_resolved_while_a_piece_is_missing(house, left_out, word):
    case = in_state(house, Status.IN_PROGRESS)
    what = replace(ANSWER, **left_out)
    outcome = workflow.resolve(rows(case), what, actor=house.actor("officer"), at=AT)[0]
    assert outcome.refused is Refusal.GUARD
    assert word in outcome.why
    after = Case.objects.get(pk=case.pk)
    assert (after.status, after.version, after.answer) == (case.status, case.version, "")


def test_the_checklist_is_the_same_guards(house):
    case = in_state(house, Status.IN_PROGRESS)
    open_points = {check.key for check in workflow.checklist(case) if not check.done}
    assert {"cause", "nature", "responsibility", "outcome", "answer", "basis"} <= open_points
    assert "business_channel" not in open_points
    saved = payloads.FactsEdit(
        {"answer": "We refund.", "basis": "Tariff", "findings": "Twice", "objection_ways": "Court"},
        {"nature": "SVC", "cause": "A1", "outcome": "UPH"},
    )
    case = do(house, case, "edit_facts", saved)
    open_points = {check.key for check in workflow.checklist(case) if not check.done}
    assert open_points == {"responsibility"}
    done = do(house, case, "resolve", payloads.Answer(responsibility="none"))
    assert done.status == Status.RESOLVED


def test_an_inquiry_needs_only_its_answer_and_closes_when_told(house):
    case = in_state(house, Status.ASSESSING, type="INQ")
    case = do(house, case, "settle", payloads.Answer(answer="Open until six."), by="agent")
    assert told(house, case, "phone", at=AT + HOUR).done
    after = Case.objects.get(pk=case.pk)
    assert after.status == Status.CLOSED
    assert after.notified_at == after.closed_at == after.first_response_at == AT + HOUR
    assert not open_clocks(after).exists()
    assert after.next_due_at.year == 9999
    actions = list(journal.entries(after.stream).values_list("action", flat=True))
    assert actions.index("case.notify") < actions.index("case.close")


def test_the_hotline_settles_no_complaint(house):
    case = in_state(house, Status.ASSESSING)
    outcome = workflow.settle(rows(case), ANSWER, actor=house.actor("agent"), at=AT)[0]
    assert outcome.refused is Refusal.GUARD
    assert do(house, case, "settle", ANSWER).status == Status.RESOLVED


def test_resolving_writes_findings_remedies_and_stops_the_resolve_clock(house):
    case = in_state(house, Status.IN_PROGRESS)
    what = replace(
        ANSWER,
        remedies=("APO", "REF"),
        compensation=Decimal(300),
        compensation_kind="goodwill",
        responsibilities=((house.units["OPS"].pk, Responsibility.PARTLY),),
    )
    after = do(house, case, "resolve", what, at=AT + HOUR)
    assert after.resolved_at == AT + HOUR
    assert dict(CaseRemedy.objects.values_list("term__code", "amount")) == {
        "APO": None, "REF": Decimal(300),
    }  # fmt: skip
    assert dict(CaseResponsibility.objects.values_list("department__code", "finding")) == {
        "CARD": "responsible", "OPS": "partly",
    }  # fmt: skip
    assert CaseClock.objects.get(case=case, name="resolve").state == ClockState.MET
    assert open_clocks(case).filter(name="loop").exists()
    assert Notice.objects.filter(kind="case.resolved").count() == 0  # the officer did it himself


def test_a_suspended_case_ends_with_a_reference_to_the_court(house):
    case = in_state(house, Status.SUSPENDED)
    assert OutboxMessage.objects.filter(kind="case.suspension").exists()
    refused = workflow.resolve(rows(case), ANSWER, actor=house.actor("officer"), at=AT)[0]
    assert refused.refused is Refusal.GUARD
    assert do(house, case, "resolve", replace(ANSWER, outcome="MED")).status == Status.RESOLVED


def test_told_by_phone_stops_every_clock_and_starts_the_silence(house):
    case = in_state(house, Status.RESOLVED)
    assert told(house, case, "phone", words="She agrees.").done
    after = Case.objects.get(pk=case.pk)
    assert (after.status, after.notified_at) == (Status.NOTIFIED, AT)
    assert after.silence_ends_at == silence_ends_at(AT, 5)
    assert not open_clocks(after).exists()
    assert CustomerNotice.objects.get(purpose="result").result == NoticeResult.TOLD


def test_a_letter_tells_the_customer_only_when_it_arrives(house):
    case = in_state(house, Status.RESOLVED)
    assert told(house, case, "email").done
    waiting = Case.objects.get(pk=case.pk)
    assert (waiting.status, waiting.notified_at) == (Status.RESOLVED, None)
    letter = OutboxMessage.objects.get(kind="case.result")
    for block in (ANSWER.answer, ANSWER.findings, ANSWER.basis, ANSWER.objection_ways, case.demand):
        assert block in letter.text
    letter.sent_at = AT + 2 * HOUR
    delivering._delivered([letter], AT + 3 * HOUR)
    after = Case.objects.get(pk=case.pk)
    assert (after.status, after.notified_at) == (Status.NOTIFIED, AT + 2 * HOUR)
    assert CustomerNotice.objects.get(purpose="result").result == NoticeResult.DELIVERED
    last = journal.entries(case.stream).filter(action="case.notify").get()
    assert last.actor_kind == "system"
    delivering._delivered([letter], AT + 4 * HOUR)  # delivery is at least once
    assert Case.objects.get(pk=case.pk).version == after.version


def test_a_letter_given_up_leaves_the_case_open_and_calls_the_handler(house):
    case = in_state(house, Status.RESOLVED)
    told(house, case, "email")
    letter = OutboxMessage.objects.get(kind="case.result")
    delivering._failed([letter], AT + HOUR)
    assert Case.objects.get(pk=case.pk).status == Status.RESOLVED
    assert CustomerNotice.objects.get(purpose="result").result == NoticeResult.NOT_DELIVERED
    assert Notice.objects.filter(kind="case.not_delivered", person_id=house.pk("handler")).exists()
    assert told(house, case, "phone", at=AT + 2 * HOUR).done


def test_a_letter_of_an_earlier_round_tells_nothing(house):
    case = in_state(house, Status.RESOLVED)
    told(house, case, "email")
    letter = OutboxMessage.objects.get(kind="case.result")
    told(house, case, "phone")
    case = do(house, case, "reopen", at=AT + HOUR)
    case = do(house, case, "start", at=AT + HOUR)
    case = do(house, case, "resolve", ANSWER, at=AT + HOUR)
    letter.sent_at = AT + HOUR
    delivering._delivered([letter], AT + 2 * HOUR)
    assert Case.objects.get(pk=case.pk).status == Status.RESOLVED


def test_without_an_address_a_letter_is_refused(house):
    case = in_state(house, Status.RESOLVED, contact_email="", contact_phone="010-87654321")
    for method in ("email", "sms"):
        outcome = told(house, case, method)
        assert outcome.refused is Refusal.GUARD
    assert not OutboxMessage.objects.filter(kind="case.result").exists()
    assert Case.objects.get(pk=case.pk).version == case.version


def test_a_customer_who_cannot_be_reached_counts_as_told_after_two_days_or_with_proof(house):
    case = in_state(house, Status.RESOLVED)
    assert told(house, case, "letter").refused is Refusal.GUARD
    missed = Call("out", "no_answer", "Nobody answers.")
    for hours in (1, 5):
        records.log_call(rows(case), missed, actor=house.actor("officer"), at=AT + hours * HOUR)
    assert told(house, case, "letter", at=AT + 6 * HOUR).refused is Refusal.GUARD
    records.log_call(rows(case), missed, actor=house.actor("officer"), at=AT + DAY)
    assert told(house, case, "letter", at=AT + DAY).done
    assert CustomerNotice.objects.filter(result=NoticeResult.UNREACHABLE).count() == 1

    other = in_state(house, Status.RESOLVED)
    proof = evidence(house, other)
    assert told(house, other, "letter", proof_id=proof).done
    notice = CustomerNotice.objects.get(case=other, result=NoticeResult.UNREACHABLE)
    assert notice.proof_id == proof
    assert OutboxMessage.objects.filter(kind="case.result", about=other.about).exists()


def test_silence_closes_complaints_and_nothing_earlier(house):
    case = in_state(house, Status.NOTIFIED)
    early = workflow.close(rows(case), actor=house.actor("officer"), at=AT + DAY)[0]
    assert early.refused is Refusal.GUARD
    assert workflow.close_silent(AT + DAY) == 0
    assert workflow.close_silent(case.silence_ends_at) == 1
    after = Case.objects.get(pk=case.pk)
    assert (after.status, after.closed_at) == (Status.CLOSED, case.silence_ends_at)
    assert after.confirmed_at is None
    assert workflow.close_silent(AT + 30 * DAY) == 0


def test_the_customers_word_closes_at_once(house):
    case = do(house, in_state(house, Status.NOTIFIED), "confirm", at=AT + HOUR)
    assert (case.status, case.confirmed_at) == (Status.CLOSED, AT + HOUR)


def test_reopening_runs_new_clocks_for_ninety_days(house):
    case = in_state(house, Status.CLOSED)
    again = do(house, case, "reopen", at=AT + 90 * DAY)
    assert (again.round, again.reopen_count, again.notified_at) == (2, 1, None)
    assert open_clocks(again).filter(name="resolve", round=2).exists()
    late = in_state(house, Status.CLOSED)
    outcome = workflow.reopen(
        rows(late), payloads.Reason("Again."), actor=house.actor("officer"), at=AT + 91 * DAY
    )[0]
    assert outcome.refused is Refusal.GUARD
    assert "90" in outcome.why


def test_what_is_too_old_continues_in_a_linked_case(house):
    case = in_state(house, Status.ARCHIVED)
    what = payloads.Reason("It happened again.")
    outcome = workflow.follow_up(rows(case), what, actor=house.actor("officer"), at=AT + 200 * DAY)[
        0
    ]
    assert outcome.done
    new = Case.objects.latest("pk")
    assert (new.repeat_of_id, new.status) == (case.pk, Status.RECEIVED)
    assert new.content == "It happened again."
    assert Case.objects.get(pk=case.pk).status == Status.ARCHIVED


def test_archiving_waits_for_the_reopen_window(house):
    case = in_state(house, Status.CLOSED)
    assert workflow.archive_old(AT + 89 * DAY) == 0
    assert workflow.archive_old(AT + 90 * DAY) == 1
    assert Case.objects.get(pk=case.pk).archived_at == AT + 90 * DAY


def test_the_departments_refusal_is_counted_and_goes_back_to_the_officer(house):
    case = in_state(house, Status.RETURNED)
    assert (case.return_count, case.department.code) == (1, "CMPT")
    assert case.handler_id == house.pk("officer")
    spans = list(case.hand_overs.order_by("pk").values_list("department__code", "ended_by"))
    assert spans == [("CARD", "assign"), ("CARD", "return"), ("CMPT", "")]
    assert Notice.objects.filter(kind="case.returned", person_id=house.pk("officer")).exists()


def test_a_case_refused_once_goes_on_only_with_a_reason(house):
    case = in_state(house, Status.RETURNED)
    for note in ("", "  "):
        what = payloads.Sending(house.units["LOAN"].pk, note=note)
        outcome = workflow.assign(rows(case), what, actor=house.actor("officer"), at=AT)[0]
        assert outcome.refused is Refusal.GUARD
        assert "why it goes to this department" in outcome.why
    what = payloads.Sending(house.units["LOAN"].pk, note="A loan after all.")
    assert do(house, case, "assign", what).department.code == "LOAN"


def test_the_handler_must_work_there_and_not_be_named(house):
    case = in_state(house, Status.ASSESSING, named_ids=(house.pk("handler2"),))
    for who in ("loan_handler", "handler2"):
        what = payloads.Sending(house.units["CARD"].pk, house.pk(who))
        outcome = workflow.assign(rows(case), what, actor=house.actor("officer"), at=AT)[0]
        assert outcome.refused is Refusal.GUARD, who


def test_merging_keeps_both_and_answers_every_sender(house):
    gone, stays = open_case(house), open_case(house)
    records.add_note(rows(gone), "She called twice.", actor=house.actor("officer"), at=AT)
    before = journal.entries(gone.stream).count()
    what = payloads.Merging(stays.pk, "Same fee.")
    do(house, gone, "merge", what, by="supervisor")
    gone = Case.objects.get(pk=gone.pk)
    assert gone.merged_into_id == stays.pk
    assert not open_clocks(gone).exists()
    assert journal.entries(gone.stream).count() > before
    stays = Case.objects.get(pk=stays.pk)
    assert stays.group_size == 2
    assert journal.entries(stays.stream).filter(action="case.took_in").exists()
    for verb, by in (("accept", "officer"), ("assess", "officer"), ("start", "officer")):
        do(house, stays, verb, by=by)
    do(house, stays, "resolve", ANSWER)
    assert told(house, stays, "phone").done
    letter = OutboxMessage.objects.get(kind="case.result")
    assert letter.about == gone.about
    assert ANSWER.answer in letter.text


def test_no_case_is_merged_into_itself_or_a_finished_one(house):
    case, done = open_case(house), in_state(house, Status.CLOSED)
    for into in (case.pk, done.pk, 999_999):
        what = payloads.Merging(into, "Same.")
        outcome = workflow.merge(rows(case), what, actor=house.actor("supervisor"), at=AT)[0]
        assert outcome.refused is Refusal.GUARD, into
    assert Case.objects.get(pk=case.pk).status == Status.RECEIVED


def test_containment_is_for_critical_cases_with_evidence(house):
    mild = open_case(house)
    proof = evidence(house, mild)
    what = payloads.Containing("Card blocked.", proof)
    act = workflow.contain
    assert act(rows(mild), what, actor=house.actor("officer"), at=AT)[0].refused is Refusal.GUARD
    grave = open_case(house, severity=4)
    bare = payloads.Containing("Card blocked.")
    assert act(rows(grave), bare, actor=house.actor("officer"), at=AT)[0].refused is Refusal.GUARD
    assert do(house, grave, "contain", what, at=AT + HOUR).contained_at == AT + HOUR


def test_severity_moves_clocks_and_the_regulators_mark_holds_it_up(house):
    case = open_case(house)
    slow = case.resolve_due_at
    case = do(house, case, "raise_severity", payloads.Grading(4, "Outage."), by="supervisor")
    assert case.resolve_due_at < slow
    case = do(house, case, "set_major", by="supervisor")
    low = payloads.Grading(2, "Over.")
    act = workflow.lower_severity
    assert act(rows(case), low, actor=house.actor("supervisor"), at=AT)[0].refused is Refusal.GUARD
    case = do(house, case, "clear_major", by="supervisor")
    assert do(house, case, "lower_severity", low, by="supervisor").severity == 2


def test_a_retyped_complaint_stays_counted_as_registered(house):
    case = do(house, open_case(house), "retype", by="supervisor")
    assert (case.type.code, case.type_at_receipt.code) == ("INQ", "CMP")
    assert case.policy_reason["why"]["type"] == "INQ"
    assert (
        case.regulatory_due_at is None or not open_clocks(case).filter(name="regulatory").exists()
    )


def test_facts_keep_their_old_value_in_the_record(house):
    case = open_case(house)
    changed = {"business_channel": "WBK"}
    what = payloads.FactsEdit({"core_issue": "Annual fee twice"}, changed, "Misheard")
    after = do(house, case, "edit_facts", what)
    assert (after.core_issue, after.business_channel.code) == ("Annual fee twice", "WBK")
    entry = journal.entries(case.stream).get(action="case.edit_facts")
    assert journal.facts_of(entry)["business_channel_before"] == "MOB"
    words = journal.words_of([entry])[entry.pk]
    assert words["core_issue_before"] == case.core_issue
    same = workflow.edit_facts(rows(case), what, actor=house.actor("officer"), at=AT)[0]
    assert same.done
    assert Case.objects.get(pk=case.pk).version == after.version


def test_the_slower_of_two_learns_who_was_faster(house):
    case = open_case(house)
    do(house, case, "accept")
    what = default(house, "refuse", None)
    late = workflow.refuse(
        rows(case), what, actor=house.actor("supervisor"), at=AT, expected={case.pk: case.version}
    )[0]
    assert late.refused is Refusal.STALE
    assert "Officer Test" in workflow.explain(late)


def test_a_refused_row_stops_no_other(house):
    good, bad = open_case(house), in_state(house, Status.CLOSED)
    what = payloads.Taking(no_interest=True)
    outcomes = workflow.accept(rows(good, bad), what, actor=house.actor("officer"), at=AT)
    assert [o.refused for o in outcomes] == [None, Refusal.MOVE]
    assert Case.objects.get(pk=good.pk).status == Status.ACCEPTED


def test_the_chain_holds_after_a_whole_life(house):
    case = in_state(house, Status.ARCHIVED)
    assert case.event_seq > 10
    assert first_fault(case) is None
