"""The case queue through its address: pages, scope, masks, figures, bulk acts, saved views."""

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from complaints import default_views, indexing
from complaints.choices import Status
from complaints.models import Case, CaseExclusion
from config.kernel.models import SavedView
from tests.complaints.queue_data import case, many, signed_in
from tests.conftest import QUERY_COUNTS
from tests.factories.customers import CustomerFactory
from tests.factories.staff import DepartmentFactory, PersonFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def unit():
    return DepartmentFactory.create(code="CARD")


def numbers(response):
    """Return the case numbers of the rows, in order."""
    return re.findall(r'name="case" value="([^"]+)"', response.content.decode())


def soon(**fields):
    return {"at": timezone.now(), "due": timedelta(hours=1), **fields}


@pytest.mark.parametrize("total", [3, 30, 3000])
def test_the_page_costs_the_same_for_few_and_many(client, unit, counted, total):
    default_views.load(None, None)
    signed_in(client, "CO")
    client.get("/cases/?state=all")
    many(unit, total, handler=PersonFactory.create(department=unit))
    indexing.put(Case.objects.select_related("customer"))
    with counted("cases page"):
        response = client.get("/cases/?state=all")
    assert len(numbers(response)) == min(total, 50)
    with counted("cases rows"):
        client.get("/cases/?state=all", headers=HTMX)
    with counted("cases facets"):
        client.get("/cases/facets/?state=all", headers=HTMX)
    with counted("cases search"):
        client.get("/cases/?q=card", headers=HTMX)


def test_a_list_page_stays_within_ten_queries():
    known = json.loads(QUERY_COUNTS.read_text())
    assert max(known["cases page"], known["cases rows"], known["cases search"]) <= 10


@pytest.mark.parametrize("sort", ["clock", "received", "updated", "severity", "number"])
def test_following_next_meets_every_case_once_and_in_order(client, unit, sort):
    signed_in(client, "CO")
    many(unit, 120)
    met, url = [], f"?state=all&sort={sort}"
    while url:
        response = client.get(f"/cases/{url}")
        met += numbers(response)
        found = re.search(r'rel="next" href="([^"]+)"', response.content.decode())
        url = found[1].replace("&amp;", "&") if found else ""
    assert len(met) == len(set(met)) == 120
    back = client.get(f"/cases/?state=all&sort={sort}&page=last")
    assert numbers(back) == met[-50:]


def test_a_bare_address_shows_the_first_view_and_clearing_shows_all_open(client, unit):
    default_views.load(None, None)
    signed_in(client, "CO")
    case(unit, core_issue="late one", **soon(due=timedelta(hours=-1)))
    case(unit, core_issue="calm one", **soon(due=timedelta(days=9)))
    first = client.get("/cases/").content.decode()
    assert "late one" in first
    assert "calm one" not in first
    assert "calm one" in client.get("/cases/?state=open").content.decode()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_stands_in_both_languages_without_scripts(client, unit, language):
    default_views.load(None, None)
    signed_in(client, "CS")
    client.cookies["huiyin_language"] = language
    row = case(unit, **soon(customer=CustomerFactory.create(name="周海明", tier="core")))
    text = client.get("/cases/?state=open").content.decode()
    assert row.number in text
    assert ("待关注" in text) is (language == "zh-hans")
    assert 'method="get" action="/cases/"' in text


