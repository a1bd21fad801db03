"""Clusters: cases of several customers with the same telephone, agent, address or words.

Read from the marks written at intake, never at intake itself. A cluster is a question to people:
it refuses, slows and raises nothing. "Not related" is recorded and the cluster stays away.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import CharField, Count, F, Q
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _

from complaints.choices import SignatureKind
from complaints.models import Case, CaseSignature
from complaints.relations.frame import RelationRefused
from config.kernel import journal
from config.kernel.models import JournalEntry
from config.shared.actors import Actor
from config.shared.scope import Scope

LEDGER: Final = "clusters"
APART: Final = "cluster.not_related"
DAYS: Final = timedelta(days=30)
LEAST_CASES: Final = 3
LEAST_CUSTOMERS: Final = 2
SHOWN: Final = 25
_GROUPS: Final = 200
_PER_CLUSTER: Final = 20
_BUSY: Final = 2000


@dataclass(frozen=True, slots=True)
class Group:
    """Cases with one mark in common: pks, highest first."""

    kind: str
    keys: frozenset[str]
    cases: frozenset[int]


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is shown: why, the cases the reader sees (newest first), how many there are in all.

    `key` names it in the address of its acts.
    """

    kind: str
    key: str
    total: int
    customers: int
    cases: list[Case] = field(default_factory=list)

    @property
    def label(self) -> str:
        """Why these cases stand together, in words."""
        return str(SignatureKind(self.kind).label)


def clusters(scope: Scope, at: datetime) -> list[Cluster]:
    """Return the clusters of the last 30 days, the largest first; at most 25.

    Three cases or more of two customers or more, counted among what the reader sees, so that a
    hidden case neither shows nor counts. A fixed number of queries.
    """
    groups = joined(_groups(scope, at))
    largest = sorted(groups, key=lambda group: (-len(group.cases), group.kind, min(group.keys)))
    return _told(largest[:SHOWN], scope)


def find(key: str, scope: Scope, at: datetime) -> Group:
    """Return the cluster with this key; RelationRefused when it is there no more."""
    for group in joined(_groups(scope, at)):
        if _key(group) == key:
            return group
    raise RelationRefused("gone", _("This cluster is not there any more."))


def set_apart(key: str, *, scope: Scope, actor: Actor, at: datetime) -> None:
    """Record that the cases of a cluster are not related; it does not come back."""
    group = find(key, scope, at)
    marks = _marks_of(group)
    facts = {"kind": group.kind, "cases": sorted(group.cases)[:100], "keys": sorted(marks)}
    journal.note(LEDGER, APART, facts, actor=actor, at=at)


def joined(groups: Iterable[Group]) -> list[Group]:
    """Return the groups with those of nearly equal words put together where they share a case.

    A text has several marks, so one set of cases is met under several; other kinds stay apart.
    """
    found: list[Group] = []
    texts: list[Group] = []
    for group in groups:
        if group.kind != SignatureKind.TEXT:
            found.append(group)
            continue
        near = [other for other in texts if other.cases & group.cases]
        texts = [other for other in texts if not other.cases & group.cases]
        keys = group.keys.union(*(other.keys for other in near))
        cases = group.cases.union(*(other.cases for other in near))
        texts.append(Group(group.kind, keys, cases))
    return [*found, *texts]


def _groups(scope: Scope, at: datetime) -> list[Group]:
    """Return the cases by mark, of marks that enough cases and customers have; four queries."""
    visible = Case.objects.visible_to(scope)
    marks = CaseSignature.objects.filter(at__gte=at - DAYS, case__in=visible.values("pk"))
    sender = Coalesce(Cast("case__customer_id", CharField()), F("case__contact_phone_hash"))
    often = (
        marks.filter(_busy(at))
        .order_by()
        .values("kind", "value")
        .annotate(n=Count("case", distinct=True), senders=Count(sender, distinct=True))
        .filter(n__gte=LEAST_CASES, senders__gte=LEAST_CUSTOMERS)
        .order_by("-n", "kind", "value")
    )
    apart = _apart()
    known = [row for row in often[:_GROUPS] if digest(row["kind"], row["value"]) not in apart]
    members: dict[tuple[str, str], set[int]] = {}
    pairs = marks.filter(_any_of((row["kind"], row["value"]) for row in known))
    for kind, value, pk in pairs.values_list("kind", "value", "case_id"):
        members.setdefault((kind, value), set()).add(pk)
    return [
        Group(row["kind"], frozenset({row["value"]}), frozenset(members[row["kind"], row["value"]]))
        for row in known
    ]


def _busy(at: datetime) -> Q:
    """Return the condition for marks that enough cases of the bank have; most stand alone.

    They are read first, without looking at the cases: few are left, and each has its place in
    the index. Were there very many, the database compares them itself.
    """
    counted = CaseSignature.objects.filter(at__gte=at - DAYS).order_by().values("kind", "value")
    busy = counted.annotate(n=Count("pk")).filter(n__gte=LEAST_CASES).values_list("kind", "value")
    pairs = list(busy[: _BUSY + 1])
    return _any_of(pairs) if len(pairs) <= _BUSY else Q(value__in=busy.values("value"))


def _any_of(pairs: Iterable[tuple[str, str]]) -> Q:
    """Return the condition for these marks, each by kind and value; nothing matches none."""
    values: dict[str, set[str]] = {}
    for kind, value in pairs:
        values.setdefault(kind, set()).add(value)
    parts = [Q(kind=kind, value__in=found) for kind, found in sorted(values.items())]
    return reduce(or_, parts, Q(pk__in=[]))


def _told(groups: Sequence[Group], scope: Scope) -> list[Cluster]:
    """Return the clusters with their newest cases; one query."""
    newest = {pk for group in groups for pk in _newest(group.cases)}
    rows = Case.objects.visible_to(scope).filter(pk__in=newest)
    by_pk = {row.pk: row for row in rows.select_related("customer", "department", "type")}
    found = []
    for group in groups:
        cases = [by_pk[pk] for pk in _newest(group.cases) if pk in by_pk]
        senders = {case.customer_id or case.contact_phone_hash for case in cases}
        found.append(Cluster(group.kind, _key(group), len(group.cases), len(senders), cases))
    return found


def _newest(pks: Collection[int]) -> list[int]:
    return sorted(pks, reverse=True)[:_PER_CLUSTER]


def digest(kind: str, value: str) -> str:
    """Return the short name of a mark; the record of "not related" holds nothing else of it."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()[:16]


def _key(group: Group) -> str:
    return min(digest(group.kind, value) for value in group.keys)


def _marks_of(group: Group) -> set[str]:
    """Return the short names of all marks of this kind that the cases of a cluster share."""
    if group.kind != SignatureKind.TEXT:
        return {digest(group.kind, value) for value in group.keys}
    rows = CaseSignature.objects.filter(kind=group.kind, case__in=sorted(group.cases)[:500])
    return {digest(group.kind, value) for value in rows.values_list("value", flat=True).distinct()}


def _apart() -> set[str]:
    """Return the short names of marks that people found not related; one query."""
    rows = JournalEntry.objects.filter(stream=f"ledger:{LEDGER}", action=APART)
    return {key for row in rows for key in journal.facts_of(row)["keys"]}
