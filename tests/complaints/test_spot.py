"""Settled on the spot 当场解决: one form registers, answers and closes, or nothing happens."""

from typing import Any
from uuid import uuid4

import pytest

from complaints.choices import Status
from complaints.models import Case, CaseResponsibility, CustomerNotice
from config.kernel import journal
from config.kernel.models import OutboxMessage
from staff.models import RoleGrant
from staff.models.accounts import Role
from tests.factories.complaints import Bank
from tests.portal.desks import signed_in

URL = "/cases/spot/"


@pytest.fixture
def house(shared_house: Bank) -> Bank:
    return shared_house


def inquiry(**given: Any) -> dict[str, Any]:
    return {
        "token": str(uuid4()), "type": "INQ", "severity": "1", "core_issue": "When do you open?",
        "content": "She asks when the branch opens.", "intake_channel": "TEL",
        "business_line": "B-CC-02", "contact_name": "王丽", "contact_phone": "13812342107",
        "answer": "At nine o'clock.", "method": "phone", "agreed": "on", "no_interest": "on",
    } | given  # fmt: skip


def complaint(house: Bank, **given: Any) -> dict[str, Any]:
    return inquiry(
        type="CMP", severity="2", core_issue="Charged twice", demand="Give it back",
        business_channel="MOB", outcome="UPH", nature="SVC", cause="A1", findings="Booked twice.",
        basis="Tariff, section 4.", objection_ways="Mediation; court.",
        responsible_unit=str(house.units["CARD"].pk), responsibility="responsible",
    ) | given  # fmt: skip


@pytest.mark.django_db
def test_an_agent_closes_an_inquiry_in_one_submit(house):
    client = signed_in(house.accounts["agent"])
    assert client.post(URL, inquiry()).status_code == 302
    case = Case.objects.select_related("department", "type").get()
    assert (case.status, case.settled_on_the_spot) == (Status.CLOSED, True)
    assert case.department.code == "CSC"
    assert case.officer_id == case.handler_id == case.registrar_id == house.pk("agent")
    assert case.accepted_at == case.notified_at == case.closed_at
    assert case.first_response_at is not None
    assert CustomerNotice.objects.get(case=case).result == "told"
    said = [entry.action for entry in journal.entries(case.stream)]
    told = [name for name in said if not name.startswith("clock.")]
    assert told[:2] == ["case.opened", "case.on_the_spot"]
    assert {"case.accept", "case.assess", "case.settle", "case.notify", "case.close"} <= set(said)
    assert not case.clocks.filter(state__in=["running", "paused"]).exists()


@pytest.mark.django_db
def test_an_officer_closes_a_complaint_with_cause_and_reasons(house):
    client = signed_in(house.accounts["officer"])
    answer = client.post(URL, complaint(house))
    assert answer.status_code == 302, answer.context["form"].errors
    case = Case.objects.get()
    assert (case.status, case.cause.code, case.outcome.code) == (Status.CLOSED, "A1", "UPH")
    assert case.confirmed_at is not None
    found = CaseResponsibility.objects.get(case=case)
    assert (found.department.code, found.finding) == ("CARD", "responsible")
    assert not OutboxMessage.objects.filter(kind="case.acceptance").exists()


