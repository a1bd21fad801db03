"""The record: what `append` and `note` write, how words are kept, read and erased."""

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from config.kernel import journal
from config.kernel.journal import Action, Fact
from config.kernel.models import Approval, EventWords, JournalEntry, Ledger, RuleSet, Term
from config.kernel.rows import insert
from config.shared.actors import SYSTEM, Actor
from config.shared.registry import contribute, contributed

AT = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=8)))
ANNA = Actor("person", 7, "Anna Li")

if "test.happened" not in contributed(Action):
    contribute(
        Action("test.happened", _("Changed from %(before)s to %(after)s"), "edit"),
        Action("test.told", _("Told: %(state)s"), "mail", {"state": lambda code: code.upper()}),
    )


def terms(count: int) -> list[Term]:
    """Create terms, the smallest rows that own a chain."""
    return Term.objects.bulk_create(
        Term(taxonomy="test", code=f"T{n}", name_en=f"Term {n}", name_zh=f"词 {n}")
        for n in range(count)
    )


def happened(owner: Any, **facts: Any) -> Fact:
    return Fact(owner, "test.happened", facts)


@pytest.mark.django_db
def test_each_link_is_the_hash_of_the_one_before_and_its_body() -> None:
    [term] = terms(1)
    journal.append([happened(term, after=1)], actor=ANNA, at=AT)
    journal.append([happened(term, after=2), happened(term, after=3)], actor=ANNA, at=AT)
    previous = ""
    for seq, entry in enumerate(journal.entries(term.stream), start=1):
        assert entry.seq == seq
        assert entry.hash == sha256((previous + entry.body).encode()).hexdigest()
        previous = entry.hash
    term.refresh_from_db()
    assert (term.event_seq, term.head_hash) == (3, previous)


@pytest.mark.django_db
def test_the_body_is_canonical_and_repeats_the_columns_in_utc() -> None:
    [term] = terms(1)
    [entry] = journal.append([happened(term, 词="投诉", after=None)], actor=ANNA, at=AT)
    assert entry.body == (
        '{"action":"test.happened","actor_id":7,"actor_kind":"person",'
        '"at":"2026-03-02T01:30:00+00:00","facts":{"after":null,"词":"投诉"},"seq":1,'
        f'"stream":"term:{term.pk}","words":{{}}}}'
    )
    entry.refresh_from_db()
    assert (entry.actor_label, entry.at) == ("Anna Li", AT)


@pytest.mark.django_db
def test_values_become_text_in_one_known_way() -> None:
    [term] = terms(1)
    facts = {
        "amount": Decimal("12.50"),
        "day": date(2026, 3, 2),
        "time": AT,
        "codes": ("a", 1, True),
        "nested": {"x": AT},
    }
    [entry] = journal.append([Fact(term, "test.happened", facts)], actor=SYSTEM, at=AT)
    assert journal.facts_of(entry) == {
        "amount": "12.50",
        "day": "2026-03-02",
        "time": "2026-03-02T01:30:00+00:00",
        "codes": ["a", 1, True],
        "nested": {"x": "2026-03-02T01:30:00+00:00"},
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (object(), TypeError),
        ({1, 2}, TypeError),
        (float("nan"), ValueError),
        (AT.replace(tzinfo=None), ValueError),
        (_("lazy"), TypeError),
    ],
)
def test_a_value_that_is_not_plain_is_refused_and_nothing_is_written(value, error) -> None:
    [term] = terms(1)
    with pytest.raises(error):
        journal.append([happened(term, x=value)], actor=SYSTEM, at=AT)
    assert not JournalEntry.objects.exists()


@pytest.mark.django_db
def test_an_action_nobody_contributed_is_refused() -> None:
    [term] = terms(1)
    with pytest.raises(journal.UnknownAction, match=r"test\.never"):
        journal.append([Fact(term, "test.never")], actor=SYSTEM, at=AT)


@pytest.mark.django_db
def test_owners_of_several_models_and_several_facts_go_together() -> None:
    first, second = terms(2)
    rules = RuleSet.objects.create(kind="test", number=1, title_en="R", title_zh="规")
    first.name_en, rules.reason, second.name_en = "New", "because", "Also new"
    written = journal.append(
        [happened(first, n=1), happened(rules, n=2), happened(second, n=3), happened(first, n=4)],
        actor=ANNA,
        at=AT,
        save=["name_en", "reason"],
    )
    assert [(e.stream, e.seq) for e in written] == [
        (first.stream, 1),
        (rules.stream, 1),
        (second.stream, 1),
        (first.stream, 2),
    ]
    for row in (first, second, rules):
        row.refresh_from_db()
    assert (first.name_en, second.name_en, rules.reason) == ("New", "Also new", "because")
    assert (first.version, first.event_seq, rules.version, rules.event_seq) == (2, 2, 2, 1)


