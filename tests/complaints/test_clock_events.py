"""Limits with their own start, stop, waiting states, risk line, calendar and longest pause."""

from datetime import timedelta
from random import Random

import pytest

from complaints import clocks, workflow
from complaints.choices import ClockEvent, ClockName, ClockState, Status
from complaints.clocks import rules as clock_rules
from complaints.models import Case, CaseClock
from complaints.workflow import payloads
from config.kernel import rulesets
from config.kernel.models import JournalEntry
from config.shared.actors import SYSTEM
from tests.complaints.clock_house import ZONE, build, case, clock, keep, local, term, unit
from tests.complaints.rule_house import publish_calendar, publish_rules, step
from tests.factories.complaints import AT, DAY, HOUR, do, in_state, open_case, rows

pytestmark = pytest.mark.django_db
WED = local("2026-03-04 10:00")
NINE_TO_SIX = dict.fromkeys(range(5), ((540, 1080),))


@pytest.fixture
def plain():
    build()


def started(at=WED, **given) -> Case:
    row = case(at, **given)
    keep(clocks.start([row], at), at)
    return row


def drifts(at=WED):
    return list(clocks.recompute(check=True, actor=SYSTEM, at=at))


def names(row):
    return set(CaseClock.objects.filter(case=row).values_list("name", flat=True))


def happen(row, at, **fields):
    """Set event fields of a case and tell its clocks."""
    for name, moment in fields.items():
        setattr(row, name, moment)
    row.save()
    keep(clocks.happen([row], list(fields), at), at)


# --- Start -----------------------------------------------------------------------------------


def test_a_clock_waits_for_its_own_start_and_counts_from_it(plain):
    publish_rules({("CMP-2", "resolve"): {"starts_on": "assigned_at"}})
    row = started()
    assert "resolve" not in names(row)
    row.refresh_from_db()
    assert row.resolve_due_at is None
    at = local("2026-03-09 15:00")
    happen(row, at, assigned_at=at)
    made = clock(row, "resolve")
    assert (made.started_at, made.due_at) == (at, local("2026-03-12 18:00"))
    assert drifts(at) == []


def test_through_the_verbs_the_assignment_begins_it_and_a_second_one_gives_no_more_time(
    shared_house,
):
    publish_rules({("CMP-2", "resolve"): {"starts_on": "assigned_at"}})
    house = shared_house
    row = in_state(house, Status.ASSESSING)
    assert "resolve" not in names(row)
    row = do(house, row, "assign", at=AT + HOUR)
    due = clock(row, "resolve").due_at
    row = do(house, row, "return", by="depthead", at=AT + DAY)
    row = do(house, row, "assign", at=AT + 2 * DAY)
    again = CaseClock.objects.get(case=row, name="resolve")
    assert (again.round, again.due_at, again.state) == (1, due, ClockState.RUNNING)
    assert CaseClock.objects.filter(case=row, name="sign").count() == 2
    assert drifts(AT + 2 * DAY) == []


def test_an_event_past_at_birth_counts_from_that_event(plain):
    publish_rules({("CMP-2", "resolve"): {"starts_on": "accepted_at"}})
    accepted = WED + 3 * HOUR
    row = case(WED, accepted_at=accepted)
    later = WED + 5 * DAY
    keep(clocks.start([row], later), later)
    made = clock(row, "resolve")
    assert (made.started_at, made.due_at) == (accepted, local("2026-03-09 18:00"))
    assert made.breached_at is None or made.due_at <= later


@pytest.mark.parametrize("event", ["registered_at", "received_at"])
def test_a_back_dated_case_counts_from_registration_only_where_the_limit_says_so(plain, event):
    publish_rules({("CMP-1", "resolve"): {"starts_on": event}})
    received, registered = WED - 10 * DAY, WED
    row = case(received, severity=1)
    row.registered_at = registered
    row.save()
    keep(clocks.start([row], registered), registered)
    late = clock(row, "resolve").breached_at is not None
    assert late is (event == "received_at")
    assert clock(row, "resolve").started_at == getattr(row, event)


