"""Keyset paging: every row once, in every order, from both ends; and cursors nobody wrote."""

import base64
import json
from itertools import chain

import pytest
from django.http import QueryDict

from complaints.lists import CASES
from complaints.models import Case
from config.shared.listing import in_chunks
from config.shared.listing_pages import LAST, page_of
from config.shared.scope import WHOLE_BANK
from tests.complaints.queue_data import AT, case, many
from tests.factories.staff import DepartmentFactory

pytestmark = pytest.mark.django_db
ORDERS = [order.key for order in CASES.orders]


def everything(order):
    return list(Case.objects.order_by(*order.fields).values_list("pk", flat=True))


def walk(order, size, cursor="", way="next"):
    """Follow one way until it ends; return the pks met."""
    met = []
    for _ in range(200):
        page = page_of(Case.objects.all(), order, cursor, size)
        met.append([row.pk for row in page.rows])
        cursor = getattr(page, way)
        if not cursor:
            return met
    raise AssertionError("the pager does not end")


@pytest.mark.parametrize("key", ORDERS)
@pytest.mark.parametrize("size", [1, 4, 7, 50])
def test_walking_forwards_meets_every_row_once_in_order(key, size):
    many(DepartmentFactory.create(), 23)
    order = CASES.order(key)
    assert list(chain(*walk(order, size))) == everything(order)


@pytest.mark.parametrize("key", ORDERS)
def test_walking_backwards_from_the_last_page_meets_every_row(key):
    many(DepartmentFactory.create(), 23)
    order = CASES.order(key)
    pages = walk(order, 5, LAST, "previous")
    assert pages[0] == everything(order)[-5:]
    assert list(dict.fromkeys(chain(*reversed(pages)))) == everything(order)


def test_the_first_page_has_no_previous_and_the_last_no_next():
    many(DepartmentFactory.create(), 12)
    order = CASES.orders[0]
    first = page_of(Case.objects.all(), order, "", 5)
    last = page_of(Case.objects.all(), order, first.last, 5)
    assert (first.previous, first.is_first, bool(first.next)) == ("", True, True)
    assert (last.next, last.last, last.is_first, bool(last.previous)) == ("", "", False, True)


def test_a_page_whose_rows_are_gone_shows_what_is_left():
    rows = many(DepartmentFactory.create(), 8)
    order = CASES.order("number")
    page = page_of(Case.objects.all(), order, "", 5)
    Case.objects.filter(pk__gt=rows[4].pk).delete()
    assert [r.pk for r in page_of(Case.objects.all(), order, page.next, 5).rows] == everything(
        order
    )


def written(*content):
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%%%",
        "中文",
        "a" * 5000,
        written(),
        written("clock"),
        written("clock", "after", None),
        written("clock", "after", [1]),
        written("clock", "sideways", [False, AT.isoformat(), 1]),
        written("number", "after", [1]),
        written("clock", "after", [False, "yesterday", 1]),
        written("clock", "after", [False, "2026-11-20T00:00:00", 1]),
        written("clock", "after", [False, AT.isoformat(), 10**30]),
        written("clock", "after", [False, AT.isoformat(), "1\x00"]),
        written("clock", "after", [None, None, None]),
        written({"a": 1}, [], "clock"),
        base64.urlsafe_b64encode(b"[" * 300).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_cursor_that_is_not_ours_means_the_first_page(cursor):
    many(DepartmentFactory.create(), 6)
    page = page_of(Case.objects.all(), CASES.orders[0], cursor, 4)
    assert [row.pk for row in page.rows] == everything(CASES.orders[0])[:4]


@pytest.mark.parametrize("key", [*ORDERS, "nonsense"])
def test_an_export_reads_every_row_in_order_in_chunks(key, django_assert_max_num_queries):
    many(DepartmentFactory.create(), 25)
    order = CASES.order(key)
    with django_assert_max_num_queries(8):
        assert [row.pk for row in in_chunks(Case.objects.all(), order, 10)] == everything(order)


def test_the_declaration_reads_what_the_page_would_show():
    unit = DepartmentFactory.create()
    many(unit, 3)
    wanted = case(unit, status="closed", closed_at=AT)
    rows = CASES.read(QueryDict("status=closed"), WHOLE_BANK, AT)
    assert [row.number for row in rows] == [wanted.number]


def test_columns_fall_back_to_the_default_set_and_keep_the_locked_ones():
    shown = [column.key for column in CASES.chosen([])]
    assert shown == ["clock", "case", "customer", "status", "with", "updated"]
    assert [column.key for column in CASES.chosen(["amount", "\x00", "nonsense"])] == [
        "clock",
        "case",
        "amount",
    ]
    assert [column.key for column in CASES.chosen(["nonsense"])] == shown


def test_every_column_gives_an_export_value_for_a_bare_case():
    row = case(DepartmentFactory.create())
    assert [column.key for column in CASES.columns if column.value(row) is ...] == []
