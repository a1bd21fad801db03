"""A message reached the wrong person: who hears of it, what it takes back, where it is listed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import workflow
from complaints.appending import RecordRefused
from complaints.choices import NoticeResult, Status
from complaints.conversation import misdelivery, writing
from complaints.conversation.writing import Message
from complaints.models import Case, CaseExclusion, CaseGrant, CaseTask, CustomerNotice
from complaints.workflow import payloads
from config.kernel import journal, outbox
from config.kernel.models import Notice
from config.shared.actors import SYSTEM
from customers.models import ContactPoint
from tests.factories.complaints import AT, DAY, HOUR, in_state, open_case, rows
from tests.factories.customers import CustomerFactory
from tests.factories.staff import PersonFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
PHONE = "13812345678"


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")


def sent(house, *, at=AT, **given):
    """A delivered SMS to a customer whose number is on file and verified."""
    customer = CustomerFactory.create(phone=PHONE)
    ContactPoint.objects.filter(customer=customer).update(
        verified_at=at - 30 * DAY, changed_at=at - 30 * DAY
    )
    case = open_case(house, at=at, customer=customer, contact_phone=PHONE, **given)
    what = Message("sms", "The refund is booked.")
    notice = writing.write(rows(case), what, actor=house.actor("officer"), at=at)[0]
    outbox.deliver(at)
    return case, notice


def report(house, case, notice, *, by="officer", at=AT + HOUR, reason="Her sister called."):
    return misdelivery.report(rows(case), notice.pk, reason, actor=house.actor(by), at=at)


def told_by_mail(house, *, at=AT):
    case = in_state(house, Status.RESOLVED, at=at)
    what = payloads.Told("email", "By mail.")
    workflow.notify(rows(case), what, actor=house.actor("officer"), at=at)
    outbox.deliver(at)
    return Case.objects.get(pk=case.pk), CustomerNotice.objects.get(case=case, purpose="result")


def test_the_privacy_officer_hears_of_it_and_may_read_the_case(house):
    privacy = house.units["PRIV"]
    privacy.head = PersonFactory.create(department=privacy)
    privacy.save(update_fields=["head"])
    case, notice = sent(house)
    report(house, case, notice)
    row = CustomerNotice.objects.get(pk=notice.pk)
    assert (row.result, row.misdelivered_at) == (NoticeResult.MISDELIVERED, AT + HOUR)
    told = Notice.objects.get(kind="case.misdelivered")
    assert (told.person_id, told.needs_action) == (privacy.head_id, True)
    assert CaseGrant.objects.filter(case=case, person=privacy.head, watcher=True).exists()
    entry = journal.entries(case.stream).get(action="case.misdelivered")
    assert "sister" not in entry.body
    assert journal.words_of([entry])[entry.pk] == {"reason": "Her sister called."}


def test_a_privacy_officer_named_in_the_case_stays_out_and_the_supervisors_hear_of_it(house):
    privacy = house.units["PRIV"]
    privacy.head = PersonFactory.create(department=privacy)
    privacy.save(update_fields=["head"])
    case, notice = sent(house)
    CaseExclusion.objects.create(case=case, person=privacy.head, reason="named", at=AT)
    report(house, case, notice)
    assert not CaseGrant.objects.filter(case=case).exists()
    told = Notice.objects.filter(kind="case.misdelivered")
    assert [row.person_id for row in told] == [house.pk("supervisor")]


def test_without_a_privacy_officer_the_supervisors_hear_of_it(house):
    case, notice = sent(house)
    report(house, case, notice)
    told = Notice.objects.filter(kind="case.misdelivered")
    assert [row.person_id for row in told] == [house.pk("supervisor")]
    assert not CaseGrant.objects.filter(case=case).exists()


def test_the_contact_is_no_longer_verified(house):
    case, notice = sent(house)
    report(house, case, notice)
    assert ContactPoint.objects.get(customer=case.customer).verified_at is None
    actions = journal.entries(case.customer.stream).values_list("action", flat=True)
    assert "customer.contact_unverified" in actions
    what = Message("sms", "Sorry.")
    with pytest.raises(writing.Doubtful):  # the next message asks twice
        writing.write(rows(case), what, actor=house.actor("officer"), at=AT + 2 * HOUR)


def test_a_result_that_went_astray_told_nobody(house):
    case, notice = told_by_mail(house)
    assert case.notified_at == AT
    report(house, case, notice)
    after = Case.objects.get(pk=case.pk)
    assert (after.status, after.notified_at) == (Status.NOTIFIED, None)
    assert workflow.close_silent(AT + 90 * DAY) == 0  # silence says nothing any more
    outcome = workflow.close(rows(case), actor=house.actor("officer"), at=AT + 90 * DAY)[0]
    assert outcome.refused is not None
    told = Notice.objects.filter(kind="case.tell_again")
    assert {row.person_id for row in told} == {house.pk("officer"), house.pk("supervisor")}
    task = CaseTask.objects.get(case=case)
    assert (task.person_id, task.due_at) == (house.pk("officer"), AT + HOUR + DAY)
    reopened = workflow.reopen(
        rows(case), payloads.Reason("It went astray."), actor=house.actor("officer"), at=AT + DAY
    )[0]
    assert reopened.done


def test_a_message_that_went_astray_leaves_the_result_told(house):
    case, _result = told_by_mail(house)
    what = Message("email", "See you.", sure=True)
    notice = writing.write(rows(case), what, actor=house.actor("officer"), at=AT + HOUR)[0]
    outbox.deliver(AT + HOUR)
    report(house, case, notice, at=AT + 2 * HOUR)
    after = Case.objects.get(pk=case.pk)
    assert (after.notified_at, after.silence_ends_at) == (AT, case.silence_ends_at)
    assert not CaseTask.objects.filter(case=case).exists()


def test_a_message_that_went_astray_after_the_result_asks_for_nothing_again(house):
    case, result = told_by_mail(house)
    report(house, case, result)
    what = Message("email", "Sorry.", sure=True)
    notice = writing.write(rows(case), what, actor=house.actor("officer"), at=AT + 2 * HOUR)[0]
    outbox.deliver(AT + 2 * HOUR)
    report(house, case, notice, at=AT + 3 * HOUR)
    assert CaseTask.objects.filter(case=case).count() == 1


def test_a_result_of_an_earlier_round_untells_nothing(house):
    case, notice = told_by_mail(house)
    rows(case).update(round=2)
    report(house, case, notice)
    assert Case.objects.get(pk=case.pk).notified_at == AT


def test_neither_the_reporter_nor_who_is_named_is_told_and_words_are_needed(house):
    case, notice = sent(house)
    with pytest.raises(RecordRefused):
        report(house, case, notice, reason=" ")
    report(house, case, notice, by="supervisor")
    other, second = sent(house)
    out = {"person_id": house.pk("supervisor"), "reason": "named", "at": AT}
    CaseExclusion.objects.create(case=other, **out)
    report(house, other, second)
    assert not Notice.objects.filter(kind="case.misdelivered").exists()


def test_a_result_told_another_way_too_stays_told(house):
    case, notice = told_by_mail(house)
    CustomerNotice.objects.create(
        case=case, purpose="result", method="phone", result=NoticeResult.TOLD, at=AT, seq=1,
        round=case.round,
    )  # fmt: skip
    report(house, case, notice)
    assert Case.objects.get(pk=case.pk).notified_at == AT
    assert not CaseTask.objects.filter(case=case).exists()


def test_a_closed_case_stays_closed_and_somebody_is_asked(house):
    case, notice = told_by_mail(house)
    workflow.confirm(rows(case), actor=house.actor("officer"), at=AT + HOUR)
    report(house, case, notice, at=AT + 2 * HOUR)
    after = Case.objects.get(pk=case.pk)
    assert (after.status, after.notified_at) == (Status.CLOSED, None)
    assert CaseTask.objects.filter(case=case).count() == 1


def test_only_what_has_left_can_go_astray_and_only_once(house, settings):
    settings.MESSAGE_RECALL_SECONDS = 60
    case = open_case(house)
    waiting = writing.write(
        rows(case), Message("email", "Hello.", sure=True), actor=house.actor("officer"), at=AT
    )[0]
    with pytest.raises(RecordRefused):
        report(house, case, waiting)
    settings.MESSAGE_RECALL_SECONDS = 0
    case, notice = sent(house)
    with pytest.raises(RecordRefused):
        report(house, case, notice, reason="  ")
    report(house, case, notice)
    with pytest.raises(RecordRefused):
        report(house, case, notice)
    with pytest.raises(RecordRefused):
        report(house, open_case(house), notice)
    told = journal.entries(case.stream).filter(action="case.misdelivered")
    assert told.count() == 1


def test_a_restricted_case_lets_nobody_in(house):
    privacy = house.units["PRIV"]
    privacy.head = PersonFactory.create(department=privacy)
    privacy.save(update_fields=["head"])
    case, notice = sent(house)
    Case.objects.filter(pk=case.pk).update(restricted=True)
    misdelivery.report(rows(case), notice.pk, "A tip.", actor=SYSTEM, at=AT)
    assert Notice.objects.filter(kind="case.misdelivered", person_id=privacy.head_id).exists()
    assert not CaseGrant.objects.filter(case=case).exists()


def test_it_is_reported_on_the_case_and_listed_for_who_oversees(client, house):
    at = timezone.now() - timedelta(minutes=30)
    case, notice = sent(house, at=at)
    enter(client, house, "officer")
    line = client.get(f"/cases/{case.number}/timeline/", headers=HTMX).content.decode()
    url = f"/cases/{case.number}/messages/{notice.pk}/wrong-person/"
    assert url in line
    assert "privacy officer" in client.get(url, headers=HTMX).content.decode()
    assert client.post(url, {"reason": ""}).status_code == 422
    assert client.post(url, {"reason": "Wrong number."}).status_code == 302
    line = client.get(f"/cases/{case.number}/timeline/", headers=HTMX).content.decode()
    assert "Reached the wrong person" in line
    assert url not in line
    assert client.get("/cases/misdelivered/").status_code == 403
    enter(client, house, "supervisor")
    page = client.get("/cases/misdelivered/").content.decode()
    assert case.number in page
    assert "1 message reached the wrong person" in page
    enter(client, house, "loan_handler")
    assert client.post(url, {"reason": "x"}).status_code == 404


def test_the_list_costs_the_same_for_one_and_many(client, house, django_assert_max_num_queries):
    at = timezone.now() - timedelta(minutes=30)
    enter(client, house, "supervisor")
    for total in (1, 12):
        for _n in range(total):
            case, notice = sent(house, at=at)
            report(house, case, notice, at=at)
        with django_assert_max_num_queries(8):
            client.get("/cases/misdelivered/")
