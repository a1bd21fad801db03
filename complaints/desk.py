"""What waits on one person's desk: figures, deadlines of the day, the next cases and acts."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from django.db.models import Count, Min, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.choices import OPEN, Status
from complaints.filters import Due, due_states, on_my_desk
from complaints.lists import CaseRow, rows_of, shown_rows
from complaints.models import Case
from complaints.reach import reaches
from complaints.workflow.moves import Move, offered
from config.shared.scope import Scope

NEXT_UP: Final = 8
UNTAKEN: Final = 3
MARKS: Final = 60
"""At most this many marks fit on the strip of the day."""

# What to do next in a state, as a sentence; where the reader cannot take the step, who must.
_DO: Final[dict[str, str | Promise]] = {
    "accept": _("Accept it and classify it"),
    "assess": _("Read it and begin the initial assessment"),
    "assign": _("Send it to a department or settle it on the spot"),
    "sign": _("Sign for it, or refuse it with a reason"),
    "start": _("Start handling it"),
    "resume": _("Check whether the answer has come, then resume"),
    "resolve": _("Work out the answer and record the decision"),
    "propose": _("Propose the answer for approval"),
    "notify": _("Tell the customer the result"),
    "confirm": _("Ask whether the customer is content, then close"),
}
_WAIT: Final[dict[str, str | Promise]] = {
    Status.RECEIVED: _("Waits for an officer to accept it"),
    Status.ACCEPTED: _("Waits for the initial assessment"),
    Status.ASSESSING: _("Waits for the initial assessment"),
    Status.ASSIGNED: _("Waits for the department to sign for it"),
    Status.RETURNED: _("Waits for the complaint team to send it on"),
    Status.IN_PROGRESS: _("Is being handled; see how far it is"),
    Status.PENDING_APPROVAL: _("Waits for approval of the answer"),
    Status.SENT_BACK: _("The answer was sent back and is being worked over"),
    Status.RESOLVED: _("Waits for somebody to tell the customer"),
}
_WITH_HANDLER: Final = {Status.ASSIGNED, Status.IN_PROGRESS, Status.SENT_BACK}
_ICONS: Final = {
    "accept": "check",
    "assess": "list-check",
    "assign": "route",
    "sign": "signature",
    "start": "player-play",
    "resume": "player-play",
    "resolve": "circle-check",
    "propose": "clipboard-check",
    "notify": "message-reply",
    "confirm": "checks",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """The four counters; the parts are disjoint and add up to `total` with `later`."""

    over: int
    risk: int
    today: int
    later: int
    paused: int
    next_due: datetime | None

    @property
    def total(self) -> int:
        """All open cases of the desk."""
        return self.over + self.risk + self.today + self.later + self.paused


@dataclass(frozen=True, slots=True)
class Task:
    """A case with the next act on it."""

    row: CaseRow
    words: str | Promise
    button: str | Promise
    icon: str
    verb: str

    @property
    def url(self) -> str:
        """The dialog of the act, or the case page where there is none."""
        if not self.verb:
            return self.row.case.get_absolute_url()
        return reverse("case_move", args=[self.row.case.number, self.verb])


@dataclass(frozen=True, slots=True)
class Mark:
    """One deadline of today: when, in which state, of which case."""

    at: datetime
    state: str
    number: str


def my_open(scope: Scope) -> QuerySet[Case]:
    """Return the open cases of this person's desk."""
    return on_my_desk(Case.objects.visible_to(scope).filter(status__in=OPEN), scope)


def figures(scope: Scope, at: datetime) -> Figures:
    """Count the desk in one query."""
    states = due_states(at)
    parts = {f"n_{key}": Count("pk", filter=condition) for key, condition in states.items()}
    found = (
        my_open(scope)
        .order_by()
        .aggregate(
            **parts,
            next_due=Min("next_due_at", filter=states[Due.RISK] | states[Due.TODAY]),
        )
    )
    return Figures(**{name.removeprefix("n_"): value for name, value in found.items()})


def count(scope: Scope, at: datetime) -> tuple[int, bool]:
    """Return the sum of the four counters and whether anything is overdue."""
    if scope.member is None:
        return 0, False
    found = figures(scope, at)
    return found.total - found.later, found.over > 0


def today(scope: Scope, at: datetime) -> list[Mark]:
    """Return today's deadlines of the desk in time order; one query."""
    local = timezone.localtime(at)
    start = timezone.make_aware(datetime.combine(local.date(), time.min))
    rows = my_open(scope).filter(
        paused=False, next_due_at__gte=start, next_due_at__lt=start + timedelta(days=1)
    )
    found = rows.order_by("next_due_at", "id").values_list("next_due_at", "next_risk_at", "number")
    return [Mark(due, _state(due, risk, at), number) for due, risk, number in found[:MARKS]]


def _state(due: datetime, risk: datetime | None, at: datetime) -> str:
    if due < at:
        return "over"
    return "risk" if risk is not None and risk <= at else "ok"


def next_up(scope: Scope, at: datetime) -> list[Task]:
    """Return the cases to open now, by due time, each with its next act."""
    rows = on_my_desk(shown_rows(scope).filter(status__in=OPEN), scope)
    found = list(rows.order_by("paused", "next_due_at", "id")[:NEXT_UP])
    return [_task(row, scope) for row in rows_of(found, scope, at)]


def _task(row: CaseRow, scope: Scope) -> Task:
    """Name the first step the reader may take; otherwise who is waited for."""
    move = _first_move(row.case, scope)
    _verb, words = next_step(row.case, scope)
    if move is None:
        return Task(row, words, _("Open"), "eye", "")
    return Task(row, words, move.title, _ICONS.get(move.verb, "arrow-right"), move.verb)


def next_step(case: Case, scope: Scope) -> tuple[str, str | Promise]:
    """Return the verb of the next step and its words; "" and who is waited for where none."""
    move = _first_move(case, scope)
    if move is None:
        return "", _WAIT.get(case.status, case.get_status_display())
    return move.verb, _DO.get(move.verb, move.title)


def _first_move(case: Case, scope: Scope) -> Move | None:
    """Return the main step of this state, if this person reaches it and nobody else is at it."""
    if case.handler_id not in {None, scope.member} and case.status in _WITH_HANDLER:
        return None
    for view in offered(case, scope):
        move = view.move
        reached = reaches(case, scope, move.act) or reaches(case, scope, move.ask_act)
        if move.verb in _DO and reached:
            return move
    return None


def untaken(scope: Scope) -> QuerySet[Case]:
    """Return open cases of the person's units that nobody handles yet."""
    if not scope.may("cases", "claim"):
        return Case.objects.none()
    rows = Case.objects.visible_to(scope, "claim").filter(status__in=OPEN)
    return rows.filter(handler__isnull=True, department__in=scope.departments)


def untaken_rows(scope: Scope, at: datetime) -> list[CaseRow]:
    """Return the first of them, by due time, and one more to show that there are more."""
    if not scope.may("cases", "claim"):
        return []
    rows = shown_rows(scope).filter(pk__in=untaken(scope).order_by().values("pk"))
    found = rows.order_by("paused", "next_due_at", "id")[:UNTAKEN]
    return rows_of(list(found), scope, at)
