"""The job `case_export` and the end of its files: made in the background, kept seven days.

Params: `query` (of the case list) or `act` (the bulk act that lists the cases), `format`, `since`
and `until` (first and last local day received, ISO, may be missing), `key` (of the form, so that
a double click starts one job).
What is masked follows the scope that the owner has when the file is made.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.core.files.base import File
from django.db import transaction
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import exporting
from complaints.exporting import Export, ExportRefused
from complaints.importing import work as import_work
from complaints.importing.reading import bank_zone
from config.kernel import files, jobs, journal
from config.kernel.job_runs import JobRun
from config.kernel.models import Job, StoredFile
from config.kernel.models.jobs import JobState
from config.shared.actors import SYSTEM
from config.shared.scope import Scope
from staff.accounts import actor_of
from staff.models import Account
from staff.roles import scope_of

KIND: Final = "case_export"
KEPT: Final = timedelta(days=7)
MOST_ROWS: Final = 200_000
MOST_BYTES: Final = 500_000_000
_PER_SWEEP: Final = 200


class _Stopped(Exception):  # noqa: N818 - named for what happened
    """The owner asked to stop while the file was written."""


def run(run: JobRun) -> None:
    """Write the file, keep it, record who got what; ExportRefused in words."""
    job = run.job
    account = Account.objects.filter(person_id=job.owner_id or 0, is_active=True).first()
    if account is None:
        raise ExportRefused("owner", gettext_lazy("Your account may not export any more."))
    scope = scope_of(account, at=run.at())
    if not scope.may("cases", "export") or not scope.may("exports", "run"):
        raise ExportRefused("owner", gettext_lazy("Your account may not export any more."))
    export = export_of(job.params, scope, run.at())
    total = export.count()
    run.progress(done=0, total=total)
    with TemporaryDirectory() as folder, translation.override(account.language or "zh-hans"):
        target = Path(folder) / f"{_('cases')}-{timezone.localtime(export.at):%Y%m%d-%H%M}"
        target = target.with_suffix(f".{job.params['format']}")
        try:
            count = _write(run, export, target)
        except _Stopped:
            return
        _keep(run, account, target, export, count)


def export_of(params: dict[str, Any], scope: Scope, at: datetime) -> Export:
    """Return what a job's params ask for, within this scope."""
    limit = exporting.row_limit(scope) or MOST_ROWS
    since, until = params.get("since"), params.get("until")
    act = params.get("act")
    return Export(
        query=str(params.get("query", "")),
        scope=scope,
        at=at,
        since=_start(since) if since else None,
        until=_start(until, days=1) if until else None,
        limit=limit,
        act=int(act) if act else None,
    )


def link(_job: Job) -> str:
    """Return the page where exports wait, for notices."""
    try:
        return reverse("exports")
    except NoReverseMatch:
        return ""


def kept_until(job: Job) -> datetime | None:
    """Return when the file of a finished export goes."""
    return job.finished_at + KEPT if job.finished_at else None


def expire(at: datetime) -> int:
    """Due work `expire_exports`: remove files of exports and imports that ended 7 days ago.

    Imports that nobody confirmed within that time are stopped. Returns the number of jobs.
    """
    kinds = (KIND, import_work.KIND)
    forgotten = Job.objects.filter(
        kind=import_work.KIND, state=JobState.CHECKED, asked_at__lt=at - KEPT
    )
    jobs.cancel(forgotten, actor=SYSTEM, at=at)
    has_file = Q()
    for name in ("source", "result", "errors_file"):
        has_file |= Q(**{f"{name}__isnull": False, f"{name}__erased_at": None})
    old = Job.objects.filter(has_file, kind__in=kinds, finished_at__lte=at - KEPT)
    count = 0
    for job in old.select_related("source", "result", "errors_file").order_by("pk")[:_PER_SWEEP]:
        with transaction.atomic():
            for stored in filter(None, (job.source, job.result, job.errors_file)):
                _erase(stored, at)
        count += 1
    return count


def _erase(stored: StoredFile, at: datetime) -> None:
    if stored.erased_at is None:
        files.erase(stored, at=at)


def _write(run: JobRun, export: Export, target: Path) -> int:
    """Write the file; ExportRefused when the rows written are not the rows read."""
    read = _Counter(partial(_told, run))
    rows = read.through(exporting.lines(export.cases(), export.scope))
    kind = run.job.params["format"]
    count = exporting.write(target, kind, rows, note=exporting.note_of(export))
    if count != read.count:
        message = gettext_lazy("Only %(count)s of %(total)s rows were written. Try again.")
        raise ExportRefused("count", message, {"count": count, "total": read.count})
    return count


class _Counter:
    """Counts rows on their way and tells every thousand."""

    def __init__(self, told: Any) -> None:
        self.count, self._told = 0, told

    def through(self, rows: Iterable[list[Any]]) -> Iterator[list[Any]]:
        """Yield the rows."""
        for row in rows:
            yield row
            self.count += 1
            if self.count % exporting.CHUNK == 0:
                self._told(self.count)


def _told(run: JobRun, count: int) -> None:
    """Note progress; _Stopped when the owner asked for it."""
    run.progress(done=count, total=max(run.job.total, count))
    if run.cancelled() and run.saw_cancel:
        raise _Stopped
    run.out_of_time = False  # a file is written in one go


def _keep(run: JobRun, account: Account, target: Path, export: Export, count: int) -> None:
    """Store the file and record the export."""
    with target.open("rb") as content, transaction.atomic():
        stored = files.store(
            File(content, name=target.name),
            kind=KIND,
            uploaded_by_id=account.person_id,
            at=run.at(),
            max_bytes=MOST_BYTES,
        )
        run.keep_result(stored)
        masked = exporting.is_masked(export.scope)
        run.progress(done=count, total=count, counts={"rows": count, "masked": int(masked)})
        facts = {
            "list": "cases", "query": export.query, "since": export.since, "until": export.until,
            "count": count, "sha256": stored.sha256, "masked": masked, "job": run.job.pk,
            "format": run.job.params["format"],
        }  # fmt: skip
        journal.note("exports", "export.made", facts, actor=actor_of(account), at=run.at())


def _start(day: str, *, days: int = 0) -> datetime:
    """Return the local midnight at which a day (or a later one) begins."""
    return datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), bank_zone())
