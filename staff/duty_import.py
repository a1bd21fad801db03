"""The duty roster from and to a sheet: read with a remark per row, preview, load; export."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from config.shared.actors import Actor
from config.shared.cell_dates import parse_date
from config.shared.cell_parsing import parse_text
from config.shared.cell_values import CellError, folded, shown
from config.shared.sheet_types import BinaryFile
from config.shared.sheet_writing import Column
from config.shared.sheets import read_sheet
from config.shared.worded import WordedError
from config.shared.words import labelled
from staff.duty_roster import HOURS, ShiftData, faults, moments, put_shifts, shift_words
from staff.models import DutyShift, Person

LIMIT_ROWS: Final = 1_000
FILE_SIZE: Final = 2 * 1024**2
_SALT: Final = "duty.import"
_KEPT: Final = 3600  # seconds a preview can be loaded
_SHIFT_LENGTH, _NOTE_LENGTH = 20, 120
_HEADS: Final[Mapping[str, tuple[str, ...]]] = {
    "on": ("Date", "日期", "值班日期"),
    "shift": ("Shift", "班次"),
    "from": ("From", "开始时间", "起", "自", "开始"),
    "to": ("To", "结束时间", "止", "至", "结束"),
    "first": ("First on call", "第一值班人", "值班负责人", "第一值班", "主班", "First"),
    "second": ("Second on call", "第二值班人", "第二值班", "备班", "副班", "Second"),
    "note": ("Note", "备注"),
}
_KEY_OF: Final = {folded(head).lower(): key for key, heads in _HEADS.items() for head in heads}
_SHIFTS: Final = {
    "day": "day", "白班": "day", "日班": "day", "night": "night", "夜班": "night", "晚班": "night",
}  # fmt: skip
_CLOCK: Final = re.compile(r"(\d{1,2})\s*[:时点]\s*(?:(\d{1,2})(?::\d{1,2})?\s*分?)?")
_MINUTES: Final = 24 * 60

COLUMNS: Final = (
    Column("on", gettext_lazy("Date"), "date", 12),
    Column("shift", gettext_lazy("Shift"), width=10),
    Column("from", pgettext_lazy("time of a shift", "From"), width=8),
    Column("to", pgettext_lazy("time of a shift", "To"), width=8),
    Column("first", gettext_lazy("First on call"), width=14),
    Column("first_name", gettext_lazy("Name of the first"), width=18),
    Column("second", gettext_lazy("Second on call"), width=14),
    Column("second_name", gettext_lazy("Name of the second"), width=18),
    Column("note", gettext_lazy("Note"), width=30),
)
"""What an export writes; an import reads it back and leaves the two names out."""
_TITLES: Final = {column.key: column.title for column in COLUMNS}


class ImportRefused(WordedError):  # noqa: N818 - reads as words
    """The file or the preview cannot be taken; the words say what to do."""


@dataclass(slots=True)
class Line:
    """One row of the sheet: what it says, what becomes of it (`new`, `changed`, `same`, or '')."""

    number: int
    data: ShiftData | None = None
    state: str = ""
    errors: list[str] = field(default_factory=list)

    @property
    def shift_words(self) -> str:
        """Return the name of the shift in the active language."""
        return shift_words(self.data.shift) if self.data else ""


def read(file: BinaryFile, *, name: str, at: datetime) -> list[Line]:
    """Return the rows of a file with what would become of each; nothing is stored.

    Raises SheetError or ImportRefused when the file as a whole cannot be taken.
    """
    heads = [head for heads in _HEADS.values() for head in heads]
    sheet = read_sheet(file, name=name, headers=heads, limit_rows=LIMIT_ROWS)
    columns = {head: _KEY_OF.get(folded(head).lower(), "") for head in sheet.headers}
    for key in ("on", "shift"):
        if key not in columns.values():
            text = gettext_lazy("The column “%(head)s” is missing. Take the template as a model.")
            raise ImportRefused("no_column", text, {"head": _HEADS[key][0]})
    book = _People()
    lines = []
    for row in sheet.rows:
        cells = {columns[head]: value for head, value in row.cells.items() if columns.get(head)}
        if not any(folded(value) for value in cells.values()):
            continue
        line = _line(row.number, cells, book)
        if row.fault:
            line.data, line.errors = None, [str(row.fault)]
        lines.append(line)
    _judge(lines, at)
    return lines


def pack(lines: Iterable[Line]) -> str:
    """Return the good rows of a preview as a signed text that a form carries to `load`."""
    rows = [_plain(x.data) for x in lines if x.data is not None and x.state in {"new", "changed"}]
    return signing.dumps(rows, salt=_SALT, compress=True)


def load(packed: str, *, actor: Actor, at: datetime) -> int:
    """Write the rows of a preview; returns how many. All or none.

    ImportRefused when the text is not ours or older than an hour; DutyRefused when a row became
    impossible since it was looked at.
    """
    try:
        rows = signing.loads(packed, salt=_SALT, max_age=_KEPT)
    except signing.BadSignature as error:
        text = gettext_lazy("This preview is too old. Upload the file again.")
        raise ImportRefused("old", text) from error
    pks = {row[place] for row in rows for place in (4, 5) if row[place]}
    people = Person.objects.in_bulk(list(pks))
    return len(put_shifts([_unplain(row, people) for row in rows], actor=actor, at=at))


def export_rows(shifts: Iterable[DutyShift]) -> list[list[object]]:
    """Return shifts as rows of `COLUMNS`, times as local `HH:MM`."""
    return [
        [
            row.on, row.shift, _hour(row.starts_at), _hour(row.ends_at),
            row.first.staff_no if row.first else "", row.first.label if row.first else "",
            row.second.staff_no if row.second else "", row.second.label if row.second else "",
            row.note,
        ]
        for row in shifts
    ]  # fmt: skip


def template_rows(first: date, days: int = 7) -> list[list[object]]:
    """Return an empty roster from a date on: every shift of `HOURS`, nobody named."""
    return [
        [first + timedelta(days=day), shift, f"{begin:%H:%M}", f"{end:%H:%M}", *[""] * 5]
        for day in range(days)
        for shift, (begin, end) in HOURS.items()
    ]


class _People:
    """Finds people by staff number or name; everybody is read once."""

    def __init__(self) -> None:
        self._found: dict[str, list[Person]] = {}
        for person in Person.objects.active():
            for word in {person.staff_no, person.name_en, person.name_zh}:
                self._found.setdefault(folded(word).lower(), []).append(person)

    def named(self, value: object) -> Person | None:
        """Return the person of a cell, None for a blank one; CellError when it is not clear."""
        word = folded(value)
        if not word:
            return None
        found = self._found.get(word.lower(), [])
        if len(found) == 1:
            return found[0]
        if found:
            text = gettext_lazy(
                "“%(value)s” is the name of several people. Write the staff number."
            )
        else:
            text = gettext_lazy("Nobody here has the staff number or name “%(value)s”.")
        raise CellError("person", text, {"value": shown(word)})


def _line(number: int, cells: Mapping[str, object], book: _People) -> Line:
    """Read one row; every cell that cannot be read leaves a remark."""
    line = Line(number)

    def told(key: str, parse: Callable[[object], Any], default: Any = None) -> Any:
        try:
            return parse(cells.get(key))
        except CellError as error:
            line.errors.append(labelled(_TITLES[key], error))
            return default

    on = told("on", parse_date)
    shift = told("shift", _shift)
    begin, end = HOURS.get(shift or "", (None, None))
    begin, end = told("from", _clock) or begin, told("to", _clock) or end
    first, second = told("first", book.named), told("second", book.named)
    note = told("note", _note, "")
    if not line.errors and (begin is None or end is None):
        line.errors.append(_("Write from when to when it lasts, for example 08:00 and 20:00."))
    if not line.errors and on and begin is not None and end is not None:
        starts_at, ends_at = moments(on, begin, end)
        line.data = ShiftData(on, shift, starts_at, ends_at, first, second, note)
    return line


def _judge(lines: Sequence[Line], at: datetime) -> None:
    """Say of each readable row what would become of it, or why it cannot be."""
    readable = [line for line in lines if line.data is not None]
    rows = [line.data for line in readable if line.data is not None]
    found = faults(rows, at=at)
    stored = {(x.on, x.shift): x for x in DutyShift.objects.filter(on__in={y.on for y in rows})}
    for place, line in enumerate(readable):
        data = rows[place]
        row = stored.get((data.on, data.shift))
        if place in found:
            line.errors.append(str(found[place]))
        else:
            line.state = "new" if row is None else "same" if data.agrees(row) else "changed"


def _shift(value: object) -> str:
    text = parse_text(folded(value), limit=_SHIFT_LENGTH)
    return _SHIFTS.get(text.lower(), text)


def _note(value: object) -> str:
    return parse_text(value, limit=_NOTE_LENGTH) if folded(value) else ""


def _clock(value: object) -> time | None:
    """Return a time of day, None for a blank cell; 24:00 is 00:00 of the next day."""
    if isinstance(value, datetime):
        return value.time().replace(second=0, microsecond=0)
    if isinstance(value, time):
        return value.replace(second=0, microsecond=0, tzinfo=None)
    if isinstance(value, timedelta):
        return _of_minutes(value.total_seconds() / 60, value)
    if isinstance(value, float) and 0 <= value <= 1:
        return _of_minutes(value * _MINUTES, value)
    text = folded(value)
    if not text:
        return None
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise _not_a_time(value)
    hours, minutes = int(found[1]), int(found[2] or 0)
    if minutes >= 60:
        raise _not_a_time(value)
    return _of_minutes(hours * 60 + minutes, value)


def _of_minutes(minutes: float, value: object) -> time:
    whole = round(minutes)
    if not 0 <= whole <= _MINUTES:
        raise _not_a_time(value)
    return time(whole % _MINUTES // 60, whole % 60)


def _not_a_time(value: object) -> CellError:
    text = gettext_lazy("“%(value)s” is not a time of day. Write it like 08:30.")
    return CellError("not_a_time", text, {"value": shown(value)})


def _hour(moment: datetime) -> str:
    return f"{timezone.localtime(moment, timezone.get_default_timezone()):%H:%M}"


def _plain(data: ShiftData) -> list[object]:
    first, second = data.first, data.second
    begins, ends = data.starts_at.isoformat(), data.ends_at.isoformat()
    people = [first and first.pk, second and second.pk]
    return [data.on.isoformat(), data.shift, begins, ends, *people, data.note]


def _unplain(row: Sequence[Any], people: Mapping[int, Person]) -> ShiftData:
    on, shift, begins, ends, first, second, note = row
    return ShiftData(
        date.fromisoformat(on),
        shift,
        datetime.fromisoformat(begins),
        datetime.fromisoformat(ends),
        people.get(first),
        people.get(second),
        note,
    )
