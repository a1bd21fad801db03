"""The one Celery task: looks a piece of due work up and runs it."""

import logging
import time

from celery import shared_task
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from config.kernel import running
from config.shared.registry import DueWork, contributed

logger = logging.getLogger(__name__)


@shared_task(  # type: ignore[untyped-decorator]  # celery has no types
    name="config.kernel.tasks.run",
    acks_late=True,
    reject_on_worker_lost=True,
    ignore_result=True,
    autoretry_for=(OperationalError, InterfaceError),
    max_retries=3,
    retry_backoff=2,
    retry_backoff_max=30,
    retry_jitter=True,
)
def run(work: str) -> None:
    """Run one piece of due work; a second run finds nothing left to do.

    A database that is restarting is tried again a few times; any other error is logged by
    Celery, noted as `failed:<work>`, and the next beat tries anew.
    """
    due = contributed(DueWork).get(work)
    if due is None:
        logger.error("unknown due work %r was asked for; nothing done", work)
        return
    started = time.monotonic()
    try:
        count = due.verb(timezone.now())
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        running.beats([f"failed:{work}"], timezone.now(), {"error": type(error).__name__})
        raise
    milliseconds = round((time.monotonic() - started) * 1000)
    signs = ["worker", f"due:{work}", *(["beat"] if work == "heartbeat" else [])]
    running.beats(signs, timezone.now(), {"count": count, "milliseconds": milliseconds})
