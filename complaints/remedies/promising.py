"""The remedies that a decision promises: who sees to them, and by when."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from complaints.case_rules import rules_at, silence_ends_at
from complaints.choices import RemedyState
from complaints.models import Case, CaseRemedy
from complaints.workflow.payloads import Answer
from config.kernel import terms
from config.kernel.models import Term
from config.shared.actors import Actor

OF_KIND: Final = {"liability": "liability", "goodwill": "goodwill"}
"""Kind of a compensation -> value of the flag `pays` of the remedy that stands for it."""


def rows(
    case: Case,
    chosen: Sequence[Term],
    what: Answer,
    due_at: datetime,
    *,
    actor: Actor,
    at: datetime,
) -> list[CaseRemedy]:
    """Return the unsaved remedies of a decision; the sum stands on exactly one of them.

    A compensation without a paying remedy among the chosen gets the one of its kind, so that the
    ledger holds every payment. Owner: the handler, else the officer or whoever decides. Words
    alone (apology, explanation) are done with the answer.
    """
    listed = list(dict.fromkeys(chosen))
    payer = _payer(listed, what)
    if payer is not None and payer not in listed:
        listed.append(payer)
    if not listed:
        return []
    owner = case.handler_id or case.officer_id or (actor.id if actor.kind == "person" else None)
    return [
        CaseRemedy(
            case=case,
            term=term,
            amount=what.compensation if term == payer else None,
            department_id=case.department_id,
            owner_id=owner,
            due_at=due_at,
            state=RemedyState.DONE if term.flags.get("with_answer") else RemedyState.PROMISED,
            done_at=at if term.flags.get("with_answer") else None,
            at=at,
            by_id=actor.id,
        )
        for term in listed
    ]


def due_at(at: datetime) -> datetime:
    """Return until when a remedy promised now is to be done: `remedy_working_days` of the bank."""
    return silence_ends_at(at, rules_at(at).remedy_working_days)


def _payer(chosen: Sequence[Term], what: Answer) -> Term | None:
    """Return the remedy on which the sum stands; None when nothing is paid."""
    if (what.compensation or Decimal(0)) <= 0:
        return None
    paying = [term for term in chosen if term.flags.get("money")]
    kind = OF_KIND.get(what.compensation_kind, "")
    fitting = [term for term in paying if term.flags.get("pays") == kind]
    if fitting or paying:
        return (fitting or paying)[0]
    return next(iter(terms.flagged("remedy", "pays", value=kind)), None)


__all__ = ["due_at", "rows"]
