"""Tables in text files: CSV, TSV and their relatives, in the encodings of Chinese offices."""

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from config.shared.formula_guard import unguard
from config.shared.sheet_headers import Header, check_header, find_header, too_many_rows
from config.shared.sheet_types import BinaryFile, Sheet, SheetError, SheetLimits, SheetRow

DELIMITERS = (",", "\t", ";", "|")

_CHUNK = 1 << 18
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PLAUSIBLE = 0.7
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the text is to be cut: the header stands `header.index` lines below the top."""

    file: BinaryFile
    encoding: str
    delimiter: str
    header: Header


def read_text(
    file: BinaryFile, *, name: str, headers: Collection[str], limit_rows: int, limits: SheetLimits
) -> Sheet:
    """Read a text table; the whole file is checked before the first row is handed out."""
    encoding = detect_encoding(file, headers)
    with _lines(file, encoding) as lines:
        top = [line[: 1 << 16] for line in islice(lines, limits.header_scan + 20)]
    delimiter, header = _layout(top, name, headers, limits)
    layout = _Layout(file, encoding, delimiter, check_header(header, headers, limits))
    count = sum(1 for _row in _rows(layout))
    if count > limit_rows:
        raise too_many_rows(limit_rows)
    rows = _rows(layout)
    return Sheet(
        layout.header.names, rows, encoding, delimiter, None, header_row=layout.header.index + 1
    )


def detect_encoding(file: BinaryFile, headers: Collection[str] = ()) -> str:
    """Return the codec: by mark, strict UTF-8, else the likelier of GB18030 and Big5 (cp950).

    Between the two Chinese ones headings that were asked for decide, then the share of
    everyday letters (level 1 of each standard). Text that is neither is refused.
    """
    file.seek(0)
    start = file.read(4)
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            if _decodes(file, encoding):
                return encoding
            raise _unreadable_text()
    if _decodes(file, "utf-8"):
        return "utf-8"
    scores = {
        encoding: _likeness(file, encoding, headers)
        for encoding in ("gb18030", "cp950")
        if _decodes(file, encoding)
    }
    best = max(scores, key=lambda encoding: scores[encoding], default=None)
    if best is None or (scores[best][0] == 0 and scores[best][1] < _PLAUSIBLE):
        raise _unreadable_text()
    return best


def _decodes(file: BinaryFile, encoding: str) -> bool:
    """Say whether the whole file is valid in the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _likeness(file: BinaryFile, encoding: str, headers: Collection[str]) -> tuple[int, float]:
    """Return (asked headings found, share of everyday letters) for the first part of a file."""
    file.seek(0)
    text = codecs.getincrementaldecoder(encoding)("ignore").decode(file.read(_CHUNK))
    found = sum(1 for name in headers if not name.isascii() and name in text)
    weights = [
        weight
        for sign in text
        if not sign.isascii() and (weight := _weight(sign.encode(encoding), encoding)) is not None
    ]
    return found, sum(weights) / len(weights) if weights else 1.0


def _weight(code: bytes, encoding: str) -> float | None:
    """Return 1 for an everyday letter, 0.5 for a rarer one, 0 outside, None for punctuation."""
    if len(code) != 2:
        return 0.0
    lead, trail = code
    if encoding == "gb18030":
        if trail < 0xA1:
            return 0.0
        return None if lead <= 0xA9 else 1.0 if 0xB0 <= lead <= 0xD7 else 0.5
    return None if lead <= 0xA3 else 1.0 if lead <= 0xC6 else 0.5


@contextmanager
def _lines(file: BinaryFile, encoding: str) -> Iterator[Iterator[str]]:
    """Open the file's physical lines from the top, line ends kept; the file stays open."""
    file.seek(0)
    text = io.TextIOWrapper(io.BufferedReader(_Raw(file)), encoding=encoding, newline="")
    yield iter(text)


