"""`manage.py import_cases FILE`: load cases from a table; loading it twice changes nothing."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from complaints.importing import cfpb
from complaints.importing.cfpb import Rule
from complaints.importing.checking import CHUNK, Sorted, Sorter, chunks
from complaints.importing.profiles import profiles
from complaints.importing.running import Loader, load_table
from complaints.importing.shapes import LIMIT_ROWS, Remark
from complaints.importing.table import Table, open_table
from config.shared.actors import SYSTEM
from config.shared.sheets import read_sheet
from config.shared.worded import WordedError

_SHOWN: Final = 20


class Command(BaseCommand):
    """Loads a CSV or Excel file of cases through the same door as everything else."""

    help = "Load cases from a CSV or Excel file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare file, layout, department rules, dry run, limit."""
        parser.add_argument("file", type=Path, help="CSV, TSV, XLSX or XLS file")
        parser.add_argument(
            "--profile",
            choices=sorted(profiles()),
            default="",
            help="layout of the file; told by its headings when left out",
        )
        parser.add_argument(
            "--departments",
            type=Path,
            help="CSV with product_prefix and department, instead of our rules",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
        parser.add_argument("--limit", type=int, help="load the first N rows only")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check or load the file; CommandError (exit 1) in words when nothing is usable."""
        try:
            table = self._table(options["file"], options["profile"], options["departments"])
            self.stdout.write(_opening(table, options["file"]))
            told = _Telling(self)
            if options["dry_run"]:
                counts = _check(table, options["limit"], told)
            else:
                counts = load_table(
                    table, Loader(SYSTEM), now=timezone.now, limit=options["limit"], told=told.hear
                )
        except WordedError as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(_summary(counts, dry=options["dry_run"]))
        if not counts["new"] and not counts["existing"] and not counts["repeated"]:
            raise CommandError(_("No row of the file could be used."))

    def _table(self, file: Path, profile: str, departments: Path | None) -> Table:
        """Open the file and, where given, the department rules."""
        rules = rules_of(departments) if departments else []
        if rules:
            profile = profile or cfpb.KEY
        return open_table(lambda: file, name=file.name, profile_key=profile, rules=rules)


class _Telling:
    """Prints progress and the first remarks."""

    def __init__(self, command: BaseCommand) -> None:
        self._command, self._left = command, _SHOWN

    def hear(self, chunk: Sorted, counts: Counter[str]) -> None:
        """Print the remarks of a chunk, errors as long as there is room, and how far we are."""
        for remark in chunk.remarks():
            if self._left > 0 and remark.kind == "error":
                self._left -= 1
                self._command.stderr.write(_told(remark))
        if counts["rows"] % (10 * CHUNK) == 0:
            self._command.stdout.write(_("%(rows)s rows …") % {"rows": counts["rows"]})


def rules_of(file: Path) -> list[Rule]:
    """Return the department rules of a CSV; SheetError or ImportRefused in words."""
    headings = ["product_prefix", "department"]
    sheet = read_sheet(file, name=file.name, headers=headings, limit_rows=LIMIT_ROWS)
    return cfpb.rules_from([row.cells for row in sheet.rows])


def _check(table: Table, limit: int | None, told: _Telling) -> Counter[str]:
    """Return the figures without loading anything."""
    sorter, at = Sorter(), timezone.now()
    for chunk in chunks(_limited(table, limit, at)):
        found = sorter.sort(chunk)
        sorter.count(found)
        told.hear(found, sorter.counts)
    return sorter.counts


def _limited(table: Table, limit: int | None, at: datetime) -> Sequence[Any] | Any:
    rows = table.rows(at)
    return rows if limit is None else (row for row, _place in zip(rows, range(limit), strict=False))


def _opening(table: Table, file: Path) -> str:
    """Return what the file was found to be."""
    return _("%(file)s: %(rows)s rows in the layout “%(layout)s”.") % {
        "file": file.name,
        "rows": table.total,
        "layout": table.profile.title,
    }


def _told(remark: Remark) -> str:
    """Return one remark as a line."""
    where = _("Row %(row)s, %(column)s: %(text)s") if remark.column else _("Row %(row)s: %(text)s")
    return where % {"row": remark.number, "column": remark.column, "text": remark.text}


def _summary(counts: Counter[str], *, dry: bool) -> str:
    """Return the figures in words."""
    words = _(
        "%(new)s created, %(existing)s already there, %(repeated)s repeated, "
        "%(skipped)s left out, %(errors)s with errors, %(warnings)s with warnings."
    )
    if dry:
        words = _(
            "Nothing was stored. %(new)s would be created, %(existing)s already there, "
            "%(repeated)s repeated, %(skipped)s left out, %(errors)s with errors, "
            "%(warnings)s with warnings."
        )
    return words % counts
