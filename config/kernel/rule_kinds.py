"""Editing rules: one draft per kind, its checks, publishing it or asking for that, discarding it.

A room contributes a RuleKind for each kind of rules it keeps. Its drafting verbs change rows
inside `change`; the pages show what `check` finds and publish through `publish` alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.kernel import approvals, journal, rulesets
from config.kernel.approvals import ApprovalHandler, Request
from config.kernel.models import Approval, RuleSet
from config.kernel.models.approval import ApprovalState
from config.kernel.models.rules import RuleState
from config.kernel.rulesets import RulesRefused
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.registry import contributed
from config.shared.scope import Scope
from config.shared.words import actor_words, moment_words

PUBLISH: Final = "rules.publish"
ERROR: Final = "error"
WARNING: Final = "warning"
_CHANGED: Final = ["title_en", "title_zh", "settings"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of a check. `level` error blocks publishing, warning does not.

    `row` and `other` are codes of the rows concerned, '' = the whole version; `words` a sentence
    for the reader that names them and says what to do.
    """

    level: str
    code: str
    row: str
    words: str | Promise
    other: str = ""


@dataclass(frozen=True, slots=True)
class RuleKind:
    """How one kind of rules is checked, shown and published.

    `key` is the kind (`routing`) or a prefix that ends with a colon (`calendar:`). `check` reads
    a version, `link` is its page. `published(new, replaced, actor, at)` carries out in the same
    transaction what follows; `replaced` is the version in force until then, None for the first.
    """

    key: str
    title: str | Promise
    check: Callable[[RuleSet], list[Finding]]
    link: Callable[[RuleSet], str]
    published: Callable[[RuleSet, RuleSet | None, Actor, datetime], None] | None = None


