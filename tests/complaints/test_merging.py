"""Merging: sources survive with their own deadlines, every sender is told, no loops."""

import pytest

from complaints import workflow
from complaints.choices import ClockName, Status
from complaints.conversation import promises
from complaints.models import Case, CaseClock, CaseExclusion, PromisedReply, SourceRef
from complaints.relations import merging, sources
from complaints.relations.frame import RelationRefused
from complaints.workflow.payloads import Merging
from config.kernel import journal
from config.kernel.models import Notice, OutboxMessage
from tests.complaints.relations_help import actions, enter, fresh, now, url
from tests.factories.complaints import AT, DAY, HOUR, do, in_state, open_case, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house):
    return shared_house


def merge(house, case, into, by="supervisor"):
    return workflow.merge(
        rows(case), Merging(into.pk, "One matter."), actor=house.actor(by), at=AT + HOUR
    )[0]


def referred(house, number, days, **given):
    return open_case(
        house, intake_channel="R78", referral_number=number, referral_body="12378",
        external_due_at=AT + days * DAY, **given,
    )  # fmt: skip


def test_the_first_source_comes_from_the_referral(house):
    case = referred(house, "S-1", 9)
    source = SourceRef.objects.get(case=case)
    assert (source.number, source.due_at, source.came_with_id) == ("S-1", AT + 9 * DAY, case.pk)
    assert not SourceRef.objects.filter(case=open_case(house)).exists()


@pytest.mark.parametrize(("survivor", "merged", "due"), [(9, 5, 5), (5, 9, 5)])
def test_the_nearest_deadline_counts_and_none_is_loosened(house, survivor, merged, due):
    into, case = referred(house, "S-1", survivor), referred(house, "S-2", merged)
    assert merge(house, case, into).done
    into = fresh(into)
    assert into.external_due_at == AT + due * DAY
    numbers = SourceRef.objects.filter(case=into).values_list("number", "came_with")
    assert set(numbers) == {("S-1", into.pk), ("S-2", case.pk)}
    clock = CaseClock.objects.get(case=into, name=ClockName.EXTERNAL)
    assert clock.due_at == AT + due * DAY
    assert not SourceRef.objects.filter(case=case).exists()


def test_a_survivor_without_a_deadline_gets_the_one_of_the_merged(house):
    into, case = open_case(house), referred(house, "S-2", 5)
    merge(house, case, into)
    assert fresh(into).external_due_at == AT + 5 * DAY
    assert CaseClock.objects.filter(case=into, name=ClockName.EXTERNAL).exists()


def test_a_case_from_before_sources_keeps_its_deadline_too(house):
    into, case = open_case(house), referred(house, "S-2", 5)
    SourceRef.objects.all().delete()
    merge(house, case, into)
    assert SourceRef.objects.get(case=into).number == "S-2"


def test_the_case_whose_legal_limit_ends_first_survives(house):
    older, newer = open_case(house), open_case(house, at=AT + 2 * DAY)
    assert older.regulatory_due_at < newer.regulatory_due_at
    refused = merge(house, older, newer)
    assert not refused.done
    assert older.number in refused.why
    assert merge(house, newer, older).done
    inquiry = open_case(house, type="INQ")
    assert inquiry.regulatory_due_at is None
    assert not merge(house, older, inquiry).done
    assert merge(house, inquiry, older).done


def test_promised_replies_move_to_the_survivor(house):
    into, case = open_case(house), open_case(house)
    for one, days in ((into, 3), (case, 2)):
        what = promises.Promise(AT + days * DAY, method="phone", note="Told her.")
        promises.change(rows(one), what, actor=house.actor("officer"), at=AT)
    assert merge(house, case, into).done
    assert fresh(into).promised_reply_at == AT + 2 * DAY
    moved = PromisedReply.objects.get(due_at=AT + 2 * DAY)
    entry = journal.entries(into.stream).get(seq=moved.seq)
    assert (moved.case_id, entry.action) == (into.pk, "case.took_in")
    late = promises.sweep(AT + 2 * DAY)
    assert late
    assert Notice.objects.filter(kind=promises.BREACH, about=into.about).exists()


def test_a_time_promised_at_intake_moves_too(house):
    into, case = open_case(house), open_case(house, promised_reply_at=AT + 2 * DAY)
    merge(house, case, into)
    assert fresh(into).promised_reply_at == AT + 2 * DAY


def test_no_source_is_added_where_nobody_answers(house):
    into, case = open_case(house), referred(house, "S-2", 5)
    merge(house, case, into)
    channel = case.intake_channel
    with pytest.raises(RelationRefused):
        sources.add(
            rows(case), {"channel": channel, "number": "S-3"}, actor=house.actor("officer"),
            at=AT + HOUR,
        )  # fmt: skip


def test_no_loops_no_merged_targets(house):
    a, b, c = (open_case(house) for _n in range(3))
    assert merge(house, a, b).done
    assert not merge(house, b, a).done
    assert not merge(house, c, a).done
    assert not merge(house, b, b).done
    both = workflow.merge(
        rows(b, c), Merging(b.pk, "One."), actor=house.actor("supervisor"), at=AT + HOUR
    )
    assert [outcome.done for outcome in both] == [False, True]
    assert fresh(b).merged_into_id is None


def test_every_sender_is_told_also_over_two_steps(house):
    far = open_case(house, contact_email="far@example.com")
    near = open_case(house, contact_email="near@example.com")
    into = in_state(house, Status.IN_PROGRESS)
    merge(house, far, near)
    merge(house, near, into)
    assert {row.pk for row in merging.merged_below([into])[into.pk]} == {far.pk, near.pk}
    do(house, into, "resolve", by="officer", at=AT + 2 * HOUR)
    do(house, into, "notify", by="officer", at=AT + 3 * HOUR)
    told = OutboxMessage.objects.filter(kind="case.result").values_list("to", flat=True)
    assert set(told) >= {"far@example.com", "near@example.com"}


def test_the_timeline_of_the_merged_is_shown_under_the_survivor(client, house):
    into, case = open_case(house, at=now()), open_case(house, at=now(), content="Merged words 42")
    stranger = open_case(house, at=now())
    workflow.merge(
        rows(case), Merging(into.pk, "One."), actor=house.actor("supervisor"), at=now(minutes=9)
    )
    enter(client, house, "supervisor")
    line = url(into, f"merged/{case.number}/")
    assert line in client.get(url(into, "parts/related/")).content.decode()
    assert "Merged words 42" in client.get(line).content.decode()
    assert client.get(url(into, f"merged/{stranger.number}/")).status_code == 404
    CaseExclusion.objects.create(case=case, person_id=house.pk("supervisor"), reason="named", at=AT)
    assert client.get(line).status_code == 404


def test_merged_below_costs_a_query_per_step_not_per_case(house, django_assert_num_queries):
    into = open_case(house)
    for _n in range(5):
        merge(house, open_case(house), into)
    with django_assert_num_queries(2):
        merging.merged_below([into])
    assert "case.took_in" in actions(Case.objects.get(pk=into.pk))
