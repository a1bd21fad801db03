"""Two edits of one case at the same moment, on real connections (SECURITY.md §8, scenario 5)."""

import pytest
from django.utils import timezone

from complaints import workflow
from complaints.models import Case
from complaints.workflow import payloads
from complaints.workflow.outcomes import Refusal
from config.kernel import journal
from tests.factories.complaints import bank, open_case, rows
from tests.threads import at_once


@pytest.mark.django_db(transaction=True)
def test_hammer_5_two_edits_of_different_fields_the_second_sees_the_conflict():
    house = bank()
    case = open_case(
        house, at=timezone.now(), product="Blue card", demand="Give it back.", severity=2
    )
    version, actors = case.version, [house.actor("officer"), house.actor("supervisor")]
    whats = [
        payloads.FactsEdit({"product": "Gold card"}, reason="a"),
        payloads.FactsEdit({"demand": "All of it."}, reason="b"),
    ]

    def click(n):
        found = workflow.edit_facts(
            rows(case), whats[n], actor=actors[n], at=timezone.now(), expected={case.pk: version}
        )
        return found[0]

    outcomes = at_once(click, 2)
    assert [o.done for o in outcomes].count(True) == 1
    assert [o.refused for o in outcomes if not o.done] == [Refusal.STALE]
    stored = Case.objects.get(pk=case.pk)
    won = 0 if outcomes[0].done else 1
    wanted = [("Gold card", "Give it back."), ("Blue card", "All of it.")][won]
    assert (stored.product, stored.demand) == wanted
    assert stored.version == version + 1
    assert journal.entries(case.stream).filter(action="case.edit_facts").count() == 1
