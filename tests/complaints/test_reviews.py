"""The review (核查) of a decision: who, within which time, on which clocks, and what it ends in."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from complaints import clocks, delivering, figures, workflow
from complaints.choices import REVIEW_CLOCKS, ClockName, ClockState, Status
from complaints.clocks.rules import Plan, RuleBook
from complaints.models import (
    Case,
    CaseClock,
    CaseExclusion,
    CaseGrant,
    CaseReview,
    CustomerNotice,
)
from complaints.workflow import payloads
from complaints.workflow.moves import offered
from complaints.workflow.outcomes import Refusal
from config.kernel import journal
from config.kernel.models import JournalEntry, Notice, OutboxMessage
from config.shared.actors import SYSTEM
from config.shared.metrics import Period
from tests.complaints.clock_house import ZONE, clock
from tests.factories.complaints import (
    AT,
    DAY,
    HOUR,
    default,
    do,
    in_state,
    rows,
)

pytestmark = pytest.mark.django_db
JUDGED = payloads.Judging("maintained", "The tariff was applied as agreed.", no_interest=True)
WRITTEN = payloads.Told("email", "The decision stays as it was.")


@pytest.fixture
def house(shared_house):
    """CARD decides, the complaint team is its superior unit; its own officer handled the case."""
    card = shared_house.units["CARD"]
    card.superior = shared_house.units["CMPT"]
    card.save(update_fields=["superior"])
    return shared_house


def objected(house, *, at=AT + DAY, state=Status.CLOSED, **given) -> Case:
    return do(
        house, in_state(house, state), "ask_review", payloads.Objecting("No.", **given), at=at
    )


def refused(house, case, verb, what=None, *, by="supervisor", at=AT + DAY):
    """Try a verb that must be refused; returns the words."""
    function, kind = workflow.VERBS[verb]
    what = what or default(house, verb, kind)
    outcome = function(rows(case), what, actor=house.actor(by), at=at)[0]
    assert outcome.refused in {Refusal.GUARD, Refusal.RECUSED}, outcome
    return outcome.why


def states(case, *names):
    found = CaseClock.objects.filter(case=case, name__in=names or REVIEW_CLOCKS)
    return dict(found.order_by("round").values_list("name", "state"))


def test_an_objection_starts_the_clocks_of_the_review_and_leaves_the_case_closed(house):
    case = objected(house)
    review = CaseReview.objects.get(case=case)
    assert (case.status, review.round, review.department.code) == (Status.CLOSED, 1, "CMPT")
    due = {
        name: clock(case, name).due_at.astimezone(ZONE).strftime("%m-%d %H:%M")
        for name in REVIEW_CLOCKS
    }
    assert due == {  # received on Thursday, 5 March 2026
        "review_ack": "03-06 18:00", "review_step": "03-12 18:00",
        "review": "03-25 23:59", "review_told": "04-04 23:59",
    }  # fmt: skip
    own = CaseClock.objects.filter(case=case).exclude(name__in=REVIEW_CLOCKS)
    assert not own.filter(stopped_at__isnull=True).exists()
    assert list(clocks.recompute(check=True, actor=SYSTEM, at=AT + DAY)) == []


def test_an_open_review_stands_in_the_queue_by_its_due_time_and_leaves_it_when_told(house):
    case = objected(house)
    assert (case.next_clock, case.next_due_at) == ("review_ack", clock(case, "review_ack").due_at)
    case = do(house, case, "acknowledge_review", by="supervisor", at=AT + 2 * DAY)
    assert case.next_clock == "review_step"
    case = do(house, case, "decide_review", JUDGED, by="supervisor", at=AT + 3 * DAY)
    assert case.next_clock == "review_told"
    case = do(house, case, "tell_review", by="supervisor", at=AT + 3 * DAY)
    assert (case.next_clock, case.next_due_at, case.status) == ("", clocks.NEVER, Status.CLOSED)
    assert set(states(case).values()) == {ClockState.MET}


def test_a_late_review_changes_nothing_in_k02_and_k28(house):
    period = Period(AT - 30 * DAY, AT + 90 * DAY)
    case, scope = in_state(house, Status.CLOSED), house.scope("supervisor")

    def shares():
        wanted = (figures.due, figures.told_in_time, figures.regulatory_due, figures.regulatory_met)
        return [read(period, scope).count() for read in wanted]

    before = shares()
    case = do(house, case, "ask_review", payloads.Objecting("No."), at=AT + DAY)
    clocks.sweep(AT + 60 * DAY)
    do(house, case, "decide_review", JUDGED, by="supervisor", at=AT + 60 * DAY)
    assert clock(case, ClockName.REVIEW).state == ClockState.MISSED
    assert shares() == before


def test_a_late_review_is_raised_to_the_supervisor_and_not_to_those_who_decided(house):
    case = objected(house)
    clocks.sweep(AT + 60 * DAY)
    told = Notice.objects.filter(about=case.about, kind__startswith="clock.")
    assert set(told.values_list("person_id", flat=True)) == {house.pk("supervisor")}
    assert clock(case, "review_told").breached_at == clock(case, "review_told").due_at


def test_every_progress_notice_begins_the_next_five_working_days(house):
    case = objected(house)
    told = AT + 6 * DAY
    do(house, case, "progress_review", by="supervisor", at=told)
    assert clock(case, "review_step", 1).state == ClockState.MET
    assert clock(case, "review_step", 2).due_at.astimezone(ZONE).strftime("%m-%d") == "03-17"
    assert CaseClock.objects.filter(case=case, name="progress").count() == 1


@pytest.mark.parametrize(("days", "possible"), [(30, True), (31, False)])
def test_an_objection_is_possible_for_thirty_days(house, days, possible):
    case = in_state(house, Status.CLOSED)
    what, at = payloads.Objecting("No."), AT + days * DAY
    if possible:
        assert do(house, case, "ask_review", what, at=at).status == Status.CLOSED
    else:
        assert "30 days" in refused(house, case, "ask_review", what, at=at)
        assert not CaseReview.objects.filter(case=case).exists()


def test_what_came_in_in_time_may_be_recorded_later(house):
    case = objected(house, at=AT + 35 * DAY, asked_at=AT + 29 * DAY)
    assert clock(case, "review").started_at == AT + 29 * DAY
    assert clock(case, "review_ack").breached_at is not None


def test_an_objection_needs_words_a_told_customer_and_no_future(house):
    case = in_state(house, Status.CLOSED)
    assert "objection" in refused(house, case, "ask_review", payloads.Objecting(" "))
    for moment in (AT - DAY, AT + 2 * DAY):
        what = payloads.Objecting("No.", asked_at=moment)
        assert "future" in refused(house, case, "ask_review", what)


def test_a_decision_of_a_unit_without_superior_is_not_reviewed(house):
    card = house.units["CARD"]
    card.superior = None
    card.save(update_fields=["superior"])
    assert "mediation" in refused(house, in_state(house, Status.CLOSED), "ask_review")


def test_one_review_at_a_time_and_one_per_decision(house):
    case = objected(house)
    assert "being reviewed" in refused(house, case, "ask_review")
    case = do(house, case, "decide_review", JUDGED, by="supervisor", at=AT + 2 * DAY)
    case = do(house, case, "tell_review", by="supervisor", at=AT + 2 * DAY)
    assert "reviewed already" in refused(house, case, "ask_review", at=AT + 3 * DAY)


def test_nobody_who_handled_or_decided_reviews(house):
    case = objected(house)
    assert "handled or decided" in refused(house, case, "decide_review", JUDGED, by="officer")
    assert "does not work in" in refused(house, case, "decide_review", JUDGED, by="loan_handler")
    assert "interest" in refused(
        house, case, "decide_review", payloads.Judging("maintained", "Fine.")
    )
    other = in_state(house, Status.CLOSED)
    for name in ("officer", "handler2"):
        what = payloads.Objecting("No.", reviewer_id=house.pk(name))
        assert refused(house, other, "ask_review", what)


def test_somebody_named_in_the_case_reviews_nothing(house):
    case = in_state(house, Status.CLOSED)
    CaseExclusion.objects.create(case=case, person_id=house.pk("supervisor"), reason="named", at=AT)
    what = payloads.Objecting("No.", reviewer_id=house.pk("supervisor"))
    assert "named" in refused(house, case, "ask_review", what, by="officer")
    case = do(house, case, "ask_review", payloads.Objecting("No."), at=AT + DAY)
    assert "named" in refused(house, case, "decide_review", JUDGED)
    assert not CaseGrant.objects.filter(case=case, person_id=house.pk("supervisor")).exists()
    told = Notice.objects.filter(kind="case.review_asked")
    assert not told.filter(person_id=house.pk("supervisor")).exists()


def test_the_reviewer_is_told_may_read_the_case_and_its_unit_decides(house):
    """A unit that stands elsewhere in the tree: the reviewer reads by grant and decides."""
    loan = house.units["LOAN"]
    card = house.units["CARD"]
    card.superior = loan
    card.save(update_fields=["superior"])
    account = house.accounts["loan_handler"]
    account.grants.create(role="HD")
    case = objected(house, reviewer_id=house.pk("loan_handler"))
    scope = house.scope("loan_handler")
    assert Case.objects.visible_to(scope).filter(pk=case.pk).exists()
    assert Case.objects.visible_to(scope, "review").filter(pk=case.pk).exists()
    assert not Case.objects.visible_to(scope, "close").filter(pk=case.pk).exists()
    assert Notice.objects.get(kind="case.review_asked").person_id == house.pk("loan_handler")
    do(house, case, "decide_review", JUDGED, by="loan_handler", at=AT + 2 * DAY)
    do(house, case, "tell_review", by="loan_handler", at=AT + 2 * DAY)
    assert not Case.objects.visible_to(scope, "review").filter(pk=case.pk).exists()


def test_redo_reopens_the_case_with_new_clocks(house):
    case = objected(house)
    redo = payloads.Judging("redo", "The slip was not looked at.", no_interest=True)
    case = do(house, case, "decide_review", redo, by="supervisor", at=AT + 2 * DAY)
    assert (case.status, case.round, case.reopen_count) == (Status.REOPENED, 2, 1)
    assert (case.resolved_at, case.notified_at, case.closed_at) == (None, None, None)
    assert clock(case, "resolve", 2).state == ClockState.RUNNING
    assert states(case, "review_told") == {"review_told": ClockState.RUNNING}
    again = do(house, case, "start", at=AT + 2 * DAY)
    again = do(house, again, "resolve", at=AT + 3 * DAY)
    again = do(house, again, "notify", at=AT + 3 * DAY)
    assert again.next_clock == "review_told"
    done = do(house, again, "tell_review", by="supervisor", at=AT + 3 * DAY + HOUR)
    assert done.next_clock == ""
    assert list(clocks.recompute(check=True, actor=SYSTEM, at=AT + 4 * DAY)) == []


def test_changed_and_maintained_leave_the_case_as_it_is(house):
    case = objected(house)
    changed = payloads.Judging("changed", "Half of the fee is refunded.", no_interest=True)
    case = do(house, case, "decide_review", changed, by="supervisor", at=AT + 2 * DAY)
    assert (case.status, case.round) == (Status.CLOSED, 1)
    entry = journal.entries(case.stream).get(action="case.decide_review")
    assert journal.facts_of(entry)["decision"] == "changed"
    assert "Half of the fee" not in entry.body
    assert str(journal.describe(entry)) == "Review decided: Decision changed"


def test_the_case_is_neither_reopened_nor_archived_while_it_is_reviewed(house):
    case = objected(house)
    assert "reviewed" in refused(house, case, "reopen", payloads.Reason("Again."))
    assert "reviewed" in refused(house, case, "archive", at=AT + 95 * DAY)
    assert workflow.archive_old(AT + 95 * DAY) == 0


def test_a_letter_ends_the_review_when_it_was_delivered(house):
    case = objected(house)
    case = do(house, case, "decide_review", JUDGED, by="supervisor", at=AT + 2 * DAY)
    case = do(house, case, "tell_review", WRITTEN, by="supervisor", at=AT + 2 * DAY)
    assert states(case, "review_told") == {"review_told": ClockState.RUNNING}
    letter = OutboxMessage.objects.get(kind="case.review")
    assert "Result of the review" in letter.subject or "核查" in letter.subject
    letter.sent_at = AT + 2 * DAY + HOUR
    delivering._delivered([letter], AT + 2 * DAY + HOUR)
    assert CustomerNotice.objects.get(purpose="review").result == "delivered"
    assert CaseReview.objects.get(case=case).told_at == AT + 2 * DAY + HOUR
    assert states(case, "review_told") == {"review_told": ClockState.MET}
    delivering._delivered([letter], AT + 2 * DAY + HOUR)
    assert JournalEntry.objects.filter(action="case.tell_review").count() == 1


def test_the_result_is_told_only_after_the_decision_and_with_words(house):
    case = objected(house)
    assert "decided" in refused(house, case, "tell_review")
    case = do(house, case, "decide_review", JUDGED, by="supervisor", at=AT + 2 * DAY)
    late = {"at": AT + 2 * DAY}
    assert refused(house, case, "tell_review", payloads.Told("phone", " "), **late)
    assert "proof" in refused(house, case, "tell_review", payloads.Told("letter", "So."), **late)
    assert refused(house, case, "tell_review", payloads.Told("pigeon", "So."), **late)


def test_the_receipt_is_confirmed_once_in_the_customers_language(house):
    case = objected(house)
    what = payloads.Told("email")
    do(house, case, "acknowledge_review", what, by="supervisor", at=AT + DAY + HOUR)
    assert states(case, "review_ack") == {"review_ack": ClockState.MET}
    assert OutboxMessage.objects.filter(kind="case.progress").count() == 1
    assert refused(house, case, "acknowledge_review", at=AT + 2 * DAY)


def test_buttons_follow_the_review(house):
    from complaints.case_page import rows_for_page

    def verbs(case, name="supervisor"):
        loaded = rows_for_page().get(pk=case.pk)
        return {view.move.verb for view in offered(loaded, house.scope(name))} & {
            "ask_review", "acknowledge_review", "progress_review", "decide_review", "tell_review",
        }  # fmt: skip

    case = in_state(house, Status.CLOSED)
    assert verbs(case) == {"ask_review"}
    case = do(house, case, "ask_review", payloads.Objecting("No."), at=AT + DAY)
    assert verbs(case) == {"acknowledge_review", "progress_review", "decide_review"}
    assert verbs(case, "officer") == {"acknowledge_review", "progress_review"}
    case = do(house, case, "acknowledge_review", by="supervisor", at=AT + DAY)
    assert verbs(case) == {"progress_review", "decide_review"}
    case = do(house, case, "decide_review", JUDGED, by="supervisor", at=AT + DAY)
    assert verbs(case) == {"tell_review"}


def test_under_rules_without_a_row_for_reviews_there_are_no_clocks(house, monkeypatch):
    monkeypatch.setattr(RuleBook, "review_plan", lambda _book, _case: Plan())
    case = objected(house)
    assert states(case) == {}
    case = do(house, case, "decide_review", JUDGED, by="supervisor", at=AT + 2 * DAY)
    assert do(house, case, "tell_review", by="supervisor", at=AT + 2 * DAY).next_clock == ""


def test_a_severity_change_after_a_redo_leaves_the_clocks_of_the_review_alone(house):
    case = objected(house)
    redo = payloads.Judging("redo", "Look again.", no_interest=True)
    case = do(house, case, "decide_review", redo, by="supervisor", at=AT + 2 * DAY)
    due = clock(case, "review_told").due_at
    case = do(house, case, "raise_severity", by="supervisor", at=AT + 2 * DAY)
    told = clock(case, "review_told")
    assert (told.state, told.due_at) == (ClockState.RUNNING, due)
    assert clock(case, "resolve").due_at - clock(case, "resolve").started_at == timedelta(hours=48)


def test_many_objections_cost_the_queries_of_one(house, django_assert_max_num_queries):
    cases = [in_state(house, Status.CLOSED) for _n in range(4)]
    what = payloads.Objecting("No.")
    with django_assert_max_num_queries(40):
        outcomes = workflow.ask_review(
            rows(*cases), what, actor=house.actor("officer"), at=AT + DAY
        )
    assert all(outcome.done for outcome in outcomes)


def post(client, house, case, verb, data, *, by):
    """Send the dialog of a move as its reader would; returns the answer."""
    client.force_login(house.accounts[by])
    url = reverse("case_move", args=[case.number, verb])
    shown = client.get(url)
    if shown.status_code != 200:
        return shown
    version = Case.objects.get(pk=case.pk).version
    return client.post(url, {"version": version, **data})


def test_the_whole_review_through_its_dialogs(client, house):
    told = timezone.now() - 3 * HOUR
    case = in_state(house, Status.CLOSED, at=told)
    moment = timezone.localtime(told + HOUR).strftime("%Y-%m-%dT%H:%M")
    objection = {"reason": "I do not agree.", "asked_at": moment}
    assert post(client, house, case, "ask_review", {"reason": ""}, by="officer").status_code == 422
    assert post(client, house, case, "ask_review", objection, by="handler2").status_code == 403
    assert post(client, house, case, "ask_review", objection, by="officer").status_code == 302
    spoken = {"method": "phone", "words": "We look at it again."}
    for verb, data in (
        ("acknowledge_review", spoken),
        ("progress_review", spoken),
        ("decide_review", {"decision": "changed", "words": "Half back.", "no_interest": "on"}),
        ("tell_review", spoken),
    ):
        assert post(client, house, case, verb, data, by="handler2").status_code == 403
        who = "supervisor" if verb == "decide_review" else "officer"
        answer = post(client, house, case, verb, data, by=who)
        assert answer.status_code == 302, (verb, answer.text)
    review = CaseReview.objects.get(case=case)
    assert (review.decision, review.told_at is not None, review.version) == ("changed", True, 4)
    page = client.get(case.get_absolute_url())
    assert "Review decided: Decision changed" in page.text


def test_the_unit_that_decided_neither_reviews_nor_tells(client, house):
    case = in_state(house, Status.CLOSED, at=timezone.now() - 3 * HOUR)
    do(house, case, "ask_review", payloads.Objecting("No."), at=timezone.now() - HOUR)
    data = {"method": "phone", "words": "All was right.", "no_interest": "on"}
    for verb in ("acknowledge_review", "progress_review", "tell_review"):
        assert post(client, house, case, verb, data, by="depthead").status_code == 403, verb
    data |= {"decision": "maintained"}
    assert post(client, house, case, "decide_review", data, by="depthead").status_code == 422


def test_the_head_of_the_reviewing_unit_decides_in_the_dialog(client, house):
    told = timezone.now() - 3 * HOUR
    card = house.units["CARD"]
    card.superior = house.units["LOAN"]
    card.save(update_fields=["superior"])
    house.accounts["loan_handler"].grants.create(role="HD")
    case = in_state(house, Status.CLOSED, at=told)
    data = {"decision": "maintained", "words": "Right.", "no_interest": "on"}
    assert post(client, house, case, "decide_review", data, by="loan_handler").status_code == 404
    what = payloads.Objecting("No.", reviewer_id=house.pk("loan_handler"))
    do(house, case, "ask_review", what, at=told + HOUR)
    assert post(client, house, case, "decide_review", data, by="loan_handler").status_code == 302
    assert CaseReview.objects.get(case=case).decided_by_id == house.pk("loan_handler")
