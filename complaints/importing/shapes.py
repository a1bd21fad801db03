"""What one row of an import becomes: values for a case, and remarks in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext

from config.shared.cell_values import shown
from config.shared.sheet_writing import printable
from config.shared.worded import WordedError

Kind = Literal["error", "warning"]

LIMIT_ROWS: Final = 100_000
SHOWN: Final = 80


class ImportRefused(WordedError):  # noqa: N818 - reads as words
    """The whole file cannot be taken; nothing was stored."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong with one cell. `message` is the English source with `%(name)s` places.

    `value` is empty for columns that hold personal data: remarks are kept unencrypted.
    """

    number: int
    kind: Kind
    column: str
    value: str
    message: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentence in the active language."""
        return worded(self.message, self.params)


def worded(message: str, params: Mapping[str, Any]) -> str:
    """Return a stored message in the active language."""
    words = gettext(message) if message else ""
    return words % params if params else words


def source_of(message: str | Promise) -> str:
    """Return the English source of a lazily translated sentence."""
    with translation.override(None):
        return str(message)


@dataclass(slots=True)
class CaseRow:
    """One row of a file, read.

    `key` finds it again when the file is loaded twice; `values` are by name of the field of
    CaseDraft; `history` holds what is known of an old case (status and times), None = a case
    that begins to live when it is loaded. `cells` are the cells as they came. A `skipped` row is
    no case at all: a line of totals, a heading in the middle of the table.
    """

    number: int
    cells: Mapping[str, object]
    key: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    history: dict[str, Any] | None = None
    customer_number: str = ""
    own_number: str = ""
    registered_at: datetime | None = None
    skipped: bool = False
    remarks: list[Remark] = field(default_factory=list)

    @property
    def is_bad(self) -> bool:
        """Whether the row cannot be loaded."""
        return any(remark.kind == "error" for remark in self.remarks)

    def say(self, kind: Kind, column: str, error: WordedError, *, value: object = None) -> None:
        """Add a remark; `value` None keeps the cell's content out of it."""
        text = "" if value is None else shown(printable(value), SHOWN)
        params = {
            name: given if isinstance(given, int) else printable(given)
            for name, given in error.params.items()
        }
        self.remarks.append(
            Remark(self.number, kind, column, text, source_of(error.message), params)
        )
