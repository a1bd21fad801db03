"""Approvals of this room: who may decide each kind, and how a decision is carried out.

An approved request runs the same verb the page would run, with the approver as actor; an answer
that is returned or refused goes back to its handler.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from complaints import recusal, workflow
from complaints.models import Case, CaseExclusion
from complaints.remedies import ledger as remedies
from complaints.remedies import money
from complaints.workflow.lookups import authority_of, roles_of
from complaints.workflow.payloads import Reason, unpack
from config.kernel import approvals
from config.kernel.approvals import ApprovalHandler
from config.kernel.models import Approval, Term
from config.kernel.models.approval import ApprovalState
from config.shared.actors import Actor
from config.shared.scope import Reach, Scope
from config.shared.worded import WordedError
from config.shared.words import actor_words
from staff import people
from staff.models import Department, Person
from staff.models.accounts import Role
from staff.roles import compensation_authority

_HEADS: Final = (Role.DEPARTMENT_HEAD, Role.BRANCH_HEAD, Role.SUPERVISOR)
_SECOND: Final = 2


class CannotCarryOut(WordedError):  # noqa: N818 - reads as words
    """The matter moved on since it was asked; nothing is decided."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One approval kind. `act` is what the decider must reach; `money`: the sum too."""

    key: str
    title: Promise
    sentence: Promise
    act: str
    roles: tuple[str, ...] = (Role.SUPERVISOR,)
    money: bool = False


_KINDS: Final = (
    _Kind(
        "answer",
        gettext_lazy("Answer to the customer"),
        gettext_lazy("%(who)s proposes an answer to case %(number)s"),
        "approve",
        _HEADS,
        money=True,
    ),
    _Kind(
        "compensation",
        gettext_lazy("Compensation above the authority"),
        gettext_lazy("%(who)s asks for %(amount)s CNY in case %(number)s"),
        "approve",
        (*_HEADS, Role.APPROVER),
        money=True,
    ),
    _Kind(
        "not_accepted",
        gettext_lazy("Refusal of acceptance"),
        gettext_lazy("%(who)s asks not to accept case %(number)s"),
        "approve_refusal",
    ),
    _Kind(
        "retype",
        gettext_lazy("Change of type"),
        gettext_lazy("%(who)s asks to make case %(number)s a case of type %(type)s"),
        "retype",
    ),
    _Kind(
        "severity",
        gettext_lazy("Lower severity"),
        gettext_lazy("%(who)s asks to lower the severity of case %(number)s"),
        "lower",
    ),
    _Kind(
        "pause",
        gettext_lazy("Pause"),
        gettext_lazy("%(who)s asks to let case %(number)s wait"),
        "pause",
    ),
    _Kind(
        "extension",
        gettext_lazy("Extension of the regulatory limit"),
        gettext_lazy("%(who)s asks for extension %(stage)s of case %(number)s"),
        "pause",
        (Role.SUPERVISOR, Role.APPROVER),
    ),
    _Kind(
        "external_appraisal",
        gettext_lazy("Outside appraisal"),
        gettext_lazy("%(who)s asks to let the regulatory limit of case %(number)s stand still"),
        "approve_regulatory",
        (Role.APPROVER,),
    ),
    _Kind(
        "restart_new_facts",
        gettext_lazy("New beginning of the regulatory limit"),
        gettext_lazy("%(who)s asks to begin the regulatory limit of case %(number)s anew"),
        "approve_regulatory",
        (Role.APPROVER,),
    ),
    _Kind(
        remedies.ASK,
        gettext_lazy("Remedy above the authority or the budget"),
        gettext_lazy("%(who)s asks for a remedy of %(amount)s CNY in case %(number)s"),
        "approve",
        (*_HEADS, Role.APPROVER),
        money=True,
    ),
    _Kind(
        "withdrawal",
        gettext_lazy("Withdrawal by the customer"),
        gettext_lazy("%(who)s reports that the customer withdraws case %(number)s: call to check"),
        "withdraw",
    ),
    _Kind(
        "major",
        gettext_lazy("Major complaint in the regulator's sense"),
        gettext_lazy("%(who)s asks to mark case %(number)s for the regulator"),
        "major",
    ),
)

