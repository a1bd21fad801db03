"""Another matter of the same contact: registered beside the first, answered together."""

from uuid import uuid4

import pytest
from django.utils import timezone

from complaints import identity, workflow
from complaints.choices import LinkKind, NoticeResult, Status
from complaints.conversation import misdelivery, recalling
from complaints.models import (
    CallRecord,
    Case,
    CaseExclusion,
    CaseLink,
    CaseTask,
    CustomerNotice,
)
from complaints.relations import linking, matters
from complaints.relations.frame import RelationRefused
from complaints.replies import result
from complaints.workflow.payloads import FactsEdit, Told
from config.kernel import outbox
from config.kernel.models import OutboxMessage
from tests.complaints.relations_help import actions, enter, fresh, now, url
from tests.factories.complaints import AT, HOUR, do, draft, in_state, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house):
    return shared_house


def recorded(house, **given):
    case = open_case(house, **given)
    CallRecord.objects.create(
        case=case, direction="in", result="reached", recording="REC-77", at=AT, seconds=90, seq=1
    )
    return case


def beside(house, case, **given):
    made = matters.open_beside(
        rows(case), draft(**given), actor=house.actor("officer"), at=AT + HOUR,
        registrar=house.accounts["officer"].person,
    )  # fmt: skip
    assert made.case is not None, made.refused
    return fresh(made.case)


def pair(house, **given):
    """Return two decided cases of one contact."""
    same = {"contact_phone": "13900001111", "contact_email": "wang@example.com", **given}
    first = in_state(house, Status.RESOLVED, **same)
    second = in_state(house, Status.RESOLVED, **same)
    linking.link(rows(first), second.pk, LinkKind.SAME_CONTACT, actor=house.actor("officer"), at=AT)
    return fresh(first), fresh(second)


def together(house, *cases, method="email", by="officer"):
    return matters.answer_together(
        rows(*cases), Told(method, "All at once."), actor=house.actor(by), at=AT + 2 * HOUR
    )


def test_a_further_matter_is_linked_and_has_the_recording(house):
    first = recorded(house)
    second = beside(house, first)
    link = CaseLink.objects.get()
    assert (link.a_id, link.b_id, link.kind) == (first.pk, second.pk, LinkKind.SAME_CONTACT)
    call = CallRecord.objects.get(case=second)
    assert (call.recording, call.seconds) == ("REC-77", 90)
    assert "case.another_matter" in actions(first)
    assert "case.beside" in actions(second)
    assert second.number != first.number


def test_the_verification_holds_for_the_further_matter(house):
    customer = CustomerFactory.create()
    phone = "13900002222"
    first = recorded(house, customer=customer, contact_phone=phone)
    identity.check(rows(first), "questions", "passed", actor=house.actor("officer"), at=AT)
    second = beside(house, first, customer=customer, contact_phone=phone)
    assert identity.standing(second, AT + HOUR).passed.taken_from_id is not None


def test_a_double_click_makes_one_case_and_one_link(house):
    first = recorded(house)
    one = beside(house, first, origin_key="form:1")
    two = beside(house, first, origin_key="form:1")
    assert one.pk == two.pk
    assert CaseLink.objects.count() == 1


def test_the_form_is_filled_and_registers_beside(client, house):
    customer = CustomerFactory.create(name="张伟")
    first = open_case(house, at=now(), customer=customer, contact_phone="13812340000")
    enter(client, house, "officer")
    go = client.get(url(first, "another/"))
    assert go.status_code == 302
    page = client.get(go["Location"]).content.decode()
    assert first.number in page
    assert customer.number in page
    assert "13812340000" not in page
    at = timezone.localtime(timezone.now()).strftime("%Y-%m-%dT%H:%M")
    sent = {
        "token": str(uuid4()), "beside": first.number, "customer": customer.number, "type": "CMP",
        "severity": "2", "core_issue": "App fails", "content": "It fails every day.",
        "intake_channel": "TEL", "received_at": at, "received_precision": "minute",
    }  # fmt: skip
    assert client.post("/cases/new/", sent).status_code == 302
    second = Case.objects.latest("pk")
    assert CaseLink.objects.filter(a=first, b=second).exists()
    assert second.contact_phone == "13812340000"


def test_a_foreign_case_as_neighbour_is_a_field_error_and_nothing_is_stored(client, house):
    tip = open_case(house, at=now(), type="TIP")
    count = Case.objects.count()
    enter(client, house, "agent")
    at = timezone.localtime(timezone.now()).strftime("%Y-%m-%dT%H:%M")
    sent = {
        "token": str(uuid4()), "beside": tip.number, "type": "CMP", "severity": "2",
        "core_issue": "x", "content": "y", "intake_channel": "TEL", "received_at": at,
        "received_precision": "minute",
    }  # fmt: skip
    assert client.post("/cases/new/", sent).status_code == 422
    assert Case.objects.count() == count


