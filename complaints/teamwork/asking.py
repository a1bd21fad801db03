"""Asking others for a part of a case: co-handling departments 协办, people, the regulator's report.

Departments are asked, their heads hear of it; a person is asked in their department. Nobody who
stays out of the case is asked, and of a restricted case only who may open it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.choices import OPEN, TaskKind, WatchedBy
from complaints.clocks.audience import Directory
from complaints.holding import hold_cases
from complaints.models import Case, CaseTask
from complaints.teamwork import access
from complaints.teamwork.access import TeamRefused
from config.kernel import journal, notices
from config.shared import worktime
from config.shared.actors import Actor
from config.shared.worktime import Limit, Unit
from staff import calendar
from staff import people as people_room
from staff.models import Department, Person
from staff.models.accounts import Role

ASKED: Final = "case.task_asked"
USUAL: Final = Limit(2, Unit.WORKING_DAYS)
LONGEST: Final = timedelta(days=366)
_HEADS: Final = (Role.DEPARTMENT_HEAD, Role.BRANCH_HEAD)
_WORKERS: Final = (*_HEADS, Role.HANDLER, Role.OFFICER, Role.SUPERVISOR, Role.COMPLIANCE)


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of whom: pks of departments, or one person (their department counts).

    Due at `due_at`, else `limit` after now on the calendar of each department.
    """

    question: str
    departments: Sequence[int] = ()
    person_id: int | None = None
    kind: str = TaskKind.CO_HANDLING
    mandatory: bool = True
    limit: Limit = USUAL
    due_at: datetime | None = None


def ask(cases: QuerySet[Case], what: Asking, *, actor: Actor, at: datetime) -> list[CaseTask]:
    """Ask departments or a person about each of these open cases; the tasks, case by case.

    Those asked may read the case and hear of it. TeamRefused, and nothing is written, for a case
    that has ended, the lead's own department, a unit or person that cannot be asked, no question,
    or a due time that makes no sense. `cases` is cut by `visible_to(scope, "task")`.
    """
    question = access.needed(what.question, "question")
    _check(what, at)
    units, person = _asked(what)
    due = {unit.pk: due_of(unit, what, at) for unit in units}
    with hold_cases(cases) as held:
        out = access.refuse_recused(held.rows, actor)
        directory = Directory()
        tasks, told = [], []
        for case in held.rows:
            _refuse_case(case, units, person)
            for place, unit in enumerate(units, start=1):
                tasks.append(
                    CaseTask(
                        case=case, kind=what.kind, department=unit, person=person,
                        asked_by_id=actor.id, asked_at=at, due_at=due[unit.pk],
                        mandatory=what.mandatory, seq=case.event_seq + place,
                    )
                )  # fmt: skip
                told.append(audience(case, unit, person, out[case.pk], directory))
        made = CaseTask.objects.bulk_create(tasks)
        facts = [journal.Fact(t.case, ASKED, _facts(t), {"text": question}) for t in made]
        journal.append(facts, actor=actor, at=at)
        _let_in(made, told, at)
        notices.tell(_tellings(made, told, actor), at=at)
    return made


def due_of(unit: Department, what: Asking, at: datetime) -> datetime:
    """Return when a department is to have answered, on its own calendar."""
    if what.due_at is not None:
        return what.due_at
    return worktime.due(calendar.of_department(unit, at), at, what.limit)


def audience(
    case: Case,
    unit: Department,
    person: Person | None,
    out: Collection[int],
    directory: Directory,
) -> list[int]:
    """Return who is asked: the person, else the heads of the unit, else whoever works there.

    Raises TeamRefused when nobody is left who may open the case.
    """
    wanted: list[int] = [person.pk] if person else []
    if not wanted:
        wanted = sorted(pk for pk in directory.heads_of(unit.pk) if pk)
    found = _fit(case, wanted, out)
    if not found and person is None:
        there = people_room.audience(_WORKERS)
        found = _fit(case, [x.pk for x in there if x.department_id == unit.pk], out)
    if not found:
        message = _("Nobody in %(unit)s may be asked about this case.")
        raise TeamRefused("nobody", message, {"unit": unit.label}).at_field("departments")
    return found


