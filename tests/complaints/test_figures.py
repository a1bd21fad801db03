"""K01, K02, K28, K37: each case once, by its limit; overdue open cases count against the rate."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from complaints import figures
from complaints.choices import Status
from complaints.conversation.speaking import Call, log_call
from complaints.models import Case, CaseClock, PromisedReply
from config.shared.metrics import Metric, Period, figure, rows_of
from config.shared.registry import contributed
from config.shared.scope import WHOLE_BANK, Scope
from tests.factories.complaints import AT, DAY, bank, in_state, open_case, rows

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


def progress(case, due, state="running", stopped=None, breached=None):
    """A progress clock of the case, in the next free round."""
    rounds = CaseClock.objects.filter(case=case, name="progress").count()
    CaseClock.objects.create(
        case=case, name="progress", round=rounds + 1, unit="hours", amount=60, started_at=AT,
        base_due_at=due, due_at=due, risk_at=due, state=state, stopped_at=stopped,
        breached_at=breached,
    )  # fmt: skip


def promised(case, due, ended=None, kept=None):
    PromisedReply.objects.create(case=case, due_at=due, at=AT, ended_at=ended, kept=kept, seq=1)


def test_feedback_counts_notices_and_promises_by_their_time(cases):
    """Golden: 3 of 7 in time; one case is late twice, one waits, one kept everything."""
    CaseClock.objects.filter(name="progress").delete()
    good, late, waits, off = cases
    due, before, after = AT + 2 * DAY, AT + DAY, AT + 3 * DAY
    progress(good, due, "met", stopped=due)  # told on the stroke
    promised(good, due, ended=due, kept=True)
    promised(good, due, ended=before, kept=True)  # two of one moment stay two
    progress(late, due, "missed", stopped=after, breached=due)
    promised(late, due, ended=after, kept=False)
    progress(waits, due)  # nobody has told the customer yet
    promised(waits, due)
    # What was never owed:
    promised(good, due, ended=before)  # taken back with its message
    progress(late, due, "cancelled", stopped=before)  # withdrawn before its time
    progress(waits, due, "paused")
    progress(good, MONTH.end, "met", stopped=due)  # of the next period
    put(off, notified_at=before)
    progress(off, due, "met", stopped=before)  # the result came first
    assert counted("K37") == (3, 7)
    metric = contributed(Metric)["K37"]
    assert set(rows_of(metric, MONTH, WHOLE_BANK)) == {late, waits}
    assert rows_of(metric, MONTH, Scope(member=1)).count() == 0
    assert counted("K37", scope=Scope(member=1)) == (0, 0)
    whats = sorted(row["what"] for row in figures.feedback_due(MONTH, WHOLE_BANK))
    assert whats == ["progress"] * 3 + ["promise"] * 4
    progress(off, due, "cancelled", stopped=after, breached=due)  # withdrawn when it was late
    assert counted("K37") == (3, 8)
    put(waits, status=Status.TRANSFERRED)
    assert counted("K37") == (3, 6)
    assert counted("K37", period=Period(MONTH.end, MONTH.end + DAY)) == (1, 1)


def test_a_metric_without_rows_of_its_own_is_drilled_by_its_numerator(cases):
    due = cases[0].resolve_due_at
    put(cases[0], notified_at=due)
    assert set(rows_of(contributed(Metric)["K02"], MONTH, WHOLE_BANK)) == {cases[0]}


def test_the_median_from_decision_to_telling_stands_beside(cases):
    assert figures.hours_to_tell(MONTH, WHOLE_BANK) is None
    for case, hours in zip(cases, (1, 2, 10, 400), strict=True):
        put(case, resolved_at=AT, notified_at=AT + timedelta(hours=hours))
    assert figures.hours_to_tell(MONTH, WHOLE_BANK) == 6.0
    put(cases[3], notified_at=None)
    assert figures.hours_to_tell(MONTH, WHOLE_BANK) == 2.0
    assert figures.hours_to_tell(MONTH, Scope(member=1)) is None
    out = StringIO()
    call_command("show_metrics", f"{AT:%Y-%m}", stdout=out)
    assert "median time to tell 2.0 h" in out.getvalue()


def test_a_promise_kept_on_the_telephone_counts_from_the_verb_on():
    house = bank()
    case = in_state(house, Status.IN_PROGRESS)
    CaseClock.objects.filter(name="progress").delete()
    actor = house.actor("officer")
    for hours in (5, 9):
        call = Call("out", "reached", "I call back.", reply_by=AT + timedelta(hours=hours + 4))
        log_call(rows(case), call, actor=actor, at=AT + timedelta(hours=hours))
    assert counted("K37") == (1, 2)


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
