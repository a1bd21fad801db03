"""What breaks elsewhere (PEERS.md §2, rows 1-9 and 14-18), through the verbs of a real case."""

from datetime import date, timedelta
from itertools import combinations

import pytest

from complaints import clocks, records
from complaints.case_page import clock_rows
from complaints.choices import ClockName, ClockState, Status
from complaints.models import Case, CaseClock, Escalation
from complaints.records import Call
from complaints.workflow import payloads
from config.kernel import journal, rulesets
from config.kernel.models import JournalEntry
from config.shared import worktime
from config.shared.actors import SYSTEM
from config.shared.worktime import BeyondHorizon, Unit
from staff import calendar as calendars
from staff.models import CalendarSpan
from tests.complaints.clock_house import ZONE, clock, local
from tests.complaints.rule_house import publish_calendar, publish_rules, step
from tests.factories.complaints import AT, DAY, HOUR, do, in_state, open_case, rows
from tests.shared.worktime_oracle import Oracle

pytestmark = pytest.mark.django_db
WEEK = dict.fromkeys(range(5), ((540, 1080),))


def drifts(at):
    return list(clocks.recompute(check=True, actor=SYSTEM, at=at))


def words(moment) -> str:
    return moment.astimezone(ZONE).strftime("%m-%d %H:%M")


def minutes(amount, calendar="bank"):
    """A resolve limit of so many working minutes."""
    return {("CMP-2", "resolve"): {"amount": amount, "unit": "working_minutes",
                                   "calendar": calendar}}  # fmt: skip


def pause(house, row, start, end, verb="wait_customer"):
    do(house, row, verb, payloads.Pausing("Papers.", end + DAY), by="supervisor", at=start)
    return do(house, row, "resume", at=end)


def test_peers_01_a_pause_over_nights_and_a_weekend_moves_by_what_counts(shared_house):
    """Pauses are intervals taken out of working time: counted minus paused is the limit."""
    publish_rules(minutes(20 * 60))
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS, at=local("2026-03-05 15:00"))
    due = clock(row, "resolve").due_at
    assert words(due) == "03-09 17:00"  # 3 + 9 + 8 hours
    row = pause(house, row, local("2026-03-05 17:30"), local("2026-03-06 09:30"))
    row = pause(house, row, local("2026-03-06 17:00"), local("2026-03-09 10:00"))
    moved = clock(row, "resolve")
    assert moved.paused_seconds == 3600 + 2 * 3600
    assert words(moved.due_at) == "03-10 11:00"
    told = clocks.explain(moved)
    assert told.counted_seconds == told.limit_seconds == 20 * 3600
    assert drifts(local("2026-03-09 10:00")) == []


def test_peers_02_a_day_clock_paused_from_friday_to_monday_loses_no_weekend(shared_house):
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS, at=local("2026-03-05 10:00"))
    assert words(clock(row, "resolve").due_at) == "03-10 18:00"
    row = pause(house, row, local("2026-03-06 17:00"), local("2026-03-09 10:00"))
    assert clock(row, "resolve").paused_seconds == 2 * 3600  # not 65 hours
    assert words(clock(row, "resolve").due_at) == "03-11 11:00"


def test_peers_03_a_new_rule_while_the_clock_stands_still_counts_the_pause(shared_house):
    """GLPI forgets the pause; here it is counted anew on the new clock's own calendar."""
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS, at=local("2026-03-05 10:00"))
    at, back = local("2026-03-05 16:00"), local("2026-03-06 12:00")
    row = do(
        house, row, "wait_customer", payloads.Pausing("P.", back + DAY), by="supervisor", at=at
    )
    row = do(house, row, "raise_severity", by="supervisor", at=at + 2 * HOUR)
    assert clock(row, "resolve").state == ClockState.PAUSED
    row = do(house, row, "resume", at=back)
    moved = clock(row, "resolve")
    assert (moved.unit, moved.paused_seconds) == ("elapsed_minutes", 20 * 3600)
    assert moved.due_at == local("2026-03-07 10:00") + 20 * HOUR
    assert drifts(back) == []


