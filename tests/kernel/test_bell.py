import logging
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, transaction
from kombu import Connection

from config.celery import app
from config.kernel import bell, running, tasks
from config.kernel.models import Heartbeat
from config.schedule import beat_schedule
from config.shared.registry import DueWork, contributed

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


@pytest.fixture
def rings(monkeypatch):
    heard = []
    monkeypatch.setattr(bell.run, "apply_async", lambda args, **how: heard.append((*args, how)))
    monkeypatch.setitem(bell._silent, "until", 0.0)
    return heard


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_commit_and_once_per_work(rings):
    with transaction.atomic():
        for work in ("outbox", "jobs", "outbox"):
            bell.wake(work)
        with transaction.atomic():
            bell.wake("outbox")
        assert rings == []
    assert [ring[0] for ring in rings] == ["outbox", "jobs"]
    assert rings[1][1]["queue"] == "bulk"
    assert all(ring[1]["expires"] and ring[1]["retry"] is False for ring in rings)


@pytest.mark.django_db(transaction=True)
def test_a_ring_of_a_part_that_is_rolled_back_does_not_swallow_a_later_one(rings):
    with transaction.atomic():
        with transaction.atomic():
            bell.wake("outbox")
            transaction.set_rollback(True)
        bell.wake("outbox")
    assert len(rings) == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_rings_when_nothing_was_committed(rings):
    with transaction.atomic():
        bell.wake("outbox")
        transaction.set_rollback(True)
    assert rings == []


@pytest.fixture
def broker(monkeypatch):
    """Point the bell at a Redis of this address with the options of the settings file."""

    def point(address):
        options = {
            "visibility_timeout": 900,
            "socket_connect_timeout": 1,
            "socket_timeout": 1,
            "max_retries": 0,
        }
        connection = Connection(f"redis://{address}/0", transport_options=options)
        monkeypatch.setattr(app, "connection_for_write", lambda *_args, **_how: connection)
        monkeypatch.setattr(app.amqp, "_producer_pool", None)
        monkeypatch.setitem(bell._silent, "until", 0.0)

    return point


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_refuses_is_logged_and_costs_little(broker, caplog):
    broker("127.0.0.1:1")
    began = time.monotonic()
    with transaction.atomic():
        bell.wake("outbox")
    assert time.monotonic() - began < 3
    assert "bell for outbox was lost" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_accepts_and_stays_silent_is_left_alone_for_a_while(broker, caplog):
    with socket.create_server(("127.0.0.1", 0)) as hole:
        broker(f"127.0.0.1:{hole.getsockname()[1]}")
        began = time.monotonic()
        for _ in range(5):
            with transaction.atomic():
                bell.wake("outbox")
        assert time.monotonic() - began < 4
    assert caplog.text.count("bell for outbox was lost") == 5


@pytest.fixture
def due(monkeypatch):
    """Contribute works for one test."""
    works = {}
    for module in (tasks, bell, running):
        monkeypatch.setattr(module, "contributed", lambda _kind: works)

    def contribute(key, verb):
        works[key] = DueWork(key, verb, timedelta(seconds=30))

    return contribute


@pytest.mark.django_db
def test_the_task_runs_the_work_and_notes_its_life(due):
    due("clocks", lambda at: 3 if at.tzinfo else 0)
    tasks.run("clocks")
    assert Heartbeat.objects.get(name="due:clocks").facts["count"] == 3
    assert running.last("worker") is not None
    assert running.last("beat") is None


@pytest.mark.django_db
def test_only_the_heartbeat_is_a_sign_of_the_beat(due):
    due("heartbeat", running.sweep)
    tasks.run("heartbeat")
    assert running.last("beat") is not None


@pytest.mark.django_db
def test_an_unknown_work_is_logged_and_does_no_harm(due, caplog):
    tasks.run("nothing")
    assert "unknown due work 'nothing'" in caplog.text
    assert not Heartbeat.objects.exists()


@pytest.mark.django_db
def test_a_work_that_fails_is_noted(due):
    def broken(_at):
        raise ZeroDivisionError

    due("clocks", broken)
    with pytest.raises(ZeroDivisionError):
        tasks.run("clocks")
    assert Heartbeat.objects.get(name="failed:clocks").facts == {"error": "ZeroDivisionError"}
    assert running.last("due:clocks") is None


@pytest.mark.django_db
def test_a_database_that_is_away_is_tried_again(due):
    def away(_at):
        raise OperationalError

    due("clocks", away)
    assert OperationalError in tasks.run.autoretry_for
    with pytest.raises(OperationalError):
        tasks.run.run("clocks")
    assert tasks.run.max_retries == 3


@pytest.mark.django_db
def test_a_second_beat_of_one_name_is_one_row():
    running.beat("worker", AT)
    running.beat("worker", AT + timedelta(minutes=1), {"n": 2})
    row = Heartbeat.objects.get()
    assert (row.at, row.facts) == (AT + timedelta(minutes=1), {"n": 2})


@pytest.mark.django_db
def test_signs_of_works_that_are_gone_are_swept_out():
    running.beats(["due:outbox", "due:gone", "failed:gone", "worker"], AT)
    assert running.sweep(AT) == 2
    assert set(Heartbeat.objects.values_list("name", flat=True)) == {"due:outbox", "worker"}


def test_every_due_work_stands_in_the_beat_table():
    table = beat_schedule()
    assert set(table) == set(contributed(DueWork))
    assert {"outbox", "jobs", "heartbeat", "orphans", "drafts"} <= set(table)
    for entry in table.values():
        assert entry["options"]["expires"] < entry["schedule"].total_seconds()
        assert entry["task"] == tasks.run.name


def test_beat_and_worker_see_the_table():
    app.conf.beat_schedule = {}
    app.loader.import_default_modules()
    assert set(app.conf.beat_schedule) == set(contributed(DueWork))


def test_no_message_of_ours_is_lost_silently(caplog):
    caplog.set_level(logging.WARNING)
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
