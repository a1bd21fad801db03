"""What the case page shows of the duty table: the line that fits the case, in words."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from complaints.models import Case
from complaints.routing import duties
from config.shared.words import listed


def duties_part(case: Case, at: datetime) -> dict[str, Any]:
    """Return the context of _part_duties.html: (role, units) by the table in force at `at`.

    `elsewhere` names the unit that has the case when it is not the responsible one. The case's
    type, business line and department were joined; five queries at most.
    """
    found = duties.roles(case, at)
    if found.line is None:
        return {"duties": [], "elsewhere": ""}
    rows = [
        (_("Responsible"), [found.responsible]),
        (_("Approves"), [found.approves]),
        (_("Consulted"), found.consulted),
        (_("Told"), found.told),
    ]
    named = [(role, listed(unit.label for unit in units if unit)) for role, units in rows]
    responsible, has_it = found.responsible, case.department
    differs = responsible is not None and has_it is not None and responsible.pk != has_it.pk
    return {
        "duties": [(role, units) for role, units in named if units],
        "elsewhere": has_it.label if differs and has_it else "",
    }


__all__ = ["duties_part"]
