"""Moving a case to the right customer: what follows, what stays, what is to be apologised for."""

import pytest

from complaints import identity, records, workflow
from complaints.choices import IdentityResult, NoticeResult, Status, TaskKind
from complaints.models import CaseExclusion, CaseTask, CustomerNotice, IdentityCheck
from complaints.relations import apologies, relinking
from complaints.relations.frame import Overtaken, RelationRefused
from complaints.teamwork import lateness, tasks
from config.kernel import outbox, search
from config.kernel.models import Notice, OutboxMessage
from config.shared.actors import SYSTEM
from customers.models import Customer
from customers.models.customer import CustomerStatus
from tests.complaints.relations_help import (
    HTMX,
    actions,
    enter,
    fresh,
    last,
    now,
    url,
    words,
)
from tests.factories.complaints import AT, DAY, HOUR, do, in_state, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house):
    return shared_house


def customers(house):
    """Return the wrong and the right customer, each with a manager."""
    wrong = CustomerFactory.create(
        name="错客户甲", tier="core", rm=house.accounts["handler2"].person, phone="13800010001"
    )
    right = CustomerFactory.create(
        name="对客户乙", tier="key", rm=house.accounts["loan_handler"].person, phone="13800020002"
    )
    return wrong, right


def of_wrong(house, wrong, **given):
    mine = {"customer": wrong, "contact_name": "", "contact_phone": "", "contact_email": ""}
    return open_case(house, **{**mine, **given})


def relink(house, case, customer, reason="Wrong number typed.", **more):
    return relinking.relink(
        rows(case), customer.pk, reason, actor=house.actor("supervisor"), at=AT + HOUR, **more
    )


def test_manager_contact_and_search_follow_the_tier_at_receipt_stays(house):
    wrong, right = customers(house)
    case = of_wrong(house, wrong)
    assert (case.tier_at_receipt, case.rm_id) == ("core", house.pk("handler2"))
    relink(house, case, right)
    case = fresh(case)
    assert (case.customer_id, case.rm_id) == (right.pk, house.pk("loan_handler"))
    assert case.tier_at_receipt == "core"
    assert (case.contact_name, case.contact_phone) == ("对客户乙", "13800020002")
    assert search.find("case", "对客户乙") == [case.pk]
    assert search.find("case", "错客户甲") == []


def test_what_the_caller_said_of_himself_stays(house):
    wrong, right = customers(house)
    case = of_wrong(house, wrong, contact_name="王五", contact_phone="13911112222")
    relink(house, case, right)
    assert fresh(case).contact_name == "王五"
    assert fresh(case).contact_phone == "13911112222"


def test_the_records_of_the_case_and_of_both_customers_say_so(house):
    wrong, right = customers(house)
    case = of_wrong(house, wrong)
    relink(house, case, right)
    moved = last(case, "case.relinked")
    assert (moved["from"], moved["to"], moved["tier"]) == (wrong.number, right.number, "core")
    assert "Wrong number typed." in words(case)
    assert actions(Customer.objects.get(pk=wrong.pk))[-1] == "customer.case_lost"
    assert actions(Customer.objects.get(pk=right.pk))[-1] == "customer.case_gained"


def test_the_wrong_manager_loses_sight_and_open_notices(client, house):
    wrong, right = customers(house)
    case = of_wrong(house, wrong)
    Notice.objects.create(
        key="x", person_id=house.pk("handler2"), kind="case.chase", about=case.about, at=AT,
        needs_action=True, facts={},
    )  # fmt: skip
    relink(house, case, right)
    assert Notice.objects.get(key="x").done_at is not None


def test_repeats_of_the_wrong_customer_are_forgotten(house):
    wrong, right = customers(house)
    of_wrong(house, wrong)
    case = of_wrong(house, wrong)
    assert case.repeat_count == 1
    mine = of_wrong(house, right)
    case = fresh(case)
    relink(house, case, right)
    case = fresh(case)
    assert case.repeat_of_id != mine.pk or case.repeat_count == 1
    assert case.repeat_of is None or case.repeat_of.customer_id == right.pk


def test_the_identification_of_the_wrong_customer_holds_no_longer(house):
    wrong, right = customers(house)
    case = of_wrong(house, wrong)
    IdentityCheck.objects.create(
        case=case, method="questions", result=IdentityResult.PASSED, at=AT, seq=1
    )
    assert identity.standing(case, AT + HOUR).passed is not None
    relink(house, case, right)
    assert identity.standing(case, AT + 2 * HOUR).passed is None


