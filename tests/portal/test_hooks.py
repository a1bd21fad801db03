"""The door of the SMS gateway: signed, in time, small, and the same answer whoever asks."""

import json
import time

import pytest
from django.utils import timezone

from complaints import workflow
from complaints.choices import NoticeResult, Status
from complaints.models import Case, CustomerNotice
from complaints.workflow import payloads
from config.kernel import delivery_reports, outbox, sms_gateway
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import OutboxState
from tests.factories.complaints import AT, bank, in_state, rows

pytestmark = pytest.mark.django_db
URL = "/hooks/sms/"


@pytest.fixture(autouse=True)
def gateway(settings, monkeypatch):
    settings.SMS_GATEWAY_URL = "https://sms.bank.example/"
    settings.SMS_GATEWAY_SECRET = "k" * 40
    settings.SMS_REPORTS = True
    monkeypatch.setattr(sms_gateway, "_post", lambda *_args: (200, b'{"ref": "G-5"}'))


def post(client, said, *, stamp=None, sign=None, **extra):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    stamp = str(int(time.time())) if stamp is None else stamp
    sign = sms_gateway.signature(stamp, body) if sign is None else sign
    headers = {"X-Huiyin-Timestamp": stamp, "X-Huiyin-Signature": sign}
    return client.post(URL, body, content_type="application/json", headers=headers, **extra)


def sent():
    letter = outbox.Letter("k1", "other", "sms", "13812342107", "S", "T")
    outbox.queue([letter], at=AT)
    outbox.deliver(AT)
    return OutboxMessage.objects.get(key="k1")


def test_a_signed_report_is_taken_in_once(client):
    message = sent()
    assert post(client, {"id": "k1", "state": "delivered"}).status_code == 200
    message.refresh_from_db()
    first = message.delivered_at
    assert first is not None
    assert post(client, {"id": "k1", "state": "failed"}).status_code == 200
    message.refresh_from_db()
    assert (message.delivered_at, message.state) == (first, OutboxState.SENT)


@pytest.mark.parametrize(
    "change",
    [
        {"sign": ""},
        {"sign": "sha256=00"},
        {"sign": "sha256=é"},
        {"seconds": -301},
        {"seconds": 400},
        {"stamp": ""},
        {"stamp": "-1"},
        {"stamp": "9" * 40},
        {"stamp": "１２"},
    ],
)
def test_what_is_not_signed_in_time_is_refused_and_changes_nothing(client, change):
    message = sent()
    if "seconds" in change:
        change = {"stamp": str(int(time.time()) + change["seconds"])}
    sign = change.get("sign")
    if sign and not sign.isascii():
        sign = sign.encode().decode("latin-1")
        change = {"sign": sign}
    assert post(client, {"id": "k1", "state": "delivered"}, **change).status_code == 401
    message.refresh_from_db()
    assert message.delivered_at is None


def test_a_signature_belongs_to_one_body_and_one_time(client):
    sent()
    stamp = str(int(time.time()))
    good = sms_gateway.signature(stamp, b'{"id":"k1","state":"delivered"}')
    answer = post(client, b'{"id":"k1","state":"failed"}', stamp=stamp, sign=good)
    assert answer.status_code == 401
    later = str(int(stamp) + 1)
    body = b'{"id":"k1","state":"delivered"}'
    assert post(client, body, stamp=later, sign=good).status_code == 401
    assert post(client, body, stamp=stamp, sign=good).status_code == 200


def test_without_a_secret_nothing_is_genuine(client, settings):
    settings.SMS_GATEWAY_SECRET = ""
    assert post(client, {"id": "k1", "state": "delivered"}).status_code == 401


@pytest.mark.parametrize(
    "said",
    [
        b"", b"x", b"[]", b"[" * 3000, b'{"id":"k1"}', {"state": "delivered"},
        {"id": "k1", "state": "lost"}, {"id": 5, "state": "failed"},
        {"id": "k" * 121, "state": "failed"}, {"id": "a\x00b", "state": "failed"},
    ],
)  # fmt: skip
def test_what_is_no_report_is_said_so(client, said):
    assert post(client, said).status_code == (400 if said else 411)


def test_large_bodies_are_refused_by_their_length(client):
    assert post(client, b"x" * (delivery_reports.LARGEST + 1)).status_code == 413
    assert client.get(URL).status_code == 405


def test_the_door_needs_no_session_and_no_form_token():
    from django.test import Client

    sent()
    strict = Client(enforce_csrf_checks=True)
    assert post(strict, {"id": "nobody", "state": "delivered"}).status_code == 200
    assert post(strict, {"ref": "G-5", "state": "delivered"}).status_code == 200
    assert OutboxMessage.objects.get(key="k1").delivered_at is not None


def test_a_loss_before_we_marked_the_message_is_asked_for_again(client):
    outbox.queue([outbox.Letter("k1", "other", "sms", "13812342107", "S", "T")], at=AT)
    answer = post(client, {"id": "k1", "state": "failed"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")


@pytest.mark.parametrize("arrives", [True, False])
def test_a_result_by_sms_tells_the_customer_when_it_arrived(client, arrives):
    house = bank()
    case = in_state(house, Status.RESOLVED)
    workflow.notify(rows(case), payloads.Told("sms"), actor=house.actor("officer"), at=AT)
    outbox.deliver(AT)
    notice = CustomerNotice.objects.get(case=case, purpose="result")
    assert notice.result == NoticeResult.PENDING
    assert Case.objects.get(pk=case.pk).status == Status.RESOLVED
    state = "delivered" if arrives else "failed"
    at = timezone.now()
    assert post(client, {"id": notice.outbox_key, "state": state}).status_code == 200
    after = Case.objects.get(pk=case.pk)
    notice.refresh_from_db()
    if arrives:
        assert (after.status, notice.result) == (Status.NOTIFIED, NoticeResult.DELIVERED)
        assert after.notified_at >= at
    else:
        assert (after.status, notice.result) == (Status.RESOLVED, NoticeResult.NOT_DELIVERED)
