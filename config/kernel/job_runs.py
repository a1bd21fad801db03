"""Running jobs: claim one, hand it to its handler, write down how it ended."""

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from config.kernel import bell, journal, notices
from config.kernel.jobs import JobRefused, handler_of, words_for
from config.kernel.models import Job, StoredFile
from config.kernel.models.jobs import JobState
from config.shared.actors import SYSTEM
from config.shared.claim import claim, hold
from config.shared.worded import WordedError

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=5)  # longer than a task may run
BUDGET_S: Final = 150.0  # then the job is put back and goes on at once; the task limit is 240 s
ATTEMPTS: Final = 3


class LeaseLost(Exception):  # noqa: N818 - named for what happened
    """Another worker has taken the job over; the chunk at hand must not be committed."""


class JobRun:
    """One run of one job, in the hands of its handler.

    `job` is the row as claimed; its `checkpoint` says where the last run came to. Set
    `job.result` or `job.errors_file` by `keep_result` and `keep_errors`.
    """

    def __init__(self, job: Job, *, at: datetime, started: float) -> None:
        self.job = job
        self._began_at, self._began, self._started = at, time.monotonic(), started
        self._lease: UUID | None = job.lease
        self.saw_cancel = self.out_of_time = False

    def at(self) -> datetime:
        """Return the time of the run: the time of its claim plus what has passed since."""
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    def progress(
        self,
        *,
        done: int,
        total: int | None = None,
        checkpoint: Mapping[str, Any] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Note how far the job came and renew the lease; the last statement of each chunk.

        None leaves a value as it is. Raises LeaseLost when the job is not ours any more.
        """
        job = self.job
        job.done = done
        job.total = job.total if total is None else total
        job.checkpoint = job.checkpoint if checkpoint is None else dict(checkpoint)
        job.counts = job.counts if counts is None else dict(counts)
        self._write(
            done=job.done, total=job.total, checkpoint=job.checkpoint, counts=job.counts,
            ready_at=self.at() + LEASE,
        )  # fmt: skip

    def keep_result(self, stored: StoredFile) -> None:
        """Attach the file the job produced; raises LeaseLost."""
        self.job.result = stored
        self._write(result=stored)

    def keep_errors(self, stored: StoredFile) -> None:
        """Attach the file with the faulty rows; raises LeaseLost."""
        self.job.errors_file = stored
        self._write(errors_file=stored)

    def cancelled(self) -> bool:
        """Tell, between two chunks, whether the handler should return now.

        True when somebody asked to stop, and when the run has lasted long enough: then the job
        is put back and goes on from its checkpoint. Nothing to tell apart for the handler.
        """
        asked = Job.objects.filter(pk=self.job.pk, cancel_asked_at__isnull=False).exists()
        self.saw_cancel = self.saw_cancel or asked
        self.out_of_time = time.monotonic() - self._started > BUDGET_S
        return self.saw_cancel or self.out_of_time

    def _write(self, **values: Any) -> None:
        """Change the row while it is ours."""
        if not Job.objects.filter(pk=self.job.pk, lease=self._lease).update(**values):
            message = f"job {self.job.pk} was taken over"
            raise LeaseLost(message)


def work(at: datetime) -> int:
    """Due work `jobs`: run what waits, one job after another; returns how many were run.

    Safe beside itself: a job is leased, and a killed worker's job comes back by itself.
    """
    started, count = time.monotonic(), 0
    while time.monotonic() - started < BUDGET_S:
        claimed = claim(Job.objects.all(), limit=1, lease=LEASE, at=at)
        if not claimed:
            return count
        _run(JobRun(claimed[0], at=at, started=started))
        count += 1
    bell.wake("jobs")
    return count


def _run(run: JobRun) -> None:
    """Run one claimed job and write how it ended; only a lost database leaves this function."""
    job = run.job
    if job.cancel_asked_at is not None:
        _end(run, JobState.CANCELLED)
        return
    Job.objects.filter(pk=job.pk, lease=job.lease).update(attempts=F("attempts") + 1)
    job.attempts += 1
    try:
        _refuse_endless(job)
        _call(run)
    except LeaseLost:
        logger.warning("job %s was taken over by another worker", job.pk)
    except (OperationalError, InterfaceError):
        raise  # the lease brings the job back when the database is there again
    except SoftTimeLimitExceeded:
        logger.warning("job %s ran into the time limit and will go on", job.pk)
        _put_back(run)
    except WordedError as problem:
        _fail(run, problem)
    except Exception as error:
        logger.exception("job %s failed", job.pk)
        params = {"error": type(error).__name__}
        message = _("An unexpected fault (%(error)s) stopped this work. It has been logged.")
        _fail(run, WordedError("fault", message, params))


def _refuse_endless(job: Job) -> None:
    """Give up a job that took its worker down again and again."""
    if job.attempts > ATTEMPTS:
        params = {"times": ATTEMPTS}
        raise JobRefused(
            "lost", _("The work was interrupted %(times)s times and given up."), params
        )


def _call(run: JobRun) -> None:
    """Hand the job to its handler and move it to the state that follows."""
    job = run.job
    handler = handler_of(job.kind)
    if job.state == JobState.CHECKING and handler.check is not None:
        handler.check(run)
        after = JobState.CHECKED
    else:
        if job.state != JobState.RUNNING:
            job.state, job.started_at = JobState.RUNNING, job.started_at or run.at()
            started = {"state": job.state, "started_at": job.started_at}
            Job.objects.filter(pk=job.pk, lease=job.lease).update(**started)
        handler.run(run)
        after = JobState.DONE
    if run.saw_cancel:
        _end(run, JobState.CANCELLED)
    elif run.out_of_time:
        Job.objects.filter(pk=job.pk, lease=job.lease).update(attempts=0)
        _put_back(run)
    else:
        _end(run, after)


def _put_back(run: JobRun) -> None:
    """Give the job back to the queue; it goes on from its checkpoint."""
    mine = Job.objects.filter(pk=run.job.pk, lease=run.job.lease)
    mine.update(ready_at=run.at(), lease=None)
    bell.wake("jobs")


def _fail(run: JobRun, problem: WordedError) -> None:
    """End a job with words; its checkpoint stays for a new try."""
    run.job.error = words_for(problem)
    _end(run, JobState.FAILED)


_ACTIONS: Final = {
    JobState.DONE: "job.done",
    JobState.CHECKED: "job.checked",
    JobState.FAILED: "job.failed",
    JobState.CANCELLED: "job.cancelled",
}


def _end(run: JobRun, state: JobState) -> None:
    """Write the end of a job that is still ours: row, record and a notice to its owner."""
    job, at = run.job, run.at()
    with hold(Job.objects.filter(pk=job.pk, lease=job.lease)) as held:
        if not held.rows:
            logger.warning("job %s was taken over before its end was written", job.pk)
            return
        row = held.rows[0]
        row.state, row.error, row.ready_at, row.lease = state, job.error, None, None
        row.finished_at = None if state == JobState.CHECKED else at
        facts = {"kind": row.kind, "done": row.done, "total": row.total, **_counts(row)}
        fields = ["state", "error", "ready_at", "lease", "finished_at"]
        fact = journal.Fact(row, _ACTIONS[state], facts)
        journal.append([fact], actor=SYSTEM, at=at, save=fields)
        if row.owner_id is not None and state != JobState.CANCELLED:
            notices.tell([_telling(row, row.owner_id)], at=at)


def _counts(job: Job) -> dict[str, int]:
    """Return the figures of a job for its record; other values stay in the row."""
    return {f"count_{k}": v for k, v in sorted(job.counts.items()) if isinstance(v, int)}


def _telling(job: Job, owner_id: int) -> notices.Telling:
    """Return the notice that tells the owner how the job stands."""
    handler = handler_of(job.kind)
    return notices.Telling(
        key=f"{_ACTIONS[JobState(job.state)]}:{job.pk}:{job.version}",
        person_id=owner_id,
        kind=_ACTIONS[JobState(job.state)],
        about=f"job:{job.pk}",
        facts={"title": job.title, "link": handler.link(job) if handler.link else ""},
    )
