"""Acts that need a second person: ask, decide, withdraw. Nobody decides an own request.

The room that asks contributes an ApprovalHandler; its `apply` carries the decision out in the
same transaction, by the same verb the page would use.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.kernel import journal, notices
from config.kernel.models import Approval
from config.kernel.models.approval import ApprovalState
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.registry import contributed
from config.shared.scope import Scope
from config.shared.worded import WordedError
from config.shared.words import actor_words

DECISIONS: Final = (ApprovalState.APPROVED, ApprovalState.RETURNED, ApprovalState.REFUSED)


class AskRefused(WordedError):  # noqa: N818 - named for what happened
    """The request cannot be made; the words say why."""


class Refusal(StrEnum):
    """Why a decision was not taken."""

    OWN = "own"
    NOT_ALLOWED = "not_allowed"
    DECIDED = "decided"
    STALE = "stale"
    NOTE = "note"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `about` is `kind:number`, `facts` codes and figures, `words` free texts.

    `amount` is CNY; `department_id` the unit whose people may see it.
    """

    kind: str
    about: str
    about_id: int
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    amount: Decimal | None = None
    department_id: int | None = None


@dataclass(frozen=True, slots=True)
class ApprovalHandler:
    """How one kind of request is decided and carried out.

    `may_decide(approval, scope)` on top of the reach table; `apply(approval, decision, note,
    actor, at)` carries out, and may raise WordedError: then nothing is decided. `sentence`
    (approval) says what is asked, `audience(approvals)` are the persons to tell by pk of the
    request, `link(approval)` the page of the matter. `reaches(approval, scope)` is the part of
    `may_decide` that asks no database, for lists; without it lists show the request to everybody
    who may decide at all. `lock(about_id)` locks the matter: always before its requests, as the
    room's own verbs do, so that two transactions never wait for each other. `seniors(approvals)`
    are the persons to tell when nobody decides in time, by pk of the request.
    """

    key: str
    title: str | Promise
    may_decide: Callable[[Approval, Scope], bool]
    apply: Callable[[Approval, str, str, Actor, datetime], None]
    sentence: Callable[[Approval], str]
    audience: Callable[[Sequence[Approval]], Mapping[int, Iterable[int]]] | None = None
    link: Callable[[Approval], str] | None = None
    reaches: Callable[[Approval, Scope], bool] | None = None
    lock: Callable[[int], None] | None = None
    seniors: Callable[[Sequence[Approval]], Mapping[int, Iterable[int]]] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a decision: `refused` None = taken; `why` is the sentence for the person."""

    approval: Approval
    refused: Refusal | None = None
    why: str = ""


def handler_of(kind: str) -> ApprovalHandler:
    """Return the handler of a kind; raises LookupError for one that nobody contributed."""
    try:
        return contributed(ApprovalHandler)[kind]
    except KeyError:
        message = f"approval kind {kind!r} is not contributed"
        raise LookupError(message) from None


def words_of(approval: Approval) -> dict[str, str]:
    """Return the free texts that wait to be carried out."""
    return dict(json.loads(approval.words)) if approval.words else {}


def ask(requests: Sequence[Request], *, actor: Actor, at: datetime) -> list[Approval]:
    """Write the requests and tell those who may decide; all or none. Journalled.

    Raises AskRefused when one of them already waits for a decision.
    """
    rows = [_row(request, actor=actor, at=at) for request in requests]
    with transaction.atomic():
        for request in requests:
            handler_of(request.kind)
        abouts = [request.about for request in requests]
        waiting = Approval.objects.pending().filter(about__in=abouts)
        known = set(waiting.values_list("kind", "about"))
        if known & {(request.kind, request.about) for request in requests}:
            raise _already_waiting()
        try:
            with transaction.atomic():
                rows = Approval.objects.bulk_create(rows)
        except IntegrityError as error:  # somebody asked between our look and our write
            raise _already_waiting() from error
        facts = [
            journal.Fact(
                row, "approval.asked", _facts(row), {"reason": row.reason, **words_of(row)}
            )
            for row in rows
        ]
        journal.append(facts, actor=actor, at=at)
        notices.tell(_tellings(rows), at=at)
    return rows


def decide(  # noqa: PLR0913 - a decision, and who takes it on what
    approval_pk: int,
    decision: str,
    *,
    note: str,
    expected_version: int | None,
    actor: Actor,
    scope: Scope,
    at: datetime,
) -> Outcome:
    """Take a decision and carry it out, in one transaction; or say why not.

    `decision` is approved, returned or refused; the last two need a `note`. Raises
    Approval.DoesNotExist when the person cannot see the request, ValueError for another decision.
    """
    if decision not in DECISIONS:
        message = f"{decision!r} is not a decision"
        raise ValueError(message)
    wanted = Approval.objects.visible_to(scope).filter(pk=approval_pk)
    expected = None if expected_version is None else {approval_pk: expected_version}
    try:
        with transaction.atomic():
            _lock_matter(wanted)
            with hold(wanted, expected) as held:
                if not held.rows:
                    raise Approval.DoesNotExist
                approval = held.rows[0]
                refused = _refusal(approval, note if decision != "approved" else "-", actor, scope)
                if refused is None and held.stale:
                    refused = Outcome(approval, Refusal.STALE, str(_STALE))
                if refused is None:
                    _carry_out(approval, decision, note, actor, at)
                return refused or Outcome(approval)
    except WordedError as problem:  # the matter has moved on; everything was rolled back
        approval = Approval.objects.get(pk=approval_pk)
        return Outcome(approval, Refusal.IMPOSSIBLE, str(problem))


def cancel(
    about: str | Collection[str], kinds: Iterable[str] = (), *, actor: Actor, at: datetime
) -> list[Approval]:
    """Withdraw what still waits about one or more matters; `kinds` empty = all of them.

    Returns what was withdrawn. The caller holds the matters: they are locked before requests.
    """
    subjects = [about] if isinstance(about, str) else list(about)
    rows = Approval.objects.pending().filter(about__in=subjects)
    listed = list(kinds)
    with hold(rows.filter(kind__in=listed) if listed else rows) as held:
        for approval in held.rows:
            approval.state = ApprovalState.CANCELLED
            approval.decided_at, approval.decided_by_id = at, actor.id
            approval.decided_by_label = actor.label
        facts = [journal.Fact(row, "approval.cancelled", _facts(row)) for row in held.rows]
        fields = ["state", "decided_at", "decided_by_id", "decided_by_label"]
        journal.append(facts, actor=actor, at=at, save=fields)
        notices.done(about=[row.stream for row in held.rows], at=at)
    return held.rows


_STALE = _("Somebody has changed this request. Look at it again before you decide.")


def _lock_matter(wanted: QuerySet[Approval]) -> None:
    """Lock what the request is about; neither changes in the life of a request."""
    for kind, about_id in wanted.values_list("kind", "about_id"):
        if lock := handler_of(kind).lock:
            lock(about_id)


def _refusal(approval: Approval, note: str, actor: Actor, scope: Scope) -> Outcome | None:
    """Return why this person may not decide this request now, or None."""
    if actor.id is not None and approval.asked_by_id == actor.id:
        why = _("You asked for this yourself. Somebody else has to decide.")
        return Outcome(approval, Refusal.OWN, str(why))
    if not handler_of(approval.kind).may_decide(approval, scope):
        why = _("You may read this request, but not decide it.")
        return Outcome(approval, Refusal.NOT_ALLOWED, str(why))
    if approval.state != ApprovalState.PENDING:
        params = {
            "who": actor_words(approval.decided_by_label),
            "state": approval.get_state_display(),
        }
        why = _("This request was already decided by %(who)s: %(state)s.")
        return Outcome(approval, Refusal.DECIDED, str(why) % params)
    if not note.strip():
        return Outcome(approval, Refusal.NOTE, str(_("Say why.")))
    return None


def _carry_out(approval: Approval, decision: str, note: str, actor: Actor, at: datetime) -> None:
    """Write the decision and its record, let the room act, tell who asked."""
    approval.state, approval.decision, approval.decided_at = decision, note, at
    approval.decided_by_id, approval.decided_by_label = actor.id, actor.label
    fact = journal.Fact(approval, f"approval.{decision}", _facts(approval), {"note": note})
    fields = ["state", "decision", "decided_at", "decided_by_id", "decided_by_label"]
    journal.append([fact], actor=actor, at=at, save=fields)
    notices.done(about=approval.stream, at=at)
    handler = handler_of(approval.kind)
    handler.apply(approval, decision, note, actor, at)
    if approval.asked_by_id is not None:
        telling = _telling(approval, approval.asked_by_id, f"approval.{decision}")
        notices.tell([telling], at=at)


def _row(request: Request, *, actor: Actor, at: datetime) -> Approval:
    """Return the unsaved row of a request."""
    return Approval(
        kind=request.kind,
        about=request.about,
        about_id=request.about_id,
        department_id=request.department_id,
        amount=request.amount,
        facts=dict(request.facts),
        reason=request.reason,
        words=json.dumps(dict(request.words), ensure_ascii=False) if request.words else "",
        asked_by_id=actor.id,
        asked_by_label=actor.label,
        asked_at=at,
    )


def _facts(approval: Approval) -> dict[str, str | None]:
    """Return the facts of a request for its record."""
    amount = None if approval.amount is None else f"{approval.amount:.2f}"
    return {"kind": approval.kind, "about": approval.about, "amount": amount}


def _tellings(rows: Sequence[Approval]) -> list[notices.Telling]:
    """Return the notices to those who may decide, without the one who asks."""
    persons: dict[int, Iterable[int]] = {}
    for kind in dict.fromkeys(row.kind for row in rows):
        if audience := handler_of(kind).audience:
            persons |= audience([row for row in rows if row.kind == kind])
    return [
        _telling(row, person, "approval.asked")
        for row in rows
        for person in sorted({*persons.get(row.pk, ())} - {row.asked_by_id})
    ]


def _telling(approval: Approval, person_id: int, kind: str) -> notices.Telling:
    """Return one notice about a request."""
    handler = handler_of(approval.kind)
    return notices.Telling(
        key=f"{kind}:{approval.pk}:{person_id}",
        person_id=person_id,
        kind=kind,
        about=approval.stream,
        facts={
            "about": approval.about.partition(":")[2],
            "kind": approval.kind,
            "link": handler.link(approval) if handler.link else "",
        },
        needs_action=kind == "approval.asked",
    )


def _already_waiting() -> AskRefused:
    return AskRefused("pending", _("This is already waiting for a decision."))
