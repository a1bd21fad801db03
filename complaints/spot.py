"""Settled on the spot 当场解决: registered, answered and closed in one act before the customer.

For severity low and medium and for inquiries and requests (DOMAIN.md §4.8). All of it happens in
one transaction; where a step is refused nothing is registered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints import intake, workflow
from complaints.choices import NoticeMethod, Severity, Status
from complaints.drafts import CaseDraft
from complaints.holding import hold_cases
from complaints.models import Case
from complaints.workflow.payloads import Answer, Assessing, Note, Taking, Told
from config.kernel import journal
from config.kernel.models import Term
from config.shared.actors import Actor
from config.shared.scope import Scope
from config.shared.worded import WordedError
from staff.models import Person
from staff.models.accounts import Role

MARKED: Final = "case.on_the_spot"
METHODS: Final = (NoticeMethod.PHONE, NoticeMethod.IN_PERSON)
_TEAM: Final = frozenset({Role.OFFICER, Role.SUPERVISOR})
_QUICK: Final = frozenset({"inquiry", "request"})


class SpotRefused(WordedError):  # noqa: N818 - named for what happened
    """It cannot be settled on the spot; `code` is the field concerned or '', the words say why."""


@dataclass(frozen=True, slots=True)
class Spot:
    """How it was settled: the answer, how the customer was told, and two declarations.

    `agreed`: the customer agrees to the answer. `no_interest`: the person has no interest of
    their own in the matter.
    """

    answer: Answer
    method: str
    agreed: bool = False
    no_interest: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """The closed case; `duplicate`: it was there before, nothing was written."""

    case: Case
    duplicate: bool = False


def may_settle(scope: Scope, kind: Term) -> bool:
    """Tell whether this person may settle matters of a type on the spot.

    The complaint team all but reports against persons and petitions, which always take their
    whole way; others with the right (hotline agents) inquiries and requests.
    """
    if not (scope.may("cases", "settle") and scope.may("cases", "register")):
        return False
    track = kind.flags.get("track")
    if kind.flags.get("restricted") or track == "petition":
        return False
    return track in _QUICK or bool(scope.roles & _TEAM)


def types_for(scope: Scope, types: Iterable[Term]) -> list[Term]:
    """Return the types this person may settle on the spot."""
    return [kind for kind in types if may_settle(scope, kind)]


def settle(
    draft: CaseDraft,
    what: Spot,
    *,
    scope: Scope,
    person: Person,
    actor: Actor,
    at: datetime,
) -> Settled:
    """Register, answer, tell and close one matter; a draft known by its key gives its case back.

    The case stays with the department of `person`, who handles it. Raises SpotRefused and what
    the verbs raise; then nothing was written.
    """
    _demand(what)
    with transaction.atomic():
        placed = replace(draft, department=person.department, handler=person)
        [opened] = intake.open_cases([placed], actor=actor, at=at, registrar=person)
        if opened.case is None:
            raise SpotRefused("", opened.refused)
        if opened.duplicate:
            return Settled(opened.case, duplicate=True)
        case = opened.case
        _judge(case, scope)
        _mark(case, what, actor, at)
        _go(case, _steps(case, what), actor, at)
        return Settled(Case.objects.select_related("type").get(pk=case.pk))


def _demand(what: Spot) -> None:
    """Refuse what the person did not declare."""
    if not what.agreed:
        message = _("Settled on the spot only when the customer agrees; else register the case.")
        raise SpotRefused("agreed", message)
    if what.method not in METHODS:
        raise SpotRefused("method", _("On the spot the customer is told by phone or in person."))


def _judge(case: Case, scope: Scope) -> None:
    """Refuse a matter that must take its whole way; its severity may have been raised by rule."""
    if not may_settle(scope, case.type):
        message = _("You cannot settle this type on the spot. Register the case instead.")
        raise SpotRefused("type", message)
    if case.severity >= Severity.HIGH or case.regulatory_major:
        message = _("This matter is of high severity and takes its whole way. Register the case.")
        raise SpotRefused("severity", message)
    if not case.intake_channel.flags.get("live"):
        message = _("On this channel the customer is not there. Register the case instead.")
        raise SpotRefused("intake_channel", message)


def _mark(case: Case, what: Spot, actor: Actor, at: datetime) -> None:
    """Note that the case is settled on the spot, before the first step."""
    with hold_cases(Case.objects.filter(pk=case.pk)) as held:
        for row in held.rows:
            row.settled_on_the_spot, row.updated_at = True, at
        facts = {"method": what.method, "agreed": True}
        journal.append(
            [journal.Fact(row, MARKED, facts) for row in held.rows],
            actor=actor, at=at, save=["settled_on_the_spot", "updated_at"],
        )  # fmt: skip


def _steps(case: Case, what: Spot) -> Sequence[tuple[str, Any]]:
    return (
        ("accept", Taking(no_interest=what.no_interest)),
        ("assess", Assessing(nature=what.answer.nature)),
        ("settle", what.answer),
        ("notify", Told(what.method, what.answer.answer)),
        ("confirm", Note()),
    )


def _go(case: Case, steps: Sequence[tuple[str, Any]], actor: Actor, at: datetime) -> None:
    """Take the steps until the case is closed; raises SpotRefused with the first refusal."""
    rows = Case.objects.filter(pk=case.pk)
    for verb, payload in steps:
        if rows.filter(status=Status.CLOSED).exists():
            return
        outcome = workflow.VERBS[verb][0](rows, payload, actor=actor, at=at)[0]
        if not outcome.done:
            why: str | Promise = outcome.why
            if outcome.asked:
                why = _("This needs somebody's approval. Register the case instead.")
            raise SpotRefused("", why)


__all__ = ["METHODS", "Settled", "Spot", "SpotRefused", "may_settle", "settle", "types_for"]
