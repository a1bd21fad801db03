"""No door leads round the table of moves: page, bulk act, import and admin leave a state alone."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.utils import timezone

from complaints import intake
from complaints.choices import Status
from complaints.drafts import HistoryFacts
from complaints.models import Case
from complaints.workflow.moves import MOVES
from config.shared.actors import SYSTEM
from tests.factories.complaints import AT, draft, in_state

pytestmark = pytest.mark.django_db
BULK = ("claim", "assign", "assign_handler")
FILLED = {
    "business_line": "B-CC-02", "no_interest": "on", "outcome": "UPH", "answer": "We refund it.",
    "findings": "Booked twice.", "basis": "Tariff.", "objection_ways": "Review.", "nature": "SVC",
    "cause": "A1", "responsibility": "responsible", "reason": "Because.", "words": "Told.",
    "note": "Done.", "method": "phone", "type": "CMP", "severity": "3", "receiver": "Another bank",
}  # fmt: skip


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def supervisor(client, house):
    client.force_login(house.accounts["supervisor"], backend="staff.accounts.AccountBackend")
    return client


def as_stored(case):
    row = Case.objects.get(pk=case.pk)
    return row.status, row.version, row.event_seq


@pytest.mark.parametrize("state", Status.values)
def test_a_page_and_a_bulk_act_do_only_what_the_table_allows(supervisor, house, state):
    case = in_state(house, state, at=timezone.now() - timedelta(hours=3))
    before = as_stored(case)
    people = {"handler_id": house.pk("handler"), "department_id": case.department_id}
    for verb in (verb for verb, move in MOVES.items() if state not in move.sources):
        data = FILLED | people | {"version": before[1], "into_id": "C-2026-9999999"}
        answer = supervisor.post(f"/cases/{case.number}/do/{verb}/", data)
        assert answer.status_code in {403, 404, 409, 422}, verb
        assert as_stored(case) == before, verb
        if verb in BULK:
            chosen = {"case": case.number, "version": f"{case.number}:{before[1]}"}
            assert supervisor.post(f"/cases/bulk/{verb}/", people | chosen).status_code < 500
            assert as_stored(case) == before, verb


@pytest.mark.parametrize("state", [Status.RECEIVED, Status.IN_PROGRESS, Status.NOTIFIED])
def test_loading_a_known_row_again_never_moves_its_case(house, state):
    case = in_state(house, state)
    Case.objects.filter(pk=case.pk).update(origin_key="file:1")
    before = as_stored(case)
    past = HistoryFacts(status=Status.CLOSED, closed_at=AT)
    [result] = intake.open_cases(
        [draft(origin_key="file:1", history=past)], actor=SYSTEM, at=AT + timedelta(days=1)
    )
    assert result.duplicate
    assert as_stored(case) == before


def test_the_admin_knows_no_case():
    assert Case not in admin.site._registry
