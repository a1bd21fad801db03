"""SMS leave by one signed call; what the gateway answers decides what becomes of the message."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from config.kernel import delivery_reports, outbox, sms_gateway
from config.kernel.delivery_words import trouble_words
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.shared.actors import SYSTEM

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECRET = "s" * 32


class Desk(BaseHTTPRequestHandler):
    """A gateway on this machine that answers with `answer` and keeps what it was sent."""

    answer = (200, {}, b'{"ref": "G-1"}')
    got = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got.append((self.path, dict(self.headers), body))
        status, headers, text = self.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_args):
        """Stay quiet."""


@pytest.fixture
def desk(settings):
    server = HTTPServer(("127.0.0.1", 0), Desk)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    Desk.got, Desk.answer = [], (200, {}, b'{"ref": "G-1"}')
    settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{server.server_port}/send?v=1"
    settings.SMS_GATEWAY_SECRET, settings.SMS_SIGN = SECRET, "【汇银】"
    yield Desk
    server.shutdown()
    server.server_close()


def queued(key="message:C-1:5:sms"):
    outbox.queue([outbox.Letter(key, "other", "sms", "13812342107", "S", "您好 hello")], at=AT)
    return OutboxMessage.objects.get(key=key)


@pytest.mark.django_db
def test_the_call_is_signed_over_time_and_body_and_bears_the_message_key(desk):
    message = queued()
    assert outbox.deliver(AT) == 1
    [(path, headers, body)] = desk.got
    assert path == "/send?v=1"
    sent = {"id": message.key, "to": "13812342107", "text": "您好 hello", "sign": "【汇银】"}
    assert json.loads(body) == sent
    stamp = headers["X-Huiyin-Timestamp"]
    digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Huiyin-Signature"] == f"sha256={digest}"
    assert headers["Idempotency-Key"] == message.key
    message.refresh_from_db()
    assert (message.state, message.gateway_ref) == (OutboxState.SENT, "G-1")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (202, OutboxState.SENT),
        (409, OutboxState.SENT),  # known already: an earlier try got through
        (422, OutboxState.FAILED),
        (500, OutboxState.RETRYING),
        (503, OutboxState.RETRYING),
        (401, OutboxState.RETRYING),
        (302, OutboxState.RETRYING),
    ],
)
@pytest.mark.django_db
def test_what_the_gateway_answers_decides(desk, status, state):
    message = queued()
    desk.answer = (status, {"Location": "https://evil.example/"}, b"{}")
    outbox.deliver(AT)
    message.refresh_from_db()
    assert message.state == state
    assert len(desk.got) == 1  # no redirect was followed


@pytest.mark.django_db
def test_a_gateway_that_is_away_is_tried_again_and_says_why(settings):
    settings.SMS_GATEWAY_URL = "http://127.0.0.1:9/"
    settings.SMS_GATEWAY_SECRET = SECRET
    message = queued()
    assert outbox.deliver(AT) == 0
    message.refresh_from_db()
    assert message.ready_at == AT + MINUTE
    assert message.last_error == "SMS gateway: ConnectionRefusedError"
    assert "SMS gateway did not take it" in trouble_words(message.last_error)[0]


@pytest.mark.parametrize("answer", [b"", b"[]", b"{", b'{"ref": null}', b"[" * 5000])
@pytest.mark.django_db
def test_an_odd_answer_is_no_number(desk, answer):
    message = queued()
    desk.answer = (200, {}, answer)
    assert outbox.deliver(AT) == 1
    message.refresh_from_db()
    assert message.gateway_ref == ""


@pytest.mark.django_db
def test_without_a_gateway_sms_go_to_the_console(settings):
    settings.SMS_GATEWAY_URL = ""
    message = queued()
    assert outbox.deliver(AT) == 1
    message.refresh_from_db()
    assert message.state == OutboxState.SENT


def told(monkeypatch):
    """Have a handler for messages of kind `other`; returns what it was told."""
    heard = []
    handler = outbox.DeliveryHandler(
        "other",
        delivered=lambda rows, at: heard.append(("delivered", rows[0].delivered_at)),
        failed=lambda rows, at: heard.append(("failed", rows[0].last_error)),
    )
    monkeypatch.setattr(outbox, "contributed", lambda _kind: {"other": handler})
    return heard


@pytest.mark.parametrize("reports", [False, True])
@pytest.mark.django_db
def test_with_reports_an_sms_counts_as_told_when_it_arrived(desk, settings, monkeypatch, reports):
    settings.SMS_REPORTS = reports
    heard, message = told(monkeypatch), queued()
    outbox.deliver(AT)
    assert heard == ([] if reports else [("delivered", None)])
    report = delivery_reports.Report(message.key, "", arrived=True)
    assert delivery_reports.take(report, at=AT + MINUTE) == "done"
    assert delivery_reports.take(report, at=AT + 2 * MINUTE) == "known"
    message.refresh_from_db()
    assert message.delivered_at == AT + MINUTE
    assert heard == [("delivered", AT + MINUTE if reports else None)]


@pytest.mark.django_db
def test_a_report_that_is_faster_than_the_sender_is_told_by_the_sender(desk, settings, monkeypatch):
    settings.SMS_REPORTS = True
    heard = told(monkeypatch)
    queued()
    plain = sms_gateway.hand_over

    def overtaken(key, to, text):
        early = delivery_reports.Report(key, "", arrived=True)
        assert delivery_reports.take(early, at=AT) == "done"
        lost = delivery_reports.Report("other-key", "", arrived=False)
        assert delivery_reports.take(lost, at=AT) == "unknown"
        return plain(key, to, text)

    monkeypatch.setattr(sms_gateway, "hand_over", overtaken)
    outbox.deliver(AT)
    assert heard == [("delivered", AT)]


@pytest.mark.django_db
def test_a_lost_sms_needs_attention_and_arrival_is_never_taken_back(desk, monkeypatch):
    heard = told(monkeypatch)
    lost, fine = queued("a"), queued("b")
    assert delivery_reports.take(delivery_reports.Report("a", "", False), at=AT) == "early"
    outbox.deliver(AT)
    report = delivery_reports.Report("a", "", arrived=False, code="DELIVRD.9")
    assert delivery_reports.take(report, at=AT) == "done"
    assert delivery_reports.take(report, at=AT) == "known"
    by_ref = OutboxMessage.objects.filter(pk=fine.pk)
    by_ref.update(gateway_ref="G-77")
    assert delivery_reports.take(delivery_reports.Report("", "G-77", True), at=AT) == "done"
    assert delivery_reports.take(delivery_reports.Report("", "G-77", False), at=AT) == "known"
    lost.refresh_from_db()
    assert (lost.state, lost.last_error) == (OutboxState.FAILED, "SMS report: DELIVRD.9")
    assert heard[-1] == ("failed", "SMS report: DELIVRD.9")
    assert by_ref.get().state == OutboxState.SENT


@pytest.mark.django_db
def test_an_email_is_never_reported_by_the_sms_gateway():
    outbox.queue([outbox.Letter("m", "other", "email", "a@example.com", "S", "T")], at=AT)
    assert delivery_reports.take(delivery_reports.Report("m", "", True), at=AT) == "unknown"


@pytest.mark.django_db
def test_a_message_waits_until_it_may_leave_and_can_be_recalled_till_a_sender_has_it():
    letter = outbox.Letter("k", "other", "email", "a@example.com", "S", "T", leaves_at=AT + MINUTE)
    outbox.queue([letter], at=AT)
    assert outbox.deliver(AT + MINUTE - timedelta(seconds=1)) == 0
    rows = OutboxMessage.objects.filter(key="k")
    assert outbox.recall(rows, actor=SYSTEM, at=AT) == ["k"]
    assert outbox.recall(rows, actor=SYSTEM, at=AT) == []
    assert outbox.deliver(AT + 2 * MINUTE) == 0
    assert rows.get().state == OutboxState.CANCELLED


@pytest.mark.django_db
def test_a_message_in_the_hands_of_a_sender_is_not_recalled():
    message = queued()
    OutboxMessage.objects.update(lease="00000000-0000-0000-0000-000000000001")
    rows = OutboxMessage.objects.filter(pk=message.pk)
    assert outbox.recall(rows, actor=SYSTEM, at=AT) == []
    assert rows.get().state == OutboxState.WAITING


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"SMS_GATEWAY_URL": "http://sms.bank.example/", "SMS_GATEWAY_SECRET": SECRET}, "https://"),
        ({"SMS_GATEWAY_URL": "https://sms.bank.example/"}, "SMS_GATEWAY_SECRET"),
        ({"SMS_GATEWAY_URL": "https://sms.bank.example/", "SMS_GATEWAY_SECRET": "short"}, "32"),
        ({"SMS_GATEWAY_URL": "https://sms.bank.example/", "SMS_GATEWAY_SECRET": SECRET}, ""),
    ],
)
def test_production_refuses_a_gateway_that_anybody_could_be(tmp_path, given, words):
    long = dict.fromkeys(("SECRET_KEY", "INDEX_KEY", "SEAL_KEY"), "x" * 48)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SMS_")}
    environment = {
        **clean, **long, "DATA_KEYS": "k1:" + "x" * 48, "PORTAL_MODE": "production",
        "ALLOWED_HOSTS": "bank.example", "PORTAL_VAR": str(tmp_path),
        "DATABASE_URL": "", **given,
    }  # fmt: skip
    environment.pop("DATABASE_URL")
    done = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is (words == ""), done.stderr
    assert words in done.stderr
