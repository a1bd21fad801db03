"""The case list: columns, orders and filters, declared once for page, rows fragment and export."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from complaints import clocks
from complaints.conversation import promises
from complaints.filters import CaseFilters
from complaints.hiding import hider
from complaints.models import Case
from complaints.reach import reaches
from config.shared.chips import ClockChip
from config.shared.listing import Column, List, Order
from config.shared.masking import mask_name
from config.shared.scope import Scope

_JOINED: Final = (
    "type",
    "intake_channel",
    "department",
    "handler",
    "customer",
)
_UNUSED: Final = (
    "content",
    "demand",
    "expected_resolution",
    "contact_email",
    "answer",
    "findings",
    "basis",
    "objection_ways",
    "customer__id_number",
)
CHANNEL_ICONS: Final = {
    "premises": "building-bank",
    "self-service": "device-desktop",
    "back office": "mail",
    "electronic": "at",
    "electronic: phone": "phone",
    "electronic: web": "world",
    "electronic: mobile": "device-mobile",
    "electronic: SMS": "message",
    "electronic: public platform": "message-dots",
    "electronic: other": "messages",
    "referral": "scale",
    "third party": "news",
}
"""Icon by the group that stands in the flags of an intake channel."""


def shown_rows(scope: Scope, act: str = "view") -> QuerySet[Case]:
    """Return the visible cases with what a row shows; long encrypted texts stay unread."""
    rows = Case.objects.visible_to(scope, act)
    return rows.select_related(*_JOINED, "branch", "rm", "business_line").defer(*_UNUSED)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case as a row shows it: texts decrypted once, the name masked where it must be.

    `promise` is the chip of a promised reply that is due before every clock of the case.
    """

    case: Case
    chip: ClockChip
    subject: str
    name: str
    tier: str
    icon: str
    promise: ClockChip | None = None

    @property
    def due(self) -> datetime | None:
        """When the nearest clock is due; None while none runs."""
        return None if self.case.next_due_at.year > 9000 else self.case.next_due_at

    @property
    def times(self) -> int:
        """How often this has been brought forward, this time included; 0 when it is the first."""
        return self.case.repeat_count + 1 if self.case.repeat_count else 0


def rows_of(cases: Sequence[Case], scope: Scope, at: datetime) -> list[CaseRow]:
    """Return the rows of cases loaded by `shown_rows`; one query for all their clocks."""
    chips = clocks.chips(cases, at)
    return [_row(case, scope, chips[case.pk], at) for case in cases]


def _row(case: Case, scope: Scope, chip: ClockChip, at: datetime) -> CaseRow:
    name = customer_name(case)
    group = str(case.intake_channel.flags.get("group", ""))
    return CaseRow(
        case=case,
        chip=chip,
        subject=hider(case, scope)(case.core_issue) or case.type.label,
        name=name if reaches(case, scope, "identity") else mask_name(name),
        tier=case.customer.tier if case.customer else "",
        icon=CHANNEL_ICONS.get(group, "inbox"),
        promise=promises.chip(case, at) if promises.is_nearest(case) else None,
    )


def customer_name(case: Case) -> str:
    """Return the name of the customer, or of whoever wrote."""
    return case.customer.name if case.customer else case.contact_name


def _filters(data: QueryDict, rows: QuerySet[Any], scope: Scope, at: datetime) -> CaseFilters:
    return CaseFilters(data, rows, scope, at)


def _cell(name: str) -> str:
    return f"complaints/cells/{name}.html"


COLUMNS: Final = (
    Column("clock", _("Clock"), lambda c: c.next_due_at, _cell("clock"), "datetime", "clock",
           "m-half", locked=True),
    Column("case", _("Case"), lambda c: c.core_issue, _cell("case"), "text", "number",
           "c-subj m-show", locked=True, compact=_cell("compact_case")),
    Column("number", _("Number"), lambda c: c.number, _cell("number"), "text", "number",
           "no num", shown=False),
    Column("customer", _("Customer"), customer_name, _cell("customer"), style="c-cust m-half",
           compact=_cell("compact_customer")),
    Column("status", _("Status"), lambda c: c.get_status_display(), _cell("status"),
           style="m-end"),
    Column("with", _("With"), lambda c: c.department.label, _cell("with"),
           compact=_cell("compact_with")),
    Column("priority", _("Priority"), lambda c: c.priority, _cell("priority"), "number",
           "priority", "r", shown=False),
    Column("type", _("Type"), lambda c: c.type.label, _cell("type"), shown=False),
    Column("severity", _("Severity"), lambda c: c.get_severity_display(), _cell("severity"),
           "text", "severity", shown=False),
    Column("line", _("Business line"),
           lambda c: c.business_line.label if c.business_line else "", _cell("line"), shown=False),
    Column("branch", _("Branch"), lambda c: c.branch.label if c.branch else "", _cell("branch"),
           shown=False),
    Column("rm", _("Relationship manager"), lambda c: c.rm.label if c.rm else "", _cell("rm"),
           shown=False),
    Column("amount", _("Amount in dispute"), lambda c: c.amount, _cell("amount"), "money",
           style="r", shown=False),
    Column("received", _("Received"), lambda c: c.received_at, _cell("received"), "datetime",
           "received", "r", shown=False),
    Column("due", _("Due"), lambda c: c.next_due_at, _cell("due"), "datetime", "clock", "r",
           shown=False),
    Column("updated", _("Updated"), lambda c: c.updated_at, _cell("updated"), "datetime",
           "updated", "r"),
)  # fmt: skip

CASES: Final = List(
    key="cases",
    title=_("Cases"),
    area="cases",
    rows=shown_rows,
    filters=_filters,
    columns=COLUMNS,
    orders=(
        Order("clock", _("Due first"), ("paused", "next_due_at", "id")),
        Order("received", _("Newest first"), ("-received_at", "-id")),
        Order("updated", _("Last changed first"), ("-updated_at", "-id")),
        Order("priority", _("Highest priority first"), ("-priority", "next_due_at", "id")),
        Order("severity", _("Gravest first"), ("-severity", "next_due_at", "id")),
        Order("number", _("By number"), ("id",)),
    ),
)