class _Raw(io.RawIOBase):
    """A raw stream over anything that reads, which closing does not touch."""

    def __init__(self, file: BinaryFile) -> None:
        self._file = file

    def readable(self) -> bool:
        """Say yes, as io.BufferedReader asks."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # narrower buffer
        """Fill the buffer from the file."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _layout(
    top: list[str], name: str, headers: Collection[str], limits: SheetLimits
) -> tuple[str, Header | None]:
    """Return the delimiter and header that fit the first lines best."""
    said = _SEPARATOR_LINE.fullmatch(top[0]) if top else None
    candidates = [said[1]] if said else list(DELIMITERS)
    if name.lower().endswith((".tsv", ".tab")) and not said:
        candidates.sort(key=lambda sign: sign != "\t")
    best: tuple[str, Header | None] = (candidates[0], None)
    for delimiter in candidates:
        found = find_header(_first_records(top, delimiter, limits, skip=bool(said)), headers)
        if found is not None and _rank(found) > _rank(best[1]):
            best = (delimiter, found)
    return best


def _rank(header: Header | None) -> tuple[int, int]:
    """Order layouts: more asked headings, then more columns."""
    return (header.hits, len(header.names)) if header else (-1, 0)


def _first_records(
    top: list[str], delimiter: str, limits: SheetLimits, *, skip: bool
) -> Iterator[list[object]]:
    """Yield, for each of the first lines, the record that would begin there."""
    for index in range(min(len(top), limits.header_scan)):
        if (index == 0 and skip) or "\x00" in top[index]:
            yield []
            continue
        try:
            record = next(csv.reader(top[index : index + 20], delimiter=delimiter), [])
        except csv.Error:
            record = []
        yield [cell.strip() or None for cell in record]


def _rows(layout: _Layout) -> Iterator[SheetRow]:
    """Yield the data rows below the header; SheetError at the first broken line."""
    header = layout.header
    with _lines(layout.file, layout.encoding) as lines:
        above = sum(1 for _line in islice(lines, header.index))
        reader = csv.reader(_clean(lines, above), delimiter=layout.delimiter, strict=True)
        for place, (number, record) in enumerate(_records(reader, above)):
            if place == 0:
                continue
            row = header.row(number, [_cell(text) for text in record])
            if row is None:
                continue
            if row.fault is None and _swallows(record, len(header.names), layout.delimiter):
                row = SheetRow(row.number, row.cells, _swallow_fault())
            yield row


def _clean(lines: Iterator[str], above: int) -> Iterator[str]:
    """Pass the lines on; refuse NUL, which no text file holds."""
    for number, line in enumerate(lines, above + 1):
        if "\x00" in line:
            raise SheetError(
                "nul",
                _(
                    "Line %(line)s holds NUL characters: the file is damaged or not a text file. "
                    "Save it again as “CSV UTF-8” or as .xlsx."
                ),
                {"line": number},
            )
        yield line


def _records(reader: "Iterator[list[str]]", above: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which the record begins, cells); quotes that do not close are refused."""
    while True:
        begins = above + reader.line_num + 1  # type: ignore[attr-defined]  # csv reader
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _broken(begins, str(error)) from error
        yield begins, record


def _broken(line: int, reason: str) -> SheetError:
    """Return the refusal of a record that does not end as it should."""
    if "field limit" in reason:
        return SheetError(
            "cell_too_long",
            _(
                "A cell of the row that begins on line %(line)s is longer than %(limit)s "
                "characters. A closing quote may be missing; correct the line."
            ),
            {"line": line, "limit": csv.field_size_limit()},
        )
    return SheetError(
        "open_quote",
        _(
            "The row that begins on line %(line)s has a quote that is not closed, so that the "
            "rows below would be swallowed. Close the quote, or write it twice inside a text."
        ),
        {"line": line},
    )


def _cell(text: str) -> str | None:
    """Return the text of a cell, None when blank; the guard of our own exports is taken off."""
    return unguard(text) if text.strip() else None


def _swallows(record: list[str], width: int, delimiter: str) -> bool:
    """Say whether a cell seems to hold whole other rows: as many separators as a row has."""
    if width < 3:
        return False
    inner = (line for cell in record if "\n" in cell for line in cell.splitlines()[1:-1])
    return any(line.count(delimiter) == width - 1 for line in inner)


def _swallow_fault() -> str:
    """Return the words for a cell that holds rows."""
    return _now(
        "A text of this row runs over lines that look like rows of their own. "
        "A closing quote may be missing."
    )


def _unreadable_text() -> SheetError:
    return SheetError(
        "encoding",
        _(
            "The letters of the file cannot be read: it is not in UTF-8, UTF-16, GB18030 (GBK) "
            "or Big5. Save it again as “CSV UTF-8” or as .xlsx."
        ),
    )
