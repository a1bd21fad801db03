"""Calendars edited as drafts, their check, one per department, the notice from CSV and Excel."""

from datetime import UTC, date, datetime, timedelta
from io import BytesIO, StringIO
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from config.kernel import journal, rule_kinds, rulesets
from config.kernel.actions import facts_of
from config.kernel.models import Job, Notice, RuleSet
from config.kernel.rulesets import RulesRefused
from config.shared import worktime
from config.shared.actors import SYSTEM
from config.shared.openings import Span
from config.shared.sheet_types import SheetError
from config.shared.worktime import Limit, Unit
from staff import (
    calendar,
    calendar_changes,
    calendar_checks,
    calendar_drafts,
    calendar_files,
    calendar_watch,
    loading,
)
from staff.calendar_drafts import DayData
from staff.calendar_files import CalendarRefused, OfficialDay
from staff.models import CalendarDay, CalendarSpan
from tests.factories.staff import AccountFactory, DepartmentFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
FRIDAY = date(2026, 11, 27)
NINE_TO_SIX = Span(540, 1080)
WORKDAYS = {day: [NINE_TO_SIX] for day in range(5)}
NEW_YEAR = OfficialDay(date(2027, 1, 1), False, "元旦", "New Year's Day")
MADE_UP = OfficialDay(date(2027, 1, 3), True, "元旦调休上班", "New Year's Day make-up workday")


@pytest.fixture(autouse=True)
def _loaded():
    loading.load_calendar(SYSTEM, AT)


def begin(key: str = "bank") -> RuleSet:
    return rule_kinds.begin(f"calendar:{key}", actor=SYSTEM, at=AT)


def put(draft: RuleSet, data: DayData, expected: int | None = None) -> RuleSet:
    return calendar_drafts.put_day(draft, data, actor=SYSTEM, at=AT, expected=expected)


def publish(draft: RuleSet, valid_from: datetime | None = None) -> RuleSet:
    return rule_kinds.publish(
        draft, reason="Decided", valid_from=valid_from, actor=SYSTEM, at=AT, expected=None
    )


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def hours(version: RuleSet, on: date) -> str:
    return " ".join(map(str, calendar.calendar(version, AT).spans_on(on.toordinal())))


# drafts


def test_a_day_gets_hours_of_its_own_is_closed_and_becomes_ordinary_again():
    draft = begin()
    short = DayData(FRIDAY, "open", (Span(780, 900), Span(540, 720)), "Switch-over", "系统切换")
    put(draft, short)
    assert hours(draft, FRIDAY) == "09:00-12:00 13:00-15:00"
    put(draft, DayData(FRIDAY, "off", (), "Flood", "洪水"))
    assert hours(draft, FRIDAY) == ""
    put(draft, DayData(FRIDAY, "normal"))
    assert hours(draft, FRIDAY) == "09:00-18:00"
    told = [facts_of(e) for e in journal.entries(draft.stream) if e.action == "rules.edited"]
    assert [each["row"] for each in told] == ["2026-11-27"] * 3
    assert told[1]["changes"] == {"2026-11-27": ["09:00-12:00 13:00-15:00", "off"]}


def test_saying_the_same_again_changes_and_records_nothing():
    draft = begin()
    data = DayData(FRIDAY, "off", (), "Flood", "洪水")
    put(draft, data)
    before = draft.version
    put(draft, data)
    assert draft.version == before
    put(draft, DayData(FRIDAY, "off", (), "High water", "洪水"))  # another reason is a change
    assert draft.version == before + 1


