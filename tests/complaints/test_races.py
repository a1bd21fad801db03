"""Several clicks at the same moment, on real connections; and verbs whose cost stays flat."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints import intake, records, workflow
from complaints.choices import Status
from complaints.models import Case
from complaints.workflow import payloads
from complaints.workflow.outcomes import Refusal
from config.kernel.models import JournalEntry, OutboxMessage
from config.shared.actors import SYSTEM
from tests.factories.complaints import (
    ANSWER,
    AT,
    DAY,
    PATHS,
    bank,
    default,
    draft,
    in_state,
    open_case,
    rows,
)
from tests.threads import at_once


@pytest.fixture
def house():
    return bank()


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_resolve_one_wins_and_the_others_learn_who(house):
    case = in_state(house, Status.IN_PROGRESS)
    actor, version = house.actor("officer"), case.version

    def click(_n):
        return workflow.resolve(
            rows(case), ANSWER, actor=actor, at=AT, expected={case.pk: version}
        )[0]

    outcomes = at_once(click)
    assert [o.done for o in outcomes].count(True) == 1
    assert {o.refused for o in outcomes if not o.done} == {Refusal.STALE}
    assert Case.objects.get(pk=case.pk).version == version + 1
    done = JournalEntry.objects.filter(stream=case.stream, action="case.resolve")
    assert done.count() == 1
    loser = next(o for o in outcomes if not o.done)
    told = workflow.explain(loser)
    assert "Officer Test" in told
    assert "Decision made" in told  # not the clocks that stopped by it


@pytest.mark.django_db(transaction=True)
def test_without_versions_the_table_still_lets_one_through(house):
    case = in_state(house, Status.RESOLVED)
    actor = house.actor("officer")
    what = payloads.Told("phone")
    outcomes = at_once(lambda _n: workflow.notify(rows(case), what, actor=actor, at=AT)[0])
    assert [o.done for o in outcomes].count(True) == 1
    assert {o.refused for o in outcomes if not o.done} == {Refusal.MOVE}


@pytest.mark.django_db(transaction=True)
def test_eight_claimers_one_handler(house):
    case = open_case(house)
    Case.objects.filter(pk=case.pk).update(handler=None)
    people = [house.actor(name) for name in ("officer", "officer2", "supervisor", "handler")] * 2
    outcomes = at_once(lambda n: workflow.claim(rows(case), actor=people[n], at=AT)[0])
    assert [o.done for o in outcomes].count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_a_closing_and_eight_comments_keep_every_comment(house):
    case = in_state(house, Status.NOTIFIED)
    actor = house.actor("officer")

    def click(n):
        if n == 0:
            return workflow.confirm(rows(case), actor=actor, at=AT)[0].done
        return len(records.add_note(rows(case), f"Note {n}", actor=actor, at=AT))

    assert all(at_once(click))
    notes = JournalEntry.objects.filter(stream=case.stream, action="case.note")
    assert notes.count() == 7
    assert Case.objects.get(pk=case.pk).status == Status.CLOSED


@pytest.mark.django_db(transaction=True)
def test_the_same_matter_sent_eight_times_is_one_case_and_numbers_have_no_gap(house):
    at_once(lambda _n: intake.open_cases([draft()], actor=SYSTEM, at=AT), 4)
    same = draft(origin_key="web:1")
    results = at_once(lambda _n: intake.open_cases([same], actor=SYSTEM, at=AT)[0])
    assert len({r.case.pk for r in results}) == 1
    assert [r.duplicate for r in results].count(False) == 1
    numbers = sorted(Case.objects.values_list("number", flat=True))
    assert numbers == [f"C-2026-{n:07d}" for n in range(1, 6)]
    assert OutboxMessage.objects.filter(kind="case.acknowledgement").count() == 5


@pytest.mark.django_db(transaction=True)
def test_two_cases_merged_into_each_other_at_once_leave_one_alive(house):
    one, two = open_case(house), open_case(house)
    actor = house.actor("supervisor")

    def click(n):
        gone, stays = (one, two) if n % 2 else (two, one)
        what = payloads.Merging(stays.pk, "Same.")
        return workflow.merge(rows(gone), what, actor=actor, at=AT)[0].done

    assert at_once(click).count(True) == 1
    assert Case.objects.filter(status=Status.MERGED).count() == 1


VERBS = (
    ("accept", Status.RECEIVED, payloads.Taking(no_interest=True)),
    ("resolve", Status.IN_PROGRESS, ANSWER),
    ("notify", Status.RESOLVED, payloads.Told("phone")),
    ("notify", Status.RESOLVED, payloads.Told("email")),
    ("wait_customer", Status.IN_PROGRESS, payloads.Pausing("Papers.", AT + 5 * DAY)),
    ("confirm", Status.NOTIFIED, payloads.Note()),
    ("reopen", Status.NOTIFIED, payloads.Reason("Again.")),
    ("raise_severity", Status.RECEIVED, payloads.Grading(3, "Press.")),
    ("transfer", Status.RECEIVED, payloads.Transferring("Other Bank", "Theirs.")),
)


@pytest.mark.django_db
@pytest.mark.parametrize(("verb", "state", "what"), VERBS)
def test_a_verb_costs_the_same_for_three_cases_and_for_thirty(house, verb, state, what):
    one, few, many = (copies(house, state, n) for n in (1, 3, 30))
    function, _kind = workflow.VERBS[verb]

    def cost(cases):
        with CaptureQueriesContext(connection) as caught:
            outcomes = function(rows(*cases), what, actor=house.actor("supervisor"), at=AT)
        assert all(outcome.done for outcome in outcomes), outcomes[0].why
        return len(caught)

    cost(one)  # tables that are kept in mind between requests are read by now
    # wide rows go in several INSERTs on SQLite (999 values per statement)
    assert cost(many) - cost(few) <= (0 if connection.vendor == "postgresql" else 3)


def _bulk(house):
    """The verbs of the queue page, a proposal and a request: state and payload."""
    card, pk = house.units["CARD"].pk, house.pk
    return {
        "claim": (Status.IN_PROGRESS, payloads.Note()),
        "assign": (Status.ASSESSING, payloads.Sending(card, pk("handler"))),
        "assign_handler": (Status.IN_PROGRESS, payloads.Handing(pk("handler2"))),
        "propose": (Status.IN_PROGRESS, ANSWER),
        "ask": (Status.RECEIVED, payloads.Retyping("INQ", "She asks.")),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["claim", "assign", "assign_handler", "propose", "ask"])
def test_two_hundred_cases_cost_the_queries_of_three(house, verb):
    state, what = _bulk(house)[verb]
    few, many = copies(house, state, 3), copies(house, state, 200)

    def cost(cases):
        if verb == "claim":
            Case.objects.filter(pk__in=[case.pk for case in cases]).update(handler=None)
        how = {"actor": house.actor("officer"), "at": AT}
        with CaptureQueriesContext(connection) as caught:
            if verb == "ask":
                outcomes = workflow.ask("retype", rows(*cases), what, **how)
            else:
                outcomes = workflow.VERBS[verb][0](rows(*cases), what, **how)
        assert all(outcome.done or outcome.asked for outcome in outcomes), outcomes[0].why
        return [q["sql"] for q in caught]

    first, second = cost(few), cost(many)
    # wide rows go in several INSERTs on SQLite (999 values per statement)
    split = [sql for sql in second if sql.startswith("INSERT")]
    allowed = 0 if connection.vendor == "postgresql" else len(split)
    assert len(second) - len(first) <= allowed, [sql[:80] for sql in second]


@pytest.mark.django_db
def test_twenty_lost_races_are_explained_at_the_cost_of_two(house):
    cases = copies(house, Status.RECEIVED, 20)
    seen = {case.pk: case.version - 1 for case in cases}
    actor = house.actor("officer")
    outcomes = workflow.claim(rows(*cases), actor=actor, at=AT, expected=seen)
    assert {outcome.refused for outcome in outcomes} == {Refusal.STALE}

    def cost(some):
        with CaptureQueriesContext(connection) as caught:
            told = workflow.explain_all(some)
        assert all("Officer Test" in text for text in told)
        return len(caught)

    assert cost(outcomes[:2]) >= cost(outcomes)


def copies(house, state, total):
    """Bring `total` cases to a state in one go."""
    opened = intake.open_cases(
        [draft() for _n in range(total)], actor=house.actor("officer"), at=AT
    )
    cases = [result.case for result in opened]
    for verb, by in PATHS[state]:
        function, kind = workflow.VERBS[verb]
        function(rows(*cases), default(house, verb, kind), actor=house.actor(by), at=AT)
    return cases
