"""Whatever is changed in the stored record behind its back is found, and named."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from config.kernel import journal, seals, triggers, verifying
from config.kernel.chain import chained
from config.kernel.journal import Action, Fact
from config.kernel.models import EventWords, JournalEntry, Ledger, RuleSet, Seal, Term
from config.shared.actors import SYSTEM, Actor
from config.shared.crypto import encrypt
from config.shared.registry import contribute, contributed

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
ANNA = Actor("person", 7, "Anna")

if "test.verified" not in contributed(Action):
    contribute(Action("test.verified", _("Happened")))

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_english() -> Any:
    with override("en"):
        yield


@pytest.fixture
def record() -> list[Term]:
    """Thirty-two chains of three models with words, two erased chains, three seals."""
    terms = Term.objects.bulk_create(
        Term(taxonomy="t", code=f"T{n}", name_en="x", name_zh="x") for n in range(26)
    )
    rules = RuleSet.objects.bulk_create(
        RuleSet(kind="t", number=n, title_en="x", title_zh="x") for n in range(4)
    )
    for turn in range(3):
        at = AT + timedelta(days=turn)
        rows = [*terms, *rules][turn:]
        journal.append(
            [Fact(row, "test.verified", {"n": turn}, {"say": f"{row} {turn}"}) for row in rows]
            + [Fact(row, "test.verified", {"n": turn}) for row in rows[::2]],
            actor=ANNA,
            at=at,
        )
        journal.note("access", "test.verified", {"n": turn}, {"why": "asked"}, actor=ANNA, at=at)
        assert seals.seal_day(at) == 1
    journal.erase_words([terms[4].stream, terms[5].stream], actor=ANNA, at=AT)
    return terms


def found() -> list[str]:
    return [fault.stream for fault in verifying.faults()]


def execute(statement: str, *params: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.rowcount


def verify(*args: str) -> str:
    out = StringIO()
    call_command("verify_record", *args, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("record")
def test_an_untouched_record_is_whole() -> None:
    assert [str(fault) for fault in verifying.faults()] == []
    assert "The record is whole" in verify()
    for stream in JournalEntry.objects.values_list("stream", flat=True).distinct():
        assert journal.first_fault(stream) is None


def test_an_empty_database_is_whole() -> None:
    assert "0 entries" in verify()


# --- A thousand ways to cheat -------------------------------------------------------------
# Each takes (random, an entry, another entry of another stream) and runs SQL; it returns False
# when it would change nothing.
Cheat = Callable[[random.Random, JournalEntry, JournalEntry], object]


def _set(column: str, value: Callable[[random.Random, Any], Any]) -> Cheat:
    def cheat(rng: random.Random, entry: JournalEntry, _other: JournalEntry) -> object:
        old = getattr(entry, column)
        new = value(rng, old)
        return new != old and _update(entry, **{column: new})

    return cheat


def _update(entry: JournalEntry, **change: Any) -> int:
    return JournalEntry.objects.filter(pk=entry.pk).update(**change)


def _flip(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text))
    return text[:at] + chr(33 + (ord(text[at]) - 32) % 90) + text[at + 1 :]


def _cut_tail(rng: random.Random, entry: JournalEntry, _other: JournalEntry) -> object:
    rows = JournalEntry.objects.filter(stream=entry.stream, seq__gte=entry.seq)
    EventWords.objects.filter(entry__in=rows)._raw_delete("default")
    return rows._raw_delete("default")


def _cut_tail_and_head(rng: random.Random, entry: JournalEntry, other: JournalEntry) -> object:
    """Also sets the owner's row back; only a seal can tell, so only sealed entries count."""
    if entry.action == journal.ERASED or entry.stream == "ledger:seals":
        return False
    _cut_tail(rng, entry, other)
    return _set_head(entry.stream)


def _set_head(stream: str) -> object:
    last = journal.entries(stream).last()
    [rows] = verifying_owners(stream)
    head = (last.seq, last.hash) if last else (0, "")
    return rows.update(event_seq=head[0], head_hash=head[1])


def verifying_owners(stream: str) -> Any:
    from config.kernel.streams import owners_of

    return owners_of([stream])


def _delete_one(rng: random.Random, entry: JournalEntry, _other: JournalEntry) -> object:
    EventWords.objects.filter(entry=entry)._raw_delete("default")
    return JournalEntry.objects.filter(pk=entry.pk)._raw_delete("default")


