"""Taking rows: `hold` for verbs (lock and compare versions), `claim` for queues (lease)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import uuid4

from django.db import models, transaction
from django.db.models import QuerySet


class Versioned(models.Model):
    """A row whose every change raises `version`; forms carry it, `hold` compares it."""

    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True


class Queued(models.Model):
    """A row that waits for a worker: due when `ready_at` has passed, finished when it is NULL."""

    ready_at = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


V = TypeVar("V", bound=Versioned)
Q = TypeVar("Q", bound=Queued)


@dataclass(frozen=True, slots=True)
class Held(Generic[V]):
    """Locked rows in pk order; `stale` = pks whose version is not the one the caller saw."""

    rows: list[V]
    stale: frozenset[int]


@contextmanager
def hold(rows: QuerySet[V], expected: Mapping[int, int] | None = None) -> Iterator[Held[V]]:
    """Lock `rows` for one transaction and compare versions.

    `rows` is evaluated under the lock, so its filters (scope!) hold at that moment.
    `expected` maps pk to the version the caller saw; None = an append, no comparison.
    """
    with transaction.atomic():  # SQLite: BEGIN IMMEDIATE is the lock
        held = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))
        seen = {row.pk: row.version for row in held} if expected is None else expected
        yield Held(held, frozenset(r.pk for r in held if seen.get(r.pk) != r.version))


def claim(due: QuerySet[Q], *, limit: int, lease: timedelta, at: datetime) -> list[Q]:
    """Take up to `limit` due rows; nobody else gets them before `at + lease`.

    Two workers never get the same row; a killed worker's rows come back by themselves.
    Keep the returned rows' `lease` and finish them with `filter(lease=...)`.
    """
    everything, token = due.model._default_manager, uuid4()
    with transaction.atomic():
        picked = due.filter(ready_at__lte=at).order_by("ready_at", "pk")
        ids = list(picked.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        if not ids:
            return []
        everything.filter(pk__in=ids).update(ready_at=at + lease, lease=token)
    return list(everything.filter(lease=token).order_by("pk"))
