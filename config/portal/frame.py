"""Pieces of the frame that are fetched after the page: bell and navigation figures."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from config.portal.context import granted_items
from staff.http import StaffRequest


@require_GET
def frame_counts(request: StaffRequest) -> HttpResponse:
    """Answer with the bell and the figures of the sidebar; asking also keeps the session alive."""
    at = timezone.now()
    counts = [
        (item.key, *item.count(request.scope, at))
        for item in granted_items(request.scope)
        if item.count is not None
    ]
    return render(request, "partials/_frame_counts.html", {"counts": counts})
