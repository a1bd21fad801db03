"""Our own layout of cases: the columns an export writes and an import reads back (S1-5 first).

Headings are accepted in English, in Chinese and in the spellings listed; what an export writes,
an import understands: terms and departments by code or name, times as local times.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from complaints.importing.lookups import in_both
from complaints.models import Case
from config.kernel import terms
from config.kernel.models import Term
from config.shared.sheet_writing import Kind

KEY: Final = "huiyin"


@dataclass(frozen=True, slots=True)
class OwnColumn:
    """One column: `value(case)` is what an export writes, `also` further headings to accept.

    `hidden` names what the reader must be allowed to see: "" nothing special, "phone", "email",
    "name" or "words"; a reader who is not gets the masked value.
    """

    key: str
    title: str | Promise
    value: Callable[[Case], Any]
    also: tuple[str, ...] = ()
    kind: Kind = "text"
    width: float = 16
    hidden: str = ""

    @property
    def headings(self) -> list[str]:
        """All headings under which an import finds the column."""
        return list(dict.fromkeys([*in_both(self.title), *self.also]))


def coded(thing: Any, code: str) -> str:
    """Return `Name (code)`, which is read back without doubt; '' for nothing."""
    return f"{thing.label} ({code})" if thing else ""


def _term(name: str) -> Callable[[Case], str]:
    """Return the getter of a term with its parent before it."""

    def value(case: Case) -> str:
        term: Term | None = getattr(case, name)
        return coded_term(term)

    return value


def coded_term(term: Term | None) -> str:
    """Return `Parent › name (code)`."""
    return f"{terms.path(term)} ({term.code})" if term else ""


def _unit(name: str) -> Callable[[Case], str]:
    return lambda case: coded(unit := getattr(case, name), unit.code if unit else "")


def _person(name: str) -> Callable[[Case], str]:
    return lambda case: coded(person := getattr(case, name), person.staff_no if person else "")


def _field(name: str) -> Callable[[Case], Any]:
    return lambda case: getattr(case, name)


def _fact(name: str) -> Callable[[Case], Any]:
    return lambda case: case.source_facts.get(name, "")


def _customer(name: str) -> Callable[[Case], Any]:
    return lambda case: getattr(case.customer, name) if case.customer else ""


def contact_of(case: Case) -> str:
    """Return how the customer can be reached, as the case says."""
    return case.contact_phone or case.contact_email


def name_of(case: Case) -> str:
    """Return the name in the case, else that of the customer."""
    return case.contact_name or (case.customer.name if case.customer else "")


def customer_number(case: Case) -> str:
    """Return the customer's number, also one that is not known here."""
    return case.customer.number if case.customer else case.source_facts.get("customer_number", "")


def source_key(case: Case) -> str:
    """Return the key that finds the case again when its row is loaded: where it came from first."""
    return case.origin_key or own_key(case.number, case.registered_at)


def own_key(number: str, registered_at: datetime) -> str:
    """Return the source key of a case that was registered in a portal like this."""
    return f"{KEY}:{number}:{int(registered_at.timestamp())}"


def _words(name: str, title: str | Promise, *also: str, width: float = 40) -> OwnColumn:
    return OwnColumn(name, title, _field(name), also, width=width, hidden="words")


def _time(name: str, title: str | Promise, *also: str) -> OwnColumn:
    return OwnColumn(name, title, _field(name), also, "datetime", 20)