def test_htmx_gets_the_rows_with_chips_and_a_clean_address(client, unit):
    signed_in(client, "CO")
    case(unit, **soon())
    url = "/cases/?clock=risk&q=&sort=clock&col=customer&col=status&col=with&col=updated&state=open"
    response = client.get(url, headers=HTMX)
    text = response.content.decode()
    assert "<html" not in text
    assert 'id="rows"' in text
    assert 'id="chips" hx-swap-oob="true"' in text
    assert response["HX-Push-Url"] == "/cases/?clock=risk&state=open"
    restored = client.get(url, headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert "<html" in restored.content.decode()


def test_figures_come_in_the_second_request(client, unit):
    default_views.load(None, None)
    signed_in(client, "CO")
    many(unit, 4)
    text = client.get("/cases/facets/?state=all", headers=HTMX).content.decode()
    assert '<span class="n" id="n-department-CARD" hx-swap-oob="true">4</span>' in text
    assert '<span class="n" id="n-view-all" hx-swap-oob="true">4</span>' in text
    assert '<span class="n is-none" id="n-tier-core" hx-swap-oob="true">0</span>' in text


@pytest.mark.parametrize(
    ("role", "status"),
    [("CO", 200), ("CS", 200), ("DH", 200), ("RM", 200), ("AU", 200), ("QA", 200), ("HR", 403),
     ("AD", 403)],
)  # fmt: skip
def test_who_may_open_the_queue(client, role, status):
    signed_in(client, role)
    assert client.get("/cases/").status_code == status
    assert client.get("/cases/facets/").status_code == status


def test_visitors_are_sent_to_the_sign_in(client):
    response = client.get("/cases/")
    assert response.status_code == 302
    assert "login" in response.url


def test_a_department_sees_its_own_cases_and_nobody_sees_what_names_them(client, unit):
    account = signed_in(client, "DH", department=unit)
    ours = case(unit, **soon())
    named = case(unit, **soon())
    theirs = case(DepartmentFactory.create(code="LOAN"), **soon())
    hidden = case(unit, restricted=True, **soon())
    CaseExclusion.objects.create(
        case=named, person=account.person, reason="named", at=timezone.now()
    )
    shown = numbers(client.get("/cases/?state=open"))
    assert shown == [ours.number]
    assert numbers(client.get("/cases/?department=LOAN")) == []
    assert numbers(client.get(f"/cases/?q={theirs.number}")) == []
    assert numbers(client.get(f"/cases/?q={hidden.number}")) == []


def test_names_are_masked_where_identity_is_not_granted(client, unit):
    case(unit, **soon(customer=CustomerFactory.create(name="周海明")))
    signed_in(client, "QA")
    assert "周海明" not in client.get("/cases/?state=open").content.decode()
    assert "周••" in client.get("/cases/?state=open").content.decode()
    signed_in(client, "CO")
    assert "周海明" in client.get("/cases/?state=open").content.decode()


@pytest.mark.parametrize(
    "query",
    ["page=%00", "page=" + "A" * 3000, "sort=%00", "sort=nonsense&page=last", "col=%00&col=x",
     "view=%3Cscript%3E", "clock=over&clock=%FF", "q=%00", "severity=1e9", "%00=%00", "=",
     "view=all&view=mine", "customer=" + "9" * 400, "department[]=1"],
)  # fmt: skip
def test_no_address_breaks_the_page(client, unit, query):
    signed_in(client, "CO")
    case(unit, **soon())
    for path in ("/cases/", "/cases/facets/", "/cases/views/new/"):
        response = client.get(f"{path}?{query}")
        assert response.status_code == 200
        assert b"<script>" not in response.content.replace(b"<script src", b"")


def test_an_empty_list_names_the_one_filter_to_drop(client, unit):
    signed_in(client, "CO")
    case(unit, **soon(due=timedelta(days=5)))
    text = client.get("/cases/?clock=over&status=received").content.decode()
    assert "No case matches 2 filters" in text
    assert "Without “Clock: Overdue” there are cases." in text
    assert 'href="?status=received"' in text


def test_the_export_button_carries_the_filter_and_only_to_whom_may(client, unit):
    case(unit, **soon())
    signed_in(client, "CO")
    text = client.get("/cases/?clock=risk&tier=core").content.decode()
    assert 'name="query" value="clock=risk&amp;tier=core"' in text
    signed_in(client, "HA")
    assert 'name="kind" value="cases"' not in client.get("/cases/?state=open").content.decode()


def bulk(client, verb, *cases, headers=HTMX, **data):
    picked = {
        "case": [row.number for row in cases],
        "version": [f"{row.number}:{row.version}" for row in cases],
    }
    return client.post(f"/cases/bulk/{verb}/", picked | data, headers=headers)


def test_claiming_many_takes_the_free_ones_and_names_the_rest(client, unit):
    me = signed_in(client, "CO", department=unit)
    rival = PersonFactory.create(department=unit)
    free, taken = case(unit, **soon()), case(unit, **soon(handler=rival))
    response = bulk(client, "claim", free, taken)
    assert response.status_code == 200
    assert taken.number in response.content.decode()
    assert rival.name_en in response.content.decode()
    assert "cases-changed" in response["HX-Trigger"]
    free.refresh_from_db()
    taken.refresh_from_db()
    assert (free.handler_id, taken.handler_id) == (me.person_id, rival.pk)


def test_when_somebody_was_faster_with_all_of_them_the_answer_is_409(client, unit):
    signed_in(client, "CO", department=unit)
    taken = case(unit, **soon(handler=PersonFactory.create(department=unit)))
    assert bulk(client, "claim", taken).status_code == 409


def test_claiming_without_scripts_redirects_back_with_a_message(client, unit):
    signed_in(client, "CO", department=unit)
    row = case(unit, **soon())
    response = bulk(client, "claim", row, headers={}, next="/cases/?clock=risk")
    assert (response.status_code, response.url) == (302, "/cases/?clock=risk")
    elsewhere = bulk(client, "claim", case(unit, **soon()), headers={}, next="//evil.example/")
    assert elsewhere.url == "/cases/"


def test_handing_over_asks_for_a_person_of_the_department(client, unit):
    signed_in(client, "CS")
    person = PersonFactory.create(department=unit)
    stranger = PersonFactory.create()
    rows = [case(unit, **soon()), case(unit, **soon())]
    asked = client.get(
        "/cases/bulk/assign_handler/", {"case": [r.number for r in rows]}, headers=HTMX
    ).content.decode()
    assert person.staff_no in asked
    assert stranger.staff_no not in asked
    assert bulk(client, "assign_handler", *rows, handler="").status_code == 422
    assert bulk(client, "assign_handler", *rows, handler=stranger.staff_no).status_code == 422
    assert bulk(client, "assign_handler", *rows, handler=person.staff_no).status_code == 200
    assert set(Case.objects.values_list("handler", flat=True)) == {person.pk}


def test_a_case_changed_meanwhile_is_left_as_it_is(client, unit):
    signed_in(client, "CS")
    person = PersonFactory.create(department=unit)
    row = case(unit, **soon())
    Case.objects.filter(pk=row.pk).update(version=9)
    response = bulk(client, "assign_handler", row, handler=person.staff_no)
    assert response.status_code == 409
    assert "Somebody was faster" in response.content.decode()
    row.refresh_from_db()
    assert row.handler_id is None


def test_sending_to_a_department_refuses_states_that_do_not_fit(client, unit):
    signed_in(client, "CS")
    target = DepartmentFactory.create(code="LOAN")
    fits = case(unit, **soon(status=Status.ASSESSING))
    not_yet = case(unit, **soon(status=Status.RECEIVED))
    response = bulk(client, "assign", fits, not_yet, department="LOAN")
    assert not_yet.number in response.content.decode()
    fits.refresh_from_db()
    not_yet.refresh_from_db()
    assert (fits.department_id, fits.status) == (target.pk, Status.ASSIGNED)
    assert not_yet.department_id == unit.pk


def test_readers_may_not_act_and_foreign_cases_are_passed_over(client, unit):
    row = case(unit, **soon())
    signed_in(client, "AU")
    assert bulk(client, "claim", row).status_code == 403
    signed_in(client, "DH")
    response = bulk(client, "claim", row)
    assert b"Select at least one case" in response.headers["HX-Trigger"].encode()
    row.refresh_from_db()
    assert row.handler_id is None


@pytest.mark.parametrize("data", [{}, {"case": "\x00"}, {"case": "x:1", "version": "x:y"}])
def test_nothing_or_nonsense_selected(client, unit, data):
    signed_in(client, "CS")
    for verb in ("claim", "assign_handler", "assign"):
        assert client.post(f"/cases/bulk/{verb}/", data, headers=HTMX).status_code == 200
    assert client.post("/cases/bulk/close/", data).status_code == 404


def test_default_views_follow_the_role_and_load_once(client):
    wrote = default_views.load(None, None)
    assert wrote > 10
    assert default_views.load(None, None) == 0

    def tabs(role):
        signed_in(client, role)
        text = client.get("/cases/").content.decode()
        return re.findall(r'id="n-view-(\w+)"', text)

    assert tabs("CO") == [
        "attention", "mine", "unassigned", "core", "repeat", "departments", "all"
    ]  # fmt: skip
    assert tabs("DH") == ["attention", "mine", "unassigned", "all"]
    assert tabs("AU") == ["attention", "repeat", "all"]


def test_an_own_view_is_saved_shown_and_dropped_only_by_its_owner(client):
    account = signed_in(client, "CO")
    data = {"name": "Late core", "query": "view=all&clock=over&tier=core&page=x"}
    response = client.post("/cases/views/new/", data)
    view = SavedView.objects.get(person_id=account.person_id)
    assert view.query == "clock=over&tier=core"
    assert response.url == f"/cases/?view=v{view.pk}&clock=over&tier=core"
    assert "Late core" in client.get("/cases/").content.decode()
    signed_in(client, "CO")
    assert "Late core" not in client.get("/cases/").content.decode()
    client.post(reverse("cases_view_drop", args=[view.pk]))
    assert SavedView.objects.filter(pk=view.pk).exists()
    client.force_login(account, backend="staff.accounts.AccountBackend")
    client.post(reverse("cases_view_drop", args=[view.pk]))
    assert not SavedView.objects.filter(pk=view.pk).exists()


def test_an_account_with_two_roles_sees_each_view_once(client):
    default_views.load(None, None)
    signed_in(client, "CO", "CS")
    text = client.get("/cases/").content.decode()
    found = re.findall(r'id="n-view-(\w+)"', text)
    assert len(found) == len(set(found))
