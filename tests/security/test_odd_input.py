"""Values no page of ours would send: an answer in words, never a fault."""

import pytest

from config.kernel.models import Job
from tests.factories.staff import DepartmentFactory
from tests.portal.desks import as_role

pytestmark = pytest.mark.django_db
EDGES = ["0001-01-01", "1950-01-01", "9999-12-31"]


@pytest.mark.parametrize("day", EDGES)
@pytest.mark.parametrize("name", ["since", "until"])
def test_an_export_of_days_that_cannot_be_counted_is_refused(name, day):
    answer = as_role("supervisor").post("/exports/", {"state": "all", "format": "csv", name: day})
    assert answer.status_code == 422
    assert "Enter a valid date." in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("day", EDGES)
@pytest.mark.parametrize("name", ["since", "until"])
def test_the_record_refuses_days_that_cannot_be_counted(name, day):
    answer = as_role("auditor").get("/audit/", {name: day})
    assert answer.status_code == 422
    assert "Enter a valid date." in answer.content.decode()


@pytest.mark.parametrize("number", ["%00", "C%00", "x%20y", "%F0%9F%98%80"])
def test_a_number_that_is_none_leads_nowhere(number):
    officer = as_role("officer")
    assert officer.post(f"/fragments/claim/{number}/").status_code == 404
    assert officer.get(f"/cases/{number}/").status_code == 404
    assert officer.get(f"/customers/{number}/").status_code == 404


@pytest.mark.parametrize("url", ["/accounts/login/", "/cases/new/", "/inbox/read/"])
@pytest.mark.parametrize("charset", ["utf-7", "gbk", "utf-16"])
def test_a_form_in_another_encoding_is_refused_in_words(url, charset):
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    officer = as_role("officer")
    officer.get("/accounts/")  # the cookie without which the form is not even read
    officer.handler.enforce_csrf_checks = True
    officer.raise_request_exception = False
    answer = officer.post(url, b"content=%ff", content_type=kind)
    assert answer.status_code == 400
    assert "cannot read" in answer.content.decode() or "UTF-8" in answer.content.decode()


def test_the_admin_takes_an_empty_field_name_for_none():
    unit = DepartmentFactory.create()
    url = f"/admin/staff/department/{unit.pk}/change/?_to_field="
    assert as_role("admin").get(url).status_code == 200
