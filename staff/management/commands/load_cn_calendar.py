"""`manage.py load_cn_calendar FILE [--year Y] [--calendar KEY]`: take over the yearly notice."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.shared.actors import SYSTEM
from config.shared.worded import WordedError
from staff import calendar_drafts, calendar_files


class Command(BaseCommand):
    """Loads official days (date, kind, name_zh, name_en) into a calendar as a new version."""

    help = "Load official days from a CSV or Excel file into a working calendar and publish it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, an optional year and the key of a calendar other than the bank's."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--year", type=int, help="Take only the days of this year.")
        parser.add_argument("--calendar", default="bank", help="Key of the calendar.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read, publish, and say what happened."""
        file: Path = options["file"]
        try:
            days = calendar_files.read_official_days(file, file.name)
            version = calendar_drafts.load_official_days(
                days,
                key=options["calendar"],
                year=options["year"],
                actor=SYSTEM,
                at=timezone.now(),
            )
        except (OSError, WordedError) as error:
            raise CommandError(str(error)) from error
        if version is None:
            self.stdout.write("The calendar holds these days already.")
        else:
            self.stdout.write(f"Published {version.kind} version {version.number}.")
