"""What needs a second person: who may decide, and that the decision runs the same verb."""

from dataclasses import replace
from decimal import Decimal

import pytest

from complaints import workflow
from complaints.choices import Status
from complaints.models import Case, CaseExclusion
from complaints.workflow import payloads
from complaints.workflow.outcomes import Refusal
from config.kernel import journal
from config.kernel.models import Approval, Notice, OutboxMessage
from tests.factories.complaints import (
    ANSWER,
    AT,
    DAY,
    HOUR,
    bank,
    decide,
    do,
    in_state,
    open_case,
    rows,
)

pytestmark = pytest.mark.django_db
MONEY = replace(
    ANSWER, compensation=Decimal(2500), compensation_kind="liability", remedies=("COM",)
)


@pytest.fixture
def house():
    return bank()


def asked(house, case, verb, what, *, by="officer", at=AT):
    return workflow.ask(verb, rows(case), what, actor=house.actor(by), at=at)[0]


def fresh(case):
    return Case.objects.get(pk=case.pk)


def test_a_proposed_answer_is_decided_by_the_head_of_that_department_only(house):
    case = in_state(house, Status.PENDING_APPROVAL)
    assert fresh(case).answer == ANSWER.answer
    assert Notice.objects.filter(kind="approval.asked", person_id=house.pk("depthead")).exists()
    with pytest.raises(Approval.DoesNotExist):
        decide(house, case, "approved", by="loan_handler")
    assert decide(house, case, "approved", by="handler").refused == "own"
    assert decide(house, case, "approved", by="depthead", at=AT + HOUR).refused is None
    after = fresh(case)
    assert (after.status, after.resolved_at) == (Status.RESOLVED, AT + HOUR)
    assert journal.entries(case.stream).get(action="case.approve").actor_id == house.pk("depthead")
    assert Notice.objects.filter(kind="case.resolved", person_id=house.pk("officer")).exists()


def test_a_sent_back_answer_returns_to_its_handler_and_is_counted(house):
    case = in_state(house, Status.PENDING_APPROVAL)
    assert decide(house, case, "returned", by="depthead", note="").refused == "note"
    assert decide(house, case, "returned", by="depthead", note="Basis?").refused is None
    after = fresh(case)
    assert (after.status, after.return_count) == (Status.SENT_BACK, 1)
    assert Notice.objects.filter(kind="case.sent_back", person_id=house.pk("handler")).exists()
    again = workflow.propose(rows(case), ANSWER, actor=house.actor("handler"), at=AT)[0]
    assert again.refused is Refusal.APPROVAL_ASKED
    assert not Notice.objects.filter(kind="case.sent_back", done_at=None).exists()


def test_money_above_the_authority_waits_for_somebody_who_has_it(house):
    case = in_state(house, Status.IN_PROGRESS)
    outcome = workflow.resolve(rows(case), MONEY, actor=house.actor("officer"), at=AT)[0]
    assert outcome.refused is Refusal.APPROVAL_ASKED
    assert fresh(case).status == Status.PENDING_APPROVAL
    assert Approval.objects.get().amount == Decimal(2500)
    assert decide(house, case, "approved", by="depthead").refused == "not_allowed"  # 2,000
    assert decide(house, case, "approved", by="supervisor").refused is None  # 5,000
    after = fresh(case)
    assert (after.status, after.compensation) == (Status.RESOLVED, Decimal(2500))


def test_money_beyond_the_supervisor_goes_to_the_senior_approver(house):
    case = in_state(house, Status.IN_PROGRESS)
    much = replace(MONEY, compensation=Decimal(9000))
    workflow.resolve(rows(case), much, actor=house.actor("officer"), at=AT)
    assert decide(house, case, "approved", by="supervisor").refused == "not_allowed"
    assert decide(house, case, "approved", by="approver").refused is None
    assert fresh(case).compensation == Decimal(9000)


def test_money_within_the_authority_needs_nobody(house):
    case = in_state(house, Status.IN_PROGRESS)
    small = replace(MONEY, compensation=Decimal(500))
    assert do(house, case, "resolve", small).compensation == Decimal(500)
    assert not Approval.objects.exists()


