"""The job `cases.bulk`: a long act worked off in the background, resumable, stopped between chunks.

Params: `act` (pk of the BulkAct) and `label` of whoever asked. Rights are those the person has
when the chunk is done, not when it was asked for.
"""

import time
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from complaints.bulk import engine
from complaints.bulk.results import What
from complaints.choices import RowResult
from complaints.importing.running import breathe
from complaints.models import BulkAct, BulkRow
from config.kernel import journal
from config.kernel.job_runs import JobRun
from config.kernel.jobs import JobHandler, JobRefused
from config.kernel.models import Job
from config.shared.actors import SYSTEM
from config.shared.registry import Eraser
from staff.accounts import actor_of
from staff.models import Account
from staff.roles import scope_of

LANGUAGE: Final = "zh-hans"


def run(job_run: JobRun) -> None:
    """Work off the rows that wait; each chunk writes its results and the progress together."""
    act = BulkAct.objects.select_related("undoes").get(pk=job_run.job.params["act"])
    account = Account.objects.filter(person_id=act.by_id, is_active=True).first()
    if account is None:
        raise JobRefused("owner", _("The account of whoever asked is closed."))
    actor, what = actor_of(account), What(act.what, engine.words_of(act))
    done = BulkRow.objects.filter(act=act).exclude(result=RowResult.WAITING).count()

    def last(count: int) -> None:
        job_run.progress(done=done + count, total=act.total)

    with translation.override(account.language or LANGUAGE):
        while not job_run.cancelled():
            began, at = time.monotonic(), job_run.at()
            scope = scope_of(account, at=at)
            count = engine.chunk(act, what, scope, actor=actor, at=at, last=last)
            if not count:
                break
            done += count
            breathe(time.monotonic() - began)
        if not job_run.out_of_time or job_run.saw_cancel:
            ended = engine.finish(act, actor=actor, at=job_run.at())
            counts = {"done": ended.done, "refused": ended.refused}
            job_run.progress(done=done, total=act.total, counts=counts)


def link(job: Job) -> str:
    """Return the page of the act, for notices."""
    return reverse("cases_bulk_act", args=[job.params["act"]])


def handler() -> JobHandler:
    """Return how the job runs; its counts are `done` and `refused`, in cases."""
    return JobHandler(engine.KIND, run, title=_("Act on many cases"), link=link)


def erase(customer_pks: list[int], at: datetime) -> int:
    """Erase the words of acts that touched cases of these customers: notes, reasons, searches."""
    acts = BulkRow.objects.filter(case__customer__in=customer_pks).values_list("act", flat=True)
    streams = [f"bulk:{pk}" for pk in sorted(set(acts))]
    return journal.erase_words(streams, actor=SYSTEM, at=at)


def eraser() -> Eraser:
    """Return the eraser of this part."""
    return Eraser("bulk_acts", erase)
