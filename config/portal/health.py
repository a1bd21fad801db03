"""/healthz and /readyz: is the process alive; can it do its work."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.connection import Connection

from config.kernel import running, triggers
from config.kernel.models import OutboxMessage

BEAT_AGE = timedelta(minutes=3)
BACKLOG_AGE = timedelta(minutes=15)


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process serves requests; touches nothing else."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when every part is in order, else 503; each part says ok or what is wrong."""
    at = timezone.now()
    parts = {name: _ask(check, at) for name, check in CHECKS.items()}
    ready = all(answer == "ok" for answer in parts.values())
    return JsonResponse({"ready": ready, "parts": parts}, status=200 if ready else 503)


def _ask(check: Callable[[datetime], str], at: datetime) -> str:
    """Return the check's answer; an unexpected database fault is an answer too."""
    try:
        return check(at)
    except DatabaseError:
        return "the database does not answer"


def _database(at: datetime) -> str:
    """Ask the database for one row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _broker(at: datetime) -> str:
    """Connect to the broker without retries."""
    try:
        with Connection(  # type: ignore[no-untyped-call]
            settings.CELERY_BROKER_URL,
            connect_timeout=1,
            transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        ) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=1)
    except Exception as error:  # noqa: BLE001 - every transport raises its own family
        return f"the broker does not answer ({type(error).__name__}); work waits in the database"
    return "ok"


def _beat(at: datetime) -> str:
    """Look for a young sign of beat: a message of its table that a worker took."""
    last = running.last("beat")
    if last is None:
        return "neither beat nor worker has shown life yet"
    return "ok" if at - last < BEAT_AGE else f"last heartbeat at {last.isoformat()}"


def _backlog(at: datetime) -> str:
    """Look for messages that should have left long ago."""
    late = OutboxMessage.objects.filter(ready_at__lt=at - BACKLOG_AGE).order_by("ready_at").first()
    return "ok" if late is None else f"oldest waiting message is due since {late.ready_at:%H:%M}"


def _triggers(at: datetime) -> str:
    """Look for append-only triggers that are missing."""
    missing = triggers.missing()
    return "ok" if not missing else "missing: " + ", ".join(missing)


CHECKS: dict[str, Callable[[datetime], str]] = {
    "database": _database,
    "broker": _broker,
    "beat": _beat,
    "backlog": _backlog,
    "triggers": _triggers,
}
