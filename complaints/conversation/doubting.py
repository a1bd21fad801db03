"""Whether a number or address may not be the customer's (any more): then a person is asked twice.

A contact is beyond doubt when the customer's file holds it, verified, and unchanged for a week
(SECURITY: a number changed just before a message is how messages are led astray).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.choices import NoticeMethod
from complaints.models import Case
from config.kernel import journal
from config.shared.actors import Actor
from config.shared.claim import hold
from customers.hashes import value_hash
from customers.models import ContactPoint
from customers.models.customer import ContactKind

FRESH: Final = timedelta(days=7)
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    NoticeMethod.SMS: (ContactKind.MOBILE, ContactKind.PHONE),
    NoticeMethod.EMAIL: (ContactKind.EMAIL,),
}
WORDS: Final[Mapping[str, str | Promise]] = {
    "unknown": _(
        "This number or address stands in the case only, not in the file of a known customer."
    ),
    "unverified": _("This number or address of the customer was never verified."),
    "changed": _("This number or address was changed within the last 7 days."),
}
"""Code of a doubt -> the sentence that warns."""


def doubt(case: Case, method: str, at: datetime) -> str:
    """Return the code of the doubt about the contact a message would use, or ''.

    At most one query. Ways that use no number of the case (phone, letter) are never in doubt,
    nor is a contact the case does not hold: that is refused for itself.
    """
    if method not in _KINDS or not _used(case, method):
        return ""
    point = point_of(case, method)
    if point is None:
        return "unknown"
    if point.changed_at is not None and point.changed_at > at - FRESH:
        return "changed"
    return "" if point.verified_at is not None else "unverified"


def point_of(case: Case, method: str) -> ContactPoint | None:
    """Return the customer's contact point that a message of this kind goes to; None = not known."""
    used = _used(case, method)
    kinds = _KINDS.get(method, ())
    if case.customer_id is None or not used or not kinds:
        return None
    hashed = value_hash(kinds[0], used)
    rows = ContactPoint.objects.filter(customer=case.customer_id, kind__in=kinds).order_by("pk")
    same = [
        point
        for point in rows
        if point.value_hash == hashed or point.value.casefold() == used.casefold()
    ]
    return min(same, key=lambda point: point.verified_at is None, default=None)


def _used(case: Case, method: str) -> str:
    """Return the number or address a message would go to, as the case holds it."""
    return (case.contact_email if method == NoticeMethod.EMAIL else case.contact_phone).strip()


def accepted(case_pk: int, method: str, code: str, *, actor: Actor, at: datetime) -> None:
    """Record that somebody was asked about a doubtful contact and sent the message all the same."""
    with hold(Case.objects.filter(pk=case_pk)) as held:
        journal.append([fact(case, method, code) for case in held.rows], actor=actor, at=at)


def fact(case: Case, method: str, code: str) -> journal.Fact:
    """Return what the record says of a message that went to a doubtful contact all the same."""
    return journal.Fact(case, "case.sent_in_doubt", {"method": method, "doubt": code})


__all__ = ["FRESH", "WORDS", "accepted", "doubt", "fact", "point_of"]
