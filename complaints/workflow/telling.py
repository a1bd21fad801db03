"""The result reaches the customer: notify, delivery, confirm, close, silence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints import clocks, letters
from complaints.case_rules import local_day, rules_at, silence_ends_at
from complaints.choices import NoticeMethod, NoticePurpose, NoticeResult, Status
from complaints.conversation.arriving import OWED
from complaints.models import CallRecord, Case, CustomerNotice
from complaints.relations import merging
from complaints.replies import result
from complaints.workflow.guards import needs_confirmation
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Note, Told
from complaints.workflow.work import Work
from config.kernel.models import StoredFile
from config.shared.actors import SYSTEM, Actor
from config.shared.words import listed

SPOKEN: Final = (NoticeMethod.PHONE, NoticeMethod.IN_PERSON)
SENT: Final = (NoticeMethod.EMAIL, NoticeMethod.SMS)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one call needs to know: the order, days of failed calls per case, merged senders."""

    what: Told
    silence_days: int
    days_needed: int
    tried_days: Mapping[int, int]
    senders: Mapping[int, Sequence[Case]]
    proof: StoredFile | None


def notify(
    cases: QuerySet[Case],
    what: Told,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Tell customers the result.

    Phone and in person: told now, every clock stops. E-mail and SMS: a letter is queued and the
    case stays "resolved" until it was delivered. Registered letter: with proof of posting (and an
    SMS where a mobile is known), or after failed calls on two days, the customer counts as told
    (§4.6). Complaints and petitions need every block of the result letter.
    """
    work = Work("notify", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        plan = _plan(what, ready, at)
        told = [case for case in ready if work.fits(case) and _one(work, case, plan)]
        _finish(work, {at: told}, plan.silence_days)
    return work.outcomes


def deliver(keys: Mapping[str, datetime], *, at: datetime) -> int:
    """Take in that result letters arrived: `keys` maps outbox keys to when; returns cases told.

    Cases that moved on meanwhile (told by phone, reopened) are left alone.
    """
    pending = CustomerNotice.objects.filter(
        outbox_key__in=list(keys), purpose=NoticePurpose.RESULT, result__in=OWED
    )
    work = Work("notify", actor=SYSTEM, at=at)
    with work.on(Case.objects.filter(pk__in=list(_cases_of(pending))), None) as ready:
        rows = list(pending)
        for row in rows:
            row.result, row.delivered_at = NoticeResult.DELIVERED, keys[row.outbox_key]
        CustomerNotice.objects.bulk_update(rows, ["result", "delivered_at"])
        days = rules_at(at).silence_working_days
        rounds = {(row.case_id, row.round): row for row in rows}
        current = {case.pk: rounds.get((case.pk, case.round)) for case in ready}
        by_moment: dict[datetime, list[Case]] = {}
        for case in ready:
            if (arrived := current[case.pk]) is None:
                continue  # of a round before
            moment = keys[arrived.outbox_key]
            by_moment.setdefault(moment, []).append(case)
            facts = {"method": arrived.method, "result": NoticeResult.DELIVERED}
            work.move(case, facts, notified_at=moment)
            if case.first_response_at is None:
                work.change(case, first_response_at=moment)
        _finish(work, by_moment, days)
    return len(work.moved)


def fail(keys: Sequence[str], *, at: datetime) -> int:
    """Take in that result letters were given up: the handler must tell the customer otherwise."""
    pending = CustomerNotice.objects.filter(outbox_key__in=keys, result=NoticeResult.PENDING)
    work = Work("edit_facts", actor=SYSTEM, at=at)
    with work.on(Case.objects.filter(pk__in=list(_cases_of(pending))), None):
        rows = list(pending)
        for row in rows:
            row.result = NoticeResult.NOT_DELIVERED
        CustomerNotice.objects.bulk_update(rows, ["result"])
        by_pk = {outcome.case.pk: outcome.case for outcome in work.outcomes}
        for row in rows:
            case = by_pk[row.case_id]
            work.record(case, "case.not_delivered", {"purpose": row.purpose, "method": row.method})
            who = [case.handler_id or case.officer_id, case.officer_id]
            work.tell(case, "case.not_delivered", who, purpose=row.purpose)
    return len(rows)


def confirm(
    cases: QuerySet[Case],
    what: Note | None = None,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Close cases whose customers said that they accept the result."""
    work = Work("confirm", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            note = what.note if what else ""
            work.move(case, {}, {"note": note}, confirmed_at=at, closed_at=at, silence_ends_at=None)
        work.done_with()
    return work.outcomes


def close(
    cases: QuerySet[Case],
    what: Note | None = None,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Close told cases; complaints and petitions only after five working days of silence."""
    work = Work("close", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            silent = case.silence_ends_at is None or case.silence_ends_at <= at
            if needs_confirmation(case) and not silent:
                why = _("The customer has not confirmed and the days of silence are not over.")
                work.refuse(case, Refusal.GUARD, why)
                continue
            note = what.note if what else ""
            work.move(case, {}, {"note": note}, closed_at=at, silence_ends_at=None)
        work.done_with()
    return work.outcomes


def close_silent(at: datetime, *, limit: int = 200) -> int:
    """Close cases whose silence has run out; DueWork `silence`."""
    due = Case.objects.filter(status=Status.NOTIFIED, silence_ends_at__lte=at)
    ids = list(due.order_by("silence_ends_at", "pk").values_list("pk", flat=True)[:limit])
    if not ids:
        return 0
    outcomes = close(Case.objects.filter(pk__in=ids), actor=SYSTEM, at=at)
    return sum(outcome.done for outcome in outcomes)


def _cases_of(rows: QuerySet[CustomerNotice]) -> set[int]:
    """Return the cases to lock; the rows themselves are read again under the locks."""
    return set(rows.values_list("case_id", flat=True))


def _plan(what: Told, cases: list[Case], at: datetime) -> _Plan:
    """Read what the whole set needs, with a fixed number of queries."""
    rules = rules_at(at)
    tried: dict[int, set[object]] = {}
    if what.method == NoticeMethod.LETTER:
        calls = CallRecord.objects.filter(case__in=cases, direction=CallRecord.Direction.OUT)
        failed = calls.exclude(result=CallRecord.Result.REACHED)
        for pk, moment, since in failed.values_list("case_id", "at", "case__resolved_at"):
            if since is None or moment >= since:
                tried.setdefault(pk, set()).add(local_day(moment))
    senders = merging.merged_below(cases)
    proof = StoredFile.objects.filter(pk=what.proof_id).first() if what.proof_id else None
    return _Plan(
        what,
        rules.silence_working_days,
        rules.unreachable_days,
        {pk: len(days) for pk, days in tried.items()},
        senders,
        proof,
    )


def _one(work: Work, case: Case, plan: _Plan) -> bool:
    """Tell one customer; True when the customer counts as told now."""
    method, words = plan.what.method, {"words": plan.what.words}
    if method in SENT:
        _send(work, case, plan)
        return False
    if method == NoticeMethod.LETTER:
        if plan.proof is None and plan.tried_days.get(case.pk, 0) < plan.days_needed:
            why = _(
                "A registered letter needs its proof of posting, or failed calls on two days "
                "after the decision."
            )
            work.refuse(case, Refusal.GUARD, why)
            return False
        result = NoticeResult.UNREACHABLE
    elif method in SPOKEN:
        result = NoticeResult.TOLD
    else:
        work.refuse(case, Refusal.GUARD, _("Choose how the customer is told."))
        return False
    facts = {"method": method, "result": result, "proof": plan.what.proof_id}
    seq = work.move(case, facts, words, notified_at=work.at)
    work.add(
        CustomerNotice(
            case=case, purpose=NoticePurpose.RESULT, method=method, result=result, at=work.at,
            delivered_at=work.at, proof=plan.proof, by_id=work.actor.id, round=case.round, seq=seq,
        )
    )  # fmt: skip
    if method == NoticeMethod.LETTER and letters.reachable_by(case):
        work.write(case, NoticePurpose.RESULT, seq)
    if result == NoticeResult.TOLD and case.first_response_at is None:
        work.change(case, first_response_at=work.at)
    tell_senders(work, case, plan.senders.get(case.pk, ()), seq)
    return True


def _send(work: Work, case: Case, plan: _Plan) -> None:
    """Queue the result letter; the case waits for its delivery. Nothing goes out with a gap."""
    if gaps := result.gaps(case, plan.what.method, work.at):
        why = _("The result letter is not complete. Missing: %(gaps)s.")
        work.refuse(case, Refusal.GUARD, why % {"gaps": listed(gaps)})
        return
    seq = work.record(case, "case.result_sent", {"method": plan.what.method})
    if work.write(case, NoticePurpose.RESULT, seq, method=plan.what.method):
        work.change(case)
        tell_senders(work, case, plan.senders.get(case.pk, ()), seq)
        return
    work.forget(case)
    work.refuse(case, Refusal.GUARD, _("The case holds no address for this way of telling."))


def tell_senders(work: Work, case: Case, senders: Sequence[Case], seq: int) -> None:
    """Write to those whose cases were merged into this one, with this case's result."""
    for sender in senders:
        for name in ("answer", "findings", "basis", "objection_ways"):
            setattr(sender, name, getattr(case, name))
        work.write(sender, NoticePurpose.RESULT, seq)


def _finish(work: Work, told: Mapping[datetime, list[Case]], silence_days: int) -> None:
    """After the customer was told: stop every clock, start the silence or close at once.

    `told` maps the moment of telling to the cases told then.
    """
    for moment, cases in told.items():
        waiting = [case for case in cases if needs_confirmation(case)]
        ends = silence_ends_at(moment, silence_days) if waiting else None
        for case in waiting:
            work.change(case, silence_ends_at=ends)
        for case in cases:
            if not needs_confirmation(case):
                facts = {"from": Status.NOTIFIED, "to": Status.CLOSED}
                work.record(case, "case.close", facts)
                work.step(case, Status.CLOSED, closed_at=work.at)
        work.clocks(clocks.finish(cases, at=moment))
    work.done_with()