def test_a_weekend_day_is_worked_with_the_usual_hours_and_a_stretch_is_set_at_once():
    draft = begin()
    put(draft, DayData(date(2026, 11, 28), "open", (), "Stocktaking", "盘点"))
    assert hours(draft, date(2026, 11, 28)) == "09:00-18:00"
    stretch = DayData(date(2026, 12, 7), "off", (), "Works", "装修", last=date(2026, 12, 9))
    put(draft, stretch)
    assert [hours(draft, date(2026, 12, day)) == "" for day in (6, 7, 8, 9, 10)] == [
        True, True, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (DayData(FRIDAY, "off", (), "", "洪水"), "name"),
        (DayData(FRIDAY, "off", (), "Flood", " "), "name"),
        (DayData(FRIDAY, "off", (), "x" * 61, "洪水"), "name"),
        (DayData(FRIDAY, "off", (NINE_TO_SIX,), "Flood", "洪水"), "spans"),
        (DayData(FRIDAY, "open", (NINE_TO_SIX, Span(1000, 1100)), "Late", "晚"), "spans"),
        (DayData(FRIDAY, "open", tuple(Span(n, n + 1) for n in range(9)), "Odd", "怪"), "spans"),
        (DayData(FRIDAY, "off", (), "Flood", "洪水", last=date(2026, 11, 26)), "until"),
        (DayData(FRIDAY, "off", (), "Flood", "洪水", last=date(2026, 12, 28)), "until"),
        (DayData(date(1066, 10, 14), "off", (), "Battle", "战役"), "year"),
    ],
)
def test_a_day_that_makes_no_sense_is_refused_in_words(data, code):
    draft = begin()
    with pytest.raises(CalendarRefused) as refused:
        put(draft, data)
    assert refused.value.code == code
    assert str(refused.value).endswith(".")
    assert draft.version == RuleSet.objects.get(pk=draft.pk).version == 1


def test_who_saw_an_older_draft_is_told_and_a_published_one_is_left_alone():
    draft = begin()
    put(draft, DayData(FRIDAY, "off", (), "Flood", "洪水"), expected=1)
    with pytest.raises(RulesRefused) as stale:
        put(draft, DayData(FRIDAY, "normal"), expected=1)
    assert stale.value.code == "stale"
    done = publish(draft)
    with pytest.raises(RulesRefused):
        put(done, DayData(FRIDAY, "normal"))


def test_week_zone_and_name_go_together_or_not_at_all():
    draft = begin()
    week = {**WORKDAYS, 5: [Span(1200, 1440), Span(600, 720)]}
    calendar_drafts.put_hours(
        draft, week, zone="Europe/London", titles=("Night", "夜班"), actor=SYSTEM, at=AT, expected=1
    )
    draft.refresh_from_db()
    assert hours(draft, date(2026, 11, 28)) == "10:00-12:00 20:00-24:00"
    assert (draft.settings["zone"], draft.title_en, draft.title_zh) == (
        "Europe/London", "Night", "夜班",
    )  # fmt: skip
    with pytest.raises(CalendarRefused):
        calendar_drafts.put_hours(
            draft, WORKDAYS, zone="Moon/Base", titles=("x", "y"), actor=SYSTEM, at=AT, expected=None
        )
    assert hours(draft, date(2026, 11, 28)) == "10:00-12:00 20:00-24:00"


@pytest.mark.parametrize("week", [{}, {0: []}, {0: [Span(0, 60), Span(30, 90)]}])
def test_a_week_that_never_opens_or_overlaps_is_refused(week):
    with pytest.raises(CalendarRefused):
        calendar_drafts.put_week(begin(), week, actor=SYSTEM, at=AT, expected=None)


# one per department, day and night


def test_a_new_calendar_takes_the_official_days_but_not_the_banks_own():
    draft = begin()
    put(draft, DayData(FRIDAY, "off", (), "Flood", "洪水"))
    publish(draft)
    made = calendar_drafts.new_calendar(
        "card-centre", ("Card centre", "卡中心"), zone="Asia/Shanghai", week=WORKDAYS,
        actor=SYSTEM, at=AT,
    )  # fmt: skip
    publish(made)
    found = calendar.calendar("card-centre", AT)
    assert found.special(date(2026, 10, 1).toordinal()) is not None
    assert found.special(FRIDAY.toordinal()) is None
    assert found.is_year_provisional(2027)
    assert calendar.keys() == ["bank", "card-centre"]


