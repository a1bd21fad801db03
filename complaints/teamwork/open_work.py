"""What others still have to do before a case can be decided: mandatory tasks and steps.

Pages annotate their rows with `marks()`, verbs call `prepare()` for theirs; a case that went
through neither asks once.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import ngettext

from complaints.choices import StepState
from complaints.models import Case, CaseStep, CaseTask
from complaints.teamwork import playbooks

TASKS, STEPS, BLOCKS = "tasks_waiting", "steps_waiting", "steps_block"


def marks() -> dict[str, Any]:
    """Return the annotations of a row of Case: how many mandatory tasks and steps are open."""
    return {TASKS: _counted(_tasks()), STEPS: _counted(_steps())}


def prepare(cases: Sequence[Case]) -> None:
    """Note on held cases what is open; two queries, a third where steps are open."""
    for name, rows in ((TASKS, _tasks()), (STEPS, _steps())):
        found = (
            rows.filter(case__in=cases).order_by().values_list("case_id").annotate(n=Count("pk"))
        )
        counts = dict(found)
        for case in cases:
            setattr(case, name, counts.get(case.pk, 0))
    waiting = [case for case in cases if getattr(case, STEPS)]
    strict = _strict(waiting) if waiting else set()
    for case in cases:
        setattr(case, BLOCKS, case.pk in strict)


def tasks_waiting(case: Case) -> int:
    """Return how many mandatory tasks of the case are open."""
    return _noted(case, TASKS, _tasks())


def steps_waiting(case: Case) -> int:
    """Return how many mandatory steps of the case are open."""
    return _noted(case, STEPS, _steps())


def steps_block(case: Case) -> bool:
    """Tell whether open mandatory steps keep from resolving, as the version of the case says."""
    if not hasattr(case, BLOCKS):
        setattr(case, BLOCKS, bool(steps_waiting(case)) and case.pk in _strict([case]))
    return bool(getattr(case, BLOCKS))


def tasks_words(case: Case) -> str:
    """Return the line of the checklist: whose answers are missing."""
    n = tasks_waiting(case)
    text = ngettext("%(n)s department still to answer", "%(n)s departments still to answer", n)
    return text % {"n": n}


def steps_words(case: Case) -> str:
    """Return the line of the checklist: how many mandatory steps are open."""
    n = steps_waiting(case)
    text = ngettext("%(n)s mandatory step still open", "%(n)s mandatory steps still open", n)
    return text % {"n": n}


def _tasks() -> QuerySet[CaseTask]:
    return CaseTask.objects.open().filter(mandatory=True)


def _steps() -> QuerySet[CaseStep]:
    return CaseStep.objects.filter(state=StepState.OPEN, step__mandatory=True)


def _counted(rows: QuerySet[Any]) -> Coalesce:
    """Return the number of these rows of a case as an annotation."""
    mine = rows.filter(case=OuterRef("pk")).order_by().values("case")
    found = Subquery(mine.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
    return Coalesce(found, 0)


def _noted(case: Case, name: str, rows: QuerySet[Any]) -> int:
    if not hasattr(case, name):
        setattr(case, name, rows.filter(case=case).count())
    return int(getattr(case, name))


def _strict(cases: Sequence[Case]) -> set[int]:
    """Return the cases whose version of the playbooks makes mandatory steps block."""
    rows = _steps().filter(case__in=cases).order_by()
    found = rows.values_list("case_id", "step__rule_set__settings")
    return {case for case, settings in found if (settings or {}).get(playbooks.BLOCKS)}
