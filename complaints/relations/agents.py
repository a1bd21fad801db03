"""Somebody acts for the customer: who, with which authority, and whether the customer confirms.

Checking never refuses or slows a case; what is known is shown and what looks odd is a hint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints import records
from complaints.choices import AgentState
from complaints.models import Case, CaseAgent
from complaints.relations import signatures
from complaints.relations.frame import RelationRefused, held
from config.kernel import journal
from config.shared.actors import Actor
from config.shared.phones import normalise_phone
from config.shared.scope import Scope
from customers.hashes import phone_hash

ADDED: Final = "case.agent_added"
CHECKED: Final = "case.agent_checked"
LETTER: Final = "case.agent_letter"
_MANY: Final = 20


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent with how many other customers' cases know them, as far as the reader sees."""

    row: CaseAgent
    elsewhere: int


def add(
    cases: QuerySet[Case],
    given: Mapping[str, str],
    *,
    upload: Any = None,
    actor: Actor,
    at: datetime,
) -> CaseAgent:
    """Note who acts for the customer of one case: name, phone, relation; maybe the letter.

    RelationRefused without a name; FileRefused for a file that is not taken.
    """
    name = given.get("name", "").strip()
    if not name:
        raise RelationRefused("name", _("Write down the name of the agent."))
    with transaction.atomic(), held(cases, actor=actor, at=at) as rows:
        case = _one(rows)
        phone = given.get("phone", "").strip()
        agent = CaseAgent(
            case=case, name=name, phone=normalise_phone(phone) or phone,
            phone_hash=phone_hash(phone) if phone else "", relation=given.get("relation", ""),
            added_at=at,
        )  # fmt: skip
        if upload is not None:
            agent.authority_id = _keep(case, upload, actor, at)
            agent.state = AgentState.LETTER
        agent.save()
        case = Case.objects.get(pk=case.pk)
        fact = journal.Fact(case, ADDED, {"agent": agent.pk, "letter": upload is not None})
        journal.append([fact], actor=actor, at=at)
        agent.case = case
        signatures.of_agents([agent])
    return agent


def hand_in(
    cases: QuerySet[Case], agent_pk: int, upload: Any, *, actor: Actor, at: datetime
) -> CaseAgent:
    """Keep the authority letter of an agent; what the customer said on the phone stays."""
    with transaction.atomic(), held(cases, actor=actor, at=at) as rows:
        case = _one(rows)
        agent = _agent(case, agent_pk)
        agent.authority_id = _keep(case, upload, actor, at)
        if agent.state == AgentState.CLAIMED:
            agent.state = AgentState.LETTER
        agent.version += 1
        agent.save(update_fields=["authority", "state", "version"])
        fact = journal.Fact(Case.objects.get(pk=case.pk), LETTER, {"agent": agent.pk})
        journal.append([fact], actor=actor, at=at)
    return agent


@dataclass(frozen=True, slots=True)
class Said:
    """What the customer (the principal) said of the agent on the phone: confirmed or denied.

    `version` is the one of the agent that the caller saw; None = not compared.
    """

    state: str
    words: str
    version: int | None = None


def check(
    cases: QuerySet[Case], agent_pk: int, said: Said, *, actor: Actor, at: datetime
) -> CaseAgent:
    """Record what the customer said of the agent.

    A denial changes nothing of the case: it goes on, and people decide whom they talk to.
    """
    if said.state not in (AgentState.CONFIRMED, AgentState.DENIED):
        raise RelationRefused("state", _("Choose what the customer said."))
    if not said.words.strip():
        raise RelationRefused("words", _("Write down what the customer said."))
    with held(cases, actor=actor, at=at) as rows:
        case = _one(rows)
        agent = _agent(case, agent_pk)
        if said.version is not None and agent.version != said.version:
            raise RelationRefused("stale", _("Somebody else has checked this agent meanwhile."))
        agent.state, agent.checked_at, agent.checked_by_id = said.state, at, actor.id
        agent.version += 1
        agent.save(update_fields=["state", "checked_at", "checked_by_id", "version"])
        fact = journal.Fact(
            case, CHECKED, {"agent": agent.pk, "state": said.state}, {"words": said.words}
        )
        journal.append([fact], actor=actor, at=at)
    return agent


def of(case: Case, scope: Scope) -> list[Agent]:
    """Return the agents of a case; two queries, three where one has a telephone number."""
    rows = list(CaseAgent.objects.filter(case=case).select_related("authority").order_by("pk"))
    counts = _elsewhere(case, rows, scope)
    return [Agent(row, counts.get(row.phone_hash, 0)) for row in rows]


def _elsewhere(case: Case, rows: Sequence[CaseAgent], scope: Scope) -> dict[str, int]:
    """Return by telephone how many other customers' cases the reader sees know the agent."""
    hashes = {row.phone_hash for row in rows if row.phone_hash}
    if not hashes:
        return {}
    others = Case.objects.visible_to(scope).exclude(pk=case.pk)
    if case.customer_id:
        others = others.exclude(customer=case.customer_id)
    known = CaseAgent.objects.filter(phone_hash__in=hashes, case__in=others)
    pairs = known.order_by().values_list("phone_hash", "case__customer", "case").distinct()
    met: dict[str, set[object]] = {}
    for mark, customer, pk in pairs[: _MANY * len(hashes)]:
        met.setdefault(mark, set()).add(customer or f"case {pk}")
    return {mark: len(found) for mark, found in met.items()}


def _one(rows: list[Case]) -> Case:
    if len(rows) != 1:
        raise RelationRefused("gone", _("There is no such case."))
    return rows[0]


def _agent(case: Case, pk: int) -> CaseAgent:
    """Return an agent of the held case."""
    row = CaseAgent.objects.filter(case=case, pk=pk).first()
    if row is None:
        raise RelationRefused("agent", _("This case has no such agent."))
    return row


def _keep(case: Case, upload: Any, actor: Actor, at: datetime) -> int:
    rows = Case.objects.filter(pk=case.pk)
    return records.attach(rows, upload, actor=actor, at=at)[0].file_id