def test_telling_counted_from_the_decision(shared_house):
    publish_rules({("CMP-2", "loop"): {"starts_on": "resolved_at", "amount": 1}})
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS)
    assert "loop" not in names(row)
    row = do(house, row, "resolve", at=AT + DAY)
    assert clock(row, "loop").due_at == local("2026-03-06 18:00")
    row = do(house, row, "notify", at=AT + DAY + HOUR)
    assert clock(row, "loop").state == ClockState.MET
    row = do(house, row, "reopen", at=AT + 2 * DAY)
    assert clock(row, "resolve").round == 2
    assert clock(row, "loop").round == 1  # waits for the new decision
    row = do(house, row, "start", at=AT + 2 * DAY)
    row = do(house, row, "resolve", at=AT + 3 * DAY)
    assert (clock(row, "loop").round, clock(row, "loop").state) == (2, ClockState.RUNNING)
    assert drifts(AT + 3 * DAY) == []


# --- Stop ------------------------------------------------------------------------------------


def test_a_clock_ends_with_its_own_stop_and_not_with_the_usual_one(shared_house):
    publish_rules({("CMP-2", "resolve"): {"stops_on": "dept_accepted_at"},
                   ("CMP-2", "accept"): {"stops_on": "first_response_at"}})  # fmt: skip
    house = shared_house
    row = in_state(house, Status.ASSIGNED)
    assert clock(row, "accept").state == ClockState.RUNNING
    row = do(house, row, "sign", by="depthead", at=AT + HOUR)
    assert (clock(row, "resolve").state, clock(row, "resolve").stopped_at) == (
        ClockState.MET, AT + HOUR,
    )  # fmt: skip
    assert clock(row, "progress").state == ClockState.RUNNING  # acceptance began it all the same


def test_a_refused_signature_is_not_the_event_of_signing(shared_house):
    publish_rules({("CMP-2", "resolve"): {"stops_on": "dept_accepted_at"}})
    house = shared_house
    row = do(house, in_state(house, Status.ASSIGNED), "return", by="depthead", at=AT + HOUR)
    assert clock(row, "sign").state == ClockState.MET
    assert clock(row, "resolve").state == ClockState.RUNNING


def test_containment_ends_a_clock_that_waits_for_it(shared_house):
    from tests.factories.complaints import evidence

    publish_rules({("CMP-4", "resolve"): {"stops_on": "contained_at"}})
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS, severity=4)
    what = payloads.Containing("Card blocked.", evidence(house, row))
    row = do(house, row, "contain", what, at=AT + HOUR)
    assert clock(row, "resolve").state == ClockState.MET
    row = do(house, row, "resolve", at=AT + 2 * HOUR)
    assert clock(row, "resolve").stopped_at == AT + HOUR


def test_an_own_stop_past_at_birth_ends_the_clock_at_once(plain):
    publish_rules({("CMP-2", "resolve"): {"stops_on": "first_response_at"}})
    row = case(WED, first_response_at=WED + HOUR)
    keep(clocks.start([row], WED + 2 * HOUR), WED + 2 * HOUR)
    made = clock(row, "resolve")
    assert (made.state, made.stopped_at) == (ClockState.MET, WED + HOUR)


def test_telling_the_customer_ends_every_clock_whatever_its_limit_waits_for(shared_house):
    publish_rules({("CMP-2", "resolve"): {"stops_on": "contained_at"}})
    row = in_state(shared_house, Status.NOTIFIED)
    assert clock(row, "resolve").state == ClockState.MET
    assert not CaseClock.objects.filter(case=row, stopped_at__isnull=True).exists()


@pytest.mark.parametrize("start", ClockEvent.values)
@pytest.mark.parametrize("stop", ["", "first_response_at", "notified_at"])
def test_every_event_may_stand_as_start_or_stop_on_the_whole_way(shared_house, start, stop):
    publish_rules({("CMP-2", "respond"): {"starts_on": start, "stops_on": stop}})
    house = shared_house
    row = in_state(house, Status.NOTIFIED)
    assert not CaseClock.objects.filter(case=row, stopped_at__isnull=True).exists()
    row = do(house, row, "reopen", at=AT + DAY)
    row = do(house, row, "raise_severity", by="supervisor", at=AT + DAY)
    row = do(house, row, "start", at=AT + DAY)
    assert drifts(AT + DAY) == []
    assert house is not None


