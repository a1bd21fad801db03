"""The sweep: every level exactly once, to the right people, at a cost that follows what is due."""

import gc
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints import clocks, workflow
from complaints.choices import ClockName
from complaints.clocks import escalating
from complaints.clocks.audience import Audience
from complaints.clocks.rules import KIND
from complaints.clocks.telling import stage_of, step_words
from complaints.models import Case, CaseClock, CaseExclusion, CaseGrant, Escalation, LadderStep
from config.kernel import journal, notice_digests, notices, rulesets
from config.kernel.models import JournalEntry, Notice, NoticeMail, OutboxMessage
from config.shared.actors import SYSTEM
from staff.models import DutyCall, DutyShift
from tests.complaints.clock_house import LONG_AGO, build, case, clock, keep, local, unit
from tests.factories.staff import AccountFactory, PersonFactory
from tests.threads import at_once

AT = local("2026-03-04 10:00")
HOUR = timedelta(hours=1)
ROLES = {
    "boss": ("supervisor", "CMPT"),
    "head": ("department_head", "CARD"),
    "office": ("department_head", "CMPT"),
    "leader": ("duty_leader", "CMPT"),
    "president": ("executive", "CMPT"),
}


def staff() -> dict[str, int]:
    """People of a small bank by nickname; the handler has no role that matters."""
    found = {
        name: AccountFactory.create(
            roles=[role], person=PersonFactory.create(department=unit(place))
        ).person.pk
        for name, (role, place) in ROLES.items()
    }
    handler = AccountFactory.create(
        roles=["handler"], person=PersonFactory.create(department=unit("CARD"))
    )
    return found | {"handler": handler.person.pk}


def one(at=AT, **given) -> Case:
    row = case(at, **given)
    keep(clocks.start([row], at), at)
    return row


def only(row, name):
    """Leave one clock of the case running."""
    CaseClock.objects.filter(case=row).exclude(name=name).update(next_fire_at=None)
    return clock(row, name)


def told(kind: str) -> set[int]:
    return set(Notice.objects.filter(kind=kind).values_list("person_id", flat=True))


def fired(row) -> list[tuple[str, bool]]:
    rows = Escalation.objects.filter(clock__case=row).order_by("planned_at", "level")
    return list(rows.values_list("step", "sent"))


@pytest.fixture
def people(db):
    build()
    return staff()


def test_each_level_reaches_its_people_and_the_breach_marks_the_case(people):
    row = one(severity=3, handler_id=people["handler"])
    only(row, "resolve")  # 48 h, due Friday 10:00
    for hours in (23, 24, 24.5):
        clocks.sweep(AT + hours * HOUR)
    assert fired(row) == [("50%", True)]
    assert told("clock.warning.resolve") == {people["handler"]}
    clocks.sweep(AT + 39 * HOUR)
    assert told("clock.warning.resolve") == {people["handler"], people["boss"]}
    row.refresh_from_db()
    assert not row.breached
    clocks.sweep(AT + 48 * HOUR)
    assert told("clock.breach.resolve") == {people["boss"], people["head"]}
    row.refresh_from_db()
    assert (row.breached, clock(row, "resolve").breached_at) == (True, AT + 48 * HOUR)
    clocks.sweep(AT + 58 * HOUR)
    assert told("clock.escalated.resolve") == {people["office"]}
    clocks.sweep(local("2026-03-09 18:00"))  # the working day after, at its close
    assert told("clock.escalated.resolve") == {people["office"], people["president"]}
    assert [step for step, _sent in fired(row)] == ["50%", "80%", "100%", "120%", "+1wd"]
    assert clock(row, "resolve").next_fire_at is None


def test_the_president_does_not_hear_of_medium_cases(people):
    row = one(severity=2)
    only(row, "resolve")
    clocks.sweep(local("2026-04-01 10:00"))
    assert "+1wd" not in dict(fired(row))


def test_regulatory_limits_warn_5_3_1_and_0_days_ahead_at_nine(people):
    row = one(severity=2)
    only(row, "regulatory")  # due 19 March 23:59:59
    planned = []
    for _n in range(5):
        fire = clock(row, "regulatory").next_fire_at
        planned.append(fire)
        clocks.sweep(fire)
    assert planned[:4] == [local(f"2026-03-{day} 09:00") for day in (14, 16, 18, 19)]
    assert planned[4] == clock(row, "regulatory").due_at
    assert clock(row, "regulatory").breached_at == planned[4]


def test_after_downtime_all_passed_levels_are_recorded_and_the_highest_is_sent(people):
    row = one(severity=3)
    only(row, "resolve")
    clocks.sweep(AT + 49 * HOUR)
    assert fired(row) == [("50%", False), ("80%", False), ("100%", True)]
    assert not told("clock.warning.resolve")
    assert JournalEntry.objects.filter(action="clock.escalated").count() == 1


