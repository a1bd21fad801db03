"""Flows upwards: each signal has exactly the receivers that docs/architecture.md names."""

import importlib
import re
from pathlib import Path

import pytest
from django.dispatch import Signal

from config.kernel.models import Job
from config.kernel.models.journal import JournalEntry
from config.shared.actors import SYSTEM
from customers import events as customer_events
from staff import events as staff_events
from tests.factories.complaints import AT

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {"customers/events.py": customer_events, "staff/events.py": staff_events}


def documented() -> dict[str, set[str]]:
    """Signal -> modules of its receivers, as the table of the document has them."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    part = text.split("## Signals upwards")[1].split("\n## ")[0]
    found: dict[str, set[str]] = {}
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 3 or "`" not in cells[0]:
            continue
        for name in re.findall(r"`(\w+)`", cells[0]):
            found[name] = set(re.findall(r"`([\w/]+\.py)`", cells[2]))
    return found


def sent() -> dict[str, Signal]:
    return {
        name: value
        for module in ROOMS.values()
        for name, value in vars(module).items()
        if isinstance(value, Signal)
    }


def receivers_of(signal: Signal) -> set[str]:
    modules = {receiver.__module__ for receiver in signal._live_receivers(None)[0]}
    return {f"{name.replace('.', '/')}.py" for name in modules}


def test_every_signal_is_documented_with_its_sender():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert set(sent()) == set(documented())
    for path, module in ROOMS.items():
        for name in vars(module):
            if isinstance(getattr(module, name), Signal):
                assert re.search(rf"\| .*`{name}`.* \| `{path}` \|", text), name


@pytest.mark.parametrize("name", sorted(sent()))
def test_each_upward_signal_has_exactly_the_documented_receivers(name):
    assert receivers_of(sent()[name]) == documented()[name]


def test_receivers_are_three_lines_at_most_and_only_write_a_job():
    for path in {path for paths in documented().values() for path in paths}:
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        source = Path(module.__file__ or "").read_text(encoding="utf-8")
        for body in re.findall(r"def on_\w+\(.*?:\n(.*?)(?=\n\n\n|\Z)", source, re.DOTALL):
            lines = [line for line in body.splitlines() if line.strip()]
            assert len(lines) <= 3, body
            assert "jobs.start(" in body


EVENTS = {
    "rms_changed": (customer_events.RmsChanged((1, 2), 7, SYSTEM, AT), "cases.managers"),
    "members_left": (staff_events.MembersLeft((3,), SYSTEM, AT), "cases.leavers"),
    "calendar_published": (
        staff_events.CalendarPublished("calendar:bank", 2, 1, (2027,), SYSTEM, AT),
        "clocks.calendar",
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_signal_with_receivers_becomes_one_job(name):
    event, kind = EVENTS[name]
    sent()[name].send(None, event=event)
    assert Job.objects.get().kind == kind
    assert JournalEntry.objects.filter(action="job.started").count() == 1


def test_the_signals_with_receivers_are_those_that_become_jobs():
    assert {name for name, paths in documented().items() if paths} == set(EVENTS)
