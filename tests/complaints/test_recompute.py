"""Stored clocks equal clocks computed from the record, and both equal the minute oracle."""

from datetime import date, timedelta
from random import Random

import pytest
from django.core.management import CommandError, call_command

from complaints import clocks, workflow
from complaints.choices import ClockName, ClockState, PauseKind
from complaints.models import Case, CaseClock
from complaints.workflow import NEXT, payloads
from config.kernel import job_runs, rulesets
from config.kernel.models import Job, JournalEntry
from config.shared.actors import SYSTEM
from staff import calendar as calendars
from staff import calendar_drafts
from staff.models import CalendarDay, Department
from tests.complaints.clock_house import (
    build,
    case,
    clock,
    keep,
    local,
    official_days,
    publish_calendar,
    term,
)
from tests.complaints.rule_house import publish_calendar as make_calendar
from tests.complaints.rule_house import publish_rules
from tests.factories.complaints import default, open_case, rows
from tests.shared.worktime_oracle import Oracle

pytestmark = pytest.mark.django_db
AT = local("2026-03-04 10:00")


@pytest.fixture(autouse=True)
def house(request):
    if "shared_house" not in request.fixturenames:
        build()


def started(at=AT, **given) -> Case:
    row = case(at, **given)
    keep(clocks.start([row], at), at)
    return row


def drifts(at=AT):
    return list(clocks.recompute(check=True, actor=SYSTEM, at=at))


def act(row: Case, at, rng: Random) -> None:
    """Do one thing that may happen to a running case."""
    kind = rng.choice([PauseKind.INTERNAL, PauseKind.INTERNAL, PauseKind.APPRAISAL])
    choice = rng.randrange(8)
    if choice <= 2:
        keep(clocks.pause([row], at, kind), at)
    elif choice <= 4:
        keep(clocks.resume([row], at, kind), at)
    elif choice == 5:
        name, days = rng.choice(["resolve", "regulatory"]), rng.choice([None, 2])
        keep(clocks.extend([row], name, at, days), at)
    elif choice == 6:
        row.severity = rng.choice([1, 2, 3, 4])
        row.type = term("feedback_type", rng.choice(["CMP", "CMP", "REQ", "SUG"]))
        keep(clocks.rematch([row], at), at)
    else:
        names = rng.sample(["acknowledge", "accept", "respond", "progress"], 2)
        keep(clocks.stop([row], names, at), at)


@pytest.mark.parametrize("seed", range(12))
def test_after_any_sequence_stored_clocks_equal_recomputed_ones(seed):
    rng = Random(seed)
    given = {"channel": "R78", "external_due_at": AT + timedelta(days=6)} if seed % 3 == 0 else {}
    row = started(AT + timedelta(minutes=rng.randrange(9000)), severity=rng.choice([1, 2]), **given)
    at = row.received_at
    for _step in range(14):
        at += timedelta(minutes=rng.randrange(1, 2500), seconds=rng.randrange(60))
        act(row, at, rng)
        if rng.random() < 0.3:
            clocks.sweep(at)
            row.refresh_from_db()
    assert drifts(at) == []


HOLIDAYS = {day.date: ((540, 1080),) if day.working else () for day in official_days()}
ORACLE = Oracle("Asia/Shanghai", dict.fromkeys(range(5), ((540, 1080),)), HOLIDAYS)


@pytest.mark.parametrize("seed", range(8))
def test_a_paused_working_clock_agrees_with_the_minute_oracle(seed):
    """4 working hours: the due minute is where the film has 240 open minutes outside the pauses."""
    rng = Random(seed)
    start = local("2026-02-10 08:00") + timedelta(minutes=rng.randrange(6000))
    row = started(start, severity=2, tier_at_receipt="core", assigned_at=start)
    at, pauses = start, []
    for _n in range(3):
        begin = at + timedelta(minutes=rng.randrange(1, 60))
        end = begin + timedelta(minutes=rng.randrange(1, 900))
        if clock(row, "sign").due_at <= begin:
            break
        keep(clocks.pause([row], begin), begin)
        keep(clocks.resume([row], end), end)
        pauses.append((begin, end))
        at = end
    open_minutes = 0
    for minute, is_open in ORACLE.film(start, 40 * 24 * 60).minutes():
        if is_open and not any(begin <= minute < end for begin, end in pauses):
            open_minutes += 1
        if open_minutes == 240:
            assert clock(row, "sign").due_at == minute + timedelta(minutes=1)
            return
    pytest.fail("the film is too short")


