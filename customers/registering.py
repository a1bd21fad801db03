"""Registering customers and changing what they are: tier, relationship manager, contact points.

Names, identity and telephone numbers are kept encrypted with keyed hashes beside them; facts in
the record hold codes only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.kernel import journal, numbers, search
from config.kernel.journal import Fact
from config.shared.actors import Actor
from config.shared.claim import Held, hold
from config.shared.phones import normalise_phone
from config.shared.terms_index import index_terms
from config.shared.worded import WordedError
from customers import hashes
from customers.events import RmsChanged, TiersChanged, rms_changed, tiers_changed
from customers.models import ContactPoint, Customer, TierChange
from customers.models.customer import ContactKind, CustomerKind, Tier
from customers.querysets import CustomerQuerySet
from staff.models import Department, Person

SERIES: Final = "customer"
DOC: Final = "customer"
_PHONES: Final = frozenset({ContactKind.MOBILE, ContactKind.PHONE})
_BATCH: Final = 200


class Overtaken(WordedError):  # noqa: N818 - reads as words
    """Somebody changed the customer since the caller looked; `version` is the one in force."""

    def __init__(self, version: int) -> None:
        super().__init__("stale", _("Somebody changed this customer meanwhile."))
        self.version = version


@dataclass(frozen=True, slots=True)
class ContactDraft:
    """One way to reach a customer; telephone numbers are brought to their canonical spelling."""

    kind: str
    value: str
    preferred: bool = False
    consent: bool = True


@dataclass(frozen=True, slots=True)
class CustomerDraft:
    """A customer to register. `external_ref` is the key of another system, `tier_since` local."""

    name: str
    kind: str = CustomerKind.PERSON
    id_kind: str = ""
    id_number: str = ""
    contacts: Sequence[ContactDraft] = ()
    tier: str = Tier.ORDINARY
    tier_since: date | None = None
    rm: Person | None = None
    branch: Department | None = None
    language: str = "zh-hans"
    preferred_channel: str = ""
    no_contact: bool = False
    vulnerable: Sequence[str] = field(default_factory=tuple)
    joined_on: date | None = None
    external_ref: str | None = None


def register(drafts: Sequence[CustomerDraft], *, actor: Actor, at: datetime) -> list[Customer]:
    """Register customers; returns one row per draft, in order.

    A draft whose identity number or `external_ref` is known already (or came before in `drafts`)
    gives the known customer, unchanged. Rows, contact points, tier history, search documents and
    record are one transaction; a constant number of queries per 200 drafts.
    """
    with transaction.atomic():
        known = _known(drafts)
        rows: list[Customer] = []
        fresh: list[tuple[Customer, CustomerDraft]] = []
        for draft in drafts:
            keys = _keys(draft)
            row = next((known[key] for key in keys if key in known), None)
            if row is None:
                row = _row(draft)
                fresh.append((row, draft))
                known |= dict.fromkeys(keys, row)
            rows.append(row)
        if fresh:
            _store(fresh, actor=actor, at=at)
    return rows


def change_tiers(  # noqa: PLR0913 - a change, its reason, and who makes it
    customers: CustomerQuerySet,
    *,
    tiers: Mapping[int, str],
    reason: str,
    on: date,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Customer]:
    """Give customers (pk -> tier) another tier from the local date `on`; returns the changed.

    `expected` maps pk to the version the caller saw; raises Overtaken when one moved on.
    """
    with hold(customers.filter(pk__in=list(tiers)), expected) as held:
        _refuse_stale(held)
        changed = [row for row in held.rows if row.tier != Tier(tiers[row.pk])]
        history, facts = [], []
        for row in changed:
            before, row.tier, row.tier_since = row.tier, Tier(tiers[row.pk]), on
            history.append(_tier_change(row, before, reason, on, actor))
            told = {"from": before, "to": row.tier, "on": on}
            facts.append(Fact(row, "customer.tier", told, {"reason": reason}))
        TierChange.objects.bulk_create(history, batch_size=_BATCH)
        journal.append(facts, actor=actor, at=at, save=["tier", "tier_since"])
        if changed:
            event = TiersChanged(tuple(row.pk for row in changed), actor, at)
            tiers_changed.send(None, event=event)
    return changed


def assign_rm(
    customers: CustomerQuerySet,
    *,
    rm: Person | None,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Customer]:
    """Give customers a relationship manager, or none; returns the changed. `expected` as above."""
    rm_id = rm.pk if rm else None
    with hold(customers, expected) as held:
        _refuse_stale(held)
        changed = [row for row in held.rows if row.rm_id != rm_id]
        facts = []
        for row in changed:
            facts.append(Fact(row, "customer.rm", {"from": row.rm_id, "to": rm_id}))
            row.rm = rm
        journal.append(facts, actor=actor, at=at, save=["rm"])
        if changed:
            pks = tuple(row.pk for row in changed)
            rms_changed.send(None, event=RmsChanged(pks, rm_id, actor, at))
    return changed


def change_contacts(
    customer: Customer,
    contacts: Sequence[ContactDraft],
    *,
    actor: Actor,
    at: datetime,
    expected: int | None = None,
) -> Customer:
    """Make `contacts` the customer's contact points; equal ones keep their row.

    `expected` is the version the caller saw; raises Overtaken when the customer moved on.
    """
    seen = None if expected is None else {customer.pk: expected}
    with hold(Customer.objects.filter(pk=customer.pk), seen) as held:
        _refuse_stale(held)
        row = held.rows[0]
        wanted = {(x.kind, x.value_hash): x for x in _contacts(row, contacts, at)}
        had = {(x.kind, x.value_hash): x for x in row.contacts.all()}
        gone = [x.pk for key, x in had.items() if key not in wanted]
        ContactPoint.objects.filter(pk__in=gone).delete()
        for key in had.keys() & wanted.keys():
            had[key].preferred, had[key].consent = wanted[key].preferred, wanted[key].consent
        ContactPoint.objects.bulk_update(
            [had[key] for key in had.keys() & wanted.keys()], ["preferred", "consent"]
        )
        new = [x for key, x in wanted.items() if key not in had]
        ContactPoint.objects.bulk_create(new)
        told = {"added": [x.kind for x in new], "removed": len(gone)}
        fact = Fact(row, "customer.contacts", told)
        journal.append([fact], actor=actor, at=at, save=["no_contact"])
    return row


def reveal(
    customers: CustomerQuerySet, reason: str, *, actor: Actor, at: datetime
) -> list[ContactPoint]:
    """Return the contact points of the one customer in `customers`; the look is recorded first.

    Raises WordedError without a reason, or when the customer went out of reach meanwhile.
    """
    if not reason.strip():
        raise WordedError("reason", _("Give the reason."))
    with hold(customers) as held:
        if len(held.rows) != 1:
            raise WordedError("gone", _("This customer is no longer open to you."))
        row = held.rows[0]
        told = {"what": "contact"}
        fact = Fact(row, "customer.revealed", told, {"reason": reason.strip()})
        journal.append([fact], actor=actor, at=at)
        return list(row.contacts.order_by("-preferred", "kind", "pk"))


def tiers_on(customer_ids: Iterable[int], on: date) -> dict[int, str]:
    """Return each customer's tier on a local date, from the history; unknown ones are missing."""
    rows = TierChange.objects.filter(customer_id__in=list(customer_ids), on__lte=on)
    found = rows.order_by("on", "id").values_list("customer_id", "after")
    return dict(found)


