"""Two people at the same cases at the same moment: every row has one winner."""

from datetime import timedelta

import pytest
from django.utils import timezone

from complaints import bulk
from complaints.bulk.results import What
from complaints.choices import Status
from complaints.models import BulkRow, Case
from tests.factories.complaints import bank, in_state
from tests.threads import at_once


def ago(**span):
    return timezone.now() - timedelta(**(span or {"hours": 2}))


def fresh(case):
    return Case.objects.get(pk=case.pk)


def copies(house, count, status):
    return [in_state(house, status, at=ago()) for _ in range(count)]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_assign_the_same_cases_each_row_has_one_winner():
    house = bank()
    cases = copies(house, 6, Status.IN_PROGRESS)
    chosen = [
        bulk.choosing.Chosen(c.pk, c.number, c.version, c.status, c.department_id) for c in cases
    ]
    people = [house.pk("handler"), house.pk("handler2")]
    who = ["supervisor", "depthead"]

    def assign(n):
        order = bulk.Order(
            bulk.ACTS["assign_handler"], What({"handler": people[n]}), bulk.Picked(chosen)
        )
        actor, at = house.actor(who[n]), timezone.now()
        act, _new = bulk.begin(order, actor=actor, at=at)
        return bulk.carry_out(act, house.scope(who[n]), actor=actor, at=at)

    first, second = at_once(assign, 2)
    assert first.done + second.done == 6
    for case in cases:
        rows = list(BulkRow.objects.filter(case=case).order_by("result"))
        assert [row.result for row in rows] == ["done", "refused"]
        assert fresh(case).handler_id == rows[0].act.what["handler"]
        winner = house.actor(who[0] if rows[0].act_id == first.pk else who[1])
        assert winner.label.split(" Test")[0] in rows[1].said
