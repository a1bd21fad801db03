"""The growing lists (terms). Code reads flags, never codes; defaults/terms.py fills them."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from config.kernel import journal
from config.kernel.models import Term
from config.kernel.querysets import TermQuerySet
from config.shared.actors import Actor
from config.shared.claim import hold


def of(taxonomy: str, *, active_only: bool = True, on: date | None = None) -> list[Term]:
    """Return one list in its order, parents before their children; one query.

    `on` (local date of the bank) also leaves out entries that are not valid that day.
    """
    rows: TermQuerySet = Term.objects.of(taxonomy)
    return list(rows.usable(on) if active_only else rows)


def get(taxonomy: str, code: str) -> Term:
    """Return one entry, active or not; raises Term.DoesNotExist."""
    return Term.objects.select_related("parent").get(taxonomy=taxonomy, code=code)


def by_code(taxonomy: str) -> dict[str, Term]:
    """Return the whole list, inactive entries too, by code; for imports and sets of rows."""
    return {term.code: term for term in Term.objects.of(taxonomy)}


def flagged(taxonomy: str, flag: str, *, value: object = True) -> list[Term]:
    """Return the active entries whose `flag` has `value`, in order."""
    return [term for term in of(taxonomy) if term.flags.get(flag) == value]


def choices(taxonomy: str, *, on: date | None = None) -> list[tuple[str, str]]:
    """Return (code, label in the active language) pairs; a child shows its parent before it."""
    return [(term.code, path(term)) for term in of(taxonomy, on=on)]


def path(term: Term) -> str:
    """Return the label with the parent's before it: `Loans › Mortgage`."""
    return f"{term.parent.label} › {term.label}" if term.parent else term.label


def add(term: Term, *, actor: Actor, at: datetime) -> Term:
    """Write a new entry of a list; journalled. A code used twice is IntegrityError."""
    with transaction.atomic():
        term.save(force_insert=True)
        facts = {"taxonomy": term.taxonomy, "code": term.code}
        journal.append([journal.Fact(term, "term.added", facts)], actor=actor, at=at)
    return term


def change(term: Term, fields: Sequence[str], *, actor: Actor, at: datetime) -> bool:
    """Write the named fields of an entry; journalled. False when it was changed meanwhile.

    `term` carries the new values and the version the person saw; taxonomy and code never change.
    """
    allowed = {"name_en", "name_zh", "order", "active", "valid_from", "valid_to", "flags"}
    if not set(fields) <= allowed | {"jrt_code", "parent"}:
        message = f"these fields of a term never change: {set(fields) - allowed}"
        raise ValueError(message)
    with hold(Term.objects.filter(pk=term.pk), {term.pk: term.version}) as held:
        if not held.rows or held.stale:
            return False
        row = held.rows[0]
        for name in fields:
            setattr(row, name, getattr(term, name))
        facts = {"taxonomy": row.taxonomy, "code": row.code, "fields": sorted(fields)}
        fact = journal.Fact(row, "term.changed", facts)
        journal.append([fact], actor=actor, at=at, save=list(fields))
    return True
