"""Erasing a customer's words on request: facts stay, names, numbers and texts go."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from config.kernel import journal, saved, search
from config.kernel.journal import Fact
from config.shared.actors import SYSTEM, Actor
from config.shared.claim import hold
from config.shared.registry import Eraser, contributed
from config.shared.worded import WordedError
from config.shared.words import listed
from customers.events import CustomersErased, customers_erased
from customers.models import ContactPoint, Customer, TierChange
from customers.models.customer import CustomerStatus
from customers.querysets import CustomerQuerySet
from customers.registering import DOC


class ErasureRefused(WordedError):  # noqa: N818 - reads as words
    """A customer under legal hold keeps their words."""


def erase_customers(customers: CustomerQuerySet, *, actor: Actor, at: datetime) -> list[Customer]:
    """Erase the words of customers in every room; returns the rows, now `erased`.

    Raises ErasureRefused, and erases nobody, when one of them is under legal hold.
    """
    with hold(customers) as held:
        if kept := [row.number for row in held.rows if row.legal_hold]:
            message = _("Under legal hold: %(numbers)s.")
            raise ErasureRefused("hold", message, {"numbers": listed(kept)})
        facts = [Fact(row, "customer.erased") for row in held.rows]
        for row in held.rows:
            row.status = CustomerStatus.ERASED
        journal.append(facts, actor=actor, at=at, save=["status"])
        pks = [row.pk for row in held.rows]
        for eraser in contributed(Eraser).values():
            eraser.erase(pks, at)
        if pks:
            search.purge()
            customers_erased.send(None, event=CustomersErased(tuple(pks), actor, at))
    return held.rows


def erase_words(pks: list[int], at: datetime) -> int:
    """Erase what this room keeps in words: the Eraser of the customers room."""
    with transaction.atomic():
        saved.forget(_known_by(pks))
        rows = Customer.objects.filter(pk__in=pks).update(
            name="", name_hash="", id_number="", id_hash="", id_kind="", vulnerable=[],
            external_ref=None,
        )  # fmt: skip
        ContactPoint.objects.filter(customer_id__in=pks).delete()
        TierChange.objects.filter(customer_id__in=pks).update(reason="")
        search.remove(DOC, pks)
        journal.erase_words(_streams(pks), actor=SYSTEM, at=at)
    return rows


def _known_by(pks: list[int]) -> list[str]:
    """Return names, numbers and addresses under which these customers may be mentioned."""
    known = [
        text
        for row in Customer.objects.filter(pk__in=pks)
        for text in (row.number, row.name, row.id_number)
    ]
    return known + [point.value for point in ContactPoint.objects.filter(customer_id__in=pks)]


def _streams(pks: Iterable[int]) -> list[str]:
    return [f"{Customer.stream_kind}:{pk}" for pk in pks]
