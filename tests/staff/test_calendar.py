"""The bank's calendar: golden vectors of DOMAIN.md §5.3, loading official years, the reminder."""

from datetime import UTC, date, datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from config.kernel.models import Notice, RuleSet
from config.shared import worktime
from config.shared.actors import SYSTEM
from config.shared.worktime import Limit, Unit
from staff import calendar, calendar_watch, loading
from staff.events import calendar_published
from staff.models import CalendarDay
from tests.factories.staff import AccountFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
YEAR_2027 = (
    "date,kind,name_zh,name_en\n2027-01-01,off,元旦,New Year's Day\n2027-01-02,work,调休,Make-up\n"
)


@pytest.fixture(autouse=True)
def _loaded():
    loading.load_calendar(SYSTEM, AT)


def bank(at: datetime = AT):
    return calendar.calendar("bank", at)


@pytest.mark.parametrize(
    ("received", "days", "due"),
    [
        ("2025-01-24 16:00", 3, "2025-02-05"),
        ("2025-09-30 17:30", 15, "2025-10-28"),
        ("2026-02-14 15:00", 5, "2026-02-28"),
        ("2026-09-25 10:00", 7, "2026-10-12"),
    ],
)
def test_golden_vectors(received, days, due):
    start = datetime.strptime(received, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)
    found = worktime.due(bank(), start, Limit(days, Unit.WORKING_DAYS)).astimezone(ZONE)
    assert f"{found:%Y-%m-%d %H:%M}" == f"{due} 18:00"


@pytest.mark.parametrize(("year", "days"), [(2024, 251), (2025, 248), (2026, 248)])
def test_working_days_of_a_year(year, days):
    counted = worktime.working_days_between(bank(), date(year - 1, 12, 31), date(year, 12, 31))
    assert counted == days


def test_the_next_year_is_provisional_and_old_cases_have_a_calendar():
    assert bank().is_year_provisional(2027)
    assert not bank().is_year_provisional(2026)
    assert bank(datetime(2019, 1, 1, tzinfo=UTC)).version == 1


def test_loading_twice_changes_nothing():
    assert loading.load_calendar(SYSTEM, AT) == 0
    assert RuleSet.objects.count() == 1


def run(tmp_path, text: str, *args: str) -> str:
    file, out = tmp_path / "days.csv", StringIO()
    file.write_text(text, encoding="utf-8")
    call_command("load_cn_calendar", str(file), *args, stdout=out)
    return out.getvalue()


def test_an_official_year_becomes_a_new_version(tmp_path, time_machine):
    time_machine.move_to(AT, tick=False)
    heard = []

    def listen(event, **_):
        heard.append(event)

    calendar_published.connect(listen)
    try:
        assert "version 2" in run(tmp_path, YEAR_2027)
        assert "already" in run(tmp_path, YEAR_2027)
    finally:
        calendar_published.disconnect(listen)
    old, new = RuleSet.objects.order_by("number")
    assert [(e.rule_set_id, e.replaced_id, e.years) for e in heard] == [(new.pk, old.pk, (2027,))]
    assert not bank().is_year_provisional(2027)
    assert worktime.close_of(bank(), date(2027, 1, 2)) is not None
    assert worktime.close_of(bank(), date(2027, 6, 9)) is not None  # no longer provisional
    assert CalendarDay.objects.filter(rule_set=old, date__year=2026).count() == 39
    assert calendar.of_versions([old.pk])[old.pk].is_year_provisional(2027)


def test_only_the_asked_year_is_taken(tmp_path):
    text = YEAR_2027 + "2028-01-01,off,元旦,New Year's Day\n"
    run(tmp_path, text, "--year", "2028")
    newest = calendar.calendar(RuleSet.objects.get(number=2), AT)
    assert newest.is_year_provisional(2027)  # the gap stays open
    assert not newest.is_year_provisional(2028)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "date,kind\n2027-01-01,off\n",
        "date,kind,name_zh,name_en\n",
        "date,kind,name_zh,name_en\n2027-13-01,off,元旦,x\n",
        "date,kind,name_zh,name_en\n2027-01-01,maybe,元旦,x\n",
        YEAR_2027 + "2027-01-01,off,元旦,x\n",
    ],
)
def test_a_bad_file_is_refused_and_changes_nothing(tmp_path, text):
    with pytest.raises(CommandError):
        run(tmp_path, text)
    assert RuleSet.objects.count() == 1


def test_administrators_are_reminded_once_a_day_from_november(tmp_path, time_machine):
    AccountFactory.create(roles=["AD"])
    AccountFactory.create(roles=["CO"])
    assert calendar_watch.warn(datetime(2026, 10, 31, 2, tzinfo=UTC)) == 0
    assert calendar_watch.warn(datetime(2026, 11, 1, 2, tzinfo=UTC)) == 1
    assert calendar_watch.warn(datetime(2026, 11, 1, 9, tzinfo=UTC)) == 0
    assert calendar_watch.warn(AT) == 1
    time_machine.move_to(AT, tick=False)
    run(tmp_path, YEAR_2027)
    assert calendar_watch.warn(datetime(2026, 12, 1, 2, tzinfo=UTC)) == 0
    assert Notice.objects.count() == 2
