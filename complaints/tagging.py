"""Managed tags (S1-6): on a case, and as a list: made, renamed, merged, retired.

A tag is a term of the list `tag`. A retired one stays on the cases that have it and cannot be
added any more. A merged one is retired and names its successor in `flags["merged_into"]`; rules
that set it set the successor (`live`). Tags are no fact of the matter: changing them raises no
version, so nobody's open form becomes stale by it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import Status
from complaints.holding import hold_cases
from complaints.models import Case, CaseExclusion, CaseTag
from config.kernel import journal
from config.kernel.models import Term
from config.shared.actors import Actor
from config.shared.words import listed

LIST: Final = "tag"
STATES: Final = frozenset(Status.values) - {Status.ARCHIVED, Status.MERGED}
MOST_ON_CASE: Final = 20
MERGED: Final = "merged_into"
_HOPS: Final = 10


@dataclass(frozen=True, slots=True)
class Tagged:
    """What became of one case: the codes that were added or taken, or why nothing was done."""

    case: Case
    codes: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class TagChip:
    """A tag as shown on a case; `retired` ones are shown, and can only be taken away."""

    code: str
    label: str
    retired: bool


def add(cases: QuerySet[Case], codes: Sequence[str], *, actor: Actor, at: datetime) -> list[Tagged]:
    """Put tags on cases; those they have already stay. One answer per case.

    Codes of merged tags mean their successor; retired and unknown ones are refused in words.
    """
    with hold_cases(cases) as held:
        _still(codes)
        found = live(codes)
        lost = [code for code in codes if code not in found or not found[code].active]
        terms = {term.code: term for code, term in found.items() if code not in lost}
        had = _codes_on(held.rows)
        out = _named(held.rows, actor)
        answers = [_may_add(case, had[case.pk], terms, lost, out) for case in held.rows]
        CaseTag.objects.bulk_create(
            CaseTag(case=answer.case, term=terms[code], at=at, by_id=actor.id)
            for answer in answers
            for code in answer.codes
        )
        _record("case.tagged", answers, actor, at)
    return answers


def drop(
    cases: QuerySet[Case], codes: Sequence[str], *, actor: Actor, at: datetime
) -> list[Tagged]:
    """Take tags off cases, retired ones too. One answer per case."""
    wanted = set(codes) | {term.code for term in live(codes).values()}
    with hold_cases(cases) as held:
        had = _codes_on(held.rows)
        out = _named(held.rows, actor)
        answers = []
        for case in held.rows:
            taken = tuple(sorted(had[case.pk] & wanted))
            why = _shut(case, out) or ("" if taken else _("It does not have this tag."))
            answers.append(Tagged(case, () if why else taken, why))
        gone = [answer.case.pk for answer in answers if answer.codes]
        on_them = CaseTag.objects.filter(case__in=gone, term__taxonomy=LIST)
        on_them.filter(term__code__in=sorted(wanted)).delete()
        _record("case.untagged", answers, actor, at)
    return answers


def live(codes: Iterable[str]) -> dict[str, Term]:
    """Return by code asked for the tag it stands for now: itself, or what it was merged into."""
    every = {term.code: term for term in Term.objects.filter(taxonomy=LIST)}
    found = {}
    for code in codes:
        term = every.get(code)
        for _hop in range(_HOPS):
            after = every.get(str(term.flags.get(MERGED, ""))) if term else None
            if after is None:
                break
            term = after
        if term is not None:
            found[code] = term
    return found


def chips(case: Case) -> list[TagChip]:
    """Return the tags of a case in the order of the list; no query where `tags` is prefetched."""
    rows = sorted(case.tags.all(), key=lambda row: (row.term.order, row.term.code))
    return [TagChip(row.term.code, row.term.label, not row.term.active) for row in rows]


def usable() -> list[Term]:
    """Return the tags that can be added, in their order."""
    return list(Term.objects.filter(taxonomy=LIST, active=True).order_by("order", "code"))


def on_cases(rows: QuerySet[Case]) -> list[Term]:
    """Return the tags that these cases have, retired ones too."""
    terms = CaseTag.objects.filter(case__in=rows.order_by().values("pk")).values("term")
    return list(Term.objects.filter(pk__in=terms).order_by("order", "code"))


def _still(codes: Sequence[str]) -> None:
    """Keep these tags from being merged or retired until the transaction ends."""
    rows = Term.objects.filter(taxonomy=LIST, code__in=list(codes)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def _codes_on(cases: Sequence[Case]) -> dict[int, set[str]]:
    rows = CaseTag.objects.filter(case__in=cases).values_list("case_id", "term__code")
    found: dict[int, set[str]] = {case.pk: set() for case in cases}
    for pk, code in rows:
        found[pk].add(code)
    return found


def _named(cases: Sequence[Case], actor: Actor) -> set[int]:
    """Return the cases in which the actor is named and stays out."""
    if actor.kind != "person":
        return set()
    rows = CaseExclusion.objects.filter(case__in=cases, person_id=actor.id or 0)
    return set(rows.values_list("case_id", flat=True))


def _may_add(
    case: Case, had: set[str], terms: Mapping[str, Term], lost: Sequence[str], out: set[int]
) -> Tagged:
    fresh = tuple(code for code in terms if code not in had)
    why = _shut(case, out)
    if not why and not fresh:
        why = _unusable(lost) if lost else _("It has this tag already.")
    if not why and len(had) + len(fresh) > MOST_ON_CASE:
        why = _("A case has at most %(most)s tags.") % {"most": MOST_ON_CASE}
    return Tagged(case, () if why else fresh, why)


def _unusable(codes: Sequence[str]) -> str:
    return _("This tag is not used any more: %(tags)s.") % {"tags": listed(codes)}


def _shut(case: Case, out: set[int]) -> str:
    if case.pk in out:
        return _("You are named in this case and stay out of it.")
    if case.status not in STATES:
        return _("Nothing can be added to the case in this state.")
    return ""


def _record(action: str, answers: Sequence[Tagged], actor: Actor, at: datetime) -> None:
    facts: list[journal.Fact] = [
        journal.Fact(answer.case, action, {"tags": list(answer.codes)})
        for answer in answers
        if answer.codes
    ]
    journal.append(facts, actor=actor, at=at)


def names(codes: Any) -> str:
    """Return the names of tags for a sentence of the record, in the reader's language."""
    wanted = [str(code) for code in codes] if isinstance(codes, list) else [str(codes)]
    known = {t.code: t.label for t in Term.objects.filter(taxonomy=LIST, code__in=wanted)}
    return listed(known.get(code, code) for code in wanted)


def actions() -> tuple[journal.Action, ...]:
    """Return what may be recorded of tags."""
    show = {"tags": names, "into": names, "tag": names}
    return (
        journal.Action("case.tagged", gettext_lazy("Tagged %(tags)s"), "tag", show),
        journal.Action("case.untagged", gettext_lazy("No longer tagged %(tags)s"), "eraser", show),
        journal.Action("case.tag_merged", gettext_lazy("Tag %(tag)s became %(into)s"), "tag", show),
        journal.Action("tag.merged", gettext_lazy("Tag merged into %(into)s"), "git-merge", show),
    )


__all__ = [
    "LIST",
    "STATES",
    "TagChip",
    "Tagged",
    "actions",
    "add",
    "chips",
    "drop",
    "live",
    "on_cases",
    "usable",
]
