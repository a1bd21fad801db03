"""The nightly drift check: what differs from the record is told to the administrators."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.clocks.recompute import Drift, busy, check_chunk, next_chunk
from complaints.models import Case
from config.kernel import jobs, notices
from config.kernel.job_runs import JobRun
from config.kernel.jobs import JobHandler
from config.kernel.models import Job
from config.kernel.notices import Telling
from config.shared.actors import SYSTEM
from staff.models.accounts import Role
from staff.people import audience

CHECK: Final = "clocks.drift"
NAMED: Final = 5


def report(at: datetime) -> int:
    """Due work `clock_drift`: write the job that compares all open clocks with the record.

    Nothing is repaired: `recompute_clocks` does that, by a person. Administrators are told once
    a local day, and not at all when nothing differs. Returns 0 while an earlier check still runs.
    """
    if Job.objects.unfinished().filter(kind=CHECK).exists():
        return 0
    jobs.start(CHECK, owner_id=None, params={}, title="", actor=SYSTEM, at=at)
    return 1


def job_handler() -> JobHandler:
    """Return how the check runs; its count is `drifts`, the figures that differ."""
    return JobHandler(CHECK, _run, title=_("Due times against the record"))


def _run(job_run: JobRun) -> None:
    """Go through the cases in chunks; a later run goes on after the last one."""
    job = job_run.job
    kept: dict[str, Any] = job.checkpoint or {"last": 0, "drifts": 0, "numbers": []}
    total = max(job.total, busy().count())
    while not job_run.cancelled():
        pks = next_chunk(kept["last"])
        if not pks:
            _end(job_run, kept)
            return
        for drift in _drifts(pks):
            kept["drifts"] += 1
            if drift.number not in kept["numbers"] and len(kept["numbers"]) < NAMED:
                kept["numbers"].append(drift.number)
        kept["last"] = pks[-1]
        done = job.done + len(pks)
        job_run.progress(done=done, total=max(total, done), checkpoint=kept)


def _end(job_run: JobRun, kept: dict[str, Any]) -> None:
    """Write the result, and tell of it when there is something to tell."""
    done = job_run.job.done
    with transaction.atomic():
        if kept["drifts"]:
            at = job_run.at()
            notices.tell(_tellings(kept["drifts"], kept["numbers"], at), at=at)
        job_run.progress(done=done, total=done, counts={"drifts": kept["drifts"]})


def _drifts(pks: Sequence[int]) -> list[Drift]:
    """Return what differs; looked at again under the lock, as somebody may be writing just now."""
    suspects = {drift.number for drift in check_chunk(pks)}
    if not suspects:
        return []
    with transaction.atomic():
        rows = Case.objects.filter(pk__in=pks, number__in=suspects).order_by("pk")
        held = rows.select_for_update(of=("self",), no_key=True)
        return list(check_chunk([case.pk for case in held]))


def _tellings(count: int, numbers: Sequence[str], at: datetime) -> list[Telling]:
    """Return one notice per administrator and local day."""
    day = timezone.localtime(at).date()
    return [
        Telling(
            key=f"clock.drift:{day}:{person.pk}",
            person_id=person.pk,
            kind="clock.drift",
            about=f"case:{numbers[0]}",
            facts={"count": count, "numbers": list(numbers)},
        )
        for person in audience([Role.ADMIN])
    ]
