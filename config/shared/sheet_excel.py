"""Tables in Excel workbooks: .xlsx in this process after a check, legacy .xls in a child."""

import json
import subprocess  # our own script with our own interpreter
import sys
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from config.shared import sheet_legacy
from config.shared.sheet_headers import Header, check_header, find_header, too_many_rows
from config.shared.sheet_types import BinaryFile, Sheet, SheetError, SheetLimits, SheetRow
from config.shared.zip_check import check_workbook_zip, damaged

Merged = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Table:
    """One sheet: its `height` rows from row 1 on, beginning at `column` (from 0), merged ranges."""

    name: str
    height: int
    column: int
    merged: Sequence[Merged]
    rows: Callable[[], Iterator[list[object]]]


def read_xlsx(
    file: BinaryFile, *, headers: Collection[str], limit_rows: int, limits: SheetLimits
) -> Sheet:
    """Read the visible sheet with most of the wanted headings, the first of equals."""
    check_workbook_zip(file, limits=limits)
    file.seek(0)
    with _parser_errors():
        workbook = CalamineWorkbook.from_filelike(file)
        numbers = [
            number
            for number, about in enumerate(workbook.sheets_metadata)
            if about.typ is SheetTypeEnum.WorkSheet and about.visible is SheetVisibleEnum.Visible
        ]
        tables = (_loaded(workbook, number) for number in numbers)
        return _best_sheet(tables, headers, limit_rows, limits)


def read_xls(
    file: BinaryFile, *, headers: Collection[str], limit_rows: int, limits: SheetLimits
) -> Sheet:
    """Read a legacy workbook by way of a child process with bounded memory and time."""
    converted = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the rows
    try:
        _convert(file, converted, limits)
        sheet = _best_sheet(_converted_tables(converted), headers, limit_rows, limits)
    except BaseException:
        converted.close()
        raise
    weakref.finalize(sheet.rows, converted.close)
    return sheet


def _convert(file: BinaryFile, converted: IO[bytes], limits: SheetLimits) -> None:
    """Run the child over the workbook; what it wrote is in `converted`."""
    file.seek(0)
    command = [sys.executable, "-I", str(Path(sheet_legacy.__file__)), str(limits.memory)]
    with tempfile.TemporaryFile() as copy:
        while chunk := file.read(1 << 20):
            copy.write(chunk)
        copy.seek(0)
        try:
            done = subprocess.run(  # noqa: S603
                command,
                stdin=copy,
                stdout=converted,
                stderr=subprocess.DEVNULL,
                timeout=limits.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise damaged() from error
    if done.returncode == sheet_legacy.PASSWORD_EXIT:
        raise _locked()
    if done.returncode:
        raise damaged()


def _loaded(workbook: CalamineWorkbook, number: int) -> _Table:
    """Return one sheet of an open workbook; its cells are in memory from here on."""
    sheet = workbook.get_sheet_by_index(number)
    column = sheet.start[1] if sheet.start else 0

    def rows() -> Iterator[list[object]]:
        for row in sheet.iter_rows():
            yield list(row)

    return _Table(sheet.name, sheet.total_height, column, sheet.merged_cell_ranges or [], rows)


def _converted_tables(converted: IO[bytes]) -> Iterator[_Table]:
    """Yield the sheets that the child wrote."""
    converted.seek(0)
    heads: list[tuple[int, dict[str, Any]]] = []
    while line := converted.readline():
        if line.startswith(b"{"):
            heads.append((converted.tell(), json.loads(line)))
    for offset, head in heads:
        merged = [((a[0], a[1]), (b[0], b[1])) for a, b in head["merged"]]
        name, height, column = head["sheet"], head["height"], head["column"]
        yield _Table(name, height, column, merged, _lines_from(converted, offset))


def _lines_from(converted: IO[bytes], offset: int) -> Callable[[], Iterator[list[object]]]:
    """Return a reader of the rows that stand at an offset."""

    def rows() -> Iterator[list[object]]:
        at = offset
        while True:
            converted.seek(at)
            line = converted.readline()
            if not line.startswith(b"["):
                return
            at = converted.tell()
            yield [_from_json(value) for value in json.loads(line)]

    return rows


def _from_json(value: object) -> object:
    """Undo `sheet_legacy.plain`."""
    if not isinstance(value, dict):
        return value
    if "t" in value:
        return time.fromisoformat(value["t"])
    return datetime.fromisoformat(value["d"])


def _best_sheet(
    tables: Iterator[_Table], headers: Collection[str], limit_rows: int, limits: SheetLimits
) -> Sheet:
    """Choose the sheet, check its header and length, and hand out its rows."""
    best: tuple[_Table, Header] | None = None
    for table in tables:
        top = islice(table.rows(), limits.header_scan)
        header = find_header(list(_with_merged(table, top)), headers)
        if header is not None and (best is None or header.hits > best[1].hits):
            best = (table, header)
        if best is not None and best[1].hits == len(headers):
            break
    header = check_header(best[1] if best else None, headers, limits)
    if best is None:
        raise damaged()
    chosen = best[0]
    if chosen.height > limit_rows and _count(chosen, header) > limit_rows:
        raise too_many_rows(limit_rows)
    rows = _rows(chosen, header)
    return Sheet(header.names, rows, None, None, chosen.name, header_row=header.index + 1)


def _with_merged(table: _Table, top: Iterator[list[object]]) -> Iterator[list[object]]:
    """Normalise the first rows; headings merged downwards stand in each row of their range."""
    down: dict[tuple[int, int], object] = {}
    starts = {begin: end for begin, end in table.merged if end[0] > begin[0]}
    for number, raw in enumerate(top):
        row = [_cell(value) for value in raw]
        for place, value in enumerate(row):
            at = (number, place + table.column)
            if at in starts and value is not None:
                below = range(number + 1, min(starts[at][0], number + 50) + 1)
                down |= {(line, at[1]): value for line in below}
            row[place] = down.get(at) if value is None else value
        yield row


def _filled(table: _Table, header: Header) -> Iterator[tuple[int, list[object]]]:
    """Yield (row number, raw values) of the rows below the header that are not blank."""
    for index, raw in enumerate(table.rows()):
        if index > header.index and any(value not in {"", None} for value in raw):
            yield index + 1, raw


def _count(table: _Table, header: Header) -> int:
    """Return how many data rows there are; costs a walk."""
    return sum(1 for _row in _filled(table, header))


def _rows(table: _Table, header: Header) -> Iterator[SheetRow]:
    """Yield the data rows."""
    for number, raw in _filled(table, header):
        row = header.row(number, [_cell(value) for value in raw])
        if row is not None:
            yield row


def _cell(value: object) -> object:
    """Undo what the parser does to cells: '' is blank, 3.0 is 3, a date is midnight.

    Times are rounded to the second, which is what a serial number keeps.
    """
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, datetime):
        late = timedelta(microseconds=500_000 if value.year < 9999 else 0)
        return (value + late).replace(microsecond=0)
    return datetime.combine(value, time()) if isinstance(value, date) else value


@contextmanager
def _parser_errors() -> Iterator[None]:
    """Turn the parser's errors into words, its panics too (they are no Exception)."""
    try:
        yield
    except PasswordError as error:
        raise _locked() from error
    except CalamineError as error:
        raise damaged() from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise damaged() from error


def _locked() -> SheetError:
    return SheetError(
        "locked", _("The workbook is protected by a password. Remove it and save the file again.")
    )