def test_peers_04_going_back_to_an_earlier_state_does_not_use_up_the_limit(shared_house):
    """A refused hand-over and a paused case return to earlier states; only pauses move clocks."""
    house = shared_house
    row = in_state(house, Status.ASSIGNED)
    due = clock(row, "resolve").due_at
    row = do(house, row, "return", by="depthead", at=AT + 2 * HOUR)
    assert row.status == Status.RETURNED
    row = do(house, row, "assign", at=AT + 3 * HOUR)
    resolve = clock(row, "resolve")
    assert (resolve.state, resolve.due_at, resolve.round) == (ClockState.RUNNING, due, 1)
    other = do(house, in_state(house, Status.NOT_ACCEPTED), "readmit", by="supervisor", at=AT + DAY)
    again = clock(other, "resolve")
    assert (other.status, again.round, again.started_at) == (Status.RECEIVED, 2, AT + DAY)
    assert again.breached_at is None


def test_peers_05_a_clock_that_runs_day_and_night_loses_no_minute_at_midnight(shared_house):
    publish_calendar("allday", dict.fromkeys(range(7), ((0, 1440),)), official=False)
    publish_rules({**minutes(48 * 60, "allday"), ("CMP-2", "respond"): {"amount": 48 * 60}})
    row = open_case(shared_house, at=local("2026-03-05 22:30"))
    assert clock(row, "resolve").due_at == local("2026-03-07 22:30")
    assert clock(row, "respond").due_at == local("2026-03-07 22:30")
    told = clocks.explain(clock(row, "resolve"))
    assert {part.kind for part in told.bar} == {"counted"}
    assert sum(part.seconds for part in told.bar) == 48 * 3600


def test_peers_06_lead_time_is_taken_back_in_working_time(shared_house):
    """17:00 on Monday, 4 hours, lead 1 hour: the warning comes on Tuesday at 10:00."""
    publish_calendar("long", dict.fromkeys(range(5), ((480, 1080),)))
    publish_rules(minutes(240, "long"), steps=[step(1, minutes_before=60), step(2, percent=100,
                  breach=True)])  # fmt: skip
    house = shared_house
    at = local("2026-03-09 17:00")
    row = in_state(house, Status.IN_PROGRESS, at=at)
    resolve = clock(row, "resolve")
    assert words(resolve.due_at) == "03-10 11:00"
    assert words(resolve.next_fire_at) == "03-10 10:00"
    clocks.sweep(local("2026-03-10 09:59"))
    assert not Escalation.objects.filter(clock=resolve).exists()
    clocks.sweep(local("2026-03-10 10:00"))
    assert Escalation.objects.get(clock=resolve).step == "-60m"


def test_peers_07_lunch_break(shared_house):
    publish_calendar("lunch", dict.fromkeys(range(5), ((540, 720), (780, 1080))))
    publish_rules(minutes(9 * 60, "lunch"))
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS, at=local("2026-03-05 11:00"))
    assert words(clock(row, "resolve").due_at) == "03-06 12:00"  # 1 + 5 + 3, closes for lunch
    row = pause(house, row, local("2026-03-05 11:30"), local("2026-03-05 14:00"))
    assert clock(row, "resolve").paused_seconds == 90 * 60
    assert words(clock(row, "resolve").due_at) == "03-06 14:30"
    told = clocks.explain(clock(row, "resolve"))
    assert told.counted_seconds == 9 * 3600
    assert "09:00-12:00, 13:00-14:30" in told.text


@pytest.mark.parametrize("missing", [(0, 3), (0,), (2, 4), (0, 1, 2, 3)])
def test_peers_08_a_week_without_some_days(shared_house, missing):
    week = {day: spans for day, spans in WEEK.items() if day not in missing}
    publish_calendar("gaps", week, official=False)
    publish_rules(minutes(10 * 60, "gaps"))
    start = local("2026-03-05 08:17")
    row = open_case(shared_house, at=start)
    film = Oracle("Asia/Shanghai", week, {}).film(start, 30 * 1440)
    assert clock(row, "resolve").due_at == film.add(start, 600)
    assert clock(row, "resolve").breached_at is None


