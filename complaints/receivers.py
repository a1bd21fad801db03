"""What other rooms tell: receivers of at most three lines that only write a Job row."""

from typing import Any

from complaints.clocks.following import CALENDAR
from complaints.following import LEAVERS, MANAGERS
from config.kernel import jobs
from customers.events import RmsChanged, rms_changed
from staff.events import CalendarPublished, MembersLeft, calendar_published, members_left


def on_rms_changed(sender: Any, *, event: RmsChanged, **_: Any) -> None:
    """Cases carry their customer's relationship manager."""
    params = {"customer_ids": list(event.customer_ids)}
    jobs.start(MANAGERS, owner_id=None, params=params, title="", actor=event.actor, at=event.at)


def on_members_left(sender: Any, *, event: MembersLeft, **_: Any) -> None:
    """Open cases of people who left need new hands."""
    params = {"person_ids": list(event.person_ids)}
    jobs.start(LEAVERS, owner_id=None, params=params, title="", actor=event.actor, at=event.at)


def on_calendar_published(sender: Any, *, event: CalendarPublished, **_: Any) -> None:
    """Let running clocks follow a calendar as soon as its version is in force."""
    params = {"kind": event.kind}
    jobs.start(CALENDAR, params=params, actor=event.actor, at=event.at, ready_at=event.begins)


def connect() -> None:
    """Connect every receiver once."""
    rms_changed.connect(on_rms_changed, dispatch_uid="complaints.rms_changed")
    members_left.connect(on_members_left, dispatch_uid="complaints.members_left")
    calendar_published.connect(on_calendar_published, dispatch_uid="complaints.calendar")
