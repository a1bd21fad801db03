"""The yearly notice of official days as a file: CSV or a workbook, English or Chinese headings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.shared.cell_dates import parse_date
from config.shared.cell_values import as_text, folded, shown
from config.shared.formula_guard import guard
from config.shared.moments import YEARS
from config.shared.sheet_types import BinaryFile
from config.shared.sheets import SheetRow, read_sheet
from config.shared.worded import WordedError

LIMIT_ROWS: Final = 2000
LONGEST_NAME: Final = 60
_HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("date", "日期"),
    "kind": ("kind", "类型"),
    "name_zh": ("name_zh", "名称"),
    "name_en": ("name_en", "英文名称"),
}
_KINDS: Final = {
    **dict.fromkeys(("off", "holiday", "放假", "休", "休息", "休假", "节假日"), False),
    **dict.fromkeys(("work", "workday", "上班", "班", "补班", "调休上班", "工作日"), True),
}
_ENGLISH: Final = (
    ("元旦", "New Year's Day"),
    ("春节", "Spring Festival"),
    ("清明", "Tomb-sweeping Day"),
    ("劳动节", "Labour Day"),
    ("端午", "Dragon Boat Festival"),
    ("中秋", "Mid-autumn Festival"),
    ("国庆", "National Day"),
)


class CalendarRefused(WordedError):  # noqa: N818 - reads as words
    """No such calendar, an edit that makes no sense, or a file that cannot be taken."""


@dataclass(frozen=True, slots=True)
class OfficialDay:
    """One row of a file of official days: off, or a make-up working day."""

    date: date
    working: bool
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one line of a file, in words; `value` is what stands there."""

    line: int
    value: str
    words: str | Promise


@dataclass(frozen=True, slots=True)
class Reading:
    """The days of a file in their order, and the lines that cannot be taken."""

    days: list[OfficialDay]
    faults: list[Fault]

    @property
    def years(self) -> list[int]:
        """The years the file speaks of."""
        return sorted({day.date.year for day in self.days})


def read_file(source: Path | BinaryFile, name: str) -> Reading:
    """Read a CSV or workbook with the columns date, kind, name_zh, name_en (or 日期 类型 名称).

    `kind` is work or off (上班, 放假). Raises SheetError for a file that is no table and
    CalendarRefused for a missing column or no rows; a wrong line is a Fault.
    """
    wanted = [heading for each in _HEADINGS.values() for heading in each]
    sheet = read_sheet(source, name=name, headers=wanted, limit_rows=LIMIT_ROWS)
    columns = _columns(sheet.headers)
    days: dict[date, OfficialDay] = {}
    faults: list[Fault] = []
    for row in sheet.rows:
        day = _read(row, columns)
        if isinstance(day, Fault):
            faults.append(day)
        elif day.date in days:
            faults.append(Fault(row.number, str(day.date), _("This date stands there twice.")))
        else:
            days[day.date] = day
    if not days and not faults:
        raise CalendarRefused("empty", _("The file holds no days."))
    return Reading(list(days.values()), faults)


def read_official_days(source: str | Path | BinaryFile, name: str = "") -> list[OfficialDay]:
    """Return the days of a file (or of the text of a CSV), all of them right.

    Raises CalendarRefused with the first line that is wrong, SheetError for no table at all.
    """
    opened = BytesIO(source.encode()) if isinstance(source, str) else source
    reading = read_file(opened, name or "days.csv")
    for fault in reading.faults:
        message = _("Line %(line)s (%(value)s): %(words)s")
        params = {"line": fault.line, "value": fault.value, "words": fault.words}
        raise CalendarRefused("line", message, params)
    return reading.days


def as_csv(days: list[OfficialDay]) -> str:
    """Return days as the text of a CSV that `read_official_days` takes; no name is a formula."""
    lines = ["date,kind,name_zh,name_en"]
    for day in days:
        guarded = (guard(name).replace('"', '""') for name in (day.name_zh, day.name_en))
        names = ",".join(f'"{name}"' for name in guarded)
        lines.append(f"{day.date},{'work' if day.working else 'off'},{names}")
    return "\n".join(lines) + "\n"


def _columns(headers: tuple[str, ...]) -> dict[str, str]:
    """Return which heading of the file stands for which column; a name in one language is enough.

    Raises CalendarRefused for a column that is missing.
    """
    found = {
        key: next(heading for heading in spellings if heading in headers)
        for key, spellings in _HEADINGS.items()
        if set(spellings) & set(headers)
    }
    missing = [key for key in ("date", "kind") if key not in found]
    if not missing and "name_zh" not in found and "name_en" not in found:
        missing = ["name_zh"]
    if missing:
        message = _("The file has no column %(column)s.")
        raise CalendarRefused("column", message, {"column": missing[0]})
    return found


def _read(row: SheetRow, columns: Mapping[str, str]) -> OfficialDay | Fault:
    cells = {key: row.cells.get(heading) for key, heading in columns.items()}
    if row.fault:
        return Fault(row.number, "", row.fault)
    try:
        on = parse_date(cells["date"])
    except WordedError as problem:
        return Fault(row.number, shown(cells["date"] or ""), str(problem))
    if on.year not in YEARS:
        return Fault(row.number, str(on), _("Calendars hold the years 1990 to 2099."))
    kind = folded(cells["kind"]).lower()
    if kind not in _KINDS:
        words = _("Write work or off (上班 or 放假).")
        return Fault(row.number, shown(cells["kind"] or ""), words)
    return _named(row.number, OfficialDay(on, _KINDS[kind], "", ""), cells)


def _named(line: int, day: OfficialDay, cells: Mapping[str, object]) -> OfficialDay | Fault:
    """Return the day with its names; one in a single language stands for both."""
    chinese = " ".join(as_text(cells.get("name_zh")).split())
    english = " ".join(as_text(cells.get("name_en")).split())
    if not chinese and not english:
        return Fault(line, "", _("The name of the day is missing."))
    if max(len(chinese), len(english)) > LONGEST_NAME:
        return Fault(line, shown(chinese or english), _("Names have at most 60 characters."))
    english = english or _translated(chinese, working=day.working)
    return replace(day, name_zh=chinese or english, name_en=english)


def _translated(chinese: str, *, working: bool) -> str:
    """Return the English name of a statutory holiday; the Chinese one where it is not known."""
    known = next((english for word, english in _ENGLISH if word in chinese), "")
    if not known:
        return chinese
    return f"{known} make-up workday" if working else known
