"""Recusal 回避 (DOMAIN.md §4.8): who stays out of a case, declarations of no interest, lifting.

Out of a case are the people named in it and their direct reports; the whole branch only when its
head is named, then the superior unit handles. Who stays out cannot open the case (`visible_to`),
acts on nothing, is chosen by no rule and told nothing. A recusal is lifted by a second person.
The record says how many people a step concerned; who they are is shown to those who may.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from complaints import watching
from complaints.clocks.audience import recused
from complaints.clocks.telling import case_link
from complaints.holding import hold_cases
from complaints.models import Case, CaseExclusion, CaseReview, HandOver, InterestDeclaration
from complaints.teamwork import access
from config.kernel import approvals, journal, notices
from config.kernel.actions import Action
from config.kernel.approvals import ApprovalHandler
from config.kernel.models import Approval, Notice
from config.kernel.models.approval import ApprovalState
from config.kernel.notices import NoticeKind
from config.shared.actors import Actor
from config.shared.registry import Contribution
from config.shared.scope import Scope
from config.shared.worded import WordedError
from config.shared.words import actor_words
from staff import people as people_room
from staff.models import Department, Person
from staff.models.accounts import Role
from staff.models.people import UnitKind

NAMED, LIFTED = "case.recusal_named", "case.recusal_lifted"
HOLDERLESS: Final = "case.recusal_holder"
LIFT: Final = "recusal.lift"
DECIDERS: Final = (Role.SUPERVISOR, Role.APPROVER)
_ENDED: Final = "recusal"


class RecusalRefused(WordedError):  # noqa: N818 - reads as words
    """A recusal that cannot be noted or lifted; the words say why."""


@dataclass(frozen=True, slots=True)
class Recused:
    """One line of the panel; `why` named, reports or unit."""

    person: Person
    why: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Effect:
    """What naming people in one case did: pks kept out, jobs taken from them, who handles now."""

    case: Case
    out: list[int]
    taken: list[str] = field(default_factory=list)
    superior: Department | None = None


# --- Declarations --------------------------------------------------------------------------


def declare(cases: Iterable[Case], act: str, *, actor: Actor, at: datetime) -> None:
    """Keep that the actor declared to have no interest in these held cases before `act`.

    The first declaration of a person for an act of a case stays. Machines declare nothing.
    """
    if actor.kind != "person" or actor.id is None:
        return
    InterestDeclaration.objects.bulk_create(
        [InterestDeclaration(case=case, person_id=actor.id, act=act[:20], at=at) for case in cases],
        ignore_conflicts=True,
    )


def declarations(case: Case) -> list[InterestDeclaration]:
    """Return the declarations about a case, the earliest first; one query."""
    return list(case.declarations.select_related("person").order_by("at", "pk"))


# --- Naming --------------------------------------------------------------------------------


def of(case: Case) -> list[Recused]:
    """Return who stays out of a case; one query."""
    rows = CaseExclusion.objects.filter(case=case).select_related("person__department")
    kept = rows.order_by("at", "person__staff_no")
    return [Recused(row.person, row.reason, row.at) for row in kept]


def name(
    cases: QuerySet[Case], people: Collection[int], reason: str, *, actor: Actor, at: datetime
) -> list[Effect]:
    """Note that people have an interest in these cases; returns what followed, case by case.

    They and their direct reports stay out; where the head of a branch is named, the whole branch.
    Whoever of them handled or reviewed it loses it: the department and the supervisors are told
    to choose somebody else. They watch no longer and their notices about it close.
    RecusalRefused without a reason, or when the actor is one of those who stay out.
    """
    if not reason.strip():
        raise RecusalRefused("reason", _("Say what the interest is."))
    with hold_cases(cases) as held:
        known = recused(held.rows)
        if actor.kind == "person" and any(actor.id in known[case.pk] for case in held.rows):
            raise RecusalRefused("recused", _("You are named in this case and stay out of it."))
        effects, reasons = [], _reasons(set(people))
        for case in held.rows:
            fresh = {pk: word for pk, word in reasons.items() if pk not in known[case.pk]}
            effects.append(_keep_out(case, fresh, at))
        done = [effect for effect in effects if effect.out]
        facts = [journal.Fact(x.case, NAMED, _facts(x), {"reason": reason}) for x in done]
        journal.append(facts, actor=actor, at=at, save=["handler", "updated_at"])
        _tell_of_lost(done, actor, at)
    return effects


def _reasons(named: set[int]) -> dict[int, str]:
    """Return who stays out and why: named, reports, or unit (the head of the branch is named)."""
    wanted = Q(pk__in=named) | Q(reports_to__in=named)
    wanted |= Q(department__head__in=named, department__kind=UnitKind.BRANCH)
    rows = Person.objects.active().filter(wanted).order_by("pk")
    return {
        pk: "named" if pk in named else "reports" if chief in named else "unit"
        for pk, chief in rows.values_list("pk", "reports_to_id")
    }


def _keep_out(case: Case, why: dict[int, str], at: datetime) -> Effect:
    """Write the exclusions of one held case and take from these people what they hold."""
    CaseExclusion.objects.bulk_create(
        [CaseExclusion(case=case, person_id=pk, reason=word, at=at) for pk, word in why.items()]
    )
    out = sorted(why)
    watching.drop([case], out)
    access.keep_out([case], out, at)
    mine = Notice.objects.filter(about=case.about, person_id__in=out, done_at__isnull=True)
    mine.filter(needs_action=True).update(done_at=at)
    taken = []
    if case.handler_id in why:
        case.handler = None
        _hand_back(case, at)
        taken.append("handler")
    if case.officer_id in why:
        taken.append("officer")
    reviews = CaseReview.objects.filter(case=case, told_at__isnull=True, reviewer__in=out)
    if reviews.update(reviewer=None):
        taken.append("reviewer")
    case.updated_at = at
    return Effect(case, out, taken, _superior(case, why))


def _hand_back(case: Case, at: datetime) -> None:
    """End the handler's stretch; the department holds the case without a handler from now on."""
    running = HandOver.objects.filter(case=case, to_at__isnull=True)
    signed = running.values_list("signed_at", flat=True).first()
    running.update(to_at=at, ended_by=_ENDED)
    HandOver.objects.create(
        case=case, department_id=case.department_id, from_at=at, signed_at=signed
    )


