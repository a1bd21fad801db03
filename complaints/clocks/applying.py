"""“Apply to open cases”: a published version of the time limits for cases on an older one.

An act of its own, never a part of publishing: journalled with its reason on the version and on
every case it changes, in chunks under the lock of the cases.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from complaints.clocks.rules import KIND, RuleBook, books
from complaints.clocks.versions import Versions, apply_to
from complaints.holding import hold_cases
from complaints.models import Case
from complaints.querysets import CaseQuerySet
from config.kernel import jobs, journal, rulesets
from config.kernel.job_runs import JobRun
from config.kernel.jobs import JobHandler
from config.kernel.models import Job, RuleSet
from config.kernel.querysets import JobQuerySet
from config.kernel.rulesets import RulesRefused
from config.shared.actors import Actor
from config.shared.claim import hold

APPLY: Final = "clocks.apply"
_CHUNK: Final = 100


def start(rule_set: RuleSet, *, reason: str, actor: Actor, at: datetime) -> Job:
    """Write the job that puts open cases on this version, and record who wanted that and why.

    Raises RulesRefused: no reason, not the version in force, or it is being applied already.
    """
    if not reason.strip():
        raise RulesRefused("reason", _("Say why."))
    with hold(RuleSet.objects.filter(pk=rule_set.pk)) as held:
        row = _in_force(held.rows, at)
        if _running(row).exists():
            raise RulesRefused("running", _("This version is being applied to open cases already."))
        params = {
            "rule_set": row.pk,
            "actor": {"kind": actor.kind, "id": actor.id, "label": actor.label},
        }
        title = gettext("Version %(n)s of the time limits for open cases") % {"n": row.number}
        job = jobs.start(APPLY, owner_id=actor.id, params=params, title=title, actor=actor, at=at)
        facts = {"number": row.number, "job": job.pk}
        fact = journal.Fact(row, "rules.applied", facts, {"reason": reason})
        journal.append([fact], actor=actor, at=at)
    return job


def latest(rule_set: RuleSet) -> Job | None:
    """Return the newest job that applied this version, or None."""
    jobs_of = Job.objects.filter(kind=APPLY, params__rule_set=rule_set.pk)
    return jobs_of.order_by("-asked_at", "-id").first()


def job_handler() -> JobHandler:
    """Return how the job runs; its counts are `changed` and `looked`, in cases."""
    return JobHandler(APPLY, _run, title=_("Time limits for open cases"))


def _run(job_run: JobRun) -> None:
    """Go through the open cases in order of their pk; a later run goes on after the last chunk."""
    job = job_run.job
    actor = Actor(**job.params["actor"])
    version = RuleSet.objects.get(pk=job.params["rule_set"])
    versions = Versions(_book(version))
    last = int(job.checkpoint.get("last", 0))
    looked, changed = int(job.checkpoint.get("looked", 0)), int(job.checkpoint.get("changed", 0))
    total = max(job.total, _open().count())
    while not job_run.cancelled():
        pks = list(_open().filter(pk__gt=last).values_list("pk", flat=True)[:_CHUNK])
        if not pks:
            counts = {"looked": looked, "changed": changed}
            job_run.progress(done=looked, total=looked, counts=counts)
            return
        with transaction.atomic():
            changed += _apply_chunk(pks, versions, actor, job_run.at())
            last, looked = pks[-1], looked + len(pks)
            counts = {"looked": looked, "changed": changed}
            job_run.progress(
                done=looked, total=max(total, looked), checkpoint={"last": last, **counts},
                counts=counts,
            )  # fmt: skip


def _apply_chunk(pks: Sequence[int], versions: Versions, actor: Actor, at: datetime) -> int:
    """Put one chunk on the version, under the lock of its cases; returns how many were changed."""
    _in_force([versions.book.rule_set], at)
    with hold_cases(_open().filter(pk__in=pks)) as held:
        change, changed = apply_to(held.rows, versions, at)
        journal.append(change.facts, actor=actor, at=at, save=sorted(change.fields))
    return changed


def _open() -> CaseQuerySet:
    return Case.objects.open().filter(is_history=False).order_by("pk")


def _running(row: RuleSet) -> JobQuerySet:
    return Job.objects.unfinished().filter(kind=APPLY, params__rule_set=row.pk)


def _book(version: RuleSet) -> RuleBook:
    """Return the rules of a version; raises RulesRefused for one without policies."""
    found = books([version.pk]).get(version.pk)
    if found is None:
        raise RulesRefused("empty", _("There is no policy. Add one that holds for every case."))
    return found


def _in_force(rows: Sequence[RuleSet], at: datetime) -> RuleSet:
    """Return the version when new cases get it now; raises RulesRefused for any other."""
    current = rulesets.published(KIND, at)
    if not rows or current is None or rows[0].pk != current.pk:
        raise RulesRefused("state", _("Only the version in force is applied to open cases."))
    return rows[0]
