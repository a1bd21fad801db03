"""The record: append facts to their owners' chains, read them, erase their words.

Only this module writes entries. An entry's body is canonical JSON with codes, ids and times; free
text stands beside it in EventWords, encrypted, and only its salted hash is in the chain.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from secrets import token_hex
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from config.kernel import streams as owners_registry
from config.kernel.actions import Action, UnknownAction, describe, facts_of, known
from config.kernel.chain import ERASED, canonical, chained, columns, plain
from config.kernel.checking import Fault, first_fault
from config.kernel.models import EventWords, JournalEntry, Ledger, Recorded
from config.kernel.rows import insert, write
from config.shared.actors import Actor
from config.shared.claim import hold

__all__ = [
    "Action",
    "Fact",
    "Fault",
    "UnknownAction",
    "append",
    "append_plain",
    "describe",
    "entries",
    "erase_words",
    "facts_of",
    "first_fault",
    "note",
    "told",
    "words_of",
]

_COLUMNS = (
    "stream", "seq", "action", "at", "actor_kind", "actor_id", "actor_label", "body", "hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened to `owner`: codes, ids and figures in `facts`, free text in `words`.

    Never put a name, number or text of a customer into `facts` or the actor's label: they
    cannot be erased. Empty words are not kept.
    """

    owner: Recorded
    action: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


def append(
    happened: Sequence[Fact], *, actor: Actor, at: datetime, save: Sequence[str] = ()
) -> list[JournalEntry]:
    """Link each fact to its owner's chain and write the owners in the same UPDATE.

    Owners must be held (or created in this transaction), one object per row; they may be of
    several models and have several facts. `save` names the fields the verb changed (of each
    model those it has): row and record go together, so neither is forgotten; empty = an append,
    `version` stays. Returns the entries in the order of `happened`.
    Raises UnknownAction, TypeError for facts that are not plain values.
    """
    if not happened:
        return []
    owners = _one_object_per_row(happened)
    _refuse_unknown(save, owners)
    links = [_link(fact, actor=actor, at=at) for fact in happened]
    with transaction.atomic(savepoint=False):
        written = JournalEntry.objects.bulk_create([entry for entry, _ in links])
        EventWords.objects.bulk_create([word for _, words in links for word in words])
        for model, rows in groupby(sorted(owners, key=_model_name), key=type):
            _write_owners(model, list(rows), save)
    return written


def append_plain(
    happened: Sequence[Fact], *, actor: Actor, at: datetime, also: Sequence[str] = ()
) -> None:
    """As `append`, for sweeps over thousands of chains: no words, nothing returned.

    Facts must be JSON values already (moments as ISO texts in UTC), else TypeError. `also` names
    fields of the owners that are written along; `version` stays, since no person's form could
    collide with what a sweep marks.
    """
    owners = _one_object_per_row(happened)
    who = (actor.kind, actor.id, actor.label[:120])
    moment = plain(at)
    records = []
    for fact in happened:
        if fact.words:
            message = f"{fact.action}: words need `append`"
            raise ValueError(message)
        owner, action = fact.owner, known(fact.action).key
        owner.event_seq += 1
        stream, seq = owner.stream, owner.event_seq
        content = {"stream": stream, "seq": seq, "action": action, "at": moment,
                   "actor_kind": actor.kind, "actor_id": actor.id,
                   "facts": fact.facts, "words": {}}  # fmt: skip
        body = canonical(content)
        owner.head_hash = chained(owner.head_hash, body)
        records.append((stream, seq, action, at, *who, body, owner.head_hash))
    with transaction.atomic(savepoint=False):
        insert(JournalEntry, _COLUMNS, records)
        for _model, rows in groupby(sorted(owners, key=_model_name), key=type):
            write(list(rows), [*also, "event_seq", "head_hash"])


def note(
    ledger: str,
    action: str,
    facts: Mapping[str, Any],
    words: Mapping[str, str] | None = None,
    *,
    actor: Actor,
    at: datetime,
) -> JournalEntry:
    """Record something that belongs to no row, in the chain `ledger:<name>`.

    The ledger row stays locked until the caller's transaction ends: call it last.
    """
    with transaction.atomic():
        row = Ledger.objects.select_for_update(no_key=True).filter(name=ledger).first()
        if row is None:
            Ledger.objects.get_or_create(name=ledger)
            row = Ledger.objects.select_for_update(no_key=True).get(name=ledger)
        return append([Fact(row, action, facts, words or {})], actor=actor, at=at)[0]


def entries(stream: str) -> QuerySet[JournalEntry]:
    """Return the entries of one chain, oldest first."""
    return JournalEntry.objects.filter(stream=stream).order_by("seq")


