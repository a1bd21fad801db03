"""Recusal 回避: who stays out of a case, in every place where people act or are told."""

import pytest

from complaints import records, recusal, routing, watching, workflow
from complaints.choices import Status
from complaints.clocks.audience import Audience
from complaints.models import (
    Case,
    CaseExclusion,
    CaseGrant,
    CaseReview,
    HandOver,
    InterestDeclaration,
)
from complaints.recusal import RecusalRefused
from complaints.workflow import payloads
from config.kernel import notice_digests, notices
from config.kernel.approvals import AskRefused
from config.kernel.models import Approval, JournalEntry, Notice, OutboxMessage
from config.shared.actors import SYSTEM
from staff import duty
from staff.models import Department, DutyCall
from staff.models.people import UnitKind
from tests.factories.complaints import AT, DAY, HOUR, decide, in_state, open_case, rows
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory
from tests.portal.desks import signed_in
from tests.staff.test_duty import data, local, put, telling


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def case(house):
    return in_state(house, Status.IN_PROGRESS)


def name(house, case, *names, by="supervisor", at=AT + HOUR):
    pks = [house.pk(one) if isinstance(one, str) else one for one in names]
    return recusal.name(rows(case), pks, "A relative.", actor=house.actor(by), at=at)[0]


def out_of(case):
    return set(CaseExclusion.objects.filter(case=case).values_list("person_id", "reason"))


def fresh(case):
    return Case.objects.get(pk=case.pk)


# --- Who stays out -------------------------------------------------------------------------


def test_named_people_and_their_direct_reports_stay_out(house, case):
    chief = PersonFactory.create()
    report = PersonFactory.create(reports_to=chief)
    below = PersonFactory.create(reports_to=report)
    effect = name(house, case, chief.pk)
    assert out_of(case) == {(chief.pk, "named"), (report.pk, "reports")}
    assert below.pk not in effect.out
    entry = JournalEntry.objects.get(action="case.recusal_named")
    assert '"count":2' in entry.body
    assert name(house, case, chief.pk).out == []
    assert JournalEntry.objects.filter(action="case.recusal_named").count() == 1


def test_the_whole_branch_only_when_its_head_is_named(house, case):
    branch = DepartmentFactory.create(kind=UnitKind.BRANCH)
    head, teller, other = PersonFactory.create_batch(3, department=branch)
    Department.objects.filter(pk=branch.pk).update(head=head)
    name(house, case, teller.pk)
    assert out_of(case) == {(teller.pk, "named")}
    name(house, case, head.pk)
    assert out_of(case) == {(teller.pk, "named"), (head.pk, "named"), (other.pk, "unit")}


def test_the_head_of_the_handling_unit_named_calls_for_the_superior_unit(house, case):
    superior = house.units["RISK"]
    Department.objects.filter(pk=house.units["CARD"].pk).update(superior=superior)
    effect = name(house, case, "depthead")
    assert effect.superior == superior
    asked = Notice.objects.filter(kind="case.recusal_holder").values_list("person_id", flat=True)
    assert house.pk("depthead") not in asked
    assert f'"superior":"{superior.code}"' in JournalEntry.objects.get(
        action="case.recusal_named"
    ).body  # fmt: skip
    assert fresh(case).department == house.units["CARD"]  # nobody is moved silently


def test_a_reason_is_needed_and_a_recused_person_names_nobody(house, case):
    with pytest.raises(RecusalRefused):
        recusal.name(rows(case), [house.pk("agent")], " ", actor=house.actor("officer"), at=AT)
    name(house, case, "officer")
    with pytest.raises(RecusalRefused, match="You are named"):
        name(house, case, "agent", by="officer")


# --- Handler, approver, co-handler and watcher, reviewer, caller, notices -------------------


def test_the_handler_loses_the_case_and_others_are_asked(house, case):
    assert case.handler_id == house.pk("handler")
    notices.tell(
        [notices.Telling("w1", house.pk("handler"), "case.assigned", case.about,
                         {"number": case.number}, needs_action=True)], at=AT)  # fmt: skip
    effect = name(house, case, "handler")
    assert effect.taken == ["handler"]
    case = fresh(case)
    assert case.handler is None
    last = HandOver.objects.filter(case=case).order_by("pk").last()
    assert (last.handler_id, last.from_at, last.to_at) == (None, AT + HOUR, None)
    assert HandOver.objects.filter(case=case, ended_by="recusal", to_at=AT + HOUR).count() == 1
    scope = house.scope("handler")
    for act in ("view", "status", "note", "claim", "propose"):
        assert not Case.objects.visible_to(scope, act).filter(pk=case.pk).exists()
    assert not Notice.objects.waiting().filter(person_id=house.pk("handler")).exists()
    asked = Notice.objects.filter(kind="case.recusal_holder").values_list("person_id", flat=True)
    assert set(asked) == {house.pk("depthead")}  # the supervisor named the handler and knows


