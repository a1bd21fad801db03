"""`manage.py sweep_clocks [--at ISO]`: what clocks owe now, without Celery."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from complaints import clocks, workflow


class Command(BaseCommand):
    """Fire due ladder steps and end pauses that have run out."""

    help = "Fire every escalation step that is due and end pauses that have run out."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the moment to work for."""
        parser.add_argument("--at", help="moment in ISO form, bank time if it names no zone")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the work and print how much it was."""
        at = _moment(options["at"])
        count = workflow.resume_over(at) + clocks.sweep(at)
        self.stdout.write(f"{count} done")


def _moment(text: str | None) -> datetime:
    if not text:
        return timezone.now()
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        message = f"{text} is not a moment in ISO form"
        raise CommandError(message)
    return timezone.make_aware(found) if timezone.is_naive(found) else found
