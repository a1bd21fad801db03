"""The life of a task: taken with a person, refused, answered, called back.

`tasks` is a queryset cut by `CaseTask.objects.visible_to(scope, act)`: "answer" for those asked,
"cancel" for those who may call it back. Cases are locked first, then the tasks are read again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints import records
from complaints.choices import TaskKind, TaskState, WatchedBy
from complaints.holding import hold_cases
from complaints.models import Case, CaseTask
from complaints.teamwork import access
from complaints.teamwork.access import TeamRefused
from complaints.teamwork.asking import ASKED, telling
from config.kernel import files, journal, notices
from config.kernel.models import StoredFile
from config.shared.actors import Actor
from staff.models import Person

TAKEN: Final = "case.task_taken"
REFUSED: Final = "case.task_refused"
ANSWERED: Final = "case.task_answered"
CANCELLED: Final = "case.task_cancelled"
LATE: Final = "case.task_late"
REPORT: Final = "case.report_due"
NEEDED: Final = (ASKED, TAKEN, LATE, REPORT, access.APOLOGY)
"""Notices that ask for something; they are done when the task ends."""
_DUE_ALWAYS: Final = (TaskKind.REPORT, TaskKind.APOLOGY)
_FIELDS: Final = ["state", "person", "accepted_at", "ended_at", "answer_seq", "version"]

Tasks = QuerySet[CaseTask]
Expected = Mapping[int, int] | None


def accept(
    tasks: Tasks, person_id: int, *, actor: Actor, at: datetime, expected: Expected = None
) -> list[CaseTask]:
    """Take tasks for the department and say who sees to them; that person may read the case.

    The person works in the department asked, or was asked by name. Raises TeamRefused.
    """
    with _taken(tasks, expected, actor) as (rows, out):
        people = _workers(person_id)
        for task in rows:
            _demand(task, TaskState.ASKED)
            _refuse_person(task, people, person_id, out[task.case_id])
            task.person_id, task.state, task.accepted_at = person_id, TaskState.ACCEPTED, at
        more = {task.pk: {"person": person_id} for task in rows}
        _say(rows, TAKEN, {}, actor=actor, at=at, more=more)
        _save(rows)
        let = {t.case_id: [person_id] for t in rows if not t.case.restricted}
        access.let_in(let, WatchedBy.TASK, at)
        _done(rows, [ASKED], at)
        notices.tell([telling(t, TAKEN, person_id) for t in rows if person_id != actor.id], at=at)
    return rows


def refuse(
    tasks: Tasks, reason: str, *, actor: Actor, at: datetime, expected: Expected = None
) -> list[CaseTask]:
    """Give tasks back with a reason: not this department's matter. Raises TeamRefused."""
    words = access.needed(reason, "reason")
    with _taken(tasks, expected, actor) as (rows, out):
        for task in rows:
            if task.kind == TaskKind.REPORT:
                raise TeamRefused("report", _("The report to the regulator is not refused."))
            _end(task, TaskState.REFUSED, at)
        _say(rows, REFUSED, {"reason": words}, actor=actor, at=at)
        _finish(rows, at)
        _tell_askers(rows, REFUSED, out, actor, at)
    return rows


def answer(
    tasks: Tasks,
    text: str,
    *,
    uploads: Sequence[Any] = (),
    actor: Actor,
    at: datetime,
    expected: Expected = None,
) -> list[CaseTask]:
    """Answer tasks, with files where there are any; they become attachments of the case.

    The report to the regulator needs its proof. Raises TeamRefused, FileRefused.
    """
    words = access.needed(text, "words")
    with _taken(tasks, expected, actor) as (rows, out):
        for task in rows:
            if task.kind == TaskKind.REPORT and not uploads:
                message = _("Attach the proof that the regulator was told.")
                raise TeamRefused("proof", message).at_field("file")
            task.person_id = task.person_id or _person(actor)
            task.accepted_at = task.accepted_at or at
            _end(task, TaskState.ANSWERED, at)
        kept = _keep(rows, uploads, actor, at)
        more = {task.pk: {"files": kept[task.pk]} for task in rows if task.pk in kept}
        entries = _say(rows, ANSWERED, {"words": words}, actor=actor, at=at, more=more)
        for task, seq in zip(rows, entries, strict=True):
            task.answer_seq = seq
        _finish(rows, at, settle=False)
        _tell_askers(rows, ANSWERED, out, actor, at)
    return rows


def cancel(
    tasks: Tasks, reason: str, *, actor: Actor, at: datetime, expected: Expected = None
) -> list[CaseTask]:
    """Call tasks back with a reason; those who were to answer hear of it. Raises TeamRefused.

    The report to the regulator is called back by a supervisor only (`visible_to` with "cancel").
    """
    words = access.needed(reason, "reason")
    with _taken(tasks, expected, actor) as (rows, out):
        for task in rows:
            _end(task, TaskState.CANCELLED, at)
        _say(rows, CANCELLED, {"reason": words}, actor=actor, at=at)
        _finish(rows, at)
        told = [
            telling(task, CANCELLED, task.person_id, act=False)
            for task in rows
            if task.person_id and task.person_id not in {actor.id, *out[task.case_id]}
        ]
        notices.tell(told, at=at)
    return rows


def end_with(cases: Sequence[Case], at: datetime) -> list[journal.Fact]:
    """Call back what is still open of held cases that have ended; the facts to record.

    The report to the regulator and an apology are due whatever became of the case.
    """
    rows = CaseTask.objects.filter(case__in=cases).open().exclude(kind__in=_DUE_ALWAYS)
    tasks = list(rows.select_related("department"))
    return call_back(cases, tasks, at)


