"""What the cell parsers share: the refusal of one cell, and cells as text."""

import unicodedata
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from config.shared.worded import WordedError


class CellError(WordedError):
    """One cell cannot be read; the words say what to write instead."""


def blank_cell() -> CellError:
    """Return the refusal of a cell without a value."""
    return CellError("blank", _("The cell is empty."))


def shown(value: object, limit: int = 40) -> str:
    """Return the value as an error message quotes it: one line, short."""
    text = " ".join(str(value).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def as_text(value: object) -> str:
    """Return a cell as text; '' for None, whole floats without `.0`."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    return str(value)


def folded(value: object) -> str:
    """Return a cell as text with ordinary digits and signs, single blanks, none around."""
    return " ".join(unicodedata.normalize("NFKC", as_text(value)).split())