def test_one_message_answers_all_and_its_delivery_tells_all(house):
    first, second = pair(house)
    before = set(OutboxMessage.objects.values_list("pk", flat=True))
    assert all(outcome.done for outcome in together(house, first, second))
    [letter] = OutboxMessage.objects.exclude(pk__in=before)
    assert first.number in letter.subject
    assert second.number in letter.text
    notices = CustomerNotice.objects.filter(outbox_key=letter.key)
    assert {row.case_id for row in notices} == {first.pk, second.pk}
    assert fresh(first).status == Status.RESOLVED
    assert workflow.deliver({letter.key: AT + 3 * HOUR}, at=AT + 3 * HOUR) == 2
    assert {fresh(case).status for case in (first, second)} == {Status.NOTIFIED}
    assert {row.result for row in notices.all()} == {NoticeResult.DELIVERED}


def test_on_the_phone_all_are_told_now(house):
    first, second = pair(house)
    assert all(outcome.done for outcome in together(house, first, second, method="phone"))
    assert {fresh(case).status for case in (first, second)} == {Status.NOTIFIED}


def test_all_or_none(house):
    first, second = pair(house)
    rows(second).update(findings="")
    before = OutboxMessage.objects.count()
    outcomes = together(house, first, second)
    assert [outcome.done for outcome in outcomes] == [False, False]
    assert second.number in outcomes[0].why
    assert OutboxMessage.objects.count() == before
    assert "case.result_sent" not in actions(first)
    spoken = together(house, first, second, method="phone")
    assert not any(outcome.done for outcome in spoken)
    assert fresh(first).status == Status.RESOLVED


def test_no_common_address_no_message(house):
    first, second = pair(house)
    rows(second).update(contact_email="")
    assert not any(outcome.done for outcome in together(house, first, second))


def test_cases_of_different_contacts_are_never_answered_in_one_letter(house):
    first = in_state(house, Status.RESOLVED)
    second = in_state(house, Status.RESOLVED)
    with pytest.raises(RelationRefused):
        together(house, first, second)
    with pytest.raises(RelationRefused):
        together(house, *pair(house), method="letter")


def seen(*cases):
    """What the dialog carries of the cases it shows."""
    return {f"seen_{case.pk}": fresh(case).version for case in cases}


def test_the_dialog_carries_the_version_of_every_case(client, house):
    first, second = pair(house)
    enter(client, house, "officer")
    form = client.get(url(first, "together/")).context["form"]
    carried = {name: form[name].value() for name in form.fields if name.startswith("seen_")}
    assert carried == seen(first, second)
    sent = {"method": "phone", "words": "Told her."}
    assert client.post(url(first, "together/"), sent).status_code == 422  # of no case
    assert {fresh(case).status for case in (first, second)} == {Status.RESOLVED}


@pytest.mark.parametrize("method", ["phone", "email"])
def test_an_overtaken_answer_is_turned_back_with_who_did_what(client, house, method):
    first, second = pair(house)
    sent = {"method": method, "words": "Both are settled.", "sure": "on", **seen(first, second)}
    do(house, second, "edit_facts", FactsEdit({"demand": "More."}), by="supervisor")
    enter(client, house, "officer")
    answer = client.post(url(first, "together/"), sent)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Both are settled." in page
    assert second.number in page
    assert "Supervisor Test" in page
    assert {fresh(case).status for case in (first, second)} == {Status.RESOLVED}
    assert not notices_of(first, second).exists()
    form = answer.context["form"]
    again = {**sent, **{name: form[name].value() for name in form.fields if "seen_" in name}}
    assert client.post(url(first, "together/"), again).status_code == 302
    assert notices_of(first, second).count() == 2


def test_a_case_told_meanwhile_is_not_left_out_in_silence(client, house):
    first, second = pair(house)
    third = in_state(house, Status.RESOLVED, contact_phone="13900001111")
    linking.link(rows(first), third.pk, LinkKind.SAME_CONTACT, actor=house.actor("officer"), at=AT)
    sent = {"method": "phone", "words": "All three.", **seen(first, second, third)}
    do(house, third, "notify", Told("phone", "Told her."), by="supervisor")
    enter(client, house, "officer")
    answer = client.post(url(first, "together/"), sent)
    assert answer.status_code == 409
    assert "Supervisor Test" in answer.content.decode()
    assert fresh(first).status == Status.RESOLVED
    assert set(answer.context["form"].fields) >= set(seen(first, second))


def test_a_case_out_of_reach_meanwhile_hinders_the_answer(client, house):
    first, second = pair(house)
    third = in_state(house, Status.RESOLVED, contact_phone="13900001111")
    linking.link(rows(first), third.pk, LinkKind.SAME_CONTACT, actor=house.actor("officer"), at=AT)
    sent = {"method": "phone", "words": "All three.", **seen(first, second, third)}
    rows(third).update(restricted=True)
    enter(client, house, "officer")
    answer = client.post(url(first, "together/"), sent)
    assert answer.status_code == 409
    assert third.number not in answer.content.decode()
    assert fresh(first).status == Status.RESOLVED


