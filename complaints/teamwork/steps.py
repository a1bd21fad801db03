"""The steps of a case: done, left out with a reason, taken up again; the figure K35.

K35 counts what was mandatory in cases closed in the period. A step that was left out counts as
due and not done: it was no part of the handling, whatever the reason was.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.choices import Status, StepState
from complaints.holding import hold_cases
from complaints.models import Case, CaseStep
from complaints.teamwork import access
from complaints.teamwork.access import TeamRefused
from config.kernel import journal
from config.shared.actors import Actor
from config.shared.metrics import Metric, Period
from config.shared.scope import Scope

DONE, LEFT_OUT, AGAIN = "case.step_done", "case.step_skipped", "case.step_again"
_FIELDS: Final = ["state", "ended_at", "by", "seq"]
Steps = QuerySet[CaseStep]


@dataclass(frozen=True, slots=True)
class StepLine:
    """One line of the panel; `late`: open past its due time, or ended after it."""

    step: CaseStep
    late: bool
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.step.state == StepState.OPEN


def within(scope: Scope, act: str = "step") -> Steps:
    """Return the steps of the cases on which this person may do `act`."""
    return CaseStep.objects.visible_to(scope, act)


def done(steps: Steps, *, actor: Actor, at: datetime, words: str = "") -> list[CaseStep]:
    """Tick open steps off. Raises TeamRefused where somebody was faster or the case is over."""
    return _close(steps, StepState.DONE, DONE, words, actor, at)


def leave_out(steps: Steps, reason: str, *, actor: Actor, at: datetime) -> list[CaseStep]:
    """Leave open steps out; mandatory ones only with a reason. Raises TeamRefused."""
    return _close(steps, StepState.SKIPPED, LEFT_OUT, reason, actor, at)


def again(steps: Steps, *, actor: Actor, at: datetime) -> list[CaseStep]:
    """Open steps again that were ticked or left out by mistake. Raises TeamRefused."""
    with _held(steps, actor) as rows:
        for row in rows:
            if row.state == StepState.OPEN:
                raise TeamRefused("stale", _("The step is open already."))
            row.state, row.ended_at, row.by_id, row.seq = StepState.OPEN, None, None, None
        _say(rows, AGAIN, "", actor, at)
        CaseStep.objects.bulk_update(rows, _FIELDS)
    return rows


def lines(case: Case, at: datetime) -> list[StepLine]:
    """Return the steps of a case: emergency, care, then the rest in their order; three queries."""
    rows = list(CaseStep.objects.filter(case=case).select_related("step__rule_set", "by"))
    rows.sort(key=lambda x: (not x.step.emergency, not x.step.care, x.step.order, x.pk))
    left = [row.seq for row in rows if row.state == StepState.SKIPPED and row.seq]
    entries = list(journal.entries(case.stream).filter(seq__in=left)) if left else []
    said = journal.words_of(entries) if entries else {}
    reasons = {entry.seq: said[entry.pk].get("reason") or "" for entry in entries}
    return [StepLine(row, _late(row, at), reasons.get(row.seq or 0, "")) for row in rows]


def progress(rows: Sequence[StepLine]) -> tuple[int, int]:
    """Return how many steps are over, and how many there are."""
    return sum(not row.is_open for row in rows), len(rows)


def due_steps(period: Period, scope: Scope) -> Steps:
    """K35, all: mandatory steps of the cases closed in the period."""
    cases = Case.objects.visible_to(scope).filter(
        closed_at__gte=period.start, closed_at__lt=period.end,
        status__in=(Status.CLOSED, Status.ARCHIVED),
    )  # fmt: skip
    return CaseStep.objects.filter(case__in=cases, step__mandatory=True)


def done_in_time(period: Period, scope: Scope) -> Steps:
    """K35, good: done, in time and with their record."""
    in_time = Q(due_at__isnull=True) | Q(ended_at__lte=F("due_at"))
    return due_steps(period, scope).filter(in_time, state=StepState.DONE, seq__isnull=False)


METRIC: Final = Metric(
    "K35", _("Process adherence"), "%", "S4-8, S4-24", done_in_time, due_steps
)  # fmt: skip


def _late(row: CaseStep, at: datetime) -> bool:
    return row.due_at is not None and row.due_at < (row.ended_at or at)


def _close(
    steps: Steps, state: StepState, action: str, words: str, actor: Actor, at: datetime
) -> list[CaseStep]:
    said = words.replace("\x00", "").strip()
    with _held(steps, actor) as rows:
        for row in rows:
            if row.state != StepState.OPEN:
                raise TeamRefused("stale", _("Somebody has ended this step already."))
            if state == StepState.SKIPPED and row.step.mandatory and not said:
                message = _("This step is mandatory. Say why it is left out.")
                raise TeamRefused("reason", message).at_field("reason")
            row.state, row.ended_at = state, at
            row.by_id = actor.id if actor.kind == "person" else None
        for row, seq in zip(rows, _say(rows, action, said, actor, at), strict=True):
            row.seq = seq
        CaseStep.objects.bulk_update(rows, _FIELDS)
    return rows


@contextmanager
def _held(steps: Steps, actor: Actor) -> Iterator[list[CaseStep]]:
    """Lock the cases of the steps and read the steps under the lock; or refuse."""
    with hold_cases(Case.objects.filter(pk__in=steps.values("case_id"))) as held:
        access.refuse_recused(held.rows, actor)
        if any(case.status == Status.ARCHIVED for case in held.rows):
            raise TeamRefused("state", _("The case is archived."))
        by_pk = {case.pk: case for case in held.rows}
        rows = list(steps.filter(case__in=held.rows).select_related("step").order_by("pk"))
        for row in rows:
            row.case = by_pk[row.case_id]
        yield rows


def _say(
    rows: Iterable[CaseStep], action: str, words: str, actor: Actor, at: datetime
) -> list[int]:
    facts: list[Any] = [
        journal.Fact(
            row.case, action, {"step": row.step.code, "late": _late(row, at)}, {"reason": words}
        )
        for row in rows
    ]
    return [entry.seq for entry in journal.append(facts, actor=actor, at=at)]
