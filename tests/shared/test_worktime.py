import csv
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.shared import worktime
from config.shared.worktime import (
    BeyondHorizon,
    Calendar,
    CalendarError,
    Day,
    Kind,
    Limit,
    NoOpening,
    Span,
    Unit,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
NINE_TO_SIX = (Span(9 * 60, 18 * 60),)
WEEKDAYS = dict.fromkeys(range(5), NINE_TO_SIX)
ALWAYS = Calendar.always("Asia/Shanghai")
CN_ROWS = Path(__file__).parents[2] / "staff" / "defaults" / "cn_calendar.csv"


def china(**extra):
    with CN_ROWS.open(encoding="utf-8", newline="") as rows:
        days = {
            date.fromisoformat(row["date"]): Day(
                row["kind"] == "work", None, row["name_en"], row["name_zh"]
            )
            for row in csv.DictReader(rows)
        }
    return Calendar("Asia/Shanghai", WEEKDAYS, days | extra.pop("days", {}), **extra)


@pytest.fixture(scope="module")
def cn():
    return china()


def at(text, zone=SHANGHAI):
    """A wall-clock time: '2026-02-13 15:00'."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def wall(moment, zone=SHANGHAI):
    assert moment.tzinfo is UTC
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def hours(*pairs):
    return tuple(Span(start * 60, end * 60) for start, end in pairs)


# --- The official arrangement (DOMAIN.md §5.1) ---------------------------------------------------

WORKING_DAYS = {
    2025: [19, 19, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23],
    2026: [21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23],
}


@pytest.mark.parametrize(("year", "total"), [(2024, 251), (2025, 248), (2026, 248)])
def test_working_days_of_the_year(cn, year, total):
    start, end = date(year - 1, 12, 31), date(year, 12, 31)
    assert worktime.working_days_between(cn, start, end) == total


@pytest.mark.parametrize("year", WORKING_DAYS)
def test_working_days_of_each_month(cn, year):
    ends = [date(year - 1, 12, 31)]
    ends += [date(year + month // 12, month % 12 + 1, 1) - timedelta(1) for month in range(1, 13)]
    counts = [worktime.working_days_between(cn, start, end) for start, end in pairwise(ends)]
    assert counts == WORKING_DAYS[year]


# --- Golden vectors (DOMAIN.md §5.3) -------------------------------------------------------------

GOLDEN = """
2025-01-24 16:00 | 2025-02-05 2025-02-07 2025-02-10 2025-02-20 | 2025-01-27 10:00 | 2025-02-05 13:00 | 2025-02-08 2025-02-23 2025-03-25
2025-01-27 10:00 | 2025-02-07 2025-02-10 2025-02-12 2025-02-24 | 2025-02-05 13:00 | 2025-02-06 16:00 | 2025-02-11 2025-02-26 2025-03-28
2025-09-30 17:30 | 2025-10-11 2025-10-14 2025-10-16 2025-10-28 | 2025-10-10 11:30 | 2025-10-11 14:30 | 2025-10-15 2025-10-30 2025-11-29
2026-02-13 15:00 | 2026-02-25 2026-02-27 2026-03-02 2026-03-12 | 2026-02-14 18:00 | 2026-02-25 12:00 | 2026-02-28 2026-03-15 2026-04-14
2026-02-14 15:00 | 2026-02-26 2026-02-28 2026-03-03 2026-03-13 | 2026-02-24 18:00 | 2026-02-26 12:00 | 2026-03-01 2026-03-16 2026-04-15
2026-04-30 11:00 | 2026-05-08 2026-05-11 2026-05-13 2026-05-25 | 2026-05-06 14:00 | 2026-05-07 17:00 | 2026-05-15 2026-05-30 2026-06-29
2026-06-18 20:15 | 2026-06-24 2026-06-26 2026-06-30 2026-07-10 | 2026-06-23 12:00 | 2026-06-24 15:00 | 2026-07-03 2026-07-18 2026-08-17
2026-09-19 09:30 | 2026-09-22 2026-09-24 2026-09-29 2026-10-15 | 2026-09-21 12:00 | 2026-09-22 15:00 | 2026-10-04 2026-10-19 2026-11-18
2026-09-25 10:00 | 2026-09-30 2026-10-09 2026-10-12 2026-10-22 | 2026-09-29 12:00 | 2026-09-30 15:00 | 2026-10-10 2026-10-25 2026-11-24
2026-09-30 17:00 | 2026-10-10 2026-10-13 2026-10-15 2026-10-27 | 2026-10-09 11:00 | 2026-10-10 14:00 | 2026-10-15 2026-10-30 2026-11-29
""".strip().splitlines()  # noqa: E501


def golden_cases():
    for line in GOLDEN:
        received, days, twelve, day_and_half, calendar_days = (c.strip() for c in line.split("|"))
        for n, day in zip((3, 5, 7, 15), days.split(), strict=True):
            yield received, Limit(n, Unit.WORKING_DAYS), f"{day} 18:00"
        yield received, Limit(12 * 60, Unit.WORKING_MINUTES), twelve
        yield received, Limit(24 * 60, Unit.WORKING_MINUTES), day_and_half
        for n, day in zip((15, 30, 60), calendar_days.split(), strict=True):
            yield received, Limit(n, Unit.CALENDAR_DAYS), f"{day} 23:59:59"


@pytest.mark.parametrize(("received", "limit", "expected"), list(golden_cases()))
def test_golden_vector(cn, received, limit, expected):
    assert wall(worktime.due(cn, at(received), limit)) == expected


def test_a_clock_that_crosses_into_an_unknown_year_is_provisional(cn):
    received = at("2026-12-30 10:00")
    one_day = worktime.due(cn, received, Limit(1, Unit.WORKING_DAYS))
    three_days = worktime.due(cn, received, Limit(3, Unit.WORKING_DAYS))

    assert wall(one_day) == "2026-12-31 18:00"
    assert not worktime.is_provisional(cn, received, one_day)
    assert wall(worktime.add(cn, received, 12 * 60)) == "2026-12-31 13:00"
    assert wall(three_days) == "2027-01-04 18:00"  # Monday to Friday until 2027 is published
    assert worktime.is_provisional(cn, received, three_days)


def test_an_unconfirmed_day_counts_and_leaves_its_year_provisional():
    new_year = Day(False, None, "New Year's Day", "元旦", confirmed=False)
    cn = china(days={date(2027, 1, 1): new_year})
    received = at("2026-12-30 10:00")
    due = worktime.due(cn, received, Limit(3, Unit.WORKING_DAYS))
    assert wall(due) == "2027-01-05 18:00"
    assert worktime.is_provisional(cn, received, due)


def test_a_year_can_be_named_provisional_or_known():
    start, end = at("2026-06-01 09:00"), at("2026-06-02 09:00")
    assert worktime.is_provisional(china(provisional_years=frozenset({2026})), start, end)
    assert worktime.is_provisional(china(last_year=2025), start, end)
    assert not worktime.is_provisional(china(), start, end)
    in_2027 = at("2027-01-05 09:00")
    assert worktime.is_provisional(china(), in_2027, in_2027)
    assert not worktime.is_provisional(china(last_year=2027), in_2027, in_2027)
    assert not worktime.is_provisional(ALWAYS, start, in_2027)


def test_an_unconfirmed_later_year_does_not_vouch_for_the_years_before_it():
    draft = Day(False, None, "New Year's Day", "元旦", confirmed=False)
    in_2027 = at("2027-06-01 09:00")
    assert worktime.is_provisional(china(days={date(2028, 1, 1): draft}), in_2027, in_2027)


def test_the_local_year_decides_what_is_provisional(cn):
    still_2026_in_utc = datetime(2026, 12, 31, 17, tzinfo=UTC)
    assert worktime.is_provisional(cn, still_2026_in_utc, still_2026_in_utc)


# --- What goes wrong elsewhere (PEERS.md §2, rows 1 to 10) ---------------------------------------


def test_row_1_hold_over_the_night_moves_the_due_time_by_its_working_part(cn):
    start = at("2026-06-02 16:00")
    due = worktime.add(cn, start, 4 * 60)
    paused = worktime.counted_seconds(
        cn, Unit.WORKING_MINUTES, at("2026-06-02 17:00"), at("2026-06-03 10:00")
    )
    moved = worktime.shift(cn, Unit.WORKING_MINUTES, due, paused)
    assert wall(due) == "2026-06-03 11:00"
    assert paused == 2 * 3600
    assert wall(moved) == "2026-06-03 13:00"


def test_row_2_a_pause_from_friday_to_monday_costs_a_day_clock_only_open_hours(cn):
    due = worktime.due(cn, at("2026-06-11 12:00"), Limit(3, Unit.WORKING_DAYS))
    paused = worktime.counted_seconds(
        cn, Unit.WORKING_DAYS, at("2026-06-12 17:00"), at("2026-06-15 10:00")
    )
    assert wall(due) == "2026-06-16 18:00"
    assert wall(worktime.shift(cn, Unit.WORKING_DAYS, due, paused)) == "2026-06-17 11:00"


def test_row_5_seven_by_twenty_four_never_closes_at_midnight():
    assert worktime.between(ALWAYS, at("2026-06-01 00:00"), at("2026-06-08 00:00")) == 7 * 24 * 60
    assert worktime.is_open(ALWAYS, at("2026-06-01 23:59:59.999999"))
    assert wall(worktime.add(ALWAYS, at("2026-06-01 23:30"), 60)) == "2026-06-02 00:30"


def test_row_6_lead_time_is_taken_back_in_working_time():
    calendar = Calendar("Asia/Shanghai", dict.fromkeys(range(5), hours((8, 18))))
    due = worktime.add(calendar, at("2026-06-01 17:00"), 4 * 60)
    assert wall(due) == "2026-06-02 11:00"
    assert wall(worktime.before(calendar, due, 60)) == "2026-06-02 10:00"
    assert wall(worktime.before(calendar, due, 3 * 60)) == "2026-06-02 08:00"
    assert wall(worktime.before(calendar, due, 3 * 60 + 1)) == "2026-06-01 17:59"
    assert worktime.add(calendar, due, -60) == worktime.before(calendar, due, 60)


def test_row_7_a_lunch_break_is_not_counted():
    calendar = Calendar("Asia/Shanghai", dict.fromkeys(range(5), hours((9, 12), (13, 18))))
    assert wall(worktime.add(calendar, at("2026-06-01 11:00"), 120)) == "2026-06-01 14:00"
    assert wall(worktime.add(calendar, at("2026-06-01 11:00"), 60)) == "2026-06-01 12:00"
    assert worktime.between(calendar, at("2026-06-01 12:15"), at("2026-06-01 12:45")) == 0
    assert not worktime.is_open(calendar, at("2026-06-01 12:00"))


def test_row_8_a_week_without_monday_and_thursday():
    calendar = Calendar("Asia/Shanghai", dict.fromkeys((1, 2, 4), NINE_TO_SIX))
    assert wall(worktime.add(calendar, at("2026-06-01 10:00"), 30)) == "2026-06-02 09:30"
    assert wall(worktime.add(calendar, at("2026-06-03 17:00"), 120)) == "2026-06-05 10:00"
    due = worktime.due(calendar, at("2026-06-03 17:00"), Limit(2, Unit.WORKING_DAYS))
    assert wall(due) == "2026-06-09 18:00"


@pytest.mark.parametrize(
    "ask",
    [
        lambda calendar, start: worktime.add(calendar, start, 1),
        lambda calendar, start: worktime.before(calendar, start, 1),
        lambda calendar, start: worktime.due(calendar, start, Limit(1, Unit.WORKING_DAYS)),
        worktime.next_opening,
        lambda calendar, start: worktime.nth_working_day(calendar, start.date(), -1),
    ],
)
def test_row_9_a_calendar_that_never_opens_ends_in_a_clear_error(ask):
    with pytest.raises(BeyondHorizon, match="within 10 years"):
        ask(Calendar("Asia/Shanghai", {}), at("2026-06-01 10:00"))


def test_row_9_a_calendar_must_open_within_a_fortnight(cn):
    cn.check_reachable(at("2026-02-14 18:00"))  # nine days of Spring Festival
    closed = {date(2026, 6, 1) + timedelta(n): Day(False) for n in range(15)}
    with pytest.raises(NoOpening, match="14 days of 2026-06-01"):
        Calendar("Asia/Shanghai", WEEKDAYS, closed).check_reachable(at("2026-06-01 00:00"))
    with pytest.raises(NoOpening):
        Calendar("Asia/Shanghai", {}).check_reachable(at("2026-06-01 00:00"))


def test_row_10_the_make_up_saturday_works_with_the_usual_or_its_own_hours():
    saturday = date(2026, 10, 10)
    usual = Calendar("Asia/Shanghai", WEEKDAYS, {saturday: Day(True)})
    short = Calendar("Asia/Shanghai", WEEKDAYS, {saturday: Day(True, hours((9, 12)))})
    friday = at("2026-10-09 16:00")
    assert wall(worktime.add(usual, friday, 8 * 60)) == "2026-10-10 15:00"
    assert wall(worktime.add(short, friday, 8 * 60)) == "2026-10-12 12:00"
    one_day = Limit(1, Unit.WORKING_DAYS)
    assert wall(worktime.due(usual, friday, one_day)) == "2026-10-10 18:00"
    assert wall(worktime.due(short, friday, one_day)) == "2026-10-10 12:00"


# --- Units, days and openings --------------------------------------------------------------------


def test_elapsed_minutes_know_no_night_and_no_holiday(cn):
    start = at("2026-02-13 17:00")
    assert wall(worktime.due(cn, start, Limit(24 * 60, Unit.ELAPSED_MINUTES))) == "2026-02-14 17:00"


def test_the_local_date_of_receipt_counts_whatever_the_zone_of_the_moment(cn):
    received = datetime(2026, 6, 1, 17, 30, tzinfo=UTC)  # 01:30 on Tuesday in Shanghai
    assert wall(worktime.due(cn, received, Limit(1, Unit.WORKING_DAYS))) == "2026-06-03 18:00"
    assert wall(worktime.due(cn, received, Limit(1, Unit.CALENDAR_DAYS))) == "2026-06-03 23:59:59"


def test_seconds_and_microseconds_are_kept(cn):
    start = at("2026-06-01 17:59:30.000007")
    end = worktime.add(cn, start, 1)
    assert end.astimezone(SHANGHAI).isoformat() == "2026-06-02T09:00:30.000007+08:00"
    assert worktime.between(cn, start, end) == 1
    assert worktime.between(cn, end, start) == -1


def test_adding_nothing_stays_even_when_closed(cn):
    night = at("2026-06-01 22:00")
    assert worktime.add(cn, night, 0) == night
    assert worktime.before(cn, night, 0) == night


def test_working_days_forward_and_back(cn):
    eve = date(2026, 2, 13)
    assert worktime.nth_working_day(cn, eve, 1) == date(2026, 2, 14)
    assert worktime.nth_working_day(cn, eve, 2) == date(2026, 2, 24)
    assert worktime.nth_working_day(cn, date(2026, 2, 24), -1) == date(2026, 2, 14)
    assert worktime.nth_working_day(cn, date(2026, 2, 20), -1) == date(2026, 2, 14)
    assert worktime.working_days_between(cn, eve, date(2026, 2, 24)) == 2
    assert worktime.working_days_between(cn, date(2026, 2, 24), eve) == -2
    assert worktime.working_days_between(cn, eve, eve) == 0
    with pytest.raises(ValueError, match="0th"):
        worktime.nth_working_day(cn, eve, 0)


def test_closing_time_of_a_date(cn):
    assert wall(worktime.close_of(cn, date(2026, 2, 14))) == "2026-02-14 18:00"
    assert worktime.close_of(cn, date(2026, 2, 15)) is None
    assert wall(worktime.close_of(ALWAYS, date(2026, 2, 15))) == "2026-02-16 00:00"


def test_next_opening(cn):
    assert wall(worktime.next_opening(cn, at("2026-02-14 18:00"))) == "2026-02-24 09:00"
    assert wall(worktime.next_opening(cn, at("2026-02-24 08:59"))) == "2026-02-24 09:00"
    assert wall(worktime.next_opening(cn, at("2026-02-24 09:30"))) == "2026-02-24 09:30"


# --- Percentages and pauses ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (0, "2026-06-05 16:00"),
        (50, "2026-06-08 11:00"),
        (80, "2026-06-08 13:24"),
        (100, "2026-06-08 15:00"),
        (120, "2026-06-08 16:36"),
        (200, "2026-06-09 14:00"),
    ],
)
def test_percent_of_working_time(cn, percent, expected):
    start = at("2026-06-05 16:00")
    due = worktime.add(cn, start, 8 * 60)
    point = worktime.percent_point(cn, Unit.WORKING_MINUTES, start, due, percent)
    assert wall(point) == expected


def test_percent_of_plain_units_ignores_the_calendar(cn):
    start, due = at("2026-02-14 10:00"), at("2026-02-18 10:00")
    for unit in (Unit.ELAPSED_MINUTES, Unit.CALENDAR_DAYS):
        assert wall(worktime.percent_point(cn, unit, start, due, 50)) == "2026-02-16 10:00"
        assert wall(worktime.percent_point(cn, unit, start, due, 125)) == "2026-02-19 10:00"


def test_the_hundredth_percent_is_the_due_time_even_when_closed(cn):
    start, sunday = at("2026-06-05 17:00"), at("2026-06-07 12:00")
    points = [
        worktime.percent_point(cn, Unit.WORKING_DAYS, start, sunday, percent)
        for percent in (99, 100, 101)
    ]
    assert points[1] == sunday
    assert points == sorted(points)


def test_a_clock_late_at_birth_has_all_points_at_its_due_time(cn):
    start, due = at("2026-06-05 17:00"), at("2026-06-04 12:00")
    for unit in Unit:
        assert worktime.percent_point(cn, unit, start, due, 50) == due


def test_a_pause_moves_a_plain_due_time_by_real_seconds(cn):
    due = at("2026-02-20 23:59:59")
    moved = worktime.shift(cn, Unit.CALENDAR_DAYS, due, 3 * 86400)
    assert wall(moved) == "2026-02-23 23:59:59"
    paused = worktime.counted_seconds(
        cn, Unit.CALENDAR_DAYS, at("2026-02-15 00:00"), at("2026-02-18 00:00")
    )
    assert paused == 3 * 86400


# --- Explanation ---------------------------------------------------------------------------------


def told(parts):
    return [(wall(p.start), wall(p.end), p.kind, p.name_en) for p in parts]


def test_segments_over_spring_festival(cn):
    start, end = at("2026-02-13 17:00"), at("2026-02-24 10:00")
    parts = worktime.segments(cn, start, end)
    festival, makeup = "Spring Festival", "Spring Festival make-up workday"
    assert told(parts) == [
        ("2026-02-13 17:00", "2026-02-13 18:00", Kind.COUNTED, ""),
        ("2026-02-13 18:00", "2026-02-14 09:00", Kind.CLOSED, ""),
        ("2026-02-14 09:00", "2026-02-14 18:00", Kind.MAKEUP, makeup),
        ("2026-02-14 18:00", "2026-02-15 00:00", Kind.CLOSED, ""),
        ("2026-02-15 00:00", "2026-02-24 00:00", Kind.HOLIDAY, festival),
        ("2026-02-24 00:00", "2026-02-24 09:00", Kind.CLOSED, ""),
        ("2026-02-24 09:00", "2026-02-24 10:00", Kind.COUNTED, ""),
    ]
    assert parts[4].name_zh == "春节"
    assert sum(p.minutes for p in parts if p.counted) == worktime.between(cn, start, end) == 660


def test_segments_of_a_weekend_with_lunch_breaks():
    calendar = Calendar("Asia/Shanghai", dict.fromkeys(range(5), hours((9, 12), (13, 18))))
    parts = worktime.segments(calendar, at("2026-06-05 11:00"), at("2026-06-08 00:00"))
    assert [(p.kind, p.minutes / 60) for p in parts] == [
        (Kind.COUNTED, 1),
        (Kind.CLOSED, 1),
        (Kind.COUNTED, 5),
        (Kind.CLOSED, 6),
        (Kind.WEEKEND, 48),
    ]


def test_segments_without_any_closing_are_one():
    start, end = at("2026-06-05 11:00"), at("2026-06-08 00:00")
    [part] = worktime.segments(ALWAYS, start, end)
    assert (part.start, part.end, part.kind) == (start, end, Kind.COUNTED)


def test_no_time_has_no_segments_and_backwards_is_refused(cn):
    start = at("2026-06-05 11:00")
    assert worktime.segments(cn, start, start) == []
    with pytest.raises(ValueError, match="backwards"):
        worktime.segments(cn, start, start - timedelta(seconds=1))


# --- Daylight saving: wall-clock spans, real durations -------------------------------------------


def test_the_skipped_hour_is_not_counted():
    calendar = Calendar("America/New_York", {6: hours((1, 5))})
    start = at("2026-03-08 00:00", NEW_YORK)
    assert worktime.between(calendar, start, start + timedelta(days=1)) == 3 * 60
    end = worktime.add(calendar, at("2026-03-08 01:30", NEW_YORK), 60)
    assert wall(end, NEW_YORK) == "2026-03-08 03:30"


def test_the_repeated_hour_counts_twice():
    calendar = Calendar("America/New_York", {6: hours((1, 5))})
    start = at("2026-11-01 00:00", NEW_YORK)
    assert worktime.between(calendar, start, start + timedelta(days=1)) == 5 * 60
    end = worktime.add(calendar, at("2026-11-01 01:30", NEW_YORK), 120)
    assert wall(end, NEW_YORK) == "2026-11-01 02:30"


@pytest.mark.parametrize(("day", "length"), [("2026-03-08", 23), ("2026-11-01", 25)])
def test_a_whole_day_is_as_long_as_it_really_is(day, length):
    calendar = Calendar.always("America/New_York")
    start = at(f"{day} 00:00", NEW_YORK)
    end = worktime.close_of(calendar, start.date())
    assert worktime.between(calendar, start, end) == length * 60
    sunday_only = Calendar("America/New_York", {6: hours((0, 24))})
    assert worktime.between(sunday_only, start, start + timedelta(days=3)) == length * 60


@pytest.mark.parametrize("friday", ["2026-03-06", "2026-10-30"])
def test_opening_hours_follow_the_wall_clock_over_the_change(friday):
    calendar = Calendar("America/New_York", dict.fromkeys(range(5), hours((9, 17))))
    start = at(f"{friday} 16:00", NEW_YORK)
    monday = (start + timedelta(days=3)).date()
    assert wall(worktime.add(calendar, start, 120), NEW_YORK) == f"{monday} 10:00"
    one_day = worktime.due(calendar, start, Limit(1, Unit.WORKING_DAYS))
    assert wall(one_day, NEW_YORK) == f"{monday} 17:00"


# --- Refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "end"), [(600, 600), (700, 600), (-1, 60), (0, 1441)])
def test_a_span_lies_within_one_day(start, end):
    with pytest.raises(CalendarError, match="within one day"):
        Span(start, end)


@pytest.mark.parametrize(
    ("week", "days", "words"),
    [
        ({0: hours((9, 12), (11, 18))}, {}, "overlap"),
        ({0: hours((13, 18), (9, 12))}, {}, "come after"),
        ({7: hours((9, 12))}, {}, "weekday 7"),
        ({}, {date(2026, 6, 6): Day(True)}, "without opening hours"),
        (WEEKDAYS, {date(2026, 6, 6): Day(True, ())}, "without opening hours"),
        (WEEKDAYS, {date(2026, 6, 6): Day(True, hours((9, 12), (11, 13)))}, "2026-06-06"),
        (WEEKDAYS, {date(2026, 6, 5): Day(False, hours((9, 12)))}, "day off"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_in_words(week, days, words):
    with pytest.raises(CalendarError, match=words):
        Calendar("Asia/Shanghai", week, days)


def test_an_unknown_zone_is_refused():
    with pytest.raises(CalendarError, match="Mars/Olympus"):
        Calendar("Mars/Olympus", WEEKDAYS)


def test_touching_spans_are_allowed_and_a_limit_needs_an_amount():
    calendar = Calendar("Asia/Shanghai", {0: hours((9, 12), (12, 18))})
    assert worktime.between(calendar, at("2026-06-01 00:00"), at("2026-06-02 00:00")) == 540
    with pytest.raises(ValueError, match="over before it starts"):
        Limit(0, Unit.WORKING_DAYS)


def test_a_moment_without_a_zone_is_refused(cn):
    naive = at("2026-06-01 10:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="no time zone"):
        worktime.add(cn, naive, 1)


def test_the_horizon_is_ten_years_whatever_was_asked_before():
    start, nine_years, eleven_years = at("2026-06-01 10:00"), 2345 * 540, 2870 * 540
    calendar = Calendar("Asia/Shanghai", WEEKDAYS)
    for _ in range(2):
        assert worktime.add(calendar, start, nine_years).year == 2035
        with pytest.raises(BeyondHorizon):
            worktime.add(calendar, start, eleven_years)
        with pytest.raises(BeyondHorizon):
            worktime.before(calendar, start, eleven_years)
        worktime.between(calendar, start, at("2045-01-01 00:00"))  # lengthens the index


def test_the_horizon_holds_for_working_days_too():
    one_day_a_week = Calendar("Asia/Shanghai", {0: NINE_TO_SIX})
    start = date(2026, 6, 1)
    for _ in range(2):
        assert worktime.nth_working_day(one_day_a_week, start, 520) == date(2036, 5, 19)
        for nth in (530, -530, 10**9):
            with pytest.raises(BeyondHorizon):
                worktime.nth_working_day(one_day_a_week, start, nth)
        worktime.working_days_between(one_day_a_week, date(2010, 1, 1), date(2045, 1, 1))


@pytest.mark.parametrize("unit", Unit)
def test_a_limit_beyond_the_horizon_is_refused(cn, unit):
    with pytest.raises(BeyondHorizon):
        worktime.due(cn, at("2026-06-01 10:00"), Limit(10**9, unit))


def test_years_long_ago_or_far_ahead_are_refused(cn):
    with pytest.raises(BeyondHorizon, match="1970"):
        worktime.add(cn, at("1900-06-01 10:00"), 1)
    with pytest.raises(BeyondHorizon, match="2199"):
        worktime.between(cn, at("2026-06-01 10:00"), at("9998-06-01 10:00"))


def test_answers_do_not_depend_on_the_order_of_questions():
    early, late = at("2019-06-03 10:00"), at("2031-06-02 10:00")
    forward, backward = china(), china()
    first = [worktime.add(forward, moment, 6000) for moment in (early, late)]
    second = [worktime.add(backward, moment, 6000) for moment in (late, early)]
    assert first == second[::-1]
