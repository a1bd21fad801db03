"""`manage.py run_due`: every piece of due work once, in this process, without Celery."""

import logging
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from config.shared.registry import DueWork, contributed

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Run all due work, one after another; a fault of one does not stop the others."""

    help = "Run every piece of due work once. Prints each key and how many rows it did."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the moment to act for."""
        parser.add_argument("--at", help="Moment to act for, ISO 8601 (default: now).")

    def handle(self, *args: Any, at: str | None, **options: Any) -> None:
        """Run the works; exit code 1 when one of them failed."""
        moment = _moment(at)
        failed = []
        for key, due in contributed(DueWork).items():
            try:
                count = due.verb(moment)
            except Exception as error:
                logger.exception("due work %s failed", key)
                self.stderr.write(f"{key}: failed ({type(error).__name__})")
                failed.append(key)
            else:
                self.stdout.write(f"{key}: {count}")
        if failed:
            message = f"failed: {', '.join(failed)}"
            raise CommandError(message)


def _moment(text: str | None) -> datetime:
    """Return the moment asked for; one without a zone is the bank's local time."""
    if text is None:
        return timezone.now()
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        message = f"--at must be an ISO 8601 date and time, not {text!r}"
        raise CommandError(message)
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
