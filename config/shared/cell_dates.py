"""Dates and times from the cells of an import, in every spelling a Chinese bank meets.

Year first is always understood (`2024-01-05`, `2024/1/5`, `2024.1.5`, `20240105`,
`2024年1月5日`), with a time behind it if there is one. `5/1/2024` means two things, so it is
read only when the import profile says which order its source writes.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Literal

from django.utils.translation import gettext_lazy as _

from config.shared.cell_values import CellError, blank_cell, folded, shown

Order = Literal["ymd", "dmy", "mdy"]
Precision = Literal["minute", "day"]

_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  a wall-clock origin
_FIRST_SERIAL, _END_SERIAL = 61, 2_958_466  # 1900-03-01 (before it Excel counts a false leap day)
_YEARS = range(1900, 2101)

_CLOCK = (
    r"(?:[T\s]*(?P<half>上午|下午|晚上|凌晨|中午|早上)?\s*"
    r"(?P<hour>\d{1,2})\s*[:时時点點]\s*(?:(?P<minute>\d{1,2})\s*分?)?"
    r"(?:[:\s]*(?P<second>\d{1,2})(?:[.,]\d{1,9})?\s*秒?)?"
    r"\s*(?P<ampm>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4})\s*(?:年\s*(?P<m1>\d{1,2})\s*月\s*(?P<d1>\d{1,2})\s*[日号號]?"
    r"|(?P<sign>[-/.])(?P<m2>\d{1,2})(?P=sign)(?P<d2>\d{1,2}))" + _CLOCK,
)
_YEAR_LAST = re.compile(
    r"(?P<first>\d{1,2})(?P<sign>[-/.])(?P<second_part>\d{1,2})(?P=sign)(?P<year>\d{4})" + _CLOCK
)
_COMPACT = re.compile(
    r"(?P<year>(?:19|20)\d{2})(?P<m1>\d{2})(?P<d1>\d{2})"
    r"(?:[T\s]?(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2}))?)?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")


def parse_datetime(value: object, zone: tzinfo, order: Order = "ymd") -> tuple[datetime, Precision]:
    """Return (aware datetime in `zone`, "minute" or "day").

    Naive values are local times of `zone`. "day" means that only the day is known and the time
    is 00:00: text without a time, and spreadsheet dates at midnight, which cannot be told from
    a day. Numbers are spreadsheet serials, or `20240105`. An hour that the zone skipped in
    spring is refused; of a repeated hour the first is taken.
    """
    naive, precision, offset = _read_in_range(value, order)
    if offset is not None:
        return naive.replace(tzinfo=offset).astimezone(zone), precision
    aware = naive.replace(tzinfo=zone)
    if aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        raise CellError(
            "no_such_time",
            _("“%(value)s” does not exist: the clocks were put forward over it."),
            {"value": shown(value)},
        )
    return aware, precision


def parse_date(value: object, order: Order = "ymd") -> date:
    """Return the day; a time behind it is dropped, an offset from UTC is not applied."""
    return _read_in_range(value, order)[0].date()


def _read_in_range(value: object, order: Order) -> tuple[datetime, Precision, tzinfo | None]:
    """Read a value and refuse years that are slips of the pen (and overflow other zones)."""
    read = _read(value, order)
    if read[0].year not in _YEARS:
        raise CellError(
            "year_out_of_range",
            _("“%(value)s” lies outside the years 1900 to 2100. Correct the year."),
            {"value": shown(value)},
        )
    return read


def _read(value: object, order: Order) -> tuple[datetime, Precision, tzinfo | None]:
    """Return (wall clock, precision, its own offset or None)."""
    if isinstance(value, datetime):
        naive = value.replace(tzinfo=None)
        return naive, "day" if naive.time() == time() else "minute", value.tzinfo
    if isinstance(value, date):
        return datetime.combine(value, time()), "day", None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_number(value)
    text = folded(value) if isinstance(value, str) or value is None else ""
    if not text:
        raise blank_cell() if value is None or isinstance(value, str) else _not_a_date(value)
    return _from_text(text, order)


def _from_number(value: float) -> tuple[datetime, Precision, None]:
    """Read `20240105` or a spreadsheet serial."""
    if value in _YEARS:
        raise _not_a_date(value)
    if isinstance(value, int) and 19_000_101 <= value <= 21_001_231:
        return _from_text(str(value), "ymd")[0], "day", None
    if not _FIRST_SERIAL <= value < _END_SERIAL:
        raise _not_a_date(value)
    seconds = round(value * 86_400)
    naive = _EXCEL_EPOCH + timedelta(seconds=seconds)
    return naive, "day" if seconds % 86_400 == 0 else "minute", None


def _from_text(text: str, order: Order) -> tuple[datetime, Precision, tzinfo | None]:
    """Read a date that arrived as text."""
    if _SERIAL.fullmatch(text):
        return _from_number(float(text))
    found = _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is None:
        found = _YEAR_LAST.fullmatch(text)
        if found is None:
            raise _not_a_date(text)
    part = found.groupdict()
    month, day = _month_and_day(part, text, order)
    try:
        clock = _clock(part)
        naive = datetime.combine(date(int(part["year"]), month, day), clock or time())
    except ValueError as error:
        raise CellError(
            "no_such_date",
            _("“%(value)s” is not a date of the calendar. Correct the day or the time."),
            {"value": shown(text)},
        ) from error
    return naive, "minute" if clock else "day", _offset(part)


def _month_and_day(part: dict[str, str | None], text: str, order: Order) -> tuple[int, int]:
    """Return (month, day) by the order of the profile; refuse when it is not known."""
    first, second = part.get("first"), part.get("second_part")
    if first is None or second is None:
        return int(part.get("m1") or part.get("m2") or 0), int(
            part.get("d1") or part.get("d2") or 0
        )
    if order == "ymd":
        raise CellError(
            "order_unknown",
            _("“%(value)s” may be day or month first. Write the year first: 2024-01-31."),
            {"value": shown(text)},
        )
    return (int(first), int(second)) if order == "mdy" else (int(second), int(first))


def _clock(part: dict[str, str | None]) -> time | None:
    """Return the time of day, None when the text has none; ValueError when there is no such."""
    if part["hour"] is None:
        return None
    hour = int(part["hour"])
    half = (part.get("half") or part.get("ampm") or "").lower()
    if half[:1] == "a" or half[:1] == "p":
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    elif half in {"下午", "晚上", "中午"} and hour < (12 if half != "中午" else 3):
        hour += 12
    return time(hour, int(part["minute"] or 0), int(part["second"] or 0))


def _offset(part: dict[str, str | None]) -> tzinfo | None:
    """Return the offset written behind the time."""
    text = part.get("zone")
    if not text:
        return None
    if text[0] not in "+-":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise _not_a_date(text)
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if text[0] == "-" else delta)


def _not_a_date(value: object) -> CellError:
    return CellError(
        "not_a_date",
        _("“%(value)s” is not a date. Write it like 2024-01-31 or 2024-01-31 09:30."),
        {"value": shown(value)},
    )
