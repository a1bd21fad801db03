"""Whether a customer's number or address is known to be theirs: verified, or taken back."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.kernel import journal
from config.kernel.actions import Action
from config.kernel.journal import Fact
from config.shared.actors import Actor
from config.shared.claim import hold
from customers.models import ContactPoint, Customer
from customers.models.customer import ContactKind

_VERIFIED: Final = "customer.contact_verified"
_UNVERIFIED: Final = "customer.contact_unverified"


def verify(points: Sequence[ContactPoint], *, actor: Actor, at: datetime) -> int:
    """Note that these contact points were checked to be the customer's; returns how many."""
    return _mark(points, at, _VERIFIED, actor=actor, at=at)


def unverify(points: Sequence[ContactPoint], *, actor: Actor, at: datetime) -> int:
    """Take back that these are the customer's: a message reached somebody else."""
    return _mark(points, None, _UNVERIFIED, actor=actor, at=at)


def _mark(
    points: Sequence[ContactPoint],
    verified_at: datetime | None,
    action: str,
    *,
    actor: Actor,
    at: datetime,
) -> int:
    """Set the mark under the customers' locks and record it; points deleted meanwhile stay out."""
    if not points:
        return 0
    owners = Customer.objects.filter(pk__in={point.customer_id for point in points})
    with hold(owners) as held:
        rows = ContactPoint.objects.filter(pk__in=[point.pk for point in points])
        kinds: dict[int, list[str]] = {}
        for customer, kind in rows.order_by("pk").values_list("customer_id", "kind"):
            kinds.setdefault(customer, []).append(kind)
        done = rows.update(verified_at=verified_at)
        facts = [
            Fact(row, action, {"kind": kinds[row.pk][0], "count": len(kinds[row.pk])})
            for row in held.rows
            if row.pk in kinds
        ]
        journal.append(facts, actor=actor, at=at)
    return done


def _kind(code: str) -> str | Promise:
    return ContactKind(code).label if code in ContactKind.values else code


def actions() -> Iterator[Action]:
    """Yield what this module records."""
    shown = {"kind": _kind}
    yield Action(_VERIFIED, _("Contact verified: %(kind)s"), "shield-check", shown)
    yield Action(_UNVERIFIED, _("Contact no longer verified: %(kind)s"), "shield-x", shown)


__all__ = ["actions", "unverify", "verify"]
