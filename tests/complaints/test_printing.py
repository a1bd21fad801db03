"""The service record (DOMAIN.md §4.15): every field of the form, masked, and recorded."""

from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import case_page, identity, printing
from complaints.choices import Status
from complaints.models import Case, CaseExclusion
from config.kernel import journal
from tests.factories.complaints import evidence, in_state, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
NAME, PHONE = "欧阳小满", "13812345678"
FIELDS = (
    "Case number", "Intake channel", "Business channel", "Referral number", "Referral deadline",
    "Received", "Accepted", "Customer told", "Customer number", "Name", "Tier", "Phone",
    "Identity check", "Branch", "Staff concerned", "Type", "Business line", "Severity", "Emotion",
    "In the customer&#x27;s words", "Demand", "Core issue", "Wished-for outcome",
    "Amount in dispute", "Nature", "Root cause", "Responsibility", "Harm contained",
    "What was verified", "Basis and reasons", "Decision", "Remedies", "Compensation", "Approved by",
    "Ways to object", "Confirmed by the customer", "Promised reply", "Keep until",
    "Steps of the handling", "Attachments", "Last hash", "Entries of the record",
)  # fmt: skip


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return client


def now():
    return timezone.now() - timedelta(minutes=30)


def lived(house):
    told = {"contact_name": NAME, "contact_phone": PHONE, "content": f"{NAME}: call {PHONE}"}
    case = in_state(house, Status.NOTIFIED, at=now(), customer=CustomerFactory.create(), **told)
    evidence(house, case, at=now())
    identity.check(rows(case), "face", "passed", actor=house.actor("officer"), at=now())
    return Case.objects.get(pk=case.pk)


def test_every_field_of_the_form_stands_on_the_page(client, house):
    case = lived(house)
    page = enter(client, house, "supervisor").get(f"/cases/{case.number}/print/").content.decode()
    missing = [field for field in FIELDS if field not in page]
    assert missing == []
    stored = Case.objects.get(pk=case.pk)
    assert stored.head_hash in page
    assert "Face recognition" in page
    assert "We refund the fee of 300 CNY." in page
    assert "Depthead Test" in page  # who signed for it, among the steps
    assert case.attachments.get().file.sha256 in page


def test_name_and_contact_are_masked_on_paper_for_everybody(client, house):
    case = lived(house)
    for name, in_words in (("supervisor", True), ("analyst", False)):
        page = enter(client, house, name).get(f"/cases/{case.number}/print/").content.decode()
        assert "欧•••" in page
        assert "138 •••• 5678" in page
        assert (NAME in page) == in_words, name  # the customer's own words hold the name


def test_each_print_is_recorded_and_shows_the_hash_after_it(client, house):
    case = lived(house)
    enter(client, house, "supervisor").get(f"/cases/{case.number}/print/")
    entry = journal.entries(case.stream).last()
    assert (entry.action, entry.actor_id) == ("case.printed", house.pk("supervisor"))
    assert Case.objects.get(pk=case.pk).version == case.version


def test_who_prints_follows_the_table(client, house):
    case = lived(house)
    url = f"/cases/{case.number}/print/"
    for name, status in {
        "officer": 200, "analyst": 200, "approver": 200, "agent": 403, "loan_handler": 404,
    }.items():  # fmt: skip
        assert enter(client, house, name).get(url).status_code == status, name
    person = house.accounts["officer"].person
    CaseExclusion.objects.create(case=case, person=person, reason="named", at=now())
    assert enter(client, house, "officer").get(url).status_code == 404


@pytest.mark.parametrize("status", [Status.RECEIVED, Status.WITHDRAWN, Status.TRANSFERRED])
def test_a_case_of_which_little_is_known_prints_dashes(house, status):
    case = in_state(house, status, at=now())
    row = case_page.rows_for_page().get(pk=case.pk)
    made = printing.record(row, house.scope("supervisor"), now())
    assert {
        line.value for section in made.sections for line in section.rows if not line.value
    } == set()
    assert made.files == []


def test_looks_and_notes_are_no_steps_of_the_handling(house):
    case = open_case(house, at=now())
    printing.printed(rows(case), actor=house.actor("officer"), at=now())
    row = case_page.rows_for_page().get(pk=case.pk)
    made = printing.record(row, house.scope("supervisor"), now())
    assert [step.what for step in made.steps if "printed" in step.what] == []