def test_no_reason_no_change_no_merged_customer_no_old_version(house):
    wrong, right = customers(house)
    gone = CustomerFactory.create(status=CustomerStatus.MERGED)
    case = of_wrong(house, wrong)
    for customer, reason in ((right, " "), (wrong, "Same."), (gone, "Merged.")):
        with pytest.raises(RelationRefused):
            relink(house, case, customer, reason)
    with pytest.raises(Overtaken):
        relink(house, case, right, expected={case.pk: case.version + 1})
    assert fresh(case).customer_id == wrong.pk
    assert "case.relinked" not in actions(case)


def test_the_page_lists_what_was_seen_and_sent_and_asks_for_an_apology(client, house):
    wrong, right = customers(house)
    case = in_state(
        house, Status.ACCEPTED, at=now(), customer=wrong, contact_email="wrong@example.com"
    )
    outbox.deliver(now(minutes=20))
    notices = CustomerNotice.objects.filter(case=case)
    count = notices.count()
    assert count >= 1
    records.add_note(rows(case), "A note.", actor=house.actor("officer"), at=now(minutes=20))
    enter(client, house, "officer")
    sent = {"version": fresh(case).version, "customer": right.number.lower(), "reason": "Mistyped."}
    answer = client.post(url(case, "relink/"), sent)
    assert answer["Location"] == url(case, "disclosed/")
    page = client.get(answer["Location"]).content.decode()
    assert wrong.number in page
    assert page.count('name="notices"') == count
    assert client.post(url(case, "disclosed/"), {}).status_code == 422
    ticked = {"notices": [str(notices.first().pk)]}
    assert client.post(url(case, "disclosed/"), ticked).status_code == 302
    assert last(case, "case.apology")["count"] == 1
    again = client.post(url(case, "disclosed/"), ticked)
    assert again.status_code == 422
    assert "asked for already" in again.content.decode()
    assert CaseTask.objects.filter(case=case).count() == 1


def apology(house, **given):
    """Return a case that was moved after a message left, and the task to apologise for it."""
    wrong, right = customers(house)
    case = in_state(
        house, Status.ACCEPTED, customer=wrong, contact_email="wrong@example.com", **given
    )
    outbox.deliver(AT + HOUR)
    sent = list(CustomerNotice.objects.filter(case=case).values_list("pk", flat=True))
    relink(house, case, right)
    apologies.ask(rows(case), sent, actor=house.actor("supervisor"), at=AT + 2 * HOUR)
    return fresh(case), CaseTask.objects.get(case=case, kind=TaskKind.APOLOGY)


def test_an_apology_is_a_task_of_the_officer_until_it_is_answered(client, house):
    case, task = apology(house)
    heard = Notice.objects.get(kind="case.apology")
    assert (heard.person_id, heard.about) == (house.pk("officer"), f"task:{task.pk}")
    assert (task.person_id, task.mandatory, task.state) == (house.pk("officer"), False, "asked")
    assert task.due_at > task.asked_at
    enter(client, house, "officer")
    assert case.number in client.get("/tasks/").content.decode()
    part = client.get(url(case, "parts/tasks/"), headers=HTMX).content.decode()
    assert last(case, "case.apology")["customer"] in part
    given = {"version": task.version, "words": "Called."}
    assert client.post(f"/tasks/{task.pk}/answer/", given).status_code == 302
    heard.refresh_from_db()
    assert heard.done_at is not None
    assert case.number not in client.get("/tasks/").content.decode()


def test_an_apology_that_is_late_is_raised_and_closing_the_case_does_not_end_it(house):
    case, task = apology(house)
    supervisor = workflow.payloads.Transferring("Another bank", "Theirs.")
    do(house, case, "transfer", supervisor, by="supervisor", at=AT + 3 * HOUR)
    task.refresh_from_db()
    assert (task.state, fresh(case).status) == ("asked", Status.TRANSFERRED)
    assert lateness.escalate(task.due_at) == 0
    assert lateness.escalate(task.due_at + 7 * DAY) == 2
    told = Notice.objects.filter(kind=tasks.LATE, about=f"task:{task.pk}")
    assert house.pk("supervisor") in set(told.values_list("person_id", flat=True))
    mine = CaseTask.objects.visible_to(house.scope("officer"), "answer").filter(pk=task.pk)
    tasks.answer(
        mine, "Apologised by phone.", actor=house.actor("officer"), at=task.due_at + 8 * DAY
    )
    waiting = Notice.objects.filter(about=f"task:{task.pk}", needs_action=True)
    assert not waiting.filter(done_at__isnull=True).exists()


