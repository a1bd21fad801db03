"""The review (核查) of a decision the customer objects to (DOMAIN.md §3.1, §4.6).

A record of its own beside the case, which stays told or closed: asked for, acknowledged, decided
by the superior unit, told. Only the order to handle the matter again reopens the case.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from complaints import clocks
from complaints.case_rules import local_day, rules_at
from complaints.choices import (
    ClockName,
    NoticeMethod,
    NoticePurpose,
    NoticeResult,
    ReviewDecision,
    Status,
    WatchedBy,
)
from complaints.models import Case, CaseGrant, CaseReview, CustomerNotice
from complaints.workflow.ending import taken_up
from complaints.workflow.lookups import person
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Judging, Objecting, Told
from complaints.workflow.reviewers import involved, reviewers_of, unfit
from complaints.workflow.telling import SENT, SPOKEN
from complaints.workflow.work import Work
from config.kernel.models import StoredFile
from config.shared.actors import SYSTEM, Actor
from config.shared.words import day_words
from staff.models import Department, Person

Reviews = Mapping[int, CaseReview]


def ask_review(
    cases: QuerySet[Case],
    what: Objecting,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Record the customer's objection: the superior unit reviews the decision, its clocks start.

    Within 30 days of telling the customer, one review per decision. The reviewer, or else the
    heads of the superior unit, are told and may read the case.
    """
    work = Work("ask_review", actor=actor, at=at)
    chosen, asked_at = person(what.reviewer_id), what.asked_at or at
    with work.on(cases, expected) as ready:
        before = _latest(ready)
        units = Department.objects.in_bulk({c.department.superior_id or 0 for c in ready})
        out, days = involved(ready), rules_at(at).review_days
        people = {pk: reviewers_of(unit, chosen) for pk, unit in units.items()}
        for case in ready:
            unit = units.get(case.department.superior_id or 0)
            why = _unsaid(what, at)
            why = why or _no_review(case, unit, before.get(case.pk), asked_at, days)
            if chosen and unit and not why:
                named = work.is_named(case, chosen.pk)
                why = unfit(chosen, unit, out[case.pk], is_named=named)
            if why or unit is None:
                work.refuse(case, Refusal.GUARD, why)
                continue
            _open(work, case, unit, chosen, (before.get(case.pk), asked_at, what.reason))
            work.tell(case, "case.review_asked", people[unit.pk])
        _let_read(work, people)
        work.clocks(clocks.begin_review(work.moved, at, asked_at))
    return work.outcomes


