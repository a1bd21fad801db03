"""The shapes of a sheet that was read, its limits, and the refusal of a whole file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from config.shared.worded import WordedError


class SheetError(WordedError):
    """The file cannot be read as a table; the words say what to do about it."""


class BinaryFile(Protocol):
    """An open file of bytes that can be read again from its beginning."""

    def read(self, size: int = ..., /) -> bytes:
        """Return up to `size` bytes."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Move to an offset and return the new position."""

    def close(self) -> None:
        """Give the file back."""


@dataclass(frozen=True, slots=True)
class SheetLimits:
    """How much of a file is taken. Sizes are bytes, `seconds` counts for legacy .xls only."""

    file_size: int = 200 * 1024**2
    unpacked_size: int = 300 * 1024**2
    unpacked_ratio: int = 200
    entries: int = 2_000
    columns: int = 200
    cells: int = 6_000_000
    header_scan: int = 50
    seconds: int = 60
    memory: int = 1536 * 1024**2


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One data row: its number in the file (line of a CSV, row of a sheet), cells by heading.

    Cells are text, int, float, bool, datetime (naive), time, timedelta, or None when blank.
    `fault` is a sentence when the row cannot be trusted as it stands, else None.
    """

    number: int
    cells: dict[str, object]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a file. `rows` can be walked once.

    Headings that were asked for appear in the asked spelling, others as in the file; a column
    without heading is "". `encoding` and `delimiter` are None for a workbook, `sheet_name` for
    text. `header_row` is the line or row of the headings, from 1.
    """

    headers: tuple[str, ...]
    rows: Iterator[SheetRow]
    encoding: str | None
    delimiter: str | None
    sheet_name: str | None
    header_row: int
