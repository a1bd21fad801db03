"""Cases into a table: a row per case in our own layout, typed, masked where it must be.

The layout is that of `importing.own_layout`, so that what was exported can be loaded again. Rows
are read by position, a thousand at a time; memory stays flat.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, Literal

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import RowResult
from complaints.importing.own_layout import COLUMNS, OwnColumn
from complaints.importing.reading import bank_zone
from complaints.lists import CASES
from complaints.models import BulkRow, Case
from complaints.reach import reaches
from config.shared.listing import in_chunks
from config.shared.masking import mask_email, mask_name, mask_phone
from config.shared.scope import Reach, Scope
from config.shared.sheet_writing import Column, write_csv, write_xlsx
from config.shared.worded import WordedError

Format = Literal["xlsx", "csv"]

CHUNK: Final = 1000
OFFICER_ROWS: Final = 5_000
_JOINED: Final = (
    "type", "intake_channel", "business_line__parent", "business_channel", "outcome",
    "cause__parent", "nature", "customer", "department", "branch", "handler",
)  # fmt: skip
_MASKS: Final[dict[str, Callable[[str], str]]] = {
    "name": mask_name,
    "phone": lambda text: mask_email(text) if "@" in text else mask_phone(text),
    "email": mask_email,
    "words": lambda text: _("[hidden]") if text else "",
}


class ExportRefused(WordedError):  # noqa: N818 - reads as words
    """The export cannot be made; the words say why."""


@dataclass(frozen=True, slots=True)
class Export:
    """What to export for whom: `query` is the address of the case list (`status=closed&...`).

    `since` and `until` cut by time of receipt (until is excluded). `limit` None = no limit. `act`
    is an own bulk act: its cases are exported, whatever the query says.
    """

    query: str
    scope: Scope
    at: datetime
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    act: int | None = None

    def rows(self) -> QuerySet[Case]:
        """Return the cases that match and may be exported by this person."""
        data = QueryDict(self.query)
        reachable = Case.objects.visible_to(self.scope).visible_to(self.scope, "export")
        if self.act is not None:
            listed = BulkRow.objects.filter(act=self.act, act__by=self.scope.member or 0)
            done = listed.filter(result=RowResult.DONE).values("case")
            return reachable.filter(pk__in=done).select_related(*_JOINED)
        rows: QuerySet[Case] = CASES.filters(data, reachable, self.scope, self.at).qs
        if self.since:
            rows = rows.filter(received_at__gte=self.since)
        if self.until:
            rows = rows.filter(received_at__lt=self.until)
        return rows.select_related(*_JOINED)

    def count(self) -> int:
        """Return the number of rows; ExportRefused when there are more than the limit."""
        found = self.rows().order_by().count()
        if self.limit is not None and found > self.limit:
            message = gettext_lazy(
                "%(count)s cases match; you may export at most %(limit)s at once. "
                "Narrow the filters, for example by date."
            )
            raise ExportRefused("limit", message, {"count": found, "limit": self.limit})
        return found

    def cases(self) -> Iterator[Case]:
        """Yield the cases, newest first, in constant memory."""
        order = CASES.order(QueryDict(self.query).get("sort", "received"))
        return in_chunks(self.rows(), order, CHUNK)


def row_limit(scope: Scope) -> int | None:
    """Return how many rows this person may export at once (DOMAIN.md §4.8); None = any number."""
    if scope.everything or Reach.ALL in scope.to("cases", "export"):
        return None
    return OFFICER_ROWS


def lines(
    cases: Iterable[Case], scope: Scope, told: Callable[[int], None] = lambda _count: None
) -> Iterator[list[Any]]:
    """Yield the values of each case; `told` hears the number after every chunk."""
    count = 0
    for count, case in enumerate(cases, 1):
        plain = reaches(case, scope, "export_plain") and reaches(case, scope, "view")
        named = plain or reaches(case, scope, "identity")
        yield [_value(column, case, plain=plain, named=named) for column in COLUMNS]
        if count % CHUNK == 0:
            told(count)
    told(count)


def write(
    target: str | Path | IO[bytes], kind: Format, rows: Iterable[list[Any]], *, note: str = ""
) -> int:
    """Write the table as .xlsx or .csv in the active language; returns the number of rows.

    Text never becomes a formula, times are local times with the zone in the heading, a workbook
    ends with a sheet that says what the file is and how many rows it has.
    """
    columns = [Column(c.key, c.title, c.kind, c.width) for c in COLUMNS]
    if kind == "csv":
        return write_csv(target, columns, rows, zone=bank_zone())
    return write_xlsx(target, columns, rows, zone=bank_zone(), title_note=note)


def note_of(export: Export) -> str:
    """Return what the last sheet says about the file: filters and time."""
    told = {
        "when": timezone.localtime(export.at, bank_zone()).strftime("%Y-%m-%d %H:%M"),
        "filters": export.query or "–",
    }
    return _("Cases as of %(when)s. Filters: %(filters)s") % told


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a written file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def is_masked(scope: Scope) -> bool:
    """Tell whether anything may be masked in an export of this person."""
    return not scope.everything and Reach.ALL not in scope.to("cases", "export_plain")


def _value(column: OwnColumn, case: Case, *, plain: bool, named: bool) -> Any:
    """Return the value of one cell, masked where this reader may not see it."""
    value = column.value(case)
    if plain or not column.hidden or (named and column.hidden == "name"):
        return value
    if column.hidden == "words":
        return value if named else _MASKS["words"](value)
    return _MASKS[column.hidden](value)
