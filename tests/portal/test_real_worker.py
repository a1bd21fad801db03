"""A real worker with beat beside the pages: letters leave, late cases escalate, jobs are done.

The worker is a process of its own on the test database, as in production. Works on SQLite with
the filesystem broker and on PostgreSQL with Redis.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from complaints.models import Case, CaseClock, CustomerNotice
from config.celery import app
from config.kernel import bell
from config.kernel.models import Heartbeat, Job, Notice, OutboxMessage
from config.kernel.models.jobs import JobState
from config.kernel.models.outbox import OutboxState
from tests.factories.complaints import bank, open_case

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("worker")]
ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S, GRACE_S, STEP_S = 90.0, 20.0, 0.2


def database_url() -> str:
    """Return the address of the test database for another process."""
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{told['NAME']}"
    login = ":".join(filter(None, [told["USER"], told["PASSWORD"]]))
    port = f":{told['PORT']}" if told["PORT"] else ""
    return f"postgres://{login}@{told['HOST']}{port}/{told['NAME']}"


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """A var folder for the worker with our keys; this process rings in it too."""
    folder = tmp_path / "var"
    shutil.copytree(settings.VAR_DIR / "keys", folder / "keys")
    known = app.conf.broker_transport_options
    if settings.CELERY_BROKER_URL.startswith("filesystem"):
        queue = folder / "broker" / "queue"
        queue.mkdir(parents=True)
        app.conf.broker_transport_options = {
            **known,
            "data_folder_in": str(queue),
            "data_folder_out": str(queue),
        }
    _connect_anew()
    yield folder
    app.conf.broker_transport_options = known
    _connect_anew()


def _connect_anew() -> None:
    app.__dict__.pop("amqp", None)
    if app._pool is not None:
        app._pool.force_close_all()
        app._pool = None
    bell._silent["until"] = 0.0


@pytest.fixture
def worker(var: Path, transactional_db: None) -> Iterator["subprocess.Popen[bytes]"]:
    """A Celery worker with beat on the test database; at the end nothing of it is left running."""
    command = [
        sys.executable, "-m", "celery", "-A", "config", "worker", "-B",
        "-s", str(var / "schedule"), "-c", "2", "-Q", "default,bulk", "--loglevel", "WARNING",
        "--without-mingle", "--without-gossip", "-n", f"test-{uuid4().hex[:6]}@%h",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url(),
        "PORTAL_VAR": str(var),
        "DATA_KEYS": settings.DATA_KEYS,
        "C_FORCE_ROOT": "1",
    }
    with (var / "worker.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own fixed command
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_S)
            clean, end = process.poll() is not None, monotonic() + GRACE_S
            while _alive(process.pid) and monotonic() < end:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(STEP_S)
            left = _alive(process.pid)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert clean, "the worker did not stop when asked to"
    assert left == [], "the worker left processes behind"


def _alive(group: int) -> list[str]:
    """Return the processes of a group that still run; ended ones that nobody collected are not."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _closing, rest = stat.read_text().rpartition(")")
            state, _parent, pgid = rest.split()[:3]
            if pgid == str(group) and state != "Z":
                found.append(name)
    return found


def until(
    done: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path, what: str
) -> None:
    """Wait for the worker to bring something about; tell its log when it does not."""
    end = monotonic() + DEADLINE_S
    while not done():
        told = log.read_text(encoding="utf-8", errors="replace")[-3000:]
        assert monotonic() < end, f"{what}: not within {DEADLINE_S:.0f} s\n{told}"
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(STEP_S)
            pytest.fail(f"{what}: the worker ended with {code}\n{told}")


def test_a_worker_does_what_the_pages_leave_to_it(client, worker, var):
    log = var / "worker.log"
    house = bank()
    long_ago = timezone.now() - timedelta(days=20)
    late = open_case(house, at=long_ago, intake_channel="TEL")
    client.force_login(house.accounts["supervisor"], backend="staff.accounts.AccountBackend")
    at = timezone.localtime(timezone.now() - timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M")
    data = {
        "token": str(uuid4()), "type": "CMP", "severity": "2", "core_issue": "Fee twice",
        "content": "I was charged twice.", "intake_channel": "EML", "business_line": "B-CC-02",
        "contact_name": "王丽", "contact_email": "wang@example.com", "received_at": at,
        "received_precision": "minute", "group_size": "1",
    }  # fmt: skip
    assert client.post("/cases/new/", data).status_code == 302
    fresh = Case.objects.exclude(pk=late.pk).latest("pk")
    letters = OutboxMessage.objects.filter(about=fresh.about)
    assert letters.exists()
    client.post("/exports/", {"state": "all", "format": "csv"})
    jobs = Job.objects.filter(kind__contains="export")
    assert jobs.count() == 1
    bell.wake("clocks")

    until(lambda: not letters.exclude(state=OutboxState.SENT).exists(), worker, log, "letters")
    receipts = CustomerNotice.objects.filter(case=fresh, result="delivered")
    until(receipts.exists, worker, log, "the receipt is noted")
    breached = CaseClock.objects.filter(case=late, breached_at__isnull=False)
    until(breached.exists, worker, log, "escalation")
    assert Notice.objects.filter(about=late.about).exists()
    until(jobs.filter(state=JobState.DONE).exists, worker, log, "the export")
    until(Heartbeat.objects.filter(name="beat").exists, worker, log, "the beat")
