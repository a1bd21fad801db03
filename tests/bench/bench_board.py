"""The live board over many cases: the page and each of its cards; facets, hand-over, clusters."""

from time import perf_counter

import pytest
from django.db import connection

from tests.bench.conftest import CASES, measured

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.bench.floor_urls")]
HTMX = {"HX-Request": "true"}
CARDS = {
    "counters": "",
    "ageing": "",
    "ageing by stage": "?by=stage",
    "load": "",
    "heat": "",
    "heat, first reply": "?measure=reply",
    "decisions": "",
}


def bench_board(reader, told):
    floor = measured(lambda: reader.get("/floor/"))[0]
    told(f"floor, 50 of {CASES:,} rows", floor)
    middle, slow, queries = measured(lambda: reader.get("/board/"), 7)
    told("board, whole page", middle, floor, f"p95 {slow:.1f} ms, {queries} queries")
    for name, query in CARDS.items():
        card = name.partition(" ")[0].strip(",")
        address = f"/board/cards/{card}/{query}"
        middle, slow, queries = measured(lambda a=address: reader.get(a), 7)
        spent = f"{in_database(reader, address):.0f} ms in the database"
        told(f"board, {name}", middle, floor, f"p95 {slow:.1f} ms, {queries} queries, {spent}")


BESIDE = {
    "facets": "/cases/facets/?state=open",
    "facets of the first view": "/cases/facets/",
    "hand-over of a shift": "/shifts/?unit=CARD",
    "clusters": "/clusters/",
}


def bench_beside(reader, told):
    for name, address in BESIDE.items():
        middle, slow, queries = measured(lambda a=address: reader.get(a, headers=HTMX), 7)
        spent = f"{in_database(reader, address):.0f} ms in the database"
        told(name, middle, None, f"p95 {slow:.1f} ms, {queries} queries, {spent}")


def in_database(reader, address):
    """Return the least milliseconds one answer spends in the database, of three."""
    return min(_in_database(reader, address) for _run in range(3))


def _in_database(reader, address):
    spans = []

    def timed(execute, sql, params, many, context):
        began = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            spans.append((perf_counter() - began) * 1000)

    with connection.execute_wrapper(timed):
        reader.get(address, headers=HTMX)
    return sum(spans)