def words_of(read: Iterable[JournalEntry]) -> dict[int, dict[str, str | None]]:
    """Return the words of entries by entry id and name; erased words are None. One query."""
    found: dict[int, dict[str, str | None]] = {entry.pk: {} for entry in read}
    for word in EventWords.objects.filter(entry__in=list(found)).order_by("entry_id", "id"):
        found[word.entry_id][word.name] = None if word.erased_at else word.text
    return found


def told(rows: QuerySet[JournalEntry]) -> list[tuple[JournalEntry, dict[str, str | None]]]:
    """Return entries in the order of their chain, with their words by name; erased = None.

    One query for both, however long the chain is: a joined row per word.
    """
    joined = rows.annotate(
        word_name=F("words__name"), word_text=F("words__text"), word_gone=F("words__erased_at")
    )
    found: dict[int, tuple[JournalEntry, dict[str, str | None]]] = {}
    for row in joined.order_by("seq", "words__pk"):
        _entry, words = found.setdefault(row.pk, (row, {}))
        if row.word_name is not None:
            words[row.word_name] = None if row.word_gone else row.word_text
    return list(found.values())


def erase_words(streams: Iterable[str], *, actor: Actor, at: datetime) -> int:
    """Erase all words of these chains and record, in each chain, the hashes they had.

    Text and salt go, so that short words cannot be guessed from the hash. Returns the number of
    words erased; chains without words stay as they are.
    """
    with transaction.atomic():
        owners: dict[str, Recorded] = {}
        for rows in owners_registry.owners_of(streams):
            with hold(rows) as held:
                owners |= {row.stream: row for row in held.rows}
        erased = EventWords.objects.filter(entry__stream__in=list(owners), erased_at=None)
        digests: dict[str, list[str]] = {}
        for word in erased.select_related("entry").order_by("id"):
            digests.setdefault(word.entry.stream, []).append(word.digest())
        happened = [Fact(owners[name], ERASED, {"digests": digests[name]}) for name in digests]
        append(happened, actor=actor, at=at)
        rows_gone = EventWords.objects.filter(entry__stream__in=list(digests), erased_at=None)
        return rows_gone.update(text="", salt="", erased_at=at)


def _link(fact: Fact, *, actor: Actor, at: datetime) -> tuple[JournalEntry, list[EventWords]]:
    """Build the next link and move the owner's head to it."""
    owner = fact.owner
    action = known(fact.action)
    owner.event_seq += 1
    entry = JournalEntry(
        stream=owner.stream, seq=owner.event_seq, action=action.key, at=at,
        actor_kind=actor.kind, actor_id=actor.id, actor_label=actor.label[:120],
    )  # fmt: skip
    words = [
        EventWords(entry=entry, name=name, salt=token_hex(16), text=str(text))
        for name, text in fact.words.items()
        if text
    ]
    content = columns(entry) | {
        "facts": plain(fact.facts),
        "words": {word.name: word.digest() for word in words},
    }
    entry.body = canonical(content)
    entry.hash = owner.head_hash = chained(owner.head_hash, entry.body)
    return entry, words


def _one_object_per_row(happened: Sequence[Fact]) -> list[Recorded]:
    """Return the owners; two objects of one row would fork its chain."""
    owners: dict[tuple[type[Recorded], Any], Recorded] = {}
    for fact in happened:
        owner = fact.owner
        if owner.pk is None:
            message = f"{type(owner).__name__} must be saved before it is recorded"
            raise ValueError(message)
        if owners.setdefault((type(owner), owner.pk), owner) is not owner:
            message = f"{owner.stream} is recorded through two objects of the same row"
            raise ValueError(message)
    return list(owners.values())


def _refuse_unknown(save: Sequence[str], owners: list[Recorded]) -> None:
    """Raise ValueError for a field to save that no owner has."""
    has = {name for model in {type(owner) for owner in owners} for name in _fields(model)}
    unknown = sorted(set(save) - has)
    if unknown:
        message = f"no owner has the fields {', '.join(unknown)}"
        raise ValueError(message)


def _fields(model: type[Recorded]) -> set[str]:
    return {f.name for f in model._meta.concrete_fields}


def _model_name(owner: Recorded) -> str:
    return type(owner)._meta.label


def _write_owners(model: type[Recorded], rows: list[Recorded], save: Sequence[str]) -> None:
    """Write changed fields and heads of the owners of one model."""
    has = _fields(model)
    fields = [name for name in save if name in has]
    if fields:
        for owner in rows:
            owner.version += 1
        fields.append("version")
    fields += ["event_seq", "head_hash"]
    write(rows, fields)
