"""Watchers 关注人: who sees a case without handling it, why, and how one becomes one.

A watcher may read the case (`CaseGrant`), also where the roles would not let them; so restricted
cases have none, and recused people are never among them.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.choices import WatchedBy
from complaints.clocks.audience import recused
from complaints.clocks.telling import case_link
from complaints.holding import hold_cases
from complaints.models import Case, CaseGrant
from config.kernel import journal, notices
from config.kernel.actions import Action
from config.kernel.models import Notice
from config.kernel.notices import NoticeKind
from config.shared.actors import Actor
from config.shared.registry import Contribution
from config.shared.worded import WordedError
from config.shared.words import listed
from staff.models import Person

ADDED, REMOVED, TOLD = "case.watch_added", "case.watch_removed", "case.watching"


class WatchRefused(WordedError):  # noqa: N818 - reads as words
    """Somebody cannot watch a case; the words say why."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """One line of the panel."""

    person: Person
    why: str
    since: datetime


def watchers(case: Case) -> list[Watcher]:
    """Return who watches a case, the earliest first; one query."""
    rows = CaseGrant.objects.filter(case=case, watcher=True).select_related("person__department")
    kept = rows.order_by("at", "pk")
    return [Watcher(x.person, x.get_why_display() if x.why else "", x.at) for x in kept]


def watch(cases: QuerySet[Case], people: Collection[int], *, actor: Actor, at: datetime) -> int:
    """Let people watch these cases; returns how many became watchers now.

    They get a notice each, the actor excepted. Who watches already stays as they are.
    WatchRefused, and nothing is written, for a restricted case, a recused person, somebody who
    has left or has no account, and for an actor who is recused.
    """
    with hold_cases(cases) as held:
        known = _fit(people)
        out = recused(held.rows)
        for case in held.rows:
            _refuse(case, known, out[case.pk], actor)
        added = [(case, pks) for case in held.rows if (pks := _missing(case, known))]
        for case, pks in added:
            _grant(case, pks, at)
        facts = [
            journal.Fact(case, ADDED, {"people": pks, "why": str(WatchedBy.PERSON)})
            for case, pks in added
        ]
        journal.append(facts, actor=actor, at=at)
        notices.tell(_tellings(added, actor), at=at)
    return sum(len(pks) for _case, pks in added)


def unwatch(cases: QuerySet[Case], people: Collection[int], *, actor: Actor, at: datetime) -> int:
    """Let people watch these cases no longer; returns how many did. Recorded."""
    with hold_cases(cases) as held:
        gone = drop(held.rows, people)
        facts = [
            journal.Fact(case, REMOVED, {"people": gone[case.pk]})
            for case in held.rows
            if case.pk in gone
        ]
        journal.append(facts, actor=actor, at=at)
        keys = [(case.about, pks) for case in held.rows if (pks := gone.get(case.pk))]
        for about, pks in keys:
            waiting = Notice.objects.filter(about=about, kind=TOLD, person_id__in=pks)
            waiting.filter(done_at__isnull=True).update(done_at=at)
    return sum(len(pks) for pks in gone.values())


def drop(cases: Sequence[Case], people: Collection[int]) -> dict[int, list[int]]:
    """Delete watchers of held cases; returns their pks by case pk. The caller records it."""
    rows = CaseGrant.objects.filter(case__in=cases, person__in=people, watcher=True)
    gone: dict[int, list[int]] = {}
    for case_id, person_id in rows.values_list("case_id", "person_id").order_by("person_id"):
        gone.setdefault(case_id, []).append(person_id)
    helping = rows.filter(why__in=(WatchedBy.TASK, WatchedBy.TASK_FORCE))
    helping.update(watcher=False)  # they still read the case for what they do there
    rows.delete()
    return gone


def _fit(people: Collection[int]) -> list[int]:
    """Return the pks, in order; WatchRefused when one of them cannot sign in any more."""
    wanted = sorted(set(people))
    able = Person.objects.active().filter(pk__in=wanted, account__is_active=True)
    if able.count() != len(wanted):
        text = _("Only people who work here and have an account can watch a case.")
        raise WatchRefused("gone", text)
    return wanted


def _refuse(case: Case, people: Sequence[int], out: set[int], actor: Actor) -> None:
    if case.restricted:
        raise WatchRefused("restricted", _("A restricted case has no watchers."))
    if actor.kind == "person" and actor.id in out:
        raise WatchRefused("recused", _("You are named in this case and stay out of it."))
    if out & set(people):
        raise WatchRefused("recused", _("This person stays out of the case (recusal)."))


def _missing(case: Case, people: Sequence[int]) -> list[int]:
    """Return who of these people does not watch the case yet."""
    rows = CaseGrant.objects.filter(case=case, person__in=people, watcher=True)
    there = set(rows.values_list("person_id", flat=True))
    return [pk for pk in people if pk not in there]


def _grant(case: Case, people: Sequence[int], at: datetime) -> None:
    CaseGrant.objects.bulk_create(
        [
            CaseGrant(case=case, person_id=pk, watcher=True, why=WatchedBy.PERSON, at=at)
            for pk in people
        ],
        update_conflicts=True,
        unique_fields=["person", "case"],
        update_fields=["watcher"],
    )


def _tellings(added: Sequence[tuple[Case, list[int]]], actor: Actor) -> list[notices.Telling]:
    return [
        notices.Telling(
            key=f"{TOLD}:{case.number}:{case.event_seq}:{pk}",
            person_id=pk,
            kind=TOLD,
            about=case.about,
            facts={"number": case.number},
        )
        for case, pks in added
        for pk in pks
        if pk != actor.id
    ]


def named_people(pks: Collection[int]) -> str:
    """Return the names of people in the order of their pks; a dash for nobody."""
    found = Person.objects.in_bulk(list(pks))
    return listed(found[pk].label for pk in pks if pk in found) or "–"


def contributions() -> tuple[Contribution, ...]:
    """Return the lines for the registry."""
    shown: dict[str, Callable[[Any], object]] = {"people": named_people}
    return (
        Action(ADDED, _("Watches from now on: %(people)s"), "eye", shown),
        Action(REMOVED, _("Watches no longer: %(people)s"), "eye-off", shown),
        NoticeKind(TOLD, _("You were asked to watch case %(number)s"), "eye", case_link),
    )
