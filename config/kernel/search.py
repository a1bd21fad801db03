"""Finding rows by words: keep search documents and ask for them, the same on both engines.

A document is the text of terms that `config.shared.terms_index.index_terms` makes; its `matches`
says what a search means. SQLite answers with FTS5, PostgreSQL with a GIN index (triggers.py).
"""

from collections.abc import Iterable, Mapping

from django.db import connection, transaction

from config.kernel.models import SearchDoc
from config.kernel.triggers import LEXEME_MARK, SEARCH_INDEX, SEARCH_TABLE, TERMS_VECTOR
from config.shared.terms_index import PREFIX, query_terms

LIMIT = 10_001
_ROWS_PER_WRITE = 400
_LONGEST_TERM = 100
_MOST_TERMS = 16_000  # PostgreSQL keeps word positions up to 16,383 and no more


def put(docs: Mapping[tuple[str, int], str]) -> None:
    """Write documents by (kind, ref_id); one that is there is replaced. Set-based.

    Terms beyond the 16,000th and letters of a term beyond the 100th are not searchable.
    """
    rows = [
        SearchDoc(kind=kind, ref_id=ref_id, terms=_storable(terms))
        for (kind, ref_id), terms in sorted(docs.items())
    ]
    with transaction.atomic(savepoint=False):
        SearchDoc.objects.bulk_create(
            rows,
            batch_size=_ROWS_PER_WRITE,
            update_conflicts=True,
            unique_fields=["kind", "ref_id"],
            update_fields=["terms"],
        )


def remove(kind: str, ids: Iterable[int]) -> int:
    """Delete documents; returns how many there were."""
    return SearchDoc.objects.filter(kind=kind, ref_id__in=list(ids)).delete()[0]


def purge() -> None:
    """Rewrite the index so that terms of deleted documents are gone from it; for erasers.

    FTS5 keeps them in its segments until a merge. PostgreSQL's index holds live rows only.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {SEARCH_INDEX}({SEARCH_INDEX}) VALUES('optimize')")


def find(kind: str, query: str, *, limit: int = LIMIT, prefix_last: bool = True) -> list[int]:
    """Return up to `limit` ref_ids of one kind that answer the query, highest first.

    All words must occur; a run of Chinese letters occurs as it stands; with `prefix_last` the
    last Latin word may be unfinished. Words that match more than `limit` rows give the newest
    documents. Any text may be asked; nothing searchable finds nothing.
    """
    phrases = [[t[:_LONGEST_TERM] for t in p] for p in query_terms(query, prefix_last=prefix_last)]
    if not phrases or limit < 1:
        return []
    if connection.vendor == "postgresql":
        return _find_postgresql(kind, phrases, limit)
    return _find_sqlite(kind, phrases, limit)


def _storable(terms: str) -> str:
    """Return the terms within what both engines can hold."""
    clean = terms.replace("\0", " ").encode(errors="ignore").decode()
    kept = [term[:_LONGEST_TERM] for term in clean.split()]
    return " ".join(kept[:_MOST_TERMS])


def _find_sqlite(kind: str, phrases: list[list[str]], limit: int) -> list[int]:
    """Walk the hits by rowid, newest first; the join order is forced (CROSS JOIN)."""
    asked = " AND ".join(_fts_phrase(phrase) for phrase in phrases)
    sql = (
        f"SELECT doc.ref_id FROM {SEARCH_INDEX} AS hit "  # noqa: S608 - constants
        f"CROSS JOIN {SEARCH_TABLE} AS doc ON doc.id = hit.rowid "
        f"WHERE hit.{SEARCH_INDEX} MATCH %s AND doc.kind = %s ORDER BY hit.rowid DESC LIMIT %s"
    )
    return sorted(_ids(sql, asked, kind, limit), reverse=True)


def _find_postgresql(kind: str, phrases: list[list[str]], limit: int) -> list[int]:
    """Take the hits from GIN without an order; only a full hand is fetched again, newest first.

    An ORDER BY beside a LIMIT lets the planner walk the order's index to the end for a word that
    does not occur; words that fill the limit are found quickly by just that walk.
    """
    asked = " & ".join(f"({' <-> '.join(map(_lexeme, phrase))})" for phrase in phrases)
    hits = (
        f"SELECT ref_id FROM {SEARCH_TABLE} "  # noqa: S608 - constants
        f"WHERE {TERMS_VECTOR} @@ to_tsquery('simple', %s) AND kind = %s"
    )
    fenced = f"WITH hits AS MATERIALIZED ({hits} LIMIT %s) SELECT ref_id FROM hits"  # noqa: S608 - constants
    found = _ids(fenced, asked, kind, limit)
    if len(found) == limit:
        return _ids(f"{hits} ORDER BY ref_id DESC LIMIT %s", asked, kind, limit)
    return sorted(found, reverse=True)


def _ids(sql: str, *params: str | int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()]


def _fts_phrase(phrase: list[str]) -> str:
    """Quote a phrase for FTS5; terms hold letters and digits only."""
    text = " ".join(phrase)
    return f'"{text.removesuffix(PREFIX)}"*' if text.endswith(PREFIX) else f'"{text}"'


def _lexeme(term: str) -> str:
    """Quote a term for to_tsquery, with the mark that every indexed term carries."""
    word = f"'{LEXEME_MARK}{term.removesuffix(PREFIX)}'"
    return f"{word}:*" if term.endswith(PREFIX) else word
