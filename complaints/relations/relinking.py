"""Moving a case to the right customer, or to the first known one, with a reason.

What changes: customer, relationship manager and with them who may see the case; contact data that
were the wrong customer's; the search document; repeats. What stays: `tier_at_receipt`. Both
customers' records say so. What the wrong customer's people saw and what was sent there is listed
for an apology.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints import indexing
from complaints.choices import IdentityResult, NoticeResult
from complaints.conversation import promises
from complaints.models import Case, CustomerNotice, IdentityCheck
from complaints.relations import looks, signatures
from complaints.relations.frame import RelationRefused, held, needed
from config.kernel import journal, outbox
from config.kernel.models import JournalEntry, Notice, OutboxMessage
from config.shared.actors import Actor
from config.shared.claim import hold
from customers.hashes import phone_hash, tail_hash
from customers.models import ContactPoint, Customer
from customers.models.customer import ContactKind, CustomerStatus

MOVED: Final = "case.relinked"
LOST, GAINED = "customer.case_lost", "customer.case_gained"
_SAVED: Final = (
    "customer", "rm", "branch", "vulnerable", "language", "contact_name", "contact_phone",
    "contact_phone_hash", "contact_tail_hash", "contact_email", "repeat_of", "repeat_count",
    "updated_at",
)  # fmt: skip
_LOOKED: Final = ("case.revealed", "case.file_opened", "case.identity", "case.identity_overridden")


@dataclass(frozen=True, slots=True)
class Disclosed:
    """What the wrong customer and their people learned: looks at data, messages, who could see."""

    number: str
    until: datetime
    looks: list[JournalEntry]
    letters: list[CustomerNotice]


def relink(
    cases: QuerySet[Case],
    customer_pk: int,
    reason: str,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Case]:
    """Move these cases to a customer; returns them.

    RelationRefused without a reason, for the same customer, or one whose record was merged or
    erased; Overtaken for an old version. Nothing is told to the customer: people apologise, and
    messages that have not left are taken back.
    """
    why = needed(reason)
    with held(cases, actor=actor, at=at, expected=expected) as rows:
        people_of = _customers({customer_pk, *(row.customer_id for row in rows)})
        new = people_of.get(customer_pk)
        if new is None or new.status in {CustomerStatus.MERGED, CustomerStatus.ERASED}:
            raise RelationRefused("customer", _("There is no such customer."))
        if any(case.customer_id == new.pk for case in rows):
            raise RelationRefused("same", _("The case is of this customer already."))
        known, facts, there = _contacts(people_of), [], []
        for case in rows:
            old = people_of.get(case.customer_id or 0)
            facts.append(_fact(case, old, new, why))
            there += _customer_facts(case, old, new)
            _close_notices(case, new, at)
            _move(case, old, new, known)
        checks = _unproved(rows)
        for case in rows:
            before = looks.earlier(case, Case.objects.all(), at)
            case.repeat_count, case.repeat_of = len(before), before[0] if before else None
        entries = journal.append(facts, actor=actor, at=at, save=list(_SAVED))
        journal.append(there, actor=actor, at=at)
        _void(rows, checks, entries, actor, at)
        _stop_messages(rows, actor, at)
        indexing.put(rows)
        signatures.renew(rows, at)
    return rows


def disclosed(case: Case) -> Disclosed | None:
    """Return what was disclosed before the last move from a wrong customer; None without one."""
    moves = journal.entries(case.stream).filter(action=MOVED).order_by("-seq")
    last = next((row for row in moves if journal.facts_of(row).get("from")), None)
    if last is None:
        return None
    before = journal.entries(case.stream).filter(seq__lt=last.seq)
    letters = CustomerNotice.objects.filter(case=case, seq__lt=last.seq).exclude(
        result__in=[NoticeResult.RECALLED, NoticeResult.NOT_DELIVERED]
    )
    return Disclosed(
        number=str(journal.facts_of(last)["from"]),
        until=last.at,
        looks=list(before.filter(action__in=_LOOKED)),
        letters=list(letters.order_by("at", "pk")),
    )


def identity_state(case: Case) -> str:
    """Return how well the sender is known: known, partial (only some contact), or anonymous."""
    if case.customer_id:
        return "known"
    named = case.contact_name or case.contact_phone or case.contact_email
    return "partial" if named else "anonymous"


def _customers(pks: set[int | None]) -> dict[int, Customer]:
    """Lock the customers concerned, in the order of their pks, after the cases."""
    with hold(Customer.objects.filter(pk__in=[pk for pk in pks if pk])) as locked:
        return {row.pk: row for row in locked.rows}


def _contacts(customers: Mapping[int, Customer]) -> dict[int, list[ContactPoint]]:
    """Return the contact points of customers, the preferred first."""
    found: dict[int, list[ContactPoint]] = {pk: [] for pk in customers}
    for row in ContactPoint.objects.filter(customer__in=found).order_by("-preferred", "pk"):
        found[row.customer_id].append(row)
    return found


def _fact(case: Case, old: Customer | None, new: Customer, reason: str) -> journal.Fact:
    told = {
        "from": old.number if old else None,
        "to": new.number,
        "tier": case.tier_at_receipt,
        "rm": new.rm_id,
        "rm_before": case.rm_id,
    }
    return journal.Fact(case, MOVED, told, {"reason": reason})


def _customer_facts(case: Case, old: Customer | None, new: Customer) -> list[journal.Fact]:
    facts = [journal.Fact(new, GAINED, {"number": case.number})]
    return [*facts, journal.Fact(old, LOST, {"number": case.number})] if old else facts


def _close_notices(case: Case, new: Customer, at: datetime) -> None:
    """Close what waits for the wrong customer's manager, who no longer sees the case."""
    staying = {case.handler_id, case.officer_id, case.registrar_id, new.rm_id}
    if case.rm_id and case.rm_id not in staying:
        waiting = Notice.objects.filter(about=case.about, person_id=case.rm_id)
        waiting.filter(done_at__isnull=True, needs_action=True).update(done_at=at)


