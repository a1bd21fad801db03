"""A worker killed by the machine in the middle of a sweep: nothing lost, nothing twice."""

import multiprocessing
import os
import signal

import pytest
from django.db import connection, connections

from complaints import clocks
from complaints.models import CaseClock
from config.kernel.models import JournalEntry
from tests.complaints.clock_house import build
from tests.complaints.test_escalation import staff
from tests.complaints.test_escalation_faults import NIGHT, assert_swept_once, late_cases, state


def die_at(number: int) -> None:
    """Sweep in this process and kill it, beyond any clean-up, before statement `number`."""
    left = [number]

    def wrapper(execute, sql, params, many, context):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        clocks.sweep(NIGHT)
    os._exit(0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [3, 9, 15, 21])
def test_a_sweep_killed_with_signal_nine_is_made_good_by_the_next(number):
    build()
    people = staff()
    late_cases(people)
    before, due = state(), CaseClock.objects.filter(next_fire_at__lte=NIGHT).count()
    connections.close_all()  # a connection must not be shared with the process that dies
    child = multiprocessing.get_context("fork").Process(target=die_at, args=[number])
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert (state(), CaseClock.objects.filter(next_fire_at__lte=NIGHT).count()) == (before, due)
    clocks.sweep(NIGHT)
    clocks.sweep(NIGHT)
    assert_swept_once(people)
    assert JournalEntry.objects.filter(action="clock.escalated").count() == 2