def _superior(case: Case, why: dict[int, str]) -> Department | None:
    """Return the unit that is to handle when the head of the present one is named."""
    unit = case.department
    if unit.head_id is None or why.get(unit.head_id) != "named":
        return None
    return unit.superior or unit.parent


def _facts(effect: Effect) -> dict[str, object]:
    superior = effect.superior
    return {
        "count": len(effect.out),
        "people": effect.out,
        "taken": effect.taken,
        "superior": superior.code if superior else None,
    }


def _tell_of_lost(effects: Sequence[Effect], actor: Actor, at: datetime) -> None:
    """Tell heads and supervisors that a case needs other people, none of the recused."""
    supervisors = [person.pk for person in people_room.audience([Role.SUPERVISOR])]
    tellings = []
    for effect in effects:
        case = effect.case
        if not effect.taken and effect.superior is None:
            continue
        asked = dict.fromkeys([case.department.head_id, *supervisors])
        out = recused([case])[case.pk]
        tellings += [
            notices.Telling(
                key=f"{HOLDERLESS}:{case.number}:{case.event_seq}:{pk}",
                person_id=pk,
                kind=HOLDERLESS,
                about=case.about,
                facts={"number": case.number},
                needs_action=True,
            )
            for pk in asked
            if pk is not None and pk not in out and pk != actor.id
        ]
    notices.tell(tellings, at=at)


# --- Lifting -------------------------------------------------------------------------------


