"""Waiting: for the customer, for a third party, suspended; resume, by hand or by itself.

A pause needs a reason and an expected end, at which it ends by itself; no clock it halts may stand
longer than its limit allows (`max_pause_days`, in working days).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints import clocks
from complaints.choices import NoticePurpose, PauseKind
from complaints.models import Case, CasePause
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Note, Pausing
from complaints.workflow.work import Work
from config.shared.actors import SYSTEM, Actor
from config.shared.words import day_words

_OVER = (("resume", PauseKind.INTERNAL), ("end_appraisal", PauseKind.APPRAISAL))


def wait_customer(
    cases: QuerySet[Case],
    what: Pausing,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Wait for something only the customer can give; internal clocks pause."""
    work = Work("wait_customer", actor=actor, at=at)
    return _pause(work, cases, what, expected)


def wait_third_party(
    cases: QuerySet[Case],
    what: Pausing,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Wait for somebody outside the bank; internal clocks pause."""
    work = Work("wait_third_party", actor=actor, at=at)
    return _pause(work, cases, what, expected)


def suspend(
    cases: QuerySet[Case],
    what: Pausing,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Suspend for court or arbitration; the customer is told with the reason."""
    work = Work("suspend", actor=actor, at=at)
    return _pause(work, cases, what, expected)


def resume(
    cases: QuerySet[Case],
    what: Note | None = None,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """End the pause: handling goes on and the due times of internal clocks move."""
    work = Work("resume", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            work.move(case, {}, {"note": what.note if what else ""})
        work.clocks(clocks.resume(work.moved, at=at, kind=PauseKind.INTERNAL))
    return work.outcomes


def resume_over(at: datetime, *, limit: int = 500) -> int:
    """End pauses whose expected end has passed; DueWork `pauses`. Returns how many ended.

    The clocks run on from that end, the case goes back to handling (after an outside appraisal
    its state stays), and whoever handles it is told.
    """
    over = CasePause.objects.filter(ended_at__isnull=True, expected_end_at__lte=at)
    found = list(over.order_by("expected_end_at", "id").values_list("case_id", "kind")[:limit])
    return sum(
        _run_out(verb, kind, sorted({pk for pk, other in found if other == kind}), at)
        for verb, kind in _OVER
        if any(other == kind for _pk, other in found)
    )


def _run_out(verb: str, kind: str, pks: Sequence[int], at: datetime) -> int:
    """End pauses of one kind that ran out, under the locks of their cases."""
    work = Work(verb, actor=SYSTEM, at=at)
    with work.on(Case.objects.filter(pk__in=pks), None) as ready:
        pauses = CasePause.objects.filter(
            case__in=pks, kind=kind, ended_at__isnull=True, expected_end_at__lte=at
        )
        ends = dict(pauses.values_list("case_id", "expected_end_at"))
        for end in sorted({end for end in ends.values() if end}):
            back = [case for case in ready if ends.get(case.pk) == end]
            for case in back:
                work.move(case, {"ended": end, "by_itself": True})
                who = [case.handler_id or case.officer_id or case.registrar_id]
                work.tell(case, "clock.resumed", who)
            work.clocks(clocks.resume(back, at=end, kind=kind))
        pauses.update(ended_at=at)  # of cases that left the pause some other way
    return len(ends)


def _pause(
    work: Work,
    cases: QuerySet[Case],
    what: Pausing,
    expected: Mapping[int, int] | None,
) -> list[Outcome]:
    """Take one of the three pausing moves."""
    with work.on(cases, expected) as ready:
        hindered = unclear(ready, what, work.at, str(work.rules.target))
        for case in ready:
            if case.pk in hindered:
                work.refuse(case, Refusal.GUARD, hindered[case.pk])
                continue
            facts = {"expected_end_at": what.expected_end_at}
            seq = work.move(case, facts, {"reason": what.reason})
            if work.rules.verb == "suspend":
                work.write(case, NoticePurpose.SUSPENSION, seq, {"reason": what.reason})
        work.clocks(
            clocks.pause(
                work.moved,
                at=work.at,
                kind=PauseKind.INTERNAL,
                expected_end=what.expected_end_at,
                by_id=work.actor.id,
            )
        )
    return work.outcomes


def unclear(cases: Sequence[Case], what: Pausing, at: datetime, state: str) -> dict[int, str]:
    """Return by case pk why it cannot wait like that in this state; at most two queries."""
    end = what.expected_end_at
    if not what.reason.strip():
        return dict.fromkeys((case.pk for case in cases), _("Give the reason."))
    if end is None:
        return dict.fromkeys((case.pk for case in cases), _("Say until when it will wait."))
    if end <= at:
        return dict.fromkeys((case.pk for case in cases), _("The expected end lies in the past."))
    latest = clocks.longest_pause(cases, at, state)
    return {pk: _too_long(until) for pk, until in latest.items() if end > until}


def _too_long(until: datetime) -> str:
    """Return that the pause is too long, naming the last day it may end on."""
    last = (until - timedelta(microseconds=1)).date()
    return _("That is too long a pause: %(day)s is the latest day its end may be expected for.") % {
        "day": day_words(last)
    }
