"""Every level exactly once, whatever happens to workers, broker, clocks and rules meanwhile."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection

from complaints import clocks, unassigned
from complaints.choices import ClockName
from complaints.clocks import escalating
from complaints.clocks.rules import KIND
from complaints.models import Case, CaseClock, CaseExclusion, Escalation, LadderStep
from config.kernel import bell, notice_digests, rulesets, tasks
from config.kernel.models import JournalEntry, Notice, NoticeMail, OutboxMessage
from config.shared.actors import SYSTEM
from staff.models import DutyCall, DutyShift
from tests.complaints.clock_house import LONG_AGO, build, case, clock, keep, local
from tests.complaints.test_escalation import AT, HOUR, fired, one, only, staff, told
from tests.factories.complaints import bank, open_case
from tests.threads import at_once

NIGHT = local("2026-03-07 02:00")  # a Saturday
BREACH = AT + 48 * HOUR


@pytest.fixture
def people(db):
    build()
    return staff()


def add_step(**fields) -> LadderStep:
    """Publish the rules in force with one step more; returns it."""
    book = rulesets.published(KIND, LONG_AGO)
    draft = rulesets.new_version(KIND, based_on=book, actor=SYSTEM, at=LONG_AGO)
    step = LadderStep.objects.create(rule_set=draft, order=900, **fields)
    rulesets.publish(draft, valid_from=LONG_AGO, reason="test", actor=SYSTEM, at=LONG_AGO)
    return step


def state() -> tuple:
    """What a sweep leaves, without the pks that a second try may number differently."""
    return (
        Counter(Escalation.objects.values_list("clock__case", "level", "due_rev", "sent")),
        Counter(Notice.objects.values_list("kind", "person_id", "about")),
        Counter(NoticeMail.objects.values_list("notice__key", "channel")),
        Counter(DutyCall.objects.values_list("key", "called")),
        Counter(JournalEntry.objects.values_list("stream", "action")),
    )


class Killed(BaseException):
    """The worker is gone."""


def kill_at(number: int):
    """Return an execute wrapper that lets `number` statements through and dies at the next."""
    left = [number]

    def wrapper(execute, sql, params, many, context):
        left[0] -= "SAVEPOINT" not in sql
        if left[0] == -1 and "SAVEPOINT" not in sql:
            left[0] = -2
            raise Killed
        return execute(sql, params, many, context)

    return wrapper


def late_cases(people) -> None:
    """Two cases that breach in the night, one of them critical, so that duty is called."""
    for severity, hours in ((3, 48), (4, 4)):
        row = one(NIGHT - hours * HOUR, severity=severity, handler_id=people["handler"])
        CaseClock.objects.filter(case=row).exclude(name="resolve").update(next_fire_at=None)


@pytest.mark.parametrize("number", range(40))
def test_a_sweep_killed_at_any_statement_is_made_good_by_the_next(people, number):
    late_cases(people)
    before = state()
    try:
        with connection.execute_wrapper(kill_at(number)):
            clocks.sweep(NIGHT)
    except Killed:
        assert state() == before
    clocks.sweep(NIGHT)
    clocks.sweep(NIGHT)
    assert_swept_once(people)


def assert_swept_once(people) -> None:
    escalations, notices, mails, calls, _entries = state()
    for counted in (escalations, notices, mails, calls):
        assert [item for item, n in counted.items() if n > 1] == []
    assert Escalation.objects.filter(step="100%", sent=True).count() == 3  # one of them to duty
    assert not CaseClock.objects.filter(next_fire_at__lte=NIGHT).exists()
    assert JournalEntry.objects.filter(action="clock.escalated").count() == 2
    asked = Notice.objects.filter(kind="clock.delay.resolve")
    assert set(asked.values_list("person_id")) == {(people["handler"],)}
    assert asked.count() == 2


@pytest.mark.parametrize(
    "name", ["insert", "_add_watchers", "write", "journal", "notices", "duty", "Audience"]
)
def test_a_fault_in_any_step_of_a_chunk_leaves_nothing_of_it(people, monkeypatch, name):
    late_cases(people)
    before = state()

    class Broken:
        def __getattr__(self, _name):
            raise RuntimeError

        def __call__(self, *_args, **_named):
            raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(escalating, name, Broken())
        with pytest.raises(RuntimeError):
            clocks.sweep(NIGHT)
    assert state() == before
    clocks.sweep(NIGHT)
    assert_swept_once(people)


@pytest.mark.django_db(transaction=True)
def test_two_beats_and_two_workers_fire_each_level_once_and_mail_once():
    build()
    crew = staff()
    late_cases(crew)
    rows = [case(AT, severity=3, handler_id=crew["handler"]) for _n in range(15)]
    keep(clocks.start(rows, AT), AT)
    morning = local("2026-03-09 09:00")

    def beat_twice(_n: int) -> None:
        for _beat in range(2):
            clocks.sweep(NIGHT)
            notice_digests.send(NIGHT)
            notice_digests.send(morning)

    at_once(beat_twice, times=2)
    clocks.sweep(NIGHT)
    notice_digests.send(morning)
    keys = list(Escalation.objects.values_list("clock", "due_rev", "level"))
    assert len(keys) == len(set(keys))
    assert DutyCall.objects.count() == 1 + 1  # the critical one at birth, and its breach
    assert_mailed_once()


def assert_mailed_once() -> None:
    """Every line stands in one message, every person has one digest."""
    sent = OutboxMessage.objects.filter(kind__startswith="notice.")
    lines = NoticeMail.objects.filter(ready_at=None).exclude(message_key__startswith="none:")
    keys = set(lines.values_list("message_key", flat=True))
    assert set(sent.values_list("key", flat=True)) == keys
    digests = [row.to for row in sent.filter(kind="notice.digest")]
    assert len(digests) == len(set(digests)) > 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_alarm_once_of_cases_that_nobody_took():
    house = bank()
    nine = local("2026-11-20 09:00")
    for _n in range(6):
        made = open_case(house, at=nine)
        Case.objects.filter(pk=made.pk).update(handler=None)
    at = nine + timedelta(minutes=40)
    at_once(lambda _n: unassigned.alarm(at), times=2)
    assert JournalEntry.objects.filter(action="case.unassigned").count() == 6
    assert Notice.objects.filter(kind="case.unassigned").count() == 6


def test_a_lost_wake_costs_nothing_because_the_next_beat_finds_the_rows(people, monkeypatch):
    def lost(*_args, **_named):
        raise ConnectionError

    monkeypatch.setattr(tasks.run, "apply_async", lost)
    bell._silent["until"] = 0.0
    row = one(severity=3, handler_id=people["handler"])
    only(row, "resolve")
    assert clocks.sweep(BREACH) == 1
    assert told("clock.breach.resolve") == {people["boss"], people["head"]}
    bell._silent["until"] = 0.0


def test_the_machine_clock_jumping_back_and_forth_repeats_and_skips_nothing(people):
    row = one(severity=3)
    only(row, "resolve")
    moments = [24, 10, 24, 90, 39, 48, 24, 91, 300, 48, 300]
    for hours in moments:
        clocks.sweep(AT + hours * HOUR)
    assert Counter(step for step, _sent in fired(row)) == Counter(
        ["50%", "80%", "100%", "120%", "+1wd"]
    )
    assert Notice.objects.filter(kind="clock.breach.resolve").count() == 0  # passed while away
    assert clock(row, "resolve").breached_at == BREACH


def test_after_downtime_each_person_gets_one_message_for_everything(people):
    rows = [case(AT, severity=3, handler_id=people["handler"]) for _n in range(40)]
    keep(clocks.start(rows, AT), AT)
    CaseClock.objects.exclude(name="resolve").update(next_fire_at=None)
    clocks.sweep(BREACH + HOUR)
    assert Escalation.objects.filter(sent=True).count() == 40
    notice_digests.send(local("2026-03-06 11:15"))
    subjects = OutboxMessage.objects.filter(kind="notice.digest")
    assert {row.subject for row in subjects} == {"40 notices in the portal"}
    assert subjects.count() == 3  # supervisor, department head, and the handler who is asked why


def test_a_new_version_of_the_rules_repeats_no_level_of_running_clocks(people):
    row = one(severity=3)
    only(row, "resolve")
    clocks.sweep(AT + 24 * HOUR)
    add_step(level=9, percent=60, audience=["supervisor"])
    for hours in (24, 29, 48):
        clocks.sweep(AT + hours * HOUR)
    assert [step for step, _sent in fired(row)] == ["50%", "80%", "100%"]
    assert Escalation.objects.filter(clock__case=row, step="50%").count() == 1


def test_a_raised_severity_arms_what_is_ahead_and_repeats_nothing(people):
    row = one(severity=2, handler_id=people["handler"])
    only(row, "resolve")
    clocks.sweep(AT + 40 * HOUR)
    row.refresh_from_db()
    before = fired(row)
    row.severity = 3
    row.save(update_fields=["severity"])
    keep(clocks.rematch([row], AT + 41 * HOUR), AT + 41 * HOUR)
    CaseClock.objects.filter(case=row).exclude(name="resolve").update(next_fire_at=None)
    clocks.sweep(local("2026-03-12 18:00"))
    after = list(Escalation.objects.filter(clock__case=row).values_list("due_rev", "level"))
    assert len(after) == len(set(after)) > len(before)
    assert told("clock.escalated.resolve") >= {people["president"]}


def test_peers_11_an_escalation_never_repeats_however_often_the_sweep_runs(people):
    row = one(severity=3, handler_id=people["handler"])
    only(row, "resolve")
    for minute in range(0, 120, 5):
        clocks.sweep(BREACH + timedelta(minutes=minute))
    assert Notice.objects.filter(kind="clock.breach.resolve").count() == 2
    assert Notice.objects.filter(kind="clock.delay.resolve").count() == 1


def test_peers_12_a_moved_deadline_warns_again_on_the_same_day(people):
    row = one(severity=3, handler_id=people["handler"])
    only(row, "resolve")
    clocks.sweep(AT + 24 * HOUR)
    row.refresh_from_db()
    later = AT + 25 * HOUR
    resolve = clock(row, "resolve")
    run = escalating.run_on(resolve, clocks.desk.Calendars(later).of(None))
    assert run.amount == 2880
    keep(clocks.extend([row], ClockName.RESOLVE, later, days=1), later)
    clocks.sweep(AT + 36 * HOUR)  # half of 72 h, still Thursday
    same = Escalation.objects.filter(clock__case=row, step="50%").order_by("due_rev")
    assert list(same.values_list("due_rev", "sent")) == [(1, True), (2, True)]
    assert Notice.objects.filter(kind="clock.warning.resolve").count() == 2


def test_peers_13_mails_wait_for_the_recipients_opening_unless_the_step_is_urgent(people):
    shift = DutyShift.objects.create(
        on=NIGHT.date(), shift="night", starts_at=NIGHT - 4 * HOUR, ends_at=NIGHT + 6 * HOUR,
        first_id=people["leader"],
    )  # fmt: skip
    late_cases(people)
    NoticeMail.objects.all().delete()
    clocks.sweep(NIGHT)
    waiting = NoticeMail.objects.filter(urgent=False)
    assert {row.ready_at for row in waiting} == {local("2026-03-09 09:00")}
    assert {row.person_id for row in waiting} == {
        people["boss"], people["head"], people["handler"],
    }  # fmt: skip
    urgent = NoticeMail.objects.filter(urgent=True)
    assert set(urgent.values_list("person_id", "ready_at")) == {(people["leader"], NIGHT)}
    assert set(urgent.values_list("channel", flat=True)) == {"sms", "email"}
    breach = DutyCall.objects.filter(key__startswith="clock:").get()
    assert (breach.called_id, breach.shift_id) == (people["leader"], shift.pk)


def test_peers_19_each_level_goes_to_other_people(people):
    row = one(severity=3, handler_id=people["handler"])
    only(row, "resolve")
    for moment in (24 * HOUR, 39 * HOUR, 48 * HOUR, 58 * HOUR, 128 * HOUR):
        clocks.sweep(AT + moment)
    heard = dict(Escalation.objects.filter(clock__case=row).values_list("step", "audience"))
    assert heard == {
        "50%": [people["handler"]],
        "80%": sorted([people["handler"], people["boss"]]),
        "100%": sorted([people["boss"], people["head"]]),
        "120%": [people["office"]],
        "+1wd": [people["president"]],
    }


def test_a_recused_duty_leader_is_not_called(people):
    DutyShift.objects.create(
        on=NIGHT.date(), shift="night", starts_at=NIGHT - 4 * HOUR, ends_at=NIGHT + 6 * HOUR,
        first_id=people["leader"], second_id=people["office"],
    )  # fmt: skip
    row = one(NIGHT - 4 * HOUR, severity=4, handler_id=people["handler"])
    only(row, "resolve")
    CaseExclusion.objects.create(case=row, person_id=people["leader"], reason="named", at=AT)
    Notice.objects.all().delete()
    clocks.sweep(NIGHT)
    assert people["leader"] not in set(Notice.objects.values_list("person_id", flat=True))
    assert DutyCall.objects.get(key__startswith="clock:").called_id == people["office"]
