"""Reading tables that people send: CSV and its relatives, .xlsx and legacy .xls.

The kind is told from the content, never from the name. A file is taken whole or refused whole
with a sentence that says what to do; only a single doubtful row is handed on with its fault.
"""

import io
import tempfile
import weakref
from collections.abc import Collection
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from config.shared.sheet_excel import read_xls, read_xlsx
from config.shared.sheet_text import read_text
from config.shared.sheet_types import BinaryFile, Sheet, SheetError, SheetLimits, SheetRow
from config.shared.zip_check import not_a_workbook

__all__ = ["Sheet", "SheetError", "SheetLimits", "SheetRow", "read_sheet"]

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER_KINDS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
_STANDARD = SheetLimits()


def read_sheet(
    source: Path | str | BinaryFile,
    *,
    name: str,
    headers: Collection[str],
    limit_rows: int,
    limits: SheetLimits = _STANDARD,
) -> Sheet:
    """Return the table of a file.

    `source` is a path or an open binary file (which stays open and must stay so while the rows
    are walked); `name` is what the sender called it, used only to prefer tabs in a .tsv.
    `headers` are the headings the import knows: the row (and the sheet) with most of them is
    the header, lines above it are skipped; compared without case, width and blanks. Empty =
    the first row that is not blank. Headings that are missing are the caller's business.

    SheetError, before any row is handed out, for: an empty, damaged, locked, too large or
    foreign file, unknown encoding, NUL, a quote that is not closed, no header, a doubled
    heading, more than `limit_rows` data rows.
    """
    file = _opened(source, limits)
    try:
        sheet = _read(file, name=name, headers=headers, limit_rows=limit_rows, limits=limits)
    except BaseException:
        if file is not source:
            file.close()
        raise
    if file is not source:
        weakref.finalize(sheet.rows, file.close)
    return sheet


def _read(
    file: BinaryFile, *, name: str, headers: Collection[str], limit_rows: int, limits: SheetLimits
) -> Sheet:
    """Read by the kind that the first bytes tell."""
    start = _checked_start(file, limits)
    if start.startswith(_ZIP):
        return read_xlsx(file, headers=headers, limit_rows=limit_rows, limits=limits)
    if start.startswith(_OLE):
        return read_xls(file, headers=headers, limit_rows=limit_rows, limits=limits)
    if start.startswith(_OTHER_KINDS):
        raise not_a_workbook()
    return read_text(file, name=name, headers=headers, limit_rows=limit_rows, limits=limits)


def _opened(source: Path | str | BinaryFile, limits: SheetLimits) -> BinaryFile:
    """Return a seekable binary file."""
    if isinstance(source, str | Path):
        try:
            return Path(source).open("rb")  # the rows own it from here on
        except OSError as error:
            raise SheetError(
                "unreadable", _("The file cannot be opened. Check that it exists and try again.")
            ) from error
    try:
        source.seek(0)
    except (AttributeError, io.UnsupportedOperation, OSError):
        return _spooled(source, limits)
    return source


def _spooled(source: BinaryFile, limits: SheetLimits) -> BinaryFile:
    """Copy a stream that cannot be read twice."""
    copy = tempfile.SpooledTemporaryFile(max_size=1 << 22)  # noqa: SIM115  the rows own it
    size = 0
    while (chunk := source.read(1 << 18)) and size <= limits.file_size:
        size += copy.write(chunk)
    return copy


def _checked_start(file: BinaryFile, limits: SheetLimits) -> bytes:
    """Return the first bytes; refuse an empty or too large file."""
    size = file.seek(0, 2)
    if size > limits.file_size:
        raise SheetError(
            "file_too_large",
            _("The file is larger than %(limit)s MB. Split it into smaller files."),
            {"limit": limits.file_size // 1024**2},
        )
    file.seek(0)
    start = file.read(1 << 12)
    if not start.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00") and size <= len(start):
        raise SheetError("empty", _("The file is empty. Choose the file that holds the table."))
    return start
