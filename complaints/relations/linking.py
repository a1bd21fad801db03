"""Links between cases: same contact, related, duplicate, split off, follow-up.

A link is symmetric and kept once, the older case first. Both records say so; the reasons stand
there as words. A restricted case is linked to an ordinary one only by splitting.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.choices import LinkKind
from complaints.models import Case, CaseLink
from complaints.relations.frame import RelationRefused, held, needed
from config.kernel import journal
from config.shared.actors import Actor

LINKED: Final = "case.linked"
UNLINKED: Final = "case.unlinked"
BY_HAND: Final = (LinkKind.RELATED, LinkKind.DUPLICATE, LinkKind.FOLLOW_UP, LinkKind.SAME_CONTACT)
_MOST: Final = 200


def link(
    cases: QuerySet[Case], other_pk: int, kind: str, reason: str = "", *, actor: Actor, at: datetime
) -> int:
    """Link each of these cases with another one; returns how many links are new.

    RelationRefused for a kind that is not made by hand, the case itself, or one restricted side.
    """
    if kind not in BY_HAND:
        raise RelationRefused("kind", _("Choose how the cases belong together."))
    pks = set(cases.values_list("pk", flat=True))
    if other_pk in pks:
        raise RelationRefused("itself", _("A case cannot be linked to itself."))
    with held(_both(pks, other_pk), actor=actor, at=at) as rows:
        other = next((row for row in rows if row.pk == other_pk), None)
        mine = [row for row in rows if row.pk in pks]
        if other is None or not mine:
            raise RelationRefused("gone", _("There is no such case."))
        if any(row.restricted != other.restricted for row in mine):
            raise RelationRefused(
                "restricted", _("A restricted case cannot be linked with an ordinary one.")
            )
        fresh = join([(row, other) for row in mine], kind, actor=actor, at=at)
        _record(fresh, LINKED, kind, reason, actor, at)
    return len(fresh)


def link_all(cases: QuerySet[Case], reason: str = "", *, actor: Actor, at: datetime) -> int:
    """Link all of these cases with the oldest of them as related; returns how many are new."""
    with held(cases, actor=actor, at=at) as rows:
        pairs = [(rows[0], row) for row in rows[1:] if row.restricted == rows[0].restricted]
        fresh = join(pairs, LinkKind.RELATED, actor=actor, at=at)
        _record(fresh, LINKED, LinkKind.RELATED, reason, actor, at)
    return len(fresh)


def unlink(
    cases: QuerySet[Case], link_pk: int, reason: str, *, actor: Actor, at: datetime
) -> CaseLink:
    """Take a link of these cases away, with a reason; what was split off stays linked."""
    words = needed(reason)
    ends = Q(a__in=cases.values("pk")) | Q(b__in=cases.values("pk"))
    row = CaseLink.objects.filter(ends, pk=link_pk).first()
    if row is None:
        raise RelationRefused("gone", _("There is no such link any more."))
    if row.kind == LinkKind.SPLIT:
        raise RelationRefused("split", _("What was split off stays linked."))
    with held(_both({row.a_id}, row.b_id), actor=actor, at=at) as rows:
        if not CaseLink.objects.filter(pk=link_pk).delete()[0]:
            raise RelationRefused("gone", _("There is no such link any more."))
        _record([(rows[0], rows[-1])], UNLINKED, row.kind, words, actor, at)
    return row


def join(
    pairs: Iterable[tuple[Case, Case]], kind: str, *, actor: Actor, at: datetime
) -> list[tuple[Case, Case]]:
    """Write links between held cases; returns the pairs that were not linked so before."""
    ordered = [(one, two) if one.pk < two.pk else (two, one) for one, two in pairs]
    firsts = [one.pk for one, _two in ordered]
    known = set(
        CaseLink.objects.filter(a__in=firsts, kind=kind).values_list("a_id", "b_id")
        if firsts
        else ()
    )
    fresh = [(one, two) for one, two in ordered if (one.pk, two.pk) not in known]
    CaseLink.objects.bulk_create(
        [CaseLink(a=one, b=two, kind=kind, at=at, by_id=actor.id) for one, two in fresh],
        ignore_conflicts=True,
    )
    return fresh


def of(case: Case) -> list[tuple[CaseLink, int]]:
    """Return the links of a case with the pk of the other end, newest first; one query."""
    rows = CaseLink.objects.filter(Q(a=case.pk) | Q(b=case.pk)).order_by("-at", "-pk")[:_MOST]
    return [(row, row.b_id if row.a_id == case.pk else row.a_id) for row in rows]


def group(pks: Collection[int], kind: str = LinkKind.SAME_CONTACT) -> set[int]:
    """Return these cases with all that hang together with them by one kind of link."""
    found, wave = set(pks), set(pks)
    while wave and len(found) < _MOST:
        rows = CaseLink.objects.filter(Q(a__in=wave) | Q(b__in=wave), kind=kind)
        met = {pk for pair in rows.values_list("a_id", "b_id") for pk in pair}
        wave = met - found
        found |= wave
    return found


def _both(pks: Collection[int], other: int) -> QuerySet[Case]:
    return Case.objects.filter(pk__in={*pks, other})


def _record(
    pairs: Sequence[tuple[Case, Case]],
    action: str,
    kind: str,
    reason: str,
    actor: Actor,
    at: datetime,
) -> None:
    """Write into both records that and how two cases are linked, or no longer are."""
    words = {"reason": reason.replace("\x00", "").strip()}
    facts = [
        journal.Fact(mine, action, {"number": other.number, "kind": str(kind)}, words)
        for one, two in pairs
        for mine, other in ((one, two), (two, one))
    ]
    journal.append(facts, actor=actor, at=at)
