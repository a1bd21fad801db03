"""Rules as rows: which version is in force, and the ways of a version from draft to retired.

Edit = `new_version` (copy to a draft), change its rows, `publish`. Running work keeps the version
it started with; rolling back is publishing a copy of an older version. Rows of a version that has
left draft cannot change (config/kernel/frozen.py).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, Model
from django.utils.translation import gettext_lazy as _

from config.kernel import frozen, journal
from config.kernel.models import RuleSet
from config.kernel.models.rules import RuleState
from config.shared import memo
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.worded import WordedError

BACKDATE: Final = timedelta(minutes=5)  # a form filled in a little slowly still says "now"


class RulesRefused(WordedError):  # noqa: N818 - named for what happened
    """A version cannot take this step; the words say why."""


def published(kind: str, at: datetime) -> RuleSet | None:
    """Return the version of `kind` in force at `at` (published, begun last), or None."""
    versions = RuleSet.objects.filter(kind=kind, state=RuleState.PUBLISHED, valid_from__lte=at)
    return versions.order_by("-valid_from", "-number").first()


def draft(kind: str) -> RuleSet | None:
    """Return the draft of a kind that is being edited, the newest when there are several."""
    return RuleSet.objects.filter(kind=kind, state=RuleState.DRAFT).order_by("-number").first()


def new_version(
    kind: str,
    *,
    titles: tuple[str, str] = ("", ""),
    based_on: RuleSet | None = None,
    settings: Mapping[str, Any] | None = None,
    actor: Actor,
    at: datetime,
) -> RuleSet:
    """Make a draft: empty, or a copy of `based_on` with all its rows. Journalled.

    `titles` are English and Chinese; empty ones are taken from `based_on`. `settings` are laid
    over those of `based_on`.
    """
    base_titles = (based_on.title_en, based_on.title_zh) if based_on else ("", "")
    with transaction.atomic():
        highest = RuleSet.objects.filter(kind=kind).aggregate(highest=Max("number"))["highest"]
        fresh = RuleSet.objects.create(
            kind=kind,
            number=(highest or 0) + 1,
            title_en=titles[0] or base_titles[0],
            title_zh=titles[1] or base_titles[1],
            settings={**(based_on.settings if based_on else {}), **(settings or {})},
        )
        if based_on is not None:
            _copy_rows(based_on, fresh)
        facts = {"kind": kind, "number": fresh.number, "from": based_on and based_on.number}
        journal.append([journal.Fact(fresh, "rules.drafted", facts)], actor=actor, at=at)
    return fresh


def publish(
    rule_set: RuleSet,
    *,
    valid_from: datetime | None = None,
    reason: str,
    actor: Actor,
    at: datetime,
    expected: int | None = None,
) -> RuleSet:
    """Put a draft in force from `valid_from` (None = `at`); its rows are immutable from now on.

    Only the system (defaults) may date a version back. `expected` is the version number of the
    row the caller saw. Raises RulesRefused: not a draft, changed meanwhile, or starts in the past.
    """
    begins = valid_from or at
    if actor.kind != "system" and begins < at - BACKDATE:
        raise RulesRefused("past", _("A version cannot start in the past."))
    seen = None if expected is None else {rule_set.pk: expected}
    with hold(RuleSet.objects.filter(pk=rule_set.pk), seen) as held:
        row = _in_state(held.rows, RuleState.DRAFT, stale=bool(held.stale))
        row.state, row.valid_from, row.reason = RuleState.PUBLISHED, begins, reason
        row.published_at, row.published_by_id = at, actor.id
        facts = {"kind": row.kind, "number": row.number, "valid_from": begins.isoformat()}
        fact = journal.Fact(row, "rules.published", facts, {"reason": reason})
        fields = ["state", "valid_from", "reason", "published_at", "published_by_id"]
        journal.append([fact], actor=actor, at=at, save=fields)
    memo.forget_all()  # what this thread has read of the version before
    return row


def retire(rule_set: RuleSet, *, reason: str, actor: Actor, at: datetime) -> RuleSet:
    """Take a published version, or a draft nobody wants, out of use; an older one takes over.

    Raises RulesRefused when the kind would be left without a version in force.
    """
    with hold(RuleSet.objects.filter(kind=rule_set.kind).exclude(state=RuleState.RETIRED)) as held:
        mine = [row for row in held.rows if row.pk == rule_set.pk]
        row = _in_state(mine, RuleState.DRAFT, RuleState.PUBLISHED)
        others = [x for x in held.rows if x.state == RuleState.PUBLISHED and x.pk != row.pk]
        in_force = [x for x in others if x.valid_from is not None and x.valid_from <= at]
        if row.state == RuleState.PUBLISHED and not in_force:
            message = _("This is the only version in force. Publish another one first.")
            raise RulesRefused("only", message)
        was, row.state = row.state, RuleState.RETIRED
        row.valid_from = row.valid_from or at
        facts = {"kind": row.kind, "number": row.number, "from": was}
        fact = journal.Fact(row, "rules.retired", facts, {"reason": reason})
        journal.append([fact], actor=actor, at=at, save=["state", "valid_from"])
    return row


def _in_state(rows: list[RuleSet], *states: RuleState, stale: bool = False) -> RuleSet:
    """Return the one held row when it is in one of the states, or refuse."""
    if not rows or rows[0].state not in states:
        raise RulesRefused("state", _("Somebody has published or retired this version already."))
    if stale:
        raise RulesRefused("stale", _("Somebody has changed this version. Look at it again."))
    return rows[0]


def _copy_rows(source: RuleSet, target: RuleSet) -> None:
    """Copy every row of a version, and the parts of these rows, to another version."""
    for model, path in frozen.rows_of(RuleSet):
        _copy(model, path, {source.pk: target.pk})


def _copy(model: type[Model], path: str, twins: Mapping[int, int]) -> None:
    """Copy rows of `model` whose key `path` is in `twins` (old pk -> new), then their parts."""
    rows: Iterable[Model] = model._default_manager.filter(**{f"{path}__in": list(twins)})
    copies = {}
    for row in rows:
        old = int(row.pk)
        row.pk, row._state.adding = None, True  # noqa: SLF001 - the documented way to copy a row
        setattr(row, f"{path}_id", twins[getattr(row, f"{path}_id")])
        copies[old] = row
    model._default_manager.bulk_create(copies.values(), batch_size=500)
    if copies:
        for part, part_path in frozen.rows_of(model):
            _copy(part, part_path, {old: int(row.pk) for old, row in copies.items()})
