"""Who is on call, the calls that go to them, and the roster itself."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from config.kernel.models import JournalEntry, Notice, NoticeMail
from config.shared.actors import SYSTEM
from staff import duty, duty_roster, duty_watch, people
from staff.accounts import actor_of
from staff.duty import DutyTelling
from staff.duty_roster import DutyRefused, ShiftData, moments
from staff.models import DutyCall, DutyShift
from staff.roles import REACH, RESTING, scope_of
from tests.factories.staff import AccountFactory, PersonFactory
from tests.threads import at_once

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # Friday 10:00 in Shanghai


def local(hour: int, minute: int = 0, on: date = MONDAY) -> datetime:
    return moments(on, time(hour, minute), time(23, 59))[0]


def data(on=MONDAY, shift="night", first=None, second=None, **facts):
    begin, end = facts.pop("hours", duty_roster.HOURS.get(shift))
    starts_at, ends_at = moments(on, begin, end)
    return ShiftData(on, shift, starts_at, ends_at, first, second, **facts)


def put(*rows, at=NOW):
    return duty_roster.put_shifts(rows, actor=SYSTEM, at=at)


def telling(key="k1", **facts):
    facts = {"kind": "duty.gap", "about": "case:C-2026-0000001"} | facts
    return DutyTelling(key, **facts)


@pytest.fixture
def two():
    return PersonFactory.create(), PersonFactory.create()


# --- Who -----------------------------------------------------------------------------------


def test_a_night_shift_covers_the_hours_over_midnight(two):
    put(data(first=two[0], second=two[1]))
    assert duty.on_duty(local(19, 59)) is None
    assert duty.leaders_now(local(20)) == {two[0].pk}
    assert duty.leaders_now(local(3, on=date(2026, 11, 24))) == {two[0].pk}
    assert duty.on_duty(local(7, 59, on=date(2026, 11, 24))).on == MONDAY
    assert duty.leaders_now(local(8, on=date(2026, 11, 24))) == set()


def test_shifts_are_times_of_the_bank_whatever_zone_asks(two):
    shift = put(data(first=two[0]))[0]
    assert shift.starts_at == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert shift.ends_at == datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    assert duty.on_duty(datetime(2026, 11, 23, 23, 59, tzinfo=UTC)) == shift


def test_the_second_leads_while_the_first_is_away_or_has_left(two):
    first, second = two
    put(data(first=first, second=second))
    people.note_absence(first, start_at=local(22), end_at=local(23), actor=SYSTEM, at=NOW)
    assert duty.leaders_now(local(21)) == {first.pk}
    assert duty.leaders_now(local(22)) == {second.pk}
    first.active = False
    first.save()
    assert duty.leaders_now(local(23, 30)) == {second.pk}


def test_an_emptied_shift_covers_nothing(two):
    shift = put(data(first=two[0]))[0]
    duty_roster.clear_shift(shift, actor=SYSTEM, at=NOW)
    assert duty.on_duty(local(21)) is None


# --- Rights of the duty leader -------------------------------------------------------------


def test_duty_leader_rights_hold_only_while_on_call():
    on_call, resting = (AccountFactory.create(roles=["DL"]) for _ in range(2))
    put(data(first=on_call.person))
    for account in (on_call, resting):
        assert scope_of(account, at=local(12)).may("cases", "raise")  # nobody on the roster
    scope = scope_of(resting, at=local(21))
    assert not scope.may("cases")
    assert not scope.may("incidents", "edit")
    assert scope.may("notices")
    assert scope.may("duty", "look")
    assert scope.roles == frozenset()
    assert scope_of(on_call, at=local(21)).roles == {"DL"}
    assert scope_of(on_call, at=local(21)).may("cases", "supervise")


def test_another_role_is_not_touched_by_the_roster():
    both = AccountFactory.create(roles=["DL", "HD"])
    put(data(first=PersonFactory.create()))
    scope = scope_of(both, at=local(21))
    assert scope.roles == {"HD"}
    assert scope.reach == {**REACH["HD"], **{k: v | REACH["HD"].get(k, v) for k, v in
                                              RESTING.items()}}  # fmt: skip


def test_all_duty_leaders_act_once_nobody_on_the_roster_answered(two):
    other = AccountFactory.create(roles=["DL"])
    put(data(first=two[0]))
    duty.call([telling()], at=local(21))
    assert not scope_of(other, at=local(21, 14)).may("cases")
    duty.pass_on(local(21, 15))
    assert scope_of(other, at=local(21, 15)).may("cases")
    assert DutyCall.objects.get().called == other.person


# --- Calls ---------------------------------------------------------------------------------


def test_a_call_goes_to_the_first_at_once_by_all_ways(two):
    put(data(first=two[0], second=two[1]))
    assert duty.call([telling(facts={"count": 1})], at=local(21)) == 1
    call = DutyCall.objects.get()
    assert (call.called, call.level, call.pass_at) == (two[0], 1, local(21, 15))
    notice = Notice.objects.get()
    assert (notice.person_id, notice.needs_action) == (two[0].pk, True)
    assert (notice.kind, notice.about, notice.facts) == ("duty.gap", call.about, {"count": 1})
    assert {(mail.channel, mail.urgent) for mail in NoticeMail.objects.all()} <= {
        ("sms", True), ("email", True),
    }  # fmt: skip
    assert JournalEntry.objects.filter(action="duty.called", stream=call.shift.stream).count() == 1


def test_the_same_call_is_made_once(two):
    put(data(first=two[0]))
    assert duty.call([telling()], at=local(21)) == 1
    assert duty.call([telling(), telling("k2")], at=local(22)) == 1
    assert DutyCall.objects.count() == Notice.objects.count() == 2


def test_without_an_answer_it_goes_on_after_exactly_fifteen_minutes(two):
    fallback = PersonFactory.create()
    put(data(first=two[0], second=two[1]))
    duty.call([telling(fallback=(fallback.pk,))], at=local(21))
    assert duty.pass_on(local(21, 15) - timedelta(seconds=1)) == 0
    assert duty.pass_on(local(21, 15)) == 1
    call = DutyCall.objects.get()
    assert (call.called, call.level, call.pass_at) == (two[1], 2, local(21, 30))
    assert duty.pass_on(local(21, 29)) == 0
    assert duty.pass_on(local(21, 30)) == 1
    call.refresh_from_db()
    assert (call.called, call.level, call.pass_at) == (fallback, 3, None)
    assert duty.pass_on(local(23)) == 0
    asked = Notice.objects.order_by("pk").values_list("person_id", flat=True)
    assert list(asked) == [two[0].pk, two[1].pk, fallback.pk]
    said = JournalEntry.objects.filter(stream=call.shift.stream).order_by("seq")
    assert [e.action for e in said][1:] == ["duty.called", "duty.passed", "duty.passed"]


def test_an_acknowledged_call_is_quiet_for_everybody(two):
    put(data(first=two[0], second=two[1]))
    duty.call([telling()], at=local(21))
    duty.pass_on(local(21, 15))
    who = AccountFactory.create(person=two[0], roles=["HD"])
    mine = DutyCall.objects.visible_to(scope_of(who, at=local(21, 20)), "acknowledge")
    assert duty.acknowledge(mine, actor=actor_of(who), at=local(21, 20)) == 1
    call = DutyCall.objects.get()
    assert (call.acknowledged_by, call.acknowledged_at) == (two[0], local(21, 20))
    assert not Notice.objects.waiting().exists()
    assert duty.pass_on(local(23)) == 0
    assert duty.acknowledge(mine, actor=actor_of(who), at=local(22)) == 0
    assert JournalEntry.objects.filter(action="duty.acknowledged").count() == 1


def test_only_who_was_called_may_acknowledge(two):
    put(data(first=two[0], second=two[1]))
    duty.call([telling()], at=local(21))
    for person in (two[1], PersonFactory.create()):
        account = AccountFactory.create(person=person, roles=["CS"])
        scope = scope_of(account, at=local(21, 1))
        assert not DutyCall.objects.visible_to(scope, "acknowledge").exists()


def test_a_recused_leader_is_never_called(two):
    first, second = two
    put(data(first=first, second=second))
    duty.call([telling(out=frozenset({first.pk}))], at=local(21))
    assert DutyCall.objects.get().called == second
    duty.call([telling("k2", out=frozenset({first.pk, second.pk}), fallback=(second.pk,))],
              at=local(21))  # fmt: skip
    assert not DutyCall.objects.filter(key="k2").exists()
    chief = AccountFactory.create(roles=["CS"]).person
    duty.call([telling("k3", out=frozenset({first.pk, second.pk}))], at=local(21))
    assert DutyCall.objects.get(key="k3").called == chief
    duty.pass_on(local(23))
    assert not Notice.objects.filter(person_id=first.pk).exists()


def test_without_a_roster_all_fallback_people_are_called_at_once():
    all_of_them = [PersonFactory.create().pk for _ in range(3)]
    assert duty.call([telling(fallback=tuple(all_of_them))], at=local(21)) == 1
    call = DutyCall.objects.get()
    assert (call.level, call.pass_at, call.shift) == (3, None, None)
    assert sorted(Notice.objects.values_list("person_id", flat=True)) == all_of_them
    assert JournalEntry.objects.filter(stream="ledger:duty", action="duty.called").count() == 1


def test_a_call_passed_over_the_change_of_shifts_goes_to_who_is_on_call_then(two):
    put(data(shift="day", first=two[0]), data(first=two[1]))
    duty.call([telling()], at=local(19, 50))
    duty.pass_on(local(20, 5))
    call = DutyCall.objects.get()
    assert (call.called, call.level, call.shift.shift) == (two[1], 2, "night")


@pytest.mark.django_db(transaction=True)
def test_two_workers_pass_a_call_on_once(two):
    put(data(first=two[0], second=two[1]))
    duty.call([telling(f"k{n}") for n in range(4)], at=local(21))
    assert sum(at_once(lambda _n: duty.pass_on(local(21, 15)), times=2)) == 4
    assert Notice.objects.filter(person_id=two[1].pk).count() == 4
    assert JournalEntry.objects.filter(action="duty.passed").count() == 4


# --- The roster ----------------------------------------------------------------------------


def test_a_shift_is_put_over_what_stands_there_and_recorded_once(two):
    row = put(data(first=two[0]))[0]
    again = put(data(first=two[0]))[0]
    changed = put(data(first=two[1], note="holiday"))[0]
    assert row.pk == again.pk == changed.pk
    assert (changed.first, changed.note) == (two[1], "holiday")
    assert JournalEntry.objects.filter(stream=row.stream, action="duty.put").count() == 2


def test_overlapping_shifts_are_refused(two):
    put(data(first=two[0]))
    with pytest.raises(DutyRefused, match="overlaps"):
        put(data(shift="late", first=two[1], hours=(time(19), time(21))))
    with pytest.raises(DutyRefused, match="overlaps"):
        put(data(on=date(2026, 11, 24), shift="early", first=two[1], hours=(time(7), time(9))))
    put(data(shift="late", first=two[1], hours=(time(19), time(20))))  # ends as the other begins
    put(data(shift="day"))  # nobody named: nothing can overlap
    both = [
        data(on=date(2026, 11, 25), shift=name, first=two[0], hours=(time(8), time(9)))
        for name in "ab"
    ]
    with pytest.raises(DutyRefused, match="overlaps"):
        put(*both)


def test_people_who_are_away_or_have_left_are_refused_with_words(two):
    away, gone = two
    people.note_absence(away, start_at=local(23), end_at=local(23, 30), actor=SYSTEM, at=NOW)
    with pytest.raises(DutyRefused, match=f"{away.name_en} is away"):
        put(data(second=away))
    put(data(shift="day", second=away))
    gone.active = False
    gone.save()
    with pytest.raises(DutyRefused, match="does not work here"):
        put(data(first=gone))


@pytest.mark.parametrize(
    ("facts", "words"),
    [({"on": date(2026, 11, 18)}, "over"), ({"on": date(3026, 1, 1)}, "year"), ({}, "two people")],
)
def test_a_shift_that_cannot_be_is_refused(two, facts, words):
    with pytest.raises(DutyRefused, match=words):
        put(data(first=two[0], second=two[0], **facts))


def test_a_shift_changed_by_somebody_else_is_not_written_over(two):
    row = put(data(first=two[0]))[0]
    seen = row.version
    put(data(first=two[1]))
    with pytest.raises(DutyRefused) as refused:
        duty_roster.put_shift(data(first=two[0]), actor=SYSTEM, at=NOW, expected=seen)
    assert refused.value.code == "stale"
    with pytest.raises(DutyRefused):
        duty_roster.clear_shift(row, actor=SYSTEM, at=NOW, expected=seen)
    with pytest.raises(DutyRefused):
        duty_roster.put_shift(data(first=two[0]), actor=SYSTEM, at=NOW, expected=0)


def test_a_week_is_copied_without_what_cannot_be(two):
    first, second = two
    tuesday = MONDAY + timedelta(days=1)
    put(data(first=first, note="keys at the desk"), data(on=tuesday, first=second))
    next_tuesday = tuesday + timedelta(days=7)
    begins = moments(next_tuesday, time(21), time(22))
    people.note_absence(second, start_at=begins[0], end_at=begins[1], actor=SYSTEM, at=NOW)
    week = timedelta(days=7)
    copied = duty_roster.copy_week(MONDAY, MONDAY + week, actor=SYSTEM, at=NOW)
    assert copied.made == 1
    assert [(on, shift) for on, shift, _why in copied.left_out] == [(next_tuesday, "night")]
    row = DutyShift.objects.get(on=MONDAY + week)
    assert (row.first, row.note) == (first, "keys at the desk")
    assert row.starts_at == local(20) + week
    assert duty_roster.copy_week(MONDAY, MONDAY + week, actor=SYSTEM, at=NOW).made == 0


def test_who_lacks_the_role_is_named():
    able = AccountFactory.create(roles=["DL"]).person
    other = PersonFactory.create()
    told = duty_roster.warnings(data(first=able, second=other))
    assert len(told) == 1
    assert other.name_en in told[0]


# --- Empty shifts --------------------------------------------------------------------------


def week_before(first):
    """Put the nights of the week before MONDAY."""
    start = MONDAY - timedelta(days=7)
    nights = [data(on=start + timedelta(days=n), first=first) for n in range(7)]
    put(*nights, at=NOW - timedelta(days=30))


def test_empty_shifts_of_the_next_seven_days_warn_once_a_day(two):
    chief, keeper = (AccountFactory.create(roles=[role]) for role in ("CS", "AD"))
    AccountFactory.create(roles=["DL"])
    week_before(two[0])
    put(*(data(on=MONDAY + timedelta(days=n), first=two[0]) for n in range(7) if n != 2))
    put(data(on=MONDAY + timedelta(days=3), second=two[1]))
    found = duty_watch.gaps(MONDAY, MONDAY + timedelta(days=6), at=local(9))
    assert [(gap.on.day, gap.missing) for gap in found] == [(25, True), (26, False)]
    assert duty_watch.watch_gaps(local(9)) == 2
    assert duty_watch.watch_gaps(local(22)) == 0
    told = Notice.objects.filter(kind="duty.gap")
    assert {row.person_id for row in told} == {chief.person_id, keeper.person_id}
    assert duty_watch.watch_gaps(local(9, on=date(2026, 11, 24))) == 2


def test_no_roster_no_warning(two):
    AccountFactory.create(roles=["CS"])
    assert duty_watch.watch_gaps(local(9)) == 0
    put(data(first=two[0]))  # a roster that has just begun: the nights of the week are expected
    assert len(duty_watch.gaps(MONDAY, MONDAY + timedelta(days=6), at=local(9))) == 6


def test_a_shift_that_is_over_is_no_gap(two):
    week_before(two[0])
    put(data(shift="day", second=two[1]))
    found = duty_watch.gaps(MONDAY, MONDAY, at=local(20))
    assert [gap.shift for gap in found] == ["night"]
