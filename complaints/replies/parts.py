"""The result letter in the side panel of the case page: what is missing in it, and the letter."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.case_parts import CasePart
from complaints.models import Case
from complaints.reach import reaches
from complaints.replies import result
from config.shared.scope import Scope
from staff.http import StaffRequest


def _read(_request: StaffRequest, case: Case) -> dict[str, Any]:
    letter = result.compose(case, timezone.now())
    return {"letter": letter, "letter_url": reverse("case_letter", args=[case.number])}


def _shows(case: Case, scope: Scope) -> bool:
    full = bool(case.type.flags.get("confirm_before_close")) or bool(case.answer)
    return full and reaches(case, scope, "identity")


def part() -> CasePart:
    """Return the part."""
    return CasePart(
        "letter",
        _("Result letter"),
        "file-certificate",
        "complaints/_reply_part.html",
        _read,
        order=60,
        shows=_shows,
    )


__all__ = ["part"]