def test_day_and_night_is_never_provisional_and_counts_midnight():
    made = calendar_drafts.new_calendar(
        "night", ("Night desk", "夜间台"), zone="Asia/Shanghai", week={}, always_open=True,
        actor=SYSTEM, at=AT,
    )  # fmt: skip
    assert calendar.check(made) == []
    found = calendar.calendar(publish(made), AT)
    assert not found.is_year_provisional(2040)
    start = local("2026-02-16 23:00")  # over midnight, in the Spring Festival
    assert worktime.due(found, start, Limit(120, Unit.WORKING_MINUTES)) == start + timedelta(
        hours=2
    )


@pytest.mark.parametrize(
    "key", ["", "ab", "New", "new", "bank", "a b c", "-abc", "x" * 21, "é-team"]
)
def test_a_key_that_is_taken_or_malformed_is_refused(key):
    with pytest.raises(CalendarRefused) as refused:
        calendar_drafts.new_calendar(
            key, ("x", "y"), zone="Asia/Shanghai", week=WORKDAYS, actor=SYSTEM, at=AT
        )
    assert refused.value.code == "key"


def test_a_unit_works_by_its_own_calendar_else_by_the_nearest_above(django_assert_num_queries):
    top = DepartmentFactory.create(calendar="night")
    middle = DepartmentFactory.create(parent=top)
    below = DepartmentFactory.create(parent=middle)
    own = DepartmentFactory.create(parent=middle, calendar="card-centre")
    alone = DepartmentFactory.create()
    from staff.people import refresh_paths

    refresh_paths()
    rows = [type(top).objects.get(pk=row.pk) for row in (top, middle, below, own, alone)]
    with django_assert_num_queries(1):
        found = calendar.keys_of(rows)
    assert [found[row.pk] for row in rows] == ["night", "night", "night", "card-centre", "bank"]
    with django_assert_num_queries(0):
        assert calendar.key_of(rows[3]) == "card-centre"
    # a calendar nobody published yet leaves the unit on the bank's hours
    assert calendar.of_department(rows[0], AT).version == calendar.calendar("bank", AT).version


def test_a_unit_is_given_a_calendar_in_the_admin_and_only_one_that_was_published():
    unit = DepartmentFactory.create()
    client = Client()
    client.force_login(AccountFactory.create(roles=["AD"]))
    url = f"/admin/staff/department/{unit.pk}/change/"
    given = {
        "code": unit.code,
        "kind": "department",
        "name_en": "A",
        "name_zh": "甲",
        "active": "on",
    }
    assert client.post(url, given | {"calendar": "moon"}).status_code == 200
    unit.refresh_from_db()
    assert unit.calendar == ""
    assert client.post(url, given | {"calendar": "bank"}).status_code == 302
    unit.refresh_from_db()
    assert unit.calendar == "bank"
    assert [e.action for e in journal.entries(unit.stream)] == ["department.changed"]


# check


def blocking(draft: RuleSet) -> list[str]:
    return [finding.code for finding in rule_kinds.errors(calendar.check(draft))]


def codes(draft: RuleSet) -> list[tuple[str, str]]:
    return [(finding.level, finding.code) for finding in calendar.check(draft)]


def test_a_sound_calendar_has_nothing_to_remark():
    assert calendar.check(RuleSet.objects.get(kind="calendar:bank")) == []


def test_peers_09_a_calendar_without_an_open_day_is_refused_and_nothing_loops():
    """glpi#6010, osTicket PR#4807: endless loops; here refused, and every search has a horizon."""
    draft = begin()
    CalendarSpan.objects.filter(rule_set=draft).delete()
    CalendarDay.objects.filter(rule_set=draft, working=True).delete()
    assert blocking(draft) == ["unreachable"]
    with pytest.raises(RulesRefused) as refused:
        publish(draft)
    assert "never opens" in str(refused.value)
    closed = worktime.Calendar("Asia/Shanghai", {})
    with pytest.raises(worktime.BeyondHorizon):
        worktime.due(closed, AT, Limit(1, Unit.WORKING_MINUTES))
    with pytest.raises(worktime.BeyondHorizon):
        worktime.due(closed, AT, Limit(1, Unit.WORKING_DAYS))


