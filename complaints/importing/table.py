"""One file as a table of a known layout, read as often as needed."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from django.utils.translation import gettext_lazy as _

from complaints.importing.cfpb import Rule
from complaints.importing.profiles import Profile, demand, detect, profile, profiles
from complaints.importing.shapes import LIMIT_ROWS, CaseRow, ImportRefused
from config.shared.cell_values import CellError, folded
from config.shared.sheet_headers import heading_key
from config.shared.sheet_types import BinaryFile, Sheet, SheetRow
from config.shared.sheets import read_sheet

Opener = Callable[[], Path | BinaryFile]

_TOTAL: Final = re.compile(
    r"(?:grand\s+|sub[-\s]?)?totals?\b.*|count|合计.*|总计.*|小计.*|共计.*|汇总.*", re.IGNORECASE
)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{4}\b")


class TableFault(CellError):  # noqa: N818 - reads as words
    """A row that cannot be trusted as it stands; `message` is already in words."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose layout is known. `total` counts its data rows, `order` is that of its dates."""

    profile: Profile
    headers: tuple[str, ...]
    total: int
    order: str
    opener: Opener = field(repr=False)
    name: str = ""
    rules: Sequence[Rule] = ()
    sheet_name: str | None = None
    encoding: str | None = None

    def rows(self, at: datetime, *, after: int = 0) -> Iterator[CaseRow]:
        """Yield the rows behind row number `after`, read; `at` is now.

        Raises SheetError when the file cannot be read any more.
        """
        reading = self.profile.reading(self.headers, order=self.order, rules=self.rules)
        required = self.profile.places(self.headers)
        must = [required[name] for name in self.profile.required]
        for row in _open(self.opener, self.name, self.profile.known()).rows:
            if row.number <= after:
                continue
            if _is_no_case(row, must):
                yield _left_out(row)
                continue
            found = reading.read(row, at)
            if row.fault:
                found.say("error", "", TableFault("fault", row.fault))
            yield found


def open_table(
    opener: Opener, *, name: str, profile_key: str = "", rules: Sequence[Rule] = ()
) -> Table:
    """Look through a file: layout (`profile_key` or told by its headings), rows, order of dates.

    `opener` returns the path or an open binary file, each time from its beginning. Raises
    SheetError or ImportRefused in words when the file cannot be taken.
    """
    wanted = [profile(profile_key)] if profile_key else list(profiles().values())
    sheet = _open(opener, name, [heading for one in wanted for heading in one.known()])
    layout = demand(wanted[0], sheet.headers) if profile_key else detect(sheet.headers)
    if not profile_key:  # the headings of one layout alone may stand in another row or sheet
        sheet = _open(opener, name, layout.known())
    dates = [
        heading for key, heading in layout.places(sheet.headers).items() if key in layout.dates
    ]
    total, firsts, seconds = 0, 0, 0
    for row in sheet.rows:
        total += 1
        for heading in dates:
            found = _YEAR_LAST.match(folded(row.cells.get(heading)))
            if found:
                firsts, seconds = max(firsts, int(found[1])), max(seconds, int(found[2]))
    if total == 0:
        raise ImportRefused("no_rows", _("The table has headings but no rows."))
    order = _order(layout, firsts, seconds)
    return Table(
        layout, sheet.headers, total, order, opener, name, rules, sheet.sheet_name, sheet.encoding
    )


def _open(opener: Opener, name: str, headings: Sequence[str]) -> Sheet:
    """Open the file from its beginning."""
    return read_sheet(opener(), name=name, headers=headings, limit_rows=LIMIT_ROWS)


def _order(layout: Profile, firsts: int, seconds: int) -> str:
    """Return the order of dates with the year last: by a day above 12, else as the layout does."""
    if firsts > 12 >= seconds:
        return "dmy"
    if seconds > 12 >= firsts:
        return "mdy"
    return layout.last_year_order


def _is_no_case(row: SheetRow, must: Sequence[str]) -> bool:
    """Whether a row is a line of totals, or the headings once more."""
    texts = {name: folded(value) for name, value in row.cells.items() if value is not None}
    if all(heading_key(texts.get(name, "")) == heading_key(name) for name in must):
        return True
    blank = any(not texts.get(name) for name in must)
    return blank and any(_TOTAL.fullmatch(text) for text in texts.values())


def _left_out(row: SheetRow) -> CaseRow:
    """Return a row that is no case, with a remark."""
    found = CaseRow(row.number, row.cells, skipped=True)
    message = _("The row holds totals or headings, no case; it is left out.")
    found.say("warning", "", TableFault("no_case", message))
    return found