def telling(task: CaseTask, kind: str, person: int, *, act: bool = True) -> notices.Telling:
    """Return one notice about a task."""
    return notices.Telling(
        key=f"{kind}:{task.pk}:{task.version}:{person}",
        person_id=person,
        kind=kind,
        about=access.about(task),
        facts={
            "number": task.case.number,
            "department": task.department.code,
            "due": task.due_at.isoformat(),
            "task": task.pk,
        },
        needs_action=act,
        channels=("email",),
    )


def _fit(case: Case, people: Sequence[int], out: Collection[int]) -> list[int]:
    found = [pk for pk in people if pk not in out]
    may = access.sees_restricted(case, found) if case.restricted else access.able(found)
    return [pk for pk in found if pk in may]


def _check(what: Asking, at: datetime) -> None:
    if bool(what.departments) == (what.person_id is not None):
        message = _("Choose departments, or one person.")
        raise TeamRefused("whom", message).at_field("departments")
    if what.due_at is not None and not at < what.due_at <= at + LONGEST:
        message = _("The due time must lie ahead, at most a year.")
        raise TeamRefused("due", message).at_field("due_at")
    if what.kind not in (TaskKind.CO_HANDLING, TaskKind.CARE, TaskKind.OTHER):
        raise TeamRefused("kind", _("This kind of task is not asked for by hand."))


def _asked(what: Asking) -> tuple[list[Department], Person | None]:
    """Return the departments, and the person when one is asked; or refuse."""
    if what.person_id is not None:
        people = Person.objects.active().filter(pk=what.person_id, account__is_active=True)
        person = people.select_related("department").first()
        if person is None or person.pk not in access.able([person.pk], "answer_task"):
            message = _("This person does not work on cases.")
            raise TeamRefused("person", message).at_field("person")
        return [person.department], person
    wanted = set(what.departments)
    units = list(Department.objects.active().filter(pk__in=wanted).order_by("code"))
    if len(units) != len(wanted):
        message = _("This department does not work any more.")
        raise TeamRefused("department", message).at_field("departments")
    return units, None


def _refuse_case(case: Case, units: Iterable[Department], person: Person | None) -> None:
    if case.status not in OPEN:
        raise TeamRefused("state", _("Others are asked only while the case is open."))
    if person is None and any(unit.pk == case.department_id for unit in units):
        message = _("This department leads the case already. Choose another one.")
        raise TeamRefused("lead", message).at_field("departments")
    if person is not None and person.pk == case.handler_id:
        message = _("This person handles the case already.")
        raise TeamRefused("lead", message).at_field("person")


def _facts(task: CaseTask) -> dict[str, object]:
    return {
        "task": task.pk,
        "kind": str(task.kind),
        "department": task.department.code,
        "person": task.person_id,
        "due": task.due_at.isoformat(),
        "mandatory": task.mandatory,
    }


def _let_in(tasks: Sequence[CaseTask], told: Sequence[list[int]], at: datetime) -> None:
    people: dict[int, list[int]] = {}
    for task, pks in zip(tasks, told, strict=True):
        if not task.case.restricted:
            people.setdefault(task.case_id, []).extend(pks)
    access.let_in(people, WatchedBy.TASK, at)


def _tellings(
    tasks: Sequence[CaseTask], told: Sequence[list[int]], actor: Actor
) -> list[notices.Telling]:
    return [
        telling(task, ASKED, pk)
        for task, pks in zip(tasks, told, strict=True)
        for pk in pks
        if pk != actor.id
    ]


__all__ = ["ASKED", "USUAL", "Asking", "ask", "audience", "due_of", "telling"]
