"""Cases follow managers and leavers; a customer's words go and the chain still holds."""

import pytest

from complaints import erasing, following
from complaints.choices import Status
from complaints.models import Case
from config.kernel import search
from config.kernel.models import Approval, EventWords, Job, Notice, OutboxMessage
from config.shared.actors import SYSTEM
from customers.events import RmsChanged, rms_changed
from staff.events import MembersLeft, members_left
from tests.factories.complaints import AT, DAY, bank, evidence, in_state, open_case
from tests.factories.customers import CustomerFactory
from tests.factories.staff import PersonFactory

pytestmark = pytest.mark.django_db
CANARY = "Zanzibarkanarienvogel"


@pytest.fixture
def house():
    return bank()


def test_another_manager_takes_the_cases_along(house):
    someone = CustomerFactory.create(rm=PersonFactory.create())
    case = open_case(house, customer=someone)
    someone.rm = new = PersonFactory.create()
    someone.save(update_fields=["rm"])
    rms_changed.send(None, event=RmsChanged((someone.pk,), new.pk, SYSTEM, AT))
    job = Job.objects.get()
    assert (job.kind, job.params) == (following.MANAGERS, {"customer_ids": [someone.pk]})
    assert following.follow_managers([case.pk], AT) == 1
    assert following.follow_managers([case.pk], AT) == 0
    assert Case.objects.get().rm_id == new.pk


def test_open_cases_of_leavers_go_back_to_the_department(house):
    case = in_state(house, Status.IN_PROGRESS)
    gone = house.accounts["handler"].person
    gone.active = False
    gone.save(update_fields=["active"])
    members_left.send(None, event=MembersLeft((gone.pk,), SYSTEM, AT))
    assert Job.objects.get().kind == following.LEAVERS
    assert following.release([case.pk], AT + DAY) == 1
    assert Case.objects.get(pk=case.pk).handler_id is None
    assert Notice.objects.filter(kind="case.handler_left", person_id=house.pk("depthead")).exists()
    assert following.release([case.pk], AT + DAY) == 0


def test_erasing_leaves_no_word_of_the_customer(house):
    someone = CustomerFactory.create(phone="13812342107", name=CANARY)
    case = in_state(
        house, Status.PENDING_APPROVAL, customer=someone, content=f"I am {CANARY}",
        contact_name=CANARY, demand=CANARY, product=CANARY,
    )  # fmt: skip
    evidence(house, case)
    kept = in_state(house, Status.RECEIVED, contact_name=CANARY)
    assert erasing.erase([someone.pk], AT) == 1
    after = Case.objects.get(pk=case.pk)
    for name in ("content", "core_issue", "demand", "contact_name", "contact_phone", "product"):
        assert getattr(after, name) == "", name
    assert search.find("case", after.number[-4:]) == []
    letters = OutboxMessage.objects.filter(about=case.about)
    assert letters.exists()
    assert {(m.to, m.text, m.ready_at) for m in letters} == {("", "", None)}
    assert {(a.reason, a.words) for a in Approval.objects.all()} == {("", "")}
    words = EventWords.objects.filter(entry__stream=case.stream)
    assert words.exists()
    assert {word.text for word in words} == {""}
    assert Case.objects.get(pk=kept.pk).contact_name == CANARY


def test_a_case_under_legal_hold_keeps_its_words(house):
    someone = CustomerFactory.create()
    case = open_case(house, customer=someone)
    Case.objects.filter(pk=case.pk).update(legal_hold=True)
    assert erasing.erase([someone.pk], AT) == 0
    assert Case.objects.get().content == case.content