@pytest.mark.parametrize("verb", ["claim", "propose", "assign_handler", "sign"])
def test_a_recused_handler_can_do_nothing(house, case, verb):
    name(house, case, "handler")
    function, kind = workflow.VERBS[verb]
    what = {
        "assign_handler": payloads.Handing(house.pk("handler2")),
        "sign": payloads.Taking(no_interest=True),
        "propose": payloads.Answer(outcome="UPH"),
    }.get(verb) or kind()
    outcome = function(rows(case), what, actor=house.actor("handler"), at=AT + 2 * HOUR)[0]
    assert outcome.refused == "recused"


def test_nobody_hands_the_case_to_a_recused_person(house, case):
    name(house, case, "handler2")
    what = payloads.Handing(house.pk("handler2"))
    act = workflow.VERBS["assign_handler"][0]
    assert not act(rows(case), what, actor=house.actor("depthead"), at=AT + 2 * HOUR)[0].done
    shown = signed_in(house.accounts["depthead"]).get(f"/cases/{case.number}/do/assign_handler/")
    text = shown.content.decode()
    assert "Handler Test" in text
    assert "Handler2 Test" not in text


def test_routing_passes_recused_people_over(house):
    case = open_case(house)
    name(house, case, "handler", "handler2")
    routed = routing.assign([fresh(case)], at=AT)[0]
    chosen = routed.handler.pk if routed.handler else None
    assert chosen not in {house.pk("handler"), house.pk("handler2")}


def test_a_recused_approver_neither_decides_nor_hears(house, case):
    name(house, case, "depthead")
    workflow.propose(rows(case), _answer(), actor=house.actor("handler"), at=AT + 2 * HOUR)
    assert decide(house, case, "approved", by="depthead").refused == "not_allowed"
    asked = Notice.objects.filter(kind="approval.asked").values_list("person_id", flat=True)
    assert house.pk("depthead") not in asked
    inbox = signed_in(house.accounts["depthead"]).get("/approvals/").context["rows"]
    assert inbox == []
    assert decide(house, case, "approved", by="supervisor").refused is None


def test_a_recused_watcher_watches_no_longer(house, case):
    pks = [house.pk("analyst"), house.pk("agent")]
    watching.watch(rows(case), pks, actor=house.actor("officer"), at=AT)
    name(house, case, "analyst")
    assert set(CaseGrant.objects.values_list("person_id", flat=True)) == {house.pk("agent")}
    assert Audience([case], at=AT).of(case, ["watchers"]) == [house.pk("agent")]


def test_a_recused_reviewer_loses_the_review(house, case):
    review = CaseReview.objects.create(
        case=case, department=house.units["RISK"], reviewer_id=house.pk("depthead"), asked_at=AT
    )
    assert name(house, case, "depthead").taken == ["reviewer"]
    review.refresh_from_db()
    assert review.reviewer is None


def test_a_recused_person_is_not_chosen_as_reviewer_and_decides_no_review(house):
    card, above = house.units["CARD"].pk, house.units["RISK"]
    Department.objects.filter(pk=card).update(superior=above)
    case = in_state(house, Status.NOTIFIED)
    name(house, case, "depthead")
    ask, judge = (workflow.VERBS[verb][0] for verb in ("ask_review", "decide_review"))
    what = payloads.Objecting("I do not agree.", reviewer_id=house.pk("depthead"))
    asked = ask(rows(case), what, actor=house.actor("officer"), at=AT + 2 * DAY)[0]
    assert not asked.done
    assert "named" in asked.why
    verdict = payloads.Judging("maintained", "In order.", no_interest=True)
    assert judge(rows(case), verdict, actor=house.actor("depthead"), at=AT)[0].refused == "recused"


def test_the_officer_is_named_to_the_supervisors(house, case):
    effect = name(house, case, "officer", by="approver")
    assert effect.taken == ["officer"]
    asked = Notice.objects.filter(kind="case.recusal_holder").values_list("person_id", flat=True)
    assert house.pk("supervisor") in asked


