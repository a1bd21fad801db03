"""Care actions by the customer's emotion (S3-17, DOMAIN.md §4.5)."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints.models import Case
from complaints.teamwork.playbooks import CARE_FROM, feeling

ADVICE: Final[Mapping[int, str | Promise]] = {
    1: _("Thank the customer and restate the matter."),
    2: _("Apologise for the experience and say when the next word comes."),
    3: _("One contact person, short waits."),
    4: _("A supervisor joins, in a private place; no arguing."),
    5: _("Two persons talk to the customer, the talk is recorded, severity at least high."),
}


def advice(level: int | None) -> str:
    """Return what to do for a customer who feels like this (0-5); '' for calm or unknown."""
    return str(ADVICE.get(level or 0, ""))


def of_case(case: Case) -> str:
    """Return the care this case asks for now, from anxious on; '' below."""
    level = feeling(case)
    return advice(level) if level >= CARE_FROM else ""


__all__ = ["ADVICE", "CARE_FROM", "advice", "of_case"]
