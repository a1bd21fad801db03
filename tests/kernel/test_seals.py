"""Seals: one a day, over what moved, signed outside the database, each naming the one before."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from config.kernel import journal, seals, triggers, verifying
from config.kernel.journal import Action
from config.kernel.models import JournalEntry, Seal
from config.shared.actors import SYSTEM
from config.shared.registry import DueWork, contribute, contributed

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)

if "test.sealed" not in contributed(Action):
    contribute(Action("test.sealed", _("Happened")))

pytestmark = pytest.mark.django_db


def happen(*ledgers: str) -> None:
    for name in ledgers:
        journal.note(name, "test.sealed", {}, actor=SYSTEM, at=AT)


def heads(seal: Seal) -> dict[str, int]:
    return {stream: seq for stream, seq, _hash in json.loads(seal.body)["heads"]}


def test_a_seal_holds_the_heads_that_moved_since_the_one_before() -> None:
    happen("a", "a", "b")
    first = seals.make_seal(AT)
    happen("b")
    second = seals.make_seal(AT + DAY)
    assert heads(first) == {"ledger:a": 2, "ledger:b": 1}
    assert heads(second) == {"ledger:b": 2, "ledger:seals": 1}
    assert second.previous_hash == seals.seal_hash(first)
    assert list(verifying.faults()) == []


def test_one_seal_a_local_day_however_often_it_is_asked() -> None:
    happen("a")
    work = contributed(DueWork)["seals"]
    evening = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    assert [work.verb(evening), work.verb(evening), work.verb(evening + timedelta(minutes=1))] == [
        1,
        0,
        1,
    ]
    assert [str(day) for day in Seal.objects.values_list("day", flat=True)] == [
        "2026-03-02",
        "2026-03-03",
    ]


def test_much_work_makes_several_seals_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "_ENTRIES_PER_SEAL", 4)
    happen(*"abcdefghij")
    assert seals.seal_day(AT) == 3
    assert seals.seal_day(AT) == 0
    sealed: set[str] = set()
    for seal in Seal.objects.order_by("number"):
        sealed |= heads(seal).keys()
    assert {f"ledger:{name}" for name in "abcdefghij"} <= sealed
    assert list(verifying.faults()) == []


def test_an_entry_that_was_committed_late_is_sealed_by_the_next_seal() -> None:
    """On PostgreSQL a lower id may become visible after a higher one was sealed."""
    happen("a", "late", "b")
    late = JournalEntry.objects.get(stream="ledger:late")
    triggers.drop_append_only()
    with transaction.atomic():
        JournalEntry.objects.filter(pk=late.pk)._raw_delete("default")
    assert "ledger:late" not in heads(seals.make_seal(AT))
    late.save(force_insert=True)
    triggers.install()
    assert heads(seals.make_seal(AT + DAY)) == {"ledger:late": 1, "ledger:seals": 1}


def test_a_seal_of_another_key_is_not_believed(settings: Any) -> None:
    happen("a")
    settings.SEAL_KEY = "the key of somebody who can write the database"
    seals.make_seal(AT)
    foreign = seals.public_key()
    settings.SEAL_KEY = "ours"
    assert [fault.stream for fault in verifying.faults()] == ["seals"]
    settings.SEAL_PUBLIC_KEYS = [foreign]
    assert list(verifying.faults()) == [], "an earlier key of ours, named in the settings"


def test_the_private_key_is_nowhere_in_the_database(settings: Any) -> None:
    settings.SEAL_KEY = "canary-of-the-seal-key"
    happen("a")
    seal = seals.make_seal(AT)
    assert "canary" not in seal.body + seal.signature
    assert json.loads(seal.body)["key"] == seals.public_key()