def _swap_seqs(rng: random.Random, entry: JournalEntry, _other: JournalEntry) -> object:
    twin = journal.entries(entry.stream).exclude(pk=entry.pk).first()
    if twin is None:
        return False
    _update(entry, seq=9999)
    _update(twin, seq=entry.seq)
    return _update(entry, seq=twin.seq)


def _insert(rng: random.Random, entry: JournalEntry, _other: JournalEntry) -> object:
    last = journal.entries(entry.stream).last()
    assert last is not None
    body = last.body.replace(f'"seq":{last.seq}', f'"seq":{last.seq + 1}')
    return JournalEntry.objects.create(
        stream=last.stream, seq=last.seq + 1, action=last.action, at=last.at, body=body,
        actor_kind=last.actor_kind, actor_id=last.actor_id, hash=chained(last.hash, body),
    )  # fmt: skip


def _rewrite(rng: random.Random, entry: JournalEntry, other: JournalEntry) -> object:
    """Forge a fact and recompute the whole chain and the owner's row: the seal's case."""
    if entry.action == journal.ERASED or entry.stream == "ledger:seals":
        return False
    body = json.loads(entry.body)
    body["facts"] = {"n": "forged"}
    previous, forging = "", False
    for link in journal.entries(entry.stream):
        text = link.body
        if link.pk == entry.pk:
            text, forging = journal.canonical(body), True
        link.hash = chained(previous, text)
        previous = link.hash
        if forging:
            _update(link, body=text, hash=link.hash)
    return _set_head(entry.stream)


def _words(change: Callable[[EventWords, EventWords], object]) -> Cheat:
    def cheat(rng: random.Random, entry: JournalEntry, other: JournalEntry) -> object:
        mine = EventWords.objects.filter(entry=entry, erased_at=None).first()
        theirs = EventWords.objects.filter(entry=other, erased_at=None).first()
        return mine and theirs and change(mine, theirs)

    return cheat


def _swap_words(mine: EventWords, theirs: EventWords) -> object:
    rows = EventWords.objects
    rows.filter(pk=mine.pk).update(salt=theirs.salt, text=theirs.text)
    return rows.filter(pk=theirs.pk).update(salt=mine.salt, text=mine.text)


def _one(mine: EventWords, **change: Any) -> object:
    return EventWords.objects.filter(pk=mine.pk).update(**change)


def _restore_erased(rng: random.Random, entry: JournalEntry, _other: JournalEntry) -> object:
    gone = EventWords.objects.exclude(erased_at=None).order_by("?").first()
    return gone and _one(gone, text="forged", salt="00")


def _head(**change: Any) -> Cheat:
    def cheat(rng: random.Random, entry: JournalEntry, _other: JournalEntry) -> object:
        [rows] = verifying_owners(entry.stream)
        return rows.update(**change)

    return cheat


def _delete_owner(rng: random.Random, entry: JournalEntry, _other: JournalEntry) -> object:
    [rows] = verifying_owners(entry.stream)
    return rows._raw_delete("default")


def _seal(change: str, *params: object) -> Cheat:
    def cheat(rng: random.Random, _entry: JournalEntry, _other: JournalEntry) -> object:
        return execute(change, *params, rng.randint(1, 3))

    return cheat


