"""Writing tables for people: typed .xlsx and CSV that open right in a Chinese Excel.

Rules (SECURITY.md 0.1, PEERS.md rows 25-30): text never becomes a formula, numbers and dates
are typed, times are local without offset and the heading names the zone, nothing is cut
silently, and the number of rows is returned and, in a workbook, printed.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import IO, Literal, assert_never

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.shared.formula_guard import guard
from config.shared.workbook import CELL_LIMIT, Value, Workbook

Kind = Literal["text", "int", "decimal", "datetime", "date", "bool"]

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EXACT_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` names it for programs, `title` is its heading, width in characters."""

    key: str
    title: str | Promise
    kind: Kind = "text"
    width: float = 16


def write_xlsx(
    target: str | Path | IO[bytes],
    columns: Sequence[Column],
    rows: Iterable[Sequence[object]],
    *,
    zone: tzinfo,
    title_note: str = "",
) -> int:
    """Write a workbook and return the number of data rows.

    `rows` hold one value per column, aware datetimes in any zone; None is a blank cell. Memory
    stays flat. When the rows fail, no file is left behind. Beyond 1,048,575 rows the table goes
    on in a further sheet. A last sheet says what the file is: `title_note`, zone, number of
    rows, number of shortened cells.
    """
    book = Workbook(target)
    headings = [_heading(column, zone) for column in columns]
    widths = [column.width for column in columns]
    try:
        sheet = book.add_sheet(_("Data"), headings, widths)
        count = shortened = 0
        for row in rows:
            if sheet.is_full:
                sheet = book.add_sheet(_("Data"), headings, widths)
            values = [_typed(value, column, zone) for value, column in _paired(row, columns)]
            fitting = [_shorten(value) if isinstance(value, str) else value for value in values]
            shortened += sum(was is not now for was, now in zip(values, fitting, strict=True))
            sheet.append(fitting)
            count += 1
        book.add_notes(_("About this file"), _notes(title_note, zone, count, shortened))
    except BaseException:
        book.discard()
        raise
    book.close()
    return count


def write_csv(
    target: str | Path | IO[bytes],
    columns: Sequence[Column],
    rows: Iterable[Sequence[object]],
    *,
    zone: tzinfo,
) -> int:
    """Write UTF-8 with mark (so that Excel reads Chinese) and return the number of data rows.

    Text that a spreadsheet would run gets an apostrophe, which `sheets.read_sheet` takes off
    again. Datetimes are `2024-01-31 09:30:00` in `zone`, booleans TRUE and FALSE.
    """
    if isinstance(target, str | Path):
        return _write_csv_file(Path(target), columns, rows, zone)
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        writer.writerow(guard(_heading(column, zone)) for column in columns)
        count = 0
        for row in rows:
            pairs = _paired(row, columns)
            writer.writerow(_in_csv(_typed(value, column, zone)) for value, column in pairs)
            count += 1
    finally:
        text.flush()
        text.detach()
    return count


def _write_csv_file(
    path: Path, columns: Sequence[Column], rows: Iterable[Sequence[object]], zone: tzinfo
) -> int:
    """Write a CSV file; none is left behind when the rows fail."""
    try:
        with path.open("wb") as file:
            return write_csv(file, columns, rows, zone=zone)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def printable(value: object) -> str:
    """Return text that both formats hold: bad characters become �, line ends become LF."""
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("\ufffd", text)


def _shorten(text: str) -> str:
    """Cut text to what a cell holds, counted as Excel counts, with a mark that says so."""
    if len(text) * 2 <= CELL_LIMIT:
        return text
    units = text.encode("utf-16-le")
    if len(units) // 2 <= CELL_LIMIT:
        return text
    mark = _("… [shortened]")
    kept = units[: (CELL_LIMIT - len(mark)) * 2]
    return kept.decode("utf-16-le", errors="ignore") + mark


def _paired(row: Sequence[object], columns: Sequence[Column]) -> Iterable[tuple[object, Column]]:
    """Pair values and columns; a row of another length is a mistake of the caller."""
    return zip(row, columns, strict=True)


def _heading(column: Column, zone: tzinfo) -> str:
    """Return the heading; that of a time names the zone."""
    title = printable(column.title)
    return f"{title} ({zone_name(zone)})" if column.kind == "datetime" else title


def zone_name(zone: tzinfo) -> str:
    """Return the name of a zone as headings show it: `Asia/Shanghai`, `UTC+08:00`."""
    return str(getattr(zone, "key", None) or zone.tzname(datetime(2000, 1, 1, tzinfo=UTC)))


def _typed(value: object, column: Column, zone: tzinfo) -> Value:
    """Return the value in the type of its column; one that does not fit stays as text."""
    if value is None or value == "":
        return None
    match column.kind:
        case "text":
            return printable(value)
        case "int" | "decimal":
            return _number(value)
        case "bool":
            return value if isinstance(value, bool) else printable(value)
        case "datetime" | "date":
            return _moment(value, column.kind, zone)
        case _:
            assert_never(column.kind)


def _number(value: object) -> str | float:
    """Return a number a spreadsheet keeps exactly; longer ones as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return printable(value)
    exact = Decimal(str(value))
    if not exact.is_finite() or len(exact.normalize().as_tuple().digits) > _EXACT_DIGITS:
        return str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _moment(value: object, kind: str, zone: tzinfo) -> str | date:
    """Return a naive local datetime or a date; before 1900, which Excel lacks, as text."""
    if not isinstance(value, date):
        return printable(value)
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(zone).replace(tzinfo=None)
        value = value.date() if kind == "date" else value.replace(microsecond=0)
    return value if value.year >= 1900 else value.isoformat()


def _in_csv(value: Value) -> str | float:
    """Return what the CSV writer puts down."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return guard(value) if isinstance(value, str) else value


def _notes(title_note: str, zone: tzinfo, count: int, shortened: int) -> list[str]:
    """Return the lines of the last sheet."""
    lines = [printable(title_note)] if title_note else []
    lines.append(_("Rows: %(count)s") % {"count": count})
    lines.append(_("Times are local times of %(zone)s.") % {"zone": zone_name(zone)})
    if shortened:
        lines.append(
            _("Texts longer than a cell can hold were shortened: %(count)s") % {"count": shortened}
        )
    return lines
