"""What the ledger of remedies registers."""

from datetime import timedelta
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from complaints import naming
from complaints.case_parts import CasePart
from complaints.choices import RemedyState, Status
from complaints.models import Case, CaseRemedy
from complaints.reach import reaches
from complaints.remedies import lateness, ledger
from complaints.remedies.listing import AREA, REMEDIES, lines
from config.kernel.actions import Action
from config.kernel.models import Notice
from config.kernel.notices import NoticeKind
from config.shared.registry import DueWork, NavItem
from staff.http import StaffRequest


def part(request: StaffRequest, case: Case) -> dict[str, Any]:
    """Return the remedies of one case, oldest first, and what this reader may do with them."""
    rows = CaseRemedy.objects.filter(case=case).select_related("term", "owner", "department")
    found = lines(list(rows.order_by("pk")), timezone.now())
    may = reaches(case, request.scope, "remedy") and case.status != Status.ARCHIVED
    counted = [line.remedy for line in found if line.remedy.state != RemedyState.CANCELLED]
    total = sum(row.amount or 0 for row in counted)
    return {
        "remedies": found,
        "may_change": may,
        "may_promise": may and case.status not in ledger.UNPROMISED,
        "total": total,
    }


def contributions() -> list[Any]:
    """Return actions, notices, the part of the case page, the list and the due work."""
    show = {"remedy": naming.remedy}
    return [
        Action("case.remedy_promised", _("Remedy promised: %(remedy)s"), "gift", show),
        Action("case.remedy_done", _("Remedy done: %(remedy)s"), "circle-check", show),
        Action("case.remedy_cancelled", _("Remedy taken back: %(remedy)s"), "circle-x", show),
        Action("budget.set", _("Budget of remedies set"), "coin"),
        NoticeKind(
            ledger.ASSIGNED,
            _("Case %(number)s: you see to a remedy: %(remedy)s"),
            "gift",
            _case_of,
            pgettext_lazy("remedy", "See to it"),
            show,
        ),
        NoticeKind(
            ledger.LATE,
            _("Case %(number)s: a remedy is overdue: %(remedy)s"),
            "alarm",
            _case_of,
            pgettext_lazy("remedy", "See to it"),
            show,
        ),
        CasePart(
            "remedies",
            _("Remedies"),
            "gift",
            "complaints/_part_remedies.html",
            part,
            order=22,
        ),
        REMEDIES,
        NavItem("remedies", _("Remedies"), "remedies", "gift", "work", AREA, order=45),
        DueWork("remedies", lateness.escalate, timedelta(minutes=10)),
    ]


def _case_of(notice: Notice) -> str:
    """Return the address of the case whose number stands in the notice."""
    try:
        return f"{reverse('case', args=[str(notice.facts.get('number', ''))])}#remedies"
    except NoReverseMatch:
        return ""


__all__ = ["contributions", "part"]
