"""Somebody acts for the customer: authority, call to the principal, hints; nothing is refused."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from complaints import erasing
from complaints.choices import AgentState, SignatureKind
from complaints.models import CaseAgent, CaseExclusion, CaseSignature
from complaints.relations import agents, clusters
from complaints.relations.frame import RelationRefused
from config.kernel.models import JournalEntry
from tests.complaints.relations_help import HTMX, actions, enter, fresh, last, now, url, words
from tests.factories.complaints import AT, DAY, HOUR, PNG, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
PHONE = "13655550001"


@pytest.fixture
def house(shared_house):
    return shared_house


def letter():
    return SimpleUploadedFile("letter.png", PNG, "image/png")


def add(house, case, upload=None, **given):
    values = {"name": "赵代理", "phone": PHONE, "relation": "brother", **given}
    return agents.add(rows(case), values, upload=upload, actor=house.actor("officer"), at=AT + HOUR)


def check(house, case, agent, state, version=None):
    said = agents.Said(state, "She says yes.", version)
    return agents.check(rows(case), agent.pk, said, actor=house.actor("officer"), at=AT + DAY)


def test_an_agent_is_noted_and_the_case_goes_on_as_it_is(house):
    case = open_case(house)
    agent = add(house, case)
    assert agent.state == AgentState.CLAIMED
    after = fresh(case)
    assert (after.status, after.severity, after.version) == (
        case.status, case.severity, case.version,
    )  # fmt: skip
    bodies = JournalEntry.objects.filter(stream=case.stream).values_list("body", flat=True)
    assert "赵代理" not in " ".join(bodies)
    assert PHONE not in " ".join(bodies)


def test_the_letter_makes_it_better_and_the_call_decides(house):
    case = open_case(house)
    agent = add(house, case)
    agents.hand_in(rows(case), agent.pk, letter(), actor=house.actor("officer"), at=AT + HOUR)
    agent.refresh_from_db()
    assert agent.state == AgentState.LETTER
    assert case.attachments.filter(file=agent.authority).exists()
    check(house, case, agent, AgentState.DENIED)
    agents.hand_in(rows(case), agent.pk, letter(), actor=house.actor("officer"), at=AT + HOUR)
    agent.refresh_from_db()
    assert agent.state == AgentState.DENIED
    assert agent.checked_by_id == house.pk("officer")
    assert last(case, "case.agent_checked")["state"] == "denied"
    assert "She says yes." in words(case)


def test_a_letter_with_the_agent_counts_at_once(house):
    assert add(house, open_case(house), letter()).state == AgentState.LETTER


def test_names_states_versions_and_foreign_agents_are_checked(house):
    case, other = open_case(house), open_case(house)
    agent = add(house, case)
    with pytest.raises(RelationRefused):
        add(house, case, name=" ")
    with pytest.raises(RelationRefused):
        check(house, case, agent, AgentState.LETTER)
    with pytest.raises(RelationRefused):
        check(house, other, agent, AgentState.CONFIRMED)
    check(house, case, agent, AgentState.CONFIRMED, agent.version)
    with pytest.raises(RelationRefused):
        check(house, case, agent, AgentState.DENIED, agent.version)


def test_an_agent_known_from_other_customers_is_a_hint_within_scope(house):
    cases = [open_case(house, customer=CustomerFactory.create()) for _n in range(4)]
    for case in cases:
        add(house, case)
    [one] = agents.of(cases[0], house.scope("officer2"))
    assert one.elsewhere == 3
    CaseExclusion.objects.create(
        case=cases[1], person_id=house.pk("officer2"), reason="named", at=AT
    )
    [one] = agents.of(cases[0], house.scope("officer2"))
    assert one.elsewhere == 2
    own = open_case(house, customer=cases[0].customer)
    add(house, own)
    [one] = agents.of(cases[0], house.scope("officer2"))
    assert one.elsewhere == 2


def test_the_same_agent_of_several_customers_is_a_cluster(house):
    for n in range(3):
        case = open_case(house, customer=CustomerFactory.create(), content=f"{n} {'pqr'[n] * 50}")
        add(house, case)
    kinds = [one.kind for one in clusters.clusters(house.scope("supervisor"), AT + DAY)]
    assert SignatureKind.AGENT in kinds


def test_a_restricted_case_leaves_no_mark_of_its_agent(house):
    tip = open_case(house, type="TIP")
    agents.add(rows(tip), {"name": "Zhao", "phone": PHONE}, actor=house.actor("compliance"), at=AT)
    assert not CaseSignature.objects.filter(case=tip).exists()


def test_the_dialogs_and_the_panel(client, house):
    case = open_case(house, at=now())
    enter(client, house, "officer")
    sent = {"name": "赵代理", "phone": PHONE, "relation": "brother"}
    assert client.post(url(case, "agents/new/"), {"name": ""}).status_code == 422
    assert client.post(url(case, "agents/new/"), sent).status_code == 302
    agent = CaseAgent.objects.get(case=case)
    part = client.get(url(case, "parts/related/"), headers=HTMX).content.decode()
    assert "赵代理" in part
    assert "Says to act for the customer" in part
    checked = {"version": agent.version, "state": "confirmed", "words": "Yes, my brother."}
    assert client.post(url(case, f"agents/{agent.pk}/check/"), checked).status_code == 302
    stale = client.post(url(case, f"agents/{agent.pk}/check/"), checked)
    assert stale.status_code == 422
    assert "Yes, my brother." in stale.content.decode()
    assert client.post(
        url(case, f"agents/{agent.pk}/letter/"), {"file": letter()}
    ).status_code == 302  # fmt: skip
    other = open_case(house, at=now())
    assert client.get(url(other, f"agents/{agent.pk}/check/")).status_code == 404
    enter(client, house, "analyst")
    part = client.get(url(case, "parts/related/"), headers=HTMX).content.decode()
    assert "赵代理" not in part
    assert client.post(url(case, "agents/new/"), sent).status_code == 403


def test_erasing_the_customer_empties_the_agent(house):
    customer = CustomerFactory.create()
    case = open_case(house, customer=customer)
    agent = add(house, case)
    erasing.erase([customer.pk], AT + DAY)
    agent.refresh_from_db()
    assert (agent.name, agent.phone, agent.phone_hash, agent.relation) == ("", "", "", "")
    assert actions(case)