def test_peers_08_every_subset_of_weekdays_gives_the_minute_of_the_oracle(shared_house):
    """All 127 weeks with an open day; a start on each weekday, in and out of hours."""
    for size in range(1, 8):
        for weekdays in combinations(range(7), size):
            oracle = Oracle("Asia/Shanghai", dict.fromkeys(weekdays, ((540, 720), (780, 1440))), {})
            hours = worktime.Calendar(
                oracle.zone,
                {day: (worktime.Span(540, 720), worktime.Span(780, 1440)) for day in weekdays},
            )
            film = oracle.film(local("2026-06-01 00:00"), 24 * 1440)
            for day in range(7):
                start = local("2026-06-01 11:43") + timedelta(days=day)
                limit = worktime.Limit(911, Unit.WORKING_MINUTES)
                assert worktime.due(hours, start, limit) == film.add(start, 911)


def test_peers_09_a_calendar_that_never_opens_is_refused_and_never_loops(shared_house):
    draft = rulesets.new_version(
        "calendar:closed",
        titles=("Closed", "关"),
        settings={"zone": "Asia/Shanghai", "confirmed_years": [2026]},
        actor=SYSTEM,
        at=AT,
    )
    assert "error" in {finding.level for finding in calendars.check(draft)}
    hours = worktime.Calendar("Asia/Shanghai", {})
    with pytest.raises(BeyondHorizon):
        worktime.due(hours, AT, worktime.Limit(1, Unit.WORKING_MINUTES))
    CalendarSpan.objects.create(rule_set=draft, weekday=2, start_minute=540, end_minute=1080)
    assert not {f.code for f in calendars.check(draft) if f.level == "error"} & {"closed"}
    assert shared_house is not None


def test_peers_14_clocks_of_a_rule_that_no_longer_applies_end_with_a_reason(shared_house):
    """Elsewhere a ticket stays escalated; here the clock is cancelled, and nobody is told more."""
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS)
    row = do(house, row, "retype", payloads.Retyping("SUG", "She suggests."), by="supervisor",
             at=AT + HOUR)  # fmt: skip
    gone = clock(row, "regulatory")
    assert (gone.state, gone.next_fire_at) == (ClockState.CANCELLED, None)
    assert row.regulatory_due_at is None
    entry = journal.entries(row.stream).get(action="clock.rematched")
    facts = journal.facts_of(entry)
    assert {"name": "regulatory", "round": 1} in facts["cancelled"]
    assert (facts["before"], facts["policy"]) == ("CMP-2", "SUG-OPN")
    clocks.sweep(AT + 40 * DAY)
    assert not Escalation.objects.filter(clock=gone).exists()
    assert drifts(AT + 40 * DAY) == []


def test_peers_14_moving_to_another_unit_takes_the_old_signature_clock_off(shared_house):
    house = shared_house
    row = do(house, in_state(house, Status.ASSIGNED), "return", by="depthead", at=AT + HOUR)
    what = payloads.Sending(house.units["LOAN"].pk, house.pk("loan_handler"), "Theirs.")
    row = do(house, row, "assign", what, at=AT + 2 * HOUR)
    first, second = clock(row, "sign", 1), clock(row, "sign", 2)
    assert (first.state, first.next_fire_at) == (ClockState.MET, None)
    assert (second.state, second.started_at) == (ClockState.RUNNING, AT + 2 * HOUR)


def test_peers_15_the_progress_clock_never_hides_the_first_response(shared_house):
    house = shared_house
    row = in_state(house, Status.ACCEPTED)
    due = clock(row, "respond").due_at
    told = AT + HOUR
    records.tell_progress(rows(row), "Soon.", method="email", actor=house.actor("officer"), at=told)
    respond = clock(row, "respond")
    assert (respond.state, respond.due_at) == (ClockState.RUNNING, due)
    assert clock(row, "progress").round == 1  # a letter counts when it has arrived
    late = due + HOUR
    clocks.sweep(late)
    assert clock(row, "respond").breached_at == due
    call = Call("out", "reached", "Told her.", substance=True)
    records.log_call(rows(row), call, actor=house.actor("officer"), at=late)
    assert clock(row, "respond").state == ClockState.MISSED


def test_peers_16_every_named_clock_is_shown_with_its_own_chip(shared_house):
    row = in_state(shared_house, Status.IN_PROGRESS)
    shown = clock_rows(row, AT + HOUR)
    names = set(CaseClock.objects.filter(case=row).values_list("name", flat=True))
    assert {str(ClockName(name).label) for name in names} == {str(r.label) for r in shown}
    assert {"resolve", "loop", "regulatory", "progress", "respond"} <= names
    assert [line.nearest for line in shown].count(True) == 1
    assert all(line.why_url for line in shown if line.chip.state not in {"met", "missed"})


