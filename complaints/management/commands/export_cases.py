"""`manage.py export_cases --out FILE`: cases into a table that can be loaded again."""

from argparse import ArgumentParser
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from complaints import exporting
from complaints.choices import Status
from complaints.importing.reading import bank_zone
from config.kernel import journal
from config.shared.actors import SYSTEM
from config.shared.scope import WHOLE_BANK


class Command(BaseCommand):
    """Writes cases as .xlsx or .csv, unmasked, and records that it did."""

    help = "Write cases to an .xlsx or .csv file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the target and the filters; without filters all cases are written."""
        parser.add_argument("--out", type=Path, required=True, help="target: .xlsx or .csv")
        parser.add_argument("--status", action="append", choices=Status.values, default=[])
        parser.add_argument(
            "--department", action="append", default=[], help="code of a department"
        )
        parser.add_argument(
            "--from", dest="since", type=date.fromisoformat, help="first day received"
        )
        parser.add_argument("--to", dest="until", type=date.fromisoformat, help="last day received")
        parser.add_argument(
            "--query", default="", help="filters as in the address of the case list"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the file; CommandError in words when it cannot be written."""
        target: Path = options["out"]
        kind = target.suffix.lower().lstrip(".")
        if kind not in {"xlsx", "csv"}:
            raise CommandError(_("The name of the file must end with .xlsx or .csv."))
        at = timezone.now()
        export = exporting.Export(
            query=_query(options), scope=WHOLE_BANK, at=at,
            since=_start(options["since"]), until=_start(options["until"], days=1),
        )  # fmt: skip
        try:
            rows = exporting.lines(export.cases(), export.scope)
            count = exporting.write(
                target, "csv" if kind == "csv" else "xlsx", rows, note=exporting.note_of(export)
            )
            digest = exporting.digest_of(target)
        except OSError as error:
            raise CommandError(
                _("The file cannot be written: %(why)s.") % {"why": error.strerror or error}
            ) from error
        facts = {"list": "cases", "query": export.query, "count": count, "sha256": digest,
                 "masked": False, "format": kind}  # fmt: skip
        journal.note("exports", "export.made", facts, actor=SYSTEM, at=at)
        told = {"count": count, "file": target}
        self.stdout.write(_("%(count)s cases were written to %(file)s.") % told)


def _query(options: dict[str, Any]) -> str:
    """Return the filters as an address of the case list; without a state all cases count."""
    data = QueryDict(options["query"], mutable=True)
    for name in ("status", "department"):
        if options[name]:
            data.setlist(name, options[name])
    if not {"status", "state"} & set(data):
        data["state"] = "all"
    return data.urlencode()


def _start(day: date | None, *, days: int = 0) -> datetime | None:
    """Return the local midnight at which a day (or the day after it) begins."""
    return (
        None if day is None else datetime.combine(day + timedelta(days=days), time(), bank_zone())
    )
