"""Writing encrypted columns anew with the first key of DATA_KEYS, so that old keys can retire."""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models.functions import Cast

from config.shared.crypto import EncryptedField, decrypt, encrypt

BATCH = 200


def rotate() -> Iterator[tuple[str, int]]:
    """Rewrite every value that another key wrote; yields (table.column, values rewritten).

    Short transactions, one per batch; a run cut short is simply run again. The plain text stays
    the same, so hashes in the record and look-up hashes stay true. Raises Undecipherable when a
    key that still holds values is missing from the ring; nothing of that batch is changed then.
    """
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedField) and not model._meta.proxy:
                yield f"{model._meta.db_table}.{field.column}", _rewrite(model, field)


def _rewrite(model: type[models.Model], field: EncryptedField) -> int:
    """Rewrite one column; returns how many values."""
    present = settings.DATA_KEYS.split(":", 1)[0].strip()
    total, after = 0, 0
    while batch := _old(model, field, present, after):
        with transaction.atomic():
            done = [(encrypt(decrypt(stored)), pk) for pk, stored in batch]
            _write(model, field, done)
        total, after = total + len(done), batch[-1][0]
    return total


def _old(
    model: type[models.Model], field: EncryptedField, present: str, after: int
) -> list[tuple[int, str]]:
    """Return (pk, stored text) of the next values that another key wrote, by pk."""
    raw = Cast(field.name, models.TextField())
    rows = model._default_manager.filter(pk__gt=after).annotate(stored=raw)
    rows = rows.exclude(stored="").exclude(stored__startswith=f"{present}:")
    return list(rows.order_by("pk").values_list("pk", "stored")[:BATCH])


def _write(model: type[models.Model], field: EncryptedField, done: list[tuple[str, int]]) -> None:
    """Store texts that are encrypted already."""
    quote = connection.ops.quote_name
    key = str(model._meta.pk.column) if model._meta.pk else "id"
    sql = (
        f"UPDATE {quote(model._meta.db_table)} SET {quote(str(field.column))} = %s "  # noqa: S608
        f"WHERE {quote(key)} = %s"
    )
    with connection.cursor() as cursor:
        cursor.executemany(sql, done)
