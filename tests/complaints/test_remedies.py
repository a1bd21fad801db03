"""The ledger of remedies: authority per case, budgets, proofs, lateness after closing, pages."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from complaints import workflow
from complaints.choices import ENDED_ASIDE, RemedyState, Status
from complaints.models import Case, CaseExclusion, CaseRemedy, RemedyBudget
from complaints.remedies import lateness, ledger, money
from complaints.workflow import Refusal, payloads
from config.kernel import journal
from config.kernel.models import Approval, Notice
from tests.factories.complaints import (
    ANSWER,
    AT,
    DAY,
    PNG,
    decide,
    do,
    in_state,
    open_case,
    rows,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")


def give(house, case, term="REF", amount=Decimal(100), *, by="officer", at=AT, owner="officer"):
    what = ledger.Promise(term, house.pk(owner), at + DAY, "Card fee", amount)
    return ledger.promise(rows(case), what, actor=house.actor(by), at=at)[0]


def finish(house, remedy, *, by="officer", at=AT):
    proof = SimpleUploadedFile("receipt.png", PNG, content_type="image/png")
    found = CaseRemedy.objects.filter(pk=remedy.pk)
    return ledger.complete(found, "Booked", proof=proof, actor=house.actor(by), at=at)[0]


def test_a_remedy_has_owner_day_and_proof_and_stands_in_the_record(house):
    case = open_case(house)
    remedy = give(house, case, owner="handler")
    assert (remedy.state, remedy.due_at) == (RemedyState.PROMISED, AT + DAY)
    told = Notice.objects.get(kind=ledger.ASSIGNED)
    assert told.person_id == house.pk("handler")
    finish(house, remedy)
    saved = CaseRemedy.objects.get(pk=remedy.pk)
    assert (saved.state, saved.done_at, saved.proof.kind) == (RemedyState.DONE, AT, "case")
    told.refresh_from_db()
    assert told.done_at == AT
    actions = journal.entries(case.stream).values_list("action", flat=True)
    assert {"case.remedy_promised", "case.remedy_done"} <= set(actions)


@pytest.mark.parametrize(
    ("term", "amount", "code"),
    [("REF", None, "amount"), ("APO", Decimal(5), "amount"), ("XXX", None, "term")],
)
def test_a_promise_that_cannot_hold_is_refused(house, term, amount, code):
    with pytest.raises(ledger.RemedyRefused) as caught:
        give(house, open_case(house), term, amount)
    assert caught.value.code == code


def test_nothing_is_promised_for_a_time_that_has_passed(house):
    case = open_case(house)
    what = ledger.Promise("COR", house.pk("officer"), AT)
    with pytest.raises(ledger.RemedyRefused) as caught:
        ledger.promise(rows(case), what, actor=house.actor("officer"), at=AT)
    assert caught.value.code == "past"


def test_a_proof_belongs_to_one_remedy_and_taking_back_needs_a_reason(house):
    case = open_case(house)
    both = [give(house, case).pk for _ in range(2)]
    found, actor = CaseRemedy.objects.filter(pk__in=both), house.actor("officer")
    proof = SimpleUploadedFile("receipt.png", PNG, content_type="image/png")
    with pytest.raises(ledger.RemedyRefused) as caught:
        ledger.complete(found, "Booked", proof=proof, actor=actor, at=AT)
    assert caught.value.code == "one"
    with pytest.raises(ledger.RemedyRefused) as caught:
        ledger.cancel(found, "  ", actor=actor, at=AT)
    assert caught.value.code == "reason"
    assert set(found.values_list("state", flat=True)) == {RemedyState.PROMISED}


def test_money_is_done_only_with_a_receipt_and_words_do_for_the_rest(house):
    case = open_case(house)
    actor = house.actor("officer")
    paid = CaseRemedy.objects.filter(pk=give(house, case).pk)
    with pytest.raises(ledger.RemedyRefused):
        ledger.complete(paid, "Booked", actor=actor, at=AT)
    kind = CaseRemedy.objects.filter(pk=give(house, case, "COR", None).pk)
    with pytest.raises(ledger.RemedyRefused):
        ledger.complete(kind, "  ", actor=actor, at=AT)
    assert ledger.complete(kind, "Name corrected", actor=actor, at=AT)
    with pytest.raises(ledger.RemedyRefused) as caught:
        ledger.cancel(kind, "Changed our mind", actor=actor, at=AT)
    assert caught.value.code == "ended"


def test_the_authority_counts_all_the_money_of_the_case(house):
    case = open_case(house)
    assert isinstance(give(house, case, amount=Decimal(300)), CaseRemedy)
    assert isinstance(give(house, case, amount=Decimal(200)), CaseRemedy)  # 500 in all
    asked = give(house, case, amount=Decimal(1))
    assert isinstance(asked, Approval)
    assert CaseRemedy.objects.filter(case=case).count() == 2
    decide(house, case, "approved", by="supervisor")
    assert CaseRemedy.objects.filter(case=case).count() == 3
    made = CaseRemedy.objects.order_by("pk").last()
    assert (made.amount, made.owner_id) == (Decimal(1), house.pk("officer"))


def test_cancelled_money_is_free_again(house):
    case = open_case(house)
    first = give(house, case, amount=Decimal(500))
    found = CaseRemedy.objects.filter(pk=first.pk)
    ledger.cancel(found, "Paid twice", actor=house.actor("officer"), at=AT)
    assert isinstance(give(house, case, amount=Decimal(500)), CaseRemedy)


def test_a_refused_request_promises_nothing(house):
    case = open_case(house)
    give(house, case, amount=Decimal(900))
    decide(house, case, "refused", by="supervisor")
    assert not CaseRemedy.objects.exists()


@pytest.mark.parametrize("whose", ["bank", "unit"])
def test_money_beyond_a_budget_is_for_the_senior_approver(house, whose):
    officer = house.accounts["officer"].person
    unit = officer.department if whose == "unit" else None
    RemedyBudget.objects.create(year=2026, department=unit, amount=Decimal(250))
    case, other = open_case(house), open_case(house)
    assert isinstance(give(house, case, amount=Decimal(200)), CaseRemedy)
    asked = give(house, other, amount=Decimal(100))
    assert isinstance(asked, Approval)
    assert decide(house, other, "approved", by="supervisor").refused is not None
    assert decide(house, other, "approved", by="approver").refused is None
    assert CaseRemedy.objects.filter(case=other).count() == 1
    [line] = money.budgets(2026)
    assert (line.spent, line.left) == (Decimal(300), Decimal(-50))


def test_the_budget_of_another_year_does_not_matter(house):
    RemedyBudget.objects.create(year=2025, department=None, amount=Decimal(0))
    assert isinstance(give(house, open_case(house)), CaseRemedy)


def test_a_decision_beyond_the_budget_waits_for_the_senior_approver(house):
    RemedyBudget.objects.create(year=2026, department=None, amount=Decimal(50))
    case = in_state(house, Status.IN_PROGRESS)
    what = replace(ANSWER, compensation=Decimal(60), compensation_kind="goodwill")
    outcome = workflow.resolve(rows(case), what, actor=house.actor("officer"), at=AT)[0]
    assert outcome.refused is Refusal.APPROVAL_ASKED
    assert decide(house, case, "approved", by="supervisor").refused is not None
    assert decide(house, case, "approved", by="approver").refused is None
    [remedy] = CaseRemedy.objects.filter(case=case)
    assert (remedy.term.code, remedy.amount) == ("GWL", Decimal(60))


@pytest.mark.parametrize(("kind", "code"), [("liability", "COM"), ("goodwill", "GWL")])
def test_every_compensation_stands_in_the_ledger_once(house, kind, code):
    case = in_state(house, Status.IN_PROGRESS)
    what = replace(
        ANSWER, remedies=("APO", "PRO"), compensation=Decimal(60), compensation_kind=kind
    )
    do(house, case, "resolve", what)
    kept = {r.term.code: (r.amount, r.state) for r in CaseRemedy.objects.filter(case=case)}
    assert kept == {
        "APO": (None, RemedyState.DONE),
        "PRO": (None, RemedyState.PROMISED),
        code: (Decimal(60), RemedyState.PROMISED),
    }
    promised = CaseRemedy.objects.filter(case=case, state=RemedyState.PROMISED)
    assert all(r.owner_id and r.due_at > AT for r in promised)


def test_two_paying_remedies_carry_the_sum_only_once(house):
    case = in_state(house, Status.IN_PROGRESS)
    what = replace(
        ANSWER, remedies=("REF", "GWL"), compensation=Decimal(60), compensation_kind="goodwill"
    )
    do(house, case, "resolve", what)
    assert money.granted([case]) == {case.pk: Decimal(60)}


def test_overdue_remedies_are_told_once_also_after_closing(house):
    case = in_state(house, Status.CLOSED)
    remedy = give(house, case, "PRO", None, owner="handler")
    assert lateness.escalate(AT + DAY - timedelta(seconds=1)) == 0
    assert lateness.escalate(AT + DAY) == 1
    assert lateness.escalate(AT + DAY) == 0
    told = set(Notice.objects.filter(kind=ledger.LATE).values_list("person_id", flat=True))
    assert {house.pk("handler"), house.pk("supervisor")} <= told
    finish(house, remedy, at=AT + DAY)
    assert not Notice.objects.filter(kind=ledger.LATE, done_at__isnull=True).exists()


def test_finished_remedies_are_never_late_and_the_named_hear_nothing(house):
    case = open_case(house)
    give(house, case, "PRO", None, owner="handler")
    CaseExclusion.objects.create(case=case, person_id=house.pk("supervisor"), reason="named", at=AT)
    finish(house, give(house, case, "COR", None))
    assert lateness.escalate(AT + 2 * DAY) == 1
    told = set(Notice.objects.filter(kind=ledger.LATE).values_list("person_id", flat=True))
    assert house.pk("supervisor") not in told


def test_of_a_restricted_case_only_the_owner_hears_that_a_remedy_is_late(house):
    tip = open_case(house, type="TIP")
    give(house, tip, "PRO", None, by="compliance", owner="compliance")
    assert lateness.escalate(AT + DAY) == 1
    told = Notice.objects.filter(kind=ledger.LATE).values_list("person_id", flat=True)
    assert set(told) == {house.pk("compliance")}


def test_nobody_who_is_named_promises_or_sees_to_a_remedy(house):
    case = open_case(house)
    CaseExclusion.objects.create(case=case, person_id=house.pk("handler"), reason="named", at=AT)
    with pytest.raises(ledger.RemedyRefused):
        give(house, case, owner="handler")
    CaseExclusion.objects.create(case=case, person_id=house.pk("officer"), reason="named", at=AT)
    with pytest.raises(ledger.RemedyRefused):
        give(house, case, owner="officer2")


def test_a_withdrawn_case_is_promised_nothing(house):
    case = open_case(house)
    Case.objects.filter(pk=case.pk).update(status=Status.WITHDRAWN)
    with pytest.raises(ledger.RemedyRefused):
        give(house, case)


@pytest.mark.parametrize("state", [*ENDED_ASIDE, Status.CLOSED])
def test_what_was_promised_is_kept_or_taken_back_after_the_case_has_ended(client, house, state):
    case = in_state(house, state, at=timezone.now() - timedelta(hours=1))
    Case.objects.filter(pk=case.pk).update(status=Status.IN_PROGRESS)
    paid, dropped = (give(house, case, at=timezone.now()) for _ in range(2))
    Case.objects.filter(pk=case.pk).update(status=state)
    enter(client, house, "officer")
    part = client.get(f"/cases/{case.number}/parts/remedies/", headers=HTMX).content.decode()
    root = f"/cases/{case.number}/remedies"
    assert f"{root}/{paid.pk}/done/" in part
    assert f"{root}/{dropped.pk}/cancel/" in part
    assert (f"{root}/new/" in part) is (state == Status.CLOSED)
    proof = SimpleUploadedFile("receipt.png", PNG, content_type="image/png")
    assert client.post(f"{root}/{paid.pk}/done/", {"words": "B"}, headers=HTMX).status_code == 422
    assert client.post(f"{root}/{paid.pk}/done/", {"proof": proof}, headers=HTMX).status_code == 200
    why = {"words": "The customer wants nothing."}
    assert client.post(f"{root}/{dropped.pk}/cancel/", why, headers=HTMX).status_code == 200
    paid.refresh_from_db()
    dropped.refresh_from_db()
    assert (paid.state, paid.proof.kind, dropped.state) == ("done", "case", "cancelled")
    told = {row.action: row for row in journal.entries(case.stream)}
    assert journal.facts_of(told["case.remedy_done"])["proof"] == str(paid.proof.token)
    taken = told["case.remedy_cancelled"]
    assert journal.words_of([taken])[taken.pk] == why
    assert client.get(f"{root}/{paid.pk}/proof/").status_code == 200
    assert Case.objects.get(pk=case.pk).status == state


def test_a_file_is_sealed_only_when_nothing_is_promised_any_more(house):
    case = in_state(house, Status.CLOSED)
    aside = in_state(house, Status.WITHDRAWN)
    Case.objects.filter(pk=aside.pk).update(status=Status.IN_PROGRESS)
    owed = [give(house, one, "COR", None) for one in (case, aside)]
    Case.objects.filter(pk=aside.pk).update(status=Status.WITHDRAWN)
    later = AT + 100 * DAY
    both = Case.objects.filter(pk__in=[case.pk, aside.pk])
    assert workflow.ending.archive_old(later) == 0
    refused = workflow.archive(both, actor=house.actor("supervisor"), at=later)
    assert {outcome.refused for outcome in refused} == {Refusal.GUARD}
    assert all("still promised" in outcome.why for outcome in refused)
    actor = house.actor("officer")
    ledger.complete(
        CaseRemedy.objects.filter(pk=owed[0].pk), "Corrected", actor=actor, at=AT + 2 * DAY
    )
    ledger.cancel(CaseRemedy.objects.filter(pk=owed[1].pk), "Void", actor=actor, at=AT + 2 * DAY)
    assert workflow.ending.archive_old(later) == 2
    assert set(both.values_list("status", flat=True)) == {Status.ARCHIVED}
    with pytest.raises(ledger.RemedyRefused):
        ledger.cancel(CaseRemedy.objects.filter(pk=owed[1].pk), "Void", actor=actor, at=later)


def test_merging_opens_no_new_authority(house):
    first, second, into = (open_case(house) for _ in range(3))
    give(house, first, amount=Decimal(300))
    give(house, second, amount=Decimal(150))
    do(house, first, "merge", payloads.Merging(second.pk, "Same fee."), by="supervisor")
    do(house, second, "merge", payloads.Merging(into.pk, "Same fee."), by="supervisor")
    assert money.granted([into]) == {into.pk: Decimal(450)}
    assert isinstance(give(house, into, amount=Decimal(51)), Approval)  # 501 in all
    decide(house, into, "refused", by="supervisor")
    assert isinstance(give(house, into, amount=Decimal(50)), CaseRemedy)


def test_the_pages_promise_complete_and_list(client, house):
    case = open_case(house, at=timezone.now() - timedelta(hours=1))
    enter(client, house, "officer")
    address = f"/cases/{case.number}/remedies/new/"
    due = (timezone.localtime() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    data = {"term": "REF", "owner": str(house.pk("officer")), "due_at": due, "words": "Fee"}
    lacking = client.post(address, data, headers=HTMX)
    assert lacking.status_code == 422
    assert "Give the sum" in lacking.content.decode()
    assert client.post(address, data | {"amount": "20"}, headers=HTMX).status_code == 200
    remedy = CaseRemedy.objects.get()
    part = client.get(f"/cases/{case.number}/parts/remedies/", headers=HTMX).content.decode()
    assert "Refund" in part
    done = f"/cases/{case.number}/remedies/{remedy.pk}/done/"
    assert client.post(done, {"words": "Booked"}, headers=HTMX).status_code == 422
    proof = SimpleUploadedFile("receipt.png", PNG, content_type="image/png")
    assert client.post(done, {"proof": proof}, headers=HTMX).status_code == 200
    late = client.post(
        f"/cases/{case.number}/remedies/{remedy.pk}/cancel/", {"words": "Why"}, headers=HTMX
    )
    assert late.status_code == 409
    assert client.get(f"/cases/{case.number}/remedies/{remedy.pk}/proof/").status_code == 200
    page = client.get("/remedies/?state=done").content.decode()
    assert case.number in page
    assert case.number not in client.get("/remedies/?state=late").content.decode()


def test_the_list_costs_the_same_for_three_and_thirty(client, house, counted):
    for _ in range(3):
        give(house, open_case(house), "COR", None)
    enter(client, house, "supervisor")
    client.get("/remedies/")
    with counted("remedies page"):
        client.get("/remedies/")
    for _ in range(27):
        give(house, open_case(house), "COR", None)
    with counted("remedies page"):
        client.get("/remedies/")


def test_others_see_their_own_and_budgets_are_set_by_supervisors(client, house):
    case = open_case(house)
    give(house, case, "COR", None, owner="officer")
    enter(client, house, "officer2")
    assert case.number not in client.get("/remedies/").content.decode()
    assert client.get("/remedies/budget/").status_code == 403
    enter(client, house, "agent")
    assert client.get("/remedies/").status_code == 403
    enter(client, house, "supervisor")
    data = {"year": "2026", "department": "", "amount": "1000"}
    assert client.post("/remedies/budget/", data, headers=HTMX).status_code == 200
    assert client.post("/remedies/budget/", data | {"amount": "5"}).status_code == 302
    [row] = RemedyBudget.objects.all()
    assert row.amount == Decimal(5)


def test_nobody_grants_in_parts_what_is_beyond_the_authority_in_all(house):
    case = open_case(house)
    for amount in (3000, 1500):
        give(house, case, amount=Decimal(amount))
        assert decide(house, case, "approved", by="supervisor").refused is None  # 4500 in all
    give(house, case, amount=Decimal(501))
    refused = decide(house, case, "approved", by="supervisor")
    assert refused.refused is not None
    assert "5001.00" in refused.why
    assert CaseRemedy.objects.filter(case=case).count() == 2
    assert decide(house, case, "approved", by="approver").refused is None


def test_an_answer_is_not_approved_beyond_the_authority_over_the_case(house):
    case = in_state(house, Status.IN_PROGRESS)
    for _part in range(2):
        give(house, case, amount=Decimal(2500))
        decide(house, case, "approved", by="supervisor")
    what = replace(ANSWER, compensation=Decimal(501), compensation_kind="goodwill")
    asked = workflow.resolve(rows(case), what, actor=house.actor("officer"), at=AT)[0]
    assert asked.refused is Refusal.APPROVAL_ASKED
    assert decide(house, case, "approved", by="supervisor").refused is not None
    assert decide(house, case, "approved", by="approver").refused is None


def test_a_budget_that_was_used_up_meanwhile_binds_the_decider(house):
    RemedyBudget.objects.create(year=2026, department=None, amount=Decimal(1000))
    case, other = open_case(house), open_case(house)
    give(house, case, amount=Decimal(800))  # above the officer, within the budget: asked
    give(house, other, amount=Decimal(300))
    assert decide(house, case, "approved", by="supervisor").refused is not None
    assert decide(house, case, "approved", by="approver").refused is None


def test_of_a_restricted_case_only_its_own_people_see_to_a_remedy(house):
    tip = open_case(house, type="TIP")
    with pytest.raises(ledger.RemedyRefused) as caught:
        give(house, tip, "PRO", None, by="compliance", owner="handler2")
    assert caught.value.code == "owner"
    assert not Notice.objects.filter(kind=ledger.ASSIGNED).exists()
    assert give(house, tip, "PRO", None, by="compliance", owner="compliance").pk