def search_terms(customer: Customer) -> str:
    """Return the search terms: name, number, and the number as it is read aloud."""
    spoken = customer.number.lstrip("K").lstrip("0")
    return index_terms(customer.name, tokens=[customer.number, spoken])


def _refuse_stale(held: Held[Customer]) -> None:
    """Raise Overtaken when a row is not what the caller saw."""
    for row in held.rows:
        if row.pk in held.stale:
            raise Overtaken(row.version)


def _keys(draft: CustomerDraft) -> list[tuple[str, str]]:
    """Return what makes two drafts the same customer."""
    keys = [("id", hashes.id_hash(draft.id_number)), ("ref", draft.external_ref or "")]
    return [key for key in keys if key[1]]


def _known(drafts: Iterable[CustomerDraft]) -> dict[tuple[str, str], Customer]:
    """Return the customers some drafts mean, by their keys."""
    keys = [key for draft in drafts for key in _keys(draft)]
    ids = [value for kind, value in keys if kind == "id"]
    refs = [value for kind, value in keys if kind == "ref"]
    found: dict[tuple[str, str], Customer] = {}
    if not keys:
        return found
    for row in Customer.objects.filter(Q(id_hash__in=ids) | Q(external_ref__in=refs)):
        found[("ref", row.external_ref or "")] = row
        found[("id", row.id_hash)] = row
    return found