@pytest.mark.django_db
def test_an_append_leaves_the_version() -> None:
    [term] = terms(1)
    journal.append([happened(term)], actor=ANNA, at=AT)
    term.refresh_from_db()
    assert (term.version, term.event_seq) == (1, 1)


@pytest.mark.django_db
def test_only_named_fields_are_written() -> None:
    [term] = terms(1)
    Term.objects.filter(pk=term.pk).update(name_zh="别处改的")
    term.name_en = "New"
    journal.append([happened(term)], actor=ANNA, at=AT, save=["name_en"])
    term.refresh_from_db()
    assert (term.name_en, term.name_zh) == ("New", "别处改的")


@pytest.mark.django_db
def test_two_objects_of_one_row_and_unsaved_rows_are_refused() -> None:
    [term] = terms(1)
    twin = Term.objects.get(pk=term.pk)
    with pytest.raises(ValueError, match="two objects"):
        journal.append([happened(term), happened(twin)], actor=ANNA, at=AT)
    with pytest.raises(ValueError, match="must be saved"):
        journal.append([happened(Term())], actor=ANNA, at=AT)


@pytest.mark.django_db
def test_an_unknown_field_to_save_is_an_error() -> None:
    [term] = terms(1)
    with pytest.raises(ValueError, match="nmae_en"):
        journal.append([happened(term)], actor=ANNA, at=AT, save=["nmae_en"])


