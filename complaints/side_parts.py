"""The first parts of the side panel: routing, duties, related cases."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints import case_page, clocks, routing
from complaints.case_parts import CasePart
from complaints.duties_part import duties_part
from complaints.models import Case
from complaints.relations import panel
from staff.http import StaffRequest


def _routing_part(_request: StaffRequest, case: Case) -> dict[str, Any]:
    return _routing(case)


def _duties_part(_request: StaffRequest, case: Case) -> dict[str, Any]:
    return duties_part(case, timezone.now())


def _related_part(request: StaffRequest, case: Case) -> dict[str, Any]:
    return panel.read(case, request.scope, timezone.now())


def _repeats(case: Case) -> int:
    return case.repeat_count


def _routing(case: Case) -> dict[str, Any]:
    """Return why the case went where it went, and each stretch with the time it was held."""
    at = timezone.now()
    hops = [
        {
            "department": hop.department.label,
            "handler": hop.handler.label if hop.handler else "",
            "from_at": hop.from_at,
            "to_at": hop.to_at,
            "signed_at": hop.signed_at,
            "held": case_page.held_words((hop.to_at or at) - hop.from_at),
        }
        for hop in case.hand_overs.select_related("department", "handler").order_by("from_at", "pk")
    ]
    told = routing.explain(case)
    return {
        "hops": hops,
        "rule": told.rule,
        "why": told.why,
        "told": told,
        "policy": clocks.followed_rule(case),
    }


def contributions() -> tuple[CasePart, ...]:
    """Return the parts of this module."""
    return (
        CasePart(
            "routing",
            _("Routing and handlers"),
            "route",
            "complaints/_part_routing.html",
            _routing_part,
            order=30,
        ),
        CasePart(
            "duties",
            _("Who does what"),
            "table",
            "complaints/_part_duties.html",
            _duties_part,
            order=46,
        ),
        CasePart(
            "related",
            _("Related cases"),
            "repeat",
            "complaints/_part_related.html",
            _related_part,
            order=15,
            count=_repeats,
            opens=lambda case: bool(case.repeat_count),
        ),
    )


__all__ = ["contributions"]
