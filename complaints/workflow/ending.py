"""Other ends and new beginnings: reopen, archive, withdraw, merge, transfer."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from complaints import clocks
from complaints.case_rules import rules_at
from complaints.choices import ENDED_ASIDE, OPEN, NoticePurpose, RemedyState, Status
from complaints.conversation import promises
from complaints.models import Case, CaseRemedy, CaseReview
from complaints.relations import merging
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Merging, Note, Reason, Transferring, Withdrawing
from complaints.workflow.work import Work
from config.shared.actors import SYSTEM, Actor
from config.shared.words import moment_words


def reopen(
    cases: QuerySet[Case],
    what: Reason,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Take told or closed cases up again within 90 days of closing; clocks start a new round.

    Later a new linked case is opened instead (`linking.follow_up`).
    """
    work = Work("reopen", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        days, reviewed = rules_at(at).reopen_days, under_review(ready)
        for case in ready:
            if why := _too_late(case, what, at, days) or reviewed.get(case.pk):
                work.refuse(case, Refusal.GUARD, why)
                continue
            told = {"round": case.round + 1, "notified_before": case.notified_at}
            work.move(case, told, {"reason": what.reason}, **taken_up(case, at))
            work.tell(case, "case.reopened", [case.handler_id or case.officer_id])
        work.clocks(clocks.next_round(work.moved, clocks.REOPENED, at))
    return work.outcomes


def taken_up(case: Case, at: datetime) -> dict[str, Any]:
    """Return the fields of a told case that is handled again: the next round begins."""
    ended = ("resolved_at", "notified_at", "confirmed_at", "silence_ends_at", "closed_at")
    return {
        "reopened_at": at,
        "reopen_count": case.reopen_count + 1,
        "round": case.round + 1,
        "is_history": False,
        **dict.fromkeys(ended),
    }


def under_review(cases: Sequence[Case]) -> dict[int, str]:
    """Return by case pk that its decision is being reviewed, in words; one query."""
    rows = CaseReview.objects.filter(case__in=cases, told_at__isnull=True)
    why = _("The decision is being reviewed: the review says whether the case is handled again.")
    return dict.fromkeys(rows.values_list("case_id", flat=True), why)


def _owed(cases: Sequence[Case]) -> dict[int, str]:
    """Return by case pk that a remedy is still promised, in words; one query."""
    rows = CaseRemedy.objects.filter(case__in=cases, state=RemedyState.PROMISED)
    why = _("A remedy is still promised: it is done or taken back before the file is sealed.")
    return dict.fromkeys(rows.values_list("case_id", flat=True), why)


def archive(
    cases: QuerySet[Case],
    what: Note | None = None,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Seal the file after the reopen window: read only, retention runs."""
    work = Work("archive", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        days, reviewed, owed = rules_at(at).reopen_days, under_review(ready), _owed(ready)
        for case in ready:
            why = reviewed.get(case.pk, "") or owed.get(case.pk, "")
            if _ended_at(case) + timedelta(days=days) > at:
                why = _("The time in which the case may be reopened is not over.")
            if why:
                work.refuse(case, Refusal.GUARD, why)
                continue
            work.move(case, {}, {"note": what.note if what else ""}, archived_at=at)
    return work.outcomes


def archive_old(at: datetime, *, limit: int = 200) -> int:
    """Archive cases whose reopen window is over; DueWork `archive`."""
    before = at - timedelta(days=rules_at(at).reopen_days)
    reviewed = CaseReview.objects.filter(case=OuterRef("pk"), told_at__isnull=True)
    owed = CaseRemedy.objects.filter(case=OuterRef("pk"), state=RemedyState.PROMISED)
    settled = Case.objects.filter(~Exists(owed))
    closed = settled.filter(~Exists(reviewed), status=Status.CLOSED, closed_at__lte=before)
    aside = settled.filter(status__in=ENDED_ASIDE, updated_at__lte=before)
    ids = [
        *closed.order_by("closed_at", "pk").values_list("pk", flat=True)[:limit],
        *aside.order_by("updated_at", "pk").values_list("pk", flat=True)[:limit],
    ]
    if not ids:
        return 0
    outcomes = archive(Case.objects.filter(pk__in=ids), actor=SYSTEM, at=at)
    return sum(outcome.done for outcome in outcomes)


def withdraw(
    cases: QuerySet[Case],
    what: Withdrawing,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """End cases the customer withdrew; called by the approval of the check call only.

    Needs the customer's own words and a recording's reference or a signed statement.
    """
    work = Work("withdraw", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            if why := unproved(what):
                work.refuse(case, Refusal.GUARD, why)
                continue
            facts = {"recording": what.recording, "proof": what.proof_id}
            work.move(case, facts, {"words": what.words}, withdrawn_at=at)
        _leave(work)
    return work.outcomes


def unproved(what: Withdrawing) -> str:
    """Return what a withdrawal lacks, or '' (against gaming, §4.6)."""
    if not what.words.strip():
        return _("Write down the customer's own words.")
    if not what.recording.strip() and what.proof_id is None:
        return _("A withdrawal needs the reference of the recording or a signed statement.")
    return ""


def merge(
    cases: QuerySet[Case],
    what: Merging,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Merge cases of one matter into the surviving one, which answers every sender and source.

    Both stay readable with all their notes; the clocks of the merged end. The sources of the
    merged move along with their own deadlines: the nearest one counts, none is ever loosened.
    The promised replies move along too; the case whose legal limit ends first survives.
    """
    work = Work("merge", actor=actor, at=at)
    with work.on(cases, expected, beside=what.into_id) as ready:
        into = work.beside
        for case in ready:
            if why := _cannot_merge(case, into, what):
                work.refuse(case, Refusal.GUARD, why)
            elif into is not None:
                told = {"into": into.number}
                work.move(case, told, {"reason": what.reason}, merged_into=into)
                work.record(into, "case.took_in", {"number": case.number})
        _leave(work)
        if into is not None and work.moved:
            seq = into.event_seq + len(work.moved)  # the last of its entries `case.took_in`
            work.change(into, group_size=into.group_size + len(work.moved))
            promises.take_over(work.moved, into, seq)
            work.change(into, promised_reply_at=into.promised_reply_at)
            if merging.take_over(work.moved, into):
                work.change(into, external_due_at=into.external_due_at)
                work.clocks(clocks.rematch([into], at=at))
    return work.outcomes


def transfer(
    cases: QuerySet[Case],
    what: Transferring,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Hand cases over to another institution; the customer is told who it is."""
    work = Work("transfer", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            if not what.receiver.strip() or not what.reason.strip():
                why = _("Name the receiving institution and the reason.")
                work.refuse(case, Refusal.GUARD, why)
                continue
            facts = {"receiver": what.receiver}
            words = {"reason": what.reason}
            seq = work.move(case, facts, words, transferred_to=what.receiver)
            work.write(case, NoticePurpose.TRANSFER, seq, {**words, "receiver": what.receiver})
        _leave(work)
    return work.outcomes


def _leave(work: Work) -> None:
    """End clocks, pending requests and open notices of cases that left the way."""
    work.clocks(clocks.cancel(work.moved, at=work.at))
    work.drop_requests()
    work.done_with()


def _too_late(case: Case, what: Reason, at: datetime, days: int) -> str:
    """Return why the case cannot be reopened, or ''."""
    if not what.reason.strip():
        return _("Give the reason.")
    if case.closed_at is not None and case.closed_at + timedelta(days=days) < at:
        return _("The %(days)s days are over: open a new case linked to this one.") % {"days": days}
    return ""


def _ended_at(case: Case) -> datetime:
    """Return when processing ended."""
    return case.closed_at or case.not_accepted_at or case.withdrawn_at or case.updated_at


def _cannot_merge(case: Case, into: Case | None, what: Merging) -> str:
    """Return why these two cannot become one, or ''."""
    if not what.reason.strip():
        return _("Give the reason.")
    if into is None:
        return _("There is no such case.")
    if into.pk == case.pk:
        return _("A case cannot be merged into itself.")
    if into.status not in OPEN:
        return _("The surviving case must still be open.")
    if into.restricted != case.restricted:
        return _("A restricted case cannot be merged with an ordinary one.")
    return _loosened(case, into)


def _loosened(case: Case, into: Case) -> str:
    """Return that the legal limit of a case would end later in the surviving one, or ''."""
    due = case.regulatory_due_at
    if due is None or (into.regulatory_due_at is not None and into.regulatory_due_at <= due):
        return ""
    told = {"number": case.number, "due": moment_words(due)}
    why = _(
        "By law case %(number)s ends first, at %(due)s: let it survive and merge the other one."
    )
    return why % told