@pytest.mark.parametrize("state", [Status.NOTIFIED, Status.CLOSED])
def test_peers_17_a_thank_you_after_the_answer_starts_no_clock(shared_house, state):
    house = shared_house
    row = in_state(house, state)
    before = CaseClock.objects.filter(case=row).count()
    call = Call("in", "reached", "Thank you!", substance=True)
    records.log_call(rows(row), call, actor=house.actor("officer"), at=AT + DAY)
    after = Case.objects.get(pk=row.pk)
    assert (after.status, after.next_clock) == (state, "")
    assert CaseClock.objects.filter(case=row).count() == before
    clocks.sweep(AT + 90 * DAY)
    assert not Escalation.objects.filter(clock__case=row).exists()


def test_peers_18_the_published_calendar_counts_and_not_a_default(shared_house):
    """10:00-16:00 from Tuesday to Saturday, and a Wednesday off: everything reads it."""
    off = calendars.OfficialDay(date(2026, 3, 11), False, "停电", "Power cut")
    publish_calendar("odd", dict.fromkeys(range(1, 6), ((600, 960),)), [off], official=False)
    publish_rules(minutes(10 * 60, "odd"), settings={"calendar": "odd", "warn_minute": 615})
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS, at=local("2026-03-07 14:00"))  # Saturday
    resolve = clock(row, "resolve")
    assert words(resolve.due_at) == "03-12 12:00"  # 2 + 6, no Wednesday, 2
    told = clocks.explain(resolve)
    assert "Power cut" in told.text
    assert told.counted_seconds == 10 * 3600
    row = pause(house, row, local("2026-03-10 09:00"), local("2026-03-10 11:00"))
    assert clock(row, "resolve").paused_seconds == 3600
    assert words(clock(row, "resolve").due_at) == "03-12 13:00"
    assert clock(row, "resolve").calendar.kind == "calendar:odd"
    latest = clocks.longest_pause([row], local("2026-03-10 11:00"), Status.WAITING_CUSTOMER)
    assert words(latest[row.pk] - timedelta(minutes=1)) == "04-01 23:59"  # 15 days of that week


@pytest.mark.parametrize(
    ("verb", "what", "action"),
    [
        ("raise_severity", payloads.Grading(3, "Press called."), "case.raise_severity"),
        ("retype", payloads.Retyping("REQ", "She asks for help."), "case.retype"),
    ],
)
def test_a_change_of_severity_or_type_matches_again_and_stands_on_the_timeline(
    shared_house, verb, what, action
):
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS)
    Case.objects.filter(pk=row.pk).update(tier_at_receipt="key")
    done = clock(row, "accept")
    row = do(house, row, verb, what, by="supervisor", at=AT + HOUR)
    assert row.tier_at_receipt == "key"
    assert row.policy_reason["why"]["tier"] == "key"
    assert (clock(row, "accept").state, clock(row, "accept").due_at) == (done.state, done.due_at)
    assert clock(row, "resolve").due_at == AT + 48 * HOUR  # from receipt, not from now
    said = journal.entries(row.stream).filter(action__in=[action, "clock.rematched"])
    told = [str(journal.describe(entry)) for entry in said.order_by("seq")]
    assert len(told) == 2
    assert "Clocks matched again" in told[1]
    assert "Resolve" in told[1]
    assert JournalEntry.objects.filter(action="clock.rematched", stream=row.stream).count() == 1


def test_a_tier_that_changes_later_moves_no_clock(shared_house):
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS)
    before = dict(CaseClock.objects.filter(case=row).values_list("name", "due_at"))
    if row.customer:
        row.customer.tier = "core"
        row.customer.save(update_fields=["tier"])
    row = do(house, row, "raise_severity", by="supervisor", at=AT + HOUR)
    row = do(house, row, "lower_severity", payloads.Grading(2, "Calm."), by="supervisor",
             at=AT + 2 * HOUR)  # fmt: skip
    after = dict(CaseClock.objects.filter(case=row).values_list("name", "due_at"))
    assert after == before
