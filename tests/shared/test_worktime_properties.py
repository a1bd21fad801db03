"""Random calendars against the minute oracle, and laws that hold for every calendar."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.shared import worktime
from config.shared.worktime import Calendar, Day, Limit, Span, Unit
from tests.shared.worktime_oracle import MINUTE, Oracle

FILM_DAYS = 14
ZONES = ("Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
STARTS = (  # changes of clocks, a spring festival, the ends of February in leap and plain years
    date(2026, 2, 10),
    date(2026, 3, 4),
    date(2026, 3, 31),
    date(2026, 10, 28),
    date(2024, 2, 23),
    date(2100, 2, 22),
)
house = settings(max_examples=60)

marks = st.integers(0, 96).map(lambda quarter: quarter * 15)
hours = (
    st.sets(marks, max_size=6).map(sorted).map(lambda m: tuple(zip(m[::2], m[1::2], strict=False)))
)
open_hours = hours.filter(bool)


@st.composite
def oracles(draw, *, zones=ZONES):
    """An oracle with at least one open weekday, and the first date of the fortnight to look at."""
    first = draw(st.sampled_from(STARTS))
    week = draw(st.dictionaries(st.integers(0, 6), hours, max_size=7))
    week[draw(st.integers(0, 6))] = draw(open_hours)
    offsets = st.integers(0, FILM_DAYS - 1).map(lambda n: first + timedelta(days=n))
    days = draw(st.dictionaries(offsets, st.one_of(st.just(()), open_hours), max_size=5))
    return Oracle(draw(st.sampled_from(zones)), week, days), first


def spans(pairs):
    return tuple(Span(start, end) for start, end in pairs)


def calendar_of(oracle, **extra):
    week = {weekday: spans(pairs) for weekday, pairs in oracle.week.items()}
    days = {on: Day(bool(p), spans(p) or None) for on, p in oracle.days.items()}
    return Calendar(oracle.zone, week, days | extra)


def instant(first, minutes):
    return datetime(first.year, first.month, first.day, tzinfo=UTC) + minutes * MINUTE


@house
@given(oracles(), st.integers(0, 3 * 1440), st.integers(1, 2500))
def test_limits_in_working_minutes_agree_with_the_minute_oracle(drawn, start, amount):
    oracle, first = drawn
    calendar = calendar_of(oracle)
    opened = instant(first, start)
    expected = oracle.film(opened, FILM_DAYS * 720).add(opened, amount)
    if expected is not None:
        due = worktime.due(calendar, opened, Limit(amount, Unit.WORKING_MINUTES))
        assert due == expected
        assert worktime.between(calendar, opened, due) == amount
        counted = sum(p.minutes for p in worktime.segments(calendar, opened, due) if p.counted)
        assert counted == amount


@house
@given(oracles(), st.integers(0, 3 * 1440), st.integers(1, 6))
def test_limits_in_working_days_end_with_the_nth_open_day_of_the_oracle(drawn, start, days):
    oracle, first = drawn
    opened = instant(first, start)
    due = worktime.due(calendar_of(oracle), opened, Limit(days, Unit.WORKING_DAYS))
    zone = ZoneInfo(oracle.zone)
    on, found = opened.astimezone(zone).date(), 0
    while found < days:
        on += timedelta(days=1)
        hours = oracle.days.get(on, oracle.week.get(on.weekday(), ()))
        found += bool(hours)
    closing = datetime.combine(on, time.min, zone) + max(end for _start, end in hours) * MINUTE
    assert due in {closing.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}


@house
@given(
    st.sampled_from(list(Unit)),
    st.sampled_from([date(2024, 2, 27), date(2028, 2, 28), date(2027, 2, 27), date(2100, 2, 27)]),
    st.integers(1, 5),
)
def test_the_29th_of_february_counts_where_it_exists(unit, first, amount):
    """Against plain date arithmetic, on a calendar that is open 24 hours of every day."""
    calendar = Calendar("Asia/Shanghai", dict.fromkeys(range(7), (Span(0, 1440),)))
    start = instant(first, 4 * 60)  # noon in Shanghai
    due = worktime.due(calendar, start, Limit(amount, unit))
    on = first + timedelta(days=amount)
    midnight = instant(on + timedelta(days=1), -8 * 60)
    expected = {
        Unit.WORKING_DAYS: midnight,
        Unit.CALENDAR_DAYS: midnight - timedelta(seconds=1),
        Unit.WORKING_MINUTES: start + amount * MINUTE,
        Unit.ELAPSED_MINUTES: start + amount * MINUTE,
    }
    assert due == expected[unit]


@house
@given(st.data())
def test_counting_agrees_with_the_minute_oracle(data):
    oracle, first = data.draw(oracles())
    calendar = calendar_of(oracle)
    film = oracle.film(instant(first, 0), FILM_DAYS * 1440)
    minute = st.integers(0, FILM_DAYS * 1440)
    for _ in range(4):
        a, b = (instant(first, data.draw(minute)) for _ in "ab")
        amount = data.draw(st.integers(1, 3000))
        assert worktime.between(calendar, a, b) == film.between(a, b)
        ahead, behind = film.add(a, amount), film.before(a, amount)
        if ahead is not None:
            assert worktime.add(calendar, a, amount) == ahead
        if behind is not None:
            assert worktime.before(calendar, a, amount) == behind


@house
@given(oracles(), st.integers(0, 1439), st.integers(0, 3 * 1440))
def test_segments_agree_with_the_minute_oracle(drawn, start, length):
    oracle, first = drawn
    calendar = calendar_of(oracle)
    a, b = instant(first, start), instant(first, start + length)
    parts = worktime.segments(calendar, a, b)
    for moment, is_open in oracle.film(a, length).minutes():
        [part] = [p for p in parts if p.start <= moment < p.end]
        assert part.counted == is_open
        assert worktime.is_open(calendar, moment) == is_open


@house
@given(oracles(), st.integers(0, 20_000), st.integers(0, 10**12))
def test_segments_cover_the_time_and_sum_to_what_is_between(drawn, start, microseconds):
    oracle, first = drawn
    calendar = calendar_of(oracle)
    a = instant(first, start)
    b = a + timedelta(microseconds=microseconds)
    parts = worktime.segments(calendar, a, b)
    edges = [a, *(p.end for p in parts)]
    assert [p.start for p in parts] == edges[:-1]
    assert edges[-1] == b
    counted = sum((p.end - p.start for p in parts if p.counted), timedelta())
    seconds = worktime.counted_seconds(calendar, Unit.WORKING_MINUTES, a, b)
    assert counted == timedelta(seconds=seconds)


@pytest.mark.parametrize("size", range(1, 8))
def test_every_subset_of_weekdays_agrees_with_the_oracle(size):
    first = date(2026, 6, 1)
    for weekdays in combinations(range(7), size):
        oracle = Oracle("Asia/Shanghai", dict.fromkeys(weekdays, ((540, 720), (780, 1440))), {})
        calendar = calendar_of(oracle)
        film = oracle.film(instant(first, 0), 18 * 1440)
        for start in (instant(first, 3 * 60 + 1), instant(first, 3 * 1440 + 700)):
            assert worktime.add(calendar, start, 841) == film.add(start, 841)
        assert calendar.check_reachable(instant(first, 0)) is None


@house
@given(oracles(), st.integers(0, 10**12), st.integers(0, 20_000), st.integers(1, 10**11))
def test_time_added_is_time_between(drawn, since, minutes, microseconds):
    oracle, first = drawn
    calendar = calendar_of(oracle)
    start = instant(first, 0) + timedelta(microseconds=since)
    fraction = microseconds / 60_000_000
    assert worktime.between(calendar, start, worktime.add(calendar, start, minutes)) == minutes
    assert worktime.between(calendar, start, worktime.add(calendar, start, fraction)) == fraction
    assert worktime.between(calendar, worktime.before(calendar, start, minutes), start) == minutes


@house
@given(oracles(), st.tuples(*[st.integers(0, 20_000)] * 2), st.tuples(*[st.integers(1, 9000)] * 2))
def test_later_starts_and_longer_limits_are_never_due_earlier(drawn, starts, amounts):
    oracle, first = drawn
    calendar = calendar_of(oracle)
    early, late = (instant(first, start) for start in sorted(starts))
    short, long = sorted(amounts)
    assert worktime.add(calendar, early, short) <= worktime.add(calendar, late, short)
    assert worktime.add(calendar, early, short) <= worktime.add(calendar, early, long)
    days = Limit(1 + short // 500, Unit.WORKING_DAYS)
    assert worktime.due(calendar, early, days) <= worktime.due(calendar, late, days)


@house
@given(oracles(), st.integers(0, 20_000), st.integers(1, 6000), st.integers(0, FILM_DAYS))
def test_a_new_holiday_never_makes_anything_due_earlier(drawn, start, amount, holiday):
    oracle, first = drawn
    before = calendar_of(oracle)
    after = Calendar(
        before.zone,
        before.week,
        {**before.days, first + timedelta(days=holiday): Day(working=False)},
    )
    received = instant(first, start)
    limits = [
        Limit(amount, Unit.WORKING_MINUTES),
        Limit(1 + amount // 500, Unit.WORKING_DAYS),
        Limit(1 + amount // 500, Unit.CALENDAR_DAYS),
        Limit(amount, Unit.ELAPSED_MINUTES),
    ]
    for limit in limits:
        assert worktime.due(after, received, limit) >= worktime.due(before, received, limit)


@house
@given(
    oracles(),
    st.integers(0, 20_000),
    st.integers(1, 4000),
    st.lists(st.integers(1, 900), max_size=6),
)
def test_a_paused_clock_counts_exactly_its_limit(drawn, start, limit, steps):
    """Pauses [p0, p1), [p2, p3) ... while the clock runs: counted minus paused is the limit."""
    oracle, first = drawn
    calendar, unit = calendar_of(oracle), Unit.WORKING_MINUTES
    opened = instant(first, start)
    due, total, cursor = worktime.add(calendar, opened, limit), 0.0, opened
    for pause, resume in zip(steps[::2], steps[1::2], strict=False):
        paused_at = cursor + pause * MINUTE
        if paused_at >= due:
            break
        cursor = paused_at + resume * MINUTE
        paused = worktime.counted_seconds(calendar, unit, paused_at, cursor)
        due, total = worktime.shift(calendar, unit, due, paused), total + paused
    run = worktime.counted_seconds(calendar, unit, opened, due)
    assert run - total == limit * 60


@house
@given(oracles(), st.integers(-40, 40).filter(bool), st.integers(0, 60))
def test_the_nth_working_day_is_n_working_days_away(drawn, nth, offset):
    oracle, first = drawn
    calendar = calendar_of(oracle)
    on = first + timedelta(days=offset)
    found = worktime.nth_working_day(calendar, on, nth)
    assert worktime.close_of(calendar, found) is not None
    if nth > 0:
        assert worktime.working_days_between(calendar, on, found) == nth
    else:
        yesterday = timedelta(days=1)
        assert worktime.working_days_between(calendar, on - yesterday, found - yesterday) == nth


@house
@given(oracles(), st.integers(0, 20_000), st.integers(1, 5000), st.sampled_from(list(Unit)))
def test_percent_points_rise_to_the_due_time_and_past_it(drawn, start, amount, unit):
    oracle, first = drawn
    calendar = calendar_of(oracle)
    received = instant(first, start)
    due = worktime.due(calendar, received, Limit(1 + amount // 1000, unit))
    points = [
        worktime.percent_point(calendar, unit, received, due, percent)
        for percent in (0, 1, 50, 80, 99, 100, 101, 120, 300)
    ]
    assert points == sorted(points)
    assert points[5] == due


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("America/St_Johns", date(2010, 11, 6)),  # 00:01 goes back to 23:01 of the day before
        ("Asia/Beirut", date(2026, 3, 28)),  # 00:00 does not exist
        ("America/Havana", date(2026, 10, 31)),  # 00:00 comes twice
        ("America/Sao_Paulo", date(2018, 2, 17)),  # 23:00 comes twice
        ("Pacific/Apia", date(2011, 12, 29)),  # a whole date does not exist
    ],
)
def test_changes_of_the_zone_at_midnight_agree_with_the_oracle(zone, first):
    oracle = Oracle(zone, dict.fromkeys(range(7), ((0, 30), (90, 720), (1350, 1440))), {})
    calendar = calendar_of(oracle)
    start, end = instant(first, 0), instant(first, 3 * 1440)
    film = oracle.film(start, 3 * 1440)
    assert worktime.between(calendar, start, end) == film.between(start, end)
    for moment, is_open in film.minutes():
        assert worktime.is_open(calendar, moment) == is_open
    parts = worktime.segments(calendar, start, end)
    assert [p.start for p in parts[1:]] == [p.end for p in parts[:-1]]
    assert sum(p.minutes for p in parts if p.counted) == film.between(start, end)


@pytest.mark.parametrize("since", [150, 150.5])
def test_a_date_that_comes_back_after_midnight_is_explained_without_gaps(since):
    """St John's 2010: one minute of the 7th, then an hour of the 6th again."""
    calendar = Calendar.always("America/St_Johns")
    second_half_past_eleven = instant(date(2010, 11, 7), 180)
    for before in (0, 30):
        start = instant(date(2010, 11, 7), since - before)
        [part] = worktime.segments(calendar, start, second_half_past_eleven)
        assert (part.start, part.end) == (start, second_half_past_eleven)
