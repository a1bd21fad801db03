"""Rows beside each case of the world and on the desk, for the probes to point at."""

from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from complaints.models import (
    BulkAct,
    CallRecord,
    Case,
    CaseAgent,
    CaseAttachment,
    CaseGrant,
    CaseLink,
    CaseRemedy,
    CaseStep,
    CaseTask,
    CustomerNotice,
    InboundMessage,
    PlaybookStep,
    ServiceNotice,
    ShiftHandOver,
    SourceRef,
)
from config.kernel import files, jobs, journal, rulesets
from config.kernel.models import GroupRobot, Job, SavedView, Term
from config.shared.actors import SYSTEM
from config.shared.claim import hold
from tests.factories.complaints import PNG
from tests.matrix.probe import World


def beside(world: World, target: str, at: datetime) -> None:
    """Write one row of each kind beside a case: what was sent, said, promised, attached."""
    case, twin = world.cases[target], world.twins[target]
    handler2 = world.house.pk("handler2")
    stored = files.store(
        ContentFile(PNG, name="proof.png"), kind="case", uploaded_by_id=None, at=at
    )
    CaseAttachment.objects.create(case=case, file=stored, added_at=at)
    force = rulesets.published("playbooks", at)
    playbook = PlaybookStep.objects.filter(rule_set=force)[0]
    link = CaseLink.objects.create(a=case, b=twin, kind="related", at=at)
    Case.objects.filter(pk=twin.pk).update(merged_into=case.pk)
    own: dict[str, Any] = {"case": case, "at": at, "seq": 1}
    rows = {
        "sent": CustomerNotice.objects.create(purpose="message", method="letter", **own),
        "recorded": CallRecord.objects.create(
            direction="in", result="reached", recording="REC-1", **own
        ),
        "late": InboundMessage.objects.create(method="email", after_end=True, **own),
        "agent": CaseAgent.objects.create(case=case, name="A", added_at=at),
        "source": SourceRef.objects.create(
            case=case, came_with=case, channel=Term.objects.get(taxonomy="intake_channel",
                                                                code="R78"),
        ),
        "link": link,
        "remedy": CaseRemedy.objects.create(
            case=case, term=Term.objects.filter(taxonomy="remedy")[0], proof=stored, at=at,
            due_at=at + timedelta(days=2),
        ),
        "step": CaseStep.objects.get_or_create(
            case=case, step=playbook, defaults={"opened_at": at}
        )[0],
    }  # fmt: skip
    CaseGrant.objects.create(case=case, person_id=handler2, watcher=True, why="task_force", at=at)
    world.facts |= {f"{kind} {target}": row.pk for kind, row in rows.items()}
    world.facts |= {f"member {target}": handler2}
    world.facts[f"picture {target}"] = stored.token
    with hold(Case.objects.filter(pk=case.pk)) as held:  # it stood under a wrong customer once
        moved = [journal.Fact(row, "case.relinked", {"from": "C-1", "to": ""}) for row in held.rows]
        journal.append(moved, actor=SYSTEM, at=at)


def tasks(world: World, at: datetime) -> None:
    """Ask a department about each case."""
    for target in ("unit", "far", "tip"):
        unit = world.house.units["LOAN" if target == "far" else "CARD"]
        world.facts[f"task {target}"] = _task(world.cases[target], at, department=unit)


def _task(case: Case, at: datetime, **asked: Any) -> int:
    task = CaseTask.objects.create(
        case=case, kind="co_handling", asked_at=at, due_at=at + timedelta(days=1), seq=1, **asked
    )
    return task.pk


def desk(world: World, at: datetime) -> None:
    """Write what the lists of the desk hold: hand-overs, a tag, a robot, a service notice."""
    house = world.house
    for target, code in (("unit", "CARD"), ("far", "LOAN")):
        by = house.accounts["officer2"].person
        shift = ShiftHandOver.objects.create(
            department=house.units[code], begun_at=at, begun_by=by, out_signed_at=at,
            out_signed_by=by, note="", remarks="",
        )  # fmt: skip
        world.facts[f"shift {target}"] = shift.pk
    Term.objects.create(taxonomy="tag", code="matrix", name_en="Matrix", name_zh="矩阵")
    robot = GroupRobot.objects.create(kind="wecom", name="Group", webhook="", secret="")
    notice = ServiceNotice.objects.create(
        kind="maintenance", title_en="T", title_zh="T", shown_from=at,
        starts_at=at + timedelta(days=1), ends_at=at + timedelta(days=2),
    )  # fmt: skip
    shared = SavedView.objects.create(list_key="cases", name_en="S", name_zh="S", query="q=x")
    world.facts |= {
        "robot": robot.pk, "service notice": notice.pk, "view shared": shared.pk,
        "playbook step": PlaybookStep.objects.filter(rule_set__state="draft")[0].pk,
        "staff": house.accounts["handler"].person.staff_no,
    }  # fmt: skip


def of_person(world: World, target: str, owner: int) -> None:
    """Write a view and an act on many cases of this person."""
    at = timezone.now()
    view = SavedView.objects.create(
        list_key="cases", person_id=owner, name_en="V", name_zh="V", query="q=x"
    )
    act = BulkAct.objects.create(verb="tag", by_id=owner, at=at, total=1, finished_at=at)
    world.facts |= {f"view {target}": view.pk, f"bulk {target}": act.pk}


def of_reader(world: World, mine: int, theirs: int) -> None:
    """Write a task asked of the reader alone, and bundles of the reader and of somebody else."""
    at = timezone.now()
    unit = world.house.units["RISK"]
    world.facts["task mine"] = _task(world.cases["far"], at, person_id=mine, department=unit)
    for target, case in world.cases.items():
        for kind, owner in (("bundle", mine), ("their bundle", theirs)):
            made = files.store(
                ContentFile(b"%PDF-1.4", name="x.pdf"), kind="job", uploaded_by_id=owner, at=at
            )
            job = jobs.start("case_bundle", owner_id=owner, params={"case": case.pk}, title="B",
                             actor=SYSTEM, at=at)  # fmt: skip
            Job.objects.filter(pk=job.pk).update(result=made, state="done", finished_at=at)
            world.facts[f"{kind} {target}"] = job.pk
