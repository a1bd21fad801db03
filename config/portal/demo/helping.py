"""Others who help in the demo year: steps ticked day by day, departments asked, a task force."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from complaints.choices import ENDED_ASIDE, OPEN, Status, StepState, WatchedBy
from complaints.models import Case, CaseGrant, CaseStep, CaseTask
from complaints.teamwork import asking, lateness, steps, task_force, tasks
from complaints.teamwork.access import TeamRefused
from complaints.teamwork.asking import Asking
from config.portal.demo.stage import Stage
from config.shared.worktime import Limit, Unit
from staff.models import Person
from staff.models.accounts import Role

_AHEAD: Final = timedelta(hours=36)
_FORGOTTEN: Final = 9  # every so many-th step is forgotten
_CASES: Final = 12
_HELD: Final = (Status.ASSIGNED, Status.IN_PROGRESS, Status.PENDING_APPROVAL)
_QUESTIONS: Final = (
    "请提供客户近三个月的扣款明细，并说明第二笔扣款的依据。",
    "请核对合同中关于提前还款费用的条款，是否已向客户提示。",
    "请说明当日系统故障的起止时间和影响范围。",
    "请确认该营销短信的发送名单来源。",
)
_ANSWERS: Final = (
    "已核对流水：第二笔扣款为系统重复发送，建议退回并附交易截图说明。",
    "合同第八条已有约定，但签约录音中未见提示，建议部分支持客户诉求。",
)


def tick(stage: Stage, at: datetime) -> int:
    """Have an officer tick what falls due within a day and a half; returns how many steps."""
    rows = CaseStep.objects.filter(state=StepState.OPEN, due_at__lte=at + _AHEAD)
    rows = rows.exclude(case__status__in=(Status.ARCHIVED, *ENDED_ASIDE))
    pks = [pk for pk in rows.order_by("pk").values_list("pk", flat=True) if pk % _FORGOTTEN]
    if not pks:
        return 0
    officer = stage.actor(stage.roles[Role.OFFICER][0])
    return len(steps.done(CaseStep.objects.filter(pk__in=pks), actor=officer, at=at))


def ask_others(stage: Stage) -> int:
    """Ask departments about a dozen open cases; some take it, answer, refuse, or are late."""
    rows = Case.objects.filter(status__in=_HELD, is_history=False, restricted=False)
    cases = list(rows.select_related("department").order_by("-severity", "pk")[:_CASES])
    units = [stage.units[code] for code in ("OPS", "RISK", "LAW", "EBANK") if code in stage.units]
    made = 0
    for place, case in enumerate(cases):
        unit = next(u for u in units[place % len(units) :] + units if u.pk != case.department_id)
        what = Asking(
            question=_QUESTIONS[place % len(_QUESTIONS)],
            departments=(unit.pk,),
            limit=Limit(1 + place % 3, Unit.WORKING_DAYS),
            mandatory=place % 4 != 3,
        )
        made += _ask(stage, case, what, place)
    grave = Case.objects.filter(status__in=OPEN, is_history=False, restricted=False, severity=4)
    _gather(stage, list(grave.order_by("pk")[:1]))
    lateness.escalate(stage.at)
    return made


def _ask(stage: Stage, case: Case, what: Asking, place: int) -> int:
    """Ask about one case some days ago, and let the story of that task run."""
    asked_at = max(case.received_at, stage.at - timedelta(days=place % 5, hours=3))
    boss = stage.actor(stage.roles[Role.SUPERVISOR][0])
    rows = Case.objects.filter(pk=case.pk)
    try:
        task = asking.ask(rows, what, actor=boss, at=asked_at)[0]
    except TeamRefused:
        return 0
    head = task.department.head or stage.handler_of(task.department, place)
    if head is None:
        return 1
    who, mine = stage.actor(head), CaseTask.objects.filter(pk=task.pk)
    later = min(stage.at, asked_at + timedelta(hours=2))
    asked = CaseGrant.objects.filter(case=case, why=WatchedBy.TASK).values("person")
    there = task.department.path
    able = Person.objects.filter(pk__in=asked, department__path__startswith=there)
    taker = able.order_by("pk").first() or head
    stories: Sequence[Callable[[], object]] = (
        lambda: None,
        lambda: tasks.accept(mine, taker.pk, actor=who, at=later),
        lambda: tasks.answer(mine, _ANSWERS[place % 2], actor=who, at=later),
        lambda: tasks.refuse(mine, "此事由信用卡中心掌握，请改问该部门。", actor=who, at=later),
    )
    try:
        stories[place % len(stories)]()
    except TeamRefused:
        return 1
    return 1


def _gather(stage: Stage, cases: Sequence[Case]) -> None:
    """Put a task force on the gravest open case."""
    people = [stage.people[name].pk for name in ("handler", "analyst") if name in stage.people]
    boss = stage.actor(stage.roles[Role.SUPERVISOR][0])
    for case in cases:
        rows = Case.objects.filter(pk=case.pk)
        try:
            task_force.add(rows, people, "跨部门协同处置。", actor=boss, at=stage.at)
        except TeamRefused:
            continue