# --- Waiting states ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stands_in", "verb", "state"),
    [
        (None, "wait_customer", ClockState.PAUSED),
        (["suspended"], "wait_customer", ClockState.RUNNING),
        (["suspended"], "suspend", ClockState.PAUSED),
        ([], "wait_third_party", ClockState.RUNNING),
    ],
)
def test_a_clock_stands_still_only_in_the_states_its_limit_names(
    shared_house, stands_in, verb, state
):
    publish_rules({("CMP-2", "resolve"): {"stands_in": stands_in}})
    house = shared_house
    row = do(house, in_state(house, Status.IN_PROGRESS), verb, by="supervisor", at=AT + HOUR)
    assert clock(row, "resolve").state == state
    assert clock(row, "loop").state == ClockState.PAUSED
    assert clock(row, "regulatory").state == ClockState.RUNNING
    row = do(house, row, "resume", at=AT + 3 * HOUR)
    assert clock(row, "resolve").state == ClockState.RUNNING
    assert bool(clock(row, "resolve").paused_seconds) is (state == ClockState.PAUSED)
    assert drifts(AT + 3 * HOUR) == []


def test_no_rule_lets_the_regulatory_limit_wait_for_the_customer(shared_house):
    every = [str(state) for state in Status]
    publish_rules({("CMP-2", "regulatory"): {"stands_in": every}})
    row = in_state(shared_house, Status.WAITING_CUSTOMER)
    assert clock(row, "regulatory").state == ClockState.RUNNING


def test_a_new_rule_in_the_pause_lets_a_clock_run_or_stand_from_now_on(shared_house):
    publish_rules({("CMP-3", "resolve"): {"stands_in": []}})
    house = shared_house
    row = do(house, in_state(house, Status.IN_PROGRESS), "wait_customer", by="supervisor",
             at=AT + HOUR)  # fmt: skip
    row.severity = 3
    keep(clocks.rematch([row], AT + 3 * HOUR), AT + 3 * HOUR)
    runs = clock(row, "resolve")
    assert (runs.state, runs.paused_seconds) == (ClockState.RUNNING, 2 * 3600)
    row.severity = 2
    keep(clocks.rematch([row], AT + 4 * HOUR), AT + 4 * HOUR)
    assert clock(row, "resolve").state == ClockState.PAUSED
    keep(clocks.resume([row], AT + 5 * HOUR), AT + 5 * HOUR)
    assert clock(row, "resolve").paused_seconds == 3 * 3600
    assert drifts(AT + 5 * HOUR) == []


def test_a_progress_notice_while_the_case_waits_begins_a_clock_that_stands_still(shared_house):
    from complaints import records

    house = shared_house
    row = do(house, in_state(house, Status.IN_PROGRESS), "wait_customer", by="supervisor", at=AT)
    told = AT + HOUR
    records.tell_progress(rows(row), "Soon.", method="phone", actor=house.actor("officer"), at=told)
    fresh = clock(row, "progress")
    assert (fresh.round, fresh.state, fresh.paused_at) == (2, ClockState.PAUSED, told)
    do(house, Case.objects.get(pk=row.pk), "resume", at=AT + DAY + HOUR)
    assert clock(row, "progress").paused_seconds == 9 * 3600
    assert drifts(AT + 2 * DAY) == []


# --- Pauses need an end ------------------------------------------------------------------------


def refused(house, row, what, verb="wait_customer", *, at=AT):
    outcome = workflow.VERBS[verb][0](rows(row), what, actor=house.actor("supervisor"), at=at)[0]
    assert not outcome.done
    return outcome.why


