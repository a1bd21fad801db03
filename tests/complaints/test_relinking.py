"""Moving a case to the right customer: what follows, what stays, what is to be apologised for."""

import pytest

from complaints import identity, records
from complaints.choices import IdentityResult, NoticeResult, Status
from complaints.models import CustomerNotice, IdentityCheck
from complaints.relations import relinking
from complaints.relations.frame import Overtaken, RelationRefused
from config.kernel import outbox, search
from config.kernel.models import Notice, OutboxMessage
from customers.models import Customer
from customers.models.customer import CustomerStatus
from tests.complaints.relations_help import actions, enter, fresh, last, now, told, url, words
from tests.factories.complaints import AT, HOUR, in_state, open_case, rows
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
    assert told(case, "case.apology") == {house.pk("officer")}
    assert last(case, "case.apology")["count"] == 1


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
