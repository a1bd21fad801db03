"""The day of the demo: service notices, hand-overs of the shift, a group robot that is off."""

from datetime import timedelta
from typing import Final

from complaints import service_notices, shifts
from complaints.models import ShiftHandOver
from complaints.service_notices import NoticeData
from complaints.shifts import ShiftRefused, Words
from config.kernel import robots, terms
from config.kernel.models import GroupRobot
from config.kernel.robots import RobotData
from config.portal.demo.stage import Stage
from staff.models.accounts import Role

_NOTES: Final = ((1, "夜间平稳，无新增重大投诉。"), (0, "请优先回访今日承诺回复的客户。"))
"""Days ago, and what was handed over."""


def spend_shift_day(stage: Stage) -> None:
    """Write what the pages of the day show; nothing of it leaves the house."""
    _announce(stage)
    _hand_over(stage)
    _robot(stage)


def _announce(stage: Stage) -> None:
    """Announce a known fault now and a maintenance to come."""
    boss, at = stage.actor(stage.roles[Role.SUPERVISOR][0]), stage.at
    fault = NoticeData(
        kind="fault",
        title_en="Mobile banking: transfers are slow",
        title_zh="手机银行：转账到账缓慢",
        text_en="Since this morning; money is safe, it arrives within two hours.",
        text_zh="今日上午起出现；资金安全，两小时内到账。",
        shown_from=at - timedelta(hours=3),
        starts_at=at - timedelta(hours=3),
        ends_at=at + timedelta(hours=9),
        cause=terms.get("cause", "C2"),
        release="APP 7.3.1",
    )
    works = NoticeData(
        kind="maintenance",
        title_en="Card system: maintenance on Sunday night",
        title_zh="信用卡系统：周日夜间维护",
        shown_from=at + timedelta(days=1),
        starts_at=at + timedelta(days=2),
        ends_at=at + timedelta(days=2, hours=4),
    )
    earlier = at - timedelta(hours=4)
    service_notices.add_notices([fault, works], actor=boss, at=earlier)


def _hand_over(stage: Stage) -> None:
    """Let the complaint team hand over yesterday, and sign out today."""
    officers = stage.roles[Role.OFFICER]
    first, second = stage.actor(officers[0]), stage.actor(officers[-1])
    unit = officers[0].department
    try:
        for days, note in _NOTES:
            at = stage.at - timedelta(days=days, hours=1)
            shift = shifts.sign_out(unit, Words(note), actor=first, at=at, expected=0)
            if days:
                rows = ShiftHandOver.objects.filter(pk=shift.pk)
                seen = {shift.pk: shift.version}
                shifts.sign_in(rows, actor=second, at=at + timedelta(minutes=15), expected=seen)
    except ShiftRefused:  # a team of one has nobody to hand over to
        return


def _robot(stage: Stage) -> None:
    """Add a robot whose address leads nowhere, switched off."""
    admin = stage.actor(stage.roles[Role.SUPERVISOR][0])
    data = RobotData(
        kind="dingtalk",
        name="投诉处理群",
        department_id=None,
        kinds=["case.critical", "case.unassigned"],
        language="zh-hans",
        webhook="https://oapi.dingtalk.com/robot/send?access_token=demonstration",
        secret="demonstration",  # noqa: S106 - of a robot that is off
    )
    [robot] = robots.add_robots([data], actor=admin, at=stage.at)
    rows = GroupRobot.objects.filter(pk=robot.pk)
    robots.switch_robots(rows, active=False, actor=admin, at=stage.at, expected={robot.pk: 1})