def test_a_pause_needs_reason_and_expected_end(shared_house):
    row = in_state(shared_house, Status.IN_PROGRESS)
    assert "reason" in refused(shared_house, row, payloads.Pausing(" ", AT + DAY))
    assert "until when" in refused(shared_house, row, payloads.Pausing("Papers."))
    assert "past" in refused(shared_house, row, payloads.Pausing("Papers.", AT))


@pytest.mark.parametrize(
    ("limits", "settings", "last"),
    [
        ({}, {}, "2026-03-25"),  # 15 working days after Wednesday 4 March
        ({}, {"max_pause_days": 5}, "2026-03-11"),
        ({("CMP-2", "loop"): {"max_pause_days": 3}}, {}, "2026-03-09"),
        (
            {("CMP-2", name): {"max_pause_days": 20} for name in
             ("acknowledge", "respond", "progress", "resolve", "loop")},
            {}, "2026-04-01",
        ),
    ],
)  # fmt: skip
def test_no_clock_stands_longer_than_its_limit_allows(shared_house, limits, settings, last):
    publish_rules(limits, settings=settings)
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS)
    latest = local(f"{last} 23:59")
    why = refused(house, row, payloads.Pausing("Papers.", latest + HOUR))
    assert "latest day" in why
    assert f"{int(last[-2:])} " in why
    do(house, row, "wait_customer", payloads.Pausing("Papers.", latest), by="supervisor")


def test_asking_for_too_long_a_pause_is_refused_before_anybody_decides(shared_house):
    house = shared_house
    row = in_state(house, Status.IN_PROGRESS)
    what = payloads.Pausing("Papers.", AT + 60 * DAY)
    asked = workflow.ask("wait_customer", rows(row), what, actor=house.actor("handler"), at=AT)[0]
    assert not asked.asked
    assert "latest day" in asked.why


# --- Risk line -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "left_minutes"),
    [
        ({}, 120),
        ({"risk_minutes": 60}, 60),
        ({"risk_percent": 50}, 48 * 60 / 2),
        ({"risk_minutes": 600, "risk_percent": 10}, 288),
        ({"risk_minutes": 0}, 0),
    ],
)
def test_a_limit_draws_its_own_risk_line(plain, own, left_minutes):
    publish_rules({("CMP-3", "resolve"): own} if own else {})
    made = clock(started(severity=3), "resolve")
    assert made.due_at - made.risk_at == timedelta(minutes=left_minutes)


# --- The calendar of the handling unit ---------------------------------------------------------


def branch(code, calendar=""):
    made = unit(code)
    type(made).objects.filter(pk=made.pk).update(calendar=calendar)
    made.refresh_from_db()
    return made


def test_a_limit_counts_on_the_calendar_of_the_handling_unit(plain):
    publish_calendar("six", dict.fromkeys(range(6), ((600, 1200),)))
    publish_rules({("CMP-2", "resolve"): {"calendar": "@department"}})
    plain_unit, own = started(), started(department=branch("BR1", "six"))
    assert clock(plain_unit, "resolve").due_at == local("2026-03-09 18:00")
    made = clock(own, "resolve")
    assert (made.calendar.kind, made.due_at) == ("calendar:six", local("2026-03-07 20:00"))
    assert clock(own, "loop").calendar.kind == "calendar:bank"


def test_a_unit_whose_calendar_was_never_published_works_by_the_banks(plain):
    publish_rules({("CMP-2", "resolve"): {"calendar": "@department"}})
    row = started(department=branch("BR2", "missing"))
    assert clock(row, "resolve").calendar.kind == "calendar:bank"


def test_the_clock_follows_the_case_to_its_new_unit(shared_house):
    publish_calendar("six", dict.fromkeys(range(6), ((600, 1200),)))
    publish_rules({("CMP-2", "resolve"): {"calendar": "@department"}})
    house = shared_house
    branch("LOAN", "six")
    row = in_state(house, Status.ASSESSING)
    assert clock(row, "resolve").calendar.kind == "calendar:bank"
    what = payloads.Sending(house.units["LOAN"].pk, house.pk("loan_handler"), "Theirs.")
    row = do(house, row, "assign", what, at=AT + HOUR)
    moved = clock(row, "resolve")
    assert (moved.calendar.kind, moved.due_at) == ("calendar:six", local("2026-03-07 20:00"))
    assert (moved.due_rev, row.resolve_due_at) == (2, moved.due_at)
    back = do(house, row, "return", by="supervisor", at=AT + 2 * HOUR)
    assert clock(back, "resolve").calendar.kind == "calendar:bank"
    assert drifts(AT + 2 * HOUR) == []


