"""Trainings and phones of people in the admin: noted by administrators, recorded without words."""

import pytest

from config.kernel.defaults import terms
from config.kernel.models import JournalEntry, Term
from config.shared.actors import SYSTEM
from staff.models import Person, Qualification
from tests.factories.staff import PersonFactory
from tests.portal.desks import as_role
from tests.staff.test_duty import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    terms.load(SYSTEM, NOW)
    return PersonFactory.create()


def filled(person, **more):
    shown = {
        "staff_no": person.staff_no, "name_en": person.name_en, "name_zh": person.name_zh,
        "department": person.department_id, "email": person.email, "mobile": "",
        "qualifications-TOTAL_FORMS": "0", "qualifications-INITIAL_FORMS": "0",
    }  # fmt: skip
    return shown | more


def training(code="DIS", **more):
    course = Term.objects.get(taxonomy="training_course", code=code)
    shown = {"qualifications-TOTAL_FORMS": "1", "qualifications-0-course": course.pk,
             "qualifications-0-obtained_on": "2026-03-01",
             "qualifications-0-valid_until": "2028-03-01"}  # fmt: skip
    return shown | more


def test_an_administrator_notes_a_training_and_it_is_recorded(person):
    url = f"/admin/staff/person/{person.pk}/change/"
    answer = as_role("admin").post(url, filled(person, **training()))
    assert answer.status_code == 302
    row = Qualification.objects.get()
    assert (row.person, row.course.code) == (person, "DIS")
    entry = JournalEntry.objects.get(stream=person.stream)
    assert entry.action == "person.trained"
    assert '"courses":["DIS"]' in entry.body


def test_a_mobile_is_kept_encrypted_and_not_in_the_record(person):
    url = f"/admin/staff/person/{person.pk}/change/"
    assert as_role("admin").post(url, filled(person, mobile="13900001111")).status_code == 302
    assert Person.objects.get(pk=person.pk).mobile == "13900001111"
    assert not any("13900001111" in entry.body for entry in JournalEntry.objects.all())


def test_the_auditor_reads_only(person):
    url = f"/admin/staff/person/{person.pk}/change/"
    auditor = as_role("auditor")
    assert auditor.get(url).status_code == 200
    assert auditor.post(url, filled(person, **training())).status_code == 403
    assert not Qualification.objects.exists()


def test_only_training_courses_are_offered(person):
    text = as_role("admin").get(f"/admin/staff/person/{person.pk}/change/").content.decode()
    assert "Complaint and dispute handling" in text
    assert "Complaint management" not in text.partition("qualifications")[2]
