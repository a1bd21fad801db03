"""Counting many ways over one set of cases, which the database reads once.

An own aggregate for every figure, each over "the first 10,001 of them", reads the same cases as
often as there are figures; here they are written down once (a common table expression, not folded
into its uses) and counted from there. The same statement runs on PostgreSQL and SQLite.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from complaints.models import CaseTag

_ALL: Final = " UNION ALL "

Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class By:
    """What is counted by: one or two columns of the set, or of rows that belong to it."""

    column: str
    second: str = ""
    source: str = "hits"

    def statement(self, name: str) -> str:
        """Return the counting statement; every code comes as text, whatever its type."""
        columns = [f"CAST({column} AS varchar)" for column in (self.column, self.second) if column]
        cells = ", ".join([*columns, "NULL"][:2])
        groups = ", ".join(column for column in (self.column, self.second) if column)
        return f"SELECT '{name}', {cells}, COUNT(*) FROM {self.source} GROUP BY {groups}"  # noqa: S608 - names from our code


BY_TAG: Final = By("term_id", source=f"hits INNER JOIN {CaseTag._meta.db_table} tagged ON "
                                     "tagged.case_id = hits.id")  # fmt: skip
"""Every tag of the cases; the set needs a column `id`."""


def tallies(rows: QuerySet[Any], groups: Mapping[str, By]) -> dict[str, dict[Key, int]]:
    """Count rows, by name of the group: one query. `rows` is sliced and ends in `values()`.

    The key is one code, or two where it is counted by two.
    """
    found: dict[str, dict[Key, int]] = {name: {} for name in groups}
    counting = _ALL.join(by.statement(name) for name, by in groups.items())
    for name, first, second, n in _read(rows, counting):
        found[name][(first, second) if groups[name].second else (first,)] = n
    return found


def medians(
    rows: QuerySet[Any], day: str, hour: str, span: str
) -> dict[tuple[int, int | None], float]:
    """Return the median of a span in seconds by day and hour, and by day (hour None); one query.

    `rows` is sliced and ends in `values()` with these names.
    """
    counting = _ALL.join((
        _median(f"{day}, {hour}", (day, hour), span),
        _median(day, (day, "CAST(NULL AS integer)"), span),
    ))  # fmt: skip
    return {
        (int(one), None if two is None else int(two)): _seconds(middle)
        for one, two, middle in _read(rows, counting)
    }


def _median(groups: str, shown: tuple[str, str], span: str) -> str:
    """Return the statement for the mean of the one or two middle values of every group."""
    placed = (
        f"SELECT {shown[0]} AS a, {shown[1]} AS b, {span} AS span, "  # noqa: S608 - names from our code
        f"ROW_NUMBER() OVER (PARTITION BY {groups} ORDER BY {span}) AS place, "
        f"COUNT(*) OVER (PARTITION BY {groups}) AS n FROM hits"
    )
    middle = "place IN ((n + 1) / 2, (n + 2) / 2)"
    return f"SELECT a, b, AVG(span) FROM ({placed}) AS placed WHERE {middle} GROUP BY a, b"  # noqa: S608 - as above


def _read(rows: QuerySet[Any], counting: str) -> list[tuple[Any, ...]]:
    """Run a statement over the set; nothing where the conditions already say that it is empty."""
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"WITH hits AS MATERIALIZED ({sql}) {counting}", params)
        return list(cursor.fetchall())


def _seconds(span: Any) -> float:
    """Return an interval of PostgreSQL, or the microseconds SQLite counts with, as seconds."""
    return span.total_seconds() if isinstance(span, timedelta) else float(span) / 1e6
