"""“Apply to open cases”, and the nightly drift check."""

from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.utils import translation

from complaints import clocks
from complaints.choices import ClockState, Status
from complaints.clocks import applying, drafting, drifting, versions
from complaints.clocks.drafting import StepData
from complaints.clocks.rules import OWN_LADDER
from complaints.models import Case, CaseClock, Escalation
from config.kernel import job_runs, jobs, journal, rule_kinds
from config.kernel.models import Job, Notice
from config.kernel.models.jobs import JobState
from config.kernel.rulesets import RulesRefused
from config.shared.actors import SYSTEM
from tests.complaints.clock_house import clock, local
from tests.complaints.test_forecast import MEDIUM, limits
from tests.factories.complaints import AT, DAY, HOUR, do, in_state, open_case
from tests.factories.staff import AccountFactory, PersonFactory

LATER = AT + 2 * HOUR


@pytest.fixture
def house(shared_house):
    return shared_house


def how(house, at=LATER):
    return {"actor": house.actor("supervisor"), "at": at, "expected": None}


def publish(house, draft, at=LATER):
    return rule_kinds.publish(draft, reason="Board 7", valid_from=None, **how(house, at))


def new_rules(house, at=LATER, **amounts):
    """Publish a version in which CMP-2 has these amounts."""
    draft = rule_kinds.begin("clock_policies", actor=house.actor("supervisor"), at=at)
    data = replace(MEDIUM, limits=limits(**amounts))
    drafting.put_policy(draft, data, code="CMP-2", **how(house, at))
    return publish(house, draft, at)


def apply(house, version, at=LATER, *, run=True):
    job = applying.start(version, reason="Promised", actor=house.actor("supervisor"), at=at)
    if run:
        job_runs.work(at)
        job.refresh_from_db()
        assert job.state == JobState.DONE, jobs.error_of(job)
    return job


def told(case, *actions):
    rows = journal.entries(case.stream)
    return [entry for entry in rows if entry.action in actions]


def drifts(at):
    return list(clocks.recompute(check=True, actor=SYSTEM, at=at))


def test_publishing_alone_moves_no_running_clock(house):
    case = open_case(house)
    before = clock(case, "resolve").due_at
    new_rules(house, resolve=5)
    job_runs.work(LATER)
    assert clock(case, "resolve").due_at == before


def test_applying_moves_affected_cases_and_says_so_on_each(house):
    case, other = open_case(house), open_case(house, severity=3)
    version = new_rules(house, resolve=5)
    rev = clock(case, "resolve").due_rev
    job = apply(house, version)
    moved = clock(case, "resolve")
    assert (moved.due_at, moved.due_rev) == (local("2026-03-11 18:00"), rev + 1)
    assert moved.limit.policy.rule_set == version
    assert job.counts == {"looked": 2, "changed": 1}
    case.refresh_from_db()
    assert (case.resolve_due_at, case.policy_reason["rule_set"]) == (moved.due_at, version.pk)
    (entry,) = told(case, "clock.applied")
    assert entry.actor_id == house.pk("supervisor")
    with translation.override("en"):
        said = journal.describe(entry)
    assert "Version 2 of the time limits applied" in said
    assert "Complaint, medium" in said
    assert told(other, "clock.applied") == []
    other.refresh_from_db()
    assert other.policy_reason["version"] == 1
    assert drifts(LATER) == []


def test_the_act_is_recorded_once_on_the_version_with_its_reason(house):
    version = new_rules(house, resolve=5)
    job = apply(house, version)
    (entry,) = [e for e in journal.entries(version.stream) if e.action == "rules.applied"]
    assert journal.words_of([entry])[entry.pk] == {"reason": "Promised"}
    assert journal.facts_of(entry) == {"number": 2, "job": job.pk}


def test_a_second_run_does_nothing(house):
    case = open_case(house)
    version = new_rules(house, resolve=5)
    apply(house, version)
    before = list(CaseClock.objects.order_by("pk").values())
    seq = Case.objects.get(pk=case.pk).event_seq
    job = apply(house, version, LATER + HOUR)
    assert job.counts["changed"] == 0
    assert list(CaseClock.objects.order_by("pk").values()) == before
    assert Case.objects.get(pk=case.pk).event_seq == seq


def test_stopped_clocks_keep_their_verdict_and_breaches_stay(house):
    case = in_state(house, Status.IN_PROGRESS)
    at = AT + 6 * DAY
    clocks.sweep(at)
    breached = clock(case, "resolve").breached_at
    accepted = clock(case, "accept")
    assert breached is not None
    apply(house, new_rules(house, at, resolve=9, accept=1), at)
    moved = clock(case, "resolve")
    assert moved.due_at > at
    assert moved.breached_at == breached
    same = clock(case, "accept")
    assert (same.due_at, same.state) == (accepted.due_at, ClockState.MET)
    assert Case.objects.get(pk=case.pk).breached
    assert drifts(at) == []


