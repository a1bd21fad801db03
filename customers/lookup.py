"""Finding the customer who is on the line: number, telephone, its last four digits, name, identity.

Only customers within scope are found, and what is shown of them depends on it: `hits` are masked.
"""

import re
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from config.kernel import search
from config.shared.masking import mask_name, mask_phone
from config.shared.phones import TAIL_LENGTH, normalise_phone
from config.shared.scope import Scope
from customers import hashes
from customers.models import ContactPoint, Customer
from customers.models.customer import ContactKind, CustomerStatus
from customers.registering import DOC

MOST_NAMES: Final = 2000  # documents asked for before scope cuts them
_NUMBER: Final = re.compile(r"^[Kk]?0*(\d{1,8})$")
_IDENTITY: Final = re.compile(r"^[A-Za-z]{0,3}[\d\s-]{5,22}[\dXx]$")
_HIDDEN: Final = (CustomerStatus.ERASED, CustomerStatus.MERGED)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a look-up shows: the telephone always masked, the name only without `identity`."""

    pk: int
    number: str
    name: str
    phone: str
    tier: str
    branch: str
    rm: str


def look_up(text: str, scope: Scope, *, limit: int = 8) -> list[Customer]:
    """Return up to `limit` customers in scope who answer `text`, exact ones first.

    Raises PermissionDenied without any reach. Empty or unfindable text finds nobody.
    """
    scope.demand("customers", "view")
    asked = text.strip()[:100]
    if not asked:
        return []
    visible = Customer.objects.visible_to(scope).exclude(status__in=_HIDDEN)
    found: dict[int, Customer] = {}
    for wanted in (_by_hash(asked), _by_tail(asked), _by_words(asked)):
        if wanted is None or len(found) >= limit:
            continue
        rows = visible.filter(wanted).exclude(pk__in=list(found))
        rows = rows.select_related("rm", "branch").prefetch_related("contacts").order_by("-pk")
        found |= {row.pk: row for row in rows[: limit - len(found)]}
    return list(found.values())


def matching(text: str) -> Q:
    """Return the condition that finds the customers of `look_up`; for lists that cut by scope."""
    asked = text.strip()[:100]
    found = [part for part in (_by_hash(asked), _by_tail(asked), _by_words(asked)) if part]
    wanted = Q(pk__in=[])
    for part in found:
        wanted |= part
    return wanted


def hits(text: str, scope: Scope, *, limit: int = 8) -> list[Hit]:
    """Return the same as `look_up`, masked for a list while somebody types."""
    return [hit_of(row, scope) for row in look_up(text, scope, limit=limit)]


def hit_of(customer: Customer, scope: Scope) -> Hit:
    """Return what this reader may see of a found customer (contacts should be prefetched)."""
    named = scope.may("customers", "identity")
    return Hit(
        pk=customer.pk,
        number=customer.number,
        name=customer.name if named else mask_name(customer.name),
        phone=mask_phone(_phone(customer)),
        tier=customer.tier,
        branch=customer.branch.label if customer.branch else "",
        rm=customer.rm.label if customer.rm else "",
    )


def _phone(customer: Customer) -> str:
    """Return the preferred telephone number, else any, else ''."""
    phones = [
        x for x in customer.contacts.all() if x.kind in {ContactKind.MOBILE, ContactKind.PHONE}
    ]
    phones.sort(key=lambda point: (not point.preferred, point.pk))
    return phones[0].value if phones else ""


def _by_hash(asked: str) -> Q | None:
    """One customer: by number, whole telephone number or identity number."""
    wanted = Q(pk__in=[])
    if found := _NUMBER.match(asked):
        wanted |= Q(number=f"K{int(found[1]):08d}")
    if normalise_phone(asked):
        points = ContactPoint.objects.filter(value_hash=hashes.phone_hash(asked))
        wanted |= Q(pk__in=points.values("customer_id"))
    if _IDENTITY.match(asked):
        wanted |= Q(id_hash=hashes.id_hash(asked))
    return wanted


def _by_tail(asked: str) -> Q | None:
    """Those whose telephone number ends in these four digits."""
    if not (asked.isdecimal() and len(asked) == TAIL_LENGTH):
        return None
    points = ContactPoint.objects.filter(tail_hash=hashes.tail_hash(asked))
    return Q(pk__in=points.values("customer_id"))


def _by_words(asked: str) -> Q | None:
    """Those whose name or number holds the words."""
    ids = search.find(DOC, asked, limit=MOST_NAMES)
    return Q(pk__in=ids) if ids else None
