"""Links between cases, and the related panel: what is hidden neither shows nor counts."""

import pytest

from complaints.choices import LinkKind, Status
from complaints.models import CaseExclusion, CaseLink
from complaints.relations import linking, panel
from complaints.relations.frame import RelationRefused
from tests.complaints.relations_help import HTMX, actions, enter, last, now, url, words
from tests.factories.complaints import AT, in_state, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house):
    return shared_house


def link(house, one, two, kind=LinkKind.RELATED, reason="Same letter."):
    return linking.link(rows(one), two.pk, kind, reason, actor=house.actor("supervisor"), at=AT)


def test_a_link_is_kept_once_the_older_first_and_stands_in_both_records(house):
    old, new = open_case(house), open_case(house)
    assert link(house, new, old) == 1
    assert link(house, old, new) == 0
    row = CaseLink.objects.get()
    assert (row.a_id, row.b_id) == (old.pk, new.pk)
    assert last(old, "case.linked") == {"number": new.number, "kind": "related"}
    assert last(new, "case.linked")["number"] == old.number
    assert link(house, old, new, LinkKind.DUPLICATE) == 1


@pytest.mark.parametrize("kind", [LinkKind.SPLIT, "nonsense"])
def test_kinds_that_are_not_made_by_hand_are_refused(house, kind):
    with pytest.raises(RelationRefused):
        link(house, open_case(house), open_case(house), kind)


def test_never_with_itself_nor_with_a_restricted_one_nor_an_archived_one(house):
    case, tip = open_case(house), open_case(house, type="TIP")
    for other in (case, tip, in_state(house, Status.ARCHIVED)):
        with pytest.raises(RelationRefused):
            link(house, case, other)
    assert CaseLink.objects.count() == 0


def test_a_recused_person_links_nothing(house):
    one, two = open_case(house), open_case(house)
    CaseExclusion.objects.create(case=two, person_id=house.pk("supervisor"), reason="named", at=AT)
    with pytest.raises(RelationRefused):
        link(house, one, two)


def test_a_link_goes_with_a_reason_only_and_what_was_split_off_stays(house):
    one, two = open_case(house), open_case(house)
    link(house, one, two)
    row, actor = CaseLink.objects.get(), house.actor("supervisor")
    with pytest.raises(RelationRefused):
        linking.unlink(rows(one), row.pk, " ", actor=actor, at=AT)
    linking.unlink(rows(two), row.pk, "Another matter.", actor=actor, at=AT)
    assert CaseLink.objects.count() == 0
    assert "case.unlinked" in actions(one)
    assert "Another matter." in words(two)
    split = CaseLink.objects.create(a=one, b=two, kind=LinkKind.SPLIT, at=AT)
    with pytest.raises(RelationRefused):
        linking.unlink(rows(one), split.pk, "No.", actor=actor, at=AT)


def test_a_link_of_other_cases_is_not_taken_away_through_this_one(house):
    one, two, mine = open_case(house), open_case(house), open_case(house)
    link(house, one, two)
    with pytest.raises(RelationRefused):
        linking.unlink(
            rows(mine), CaseLink.objects.get().pk, "No.", actor=house.actor("supervisor"), at=AT
        )
    assert CaseLink.objects.count() == 1


def test_the_group_of_a_contact_is_found_over_several_steps(house):
    a, b, c, d = (open_case(house) for _n in range(4))
    link(house, a, b, LinkKind.SAME_CONTACT)
    link(house, c, b, LinkKind.SAME_CONTACT)
    link(house, c, d)
    assert linking.group([a.pk]) == {a.pk, b.pk, c.pk}


def test_the_dialog_links_only_with_a_case_the_reader_sees(client, house):
    case, other = open_case(house, at=now()), open_case(house, at=now())
    tip = open_case(house, at=now(), type="TIP")
    enter(client, house, "officer")
    hidden = client.post(url(case, "link/"), {"number": tip.number, "kind": "related"})
    unknown = client.post(url(case, "link/"), {"number": "C-2026-9999999", "kind": "related"})
    assert hidden.status_code == unknown.status_code == 422
    assert CaseLink.objects.count() == 0
    done = client.post(url(case, "link/"), {"number": other.number.lower(), "kind": "duplicate"})
    assert done.status_code == 302
    row = CaseLink.objects.get()
    page = client.get(url(case, "parts/related/"), headers=HTMX).content.decode()
    assert other.number in page
    drop = url(case, f"links/{row.pk}/drop/")
    assert drop in page
    assert client.post(drop, {"reason": ""}).status_code == 422
    assert client.post(drop, {"reason": "By mistake."}).status_code == 302
    assert CaseLink.objects.count() == 0


def test_peers_31_hidden_cases_are_neither_named_nor_counted_on_the_panel(client, house):
    customer = CustomerFactory.create()
    case = open_case(house, at=now(), customer=customer, core_issue="Fee booked twice 7781")
    seen = open_case(house, at=now(), customer=customer, core_issue="Fee booked twice 7782")
    hidden = open_case(house, at=now(), customer=customer, core_issue="Secret subject 7783")
    linked = open_case(house, at=now(), core_issue="Secret subject 7784")
    link(house, case, linked)
    reader = house.accounts["officer2"].person
    for other in (hidden, linked):
        CaseExclusion.objects.create(case=other, person=reader, reason="named", at=AT)
    enter(client, house, "officer2")
    page = client.get(url(case, "parts/related/"), headers=HTMX).content.decode()
    assert seen.number in page
    for other in (hidden, linked):
        assert other.number not in page
    assert "Secret" not in page
    told = panel.read(case, house.scope("officer2"), now(minutes=0))
    shown = [row.case.pk for section in told["sections"] for row in section.rows]
    assert shown == [seen.pk]


def test_a_case_stands_in_one_group_only(house):
    customer = CustomerFactory.create()
    case, other = (open_case(house, customer=customer) for _n in range(2))
    link(house, case, other)
    sections = panel.read(case, house.scope("supervisor"), AT)["sections"]
    assert [section.key for section in sections] == ["related"]


def test_the_panel_costs_the_same_for_few_and_for_many(
    client, house, django_assert_max_num_queries
):
    customer = CustomerFactory.create()
    case = open_case(house, at=now(), customer=customer)
    scope = house.scope("supervisor")
    counts = []
    for many in (2, 9):
        for _n in range(many):
            link(house, case, open_case(house, at=now(), customer=customer))
        with django_assert_max_num_queries(22) as told:
            panel.read(case, scope, now(minutes=0))
        counts.append(len(told))
    assert counts[0] == counts[1]


def test_roles_without_the_act_see_no_link_acts_and_cannot_link(client, house):
    case, other = open_case(house, at=now()), open_case(house, at=now())
    enter(client, house, "analyst")
    assert client.post(url(case, "link/"), {"number": other.number}).status_code == 403
    assert url(case, "link/") not in client.get(url(case, "parts/related/")).content.decode()
