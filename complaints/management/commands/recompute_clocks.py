"""`manage.py recompute_clocks [--check]`: stored due times against the record."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from complaints import clocks
from config.shared.actors import SYSTEM


class Command(BaseCommand):
    """Compute every open clock from the record; with --check only report, else repair."""

    help = "Compare every open clock with the record. --check reports and exits 1 on drift."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the one switch."""
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print every drift and the total; exit status 1 when checking found one."""
        found = 0
        at = timezone.now()
        for drift in clocks.recompute(check=options["check"], actor=SYSTEM, at=at):
            found += 1
            self.stdout.write(
                f"{drift.number} {drift.what}: stored {drift.stored}, recorded {drift.computed}"
            )
        if found and options["check"]:
            message = f"{found} figures differ from the record"
            raise CommandError(message, returncode=1)
        self.stdout.write(f"{found} repaired" if found else "no drift")