CHEATS: dict[str, Cheat] = {
    "body": _set("body", _flip),
    "hash": _set("hash", _flip),
    "no body": _set("body", lambda rng, old: rng.choice(["", "{}", "[]", "null", "x"])),
    "action": _set("action", lambda rng, old: "test.other"),
    "actor": _set("actor_id", lambda rng, old: (old or 0) + rng.randint(1, 9)),
    "no actor": _set("actor_id", lambda rng, old: None),
    "actor kind": _set("actor_kind", lambda rng, old: "customer"),
    "time": _set("at", lambda rng, old: old + timedelta(seconds=rng.randint(1, 99))),
    "seq": _set("seq", lambda rng, old: old + rng.randint(20, 90)),
    "moved": _set("stream", lambda rng, old: rng.choice(["term:0", "odd", "no:1", "x:y"])),
    "swapped seqs": _swap_seqs,
    "deleted": _delete_one,
    "tail": _cut_tail,
    "tail and head": _cut_tail_and_head,
    "inserted": _insert,
    "rewritten": _rewrite,
    "words swapped": _words(_swap_words),
    "words altered": _words(lambda mine, theirs: _one(mine, text=mine.text + "!")),
    "words emptied": _words(lambda mine, theirs: _one(mine, text="")),
    "words marked": _words(lambda mine, theirs: _one(mine, erased_at=AT)),
    "words erased": _words(lambda mine, theirs: _one(mine, text="", salt="", erased_at=AT)),
    "words salted": _words(lambda mine, theirs: _one(mine, salt="00")),
    "words renamed": _words(lambda mine, theirs: _one(mine, name="other")),
    "words moved": _words(lambda mine, theirs: _one(mine, name="b", entry=theirs.entry)),
    "words deleted": _words(
        lambda mine, theirs: EventWords.objects.filter(pk=mine.pk)._raw_delete("default") or 1
    ),
    "words added": _words(
        lambda mine, theirs: EventWords.objects.create(
            entry=mine.entry, name="more", salt="00", text="never said"
        )
    ),
    "words garbled": _words(
        lambda mine, theirs: execute(
            "UPDATE kernel_eventwords SET text = %s WHERE id = %s", "k1:AAAA", mine.pk
        )
    ),
    "words of another key": _words(
        lambda mine, theirs: execute(
            "UPDATE kernel_eventwords SET text = %s WHERE id = %s",
            encrypt(mine.text).replace(":", "x:", 1),
            mine.pk,
        )
    ),
    "erased words restored": _restore_erased,
    "head hash": _head(head_hash="0" * 64),
    "no head": _head(head_hash="", event_seq=0),
    "head seq": _head(event_seq=55),
    "owner gone": _delete_owner,
    "seal body": _seal("UPDATE kernel_seal SET body = %s WHERE number = %s", '{"heads":[]}'),
    "seal day": _seal("UPDATE kernel_seal SET day = %s WHERE number = %s", "2020-01-01"),
    "seal time": _seal("UPDATE kernel_seal SET made_at = %s WHERE number = %s", AT - YEAR),
    "seal signature": _seal("UPDATE kernel_seal SET signature = %s WHERE number = %s", "AAAA"),
    "seal before": _seal("UPDATE kernel_seal SET previous_hash = %s WHERE number = %s", "0" * 64),
    "seal number": _seal("UPDATE kernel_seal SET number = 77 WHERE number = %s"),
    "seal gone": _seal("DELETE FROM kernel_seal WHERE number = %s"),
}  # fmt: skip


class Undone(Exception):  # noqa: N818 - leaves the block, nothing more
    pass


@pytest.mark.usefixtures("record")
def test_each_of_a_thousand_changes_is_found() -> None:
    triggers.drop_append_only()
    with connection.cursor() as cursor:  # rows may be cut out below their references
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA defer_foreign_keys = ON")
        else:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    entries = list(JournalEntry.objects.order_by("id"))
    assert len({entry.stream for entry in entries}) >= 32
    rng, tried, missed = random.Random(2026), dict.fromkeys(CHEATS, 0), []
    names = list(CHEATS)
    while sum(tried.values()) < 1000:
        name = names[sum(tried.values()) % len(names)]
        entry = rng.choice(entries)
        other = rng.choice([e for e in entries if e.stream != entry.stream])
        try:
            with transaction.atomic():
                changed = CHEATS[name](rng, entry, other)
                tried[name] += bool(changed)
                if changed and not any(verifying.faults()):
                    missed.append(f"{name} at {entry}")
                raise Undone  # noqa: TRY301
        except Undone:
            pass
    assert missed == []
    assert min(tried.values()) >= 20
    assert found() == [], "the last change was not undone; the test proves nothing"


# --- What is said ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE kernel_journalentry SET action = 'x' WHERE id = %s",
            "#2: “action” is not what was recorded",
        ),
        (
            "UPDATE kernel_journalentry SET body = body || ' ' WHERE id = %s",
            "#2: the text or its hash",
        ),
        ("DELETE FROM kernel_journalentry WHERE id = %s", "#3: entry 2 is missing before this one"),
        (
            "UPDATE kernel_journalentry SET stream = 'term:999999' WHERE id = %s",
            "term:999999 #2: entry 1 is",
        ),
    ],
)
def test_the_first_fault_is_named_and_the_command_fails(statement: str, said: str) -> None:
    [term] = Term.objects.bulk_create([Term(taxonomy="t", code="T", name_en="x", name_zh="x")])
    happened = [Fact(term, "test.verified", {"n": n}) for n in range(4)]
    second = journal.append(happened, actor=ANNA, at=AT)[1]
    triggers.drop_append_only()
    execute(statement, second.pk)
    triggers.install()
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("verify_record", stdout=out)
    assert error.value.returncode == 1
    assert said in out.getvalue()
    assert out.getvalue().count(f"{term.stream} ") <= 1, "only the first fault of a stream"


