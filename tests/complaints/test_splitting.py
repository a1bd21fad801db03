"""Splitting: a part becomes a linked case; a report against a person leaves no trace of itself."""

from uuid import uuid4

import pytest

from complaints.choices import ClockName, LinkKind, Status
from complaints.models import Case, CaseClock, CaseLink
from complaints.relations import splitting
from complaints.relations.frame import RelationRefused
from config.kernel.models import JournalEntry
from tests.complaints.relations_help import HTMX, actions, enter, fresh, now, url, words
from tests.factories.complaints import AT, DAY, HOUR, in_state, open_case, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house):
    return shared_house


def part(**given):
    values = {
        "type": "CMP", "core_issue": "Loan rate", "content": "And my loan rate is wrong.",
        "token": str(uuid4()), "business_line": "B-LN",
    }  # fmt: skip
    return splitting.Part(**{**values, **given})


def split(house, case, by="officer", reason="Two matters.", at=AT + HOUR, **given):
    return splitting.split(
        rows(case), part(**given), reason, actor=house.actor(by), at=at,
        registrar=house.accounts[by].person,
    )  # fmt: skip


def test_a_part_is_a_linked_case_with_the_same_sender_and_referral(house):
    first = open_case(
        house, type="PET", intake_channel="R78", referral_number="S-1",
        external_due_at=AT + 9 * DAY, contact_name="李雷",
    )  # fmt: skip
    new = fresh(split(house, first).case)
    assert (new.type.code, new.contact_name, new.received_at) == ("CMP", "李雷", AT)
    assert (new.referral_number, new.external_due_at) == ("S-1", AT + 9 * DAY)
    assert CaseClock.objects.filter(case=new, name=ClockName.EXTERNAL).exists()
    link = CaseLink.objects.get()
    assert (link.a_id, link.b_id, link.kind) == (first.pk, new.pk, LinkKind.SPLIT)
    assert "case.split_off" in actions(first)
    assert "case.split_from" in actions(new)


def test_a_report_in_a_petition_becomes_restricted_and_leaves_no_number_behind(client, house):
    first = open_case(house, type="PET", at=now())
    told = {"type": "TIP", "reason": "Against Zhao", "content": "Zhao took money"}
    made = split(house, first, at=now(minutes=9), **told)
    tip = fresh(made.case)
    assert tip.restricted
    assert "case.split_off_restricted" in actions(first)
    bodies = " ".join(
        JournalEntry.objects.filter(stream=first.stream).values_list("body", flat=True)
    )
    assert tip.number not in bodies
    assert "Zhao" not in words(first)
    enter(client, house, "supervisor")
    for rest in ("", "parts/related/", "timeline/"):
        text = client.get(url(first, rest), headers=HTMX if rest else {}).content.decode()
        assert tip.number not in text
        assert "Zhao" not in text
    assert client.get(url(tip)).status_code == 404


def test_a_double_click_splits_once(house):
    first = open_case(house)
    token = str(uuid4())
    one = split(house, first, token=token)
    two = split(house, first, token=token)
    assert one.case.pk == two.case.pk
    assert CaseLink.objects.count() == 1
    assert actions(first).count("case.split_off") == 1


def test_what_cannot_be_split_writes_nothing(house):
    first, closed = open_case(house), in_state(house, Status.CLOSED)
    count = Case.objects.count()
    for case, given in ((first, {"reason": " "}), (first, {"content": " "}), (closed, {})):
        with pytest.raises(RelationRefused):
            split(house, case, **given)
    assert split(house, first, type="NONE").case is None
    assert Case.objects.count() == count
    assert "case.split_off" not in actions(first)


def test_the_dialog_splits_and_keeps_what_was_typed_when_refused(client, house):
    first = open_case(house, at=now())
    enter(client, house, "officer")
    sent = {
        "token": str(uuid4()), "type": "INQ", "core_issue": "A question", "content": "How much?",
        "severity": "1", "reason": "",
    }  # fmt: skip
    refused = client.post(url(first, "split/"), sent)
    assert refused.status_code == 422
    assert "How much?" in refused.content.decode()
    assert client.post(url(first, "split/"), {**sent, "reason": "Two."}).status_code == 302
    new = Case.objects.latest("pk")
    assert new.type.code == "INQ"
    assert new.number in client.get(url(first, "parts/related/")).content.decode()
    enter(client, house, "analyst")
    assert client.post(url(first, "split/"), sent).status_code == 403