COLUMNS: Final = (
    OwnColumn(
        "name",
        pgettext_lazy("of a person", "Name"),
        name_of,
        ("姓名", "客户姓名", "Customer name"),
        hidden="name",
    ),
    OwnColumn(
        "contact",
        _("Contact"),
        contact_of,
        ("联系方式", "联系电话", "电话", "手机", "手机号", "Phone"),
        width=18,
        hidden="phone",
    ),
    OwnColumn(
        "time",
        _("Time"),
        _field("received_at"),
        ("时间", "受理时间", "接收时间", "收到时间", "Received", "Received at"),
        "datetime",
        20,
    ),
    OwnColumn(
        "content",
        _("Content"),
        _field("content"),
        ("内容", "反馈内容", "投诉内容", "客户原话"),
        width=60,
        hidden="words",
    ),
    OwnColumn(
        "status",
        _("Status"),
        lambda case: case.get_status_display(),
        ("状态", "处理状态", "处理情况", "Handling status"),
    ),
    OwnColumn("number", _("Case number"), _field("number"), ("工单号", "工单编号", "案件编号")),
    OwnColumn(
        "external_ref", _("External reference"), _field("external_ref"), ("外部编号", "外部单号")
    ),
    OwnColumn("type", _("Type"), _term("type"), ("类型", "反馈类型", "Feedback type")),
    OwnColumn(
        "severity", _("Severity"), lambda case: case.get_severity_display(), ("严重程度", "等级")
    ),
    OwnColumn(
        "business_line", _("Business line"), _term("business_line"), ("业务类别", "业务"), width=24
    ),
    OwnColumn("product", _("Product"), _field("product"), ("产品",), width=24),
    OwnColumn(
        "intake_channel",
        _("Intake channel"),
        _term("intake_channel"),
        ("受理渠道", "渠道", "Channel"),
    ),
    OwnColumn(
        "business_channel",
        _("Business channel"),
        _term("business_channel"),
        ("业务办理渠道", "办理渠道"),
    ),
    OwnColumn("customer_number", _("Customer number"), customer_number, ("客户号", "客户编号")),
    OwnColumn("tier", _("Customer tier"), _field("tier_at_receipt"), ("客户层级", "层级", "Tier")),
    OwnColumn(
        "department",
        _("Department"),
        _unit("department"),
        ("部门", "处理部门", "责任部门"),
        width=24,
    ),
    OwnColumn("handler", _("Handler"), _person("handler"), ("处理人", "经办人"), width=20),
    OwnColumn(
        "received_precision", _("Time known to"), _field("received_precision"), ("时间精度",)
    ),
    _time("registered_at", _("Registered at"), "登记时间"),
    _time("acknowledged_at", _("Acknowledged at"), "回执时间"),
    _time("accepted_at", _("Accepted at"), "正式受理时间"),
    _time("first_response_at", _("First response at"), "首次响应时间"),
    _time("resolved_at", _("Resolved at"), "处理决定时间", "解决时间"),
    _time("notified_at", _("Customer told at"), "答复客户时间", "答复时间"),
    _time("closed_at", _("Closed at"), "办结时间", "关闭时间"),
    _time("withdrawn_at", _("Withdrawn at"), "撤回时间"),
    _time("promised_reply_at", _("Promised reply"), "承诺答复时间"),
    OwnColumn("outcome", _("Outcome"), _term("outcome"), ("处理结果", "结果")),
    OwnColumn("cause", _("Root cause"), _term("cause"), ("根因", "原因"), width=24),
    OwnColumn("nature", _("Nature"), _term("nature"), ("性质",)),
    _words("core_issue", _("Core issue"), "核心诉求"),
    _words("demand", _("Demand"), "诉求", "客户诉求"),
    _words("expected_resolution", _("Wished-for outcome"), "期望结果", "期望处理结果"),
    OwnColumn(
        "amount",
        _("Amount in dispute"),
        _field("amount"),
        ("涉及金额", "争议金额", "金额", "Amount"),
        "decimal",
    ),
    OwnColumn("currency", _("Currency"), _field("currency"), ("币种",), width=9),
    OwnColumn("loss_amount", _("Loss"), _field("loss_amount"), ("损失金额",), "decimal"),
    _words("answer", _("Answer to the customer"), "答复内容", "答复"),
    _words("findings", _("What was verified"), "调查核实情况"),
    _words("basis", _("Basis and reasons"), "依据与理由"),
    _words("objection_ways", _("Ways to object"), "异议途径"),
    OwnColumn(
        "compensation",
        _("Compensation"),
        _field("compensation"),
        ("赔偿金额", "补偿金额"),
        "decimal",
    ),
    OwnColumn(
        "email",
        _("E-mail"),
        _field("contact_email"),
        ("电子邮箱", "邮箱", "Email"),
        width=24,
        hidden="email",
    ),
    OwnColumn("language", _("Language"), _field("language"), ("语言",), width=9),
    OwnColumn("branch", _("Branch"), _unit("branch"), ("网点", "支行"), width=24),
    OwnColumn("occurred_on", _("Happened on"), _field("occurred_on"), ("发生日期",), "date", 12),
    OwnColumn("emotion", _("Emotion"), _field("emotion"), ("情绪",), "int", 9),
    OwnColumn(
        "vulnerable",
        _("Vulnerable customer"),
        _field("vulnerable"),
        ("特殊群体", "弱势客户"),
        "bool",
        10,
    ),
    OwnColumn("media_risk", _("Media risk"), _field("media_risk"), ("舆情风险",), "bool", 10),
    OwnColumn(
        "regulatory_major",
        _("Major in the regulator's sense"),
        _field("regulatory_major"),
        ("监管口径重大消费投诉", "重大投诉"),
        "bool",
        10,
    ),
    OwnColumn(
        "group_size", _("People complaining jointly"), _field("group_size"), ("群体人数",), "int", 9
    ),
    OwnColumn("referral_number", _("Referral number"), _field("referral_number"), ("转办单号",)),
    OwnColumn("referral_body", _("Referring body"), _field("referral_body"), ("转办单位",)),
    OwnColumn("referral_on", _("Referral date"), _field("referral_on"), ("转办日期",), "date", 12),
    _time("external_due_at", _("Referral deadline"), "转办单办理时限"),
    OwnColumn(
        "is_history", _("Recorded as history"), _field("is_history"), ("历史记录",), "bool", 10
    ),
    OwnColumn(
        "imported_timely",
        _("Timely by its source"),
        _field("imported_timely"),
        ("来源记录是否及时",),
        "bool",
        10,
    ),
    OwnColumn(
        "group",
        pgettext_lazy("of the source file", "Department group"),
        _fact("department_group"),
        ("部门分组",),
    ),
    OwnColumn("key", _("Source key"), source_key, ("来源标识",), width=28),
)
BY_KEY: Final = {column.key: column for column in COLUMNS}
REQUIRED: Final = ("time", "content")
PRIVATE: Final = frozenset(column.key for column in COLUMNS if column.hidden)
DATES: Final = tuple(column.key for column in COLUMNS if column.kind in {"datetime", "date"})
