"""Taking a case: accept, refuse, readmit, assess, claim."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints import clocks
from complaints.choices import ClockName, NoticePurpose
from complaints.models import Case
from complaints.replies.filling import demand_filled
from complaints.workflow.guards import needs_confirmation
from complaints.workflow.lookups import given_terms, person, term
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Assessing, Note, Reason, Refusing, Taking
from complaints.workflow.work import Work
from config.shared.actors import Actor


def accept(
    cases: QuerySet[Case],
    what: Taking,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Make the actor the named person of registered cases; the acceptance clock stops (K08).

    Needs a person and the declaration of no interest; complaints and petitions get their notice
    of acceptance, unless they are settled on the spot.
    """
    work = Work("accept", actor=actor, at=at)
    lines = {"business_line": ("business_line", what.business_line)}
    given: dict[str, Any] = dict(given_terms(lines))
    officer = person(actor.id) if actor.kind == "person" else None
    with work.on(cases, expected) as ready:
        for case in ready:
            if why := _unfit(actor, declared=what.no_interest):
                work.refuse(case, Refusal.GUARD, why)
            elif work.fits(case, **given):
                seq = work.move(
                    case,
                    {"officer": actor.id, "no_interest": True},
                    officer=officer,
                    accepted_at=at,
                    **given,
                )
                if needs_confirmation(case) and not case.settled_on_the_spot:
                    work.write(case, NoticePurpose.ACCEPTANCE, seq)
        work.clocks(clocks.stop(work.moved, [ClockName.ACCEPT], at))
        work.done_with("case.unassigned")
    return work.outcomes


def refuse(
    cases: QuerySet[Case],
    what: Refusing,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Refuse acceptance with a reason of list `not_accepted`; the customer is told (S1-10)."""
    work = Work("refuse", actor=actor, at=at)
    reason = term("not_accepted", what.reason_code)
    demand_filled(what.words)
    with work.on(cases, expected) as ready:
        for case in ready:
            if reason is None or not what.words.strip():
                why = _("A refusal needs its reason and the words to the customer.")
                work.refuse(case, Refusal.GUARD, why)
                continue
            seq = work.move(
                case,
                {"reason": what.reason_code},
                {"words": what.words},
                not_accepted_at=at,
                not_accepted_reason=reason,
            )
            work.write(case, NoticePurpose.NOT_ACCEPTED, seq, {"text": what.words})
        work.clocks(clocks.cancel(work.moved, at=at))
    return work.outcomes


def readmit(
    cases: QuerySet[Case],
    what: Reason,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Accept the objection to a refusal: registered again, clocks in a new round."""
    work = Work("readmit", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            if not what.reason.strip():
                work.refuse(case, Refusal.GUARD, _("Give the reason."))
                continue
            work.move(
                case,
                {},
                {"reason": what.reason},
                not_accepted_at=None,
                not_accepted_reason=None,
                round=case.round + 1,
            )
        work.clocks(clocks.start(work.moved, at))
    return work.outcomes


def assess(
    cases: QuerySet[Case],
    what: Assessing,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Begin the initial assessment of accepted cases: nature and core issue where given."""
    work = Work("assess", actor=actor, at=at)
    given: dict[str, Any] = dict(given_terms({"nature": ("nature", what.nature)}))
    if what.core_issue.strip():
        given["core_issue"] = what.core_issue.strip()
    with work.on(cases, expected) as ready:
        for case in ready:
            work.move(case, {"nature": what.nature}, {"core_issue": what.core_issue}, **given)
            if "core_issue" in given:
                work.index(case)
    return work.outcomes


def claim(
    cases: QuerySet[Case],
    what: Note | None = None,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Make the actor the handler of cases nobody handles; the second claimer is told who did."""
    work = Work("claim", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            if actor.kind != "person":
                work.refuse(case, Refusal.GUARD, _("Only a person can claim a case."))
            elif case.handler is not None:
                work.refuse(
                    case,
                    Refusal.GUARD,
                    _("%(person)s already handles this case.") % {"person": case.handler.label},
                )
            else:
                note = what.note if what else ""
                work.move(case, {"handler": actor.id}, {"note": note}, handler_id=actor.id)
        work.hand_over(work.moved, keep_department=True)
    return work.outcomes


def _unfit(actor: Actor, *, declared: bool) -> str:
    """Return why this actor cannot take the case, or ''."""
    if actor.kind != "person":
        return _("Only a named person can accept a case.")
    if not declared:
        return _("Declare that you have no interest of your own in this matter.")
    return ""
