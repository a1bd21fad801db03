"""Late tasks: the head of the department asked hears of it, a working day later the supervisors.

Each of the two is told once: `escalated_at` says when last, and a moment on or after the second
line means both were. Recused people are passed over; of restricted cases only compliance hears.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q

from complaints.choices import TaskKind
from complaints.clocks.audience import Directory, recused
from complaints.holding import hold_cases
from complaints.models import Case, CaseTask
from complaints.teamwork.asking import telling
from complaints.teamwork.tasks import LATE
from config.kernel import journal, notices
from config.shared import worktime
from config.shared.actors import SYSTEM
from config.shared.registry import DueWork
from config.shared.worktime import Limit, Unit
from staff import calendar
from staff.models.accounts import Role

KEY: Final = "tasks"
EVERY: Final = timedelta(minutes=2)
_SECOND: Final = Limit(1, Unit.WORKING_DAYS)
_LONGEST: Final = timedelta(days=16)
"""No working day is further away than the longest closing (14 days) and its weekends."""
_CHUNK: Final = 200
HEAD, BOSSES = 1, 2


def escalate(at: datetime) -> int:
    """Raise every late task by `at`; returns how many steps were taken. Safe to run twice."""
    return sum(_raise(pks, at) for pks in _chunks(at))


def second_line(task: CaseTask) -> datetime:
    """Return when the supervisors hear of a late task: a working day of the unit after its due."""
    return worktime.due(calendar.of_department(task.department, task.due_at), task.due_at, _SECOND)


def contributions() -> list[DueWork]:
    """Return what this module registers."""
    return [DueWork(KEY, escalate, EVERY)]


def _chunks(at: datetime) -> Iterator[list[int]]:
    """Yield the cases whose late tasks may have a step ahead."""
    again = Q(escalated_at__lt=F("due_at") + _LONGEST)
    late = CaseTask.objects.late(at).filter(Q(escalated_at__isnull=True) | again)
    last = 0
    while True:
        rows = late.filter(case_id__gt=last).order_by("case_id")
        pks = list(rows.values_list("case_id", flat=True).distinct()[:_CHUNK])
        if not pks:
            return
        yield pks
        last = pks[-1]


def _raise(pks: list[int], at: datetime) -> int:
    with hold_cases(Case.objects.filter(pk__in=pks)) as held:
        by_pk = {case.pk: case for case in held.rows}
        found = CaseTask.objects.late(at).filter(case__in=held.rows).order_by("pk")
        tasks = list(found.select_related("department"))
        for task in tasks:
            task.case = by_pk[task.case_id]
        steps = [(task, step) for task in tasks for step in _steps(task, at)]
        if not steps:
            return 0
        facts = [
            journal.Fact(task.case, LATE, {**_told(task), "stage": step}) for task, step in steps
        ]
        journal.append(facts, actor=SYSTEM, at=at)
        notices.tell(_tellings(steps, held.rows), at=at)
        raised = list({task.pk: task for task, _step in steps}.values())
        for task in raised:
            task.escalated_at = at
        CaseTask.objects.bulk_update(raised, ["escalated_at"])
    return len(steps)


def _steps(task: CaseTask, at: datetime) -> list[int]:
    """Return the steps a late task has ahead at `at`."""
    found = [HEAD] if task.escalated_at is None else []
    line = second_line(task)
    if at >= line and (task.escalated_at is None or task.escalated_at < line):
        found.append(BOSSES)
    return found


def _tellings(
    steps: Iterable[tuple[CaseTask, int]], cases: Iterable[Case]
) -> list[notices.Telling]:
    out, directory = recused(cases), Directory()
    return [
        replace(telling(task, LATE, pk), key=f"{LATE}:{task.pk}:{step}:{pk}")
        for task, step in steps
        for pk in sorted(_people(task, step, directory) - out[task.case_id])
    ]


def _people(task: CaseTask, step: int, directory: Directory) -> set[int]:
    if task.case.restricted:
        found = directory.having(Role.COMPLIANCE)
    elif step == HEAD and task.kind != TaskKind.REPORT:
        found = directory.heads_of(task.department_id) or directory.having(Role.SUPERVISOR)
    else:
        found = directory.having(Role.SUPERVISOR)
    return {pk for pk in found if pk}


def _told(task: CaseTask) -> dict[str, object]:
    return {
        "task": task.pk,
        "kind": str(task.kind),
        "department": task.department.code,
        "due": task.due_at.isoformat(),
    }


__all__ = ["EVERY", "KEY", "contributions", "escalate", "second_line"]