def test_an_apology_falls_to_whoever_is_left_and_may_open_the_case(house):
    wrong, right = customers(house)
    for recused, owner in (((), "officer"), (("officer",), "handler"),
                           (("officer", "handler"), None)):  # fmt: skip
        case = in_state(house, Status.IN_PROGRESS, customer=wrong, contact_email="w@example.com")
        outbox.deliver(AT + HOUR)
        sent = list(CustomerNotice.objects.filter(case=case).values_list("pk", flat=True))
        relink(house, case, right)
        for name in recused:
            CaseExclusion.objects.create(
                case=case, person_id=house.pk(name), reason="named", at=AT + HOUR
            )
        apologies.ask(rows(case), sent, actor=house.actor("supervisor"), at=AT + 2 * HOUR)
        task = CaseTask.objects.get(case=case, kind=TaskKind.APOLOGY)
        assert task.person_id == (house.pk(owner) if owner else None)
        heard = Notice.objects.filter(about=f"task:{task.pk}").values_list("person_id", flat=True)
        assert house.pk(owner or "supervisor") in heard
        assert not {house.pk(name) for name in recused} & set(heard)


def test_a_supervisor_who_is_named_hears_of_no_apology(house):
    wrong, right = customers(house)
    case = in_state(house, Status.ACCEPTED, customer=wrong, contact_email="w@example.com")
    outbox.deliver(AT + HOUR)
    sent = list(CustomerNotice.objects.filter(case=case).values_list("pk", flat=True))
    relink(house, case, right)
    for pk in {house.pk("officer"), house.pk("supervisor"), case.handler_id} - {None}:
        CaseExclusion.objects.create(case=case, person_id=pk, reason="named", at=AT)
    assert apologies.ask(rows(case), sent, actor=SYSTEM, at=AT + 2 * HOUR) == 0
    assert not Notice.objects.filter(kind="case.apology").exists()
    assert (
        CaseTask.objects.get(case=case, kind=TaskKind.APOLOGY).department_id == case.department_id
    )


def test_an_apology_that_was_called_back_can_be_asked_for_again(house):
    case, task = apology(house)
    sent = last(case, "case.apology")["notices"]
    actor = house.actor("supervisor")
    with pytest.raises(RelationRefused) as caught:
        apologies.ask(rows(case), sent, actor=actor, at=AT + 3 * HOUR)
    assert caught.value.code == "asked"
    tasks.cancel(CaseTask.objects.filter(pk=task.pk), "Not yet.", actor=actor, at=AT + 3 * HOUR)
    assert apologies.ask(rows(case), sent, actor=actor, at=AT + 4 * HOUR) == 1


def test_a_stale_form_gets_409_and_keeps_the_words(client, house):
    wrong, right = customers(house)
    case = of_wrong(house, wrong, at=now())
    enter(client, house, "supervisor")
    sent = {"version": case.version + 3, "customer": right.number, "reason": "Mistyped badly."}
    answer = client.post(url(case, "relink/"), sent)
    assert answer.status_code == 409
    assert "Mistyped badly." in answer.content.decode()


def test_an_anonymous_case_is_marked_and_moved_without_a_list_of_disclosures(client, house):
    _wrong, right = customers(house)
    case = of_wrong(house, None, at=now())
    assert relinking.identity_state(case) == "anonymous"
    enter(client, house, "supervisor")
    sent = {"version": case.version, "customer": right.number, "reason": "She gave her number."}
    answer = client.post(url(case, "relink/"), sent)
    assert answer["Location"] == url(case)
    assert relinking.identity_state(fresh(case)) == "known"
    assert client.get(url(case, "disclosed/")).status_code == 404
    partial = of_wrong(house, None, contact_name="王五")
    assert relinking.identity_state(partial) == "partial"


def test_a_customer_out_of_scope_is_a_field_error(client, house):
    wrong, right = customers(house)
    case = of_wrong(house, wrong, at=now())
    enter(client, house, "supervisor")
    for number in ("K00000000", "\x00", "x" * 12):
        sent = {"version": case.version, "customer": number, "reason": "Mistyped."}
        assert client.post(url(case, "relink/"), sent).status_code == 422
    enter(client, house, "handler")
    sent = {"version": case.version, "customer": right.number, "reason": "Mistyped."}
    assert client.post(url(case, "relink/"), sent).status_code == 403
    assert fresh(case).customer_id == wrong.pk


def test_what_has_not_left_does_not_go_to_the_wrong_customer(house, settings):
    settings.MESSAGE_RECALL_SECONDS = 7200
    wrong, right = customers(house)
    case = of_wrong(house, wrong, contact_email="wrong@example.com")
    [receipt] = CustomerNotice.objects.filter(case=case)
    relink(house, case, right)
    receipt.refresh_from_db()
    assert receipt.result == NoticeResult.RECALLED
    assert "case.recalled" in actions(case)
    outbox.deliver(AT + 5 * HOUR)
    assert not OutboxMessage.objects.filter(state="sent").exists()
