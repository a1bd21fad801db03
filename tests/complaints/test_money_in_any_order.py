"""Money of remedies under any order of acts: no authority and no budget is passed unseen."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from complaints import workflow
from complaints.choices import RemedyState
from complaints.models import Case, CaseRemedy, RemedyBudget
from complaints.remedies import ledger, money
from complaints.workflow.payloads import Merging, Withdrawing
from config.kernel.models import Approval
from tests.factories.complaints import AT, DAY, PNG, decide, open_case, rows

pytestmark = pytest.mark.django_db
CASES, BUDGET = 3, Decimal(6000)
AUTHORITY = {"officer": Decimal(500), "supervisor": Decimal(5000), "approver": Decimal("1e12")}
which = st.integers(0, CASES - 1)
some = st.integers(0, 5)
sums = st.sampled_from([1, 40, 200, 499, 500, 501, 2500, 4800, 5000, 5001]).map(Decimal)
acts = st.one_of(
    st.tuples(st.just("give"), which, sums, st.sampled_from(["officer", "supervisor"])),
    st.tuples(st.just("decide"), which, st.sampled_from(["approved", "refused"]),
              st.sampled_from(["supervisor", "approver"])),
    st.tuples(st.just("done"), some),
    st.tuples(st.just("cancel"), some),
    st.tuples(st.just("merge"), which, which),
    st.tuples(st.just("withdraw"), which),
)  # fmt: skip


@dataclass
class Purse:
    """What the acts were expected to do, beside the tables."""

    house: object
    cases: list = field(default_factory=list)
    into: dict = field(default_factory=dict)
    open: set = field(default_factory=set)
    sums: dict = field(default_factory=dict)

    def root(self, pk):
        while pk in self.into:
            pk = self.into[pk]
        return pk

    def matter(self, pk):
        """Return what the remedies of a case and of all merged into the same one come to."""
        mine = self.root(pk)
        return sum(a for case, a in self.sums.values() if self.root(case) == mine) or Decimal(0)

    def total(self):
        return sum(amount for _case, amount in self.sums.values()) or Decimal(0)

    def granted(self, remedy, by):
        """Note a remedy that was granted by somebody, who had the authority for the matter."""
        self.sums[remedy.pk] = (remedy.case_id, remedy.amount)
        assert self.matter(remedy.case_id) <= AUTHORITY[by]
        if by != "approver":
            assert self.total() <= BUDGET


def give(purse, n, amount, by):
    case = purse.cases[n]
    what = ledger.Promise("REF", purse.house.pk("officer"), AT + DAY, "Fee", amount)
    try:
        made = ledger.promise(rows(case), what, actor=purse.house.actor(by), at=AT)[0]
    except ledger.RemedyRefused:
        assert case.pk not in purse.open
    except ledger.approvals.AskRefused:
        assert Approval.objects.pending().filter(about=case.about).exists()
    else:
        if isinstance(made, CaseRemedy):
            purse.granted(made, by)


def decided(purse, n, decision, by):
    case = purse.cases[n]
    if not Approval.objects.pending().filter(about=case.about, kind=ledger.ASK).exists():
        return
    known = set(CaseRemedy.objects.values_list("pk", flat=True))
    decide(purse.house, case, decision, by=by)
    for remedy in CaseRemedy.objects.exclude(pk__in=known):
        assert decision == "approved"
        purse.granted(remedy, by)


def settle(purse, n, act):
    found = CaseRemedy.objects.order_by("pk")[n : n + 1]
    for remedy in found:
        one = CaseRemedy.objects.filter(pk=remedy.pk)
        actor = purse.house.actor("officer")
        try:
            if act == "done":
                proof = SimpleUploadedFile("receipt.png", PNG, content_type="image/png")
                ledger.complete(one, "Booked", proof=proof, actor=actor, at=AT)
            else:
                ledger.cancel(one, "Taken back", actor=actor, at=AT)
                purse.sums.pop(remedy.pk)
        except ledger.RemedyRefused:
            assert remedy.state != RemedyState.PROMISED


def merge(purse, n, m):
    case, into = purse.cases[n], purse.cases[m]
    what = Merging(into.pk, "One matter.")
    if workflow.merge(rows(case), what, actor=purse.house.actor("supervisor"), at=AT)[0].done:
        purse.into[case.pk] = into.pk
        purse.open.discard(case.pk)


def withdraw(purse, n):
    what = Withdrawing("I take it back.", recording="REC-1")
    [out] = workflow.withdraw(
        rows(purse.cases[n]), what, actor=purse.house.actor("supervisor"), at=AT
    )
    if out.done:
        purse.open.discard(purse.cases[n].pk)


def act(purse, name, *rest):
    match name:
        case "give":
            give(purse, *rest)
        case "decide":
            decided(purse, *rest)
        case "done" | "cancel":
            settle(purse, rest[0], name)
        case "merge":
            merge(purse, *rest)
        case _:
            withdraw(purse, *rest)


def agrees(purse):
    """Compare what stands in the tables with what was expected."""
    kept = CaseRemedy.objects.exclude(state=RemedyState.CANCELLED)
    assert {row.pk: (row.case_id, row.amount) for row in kept} == purse.sums
    [line] = money.budgets(2026)
    assert line.spent == purse.total()
    roots = Case.objects.filter(pk__in=[c.pk for c in purse.cases if purse.root(c.pk) == c.pk])
    counted = money.granted(roots)
    assert {pk: counted.get(pk, Decimal(0)) for pk in roots.values_list("pk", flat=True)} == {
        case.pk: purse.matter(case.pk) for case in roots
    }


@given(st.lists(acts, max_size=14))
@settings(
    max_examples=20, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_no_order_of_acts_passes_an_authority_or_a_budget(shared_house, steps):
    with transaction.atomic():
        purse = Purse(shared_house, [open_case(shared_house) for _ in range(CASES)])
        purse.open = {case.pk for case in purse.cases}
        RemedyBudget.objects.create(year=2026, department=None, amount=BUDGET)
        for step in steps:
            act(purse, *step)
            agrees(purse)
        transaction.set_rollback(True)
