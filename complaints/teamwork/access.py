"""Who may read a case because of a task or as a member of its task force: rows of CaseGrant.

Written when somebody is asked, takes a task or joins, so that lists need no further question.
A refused or cancelled task takes the access away at once, unless another task of the case gives
it; an answered one stays readable until the case is archived or left aside, so that whoever
answered can explain. Watchers stay watchers whatever ends (decision 0016).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from complaints.choices import TaskState, WatchedBy
from complaints.clocks.audience import Directory, recused
from complaints.models import Case, CaseGrant, CaseTask
from config.kernel.models import Notice
from config.shared.actors import Actor
from config.shared.worded import WordedError
from staff.models import Person, RoleGrant
from staff.models.accounts import Role
from staff.roles import REACH

APOLOGY: Final = "case.apology"
"""The entry and the notice by which an apology is asked for (`relations.apologies`)."""
GIVING: Final = (TaskState.ASKED, TaskState.ACCEPTED, TaskState.ANSWERED)
_TEAM: Final = (WatchedBy.TASK, WatchedBy.TASK_FORCE)


class TeamRefused(WordedError):  # noqa: N818 - reads as words
    """Something that cannot be asked of others or done for them; the words say why.

    Code `stale`: somebody was faster. `field` names the field of the form, '' = none.
    """

    field = ""

    def at_field(self, name: str) -> "TeamRefused":
        """Return this refusal beside a field."""
        self.field = name
        return self


def needed(text: str, field: str) -> str:
    """Return the text without blanks around it; TeamRefused beside `field` when none is left."""
    kept = text.replace("\x00", "").strip()
    if not kept:
        raise TeamRefused("empty", _("Write something.")).at_field(field)
    return kept


def holders(act: str = "view") -> list[str]:
    """Return the roles that reach an act on cases at all; only who views them can be let in."""
    return [role for role, reach in REACH.items() if ("cases", act) in reach]


def able(people: Iterable[int], act: str = "view") -> set[int]:
    """Return which of these people work here and have an account that may do `act` on cases."""
    rows = Person.objects.active().filter(pk__in=list(people), account__is_active=True)
    rows = rows.filter(account__grants__role__in=holders(act))
    return set(rows.values_list("pk", flat=True))


def sees_restricted(case: Case, people: Collection[int]) -> set[int]:
    """Return which of these people may open a restricted case already."""
    granted = CaseGrant.objects.filter(case=case, person__in=people)
    may = RoleGrant.objects.filter(
        role=Role.COMPLIANCE, account__is_active=True, account__person__in=people
    )
    return {
        *granted.values_list("person_id", flat=True),
        *may.values_list("account__person_id", flat=True),
    }


def refuse_recused(cases: Sequence[Case], actor: Actor) -> dict[int, set[int]]:
    """Return who stays out of each case; TeamRefused when the actor is among them."""
    out = recused(cases)
    if actor.kind == "person" and any(actor.id in people for people in out.values()):
        raise TeamRefused("recused", _("You are named in this case and stay out of it."))
    return out


def let_in(people: Mapping[int, Iterable[int]], why: WatchedBy, at: datetime) -> None:
    """Let people (pks by case pk) read cases; who may already keeps what they have.

    Membership of a task force is marked on the row of somebody who could read before.
    """
    rows = [
        CaseGrant(case_id=case, person_id=pk, why=why, at=at)
        for case, pks in people.items()
        for pk in dict.fromkeys(pks)
    ]
    if why == WatchedBy.TASK_FORCE:
        CaseGrant.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["person", "case"],
            update_fields=["why"],
        )
    else:
        CaseGrant.objects.bulk_create(rows, ignore_conflicts=True)


def take_away(cases: Iterable[Case], why: Collection[WatchedBy] = _TEAM) -> None:
    """End the access these cases gave for these reasons; watchers go on watching."""
    rows = CaseGrant.objects.filter(case__in=list(cases), why__in=why)
    rows.filter(watcher=False).delete()
    rows.update(why=WatchedBy.PERSON)


def settle(case: Case) -> None:
    """Leave the access by tasks of a held case to those whom a task still gives it."""
    entitled = _entitled(case)
    gone = CaseGrant.objects.filter(case=case, why=WatchedBy.TASK).exclude(person__in=entitled)
    gone.filter(watcher=False).delete()
    gone.update(why=WatchedBy.PERSON)


def leave_force(case: Case, people: Collection[int]) -> list[int]:
    """Take people out of the task force of a held case; returns who was in it."""
    rows = CaseGrant.objects.filter(case=case, person__in=people, why=WatchedBy.TASK_FORCE)
    gone = sorted(rows.values_list("person_id", flat=True))
    tasked = _entitled(case) & set(gone)
    rows.filter(person__in=tasked).update(why=WatchedBy.TASK)
    rest = CaseGrant.objects.filter(case=case, person__in=gone, why=WatchedBy.TASK_FORCE)
    rest.filter(watcher=False).delete()
    rest.update(why=WatchedBy.PERSON)
    return gone


def keep_out(cases: Sequence[Case], people: Collection[int], at: datetime) -> None:
    """Take tasks and membership from people who stay out of these held cases from now on."""
    mine = CaseTask.objects.filter(case__in=cases, ended_at__isnull=True)
    abouts = [about(task) for task in mine]
    told = Notice.objects.filter(about__in=abouts, person_id__in=people, done_at__isnull=True)
    told.filter(needs_action=True).update(done_at=at)
    mine.filter(person__in=people).update(person=None)
    CaseGrant.objects.filter(case__in=cases, person__in=people, why__in=_TEAM).delete()


def about(task: CaseTask) -> str:
    """Return what notices about a task are about."""
    return f"task:{task.pk}"


def barred(pairs: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return which (about, person pk) name a task of a case the person stays out of by now."""
    pks = [text.removeprefix("task:") for text, _person in pairs if text.startswith("task:")]
    rows = CaseTask.objects.filter(pk__in=[int(pk) for pk in pks if pk.isdigit()])
    found = rows.filter(case__exclusions__person__in={person for _about, person in pairs})
    named = found.values_list("pk", "case__exclusions__person")
    return {(f"task:{pk}", person) for pk, person in named} & set(pairs)


def _entitled(case: Case) -> set[int]:
    """Return whom the tasks of a case let read it."""
    tasks = CaseTask.objects.filter(case=case, state__in=GIVING)
    pairs = list(tasks.values_list("person_id", "department_id"))
    directory = Directory() if pairs else None
    found: set[int | None] = {person for person, _unit in pairs}
    for _person, unit in pairs:
        found |= directory.heads_of(unit) if directory else set()
    return {pk for pk in found if pk}
