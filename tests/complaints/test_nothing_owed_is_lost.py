"""Sources, promised replies and legal deadlines under any order of merging, splitting, moving."""

from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from complaints import workflow
from complaints.appending import RecordRefused
from complaints.choices import Status
from complaints.conversation import promises
from complaints.models import Case, PromisedReply, SourceRef
from complaints.relations import relinking, sources, splitting
from complaints.relations.frame import RelationRefused
from complaints.workflow.payloads import Merging
from config.kernel import journal, terms
from tests.factories.complaints import AT, DAY, HOUR, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
which = st.integers(0, 4)
days = st.integers(1, 20)
acts = st.one_of(
    st.tuples(st.just("merge"), which, which),
    st.tuples(st.just("split"), which),
    st.tuples(st.just("relink"), which, st.integers(0, 1)),
    st.tuples(st.just("source"), which, days),
    st.tuples(st.just("answer"), which),
    st.tuples(st.just("promise"), which, days),
)


class World:
    """Some cases, and what is owed in them as it was when it came to be."""

    def __init__(self, house):
        self.house, self.at = house, AT + 4 * DAY
        self.customers = [CustomerFactory.create() for _n in range(2)]
        self.pks, self.legal, self.due, self.replied, self.promised = [], {}, {}, {}, {}
        for n in range(3):
            self.born(
                open_case(
                    house, at=AT + n * DAY, intake_channel="R78", referral_number=f"S-{n}",
                    referral_body="12378", external_due_at=AT + (6 + 3 * n) * DAY,
                    customer=self.customers[0],
                )
            )  # fmt: skip

    def born(self, case):
        self.pks.append(case.pk)
        self.legal[case.pk] = case.regulatory_due_at
        self.due |= dict(SourceRef.objects.filter(case=case).values_list("pk", "due_at"))

    def case(self, n):
        return Case.objects.get(pk=self.pks[n % len(self.pks)])

    def act(self, name, n, *rest):
        self.at += HOUR
        getattr(self, name)(self.case(n), *rest)

    def merge(self, case, m):
        into = self.case(m)
        before = self.legal_of(into), self.legal_of(case)
        [out] = workflow.merge(
            rows(case), Merging(into.pk, "One matter."), actor=self.house.actor("supervisor"),
            at=self.at,
        )  # fmt: skip
        if Status.MERGED not in (case.status, into.status) and case.pk != into.pk:
            assert out.done is (before[0] <= before[1])

    def legal_of(self, case):
        return case.regulatory_due_at

    def split(self, case):
        part = splitting.Part("CMP", "Loan rate", "My rate is wrong.", str(uuid4()))
        try:
            opened = splitting.split(
                rows(case), part, "Two matters.", actor=self.house.actor("officer"), at=self.at,
                registrar=self.house.accounts["officer"].person,
            )  # fmt: skip
        except RelationRefused:
            assert not case.is_open
            return
        new = Case.objects.get(pk=opened.case.pk)
        self.born(new)
        assert new.regulatory_due_at <= self.legal_of(case) or new.received_at == case.received_at

    def relink(self, case, m):
        try:
            relinking.relink(
                rows(case), self.customers[m].pk, "Mistyped.", at=self.at,
                actor=self.house.actor("supervisor"),
            )  # fmt: skip
        except RelationRefused:
            assert case.customer_id == self.customers[m].pk

    def source(self, case, n):
        given = {
            "channel": terms.get("intake_channel", "R78"), "number": "", "body": "12378",
            "on": None, "due_at": self.at + n * DAY,
        }  # fmt: skip
        try:
            [made] = sources.add(rows(case), given, actor=self.house.actor("officer"), at=self.at)
        except RelationRefused:
            assert not case.is_open
        else:
            self.due[made.pk] = made.due_at

    def answer(self, case):
        waiting = SourceRef.objects.filter(case=case, replied_at__isnull=True).first()
        if waiting is not None:
            sources.answer(
                rows(case), waiting.pk, "Told.", actor=self.house.actor("officer"), at=self.at
            )
            self.replied[waiting.pk] = self.at

    def promise(self, case, n):
        what = promises.Promise(self.at + n * DAY, method="phone", note="Told her.")
        before = set(self.open_promises(case))
        try:
            [made] = promises.change(
                rows(case), what, actor=self.house.actor("officer"), at=self.at
            )
        except RecordRefused:
            assert not case.is_open
            return
        for pk in before:  # a newer word replaces the older ones of the same case
            self.promised.pop(pk)
        self.promised[made.pk] = made.due_at

    def open_promises(self, case):
        mine = PromisedReply.objects.filter(case=case, ended_at__isnull=True)
        return list(mine.values_list("pk", flat=True))

    def check(self):
        roots = sources.survivors(list(Case.objects.filter(pk__in=self.pks, merged_into=None)))
        kept = {row.pk: row for row in SourceRef.objects.all()}
        assert {pk: row.due_at for pk, row in kept.items()} == self.due
        for pk, row in kept.items():
            assert row.replied_at == self.replied.get(pk)
            if row.replied_at is None:
                assert roots[row.case_id] == row.case_id
                assert row.case.external_due_at <= row.due_at
            else:
                entry = journal.entries(row.case.stream).get(seq=row.reply_seq)
                assert (entry.action, journal.facts_of(entry)["source"]) == (sources.ANSWERED, pk)
            root = Case.objects.get(pk=roots[row.came_with_id])
            assert pk in {shown.pk for shown in sources.of(root)}
        self.check_promises(roots)
        for pk, root in roots.items():
            assert Case.objects.get(pk=root).regulatory_due_at <= self.legal[pk]

    def check_promises(self, roots):
        waiting = PromisedReply.objects.filter(ended_at__isnull=True)
        assert dict(waiting.values_list("pk", "due_at")) == self.promised
        nearest = {}
        for row in waiting:
            assert roots[row.case_id] == row.case_id
            nearest[row.case_id] = min(nearest.get(row.case_id, row.due_at), row.due_at)
        for case in Case.objects.filter(pk__in=set(roots.values())):
            assert case.promised_reply_at == nearest.get(case.pk)


@given(st.lists(acts, max_size=12))
@settings(
    max_examples=20, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_what_is_owed_survives_any_order_of_acts(shared_house, steps):
    with transaction.atomic():
        world = World(shared_house)
        for step in steps:
            world.act(*step)
            world.check()
        transaction.set_rollback(True)
