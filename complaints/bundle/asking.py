"""Asking for a bundle, the bundles one asked for, and the end of their files after seven days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.holding import hold_cases
from complaints.models import Case
from config.kernel import files, jobs, journal
from config.kernel.models import Job
from config.kernel.models.jobs import JobState
from config.shared.actors import Actor
from config.shared.scope import Scope
from config.shared.worded import WordedError

KIND: Final = "case_bundle"
KEPT: Final = timedelta(days=7)
ASKED, BUNDLED, OPENED = "case.bundle_asked", "case.bundled", "case.bundle_opened"
PARTS: Final[dict[str, str | Promise]] = {
    "record": gettext_lazy("Service record"),
    "timeline": gettext_lazy("Timeline"),
    "messages": gettext_lazy("Messages from and to the customer"),
    "decisions": gettext_lazy("Decisions and answers"),
    "approvals": gettext_lazy("Approvals"),
    "notes": gettext_lazy("Internal notes"),
}
_UNDER_WAY: Final = (JobState.QUEUED, JobState.RUNNING)
_LISTED: Final = 10
_PER_SWEEP: Final = 200
_CHUNK: Final = 400


class BundleRefused(WordedError):  # noqa: N818 - reads as words
    """A bundle that cannot be made; the words say why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What goes in: keys of PARTS, tokens of files; for whom, why, and names to black out."""

    parts: tuple[str, ...]
    files: tuple[str, ...]
    recipient: str
    reason: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """One bundle of the reader: `ready` to download until `until`."""

    job: Job
    ready: bool
    under_way: bool
    until: datetime | None
    error: str


def ask(cases: QuerySet[Case], wish: Wish, *, actor: Actor, at: datetime) -> Job:
    """Have a bundle of the one case in `cases` made; recorded with purpose and reason.

    While one that this person asked for is being made, that one is returned.
    """
    if not wish.reason.strip() or not wish.recipient.strip():
        raise BundleRefused("reason", _("Say for whom the bundle is and why."))
    if not wish.parts and not wish.files:
        raise BundleRefused("empty", _("Choose at least one part."))
    with hold_cases(cases) as held:
        if len(held.rows) != 1:
            raise BundleRefused("gone", _("This case is no longer open to you."))
        case = held.rows[0]
        waiting = Job.objects.filter(
            kind=KIND, owner_id=actor.id, state__in=_UNDER_WAY, params__case=case.pk
        ).first()
        if waiting is not None:
            return waiting
        facts = {"parts": list(wish.parts), "files": len(wish.files)}
        words = {"reason": wish.reason, "recipient": wish.recipient, "names": "\n".join(wish.names)}
        fact = journal.Fact(case, ASKED, facts, words)
        [entry] = journal.append([fact], actor=actor, at=at)
        params = {
            "case": case.pk,
            "number": case.number,
            "parts": list(wish.parts),
            "files": list(wish.files),
            "seq": entry.seq,
        }
        title = _("Bundle of case %(number)s") % {"number": case.number}
        return jobs.start(KIND, owner_id=actor.id, params=params, title=title, actor=actor, at=at)


def jobs_of(case: Case, scope: Scope) -> QuerySet[Job]:
    """Return the bundles of a case that this person asked for, newest first."""
    rows = Job.objects.visible_to(scope).filter(kind=KIND, owner_id=scope.member or 0)
    return rows.filter(params__case=case.pk).select_related("result").order_by("-pk")


def made(case: Case, scope: Scope) -> list[Made]:
    """Return the newest bundles of this person, ready to show."""
    return [_told(job) for job in jobs_of(case, scope)[:_LISTED]]


def _told(job: Job) -> Made:
    kept = job.result is not None and job.result.erased_at is None
    until = job.finished_at + KEPT if job.finished_at and kept else None
    return Made(job, kept, job.state in _UNDER_WAY, until, jobs.error_of(job))


def downloaded(cases: QuerySet[Case], job: Job, *, actor: Actor, at: datetime) -> None:
    """Record that somebody fetched the file of a bundle."""
    with hold_cases(cases) as held:
        digest = job.result.sha256 if job.result else ""
        facts = [
            journal.Fact(case, OPENED, {"job": job.pk, "sha256": digest}) for case in held.rows
        ]
        journal.append(facts, actor=actor, at=at)


def expire(at: datetime) -> int:
    """Due work `expire_bundles`: remove files of bundles made seven days ago; returns how many."""
    old = Job.objects.filter(kind=KIND, finished_at__lte=at - KEPT, result__erased_at__isnull=True)
    return _remove(old.exclude(result=None).select_related("result")[:_PER_SWEEP], at)


def erase(customer_pks: Sequence[int], at: datetime) -> int:
    """Remove the bundles of these customers' cases; for the eraser. Returns how many."""
    cases = Case.objects.filter(customer__in=list(customer_pks), legal_hold=False)
    ids = list(cases.order_by("pk").values_list("pk", flat=True))
    count = 0
    for start in range(0, len(ids), _CHUNK):
        rows = Job.objects.filter(kind=KIND, params__case__in=ids[start : start + _CHUNK])
        rows = rows.filter(result__isnull=False, result__erased_at__isnull=True)
        count += _remove(rows.select_related("result"), at)
    return count


def _remove(rows: QuerySet[Job], at: datetime) -> int:
    count = 0
    for job in rows:
        with transaction.atomic():
            if job.result is not None:
                files.erase(job.result, at=at)
        count += 1
    return count