def test_a_chase_reaches_no_recused_person_and_comes_from_none(house, case):
    name(house, case, "depthead")
    records.chase(rows(case), "Where is it?", actor=house.actor("officer"), at=AT + 2 * HOUR)
    told = Notice.objects.filter(kind="case.chase").values_list("person_id", flat=True)
    assert house.pk("depthead") not in told
    with pytest.raises(records.RecordRefused):
        records.chase(rows(case), "Well?", actor=house.actor("depthead"), at=AT + 2 * HOUR)


def test_no_digest_carries_what_a_recused_person_was_told_before(house, case):
    told = [
        notices.Telling(f"d{pk}", pk, "case.chase", case.about, {"number": case.number},
                        channels=("email",))
        for pk in (house.pk("handler"), house.pk("handler2"))
    ]  # fmt: skip
    notices.tell(told, at=AT)
    name(house, case, "handler")
    notice_digests.send(AT + DAY)
    sent = set(OutboxMessage.objects.filter(kind="notice.digest").values_list("to", flat=True))
    assert house.accounts["handler2"].person.email in sent
    assert house.accounts["handler"].person.email not in sent


@pytest.mark.parametrize(
    "word", ["handler", "officer", "supervisor", "department_head", "duty_leader", "watchers"]
)
def test_no_step_of_the_ladder_reaches_recused_people(house, case, word):
    everybody = [house.pk(one) for one in house.accounts]
    name(house, case, *everybody, by="compliance") if word != "watchers" else name(
        house, case, "handler"
    )
    reached = Audience([fresh(case)], at=AT).of(fresh(case), [word])
    assert not set(reached) & {pk for pk, _why in out_of(case)}


def test_a_duty_call_is_not_passed_on_to_who_was_recused_meanwhile(house, case):
    first, second, other = (AccountFactory.create(roles=["DL"]).person for _ in range(3))
    put(data(first=first, second=second))
    call = telling(about=case.about, fallback=(second.pk, other.pk))
    duty.call([call], at=local(21))
    name(house, case, second.pk)
    duty.pass_on(local(21, 15))
    assert DutyCall.objects.get().called == other


# --- Declarations --------------------------------------------------------------------------


def test_declarations_are_kept_for_accepting_signing_and_deciding(house, case):
    workflow.propose(rows(case), _answer(), actor=house.actor("handler"), at=AT + 2 * HOUR)
    assert decide(house, case, "approved", by="supervisor").refused is None
    kept = InterestDeclaration.objects.filter(case=case).values_list("act", "person_id")
    assert set(kept) == {
        ("accept", house.pk("officer")),
        ("sign", house.pk("depthead")),
        ("approve", house.pk("supervisor")),
    }


def test_a_second_declaration_for_the_same_act_is_one_row_the_first(house, case):
    recusal.declare([case], "sign", actor=house.actor("depthead"), at=AT + DAY)
    kept = InterestDeclaration.objects.get(case=case, act="sign")
    assert kept.at == AT
    recusal.declare([case], "sign", actor=SYSTEM, at=AT)
    assert InterestDeclaration.objects.filter(case=case, act="sign").count() == 1


# --- Lifting -------------------------------------------------------------------------------


def lift(house, case, who="handler", by="depthead", reason="Nobody else knows the card system."):
    actor = house.actor(by)
    return recusal.ask_to_lift(rows(case), house.pk(who), reason, actor=actor, at=AT + 2 * HOUR)


def test_a_second_person_lifts_a_recusal_and_it_is_recorded(house, case):
    name(house, case, "handler")
    lift(house, case)
    assert decide(house, case, "approved", by="depthead").refused in {"own", "not_allowed"}
    assert decide(house, case, "approved", by="approver").refused is None
    assert out_of(case) == set()
    assert Case.objects.visible_to(house.scope("handler")).filter(pk=case.pk).exists()
    entry = JournalEntry.objects.get(action="case.recusal_lifted")
    assert (entry.actor_id, entry.stream) == (house.pk("approver"), case.stream)
    assert f'"person":{house.pk("handler")}' in entry.body


def test_a_refused_request_leaves_the_recusal(house, case):
    name(house, case, "handler")
    lift(house, case)
    assert decide(house, case, "refused", by="supervisor", note="No.").refused is None
    assert out_of(case) == {(house.pk("handler"), "named")}
    assert not JournalEntry.objects.filter(action="case.recusal_lifted").exists()
    assert InterestDeclaration.objects.filter(
        act="approve", person_id=house.pk("supervisor")
    ).exists()


