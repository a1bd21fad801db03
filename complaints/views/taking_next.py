"""One button: take the next case of one's units."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from complaints.taking_next import take_next
from config.shared.htmx import go
from staff.http import StaffRequest


@require_POST
def cases_next(request: StaffRequest) -> HttpResponse:
    """Take the next case and open it; say so when nothing waits."""
    request.scope.demand("cases", "claim")
    outcome = take_next(request.scope, actor=request.actor, at=timezone.now())
    if outcome is None:
        messages.info(request, _("Nothing waits to be taken in your department."))
        return go(request, redirect("home").url)
    messages.success(request, _("%(number)s is yours.") % {"number": outcome.case.number})
    return go(request, outcome.case.get_absolute_url())