@pytest.mark.django_db
def test_a_second_submit_of_the_same_form_gives_the_same_case(house):
    client = signed_in(house.accounts["officer"])
    typed = inquiry()
    first, second = client.post(URL, typed), client.post(URL, typed)
    assert first["Location"] == second["Location"]
    assert Case.objects.count() == 1
    assert CustomerNotice.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"agreed": ""}, "agreed"),
        ({"method": "email"}, "method"),
        ({"severity": "3"}, "severity"),
        ({"type": "TIP"}, "type"),
        ({"type": "PET"}, "type"),
        ({"loss_amount": "60000"}, "severity"),
        ({"media_risk": "on"}, "severity"),
        ({"intake_channel": "EML"}, "intake_channel"),
        ({"answer": ""}, "answer"),
        ({"no_interest": ""}, "__all__"),
    ],
)
def test_what_must_take_its_whole_way_is_refused_and_nothing_is_registered(house, wrong, field):
    client = signed_in(house.accounts["officer"])
    answer = client.post(URL, inquiry(**wrong))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert "She asks when the branch opens." in answer.content.decode()
    assert not Case.objects.exists()
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "gone",
    ["outcome", "nature", "cause", "findings", "basis", "objection_ways", "responsibility",
     "business_channel"],
)  # fmt: skip
def test_a_complaint_needs_what_the_guards_demand(house, gone):
    client = signed_in(house.accounts["officer"])
    answer = client.post(URL, complaint(house, **{gone: ""}))
    assert answer.status_code == 422
    assert gone in answer.context["form"].errors
    assert not Case.objects.exists()


@pytest.mark.django_db
def test_the_verb_refuses_too_what_a_form_might_let_through(house):
    """The rules hold without the form: high severity, other types, no agreement, a gap."""
    from dataclasses import replace

    from complaints import spot
    from complaints.workflow.payloads import Answer
    from config.shared.worded import WordedError
    from tests.factories.complaints import AT, draft

    sound = draft(type="INQ", intake_channel="TEL", severity=1)
    what = spot.Spot(Answer(answer="At nine."), "phone", agreed=True, no_interest=True)

    def settle(made: Any, how: Any, by: str = "officer") -> str:
        person = house.accounts[by].person
        try:
            spot.settle(
                made, how, scope=house.scope(by), person=person, actor=house.actor(by), at=AT
            )
        except WordedError as refused:
            return refused.code
        return "done"

    assert settle(replace(sound, severity=3), what) == "severity"
    assert settle(replace(sound, type="TIP"), what) == "type"
    assert settle(replace(sound, type="PET"), what) == "type"
    assert settle(replace(sound, type="CMP"), what, "agent") == "type"
    assert settle(replace(sound, type="SUG"), what, "agent") == "type"
    assert settle(sound, what, "handler") == "type"
    assert settle(sound, replace(what, agreed=False)) == "agreed"
    assert settle(sound, replace(what, method="sms")) == "method"
    assert settle(replace(sound, type="CMP"), what) == ""
    assert settle(sound, replace(what, answer=Answer(answer="Bring [[papers]]."))) == "gaps"
    assert not Case.objects.exists()
    assert settle(sound, what) == "done"


@pytest.mark.django_db
def test_who_may_open_the_page_and_which_types_they_see(house):
    for name, wanted in (("officer", 200), ("supervisor", 200), ("agent", 200),
                         ("handler", 403), ("depthead", 403), ("analyst", 403)):  # fmt: skip
        assert signed_in(house.accounts[name]).get(URL).status_code == wanted, name
    agent = signed_in(house.accounts["agent"]).get(URL).context["form"]
    assert [code for code, _label in agent.fields["type"].choices] == ["INQ", "REQ"]
    officer = signed_in(house.accounts["officer"]).get(URL).context["form"]
    codes = [code for code, _label in officer.fields["type"].choices]
    assert set(codes) == {"CMP", "SUG", "OPN", "PRS", "INQ", "REQ"}
    RoleGrant.objects.create(account=house.accounts["agent"], role=Role.OFFICER)
    again = signed_in(house.accounts["agent"]).get(URL).context["form"]
    assert "CMP" in again.known


@pytest.mark.django_db
def test_what_was_typed_at_intake_is_carried_over_without_registering(house):
    client = signed_in(house.accounts["officer"])
    page = client.post(URL, {"carry": "1", "core_issue": "Fee?", "content": "Long", "type": "REQ"})
    assert page.status_code == 200
    assert page.context["form"]["core_issue"].value() == "Fee?"
    assert page.context["form"]["type"].value() == "REQ"
    assert not Case.objects.exists()
