"""The reference-data admin: who gets in, what is recorded, sheets in and out."""

import re
from io import BytesIO

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook

from config.kernel import journal
from config.kernel.models import JournalEntry, Term
from staff.models import Account, AccountSession, Department, Person, RoleGrant
from tests.factories.staff import PASSWORD, AccountFactory, DepartmentFactory, PersonFactory

pytestmark = pytest.mark.django_db

UNITS = "/admin/staff/department/"


def browser(*roles: str) -> Client:
    client = Client()
    client.force_login(AccountFactory.create(roles=list(roles)))
    return client


def unit(**changes) -> dict:
    fields = {
        "code": "NEW",
        "kind": "department",
        "name_en": "New",
        "name_zh": "新",
        "active": "on",
    }
    return fields | changes


def test_strangers_are_asked_to_sign_in():
    answer = Client().get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=/admin/")


@pytest.mark.parametrize("role", ["CO", "CS", "HR", "ER", "SA"])
def test_others_are_refused_and_not_asked_again(role):
    client = browser(role)
    assert client.get("/admin/").status_code == 403
    assert client.get(UNITS).status_code == 403


def test_the_auditor_looks_but_does_not_change():
    row, client = DepartmentFactory.create(), browser("AU")
    assert client.get(UNITS).status_code == 200
    assert client.get(f"{UNITS}{row.pk}/change/").status_code == 200
    for path in (f"{row.pk}/change/", "add/", "import/"):
        assert client.post(f"{UNITS}{path}", unit()).status_code == 403
    assert not Department.objects.filter(code="NEW").exists()


def test_the_admin_sign_in_never_leaves_the_portal():
    answer = browser("AD").get("/admin/login/?next=https://evil.example/")
    assert answer.url == "/admin/"


def test_a_change_is_recorded_and_raises_the_version():
    parent, client = DepartmentFactory.create(), browser("AD")
    client.post(f"{UNITS}add/", unit(parent=parent.pk))
    row = Department.objects.get(code="NEW")
    assert row.path == f"{parent.path}{row.pk}/"
    client.post(f"{UNITS}{row.pk}/change/", unit(name_en="Newer", parent=parent.pk))
    row.refresh_from_db()
    assert (row.name_en, row.version) == ("Newer", 3)
    entries = journal.entries(row.stream)
    assert [e.action for e in entries] == ["department.created", "department.changed"]
    assert journal.facts_of(entries[1]) == {"fields": "name_en"}
    assert entries[1].actor_kind == "person"
    client.post(f"{UNITS}{row.pk}/change/", unit(name_en="Newer", parent=parent.pk))
    assert journal.entries(row.stream).count() == 2  # nothing changed, nothing recorded


def test_a_unit_cannot_be_put_below_itself():
    top, client = DepartmentFactory.create(), browser("AD")
    leaf = DepartmentFactory.create(parent=top)
    answer = client.post(f"{UNITS}{top.pk}/change/", unit(parent=leaf.pk))
    assert "below itself" in answer.content.decode()


