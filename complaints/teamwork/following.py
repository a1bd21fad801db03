"""What registering and every verb of the workflow bring along for the team's work on a case.

Steps open when type, severity, line, emotion or media risk change; the mark of the regulator
opens the report, its end calls the report back; a case that has ended calls its tasks back, and an
archived one takes the access of helpers away. Called under the lock, inside the verb's transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from complaints.choices import ENDED_ASIDE, Status, TaskKind, TaskState
from complaints.clocks import rules
from complaints.clocks.audience import Directory, recused
from complaints.models import Case, CaseStep, CaseTask
from complaints.teamwork import access, playbooks, tasks
from complaints.teamwork.asking import telling
from config.kernel import notices
from config.kernel.journal import Fact
from config.shared.actors import Actor
from staff.models import Department
from staff.models.accounts import Role

OPENED: Final = "case.steps_opened"
_OFFICE: Final = "CMPT"
_ENDED: Final = (*ENDED_ASIDE, Status.CLOSED, Status.ARCHIVED)
_OVER: Final = (*ENDED_ASIDE, Status.ARCHIVED)


def after_intake(cases: Sequence[Case], *, actor: Actor, at: datetime) -> list[Fact]:
    """Open the steps and reports of cases just written; returns the facts to record."""
    opened = playbooks.open_steps(cases, at=at, fresh=True)
    majors = [case for case in cases if case.regulatory_major]
    return [*_facts(cases, opened), *_report(majors, actor, at)]


def after_verb(
    moved: Sequence[Case], fields: Collection[str], *, actor: Actor, at: datetime
) -> list[Fact]:
    """Bring along what follows from changed fields of held cases; the facts to record."""
    facts: list[Fact] = []
    if playbooks.WATCHED & set(fields):
        opened = playbooks.open_steps(moved, at=at)
        facts += _facts(moved, opened)
        _tell(moved, opened, actor, at)
    if "regulatory_major" in fields:
        facts += _report([case for case in moved if case.regulatory_major], actor, at)
        facts += _no_report([case for case in moved if not case.regulatory_major], at)
    if "status" in fields:
        ended = [case for case in moved if case.status in _ENDED]
        facts += tasks.end_with(ended, at) if ended else []
        over = [case for case in ended if case.status in _OVER]
        if over:
            access.take_away(over)
    return facts


def _facts(cases: Sequence[Case], opened: dict[int, list[CaseStep]]) -> list[Fact]:
    return [
        Fact(
            case,
            OPENED,
            {
                "count": len(opened[case.pk]),
                "steps": [row.step.code for row in opened[case.pk]],
                "version": opened[case.pk][0].step.rule_set.number,
            },
        )
        for case in cases
        if case.pk in opened
    ]


def _tell(
    cases: Sequence[Case], opened: dict[int, list[CaseStep]], actor: Actor, at: datetime
) -> None:
    """Tell who holds a case that emergency or care steps have opened."""
    urgent = [
        case
        for case in cases
        if any(row.step.emergency or row.step.care for row in opened.get(case.pk, ()))
    ]
    if not urgent:
        return
    out = recused(urgent)
    notices.tell(
        [
            notices.Telling(
                key=f"{OPENED}:{case.number}:{case.event_seq}:{pk}",
                person_id=pk,
                kind=OPENED,
                about=case.about,
                facts={"number": case.number, "count": len(opened[case.pk])},
            )
            for case in urgent
            for pk in {case.handler_id, case.officer_id}
            if pk is not None and pk != actor.id and pk not in out[case.pk]
        ],
        at=at,
    )


def _report(cases: Sequence[Case], actor: Actor, at: datetime) -> list[Fact]:
    """Open the report to the regulator (§4.5) where none is open: owner, due time; the facts."""
    known = CaseTask.objects.filter(case__in=cases, kind=TaskKind.REPORT)
    done = set(known.exclude(state=TaskState.CANCELLED).values_list("case_id", flat=True))
    wanted = [case for case in cases if case.pk not in done]
    unit = _office(at) if wanted else None
    if unit is None:
        return []
    minutes = playbooks.setting(playbooks.in_force(at), playbooks.REPORT_DUE)
    due, out = at + timedelta(minutes=int(minutes)), recused(wanted)
    made = CaseTask.objects.bulk_create(
        CaseTask(
            case=case, kind=TaskKind.REPORT, department=unit, mandatory=False, seq=0,
            person_id=None if case.officer_id in out[case.pk] else case.officer_id,
            asked_by_id=None, asked_at=at, due_at=due,
        )
        for case in wanted
    )  # fmt: skip
    directory = Directory(unit.code)
    notices.tell(
        [
            telling(task, tasks.REPORT, pk)
            for task in made
            for pk in _owners(task, directory) - out[task.case_id]
        ],
        at=at,
    )
    return [Fact(t.case, tasks.REPORT, {"task": t.pk, "due": t.due_at.isoformat()}) for t in made]


def _no_report(cases: Sequence[Case], at: datetime) -> list[Fact]:
    rows = CaseTask.objects.filter(case__in=cases, kind=TaskKind.REPORT).open()
    return tasks.call_back(cases, list(rows.select_related("department")), at)


def _office(at: datetime) -> Department | None:
    """Return the complaint office, which reports."""
    book = rules.in_force(at)
    code = book.complaint_office if book else _OFFICE
    return Department.objects.filter(code=code).first()


def _owners(task: CaseTask, directory: Directory) -> set[int]:
    """Return who sees to a report: the officer and the supervisors; restricted: compliance."""
    if task.case.restricted:
        return {pk for pk in directory.having(Role.COMPLIANCE) if pk}
    return {pk for pk in {task.person_id, *directory.having(Role.SUPERVISOR)} if pk}


__all__ = ["OPENED", "after_intake", "after_verb"]
