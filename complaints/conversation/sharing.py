"""One message can tell the results of several cases: whatever befalls it befalls all of them."""

from django.db.models import QuerySet

from complaints.models import Case, CustomerNotice


def cases_of(cases: QuerySet[Case], pk: int) -> QuerySet[Case]:
    """Return the one case in `cases` and those that its message (pk of its notice) answers too.

    Empty or the case alone where it has no such message: scope is judged on the one case.
    """
    own = CustomerNotice.objects.filter(case__in=cases, pk=pk).exclude(outbox_key="")
    shared = CustomerNotice.objects.filter(outbox_key__in=own.values("outbox_key"))
    pks = set(shared.values_list("case_id", flat=True))
    return Case.objects.filter(pk__in=pks) if len(pks) > 1 else cases


def notices_of(rows: list[Case], notice: CustomerNotice) -> list[CustomerNotice]:
    """Return this notice of held cases and the others of its message, by pk."""
    if not notice.outbox_key:
        return [notice]
    shared = CustomerNotice.objects.filter(case__in=rows, outbox_key=notice.outbox_key)
    others = list(shared.exclude(pk=notice.pk))
    return sorted([notice, *others], key=lambda row: row.pk)


__all__ = ["cases_of", "notices_of"]
