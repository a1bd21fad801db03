"""Which move is possible now and for whom: what pages draw their buttons and dialogs from.

The verbs obey the same table (`workflow.table`), and a test walks every pair of state and verb
against it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from complaints.choices import Status
from complaints.models import Case
from complaints.reach import reaches
from complaints.workflow.table import TABLE, Field, Kind, Move
from config.shared.scope import Scope


@dataclass(frozen=True, slots=True)
class MoveView:
    """One button of a case page: `asks`: it asks for an approval; `blocked`: why not yet."""

    move: Move
    asks: bool
    blocked: str = ""


MOVES: dict[str, Move] = {move.verb: move for move in TABLE}

# The buttons of a state in the order in which they are offered; the first is the main one.
NEXT: dict[str, tuple[str, ...]] = {
    Status.RECEIVED: ("accept", "refuse"),
    Status.ACCEPTED: ("assess",),
    Status.ASSESSING: ("assign", "settle", "start"),
    Status.ASSIGNED: ("sign", "return"),
    Status.RETURNED: ("assign", "start"),
    Status.IN_PROGRESS: (
        "resolve", "propose", "wait_customer", "wait_third_party", "suspend",
    ),
    Status.WAITING_CUSTOMER: ("resume",),
    Status.WAITING_THIRD_PARTY: ("resume",),
    Status.SUSPENDED: ("resume", "resolve"),
    Status.SENT_BACK: ("start", "propose"),
    Status.REOPENED: ("start",),
    Status.RESOLVED: ("notify",),
    Status.NOTIFIED: ("confirm", "close", "reopen", "ask_review"),
    Status.CLOSED: (
        "acknowledge_review", "decide_review", "tell_review", "reopen", "follow_up", "ask_review",
    ),
    Status.ARCHIVED: ("follow_up",),
    Status.NOT_ACCEPTED: ("readmit",),
}  # fmt: skip
_ALWAYS = (
    "claim", "assign_handler", "raise_severity", "lower_severity", "retype", "extend",
    "external_appraisal", "end_appraisal", "restart_new_facts", "contain",
    "set_major", "clear_major", "merge", "transfer", "withdraw",
    "acknowledge_review", "progress_review", "decide_review", "tell_review",
)  # fmt: skip

_REGULATORY = frozenset({"extend", "external_appraisal", "restart_new_facts"})
# How far a review is -> its moves; the marks come from `reviewers.marks`.
_REVIEW: dict[str, frozenset[str]] = {
    "ask_review": frozenset({""}),
    "acknowledge_review": frozenset({"asked"}),
    "progress_review": frozenset({"asked", "received"}),
    "decide_review": frozenset({"asked", "received"}),
    "tell_review": frozenset({"decided"}),
}


def allowed(status: str) -> Iterable[Move]:
    """Yield every move whose sources hold `status`, in the order of the table."""
    return (move for move in TABLE if status in move.sources)


def _is_idle(case: Case, verb: str) -> bool:
    """Tell whether there is nothing this move of the limit or of a review could change."""
    if verb in _REVIEW:
        return _stage(case) not in _REVIEW[verb]
    if verb == "end_appraisal":
        return not getattr(case, "in_appraisal", False)
    return verb in _REGULATORY and case.regulatory_due_at is None


def _stage(case: Case) -> str:
    """Return how far the open review of a case is; '' without one, or where nobody asked."""
    if not getattr(case, "in_review", False):
        return ""
    if getattr(case, "review_decided", False):
        return "decided"
    return "received" if getattr(case, "review_received", False) else "asked"


def offered(case: Case, scope: Scope) -> list[MoveView]:
    """Return the buttons of this loaded case for somebody who may see it; no query.

    An appraisal is ended only where `case.in_appraisal` (an annotation) says that one runs; the
    moves of a review are offered by the marks of `reviewers.marks`.
    """
    views = []
    for verb in dict.fromkeys((*NEXT.get(case.status, ()), *_ALWAYS)):
        move = MOVES[verb]
        if case.status not in move.sources or move.by_system or _is_idle(case, verb):
            continue
        if reaches(case, scope, move.act) and not move.only_approved:
            views.append(MoveView(move, asks=False))
        elif move.ask_act and reaches(case, scope, move.ask_act):
            views.append(MoveView(move, asks=True))
    return views


__all__ = ["MOVES", "NEXT", "Field", "Kind", "Move", "MoveView", "allowed", "offered"]
