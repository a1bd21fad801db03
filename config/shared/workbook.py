"""A thin layer over XlsxWriter: rows are streamed to disk and every cell has a type."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import xlsxwriter

from config.shared.formula_guard import looks_like_formula

CELL_LIMIT = 32_767  # UTF-16 units, Excel's own limit
SHEET_ROWS = 1_048_576

Filled = str | float | date  # bool is among the numbers
Value = Filled | None


class Workbook:
    """An .xlsx being written; `close` writes it to its target."""

    def __init__(self, target: str | Path | IO[bytes], *, sheet_rows: int = SHEET_ROWS) -> None:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        place = str(target) if isinstance(target, Path) else target
        self._book = xlsxwriter.Workbook(place, options)
        self._sheet_rows = sheet_rows
        self._tables = 0
        self._heading = self._book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._formats = Formats(
            text=self._book.add_format({"quote_prefix": True}),
            moment=self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            day=self._book.add_format({"num_format": "yyyy-mm-dd"}),
        )

    def add_sheet(
        self, name: str, headings: Sequence[str], widths: Sequence[float]
    ) -> "WrittenSheet":
        """Begin a sheet with a frozen row of headings; later ones of a name are numbered."""
        self._tables += 1
        sheet = self._book.add_worksheet(name if self._tables == 1 else f"{name} {self._tables}")
        sheet.freeze_panes(1, 0)
        for place, (heading, width) in enumerate(zip(headings, widths, strict=True)):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, heading, self._heading)
        return WrittenSheet(sheet, self._formats, self._sheet_rows)

    def add_notes(self, name: str, lines: Sequence[str]) -> None:
        """Add a sheet of plain lines."""
        sheet = self._book.add_worksheet(name)
        sheet.set_column(0, 0, 80)
        for place, line in enumerate(lines):
            sheet.write_string(place, 0, line)

    def close(self) -> None:
        """Write the file."""
        self._book.close()

    def discard(self) -> None:
        """Throw away what was written; an unclosed book would be written when it is collected."""
        self._book.filename = io.BytesIO()
        if not self._book.worksheets():
            self._book.add_worksheet()
        self._book.close()


@dataclass(frozen=True, slots=True)
class Formats:
    """Cell formats; `text` keeps a formula-like text from being run when it is edited."""

    text: Any
    moment: Any
    day: Any


@dataclass(slots=True)
class WrittenSheet:
    """A sheet that takes rows from top to bottom."""

    sheet: Any
    formats: Formats
    limit: int
    next_row: int = field(default=1)

    @property
    def is_full(self) -> bool:
        """Say whether the next row needs another sheet."""
        return self.next_row >= self.limit

    def append(self, values: Sequence[Value]) -> None:
        """Write the next row."""
        for place, value in enumerate(values):
            if value is not None:
                self._write(self.next_row, place, value)
        self.next_row += 1

    def _write(self, row: int, place: int, value: Filled) -> None:
        """Write one cell in its own type."""
        if isinstance(value, str):
            style = self.formats.text if looks_like_formula(value) else None
            self.sheet.write_string(row, place, value, style)
        elif isinstance(value, bool):
            self.sheet.write_boolean(row, place, value)
        elif isinstance(value, datetime):
            self.sheet.write_datetime(row, place, value, self.formats.moment)
        elif isinstance(value, date):
            self.sheet.write_datetime(row, place, value, self.formats.day)
        else:
            self.sheet.write_number(row, place, value)