def test_peers_09_the_next_opening_lies_within_fourteen_days():
    draft = begin()
    put(draft, DayData(date(2026, 11, 23), "off", (), "Works", "装修", last=date(2026, 12, 3)))
    assert blocking(draft) == []  # closed Fri 20 Nov 18:00 to Fri 4 Dec 09:00: 13 days, 15 hours
    put(draft, DayData(date(2026, 12, 4), "off", (), "Works", "装修"))
    finding = calendar.check(draft)[0]
    assert (finding.code, finding.row) == ("unreachable", "2026-11-23")
    assert "Fri 20 Nov 2026" in str(finding.words)
    assert "Mon 7 Dec 2026" in str(finding.words)
    with pytest.raises(RulesRefused) as refused:
        publish(draft)
    assert refused.value.code == "check"
    assert RuleSet.objects.get(pk=draft.pk).state == "draft"


def test_a_year_of_too_many_or_too_few_working_days_is_worth_a_look():
    draft = begin()
    week = {**WORKDAYS, 5: [NINE_TO_SIX]}
    calendar_drafts.put_week(draft, week, actor=SYSTEM, at=AT, expected=None)
    found = calendar.check(draft)
    assert [(f.level, f.code) for f in found] == [("warning", "year")]
    assert "2024: 295, 2025: 293, 2026: 289, 2027: 303" in str(found[0].words)
    publish(draft)  # a warning does not block


def test_rows_written_past_the_verbs_are_found():
    draft = begin()
    CalendarSpan.objects.create(rule_set=draft, weekday=0, start_minute=600, end_minute=700)
    CalendarDay.objects.filter(rule_set=draft, date="2026-10-01").update(spans=[[540, 600]])
    draft.settings = {**draft.settings, "zone": "Moon/Base"}
    draft.save()
    assert codes(draft) == [("error", "zone"), ("error", "overlap"), ("error", "spans")]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(-5, 1500), st.integers(-5, 1500)), max_size=6))
def test_overlap_says_what_a_minute_by_minute_look_says(spans):
    held: set[int] = set()
    bad = False
    for start, end in spans:
        minutes = set(range(start, end))
        bad = bad or not 0 <= start < end <= 1440 or bool(held & minutes)
        held |= minutes
    assert calendar_checks.overlap(spans) is bad


# versions with effective dates


def test_a_version_may_begin_later_but_never_in_the_past(time_machine):
    draft = begin()
    put(draft, DayData(FRIDAY, "off", (), "Flood", "洪水"))
    with pytest.raises(RulesRefused) as past:
        rule_kinds.publish(
            draft, reason="x", valid_from=AT - timedelta(days=1), actor=_person(), at=AT,
            expected=None,
        )  # fmt: skip
    assert past.value.code == "past"
    begins = AT + timedelta(days=2)
    publish(draft, begins)
    assert calendar.calendar("bank", begins - timedelta(seconds=1)).version == 1
    assert calendar.calendar("bank", begins).version == 2
    job = Job.objects.get(kind="clocks.calendar")
    assert job.ready_at == begins  # running clocks follow when it begins, not before


def _person():
    from staff.accounts import actor_of

    return actor_of(AccountFactory.create(roles=["AD"]))


# the yearly notice


def book(rows: list[list[object]]) -> BytesIO:
    sheet = openpyxl.Workbook()
    for row in rows:
        sheet.active.append(row)
    found = BytesIO()
    sheet.save(found)
    found.seek(0)
    return found


