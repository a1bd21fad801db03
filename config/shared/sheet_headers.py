"""Finding the row of headings, and turning the rows below it into named cells."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from config.shared.sheet_types import SheetError, SheetLimits, SheetRow

_ZONE = re.compile(r"\s*\((?:[A-Za-z_]+(?:/[A-Za-z0-9_+\-]+)+|UTC(?:[+-]\d{2}:\d{2})?)\)$")


@dataclass(frozen=True, slots=True)
class Header:
    """The headings of a table, where they stand (from 0), and how many were asked for."""

    names: tuple[str, ...]
    index: int
    hits: int

    def row(self, number: int, values: Sequence[object]) -> SheetRow | None:
        """Name the values of one row; None when all of them are blank."""
        width = len(self.names)
        cells = {name: value for name, value in zip(self.names, values, strict=False) if name}
        if all(value is None for value in values):
            return None
        for name in self.names[len(values) :]:
            if name:
                cells[name] = None
        stray = [
            place
            for place, value in enumerate(values)
            if value is not None and (place >= width or not self.names[place])
        ]
        return SheetRow(number, cells, _stray_fault(stray[0]) if stray else None)


def heading_key(text: object) -> str:
    """Return the form in which headings are compared: NFKC, small letters, single blanks.

    A zone in brackets at the end, as our own exports write it, does not count.
    """
    folded = " ".join(unicodedata.normalize("NFKC", str(text)).split())
    return _ZONE.sub("", folded).casefold().rstrip("*:").strip()


def find_header(rows: Iterable[Sequence[object]], wanted: Collection[str]) -> Header | None:
    """Return the row with the most wanted headings, the first of equals; None when none has any.

    Without wanted headings the first row that is not blank is taken.
    """
    known = {heading_key(name): name for name in wanted}
    best: Header | None = None
    for index, row in enumerate(rows):
        names = _names(row, known)
        if not any(names):
            continue
        hits = sum(1 for name in set(names) if heading_key(name) in known)
        if (hits or not known) and (best is None or hits > best.hits):
            best = Header(names, index, hits)
        if best is not None and best.hits == len(known):
            break
    return best


def check_header(header: Header | None, wanted: Collection[str], limits: SheetLimits) -> Header:
    """Return the header, or refuse in words: not found, doubled headings, too many columns."""
    if header is None:
        raise SheetError(
            "no_header",
            _(
                "None of the first %(rows)s rows holds the headings of this import, such as "
                "%(headings)s. Put them into the first row, or choose another layout."
            ),
            {"rows": limits.header_scan, "headings": ", ".join(list(wanted)[:5])},
        )
    if len(header.names) > limits.columns:
        raise too_many_columns(len(header.names), limits)
    keys = [heading_key(name) for name in header.names if name]
    doubled = [name for name in header.names if name and keys.count(heading_key(name)) > 1]
    if doubled:
        raise SheetError(
            "doubled_heading",
            _(
                "The heading “%(heading)s” stands over more than one column. "
                "Rename or delete one of them."
            ),
            {"heading": doubled[0]},
        )
    return header


def too_many_columns(columns: int, limits: SheetLimits) -> SheetError:
    """Return the refusal of a table that is too wide."""
    return SheetError(
        "too_many_columns",
        _(
            "The sheet has values in %(columns)s columns; at most %(limit)s are read. "
            "Delete the rest."
        ),
        {"columns": columns, "limit": limits.columns},
    )


def too_many_rows(limit_rows: int) -> SheetError:
    """Return the refusal of a table that is too long."""
    return SheetError(
        "too_many_rows",
        _("The file has more than %(limit)s rows. Split it and load the parts one by one."),
        {"limit": limit_rows},
    )


def column_letters(place: int) -> str:
    """Return the spreadsheet name of a column counted from 0: A, B, ... AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _names(row: Sequence[object], known: dict[str, str]) -> tuple[str, ...]:
    """Return the headings of a row, trailing blank ones cut, asked ones in the asked spelling."""
    texts = ["" if value is None else " ".join(str(value).split()) for value in row]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(known.get(heading_key(text), text) for text in texts)


def _stray_fault(place: int) -> str:
    """Return the words for a value outside the headed columns."""
    return _now(
        "Column %(column)s has a value but no heading. The row has too many cells: "
        "a separator or quote may be misplaced."
    ) % {"column": column_letters(place)}