@pytest.mark.parametrize("by", ["supervisor", "depthead", "compliance"])
def test_neither_the_asker_nor_the_recused_nor_other_roles_decide(house, case, by):
    name(house, case, "handler", *(["supervisor"] if by == "supervisor" else []), by="approver")
    lift(house, case, by="officer")
    try:
        outcome = decide(house, case, "approved", by=by)
    except Approval.DoesNotExist:
        outcome = None
    assert outcome is None or outcome.refused == "not_allowed"
    assert (house.pk("handler"), "named") in out_of(case)


def test_only_deciders_who_are_not_recused_hear_of_a_request(house, case):
    name(house, case, "handler", "supervisor", by="approver")
    lift(house, case, by="officer")
    asked = Notice.objects.filter(kind="approval.asked").values_list("person_id", flat=True)
    assert house.pk("approver") in asked
    assert not {house.pk("supervisor"), house.pk("handler")} & set(asked)


def test_one_request_about_a_case_waits_at_a_time_and_needs_a_recusal(house, case):
    with pytest.raises(RecusalRefused, match="does not stay out"):
        lift(house, case)
    name(house, case, "handler", "handler2")
    lift(house, case)
    with pytest.raises(AskRefused):
        lift(house, case, "handler2")
    with pytest.raises(RecusalRefused):
        lift(house, case, reason=" ")


def test_a_recusal_lifted_meanwhile_is_not_lifted_twice(house, case):
    name(house, case, "handler")
    lift(house, case)
    CaseExclusion.objects.all().delete()
    assert decide(house, case, "approved", by="supervisor").refused == "impossible"


# --- Pages ---------------------------------------------------------------------------------


def page(house, case, who, path="people/"):
    return signed_in(house.accounts[who]).get(f"/cases/{case.number}/{path}")


def test_only_those_who_may_see_who_stays_out_and_why(house, case):
    name(house, case, "handler2")
    for who, sees in (("supervisor", True), ("approver", True), ("officer", False),
                      ("handler", False), ("analyst", False)):  # fmt: skip
        text = page(house, case, who).content.decode()
        assert ("Handler2 Test" in text) == sees, who
        whole = page(house, case, who, "").content.decode()
        assert ("A relative." in whole) == sees, who
    auditor = AccountFactory.create(roles=["AU"])
    shown = signed_in(auditor).get(f"/cases/{case.number}/people/").content.decode()
    assert "Handler2 Test" in shown
    assert "Name somebody" not in shown
    assert signed_in(auditor).get(f"/cases/{case.number}/recusal/").status_code == 403


def test_naming_and_asking_through_the_dialogs(house, case):
    chief = signed_in(house.accounts["supervisor"])
    url = f"/cases/{case.number}/recusal/"
    for odd in ({}, {"people": ["x"], "reason": "y"}, {"people": [house.pk("agent")]},
                {"people": [house.pk("agent")], "reason": "a\x00b"}):  # fmt: skip
        assert chief.post(url, odd).status_code == 422
    given = {"people": [house.pk("handler")], "reason": "Her brother."}
    text = chief.post(url, given, follow=True).content.decode()
    assert "The case has no handler now" in text
    asking = f"{url}{house.pk('handler')}/lift/"
    assert "Handler Test" in chief.get(asking).content.decode()
    assert chief.post(asking, {"reason": ""}).status_code == 422
    assert chief.post(asking, {"reason": "No other."}).status_code == 302
    assert Approval.objects.get().kind == "recusal.lift"
    assert chief.get(f"{url}{house.pk('agent')}/lift/").status_code == 404
    approver = signed_in(house.accounts["approver"])
    shown = approver.get(f"/approvals/{Approval.objects.get().pk}/")
    assert shown.status_code == 200
    assert "in spite of an interest" in shown.content.decode()


def test_who_names_themselves_is_led_to_the_list(house, case):
    officer = signed_in(house.accounts["officer"])
    given = {"people": [house.pk("officer")], "reason": "My cousin."}
    answer = officer.post(f"/cases/{case.number}/recusal/", given)
    assert answer.headers["Location"] == "/cases/"
    assert officer.get(f"/cases/{case.number}/people/").status_code == 404


def _answer():
    return payloads.Answer(
        outcome="UPH", answer="We refund it.", findings="Booked twice.", basis="Tariff.",
        objection_ways="Review.", nature="SVC", cause="A1", responsibility="responsible",
    )  # fmt: skip