def test_running_again_or_with_the_machine_clock_set_back_repeats_nothing(people):
    row = one(severity=3)
    for moment in (AT + 49 * HOUR, AT + 49 * HOUR, AT + 30 * HOUR, AT + 49 * HOUR):
        clocks.sweep(moment)
    rows = list(Escalation.objects.filter(clock__case=row).values_list("clock", "due_rev", "level"))
    assert len(rows) == len(set(rows))
    count = Notice.objects.count()
    clocks.sweep(AT + 49 * HOUR)
    assert Notice.objects.count() == count


def test_a_step_that_stands_recorded_is_not_fired_again_whatever_the_plan_says(people):
    row = one(severity=3)
    resolve = only(row, "resolve")
    planned = resolve.next_fire_at
    clocks.sweep(planned)
    CaseClock.objects.filter(pk=resolve.pk).update(next_fire_at=planned)
    clocks.sweep(planned)
    assert fired(row) == [("50%", True)]
    assert clock(row, "resolve").next_fire_at > planned


def test_a_moved_due_time_arms_only_what_is_still_ahead(people):
    row = one(severity=3)
    only(row, "resolve")
    clocks.sweep(AT + 39 * HOUR)
    row.refresh_from_db()
    keep(clocks.extend([row], ClockName.RESOLVE, AT + 40 * HOUR, days=2), AT + 40 * HOUR)
    moved = clock(row, "resolve")
    assert (moved.due_rev, moved.next_fire_at) == (2, AT + 48 * HOUR)  # 50 % of 96 h
    clocks.sweep(AT + 48 * HOUR)
    assert Escalation.objects.filter(clock=moved, step="50%").count() == 2


def test_a_pause_disarms_and_resuming_arms_the_rest(people):
    row = one(severity=3)
    only(row, "resolve")
    keep(clocks.pause([row], AT + HOUR), AT + HOUR)
    assert clocks.sweep(AT + 48 * HOUR) == 0
    row.refresh_from_db()
    keep(clocks.resume([row], AT + 48 * HOUR), AT + 48 * HOUR)
    assert clock(row, "resolve").due_at == AT + 95 * HOUR


def test_recused_people_hear_nothing_and_somebody_else_does(people):
    row = one(severity=3, handler_id=people["handler"])
    only(row, "resolve")
    for name in ("boss", "head", "handler"):
        CaseExclusion.objects.create(case=row, person_id=people[name], reason="named", at=AT)
    other = AccountFactory.create(roles=["supervisor"]).person.pk
    clocks.sweep(AT + 24 * HOUR)
    clocks.sweep(AT + 48 * HOUR)
    assert told("clock.warning.resolve") == {other}
    assert told("clock.breach.resolve") == {other}


def test_a_restricted_case_is_told_to_compliance_only(people):
    keeper = AccountFactory.create(roles=["compliance"]).person.pk
    one(kind="TIP", restricted=True)
    clocks.sweep(AT + 90 * HOUR)
    assert set(Notice.objects.values_list("person_id", flat=True)) == {keeper}


def test_escalation_adds_watchers_and_never_moves_the_case(people):
    row = one(severity=3, handler_id=people["handler"])
    only(row, "resolve")
    clocks.sweep(AT + 48 * HOUR)
    clocks.sweep(AT + 58 * HOUR)
    watchers = CaseGrant.objects.filter(case=row, watcher=True)
    assert set(watchers.values_list("person_id", flat=True)) == {
        people["boss"], people["head"], people["office"],
    }  # fmt: skip
    row.refresh_from_db()
    assert (row.handler_id, row.department.code) == (people["handler"], "CARD")


def test_escalating_is_no_change_a_form_could_collide_with(people):
    row = one(severity=3)
    row.refresh_from_db()
    before = row.version
    clocks.sweep(AT + 60 * HOUR)
    row.refresh_from_db()
    assert (row.version, row.breached) == (before, True)


def test_a_named_head_goes_before_the_holders_of_the_role(people):
    named = PersonFactory.create(department=unit("CARD"))
    unit("CARD").__class__.objects.filter(code="CARD").update(head=named)
    row = one(severity=3)
    only(row, "resolve")
    clocks.sweep(AT + 48 * HOUR)
    assert told("clock.breach.resolve") == {people["boss"], named.pk}


def test_nothing_due_costs_two_queries(people, django_assert_num_queries):
    one(severity=2)
    with django_assert_num_queries(2):
        assert workflow.resume_over(AT + HOUR) + clocks.sweep(AT + HOUR) == 0


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(escalating, "_CHUNKS", dict.fromkeys(["sqlite", "postgresql"], 100))
    monkeypatch.setattr(escalating.time, "sleep", lambda _seconds: None)


