"""What a draft would do: open cases counted again, past ones replayed, nothing written."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from complaints import clocks
from complaints.choices import ClockState, Status
from complaints.clocks import drafting, dryrun, forecasting
from complaints.clocks.drafting import LimitData, PolicyData
from complaints.models import Case, CaseClock, ClockLimit, HandOver
from config.kernel import job_runs, jobs, rule_kinds, rulesets
from config.kernel.models import Job, JournalEntry, RuleSet
from config.kernel.models.jobs import JobState
from config.shared.actors import SYSTEM
from staff import calendar as calendars
from staff.models import CalendarDay
from tests.complaints import clock_house
from tests.complaints.clock_house import clock, keep, local
from tests.factories.complaints import AT, DAY, HOUR, do, in_state, open_case

LIMITS = [
    LimitData("acknowledge", 1440, "elapsed_minutes"),
    LimitData("accept", 1440, "elapsed_minutes"),
    LimitData("respond", 1440, "elapsed_minutes"),
    LimitData("sign", 1, "working_days", "bank"),
    LimitData("progress", 2, "working_days", "bank", repeats=True),
    LimitData("resolve", 3, "working_days", "bank"),
    LimitData("loop", 3, "working_days", "bank"),
    LimitData("regulatory", 15, "calendar_days", "bank", extensions=[30, 60]),
]
MEDIUM = PolicyData(
    "Complaint, medium", "投诉·一般", types=["CMP"], severities=[2], tiers=["ordinary"],
    origin="S1-8, S2-13, S4-28", limits=LIMITS,
)  # fmt: skip


def limits(**amounts):
    """The limits of CMP-2 with other amounts; None leaves a clock out."""
    kept = [x for x in LIMITS if amounts.get(x.clock, 0) is not None]
    return [replace(x, amount=amounts.get(x.clock, x.amount)) for x in kept]


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def draft(house):
    return rule_kinds.begin("clock_policies", actor=house.actor("supervisor"), at=AT)


def put(house, draft, at=AT, code="CMP-2", **amounts):
    how = {"actor": house.actor("supervisor"), "at": at, "expected": None}
    drafting.put_policy(draft, replace(MEDIUM, limits=limits(**amounts)), code=code, **how)


def counted(house, draft, at):
    """Start a forecast, run it, read it in English."""
    job = forecasting.start(draft, actor=house.actor("supervisor"), at=at)
    job_runs.work(at)
    job.refresh_from_db()
    assert job.state == JobState.DONE, jobs.error_of(job)
    with translation.override("en"):
        return forecasting.read(job)


def everything():
    """All that a forecast must leave alone."""
    return (
        list(CaseClock.objects.order_by("pk").values()),
        list(Case.objects.order_by("pk").values()),
        JournalEntry.objects.filter(stream__startswith="case:").count(),
    )


def test_open_cases_would_move_and_nothing_is_written(house, draft):
    moved, same = open_case(house), open_case(house, severity=3)
    put(house, draft, resolve=5)
    before, at = everything(), AT + HOUR
    result = counted(house, draft, at)
    assert everything() == before
    assert (result.looked, result.moved, result.later, result.sooner) == (2, 1, 1, 0)
    assert (result.newly_late, result.at) == (0, at)
    (row,) = result.rows
    assert (row.number, row.department_id, row.clock) == (
        moved.number, moved.department_id, "resolve",
    )  # fmt: skip
    assert (row.before, row.after) == (local("2026-03-09 18:00"), local("2026-03-11 18:00"))
    assert same.number not in {row.number for row in result.rows}


def test_what_would_be_late_at_once_is_counted_and_comes_first(house, draft):
    for _n in range(2):
        open_case(house)
    put(house, draft, resolve=1, regulatory=20)
    result = counted(house, draft, AT + 2 * DAY)
    assert (result.moved, result.sooner, result.newly_late) == (2, 2, 2)
    assert [row.late for row in result.rows] == [True, True, False, False]
    assert {row.clock for row in result.rows if row.late} == {"resolve"}


def test_clocks_that_would_end_or_begin_are_shown(house, draft):
    open_case(house)
    put(house, draft, loop=None)
    (ends,) = counted(house, draft, AT + HOUR).rows
    assert (ends.clock, ends.after, ends.late) == ("loop", None, False)


def test_a_late_clock_that_stays_late_is_not_newly_late(house, draft):
    open_case(house)
    put(house, draft, resolve=1)
    assert counted(house, draft, AT + 9 * DAY).newly_late == 0


def test_pauses_and_extensions_count_in_the_forecast(house, draft):
    case = in_state(house, Status.IN_PROGRESS)
    do(house, case, "wait_customer", by="supervisor", at=AT + HOUR)
    do(house, case, "resume", by="supervisor", at=AT + DAY + HOUR)
    put(house, draft, resolve=5)
    row = next(r for r in counted(house, draft, AT + DAY + 2 * HOUR).rows if r.clock == "resolve")
    paused = clock(case, "resolve").due_at - local("2026-03-09 18:00")
    assert paused > timedelta(0)
    assert (row.before, row.after - row.before) == (clock(case, "resolve").due_at, 2 * DAY)


def test_a_calendar_draft_moves_the_clocks_that_run_on_it(house):
    by = house.actor("supervisor")
    case = open_case(house)
    late = in_state(house, Status.NOTIFIED)
    draft = rule_kinds.begin("calendar:bank", actor=by, at=AT)
    off = calendars.OfficialDay(date(2026, 3, 6), False, "临时放假", "Closed")
    calendars.add_days(draft, [off], source="test")
    before = everything()
    result = counted(house, draft, AT + HOUR)
    assert everything() == before
    assert (result.looked, result.moved, result.later, result.dry) == (1, 1, 1, None)
    row = next(row for row in result.rows if row.clock == "resolve")
    assert (row.number, row.after) == (case.number, local("2026-03-10 18:00"))
    assert late.number not in {row.number for row in result.rows}


def test_an_added_working_day_makes_clocks_due_sooner_and_late(house):
    case = open_case(house, at=local("2026-02-13 10:00"))
    draft = rule_kinds.begin("calendar:bank", actor=house.actor("supervisor"), at=AT)
    CalendarDay.objects.filter(rule_set=draft, date=date(2026, 2, 16)).delete()
    result = counted(house, draft, local("2026-02-24 20:00"))
    assert result.sooner == result.moved == result.newly_late == 1
    assert result.rows[0].number == case.number


# --- The job -------------------------------------------------------------------------------


def test_one_forecast_runs_at_a_time_and_a_changed_draft_makes_it_stale(house, draft):
    by = house.actor("supervisor")
    first = forecasting.start(draft, actor=by, at=AT)
    assert forecasting.start(draft, actor=by, at=AT) == first
    assert forecasting.read(first) is None
    job_runs.work(AT)
    first.refresh_from_db()
    assert forecasting.latest(draft) == first
    assert not forecasting.is_stale(first, RuleSet.objects.get(pk=draft.pk))
    put(house, draft, resolve=5)
    now = RuleSet.objects.get(pk=draft.pk)
    assert forecasting.is_stale(first, now)
    assert forecasting.start(now, actor=by, at=AT + HOUR) != first


def test_a_draft_that_changes_while_it_is_counted_stops_the_count_in_words(house, draft):
    open_case(house)
    job = forecasting.start(draft, actor=house.actor("supervisor"), at=AT + HOUR)
    put(house, draft, resolve=5)
    job_runs.work(AT + HOUR)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "draft was changed" in jobs.error_of(job)
    assert forecasting.read(job) is None


def test_a_killed_run_goes_on_and_ends_with_the_same_figures(house, draft, monkeypatch):
    for n in range(5):
        open_case(house, severity=2 if n % 2 else 3)
    put(house, draft, resolve=1)
    monkeypatch.setattr(forecasting, "_CHUNK", 2)
    at = AT + 2 * DAY
    whole = counted(house, draft, at)
    Job.objects.filter(kind=forecasting.FORECAST).update(params={"rule_set": 0})
    job = forecasting.start(draft, actor=house.actor("supervisor"), at=at)
    real, calls = forecasting._count_open, []

    def dying(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(forecasting, "_count_open", dying)
    with pytest.raises(KeyboardInterrupt):
        job_runs.work(at)
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.RUNNING, 2)
    monkeypatch.setattr(forecasting, "_count_open", real)
    job_runs.work(at + HOUR)
    job.refresh_from_db()
    assert job.state == JobState.DONE
    with translation.override("en"):
        assert forecasting.read(job) == whole
    assert job.counts["looked"] == 5


def test_a_stopped_run_leaves_no_result(house, draft, monkeypatch):
    for _n in range(3):
        open_case(house)
    monkeypatch.setattr(forecasting, "_CHUNK", 1)
    job = forecasting.start(draft, actor=house.actor("supervisor"), at=AT + HOUR)
    real = forecasting._count_open

    def stopping(*arguments):
        real(*arguments)
        jobs.cancel(Job.objects.filter(pk=job.pk), actor=SYSTEM, at=AT + HOUR)

    monkeypatch.setattr(forecasting, "_count_open", stopping)
    job_runs.work(AT + HOUR)
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.CANCELLED, 1)
    assert forecasting.read(job) is None


def test_the_queries_of_a_forecast_do_not_grow_with_the_cases(house, draft):
    put(house, draft, resolve=1)
    asked = []
    for cases in (2, 10):
        for _n in range(cases):
            open_case(house)
            resolved(house, AT, DAY)
        put(house, draft, resolve=cases)
        forecasting.start(draft, actor=house.actor("supervisor"), at=AT + 2 * DAY)
        with CaptureQueriesContext(connection) as seen:
            job_runs.work(AT + 2 * DAY)
        asked.append(len(seen))
    assert asked[0] == asked[1]


# --- The dry run ---------------------------------------------------------------------------


def resolved(house, start: datetime, after: timedelta, **given) -> Case:
    """A complaint received at `start`, with the card department, resolved `after` that."""
    unit = house.units["CARD"]
    row = clock_house.case(start, department=unit, tier_at_receipt="ordinary", **given)
    keep(clocks.start([row], start), start)
    HandOver.objects.create(case=row, department=unit, from_at=start)
    row.status, row.resolved_at = Status.RESOLVED, start + after
    row.save(update_fields=["status", "resolved_at"])
    keep(clocks.stop([row], ["resolve"], row.resolved_at), row.resolved_at)
    return row


@pytest.fixture
def past(house):
    """Ten complaints of one morning: resolved after 1, 2, 3 and (seven) about 1.5 working days."""
    for days in (1, 2, 5):
        resolved(house, AT, days * DAY)
    for n in range(7):
        resolved(house, AT, DAY + (4 + n // 4) * HOUR)
    return house


def test_the_dry_run_counts_who_would_have_been_late(past, draft):
    put(past, draft, resolve=1)
    dry = counted(past, draft, AT + 20 * DAY).dry
    policy = dry.policies["CMP-2"]
    assert (dry.days, policy.cases) == (90, 10)
    # one day after is on time for both; 3 working days end on Monday at 18:00, 5 days after
    assert (policy.late_before, policy.on_time_before) == (0, 10)
    assert (policy.late_after, policy.on_time_after, policy.newly) == (2, 8, 2)
    assert len(policy.newly_late) == 2
    assert (policy.limit_before, policy.limit_after) == (3 * 540, 540)
    assert sum(bar.n for bar in policy.bars) == 10
    assert sum(bar.n for bar in policy.bars if bar.state == "new") == 2
    assert all(bar.from_minutes < bar.to_minutes for bar in policy.bars)
    assert "waited longest for CARD" in policy.sentence
    assert policy.sentence.startswith("2 of the 2 newly late")


def test_the_same_limits_replay_to_the_same_verdicts(past, draft):
    late = resolved(past, AT, 9 * DAY)
    put(past, draft, accept=1439)
    policy = counted(past, draft, AT + 20 * DAY).dry.policies["CMP-2"]
    assert (policy.late_before, policy.late_after, policy.newly) == (1, 1, 0)
    assert clock(late, "resolve").state == ClockState.MISSED
    assert policy.sentence == "No case would have been late that was on time."


def test_pauses_and_extensions_count_in_the_dry_run(house, draft):
    """Six days after, of which five were a pause or an approved extension: on time both times."""
    row = resolved(house, AT, 6 * DAY)
    before = clock(row, "resolve")
    assert before.state == ClockState.MISSED
    for way in ("pause", "extend", "nothing"):
        case = clock_house.case(AT, department=house.units["CARD"], tier_at_receipt="ordinary")
        keep(clocks.start([case], AT), AT)
        if way == "pause":
            case.status = Status.WAITING_CUSTOMER
            case.save(update_fields=["status"])
            keep(clocks.pause([case], AT + HOUR), AT + HOUR)
            keep(clocks.resume([case], AT + 5 * DAY), AT + 5 * DAY)
        elif way == "extend":
            keep(clocks.extend([case], "resolve", AT + HOUR, 4), AT + HOUR)
        case.resolved_at = AT + 6 * DAY
        keep(clocks.stop([case], ["resolve"], case.resolved_at), case.resolved_at)
    put(house, draft, resolve=2)
    policy = counted(house, draft, AT + 20 * DAY).dry.policies["CMP-2"]
    assert (policy.cases, policy.late_before, policy.late_after) == (4, 2, 2)


def test_few_cases_are_said_to_be_few(house, draft):
    for _n in range(7):
        resolved(house, AT, DAY)
    put(house, draft, resolve=1)
    policy = counted(house, draft, AT + 20 * DAY).dry.policies["CMP-2"]
    assert policy.sentence == "Too few cases to replay (7)."


def test_running_cases_count_once_a_limit_has_passed(house, draft):
    open_case(house)
    put(house, draft, resolve=1)
    soon = counted(house, draft, AT + HOUR).dry.policies
    assert soon == {}
    put(house, draft, resolve=2)
    policy = counted(house, draft, AT + 3 * DAY).dry.policies["CMP-2"]
    assert (policy.cases, policy.late_before, policy.late_after) == (1, 0, 1)


def test_older_history_and_side_exits_are_left_out(house, draft):
    resolved(house, AT, DAY)
    in_state(house, Status.WITHDRAWN)
    Case.objects.filter(pk=resolved(house, AT, DAY).pk).update(is_history=True)
    put(house, draft, resolve=1)
    assert counted(house, draft, AT + 89 * DAY).dry.policies["CMP-2"].cases == 1
    put(house, draft, resolve=2)
    assert counted(house, draft, AT + 91 * DAY).dry.policies == {}


def test_limits_in_another_kind_of_time_are_not_drawn_side_by_side(past, draft):
    how = {"actor": past.actor("supervisor"), "at": AT, "expected": None}
    day = [x for x in limits() if x.clock != "resolve"]
    night = LimitData("resolve", 2880, "elapsed_minutes")
    drafting.put_policy(draft, replace(MEDIUM, limits=[*day, night]), code="CMP-2", **how)
    policy = counted(past, draft, AT + 20 * DAY).dry.policies["CMP-2"]
    assert (policy.limit_before, policy.limit_after) == (None, 2880)


def test_a_case_counts_for_the_policy_it_would_get(past, draft):
    resolved(past, AT, DAY, severity=3)
    put(past, draft, resolve=1)
    policies = counted(past, draft, AT + 20 * DAY).dry.policies
    assert {code: row.cases for code, row in policies.items()} == {"CMP-2": 10, "CMP-3": 1}


def test_the_result_holds_no_personal_data(past, draft):
    open_case(past)
    put(past, draft, resolve=1)
    counted(past, draft, AT + 20 * DAY)
    kept = str(Job.objects.get(kind=forecasting.FORECAST).checkpoint)
    case = Case.objects.latest("pk")
    for words in (case.contact_name, case.contact_phone, case.core_issue, case.contact_email):
        assert words
        assert words not in kept


def test_the_widest_bars_hold_the_rest():
    kept: dryrun.Tallies = {}
    tally = dryrun._empty() | {"cases": 9, "bars": {"0": [4, 0, 0], "15": [0, 1, 4]}}
    dryrun.add(kept, {"A": tally | {"longest": 99_999}})
    dryrun.add(kept, {"A": dryrun._empty()})
    policy = dryrun.read(kept, {}, {"A": (480, True)}, {}).policies["A"]
    assert [(bar.from_minutes, bar.to_minutes, bar.n, bar.state) for bar in policy.bars] == [
        (0, 60, 4, "ok"), (900, 99_999, 1, "new"), (900, 99_999, 4, "late"),
    ]  # fmt: skip
    assert policy.limit_before is None


def test_published_limits_can_be_forecast_before_they_are_applied(house, draft):
    open_case(house)
    put(house, draft, resolve=5)
    later = AT + HOUR
    new = rule_kinds.publish(
        draft, reason="x", valid_from=None, actor=house.actor("supervisor"), at=later, expected=None
    )
    assert ClockLimit.objects.filter(policy__rule_set=new).exists()
    assert rulesets.published("clock_policies", later) == new
    assert counted(house, new, later + HOUR).moved == 1
