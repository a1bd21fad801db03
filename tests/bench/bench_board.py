"""The live board over many cases: the page and each of its cards."""

import pytest

from tests.bench.conftest import CASES, measured

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.bench.floor_urls")]
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
        told(f"board, {name}", middle, floor, f"p95 {slow:.1f} ms, {queries} queries")


def bench_shift(reader, told):
    middle, slow, queries = measured(lambda: reader.get("/shifts/?unit=CARD"), 7)
    told("hand-over of a shift", middle, None, f"p95 {slow:.1f} ms, {queries} queries")
