"""The conversation in the demo year: verified numbers, messages both ways, promises kept or not."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db.models import F, QuerySet

from complaints.appending import RecordRefused
from complaints.choices import NoticeMethod, NoticeResult, Status
from complaints.conversation import misdelivery, promises, speaking, writing
from complaints.conversation.speaking import Call
from complaints.conversation.writing import Message
from complaints.models import Case, CustomerNotice
from config.portal.demo.stage import Stage
from config.portal.demo.telling import deliver
from config.shared.actors import Actor
from customers.models import ContactPoint
from staff.models.accounts import Role

_CASES: Final = 14
_HELD: Final = (Status.ACCEPTED, Status.ASSESSING, Status.IN_PROGRESS, Status.ASSIGNED)
_UNVERIFIED: Final = 7  # every so many-th number was never checked
_MONTH: Final = timedelta(days=40)
_SMS: Final = (
    "您好，您反映的费用问题我们已核实，退款预计两个工作日内到账，届时再与您确认。",
    "您好，您的投诉已转交业务部门处理，我是您的专属联系人，如有补充请直接回复。",
)
_EMAIL: Final = (
    "您好：\n\n我们已调取您三月份的交易明细，正在与系统部门核对重复扣款的原因。一有结果立即告知您。",
    "您好：\n\n请您补充提供当日的短信通知截图，以便我们确认扣款时间。感谢您的理解。",
)
_BACK: Final = (
    "好的，请尽快处理，我已经等了一周了。",
    "截图已附上，麻烦你们核实一下，谢谢。",
)


def talk(stage: Stage) -> int:
    """Verify most numbers and let a dozen open cases be talked about; returns how many."""
    points = ContactPoint.objects.alias(rest=F("pk") % _UNVERIFIED).exclude(rest=0)
    points.update(verified_at=stage.at - _MONTH, changed_at=stage.at - _MONTH)
    rows = Case.objects.filter(status__in=_HELD, is_history=False, restricted=False)
    cases = list(
        rows.filter(officer__isnull=False).select_related("officer").order_by("-severity", "pk")
    )[:_CASES]
    for place, case in enumerate(cases):
        _about(stage, case, place)
    deliver(stage.at - timedelta(minutes=5))
    _astray(stage, cases)
    promises.sweep(stage.at)
    return len(cases)


def _about(stage: Stage, case: Case, place: int) -> None:
    """Write to one customer, hear from them, and promise a reply on some cases."""
    rows, actor = Case.objects.filter(pk=case.pk), stage.actor(case.officer)
    begun = max(case.registered_at, stage.at - timedelta(hours=5 + place % 3))
    text = _SMS[place % 2] if place % 2 else _EMAIL[place // 2 % 2]
    way = NoticeMethod.SMS if place % 2 else NoticeMethod.EMAIL
    try:
        what = Message(way, text, sure=True)
        writing.write(rows, what, actor=actor, at=begun)
    except RecordRefused:
        return  # the case holds no such contact
    deliver(begun)
    answered = begun + timedelta(minutes=50)
    if place % 3 == 0 and answered < stage.at:
        back = _BACK[place % 2]
        writing.receive(rows, back, method=NoticeMethod.SMS, actor=actor, at=answered)
    if place % 3 != 2:
        _promise(rows, actor, stage, place)


def _promise(rows: QuerySet[Case], actor: Actor, stage: Stage, place: int) -> None:
    """Promise a reply on the phone, some soon and some later; one is overdue by now."""
    late = place == 1
    at = stage.at - timedelta(hours=3)
    ahead = timedelta(hours=2) if late else timedelta(hours=4 + 5 * place)
    call = Call(
        "out", "reached", "电话告知处理进度，约定再次回复时间。", substance=True, seconds=252,
        at=at, recording=f"REC-{20_000 + place}", reply_by=at + ahead,
    )  # fmt: skip
    speaking.log_call(rows, call, actor=actor, at=at)


def _astray(stage: Stage, cases: Sequence[Case]) -> None:
    """Report that one message reached somebody else."""
    sent = CustomerNotice.objects.filter(case__in=cases, result=NoticeResult.DELIVERED)
    notice = sent.filter(method=NoticeMethod.SMS, purpose="message").order_by("pk").last()
    if notice is None:
        return
    boss = stage.actor(stage.roles[Role.SUPERVISOR][0])
    reason = "接收人来电表示不认识客户，号码可能已换人使用。"
    at = stage.at - timedelta(minutes=4)
    misdelivery.report(Case.objects.filter(pk=notice.case_id), notice.pk, reason, actor=boss, at=at)


__all__ = ["talk"]
