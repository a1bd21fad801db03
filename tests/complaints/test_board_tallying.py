"""Figures of facets and board against the same counted in Python, row by row, on both engines."""

from collections import Counter
from datetime import timedelta
from statistics import median

import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from complaints import facets
from complaints.board import ageing, heat, tallying
from complaints.board.filters import age_states
from complaints.board.sight import Sight
from complaints.choices import OPEN, Severity, Status
from complaints.filters import CaseFilters, due_states, marks
from complaints.models import Case, CaseTag
from config.shared.chips import duration_words
from config.shared.scope import WHOLE_BANK
from tests.complaints.queue_data import AT, CustomerFactory, built, term
from tests.factories.staff import DepartmentFactory, PersonFactory

pytestmark = pytest.mark.django_db
STATES = (
    Status.RECEIVED, Status.IN_PROGRESS, Status.WAITING_CUSTOMER, Status.RESOLVED,
    Status.NOTIFIED, Status.WITHDRAWN,
)  # fmt: skip
QUERIES = (
    "", "state=all", "state=open", "state=ended", "status=received", "clock=over&clock=risk",
    "tier=key", "tier=key&department=U1&mark=chased", "tag=fraud", "handler=none&state=all",
    "handler=S-1&type=ADV", "type=nonsense", "state=all&clock=paused",
)  # fmt: skip


@pytest.fixture
def crowd():
    """Cases of three units that differ in everything facets and board count by."""
    units = [DepartmentFactory.create(code=f"U{n}") for n in range(3)]
    people = [None, *(PersonFactory.create(staff_no=f"S-{n}") for n in range(2))]
    people += [PersonFactory.create(staff_no=f"S-{n}") for n in range(2, 20)]
    customers = [CustomerFactory.create(tier=tier) for tier in ("core", "key", "ordinary")]
    types = [term("feedback_type", code) for code in ("CMP", "ADV")]
    rows = []
    for n in range(130):
        received = AT - timedelta(hours=n * 7 % 300, minutes=n)
        rows.append(
            built(
                units[n % 7 % 3],
                due=None if n % 17 == 0 else timedelta(hours=n % 60 - 12),
                handler=people[n % 13 % len(people)] if n % 2 else people[n % len(people)],
                customer=[None, *customers][n % 4],
                type=types[n % 5 % 2],
                severity=Severity.values[n % 11 % 4],
                status=STATES[n % 23 % len(STATES)],
                paused=n % 9 == 0,
                received_at=received,
                first_response_at=None
                if n % 6 == 0
                else received + timedelta(seconds=n * 9973 % 9000),
                chase_count=n % 3,
                emotion=n % 6,
                emotion_now=[None, 4, 1][n % 3],
                media_risk=n % 8 == 0,
                vulnerable=n % 10 == 0,
                repeat_count=n % 4 // 3,
                regulatory_major=n % 12 == 0,
            )
        )
    Case.objects.bulk_create(rows)
    tags = [term("tag", code) for code in ("fraud", "old")]
    for n, row in enumerate(Case.objects.order_by("pk")):
        for tag in tags[: n % 3]:
            CaseTag.objects.create(case=row, term=tag, at=AT)
    return units


def counted(filters, key):
    """Return the figures of one facet, counted in Python; what has none is not in them."""
    rows = filters.matching(without=key)
    if key == "clock":
        states = due_states(AT)
        rows = rows.filter(status__in=OPEN)
        return {code: rows.filter(states[code]).count() for code in states}
    if key == "mark":
        return {code: rows.filter(condition).count() for code, condition in marks().items()}
    found = Counter()
    rows = rows.select_related("customer", "department", "type", "intake_channel", "handler")
    for row in rows.prefetch_related("tags__term"):
        found.update(CODES[key](row))
    return found


CODES = {
    "tier": lambda row: [row.customer.tier] if row.customer else [],
    "department": lambda row: [row.department.code],
    "type": lambda row: [row.type.code],
    "severity": lambda row: [str(row.severity)],
    "channel": lambda row: [row.intake_channel.code],
    "status": lambda row: [row.status],
    "handler": lambda row: [row.handler.staff_no if row.handler else "none"],
    "tag": lambda row: [tag.term.code for tag in row.tags.all()],
}


