"""After an official calendar was published: running clocks follow it, each move recorded."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from complaints.clocks.desk import OPEN_STATES, Desk
from complaints.clocks.rematching import follow
from complaints.models import Case, CaseClock
from config.kernel import journal, rulesets
from config.kernel.job_runs import JobRun
from config.kernel.jobs import JobHandler
from config.shared.actors import SYSTEM, Actor

CALENDAR: Final = "clocks.calendar"
_CHUNK = 100


def follow_calendar(kind: str, *, actor: Actor, at: datetime) -> int:
    """Move open clocks of calendar `kind` (`calendar:bank`) to the version in force at `at`.

    Small transactions, safe to run again after a stop: clocks on the newest version are done.
    Returns the number of cases looked at.
    """
    return sum(_chunks(kind, actor, at))


def job_handler() -> JobHandler:
    """Return the job that follows a published calendar; its parameter is the `kind`."""
    return JobHandler(CALENDAR, _run, title=_("Due times follow the official calendar"))


def _run(job_run: JobRun) -> None:
    done = 0
    for cases in _chunks(job_run.job.params["kind"], SYSTEM, job_run.at()):
        done += cases
        job_run.progress(done=done, total=done, counts={"cases": done})


def _chunks(kind: str, actor: Actor, at: datetime) -> Iterator[int]:
    """Move chunk by chunk, yielding how many cases each held."""
    newest, last = rulesets.published(kind, at), 0
    if newest is None:
        return
    behind = CaseClock.objects.filter(calendar__kind=kind, state__in=OPEN_STATES)
    while True:
        rows = behind.exclude(calendar=newest).filter(case_id__gt=last).order_by("case_id")
        pks = list(rows.values_list("case_id", flat=True).distinct()[:_CHUNK])
        if not pks:
            return
        with transaction.atomic():
            held = Case.objects.filter(pk__in=pks).order_by("pk")
            cases = list(held.select_for_update(of=("self",), no_key=True))
            change = follow(Desk(cases, at), {kind: newest})
            journal.append(change.facts, actor=actor, at=at, save=sorted(change.fields))
        last = pks[-1]
        yield len(cases)
