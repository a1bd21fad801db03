"""Checks of a workbook's zip before a parser sees it: sizes really unpacked, and cell bounds.

Declared sizes are not believed: every entry is unpacked here in small pieces and counted. In
the sheets the references of the cells that hold something are read on the way, because a
parser that lays out rows x columns dies of one cell at XFD1048576.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from config.shared.sheet_headers import too_many_columns
from config.shared.sheet_types import BinaryFile, SheetError, SheetLimits

_CHUNK = 1 << 20
_LOCAL_HEADER = 30
_RATIO_MATTERS_FROM = 10 * 1024**2
_CELL = re.compile(rb"<(?:[\w.\-]+:)?c(?=[\s>])[^<>]*(?<!/)>")
_REFERENCE = re.compile(
    rb"<(?:[\w.\-]+:)?c(?=\s)[^<>]*?\sr\s*=\s*[\"']([A-Za-z]{1,3})(\d{1,7})[\"'][^<>]*(?<!/)>"
)
_NOT_SHEETS = ("xl/sharedStrings", "xl/styles", "xl/theme/", "xl/media/", "docProps/", "xl/charts/")


def check_workbook_zip(file: BinaryFile, *, limits: SheetLimits) -> None:
    """Refuse bombs, encrypted or damaged archives and sheets too large to lay out."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check_entries(entries, limits)
            if "xl/workbook.xml" not in archive.namelist():
                raise not_a_workbook()
            unpacked = 0
            for entry in entries:
                unpacked += _walk(file, entry, limits, limits.unpacked_size - unpacked)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
        raise damaged() from error
    packed = file.seek(0, 2)
    if unpacked > _RATIO_MATTERS_FROM and unpacked > packed * limits.unpacked_ratio:
        raise unpacks_too_large(limits)


def _check_entries(entries: list[zipfile.ZipInfo], limits: SheetLimits) -> None:
    """Refuse what no office program writes."""
    names = {entry.filename for entry in entries}
    if len(entries) > limits.entries or len(names) < len(entries):
        raise unusual()
    if any(entry.flag_bits & 1 or entry.compress_type not in (0, 8) for entry in entries):
        raise unusual()
    if sum(entry.file_size for entry in entries) > limits.unpacked_size:
        raise unpacks_too_large(limits)


def _walk(file: BinaryFile, entry: zipfile.ZipInfo, limits: SheetLimits, left: int) -> int:
    """Unpack one entry, check its cells; return its true size."""
    size, tail = 0, b""
    is_sheet = not entry.filename.startswith(_NOT_SHEETS)
    bounds = _Bounds(limits)
    for piece in _pieces(file, entry):
        size += len(piece)
        if size > left:
            raise unpacks_too_large(limits)
        if is_sheet and entry.filename.endswith((".xml", ".XML")):
            if size == len(piece) and b"\x00" in piece[:64]:
                raise unusual()
            whole, _sign, tail = (tail + piece).rpartition(b">")
            bounds.take(whole + b">")
            if len(tail) > 2 * _CHUNK:
                raise unusual()
    return size


def _pieces(file: BinaryFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the unpacked bytes of an entry, whatever size its directory entry claims."""
    file.seek(entry.header_offset)
    head = file.read(_LOCAL_HEADER)
    if len(head) < _LOCAL_HEADER:
        raise damaged()
    name, extra = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
    file.seek(entry.header_offset + _LOCAL_HEADER + name + extra)
    left = entry.compress_size
    unpacker = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := file.read(min(left, 1 << 16))):
        left -= len(packed)
        if unpacker is None:
            yield packed
            continue
        while packed and not unpacker.eof:
            yield unpacker.decompress(packed, _CHUNK)
            packed = unpacker.unconsumed_tail
    if unpacker is not None:
        yield unpacker.flush()


class _Bounds:
    """The lowest and rightmost cell with a value seen so far in one sheet."""

    def __init__(self, limits: SheetLimits) -> None:
        self._limits = limits
        self._row = 1
        self._column = 1

    def take(self, xml: bytes) -> None:
        """Read the references in a piece of XML; refuse at the first excess."""
        found = _REFERENCE.findall(xml)
        if len(found) != len(_CELL.findall(xml)) or b"<!DOCTYPE" in xml:
            raise unusual()
        if not found:
            return
        letters, rows = zip(*found, strict=True)
        self._column = max(self._column, *map(_column, set(letters)))
        self._row = max(self._row, *map(int, set(rows)))
        if self._column > self._limits.columns:
            raise too_many_columns(self._column, self._limits)
        if self._row > 1_048_576:
            raise unusual()
        if self._row * self._column > self._limits.cells:
            raise SheetError(
                "sheet_too_large",
                _(
                    "A sheet reaches down to row %(row)s and across %(columns)s columns, more "
                    "than is read at once. Delete what is below the table, or split the file."
                ),
                {"row": self._row, "columns": self._column},
            )


def _column(letters: bytes) -> int:
    """Return the number of a column, A = 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def unusual() -> SheetError:
    """Return the refusal of a workbook written in a way that is not safely checked."""
    return SheetError(
        "unusual",
        _("The workbook is locked or written in an unusual way. Open it, save it as .xlsx again."),
    )


def damaged() -> SheetError:
    """Return the refusal of a workbook that cannot be opened."""
    return SheetError(
        "damaged",
        _("The workbook is damaged and cannot be opened. Save it again as .xlsx, or send CSV."),
    )


def not_a_workbook() -> SheetError:
    """Return the refusal of a file that is no spreadsheet."""
    return SheetError(
        "not_a_sheet",
        _("This is not a spreadsheet that can be read. Save it as .xlsx or as “CSV UTF-8”."),
    )


def unpacks_too_large(limits: SheetLimits) -> SheetError:
    """Return the refusal of a workbook that grows too large when unpacked."""
    return SheetError(
        "unpacks_too_large",
        _("The workbook is larger than %(limit)s MB when unpacked. Split it into smaller files."),
        {"limit": limits.unpacked_size // 1024**2},
    )
