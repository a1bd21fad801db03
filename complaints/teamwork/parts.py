"""What the case page shows of tasks, steps and task force: parts of the side panel and acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.case_parts import CaseAct, CasePart
from complaints.choices import OPEN, Severity, Status, TaskState
from complaints.hiding import hider
from complaints.models import Case, CaseAttachment, CaseTask
from complaints.reach import reaches
from complaints.teamwork import care, open_work, playbooks, steps, task_force
from config.kernel import journal
from config.shared.chips import ClockChip
from config.shared.registry import Contribution
from config.shared.scope import Scope
from config.shared.words import moment_words
from staff.http import StaffRequest

_SOON: Final = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One task of the panel: its words (None = erased), files, and what the reader may do."""

    task: CaseTask
    chip: ClockChip | None
    question: str | None
    answer: str | None
    files: Sequence[CaseAttachment]
    may_answer: bool
    may_cancel: bool

    @property
    def is_open(self) -> bool:
        """Whether somebody is still to answer."""
        return self.task.ended_at is None

    @property
    def may_accept(self) -> bool:
        """Whether the reader may take it for the department."""
        return self.may_answer and self.task.state == TaskState.ASKED


def task_lines(case: Case, scope: Scope, at: datetime) -> list[TaskLine]:
    """Return the tasks of a case, open ones by due time first; six queries at most."""
    rows = CaseTask.objects.filter(case=case).select_related("department", "person", "asked_by")
    tasks = sorted(rows, key=lambda t: (t.ended_at is not None, t.due_at, t.pk))
    if not tasks:
        return []
    said, kept = _words(case, tasks, scope), _files(case, tasks)
    mine = CaseTask.objects.filter(case=case).open()
    answerable = set(mine.visible_to(scope, "answer").values_list("pk", flat=True))
    cancellable = set(mine.visible_to(scope, "cancel").values_list("pk", flat=True))
    return [
        TaskLine(
            task, chip(task, at), said.get(task.seq), said.get(task.answer_seq or 0),
            kept.get(task.answer_seq or 0, []), task.pk in answerable, task.pk in cancellable,
        )
        for task in tasks
    ]  # fmt: skip


def question(task: CaseTask, scope: Scope) -> str:
    """Return what was asked, as this reader may read it; '' when it was erased or is a report."""
    return _words(task.case, [task], scope).get(task.seq) or ""


def chip(task: CaseTask, at: datetime) -> ClockChip | None:
    """Return the clock chip of an open task, in real time; None when it has ended."""
    if task.ended_at is not None:
        return None
    left = task.due_at - at
    state: Any = "over" if left < timedelta(0) else "risk" if left < _SOON else "ok"
    return ClockChip(
        state, _("Answer"), task.due_at, seconds=abs(int(left.total_seconds())),
        title=moment_words(task.due_at),
    )  # fmt: skip


def contributions() -> tuple[Contribution, ...]:
    """Return the lines for the registry."""
    return (
        CasePart(
            "steps", _("Playbook"), "list-check", "complaints/_part_steps.html", _steps_part,
            order=12, shows=_worked, count=open_work.steps_waiting, opens=_urgent,
        ),
        CasePart(
            "tasks", _("Departments and people asked"), "users-group",
            "complaints/_part_tasks.html", _tasks_part,
            order=11, shows=_worked, count=open_work.tasks_waiting,
            opens=lambda case: bool(open_work.tasks_waiting(case)),
        ),
        CasePart(
            "force", _("Task force"), "shield", "complaints/_part_task_force.html", _force_part,
            order=35, shows=_worked,
        ),
        CaseAct("task", _("Ask a department or person"), "users-group", "task_new", _asks, 20),
        CaseAct("force", _("Add to the task force"), "shield", "force_add", may_gather, 60),
    )  # fmt: skip


def may_gather(case: Case, scope: Scope) -> bool:
    """Tell whether this person may change the task force of a case."""
    return case.status not in task_force.OVER and reaches(case, scope, "task_force")


def may_tick(case: Case, scope: Scope) -> bool:
    """Tell whether this person may tick the steps of a case."""
    return case.status != Status.ARCHIVED and reaches(case, scope, "step")


def steps_context(case: Case, scope: Scope, at: datetime) -> dict[str, Any]:
    """Return what the part with the steps shows."""
    rows = steps.lines(case, at)
    done, total = steps.progress(rows)
    first = rows[0].step.step.rule_set if rows else None
    return {
        "case": case,
        "at": at,
        "lines": rows,
        "done": done,
        "total": total,
        "version": first,
        "blocks": playbooks.setting(first, playbooks.BLOCKS),
        "care": care.of_case(case),
        "may_tick": may_tick(case, scope),
    }


def _steps_part(request: StaffRequest, case: Case) -> dict[str, Any]:
    return steps_context(case, request.scope, timezone.now())


def _tasks_part(request: StaffRequest, case: Case) -> dict[str, Any]:
    return {
        "lines": task_lines(case, request.scope, timezone.now()),
        "may_ask": _asks(case, request.scope),
    }


def _force_part(request: StaffRequest, case: Case) -> dict[str, Any]:
    return {
        "members": task_force.members(case),
        "may_gather": may_gather(case, request.scope),
    }


def _worked(case: Case, _scope: Scope) -> bool:
    return not case.is_history


def _asks(case: Case, scope: Scope) -> bool:
    return case.status in OPEN and reaches(case, scope, "task")


def _urgent(case: Case) -> bool:
    grave = case.severity >= Severity.CRITICAL or playbooks.feeling(case) >= playbooks.CARE_FROM
    return case.is_open and grave


def _words(case: Case, tasks: Sequence[CaseTask], scope: Scope) -> dict[int, str | None]:
    """Return question and answers by entry, names hidden where they must be."""
    seqs = {seq for task in tasks for seq in (task.seq, task.answer_seq) if seq}
    entries = list(journal.entries(case.stream).filter(seq__in=seqs))
    said, hide = journal.words_of(entries), hider(case, scope)
    found: dict[int, str | None] = {}
    for entry in entries:
        text = next(iter(said[entry.pk].values()), "")
        found[entry.seq] = None if text is None else hide(text)
    return found


def _files(case: Case, tasks: Sequence[CaseTask]) -> dict[int, list[CaseAttachment]]:
    """Return the attachments that came with the answers, by entry of the answer."""
    seqs = [task.answer_seq for task in tasks if task.answer_seq]
    entries = journal.entries(case.stream).filter(seq__in=seqs) if seqs else []
    named = {entry.seq: journal.facts_of(entry).get("files") or [] for entry in entries}
    tokens = {token for found in named.values() for token in found}
    rows = case.attachments.filter(file__token__in=tokens, file__erased_at__isnull=True)
    by_token = {str(x.file.token): x for x in rows.select_related("file")} if tokens else {}
    return {
        seq: [by_token[token] for token in found if token in by_token]
        for seq, found in named.items()
    }


__all__ = ["TaskLine", "chip", "contributions", "may_gather", "may_tick", "question", "task_lines"]
