"""`manage.py load_defaults`: the starting data of all rooms, as often as you like."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from config.kernel.defaults import Default
from config.shared.actors import SYSTEM
from config.shared.registry import contributed


class Command(BaseCommand):
    """Load every contributed default in its order; a second run changes nothing."""

    help = "Load lists, units, calendars and rules. Safe to repeat; edits of admins stay."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the loaders, each in its own transaction, and print how many rows they wrote."""
        at = timezone.now()
        for default in sorted(contributed(Default).values(), key=lambda x: (x.order, x.key)):
            with transaction.atomic():
                count = default.load(SYSTEM, at)
            if options["verbosity"]:
                self.stdout.write(f"{default.key}: {count}")
