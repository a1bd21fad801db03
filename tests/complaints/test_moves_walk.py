"""Every pair of state and verb: allowed exactly when the table says so, whoever calls."""

import re
from pathlib import Path

import pytest
from django.db import transaction

from complaints import workflow
from complaints.choices import Status
from complaints.models import Case
from complaints.workflow import MOVES, NEXT, VERBS, payloads
from complaints.workflow.outcomes import Refusal
from config.shared.actors import SYSTEM
from tests.factories.complaints import AT, DAY, bank, default, evidence, in_state, open_case, rows

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]

# The next states of DOMAIN.md §4.6, written down once more and by hand.
_SIDE = {Status.MERGED, Status.TRANSFERRED, Status.WITHDRAWN}
DOMAIN = {
    Status.RECEIVED: {Status.ACCEPTED, Status.NOT_ACCEPTED, *_SIDE},
    Status.ACCEPTED: {Status.ASSESSING, *_SIDE},
    Status.ASSESSING: {Status.ASSIGNED, Status.IN_PROGRESS, Status.RESOLVED, *_SIDE},
    Status.ASSIGNED: {Status.IN_PROGRESS, Status.RETURNED, *_SIDE},
    Status.RETURNED: {Status.ASSIGNED, Status.IN_PROGRESS, *_SIDE},
    Status.IN_PROGRESS: {
        Status.WAITING_CUSTOMER, Status.WAITING_THIRD_PARTY, Status.SUSPENDED,
        Status.PENDING_APPROVAL, Status.RESOLVED, *_SIDE,
    },
    Status.WAITING_CUSTOMER: {Status.IN_PROGRESS, *_SIDE},
    Status.WAITING_THIRD_PARTY: {Status.IN_PROGRESS, *_SIDE},
    Status.SUSPENDED: {Status.IN_PROGRESS, Status.RESOLVED, *_SIDE},
    Status.PENDING_APPROVAL: {Status.RESOLVED, Status.SENT_BACK, *_SIDE},
    Status.SENT_BACK: {Status.IN_PROGRESS, Status.PENDING_APPROVAL, *_SIDE},
    Status.RESOLVED: {Status.NOTIFIED, *_SIDE},
    Status.NOTIFIED: {Status.CLOSED, Status.REOPENED},
    Status.CLOSED: {Status.REOPENED, Status.ARCHIVED},
    Status.REOPENED: {Status.IN_PROGRESS, *_SIDE},
    Status.ARCHIVED: set(),
    Status.NOT_ACCEPTED: {Status.ARCHIVED, Status.RECEIVED},
    Status.WITHDRAWN: {Status.ARCHIVED},
    Status.MERGED: {Status.ARCHIVED},
    Status.TRANSFERRED: {Status.ARCHIVED},
}  # fmt: skip


def test_the_table_holds_exactly_the_moves_of_the_domain():
    drawn = {state: set() for state in Status}
    for move in MOVES.values():
        for source in move.sources:
            if move.target is not None:
                drawn[Status(source)].add(move.target)
    assert drawn == DOMAIN


def test_every_move_has_its_verb_and_every_button_its_move():
    assert set(VERBS) == set(MOVES)
    for state, verbs in NEXT.items():
        for verb in verbs:
            assert state in MOVES[verb].sources, (state, verb)


def test_acts_of_the_table_are_known_to_the_reach_table():
    known = {act for role in _reach() for area, act in role if area == "cases"}
    for move in MOVES.values():
        assert move.act in known, move.verb
        assert not move.ask_act or move.ask_act in known, move.verb


def _reach():
    from staff.roles import REACH

    return REACH.values()


@pytest.mark.parametrize("state", Status.values)
def test_from_every_state_exactly_the_verbs_of_the_table_work(state):
    house = bank()
    case = in_state(house, state)
    other = open_case(house)
    proof = evidence(house, other)
    special = {
        "merge": payloads.Merging(other.pk, "Same fee."),
        "contain": payloads.Containing("Card blocked.", proof),
        "clear_major": None,
    }
    actor = house.actor("supervisor")
    for verb, (function, kind) in VERBS.items():
        what = special.get(verb) or default(house, verb, kind)
        with transaction.atomic():
            outcome = function(rows(case), what, actor=actor, at=AT + DAY)[0]
            after = Case.objects.get(pk=case.pk)
            _judge(case, verb, outcome, after)
            transaction.set_rollback(True)


def _judge(case, verb, outcome, after):
    move = MOVES[verb]
    told = (case.status, verb, outcome.refused, outcome.why)
    if case.status not in move.sources:
        assert outcome.refused is Refusal.MOVE, told
        assert (after.status, after.version, after.event_seq) == (
            case.status, case.version, case.event_seq,
        ), told  # fmt: skip
        assert workflow.explain(outcome), told
        return
    assert outcome.refused not in {Refusal.MOVE, Refusal.STALE}, told
    if outcome.done or outcome.asked:
        assert after.event_seq > case.event_seq, told
        expected = {move.target or case.status}
        expected |= {Status.PENDING_APPROVAL} if outcome.asked else set()
        assert after.status in expected, told
    else:
        assert outcome.why, told
        assert (after.status, after.version) == (case.status, case.version), told


def test_the_system_passes_the_same_table():
    house = bank()
    case = open_case(house)
    outcome = workflow.close(rows(case), actor=SYSTEM, at=AT)[0]
    assert outcome.refused is Refusal.MOVE


def test_only_the_workflow_writes_the_status_of_a_case():
    writes = re.compile(r"\bcase\.status\s*=[^=]|status=Status\.|\.update\([^)]*\bstatus=")
    guilty = []
    for folder in ("complaints", "config", "staff", "customers", "surveys"):
        for path in (ROOT / folder).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if "/migrations/" in name or name.startswith("complaints/workflow/"):
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                found = writes.search(line)
                reads = re.search(r"\.(filter|exclude|get|Q)\(|Q\(|visible_to", line)
                if found and not reads:
                    guilty.append(f"{name}:{number}: {line.strip()}")
    # the door sets the state of a case recorded as history
    allowed = ("complaints/drafting.py",)
    assert [line for line in guilty if not line.startswith(allowed)] == []
