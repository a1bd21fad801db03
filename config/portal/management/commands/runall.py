"""`manage.py runall`: prepare everything, then web + worker with beat under one supervisor."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.utils import timezone

from config.kernel.models import Heartbeat
from staff.models import Account

GRACE_SECONDS = 20
WATCHDOG_AGE = timedelta(seconds=90)


@dataclass
class Child:
    """One supervised process; started in its own session, so that it can be stopped as a group."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        """Start the process."""
        self.process = subprocess.Popen(  # noqa: S603 - our own fixed commands
            self.command, start_new_session=True, env={**os.environ, **self.environment}
        )
        self.started = time.monotonic()

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the process, or to everything it started."""
        if self.process is None:
            return
        try:
            (os.killpg if group else os.kill)(self.process.pid, number)
        except ProcessLookupError:
            return


class Command(BaseCommand):
    """Prepare the database and files, then run and watch the processes until told to stop."""

    help = "Prepare and run the web server, the worker and beat under one supervisor."

    def add_arguments(self, parser: Any) -> None:
        """Address and port default to HOST and PORT."""
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *_: Any, **options: Any) -> None:
        """Run until SIGINT or SIGTERM; leave no process behind."""
        host, port = options["host"], options["port"]
        refuse_busy_port(host, port)
        self.prepare()
        self.stopping = False
        signal.signal(signal.SIGINT, self.stop)
        signal.signal(signal.SIGTERM, self.stop)
        children = processes(host, port)
        for child in children:
            child.start()
        self.greet(host, port)
        try:
            self.watch(children)
        finally:
            stop_all(children)
            self.stdout.write("Huiyin stopped.")

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Remember that somebody asked us to stop."""
        self.stopping = True

    def prepare(self) -> None:
        """Migrate, load defaults, make demo data on the first start, collect static files."""
        first = "kernel_journalentry" not in connection.introspection.table_names()
        if first:
            self.stdout.write("First start: setting up the database. This takes a minute or two.")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        call_command("load_defaults", verbosity=0)
        if settings.PORTAL_MODE == "demo" and not Account.objects.exists():
            call_command("seed_demo", verbosity=1, stdout=self.stdout)
        call_command("collectstatic", verbosity=0, interactive=False)
        connections.close_all()

    def greet(self, host: str, port: int) -> None:
        """Print where to go and who may sign in."""
        shown = "127.0.0.1" if host in {"", "0.0.0.0"} else host  # noqa: S104 - only shown
        self.stdout.write(f"\nHuiyin 回音 is running at http://{shown}:{port}/  (Ctrl C stops it)")
        if settings.PORTAL_MODE != "demo":
            return
        named = Account.objects.filter(is_demo=True).exclude(username__startswith="s-")
        accounts = named.order_by("pk")
        self.stdout.write("Demo accounts, password huiyin-demo:")
        self.stdout.write("  " + " ".join(accounts.values_list("username", flat=True)) + "\n")
        self.stdout.flush()
        connections.close_all()

    def watch(self, children: list[Child]) -> None:
        """Restart what died; restart the worker when its heartbeat is too old."""
        checked = time.monotonic()
        while not self.stopping:
            time.sleep(0.5)
            for child in children:
                if not child.alive() and not self.stopping:
                    self.stderr.write(f"{child.name} ended and is started again")
                    child.signal(signal.SIGKILL, group=True)  # what a killed parent left behind
                    time.sleep(1)
                    child.start()
            if time.monotonic() - checked > 15:
                checked = time.monotonic()
                self.check_heartbeat(children)

    def check_heartbeat(self, children: list[Child]) -> None:
        """Kill the worker when its heartbeat row is too old; `watch` then starts it again."""
        worker = next(child for child in children if child.name == "worker")
        if time.monotonic() - worker.started < WATCHDOG_AGE.total_seconds():
            return
        fresh = Heartbeat.objects.filter(name="worker", at__gt=timezone.now() - WATCHDOG_AGE)
        alive = fresh.exists()
        connections.close_all()
        if not alive:
            self.stderr.write("the worker shows no heartbeat and is started again")
            worker.signal(signal.SIGKILL, group=True)


def refuse_busy_port(host: str, port: int) -> None:
    """Raise CommandError in words when somebody else listens there already."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = (
                f"Port {port} on {host} is taken by another program. "
                f"Stop it, or choose another one: PORT={port + 1} make run"
            )
            raise CommandError(message) from error


def processes(host: str, port: int) -> list[Child]:
    """Return the processes of an embedded run."""
    bin_folder = Path(sys.executable).parent
    beat = settings.VAR_DIR / "beat"
    beat.mkdir(parents=True, exist_ok=True)
    web = [
        str(bin_folder / "gunicorn"), "config.wsgi:application", "--bind", f"{host}:{port}",
        "--workers", "1", "--worker-class", "gthread", "--threads", "8", "--timeout", "60",
        "--graceful-timeout", "15", "--log-level", "warning",
    ]  # fmt: skip
    worker = [
        str(bin_folder / "celery"), "--quiet", "-A", "config", "worker", "-B",
        "-s", str(beat / "schedule"), "-c", "2", "-Q", "default,bulk", "--loglevel", "WARNING",
        "--without-mingle", "--without-gossip", "-n", f"huiyin-{secrets.token_hex(3)}@%h",
    ]  # fmt: skip
    return [
        Child("web", web),
        Child("worker", worker, {"C_FORCE_ROOT": "1"}),
    ]


def stop_all(children: list[Child]) -> None:
    """Ask politely in reverse order, wait, then kill whole groups: nothing stays behind."""
    for child in reversed(children):
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(child.alive() for child in children):
        time.sleep(0.1)
    for child in children:
        child.signal(signal.SIGKILL, group=True)
        if child.process is not None:
            child.process.wait()
