"""The acts that can be done with many cases: how each calls its verb, and how it is taken back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from django.db.models import F, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints import export_work, tagging, workflow
from complaints.bulk.results import Doing, Result, What, of_outcomes, refused
from complaints.models import BulkAct, Case
from complaints.workflow.moves import MOVES
from complaints.workflow.payloads import FactsEdit, Grading, Handing, Merging, Note, Sending
from config.kernel import jobs
from config.shared.actors import Actor
from config.shared.scope import Scope
from config.shared.worded import WordedError

Run = Callable[[QuerySet[Case], What, Doing], list[Result]]
Words = str | Promise
Rows = Mapping[int, Mapping[str, Any]]
Undo = Callable[[QuerySet[Case], Rows, Doing], list[Result]]

CLASSIFIED: Final = ("business_line", "nature", "cause", "trigger", "release")
"""Facts that the act `classify` sets; the first four hold codes of their lists."""


@dataclass(frozen=True, slots=True)
class BulkVerb:
    """One act. `act` is what the reach table must grant, `states` where it is possible (None: any).

    `undo` None = `lasts` says why it cannot be taken back. `undo_act` is what taking it back
    needs where that is another right than doing it. `after(act, actor, at)` is called in the
    transaction that ends the act. `short` is the word on the bar of the queue; without it the icon
    stands alone there.
    """

    key: str
    title: Words
    effects: Words
    act: str
    run: Run
    states: frozenset[str] | None = None
    undo: Undo | None = None
    undo_act: str = ""
    lasts: Words = ""
    after: Callable[[BulkAct, Actor, datetime], None] | None = None
    danger: bool = False
    icon: str = "circle"
    short: Words = ""


def _claim(rows: QuerySet[Case], what: What, doing: Doing) -> list[Result]:
    """Claim without comparing versions: the verb itself says who was faster."""
    outcomes = workflow.claim(rows, Note(what.words.get("note", "")), **_who(doing))
    return of_outcomes(outcomes, {o.case.pk: {"handler": None} for o in outcomes})


def _hand(rows: QuerySet[Case], what: What, doing: Doing) -> list[Result]:
    before = _locked(rows, handler=F("handler_id"))
    to = Handing(what.facts["handler"], what.words.get("note", ""))
    return of_outcomes(
        workflow.assign_handler(rows, to, **_who(doing), expected=doing.expected), before
    )


def _hand_back(rows: QuerySet[Case], before: Rows, doing: Doing) -> list[Result]:
    """Give every case back to whoever handled it; nobody where nobody did."""

    def give(some: QuerySet[Case], was: Mapping[str, Any]) -> list[Result]:
        what = Handing(was["handler"], _("A bulk act was taken back."))
        return of_outcomes(
            workflow.assign_handler(some, what, **_who(doing), expected=doing.expected)
        )

    return _by_value(rows, before, give)


def _send(rows: QuerySet[Case], what: What, doing: Doing) -> list[Result]:
    to = Sending(what.facts["department"], note=what.words.get("note", ""))
    return of_outcomes(workflow.assign(rows, to, **_who(doing), expected=doing.expected))


def _classify(rows: QuerySet[Case], what: What, doing: Doing) -> list[Result]:
    before = _locked(
        rows,
        business_line=F("business_line__code"),
        nature=F("nature__code"),
        cause=F("cause__code"),
        trigger=F("trigger__code"),
        release=F("release"),
    )
    values = {name: what.facts[name] for name in CLASSIFIED if what.facts.get(name)}
    edit = FactsEdit(values=values, reason=what.words.get("reason", ""))
    outcomes = workflow.edit_facts(rows, edit, **_who(doing), expected=doing.expected)
    for outcome in outcomes:
        if outcome.done and outcome.case.version == before[outcome.case.pk]["version"]:
            outcome.refused = workflow.Refusal.GUARD
            outcome.why = _("It is classified like that already.")
    kept = {pk: {name: was[name] or "" for name in values} for pk, was in before.items()}
    return of_outcomes(outcomes, kept)


def _declassify(rows: QuerySet[Case], before: Rows, doing: Doing) -> list[Result]:
    def restore(some: QuerySet[Case], was: Mapping[str, Any]) -> list[Result]:
        edit = FactsEdit(values=dict(was), reason=_("A bulk act was taken back."))
        return of_outcomes(workflow.edit_facts(some, edit, **_who(doing), expected=doing.expected))

    return _by_value(rows, before, restore)


def _raise(rows: QuerySet[Case], what: What, doing: Doing) -> list[Result]:
    before = _locked(rows, severity=F("severity"))
    grade = Grading(what.facts["severity"], what.words.get("reason", ""))
    return of_outcomes(
        workflow.raise_severity(rows, grade, **_who(doing), expected=doing.expected), before
    )


def _lower(rows: QuerySet[Case], before: Rows, doing: Doing) -> list[Result]:
    def lower(some: QuerySet[Case], was: Mapping[str, Any]) -> list[Result]:
        grade = Grading(was["severity"], _("A bulk act was taken back."))
        return of_outcomes(
            workflow.lower_severity(some, grade, **_who(doing), expected=doing.expected)
        )

    return _by_value(rows, before, lower)


def _merge(rows: QuerySet[Case], what: What, doing: Doing) -> list[Result]:
    into = Merging(what.facts["into"], what.words.get("reason", ""))
    return of_outcomes(workflow.merge(rows, into, **_who(doing), expected=doing.expected))


def _tag(rows: QuerySet[Case], what: What, doing: Doing) -> list[Result]:
    return _tagged(tagging.add(rows, what.facts["tags"], **_who(doing)))


def _untag(rows: QuerySet[Case], what: What, doing: Doing) -> list[Result]:
    return _tagged(tagging.drop(rows, what.facts["tags"], **_who(doing)))


def _tag_back(rows: QuerySet[Case], before: Rows, doing: Doing) -> list[Result]:
    def drop(some: QuerySet[Case], was: Mapping[str, Any]) -> list[Result]:
        return _tagged(tagging.drop(some, was["tags"], **_who(doing)))

    return _by_value(rows, before, drop)


def _untag_back(rows: QuerySet[Case], before: Rows, doing: Doing) -> list[Result]:
    def add(some: QuerySet[Case], was: Mapping[str, Any]) -> list[Result]:
        return _tagged(tagging.add(some, was["tags"], **_who(doing)))

    return _by_value(rows, before, add)


def _export(rows: QuerySet[Case], _what: What, _doing: Doing) -> list[Result]:
    """Put the cases on the list of the file; the file itself is made when all are on it."""
    return [
        Result(pk, done=True, version=version)
        for pk, version in rows.order_by("pk").values_list("pk", "version")
    ]


def _start_export(act: BulkAct, actor: Actor, at: datetime) -> None:
    """Have the file made of the cases on the list; nothing where none of them may be exported."""
    if act.done:
        params = {"query": "", "act": act.pk, "format": act.what.get("format", "xlsx")}
        title = _("Chosen cases")
        days = {"since": None, "until": None}
        jobs.start(
            export_work.KIND, owner_id=act.by_id, params=params | days, title=title,
            actor=actor, at=at,
        )  # fmt: skip


def _tagged(answers: Sequence[tagging.Tagged]) -> list[Result]:
    return [
        Result(
            answer.case.pk,
            done=not answer.why,
            code="guard" if answer.why else "",
            said=answer.why,
            before={"tags": list(answer.codes)} if answer.codes else {},
            version=answer.case.version,
        )
        for answer in answers
    ]


def _who(doing: Doing) -> dict[str, Any]:
    return {"actor": doing.actor, "at": doing.at}


def _locked(rows: QuerySet[Case], **named: F) -> dict[int, dict[str, Any]]:
    """Lock the cases and return their version and what taking the act back needs, by pk.

    Reading under the lock that the verb then takes again, nothing can change in between.
    """
    pks = [row.pk for row in rows.only("pk").select_for_update(no_key=True).order_by("pk")]
    found = Case.objects.filter(pk__in=pks).annotate(
        **{f"was_{name}": value for name, value in named.items()}
    )
    values = found.values("pk", "version", *(f"was_{name}" for name in named))
    return {
        row["pk"]: {"version": row["version"], **{n: row[f"was_{n}"] for n in named}}
        for row in values
    }


def _by_value(
    rows: QuerySet[Case],
    before: Rows,
    call: Callable[[QuerySet[Case], Mapping[str, Any]], list[Result]],
) -> list[Result]:
    """Call once for all cases that had the same before; what the verb refuses in words is kept."""
    found: list[Result] = []
    pairs = sorted(((sorted(was.items()), pk) for pk, was in before.items()), key=repr)
    for was, group in groupby(pairs, key=lambda pair: pair[0]):
        pks = sorted(pk for _was, pk in group)
        try:
            found += call(rows.filter(pk__in=pks), dict(was))
        except WordedError as error:
            found += refused(pks, error.code, error)
    return found


def _moved(verb: str, **more: Any) -> dict[str, Any]:
    """Return what an act shares with the move of the same name."""
    move = MOVES[verb]
    return {"effects": move.effects, "act": move.act, "states": move.sources, **more}


_ALL: Final = (
    BulkVerb(
        "claim", gettext_lazy("Claim cases"), run=_claim, undo=_hand_back,
        **_moved("claim"),
    ),
    BulkVerb(
        "assign_handler", gettext_lazy("Assign a handler"), run=_hand, undo=_hand_back,
        **_moved("assign_handler"),
    ),
    BulkVerb(
        "assign", gettext_lazy("Send to a department"), run=_send,
        lasts=gettext_lazy(
            "The department has it now: only it can sign or refuse. Ask it to refuse what is not "
            "its own; the case comes back then and can be sent on."
        ),
        **_moved("assign"),
    ),
    BulkVerb(
        "classify", gettext_lazy("Classify cases"), run=_classify, undo=_declassify,
        **_moved("edit_facts"),
        icon="category", short=gettext_lazy("Classify"),
    ),
    BulkVerb(
        "severity", gettext_lazy("Raise the severity"), run=_raise, undo=_lower, undo_act="lower",
        **_moved("raise_severity"),
        icon="arrow-up",
    ),
    BulkVerb(
        "tag", gettext_lazy("Tag cases"), gettext_lazy("The tag helps to find them again."), "tag",
        _tag, tagging.STATES, _tag_back,
        icon="tag", short=gettext_lazy("Tag"),
    ),
    BulkVerb(
        "untag", gettext_lazy("Take tags away"), gettext_lazy("The record keeps that they had it."),
        "tag", _untag, tagging.STATES, _untag_back,
        icon="eraser",
    ),
    BulkVerb(
        "duplicate", gettext_lazy("Close as duplicates"), run=_merge, danger=True,
        lasts=gettext_lazy(
            "A merged case stays with the one it was merged into. To handle its matter apart "
            "again, split it off there."
        ),
        **_moved("merge"),
        icon="git-merge",
    ),
    BulkVerb(
        "export", gettext_lazy("Export cases"),
        gettext_lazy("The file waits in the export centre when it is ready."), "export", _export,
        lasts=gettext_lazy(
            "An export cannot be taken back; its file goes after seven days. While it is being "
            "made it can be stopped in the export centre."
        ),
        after=_start_export,
        icon="file-export",
    ),
)  # fmt: skip

ACTS: Final[Mapping[str, BulkVerb]] = {verb.key: verb for verb in _ALL}
"""Name of the act in addresses and in `BulkAct.verb` -> what it is."""


def on_bar(scope: Scope) -> list[BulkVerb]:
    """Return the acts beside claiming, assigning and sending that this person may do at all."""
    return [
        verb
        for verb in ACTS.values()
        if verb.icon != "circle"
        and scope.may("cases", verb.act)
        and (verb.key != "export" or scope.may("exports", "run"))
    ]


__all__ = ["ACTS", "CLASSIFIED", "BulkVerb", "on_bar"]
