"""Check the record: every chain, every owner row, words, seals and triggers."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.kernel import seals, verifying
from config.kernel.checking import Fault
from config.kernel.models import JournalEntry, Seal


class Command(BaseCommand):
    """Print the first fault of each stream; exit code 1 when there is one."""

    help = "Checks that nothing in the record was changed, added or taken away."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--stream", action="append", default=[], help="Only this stream, e.g. case:123."
        )
        parser.add_argument("--seal", metavar="FILE", help="Compare with an exported seal.")
        parser.add_argument("--export-seal", metavar="FILE", help="Write the newest seal to FILE.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Report faults as they are found."""
        count = 0
        for fault in self._faults(options):
            count += 1
            self.stdout.write(str(fault))
        if count:
            message = f"The record has faults: {count}."
            raise CommandError(message, returncode=1)
        entries, signed = JournalEntry.objects.count(), Seal.objects.count()
        self.stdout.write(
            f"The record is whole: {', '.join(options['stream'])}."
            if options["stream"]
            else f"The record is whole: {entries} entries, {signed} seals."
        )
        if options["export_seal"]:
            self._export(Path(options["export_seal"]))

    def _faults(self, options: dict[str, Any]) -> list[Fault]:
        """Return faults of guards, of the exported seal, and of the record."""
        found = list(verifying.guard_faults())
        if options["seal"]:
            try:
                outside = seals.exported_fault(Path(options["seal"]).read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                message = f"{options['seal']}: {error}"
                raise CommandError(message) from error
            found += [outside] if outside else []
        return [*found, *verifying.faults(options["stream"])]

    def _export(self, path: Path) -> None:
        seal = Seal.objects.order_by("number").last()
        if seal is None:
            message = "There is no seal yet."
            raise CommandError(message)
        path.write_text(seals.exported(seal), encoding="utf-8")
        self.stdout.write(f"Seal {seal.number} was written to {path}; key {seals.public_key()}.")
