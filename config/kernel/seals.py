"""Daily seals: the heads of all chains that moved, signed with a key that is not in the database.

Ed25519 (RFC 8032). Whoever can write the database can rewrite a chain and its owner row, but not
the seal over it. A seal that was exported also shows that later seals were taken away.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.kernel import journal
from config.kernel.chain import canonical, plain
from config.kernel.checking import Fault
from config.kernel.models import JournalEntry, Ledger, Seal
from config.shared.actors import SYSTEM

LEDGER = "seals"
MADE = "seal.made"
_ENTRIES_PER_SEAL = 50_000
_HEADS_PER_QUERY = 400
_Head = tuple[str, int, str]  # stream, seq, hash


def seal_day(at: datetime) -> int:
    """Seal everything since the last seal, once per local day; returns the number of seals."""
    newest = _newest_id()
    with transaction.atomic():
        _lock()
        last = Seal.objects.order_by("number").last()
        if last is not None and last.day >= timezone.localdate(at):
            return 0
        seal = make_seal(at)
    made = 1
    while json.loads(seal.body)["through"] < newest:
        seal = make_seal(at)
        made += 1
    return made


def make_seal(at: datetime) -> Seal:
    """Sign the heads of the chains that moved since the last seal; at most 50,000 entries.

    A transaction may commit after one that took a higher entry id, so the range of the last
    seal is looked at once more; what stands in the last seal is not repeated.
    """
    with transaction.atomic():
        _lock()
        last = Seal.objects.order_by("number").last()
        before: dict[str, Any] = json.loads(last.body) if last else {"after": 0, "through": 0}
        fresh = JournalEntry.objects.filter(id__gt=before["through"]).order_by("id")
        ids = fresh.values_list("id", flat=True)[:_ENTRIES_PER_SEAL]
        through = max(ids, default=before["through"])
        seal = Seal(
            number=last.number + 1 if last else 1,
            day=timezone.localdate(at),
            made_at=at,
            previous_hash=seal_hash(last) if last else "",
        )
        heads = _heads(before, through)
        seal.body = canonical(
            _columns(seal)
            | {"key": public_key(), "after": before["through"], "through": through, "heads": heads}
        )
        seal.signature = base64.b64encode(_private_key().sign(seal.body.encode())).decode()
        seal.save(force_insert=True)
        facts = {"number": seal.number, "streams": len(heads), "hash": seal_hash(seal)}
        journal.note(LEDGER, MADE, facts, actor=SYSTEM, at=at)
    return seal


def public_key() -> str:
    """Return the public half of the seal key in hex, to be kept outside with exported seals."""
    return _private_key().public_key().public_bytes_raw().hex()


def seal_hash(seal: Seal) -> str:
    """Return the hash by which the next seal names this one."""
    return sha256((seal.body + seal.signature).encode()).hexdigest()


def exported(seal: Seal) -> str:
    """Return a seal as the text to keep outside the database; `exported_fault` reads it."""
    return canonical({"body": seal.body, "signature": seal.signature})


def exported_fault(text: str) -> Fault | None:
    """Compare an exported seal with the database: it must still be there, to the letter.

    Raises ValueError for a text that is not an exported seal.
    """
    try:
        kept = json.loads(text)
        seal = Seal(body=kept["body"], signature=kept["signature"])
        number = json.loads(seal.body)["number"]
    except (ValueError, TypeError, KeyError) as error:
        message = "this is not an exported seal"
        raise ValueError(message) from error
    if not _signed(seal):
        return Fault(LEDGER, number, _("the exported seal is not signed with a known key"))
    if Seal.objects.filter(number=number, body=seal.body, signature=seal.signature).exists():
        return None
    return Fault(LEDGER, number, _("the exported seal is not in the database"))


def faults_of_seals() -> Iterator[Fault]:
    """Yield what is wrong with the seals themselves, then with the entries they sealed."""
    previous: Seal | None = None
    for seal in Seal.objects.order_by("number").iterator(chunk_size=1):
        problem = _problem(seal, previous)
        if problem:
            yield Fault(LEDGER, seal.number, problem)
            return
        yield from _moved(seal.number, json.loads(seal.body)["heads"])
        previous = seal
    noted, digest = _last_noted()
    if (noted, digest) != ((previous.number, seal_hash(previous)) if previous else (0, "")):
        yield Fault(LEDGER, noted, _("the last seals are not those that were recorded"))


def faults_under_seals(stream: str) -> Iterator[Fault]:
    """Yield what seals say against the entries of one stream."""
    named = json.dumps(stream, ensure_ascii=False)
    for seal in Seal.objects.filter(body__contains=named).order_by("number").iterator(1):
        heads = [head for head in json.loads(seal.body)["heads"] if head[0] == stream]
        yield from _moved(seal.number, heads)


def _lock() -> None:
    """Let one process at a time make seals."""
    Ledger.objects.get_or_create(name=LEDGER)
    Ledger.objects.select_for_update(no_key=True).get(name=LEDGER)


def _last_noted() -> tuple[int, str]:
    """Return number and hash of the last seal as the record of seals has it."""
    entry = journal.entries(f"{Ledger.stream_kind}:{LEDGER}").filter(action=MADE).last()
    if entry is None:
        return 0, ""
    try:
        facts = journal.facts_of(entry)
        return int(facts["number"]), str(facts["hash"])
    except (ValueError, LookupError, TypeError):
        return 0, "unreadable"


def _newest_id() -> int:
    return JournalEntry.objects.order_by("-id").values_list("id", flat=True).first() or 0


def _heads(before: dict[str, Any], through: int) -> list[_Head]:
    """Return the heads, sorted, of chains with entries from the last seal's range to `through`."""
    moved = JournalEntry.objects.filter(id__gt=before["after"], id__lte=through).order_by("id")
    heads: dict[str, _Head] = {}
    for head in moved.values_list("stream", "seq", "hash").iterator(chunk_size=2000):
        heads[head[0]] = head
    sealed = {tuple(head) for head in before.get("heads", ())}
    return sorted(head for head in heads.values() if head not in sealed)


