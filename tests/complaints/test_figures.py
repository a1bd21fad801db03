"""K01, K02, K28: each case once, by its limit; overdue open cases count against the rate."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from complaints import figures
from complaints.choices import Status
from complaints.models import Case
from config.shared.metrics import Metric, Period, figure
from config.shared.registry import contributed
from config.shared.scope import WHOLE_BANK, Scope
from tests.factories.complaints import AT, bank, open_case

pytestmark = pytest.mark.django_db
MONTH = Period(AT - timedelta(days=1), AT + timedelta(days=30))


def counted(key, scope=WHOLE_BANK, period=MONTH):
    found = figure(contributed(Metric)[key], period, scope)
    return found.count, found.of


@pytest.fixture
def cases():
    house = bank()
    return [open_case(house) for _ in range(4)]


def put(case, **fields):
    Case.objects.filter(pk=case.pk).update(**fields)


def test_volume_leaves_merged_cases_to_their_survivor(cases):
    put(cases[0], status=Status.MERGED, merged_into=cases[1])
    assert counted("K01") == (3, None)


def test_timely_counts_the_told_and_holds_the_late_and_the_open_against_it(cases):
    due = cases[0].resolve_due_at
    put(cases[0], notified_at=due)
    put(cases[1], notified_at=due + timedelta(seconds=1))
    assert counted("K02") == (1, 4)
    put(cases[2], status=Status.WITHDRAWN, withdrawn_at=due - timedelta(hours=1))
    put(cases[3], status=Status.TRANSFERRED)
    assert counted("K02") == (1, 2)


def test_a_case_counts_in_the_period_of_its_limit_only(cases):
    later = Period(MONTH.end, MONTH.end + timedelta(days=30))
    assert counted("K02", period=later) == (0, 0)
    assert counted("K28") == (0, 4)


def test_figures_stay_within_the_scope(cases):
    nobody = Scope(member=1)
    assert counted("K01", scope=nobody) == (0, None)
    assert not figures.due(MONTH, nobody).exists()


def test_the_command_prints_denominators_and_refuses_odd_months(cases):
    out = StringIO()
    call_command("show_metrics", f"{AT:%Y-%m}", stdout=out)
    assert "K01" in out.getvalue()
    assert "of" in out.getvalue()
    with pytest.raises(CommandError, match="2026-10"):
        call_command("show_metrics", "October")
