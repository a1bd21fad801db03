"""Signs of life of the background processes, as rows that /readyz and the health page read.

Names: `worker` (any task ran), `beat` (a message of the beat arrived), `due:<key>` (this work ran
to its end), `failed:<key>` (it raised; `facts.error` names the class).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from config.kernel.models import Heartbeat
from config.shared.registry import DueWork, contributed


def beat(name: str, at: datetime, facts: Mapping[str, object] | None = None) -> None:
    """Note that `name` was alive at `at` (aware); `facts` are figures and codes for the page."""
    beats([name], at, facts)


def beats(names: Iterable[str], at: datetime, facts: Mapping[str, object] | None = None) -> None:
    """Note several signs of life in one statement."""
    rows = [Heartbeat(name=name, at=at, facts=dict(facts or {})) for name in sorted(set(names))]
    Heartbeat.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["name"], update_fields=["at", "facts"]
    )


def last(name: str) -> datetime | None:
    """Return when `name` last showed life, or None."""
    return Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()


def sweep(at: datetime) -> int:
    """Due work `heartbeat`: remove signs of works that no longer exist; returns how many.

    That it runs at all is the sign of life; `tasks.run` writes it down.
    """
    known = [f"{prefix}:{key}" for key in contributed(DueWork) for prefix in ("due", "failed")]
    gone = Heartbeat.objects.filter(name__contains=":", at__lte=at).exclude(name__in=known)
    return gone.delete()[0]