def queries_of(count: int) -> int:
    rows = [case(AT, severity=3) for _n in range(count)]
    keep(clocks.start(rows, AT), AT)
    CaseClock.objects.exclude(name="resolve").update(next_fire_at=None)
    with CaptureQueriesContext(connection) as seen:
        assert clocks.sweep(AT + 48 * HOUR) == count
    return len([q for q in seen if "SAVEPOINT" not in q["sql"]])


def test_the_cost_follows_the_chunks_not_the_clocks(people, small_chunks):
    """One chunk of 10 and one of 90 cost the same; 200 due are two chunks."""
    ten = queries_of(10)
    assert queries_of(90) - ten <= 4  # the engine splits long writes
    assert ten <= 22
    assert queries_of(200) <= 2 * (ten + 4)


def test_a_limit_is_kept(people, small_chunks):
    rows = [case(AT, severity=3) for _n in range(5)]
    keep(clocks.start(rows, AT), AT)
    CaseClock.objects.exclude(name="resolve").update(next_fire_at=None)
    assert clocks.sweep(AT + 48 * HOUR, limit=2) == 2
    assert clocks.sweep(AT + 48 * HOUR) == 3


def test_a_sweep_killed_half_way_leaves_nothing_and_the_next_one_does_it_all(people, monkeypatch):
    row = one(severity=3)
    only(row, "resolve")

    def die(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(notices, "tell", die)
        with pytest.raises(KeyboardInterrupt):
            clocks.sweep(AT + 48 * HOUR)
    assert gc.isenabled()
    assert not Escalation.objects.exists()
    assert not JournalEntry.objects.filter(action="clock.escalated").exists()
    assert clocks.sweep(AT + 48 * HOUR) == 1
    assert [step for step, _sent in fired(row)] == ["50%", "80%", "100%"]


def test_the_command_sweeps_for_a_moment(people, capsys):
    one(severity=3)
    call_command("sweep_clocks", at="2026-03-06 10:00")
    assert "5 done" in capsys.readouterr().out


def test_entries_read_in_words(people):
    row = one(severity=3)
    only(row, "resolve")
    clocks.sweep(AT + 48 * HOUR)
    said = [journal.describe(entry) for entry in journal.entries(row.stream)]
    assert said[-1] == "Resolve: 100% of the time used (due Fri 6 Mar 2026, 10:00)"


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_fire_each_level_once():
    build()
    staff()
    rows = [case(AT, severity=3) for _n in range(30)]
    keep(clocks.start(rows, AT), AT)
    at_once(lambda _n: clocks.sweep(AT + 49 * HOUR), times=2)
    clocks.sweep(AT + 49 * HOUR)
    keys = list(Escalation.objects.values_list("clock", "due_rev", "level"))
    assert len(keys) == len(set(keys)) == Escalation.objects.count()
    resolve = Escalation.objects.filter(clock__name="resolve")
    assert resolve.count() == 3 * 30
    assert not CaseClock.objects.filter(next_fire_at__lte=AT + 49 * HOUR).exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("80%", "80% of the time used"),
        ("-3d", "3 days before it is due"),
        ("-0d", "on the day it is due"),
        ("-120m", "2h before it is due"),
        ("+60m", "1h after it was due"),
        ("+90m", "1h 30m after it was due"),
        ("+1wd", "1 working day after it was due"),
        ("odd", "odd"),
    ],
)
def test_every_step_has_words(code, words):
    assert step_words(code) == words


@pytest.mark.parametrize(
    ("fields", "stage"),
    [
        ({"percent": 80}, "warning"),
        ({"percent": 100}, "escalated"),
        ({"percent": 100, "breach": True}, "breach"),
        ({"days_before": 1}, "warning"),
        ({"minutes_before": 30}, "warning"),
        ({"minutes_after": 30}, "escalated"),
        ({"working_days_after": 1}, "escalated"),
    ],
)
def test_what_lies_ahead_of_the_due_time_is_a_warning(fields, stage):
    assert stage_of(LadderStep(level=1, **fields)) == stage


def with_steps(*steps) -> None:
    """Publish the rules with another ladder."""
    book = rulesets.published(KIND, LONG_AGO)
    draft = rulesets.new_version(KIND, based_on=book, actor=SYSTEM, at=LONG_AGO)
    LadderStep.objects.filter(rule_set=draft).delete()
    LadderStep.objects.bulk_create(
        LadderStep(rule_set=draft, order=n, level=n, **step) for n, step in enumerate(steps, 1)
    )
    rulesets.publish(draft, valid_from=LONG_AGO, reason="test", actor=SYSTEM, at=LONG_AGO)