def test_the_panel_offers_one_answer_and_the_dialog_gives_it(client, house):
    first, second = pair(house)
    enter(client, house, "officer")
    part = client.get(url(first, "parts/related/")).content.decode()
    assert url(first, "together/") in part
    sent = {"method": "phone", "words": "Told her.", **seen(first, second)}
    assert client.post(url(first, "together/"), sent).status_code == 302
    assert fresh(second).status == Status.NOTIFIED


def test_a_recused_person_opens_nothing_beside_and_reads_why(house):
    first = recorded(house)
    CaseExclusion.objects.create(case=first, person_id=house.pk("officer"), reason="named", at=AT)
    made = matters.try_beside(
        rows(first), draft(), actor=house.actor("officer"), at=AT + HOUR, registrar=None
    )
    assert made.case is None
    assert "named" in made.refused
    assert Case.objects.count() == 1


def notices_of(*cases):
    return CustomerNotice.objects.filter(case__in=cases, purpose="result")


def test_a_common_message_is_recalled_for_all_its_cases(house, settings):
    settings.MESSAGE_RECALL_SECONDS = 60
    first, second = pair(house)
    together(house, first, second)
    notice = notices_of(second).get()
    at = AT + 2 * HOUR
    recalling.recall(rows(second), notice.pk, actor=house.actor("officer"), at=at)
    assert {row.result for row in notices_of(first, second)} == {NoticeResult.RECALLED}
    assert all("case.recalled" in actions(case) for case in (first, second))
    assert outbox.deliver(AT + 5 * HOUR) >= 0
    assert {fresh(case).status for case in (first, second)} == {Status.RESOLVED}
    assert all(outcome.done for outcome in together(house, first, second))


def test_a_common_message_is_sent_again_for_all_its_cases(house):
    first, second = pair(house)
    together(house, first, second)
    [key] = set(notices_of(first, second).values_list("outbox_key", flat=True))
    OutboxMessage.objects.filter(key=key).update(state="failed", ready_at=None)
    workflow.fail([key], at=AT + 3 * HOUR)
    notice = notices_of(first).get()
    at = AT + 4 * HOUR
    recalling.resend(rows(first), notice.pk, actor=house.actor("officer"), at=at)
    assert {row.result for row in notices_of(first, second)} == {NoticeResult.PENDING}


def test_a_common_message_that_went_astray_told_nobody(house):
    first, second = pair(house)
    together(house, first, second)
    [key] = set(notices_of(first, second).values_list("outbox_key", flat=True))
    workflow.deliver({key: AT + 3 * HOUR}, at=AT + 3 * HOUR)
    notice = notices_of(first).get()
    actor = house.actor("officer")
    misdelivery.report(rows(first), notice.pk, "Her sister.", actor=actor, at=AT + 4 * HOUR)
    assert {row.result for row in notices_of(first, second)} == {NoticeResult.MISDELIVERED}
    assert [fresh(case).notified_at for case in (first, second)] == [None, None]
    assert CaseTask.objects.filter(case__in=[first, second]).count() == 2


def test_one_answer_leaves_once(house):
    first, second = pair(house)
    assert all(outcome.done for outcome in together(house, first, second))
    count = OutboxMessage.objects.count()
    again = together(house, first, second)
    assert "on its way" in again[0].why
    assert OutboxMessage.objects.count() == count
    letter = OutboxMessage.objects.filter(kind="case.result")
    outbox.cancel(letter, actor=house.actor("supervisor"), at=AT + 3 * HOUR)  # stopped by hand
    later = matters.answer_together(
        rows(first, second), Told("email"), actor=house.actor("officer"), at=AT + 4 * HOUR
    )
    assert all(outcome.done for outcome in later)


def test_the_senders_of_merged_cases_read_the_common_result_too(house):
    first, second = pair(house)
    merged = open_case(house, contact_email="li@example.com", contact_phone="")
    rows(merged).update(status=Status.MERGED, merged_into=first)
    together(house, first, second)
    assert notices_of(merged).count() == 1


def test_a_gap_in_one_result_hinders_the_common_message(house, monkeypatch):
    first, second = pair(house)
    gaps = {second.pk: ["Basis"]}
    monkeypatch.setattr(result, "gaps", lambda case, _method, _at: gaps.get(case.pk, []))
    outcomes = together(house, first, second)
    assert not any(outcome.done for outcome in outcomes)
    assert "Basis" in outcomes[1].why


def test_a_doubtful_address_of_a_common_message_asks_twice(client, house):
    first, second = pair(house)
    enter(client, house, "officer")
    sent = {"method": "email", "words": "", **seen(first, second)}
    page = client.post(url(first, "together/"), sent)
    assert page.status_code == 422
    assert 'name="sure"' in page.content.decode()
    assert not notices_of(first, second).exists()
    assert client.post(url(first, "together/"), {**sent, "sure": "on"}).status_code == 302
    assert all("case.sent_in_doubt" in actions(case) for case in (first, second))


def test_cases_of_two_customers_are_never_answered_in_one_letter(house):
    first, second = pair(house)
    rows(second).update(customer=CustomerFactory.create())
    with pytest.raises(RelationRefused):
        together(house, first, second)
    assert not notices_of(first, second).exists()
