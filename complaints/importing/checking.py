"""What would happen to the rows of a file: new, already there, repeated, left out, or faulty."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from complaints.importing.shapes import CaseRow, Remark
from complaints.models import Case
from config.shared.cell_values import CellError, as_text
from customers.models import Customer

CHUNK: Final = 200
FIGURES: Final = ("rows", "new", "existing", "repeated", "skipped", "errors", "warnings", "live")


@dataclass(slots=True)
class Sorted:
    """A chunk of rows by what would happen to them."""

    new: list[CaseRow] = field(default_factory=list)
    existing: list[CaseRow] = field(default_factory=list)
    repeated: list[CaseRow] = field(default_factory=list)
    skipped: list[CaseRow] = field(default_factory=list)
    bad: list[CaseRow] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return the figures of this chunk, by the names of FIGURES."""
        parts = {
            "new": self.new, "existing": self.existing, "repeated": self.repeated,
            "skipped": self.skipped, "errors": self.bad,
        }  # fmt: skip
        found = {name: len(rows) for name, rows in parts.items()}
        found["rows"] = sum(found.values())
        found["warnings"] = sum(1 for row in self.all() if row.remarks and not row.is_bad)
        found["live"] = sum(1 for row in self.new if row.history is None)
        return found

    def all(self) -> Iterator[CaseRow]:
        """Yield all rows."""
        for part in (self.new, self.existing, self.repeated, self.skipped, self.bad):
            yield from part

    def remarks(self) -> list[Remark]:
        """Return what is to be said, in the order of the file."""
        found = [remark for row in self.all() for remark in row.remarks]
        return sorted(found, key=lambda remark: remark.number)


class Sorter:
    """Sorts the rows of one file, chunk by chunk; remembers the keys it has seen."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, bytes]] = {}
        self.counts: Counter[str] = Counter(dict.fromkeys(FIGURES, 0))

    def sort(self, rows: Sequence[CaseRow]) -> Sorted:
        """Return the rows by what would happen; three queries whatever their number."""
        found = Sorted()
        known = keys_there(rows)
        link_customers(rows)
        for row in rows:
            self._place(row, known, found)
        return found

    def count(self, chunk: Sorted) -> None:
        """Add a chunk to the figures of the file."""
        self.counts.update(chunk.counts())

    def _place(self, row: CaseRow, known: set[str], found: Sorted) -> None:
        if row.skipped:
            found.skipped.append(row)
        elif row.is_bad:
            found.bad.append(row)
        elif row.key in self._seen:
            self._say_repeated(row)
            found.repeated.append(row)
        else:
            self._seen[row.key] = (row.number, _print(row))
            (found.existing if row.key in known else found.new).append(row)

    def _say_repeated(self, row: CaseRow) -> None:
        """Remark on a row whose case stands in an earlier row; different content is told."""
        number, content = self._seen[row.key]
        message = _("The same case as in row %(row)s; it is loaded once.")
        if content != _print(row):
            message = _(
                "The same case as in row %(row)s, but with different content; "
                "row %(row)s is loaded."
            )
        row.say("warning", "", CellError("repeated", message, {"row": number}))


def keys_there(rows: Iterable[CaseRow]) -> set[str]:
    """Return the keys of rows whose case is here already: loaded before, or registered here."""
    rows = [row for row in rows if row.key and not row.is_bad]
    found = set(
        Case.objects.filter(origin_key__in=[row.key for row in rows])
        .exclude(origin_key=None)
        .values_list("origin_key", flat=True)
    )
    numbered = {row.own_number: row for row in rows if row.own_number}
    ours = Case.objects.filter(number__in=list(numbered)).values_list("number", "registered_at")
    for number, registered_at in ours:
        row = numbered[number]
        when: datetime | None = row.registered_at
        if when is None or when == registered_at.replace(microsecond=0):
            found.add(row.key)
    return {str(key) for key in found}


def link_customers(rows: Iterable[CaseRow]) -> None:
    """Set the customer of rows that name one; a number nobody has is kept and remarked on."""
    named = [row for row in rows if row.customer_number and not row.is_bad]
    if not named:
        return
    numbers = {row.customer_number for row in named}
    known = {row.number: row for row in Customer.objects.filter(number__in=numbers)}
    for row in named:
        row.values["customer"] = known.get(row.customer_number)
        if row.values["customer"] is None:
            row.values["source_facts"]["customer_number"] = row.customer_number
            message = _("Customer %(number)s is not known here; the case keeps name and contact.")
            error = CellError("customer", message, {"number": row.customer_number})
            row.say("warning", "", error)


def chunks(rows: Iterable[CaseRow], size: int = CHUNK) -> Iterator[list[CaseRow]]:
    """Cut the rows into lists."""
    chunk: list[CaseRow] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) >= size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _print(row: CaseRow) -> bytes:
    """Return a digest of the cells, to tell repeated rows from different ones."""
    text = "\x1f".join(f"{name}\x1e{as_text(value)}" for name, value in sorted(_cells(row).items()))
    return blake2b(text.encode("utf-8", "replace"), digest_size=12).digest()


def _cells(row: CaseRow) -> dict[str, Any]:
    return {name: value for name, value in row.cells.items() if value is not None}