def test_the_check_names_a_drifted_clock_and_case_field(capsys):
    row = started()
    CaseClock.objects.filter(case=row, name="resolve").update(due_at=AT + timedelta(days=9))
    Case.objects.filter(pk=row.pk).update(next_due_at=AT, paused=True)
    with pytest.raises(CommandError) as failed:
        call_command("recompute_clocks", check=True)
    assert failed.value.returncode == 1
    out = capsys.readouterr().out
    for what in ("resolve:1", "next_due_at", "paused"):
        assert f"{row.number} {what}" in out


def test_repair_puts_right_and_records_it(capsys):
    row = started()
    right = clock(row, "resolve").due_at
    CaseClock.objects.filter(case=row, name="resolve").update(
        due_at=AT + timedelta(days=9), paused_seconds=60
    )
    Case.objects.filter(pk=row.pk).update(next_clock="loop", next_due_at=AT)
    call_command("recompute_clocks")
    assert clock(row, "resolve").due_at == right
    row.refresh_from_db()
    assert row.next_clock == "accept"
    assert JournalEntry.objects.filter(action="clock.repaired", stream=row.stream).count() == 1
    call_command("recompute_clocks", check=True)
    assert "no drift" in capsys.readouterr().out


def test_a_clock_the_record_does_not_know_is_named_and_left_alone():
    row = started()
    stray = clock(row, "resolve")
    stray.pk, stray.round = None, 7
    stray.save()
    assert [drift.what for drift in drifts()] == ["resolve:7"]
    list(clocks.recompute(check=False, actor=SYSTEM, at=AT))
    assert CaseClock.objects.filter(round=7).get().due_at == stray.due_at


def test_finished_cases_with_a_wrong_nearest_clock_are_found():
    row = started()
    keep(clocks.finish([row], AT + timedelta(hours=1)), AT + timedelta(hours=1))
    assert drifts() == []
    Case.objects.filter(pk=row.pk).update(next_clock="resolve")
    assert [drift.what for drift in drifts()] == ["next_clock"]


def test_a_new_calendar_moves_running_clocks_only_and_is_recorded():
    running, done = started(), started()
    keep(clocks.finish([done], AT), AT)
    before = clock(done, "resolve").due_at
    base = rulesets.published("calendar:bank", AT)
    draft = rulesets.new_version(base.kind, based_on=base, actor=SYSTEM, at=AT)
    off = calendars.OfficialDay(date(2026, 3, 6), False, "临时放假", "Closed")
    calendars.add_days(draft, [off], source="test")
    rulesets.publish(draft, reason="", actor=SYSTEM, at=AT)
    later = AT + timedelta(hours=1)
    assert clocks.follow_calendar("calendar:bank", actor=SYSTEM, at=later) == 1
    assert clock(running, "resolve").due_at == local("2026-03-10 18:00")
    assert clock(done, "resolve").due_at == before
    assert clock(running, "resolve").state == ClockState.RUNNING
    running.refresh_from_db()
    assert running.resolve_due_at == local("2026-03-10 18:00")
    assert drifts(later) == []
    assert clocks.follow_calendar("calendar:bank", actor=SYSTEM, at=later) == 0


def test_loading_official_days_leaves_the_moving_to_a_job():
    row = started(local("2026-12-30 10:00"))
    assert clock(row, "resolve").provisional
    days = [calendars.OfficialDay(date(2027, 1, 1), False, "元旦", "New Year")]
    calendar_drafts.load_official_days(days, actor=SYSTEM, at=local("2026-12-30 11:00"))
    assert Job.objects.get(kind="clocks.calendar").params == {"kind": "calendar:bank"}
    job_runs.work(local("2026-12-30 12:00"))
    moved = clock(row, "resolve")
    assert (moved.provisional, moved.due_at) == (False, local("2027-01-05 18:00"))


def test_a_clock_keeps_the_calendar_it_started_with():
    row = started()
    publish_calendar(years=(2024, 2025, 2026, 2027))
    keep(clocks.extend([row], ClockName.RESOLVE, AT, days=1), AT)
    assert clock(row, "resolve").calendar.number == 1
    assert drifts() == []


# --- A year of everything --------------------------------------------------------------------