def _row(draft: CustomerDraft) -> Customer:
    return Customer(
        kind=CustomerKind(draft.kind),
        name=draft.name.strip(),
        name_hash=hashes.name_hash(draft.name),
        id_kind=draft.id_kind,
        id_number=draft.id_number.strip(),
        id_hash=hashes.id_hash(draft.id_number),
        tier=Tier(draft.tier),
        tier_since=draft.tier_since,
        rm=draft.rm,
        branch=draft.branch,
        language=draft.language,
        preferred_channel=draft.preferred_channel,
        no_contact=draft.no_contact,
        vulnerable=list(draft.vulnerable),
        joined_on=draft.joined_on,
        external_ref=draft.external_ref or None,
    )


def _store(fresh: Sequence[tuple[Customer, CustomerDraft]], *, actor: Actor, at: datetime) -> None:
    """Insert new customers under fresh numbers, with everything that hangs on them."""
    rows = [row for row, _ in fresh]
    for row, number in zip(rows, numbers.take(SERIES, len(rows)), strict=True):
        row.number = f"K{number:08d}"
    Customer.objects.bulk_create(rows, batch_size=_BATCH)
    points = [point for row, draft in fresh for point in _contacts(row, draft.contacts, at)]
    ContactPoint.objects.bulk_create(points, batch_size=_BATCH)
    began = [_tier_change(row, "", "", row.tier_since or at.date(), actor) for row in rows]
    TierChange.objects.bulk_create(began, batch_size=_BATCH)
    search.put({(DOC, row.pk): search_terms(row) for row in rows})
    facts = [
        Fact(
            row, "customer.registered", {"tier": row.tier, "rm": row.rm_id, "branch": row.branch_id}
        )
        for row in rows
    ]
    journal.append(facts, actor=actor, at=at)


def _contacts(
    customer: Customer, drafts: Iterable[ContactDraft], at: datetime
) -> list[ContactPoint]:
    """Return unsaved contact points, each value once, empty ones left out."""
    points: dict[tuple[str, str], ContactPoint] = {}
    for draft in drafts:
        value = draft.value.strip()
        if draft.kind in _PHONES:
            value = normalise_phone(value) or value
        if not value:
            continue
        hashed = hashes.value_hash(draft.kind, value)
        points[draft.kind, hashed] = ContactPoint(
            customer=customer,
            kind=ContactKind(draft.kind),
            value=value,
            value_hash=hashed,
            tail_hash=hashes.tail_hash(value) if draft.kind in _PHONES else "",
            preferred=draft.preferred,
            consent=draft.consent,
            changed_at=at,
        )
    return list(points.values())


def _tier_change(
    customer: Customer, before: str, reason: str, on: date, actor: Actor
) -> TierChange:
    by_id = actor.id if actor.kind == "person" else None
    return TierChange(
        customer=customer, before=before, after=customer.tier, on=on, reason=reason, by_id=by_id
    )
