"""An apology to the wrong customer for what was sent before a case was moved: asked as a task.

The task is followed up like every other: it has an owner and a due time, stands in the list of
tasks, is raised when it is late, and stays due whatever becomes of the case.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from complaints import seeing
from complaints.choices import NoticeMethod, TaskKind
from complaints.clocks.audience import Directory
from complaints.models import Case, CaseTask, CustomerNotice
from complaints.relations import relinking
from complaints.relations.frame import RelationRefused, held
from complaints.teamwork import access
from complaints.teamwork.asking import USUAL
from config.kernel import journal, notices
from config.shared import worktime
from config.shared.actors import Actor
from config.shared.words import listed, noted
from staff import calendar
from staff.models import Person
from staff.models.accounts import Role

APOLOGY: Final = access.APOLOGY


def ask(cases: QuerySet[Case], notice_pks: Sequence[int], *, actor: Actor, at: datetime) -> int:
    """Have the owner of each case apologise for these notices; returns how many are told.

    A task with a due time, and a notice. Owner: the officer, else the handler, else the
    department, and the supervisors hear of it. RelationRefused when none of the notices was sent
    before the case was moved, or the apology for all of them is asked for already.
    """
    with held(cases, actor=actor, at=at) as rows:
        asked = [(case, *_wrong(case, notice_pks)) for case in rows]
        owners = {case.pk: _owner(case, at) for case in rows}
        tasks = [_task(case, owners[case.pk], actor, at) for case in rows]
        facts = [
            journal.Fact(
                case, APOLOGY, _facts(number, wrong, task), {"text": _question(number, wrong)}
            )
            for (case, number, wrong), task in zip(asked, tasks, strict=True)
        ]
        entries = journal.append(facts, actor=actor, at=at)
        for task, entry in zip(tasks, entries, strict=True):
            task.seq = entry.seq
        CaseTask.objects.bulk_create(tasks)
        tellings = [
            notices.Telling(
                key=f"{APOLOGY}:{case.number}:{task.seq}:{pk}",
                person_id=pk,
                kind=APOLOGY,
                about=access.about(task),
                facts={"number": case.number, **_facts(number, wrong, task)},
                needs_action=True,
                channels=("email",),
            )
            for (case, number, wrong), task in zip(asked, tasks, strict=True)
            for pk in _audience(case, task, at)
        ]
        notices.tell(tellings, at=at)
    return len(tellings)


def _wrong(case: Case, pks: Sequence[int]) -> tuple[str, list[CustomerNotice]]:
    """Return the wrong customer's number and the notices to apologise for, or refuse."""
    told = relinking.disclosed(case)
    wrong = [row for row in told.letters if row.pk in pks] if told else []
    if not wrong or told is None:
        raise RelationRefused("none", gettext_lazy("Choose what is to be apologised for."))
    known = _asked_before(case)
    fresh = [row for row in wrong if row.pk not in known]
    if not fresh:
        raise RelationRefused("asked", gettext_lazy("This apology is asked for already."))
    return told.number, fresh


def _asked_before(case: Case) -> set[int]:
    """Return the notices for which an apology is asked for, or made, already."""
    rows = CaseTask.objects.filter(case=case, kind=TaskKind.APOLOGY)
    seqs = rows.filter(state__in=access.GIVING).values("seq")
    entries = journal.entries(case.stream).filter(action=APOLOGY, seq__in=seqs)
    return {pk for entry in entries for pk in journal.facts_of(entry)["notices"]}


def _owner(case: Case, at: datetime) -> Person | None:
    """Return who owns the case and may open it: the officer, else the handler; None = nobody."""
    found = [person for person in (case.officer, case.handler) if person]
    may = seeing.able(case, [person.pk for person in found], at)
    return next((person for person in found if person.pk in may), None)


def _task(case: Case, owner: Person | None, actor: Actor, at: datetime) -> CaseTask:
    unit = owner.department if owner else case.department
    return CaseTask(
        case=case, kind=TaskKind.APOLOGY, department=unit, person=owner,
        asked_by_id=actor.id if actor.kind == "person" else None, asked_at=at,
        due_at=worktime.due(calendar.of_department(unit, at), at, USUAL), mandatory=False, seq=0,
    )  # fmt: skip


def _audience(case: Case, task: CaseTask, at: datetime) -> list[int]:
    """Return who hears of it: the owner, else the supervisors who may open the case.

    Nobody opens a case in which they are named, so recused people hear nothing.
    """
    if task.person_id:
        return [task.person_id]
    bosses = {pk for pk in Directory().having(Role.SUPERVISOR) if pk}
    return sorted(seeing.able(case, bosses, at))


def _facts(number: str, wrong: Sequence[CustomerNotice], task: CaseTask) -> dict[str, Any]:
    return {
        "customer": number,
        "notices": [row.pk for row in wrong],
        "count": len(wrong),
        "department": task.department.code,
        "person": task.person_id,
        "due": task.due_at.isoformat(),
    }


def _question(number: str, wrong: Sequence[CustomerNotice]) -> str:
    """Return what the owner is to do, in words."""
    what = [noted(row.get_purpose_display(), NoticeMethod(row.method).label) for row in wrong]
    text = ngettext(
        "Apologise to customer %(number)s for a message sent by mistake: %(what)s.",
        "Apologise to customer %(number)s for messages sent by mistake: %(what)s.",
        len(wrong),
    )
    said = text % {"number": number, "what": listed(what)}
    return said + " " + _("Then write down here how and when you apologised.")


__all__ = ["APOLOGY", "ask"]
