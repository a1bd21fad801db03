"""What users of other systems miss in their lists (PEERS.md §2), held here by name."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints import default_views, indexing
from complaints.lists import CASES, shown_rows
from complaints.models import Case
from config.kernel.models import SavedView
from config.shared.listing_pages import page_of
from config.shared.scope import WHOLE_BANK
from tests.complaints.queue_data import AT, case, many, signed_in
from tests.factories.customers import CustomerFactory
from tests.factories.staff import DepartmentFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def unit():
    return DepartmentFactory.create(code="CARD")


def numbers(text):
    return re.findall(r'name="case" value="([^"]+)"', text)


@pytest.mark.parametrize("word", ["盗刷", "投诉", "周海", "卡被盗刷"])
def test_peers_21_two_chinese_letters_find_the_case_in_the_queue(client, unit, word):
    signed_in(client, "CO")
    wanted = case(
        unit, core_issue="信用卡被盗刷后投诉无人受理",
        customer=CustomerFactory.create(name="周海明"),
    )  # fmt: skip
    case(unit, core_issue="网点排队时间过长", contact_name="李雨桐")
    indexing.put(Case.objects.select_related("customer"))
    assert numbers(client.get("/cases/", {"q": word}).content.decode()) == [wanted.number]


def test_peers_22_the_list_counts_nothing_and_its_figures_stop_at_ten_thousand(client, unit):
    default_views.load(None, None)
    signed_in(client, "CS")
    many(unit, 60)

    def asked(url):
        with CaptureQueriesContext(connection) as seen:
            client.get(url, headers=HTMX)
        return [query["sql"] for query in seen if '"complaints_case"' in query["sql"]]

    rows = asked("/cases/?state=all")
    assert not [sql for sql in rows if "COUNT(" in sql]
    figures = [sql for sql in asked("/cases/facets/?state=all") if "COUNT(" in sql]
    assert len(figures) > 8
    assert [sql for sql in figures if "LIMIT 10001" not in sql] == []


def test_peers_23_closed_cases_never_fill_the_desk(client, unit):
    signed_in(client, "CO")
    waits = case(unit)
    many(unit, 300, status="closed", closed_at=AT)
    with CaptureQueriesContext(connection) as seen:
        text = client.get("/cases/?mine=", headers=HTMX).content.decode()
    assert numbers(text) == [waits.number]
    listed = [q["sql"] for q in seen if "LIMIT 51" in q["sql"]]
    assert len(listed) == 1
    assert '"complaints_case"."status" IN (' in listed[0]


def test_peers_24_the_last_of_2500_rows_is_reached_by_real_pages(unit):
    many(unit, 2500)
    rows, order = shown_rows(WHOLE_BANK).only("pk", *_plain()), CASES.order("clock")
    met, cursor, pages = 0, "", 0
    while True:
        page = page_of(rows.select_related(None), order, cursor, 250)
        met, pages, cursor = met + len(page.rows), pages + 1, page.next
        if not cursor:
            break
    assert (met, pages) == (2500, 10)
    last = page_of(rows.select_related(None), order, "last", 250)
    assert [row.pk for row in last.rows] == [row.pk for row in page.rows]


def _plain():
    return ("paused", "next_due_at")


def test_peers_43_everybody_saves_views_of_their_own_beside_the_shared_ones(client):
    default_views.load(None, None)
    signed_in(client, "CS")
    shared = {"name": "Ours", "role": "CO", "query": "tier=core"}
    client.post("/cases/views/new/", shared)
    account = signed_in(client, "CO")
    client.post("/cases/views/new/", {"name": "Mine", "query": "tier=key&sort=severity"})
    mine = SavedView.objects.get(person_id=account.person_id)
    tabs = re.findall(r'id="n-view-(\w+)"', client.get("/cases/?state=open").content.decode())
    ours = SavedView.objects.get(name_en="Ours")
    assert tabs[-2:] == [f"v{ours.pk}", f"v{mine.pk}"]
    signed_in(client, "CO")
    tabs = re.findall(r'id="n-view-(\w+)"', client.get("/cases/?state=open").content.decode())
    assert tabs[-1] == f"v{ours.pk}"
