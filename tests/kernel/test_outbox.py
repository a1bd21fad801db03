import logging
import smtplib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import IntegrityError, connections, transaction

from config.kernel import journal, outbox
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.shared.actors import Actor
from config.shared.scope import Reach, Scope
from tests.threads import at_once

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MEI = Actor("person", 7, "Mei Lin 林梅")
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def by_mail(settings):
    settings.OUTBOX_MAIL = "smtp"


def letter(key="case:1:receipt", **changes):
    content = {
        "kind": "receipt",
        "channel": "email",
        "to": "wang@example.com",
        "subject": "Your complaint",
        "text": "We have it.",
    } | changes
    return outbox.Letter(key=key, **content)


class Refusing(BaseEmailBackend):
    """A server that answers by the class attribute `answers`; the last answer stays."""

    answers = []
    tried = []

    def send_messages(self, messages):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.tried.extend(x.extra_headers["Message-ID"] for x in messages)
        if isinstance(answer, Exception):
            raise answer
        return len(messages)


@pytest.fixture
def server(settings):
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    Refusing.answers, Refusing.tried = [None], []
    return Refusing


def refused(code):
    return smtplib.SMTPRecipientsRefused({"wang@example.com": (code, b"no")})


@pytest.mark.django_db
def test_a_letter_leaves_once_with_headers_that_stop_robots():
    outbox.queue([letter()], at=AT)
    assert outbox.deliver(AT) == 1
    assert outbox.deliver(AT + MINUTE) == 0
    (sent,) = mail.outbox
    message = OutboxMessage.objects.get()
    assert sent.to == ["wang@example.com"]
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert sent.extra_headers["Message-ID"] == message.message_id
    assert (message.state, message.sent_at, message.ready_at) == (OutboxState.SENT, AT, None)


@pytest.mark.django_db
def test_a_business_key_is_used_once():
    outbox.queue([letter()], at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        outbox.queue([letter()], at=AT)


@pytest.mark.django_db(transaction=True)
def test_a_letter_of_a_transaction_that_failed_never_was():
    with transaction.atomic():
        outbox.queue([letter()], at=AT)
        transaction.set_rollback(True)
    assert outbox.deliver(AT) == 0


@pytest.mark.django_db
def test_words_and_addresses_are_not_readable_in_the_table():
    outbox.queue([letter()], at=AT)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT * FROM kernel_outboxmessage")
        row = str(cursor.fetchall())
    assert "wang@example.com" not in row
    assert "We have it" not in row


@pytest.mark.django_db
def test_a_subject_cannot_smuggle_header_lines():
    outbox.queue([letter(subject="Hello\r\nBcc: all@example.com")], at=AT)
    outbox.deliver(AT)
    assert mail.outbox[0].subject == "Hello Bcc: all@example.com"
    assert "\nBcc:" not in mail.outbox[0].message().as_string()


@pytest.mark.django_db
def test_an_address_cannot_smuggle_header_lines():
    with pytest.raises(outbox.BadLetter):
        outbox.queue([letter(to="a@example.com\nBcc: all@example.com")], at=AT)
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_a_server_that_is_busy_is_tried_again_with_the_same_message_id(server):
    server.answers = [refused(450), smtplib.SMTPServerDisconnected("bye"), None]
    outbox.queue([letter()], at=AT)
    assert outbox.deliver(AT) == 0
    message = OutboxMessage.objects.get()
    assert (message.state, message.ready_at) == (OutboxState.RETRYING, AT + MINUTE)
    assert "wang" not in message.last_error
    assert outbox.deliver(AT + MINUTE / 2) == 0  # not yet
    assert outbox.deliver(AT + MINUTE) == 0
    assert outbox.deliver(AT + 6 * MINUTE) == 1
    assert len(server.tried) == 3
    assert set(server.tried) == {message.message_id}


@pytest.mark.django_db
def test_after_five_tries_the_message_needs_attention_and_its_room_is_told(server, told):
    server.answers = [refused(450)]
    outbox.queue([letter()], at=AT)
    moment = AT
    for _ in range(8):
        outbox.deliver(moment)
        moment += timedelta(hours=2)
    message = OutboxMessage.objects.get()
    assert len(server.tried) == 5
    assert (message.state, message.attempts, message.ready_at) == (OutboxState.FAILED, 5, None)
    assert list(OutboxMessage.objects.needing_attention()) == [message]
    assert told == [("failed", "case:1:receipt")]


@pytest.mark.django_db
def test_an_address_that_does_not_exist_is_not_tried_again(server, told):
    server.answers = [refused(550)]
    outbox.queue([letter()], at=AT)
    outbox.deliver(AT)
    assert OutboxMessage.objects.get().state == OutboxState.FAILED
    assert told == [("failed", "case:1:receipt")]


@pytest.mark.django_db
def test_a_server_that_is_away_costs_one_message_a_try_and_the_others_none(server):
    server.answers = [smtplib.SMTPServerDisconnected("gone")]
    outbox.queue([letter(key=f"k{n}") for n in range(4)], at=AT)
    outbox.queue([letter(key="s", channel="sms", to="13800000000")], at=AT)
    assert outbox.deliver(AT) == 1  # the short message does not wait for the mail server
    assert len(server.tried) == 1
    waiting = OutboxMessage.objects.waiting()
    assert sorted(waiting.values_list("attempts", flat=True)) == [0, 0, 0, 1]
    server.answers = [None]
    assert outbox.deliver(AT + MINUTE) == 4


@pytest.fixture
def told(monkeypatch):
    """What the room of kind `receipt` hears."""
    heard = []
    handler = outbox.DeliveryHandler(
        "receipt",
        delivered=lambda messages, _at: heard.extend(("delivered", m.key) for m in messages),
        failed=lambda messages, _at: heard.extend(("failed", m.key) for m in messages),
    )
    monkeypatch.setattr(outbox, "contributed", lambda _kind: {"receipt": handler})
    return heard


@pytest.mark.django_db
def test_the_room_hears_of_a_delivery(told):
    outbox.queue([letter()], at=AT)
    outbox.deliver(AT)
    assert told == [("delivered", "case:1:receipt")]


def killed(*_args, **_kwargs):
    raise KeyboardInterrupt


@pytest.mark.django_db
def test_a_worker_killed_between_sending_and_marking_sends_again_with_the_same_id(
    server, monkeypatch
):
    outbox.queue([letter()], at=AT)
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "_finish", killed)
        with pytest.raises(KeyboardInterrupt):
            outbox.deliver(AT)
    assert outbox.deliver(AT + MINUTE) == 0  # still leased
    assert outbox.deliver(AT + outbox.LEASE) == 1
    assert len(server.tried) == 2
    assert len(set(server.tried)) == 1


