"""Showing masked data in clear: a logged act with a reason, once the customer is identified."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints import identity
from complaints.models import Case
from config.kernel import journal
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.masking import numbers_in
from config.shared.worded import WordedError

_TEXTS: Final = ("core_issue", "content", "demand", "expected_resolution", "product")
_MOST: Final = 40
_KINDS: Final[Mapping[str, Promise]] = {
    "email": _("E-mail"),
    "id": _("Identity number"),
    "phone": _("Phone"),
    "account": _("Account or card number"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One piece of contact data in clear."""

    label: str | Promise
    value: str


def reveal(
    cases: QuerySet[Case], reason: str, *, actor: Actor, at: datetime, override: str = ""
) -> list[Shown]:
    """Return contact data and identity number of the one case in `cases`; the look is recorded.

    The customer must be identified now, else `override` says why it is shown all the same.
    Raises WordedError without a reason or when the case went out of reach meanwhile, and
    IdentityRefused when nobody identified the customer and no reason to override is given.
    """
    if not reason.strip():
        raise WordedError("reason", _("Give the reason."), {})
    with hold(cases) as held:  # the customer is read after the lock
        if len(held.rows) != 1:
            raise WordedError("gone", _("This case is no longer open to you."), {})
        case = held.rows[0]
        passed = identity.standing(case, at).passed
        if passed is None:
            identity.override(case, override, actor=actor, at=at)
        facts = {"what": "contact", "identified": passed is not None}
        fact = journal.Fact(case, "case.revealed", facts, {"reason": reason.strip()})
        journal.append([fact], actor=actor, at=at)
        return _contact(case)


def _contact(case: Case) -> list[Shown]:
    """Return what is known of the contact, each value once."""
    shown = [Shown(_("Phone"), case.contact_phone), Shown(_("E-mail"), case.contact_email)]
    if case.customer is not None:
        shown += [
            Shown(point.get_kind_display(), point.value)
            for point in case.customer.contacts.order_by("-preferred", "kind", "pk")
        ]
        shown.append(Shown(_("Identity number"), case.customer.id_number))
    shown += [Shown(_KINDS[kind], value) for kind, value in _told_numbers(case)]
    seen: dict[str, Shown] = {}
    for row in shown:
        if row.value:
            seen.setdefault(row.value, row)
    return list(seen.values())


def _told_numbers(case: Case) -> list[tuple[str, str]]:
    """Return the numbers that stand in the words of a case, which its page masks."""
    words = journal.words_of(journal.entries(case.stream)).values()
    texts = [getattr(case, name) for name in _TEXTS]
    texts += [text for said in words for text in said.values() if text]
    return list(dict.fromkeys(found for text in texts for found in numbers_in(text)))[:_MOST]


def opened_file(cases: QuerySet[Case], token: str, *, actor: Actor, at: datetime) -> None:
    """Record that somebody opened an attachment of the one case in `cases`."""
    with hold(cases) as held:
        facts = [journal.Fact(case, "case.file_opened", {"file": token}) for case in held.rows]
        journal.append(facts, actor=actor, at=at)
