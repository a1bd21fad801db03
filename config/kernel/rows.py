"""Writing many rows at once, each with its own values, in one statement and without models."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

# PostgreSQL takes all rows as one JSON text: ten times less work than arrays or a pipeline of
# single statements. SQLite runs one prepared statement over them.
_FROM_JSON = "json_to_recordset(%s) AS v({types})"


def write(rows: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Write the named fields of saved rows of one model; plain values only, no expressions.

    The rows must be held: on PostgreSQL they are not touched in a fixed order.
    """
    if not rows or not fields:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    meta = model._meta
    columns = [column for column in meta.concrete_fields if column.name in fields]
    everything = (*columns, meta.pk)
    values = [
        [column.get_db_prep_save(getattr(row, column.attname), connection) for column in everything]
        for row in sorted(rows, key=lambda row: row.pk)
    ]
    quote = connection.ops.quote_name
    table, key = quote(meta.db_table), quote(str(meta.pk.column))
    names = [quote(str(column.column)) for column in columns]
    if connection.vendor == "postgresql":
        sets = ", ".join(f"{name} = v.{name}" for name in names)
        source = _FROM_JSON.format(types=_types(everything, connection))
        sql = f"UPDATE {table} SET {sets} FROM {source} WHERE {table}.{key} = v.{key}"  # noqa: S608 - names of our models
        _run_json(connection, sql, everything, values)
        return
    sets = ", ".join(f"{name} = %s" for name in names)
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET {sets} WHERE {key} = %s", values)  # noqa: S608 - names of our models


def insert(
    model: type[models.Model],
    fields: Sequence[str],
    records: Sequence[Sequence[Any]],
    *,
    unless: Sequence[str] = (),
) -> None:
    """Insert rows given as plain values in the order of `fields`; no model is built or returned.

    All columns without a NULL must be named, keys by their column (`case_id`); no encrypted
    fields. Rows that exist already by the unique fields `unless` are left out.
    """
    if not records:
        return
    connection = connections[router.db_for_write(model)]
    quote, meta = connection.ops.quote_name, model._meta
    by_name = {column.attname: column for column in meta.concrete_fields}
    columns = [by_name[name] for name in fields]
    names = ", ".join(quote(str(column.column)) for column in columns)
    known = ", ".join(quote(name) for name in unless)
    into = f"INSERT INTO {quote(meta.db_table)} ({names})"
    tail = f" ON CONFLICT ({known}) DO NOTHING" if unless else ""
    if connection.vendor == "postgresql":
        source = _FROM_JSON.format(types=_types(columns, connection))
        sql = f"{into} SELECT {names} FROM {source}{tail}"  # noqa: S608 - names of our models
        _run_json(connection, sql, columns, records)
        return
    marks = ", ".join(["%s"] * len(columns))
    moment = connection.ops.adapt_datetimefield_value
    values = [[_stored(value, moment) for value in record] for record in records]
    with connection.cursor() as cursor:
        cursor.executemany(f"{into} VALUES ({marks}){tail}", values)


def _run_json(
    connection: BaseDatabaseWrapper,
    sql: str,
    columns: "Sequence[models.Field[Any, Any]]",
    values: Sequence[Sequence[Any]],
) -> None:
    """Run a statement whose rows stand in its one parameter."""
    keys = [str(column.column) for column in columns]
    rows = [dict(zip(keys, record, strict=True)) for record in values]
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(rows, ensure_ascii=False, default=_plain)])


def _types(columns: "Sequence[models.Field[Any, Any]]", connection: BaseDatabaseWrapper) -> str:
    """Return columns with their types; the table itself refuses what is too long."""
    quote = connection.ops.quote_name
    kinds = [(quote(str(c.column)), str(c.db_type(connection))) for c in columns]
    return ", ".join(f"{n} {'text' if kind.startswith('varchar') else kind}" for n, kind in kinds)


def _plain(value: object) -> Any:
    """Return what JSON has for a value of a column."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
    if (wrapped := getattr(value, "obj", None)) is not None:  # psycopg's Jsonb
        return wrapped
    message = f"{type(value).__name__} cannot be written"
    raise TypeError(message)


def _stored(value: Any, moment: Any) -> Any:
    """Return a value as SQLite keeps it."""
    match value:
        case datetime():
            return moment(value)
        case dict() | list():
            return json.dumps(value)
    return value
