"""Where the year is played: the staff of the demonstration, their units, and the bank's days."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from config.portal.demo.matters import dice
from config.shared.actors import SYSTEM, Actor
from staff.accounts import actor_of
from staff.models import Account, Department, Person
from staff.models.accounts import Role
from staff.models.people import UnitKind

_OPENS, _CLOSES = time(9, 20), time(16, 10)
_RECENT_DAYS: Final = 60


@dataclass
class Stage:
    """People by user name and role, units by code, and the moments at which things happen."""

    at: datetime
    seed: int
    people: dict[str, Person]
    roles: dict[str, list[Person]]
    units: dict[str, Department]
    branches: list[Department]
    handlers: dict[int, list[Person]]
    accounts: dict[int, Account]
    _days: dict[date, datetime] = field(default_factory=dict)

    @classmethod
    def read(cls, at: datetime, seed: int) -> "Stage":
        """Read staff and units; a few queries."""
        people: dict[str, Person] = {}
        roles: dict[str, list[Person]] = {}
        handlers: dict[int, list[Person]] = {}
        accounts = {}
        rows = Account.objects.filter(is_demo=True).select_related("person__department")
        for account in rows.prefetch_related("grants").order_by("pk"):
            person = account.person
            people[account.username], accounts[person.pk] = person, account
            for grant in account.grants.all():
                roles.setdefault(grant.role, []).append(person)
                if grant.role == Role.HANDLER:
                    handlers.setdefault(person.department_id, []).append(person)
        units = {x.code: x for x in Department.objects.filter(active=True).select_related("head")}
        branches = [x for x in units.values() if x.kind == UnitKind.BRANCH]
        return cls(at, seed, people, roles, units, branches, handlers, accounts)

    def handler_of(self, unit: Department, turn: int) -> Person | None:
        """Return who handles cases of a unit: its handlers in turn, else its head, else nobody."""
        known = self.handlers.get(unit.pk)
        return known[turn % len(known)] if known else unit.head

    def tick(self, moment: datetime) -> datetime:
        """Return the next moment at which the team registers what came in.

        Every third day in the last two months, once a week before: real verbs take their time,
        and cases registered together are told together.
        """
        last = local(self.at).date()
        day = local(moment).date()
        while True:
            age = (last - day).days
            if age % (3 if age <= _RECENT_DAYS else 7) == 0:
                found = self._day_tick(day)
                if found >= moment:
                    return found
            day += timedelta(days=1)

    def actor(self, person: Person | None) -> Actor:
        """Return the person as the one who acts, as a signed-in request would; None = system."""
        return actor_of(self.accounts[person.pk]) if person else SYSTEM

    def _day_tick(self, day: date) -> datetime:
        """Return the moment of a day, the same for everybody; fixed by the seed."""
        if day not in self._days:
            rng = dice(self.seed * 400_000 + day.toordinal())
            span = (datetime.combine(day, _CLOSES) - datetime.combine(day, _OPENS)).seconds // 60
            start = timezone.make_aware(datetime.combine(day, _OPENS), _zone())
            self._days[day] = start + timedelta(minutes=rng.randrange(span))
        return self._days[day]


def local(moment: datetime) -> datetime:
    """Return a moment in the bank's zone."""
    return timezone.localtime(moment, _zone())


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


__all__ = ["Stage", "local"]