# --- Matching again ----------------------------------------------------------------------------


def test_matching_again_takes_over_the_start_of_the_new_limit(plain):
    publish_rules({("CMP-3", "resolve"): {"starts_on": "accepted_at"}})
    waits, begun = started(), started(accepted_at=WED + 2 * HOUR)
    for row in (waits, begun):
        row.severity = 3
    at = WED + 3 * HOUR
    keep(clocks.rematch([waits, begun], at), at)
    assert clock(waits, "resolve").state == ClockState.CANCELLED
    assert clock(begun, "resolve").started_at == WED + 2 * HOUR
    assert clock(begun, "resolve").due_at == WED + 50 * HOUR
    later = WED + 5 * HOUR
    happen(waits, later, accepted_at=later)
    assert (clock(waits, "resolve").round, clock(waits, "resolve").started_at) == (2, later)
    assert drifts(later) == []


def test_matching_again_ends_a_clock_whose_new_stop_has_happened(plain):
    publish_rules({("CMP-3", "resolve"): {"stops_on": "first_response_at"}})
    row = started(first_response_at=WED + HOUR)
    row.severity = 3
    keep(clocks.rematch([row], WED + 2 * HOUR), WED + 2 * HOUR)
    done = clock(row, "resolve")
    assert (done.state, done.stopped_at) == (ClockState.MET, WED + HOUR)
    assert drifts(WED + 2 * HOUR) == []


def test_a_clock_lost_by_a_wrong_type_comes_back_with_the_right_one(plain):
    row = started()
    due = clock(row, "regulatory").due_at
    row.type = term("feedback_type", "SUG")
    keep(clocks.rematch([row], WED + HOUR), WED + HOUR)
    assert clock(row, "regulatory").state == ClockState.CANCELLED
    row.type = term("feedback_type", "CMP")
    keep(clocks.rematch([row], WED + 2 * HOUR), WED + 2 * HOUR)
    again = clock(row, "regulatory")
    assert (again.round, again.state, again.due_at) == (2, ClockState.RUNNING, due)
    row.refresh_from_db()
    assert row.regulatory_due_at == due


OWN = {
    ("CMP-2", "resolve"): {"starts_on": "assigned_at", "stands_in": ["suspended"]},
    ("CMP-3", "resolve"): {"starts_on": "accepted_at", "stops_on": "contained_at"},
    ("CMP-1", "respond"): {"stops_on": "assigned_at", "calendar": "@department"},
    ("CMP-4", "loop"): {"starts_on": "first_response_at"},
    ("CMP-2", "progress"): {"starts_on": "dept_accepted_at", "stops_on": "resolved_at"},
}
EVENTS = ("acknowledged_at", "accepted_at", "first_response_at", "assigned_at",
          "dept_accepted_at", "contained_at", "resolved_at")  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_in_whatever_order_the_record_gives_the_same_clocks(plain, seed):
    publish_calendar("six", dict.fromkeys(range(6), ((600, 1200),)))
    publish_rules(OWN)
    branch("CARD", "six")
    rng = Random(seed)
    row, at = started(severity=rng.choice([1, 2, 3, 4])), WED
    waits = [Status.WAITING_CUSTOMER, Status.SUSPENDED]
    for _step in range(16):
        at += timedelta(minutes=rng.randrange(1, 1500), seconds=rng.randrange(60))
        choice = rng.randrange(6)
        if choice <= 2:
            happen(row, at, **{rng.choice(EVENTS): at})
        elif choice == 3 and row.status == Status.RECEIVED:
            row.status = rng.choice(waits)
            row.save()
            keep(clocks.pause([row], at), at)
        elif choice == 4 and row.status in waits:
            keep(clocks.resume([row], at), at)
            row.status = Status.RECEIVED
            row.save()
        else:
            row.severity = rng.choice([1, 2, 3, 4])
            row.save()
            keep(clocks.rematch([row], at), at)
        clocks.sweep(at)
        row.refresh_from_db()
        row.type = term("feedback_type", "CMP")
    assert drifts(at) == []
    open_ = CaseClock.objects.filter(case=row, stopped_at__isnull=True)
    assert len(set(open_.values_list("name", flat=True))) == open_.count()


