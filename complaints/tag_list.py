"""The list of tags: make, rename, merge, retire; counted up to a cap, recorded in the record.

Merging retires a tag and names its successor; the cases that have it follow in chunks, in the
request where they are few, as the job `tags.merge` where they are many.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.fields import IntegerField
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import tagging
from complaints.holding import hold_cases
from complaints.models import Case, CaseTag, RoutingRule
from complaints.tagging import LIST, MERGED
from config.kernel import jobs, journal, rulesets, terms
from config.kernel.job_runs import JobRun
from config.kernel.jobs import JobHandler
from config.kernel.models import Job, Term
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.listing import MANY
from config.shared.scope import Scope
from config.shared.worded import WordedError
from config.shared.words import in_language, listed
from staff.accounts import actor_of
from staff.models import Account

KIND: Final = "tags.merge"
MOST: Final = 300
"""So many tags in use; more help nobody to find anything."""
_AT_ONCE: Final = 200
_CHUNK: Final = 100
_LONGEST: Final = 14


class TagRefused(WordedError):  # noqa: N818 - named for what happened
    """The tag cannot be changed like that; the words say why."""


class TagChanged(TagRefused):
    """Somebody changed the tag meanwhile."""

    def __init__(self) -> None:
        super().__init__("stale", gettext_lazy("Somebody changed this tag meanwhile."))


def every() -> list[Term]:
    """Return all tags: those in use in their order, then the others."""
    rows = Term.objects.filter(taxonomy=LIST)
    return sorted(rows, key=lambda term: (not term.active, term.order, term.code))


def fetch(scope: Scope, code: str) -> Term:
    """Return a tag that this person may change: no right 403, no such tag 404."""
    scope.demand("tags", "edit")
    for term in Term.objects.filter(taxonomy=LIST, code=code):
        return term
    raise Http404


def create(name_en: str, name_zh: str, *, actor: Actor, at: datetime) -> Term:
    """Add a tag; its code is made of the English name. Raises TagRefused for a name in use."""
    with transaction.atomic():
        rows = list(Term.objects.filter(taxonomy=LIST).select_for_update(no_key=True))
        if sum(row.active for row in rows) >= MOST:
            raise TagRefused("many", gettext_lazy("There are too many tags. Merge some first."))
        _refuse_same(rows, name_en, name_zh)
        order = max((row.order for row in rows), default=0) + 1
        code = _code(name_en, {row.code for row in rows})
        term = Term(taxonomy=LIST, code=code, name_en=name_en, name_zh=name_zh, order=order)
        return terms.add(term, actor=actor, at=at)


def rename(term: Term, name_en: str, name_zh: str, *, actor: Actor, at: datetime) -> None:
    """Give a tag other names; `term` carries the version that was seen. Raises TagRefused."""
    others = Term.objects.filter(taxonomy=LIST).exclude(pk=term.pk)
    _refuse_same(others, name_en, name_zh)
    term.name_en, term.name_zh = name_en, name_zh
    if not terms.change(term, ["name_en", "name_zh"], actor=actor, at=at):
        raise TagChanged


def retire(term: Term, *, actor: Actor, at: datetime) -> None:
    """Take a tag out of use: cases keep it, nobody can add it.

    Raises TagRefused where a routing rule in force sets it: the rule would put on cases what
    people may not.
    """
    if rules := rules_that_set(term.code, at):
        message = gettext_lazy("Routing rules set this tag: %(rules)s. Merge it, or change them.")
        raise TagRefused("ruled", message, {"rules": listed(rules)})
    term.active = False
    if not terms.change(term, ["active"], actor=actor, at=at):
        raise TagChanged


def restore(term: Term, *, actor: Actor, at: datetime) -> None:
    """Put a retired tag into use again; a merged one stays with its successor."""
    if term.flags.get(MERGED):
        raise TagRefused("merged", gettext_lazy("This tag was merged into another one."))
    term.active = True
    if not terms.change(term, ["active"], actor=actor, at=at):
        raise TagChanged


def merge(term: Term, into: Term, *, actor: Actor, at: datetime) -> Job | None:
    """Make every case that has `term` have `into`; rules that set the one set the other.

    Returns the job that moves the cases, None where they were few and it is done.
    """
    if into.pk == term.pk or not into.active or not term.active:
        raise TagRefused("into", gettext_lazy("Choose another tag that is in use."))
    term.active, term.flags = False, {**term.flags, MERGED: into.code}
    with transaction.atomic():
        if not terms.change(term, ["active", "flags"], actor=actor, at=at):
            raise TagChanged
        with hold(Term.objects.filter(pk=term.pk)) as held:
            fact = journal.Fact(held.rows[0], "tag.merged", {"into": into.code})
            journal.append([fact], actor=actor, at=at)
        many = CaseTag.objects.filter(term=term).values("pk")[: _AT_ONCE + 1].count() > _AT_ONCE
        job = _later(term, into, actor, at) if many else None
    while job is None and _move(term, into, actor, at):
        pass
    return job


def counts(scope: Scope) -> dict[str, int]:
    """Return by code how many visible cases have a tag, up to 10,001; one query."""
    visible = Case.objects.visible_to(scope).order_by().values("pk")
    tagged = CaseTag.objects.filter(term=OuterRef("pk"), case__in=visible).order_by()
    rows = Term.objects.filter(taxonomy=LIST).annotate(
        n=_CountUpTo(tagged.values("pk")[: MANY + 1])
    )
    return dict(rows.values_list("code", "n"))


def rules_that_set(code: str, at: datetime) -> list[str]:
    """Return the names of routing rules in force that set this tag, or one merged into it."""
    published = rulesets.published("routing", at)
    rows = RoutingRule.objects.filter(rule_set=published).order_by("order") if published else []
    ruled = {row: set(row.tags) for row in rows}
    meant = tagging.live(set().union(*ruled.values())) if ruled else {}
    same = {asked for asked, term in meant.items() if term.code == code}
    return [in_language(row.name_en, row.name_zh) for row in ruled if ruled[row] & same]


class _CountUpTo(Subquery):
    """How many rows a limited sub-query finds."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def _later(term: Term, into: Term, actor: Actor, at: datetime) -> Job:
    return jobs.start(
        KIND,
        owner_id=actor.id,
        params={"from": term.code, "into": into.code},
        title=_("Tag “%(one)s” becomes “%(other)s”") % {"one": term.label, "other": into.label},
        actor=actor,
        at=at,
    )


