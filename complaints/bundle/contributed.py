"""What bundles bring to the portal."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from complaints.bundle import asking, making
from complaints.case_parts import CaseAct
from complaints.models import Case
from complaints.reach import reaches
from config.kernel.actions import Action
from config.kernel.jobs import JobHandler
from config.shared.registry import Contribution, DueWork, Eraser
from config.shared.scope import Scope


def _may(case: Case, scope: Scope) -> bool:
    return reaches(case, scope, "bundle")


def contributions() -> tuple[Contribution, ...]:
    """Return the lines for the registry."""
    return (
        Action(asking.ASKED, _("A bundle of the case was asked for"), "folder"),
        Action(asking.BUNDLED, _("A bundle was made: %(pages)s pages"), "folder"),
        Action(asking.OPENED, _("A bundle was downloaded"), "download"),
        JobHandler(asking.KIND, making.run, title=_("Case bundle"), link=making.link),
        DueWork("expire_bundles", asking.expire, timedelta(hours=1)),
        Eraser("bundles", asking.erase),
        CaseAct("bundle", _("Case bundle"), "folder", "case_bundle", _may, order=85),
    )


__all__ = ["contributions"]
