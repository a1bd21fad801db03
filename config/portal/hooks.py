"""What other systems tell us: the SMS gateway reports what became of a message."""

from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from config.kernel import delivery_reports, sms_gateway

_STATUS: Final = {"done": 200, "known": 200, "unknown": 200, "early": 503}
_AGAIN: Final = "30"  # seconds


@csrf_exempt
@login_not_required
@never_cache
@require_POST
def sms_report(request: HttpRequest) -> HttpResponse:
    """Take one signed delivery report in: 200 taken or known, 503 come again, 4xx not a report.

    The signature is checked before a byte of the body is looked into; an unknown message is
    answered like a known one, so that nobody learns which exist.
    """
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdigit():
        return _said(411, "length required")
    if int(length) > delivery_reports.LARGEST:
        return _said(413, "too large")
    at = timezone.now()
    stamp = request.headers.get(sms_gateway.TIME_HEADER, "")
    given = request.headers.get(sms_gateway.SIGN_HEADER, "")
    if not sms_gateway.is_genuine(stamp, given, request.body, at=at):
        return _said(401, "not signed")
    report = delivery_reports.parse(request.body)
    if report is None:
        return _said(400, "not a report")
    taken = delivery_reports.take(report, at=at)
    answer = _said(_STATUS[taken], "ok" if taken != "early" else "come again")
    if taken == "early":
        answer.headers["Retry-After"] = _AGAIN
    return answer


def _said(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8", status=status)
