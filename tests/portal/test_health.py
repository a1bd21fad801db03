"""Health answers say what is wrong in words."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from config.kernel import triggers
from config.kernel.models import Heartbeat, OutboxMessage

pytestmark = pytest.mark.django_db


def ready(client):
    answer = client.get(reverse("readyz"))
    return answer.status_code, answer.json()["parts"]


@pytest.fixture
def _alive():
    Heartbeat.objects.create(name="beat", at=timezone.now())


def test_healthz_needs_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get(reverse("healthz")).content == b"ok"


@pytest.mark.usefixtures("_alive")
def test_ready_when_all_parts_are(client):
    assert ready(client) == (
        200,
        dict.fromkeys(["database", "broker", "beat", "backlog", "triggers"], "ok"),
    )


def test_not_ready_before_the_worker_showed_life(client):
    status, parts = ready(client)
    assert status == 503
    assert "beat" in parts["beat"]


@pytest.mark.usefixtures("_alive")
def test_not_ready_with_an_old_heartbeat(client):
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=4))
    assert ready(client)[0] == 503


@pytest.mark.usefixtures("_alive")
def test_not_ready_when_messages_pile_up(client):
    late = timezone.now() - timedelta(minutes=20)
    OutboxMessage.objects.create(key="a", kind="x", channel="email", queued_at=late, ready_at=late)
    status, parts = ready(client)
    assert status == 503
    assert "waiting" in parts["backlog"]


@pytest.mark.usefixtures("_alive")
def test_not_ready_without_its_triggers(client):
    triggers.drop_append_only()
    try:
        status, parts = ready(client)
    finally:
        triggers.install_after_migrate()
    assert status == 503
    assert parts["triggers"].startswith("missing")


@pytest.mark.usefixtures("_alive")
def test_a_dead_broker_is_named(client, settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1, "max_retries": 0}
    status, parts = ready(client)
    assert status == 503
    assert "broker" in parts["broker"]
