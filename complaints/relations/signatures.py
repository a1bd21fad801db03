"""Marks by which cases of different customers are found to be alike (`CaseSignature`).

Written with the case, in the same transaction, and never asked at intake: suspicion neither
refuses nor slows a case. Cases older than `WINDOW` get none, since clusters look back 30 days.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from complaints.choices import SignatureKind
from complaints.models import Case, CaseAgent, CaseSignature
from complaints.relations import alike
from config.kernel import jobs
from config.kernel.job_runs import JobRun
from config.kernel.models import Job
from config.shared.actors import Actor
from customers.models import ContactPoint
from customers.models.customer import ContactKind

WINDOW: Final = timedelta(days=60)
BACKFILL: Final = "cases.signatures"
_CHUNK: Final = 200


def write(cases: Sequence[Case], at: datetime) -> int:
    """Write the marks of these cases; those they have already stay. Two queries for any number.

    Restricted cases get none: a report against a person is compared with nothing.
    """
    fresh = [case for case in cases if not case.restricted and case.received_at > at - WINDOW]
    if not fresh:
        return 0
    homes = _addresses(case.customer_id for case in fresh if case.customer_id)
    rows = [
        CaseSignature(case=case, kind=kind, value=value, at=case.received_at)
        for case in fresh
        for kind, value in sorted(set(_marks(case, homes)))
    ]
    CaseSignature.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def renew(cases: Sequence[Case], at: datetime) -> int:
    """Write the marks of held cases anew, after contact data changed; agents keep theirs."""
    old = CaseSignature.objects.filter(case__in=cases).exclude(kind=SignatureKind.AGENT)
    old.delete()
    return write(cases, at)


def of_agents(agents: Iterable[CaseAgent]) -> None:
    """Write the marks of agents with a telephone number on cases that are not restricted."""
    rows = [
        CaseSignature(
            case=agent.case,
            kind=SignatureKind.AGENT,
            value=agent.phone_hash,
            at=agent.case.received_at,
        )
        for agent in agents
        if agent.phone_hash and not agent.case.restricted
    ]
    CaseSignature.objects.bulk_create(rows, ignore_conflicts=True)


def _marks(case: Case, homes: dict[int, list[str]]) -> Iterator[tuple[str, str]]:
    """Yield kind and value of what a case can be compared by."""
    if case.contact_phone_hash:
        yield SignatureKind.PHONE, case.contact_phone_hash
    for value in homes.get(case.customer_id or 0, ()):
        yield SignatureKind.ADDRESS, value
    for value in alike.marks(case.content):
        yield SignatureKind.TEXT, value


def _addresses(customers: Iterable[int]) -> dict[int, list[str]]:
    """Return the keyed hashes of postal addresses by customer; no query without customers."""
    ids = set(customers)
    if not ids:
        return {}
    found: dict[int, list[str]] = {}
    rows = ContactPoint.objects.filter(customer__in=ids, kind=ContactKind.ADDRESS)
    for pk, value in rows.values_list("customer_id", "value_hash"):
        found.setdefault(pk, []).append(value)
    return found


def backfill(run: JobRun) -> None:
    """Write the marks of cases that came before there were any; goes on where it stopped."""
    since = run.at() - WINDOW
    missing = ~Exists(CaseSignature.objects.filter(case=OuterRef("pk")))
    rows = Case.objects.filter(Q(received_at__gt=since), missing, restricted=False)
    after, done = int(run.job.checkpoint.get("pk", 0)), run.job.done
    while chunk := list(rows.filter(pk__gt=after).order_by("pk")[:_CHUNK]):
        if run.cancelled():
            return
        with transaction.atomic():
            write(chunk, run.at())
            after, done = chunk[-1].pk, done + len(chunk)
            run.progress(done=done, checkpoint={"pk": after})


def start_backfill(actor: Actor, at: datetime) -> int:
    """Start the job once, when there are cases that came before their marks; for `load_defaults`.

    Returns how many jobs were started.
    """
    if Job.objects.filter(kind=BACKFILL).exists() or not Case.objects.exists():
        return 0
    jobs.start(BACKFILL, params={}, actor=actor, at=at)
    return 1
