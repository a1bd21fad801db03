"""Very many cases at once, for measuring: rows written past the verbs, valid but without a life.

Beyond `MOST_TOLD` cases `seed_demo` writes all of them here. They are recorded as history: no
clock runs, nobody is told, the record of a row begins with the next thing that happens to it,
and the search finds them like any other. Rows are copies of some thousand that the intake built,
with their own number, code and moment; texts and contact data repeat.
"""

from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import DateTimeField

from complaints import drafting
from complaints.case_rules import local_day
from complaints.choices import Status
from complaints.clocks import NEVER
from complaints.models import Case
from config.kernel import numbers, search
from config.portal.demo.casting import Cast, Script, former_draft
from config.shared.terms_index import index_terms

MOST_TOLD: Final = 10_000
CHUNK: Final = 5_000
_STATES: Final = (
    (Status.CLOSED, 60), (Status.ARCHIVED, 24), (Status.RECEIVED, 4), (Status.IN_PROGRESS, 6),
    (Status.ASSIGNED, 3), (Status.NOTIFIED, 3),
)  # fmt: skip
_YEAR: Final = timedelta(days=350)
_SPREAD: Final = 14 * 86_400  # seconds by which copies of one row differ at most


class _Press:
    """Prints rows: patterns as database values, and the columns that differ."""

    def __init__(self, patterns: list[Case]) -> None:
        self.fields = [f for f in Case._meta.concrete_fields if not (f.primary_key or f.generated)]
        self.names = [field.name for field in self.fields]
        self.times = [
            place for place, field in enumerate(self.fields) if isinstance(field, DateTimeField)
        ]
        self.terms = [
            "" if row.restricted else index_terms(row.core_issue, row.content, row.contact_name)
            for row in patterns
        ]
        self._values = [[f.pre_save(row, add=True) for f in self.fields] for row in patterns]
        self._stored = [
            [f.get_db_prep_save(v, connection) for f, v in zip(self.fields, values, strict=True)]
            for values in self._values
        ]
        self._number = self.names.index("number")
        self._code = self.names.index("tracking_code")

    @property
    def statement(self) -> str:
        """The INSERT of one row."""
        quote = connection.ops.quote_name
        columns = ", ".join(quote(str(field.column)) for field in self.fields)
        marks = ", ".join(["%s"] * len(self.fields))
        return f"INSERT INTO {quote(Case._meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - names of our own columns

    def row(self, which: int, number: str, back: timedelta) -> list[Any]:
        """Return a copy of a pattern under another number, `back` earlier."""
        row = list(self._stored[which])
        values = self._values[which]
        row[self._number], row[self._code] = number, drafting.tracking_code()
        for place in self.times:
            moment = values[place]
            if moment is not None and moment != NEVER:
                row[place] = connection.ops.adapt_datetimefield_value(moment - back)
        return row


def write_cases(cast: Cast, count: int) -> int:
    """Write `count` cases; commits every 5,000, so that nothing is locked for long."""
    at = cast.stage.at
    press = _Press(_patterns(cast, min(max(count // 50, 200), 4_000)))
    places = iter(range(count))
    while chunk := list(islice(places, CHUNK)):
        with transaction.atomic():
            _write(press, cast, len(chunk), at)
    return count


def _write(press: _Press, cast: Cast, size: int, at: datetime) -> None:
    """Insert one chunk with its search documents."""
    year, rng = local_day(at).year, cast.rng
    taken = [f"C-{year}-{number:07d}" for number in numbers.take(f"case:{year}", size)]
    used = [rng.randrange(len(press.terms)) for _number in taken]
    rows = [
        press.row(which, number, timedelta(seconds=rng.randrange(_SPREAD)))
        for which, number in zip(used, taken, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(press.statement, rows)
    found = dict(Case.objects.filter(number__in=taken).values_list("number", "pk"))
    _index(press, found, dict(zip(taken, used, strict=True)))


def _index(press: _Press, found: dict[str, int], used: dict[str, int]) -> None:
    """Write the search documents of a chunk: the words of the pattern, the number of the row."""
    search.put(
        {
            ("case", pk): f"{press.terms[used[number]]} {_number_terms(number)}"
            for number, pk in found.items()
        }
    )


def _number_terms(number: str) -> str:
    """Return what a case is found by when its number is typed or read aloud."""
    tail = number.rpartition("-")[2]
    return index_terms(tokens=[number, tail, tail.lstrip("0"), tail[-4:]])


def _patterns(cast: Cast, count: int) -> list[Case]:
    """Return unsaved cases as the intake builds them, in all states of `_STATES`."""
    scripts = [_script(cast) for _number in range(count)]
    states, weights = zip(*_STATES, strict=True)
    drafts = [former_draft(x, cast.rng.choices(states, weights)[0]) for x in scripts]
    batch = drafting.Batch.read(drafts, cast.stage.at)
    return [
        _placed(drafting.build(draft, batch, None), script)
        for draft, script in zip(drafts, scripts, strict=True)
    ]


def _script(cast: Cast) -> Script:
    received = cast.stage.at - timedelta(days=1) - cast.rng.random() * _YEAR
    return cast.script(received, received + timedelta(minutes=10))


def _placed(case: Case, script: Script) -> Case:
    """Give the case its department and the moments of its registration."""
    case.department = script.unit
    case.registered_at = case.updated_at = case.received_at
    case.repeat_of, case.repeat_count = None, 0
    return case
