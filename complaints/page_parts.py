"""What the case page itself brings to the portal: presence, mentions, identity, print, bundle."""

from django.utils.translation import gettext_lazy as _

from complaints import identity, mentions, presence
from complaints.bundle.contributed import contributions as bundles
from complaints.case_parts import CaseAct
from complaints.models import Case
from complaints.reach import reaches
from config.kernel.actions import Action
from config.shared.registry import Contribution
from config.shared.scope import Scope


def _identifies(case: Case, scope: Scope) -> bool:
    return reaches(case, scope, "identify")


def _prints(case: Case, scope: Scope) -> bool:
    return reaches(case, scope, "print")


def contributions() -> tuple[Contribution, ...]:
    """Return the lines for the registry."""
    return (
        *presence.contributions(),
        *mentions.contributions(),
        *identity.contributions(),
        *bundles(),
        Action("case.printed", _("The record was printed"), "printer"),
        CaseAct(
            "identify",
            _("Identify the customer"),
            "fingerprint",
            "case_identify",
            _identifies,
            order=40,
        ),
        CaseAct("print", _("Print the record"), "printer", "case_print", _prints, order=80),
    )


__all__ = ["contributions"]
