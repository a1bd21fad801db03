"""What a merge takes along (并案): sources with their own deadlines, and every sender."""

from collections.abc import Collection, Sequence

from django.db.models import QuerySet

from complaints.models import Case, SourceRef
from complaints.relations import sources


def take_over(cases: Sequence[Case], into: Case) -> bool:
    """Move the unanswered sources of merged cases to the surviving one, both held.

    An answered one stays with the case whose record holds the answer. Returns whether the
    referral deadline of the surviving case came nearer; it never becomes later.
    """
    sources.ensure([*cases, into])
    SourceRef.objects.filter(case__in=cases, replied_at__isnull=True).update(case=into)
    before, due = into.external_due_at, sources.nearest(into)
    if due is None or (before is not None and before <= due):
        return False
    into.external_due_at = due
    return True


def merged_below(cases: Collection[Case]) -> dict[int, list[Case]]:
    """Return all cases merged into these, also over several steps, by pk of the surviving one.

    One query per step; a case is met once.
    """
    found: dict[int, list[Case]] = {case.pk: [] for case in cases}
    root = {case.pk: case.pk for case in cases}
    wave = list(root)
    for _step in range(sources.DEEPEST):
        wave = [row.pk for row in _below(wave) if _take(row, root, found)]
        if not wave:
            break
    return found


def _below(pks: list[int]) -> QuerySet[Case]:
    rows = Case.objects.filter(merged_into__in=pks)
    joined = ("type", "customer", "department", "officer", "handler")
    return rows.select_related(*joined).order_by("pk")


def _take(row: Case, root: dict[int, int], found: dict[int, list[Case]]) -> bool:
    """Note one merged case under its survivor; False when it was met before."""
    if row.pk in root or row.merged_into_id is None:
        return False
    root[row.pk] = root[row.merged_into_id]
    found[root[row.pk]].append(row)
    return True
