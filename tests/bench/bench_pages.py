"""Queue, search, home and case page against the plain page of the same data."""

import pytest
from django.utils import timezone

from complaints import records
from complaints.choices import Status
from complaints.models import Case
from config.kernel import search
from tests.bench.conftest import CASES, measured
from tests.factories.complaints import in_state, rows

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.bench.floor_urls")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def floor(reader):
    return measured(lambda: reader.get("/floor/"))[0]


PAGES = {
    "queue, first page": ("/cases/?state=all", {}),
    "queue, rows only": ("/cases/?state=all", HTMX),
    "queue, last page": ("/cases/?state=all&page=last", HTMX),
    "queue, by severity": ("/cases/?state=all&sort=severity", HTMX),
    "queue, figures": ("/cases/facets/?state=all", HTMX),
    "search, common word": ("/cases/?q=card&state=all", HTMX),
    "search, no hit": ("/cases/?q=zzzunknown&state=all", HTMX),
    "search, two Chinese letters": ("/cases/?q=王丽&state=all", HTMX),
    "home": ("/", {}),
    "new case": ("/cases/new/", {}),
}


def bench_pages(reader, floor, told):
    told(f"floor, 50 of {CASES:,} rows", floor)
    for name, (address, headers) in PAGES.items():
        middle, slow, queries = measured(lambda a=address, h=headers: reader.get(a, headers=h))
        told(name, middle, floor, f"p95 {slow:.1f} ms, {queries} queries")


def bench_case_page(house, reader, floor, told):
    case = in_state(house, Status.IN_PROGRESS, at=timezone.now())
    for total in (20, 200):
        missing = total - Case.objects.get(pk=case.pk).event_seq
        for n in range(missing):
            actor = house.actor("officer2")
            records.add_note(rows(case), f"note {n}", actor=actor, at=timezone.now())
        middle, slow, queries = measured(lambda: reader.get(f"/cases/{case.number}/"))
        told(f"case page, {total} events", middle, floor, f"p95 {slow:.1f} ms, {queries} queries")


def bench_search_alone(house, db, told):
    for name, asked in {"common": "card", "none": "zzzunknown", "Chinese": "王丽"}.items():
        middle, slow, _queries = measured(lambda q=asked: search.find("case", q))
        told(f"index alone, {name}", middle, None, f"p95 {slow:.1f} ms")
