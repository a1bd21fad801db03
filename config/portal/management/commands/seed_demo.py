"""`manage.py seed_demo`: a believable year of a bank, told through the real verbs."""

import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from complaints.models import Case
from config.portal.demo.year import Figures, tell_year
from customers.models import Customer
from staff.models import Department

SEED = 20261121


class Command(BaseCommand):
    """Fill an empty database with people, customers and cases."""

    help = "Make a year of made-up customers and cases. Needs load_defaults and an empty register."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare size, seed and moment."""
        parser.add_argument("--customers", type=int, default=2000)
        parser.add_argument("--cases", type=int, default=3000)
        parser.add_argument("--seed", type=int, default=SEED)
        parser.add_argument("--at", metavar="ISO", help="The moment to end at; default: now.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Refuse in words where it would spoil something; else make the year and print figures."""
        at = _moment(options["at"])
        self._refuse(options["customers"], options["cases"])
        began = time.monotonic()
        made = tell_year(
            customers=options["customers"], cases=options["cases"], seed=options["seed"], at=at
        )
        if options["verbosity"]:
            self._report(made, time.monotonic() - began)

    def _refuse(self, customers: int, cases: int) -> None:
        """Raise CommandError when the data cannot or must not be made."""
        if settings.PORTAL_MODE == "production":
            message = "Made-up data is not put into a production database."
            raise CommandError(message)
        if customers < 1 or cases < 0:
            message = "At least one customer is needed, and no negative number of cases."
            raise CommandError(message)
        if not Department.objects.exists():
            message = "The starting data is missing: run manage.py load_defaults first."
            raise CommandError(message)
        if Case.objects.exists() or Customer.objects.exists():
            message = "This database holds customers or cases already; nothing was changed."
            raise CommandError(message)

    def _report(self, made: Figures, seconds: float) -> None:
        """Print what was made."""
        self.stdout.write(
            f"{made.people} people, {made.customers} customers, {made.cases} cases,"
            f" {made.entries} entries of the record in {seconds:.0f} s"
        )
        shown = ", ".join(f"{status} {count}" for status, count in made.by_status.items())
        self.stdout.write(shown)
        for words, count in sorted(made.refused.items()):
            self.stderr.write(f"not done {count} times: {words}")


def _moment(given: str | None) -> datetime:
    """Return the moment to end at; a moment without a zone is the bank's time."""
    if not given:
        return timezone.now()
    try:
        found = parse_datetime(given)
    except ValueError:
        found = None
    if found is None:
        message = f"{given!r} is not a date and time like 2026-11-21T14:30."
        raise CommandError(message)
    return found if timezone.is_aware(found) else timezone.make_aware(found)