@pytest.mark.django_db
def test_a_stale_head_cannot_fork_the_chain() -> None:
    [term] = terms(1)
    stale = Term.objects.get(pk=term.pk)
    journal.append([happened(term)], actor=ANNA, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        journal.append([happened(stale)], actor=ANNA, at=AT)


@pytest.mark.django_db
def test_queries_do_not_grow_with_the_rows_of_a_chunk() -> None:
    counts = []
    for number in (2, 100):
        Term.objects.all().delete()
        rows = terms(number)
        facts = [Fact(row, "test.happened", {"n": 1}, {"text": "话"}) for row in rows]
        with CaptureQueriesContext(
            connection,
        ) as seen:
            journal.append(facts, actor=ANNA, at=AT, save=["name_en"])
        counts.append(sum("SAVEPOINT" not in q["sql"] for q in seen))
    assert counts == [3, 3]


@pytest.mark.django_db
def test_nothing_happened_costs_nothing(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert journal.append([], actor=ANNA, at=AT) == []


@pytest.mark.django_db
def test_words_are_encrypted_and_only_their_salted_hash_is_chained() -> None:
    one, two = terms(2)
    text = "客户说:利息算错了 \U0001f600"
    [first, second] = journal.append(
        [Fact(t, "test.happened", {}, {"reply": text, "empty": ""}) for t in (one, two)],
        actor=ANNA,
        at=AT,
    )
    assert text not in first.body
    digests = [json.loads(e.body)["words"]["reply"] for e in (first, second)]
    assert digests[0] != digests[1], "the same words must not be recognisable"
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM kernel_eventwords")
        assert all("利息" not in row[0] for row in cursor.fetchall())
    assert journal.words_of([first, second]) == {
        first.pk: {"reply": text},
        second.pk: {"reply": text},
    }


@pytest.mark.django_db
def test_erased_words_are_gone_and_the_erasure_names_their_hashes() -> None:
    one, two = terms(2)
    facts = [Fact(t, "test.happened", {}, {"reply": f"secret {t.pk}"}) for t in (one, two)]
    [first, second] = journal.append(facts, actor=ANNA, at=AT)
    assert journal.erase_words([one.stream], actor=ANNA, at=AT) == 1
    assert journal.words_of([first, second]) == {
        first.pk: {"reply": None},
        second.pk: {"reply": f"secret {two.pk}"},
    }
    row = EventWords.objects.get(entry=first)
    assert (row.salt, row.text, row.erased_at) == ("", "", AT)
    last = journal.entries(one.stream).last()
    assert last is not None
    assert journal.facts_of(last) == {"digests": [json.loads(first.body)["words"]["reply"]]}
    assert journal.erase_words([one.stream], actor=ANNA, at=AT) == 0, "twice is harmless"


@pytest.mark.django_db
def test_a_note_opens_its_ledger_and_continues_it() -> None:
    for number in (1, 2):
        journal.note("access", "test.told", {"n": number}, {"why": "asked"}, actor=ANNA, at=AT)
    ledger = Ledger.objects.get()
    assert ledger.event_seq == 2
    assert [journal.facts_of(e) for e in journal.entries("ledger:access")] == [{"n": 1}, {"n": 2}]


@pytest.mark.django_db
def test_an_entry_is_told_in_words_also_when_facts_are_missing() -> None:
    [term] = terms(1)
    told, moved = journal.append(
        [Fact(term, "test.told", {"state": "sent"}), happened(term, before=None, after="b")],
        actor=ANNA,
        at=AT,
    )
    with override("en"):
        assert journal.describe(told) == "Told: SENT"
        assert journal.describe(moved) == "Changed from — to b"
        moved.action = "gone.since"
        assert journal.describe(moved) == "Recorded: gone.since"


@pytest.mark.django_db
def test_fields_of_every_sort_are_written_with_the_record() -> None:
    [parent, term, other] = terms(3)
    term.flags, term.order, term.active = {"track": "投诉", "n": [1]}, 7, False
    term.parent, term.valid_from = parent, date(2026, 1, 2)
    other.name_en = "Other"
    fields = ["flags", "order", "active", "parent", "valid_from", "name_en"]
    journal.append([happened(other), happened(term)], actor=ANNA, at=AT, save=fields)
    saved = Term.objects.get(pk=term.pk)
    assert [getattr(saved, name) for name in fields] == [getattr(term, name) for name in fields]
    saved = Term.objects.get(pk=other.pk)
    assert (saved.name_en, saved.flags, saved.parent) == ("Other", {}, None)
    request = Approval.objects.create(
        kind="k", about="case:1", about_id=1, amount=Decimal("1.50"), asked_at=AT, reason="旧"
    )
    request.amount, request.reason, request.asked_at = Decimal("2.75"), "新", AT + timedelta(1)
    save = ["amount", "reason", "asked_at"]
    journal.append([happened(request)], actor=ANNA, at=AT, save=save)
    request.refresh_from_db()
    assert (request.amount, request.reason) == (Decimal("2.75"), "新")
    assert request.asked_at == AT + timedelta(1)


@pytest.mark.django_db
def test_a_sweep_appends_the_same_links_as_a_verb() -> None:
    """The chain does not tell which way it was written; marks go along, `version` stays."""
    one, two = terms(2)
    facts = {"after": [1, None], "词": "投诉", "due": "2026-03-02T01:30:00+00:00"}
    two.order = 9
    journal.append_plain(
        [Fact(one, "test.happened", facts), Fact(two, "test.happened", facts)],
        actor=ANNA, at=AT, also=["order"],
    )  # fmt: skip
    journal.append([happened(one, after=2)], actor=ANNA, at=AT)
    for term in (one, two):
        assert journal.first_fault(term.stream) is None
    first = journal.entries(one.stream)[0]
    assert journal.facts_of(first) == facts
    assert (first.actor_label, first.at) == ("Anna Li", AT)
    two.refresh_from_db()
    assert (two.order, two.version, two.event_seq) == (9, 1, 1)


@pytest.mark.django_db
def test_a_sweep_takes_no_words_and_no_values_to_be_turned_into_text() -> None:
    [term] = terms(1)
    with pytest.raises(ValueError, match="words"):
        journal.append_plain(
            [Fact(term, "test.happened", {}, {"text": "Hello"})], actor=ANNA, at=AT
        )
    with pytest.raises(TypeError):
        journal.append_plain([happened(term, due=AT)], actor=ANNA, at=AT)
    assert not JournalEntry.objects.exists()


@pytest.mark.django_db
def test_rows_that_exist_already_are_left_out_of_an_insert() -> None:
    [term] = terms(1)
    fields = [column.attname for column in Term._meta.concrete_fields if column.attname != "id"]
    rows = [
        tuple(
            {"taxonomy": "test", "code": code, "flags": {"词": [1, None]}}.get(
                name, getattr(term, name)
            )
            for name in fields
        )
        for code in ("T0", "T7")
    ]
    insert(Term, fields, rows, unless=("taxonomy", "code"))
    assert Term.objects.filter(taxonomy="test").count() == 2
    assert Term.objects.get(taxonomy="test", code="T7").flags == {"词": [1, None]}
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(Term, fields, rows)
