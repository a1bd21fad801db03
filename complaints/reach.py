"""Whether one loaded case is within reach of an act: the rule of `visible_to`, for a row."""

from typing import TYPE_CHECKING

from complaints.choices import Severity, WatchedBy
from config.shared.scope import Reach, Scope

if TYPE_CHECKING:
    from complaints.models import Case


def reaches(case: "Case", scope: Scope, act: str) -> bool:
    """Tell whether `act` is granted on this case, which the caller may already see.

    Recusals and restricted cases were judged by `visible_to` when the case was read. A review is
    reached by the unit that reviews, which `case.review_unit` (an annotation) names. Only who may
    note for no other reason costs a query: whether they are in the task force of the case.
    """
    reach = scope.to("cases", act)
    own = {case.handler_id, case.registrar_id, case.rm_id, case.officer_id}
    return (
        Reach.ALL in reach
        or (Reach.DEPARTMENT in reach and case.department_id in scope.departments)
        or (Reach.DEPARTMENT in reach and act == "review" and _reviews(case, scope))
        or (Reach.SEVERE in reach and case.severity >= Severity.HIGH)
        or (Reach.RESTRICTED in reach and case.restricted)
        or (Reach.OWN in reach and scope.member in own)
        or (act == "note" and bool(reach) and _in_force(case, scope))
    )


def _reviews(case: "Case", scope: Scope) -> bool:
    return getattr(case, "review_unit", None) in scope.departments


def _in_force(case: "Case", scope: Scope) -> bool:
    if not hasattr(case, "force_members"):
        members = case.grants.filter(why=WatchedBy.TASK_FORCE)
        case.force_members = set(members.values_list("person_id", flat=True))  # type: ignore[attr-defined]
    return scope.member in case.force_members  # type: ignore[attr-defined]
