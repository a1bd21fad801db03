"""The beat table: one entry per DueWork. The beat only rings; the work is found in the database."""

from typing import Any

from config.shared.registry import DueWork, contributed

TASK = "config.kernel.tasks.run"


def beat_schedule() -> dict[str, dict[str, Any]]:
    """Return the table for Celery. Needs the contributions of all rooms (apps ready).

    A message expires before the next one is sent, so that a stopped worker does not wake to a
    pile of them.
    """
    return {
        due.key: {
            "task": TASK,
            "schedule": due.every,
            "args": (due.key,),
            "options": {
                "queue": due.queue,
                "expires": max(due.every.total_seconds() * 0.9, 1.0),
                "retry": False,
            },
        }
        for due in contributed(DueWork).values()
    }