def test_the_notice_is_read_from_excel_with_chinese_headings():
    rows = [["国务院办公厅关于2027年部分节假日安排的通知"], ["日期", "类型", "名称"],
            [date(2027, 1, 1), "放假", "元旦"], ["2027年1月3日", "上班", "元旦调休上班"],
            ["2027/2/6", "休", "厂庆"]]  # fmt: skip
    days = calendar_files.read_official_days(book(rows), "notice.xlsx")
    assert days == [
        OfficialDay(date(2027, 1, 1), False, "元旦", "New Year's Day"),
        OfficialDay(date(2027, 1, 3), True, "元旦调休上班", "New Year's Day make-up workday"),
        OfficialDay(date(2027, 2, 6), False, "厂庆", "厂庆"),
    ]
    again = calendar_files.read_official_days(calendar_files.as_csv(days))
    assert again == days


def test_every_wrong_line_is_named():
    text = (
        "date,kind,name_zh,name_en\n2027-13-01,off,元旦,x\n2027-01-01,maybe,元旦,x\n"
        "2027-01-02,off,,\n2027-01-03,off,元旦,x\n2027-01-03,work,元旦,x\n2199-01-01,off,x,x\n"
        f"2027-01-05,off,{'长' * 61},x\n"
    )
    reading = calendar_files.read_file(BytesIO(text.encode()), "days.csv")
    assert [fault.line for fault in reading.faults] == [2, 3, 4, 6, 8, 7] or [
        fault.line for fault in reading.faults
    ] == [2, 3, 4, 6, 7, 8]
    assert [day.date.day for day in reading.days] == [3]
    with translation.override("zh-hans"):
        assert all(str(fault.words) for fault in reading.faults)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01", b"%PDF-1.4", b"PK\x03\x04rubbish", b"a,b\n1,2"]
)
def test_a_file_that_is_no_notice_is_refused_in_words(content):
    with pytest.raises((SheetError, CalendarRefused)):
        calendar_files.read_file(BytesIO(content), "x.csv")


def test_a_notice_replaces_what_was_expected_and_leaves_own_days_alone():
    draft = begin()
    put(draft, DayData(date(2027, 3, 3), "off", (), "Works", "装修"))
    put(draft, DayData(date(2027, 1, 1), "off", (), "Closed", "停业"))
    calendar_drafts.put_days(
        draft, [NEW_YEAR, MADE_UP], source="notice.csv", actor=SYSTEM, at=AT, expected=None
    )
    rows = CalendarDay.objects.filter(rule_set=draft, date__year=2027).order_by("date")
    assert [(str(row.date), row.name_en, row.confirmed) for row in rows] == [
        ("2027-01-01", "New Year's Day", True),
        ("2027-01-03", "New Year's Day make-up workday", True),
        ("2027-03-03", "Works", True),
    ]
    assert draft.settings["confirmed_years"] == [2024, 2025, 2026, 2027]
    assert not calendar.calendar(draft, AT).is_year_provisional(2027)


def test_the_preview_says_what_changes_before_anything_does():
    base = RuleSet.objects.get(kind="calendar:bank")
    plan = calendar_changes.preview(base, calendar.calendar(base, AT), [NEW_YEAR, MADE_UP])[0]
    assert (plan.year, plan.was_known, plan.same) == (2027, False, False)
    changes = {
        str(each.on): (each.before is not None, each.after is not None) for each in plan.days
    }
    assert changes["2027-01-01"] == (True, True)  # expected until now, official then
    assert changes["2027-01-03"] == (False, True)
    assert changes["2027-05-01"] == (True, False)
    assert plan.working_after > plan.working_before
    assert RuleSet.objects.count() == 1


def test_the_command_takes_a_workbook_and_another_calendar(tmp_path, time_machine):
    time_machine.move_to(AT, tick=False)
    made = calendar_drafts.new_calendar(
        "card-centre", ("Card centre", "卡中心"), zone="Asia/Shanghai", week=WORKDAYS,
        actor=SYSTEM, at=AT,
    )  # fmt: skip
    publish(made)
    file = tmp_path / "notice.xlsx"
    file.write_bytes(book([["日期", "类型", "名称"], ["2027-01-01", "放假", "元旦"]]).read())
    out = StringIO()
    call_command("load_cn_calendar", str(file), "--calendar", "card-centre", stdout=out)
    assert "calendar:card-centre version 2" in out.getvalue()
    assert not calendar.calendar("card-centre", AT).is_year_provisional(2027)
    assert calendar.calendar("bank", AT).is_year_provisional(2027)
    begin()
    with pytest.raises(CommandError, match="draft"):
        call_command("load_cn_calendar", str(file))
    with pytest.raises(CommandError):
        call_command("load_cn_calendar", str(file), "--calendar", "moon")


