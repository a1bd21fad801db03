"""The decision: settle, propose, resolve, approve, send back."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints import clocks
from complaints.choices import PAUSING, ClockName, Responsibility, Status
from complaints.models import Case, CaseResponsibility
from complaints.remedies import money, promising
from complaints.replies.filling import demand_filled
from complaints.workflow.lookups import authority_of, given_terms, roles_of
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Answer, Reason, pack
from complaints.workflow.work import Work
from config.kernel import approvals
from config.kernel.models import Term
from config.shared.actors import Actor
from config.shared.worded import WordedError
from staff.models.accounts import Role

_LISTS = {
    "outcome": "outcome",
    "nature": "nature",
    "cause": "cause",
    "suggestion_decision": "suggestion_decision",
}
_TEXTS = ("answer", "findings", "basis", "objection_ways")
_TEAM = frozenset({Role.OFFICER, Role.SUPERVISOR, Role.COMPLIANCE})


@dataclass(frozen=True, slots=True)
class _Decision:
    """An Answer with its codes looked up: `given` = fields of Case to set."""

    what: Answer
    given: Mapping[str, Any]
    remedies: tuple[Term, ...]
    due_at: datetime | None = None

    @property
    def amount(self) -> Decimal:
        return self.what.compensation or Decimal(0)


class _Purse:
    """What was granted before to the cases of one call, and whether a budget would burst."""

    def __init__(self, cases: list[Case], amount: Decimal, *, at: datetime) -> None:
        self.amount, self._at = amount, at
        self._known = money.granted(cases) if amount else {}
        self._cases = Counter(case.department_id for case in cases)
        self._over: dict[int, bool] = {}

    def needs_approval(self, case: Case, authority: Decimal) -> bool:
        """Tell whether the sum is beyond the authority for the whole case, or the budget."""
        total = self.amount + self._known.get(case.pk, Decimal(0))
        return bool(self.amount) and (total > authority or self.is_over(case))

    def is_over(self, case: Case) -> bool:
        """Tell whether the budget of the department or the bank would not cover all its cases."""
        unit = case.department_id
        if self.amount and unit not in self._over:
            total = self.amount * self._cases[unit]
            self._over[unit] = money.exceeds(total, [unit], self._at)
        return self._over.get(unit, False)


def settle(
    cases: QuerySet[Case],
    what: Answer,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Decide on the spot after the assessment, without a hand-over.

    Outside the complaint team only inquiries, requests and the like (types without confirmation).
    """
    work = Work("settle", actor=actor, at=at)
    team = actor.kind == "system" or bool(roles_of(actor) & _TEAM)
    return _decide(work, cases, what, expected, complaints_too=team)