def _columns(seal: Seal) -> dict[str, Any]:
    """Return what the body repeats of the seal's columns."""
    content = {
        "number": seal.number,
        "day": seal.day,
        "made_at": seal.made_at,
        "previous": seal.previous_hash,
    }
    plainly: dict[str, Any] = plain(content)
    return plainly


def _problem(seal: Seal, previous: Seal | None) -> str:
    """Say what is wrong with a seal: signature, columns, or its place after the one before."""
    if not _signed(seal):
        return _("the seal was changed, or signed with an unknown key")
    body = json.loads(seal.body)
    if any(body.get(name) != value for name, value in _columns(seal).items()):
        return _("the seal's row is not what was signed")
    number, digest = (previous.number, seal_hash(previous)) if previous else (0, "")
    if (seal.number, seal.previous_hash) != (number + 1, digest):
        return _("the seal before this one is missing")
    return ""


def _moved(number: int, heads: Sequence[Sequence[Any]]) -> Iterator[Fault]:
    """Yield sealed heads that are no longer what stands in the record."""
    for start in range(0, len(heads), _HEADS_PER_QUERY):
        part = heads[start : start + _HEADS_PER_QUERY]
        here = _hashes(part)
        for stream, seq, digest in part:
            if here.get((stream, seq)) != digest:
                problem = _("the entry is not the one in seal %(number)s") % {"number": number}
                yield Fault(stream, seq, problem)


def _hashes(heads: Iterable[Sequence[Any]]) -> dict[tuple[str, int], str]:
    """Return the hashes that stand in the record now (of some more entries than asked)."""
    streams, seqs = {head[0] for head in heads}, {head[1] for head in heads}
    rows = JournalEntry.objects.filter(stream__in=streams, seq__in=seqs)
    return {(s, n): digest for s, n, digest in rows.values_list("stream", "seq", "hash")}


def _signed(seal: Seal) -> bool:
    """Tell whether the seal is signed with our key, or with an earlier one we still trust."""
    try:
        signature = base64.b64decode(seal.signature, validate=True)
        named = json.loads(seal.body)["key"]
        if named not in {public_key(), *settings.SEAL_PUBLIC_KEYS}:
            return False
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(named))
        key.verify(signature, seal.body.encode())
    except (InvalidSignature, binascii.Error, ValueError, KeyError, TypeError):
        return False
    return True


@lru_cache(maxsize=4)
def _key_from(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(secret.encode()).digest())


def _private_key() -> Ed25519PrivateKey:
    """Return the seal key, derived from settings.SEAL_KEY."""
    return _key_from(settings.SEAL_KEY)