def test_peers_10_make_up_weekends_own_calendars_yearly_import_and_the_provisional_mark():
    """chinese-calendar#53, holiday-cn#301: worked weekends, other teams, years that come late."""
    bank = calendar.calendar("bank", AT)
    start = local("2026-10-09 17:00")  # Friday before the make-up Saturday 10 October
    assert worktime.due(bank, start, Limit(120, Unit.WORKING_MINUTES)) == local("2026-10-10 10:00")
    made = calendar_drafts.new_calendar(
        "counter", ("Counters", "柜面"), zone="Asia/Shanghai",
        week={**WORKDAYS, 5: [Span(600, 720)]}, actor=SYSTEM, at=AT,
    )  # fmt: skip
    publish(made)
    unit = DepartmentFactory.create(calendar="counter")
    saturday = local("2026-11-14 10:30")
    assert worktime.is_open(calendar.of_department(unit, AT), saturday)
    assert not worktime.is_open(bank, saturday)
    over = worktime.due(bank, local("2026-12-30 10:00"), Limit(3, Unit.WORKING_DAYS))
    assert worktime.is_provisional(bank, local("2026-12-30 10:00"), over)
    calendar_drafts.load_official_days([NEW_YEAR, MADE_UP], actor=SYSTEM, at=AT)
    known = calendar.calendar("bank", AT)
    moved = worktime.due(known, local("2026-12-30 10:00"), Limit(3, Unit.WORKING_DAYS))
    assert not worktime.is_provisional(known, local("2026-12-30 10:00"), moved)
    assert (over.astimezone(ZONE).day, moved.astimezone(ZONE).day) == (5, 4)  # Sunday 3 is worked


def test_the_reminder_leads_to_the_import_of_the_calendar_that_lacks_the_year():
    AccountFactory.create(roles=["AD"])
    made = calendar_drafts.new_calendar(
        "card-centre", ("Card centre", "卡中心"), zone="Asia/Shanghai", week=WORKDAYS,
        actor=SYSTEM, at=AT,
    )  # fmt: skip
    publish(made)
    night = calendar_drafts.new_calendar(
        "a-night", ("Night", "夜"), zone="Asia/Shanghai", week={}, always_open=True,
        actor=SYSTEM, at=AT,
    )  # fmt: skip
    publish(night)
    calendar_drafts.load_official_days([NEW_YEAR], actor=SYSTEM, at=AT)
    assert calendar_watch.warn(AT + timedelta(hours=1)) == 1
    notice = Notice.objects.get()
    assert calendar_watch.link(notice) == "/calendars/card-centre/import/"
    calendar_drafts.load_official_days([NEW_YEAR], key="card-centre", actor=SYSTEM, at=AT)
    assert calendar_watch.missing(AT + timedelta(days=2)) is None


def test_a_year_with_only_expected_days_still_counts_as_missing():
    kind = "calendar:bank"
    draft = begin()
    draft.settings = {**draft.settings, "confirmed_years": [2024, 2025, 2026, 2027]}
    draft.save()
    publish(draft)
    assert rulesets.published(kind, AT) is not None
    assert calendar_watch.missing(AT) == ("bank", 2027, "2026-11-21")


def test_copying_an_older_version_brings_its_days_back():
    draft = begin()
    put(draft, DayData(FRIDAY, "off", (), "Flood", "洪水"))
    second = publish(draft)
    first = RuleSet.objects.get(kind="calendar:bank", number=1)
    back = rule_kinds.begin_from(first, actor=SYSTEM, at=AT)
    changes = calendar_changes.between(second, back)
    assert [str(each.on) for each in changes.days] == ["2026-11-27"]
    assert changes.count == 1
