"""Messages out: states, masked addresses, words by reach, send again and stop."""

from uuid import uuid4

import pytest
from django.test import Client

from complaints.models import Case
from config.kernel.models import JournalEntry, OutboxMessage
from config.kernel.models.outbox import OutboxState
from staff.models import Department
from tests.complaints.queue_data import case as built
from tests.complaints.queue_data import many
from tests.factories.staff import DepartmentFactory
from tests.portal.desks import as_role, message, queries

pytestmark = pytest.mark.django_db
FAILED = {"state": OutboxState.FAILED, "ready_at": None, "attempts": 5}


@pytest.fixture
def unit() -> Department:
    return DepartmentFactory.create()


@pytest.fixture
def case(unit) -> Case:
    return built(unit)


@pytest.fixture
def supervisor() -> Client:
    return as_role("supervisor")


def test_only_those_who_run_the_sending_get_in():
    assert as_role("officer").get("/outbox/").status_code == 403
    assert as_role("handler").post("/outbox/act/", {"verb": "retry"}).status_code == 403
    for role in ("supervisor", "auditor", "admin"):
        assert as_role(role).get("/outbox/").status_code == 200


def test_what_failed_comes_first_with_the_fix_and_what_waits(supervisor, case):
    message("a", case.about, **FAILED, last_error="The address is not valid.")
    message("b", case.about)
    text = supervisor.get("/outbox/").content.decode()
    assert "Subject a" in text
    assert "Subject b" not in text
    assert "Correct the contact in the case" in text
    assert f'href="/cases/{case.number}/"' in text
    assert "5h left" in text or "left" in text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("The mail server refused the address (550).", "refused the address (550)."),
        ("No gateway for sms is set up.", "No gateway for SMS is set up."),
        ("SMTPServerDisconnected", "did not take it (SMTPServerDisconnected)"),
        ("worker lost", "The sender stopped"),
    ],
)
def test_every_error_is_said_in_words(supervisor, error, words):
    row = message("a", **FAILED, last_error=error)
    assert words in supervisor.get(f"/outbox/{row.pk}/").content.decode()


def test_addresses_are_masked_for_everybody(supervisor, case):
    row = message("a", case.about, **FAILED, channel="sms", to="13512345678")
    for url in ("/outbox/", f"/outbox/{row.pk}/"):
        text = supervisor.get(url).content.decode()
        assert "135 •••• 5678" in text
        assert "13512345678" not in text


def test_the_administrator_sees_state_and_errors_but_no_words(case):
    row = message("a", case.about, **FAILED, last_error="The address is not valid.")
    text = as_role("admin").get(f"/outbox/{row.pk}/").content.decode()
    assert "The address is not valid." in text
    assert "secret words" not in text
    assert "Subject a" not in text


def test_words_about_a_restricted_case_stay_hidden(supervisor, unit):
    hidden = built(unit, restricted=True)
    row = message("a", hidden.about, **FAILED)
    text = supervisor.get(f"/outbox/{row.pk}/").content.decode()
    assert "secret words" not in text
    assert "Subject a" not in text
    assert hidden.number not in text
    assert "A case out of your reach" in text


def test_sent_mail_can_be_read(supervisor, case):
    row = message("a", case.about, state=OutboxState.SENT, ready_at=None)
    assert b"Subject a" in supervisor.get("/outbox/?tab=sent").content
    assert b"secret words" in supervisor.get(f"/outbox/{row.pk}/").content


def test_send_again_and_stop_are_recorded(supervisor):
    again, stopped = message("a", **FAILED), message("b")
    answer = supervisor.post("/outbox/act/", {"verb": "retry", "m": again.pk}, follow=True)
    assert "1 message goes out again." in answer.content.decode()
    supervisor.post("/outbox/act/", {"verb": "cancel", "m": [stopped.pk]})
    states = dict(OutboxMessage.objects.values_list("key", "state"))
    assert states == {"a": OutboxState.WAITING, "b": OutboxState.CANCELLED}
    told = JournalEntry.objects.filter(stream="ledger:outbox").order_by("seq")
    assert [entry.action for entry in told] == ["outbox.retried", "outbox.cancelled"]


def test_a_message_that_moved_on_answers_409(supervisor):
    row = message("a", state=OutboxState.SENT, ready_at=None)
    answer = supervisor.post("/outbox/act/", {"verb": "cancel", "m": row.pk})
    assert answer.status_code == 409
    assert b"moved on meanwhile" in answer.content


def test_a_message_that_is_being_sent_is_not_stopped_and_the_answer_says_so(supervisor):
    leased = {"lease": uuid4()}
    going, free = message("a", **leased), message("b")
    page = supervisor.get(f"/outbox/{going.pk}/")
    assert "is being sent right now" in page.content.decode()
    assert not page.context["may_stop"]
    answer = supervisor.post("/outbox/act/", {"verb": "cancel", "m": going.pk})
    assert answer.status_code == 409
    assert b"it is on its way and cannot be stopped" in answer.content
    both = {"verb": "cancel", "m": [going.pk, free.pk]}
    text = supervisor.post("/outbox/act/", both, follow=True).content.decode()
    assert "1 message was stopped." in text
    assert "1 message is being sent right now" in text
    states = dict(OutboxMessage.objects.values_list("key", "state"))
    assert states == {"a": OutboxState.WAITING, "b": OutboxState.CANCELLED}


def test_refusals_of_the_act(supervisor):
    assert supervisor.post("/outbox/act/", {"verb": "burn", "m": 1}).status_code == 404
    assert supervisor.post("/outbox/act/", {"verb": "retry", "m": "9" * 30}).status_code == 302
    assert supervisor.post("/outbox/act/", {"verb": "retry", "m": 99}).status_code == 404
    assert as_role("auditor").post("/outbox/act/", {"verb": "retry", "m": 1}).status_code == 403
    assert supervisor.get("/outbox/act/").status_code == 405
    assert supervisor.get("/outbox/99/").status_code == 404


def test_who_may_only_look_gets_no_buttons():
    row = message("a", **FAILED)
    text = as_role("auditor").get(f"/outbox/{row.pk}/").content.decode()
    assert 'value="retry"' not in text
    assert 'value="cancel"' not in text


def test_the_list_costs_the_same_for_three_and_fifty(supervisor, unit):
    cases = many(unit, 60)
    for row in cases[:3]:
        message(f"k{row.number}", row.about, **FAILED)
    few = queries(supervisor, "/outbox/")
    for row in cases[3:]:
        message(f"k{row.number}", row.about, **FAILED)
    assert queries(supervisor, "/outbox/") == few <= 11
    assert supervisor.get("/outbox/").context["links"].next
