"""Typed values from cells, and refusals that say what to write."""

# ruff: noqa: DTZ001  cells of a sheet are naive

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.shared.cell_parsing import (
    CellError,
    parse_amount,
    parse_bool,
    parse_code,
    parse_date,
    parse_datetime,
    parse_text,
    parse_whole,
)

ZONE = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")


def code_of(parse, *args, **more):
    with pytest.raises(CellError) as caught:
        parse(*args, **more)
    assert str(caught.value)
    assert "%(" not in str(caught.value)
    return caught.value.code


def words_of(parse, value):
    """Return the words of the refusal, `read` without one."""
    try:
        parse(value)
    except CellError as error:
        return str(error)
    return "read"


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-05",
        " 2024/1/5 ",
        "2024.01.05",
        "20240105",
        20240105,
        "2024年1月5日",
        "2024 年 01 月 05 号",
        "２０２４－０１－０５",
        45296,
        45296.0,
        "45296",
        date(2024, 1, 5),
        datetime(2024, 1, 5),
    ],
)
def test_days(value):
    assert parse_datetime(value, ZONE) == (datetime(2024, 1, 5, tzinfo=ZONE), "day")
    assert parse_date(value) == date(2024, 1, 5)


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-05 15:04",
        "2024/1/5 15:04:00",
        "2024-01-05T15:04:00.123",
        "2024-01-05T07:04Z",
        "2024-01-05 02:04 -05:00",
        "2024-01-05T15:04:00+0800",
        "2024年1月5日 下午3时04分",
        "2024年1月5日15点4分",
        "2024年1月5日 下午3:04",
        "2024-01-05 3:04 PM",
        "20240105 1504",
        "20240105150400",
        45296 + (15 * 60 + 4) / 1440,
        datetime(2024, 1, 5, 15, 4),
        datetime(2024, 1, 5, 7, 4, tzinfo=UTC),
    ],
)
def test_minutes(value):
    moment, precision = parse_datetime(value, ZONE)
    assert (moment, precision) == (datetime(2024, 1, 5, 15, 4, tzinfo=ZONE), "minute")
    assert moment.tzinfo is ZONE


def test_a_written_midnight_is_a_minute():
    assert parse_datetime("2024-01-05 00:00", ZONE)[1] == "minute"
    assert parse_datetime("2024-01-05 12:10 AM", ZONE)[0].hour == 0
    assert parse_datetime("2024年1月5日 中午12:10", ZONE)[0].hour == 12


def test_the_order_of_the_profile_decides_and_is_needed():
    assert parse_date("3/4/2024", "dmy") == date(2024, 4, 3)
    assert parse_date("3/4/2024", "mdy") == date(2024, 3, 4)
    assert parse_date("2024-03-04", "dmy") == date(2024, 3, 4)
    assert code_of(parse_date, "13/4/2024") == "order_unknown"
    assert code_of(parse_date, "13/4/2024", "mdy") == "no_such_date"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "blank"),
        (None, "blank"),
        ("soon", "not_a_date"),
        (True, "not_a_date"),
        (2024, "not_a_date"),
        (0.5, "not_a_date"),
        (-1, "not_a_date"),
        (float("nan"), "not_a_date"),
        (float("inf"), "not_a_date"),
        ([], "not_a_date"),
        ("5/1/24", "not_a_date"),
        ("2024-02-30", "no_such_date"),
        ("2024-01-05 25:00", "no_such_date"),
        ("2024-01-05 13:00 PM", "no_such_date"),
        ("2024-01-05 10:00+19:00", "not_a_date"),
        ("0001-01-01", "year_out_of_range"),
        (datetime(9999, 12, 31, 23), "year_out_of_range"),
        (99_999, "year_out_of_range"),
    ],
)
def test_what_is_no_date_is_refused(value, code):
    assert code_of(parse_datetime, value, NEW_YORK) == code