def test_the_defaults_of_the_document_name_no_rule_of_their_own(plain):
    book = clock_rules.in_force(WED)
    for limits in book.limits.values():
        for limit in limits:
            own = (limit.starts_on, limit.stops_on, limit.stands_in, limit.max_pause_days)
            assert own == ("", "", None, None)
    assert rulesets.published("clock_policies", WED).settings["max_pause_days"] == 15


# --- Ladder --------------------------------------------------------------------------------------


def points(row, name):
    from complaints.clocks.desk import Desk

    desk = Desk([row], WED)
    return [
        (clocks.timing.step_code(p.step), p.at.astimezone(ZONE).strftime("%m-%d %H:%M"))
        for p in desk.points(row, clock(row, name))
    ]


def test_minutes_before_and_after_count_on_the_clocks_own_calendar(plain):
    publish_rules(
        {("CMP-2", "sign"): {"amount": 240, "unit": "working_minutes", "calendar": "bank"}},
        steps=[step(1, minutes_before=120), step(2, percent=100, breach=True),
               step(3, minutes_after=60), step(4, minutes_after=600)],
    )  # fmt: skip
    row = started(local("2026-03-06 17:00"), assigned_at=local("2026-03-06 17:00"))
    assert points(row, "sign") == [
        ("-120m", "03-09 10:00"), ("100%", "03-09 12:00"), ("+60m", "03-09 13:00"),
        ("+600m", "03-10 13:00"),
    ]  # fmt: skip
    night = points(row, "respond")  # 7 x 24: due on Saturday, 17:00
    assert ("-120m", "03-07 15:00") in night


def test_a_step_may_be_for_some_policies_only(plain):
    publish_rules({}, steps=[step(1, percent=50, policies=["CMP-3"]), step(2, percent=80)])
    assert [code for code, _at in points(started(severity=3), "resolve")] == ["50%", "80%"]
    assert [code for code, _at in points(started(severity=1), "resolve")] == ["80%"]
    row = started(severity=3)
    at = WED + 24 * HOUR + timedelta(minutes=1)
    clocks.sweep(at)
    fired = clock(row, "resolve").escalations
    assert list(fired.values_list("step", flat=True)) == ["50%"]


def test_an_overlay_may_name_events_for_a_clock_the_row_does_not_have(plain):
    publish_rules({("REFERRAL-GOV", "sign"): {"starts_on": "accepted_at"}})
    row = started(channel="GOV", kind="INQ")
    assert "sign" not in names(row)
    happen(row, WED + HOUR, accepted_at=WED + HOUR)
    assert clock(row, "sign").started_at == WED + HOUR


def test_stopping_says_which_clocks_in_the_record(plain):
    row = started(acknowledged_at=None)
    row.acknowledged_at = WED + HOUR
    change = clocks.stop([row], [ClockName.ACKNOWLEDGE], WED + HOUR)
    keep(change, WED + HOUR)
    assert [fact.action for fact in change.facts] == ["clock.stopped"]
    assert JournalEntry.objects.filter(action="clock.stopped", stream=row.stream).count() == 1


def test_an_open_case_still_costs_the_same(shared_house, django_assert_num_queries):
    cases = [open_case(shared_house) for _n in range(3)]
    loaded = list(rows(*cases).select_related("type", "intake_channel", "department"))
    for row in loaded:
        row.acknowledged_at = AT + HOUR
    with django_assert_num_queries(2):  # the clocks, and one write
        clocks.stop(loaded, [ClockName.ACKNOWLEDGE], AT + HOUR)