def of(rule_set: RuleSet | str) -> RuleKind:
    """Return the kind of a version (or of a kind's name); raises LookupError for an unknown one."""
    kind = rule_set if isinstance(rule_set, str) else rule_set.kind
    known = contributed(RuleKind)
    found = known.get(kind) or known.get(f"{kind.partition(':')[0]}:")
    if found is None:
        message = f"rule kind {kind!r} is not contributed"
        raise LookupError(message)
    return found


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that block publishing."""
    return [finding for finding in findings if finding.level == ERROR]


def begin(kind: str, *, actor: Actor, at: datetime) -> RuleSet:
    """Return the open draft of a kind, else a new copy of the version that holds last.

    That is the one in force, or one published to begin later, so that its changes are not lost.
    Two that begin at the same moment get the same draft.
    """
    try:
        with hold(RuleSet.objects.filter(kind=kind, state=RuleState.PUBLISHED)):
            return rulesets.draft(kind) or rulesets.new_version(
                kind, based_on=_newest(kind), actor=actor, at=at
            )
    except IntegrityError:  # nothing was there to lock, and another one was faster
        found = rulesets.draft(kind)
        if found is None:
            raise
        return found


def begin_from(older: RuleSet, *, actor: Actor, at: datetime) -> RuleSet:
    """Return a new draft that is a copy of an older version: how rules are rolled back.

    Raises RulesRefused while another draft of the kind is open, or for a version that is one.
    """
    with hold(RuleSet.objects.filter(kind=older.kind, state=RuleState.PUBLISHED)):
        if older.state == RuleState.DRAFT or rulesets.draft(older.kind) is not None:
            message = _("There is a draft already. Publish or discard it first.")
            raise RulesRefused("open", message)
        return rulesets.new_version(older.kind, based_on=older, actor=actor, at=at)


@contextmanager
def change(
    draft: RuleSet,
    *,
    actor: Actor,
    at: datetime,
    expected: int | None,
    facts: Mapping[str, Any],
) -> Iterator[RuleSet]:
    """Hold a draft while its rows are changed; one transaction, journalled as `rules.edited`.

    Yields the held row: change its rows, titles and settings inside. `facts` are codes (`row`,
    `changes` as name -> [old, new], ...) and may be filled inside; left empty, nothing was changed
    and nothing is recorded. `expected` is the version of the draft the caller saw; it rises with
    the change. Raises RulesRefused: not a draft, or changed meanwhile.
    """
    with _held(draft, expected) as row:
        yield row
        if facts:
            fact = journal.Fact(row, "rules.edited", {"kind": row.kind, **facts})
            journal.append([fact], actor=actor, at=at, save=_CHANGED)
    for name in ("version", *_CHANGED):
        setattr(draft, name, getattr(row, name))


def publish(
    rule_set: RuleSet,
    *,
    reason: str,
    valid_from: datetime | None,
    actor: Actor,
    at: datetime,
    expected: int | None,
) -> RuleSet:
    """Put a checked draft in force from `valid_from` (None = `at`), with all that follows from it.

    A request to publish it is withdrawn. Raises RulesRefused: no reason, not a draft, changed
    meanwhile, starts in the past, or the words of the first error of its check.
    """
    _demand(reason)
    with _held(rule_set, expected) as row:
        kind = of(row)
        _refuse_faulty(kind, row)
        replaced = rulesets.published(row.kind, valid_from or at)
        new = rulesets.publish(row, valid_from=valid_from, reason=reason, actor=actor, at=at)
        if kind.published is not None:
            kind.published(new, replaced, actor, at)
        approvals.cancel(_about(new), [PUBLISH], actor=actor, at=at)
    return new


def ask(
    rule_set: RuleSet,
    *,
    reason: str,
    valid_from: datetime | None,
    actor: Actor,
    at: datetime,
    expected: int | None = None,
) -> Approval:
    """Ask those who may publish to do so with the draft as it stands now.

    Journalled as `rules.asked`. Raises RulesRefused (no reason, not a draft, changed meanwhile,
    starts in the past, errors of its check) and AskRefused (it waits already).
    """
    _demand(reason)
    if valid_from is not None and valid_from < at - rulesets.BACKDATE:
        raise RulesRefused("past", _("A version cannot start in the past."))
    with _held(rule_set, expected) as row:
        _refuse_faulty(of(row), row)
        facts = {
            "rules": row.kind,
            "number": row.number,
            "version": row.version,
            "valid_from": valid_from and valid_from.isoformat(),
        }
        request = Request(PUBLISH, _about(row), row.pk, reason, facts)
        told = {name: facts[name] for name in ("number", "valid_from")}
        fact = journal.Fact(row, "rules.asked", told, {"reason": reason})
        journal.append([fact], actor=actor, at=at)
        return approvals.ask([request], actor=actor, at=at)[0]


def pending(draft: RuleSet) -> Approval | None:
    """Return the request to publish this draft that waits for a decision, or None."""
    return Approval.objects.pending().filter(kind=PUBLISH, about=_about(draft)).first()


def discard(
    draft: RuleSet, *, reason: str, actor: Actor, at: datetime, expected: int | None = None
) -> RuleSet:
    """Lay a draft aside for good; a request to publish it is withdrawn. Journalled.

    Its rows stay to be read. Raises RulesRefused: no reason, not a draft, changed meanwhile.
    """
    _demand(reason)
    with _held(draft, expected) as row:
        row.state, row.valid_from, row.reason = RuleState.RETIRED, at, reason
        facts = {"kind": row.kind, "number": row.number}
        fact = journal.Fact(row, "rules.discarded", facts, {"reason": reason})
        journal.append([fact], actor=actor, at=at, save=["state", "valid_from", "reason"])
        approvals.cancel(_about(row), [PUBLISH], actor=actor, at=at)
    return row


def handler(editors: Callable[[], Iterable[int]]) -> ApprovalHandler:
    """Return how requests to publish are decided; `editors()` are the persons to tell."""

    def audience(rows: Sequence[Approval]) -> dict[int, list[int]]:
        told = list(editors())
        return {row.pk: told for row in rows}

    return ApprovalHandler(
        key=PUBLISH,
        title=_("Publishing of rules"),
        may_decide=lambda _approval, scope: _may_edit(scope),
        apply=_carry_out,
        sentence=_sentence,
        audience=audience,
        link=_link,
        reaches=lambda _approval, scope: _may_edit(scope),
        lock=_lock,
    )


def about_words(about: str) -> str:
    """Return the matter of a request for its notice: rules by title and version, else as it is."""
    kind, _colon, number = about.rpartition(":")
    try:
        title = of(kind).title
    except LookupError:
        return about
    return str(_("%(title)s, version %(number)s")) % {"title": title, "number": number}


@contextmanager
def _held(draft: RuleSet, expected: int | None) -> Iterator[RuleSet]:
    """Lock one draft and compare its version, or refuse."""
    with hold(_rows(draft.pk), None if expected is None else {draft.pk: expected}) as held:
        if not held.rows or held.rows[0].state != RuleState.DRAFT:
            message = _("Somebody has published or discarded this draft already.")
            raise RulesRefused("state", message)
        if held.stale:
            message = _("Somebody has changed this version. Look at it again.")
            raise RulesRefused("stale", message)
        yield held.rows[0]


def _newest(kind: str) -> RuleSet | None:
    """Return the published version that begins last, or None."""
    versions = RuleSet.objects.filter(kind=kind, state=RuleState.PUBLISHED)
    return versions.order_by("-valid_from", "-number").first()


def _refuse_faulty(kind: RuleKind, row: RuleSet) -> None:
    """Raise with the words of the first error of a version."""
    if found := errors(kind.check(row)):
        raise RulesRefused("check", found[0].words)


def _demand(reason: str) -> None:
    if not reason.strip():
        raise RulesRefused("reason", _("Say why."))


def _rows(pk: int) -> QuerySet[RuleSet]:
    return RuleSet.objects.filter(pk=pk)


def _lock(pk: int) -> None:
    """Lock the version a request is about, before the request: the order of every verb."""
    list(_rows(pk).select_for_update(no_key=True).values_list("pk"))


def _about(row: RuleSet) -> str:
    """Return what a request is about: kind of the rules and number of the version."""
    return f"rules:{row.kind}:{row.number}"


def _may_edit(scope: Scope) -> bool:
    return scope.may("rules", "edit")


def _carry_out(approval: Approval, decision: str, note: str, actor: Actor, at: datetime) -> None:
    """Publish what was asked for, unless it changed since; a wish for the past means now."""
    if decision != ApprovalState.APPROVED:
        return
    wish = approval.facts.get("valid_from")
    begins = datetime.fromisoformat(wish) if wish else None
    with transaction.atomic():
        publish(
            _rows(approval.about_id).get(),
            reason=approval.reason,
            valid_from=begins if begins and begins > at else None,
            actor=actor,
            at=at,
            expected=int(approval.facts["version"]),
        )


def _sentence(approval: Approval) -> str:
    """Return who asks to publish what, and from when."""
    told = {
        "who": actor_words(approval.asked_by_label),
        "what": about_words(approval.about.partition(":")[2]),
    }
    wish = approval.facts.get("valid_from")
    if not wish:
        return str(_("%(who)s asks to publish %(what)s")) % told
    told["when"] = moment_words(datetime.fromisoformat(wish))
    return str(_("%(who)s asks to publish %(what)s, in force from %(when)s")) % told


def _link(approval: Approval) -> str:
    """Return the page of the rules a request is about."""
    row = _rows(approval.about_id).first()
    return of(row).link(row) if row else ""
