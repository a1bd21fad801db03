"""Reading the cells of one row into typed values; what cannot be read becomes a remark."""

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from complaints.choices import Precision
from complaints.importing.lookups import Names
from complaints.importing.shapes import CaseRow
from config.shared.cell_dates import Order
from config.shared.cell_parsing import (
    CellError,
    parse_amount,
    parse_bool,
    parse_code,
    parse_date,
    parse_datetime,
    parse_text,
    parse_whole,
)
from config.shared.cell_values import as_text
from config.shared.sheet_types import SheetRow

T = TypeVar("T")

FIRST_YEAR: Final = 1990
LONGEST_WORDS: Final = 60_000


def bank_zone() -> ZoneInfo:
    """Return the zone of the bank's local times."""
    return ZoneInfo(settings.TIME_ZONE)


class Reader:
    """The cells of one row, by field.

    `places` maps field keys to headings, `private` names fields whose content must not stand in
    a remark, `at` is now, `order` how the source writes dates with the year last.
    """

    def __init__(
        self,
        row: SheetRow,
        places: Mapping[str, str],
        *,
        private: Collection[str] = (),
        at: datetime,
        order: str = "ymd",
    ) -> None:
        self.row = CaseRow(row.number, row.cells)
        self._places, self._private = places, private
        self.now = at
        self._order: Order = "mdy" if order == "mdy" else "dmy" if order == "dmy" else "ymd"

    def has(self, key: str) -> bool:
        """Whether the column is there and the cell is not blank."""
        value = self.raw(key)
        return value is not None and bool(as_text(value).strip())

    def raw(self, key: str) -> object:
        """Return the cell as it came; None when the column is missing."""
        heading = self._places.get(key)
        return None if heading is None else self.row.cells.get(heading)

    def fail(self, key: str, error: CellError, *, warning: bool = False) -> None:
        """Add a remark about the cell of that field."""
        value = None if key in self._private else self.raw(key)
        column = self._places.get(key, key)
        self.row.say("warning" if warning else "error", column, error, value=value)

    def read(self, key: str, parse: Callable[[object], T]) -> T | None:
        """Return the parsed cell; None when it is blank or wrong (then with a remark)."""
        if not self.has(key):
            return None
        try:
            return parse(self.raw(key))
        except CellError as error:
            self.fail(key, error)
            return None

    def must(self, key: str, value: T | None) -> T | None:
        """Demand a value: a blank cell is an error."""
        if value is None and not self.has(key):
            self.fail(key, CellError("blank", _("The cell is empty.")))
        return value

    def text(self, key: str, *, limit: int = LONGEST_WORDS) -> str:
        """Return text with one kind of line end; '' when blank."""
        found = self.read(key, lambda value: parse_text(value, limit=limit))
        return (found or "").replace("\r\n", "\n").replace("\r", "\n")

    def line(self, key: str, *, limit: int) -> str:
        """Return text of one line."""
        return " ".join(self.text(key, limit=limit).split())

    def code(self, key: str, *, limit: int = 64) -> str:
        """Return a code or reference; '' when blank."""
        return self.read(key, lambda value: parse_code(value, limit=limit)) or ""

    def flag(self, key: str) -> bool | None:
        """Return yes or no."""
        return self.read(key, parse_bool)

    def amount(self, key: str) -> Decimal | None:
        """Return a sum of money, not below zero, with two decimals."""
        found = self.read(key, parse_amount)
        if found is None:
            return None
        if found < 0 or found >= Decimal(10) ** 12:
            self.fail(key, CellError("amount", _("The amount must lie between 0 and 999 billion.")))
            return None
        return found.quantize(Decimal("0.01"))

    def whole(self, key: str, *, least: int, most: int) -> int | None:
        """Return a whole number within limits."""
        found = self.read(key, parse_whole)
        if found is None or least <= found <= most:
            return found
        params = {"least": least, "most": most}
        message = _("The number must lie between %(least)s and %(most)s.")
        self.fail(key, CellError("range", message, params))
        return None

    def one_of(self, key: str, names: Names[T]) -> T | None:
        """Return what the cell names."""
        return self.read(key, names.find)

    def moment(self, key: str, *, future: bool = False) -> tuple[datetime, Precision] | None:
        """Return (aware time in the bank's zone, precision); refuse what lies ahead."""
        found = self.read(key, lambda v: parse_datetime(v, bank_zone(), self._order))
        if found is None or not self._plausible(key, found[0], future=future):
            return None
        return found[0], Precision(found[1])

    def time(self, key: str, *, future: bool = False) -> datetime | None:
        """Return an aware time in the bank's zone."""
        found = self.moment(key, future=future)
        return found[0] if found else None

    def day(self, key: str, *, future: bool = False) -> date | None:
        """Return a local day."""
        found = self.read(key, lambda value: parse_date(value, self._order))
        if found is None:
            return None
        start = datetime(found.year, found.month, found.day, tzinfo=bank_zone())
        return found if self._plausible(key, start, future=future) else None

    def _plausible(self, key: str, found: datetime, *, future: bool) -> bool:
        """Refuse times in the future (a minute of grace) and before there were such records."""
        if found.year < FIRST_YEAR:
            params = {"year": FIRST_YEAR}
            self.fail(key, CellError("too_old", _("The date lies before %(year)s."), params))
            return False
        if not future and found > self.now + timedelta(minutes=1):
            message = _("The date lies in the future. Check day, month and year.")
            self.fail(key, CellError("future", message))
            return False
        return True


def kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without blank ones (False and 0 stay)."""
    return {key: value for key, value in values.items() if value is not None and value != ""}