_MONEY: Final = frozenset(kind.key for kind in _KINDS if kind.money)


def handlers() -> list[ApprovalHandler]:
    """Return the handlers of all kinds, for the registry."""
    return [_handler(kind) for kind in _KINDS]


def _handler(kind: _Kind) -> ApprovalHandler:
    return ApprovalHandler(
        key=kind.key,
        title=kind.title,
        may_decide=_judge(kind),
        apply=carry_out,
        sentence=_sentence(kind),
        audience=_audience(kind),
        link=_link,
        reaches=_reach_of(kind),
        lock=_lock,
        seniors=_seniors,
    )


def carry_out(approval: Approval, decision: str, note: str, actor: Actor, at: datetime) -> None:
    """Run the verb that was asked for; a returned answer goes back. Raises CannotCarryOut.

    Whoever decides declares to have no interest in the case, whatever the decision.
    """
    cases = Case.objects.filter(pk=approval.about_id)
    recusal.declare(cases, "approve", actor=actor, at=at)
    if approval.kind in _MONEY and decision == ApprovalState.APPROVED:
        _demand_money(approval, actor, at)
    if approval.kind == remedies.ASK:
        _carry_out_remedy(approval, decision, actor, at)
        return
    if approval.kind in {"answer", "compensation"}:
        verb = "approve" if decision == ApprovalState.APPROVED else "send_back"
    elif decision == ApprovalState.APPROVED:
        verb = str(approval.facts["verb"])
    else:
        return
    function, payload = workflow.VERBS[verb]
    words = approvals.words_of(approval)
    what = Reason(note) if verb == "send_back" else unpack(payload, approval.facts, words)
    for outcome in function(cases, what, actor=actor, at=at):
        if not outcome.done:
            raise CannotCarryOut("moved_on", workflow.explain(outcome))


def _demand_money(approval: Approval, actor: Actor, at: datetime) -> None:
    """Raise CannotCarryOut where the sum is beyond the decider, as the case and the budget stand.

    The authority counts over the whole case, so that no sum is granted in parts; only a senior
    approver goes beyond a budget. The case is locked.
    """
    amount = approval.amount or money.NOTHING
    if not amount:
        return
    known = money.granted(Case.objects.filter(pk=approval.about_id))
    total = amount + known.get(approval.about_id, money.NOTHING)
    if total > authority_of(actor):
        text = gettext_lazy(
            "With what was granted before the case comes to %(total)s CNY: that is above your "
            "authority. Leave it to somebody who may grant it."
        )
        raise CannotCarryOut("authority", text, {"total": f"{total:.2f}"})
    unit = _paying_unit(approval)
    if Role.APPROVER not in roles_of(actor) and money.exceeds(amount, [unit], at):
        text = gettext_lazy(
            "The budget does not cover the sum any more. A senior approver decides it."
        )
        raise CannotCarryOut("budget", text)


def _paying_unit(approval: Approval) -> int:
    """Return whose budget pays: the unit of the remedy's owner, else that of the case."""
    owner = Person.objects.filter(pk=approval.facts.get("owner") or 0)
    of_owner = owner.values_list("department_id", flat=True).first()
    of_case = Case.objects.filter(pk=approval.about_id).values_list("department_id", flat=True)
    return of_owner or of_case.first() or 0


def _carry_out_remedy(approval: Approval, decision: str, actor: Actor, at: datetime) -> None:
    """Promise what was asked for; a refused or returned request leaves nothing behind."""
    if decision != ApprovalState.APPROVED:
        return
    try:
        remedies.grant(approval, actor=actor, at=at)
    except remedies.RemedyRefused as problem:
        raise CannotCarryOut("moved_on", str(problem)) from problem


def _judge(kind: _Kind) -> Callable[[Approval, Scope], bool]:
    """Return who may decide requests of this kind."""
    reaches = _reach_of(kind)

    def may_decide(approval: Approval, scope: Scope) -> bool:
        return not _is_named(approval, scope) and reaches(approval, scope)

    return may_decide