def _move(term: Term, into: Term, actor: Actor, at: datetime) -> int:
    """Move one chunk of cases under their lock; returns how many had the tag, 0 at the end."""
    with transaction.atomic():
        rows = CaseTag.objects.filter(term=term).order_by("pk")
        pks = list(rows.values_list("case", flat=True)[:_CHUNK])
        if not pks:
            return 0
        with hold_cases(Case.objects.filter(pk__in=pks)) as held:
            both = CaseTag.objects.filter(term=into, case__in=pks).values_list("case", flat=True)
            doubled = set(both)
            of_these = CaseTag.objects.filter(term=term, case__in=pks)
            of_these.filter(case__in=doubled).delete()
            of_these.update(term=into)
            told = {"tag": term.code, "into": into.code}
            facts = [journal.Fact(case, "case.tag_merged", told) for case in held.rows]
            journal.append_plain(facts, actor=actor, at=at)
    return len(pks)


def run(job_run: JobRun) -> None:
    """Move the cases of a merged tag, chunk by chunk; a second run finds what is left."""
    job = job_run.job
    named = {t.code: t for t in Term.objects.filter(taxonomy=LIST)}
    term, into = named[job.params["from"]], named[job.params["into"]]
    account = Account.objects.get(person_id=job.owner_id or 0)
    left = CaseTag.objects.filter(term=term).count()
    done, total = job.done, job.done + left
    while not job_run.cancelled():
        with transaction.atomic():
            moved = _move(term, into, actor_of(account), job_run.at())
            done += moved
            job_run.progress(done=done, total=max(total, done), counts={"cases": done})
        if not moved:
            return


def handler() -> JobHandler:
    """Return how the job runs; its count is `cases`."""
    return JobHandler(KIND, run, title=gettext_lazy("Merging of a tag"))


def _refuse_same(rows: Iterable[Term], name_en: str, name_zh: str) -> None:
    """Raise TagRefused when another tag goes by one of these names."""
    wanted = {_plain(name_en), _plain(name_zh)}
    for row in rows:
        if {_plain(row.name_en), _plain(row.name_zh)} & wanted:
            message = gettext_lazy("There is a tag with this name already: %(tag)s.")
            raise TagRefused("same", message, {"tag": row.label})


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _code(name: str, taken: set[str]) -> str:
    """Return a code in capitals that no tag has: FEES, FEES-2."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    base = re.sub(r"[^A-Z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-") or "TAG"
    number = 1
    code = base
    while code in taken:
        number += 1
        code = f"{base}-{number}"
    return code


__all__ = [
    "TagChanged",
    "TagRefused",
    "counts",
    "create",
    "every",
    "handler",
    "merge",
    "rename",
    "restore",
    "retire",
    "rules_that_set",
]
