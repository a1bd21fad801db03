"""Carrying an act out: freeze the list, work it off in chunks, write the results beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext

from complaints.bulk import results
from complaints.bulk.acts import ACTS, BulkVerb
from complaints.bulk.choosing import Chosen, Picked
from complaints.bulk.results import Doing, Result, What
from complaints.choices import RowResult
from complaints.models import BulkAct, BulkRow, Case
from config.kernel import jobs, journal
from config.kernel.models import Job
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.scope import Scope
from config.shared.worded import WordedError
from staff.models import Person

KIND: Final = "cases.bulk"
AT_ONCE: Final = 200
"""Up to so many rows are done in the request; more become a job."""
CHUNK: Final = 25
_FROZEN: Final = 500


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks for: the act, what it does, and the key of the form (sent twice: once)."""

    verb: BulkVerb
    what: What
    picked: Picked
    key: str = ""


def begin(order: Order, *, actor: Actor, at: datetime) -> tuple[BulkAct, bool]:
    """Freeze the list of cases with the versions that were seen, and record who asked for what.

    Returns the act and whether it is new: the same form sent twice gives the act it began. More
    than AT_ONCE cases become a job; fewer wait for `carry_out`.
    """
    searched = "q" in _names_of(order.picked.query)
    with transaction.atomic():
        Person.objects.select_for_update(no_key=True).get(pk=actor.id or 0)
        known = BulkAct.objects.filter(by=actor.id or 0, what__key=order.key).first()
        if order.key and known is not None:
            return known, False
        act = BulkAct.objects.create(
            verb=order.verb.key,
            what={**order.what.facts, "key": order.key},
            query="" if searched else order.picked.query[:1000],
            by_id=actor.id or 0,
            at=at,
        )
    for part in results.in_parts(order.picked.cases, _FROZEN):
        BulkRow.objects.bulk_create(_waiting(act, case) for case in part)
    words = dict(order.what.words)
    if searched:
        words["query"] = order.picked.query
    return start(act, order.picked.count, words, actor=actor, at=at), True


def start(
    act: BulkAct, total: int, words: dict[str, str], *, actor: Actor, at: datetime
) -> BulkAct:
    """Record the beginning of an act whose rows are written; a long one gets its job."""
    with hold(BulkAct.objects.filter(pk=act.pk)) as held:
        row = held.rows[0]
        row.total = total
        if total > AT_ONCE:
            row.job_id = jobs.start(
                KIND,
                owner_id=actor.id,
                params={"act": row.pk, "label": actor.label},
                title=str(ACTS[row.verb].title) if row.verb in ACTS else row.verb,
                actor=actor,
                at=at,
            ).pk
        told = {"verb": row.verb, "total": total, "job": row.job_id, "undoes": row.undoes_id}
        codes = {name: value for name, value in row.what.items() if name != "key"}
        fact = journal.Fact(row, "bulk.began", {**codes, **told}, words)
        journal.append([fact], actor=actor, at=at, save=["total", "job_id"])
    return row


def words_of(act: BulkAct) -> dict[str, str]:
    """Return the free texts the act was given (note, reason); erased ones are missing."""
    first = journal.entries(act.stream).filter(action="bulk.began").first()
    kept = journal.words_of([first]).get(first.pk, {}) if first else {}
    return {name: text for name, text in kept.items() if text}


def carry_out(act: BulkAct, scope: Scope, *, actor: Actor, at: datetime) -> BulkAct:
    """Work off all rows of an act now, in short transactions; returns the finished act."""
    what = What(act.what, words_of(act))
    while chunk(act, what, scope, actor=actor, at=at):
        pass
    return finish(act, actor=actor, at=at)


def chunk(
    act: BulkAct,
    what: What,
    scope: Scope,
    *,
    actor: Actor,
    at: datetime,
    last: Callable[[int], None] = lambda _count: None,
) -> int:
    """Work off the next rows in one transaction; returns how many there were, 0 at the end.

    `last(count)` is called as the last statement of the transaction: a worker that lost its job
    raises there and nothing of the chunk is kept.
    """
    with transaction.atomic():
        waiting = BulkRow.objects.filter(act=act, result=RowResult.WAITING).order_by("pk")
        rows = list(waiting.select_for_update(no_key=True)[:CHUNK])
        if rows:
            _write(act, rows, _tried(act, rows, what, scope, Doing(actor, at)))
            last(len(rows))
    return len(rows)


