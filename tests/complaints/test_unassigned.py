"""Cases nobody takes: after half an hour of opening hours the supervisors hear of it, once."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints import unassigned
from complaints.models import Case, CaseExclusion
from config.kernel import running
from config.kernel.models import JournalEntry, Notice
from tests.complaints.clock_house import local
from tests.factories.complaints import do, open_case

NINE = local("2026-11-20 09:00")  # a Friday
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(shared_house):
    return shared_house


def untaken(house, at=NINE, **given) -> Case:
    case = open_case(house, at=at, **given)
    Case.objects.filter(pk=case.pk).update(handler=None)
    case.hand_overs.update(handler=None)
    return Case.objects.get(pk=case.pk)


def told(case) -> set[int]:
    rows = Notice.objects.filter(kind="case.unassigned", about=case.about)
    return set(rows.values_list("person_id", flat=True))


def test_after_thirty_open_minutes_the_supervisors_are_told_once(house):
    case = untaken(house)
    assert unassigned.alarm(NINE + 29 * MINUTE) == 0
    assert unassigned.alarm(NINE + 30 * MINUTE) == 1
    for minutes in (31, 45, 600):
        assert unassigned.alarm(NINE + minutes * MINUTE) == 0
    assert told(case) == {house.pk("supervisor")}
    notice = Notice.objects.get(kind="case.unassigned")
    assert notice.needs_action
    assert JournalEntry.objects.filter(action="case.unassigned").count() == 1


@pytest.mark.parametrize(
    ("since", "quiet", "alarm"),
    [
        ("2026-11-20 17:50", "2026-11-23 09:19", "2026-11-23 09:20"),  # Friday to Monday
        ("2026-11-21 12:00", "2026-11-23 09:29", "2026-11-23 09:30"),  # Saturday
    ],
)
def test_closed_hours_do_not_count(house, since, quiet, alarm):
    untaken(house, at=local(since))
    assert unassigned.alarm(local(quiet)) == 0
    assert unassigned.alarm(local(alarm)) == 1


def test_taking_the_case_in_time_keeps_everybody_quiet(house):
    claimed, accepted = untaken(house), untaken(house)
    do(house, claimed, "claim", by="handler", at=NINE + 5 * MINUTE)
    do(house, accepted, "accept", at=NINE + 5 * MINUTE)
    assert unassigned.alarm(NINE + 90 * MINUTE) == 0


def test_a_department_that_does_not_sign_is_reported_and_signing_closes_it(house):
    case = untaken(house)
    do(house, case, "accept", at=NINE + MINUTE)
    do(house, case, "assess", at=NINE + MINUTE)
    do(house, case, "assign", at=NINE + 10 * MINUTE)  # with a named handler who has not signed
    assert unassigned.alarm(NINE + 39 * MINUTE) == 0
    assert unassigned.alarm(NINE + 40 * MINUTE) == 1
    assert told(case) == {house.pk("supervisor")}
    do(house, case, "sign", by="depthead", at=NINE + 50 * MINUTE)
    assert Notice.objects.get(kind="case.unassigned").done_at == NINE + 50 * MINUTE


def test_each_stretch_alarms_for_itself(house):
    case = untaken(house)
    assert unassigned.alarm(NINE + 30 * MINUTE) == 1
    do(house, case, "accept", at=NINE + 40 * MINUTE)
    do(house, case, "assess", at=NINE + 40 * MINUTE)
    do(house, case, "assign", at=NINE + 60 * MINUTE)
    assert unassigned.alarm(NINE + 90 * MINUTE) == 1
    assert unassigned.alarm(NINE + 91 * MINUTE) == 0


def test_a_case_taken_from_its_handler_alarms_half_an_hour_later(house):
    case = open_case(house, at=NINE)
    do(house, case, "claim", by="handler", at=NINE + MINUTE) if case.handler_id is None else None
    running.beat("due:unassigned", NINE + 120 * MINUTE)
    Case.objects.filter(pk=case.pk).update(handler=None, updated_at=NINE + 180 * MINUTE)
    assert unassigned.alarm(NINE + 181 * MINUTE) == 0
    assert unassigned.alarm(NINE + 210 * MINUTE) == 1


def test_recused_supervisors_hear_nothing(house):
    case = untaken(house)
    CaseExclusion.objects.create(
        case=case, person_id=house.pk("supervisor"), reason="named", at=NINE
    )
    unassigned.alarm(NINE + 40 * MINUTE)
    assert house.pk("supervisor") not in told(case)


def test_running_late_or_with_the_clock_set_back_misses_and_repeats_nothing(house):
    case = untaken(house)
    running.beat("due:unassigned", NINE)
    for minutes in (10, 3000, 20, 31, 6000):
        unassigned.alarm(NINE + minutes * MINUTE)
        running.beat("due:unassigned", NINE + minutes * MINUTE)
    assert Notice.objects.filter(about=case.about, kind="case.unassigned").count() == 1


def statements(act) -> int:
    with CaptureQueriesContext(connection) as seen:
        act()
    return len([q for q in seen if "SAVEPOINT" not in q["sql"]])


def test_the_cost_follows_what_is_due(house):
    running.beat("due:unassigned", NINE)
    unassigned.alarm(NINE)
    idle = statements(lambda: unassigned.alarm(NINE + 5 * MINUTE))
    assert idle <= 5
    untaken(house)
    one = statements(lambda: unassigned.alarm(NINE + 31 * MINUTE))
    later = NINE + 60 * MINUTE
    for _n in range(10):
        untaken(house, at=later)
    running.beat("due:unassigned", later)
    many = statements(lambda: unassigned.alarm(later + 31 * MINUTE))
    assert many <= one + 2
    running.beat("due:unassigned", later + 180 * MINUTE)
    assert statements(lambda: unassigned.alarm(later + 181 * MINUTE)) <= idle