def test_nothing_is_deleted():
    row, client = DepartmentFactory.create(), browser("AD")
    assert client.post(f"{UNITS}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def load(client: Client, text: str, where: str = UNITS):
    """Upload a CSV, confirm the preview when there is one; returns the last answer."""
    data = {
        "import_file": SimpleUploadedFile("rows.csv", text.encode()),
        "format": "0",
        "resource": "0",
    }
    preview = client.post(f"{where}import/", data)
    if preview.status_code != 200 or not preview.context.get("confirm_form"):
        return preview
    initial = preview.context["confirm_form"].initial
    return client.post(f"{where}process_import/", initial)


def test_a_sheet_of_units_is_previewed_then_loaded_and_recorded():
    old, client = DepartmentFactory.create(code="OLD", name_en="Old"), browser("AD")
    same = DepartmentFactory.create(code="SAME", name_en="Same", name_zh="同")
    text = (
        "code,kind,name_en,name_zh,city_en,city_zh,active\n"
        f"OLD,department,Renamed,{old.name_zh},,,1\n"
        "SAME,department,Same,同,,,1\nNEW,branch,New,新,,,1\n"
    )
    assert load(client, text).status_code == 302
    old.refresh_from_db()
    assert old.name_en == "Renamed"
    assert Department.objects.get(code="NEW").path
    assert [e.action for e in journal.entries(old.stream)] == ["department.changed"]
    assert not journal.entries(same.stream).exists()


def test_a_bad_sheet_changes_nothing_and_shows_no_traceback():
    client = browser("AD")
    head = "code,kind,name_en,name_zh,city_en,city_zh,active\n"
    for text in (head + "A,planet,A,甲,,,1\n", "kind,name_en\nbranch,A\n"):
        page = load(client, text).content.decode()
        assert "Traceback" not in page
    assert not Department.objects.filter(code="A").exists()


def test_a_long_sheet_is_refused(monkeypatch):
    monkeypatch.setattr("config.kernel.reference.MOST_ROWS", 1)
    head = "code,kind,name_en,name_zh,city_en,city_zh,active\n"
    page = load(browser("AD"), head + "A,branch,A,甲,,,1\nB,branch,B,乙,,,1\n").content.decode()
    assert "At most 1 rows" in page
    assert not Department.objects.filter(code="A").exists()


@pytest.mark.parametrize("kind", ["0", "1"])
def test_sheets_go_out_without_formulas_and_come_back_unchanged(kind):
    row, client = DepartmentFactory.create(name_en="=1+1", name_zh="@总部"), browser("AD")
    answer = client.post(f"{UNITS}export/", {"format": kind, "resource": "0"})
    assert answer.status_code == 200
    if kind == "0":
        text = answer.content.decode("utf-8-sig")
        assert "'=1+1" in text
        load(client, text)
        row.refresh_from_db()
        assert row.name_en == "=1+1"
    else:
        sheet = load_workbook(BytesIO(answer.content)).active
        cells = [cell for line in sheet.iter_rows() for cell in line]
        assert "'=1+1" in {cell.value for cell in cells}
        assert not [cell for cell in cells if cell.data_type == "f"]
    assert JournalEntry.objects.filter(action="reference.exported").count() == 1


def test_terms_are_loaded_by_list_and_code():
    Term.objects.create(taxonomy="remedy", code="R1", name_en="Apology", name_zh="道歉")
    text = "taxonomy,code,name_en,name_zh,order,active,jrt_code\nremedy,R1,Apology,道歉,0,0,\n"
    assert load(browser("AD"), text, "/admin/kernel/term/").status_code == 302
    assert not Term.objects.get().active


def account_form(person: Person, **changes) -> dict:
    fields = {
        "username": "Newcomer",
        "person": person.pk,
        "is_active": "on",
        "temporary_password": "a-first-phrase-1",
        "grants-TOTAL_FORMS": "1",
        "grants-INITIAL_FORMS": "0",
        "grants-0-role": "CO",
    }
    return fields | changes


def test_a_new_account_must_change_its_password(client):
    person, admin_client = PersonFactory.create(), browser("AD")
    admin_client.post("/admin/staff/account/add/", account_form(person))
    account = Account.objects.get(username="newcomer")
    assert [g.role for g in account.grants.all()] == ["CO"]
    client.post("/accounts/login/", {"username": "newcomer", "password": "a-first-phrase-1"})
    assert client.get("/accounts/").url == "/accounts/password/"
    actions = [e.action for e in journal.entries(person.stream)]
    assert actions == ["person.account", "person.roles"]


def test_a_disabled_account_loses_its_sessions(client):
    account = AccountFactory.create(username="mei", roles=["CO"])
    client.post("/accounts/login/", {"username": "mei", "password": PASSWORD})
    grant = account.grants.get()
    form = account_form(account.person, username="mei", is_active="", temporary_password="")
    form |= {"grants-INITIAL_FORMS": "1", "grants-0-id": grant.pk, "grants-0-account": account.pk}
    browser("AD").post(f"/admin/staff/account/{account.pk}/change/", form)
    assert not AccountSession.objects.filter(account_id=account.pk).exists()
    assert client.get("/accounts/").status_code == 302


def test_nobody_gives_themselves_rights():
    client = browser("AD")
    own = RoleGrant.objects.get().account
    page = f"/admin/staff/account/{own.pk}/change/"
    assert client.post(page, account_form(own.person)).status_code == 403
    assert [g.role for g in own.grants.all()] == ["AD"]


def test_the_password_hash_is_on_no_page():
    account, client = AccountFactory.create(), browser("AU")
    page = client.get(f"/admin/staff/account/{account.pk}/change/").content.decode()
    assert account.password not in page
    assert "md5$" not in page


PAGES = ["/admin/", UNITS, f"{UNITS}add/", f"{UNITS}import/", f"{UNITS}export/"]
PAGES += ["/admin/staff/person/", "/admin/staff/account/add/", "/admin/kernel/term/add/"]


@pytest.mark.parametrize("page", PAGES)
def test_pages_keep_the_strict_content_policy(page):
    text = browser("AD").get(page).content.decode()
    assert not re.search(r"<[^>]+\s(style|on\w+)\s*=", text)
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)(?![^>]*application/json)", text)


def test_no_content_of_customers_is_registered():
    names = {model._meta.label for model in admin.site._registry}
    assert not {"kernel.JournalEntry", "kernel.EventWords", "kernel.Seal"} & names
    for label in ("complaints.Case", "customers.Customer"):
        model = apps.get_model(label)
        if model in admin.site._registry:
            assert not admin.site._registry[model].has_change_permission(None)
