"""Where members of staff are reached besides the inbox, and when their unit is open."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from config.kernel.notice_mail import Address, AddressBook
from config.shared import worktime
from config.shared.memo import Memo
from staff import calendar
from staff.models import Person

_KEY: Final = "staff"


@dataclass(slots=True)
class _Known:
    """Openings of the moment asked about last: a sweep asks for the same people in every chunk."""

    at: datetime | None = None
    opens: dict[int, datetime] = field(default_factory=dict)


_known: Final = Memo(_Known)


def book() -> AddressBook:
    """Return the address book of the bank's people."""
    return AddressBook(_KEY, openings, addresses)


def openings(people: Collection[int], at: datetime) -> dict[int, datetime]:
    """Return by person `at` while their unit is open, else its next opening.

    Two queries and one per calendar in use for people not asked of at this moment before. Where
    no calendar is published, `at` itself.
    """
    known = _known()
    if known.at != at:
        known.at, known.opens = at, {}
    new = [person for person in people if person not in known.opens]
    if new:
        known.opens |= _read(new, at)
    return {person: known.opens[person] for person in people if person in known.opens}


def _read(people: Collection[int], at: datetime) -> dict[int, datetime]:
    rows = Person.objects.filter(pk__in=people, active=True).select_related("department")
    units = {person.pk: person.department for person in rows}
    keys = calendar.keys_of({unit.pk: unit for unit in units.values()}.values())
    opens = {key: _opening(key, at) for key in set(keys.values())}
    return {person: opens[keys[unit.pk]] for person, unit in units.items()}


def addresses(people: Collection[int]) -> dict[int, Address]:
    """Return mail address, mobile number and language of active people; one query."""
    rows = Person.objects.filter(pk__in=list(people), active=True).select_related("account")
    return {person.pk: _address(person) for person in rows}


def _address(person: Person) -> Address:
    account = getattr(person, "account", None)
    return Address(person.email, person.mobile, account.language if account else "")


def _opening(key: str, at: datetime) -> datetime:
    """Return when a calendar opens; one that was never published is the bank's."""
    for known in (key, calendar.BANK):
        try:
            return worktime.next_opening(calendar.calendar(known, at), at)
        except (calendar.CalendarRefused, worktime.CalendarError):
            continue
    return at
