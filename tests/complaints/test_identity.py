"""Identification before contact data: checks, the look without one, warnings, the daily digest."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from complaints import identity, revealing
from complaints.choices import IdentityResult
from complaints.identity import IdentityRefused
from complaints.models import Case, CaseExclusion, IdentityCheck
from config.kernel import journal
from config.kernel.models import EventWords, Notice
from config.shared.claim import hold
from customers.models import ContactPoint
from tests.factories.complaints import AT, DAY, HOUR, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
PHONE = "13812345678"


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return client


def now():
    return timezone.now() - timedelta(minutes=30)


def fresh(house, *, at=None, **given):
    return open_case(house, at=at or now(), **{"contact_phone": PHONE, **given})


def check(house, case, result="passed", *, method="questions", by="officer", at=None):
    return identity.check(
        rows(case), method, result, actor=house.actor(by), at=at or timezone.now()
    )[0]


def actions(case):
    return list(journal.entries(case.stream).values_list("action", flat=True))


def digits(response):
    return response.content.decode().replace(" ", "").replace("+86", "")


def test_a_passed_check_holds_for_24_hours_and_the_record_keeps_method_and_result(house):
    case = fresh(house, at=AT)
    check(house, case, method="face", at=AT)
    assert identity.standing(case, AT + DAY - timedelta(seconds=1)).passed is not None
    assert identity.standing(case, AT + DAY).passed is None
    assert identity.standing(case, AT - HOUR).passed is None
    [entry] = journal.entries(case.stream).filter(action="case.identified")
    assert journal.facts_of(entry) == {"method": "face", "result": "passed"}
    assert not EventWords.objects.filter(entry=entry).exists()


def test_a_failed_check_takes_the_force_of_the_passed_one_before(house):
    case = fresh(house, at=AT)
    check(house, case, at=AT)
    check(house, case, "failed", at=AT + HOUR)
    held = identity.standing(case, AT + 2 * HOUR)
    assert (held.passed, held.failed) == (None, 1)
    check(house, case, at=AT + 3 * HOUR)
    held = identity.standing(case, AT + 3 * HOUR)
    assert (held.failed, held.passed is None) == (0, False)


def test_the_third_failed_check_warns_on_the_page_and_by_notice_once(client, house):
    case = fresh(house, by="officer")
    case.officer = house.accounts["officer2"].person
    case.save(update_fields=["officer"])
    for n in range(1, 5):
        check(house, case, "failed", by="officer")
        told = Notice.objects.filter(kind=identity.FAILED_OFTEN, about=case.about)
        assert told.filter(person_id=house.pk("officer2")).count() == (n >= 3)
        assert identity.standing(case, timezone.now()).warns == (n >= 3)
    page = enter(client, house, "supervisor").get(f"/cases/{case.number}/").content.decode()
    assert "Identification failed 4 times" in page
    text = client.get(f"/cases/{case.number}/reveal/", headers=HTMX).content.decode()
    assert "Somebody may be pretending" in text


@pytest.mark.parametrize(
    ("method", "result"),
    [("blood", "passed"), ("face", "overridden"), ("", "passed"), ("face", ""), ("face", "x")],
)
def test_odd_methods_and_results_are_refused(house, method, result):
    case = fresh(house)
    with pytest.raises(IdentityRefused):
        identity.check(rows(case), method, result, actor=house.actor("officer"), at=now())
    assert not IdentityCheck.objects.filter(case=case).exists()


def test_who_stays_out_of_the_case_checks_nobody(house):
    case = fresh(house)
    person = house.accounts["officer"].person
    CaseExclusion.objects.create(case=case, person=person, reason="named", at=now())
    with pytest.raises(IdentityRefused):
        check(house, case)


def test_contact_data_asks_for_identification_first(client, house):
    case = fresh(house)
    enter(client, house, "officer")
    url = f"/cases/{case.number}/reveal/"
    asked = client.get(url, headers=HTMX).content.decode()
    assert "has not been identified" in asked
    assert "Identify now" in asked
    refused = client.post(url, {"reason": "call back"}, headers=HTMX)
    assert refused.status_code == 422
    assert PHONE not in digits(refused)
    assert "case.revealed" not in actions(case)
    done = client.post(
        f"/cases/{case.number}/identity/?then=reveal",
        {"method": "id_card", "result": "passed"},
        headers=HTMX,
    )
    assert "Identified: Identity card" in done.content.decode()
    assert "case-changed" in done["HX-Trigger"]
    shown = client.post(url, {"reason": "call back"}, headers=HTMX)
    assert PHONE in digits(shown)
    assert 'data-hide-after="60"' in shown.content.decode()
    entry = journal.entries(case.stream).filter(action="case.revealed").last()
    assert journal.facts_of(entry)["identified"] is True
    assert identity.OVERRIDDEN not in actions(case)


def test_the_data_of_the_register_is_behind_the_same_door(client, house):
    customer = CustomerFactory.create(phone="13900001111", id_number="110101199003078515")
    case = fresh(house, customer=customer)
    page = enter(client, house, "officer").get(f"/cases/{case.number}/")
    assert "110101199003078515" not in digits(page)
    assert "13900001111" not in digits(page)
    check(house, case)
    shown = client.post(f"/cases/{case.number}/reveal/", {"reason": "x"}, headers=HTMX)
    assert "110101199003078515" in digits(shown)


def test_without_a_check_a_second_reason_opens_one_look_and_is_recorded(client, house):
    case = fresh(house)
    enter(client, house, "officer")
    url = f"/cases/{case.number}/reveal/"
    data = {"reason": "call back", "override": "She cannot speak, ambulance."}
    shown = client.post(url, data, headers=HTMX)
    assert PHONE in digits(shown)
    assert actions(case)[-2:] == [identity.OVERRIDDEN, "case.revealed"]
    words = EventWords.objects.get(entry__stream=case.stream, entry__action=identity.OVERRIDDEN)
    assert words.text == "She cannot speak, ambulance."
    again = client.post(url, {"reason": "once more"}, headers=HTMX)
    assert again.status_code == 422
    assert PHONE not in digits(again)


def test_the_verb_itself_asks_for_the_check(house):
    case = fresh(house)
    with pytest.raises(IdentityRefused):
        revealing.reveal(rows(case), "curious", actor=house.actor("officer"), at=now())
    assert "case.revealed" not in actions(case)
    assert not IdentityCheck.objects.filter(case=case).exists()


def test_the_chip_in_the_side_panel_follows(client, house):
    case = fresh(house)
    enter(client, house, "officer")
    side = f"/cases/{case.number}/side/"
    assert "Not identified" in client.get(side, headers=HTMX).content.decode()
    check(house, case, "failed")
    assert "Identification failed" in client.get(side, headers=HTMX).content.decode()
    check(house, case)
    assert "Identified: Security questions" in client.get(side, headers=HTMX).content.decode()


def test_who_only_reads_neither_checks_nor_shows(client, house):
    case = fresh(house)
    enter(client, house, "analyst")
    assert client.get(f"/cases/{case.number}/identity/").status_code == 403
    assert client.post(f"/cases/{case.number}/identity/", {}).status_code == 403
    enter(client, house, "loan_handler")
    assert client.get(f"/cases/{case.number}/identity/").status_code == 404


def test_a_bad_form_keeps_what_was_chosen(client, house):
    case = fresh(house)
    answer = enter(client, house, "officer").post(
        f"/cases/{case.number}/identity/", {"method": "code"}, headers=HTMX
    )
    assert answer.status_code == 422
    assert answer.context["form"]["method"].value() == "code"


def carry(house, old, *others, at):
    with hold(Case.objects.filter(pk__in=[case.pk for case in others])) as held:
        return identity.carry_over(old, held.rows, actor=house.actor("officer"), at=at)


def test_another_matter_of_the_same_contact_takes_the_check_over_with_its_end(house):
    old, new, third = (fresh(house, at=AT) for _n in range(3))
    assert carry(house, old, new, at=AT) == []
    check(house, old, method="callback", at=AT)
    [copy] = carry(house, old, new, at=AT + 2 * HOUR)
    assert copy.taken_from.case_id == old.pk
    held = identity.standing(new, AT + 2 * HOUR)
    assert held.passed.method == "callback"
    assert held.until == AT + DAY
    [again] = carry(house, new, third, at=AT + 3 * HOUR)
    assert again.taken_from.case_id == old.pk
    assert identity.standing(third, AT + DAY).passed is None
    assert actions(new)[-1] == identity.CARRIED


def test_nothing_is_carried_to_the_case_of_another_customer(house):
    old = fresh(house, at=AT)
    other = fresh(house, at=AT, contact_phone="13999999999")
    whole = fresh(house, at=AT, customer=CustomerFactory.create())
    check(house, old, at=AT)
    assert carry(house, old, other, whole, at=AT + HOUR) == []


def test_supervisors_hear_once_a_day_of_looks_without_identification(house):
    case, other = fresh(house, at=AT), fresh(house, at=AT)
    for one in (case, other):
        with hold(rows(one)) as held:
            identity.override(held.rows[0], "urgent", actor=house.actor("officer"), at=AT)
    supervisor = house.accounts["supervisor"].person
    CaseExclusion.objects.create(case=other, person=supervisor, reason="named", at=AT)
    morning = AT + DAY  # 10:00 local
    assert identity.tell_overrides(AT + HOUR) == 0
    assert identity.tell_overrides(morning - 2 * HOUR) == 0
    assert identity.tell_overrides(morning) == 1
    assert identity.tell_overrides(morning + HOUR) == 0
    notice = Notice.objects.get(kind=identity.DIGEST, person_id=supervisor.pk)
    assert notice.facts == {"count": 1}  # not the case they stay out of
    assert IdentityCheck.objects.filter(result=IdentityResult.OVERRIDDEN).count() == 2


def test_the_list_of_such_looks_is_for_supervisors_and_masked_for_analysts(client, house):
    case = fresh(house, contact_name="欧阳小满")
    with hold(rows(case)) as held:
        reason = f"欧阳小满 {PHONE} waits"
        identity.override(held.rows[0], reason, actor=house.actor("officer"), at=now())
    text = enter(client, house, "supervisor").get("/cases/identity/").content.decode()
    assert case.number in text
    assert "欧阳小满" in text
    text = enter(client, house, "analyst").get("/cases/identity/").content.decode()
    assert case.number in text
    assert "欧阳小满" not in text
    assert PHONE not in text
    for name in ("officer", "handler", "agent"):
        assert enter(client, house, name).get("/cases/identity/").status_code == 403
    person = house.accounts["supervisor"].person
    CaseExclusion.objects.create(case=case, person=person, reason="named", at=now())
    text = enter(client, house, "supervisor").get("/cases/identity/").content.decode()
    assert case.number not in text


@pytest.mark.parametrize(
    ("method", "result", "kept"), [("id_card", "failed", 1), ("", "passed", 0)]
)
def test_the_check_made_while_the_case_is_taken_is_kept_with_it(
    client, house, method, result, kept
):
    local = timezone.localtime(timezone.now()) - timedelta(minutes=3)
    data = {
        "token": str(uuid4()), "type": "CMP", "severity": "2", "core_issue": "Fee twice",
        "content": "Twice.", "intake_channel": "EML", "business_line": "B-CC-02",
        "contact_name": "王丽", "contact_phone": PHONE, "group_size": "1",
        "received_at": local.strftime("%Y-%m-%dT%H:%M"), "received_precision": "minute",
        "identity_method": method, "identity_result": result,
    }  # fmt: skip
    enter(client, house, "officer").post("/cases/new/", data)
    case = Case.objects.latest("pk")
    assert case.core_issue == "Fee twice"
    checks = [(row.method, row.result) for row in IdentityCheck.objects.filter(case=case)]
    assert checks == [(method, result)] * kept


@pytest.mark.parametrize("method", ["code", "callback", "questions"])
def test_a_check_by_the_number_verifies_the_number(house, method):
    customer = CustomerFactory.create(phone=PHONE)
    other = CustomerFactory.create(phone=PHONE)  # the same number, of somebody else
    case = fresh(house, customer=customer)
    check(house, case, "failed", method=method)
    assert not ContactPoint.objects.filter(verified_at__isnull=False).exists()
    check(house, case, method=method)
    verified = ContactPoint.objects.filter(verified_at__isnull=False)
    wanted = [] if method == "questions" else [customer.pk]
    assert list(verified.values_list("customer_id", flat=True)) == wanted
    assert other.contacts.get().verified_at is None