def resolve(
    cases: QuerySet[Case],
    what: Answer,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Decide: outcome, answer and remedies are set and the resolve clock stops.

    A compensation above the actor's authority is asked for instead (approval `compensation`) and
    the case waits in "pending approval".
    """
    return _decide(Work("resolve", actor=actor, at=at), cases, what, expected)


def propose(
    cases: QuerySet[Case],
    what: Answer,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Put the answer before the department head or supervisor (approval `answer`)."""
    work = Work("propose", actor=actor, at=at)
    decision = _decision(what, work.at)
    with work.on(cases, expected) as ready:
        purse = _Purse(ready, decision.amount, at=at)
        for case in ready:
            if _fits(work, case, decision):
                facts, words = pack(what)
                work.move(case, facts, words, **decision.given)
                _request(work, case, "answer", what, over_budget=purse.is_over(case))
        work.done_with("case.sent_back")
    return work.outcomes


def approve(
    cases: QuerySet[Case],
    what: Answer,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Let a proposed answer stand; called by the approval handlers only."""
    work = Work("approve", actor=actor, at=at)
    decision = _decision(what, work.at)
    with work.on(cases, expected) as ready:
        for case in ready:
            if _fits(work, case, decision):
                _carry_out(work, case, decision)
        work.clocks(clocks.stop(work.moved, [ClockName.RESOLVE], at=at))
    return work.outcomes


def send_back(
    cases: QuerySet[Case],
    what: Reason,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Return a proposed answer to its handler with a reason, counted (K43)."""
    work = Work("send_back", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        for case in ready:
            work.move(case, {}, {"reason": what.reason}, return_count=case.return_count + 1)
            work.tell(case, "case.sent_back", [case.handler_id or case.officer_id])
        work.drop_requests("answer", "compensation")
    return work.outcomes


def _decide(
    work: Work,
    cases: QuerySet[Case],
    what: Answer,
    expected: Mapping[int, int] | None,
    *,
    complaints_too: bool = True,
) -> list[Outcome]:
    """Resolve or settle: judge, then carry out, or ask where the money exceeds the authority."""
    decision = _decision(what, work.at)
    may_grant = authority_of(work.actor) if decision.amount else Decimal(0)
    with work.on(cases, expected) as ready:
        purse = _Purse(ready, decision.amount, at=work.at)
        for case in ready:
            if not complaints_too and case.type.flags.get("confirm_before_close"):
                why = _("Only the complaint team decides complaints and petitions on the spot.")
                work.refuse(case, Refusal.GUARD, why)
            elif not _fits(work, case, decision):
                continue
            elif purse.needs_approval(case, may_grant):
                _ask_for_money(work, case, decision, over_budget=purse.is_over(case))
            else:
                _carry_out(work, case, decision)
        left = [o.case for o in work.outcomes if o.before in PAUSING and o.case in work.moved]
        work.clocks(clocks.resume(left, at=work.at))
        resolved = [case for case in work.moved if case.status == Status.RESOLVED]
        work.clocks(clocks.stop(resolved, [ClockName.RESOLVE], at=work.at))
    return work.outcomes


def _decision(what: Answer, at: datetime) -> _Decision:
    """Look the codes up; raises WordedError for an unknown one, and for a text with a gap."""
    demand_filled(*(getattr(what, name) for name in _TEXTS))
    codes = {name: (taxonomy, getattr(what, name)) for name, taxonomy in _LISTS.items()}
    codes |= {f"remedy:{code}": ("remedy", code) for code in what.remedies}
    found = given_terms(codes)
    given: dict[str, Any] = {name: found[name] for name in _LISTS if name in found}
    given |= {name: getattr(what, name) for name in _TEXTS if getattr(what, name).strip()}
    if what.release.strip():
        given["release"] = what.release.strip()
    if what.compensation:
        given["compensation"] = what.compensation
        given["compensation_kind"] = what.compensation_kind
    remedies = tuple(term for name, term in found.items() if name.startswith("remedy:"))
    due = promising.due_at(at) if remedies or what.compensation else None
    for finding in (what.responsibility, *(x for _pk, x in what.responsibilities)):
        if finding and finding not in Responsibility.values:
            message = _("“%(code)s” is not in the list.")
            raise WordedError("responsibility.unknown", message, {"code": finding})
    return _Decision(what, given, remedies, due)


def _fits(work: Work, case: Case, decision: _Decision) -> bool:
    """Judge guards and money for one case."""
    what = decision.what
    case.findings_given = bool(what.responsibility or what.responsibilities)  # type: ignore[attr-defined]
    if decision.amount < 0 or (decision.amount and not what.compensation_kind):
        why = _("A compensation needs a positive sum and its kind.")
        work.refuse(case, Refusal.GUARD, why)
        return False
    return work.fits(case, **decision.given)


def _carry_out(work: Work, case: Case, decision: _Decision) -> None:
    """Set the decision on the case and write its remedies and findings."""
    what = decision.what
    facts, words = pack(what)
    work.move(case, facts, words, **decision.given, resolved_at=work.at)
    if decision.due_at is not None:
        due, chosen = decision.due_at, decision.remedies
        work.add(*promising.rows(case, chosen, what, due, actor=work.actor, at=work.at))
    findings = dict(what.responsibilities)
    if what.responsibility:
        findings[case.department_id] = what.responsibility
    work.find(
        *(
            CaseResponsibility(case=case, department_id=unit, finding=finding)
            for unit, finding in findings.items()
        )
    )
    work.tell(case, "case.resolved", [case.officer_id or case.handler_id])


def _ask_for_money(work: Work, case: Case, decision: _Decision, *, over_budget: bool) -> None:
    """Hold the answer back until somebody with the authority grants the sum."""
    facts, words = pack(decision.what)
    before = case.status
    work.step(case, Status.PENDING_APPROVAL, **decision.given)
    told = {"from": before, "to": case.status, **facts}
    work.record(case, "case.ask_compensation", told, words)
    _request(work, case, "compensation", decision.what, over_budget=over_budget)


def _request(work: Work, case: Case, kind: str, what: Answer, *, over_budget: bool = False) -> None:
    """Ask for the approval and mark the outcome as asked."""
    facts, words = pack(what)
    if over_budget:
        facts["over_budget"] = True
    work.requests.append(
        approvals.Request(
            kind=kind,
            about=case.about,
            about_id=case.pk,
            facts=facts,
            reason=what.answer,
            words=words,
            amount=what.compensation,
            department_id=case.department_id,
        )
    )
    work.refuse(case, Refusal.APPROVAL_ASKED, _("The answer waits for approval."))
