"""Taking an act back: within ten minutes, through the same verbs, row by row."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from complaints.bulk import engine
from complaints.bulk.acts import ACTS
from complaints.bulk.results import in_parts
from complaints.choices import RowResult
from complaints.models import BulkAct, BulkRow
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.scope import Reach, Scope
from config.shared.worded import WordedError
from config.shared.words import moment_words

UNDO_WITHIN: Final = timedelta(minutes=10)
_FROZEN: Final = 500


class UndoRefused(WordedError):  # noqa: N818 - named for what happened
    """The act cannot be taken back; the words say why."""


def may_undo(act: BulkAct, scope: Scope) -> bool:
    """Tell whether this person may take the act back: whoever did it, or a supervisor."""
    verb = ACTS.get(act.verb)
    if verb is None or not scope.may("cases", verb.act):
        return False
    return act.by_id == scope.member or Reach.ALL in scope.to("cases", "supervise")


def why_not(act: BulkAct, at: datetime) -> str:
    """Return why the act cannot be taken back now, or ''. Asks no database for loaded acts."""
    verb = ACTS.get(act.verb)
    if verb is None:
        return _("The portal does not know this act, so it cannot be taken back.")
    if act.undoes_id is not None:
        return _("A taking back is not taken back itself: do the act again.")
    if verb.undo is None:
        return str(verb.lasts)
    return _unfinished(act) or _late(act, at)


def _unfinished(act: BulkAct) -> str:
    if act.finished_at is None:
        return _("It is not finished yet.")
    return "" if act.done else _("Nothing was done, so there is nothing to take back.")


def _late(act: BulkAct, at: datetime) -> str:
    back = getattr(act, "undone_by", None)
    if back is not None:
        told = {"person": back.by.label, "when": moment_words(back.at)}
        return _("%(person)s took it back on %(when)s.") % told
    if act.finished_at is not None and at > act.finished_at + UNDO_WITHIN:
        return _(
            "The ten minutes for taking it back are over. Choose the cases in the queue and change "
            "them with a new act."
        )
    return ""


def undo(act: BulkAct, scope: Scope, *, actor: Actor, at: datetime) -> BulkAct:
    """Take an act back; returns the act that does it. More than AT_ONCE cases become a job.

    A row that somebody changed since is refused and says who. Raises UndoRefused: somebody took
    it back before, the time is over, or this kind of act lasts.
    """
    with hold(BulkAct.objects.filter(pk=act.pk)) as held:
        done = BulkAct.objects.select_related("undone_by__by").get(pk=held.rows[0].pk)
        if why := why_not(done, at):
            raise UndoRefused("undo", why)
        back = BulkAct.objects.create(
            verb=done.verb, what=_codes(done), by_id=actor.id or 0, at=at, undoes=done
        )
    total = _freeze(done, back)
    back = engine.start(back, total, {}, actor=actor, at=at)
    return back if back.job_id else engine.carry_out(back, scope, actor=actor, at=at)


def _codes(act: BulkAct) -> dict[str, Any]:
    return {name: value for name, value in act.what.items() if name != "key"}


def _freeze(done: BulkAct, back: BulkAct) -> int:
    """Write a row for every case the first act changed; returns how many."""
    total = 0
    changed = BulkRow.objects.filter(act=done, result=RowResult.DONE).order_by("pk")
    for part in in_parts(changed, _FROZEN):
        BulkRow.objects.bulk_create(
            BulkRow(
                act=back,
                case_id=row.case_id,
                result=RowResult.WAITING,
                before={"seen": row.version_after, "was": _was(row)},
            )
            for row in part
        )
        total += len(part)
    return total


def _was(row: BulkRow) -> dict[str, object]:
    return {name: value for name, value in row.before.items() if name != "seen"}


__all__ = ["UNDO_WITHIN", "UndoRefused", "may_undo", "undo", "why_not"]
