"""Taking cases for a verb: lock first, then read them with what belongs to them.

Locking and joining in one statement is not safe on PostgreSQL: a row that somebody changed while
we waited comes back with its new columns but the joined rows of before, or not at all when the
key it was joined by has moved. So the lock reads the cases alone, and a second query, which sees
what is true now, reads them whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from django.db.models import QuerySet

from complaints.models import Case
from config.shared.claim import Held, hold

NEEDED: Final = (
    "type",
    "type_at_receipt",
    "intake_channel",
    "business_line",
    "cause__parent",
    "outcome",
    "nature",
    "customer",
    "department",
    "handler",
    "officer",
)


@contextmanager
def hold_cases(
    cases: QuerySet[Case],
    expected: Mapping[int, int] | None = None,
    prefetch: Sequence[str] = (),
) -> Iterator[Held[Case]]:
    """Lock the cases for one transaction and compare versions, as `hold`; relations are loaded."""
    with hold(cases.only("version"), expected) as locked:
        found = Case.objects.filter(pk__in=[row.pk for row in locked.rows])
        rows = found.select_related(*NEEDED).prefetch_related(*prefetch).order_by("pk")
        yield Held(list(rows), locked.stale)
