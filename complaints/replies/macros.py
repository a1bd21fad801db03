"""One click for words, facts and a move: what a macro will do, and doing all of it or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints import workflow
from complaints.choices import NoticeMethod, NoticePurpose
from complaints.conversation import doubting, writing
from complaints.holding import hold_cases
from complaints.models import Case, Macro
from complaints.replies import details, filling
from complaints.replies.macro_parts import INTO
from complaints.replies.offering import sends, template
from complaints.replies.variables import Ground, fill_from
from complaints.workflow import Outcome, Refusal
from complaints.workflow.moves import MOVES
from complaints.workflow.payloads import FactsEdit
from config.kernel import journal
from config.shared.actors import Actor
from staff.models import Person

PERFORMED: Final = "case.macro"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a macro does to one case: its words as filled, the way they go, the values of its move.

    `into` is the field of the move that takes the words; '' = they are sent by `method`.
    """

    macro: Macro
    purpose: str
    text: str
    into: str
    given: Mapping[str, Any]
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Doing:
    """A plan as its person let it stand: the words, the payload of the move.

    `sure`: the sender was asked about a doubtful contact and sends it all the same. `asks`: the
    move is asked for, somebody else decides.
    """

    plan: Plan
    text: str = ""
    subject: str = ""
    values: Mapping[str, Any] | None = None
    sure: bool = False
    asks: bool = False


class _Stopped(Exception):  # noqa: N818 - named for what happened
    """A part was refused: everything is undone."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def plan(macro: Macro, case: Case, writer: Person | None, at: datetime) -> Plan:
    """Return what a macro would do to a case now; writes nothing."""
    row = template(at, macro.template) if macro.template else None
    text, subject, purpose = "", "", ""
    if row is not None:
        spoken = case.language or "zh-hans"
        side, ground = "zh" if spoken.startswith("zh") else "en", _ground(case, spoken, at, writer)
        text = fill_from(getattr(row, f"body_{side}"), ground).text
        purpose = row.purpose
        if has_subject(macro, purpose):
            subject = fill_from(getattr(row, f"subject_{side}"), ground).text
    into = "" if sends(macro) else INTO.get(macro.verb, "")
    return Plan(macro, purpose, text, into, _given(macro, at), subject)


def _ground(case: Case, language: str, at: datetime, writer: Person | None) -> Ground:
    _rules, bank = details.in_force(at)
    return Ground(case, bank, language, at, writer)


def has_subject(macro: Macro, purpose: str) -> bool:
    """Whether the words of a macro leave as an e-mail of its writer, which has a subject."""
    by_mail = sends(macro) and macro.method == NoticeMethod.EMAIL
    return by_mail and purpose != NoticePurpose.PROGRESS


def perform(
    cases: QuerySet[Case],
    what: Doing,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int],
) -> Outcome | None:
    """Carry a macro out on the one case in `cases`: words, facts, move; None = out of reach now.

    All in one transaction: where a part is refused nothing happened, and the outcome says why.
    Raises what the parts raise (WordedError: no address, a doubtful contact, a gap in the words).
    """
    try:
        with transaction.atomic(), hold_cases(cases, expected) as held:
            if not held.rows:
                return None
            case = held.rows[0]
            if held.stale:
                return Outcome(case, case.status, Refusal.STALE, _("Somebody was faster."))
            return _parts(Case.objects.filter(pk=case.pk), case, what, actor, at)
    except _Stopped as stopped:
        return stopped.outcome


def _parts(rows: QuerySet[Case], case: Case, what: Doing, actor: Actor, at: datetime) -> Outcome:
    """Do the parts in their order; raises _Stopped with the first refusal."""
    macro = what.plan.macro
    method = _method(what)
    doubt = doubting.doubt(case, method, at)
    if doubt and not what.sure:
        raise writing.Doubtful(doubt, doubting.WORDS[doubt])
    said = [journal.Fact(case, PERFORMED, {"macro": macro.code, "rules": macro.rule_set_id})]
    if doubt:
        said.append(doubting.fact(case, method, doubt))
    journal.append(said, actor=actor, at=at)
    if sends(macro):
        filling.demand_filled(what.subject, what.text)
        _send(rows, what, actor, at)
    if macro.fields:
        edit = FactsEdit({}, dict(macro.fields))
        _went(workflow.edit_facts(rows, edit, actor=actor, at=at))
    if not macro.verb:
        return Outcome(case, case.status)
    verb, kind = workflow.VERBS[macro.verb]
    values = dict(what.values or {})
    if what.plan.into:
        filling.demand_filled(what.text)
        values[what.plan.into] = what.text
    known = {part.name for part in fields(kind)}
    payload = kind(**{name: value for name, value in values.items() if name in known})
    if what.asks:
        return _went(workflow.ask(macro.verb, rows, payload, actor=actor, at=at))
    return _went(verb(rows, payload, actor=actor, at=at))


def _method(what: Doing) -> str:
    """Return how the words of a macro leave: as its message, or with its move; '' = not at all."""
    if sends(what.plan.macro):
        return what.plan.macro.method
    return str((what.values or {}).get("method") or "")


def _send(rows: QuerySet[Case], what: Doing, actor: Actor, at: datetime) -> None:
    """Send the words: a progress notice where the template is one, else a message."""
    method = what.plan.macro.method
    if what.plan.purpose == NoticePurpose.PROGRESS:
        writing.tell_progress(rows, what.text, method=method, actor=actor, at=at, sure=what.sure)
        return
    message = writing.Message(method, what.text, sure=what.sure, subject=what.subject)
    writing.write(rows, message, actor=actor, at=at)


def _went(outcomes: list[Outcome]) -> Outcome:
    """Return the outcome of the one case when it was done or asked; else everything is undone."""
    outcome = outcomes[0]
    if not (outcome.done or outcome.asked):
        raise _Stopped(outcome)
    return outcome


def _given(macro: Macro, at: datetime) -> dict[str, Any]:
    """Return the values the macro gives to its move; `days` becomes the end of a pause."""
    found = dict(macro.given)
    days = found.pop("days", None)
    names = {field.name for field in MOVES[macro.verb].fields} if macro.verb else set()
    if days and "expected_end_at" in names:
        found["expected_end_at"] = at + timedelta(days=int(days))
    if macro.method and "method" in names:
        found["method"] = macro.method
    return found


__all__ = ["PERFORMED", "Doing", "Plan", "has_subject", "perform", "plan"]