def test_a_limit_that_has_passed_is_late_at_the_next_sweep_and_told_once(house):
    case = in_state(house, Status.IN_PROGRESS)
    at = AT + 2 * DAY
    clocks.sweep(at)
    apply(house, new_rules(house, at, resolve=1), at)
    late = clock(case, "resolve")
    assert late.due_at < at
    clocks.sweep(at + HOUR)
    clocks.sweep(at + 2 * HOUR)
    assert clock(case, "resolve").breached_at == late.due_at
    fired = Escalation.objects.filter(clock=late, due_rev=late.due_rev)
    assert [row.step for row in fired if row.sent].count("100%") == 1
    assert drifts(at + 2 * HOUR) == []


def test_only_levels_ahead_are_armed_again(house):
    case = in_state(house, Status.IN_PROGRESS)
    at = local("2026-03-06 17:00")
    clocks.sweep(at)
    apply(house, new_rules(house, at, resolve=4), at)
    moved = clock(case, "resolve")
    assert moved.next_fire_at > at
    assert not Escalation.objects.filter(clock=moved, due_rev=moved.due_rev).exists()


def test_pauses_and_extensions_are_kept(house):
    case = in_state(house, Status.IN_PROGRESS)
    do(house, case, "wait_customer", by="supervisor", at=AT + HOUR)
    row = Case.objects.get(pk=case.pk)
    change = clocks.extend([row], "regulatory", AT + HOUR)
    journal.append(change.facts, actor=SYSTEM, at=AT + HOUR, save=sorted(change.fields))
    apply(house, new_rules(house, resolve=5, regulatory=20))
    resolve, regulatory = clock(case, "resolve"), clock(case, "regulatory")
    assert (resolve.state, resolve.paused_at) == (ClockState.PAUSED, AT + HOUR)
    assert (regulatory.amount, regulatory.extension_days) == (20, 15)
    do(house, Case.objects.get(pk=case.pk), "resume", by="supervisor", at=AT + DAY + HOUR)
    assert clock(case, "resolve").due_at > local("2026-03-11 18:00")
    assert drifts(AT + 2 * DAY) == []


def test_another_ladder_alone_affects_cases_too(house):
    case = open_case(house)
    draft = rule_kinds.begin("clock_policies", actor=house.actor("supervisor"), at=LATER)
    breach = StepData(["supervisor"], percent=100, breach=True)
    outer = replace(breach, clocks=sorted(OWN_LADDER))
    drafting.put_ladder(draft, [breach, outer], **how(house))
    due = clock(case, "resolve").due_at
    job = apply(house, publish(house, draft))
    assert job.counts["changed"] == 1
    moved = clock(case, "resolve")
    assert (moved.due_at, moved.next_fire_at) == (due, due)


def test_ended_cases_and_history_are_left_alone(house):
    done = in_state(house, Status.NOTIFIED)
    past = open_case(house)
    Case.objects.filter(pk=past.pk).update(is_history=True)
    job = apply(house, new_rules(house, resolve=5))
    assert job.counts == {"looked": 0, "changed": 0}
    assert told(done, "clock.applied") == []


def test_only_the_version_in_force_is_applied_and_with_a_reason(house):
    first = new_rules(house, resolve=5)
    second = new_rules(house, LATER + HOUR, resolve=6)
    by = {"actor": house.actor("supervisor"), "at": LATER + HOUR}
    with pytest.raises(RulesRefused, match="in force"):
        applying.start(first, reason="x", **by)
    with pytest.raises(RulesRefused, match="Say why"):
        applying.start(second, reason=" ", **by)
    applying.start(second, reason="x", **by)
    with pytest.raises(RulesRefused, match="being applied"):
        applying.start(second, reason="x", **by)
    assert applying.latest(second).kind == applying.APPLY


def test_a_newer_version_stops_an_older_one_that_is_still_being_applied(house):
    open_case(house)
    job = apply(house, new_rules(house, resolve=5), run=False)
    new_rules(house, LATER + HOUR, resolve=6)
    job_runs.work(LATER + HOUR)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "in force" in jobs.error_of(job)