@pytest.mark.parametrize("query", QUERIES)
def test_every_facet_counts_what_python_counts(crowd, query):
    filters = CaseFilters(QueryDict(query), Case.objects.visible_to(WHOLE_BANK), WHOLE_BANK, AT)
    figures = facets.figures_of(filters)
    assert figures.total == filters.qs.count()
    for facet in facets.facets_of(filters):
        if facet.key not in figures.counts:
            continue
        wanted = counted(filters, facet.key)
        for choice in facet.choices:
            if choice.code != "me":
                shown = figures.counts[facet.key].get(choice.code, 0)
                assert shown == wanted.get(choice.code, 0), (facet.key, choice.code)
    loads = counted(filters, "handler")
    loads.pop("none", None)
    ticked = set(filters.chosen.get("handler", []))
    order = sorted(loads.items(), key=lambda pair: (-pair[1], pair[0]))[: facets.MOST_HANDLERS]
    busiest = {one.named.code: one.n for one in figures.busiest}
    assert busiest == {code: n for code, n in order if code not in ticked}


def test_some_figures_are_there_at_all(crowd):
    filters = CaseFilters(QueryDict("state=all"), Case.objects.all(), WHOLE_BANK, AT)
    figures = facets.figures_of(filters)
    for key, counts in figures.counts.items():
        assert len([n for n in counts.values() if n]) > (key != "channel"), key
    assert len(figures.busiest) == facets.MOST_HANDLERS


@pytest.mark.parametrize(("query", "statements"), [("state=open", 1), ("state=all", 2), ("", 2)])
def test_the_cases_are_read_once_for_all_facets(
    crowd, query, statements, django_assert_num_queries
):
    filters = CaseFilters(QueryDict(query), Case.objects.all(), WHOLE_BANK, AT)
    assert filters.named
    with django_assert_num_queries(statements + 1) as seen:  # and the names of handlers
        facets.figures_of(filters)
    assert [q["sql"][:4] for q in seen.captured_queries].count("WITH") == statements


def test_median_of_the_first_reply_is_pythons(crowd, monkeypatch):
    for most in (10_000, 40):
        monkeypatch.setattr(heat, "MANY", most)
        found = heat.heat(Sight(WHOLE_BANK, AT), "reply")
        rows = Case.objects.filter(first_response_at__isnull=False, is_history=False)
        rows = list(rows.order_by("-received_at", "-id"))
        assert found.cut is (len(rows) > most)
        by_slot, by_day = {}, {}
        for row in rows[:most]:
            local = timezone.localtime(row.received_at)
            spent = (row.first_response_at - row.received_at).total_seconds()
            by_slot.setdefault((local.isoweekday(), local.hour), []).append(spent)
            by_day.setdefault(local.isoweekday(), []).append(spent)
        for number, day in enumerate(found.days, start=1):
            times = by_day.get(number)
            assert day.total == (duration_words(int(median(times))) if times else "–")
            for hour, cell in zip(found.hours, day.cells, strict=True):
                times = by_slot.get((number, hour))
                assert cell.words == (duration_words(int(median(times))) if times else "–")


@pytest.mark.parametrize("column", ["department", "status"])
def test_ages_are_pythons(crowd, column):
    look = Sight(WHOLE_BANK, AT)
    card = ageing.by_unit(look) if column == "department" else ageing.by_stage(look)
    states = age_states(AT)
    wanted = Counter()
    for row in look.open():
        label = row.department.label if column == "department" else str(Status(row.status).label)
        for age, condition in enumerate(states):
            wanted[label, str(age)] += look.open().filter(condition, pk=row.pk).count()
    shown = {(row.label, part.age): part.n for row in card.rows for part in row.parts}
    assert shown == {key: n for key, n in wanted.items() if n}
    assert card.total == look.open().count()


def test_of_nothing_there_are_no_figures():
    empty = Case.objects.none().values("id")[:5]
    assert tallying.tallies(empty, {"a": tallying.By("id")}) == {"a": {}}
    assert tallying.medians(empty, "id", "id", "id") == {}
    assert connection.vendor in {"sqlite", "postgresql"}