VERBS = [
    "accept", "assess", "assign", "sign", "return", "start", "wait_customer", "suspend", "resume",
    "resolve", "notify", "confirm", "reopen", "retype", "raise_severity", "lower_severity",
    "extend", "restart_new_facts", "external_appraisal", "end_appraisal", "ask_review",
    "decide_review", "tell_review", "contain", "merge", "transfer",
]  # fmt: skip


def payload(house, verb, rng, at, other):
    """Return what this verb is given at `at`."""
    made = {
        "merge": payloads.Merging(other.pk, "Same fee."),
        "assign": payloads.Sending(house.units[rng.choice(["CARD", "LOAN"])].pk, note="Theirs."),
        "retype": payloads.Retyping(rng.choice(["CMP", "SUG", "REQ", "PET"]), "Rather that."),
        "raise_severity": payloads.Grading(rng.choice([3, 4]), "Worse."),
        "lower_severity": payloads.Grading(rng.choice([1, 2]), "Calmer."),
        "external_appraisal": payloads.Appraising("Institute", "Chip.", at + timedelta(days=6), 1),
        "restart_new_facts": payloads.Restarting("A slip.", at - timedelta(hours=1)),
        "contain": payloads.Containing("Blocked.", 1),
        "decide_review": payloads.Judging(
            rng.choice(["maintained", "redo"]), "Looked at.", no_interest=True
        ),
    }
    return made.get(verb) or default(house, verb, workflow.VERBS[verb][1], at)


def close_a_day(rng, at):
    """Publish a version of the bank's calendar with one more day off; clocks follow it."""
    base = rulesets.published("calendar:bank", at)
    draft = rulesets.new_version(base.kind, based_on=base, actor=SYSTEM, at=at)
    known = set(CalendarDay.objects.filter(rule_set=draft).values_list("date", flat=True))
    day = at.date() + timedelta(days=rng.randrange(1, 12))
    if day not in known:
        calendars.add_days(draft, [calendars.OfficialDay(day, False, "临时", "Closed")], source="t")
    rulesets.publish(draft, reason="", actor=SYSTEM, at=at)
    clocks.follow_calendar("calendar:bank", actor=SYSTEM, at=at)


RULES = [
    {("CMP-2", "resolve"): {"starts_on": "assigned_at"}},
    {("CMP-3", "resolve"): {"stands_in": ["suspended"]}, ("CMP-2", "loop"): {"amount": 4}},
    {("CMP-2", "resolve"): {"calendar": "@department"}, ("SUG-OPN", "loop"): {"amount": 9}},
    {("CMP-4", "resolve"): {"stops_on": "contained_at"}, ("REQ", "respond"): {"amount": 60}},
]


@pytest.mark.parametrize("seed", [0])
def test_after_a_simulated_year_of_everything_there_is_no_drift(shared_house, seed):
    """Calendar and rule versions, reopenings, merges, severity, reviews, units with own hours."""
    house, rng, at = shared_house, Random(seed), AT
    make_calendar("six", dict.fromkeys(range(6), ((600, 1200),)))
    Department.objects.filter(code="LOAN").update(calendar="six")
    Department.objects.filter(code="CARD").update(superior=house.units["CMPT"])
    cases: list[Case] = []
    done: set[str] = set()
    for day in range(0, 360, 6):
        at = AT + timedelta(days=day, minutes=rng.randrange(600))
        if day % 90 == 48:
            publish_rules(RULES[day // 90], at=at)
        if day % 60 == 30:
            close_a_day(rng, at)
        if len(cases) < 6 or rng.random() < 0.1:
            cases.append(open_case(house, at=at, severity=rng.choice([1, 2, 2, 3])))
        for _act in range(9):
            case = Case.objects.get(pk=rng.choice(cases[-6:]).pk)
            ahead = [verb for verb in NEXT.get(case.status, ()) if verb in VERBS]
            verb = rng.choice(ahead if ahead and rng.random() < 0.7 else VERBS)
            if verb in {"merge", "transfer"} and rng.random() < 0.8:
                continue
            at += timedelta(minutes=rng.randrange(1, 40))
            what = payload(house, verb, rng, at, rng.choice(cases))
            actor = house.actor("supervisor" if "review" in verb else "officer")
            outcome = workflow.VERBS[verb][0](rows(case), what, actor=actor, at=at)[0]
            done |= {verb} if outcome.done else set()
        workflow.resume_over(at)
        clocks.sweep(at)
        if day % 30 == 0:
            assert drifts(at) == [], day
    assert drifts(at) == []
    assert len(done) > len(VERBS) * 2 // 3, set(VERBS) - done
