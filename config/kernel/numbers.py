"""Gapless number series: one short row lock as the last statement before the INSERT."""

from django.db import connection
from django.db.transaction import TransactionManagementError

from config.kernel.models import NumberSeries

_TAKE = "UPDATE kernel_numberseries SET last = last + %s WHERE key = %s RETURNING last"


def take(series: str, count: int) -> range:
    """Take the next `count` numbers of `series`, e.g. `case:2026`; returns them in order from 1 on.

    Belongs to the caller's transaction: rolled back, the numbers are free again, so the series
    has no gaps. Others who take from the series wait until the caller commits, therefore call it
    last. Raises TransactionManagementError outside a transaction.
    """
    if count < 1:
        message = f"cannot take {count} numbers"
        raise ValueError(message)
    if not connection.in_atomic_block:
        message = "numbers are taken inside the transaction that uses them"
        raise TransactionManagementError(message)
    last = _advance(series, count)
    if last is None:
        NumberSeries.objects.bulk_create([NumberSeries(key=series)], ignore_conflicts=True)
        last = _advance(series, count)
    if last is None:
        message = f"number series {series!r} cannot be made"
        raise ValueError(message)
    return range(last - count + 1, last + 1)


def _advance(series: str, count: int) -> int | None:
    """Move the series on; None when it has not begun."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [count, series])
        row = cursor.fetchone()
    return None if row is None else int(row[0])