def _move(
    case: Case, old: Customer | None, new: Customer, known: Mapping[int, list[ContactPoint]]
) -> None:
    """Set what follows from the customer; contact data given in person stay."""
    theirs = {point.value for point in known.get(old.pk, ())} if old else set()
    values = known[new.pk]
    case.customer, case.rm_id = new, new.rm_id
    if case.branch_id is None or (old and case.branch_id == old.branch_id):
        case.branch_id = new.branch_id
    case.vulnerable = bool(new.vulnerable) or (case.vulnerable and not (old and old.vulnerable))
    if old and case.language == old.language:
        case.language = new.language
    if not case.contact_name or (old and case.contact_name == old.name):
        case.contact_name = new.name
    if not case.contact_phone or case.contact_phone in theirs:
        phone = _first(values, ContactKind.MOBILE, ContactKind.PHONE)
        case.contact_phone = phone
        case.contact_phone_hash = phone_hash(phone) if phone else ""
        case.contact_tail_hash = tail_hash(phone) if phone else ""
    if not case.contact_email or case.contact_email in theirs:
        case.contact_email = _first(values, ContactKind.EMAIL)


def _first(points: list[ContactPoint], *kinds: str) -> str:
    return next((point.value for point in points if point.kind in kinds), "")


def _unproved(cases: list[Case]) -> set[int]:
    """Return the pks of cases in which the wrong customer had been identified; one query."""
    rows = IdentityCheck.objects.filter(case__in=cases).exclude(result=IdentityResult.FAILED)
    return set(rows.values_list("case_id", flat=True))


def _stop_messages(cases: list[Case], actor: Actor, at: datetime) -> None:
    """Take back what still waits to leave: it goes to the contact of the wrong customer."""
    rows = CustomerNotice.objects.filter(case__in=cases, result=NoticeResult.PENDING)
    waiting = {row.outbox_key: row for row in rows.order_by("pk") if row.outbox_key}
    letters = OutboxMessage.objects.filter(key__in=waiting)
    by_pk = {case.pk: case for case in cases}
    stopped = [waiting[key] for key in outbox.recall(letters, actor=actor, at=at)]
    for row in stopped:
        row.result = NoticeResult.RECALLED
        promises.withdraw([by_pk[row.case_id]], [row.seq], at=at)
    CustomerNotice.objects.bulk_update(stopped, ["result"])
    told = [
        journal.Fact(
            by_pk[row.case_id],
            "case.recalled",
            {"purpose": row.purpose, "method": row.method, "notice": row.seq},
        )
        for row in stopped
    ]
    journal.append(told, actor=actor, at=at, save=["promised_reply_at", "updated_at"])


def _void(
    cases: list[Case], pks: set[int], entries: list[JournalEntry], actor: Actor, at: datetime
) -> None:
    """Let the identification of the wrong customer hold no longer: it is asked for anew."""
    seqs = {entry.stream: entry.seq for entry in entries}
    IdentityCheck.objects.bulk_create(
        IdentityCheck(
            case=case, result=IdentityResult.FAILED, at=at, seq=seqs[case.stream],
            by_id=actor.id if actor.kind == "person" else None,
        )
        for case in cases
        if case.pk in pks
    )  # fmt: skip