@pytest.mark.django_db
def test_a_message_that_kills_its_worker_is_given_up(server, monkeypatch):
    outbox.queue([letter()], at=AT)
    moment = AT
    with monkeypatch.context() as broken:
        broken.setattr(outbox.sending.Gateways, "send", killed)
        for _ in range(outbox.TRIES):
            with pytest.raises(KeyboardInterrupt):
                outbox.deliver(moment)
            moment += outbox.LEASE
    assert outbox.deliver(moment) == 0
    assert OutboxMessage.objects.get().state == OutboxState.FAILED


@pytest.mark.django_db
def test_a_slow_worker_does_not_mark_what_another_took_over(monkeypatch):
    outbox.queue([letter()], at=AT)
    send = outbox.sending.Gateways.send

    def slow(gateways, message):
        send(gateways, message)
        if len(mail.outbox) == 1:  # while it slept, its lease ran out
            assert outbox.deliver(AT + outbox.LEASE) == 1

    monkeypatch.setattr(outbox.sending.Gateways, "send", slow)
    assert outbox.deliver(AT) == 0
    assert OutboxMessage.objects.get().sent_at == AT + outbox.LEASE


@pytest.mark.django_db(transaction=True)
def test_two_deliverers_at_once_send_each_message_once():
    outbox.queue([letter(key=f"k{n}") for n in range(50)], at=AT)

    def run(_):
        try:
            return outbox.deliver(AT)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        counts = list(pool.map(run, range(3)))
    assert sum(counts) == 50
    assert len({m.extra_headers["Message-ID"] for m in mail.outbox}) == len(mail.outbox) == 50


@pytest.mark.django_db
def test_the_console_names_nobody(settings, caplog):
    settings.OUTBOX_MAIL = "console"
    caplog.set_level(logging.INFO)
    outbox.queue([letter(), letter(key="sms", channel="sms", to="13812345678")], at=AT)
    assert outbox.deliver(AT) == 2
    assert "left by the console" in caplog.text
    for secret in ("wang", "13812345678", "We have it", "Your complaint"):
        assert secret not in caplog.text