def ask_to_lift(
    cases: QuerySet[Case], person_id: int, reason: str, *, actor: Actor, at: datetime
) -> list[Approval]:
    """Ask that a person may work on these cases after all; supervisors or senior approvers decide.

    RecusalRefused without a reason or where the person is not kept out, AskRefused when a request
    about the case waits already.
    """
    if not reason.strip():
        raise RecusalRefused("reason", _("Give the reason."))
    with hold_cases(cases) as held:
        out = recused(held.rows)
        if actor.kind == "person" and any(actor.id in out[case.pk] for case in held.rows):
            raise RecusalRefused("recused", _("You are named in this case and stay out of it."))
        if any(person_id not in out[case.pk] for case in held.rows):
            raise RecusalRefused("not_out", _("This person does not stay out of the case."))
        requests = [
            approvals.Request(LIFT, case.about, case.pk, reason, {"person": person_id})
            for case in held.rows
        ]
        return approvals.ask(requests, actor=actor, at=at)


def _lift(approval: Approval, decision: str, note: str, actor: Actor, at: datetime) -> None:
    """Carry a decision out: the exclusion goes, recorded. Refused ones leave it."""
    declare(Case.objects.filter(pk=approval.about_id), "approve", actor=actor, at=at)
    if decision != ApprovalState.APPROVED:
        return
    person_id = int(approval.facts["person"])
    with hold_cases(Case.objects.filter(pk=approval.about_id)) as held:
        rows = CaseExclusion.objects.filter(case__in=held.rows, person=person_id)
        if not rows.delete()[0]:
            raise RecusalRefused("not_out", _("This person does not stay out of the case."))
        facts = [
            journal.Fact(case, LIFTED, {"person": person_id}, {"reason": note or approval.reason})
            for case in held.rows
        ]
        journal.append(facts, actor=actor, at=at)


def _reaches(_approval: Approval, scope: Scope) -> bool:
    return bool(scope.roles & {str(role) for role in DECIDERS}) or scope.everything


def _may_decide(approval: Approval, scope: Scope) -> bool:
    """Supervisors and senior approvers who do not stay out of the case themselves."""
    named = CaseExclusion.objects.filter(case=approval.about_id, person=scope.member or 0)
    return _reaches(approval, scope) and not named.exists()


def _audience(requests: Sequence[Approval]) -> dict[int, list[int]]:
    able = [person.pk for person in people_room.audience(DECIDERS)]
    rows = CaseExclusion.objects.filter(case__in={row.about_id for row in requests})
    out = set(rows.values_list("case_id", "person_id"))
    return {row.pk: [pk for pk in able if (row.about_id, pk) not in out] for row in requests}


def _sentence(approval: Approval) -> str:
    person = Person.objects.filter(pk=approval.facts.get("person")).first()
    text = _("%(who)s asks to let %(person)s work on case %(number)s in spite of an interest")
    return str(text) % {
        "who": actor_words(approval.asked_by_label),
        "person": person.label if person else "–",
        "number": approval.about.partition(":")[2],
    }


def _link(approval: Approval) -> str:
    return reverse("case", args=[approval.about.partition(":")[2]])


def _lock(case_pk: int) -> None:
    list(Case.objects.filter(pk=case_pk).select_for_update(no_key=True).values_list("pk"))


def contributions() -> tuple[Contribution, ...]:
    """Return the lines for the registry."""
    return (
        Action(NAMED, _("Recusal noted (people kept out of the case: %(count)s)"), "shield-x"),
        Action(LIFTED, _("A recusal was lifted"), "shield-check"),
        NoticeKind(
            HOLDERLESS,
            _("Case %(number)s needs other people: somebody who held it stays out of it"),
            "user-x",
            case_link,
            _("Choose"),
        ),
        ApprovalHandler(
            key=LIFT,
            title=_("Lift a recusal"),
            may_decide=_may_decide,
            apply=_lift,
            sentence=_sentence,
            audience=_audience,
            link=_link,
            reaches=_reaches,
            lock=_lock,
        ),
    )