def test_one_stream_can_be_checked_alone(record: list[Term]) -> None:
    triggers.drop_append_only()
    JournalEntry.objects.filter(stream=record[0].stream, seq=1).update(body="{}")
    triggers.install()
    assert verify("--stream", record[1].stream)
    with pytest.raises(CommandError):
        verify("--stream", record[1].stream, "--stream", record[0].stream)
    with pytest.raises(CommandError):
        verify("--stream", "term:0")
    fault = journal.first_fault(record[0])
    assert fault is not None
    assert (fault.stream, fault.seq) == (record[0].stream, 1)


def test_a_forged_chain_is_caught_by_its_seal_alone(record: list[Term]) -> None:
    triggers.drop_append_only()
    entry = journal.entries(record[0].stream).first()
    assert entry is not None
    _rewrite(random.Random(1), entry, entry)
    assert journal.first_fault(record[0]) is None, "the chain itself is consistent"
    assert [str(f) for f in verifying.faults([record[0].stream])] == [
        f"{record[0].stream} #2: the entry is not the one in seal 1"
    ]
    assert found() == [record[0].stream]


@pytest.mark.parametrize("cut", [_cut_tail, _cut_tail_and_head])
def test_a_whole_chain_taken_away_before_it_was_sealed(cut: Cheat) -> None:
    """The row still knows of it; set back too, only a seal could tell (docs/security.md)."""
    [term] = Term.objects.bulk_create([Term(taxonomy="t", code="T", name_en="x", name_zh="x")])
    [entry] = journal.append([Fact(term, "test.verified")], actor=ANNA, at=AT)
    triggers.drop_append_only()
    cut(random.Random(1), entry, entry)
    whole = cut is _cut_tail_and_head
    assert found() == ([] if whole else [term.stream])
    assert (journal.first_fault(term.stream) is None) is whole


def test_a_missing_trigger_fails_the_command() -> None:
    triggers.drop_append_only()
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_record", stdout=out)
    assert "is missing or switched off" in out.getvalue()


def test_memory_and_queries_follow_pages_not_entries(
    record: list[Term], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of any size give the same answer, also when a chain spans several of them."""
    facts = [Fact(record[7], "test.verified", {"n": n}, {"w": str(n)}) for n in range(25)]
    record[7].refresh_from_db()
    journal.append(facts, actor=ANNA, at=AT)
    triggers.drop_append_only()
    JournalEntry.objects.filter(stream=record[7].stream, seq=17).update(action="x")
    for size in (1, 2, 7, 1000):
        monkeypatch.setattr("config.kernel.checking.PAGE", size)
        monkeypatch.setattr("config.kernel.verifying.PAGE", size)
        assert [(f.stream, f.seq) for f in verifying.faults()] == [(record[7].stream, 17)]


def test_an_exported_seal_shows_that_later_ones_were_taken_away(
    record: list[Term], tmp_path: Path
) -> None:
    kept = tmp_path / "seal.json"
    assert "Seal 3 was written" in verify("--export-seal", str(kept))
    assert verify("--seal", str(kept))
    triggers.drop_append_only()
    Seal.objects.filter(number=3)._raw_delete("default")
    entry = JournalEntry.objects.get(stream="ledger:seals", seq=3)
    _cut_tail(random.Random(1), entry, entry)
    _set_head("ledger:seals")
    triggers.install()
    assert verify(), "inside the database nothing tells"
    with pytest.raises(CommandError):
        verify("--seal", str(kept))
    kept.write_text("no seal", encoding="utf-8")
    with pytest.raises(CommandError, match="not an exported seal"):
        verify("--seal", str(kept))


def test_writing_goes_on_while_the_record_is_checked(
    record: list[Term], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry appended between reading a chain and reading its owner is not a fault."""
    real = verifying.heads_of

    def write_first(streams: Any) -> Any:
        row = Ledger.objects.get(name="access")
        journal.append([Fact(row, "test.verified", {"late": True})], actor=SYSTEM, at=AT)
        return real(streams)

    monkeypatch.setattr(verifying, "heads_of", write_first)
    assert [str(fault) for fault in verifying.faults()] == []


def test_owners_cannot_be_recorded_past_a_guard(record: list[Term]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        JournalEntry.objects.filter(stream=record[0].stream).update(body="x")
