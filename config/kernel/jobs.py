"""Long work as rows: asked for, claimed by lease, done in chunks, resumed after a kill, stopped.

A handler does its own chunks, each in a transaction of its own, and writes `progress` as the last
statement of the chunk: rows and checkpoint are one commit. A worker that lost its lease (it was
thought dead) meets LeaseLost there, and its chunk is rolled back. Running them: job_runs.py.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.kernel import bell, journal
from config.kernel.models import Job, JobRow, StoredFile
from config.kernel.models.jobs import JobState
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.registry import contributed
from config.shared.worded import WordedError

if TYPE_CHECKING:
    from config.kernel.job_runs import JobRun

WAITS = (JobState.CHECKING, JobState.QUEUED, JobState.CHECKED)


class JobRefused(WordedError):  # noqa: N818 - named for what happened
    """A job cannot take this step; the words say why."""


@dataclass(frozen=True, slots=True)
class JobHandler:
    """How one kind of job runs. `check` (optional) comes first and waits for a confirmation.

    `run(job_run)` returns when all is done, or as soon as `job_run.cancelled()` says so; it is
    called again with the checkpoint it left. `link(job)` is the page of the job, for notices.
    """

    key: str
    run: "Callable[[JobRun], None]"
    check: "Callable[[JobRun], None] | None" = None
    title: str | Promise = ""
    link: Callable[[Job], str] | None = None


def handler_of(kind: str) -> JobHandler:
    """Return the handler of a kind; raises LookupError for one that nobody contributed."""
    try:
        return contributed(JobHandler)[kind]
    except KeyError:
        message = f"job kind {kind!r} is not contributed"
        raise LookupError(message) from None


def start(  # noqa: PLR0913 - what a job is made of
    kind: str,
    *,
    owner_id: int | None = None,
    params: Mapping[str, Any],
    title: str = "",
    source: StoredFile | None = None,
    ready_at: datetime | None = None,
    actor: Actor,
    at: datetime,
) -> Job:
    """Write a job in the caller's transaction and ring; journalled as `job.started`.

    `params` are plain values for the handler, `title` what the owner sees (no customer's name);
    it waits until `ready_at` when given.
    """
    checks = handler_of(kind).check is not None
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind,
            state=JobState.CHECKING if checks else JobState.QUEUED,
            owner_id=owner_id,
            title=title[:200],
            params=dict(params),
            source=source,
            asked_at=at,
            ready_at=max(at, ready_at or at),
        )
        facts = {"kind": kind, "source": source and source.sha256}
        journal.append([journal.Fact(job, "job.started", facts)], actor=actor, at=at)
        bell.wake("jobs")
    return job


def confirm(jobs: QuerySet[Job], *, actor: Actor, at: datetime) -> list[Job]:
    """Let checked jobs run; returns those that were waiting for it. Others are left alone."""
    with hold(jobs.filter(state=JobState.CHECKED)) as held:
        for job in held.rows:
            job.state, job.ready_at, job.attempts = JobState.QUEUED, at, 0
            job.done, job.total, job.checkpoint = 0, 0, {}
        facts = [journal.Fact(job, "job.confirmed", {"kind": job.kind}) for job in held.rows]
        fields = ["state", "ready_at", "attempts", "done", "total", "checkpoint"]
        journal.append(facts, actor=actor, at=at, save=fields)
        bell.wake("jobs")
    return held.rows


def cancel(jobs: QuerySet[Job], *, actor: Actor, at: datetime) -> list[Job]:
    """Stop jobs: waiting ones at once, running ones after their chunk; returns those concerned.

    What was committed before stays; the handler says in `counts` how far it came.
    """
    with hold(jobs.filter(finished_at__isnull=True, cancel_asked_at__isnull=True)) as held:
        waiting = [job for job in held.rows if job.state in WAITS and job.lease is None]
        running = [job for job in held.rows if job not in waiting]
        for job in held.rows:
            job.cancel_asked_at = at
        for job in waiting:
            job.state, job.finished_at, job.ready_at = JobState.CANCELLED, at, None
        stopped = [journal.Fact(job, "job.cancelled", _outcome(job)) for job in waiting]
        asked = [journal.Fact(job, "job.stop_asked", {"kind": job.kind}) for job in running]
        fields = ["cancel_asked_at", "state", "finished_at", "ready_at"]
        journal.append(stopped, actor=actor, at=at, save=fields)
        journal.append(asked, actor=actor, at=at, save=["cancel_asked_at"])
    return held.rows


def retry(job: Job, *, actor: Actor, at: datetime) -> Job:
    """Start a failed job again from its checkpoint; raises JobRefused when it has not failed."""
    with hold(Job.objects.filter(pk=job.pk, state=JobState.FAILED)) as held:
        if not held.rows:
            raise JobRefused("state", _("Only work that failed can be tried again."))
        again = held.rows[0]
        again.state, again.ready_at, again.attempts = JobState.QUEUED, at, 0
        again.finished_at, again.cancel_asked_at, again.error = None, None, ""
        fact = journal.Fact(again, "job.started", {"kind": again.kind, "source": None})
        fields = ["state", "ready_at", "attempts", "finished_at", "cancel_asked_at", "error"]
        journal.append([fact], actor=actor, at=at, save=fields)
        bell.wake("jobs")
    return again


def remark(job: Job, remarks: Iterable[JobRow]) -> None:
    """Write what the job says about rows of its file; belongs to the chunk's transaction."""
    rows = list(remarks)
    for row in rows:
        row.job = job
    JobRow.objects.bulk_create(rows, batch_size=500)


def words_for(problem: WordedError) -> str:
    """Return an error for `Job.error`: English source and parameters, worded when shown."""
    with translation.override("en"):
        message = str(problem.message)
    params = {name: value if isinstance(value, int) else str(value)
              for name, value in problem.params.items()}  # fmt: skip
    return json.dumps({"message": message, "params": params}, ensure_ascii=False)


def error_of(job: Job) -> str:
    """Return why a job failed in the active language; '' when it did not."""
    if not job.error:
        return ""
    kept = json.loads(job.error)
    sentence = gettext(kept["message"])
    return sentence % kept["params"] if kept["params"] else sentence


def _outcome(job: Job) -> dict[str, Any]:
    """Return the facts that end a job's chain."""
    return {"kind": job.kind, "done": job.done, "total": job.total}
