"""`manage.py rotate_data_keys`: encrypt everything anew with the first key of DATA_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel.rotation import rotate
from config.shared.crypto import Undecipherable


class Command(BaseCommand):
    """Put the new key first in DATA_KEYS, keep the old ones behind it, then run this."""

    help = "Encrypt every stored text anew with the first key of DATA_KEYS."

    def handle(self, *_: Any, **__: Any) -> None:
        """Print each column with the number of values rewritten."""
        total = 0
        try:
            for column, count in rotate():
                total += count
                if count:
                    self.stdout.write(f"{column}: {count}")
        except Undecipherable as error:
            message = f"{error}. Add the old key to DATA_KEYS and run this again."
            raise CommandError(message) from error
        self.stdout.write(f"{total} values rewritten. Keys that no value names may be removed.")
