"""Finding cases by what people have at hand: a number, its tail, a telephone, a word, a name."""

import re
import unicodedata
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.utils import timezone

from config.kernel import search
from customers.hashes import phone_hash, tail_hash

_NUMBER: Final = re.compile(r"c?-?((?:19|20)\d\d)-?(\d{7})", re.IGNORECASE)
_WRITTEN: Final = re.compile(r"c?-?((?:19|20)\d\d)-(\d{1,7})", re.IGNORECASE)
_FIRST_YEAR: Final = 2015


def tidy(text: str, most: int = 80) -> str:
    """Return one clean line of at most `most` letters: NFKC, no control characters."""
    plain = unicodedata.normalize("NFKC", text[: 2 * most])
    plain = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in plain)
    return " ".join(plain.split())[:most].strip()


def cases_with(text: str, *, at: datetime) -> Q:
    """Return the condition that finds cases by `text`, whatever it is; scope is the caller's.

    A full number, a short tail as read aloud (0428), a whole telephone number or its last four
    digits, words of the case or the name of its customer (both stand in the search document).
    """
    numbered = cases_numbered(text, at=at)
    if numbered is not None and _written(text):
        return numbered
    wanted = Q(pk__in=search.find("case", text))
    return wanted if numbered is None else wanted | numbered


def cases_numbered(text: str, *, at: datetime) -> Q | None:
    """Return the condition that finds cases by a number: full, tail or telephone; None for words.

    It never asks the search document, so that it tells nothing of what stands in a case.
    """
    if found := _written(text):
        return Q(number=f"C-{found[1]}-{int(found[2]):07d}")
    digits = re.sub(r"[\s\-+()]", "", text)
    return _by_digits(digits, at) if digits.isascii() and digits.isdigit() else None


def _written(text: str) -> re.Match[str] | None:
    """Return the parts of a case number written in full, or None."""
    return _WRITTEN.fullmatch(text) or _NUMBER.fullmatch(text)


def _by_digits(digits: str, at: datetime) -> Q:
    """Return the condition for a run of digits: number tail, telephone, telephone tail."""
    wanted = Q(pk__in=[])
    if len(digits) <= 7:
        years = range(_FIRST_YEAR, timezone.localdate(at).year + 1)
        wanted |= Q(number__in=[f"C-{year}-{int(digits):07d}" for year in years])
    if len(digits) == 4:
        wanted |= Q(contact_tail_hash=tail_hash(digits))
    if 7 <= len(digits) <= 20:
        wanted |= Q(contact_phone_hash=phone_hash(digits))
    return wanted
