"""Loads the starting lists (DOMAIN.md §4.1-4.7) from terms.json.

What was loaded last stands in the record of each term (`term.loaded` with a digest), so a newer
release can correct a term nobody has touched, and leaves alone what an admin has changed.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from config.kernel import journal
from config.kernel.models import JournalEntry, Term
from config.shared.actors import Actor

SOURCE: Final = Path(__file__).with_name("terms.json")
_FIELDS: Final = ("name_en", "name_zh", "order", "flags", "jrt_code")


def load(actor: Actor, at: datetime) -> int:
    """Bring the lists to the state of terms.json; returns how many terms were written."""
    content = json.loads(SOURCE.read_text(encoding="utf-8"))
    rows = [
        {**row, "taxonomy": taxonomy, "order": place * 10}
        for taxonomy, listed in content["taxonomies"].items()
        for place, row in enumerate(listed, start=1)
    ]
    with transaction.atomic():
        heads = _write([row for row in rows if not row.get("parent")], actor, at)
        return heads + _write([row for row in rows if row.get("parent")], actor, at)


def _write(rows: list[dict[str, Any]], actor: Actor, at: datetime) -> int:
    """Insert new terms, correct untouched ones; parents of the rows exist already."""
    known = {(term.taxonomy, term.code): term for term in Term.objects.select_for_update()}
    loaded = _last_loaded(known.values())
    fresh, changed = [], []
    for row in rows:
        term = known.get((row["taxonomy"], row["code"]))
        if term is None:
            parent = known.get((row["taxonomy"], row.get("parent", "")))
            fresh.append(
                _fill(Term(taxonomy=row["taxonomy"], code=row["code"], parent=parent), row)
            )
        elif loaded.get(term.stream) == _digest(term) != _digest(_fill(Term(), row)):
            changed.append(_fill(term, row))
    Term.objects.bulk_create(fresh, batch_size=200)
    facts = [
        journal.Fact(
            t, "term.loaded", {"taxonomy": t.taxonomy, "code": t.code, "digest": _digest(t)}
        )
        for t in [*fresh, *changed]
    ]
    journal.append(facts[: len(fresh)], actor=actor, at=at)
    journal.append(facts[len(fresh) :], actor=actor, at=at, save=_FIELDS)
    return len(facts)


def _fill(term: Term, row: dict[str, Any]) -> Term:
    """Set what the file says about a term; `active` belongs to the admins."""
    term.name_en, term.name_zh = row["en"], row["zh"]
    term.order, term.flags = row["order"], row.get("flags", {})
    term.jrt_code = row.get("jrt_code", "")
    return term


def _digest(term: Term) -> str:
    """Return a short digest of what the file governs."""
    content = {name: getattr(term, name) for name in _FIELDS}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()[:16]


def _last_loaded(terms: Iterable[Term]) -> dict[str, str]:
    """Return, by stream, the digest that was loaded last."""
    streams = [term.stream for term in terms]
    found: dict[str, str] = {}
    for start in range(0, len(streams), 400):
        entries = JournalEntry.objects.filter(
            action="term.loaded", stream__in=streams[start : start + 400]
        )
        for entry in entries.order_by("seq"):
            found[entry.stream] = journal.facts_of(entry)["digest"]
    return found