@pytest.mark.parametrize(
    ("verb", "what", "kind", "status"),
    [
        ("refuse", payloads.Refusing("NDB", "No matter of ours."), "not_accepted", "not_accepted"),
        ("retype", payloads.Retyping("INQ", "She asks."), "retype", "received"),
        ("lower_severity", payloads.Grading(1, "Small."), "severity", "received"),
        ("set_major", payloads.Reason("The regulator says so."), "major", "received"),
        ("withdraw", payloads.Withdrawing("I take it back.", "REC-9"), "withdrawal", "withdrawn"),
    ],
)
def test_what_an_officer_asks_the_supervisor_decides(house, verb, what, kind, status):
    case = open_case(house)
    outcome = asked(house, case, verb, what)
    assert outcome.refused is Refusal.APPROVAL_ASKED
    assert fresh(case).status == Status.RECEIVED
    assert asked(house, case, verb, what).refused is Refusal.GUARD  # already waiting
    assert Approval.objects.get().kind == kind
    assert decide(house, case, "approved", by="supervisor", at=AT + HOUR).refused is None
    assert fresh(case).status == status
    assert journal.entries(case.stream).filter(action=f"case.{verb}").exists()


def test_a_refused_request_changes_nothing(house):
    case = open_case(house)
    asked(house, case, "retype", payloads.Retyping("INQ", "She asks."))
    assert decide(house, case, "refused", by="supervisor", note="No inquiry.").refused is None
    assert fresh(case).type.code == "CMP"
    assert asked(house, case, "retype", payloads.Retyping("SUG", "Idea.")).asked


def test_a_pause_asked_by_the_handler_is_carried_out_with_its_end(house):
    case = in_state(house, Status.IN_PROGRESS)
    what = payloads.Pausing("Papers are missing.", AT + 3 * DAY)
    assert asked(house, case, "wait_customer", what, by="handler").asked
    assert decide(house, case, "approved", by="supervisor", at=AT + HOUR).refused is None
    after = fresh(case)
    assert after.status == Status.WAITING_CUSTOMER
    assert case.pauses.get().expected_end_at == AT + 3 * DAY
    late = do(house, case, "resume", at=AT + 2 * HOUR)
    assert late.resolve_due_at > after.resolve_due_at or late.status == Status.IN_PROGRESS


def test_the_first_extension_is_the_supervisors_the_second_the_senior_approvers(house):
    case = in_state(house, Status.IN_PROGRESS)
    first_due = case.regulatory_due_at
    why = payloads.Reason("An outside expert is needed.")
    assert asked(house, case, "extend", why).asked
    assert decide(house, case, "approved", by="supervisor").refused is None
    assert (fresh(case).regulatory_due_at - first_due).days == 15
    assert asked(house, case, "extend", why).asked
    assert decide(house, case, "approved", by="supervisor").refused == "not_allowed"
    assert not OutboxMessage.objects.filter(kind="case.extension").exists()
    assert decide(house, case, "approved", by="approver").refused is None
    assert (fresh(case).regulatory_due_at - first_due).days == 45
    assert OutboxMessage.objects.filter(kind="case.extension").count() == 1
    assert asked(house, case, "extend", why).refused is Refusal.GUARD


@pytest.mark.parametrize(
    "what", [payloads.Withdrawing(" ", "REC-1"), payloads.Withdrawing("I take it back.")]
)
def test_a_withdrawal_needs_the_customers_words_and_proof(house, what):
    assert asked(house, open_case(house), "withdraw", what).refused is Refusal.GUARD
    assert not Approval.objects.exists()


def test_a_decision_about_a_case_that_moved_on_is_not_taken(house):
    case = open_case(house)
    asked(house, case, "refuse", payloads.Refusing("NDB", "No matter of ours."))
    do(house, case, "accept")
    outcome = decide(house, case, "approved", by="supervisor")
    assert outcome.refused == "impossible"
    assert Approval.objects.get().state == "pending"
    assert fresh(case).status == Status.ACCEPTED


def test_leaving_the_way_withdraws_what_still_waits(house):
    case = open_case(house)
    asked(house, case, "retype", payloads.Retyping("INQ", "She asks."))
    do(house, case, "transfer")
    assert Approval.objects.get().state == "cancelled"


def test_somebody_named_in_the_case_decides_nothing(house):
    case = in_state(house, Status.IN_PROGRESS)
    CaseExclusion.objects.create(case=case, person_id=house.pk("depthead"), reason="named", at=AT)
    workflow.propose(rows(case), ANSWER, actor=house.actor("handler"), at=AT)
    assert decide(house, case, "approved", by="depthead").refused == "not_allowed"
    assert not Notice.objects.filter(kind="approval.asked", person_id=house.pk("depthead")).exists()
    assert decide(house, case, "approved", by="supervisor").refused is None