def test_a_run_killed_half_way_goes_on_and_changes_each_case_once(house, monkeypatch):
    cases = [open_case(house) for _n in range(5)]
    monkeypatch.setattr(applying, "_CHUNK", 2)
    real, calls = applying.apply_to, []

    def dying(*arguments):
        calls.append(1)
        done = real(*arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(applying, "apply_to", dying)
    job = apply(house, new_rules(house, resolve=5), run=False)
    with pytest.raises(KeyboardInterrupt):
        job_runs.work(LATER)
    job.refresh_from_db()
    assert (job.state, job.done, job.counts["changed"]) == (JobState.RUNNING, 2, 2)
    assert [len(told(case, "clock.applied")) for case in cases] == [1, 1, 0, 0, 0]
    monkeypatch.setattr(applying, "apply_to", real)
    job_runs.work(LATER + HOUR)
    job.refresh_from_db()
    assert (job.state, job.counts) == (JobState.DONE, {"looked": 5, "changed": 5})
    assert [len(told(case, "clock.applied")) for case in cases] == [1] * 5
    assert drifts(LATER + HOUR) == []


# --- PEERS.md §2 ---------------------------------------------------------------------------


def test_peers_14_a_limit_that_is_gone_cancels_its_clock_with_the_reason(house):
    """Escalated tickets stay escalated after the SLA is removed (zammad#4353)."""
    case = in_state(house, Status.IN_PROGRESS)
    at = AT + 5 * DAY
    clocks.sweep(at)
    assert clock(case, "resolve").next_fire_at is not None
    draft = rule_kinds.begin("clock_policies", actor=house.actor("supervisor"), at=at)
    data = replace(MEDIUM, limits=limits(progress=None))
    drafting.put_policy(draft, data, code="CMP-2", **how(house, at))
    apply(house, publish(house, draft, at), at)
    gone = clock(case, "progress")
    assert (gone.state, gone.next_fire_at) == (ClockState.CANCELLED, None)
    assert at <= gone.stopped_at < at + timedelta(minutes=5)
    (entry,) = told(case, "clock.dropped")
    with translation.override("en"):
        said = journal.describe(entry)
    assert "Clocks cancelled, version 2 of the rules does not set them" in said
    assert "Progress notice" in said
    fired = Escalation.objects.filter(clock=gone).count()
    clocks.sweep(at + 10 * DAY)
    assert Escalation.objects.filter(clock=gone).count() == fired
    assert drifts(at + 10 * DAY) == []


def test_peers_20_applying_goes_in_chunks_with_progress_and_only_affected_cases(house, monkeypatch):
    """An SLA update is slow for all (zammad docs PR#159): every open ticket is rebuilt at once."""
    for n in range(6):
        open_case(house, severity=3 if n % 2 else 2)
    monkeypatch.setattr(applying, "_CHUNK", 2)
    seen, real = [], job_runs.JobRun.progress

    def noting(run, **figures):
        real(run, **figures)
        seen.append((run.job.done, run.job.total))

    monkeypatch.setattr(job_runs.JobRun, "progress", noting)
    written: list[int] = []
    write = versions.measure_anew
    monkeypatch.setattr(
        versions, "measure_anew", lambda *given: written.append(given[1].case.pk) or write(*given)
    )
    job = apply(house, new_rules(house, resolve=5))
    assert seen == [(2, 6), (4, 6), (6, 6), (6, 6)]
    assert len(written) == job.counts["changed"] == 3
    rows = Case.objects.filter(pk__in=written)
    assert set(rows.values_list("severity", flat=True)) == {2}


def test_peers_20_a_person_can_stop_it_between_chunks(house, monkeypatch):
    cases = [open_case(house) for _n in range(3)]
    monkeypatch.setattr(applying, "_CHUNK", 1)
    job = apply(house, new_rules(house, resolve=5), run=False)
    real = applying.apply_to

    def stopping(*given):
        jobs.cancel(Job.objects.filter(pk=job.pk), actor=SYSTEM, at=LATER)
        return real(*given)

    monkeypatch.setattr(applying, "apply_to", stopping)
    job_runs.work(LATER)
    job.refresh_from_db()
    assert (job.state, job.counts["changed"]) == (JobState.CANCELLED, 1)
    assert [len(told(case, "clock.applied")) for case in cases] == [1, 0, 0]


# --- The nightly check ---------------------------------------------------------------------


@pytest.fixture
def admin(house):
    account = AccountFactory.create(person=PersonFactory.create(), roles=["admin"])
    return account.person


def nightly(at):
    assert drifting.report(at) == 1
    job_runs.work(at)
    return Job.objects.filter(kind=drifting.CHECK).latest("pk")


def test_drift_is_told_to_administrators_once_a_day(house, admin, monkeypatch):
    monkeypatch.setattr(import_module("complaints.clocks.recompute"), "_CHUNK", 1)
    for _n in range(3):
        case = open_case(house)
        CaseClock.objects.filter(case=case, name="resolve").update(due_at=AT + 9 * DAY)
    job = nightly(AT)
    assert (job.state, job.done) == (JobState.DONE, 3)
    nightly(AT + timedelta(minutes=5))
    notice = Notice.objects.get(kind="clock.drift")
    assert (notice.person_id, notice.facts["count"]) == (admin.pk, job.counts["drifts"])
    assert case.number in notice.facts["numbers"]
    assert clock(case, "resolve").due_at == AT + 9 * DAY  # nothing is repaired by itself
    nightly(AT + DAY)
    assert Notice.objects.filter(kind="clock.drift").count() == 2


def test_nothing_is_told_when_nothing_differs(house, admin):
    open_case(house)
    assert nightly(AT).counts == {"drifts": 0}
    assert not Notice.objects.filter(kind="clock.drift").exists()


def test_one_check_runs_at_a_time(house):
    assert [drifting.report(AT), drifting.report(AT)] == [1, 0]


def test_what_somebody_was_writing_just_then_is_no_drift(house, admin, monkeypatch):
    case, real, looks = open_case(house), drifting.check_chunk, []

    def looking(pks):
        """The first look falls between two writes of a verb."""
        looks.append(pks)
        return [clocks.Drift(case.number, "resolve:1", "a", "b")] if not looks[1:] else real(pks)

    monkeypatch.setattr(drifting, "check_chunk", looking)
    assert nightly(AT).counts == {"drifts": 0}
    assert len(looks) == 2
