"""Loading a checked file: small transactions, each row once, resumable after a kill.

A row's key is the unique `origin_key` of its case, so that a second run, a second worker or the
same file loaded again finds the case and writes nothing.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from complaints import intake
from complaints.drafts import CaseDraft, HistoryFacts
from complaints.importing.checking import FIGURES, Sorted, Sorter, chunks
from complaints.importing.shapes import CaseRow, ImportRefused
from complaints.importing.table import Table
from config.shared.actors import Actor
from config.shared.cell_values import CellError
from staff.models import Person

PER_TRANSACTION: Final = 200
_DRAFT: Final = frozenset(part.name for part in fields(CaseDraft))
_HISTORY: Final = frozenset(part.name for part in fields(HistoryFacts))


@dataclass(frozen=True, slots=True)
class Loader:
    """Who loads, for the record; `registrar` is the person named on each case."""

    actor: Actor
    registrar: Person | None = None

    def load(self, rows: Sequence[CaseRow], sorter: Sorter, *, at: datetime) -> Sorted:
        """Open the cases of one chunk in the caller's transaction; returns what became of each.

        A draft that the door refuses becomes a faulty row, one that came in meanwhile an
        existing one.
        """
        found = sorter.sort(rows)
        new, found.new = found.new, []
        drafts = [draft_of(row) for row in new]
        opened = intake.open_cases(
            drafts, actor=self.actor, at=at, registrar=self.registrar
        ) if drafts else []  # fmt: skip
        for row, result in zip(new, opened, strict=True):
            if result.case is None:
                row.say("error", "", CellError("refused", str(result.refused)))
                found.bad.append(row)
            else:
                (found.existing if result.duplicate else found.new).append(row)
        sorter.count(found)
        return found


def load_table(
    table: Table,
    loader: Loader,
    *,
    now: Callable[[], datetime],
    limit: int | None = None,
    told: Callable[[Sorted, Counter[str]], None] = lambda _chunk, _counts: None,
) -> Counter[str]:
    """Load a whole table without a job (command line); returns the figures.

    `told` hears of every chunk after its commit. Raises ImportRefused when rows are unaccounted.
    """
    sorter = Sorter()
    for chunk in chunks(_first(table.rows(now()), limit), PER_TRANSACTION):
        with transaction.atomic():
            done = loader.load(chunk, sorter, at=now())
        told(done, sorter.counts)
    if limit is None:
        account_for(table, sorter.counts)
    return sorter.counts


def account_for(table: Table, counts: Counter[str]) -> None:
    """Compare the rows of the file with what became of them; ImportRefused when they differ."""
    if counts["rows"] != table.total:
        params = {"total": table.total, "rows": counts["rows"]}
        message = _("The file has %(total)s rows, but %(rows)s were read. Load it again.")
        raise ImportRefused("rows", message, params)


def figures(counts: Counter[str]) -> dict[str, int]:
    """Return the figures for a job, all of them, zeros too."""
    return {name: counts[name] for name in FIGURES}


def draft_of(row: CaseRow) -> CaseDraft:
    """Return the draft of a new row."""
    values = {name: value for name, value in row.values.items() if value is not None}
    handler = values.pop("handler", None) if row.history is not None else None
    history = None
    if row.history is not None:
        past: dict[str, Any] = {**row.history, "handler": handler}
        history = HistoryFacts(**{name: past[name] for name in past if name in _HISTORY})
    else:
        values["backdate_reason"] = str(_("Loaded from a file."))
    known = {name: value for name, value in values.items() if name in _DRAFT}
    return CaseDraft(**known, origin_key=row.key, history=history)


def breathe(seconds: float) -> None:
    """Leave the single writer of SQLite to others for as long as a chunk took, at most 1 s."""
    if connection.vendor == "sqlite":
        time.sleep(min(seconds, 1.0))


def _first(rows: Iterable[CaseRow], limit: int | None) -> Iterable[CaseRow]:
    """Return the first rows."""
    for place, row in enumerate(rows):
        if limit is not None and place >= limit:
            return
        yield row