def finish(act: BulkAct, *, actor: Actor, at: datetime) -> BulkAct:
    """Write the end of an act: how many were done and refused. What still waits was stopped."""
    with hold(BulkAct.objects.filter(pk=act.pk, finished_at__isnull=True)) as held:
        if not held.rows:
            return BulkAct.objects.get(pk=act.pk)
        row = held.rows[0]
        rows = BulkRow.objects.filter(act=row)
        stopped = rows.filter(result=RowResult.WAITING).update(
            result=RowResult.REFUSED, why="stopped", said=gettext("The act was stopped before.")
        )
        row.done = rows.filter(result=RowResult.DONE).count()
        row.refused, row.finished_at = row.total - row.done, at
        facts = {"done": row.done, "refused": row.refused, "stopped": stopped, "verb": row.verb}
        fields = ["done", "refused", "finished_at"]
        happened = [journal.Fact(row, "bulk.finished", facts)]
        journal.append(happened, actor=actor, at=at, save=fields)
        verb = ACTS.get(row.verb)
        if verb is not None and verb.after is not None:
            verb.after(row, actor, at)
    return row


def stop(act: BulkAct, *, actor: Actor, at: datetime) -> BulkAct:
    """Stop an act that a job works off; what is done stays, the rest is left as it is."""
    stopped = jobs.cancel(Job.objects.filter(pk=act.job_id or 0), actor=actor, at=at)
    if stopped and stopped[0].finished_at is not None:
        return finish(act, actor=actor, at=at)
    return act


def job_of(act: BulkAct) -> Job | None:
    """Return the job that works an act off; None for a short one. The caller may see the act."""
    return Job.objects.filter(pk=act.job_id).first() if act.job_id else None


def _waiting(act: BulkAct, case: Chosen) -> BulkRow:
    return BulkRow(act=act, case_id=case.pk, result=RowResult.WAITING, before={"seen": case.seen})


def _names_of(query: str) -> set[str]:
    return {part.partition("=")[0] for part in query.split("&")}


def _tried(
    act: BulkAct, rows: Sequence[BulkRow], what: What, scope: Scope, doing: Doing
) -> list[Result]:
    """Do the act, or the taking back, on the cases of one chunk."""
    pks = [row.case_id for row in rows]
    if act.verb not in ACTS:  # left waiting by a release that knew it
        return results.refused(pks, "unknown", gettext("The portal does not know this act."))
    verb = ACTS[act.verb]
    seen = {row.case_id: int(row.before.get("seen", 0)) for row in rows}
    doing = Doing(doing.actor, doing.at, seen)
    try:
        if act.undoes_id is not None:
            return _taken_back(act, rows, scope, doing)
        reached = Case.objects.visible_to(scope, verb.act).filter(pk__in=pks)
        return verb.run(reached, what, doing)
    except WordedError as error:
        return results.refused(pks, error.code[:40], error)


def _taken_back(act: BulkAct, rows: Sequence[BulkRow], scope: Scope, doing: Doing) -> list[Result]:
    """Take the act back on cases that it changed.

    Whoever did it may take it back also where the act itself moved the case out of their reach;
    supervisors need the reach of the act. See decisions/0011.
    """
    verb, pks = ACTS[act.verb], [row.case_id for row in rows]
    if verb.undo is None:
        return results.refused(pks, "lasts", verb.lasts)
    own = act.undoes is not None and act.by_id == act.undoes.by_id
    cases = Case.objects.filter(pk__in=pks)
    if verb.undo_act or not own:
        cases = Case.objects.visible_to(scope, verb.undo_act or verb.act).filter(pk__in=pks)
    before = {row.case_id: dict(row.before.get("was", {})) for row in rows}
    reached = set(cases.values_list("pk", flat=True))
    return verb.undo(cases, {pk: was for pk, was in before.items() if pk in reached}, doing)


def _write(act: BulkAct, rows: Sequence[BulkRow], found: Sequence[Result]) -> None:
    """Write what became of the rows of one chunk; a case that was not reached is refused.

    Rows of the first act that were taken back are marked in the same transaction.
    """
    by_pk = {result.pk: result for result in found}
    for row in rows:
        result = by_pk.get(row.case_id)
        if result is None:
            said = gettext("You may not do that with this case.")
            result = Result(row.case_id, done=False, code="reach", said=said)
        row.result = RowResult.DONE if result.done else RowResult.REFUSED
        row.why, row.said = result.code[:40], result.said
        row.version_after, row.before = result.version, _kept(row.before, result)
    fields = ["result", "why", "said", "version_after", "before"]
    BulkRow.objects.bulk_update(rows, fields)
    if act.undoes_id is not None:
        done = [row.case_id for row in rows if row.result == RowResult.DONE]
        first = BulkRow.objects.filter(act=act.undoes_id, case__in=done)
        first.update(result=RowResult.UNDONE)


def _kept(before: dict[str, Any], result: Result) -> dict[str, Any]:
    return {**before, **result.before} if result.done else before


__all__ = [
    "AT_ONCE",
    "CHUNK",
    "KIND",
    "Order",
    "begin",
    "carry_out",
    "chunk",
    "finish",
    "job_of",
    "start",
    "stop",
    "words_of",
]