def call_back(cases: Sequence[Case], tasks: list[CaseTask], at: datetime) -> list[journal.Fact]:
    """End these tasks of held cases as cancelled, unasked; the facts to record."""
    by_pk = {case.pk: case for case in cases}
    for task in tasks:
        task.case = by_pk[task.case_id]
        _end(task, TaskState.CANCELLED, at)
    _save(tasks)
    _done(tasks, NEEDED, at)
    return [journal.Fact(task.case, CANCELLED, _told(task)) for task in tasks]


@contextmanager
def _taken(
    tasks: Tasks, expected: Expected, actor: Actor
) -> Iterator[tuple[list[CaseTask], dict[int, set[int]]]]:
    """Lock the cases of the tasks and read the tasks under the lock; or refuse."""
    with hold_cases(Case.objects.filter(pk__in=tasks.values("case_id"))) as held:
        by_pk = {case.pk: case for case in held.rows}
        out = access.refuse_recused(held.rows, actor)
        found = tasks.filter(case__in=held.rows).select_related("department").order_by("pk")
        rows = list(found)
        for task in rows:
            task.case = by_pk[task.case_id]
            if expected is not None and expected.get(task.pk) != task.version:
                raise TeamRefused("stale", _("Somebody was faster. Look at the task again."))
        yield rows, out


def _demand(task: CaseTask, *states: str) -> None:
    if task.state not in states:
        message = _("The task is not open for this any more: %(state)s.")
        raise TeamRefused("stale", message, {"state": task.get_state_display()})


def _end(task: CaseTask, state: TaskState, at: datetime) -> None:
    _demand(task, TaskState.ASKED, TaskState.ACCEPTED)
    task.state, task.ended_at = state, at


def _workers(person_id: int) -> Person:
    person = Person.objects.active().filter(pk=person_id).select_related("department").first()
    if person is None or person.pk not in access.able([person_id], "answer_task"):
        message = _("This person does not work on cases.")
        raise TeamRefused("person", message).at_field("person")
    return person


def _refuse_person(task: CaseTask, person: Person, pk: int, out: Iterable[int]) -> None:
    """Refuse somebody who is kept out, works elsewhere or may not open a restricted case."""
    if pk in out:
        message = _("This person stays out of the case (recusal).")
        raise TeamRefused("recused", message).at_field("person")
    if pk != task.person_id and not person.department.path.startswith(task.department.path):
        message = _("This person does not work in the department that was asked.")
        raise TeamRefused("person", message).at_field("person")
    if task.case.restricted and pk not in access.sees_restricted(task.case, [pk]):
        message = _("This person may not open the case.")
        raise TeamRefused("restricted", message).at_field("person")


def _say(
    tasks: Sequence[CaseTask],
    action: str,
    words: Mapping[str, str],
    *,
    actor: Actor,
    at: datetime,
    more: Mapping[int, Mapping[str, Any]] | None = None,
) -> list[int]:
    """Record one entry per task in its case; returns their numbers. `more`: facts by task."""
    said = [
        journal.Fact(
            task.case,
            action,
            {**_told(task), **(more or {}).get(task.pk, {})},
            words,
        )
        for task in tasks
    ]
    return [entry.seq for entry in journal.append(said, actor=actor, at=at)]


def _told(task: CaseTask) -> dict[str, Any]:
    return {"task": task.pk, "kind": str(task.kind), "department": task.department.code}


def _save(tasks: Sequence[CaseTask]) -> None:
    for task in tasks:
        task.version += 1
    CaseTask.objects.bulk_update(tasks, _FIELDS)


def _finish(tasks: Sequence[CaseTask], at: datetime, *, settle: bool = True) -> None:
    """Save ended tasks, close what asked for them, end the access they gave."""
    _save(tasks)
    _done(tasks, NEEDED, at)
    for case in {task.case_id: task.case for task in tasks}.values() if settle else ():
        access.settle(case)


def _done(tasks: Sequence[CaseTask], kinds: Iterable[str], at: datetime) -> None:
    notices.done(about=[access.about(task) for task in tasks], kinds=kinds, at=at)


def _keep(
    tasks: Sequence[CaseTask], uploads: Sequence[Any], actor: Actor, at: datetime
) -> dict[int, list[str]]:
    """Store the files with the case of each task; returns their tokens by task."""
    found: dict[int, list[str]] = {}
    for task in tasks:
        for upload in uploads:
            stored: StoredFile = files.store(upload, kind="case", uploaded_by_id=actor.id, at=at)
            records.keep_files([task.case], [stored], actor=actor, at=at)
            found.setdefault(task.pk, []).append(str(stored.token))
    return found


def _tell_askers(
    tasks: Sequence[CaseTask],
    kind: str,
    out: Mapping[int, set[int]],
    actor: Actor,
    at: datetime,
) -> None:
    """Tell whoever asked, and who handles the case, how a task ended."""
    tellings = [
        telling(task, kind, pk, act=False)
        for task in tasks
        for pk in dict.fromkeys(
            [task.asked_by_id, task.case.handler_id or task.case.officer_id or None]
        )
        if pk is not None and pk != actor.id and pk not in out[task.case_id]
    ]
    notices.tell(tellings, at=at)


def _person(actor: Actor) -> int | None:
    return actor.id if actor.kind == "person" else None
