"""The supervisor: prepares, restarts what dies, refuses a busy port, leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = (
    "from django.utils import timezone; from staff.demo import make_demo_people; "
    "make_demo_people(timezone.now())"
)
pytestmark = pytest.mark.xdist_group("processes")


def until(what: Callable[[], object], seconds: float) -> object:
    """Poll until `what` is true; returns its value, or fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s: {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes(folder: Path) -> list[int]:
    """Pids of every process whose command line or environment names `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "environ").read_bytes()
            dead = "\nState:\tZ" in (entry / "status").read_text()
        except OSError:
            continue
        if str(folder).encode() in text and not dead:
            found.append(int(entry.name))
    return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Environment of a prepared demo folder; whatever is left of it is killed at the end."""
    names = {"PATH", "HOME", "LANG"}
    env = {name: value for name, value in os.environ.items() if name in names}
    env |= {"PORTAL_MODE": "demo", "PORTAL_VAR": str(tmp_path / "var"), "PORT": str(free_port())}
    for command in (["migrate", "-v0"], ["load_defaults", "-v0"], ["shell", "-v0", "-c", PEOPLE]):
        manage(env, *command).check_returncode()
    yield env
    for pid in processes(tmp_path / "var"):
        os.kill(pid, signal.SIGKILL)


def manage(env: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "manage.py", *command]
    return subprocess.run(  # noqa: S603 - our own command
        line, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=400
    )


def healthy(port: str) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def worker_of(parent: int) -> int | None:
    """Pid of the supervised worker, a child of the supervisor."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().split(b"\0")
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if b"worker" in line and int(stat[1]) == parent and stat[0] != "Z":
                return int(entry.name)
    return None


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_a_whole_life_of_the_supervisor(house, tmp_path):
    line = [sys.executable, "manage.py", "runall"]
    log = (tmp_path / "log").open("w")
    run = subprocess.Popen(line, cwd=ROOT, env=house, stdout=log, stderr=log)  # noqa: S603
    until(lambda: healthy(house["PORT"]), 60)
    written = tmp_path / "log"
    until(lambda: "officer" in written.read_text(), 20)
    words = written.read_text()
    assert f"http://127.0.0.1:{house['PORT']}/" in str(words)
    assert "officer" in str(words)

    second = manage(house, "runall")
    assert second.returncode != 0
    assert "is taken by another program" in second.stderr
    assert "PORT=" in second.stderr

    first = until(lambda: worker_of(run.pid), 20)
    os.kill(int(str(first)), signal.SIGKILL)
    until(lambda: worker_of(run.pid) not in {None, first}, 20)

    run.send_signal(signal.SIGTERM)
    assert run.wait(timeout=120) == 0
    log.close()
    until(lambda: not processes(Path(house["PORTAL_VAR"])), 10)
