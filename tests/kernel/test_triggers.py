"""The record refuses change in the database itself, and notices when that guard is gone."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from config.kernel import journal, search, triggers
from config.kernel.models import JournalEntry, Seal, SearchDoc
from config.shared.actors import SYSTEM

AT = datetime(2026, 3, 2, tzinfo=UTC)
on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="how SQLite rebuilds tables")
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL only")
sql = pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET body = 'x'",
        "DELETE FROM {}",
        "DELETE FROM {} WHERE id > 0",
        "UPDATE {} SET id = id + 1",
        pytest.param("TRUNCATE {} CASCADE", marks=on_postgresql),
    ],
)


@pytest.fixture
def recorded() -> None:
    journal.note("test", "words.erased", {}, actor=SYSTEM, at=AT)
    Seal.objects.create(number=1, day=AT.date(), made_at=AT, body="{}", signature="x")


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("table", ["kernel_journalentry", "kernel_seal"])
@sql
def test_raw_sql_cannot_change_the_record(table: str, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        execute(statement.format(table))


@pytest.mark.django_db
@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("model", [JournalEntry, Seal])
def test_the_orm_cannot_change_the_record(model: type[models.Model]) -> None:
    row = model._default_manager.get()
    for change in (
        row.save,
        row.delete,
        lambda: model._default_manager.update(body="x"),
        lambda: model._default_manager.all()._raw_delete("default"),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()
    assert model._default_manager.get().body == row.body


@pytest.mark.django_db
def test_every_piece_that_is_taken_away_is_missed_and_put_back() -> None:
    assert triggers.missing() == []
    for piece in triggers._pieces(connection):
        if piece.drop == "SELECT 1":
            continue
        execute(piece.drop)
        assert piece.name in triggers.missing()
        triggers.install()
        assert triggers.missing() == []


@pytest.mark.django_db
@on_sqlite
def test_an_emptied_trigger_is_missed() -> None:
    name = "kernel_seal_no_update"
    execute(f"DROP TRIGGER {name}")
    execute(f"CREATE TRIGGER {name} BEFORE UPDATE ON kernel_seal BEGIN SELECT 1; END")
    assert triggers.missing() == [name]


@pytest.mark.django_db
@on_postgresql
def test_a_trigger_that_is_switched_off_or_a_hollow_function_is_missed() -> None:
    execute("ALTER TABLE kernel_seal DISABLE TRIGGER kernel_seal_no_change")
    assert triggers.missing() == ["kernel_seal_no_change"]
    triggers.install()
    execute(
        "CREATE OR REPLACE FUNCTION kernel_append_only() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN RETURN NEW; END $$"
    )
    assert triggers.missing() == ["kernel_append_only"]
    triggers.install()
    assert triggers.missing() == []


@pytest.mark.django_db
def test_installing_twice_changes_nothing(django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(3):
        triggers.install()
    assert triggers.missing() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("model", [JournalEntry, Seal, SearchDoc])
def test_a_rebuilt_table_has_its_triggers_again_after_migrate(model: type[models.Model]) -> None:
    """Altering a column makes SQLite copy and drop the table, and the triggers go with it."""
    search.put({("case", 5): "手机 机"})
    column = {"JournalEntry": "actor_label", "Seal": "signature", "SearchDoc": "kind"}
    old = model._meta.get_field(column[model.__name__])
    new = models.CharField(max_length=250)
    new.set_attributes_from_name(old.name)
    new.model = model
    with connection.schema_editor() as editor:
        editor.alter_field(model, old, new, strict=True)
    if connection.vendor == "sqlite":
        assert triggers.missing(), "this test would prove nothing"
    call_command("migrate", verbosity=0, run_syncdb=True)
    with connection.schema_editor() as editor:
        editor.alter_field(model, new, old, strict=True)
    call_command("migrate", verbosity=0, run_syncdb=True)
    assert triggers.missing() == []
    assert search.find("case", "手机") == [5]
    search.put({("case", 5): "信用 用"})
    assert (search.find("case", "手机"), search.find("case", "信用")) == ([], [5])
    if model is not SearchDoc:
        with pytest.raises(IntegrityError, match="append-only"):
            model._default_manager.update(body="x")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("turn", [1, 2])
def test_a_transactional_test_leaves_an_empty_and_guarded_record(turn: int) -> None:
    """Run twice: the flush between the two is what is tested."""
    assert JournalEntry.objects.count() == 1
    assert triggers.missing() == []


@pytest.mark.django_db
@on_sqlite
def test_a_search_index_made_later_holds_the_rows_that_were_there() -> None:
    search.put({("case", 1): "iphone 手机 机"})
    execute("DROP TABLE kernel_searchdoc_fts")
    with pytest.raises(DatabaseError), transaction.atomic():
        search.find("case", "手机")
    triggers.install()
    assert search.find("case", "手机") == [1]
