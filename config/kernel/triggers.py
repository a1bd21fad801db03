"""What Django cannot declare: append-only triggers and the search index, on both engines.

Installed after every migrate and not by a migration, because SQLite loses triggers whenever Django
rebuilds a table. `missing` compares what stands in the database with what belongs there, text and
all, so that a trigger that was emptied or switched off counts as missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

SEARCH_TABLE = "kernel_searchdoc"
SEARCH_INDEX = "kernel_searchdoc_fts"
# PostgreSQL's parser cuts words such as "3e5loan" (a number, a word) but none that begins with a
# letter: each term gets one in front, here and in the question (search.py).
LEXEME_MARK = "x"
TERMS_VECTOR = f"to_tsvector('simple', '{LEXEME_MARK}' || replace(terms, ' ', ' {LEXEME_MARK}'))"
_APPEND_ONLY = ("kernel_journalentry", "kernel_seal")


@dataclass(frozen=True, slots=True)
class _Piece:
    """One database object: `proof` is what the catalogue shows when it is whole."""

    name: str
    create: str
    drop: str
    proof: str
    guards: bool


def install_after_migrate(
    sender: AppConfig | None = None, using: str = DEFAULT_DB_ALIAS, **_: object
) -> None:
    """Install what is missing, once per migrate (also after a flush)."""
    if sender is None or sender.label == "kernel":
        install(using)


def install(using: str = DEFAULT_DB_ALIAS) -> None:
    """Install every missing piece; fill a new search index from the rows that are there."""
    connection = connections[using]
    if not {*_APPEND_ONLY, SEARCH_TABLE} <= set(connection.introspection.table_names()):
        return
    wanting = _wanting(connection)
    if not wanting:
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for piece in wanting:
            cursor.execute(piece.drop)
            cursor.execute(piece.create)
        if connection.vendor == "sqlite" and any(not piece.guards for piece in wanting):
            cursor.execute(f"INSERT INTO {SEARCH_INDEX}({SEARCH_INDEX}) VALUES ('rebuild')")  # noqa: S608 - constants


def missing(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Return the names of triggers and indexes that are absent, changed or switched off."""
    return [piece.name for piece in _wanting(connections[using])]


def drop_append_only(using: str = DEFAULT_DB_ALIAS) -> None:
    """Take the append-only triggers away, for test databases that are emptied between tests."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for piece in _pieces(connection):
            if piece.guards:
                cursor.execute(piece.drop)


def _wanting(connection: BaseDatabaseWrapper) -> list[_Piece]:
    proofs = _proofs(connection)
    return [piece for piece in _pieces(connection) if proofs.get(piece.name) != piece.proof]


def _pieces(connection: BaseDatabaseWrapper) -> list[_Piece]:
    """Return what belongs into this engine, in the order of creation."""
    if connection.vendor == "postgresql":
        return [*_postgresql_guards(), _postgresql_search()]
    return [*_sqlite_guards(), *_sqlite_search()]


def _proofs(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Return what the catalogue says about objects that may be ours."""
    look = _POSTGRESQL_CATALOGUE if connection.vendor == "postgresql" else _SQLITE_CATALOGUE
    with connection.cursor() as cursor:
        cursor.execute(look)
        return {name: proof.strip() for name, proof in cursor.fetchall()}


# --- SQLite -----------------------------------------------------------------------------
_SQLITE_CATALOGUE = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"


def _sqlite_guards() -> Iterator[_Piece]:
    """Refuse UPDATE and DELETE row by row."""
    for table in _APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            name = f"{table}_no_{act.lower()}"
            create = (
                f"CREATE TRIGGER {name} BEFORE {act} ON {table} BEGIN "
                f"SELECT RAISE(ABORT, 'the record is append-only: {act} on {table}'); END"
            )
            yield _Piece(name, create, f"DROP TRIGGER IF EXISTS {name}", create, guards=True)


def _sqlite_search() -> Iterator[_Piece]:
    """Index the terms with FTS5; the `ascii` tokeniser leaves our terms exactly as they are."""
    table, index = SEARCH_TABLE, SEARCH_INDEX
    create = (
        f"CREATE VIRTUAL TABLE {index} USING fts5"
        f"(terms, content='{table}', content_rowid='id', tokenize='ascii')"
    )
    yield _Piece(index, create, f"DROP TABLE IF EXISTS {index}", create, guards=False)
    add = f"INSERT INTO {index}(rowid, terms) VALUES (new.id, new.terms);"  # noqa: S608 - constants
    take = (
        f"INSERT INTO {index}({index}, rowid, terms) "  # noqa: S608 - constants
        "VALUES ('delete', old.id, old.terms);"
    )
    for act, body in (("INSERT", add), ("DELETE", take), ("UPDATE", f"{take} {add}")):
        name = f"{index}_{act.lower()}"
        create = f"CREATE TRIGGER {name} AFTER {act} ON {table} BEGIN {body} END"
        yield _Piece(name, create, f"DROP TRIGGER IF EXISTS {name}", create, guards=False)


# --- PostgreSQL -------------------------------------------------------------------------
_FUNCTION = "kernel_append_only"
_FUNCTION_BODY = (
    "BEGIN RAISE EXCEPTION 'the record is append-only: % on %', TG_OP, TG_TABLE_NAME "
    "USING ERRCODE = 'integrity_constraint_violation'; END"
)
# Bits of pg_trigger.tgtype: row 1, before 2, delete 8, update 16, truncate 32.
_GUARDS = (
    ("no_change", "UPDATE OR DELETE", "ROW", 1 + 2 + 8 + 16),
    ("no_truncate", "TRUNCATE", "STATEMENT", 2 + 32),
)
_POSTGRESQL_CATALOGUE = f"""
    SELECT tgname, concat_ws(' ', tgrelid::regclass, tgtype, tgenabled, tgfoid::regproc)
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT proname, prosrc FROM pg_proc WHERE proname = '{_FUNCTION}'
    UNION ALL
    SELECT indexrelid::regclass::text, CASE WHEN indisvalid THEN 'valid' ELSE '' END
    FROM pg_index WHERE indrelid = to_regclass('{SEARCH_TABLE}')
"""  # noqa: S608 - constants


def _postgresql_guards() -> Iterator[_Piece]:
    """Refuse UPDATE, DELETE and TRUNCATE with one function."""
    create = (
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql "
        f"AS $$ {_FUNCTION_BODY} $$"
    )
    yield _Piece(_FUNCTION, create, "SELECT 1", _FUNCTION_BODY, guards=False)
    for table in _APPEND_ONLY:
        for suffix, acts, each, bits in _GUARDS:
            name = f"{table}_{suffix}"
            yield _Piece(
                name,
                f"CREATE TRIGGER {name} BEFORE {acts} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION {_FUNCTION}()",
                f"DROP TRIGGER IF EXISTS {name} ON {table}",
                f"{table} {bits} O {_FUNCTION}",
                guards=True,
            )


def _postgresql_search() -> _Piece:
    """Index the terms with GIN; kept by PostgreSQL itself."""
    name = f"{SEARCH_TABLE}_words"
    return _Piece(
        name,
        f"CREATE INDEX {name} ON {SEARCH_TABLE} USING gin ({TERMS_VECTOR})",
        f"DROP INDEX IF EXISTS {name}, {SEARCH_TABLE}_terms",  # the second: before the mark
        "valid",
        guards=False,
    )