@pytest.mark.django_db
def test_in_production_a_missing_gateway_is_not_called_sent(settings):
    settings.PRODUCTION = True
    outbox.queue([letter(channel="sms", to="13812345678")], at=AT)
    assert outbox.deliver(AT) == 0
    message = OutboxMessage.objects.get()
    assert message.state == OutboxState.RETRYING
    assert "No gateway" in message.last_error


@pytest.mark.django_db
def test_a_dead_letter_tried_again_by_hand_is_in_the_record(server):
    server.answers = [refused(550)]
    outbox.queue([letter()], at=AT)
    outbox.deliver(AT)
    server.answers = [None]
    later = AT + timedelta(days=1)
    assert outbox.retry(OutboxMessage.objects.all(), actor=MEI, at=later) == 1
    assert outbox.deliver(later) == 1
    (entry,) = journal.entries("ledger:outbox")
    assert (entry.action, entry.actor_id) == ("outbox.retried", MEI.id)
    assert outbox.retry(OutboxMessage.objects.all(), actor=MEI, at=later) == 0


@pytest.mark.django_db
def test_a_cancelled_message_does_not_leave():
    outbox.queue([letter()], at=AT)
    assert outbox.cancel(OutboxMessage.objects.all(), actor=MEI, at=AT) == outbox.Stopped(1)
    assert outbox.deliver(AT) == 0
    assert mail.outbox == []
    assert outbox.cancel(OutboxMessage.objects.all(), actor=MEI, at=AT) == outbox.Stopped(0)


@pytest.mark.django_db
def test_what_is_being_sent_now_is_not_cancelled_and_counts_as_sent(monkeypatch):
    outbox.queue([letter(), letter(key="b", to="li@example.com")], at=AT)
    send, answers = outbox.sending.Gateways.send, []

    def meanwhile(gateways, message):  # somebody cancels while the gateway has it
        answers.append(outbox.cancel(OutboxMessage.objects.all(), actor=MEI, at=AT))
        send(gateways, message)

    monkeypatch.setattr(outbox.sending.Gateways, "send", meanwhile)
    assert outbox.deliver(AT) == 2
    assert answers == [outbox.Stopped(0, 2), outbox.Stopped(0, 1)]
    assert set(OutboxMessage.objects.values_list("state", "sent_at")) == {(OutboxState.SENT, AT)}
    assert not journal.entries("ledger:outbox").exists()


@pytest.mark.django_db(transaction=True)
def test_of_a_cancel_and_a_sender_exactly_one_wins():
    for n in range(6):
        outbox.queue([letter(key=f"k{n}")], at=AT)
        row = OutboxMessage.objects.filter(key=f"k{n}")
        before = len(mail.outbox)

        def act(k, row=row):
            if k % 2:
                return outbox.deliver(AT)
            return outbox.cancel(row, actor=MEI, at=AT).count

        answers = at_once(act, 4)
        cancelled, sent = sum(answers[::2]), sum(answers[1::2])
        assert (cancelled, sent) in {(1, 0), (0, 1)}
        assert len(mail.outbox) - before == sent
        state = OutboxState.SENT if sent else OutboxState.CANCELLED
        assert row.get().state == state


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reach", "seen"), [(Reach.ALL, 2), (Reach.DEPARTMENT, 1), (Reach.OWN, 0), (Reach.NONE, 0)]
)
def test_who_sees_which_messages(reach, seen):
    outbox.queue([letter(department_id=5), letter(key="b", department_id=6)], at=AT)
    scope = Scope(member=1, departments=frozenset({5}), reach={("outbox", "view"): reach})
    assert OutboxMessage.objects.visible_to(scope).count() == seen


@pytest.mark.django_db(transaction=True)
def test_the_work_does_not_need_the_broker(monkeypatch, caplog):
    def silent(*_args, **_kwargs):
        raise ConnectionRefusedError

    monkeypatch.setattr("config.kernel.bell.run.apply_async", silent)
    monkeypatch.setitem(outbox.bell._silent, "until", 0.0)
    with transaction.atomic():
        outbox.queue([letter()], at=AT)
    assert "bell for outbox was lost" in caplog.text
    assert outbox.deliver(AT) == 1
