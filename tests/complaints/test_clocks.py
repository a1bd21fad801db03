"""Clocks run, stop, pause, extend and are matched again; cases carry their nearest clock."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from complaints import clocks
from complaints.choices import ClockName, ClockState, PauseKind
from complaints.clocks.desk import CASE_FIELDS
from complaints.models import Case, CaseClock, CasePause, Escalation
from config.kernel.models import JournalEntry, Notice
from tests.complaints.clock_house import build, case, clock, keep, local, term
from tests.factories.staff import AccountFactory

pytestmark = pytest.mark.django_db
AT = local("2026-03-04 10:00")
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def house():
    build()


def started(at=AT, **given) -> Case:
    row = case(at, **given)
    keep(clocks.start([row], at), at)
    return row


def names(row, *states) -> set[str]:
    rows = CaseClock.objects.filter(case=row)
    return set((rows.filter(state__in=states) if states else rows).values_list("name", flat=True))


def test_the_case_carries_its_nearest_clock():
    row = started(severity=4)
    row.refresh_from_db()
    assert (row.next_clock, row.next_due_at) == ("accept", AT + HOUR / 2)
    assert row.resolve_due_at == AT + 4 * HOUR
    assert row.regulatory_due_at == clock(row, "regulatory").due_at
    assert (row.paused, row.breached) == (False, False)


def test_starting_says_which_fields_to_save_and_records_all_that_is_needed():
    row = case(AT)
    change = clocks.start([row], AT)
    assert change.fields == CASE_FIELDS | {"policy_reason"}
    [fact] = change.facts
    assert fact.action == "clock.started"
    assert {c["name"] for c in fact.facts["clocks"]} == names(row)


def test_starting_twice_starts_nothing_more():
    row = started()
    before = CaseClock.objects.count()
    assert clocks.start([row], AT + HOUR).facts == []
    assert CaseClock.objects.count() == before


def test_history_cases_never_start_clocks():
    assert clocks.start([case(AT, is_history=True)], AT).facts == []
    assert not CaseClock.objects.exists()


def test_on_a_live_channel_the_intake_is_the_acknowledgement():
    row = started(channel="TEL", acknowledged_at=AT)
    done = clock(row, "acknowledge")
    assert (done.state, done.stopped_at, done.next_fire_at) == (ClockState.MET, AT, None)
    assert clock(row, "respond").state == ClockState.RUNNING


def test_a_clock_stopped_late_is_missed_and_the_breach_stays():
    row = started()
    late = AT + timedelta(hours=25)
    keep(clocks.stop([row], [ClockName.ACKNOWLEDGE], late), late)
    done = clock(row, "acknowledge")
    assert (done.state, done.breached_at) == (ClockState.MISSED, AT + timedelta(hours=24))
    row.refresh_from_db()
    assert row.breached


def test_acceptance_begins_the_progress_clock_and_a_notice_the_next_one():
    row = started()
    at = AT + HOUR
    row.accepted_at = at
    keep(clocks.stop([row], [ClockName.ACCEPT], at), at)
    assert clock(row, "progress").due_at == local("2026-03-06 18:00")
    told = local("2026-03-06 11:00")
    keep(clocks.progressed([row], told), told)
    assert clock(row, "progress", 1).state == ClockState.MET
    assert clock(row, "progress", 2).due_at == local("2026-03-10 18:00")


def test_the_signature_counts_from_the_hand_over_and_each_one_is_a_round():
    row = started()
    row.assigned_at = first = AT + HOUR
    keep(clocks.next_round([row], [ClockName.SIGN], first), first)
    second = AT + 3 * HOUR
    keep(clocks.next_round([row], [ClockName.SIGN], second), second)
    assert clock(row, "sign", 1).state == ClockState.CANCELLED
    again = clock(row, "sign", 2)
    assert (again.started_at, again.due_at) == (second, local("2026-03-05 18:00"))


def test_no_clock_runs_after_the_customer_was_told():
    row = started(channel="R78", external_due_at=local("2026-03-30 17:00"))
    at = AT + HOUR
    keep(clocks.next_round([row], [ClockName.SIGN], at), at)
    keep(clocks.finish([row], at), at)
    assert names(row, ClockState.RUNNING, ClockState.PAUSED) == set()
    assert clock(row, "sign").state == ClockState.CANCELLED
    assert clock(row, "external").state == ClockState.MET
    row.refresh_from_db()
    assert (row.next_clock, row.next_due_at) == ("", clocks.NEVER)
    assert row.resolve_due_at is not None


def test_reopening_starts_a_new_round_and_keeps_the_old_one():
    row = started()
    at = local("2026-03-20 10:00")
    keep(clocks.finish([row], at), at)
    keep(clocks.next_round([row], clocks.REOPENED, at), at)
    assert clock(row, "resolve", 1).state == ClockState.MISSED
    assert clock(row, "resolve", 2).due_at == local("2026-03-25 18:00")
    row.refresh_from_db()
    assert (row.breached, row.resolve_due_at) == (True, local("2026-03-25 18:00"))
    assert clock(row, "regulatory").round == 1


def test_a_refusal_taken_back_starts_a_round_from_now():
    row = started()
    keep(clocks.cancel([row], AT + HOUR), AT + HOUR)
    later = local("2026-03-11 10:00")
    keep(clocks.start([row], later), later)
    assert clock(row, "resolve", 2).started_at == later
    assert clock(row, "regulatory", 2).started_at == AT


def test_a_pause_moves_internal_clocks_by_working_time_only():
    row = started()
    friday, monday = local("2026-03-06 17:00"), local("2026-03-09 10:00")
    keep(clocks.finish([row], AT), AT)  # only a fresh resolve clock matters here
    keep(clocks.next_round([row], [ClockName.RESOLVE], AT), AT)
    keep(clocks.pause([row], friday), friday)
    row.refresh_from_db()
    assert (row.paused, clock(row, "resolve").next_fire_at) == (True, None)
    keep(clocks.resume([row], monday), monday)
    moved = clock(row, "resolve")
    assert moved.paused_seconds == 2 * 3600
    assert moved.due_at == local("2026-03-10 11:00")
    assert (moved.due_rev, moved.state) == (2, ClockState.RUNNING)
    row.refresh_from_db()
    assert (row.paused, row.next_due_at) == (False, moved.due_at)


def test_the_regulatory_clock_runs_on_in_a_pause_and_leads_the_case():
    row = started()
    at = AT + HOUR
    keep(clocks.pause([row], at, PauseKind.INTERNAL, at + timedelta(days=3)), at)
    row.refresh_from_db()
    assert (row.next_clock, row.paused) == ("regulatory", False)
    assert clock(row, "regulatory").state == ClockState.RUNNING
    assert CasePause.objects.get(case=row).expected_end_at == at + timedelta(days=3)


def test_outside_appraisal_pauses_the_regulatory_clock_alone():
    row = started()
    before = clock(row, "regulatory").due_at
    keep(clocks.pause([row], AT + HOUR, PauseKind.APPRAISAL), AT + HOUR)
    assert names(row, ClockState.PAUSED) == {"regulatory"}
    back = AT + HOUR + timedelta(days=2)
    keep(clocks.resume([row], back, PauseKind.APPRAISAL), back)
    assert clock(row, "regulatory").due_at == before + timedelta(days=2)


def test_what_is_late_stays_late_in_a_pause():
    row = started()
    at = AT + timedelta(hours=25)
    keep(clocks.pause([row], at), at)
    assert clock(row, "acknowledge").state == ClockState.RUNNING
    keep(clocks.resume([row], at + 9 * HOUR), at + 9 * HOUR)
    assert clock(row, "acknowledge").due_at == AT + timedelta(hours=24)


def test_pausing_twice_is_one_pause_and_resuming_an_unpaused_case_does_nothing():
    row = started()
    assert clocks.resume([row], AT + HOUR).facts == []
    keep(clocks.pause([row], AT + HOUR), AT + HOUR)
    assert clocks.pause([row], AT + 2 * HOUR).facts == []
    assert CasePause.objects.count() == 1


def test_a_pause_never_carries_a_referred_case_over_its_ceiling():
    row = started(channel="R78", external_due_at=local("2026-03-06 17:00"))
    keep(clocks.pause([row], AT + HOUR), AT + HOUR)
    back = local("2026-03-05 12:00")
    keep(clocks.resume([row], back), back)
    assert clock(row, "resolve").due_at == local("2026-03-05 18:00")


def test_regulatory_extensions_follow_the_policy_to_30_and_60_days():
    row = started()
    keep(clocks.extend([row], ClockName.REGULATORY, AT + HOUR), AT + HOUR)
    assert clock(row, "regulatory").due_at == local("2026-04-03 23:59") + timedelta(seconds=59)
    keep(clocks.extend([row], ClockName.REGULATORY, AT + HOUR), AT + HOUR)
    last = clock(row, "regulatory")
    assert last.due_at == local("2026-05-03 23:59") + timedelta(seconds=59)
    assert clocks.next_extension(last) is None
    assert clocks.extend([row], ClockName.REGULATORY, AT + HOUR).facts == []


def test_an_extension_after_the_breach_does_not_erase_it():
    row = started()
    late = local("2026-03-10 10:00")
    clocks.sweep(late)
    row.refresh_from_db()
    keep(clocks.extend([row], ClockName.RESOLVE, late, days=5), late)
    moved = clock(row, "resolve")
    assert moved.due_at == local("2026-03-16 18:00")
    assert moved.breached_at == local("2026-03-09 18:00")
    done = late + HOUR
    keep(clocks.stop([row], [ClockName.RESOLVE], done), done)
    row.refresh_from_db()
    assert (clock(row, "resolve").state, row.breached) == (ClockState.MET, True)


def test_raised_severity_matches_again_from_the_original_start():
    row = started(severity=2)
    at = AT + 2 * HOUR
    keep(clocks.stop([row], [ClockName.ACKNOWLEDGE], at), at)
    row.severity = 3
    keep(clocks.rematch([row], at), at)
    resolve = clock(row, "resolve")
    assert (resolve.due_at, resolve.due_rev) == (AT + 48 * HOUR, 2)
    assert clock(row, "acknowledge").state == ClockState.MET
    row.refresh_from_db()
    assert row.policy_reason["policy"] == "CMP-3"
    entry = JournalEntry.objects.get(action="clock.rematched")
    assert '"before":"CMP-2"' in entry.body


def test_a_tier_batch_does_not_touch_running_clocks():
    row = started(severity=2, tier_at_receipt="ordinary")
    due = clock(row, "resolve").due_at
    row.customer = None
    keep(clocks.rematch([row], AT + HOUR), AT + HOUR)
    assert clock(row, "resolve").due_at == due
    assert clock(row, "resolve").due_rev == 1


def test_retyping_cancels_what_the_new_policy_does_not_know_and_starts_what_it_adds():
    row = started()
    row.type = term("feedback_type", "INQ")
    keep(clocks.rematch([row], AT + HOUR), AT + HOUR)
    assert clock(row, "regulatory").state == ClockState.CANCELLED
    suggestion = started(kind="SUG")
    suggestion.type = term("feedback_type", "CMP")
    keep(clocks.rematch([suggestion], AT + HOUR), AT + HOUR)
    assert clock(suggestion, "regulatory").started_at == AT


def test_a_pause_is_counted_anew_when_the_unit_changes():
    row = started(severity=2)
    night = local("2026-03-04 20:00")
    keep(clocks.pause([row], night), night)
    morning = local("2026-03-05 08:00")
    keep(clocks.resume([row], morning), morning)
    assert clock(row, "resolve").paused_seconds == 0  # nothing was open that night
    row.severity = 3
    keep(clocks.rematch([row], morning), morning)
    resolve = clock(row, "resolve")
    assert (resolve.due_at, resolve.paused_seconds) == (AT + 60 * HOUR, 12 * 3600)
    assert list(clocks.recompute(check=True, actor=None, at=morning)) == []


def test_late_at_birth_is_one_notice_not_a_chain():
    boss = AccountFactory.create(roles=["supervisor"]).person
    row = case(local("2026-02-02 10:00"))
    keep(clocks.start([row], AT), AT)
    row.refresh_from_db()
    assert row.breached
    late = CaseClock.objects.filter(case=row, breached_at__isnull=False)
    assert set(late.values_list("name", flat=True)) >= {"accept", "resolve", "regulatory"}
    assert Escalation.objects.filter(sent=True).count() == 1
    assert Escalation.objects.filter(sent=False).count() > 10
    assert Notice.objects.filter(person_id=boss.pk).count() == 1
    clocks.sweep(AT)
    assert Notice.objects.count() == 1


def test_the_duty_leader_hears_of_a_critical_case_at_once():
    leader = AccountFactory.create(roles=["duty_leader"]).person
    row = started(severity=4)
    assert [n.person_id for n in Notice.objects.filter(kind="case.critical")] == [leader.pk]
    raised = started(severity=2)
    raised.severity = 4
    keep(clocks.rematch([raised], AT + HOUR / 4), AT + HOUR / 4)
    assert Notice.objects.filter(kind="case.critical").count() == 2
    assert row.number in str(Notice.objects.filter(kind="case.critical")[0].facts)


def test_new_facts_restart_the_regulatory_clock_and_the_old_one_stays_readable():
    row = started()
    old = clock(row, "regulatory").due_at
    at = AT + timedelta(days=5)
    keep(clocks.restart([row], at, since=at), at)
    assert (clock(row, "regulatory", 1).state, clock(row, "regulatory", 1).due_at) == (
        ClockState.CANCELLED, old,
    )  # fmt: skip
    assert clock(row, "regulatory", 2).due_at == old + timedelta(days=5)


def test_a_due_date_in_an_unpublished_year_is_provisional():
    row = started(local("2026-12-30 10:00"))
    assert clock(row, "resolve").provisional
    assert not clock(row, "regulatory").provisional
    assert not clock(started(), "resolve").provisional


def test_a_round_exists_once():
    row = started()
    twin = clock(row, "resolve")
    twin.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


def test_many_cases_cost_as_many_queries_as_one(django_assert_max_num_queries):
    rows = [case(AT) for _n in range(30)]
    with django_assert_max_num_queries(12):
        change = clocks.start(rows, AT)
    assert len(change.facts) == 30


def test_preview_writes_nothing():
    row = case(AT, severity=3)
    seen = clocks.preview(row, AT)
    assert seen.reason["policy"] == "CMP-3"
    assert seen.clocks[0].name == "acknowledge"
    assert not CaseClock.objects.exists()


@pytest.mark.parametrize(
    ("at", "state", "text"),
    [
        ("2026-03-04 12:00", "ok", "3d 6h left"),
        ("2026-03-09 17:00", "risk", "1h left"),
        ("2026-03-10 11:30", "over", "2h 30m overdue"),
        ("2026-03-09 23:00", "over", "5h overdue"),  # closed since: real time, never 0m
    ],
)
def test_chips_show_working_time(at, state, text):
    row = started()
    chip = clocks.chip(clock(row, "resolve"), local(at))
    assert (chip.state, chip.text) == (state, text)
    assert chip.day_clock


def test_the_chip_of_a_case_is_that_of_its_nearest_clock_without_a_query_per_case(
    django_assert_num_queries,
):
    rows = [started(), started(), case(AT)]
    with django_assert_num_queries(1):
        found = clocks.chips(rows, AT + HOUR)
    assert found[rows[0].pk].name == "Acceptance"
    assert found[rows[2].pk].due_at is None


def test_done_clocks_have_met_and_missed_chips():
    row = started()
    at = AT + 3 * HOUR
    keep(clocks.stop([row], [ClockName.ACKNOWLEDGE], at), at)
    assert clocks.chip(clock(row, "acknowledge"), at).text == "Met in 3h"
    late = AT + timedelta(hours=26)
    keep(clocks.stop([row], [ClockName.RESPOND], late), late)
    assert clocks.chip(clock(row, "respond"), late).text == "Missed by 2h"