def test_an_hour_the_clocks_skipped_is_refused_and_a_double_one_is_the_first():
    assert code_of(parse_datetime, "2024-03-10 02:30", NEW_YORK) == "no_such_time"
    moment, _precision = parse_datetime("2024-11-03 01:30", NEW_YORK)
    assert moment.astimezone(UTC).hour == 5


@given(st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1)))
def test_serials_and_iso_text_round_trip(moment):
    moment = moment.replace(microsecond=0)
    serial = (moment - datetime(1899, 12, 30)) / timedelta(days=1)
    if serial not in range(1900, 2101):
        assert parse_datetime(serial, UTC)[0] == moment.replace(tzinfo=UTC)
    assert parse_datetime(moment.isoformat(), UTC)[0] == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("¥2,000.00", "2000"),
        ("￥ 2,000", "2000"),
        ("2 000", "2000"),
        ("2\u00a0000.5", "2000.5"),
        ("２，０００．５０", "2000.5"),
        ("CNY 1,234,567.89", "1234567.89"),
        ("RMB5元", "5"),
        ("-¥3", "-3"),
        ("¥-3", "-3"),
        ("−4", "-4"),
        ("(12.50)", "-12.5"),
        ("3.5万", "35000"),
        ("2万元", "20000"),
        ("1亿", "100000000"),
        (".5", "0.5"),
        (0.1 + 0.2, "0.3"),
        (7, "7"),
        (Decimal("1.20"), "1.2"),
    ],
)
def test_amounts(value, amount):
    assert parse_amount(value) == Decimal(amount)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2,50", "not_an_amount"),
        ("2.000,00", "not_an_amount"),
        ("1,234 567", "not_an_amount"),
        ("1e5", "not_an_amount"),
        ("--5", "not_an_amount"),
        ("about 5", "not_an_amount"),
        ("¥", "not_an_amount"),
        (True, "not_an_amount"),
        (float("nan"), "not_an_amount"),
        (datetime(2024, 1, 5), "not_an_amount"),
        ("9" * 16, "amount_too_large"),
        (10**15, "amount_too_large"),
        (" ", "blank"),
    ],
)
def test_what_is_no_amount_is_refused(value, code):
    assert code_of(parse_amount, value) == code


@given(st.decimals(-(10**12), 10**12, places=2))
def test_written_amounts_come_back(amount):
    assert parse_amount(f"{amount:,}") == amount
    assert parse_amount(f"¥{amount}") == amount


def test_codes():
    assert [parse_code(x) for x in (3.0, "ＡＢ-1 ", "\u200b007\ufeff", 12)] == [
        "3",
        "AB-1",
        "007",
        "12",
    ]
    assert code_of(parse_code, 110101199003071234) == "digits_lost"
    assert code_of(parse_code, 6.22202e18) == "digits_lost"
    assert code_of(parse_code, "two words") == "not_a_code"
    assert code_of(parse_code, "x" * 65) == "too_long"
    assert code_of(parse_code, "\u200b") == "blank"


def test_yes_and_no():
    assert all(parse_bool(x) for x in (True, "YES", "是", 1, 1.0, "有", "√", " ｙ "))
    assert not any(parse_bool(x) for x in (False, "no", "否", 0, "无", "×"))
    assert code_of(parse_bool, "perhaps") == "not_yes_no"
    assert code_of(parse_bool, "x") == "not_yes_no"
    assert code_of(parse_bool, None) == "blank"


def test_text_and_whole_numbers():
    assert parse_text("  a\nb ", limit=3) == "a\nb"
    assert parse_text(13812342107.0, limit=20) == "13812342107"
    assert code_of(parse_text, "abcd", limit=3) == "too_long"
    assert code_of(parse_text, "a\x00b", limit=9) == "unreadable"
    assert code_of(parse_text, "a\ud800b", limit=9) == "unreadable"
    assert parse_whole("1,000") == 1000
    assert code_of(parse_whole, "1.5") == "not_whole"


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.booleans(), st.none()))
def test_any_value_is_read_or_refused_in_words(value):
    for parse in (parse_amount, parse_bool, parse_code, parse_date, parse_whole):
        assert words_of(parse, value)