def test_minutes_before_and_after_fire_and_reach_manager_and_watchers(people):
    with_steps(
        {"minutes_before": 120, "audience": ["rm"]},
        {"percent": 100, "breach": True, "audience": ["supervisor"]},
        {"minutes_after": 60, "audience": ["watchers"]},
    )
    manager, watcher = (PersonFactory.create() for _n in range(2))
    row = one(severity=3, rm_id=manager.pk)
    CaseGrant.objects.create(case=row, person=watcher, watcher=True, at=AT)
    CaseGrant.objects.create(case=row, person=PersonFactory.create(), watcher=False, at=AT)
    only(row, "resolve")  # due Friday 10:00
    for hours in (46, 48, 49):
        clocks.sweep(AT + hours * HOUR)
    heard = dict(Escalation.objects.filter(clock__case=row).values_list("step", "audience"))
    assert heard["-120m"] == [manager.pk]
    assert heard["+60m"] == sorted([people["boss"], watcher.pk])  # raised to: watches since


def test_two_steps_of_one_moment_are_both_heard_and_nobody_hears_twice(people):
    with_steps(
        {"percent": 100, "breach": True, "audience": ["supervisor", "department_head"]},
        {"percent": 100, "audience": ["supervisor", "duty_leader"], "channels": ["email"]},
    )
    row = one(severity=3)
    only(row, "resolve")
    clocks.sweep(AT + 48 * HOUR)
    assert told("clock.breach.resolve") == {people["head"]}
    assert told("clock.escalated.resolve") == {people["boss"], people["leader"]}
    assert set(Escalation.objects.values_list("level", "sent")) == {(1, True), (2, True)}


def test_a_step_for_one_policy_leaves_the_others_alone(people):
    with_steps(
        {"percent": 100, "breach": True, "audience": ["supervisor"]},
        {"percent": 110, "audience": ["executive"], "policies": ["CMP-3"]},
    )
    grave, small = one(severity=3), one(severity=2)
    for row in (grave, small):
        only(row, "resolve")
    clocks.sweep(local("2026-04-30 10:00"))
    assert "110%" in dict(fired(grave))
    assert "110%" not in dict(fired(small))


def test_the_duty_leader_is_who_is_on_call_and_everybody_with_the_role_otherwise(people):
    other = AccountFactory.create(roles=["duty_leader"]).person.pk
    row = one(severity=3)
    assert Audience([row], at=AT).of(row, ["duty_leader"]) == sorted([people["leader"], other])
    DutyShift.objects.create(
        on=AT.date(), shift="day", starts_at=AT, ends_at=AT + 8 * HOUR, first_id=other
    )
    assert Audience([row], at=AT).of(row, ["duty_leader"]) == [other]
    assert len(Audience([row], at=AT + 8 * HOUR).of(row, ["duty_leader"])) == 2


def test_a_critical_case_calls_the_duty_leader_when_it_is_registered(people):
    row = one(severity=4)
    call = DutyCall.objects.get()
    assert (call.key, call.called_id) == (f"critical:{row.pk}", people["leader"])
    assert told("case.critical") == {people["leader"]}
    mails = NoticeMail.objects.filter(notice__kind="case.critical")
    assert set(mails.values_list("channel", "urgent", "ready_at")) == {
        ("sms", True, AT), ("email", True, AT),
    }  # fmt: skip


def test_a_critical_restricted_case_calls_compliance_and_not_the_duty_leader(people):
    keeper = AccountFactory.create(roles=["compliance"]).person.pk
    one(kind="TIP", severity=4, restricted=True)
    assert told("case.critical") == {keeper}
    assert not DutyCall.objects.exists()


def test_the_breach_asks_whoever_was_to_act(people):
    row = one(severity=3, handler_id=people["handler"], officer_id=people["boss"])
    keep(clocks.start([row], AT, names=["sign"], since=AT), AT)
    clocks.sweep(AT + 100 * HOUR)
    asked = {
        name: set(
            Notice.objects.filter(kind=f"clock.delay.{name}").values_list("person_id", flat=True)
        )
        for name in ("resolve", "accept", "sign")
    }
    assert asked == {
        "resolve": {people["handler"]},
        "accept": {people["boss"]},
        "sign": {people["head"]},
    }


def test_recused_people_are_taken_out_of_what_already_waits_to_leave(people):
    row = one(severity=3, handler_id=people["handler"])
    only(row, "resolve")
    clocks.sweep(AT + 48 * HOUR)
    for name in ("boss", "handler"):
        CaseExclusion.objects.create(case=row, person_id=people[name], reason="named", at=AT)
    notice_digests.send(AT + 49 * HOUR)
    barred = NoticeMail.objects.filter(message_key=notice_digests.BARRED)
    assert set(barred.values_list("person_id", flat=True)) == {people["boss"], people["handler"]}
    assert OutboxMessage.objects.filter(kind="notice.digest").count() == 1  # the head's
