"""The frame of every verb: lock, version, recusal, table of moves; then rows, record, letters.

    work = Work("accept", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            work.move(case, {"officer": actor.id}, accepted_at=at)

On leaving the block everything is written in the transaction that holds the locks, with a number
of queries that does not depend on the number of cases.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Protocol

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from complaints import indexing, letters, recusal
from complaints.choices import Status
from complaints.holding import hold_cases
from complaints.models import Case, CaseExclusion, CaseResponsibility, HandOver
from complaints.routing import moving
from complaints.teamwork import following
from complaints.workflow import guards
from complaints.workflow.moves import MOVES
from complaints.workflow.outcomes import Outcome, Refusal
from config.kernel import approvals, bell, journal, notices, outbox
from config.shared.actors import Actor
from config.shared.claim import Held

_ALSO_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {"notify": ("remedies__term",)}
"""What a verb reads beside the findings of responsibility: a letter names the remedies."""


class ClockWork(Protocol):
    """What a change of clocks hands over: journal entries, fields of the case to save."""

    @property
    def facts(self) -> Iterable[journal.Fact]:
        """Entries to append."""

    @property
    def fields(self) -> Iterable[str]:
        """Names of changed fields of the cases."""


class Work:
    """Everything one verb does to one set of cases."""

    def __init__(self, verb: str, *, actor: Actor, at: datetime) -> None:
        self.rules = MOVES[verb]
        self.actor, self.at = actor, at
        self.outcomes: list[Outcome] = []
        self.letters: list[outbox.Letter] = []
        self.tellings: list[notices.Telling] = []
        self.requests: list[approvals.Request] = []
        self._by_pk: dict[int, Outcome] = {}
        self._facts: list[journal.Fact] = []
        self._declared: list[Case] = []
        self._clock_facts: list[journal.Fact] = []
        self._fields: set[str] = set()
        self._rows: list[Model] = []
        self._said: Counter[int] = Counter()
        self.beside: Case | None = None
        self._own: set[int] = set()
        self._named: dict[int, set[int]] = {}
        self._drops, self._dropped = False, tuple[str, ...]()
        self._reindex: list[Case] = []
        self._findings: list[CaseResponsibility] = []

    @contextmanager
    def on(
        self,
        cases: QuerySet[Case],
        expected: Mapping[int, int] | None,
        beside: int | None = None,
    ) -> Iterator[list[Case]]:
        """Lock the cases, yield those the table admits, write when the block ends well.

        `beside` is the pk of one more case that is locked with them, in the same order, and is
        then found as `work.beside`; it is not judged.
        """
        if beside is not None:
            self._own = set(cases.values_list("pk", flat=True))
            cases = Case.objects.filter(Q(pk__in=cases.values("pk")) | Q(pk=beside))
        needed = ["responsibilities", *_ALSO_NEEDED.get(self.rules.verb, ())]
        with hold_cases(cases, expected, needed) as held:
            self.beside = next((case for case in held.rows if case.pk == beside), None)
            rows = [case for case in held.rows if case.pk != beside or case.pk in self._own]
            yield self._admit(Held(rows, held.stale))
            self._write()

    @property
    def moved(self) -> list[Case]:
        """The cases that were done or asked, in pk order."""
        return [o.case for o in self.outcomes if self._said[o.case.pk]]

    def is_named(self, case: Case, person_id: int | None) -> bool:
        """Tell whether this person is named in the case (recusal)."""
        return person_id in self._named.get(case.pk, ())

    def move(
        self,
        case: Case,
        facts: Mapping[str, Any] | None = None,
        words: Mapping[str, str] | None = None,
        **changes: Any,
    ) -> int:
        """Take the step of the table: set the target state and `changes`, record it.

        Returns the number of the journal entry in the case's chain.
        """
        before = case.status
        if self.rules.target is not None:
            changes["status"] = self.rules.target
        self.change(case, **changes)
        told = {"from": before, "to": case.status, **(facts or {})}
        return self.record(case, f"case.{self.rules.verb}", told, words)

    def step(self, case: Case, status: str, **changes: Any) -> None:
        """Set a state other than the target of the table (asked for approval, closed at once)."""
        self.change(case, status=status, **changes)

    def change(self, case: Case, **changes: Any) -> None:
        """Set fields of the case; they are saved with the record."""
        for name, value in (*changes.items(), ("updated_at", self.at)):
            setattr(case, name, value)
            self._fields.add(Case._meta.get_field(name).name)

    def record(
        self,
        case: Case,
        action: str,
        facts: Mapping[str, Any] | None = None,
        words: Mapping[str, str] | None = None,
    ) -> int:
        """Add an entry to the case's chain; returns the number it will have."""
        self._facts.append(journal.Fact(case, action, dict(facts or {}), dict(words or {})))
        self._said[case.pk] += 1
        if facts and facts.get("no_interest"):
            self._declared.append(case)
        return case.event_seq + self._said[case.pk]

    def forget(self, case: Case) -> None:
        """Drop what was recorded for this case in this call."""
        self._facts = [fact for fact in self._facts if fact.owner is not case]
        del self._said[case.pk]

    def clocks(self, change: ClockWork) -> None:
        """Take over what the clocks did."""
        self._clock_facts += change.facts
        self._fields |= set(change.fields)

    def add(self, *rows: Model) -> None:
        """Insert rows beside the cases."""
        self._rows += rows

    def fits(self, case: Case, **given: Any) -> bool:
        """Tell whether the guards hold with `given` filled in; refuses and restores when not."""
        before = {name: getattr(case, name) for name in given}
        for name, value in given.items():
            setattr(case, name, value)
        why = guards.refusal(case, self.rules.verb)
        if why:
            for name, value in before.items():
                setattr(case, name, value)
            self.refuse(case, Refusal.GUARD, why)
        return not why

    def tell(self, case: Case, kind: str, people: Iterable[int | None], **facts: Any) -> None:
        """Write a notice to each of these people, except the actor."""
        number = case.event_seq + self._said[case.pk]
        self.tellings += [
            notices.Telling(
                key=f"{kind}:{case.number}:{number}:{person}",
                person_id=person,
                kind=kind,
                about=case.about,
                facts={"number": case.number, **facts},
                needs_action=True,
            )
            for person in dict.fromkeys(people)
            if person is not None and person != self.actor.id and not self.is_named(case, person)
        ]

    def find(self, *findings: CaseResponsibility) -> None:
        """Insert or correct findings of responsibility, one per case and department."""
        self._findings += findings

    def write(
        self,
        case: Case,
        purpose: str,
        seq: int,
        words: Mapping[str, str] | None = None,
        method: str | None = None,
    ) -> bool:
        """Queue a letter to the customer with its notice row; False when there is no address.

        `seq` is the journal entry that causes it.
        """
        order = letters.Order(case, purpose, seq, words or {}, method)
        made = letters.compose(order, actor=self.actor, at=self.at)
        if made is None:
            return False
        self.letters.append(made[0])
        self._rows.append(made[1])
        return True

    def hand_over(self, cases: list[Case], *, keep_department: bool = False) -> None:
        """End the running stretches of these cases and begin the next with their new holders.

        A case moved between the same two departments for the third time is told once.
        """
        for shuttle in () if keep_department else moving.third_moves(cases):
            told = {"one": shuttle.one, "other": shuttle.other}
            self.record(shuttle.case, "case.third_move", told)
            self.tell(shuttle.case, "case.third_move", shuttle.tell, **told)
        running = HandOver.objects.filter(case__in=cases, to_at__isnull=True)
        signed = (
            dict(running.values_list("case_id", "signed_at")) if keep_department and cases else {}
        )
        running.update(to_at=self.at, ended_by=self.rules.verb)
        self._rows += [
            HandOver(
                case=case,
                department_id=case.department_id,
                handler_id=case.handler_id,
                from_at=self.at,
                signed_at=signed.get(case.pk),
            )
            for case in cases
        ]
        notices.done(about=[case.about for case in cases], kinds=["case.unassigned"], at=self.at)

    def done_with(self, *kinds: str) -> None:
        """Close the notices that asked for what was just done."""
        if self.moved:
            notices.done(about=[case.about for case in self.moved], kinds=kinds, at=self.at)

    def drop_requests(self, *kinds: str) -> None:
        """Withdraw what still waits for a decision about the moved cases; no kinds = all."""
        self._dropped = kinds
        self._drops = True

    def index(self, case: Case) -> None:
        """Have the search document of this case written anew."""
        self._reindex.append(case)

    def refuse(self, case: Case, refusal: Refusal, why: object) -> None:
        """Leave this case as it is and say why."""
        outcome = self._by_pk[case.pk]
        outcome.refused, outcome.why = refusal, str(why)

    def _admit(self, held: Held[Case]) -> list[Case]:
        """Judge version, recusal and table for every row; return the admitted ones."""
        self._read_named(held.rows)
        guards.prepare(self.rules.verb, held.rows)
        for case in held.rows:
            outcome = Outcome(case, case.status)
            self.outcomes.append(outcome)
            self._by_pk[case.pk] = outcome
            if case.pk in held.stale:
                self.refuse(case, Refusal.STALE, _("Somebody was faster."))
            elif self.actor.kind == "person" and self.is_named(case, self.actor.id):
                why = _("You are named in this case and stay out of it.")
                self.refuse(case, Refusal.RECUSED, why)
            elif case.status not in self.rules.sources:
                state = Status(case.status).label
                why = _("This is not possible in the state “%(state)s”.") % {"state": state}
                self.refuse(case, Refusal.MOVE, why)
        return [outcome.case for outcome in self.outcomes if not outcome.refused]

    def _read_named(self, cases: list[Case]) -> None:
        """Learn who is named in these cases; they neither act nor are told."""
        rows = CaseExclusion.objects.filter(case__in=cases).values_list("case_id", "person_id")
        for case_id, person_id in rows:
            self._named.setdefault(case_id, set()).add(person_id)

    def _write(self) -> None:
        """Write record, rows, requests, letters and notices; ring for what leaves the house."""
        facts = self._facts + self._clock_facts
        facts += following.after_verb(self.moved, self._fields, actor=self.actor, at=self.at)
        journal.append(facts, actor=self.actor, at=self.at, save=sorted(self._fields))
        for model in {type(row) for row in self._rows}:
            model._default_manager.bulk_create([row for row in self._rows if type(row) is model])
        recusal.declare(self._declared, self.rules.verb, actor=self.actor, at=self.at)
        CaseResponsibility.objects.bulk_create(
            self._findings,
            update_conflicts=True,
            unique_fields=["case", "department"],
            update_fields=["finding"],
        )
        if self._drops and self.moved:
            abouts = [case.about for case in self.moved]
            approvals.cancel(abouts, self._dropped, actor=self.actor, at=self.at)
        if self.requests:
            approvals.ask(self.requests, actor=self.actor, at=self.at)
        if self.letters:
            outbox.queue(self.letters, at=self.at)
        if self.tellings:
            notices.tell(self.tellings, at=self.at)
        if self._reindex:
            indexing.put(self._reindex)
        if self._clock_facts:
            bell.wake("clocks")
