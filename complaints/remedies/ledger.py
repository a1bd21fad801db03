"""The ledger of remedies: promise, complete with a proof, cancel; each act stands in the record.

Money above the actor's authority for the whole case, or beyond a budget, is asked for instead
(approval `remedy`); `grant` carries an approved request out.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from complaints.choices import ENDED_ASIDE, RemedyState, Status
from complaints.holding import hold_cases
from complaints.models import Case, CaseExclusion, CaseRemedy
from complaints.remedies import money
from complaints.seeing import able
from complaints.workflow.lookups import authority_of
from config.kernel import approvals, files, journal, notices
from config.kernel.models import Approval, Term
from config.shared.actors import Actor
from config.shared.worded import WordedError
from staff.models import Person

ASK: Final = "remedy"
LATE: Final = "remedy.late"
ASSIGNED: Final = "remedy.assigned"
_SEALED: Final = (Status.ARCHIVED,)
UNPROMISED: Final = (*ENDED_ASIDE, *_SEALED)
"""States in which nothing new is promised; what was promised before is settled until archived."""


class RemedyRefused(WordedError):  # noqa: N818 - reads as words
    """A remedy that cannot be promised, completed or cancelled; the words say why."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised: code of list `remedy`, CNY, who sees to it (person pk), until when.

    `words` say what exactly; the department of the owner pays.
    """

    term: str
    owner_id: int
    due_at: datetime
    words: str = ""
    amount: Decimal | None = None


def promise(
    cases: QuerySet[Case], what: Promise, *, actor: Actor, at: datetime
) -> list[CaseRemedy | Approval]:
    """Promise a remedy in each case, or ask for it; returns the row or the request of each.

    Raises RemedyRefused: unknown remedy, no sum where money is due, an owner who is named in the
    case, a due time that has passed, a case that ended without an answer; all or none.
    """
    term = _term(what.term)
    _judge(term, what, at)
    with _held(cases, actor) as held:
        owner = _owner(held, what.owner_id, at)
        amount = what.amount or money.NOTHING
        limit = authority_of(actor) if amount else money.NOTHING
        known = money.granted(held) if amount else {}
        total = amount * len(held)
        over = bool(amount) and money.exceeds(total, [owner.department_id], at)
        ask = [c for c in held if over or amount + known.get(c.pk, money.NOTHING) > limit]
        ask = ask if amount else []
        made: dict[int, CaseRemedy | Approval] = {}
        made |= _ask(ask, what, over=over, actor=actor, at=at)
        made |= _write([c for c in held if c.pk not in made], term, what, owner, actor, at)
        return [made[case.pk] for case in held]


def grant(approval: Approval, *, actor: Actor, at: datetime) -> None:
    """Carry out an approved request of this ledger. Raises RemedyRefused."""
    facts, words = approval.facts, approvals.words_of(approval)
    due = max(datetime.fromisoformat(facts["due_at"]), at)
    what = Promise(
        facts["remedy"], facts["owner"], due, words.get("words", ""), Decimal(facts["amount"])
    )
    term = _term(what.term)
    with _held(Case.objects.filter(pk=approval.about_id), actor) as held:
        _write(held, term, what, _owner(held, what.owner_id, at), actor, at)


def complete(
    remedies: QuerySet[CaseRemedy], words: str, *, proof: Any = None, actor: Actor, at: datetime
) -> list[CaseRemedy]:
    """Mark remedies as done; each needs a proof: a file (`proof`, one remedy) or words.

    Money needs a file: the receipt or the posting. Raises RemedyRefused, FileRefused.
    """
    said = words.strip()
    with _rows(remedies, actor) as rows:
        if proof is not None and len(rows) != 1:
            raise RemedyRefused("one", _("A proof belongs to exactly one remedy."))
        for row in rows:
            if row.term.flags.get("money") and proof is None:
                raise RemedyRefused("proof", _("Attach the receipt: this remedy pays money."))
            if proof is None and not said:
                raise RemedyRefused("proof", _("Attach the proof or say how it was done."))
        kept = None
        if proof is not None:
            kept = files.store(proof, kind="case", uploaded_by_id=actor.id, at=at)
        for row in rows:
            row.state, row.done_at, row.proof = RemedyState.DONE, at, kept
        _record(rows, "case.remedy_done", said, actor, at)
        return rows


def cancel(
    remedies: QuerySet[CaseRemedy], reason: str, *, actor: Actor, at: datetime
) -> list[CaseRemedy]:
    """Take promised remedies back with a reason; their money is free again."""
    said = reason.strip()
    if not said:
        raise RemedyRefused("reason", _("Say why the remedy is taken back."))
    with _rows(remedies, actor) as rows:
        for row in rows:
            row.state = RemedyState.CANCELLED
        _record(rows, "case.remedy_cancelled", said, actor, at)
        return rows


def about(remedy: CaseRemedy) -> str:
    """Return the reference that notices of a remedy bear."""
    return f"remedy:{remedy.pk}"


def _term(code: str) -> Term:
    term = Term.objects.of("remedy").usable(timezone.localdate()).filter(code=code).first()
    if term is None:
        raise RemedyRefused("term", _("Choose a remedy from the list."))
    return term


def _judge(term: Term, what: Promise, at: datetime) -> None:
    """Refuse a promise that cannot hold."""
    paid = bool(term.flags.get("money"))
    if paid and (what.amount is None or what.amount <= 0):
        raise RemedyRefused("amount", _("Give the sum: this remedy pays money."))
    if not paid and what.amount:
        raise RemedyRefused("amount", _("This remedy pays no money; leave the sum empty."))
    if what.due_at <= at:
        raise RemedyRefused("past", _("The due time lies in the past."))


def _owner(cases: list[Case], pk: int, at: datetime) -> Person:
    """Return who sees to the remedy; never somebody who is named in one of the cases.

    Of a restricted case only somebody who may open it: they are told that it exists.
    """
    found = Person.objects.filter(pk=pk, active=True).first()
    if found is None:
        raise RemedyRefused("owner", _("This person does not work here any more."))
    if CaseExclusion.objects.filter(case__in=cases, person=found).exists():
        raise RemedyRefused("owner", _("This person is named in the case and stays out of it."))
    if any(case.restricted and pk not in able(case, [pk], at) for case in cases):
        raise RemedyRefused("owner", _("This person may not open the case."))
    return found


@contextmanager
def _held(
    cases: QuerySet[Case], actor: Actor, closed: Collection[str] = UNPROMISED
) -> Iterator[list[Case]]:
    """Lock the cases; refuse cases in one of the states `closed`, and named people."""
    with hold_cases(cases) as held:
        if any(case.status in closed for case in held.rows):
            raise RemedyRefused("state", _("This is not possible in a case in this state."))
        named = CaseExclusion.objects.filter(case__in=held.rows, person_id=actor.id or 0)
        if actor.kind == "person" and named.exists():
            raise RemedyRefused("recused", _("You are named in this case and stay out of it."))
        yield held.rows


@contextmanager
def _rows(remedies: QuerySet[CaseRemedy], actor: Actor) -> Iterator[list[CaseRemedy]]:
    """Lock the cases of remedies, then yield the remedies, all of which are still promised.

    The bank keeps or takes back what it promised also where the case was withdrawn, merged,
    transferred or not accepted afterwards.
    """
    with _held(Case.objects.filter(pk__in=remedies.values("case")), actor, _SEALED) as held:
        by_pk = {case.pk: case for case in held}
        rows = list(remedies.filter(case__in=held).select_related("term").order_by("pk"))
        if any(row.state != RemedyState.PROMISED for row in rows):
            raise RemedyRefused("ended", _("This remedy was done or taken back already."))
        for row in rows:
            row.case = by_pk[row.case_id]
        yield rows


def _record(rows: list[CaseRemedy], action: str, words: str, actor: Actor, at: datetime) -> None:
    """Save the changed rows, write them into the record and close what asked for them."""
    CaseRemedy.objects.bulk_update(rows, ["state", "done_at", "proof"])
    facts = [
        journal.Fact(
            row.case,
            action,
            {"remedy": row.term.code, "id": row.pk, "amount": _sum(row.amount),
             "proof": str(row.proof.token) if row.proof else None},
            {"words": words} if words else {},
        )
        for row in rows
    ]  # fmt: skip
    for row in rows:
        row.case.updated_at = at
    journal.append(facts, actor=actor, at=at, save=["updated_at"])
    notices.done(about=[about(row) for row in rows], at=at)


def _write(
    cases: list[Case], term: Term, what: Promise, owner: Person, actor: Actor, at: datetime
) -> dict[int, CaseRemedy]:
    """Write the promised remedies of held cases; returns them by case pk."""
    rows = CaseRemedy.objects.bulk_create(
        CaseRemedy(
            case=case, term=term, amount=what.amount, department_id=owner.department_id,
            owner=owner, due_at=what.due_at, at=at, by_id=actor.id,
        )
        for case in cases
    )  # fmt: skip
    facts = []
    for row in rows:
        row.case.updated_at = at
        told = {"remedy": term.code, "id": row.pk, "amount": _sum(row.amount),
                "owner": owner.pk, "due": what.due_at}  # fmt: skip
        words = {"words": what.words.strip()} if what.words.strip() else {}
        facts.append(journal.Fact(row.case, "case.remedy_promised", told, words))
    journal.append(facts, actor=actor, at=at, save=["updated_at"])
    tell_owners([row for row in rows if owner.pk != actor.id], at=at)
    return {row.case_id: row for row in rows}


def tell_owners(rows: list[CaseRemedy], *, at: datetime) -> None:
    """Tell those who see to these remedies what they have to do."""
    notices.tell(
        [
            notices.Telling(
                key=f"{ASSIGNED}:{row.pk}:{row.owner_id}",
                person_id=row.owner_id or 0,
                kind=ASSIGNED,
                about=about(row),
                facts={"number": row.case.number, "remedy": row.term.code},
                needs_action=True,
            )
            for row in rows
            if row.owner_id is not None
        ],
        at=at,
    )


def _ask(
    cases: list[Case], what: Promise, *, over: bool, actor: Actor, at: datetime
) -> Mapping[int, Approval]:
    """Ask for the money of these cases; returns the requests by case pk."""
    wanted = [
        approvals.Request(
            kind=ASK,
            about=case.about,
            about_id=case.pk,
            reason=what.words.strip(),
            facts={
                "remedy": what.term, "owner": what.owner_id, "due_at": what.due_at.isoformat(),
                "amount": str(what.amount), "over_budget": over,
            },
            words={"words": what.words.strip()},
            amount=what.amount,
            department_id=case.department_id,
        )
        for case in cases
    ]  # fmt: skip
    rows = approvals.ask(wanted, actor=actor, at=at) if wanted else []
    return {row.about_id: row for row in rows}


def _sum(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


__all__ = [
    "ASK",
    "ASSIGNED",
    "LATE",
    "UNPROMISED",
    "Promise",
    "RemedyRefused",
    "about",
    "cancel",
    "complete",
    "grant",
    "promise",
    "tell_owners",
]
