"""PEERS.md §2 rows 9 and 10 on real cases: calendars published, followed, forecast, provisional."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from complaints import clocks
from complaints.clocks import forecasting, planning
from complaints.clocks.chips import chip as chip_of
from complaints.clocks.chips import chips as chips_of
from complaints.models import Case, CaseClock
from config.kernel import job_runs, rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.kernel.rulesets import RulesRefused
from config.shared import worktime
from config.shared.actors import SYSTEM
from config.shared.openings import Span
from config.shared.worktime import Limit, Unit
from staff import calendar, calendar_drafts
from staff.calendar_drafts import DayData
from staff.calendar_files import OfficialDay
from staff.models import CalendarSpan, Department
from tests.complaints import clock_house
from tests.complaints.clock_house import ZONE, case, clock, keep, local
from tests.factories.complaints import bank, open_case
from tests.factories.staff import AccountFactory
from tests.portal.desks import signed_in

pytestmark = pytest.mark.django_db
AT = local("2026-12-30 10:00")  # a Wednesday; three working days reach into 2027
WORKDAYS = {day: [Span(540, 1080)] for day in range(5)}
NEW_YEAR = [
    OfficialDay(date(2027, 1, 1), False, "元旦", "New Year's Day"),
    OfficialDay(date(2027, 1, 3), True, "元旦调休上班", "New Year's Day make-up workday"),
]


def begin(key: str = "bank", at: datetime = AT) -> RuleSet:
    return rule_kinds.begin(f"calendar:{key}", actor=SYSTEM, at=at)


def publish(draft: RuleSet, at: datetime = AT, valid_from: datetime | None = None) -> RuleSet:
    return rule_kinds.publish(
        draft, reason="Decided", valid_from=valid_from, actor=SYSTEM, at=at, expected=None
    )


def running(at: datetime = AT, **given) -> CaseClock:
    """A low complaint: three working days to resolve."""
    row = case(at, severity=1, **given)
    keep(clocks.start([row], at), at)
    return clock(row, "resolve")


def due(row: CaseClock) -> str:
    row.refresh_from_db()
    return f"{row.due_at.astimezone(ZONE):%Y-%m-%d %H:%M}"


def test_peers_10_a_due_time_in_an_unknown_year_is_marked_until_the_notice_is_published():
    clock_house.build()
    row = running()
    row.refresh_from_db()
    assert row.provisional
    chip = chip_of(row, AT)
    assert chip.provisional
    assert "provisional" in str(chip.title)
    assert "provisional" in clocks.explain(row).text
    shown = Case.objects.get(pk=row.case_id)
    assert chips_of([shown], AT)[shown.pk].provisional is clock_of(shown).provisional
    assert due(row) == "2027-01-04 18:00"  # Friday 1 January is not known to be off
    calendar_drafts.load_official_days(NEW_YEAR, actor=SYSTEM, at=AT)
    assert due(row) == "2027-01-04 18:00"
    job_runs.work(AT)
    assert due(row) == "2027-01-04 18:00"  # 1 January off, Sunday 3 January worked
    assert not row.provisional
    assert not chip_of(row, AT).provisional


def clock_of(shown: Case) -> CaseClock:
    """The clock that the case shows: its nearest."""
    return CaseClock.objects.get(case=shown, name=shown.next_clock)


def test_peers_10_official_days_move_running_clocks_after_a_forecast():
    clock_house.build()
    first, second = running(), running(local("2026-12-31 16:00"))
    draft = begin()
    calendar_drafts.put_days(
        draft, NEW_YEAR[:1], source="notice", actor=SYSTEM, at=AT, expected=None
    )
    job = forecasting.start(draft, actor=SYSTEM, at=AT)
    job_runs.work(AT)
    found = forecasting.read(forecasting.latest(draft))
    assert job.pk == forecasting.latest(draft).pk
    assert found is not None
    moved = {(m.number, m.clock) for m in found.rows}
    assert (first.case.number, "resolve") in moved
    assert (second.case.number, "resolve") in moved
    assert found.sooner == 0  # a holiday never makes a deadline earlier
    assert due(first) == "2027-01-04 18:00"  # a forecast moves nothing
    publish(draft)
    job_runs.work(AT)
    assert due(first) == "2027-01-05 18:00"
    assert due(second) == "2027-01-06 18:00"
    told = {m.number: m.after for m in found.rows if m.clock == "resolve"}
    assert told[first.case.number] == first.due_at


def test_peers_10_a_version_of_tomorrow_moves_clocks_tomorrow():
    clock_house.build()
    row, tomorrow = running(), AT + timedelta(days=1)
    draft = begin()
    off = DayData(date(2027, 1, 4), "off", (), "Works", "装修")
    calendar_drafts.put_day(draft, off, actor=SYSTEM, at=AT, expected=None)
    publish(draft, valid_from=tomorrow)
    job_runs.work(AT)
    assert due(row) == "2027-01-04 18:00"
    job_runs.work(tomorrow + timedelta(seconds=1))
    assert due(row) == "2027-01-05 18:00"


def test_peers_10_a_team_that_works_saturdays_counts_them_and_others_do_not():
    clock_house.build()
    made = calendar_drafts.new_calendar(
        "counter", ("Counters", "柜面"), zone="Asia/Shanghai",
        week={**WORKDAYS, 5: [Span(540, 720)]}, actor=SYSTEM, at=AT,
    )  # fmt: skip
    publish(made)
    branch = clock_house.unit("COUNTER", calendar="counter")
    assert calendar.key_of(Department.objects.get(pk=branch.pk)) == "counter"
    friday, minutes = local("2026-11-13 17:00"), 120
    limit = Limit(minutes, Unit.WORKING_MINUTES)
    own = worktime.due(calendar.of_department(branch, AT), friday, limit)
    other = worktime.due(calendar.of_department(clock_house.unit("CARD"), AT), friday, limit)
    assert (own, other) == (local("2026-11-14 10:00"), local("2026-11-16 10:00"))


def test_a_short_day_is_told_with_its_reason_where_a_due_time_is_explained():
    clock_house.build()
    row = running(local("2026-11-25 10:00"))
    draft = begin(at=local("2026-11-25 10:00"))
    short = DayData(date(2026, 11, 26), "open", (Span(540, 720),), "Switch-over", "系统切换")
    calendar_drafts.put_day(draft, short, actor=SYSTEM, at=AT, expected=None)
    publish(draft, local("2026-11-25 11:00"))
    job_runs.work(local("2026-11-25 12:00"))
    row = CaseClock.objects.select_related("case", "calendar", "limit__policy").get(pk=row.pk)
    assert "09:00-12:00 (Switch-over): 3h" in clocks.explain(row).text
    with translation.override("zh-hans"):
        assert "系统切换" in clocks.explain(row).text


def test_peers_09_a_calendar_that_never_opens_cannot_replace_the_one_that_clocks_run_on():
    clock_house.build()
    row = running()
    draft = begin()
    CalendarSpan.objects.filter(rule_set=draft).delete()
    draft.calendardays.filter(working=True).delete()
    with pytest.raises(RulesRefused):
        publish(draft)
    assert rulesets.published("calendar:bank", AT).number == 1
    job_runs.work(AT)
    assert due(row) == "2027-01-04 18:00"


def test_what_it_would_move_is_shown_within_the_readers_reach(time_machine):
    house = bank()
    at = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)
    time_machine.move_to(at, tick=False)
    number = open_case(house).number
    supervisor = signed_in(house.accounts["supervisor"])
    admin = signed_in(AccountFactory.create(roles=["AD"]))
    row = CaseClock.objects.filter(unit="working_days").order_by("due_at")[0]
    on = row.due_at.astimezone(ZONE).date().isoformat()
    closed = {"on": on, "kind": "off", "name_en": "Flood", "name_zh": "洪水", "number": "0",
              "version": "0"}  # fmt: skip
    assert supervisor.post("/calendars/bank/day/", closed).status_code == 302
    assert supervisor.post("/calendars/bank/effect/").status_code == 302
    fragment = {"HX-Request": "true"}
    waiting = supervisor.get("/calendars/bank/effect/", headers=fragment)
    assert b"Working it out" in waiting.content
    job_runs.work(at)
    effect = supervisor.get("/calendars/bank/2026/").context["effect"]
    assert effect["forecast"].later >= 1
    assert {line.number for line in effect["first"]} == {number}
    assert effect["stale"] is False
    hidden = admin.get("/calendars/bank/2026/").context["effect"]  # figures, but no cases
    assert hidden["first"] == []
    assert hidden["hidden"] == len(hidden["forecast"].rows) > 0
    draft = rulesets.draft("calendar:bank")
    again = closed | {"on": "2026-12-11", "number": draft.number, "version": draft.version}
    assert supervisor.post("/calendars/bank/day/", again).status_code == 302
    assert b"The draft has changed since." in supervisor.get("/calendars/bank/2026/").content
    auditor = signed_in(AccountFactory.create(roles=["AU"]))
    assert auditor.post("/calendars/bank/effect/").status_code == 403


def test_peers_10_the_form_that_registers_a_case_marks_provisional_due_times():
    clock_house.build()
    planned = planning.planned(case(AT, severity=1), at=AT)
    assert "resolve" in planned.provisional
    assert "regulatory" not in planned.provisional  # natural days know no official year
    before = local("2026-11-30 10:00")
    assert planning.planned(case(before, severity=1), at=before).provisional == frozenset()
