"""Which people may open one case: the rule of `visible_to`, for many people and one case.

Five queries however many people are asked for, two more when a duty leader is among them.
"""

from collections.abc import Collection
from datetime import datetime

from complaints.choices import Severity
from complaints.models import Case, CaseExclusion, CaseGrant
from config.shared.scope import Reach
from staff.duty import is_on_call
from staff.models import Account
from staff.models.accounts import Role
from staff.roles import REACH, RESTING

_VIEW, _RESTRICTED = ("cases", "view"), ("cases", "restricted")


def able(case: Case, people: Collection[int], at: datetime) -> set[int]:
    """Return who of these people (pks) may open the case now; recused people never.

    `case.department` should be loaded. People who left or have no account are able to nothing.
    """
    wanted = set(people)
    accounts = list(
        Account.objects.filter(person__in=wanted, is_active=True, person__active=True)
        .select_related("person")
        .prefetch_related("grants")
    )
    out = set(
        CaseExclusion.objects.filter(case=case, person__in=wanted).values_list("person", flat=True)
    )
    granted = set(
        CaseGrant.objects.filter(case=case, person__in=wanted).values_list("person", flat=True)
    )
    return {
        account.person_id
        for account in accounts
        if account.person_id not in out and _opens(case, account, granted, at)
    }


def _opens(case: Case, account: Account, granted: set[int], at: datetime) -> bool:
    """Tell whether roles or a grant open the case to this account; recusal is judged before."""
    grant = account.person_id in granted
    view, restricted = _reach(account, at)
    if case.restricted and not grant and Reach.ALL not in restricted:
        return False
    if Reach.ALL in view or not view:
        return bool(view)
    own = {case.handler_id, case.registrar_id, case.rm_id, case.officer_id}
    return (
        grant
        or (Reach.DEPARTMENT in view and _holds(case, account))
        or (Reach.SEVERE in view and case.severity >= Severity.HIGH)
        or (Reach.RESTRICTED in view and case.restricted)
        or (Reach.OWN in view and account.person_id in own)
    )


def _reach(account: Account, at: datetime) -> tuple[Reach, Reach]:
    """Return how far this account views cases and restricted ones, all roles joined."""
    grants = list(account.grants.all())
    leads = any(grant.role == Role.DUTY_LEADER for grant in grants)
    rests = leads and not is_on_call(account.person_id, at)
    view = restricted = Reach.NONE
    for grant in grants:
        table = RESTING if rests and grant.role == Role.DUTY_LEADER else REACH.get(grant.role, {})
        view |= table.get(_VIEW, Reach.NONE)
        restricted |= table.get(_RESTRICTED, Reach.NONE)
    return view, restricted


def _holds(case: Case, account: Account) -> bool:
    """Tell whether the case lies in one of the units of this account or below them."""
    person = account.person
    units = {grant.department_id or person.department_id for grant in account.grants.all()}
    units.add(person.department_id)
    above = {int(pk) for pk in case.department.path.strip("/").split("/") if pk}
    return bool(units & (above | {case.department_id}))


__all__ = ["able"]
