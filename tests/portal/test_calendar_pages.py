"""The calendar pages: list, year, day, week, notice, versions; who may, and what is stale."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from complaints.models import CaseClock
from config.kernel import journal, rule_kinds, rulesets
from config.kernel.models import Approval, Job, RuleSet
from config.shared.actors import SYSTEM
from config.shared.openings import Span
from staff import calendar, calendar_drafts
from staff.models import CalendarDay, CalendarSpan, Department
from tests.complaints import clock_house
from tests.portal.desks import as_role, queries

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Shanghai
YEAR = "/calendars/bank/2026/"
DAY = "2026-11-27"
SHORT = {
    "on": DAY, "kind": "open", "opens_day_0": "09:00", "closes_day_0": "12:00",
    "opens_day_1": "13:30", "closes_day_1": "24:00", "name_en": "Switch-over",
    "name_zh": "系统切换", "number": "0", "version": "0",
}  # fmt: skip
WEEK = {
    f"{edge}_{day}_0": at
    for day in range(5)
    for edge, at in (("opens", "9:00"), ("closes", "18:00"))
}
NOTICE = "日期,类型,名称\n2027-01-01,放假,元旦\n2027-01-03,上班,元旦调休上班\n"


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(AT, tick=False)
    clock_house.build()


@pytest.fixture
def admin():
    return as_role("admin")


def draft() -> RuleSet:
    found = rulesets.draft("calendar:bank")
    assert found is not None
    return found


def hours(version: RuleSet, iso: str = DAY) -> str:
    on = datetime.fromisoformat(iso).toordinal()
    return " ".join(map(str, calendar.calendar(version, AT).spans_on(on)))


def now(given: dict[str, str]) -> dict[str, str]:
    """The form as somebody sees it who looks at the open draft."""
    open_draft = draft()
    return given | {"number": str(open_draft.number), "version": str(open_draft.version)}


# who may what


READ = ["/calendars/", "/calendars/bank/", YEAR, "/calendars/bank/versions/",
        "/calendars/bank/2026/days.csv"]  # fmt: skip
WRITE = ["/calendars/new/", "/calendars/bank/week/", "/calendars/bank/import/"]
ACTS = ["/calendars/bank/day/", "/calendars/bank/begin/", "/calendars/bank/import/take/"]


@pytest.mark.parametrize("url", READ)
def test_those_who_answer_for_rules_read_the_calendars(url):
    for role in ("supervisor", "auditor", "admin"):
        assert as_role(role).get(url, follow=True).status_code == 200
    for role in ("officer", "handler", "analyst"):
        assert as_role(role).get(url, follow=True).status_code == 403


@pytest.mark.parametrize("url", WRITE)
def test_supervisors_and_administrators_edit_others_do_not(url):
    for role in ("supervisor", "admin"):
        assert as_role(role).get(url).status_code == 200
    for role in ("auditor", "officer"):
        assert as_role(role).get(url).status_code == 403
        assert as_role(role).post(url).status_code == 403


@pytest.mark.parametrize("url", ACTS)
def test_acts_are_posts_of_those_who_may_propose(url):
    assert as_role("admin").get(url).status_code == 405
    for role in ("auditor", "officer"):
        assert as_role(role).post(url, SHORT).status_code == 403


def test_an_auditor_reads_the_day_without_a_form():
    answer = as_role("auditor").get(f"{YEAR}?day={DAY}")
    assert b"Ordinary working day" in answer.content
    assert answer.context["form"] is None
    assert b"Import the notice" not in answer.content


def test_a_supervisor_may_ask_an_administrator_publishes(admin):
    supervisor = as_role("supervisor")
    assert supervisor.post("/calendars/bank/day/", SHORT).status_code == 302
    given = {"reason": "Agreed with IT", "number": draft().number, "version": draft().version}
    assert supervisor.post("/calendars/bank/publish/", given).status_code == 302
    assert draft().state == "draft"
    assert Approval.objects.get().kind == "rules.publish"
    assert admin.post("/calendars/bank/publish/", given).status_code == 302
    assert hours(rulesets.published("calendar:bank", AT)) == "09:00-12:00 13:30-24:00"
    assert Job.objects.filter(kind="clocks.calendar").exists()
    assert Approval.objects.get().state == "cancelled"


# the list


def test_the_list_says_who_counts_on_each_calendar_and_what_is_missing(admin):
    made = calendar_drafts.new_calendar(
        "night", ("Night desk", "夜间台"), zone="Asia/Shanghai", week={}, always_open=True,
        actor=SYSTEM, at=AT,
    )  # fmt: skip
    rule_kinds.publish(made, reason="x", valid_from=None, actor=SYSTEM, at=AT, expected=None)
    clock_house.unit("CSC", calendar="night")
    text = admin.get("/calendars/").content.decode()
    assert "43 limits of 14 policies" in text
    assert "CSC" in text
    assert text.count("2027 missing") == 1  # day and night needs no notice
    assert "Night desk" in text


def test_the_list_costs_the_same_for_many_calendars(admin):
    before = queries(admin, "/calendars/")
    for number in range(5):
        made = calendar_drafts.new_calendar(
            f"team-{number}", ("Team", "团队"), zone="Asia/Shanghai",
            week={0: [Span(540, 1080)]}, actor=SYSTEM, at=AT,
        )  # fmt: skip
        if number:
            rule_kinds.publish(
                made, reason="x", valid_from=None, actor=SYSTEM, at=AT, expected=None
            )
    admin.get("/calendars/")
    assert queries(admin, "/calendars/") <= before + 2  # a draft is built anew every time


def test_before_anything_is_published_the_page_says_how_to_begin(admin):
    CalendarSpan.objects.all()._raw_delete("default")
    CalendarDay.objects.all()._raw_delete("default")
    RuleSet.objects.filter(kind="calendar:bank").delete()
    assert b"manage.py load_defaults" in admin.get("/calendars/").content


# the year


def test_the_year_marks_days_off_and_make_up_days_by_word(admin):
    answer = admin.get(YEAR)
    assert answer.context["total"] == 248
    cells = {
        cell.on.isoformat(): cell
        for month in answer.context["months"]
        for week in month.weeks
        for cell in week
        if cell
    }
    assert len(cells) == 365
    kinds = [cells[on].kind for on in ("2026-02-17", "2026-02-28", "2026-03-07", "2026-03-09")]
    assert kinds == ["off", "work", "end", ""]
    assert cells["2026-02-28"].label.startswith("28 February, weekend worked")
    assert cells["2026-11-23"].label == "23 November, today"


def test_a_year_without_official_days_says_so_with_the_clocks_that_depend_on_it(admin):
    text = admin.get(YEAR).content.decode()
    assert "2027 has no official days yet." in text
    assert "Due times that reach into it will be provisional." in text
    assert "/calendars/bank/import/" in text
    bank_case = clock_house.case(AT)
    row = CaseClock.objects.create(
        case=bank_case, name="resolve", round=1, unit="working_days", amount=30,
        calendar=RuleSet.objects.get(kind="calendar:bank"), started_at=AT,
        due_at=datetime(2027, 1, 6, 10, tzinfo=UTC), base_due_at=AT, risk_at=AT,
        provisional=True, state="running",
    )  # fmt: skip
    text = admin.get(YEAR).content.decode()
    assert "1 open clock ends after 31 December and is provisional." in text
    CaseClock.objects.filter(pk=row.pk).update(due_at=datetime(2026, 12, 30, 10, tzinfo=UTC))
    assert "1 open clock" not in admin.get(YEAR).content.decode()


def test_calendars_and_years_that_are_not_there(admin):
    for url in ("/calendars/moon/", "/calendars/moon/2026/", "/calendars/bank/1066/",
                "/calendars/moon/week/", "/calendars/moon/import/", "/calendars/bank/effect/",
                "/calendars/bank/9999999999999/"):  # fmt: skip
        assert admin.get(url).status_code == 404, url
    assert admin.get(f"{YEAR}?day=rubbish&v=%00").status_code == 200
    assert admin.get(f"{YEAR}?day=2025-01-01").context["picked"] is None
    assert admin.get("/calendars/bank/")["Location"].endswith("/calendars/bank/2026/")


def test_the_day_alone_answers_htmx(admin):
    answer = admin.get(f"{YEAR}?day=2026-10-01", headers={"HX-Request": "true", "HX-Target": "day"})
    text = answer.content.decode()
    assert 'id="day"' in text
    assert "<table" not in text
    assert "国庆节" in text
    assert "National Day" in text


def test_an_older_version_is_read_with_a_word_and_without_a_form(admin):
    admin.post("/calendars/bank/day/", SHORT)
    rule_kinds.publish(draft(), reason="IT", valid_from=None, actor=SYSTEM, at=AT, expected=None)
    answer = admin.get(f"{YEAR}?v=1&day={DAY}")
    assert b"version 1, which is not in force now" in answer.content
    assert answer.context["form"] is None
    assert answer.context["hours"] == "09:00-18:00"
    assert admin.get(f"{YEAR}?day={DAY}").context["hours"] == "09:00-12:00, 13:30-24:00"


# a day


def test_a_day_goes_into_a_draft_and_nothing_moves_before_it_is_published(admin):
    answer = admin.post("/calendars/bank/day/", SHORT)
    assert answer["Location"] == f"{YEAR}?day={DAY}#day"
    assert hours(draft()) == "09:00-12:00 13:30-24:00"
    assert hours(rulesets.published("calendar:bank", AT)) == "09:00-18:00"
    shown = admin.get(f"{YEAR}?day={DAY}")
    assert shown.context["changed"] is True
    assert shown.context["changes"].count == 1
    assert b"Not published" in shown.content
    assert admin.get(f"{YEAR}?v=now&day={DAY}").context["hours"] == "09:00-18:00"
    again = SHORT | {"kind": "normal"}
    assert admin.post("/calendars/bank/day/", now(again)).status_code == 302
    assert hours(draft()) == "09:00-18:00"


def test_htmx_gets_the_whole_calendar_back_in_one_answer(admin):
    answer = admin.post(
        "/calendars/bank/day/", SHORT, headers={"HX-Request": "true", "HX-Target": "cal"}
    )
    assert answer.status_code == 200
    assert answer["HX-Push-Url"] == f"{YEAR}?day={DAY}"
    text = answer.content.decode()
    assert 'id="cal"' in text
    assert 'id="draft-bar"' in text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name_en": ""}, "Say why, in English and in Chinese."),
        ({"name_zh": "长" * 61}, "Use at most 60 characters."),
        ({"opens_day_1": "11:00"}, "These hours overlap."),
        ({"closes_day_0": ""}, "Give both, when it opens and when it closes."),
        ({"opens_day_0": "12:00", "closes_day_0": "09:00"}, "It closes before it opens."),
        ({"opens_day_0": "25:00"}, "Write a time like 09:00"),
        ({"opens_day_0": "9\x00"}, "Write a time like 09:00"),
        ({"kind": "holiday"}, "holiday"),
        ({"last": "2026-11-01"}, "The last day lies before the first one."),
        ({"last": "2027-11-01"}, "At most 31 days"),
        ({"version": "x"}, "whole number"),
    ],
)
def test_a_wrong_day_is_told_in_words_and_nothing_typed_is_lost(admin, changed, words):
    answer = admin.post("/calendars/bank/day/", SHORT | changed)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert words in text
    assert "Switch-over" in text or "name_en" in changed
    assert rulesets.draft("calendar:bank") is None  # no empty draft is left behind


@pytest.mark.parametrize("on", ["", "rubbish", "0000-00-00", "99999-01-01"])
def test_a_form_without_its_day_is_no_form(admin, on):
    assert admin.post("/calendars/bank/day/", SHORT | {"on": on}).status_code == 404


def test_who_looked_at_an_older_draft_is_told_who_was_faster(admin):
    other = as_role("admin")
    admin.post("/calendars/bank/day/", SHORT)
    for stale in (SHORT | {"on": "2026-11-26"}, now(SHORT) | {"version": "1", "on": "2026-11-26"}):
        answer = other.post("/calendars/bank/day/", stale)
        text = answer.content.decode()
        assert answer.status_code == 409
        assert "The draft was changed: 2026-11-27" in text
        assert "Switch-over" in text
        assert f'name="version" value="{draft().version}"' in text
    assert hours(draft(), "2026-11-26") == "09:00-18:00"
    sent_again = now(SHORT) | {"on": "2026-11-26"}
    assert other.post("/calendars/bank/day/", sent_again).status_code == 302


# week, zone, new calendar


def test_the_week_takes_lunch_and_midnight_and_is_copied_without_javascript(admin):
    shown = admin.get("/calendars/bank/week/")
    assert shown.context["form"].rows[0][0] == "Monday"
    given = {"title_en": "Bank", "title_zh": "银行", "zone": "Asia/Shanghai", "number": "0",
             "version": "0", "opens_0_0": "0900", "closes_0_0": "12:00", "opens_0_1": "13:00",
             "closes_0_1": "24:00"}  # fmt: skip
    copied = admin.post("/calendars/bank/week/", given | {"act": "copy"})
    form = copied.context["form"]
    assert copied.status_code == 200
    assert form["opens_4_1"].value() == "13:00"
    assert rulesets.draft("calendar:bank") is None
    full = {name: form[name].value() or "" for name in form.fields}
    assert admin.post("/calendars/bank/week/", full | {"act": "save"}).status_code == 302
    assert hours(draft()) == "09:00-12:00 13:00-24:00"
    assert hours(draft(), "2026-11-28") == ""
    assert len(admin.get("/calendars/bank/week/").context["form"].pairs("0")) == 3  # one to spare


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"zone": "Moon/Base"}, "There is no time zone “Moon/Base”."),
        ({"zone": "../etc"}, "There is no time zone"),
        ({"title_en": ""}, "Write something here."),
        (dict.fromkeys(WEEK, ""), "This calendar would never open."),
        ({"opens_0_1": "17:00", "closes_0_1": "19:00"}, "These hours overlap."),
    ],
)
def test_a_wrong_week_is_told_in_words(admin, changed, words):
    given = {"title_en": "Bank", "title_zh": "银行", "zone": "Asia/Shanghai", "number": "0",
             "version": "0"} | WEEK  # fmt: skip
    answer = admin.post("/calendars/bank/week/", given | changed)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert rulesets.draft("calendar:bank") is None


def test_a_calendar_of_its_own_is_begun_edited_published_and_given_to_a_unit(admin):
    named = {"title_en": "Card centre", "title_zh": "卡中心", "key": "Card-Centre"}
    assert admin.post("/calendars/new/", named)["Location"] == "/calendars/card-centre/week/"
    again = admin.post("/calendars/new/", named)
    assert again.status_code == 422
    assert "There is a calendar “card-centre” already." in again.content.decode()
    row = rulesets.draft("calendar:card-centre")
    given = {"reason": "New team", "number": row.number, "version": row.version}
    assert admin.post("/calendars/card-centre/publish/", given).status_code == 302
    unit = Department.objects.get(code=clock_house.unit("CARD").code)
    Department.objects.filter(pk=unit.pk).update(calendar="card-centre")
    assert calendar.key_of(Department.objects.get(pk=unit.pk)) == "card-centre"
    page = admin.get("/calendars/card-centre/2026/").content.decode()
    assert "Card centre" in page
    assert unit.label in page


def test_a_draft_is_thrown_away_with_a_reason(admin):
    admin.post("/calendars/bank/day/", SHORT)
    given = {"reason": "Not needed", "number": draft().number, "version": draft().version}
    assert admin.post("/calendars/bank/discard/", given)["Location"] == "/calendars/bank/"
    assert rulesets.draft("calendar:bank") is None


def test_a_calendar_that_is_yet_to_begin_is_edited_as_it_will_be(admin):
    named = {"title_en": "Night desk", "title_zh": "夜间台", "key": "night", "always_open": "on"}
    admin.post("/calendars/new/", named)
    row = rulesets.draft("calendar:night")
    later = AT + timedelta(days=3)
    rule_kinds.publish(row, reason="x", valid_from=later, actor=SYSTEM, at=AT, expected=None)
    page = admin.get(f"/calendars/night/2026/?day={DAY}")
    assert "comes into force" in page.content.decode()
    assert page.context["form"] is not None
    assert admin.post("/calendars/night/begin/").status_code == 404
    assert admin.post("/calendars/night/day/", SHORT).status_code == 302
    begun = rulesets.draft("calendar:night")
    assert hours(begun) == "09:00-12:00 13:30-24:00"
    assert hours(begun, "2026-11-28") == "00:00-24:00"
    assert admin.get("/calendars/").status_code == 200


# the notice


def upload(client, content: bytes, name: str = "notice.csv"):
    return client.post("/calendars/bank/import/", {"file": SimpleUploadedFile(name, content)})


def test_the_notice_is_compared_taken_into_a_draft_and_moves_clocks_when_published(admin):
    answer = upload(admin, NOTICE.encode())
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "becomes official" in text
    assert rulesets.draft("calendar:bank") is None  # a look changes nothing
    take = answer.context["take"]
    given = {name: take[name].value() for name in take.fields}
    taken = admin.post("/calendars/bank/import/take/", given)
    assert taken["Location"] == "/calendars/bank/2027/#effect"
    assert not calendar.calendar(draft(), AT).is_year_provisional(2027)
    assert [f["row"] for f in _facts(draft()) if "row" in f] == ["2027"]
    assert admin.post("/calendars/bank/import/take/", given).status_code == 409
    twice = upload(admin, NOTICE.encode())
    assert b"The calendar holds these days already." in twice.content


def test_a_workbook_is_taken_as_well(admin):
    sheet, kept = openpyxl.Workbook(), BytesIO()
    for row in ["日期", "类型", "名称"], ["2027年1月1日", "放假", "元旦"]:
        sheet.active.append(row)
    sheet.save(kept)
    assert b"New Year" in upload(admin, kept.getvalue(), "notice.xlsx").content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"date,kind,name_zh\n2027-13-01,off,x\n2027-01-02,maybe,x\n", "2 lines cannot be taken"),
        (b"date,kind,name_zh\n", "The file holds no days."),
        (b"a,b\n1,2\n", "None of the first"),
        (b"PK\x03\x04rubbish", "file"),
        (b"", "The file is empty."),
        (b"\xff\xfe\x00\x00" * 9, "file"),
    ],
)
def test_bad_sheets_are_told_in_words(admin, content, words):
    answer = upload(admin, content)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert rulesets.draft("calendar:bank") is None


def test_days_that_were_tampered_with_are_refused(admin):
    given = {"days": "date,kind\nrubbish", "number": "0", "version": "0"}
    assert admin.post("/calendars/bank/import/take/", given).status_code == 422
    assert admin.post("/calendars/bank/import/take/", {"days": "\x00"}).status_code == 422
    assert admin.post("/calendars/bank/import/take/").status_code == 422


def test_a_year_leaves_as_the_file_that_it_came_as(admin):
    answer = admin.get("/calendars/bank/2026/days.csv")
    assert answer["Content-Type"] == "text/csv"
    assert upload(admin, answer.content).context["nothing"] is True


def _facts(row: RuleSet) -> list[dict]:
    from config.kernel.actions import facts_of

    return [facts_of(entry) for entry in journal.entries(row.stream)]


# versions


def test_versions_are_told_and_an_older_one_is_copied_back(admin):
    admin.post("/calendars/bank/day/", SHORT)
    row = draft()
    rule_kinds.publish(row, reason="IT asked", valid_from=None, actor=SYSTEM, at=AT, expected=None)
    text = admin.get("/calendars/bank/versions/").content.decode()
    assert "IT asked" in text
    assert "In force" in text
    assert "Replaced" in text
    assert admin.post("/calendars/bank/begin/", {"from": "1"}).status_code == 302
    assert hours(draft()) == "09:00-18:00"


@pytest.mark.parametrize(
    "url", ["/calendars/", YEAR, f"{YEAR}?day=2026-10-01", "/calendars/bank/week/",
            "/calendars/bank/import/", "/calendars/bank/versions/"],
)  # fmt: skip
def test_in_chinese_and_cheap(admin, url):
    admin.cookies["huiyin_language"] = "zh-hans"
    answer = admin.get(url)
    assert answer["Content-Language"] == "zh-hans"
    assert "银行" in answer.content.decode()
    assert queries(admin, url) <= 12
