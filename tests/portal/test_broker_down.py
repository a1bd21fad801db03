"""Without a broker: every page of the journey works, and the effects follow by `run_due`.

The bell is the only thing that is lost; everything to come is a row already.
"""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from complaints.choices import Status
from complaints.models import Case, CaseClock, CustomerNotice
from config.celery import app
from config.kernel import bell
from config.kernel.models import Approval, Job, JobRow, OutboxMessage
from config.kernel.models.jobs import JobState
from config.kernel.models.outbox import OutboxState
from config.shared.registry import DueWork, contributed
from tests.complaints.test_moves_pages import ANSWER, TAKE
from tests.factories.complaints import bank

pytestmark = pytest.mark.django_db
NOBODY = "redis://127.0.0.1:1/0"  # a port on which nobody listens


@pytest.fixture
def silent_broker(settings, monkeypatch):
    """Point Celery and the pages at a broker that refuses every connection."""
    options = {"socket_connect_timeout": 1, "socket_timeout": 1, "max_retries": 0}
    settings.CELERY_BROKER_URL, settings.CELERY_BROKER_TRANSPORT_OPTIONS = NOBODY, options
    old = app.conf.broker_url, app.conf.broker_transport_options
    monkeypatch.setattr(bell, "QUIET_S", 0.0)  # ring every time, so that every page meets it
    app.conf.broker_url, app.conf.broker_transport_options = NOBODY, options
    _forget_connections()
    yield
    app.conf.broker_url, app.conf.broker_transport_options = old
    _forget_connections()


def _forget_connections():
    """Make Celery open its connections anew at the next ring."""
    app.__dict__.pop("amqp", None)
    if app._pool is not None:
        app._pool.force_close_all()
        app._pool = None
    bell._silent["until"] = 0.0


@pytest.fixture
def rung(caplog):
    """Return how often the bell was lost."""
    return lambda: sum("lost" in record.getMessage() for record in caplog.records)


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")


def move(client, case, verb, **data):
    version = Case.objects.values_list("version", flat=True).get(pk=case.pk)
    return client.post(f"/cases/{case.number}/do/{verb}/", {"version": str(version), **data})


def registered(client):
    at = timezone.localtime(timezone.now() - timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M")
    data = {
        "token": str(uuid4()), "type": "CMP", "severity": "2", "core_issue": "Fee twice",
        "content": "I was charged twice.", "intake_channel": "EML", "business_line": "B-CC-02",
        "business_channel": "MOB", "contact_name": "王丽", "contact_email": "wang@example.com",
        "demand": "Give it back.", "received_at": at, "received_precision": "minute",
        "group_size": "1",
    }  # fmt: skip
    assert client.post("/cases/new/", data).status_code == 302
    return Case.objects.latest("pk")


def test_the_whole_journey_works_and_its_effects_follow(
    client, silent_broker, rung, django_capture_on_commit_callbacks
):
    house = bank()
    with django_capture_on_commit_callbacks(execute=True):
        enter(client, house, "officer")
        case = registered(client)
        for path in ("/", "/cases/", f"/cases/{case.number}/", "/accounts/"):
            assert client.get(path).status_code == 200, path
        assert move(client, case, "accept", **TAKE).status_code == 302
        assert move(client, case, "assess").status_code == 302
        unit = str(house.units["CARD"].pk)
        assert move(client, case, "assign", department_id=unit).status_code == 302
        enter(client, house, "handler")
        handler = str(house.pk("handler"))
        signed = move(client, case, "sign", no_interest="on", handler_id=handler)
        assert signed.status_code == 302
        assert move(client, case, "propose", **ANSWER).status_code == 302
    assert rung() > 0
    assert Approval.objects.get(about=case.about).state == "pending"
    assert OutboxMessage.objects.filter(state=OutboxState.WAITING, about=case.about).exists()
    call_command("run_due")
    assert not OutboxMessage.objects.filter(state=OutboxState.WAITING).exists()
    assert CustomerNotice.objects.filter(case=case, result="delivered").exists()
    assert Case.objects.get(pk=case.pk).status == Status.PENDING_APPROVAL


def test_late_clocks_escalate_and_jobs_are_done_by_the_sweep(
    client, silent_broker, django_capture_on_commit_callbacks
):
    house = bank()
    enter(client, house, "supervisor")
    with django_capture_on_commit_callbacks(execute=True):
        case = registered(client)
        exported = client.post("/exports/", {"kind": "cases", "format": "csv", "query": ""})
        assert exported.status_code in {200, 302}, exported.content.decode()[:2000]
    job = Job.objects.get()
    assert job.state == JobState.QUEUED
    later = timezone.now() + timedelta(days=40)
    call_command("run_due", at=later.isoformat())
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert JobRow.objects.filter(job=job, kind="error").count() == 0
    case.refresh_from_db()
    assert case.breached
    assert CaseClock.objects.filter(case=case, breached_at__isnull=False).exists()


def test_the_pages_say_that_the_broker_is_away(client, silent_broker):
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "does not answer" in response.json()["parts"]["broker"]
    assert client.get("/healthz").status_code == 200
    assert client.get("/accounts/login/").status_code == 200


def test_every_piece_of_due_work_is_found_without_a_ring(silent_broker, capsys):
    bank()
    call_command("run_due")
    told = dict(re.findall(r"^([\w.-]+): (\d+)$", capsys.readouterr().out, re.M))
    assert set(told) == set(contributed(DueWork))
