"""Which messages belong together: whatever befalls one of them befalls all.

One message can tell the results of several cases; and one telling of a result can write several
messages: to the customer of the case and to everybody whose case was merged into it.
"""

from collections.abc import Iterable
from typing import Final

from django.db.models import Q, QuerySet

from complaints.choices import NoticePurpose
from complaints.models import Case, CustomerNotice
from complaints.relations import merging

_DEEPEST: Final = 20


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


def cases_of_act(cases: QuerySet[Case], pk: int) -> QuerySet[Case]:
    """Return the one case in `cases` and all that its message (pk of its notice) went out with.

    The case alone where nothing else was written by that act; scope is judged on the one case.
    """
    notice = CustomerNotice.objects.filter(case__in=cases, pk=pk).exclude(outbox_key="").first()
    if notice is None:
        return cases
    pks = {row.case_id for row in act_of(notice)}
    return Case.objects.filter(pk__in=pks) if len(pks) > 1 else cases


def act_of(notice: CustomerNotice) -> list[CustomerNotice]:
    """Return all notices with a message that one act wrote, this one among them, by pk.

    Of a result: those of the matters answered together, and those of everybody whose case was
    merged into one of them. The telling of a result gives the letters to merged senders its own
    moment and the number of its own entry: by these they are known.
    """
    found = {row.pk: row for row in _of_message(notice)}
    if notice.purpose != NoticePurpose.RESULT:
        return _in_order(found.values())
    tellers = {teller.pk: teller for row in found.values() for teller in [_teller(row)]}
    told = [row for teller in tellers.values() for row in _of_message(teller)]
    found |= {row.pk: row for row in told if row.outbox_key}
    below = merging.merged_below([row.case for row in told])
    for row in told:
        written = _written(row, below[row.case_id])
        found |= {each.pk: each for each in written.exclude(outbox_key="").select_related("case")}
    return _in_order(found.values())


def _in_order(rows: Iterable[CustomerNotice]) -> list[CustomerNotice]:
    return sorted(rows, key=lambda row: row.pk)


def _of_message(notice: CustomerNotice) -> list[CustomerNotice]:
    """Return the notices of one message; the one alone where it has none (told by phone)."""
    same = Q(pk=notice.pk)
    if notice.outbox_key:
        same |= Q(outbox_key=notice.outbox_key)
    return list(CustomerNotice.objects.filter(same).select_related("case").order_by("pk"))


def _teller(notice: CustomerNotice) -> CustomerNotice:
    """Return the notice whose telling wrote this one: of a case it was merged into, else itself."""
    case = notice.case
    for _step in range(_DEEPEST):
        if case.merged_into is None:
            break
        case = case.merged_into
        if told := _written(notice, [case]).select_related("case").first():
            return told
    return notice


def _written(notice: CustomerNotice, cases: Iterable[Case]) -> QuerySet[CustomerNotice]:
    """Return what the telling behind a notice wrote to these cases."""
    return CustomerNotice.objects.filter(
        case__in=list(cases), purpose=NoticePurpose.RESULT, seq=notice.seq, at=notice.at
    )


__all__ = ["act_of", "cases_of", "cases_of_act", "notices_of"]