def _reach_of(kind: _Kind) -> Callable[[Approval, Scope], bool]:
    """Return whose rights and authority reach a request of this kind; recusal is asked apart."""

    def reaches(approval: Approval, scope: Scope) -> bool:
        if kind.money and (approval.amount or 0) > compensation_authority(scope):
            return False
        senior = Role.APPROVER in scope.roles
        if kind.money and approval.facts.get("over_budget") and not senior:
            return False
        if kind.key in {"compensation", remedies.ASK} and senior:
            return True
        if kind.key == "extension" and int(approval.facts.get("stage", 1)) >= _SECOND:
            return scope.may("cases", "approve_regulatory")
        reach = scope.to("cases", kind.act)
        own_unit = Reach.DEPARTMENT in reach and approval.department_id in scope.departments
        return Reach.ALL in reach or own_unit

    return reaches


def _is_named(approval: Approval, scope: Scope) -> bool:
    """Tell whether the decider is named in the case (recusal)."""
    named = CaseExclusion.objects.filter(case=approval.about_id, person=scope.member)
    return scope.member is not None and named.exists()


def _sentence(kind: _Kind) -> Callable[[Approval], str]:
    def sentence(approval: Approval) -> str:
        told: Mapping[str, object] = {
            "who": actor_words(approval.asked_by_label),
            "number": approval.about.partition(":")[2],
            "amount": approval.amount or 0,
            "type": _type_label(str(approval.facts.get("type", ""))),
            "stage": approval.facts.get("stage", 1),
        }
        return str(kind.sentence) % told

    return sentence


def _type_label(code: str) -> str:
    """Return a feedback type in words; the code where the list does not know it."""
    found = Term.objects.of("feedback_type").filter(code=code).first() if code else None
    return found.label if found else code


def _audience(kind: _Kind) -> Callable[[Sequence[Approval]], dict[int, list[int]]]:
    def audience(requests: Sequence[Approval]) -> dict[int, list[int]]:
        units = Department.objects.in_bulk({row.department_id or 0 for row in requests})
        named = CaseExclusion.objects.filter(case__in={row.about_id for row in requests})
        out = set(named.values_list("case_id", "person_id"))
        known: dict[tuple[object, ...], list[int]] = {}
        told: dict[int, list[int]] = {}
        for row in requests:
            roles = _roles(kind, row)
            if (key := (roles, row.department_id)) not in known:
                found = people.audience(roles, department=units.get(row.department_id or 0))
                known[key] = [person.pk for person in found]
            told[row.pk] = [pk for pk in known[key] if (row.about_id, pk) not in out]
        return told

    return audience


def _seniors(requests: Sequence[Approval]) -> dict[int, list[int]]:
    """Return who is told when nobody decides: supervisors and senior approvers, not the named."""
    named = CaseExclusion.objects.filter(case__in={row.about_id for row in requests})
    out = set(named.values_list("case_id", "person_id"))
    found = [person.pk for person in people.audience([Role.SUPERVISOR, Role.APPROVER])]
    return {
        row.pk: [person for person in found if (row.about_id, person) not in out]
        for row in requests
    }


def _lock(case_pk: int) -> None:
    """Lock the case a request is about, before the request: the order of every verb."""
    list(Case.objects.filter(pk=case_pk).select_for_update(no_key=True).values_list("pk"))


def _roles(kind: _Kind, approval: Approval) -> tuple[str, ...]:
    """Return whom to tell; a second extension goes to the senior approvers alone."""
    if kind.money and approval.facts.get("over_budget"):
        return (Role.APPROVER,)
    if kind.key == "extension":
        late = int(approval.facts.get("stage", 1)) >= _SECOND
        return (Role.APPROVER,) if late else (Role.SUPERVISOR,)
    return kind.roles


def _link(approval: Approval) -> str:
    """Return the address of the case."""
    try:
        return reverse("case", args=[approval.about.partition(":")[2]])
    except NoReverseMatch:
        return ""


__all__ = ["CannotCarryOut", "carry_out", "handlers"]
