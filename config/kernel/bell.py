"""The bell: tells a worker that rows are waiting. A lost ring costs seconds, never work.

The only caller of Celery's publishing side. Every effect to come is a row already; the ring
after commit makes the sweep start now instead of at its next beat (DESIGN.md §3, promise 1).
"""

import logging
import time
from functools import partial

from django.db import connection, transaction

from config.kernel.tasks import run
from config.shared.registry import DueWork, contributed

logger = logging.getLogger(__name__)

EXPIRES_S = 60  # the beat comes round before that
QUIET_S = 5.0  # after a lost ring the broker is left alone, so that pages stay fast

_silent = {"until": 0.0}  # monotonic seconds, of this process


def wake(work: str) -> None:
    """Ring for a DueWork after commit; never raises, and is only a hint.

    Rings once per transaction and work. Outside a transaction it rings at once.
    """
    if not _is_ringing(work):
        transaction.on_commit(partial(_ring, work))


def _is_ringing(work: str) -> bool:
    """Tell whether a part of this transaction that lives as long as ours rings for `work`."""
    alive = set(connection.savepoint_ids)
    for waiting in connection.run_on_commit:
        sids, call = waiting[0], waiting[1]
        is_ours = isinstance(call, partial) and call.func is _ring and call.args == (work,)
        if is_ours and sids <= alive:
            return True
    return False


def _ring(work: str) -> None:
    """Publish without retries: a dead broker must not keep the page waiting."""
    now = time.monotonic()
    if now < _silent["until"]:
        logger.warning("bell for %s was lost; the broker did not answer a moment ago", work)
        return
    due = contributed(DueWork).get(work)
    try:
        run.apply_async(
            (work,), retry=False, expires=EXPIRES_S, queue=due.queue if due else "default"
        )
    except Exception as error:  # noqa: BLE001 - whatever the broker does must not reach the page
        _silent["until"] = time.monotonic() + QUIET_S
        name = type(error).__name__
        logger.warning("bell for %s was lost (%s); the next sweep finds the rows", work, name)