def acknowledge_review(
    cases: QuerySet[Case],
    what: Told,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Confirm to the customer that the objection came in, and who reviews the decision."""
    work = Work("acknowledge_review", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        reviews = _running(ready)
        for case in ready:
            review = reviews.get(case.pk)
            if review is None or review.acknowledged_at is not None:
                why = _("No objection waits for its confirmation.")
                work.refuse(case, Refusal.GUARD, why)
            elif _say(work, case, what, what.words.strip() or _receipt(case, review)):
                review.acknowledged_at = at
        _save(reviews, ["acknowledged_at"], work)
        work.clocks(clocks.end_review(work.moved, at, [ClockName.REVIEW_ACK]))
    return work.outcomes


def progress_review(
    cases: QuerySet[Case],
    what: Told,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Tell the customer how far the review is; the next notice is due from now."""
    work = Work("progress_review", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        reviews = _running(ready)
        for case in ready:
            review = reviews.get(case.pk)
            if review is None or review.decision:
                work.refuse(case, Refusal.GUARD, _("No review is under way."))
            elif not what.words.strip():
                work.refuse(case, Refusal.GUARD, _("Write down what the customer is told."))
            else:
                _say(work, case, what, what.words)
        work.clocks(clocks.step_review(work.moved, at))
    return work.outcomes


def decide_review(
    cases: QuerySet[Case],
    what: Judging,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Decide reviews: maintained, changed, or to be handled again, which reopens the case.

    Somebody of the reviewing unit decides, who neither handled nor decided the case and declares
    to have no interest in it. The officer is told to tell the customer.
    """
    work = Work("decide_review", actor=actor, at=at)
    judge = person(actor.id) if actor.kind == "person" else None
    with work.on(cases, expected) as ready:
        reviews, out = _running(ready), involved(ready)
        for case in ready:
            review = reviews.get(case.pk)
            if why := _no_decision(what, review, judge, out[case.pk]):
                work.refuse(case, Refusal.GUARD, why)
                continue
            if review is not None:
                _decide(work, case, review, what, judge)
        _save(reviews, ["decision", "decided_at", "decided_by"], work)
        decided = [ClockName.REVIEW_ACK, ClockName.REVIEW_STEP, ClockName.REVIEW]
        work.clocks(clocks.end_review(work.moved, at, decided))
        again = [case for case in work.moved if case.status == Status.REOPENED]
        work.clocks(clocks.next_round(again, clocks.REOPENED, at))
        work.done_with("case.review_asked")
    return work.outcomes


def tell_review(
    cases: QuerySet[Case],
    what: Told,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Tell customers the result of the review: at once, or when the letter was delivered.

    A registered letter counts with its proof of posting.
    """
    work = Work("tell_review", actor=actor, at=at)
    proof = StoredFile.objects.filter(pk=what.proof_id).first() if what.proof_id else None
    with work.on(cases, expected) as ready:
        reviews, told = _running(ready), []
        for case in ready:
            review = reviews.get(case.pk)
            if why := _untellable(what, review, proof):
                work.refuse(case, Refusal.GUARD, why)
            elif what.method in SENT:
                _send(work, case, what)
            elif review is not None:
                _say(work, case, what, what.words, proof)
                review.told_at = at
                told.append(case)
        _finish(work, reviews, {at: told})
    return work.outcomes


def deliver_review(keys: Mapping[str, datetime], *, at: datetime) -> int:
    """Take in that results of reviews arrived: outbox key -> when; returns reviews ended."""
    pending = CustomerNotice.objects.filter(
        outbox_key__in=list(keys), purpose=NoticePurpose.REVIEW, result=NoticeResult.PENDING
    )
    work = Work("tell_review", actor=SYSTEM, at=at)
    wanted = set(pending.values_list("case_id", flat=True))
    with work.on(Case.objects.filter(pk__in=wanted), None) as ready:
        rows = list(pending)
        for letter in rows:
            letter.result, letter.delivered_at = NoticeResult.DELIVERED, keys[letter.outbox_key]
        CustomerNotice.objects.bulk_update(rows, ["result", "delivered_at"])
        reviews, arrived = _running(ready), {row.case_id: row for row in rows}
        by_moment: dict[datetime, list[Case]] = {}
        for case in ready:
            review, row = reviews.get(case.pk), arrived.get(case.pk)
            if review is not None and review.decision and row is not None:
                moment = keys[row.outbox_key]
                review.told_at = moment
                by_moment.setdefault(moment, []).append(case)
                work.move(case, {"method": row.method, "result": NoticeResult.DELIVERED})
        _finish(work, reviews, by_moment)
    return len(work.moved)


def _latest(cases: Sequence[Case]) -> Reviews:
    """Return the last review of each case by its pk."""
    rows = CaseReview.objects.filter(case__in=cases).order_by("case_id", "round")
    return {row.case_id: row for row in rows}


def _running(cases: Sequence[Case]) -> Reviews:
    """Return the open review of each case by its pk."""
    rows = CaseReview.objects.filter(case__in=cases, told_at__isnull=True)
    return {row.case_id: row for row in rows.select_related("department")}


def _save(reviews: Reviews, fields: list[str], work: Work) -> None:
    """Write the changed reviews of the moved cases."""
    rows = [reviews[case.pk] for case in work.moved if case.pk in reviews]
    for row in rows:
        row.version += 1
    CaseReview.objects.bulk_update(rows, [*fields, "version"])


def _open(
    work: Work,
    case: Case,
    unit: Department,
    reviewer: Person | None,
    given: tuple[CaseReview | None, datetime, str],
) -> None:
    """Record the objection and begin its review."""
    before, asked_at, reason = given
    place = before.round + 1 if before else 1
    facts = {"round": place, "department": unit.code, "reviewer": reviewer and reviewer.pk,
             "since": asked_at}  # fmt: skip
    work.move(case, facts, {"reason": reason})
    work.add(
        CaseReview(case=case, round=place, department=unit, reviewer=reviewer, asked_at=asked_at)
    )


def _let_read(work: Work, people: Mapping[int, Sequence[int]]) -> None:
    """Let those who review open the cases, wherever they work."""
    CaseGrant.objects.bulk_create(
        (
            CaseGrant(case=case, person_id=pk, why=WatchedBy.PERSON, at=work.at)
            for case in work.moved
            for pk in people[case.department.superior_id or 0]
            if not work.is_named(case, pk)
        ),
        ignore_conflicts=True,
    )


def _decide(
    work: Work, case: Case, review: CaseReview, what: Judging, judge: Person | None
) -> None:
    """Put the decision on the review; the order to handle it again reopens the case."""
    review.decision, review.decided_at, review.decided_by = what.decision, work.at, judge
    facts = {"decision": what.decision, "round": review.round, "no_interest": True}
    work.move(case, facts, {"words": what.words})
    if what.decision == ReviewDecision.REDO:
        told = {"from": case.status, "to": Status.REOPENED, "round": case.round + 1,
                "notified_before": case.notified_at}  # fmt: skip
        work.record(case, "case.reopen", told)
        work.step(case, Status.REOPENED, **taken_up(case, work.at))
    work.tell(case, "case.review_decided", [case.officer_id, case.handler_id])


def _finish(work: Work, reviews: Reviews, told: Mapping[datetime, Sequence[Case]]) -> None:
    """End the reviews whose customers know the result."""
    done = [reviews[case.pk] for cases in told.values() for case in cases]
    for row in done:
        row.version += 1
    CaseReview.objects.bulk_update(done, ["told_at", "version"])
    for moment, cases in told.items():
        work.clocks(clocks.end_review(cases, moment))
    if done:
        work.done_with("case.review_asked", "case.review_decided")


def _say(work: Work, case: Case, what: Told, words: str, proof: StoredFile | None = None) -> bool:
    """Tell the customer something of the review, spoken or by letter; False = refused."""
    facts = {"method": what.method, "proof": what.proof_id}
    if what.method in SPOKEN or proof is not None:
        result = NoticeResult.TOLD if what.method in SPOKEN else NoticeResult.UNREACHABLE
        seq = work.move(case, facts, {"text": words})
        work.add(
            CustomerNotice(
                case=case, purpose=_purpose(work), method=what.method, result=result, at=work.at,
                delivered_at=work.at, proof=proof, by_id=work.actor.id, round=case.round, seq=seq,
            )
        )  # fmt: skip
        return True
    if what.method not in SENT:
        work.refuse(case, Refusal.GUARD, _("Choose how the customer is told."))
        return False
    return _send(work, case, what, words)


def _send(work: Work, case: Case, what: Told, words: str = "") -> bool:
    """Queue a letter about the review; False where the case holds no address for it."""
    text = words or what.words
    seq = work.record(case, _sent(work), {"method": what.method}, {"text": text})
    if work.write(case, _purpose(work), seq, {"text": text}, method=what.method):
        work.change(case)
        return True
    work.forget(case)
    why = _("The case holds no address for this way of telling.")
    work.refuse(case, Refusal.GUARD, why)
    return False


def _purpose(work: Work) -> str:
    """Return what kind of letter the verb writes."""
    told = work.rules.verb == "tell_review"
    return NoticePurpose.REVIEW if told else NoticePurpose.PROGRESS


def _sent(work: Work) -> str:
    """Return how a letter of the verb is recorded: the result counts only when it arrived."""
    told = work.rules.verb == "tell_review"
    return "case.review_sent" if told else f"case.{work.rules.verb}"


def _receipt(case: Case, review: CaseReview) -> str:
    """Return the standard confirmation, in the customer's language."""
    with translation.override(case.language or None):
        return _(
            "we have received your objection of %(day)s. %(unit)s reviews the decision and will "
            "tell you the result."
        ) % {"day": day_words(local_day(review.asked_at)), "unit": review.department.label}


def _no_review(
    case: Case, unit: Department | None, before: CaseReview | None, asked_at: datetime, days: int
) -> str:
    """Return why the decision cannot be reviewed (any more), or ''."""
    told = case.notified_at
    if told is None or asked_at < told:
        return _("An objection is received after the customer was told, and not in the future.")
    if local_day(asked_at) > local_day(told) + timedelta(days=days):
        return _("The %(days)s days for an objection are over.") % {"days": days}
    if before is not None and (before.told_at is None or before.asked_at >= told):
        return _("This decision is being reviewed, or was reviewed already.")
    if unit is None or not unit.active:
        return _(
            "The unit that decided has no superior unit: offer mediation, arbitration or court."
        )
    return ""


def _unsaid(what: Objecting, at: datetime) -> str:
    """Return what the record of an objection lacks, or ''."""
    if not what.reason.strip():
        return _("Write down the objection.")
    if what.asked_at is not None and what.asked_at > at:
        return _("An objection is received after the customer was told, and not in the future.")
    return ""


def _no_decision(
    what: Judging, review: CaseReview | None, judge: Person | None, out: frozenset[int]
) -> str:
    """Return why this person cannot decide this review, or ''."""
    if review is None or review.decision:
        return _("No review is under way.")
    if what.decision not in ReviewDecision.values or not what.words.strip():
        return _("Choose the decision and write down what was found and why.")
    if judge is None:
        return _("Only a person can decide a review.")
    if not what.no_interest:
        return _("Declare that you have no interest of your own in this matter.")
    return unfit(judge, review.department, out)


def _untellable(what: Told, review: CaseReview | None, proof: StoredFile | None) -> str:
    """Return why there is nothing to tell, or not in this way, or ''."""
    if review is None or not review.decision:
        return _("No decided review waits for the customer to be told.")
    if not what.words.strip():
        return _("Write down what the customer is told.")
    if what.method == NoticeMethod.LETTER and proof is None:
        return _("A registered letter needs its proof of posting.")
    if what.method not in NoticeMethod.values:
        return _("Choose how the customer is told.")
    return ""
