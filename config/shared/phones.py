"""Telephone numbers as customers write them: one canonical spelling and the spoken tail.

Canonical spellings: mainland mobile `13812342107`; mainland landline with area code
`01087654321`; either with an extension `01087654321-8001`; service lines `95588`, `4008888888`;
numbers of other countries `+85291234567`. Keyed hashes are made of these spellings, so a change
here changes every stored hash.
"""

import re
import unicodedata

TAIL_LENGTH = 4

_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_EXTENSION = re.compile(r"(?:转|轉|分机|分機|ext\.?|extension|x|#)[\s:.\-]*(\d{1,6})$")
_DASHED_EXTENSION = re.compile(r"^(.*\d{7,8})-(\d{1,6})$")
_SHAPE = re.compile(r"\+?[\d\s().\-/]+")
_COUNTRY = re.compile(r"^(?:\+|00)86")
_ABROAD = re.compile(r"^(?:\+|00)([1-9]\d{6,14})$")
_MOBILE = re.compile(r"^1[3-9]\d{9}$")
_LANDLINE = re.compile(r"^(?:010|02\d|0[3-9]\d{2})[2-9]\d{6,7}$")
_SERVICE = re.compile(r"^(?:[48]00\d{7}|95\d{3,7}|1[0-2]\d{3}|96\d{3,6})$")


def normalise_phone(text: str) -> str | None:
    """Return the canonical spelling of a telephone number, or None when it is none.

    Accepts full-width digits, blanks, dots, dashes, brackets, `+86`, `0086`, `86` and the `0`
    once dialled before mobiles; extensions follow `转`, `分机`, `ext`, `x`, `#` or a dash.
    """
    number, extension = _split_extension(_plain(text))
    if not _SHAPE.fullmatch(number):
        return None
    digits = re.sub(r"[^\d+]", "", number)
    if not digits.isascii():
        return None
    canonical = _canonical(digits)
    if canonical is None:
        return None
    return f"{canonical}-{extension}" if extension else canonical


def phone_tail(text: str) -> str:
    """Return the last four digits of the number itself, without extension; '' when fewer.

    Works for what `normalise_phone` does not know too, so that a tail spoken on the telephone
    finds a number that was typed oddly.
    """
    canonical = normalise_phone(text)
    number = canonical.split("-")[0] if canonical else _split_extension(_plain(text))[0]
    digits = re.sub(r"\D", "", number)
    return digits[-TAIL_LENGTH:] if len(digits) >= TAIL_LENGTH else ""


def _plain(text: str) -> str:
    """Return the text with ordinary digits, dashes and small letters."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES).strip().lower()


def _split_extension(cleaned: str) -> tuple[str, str]:
    """Return (number, extension digits or '')."""
    for pattern in (_EXTENSION, _DASHED_EXTENSION):
        found = pattern.search(cleaned)
        if found is None:
            continue
        if pattern is _EXTENSION:
            return cleaned[: found.start()].rstrip(" ,;-("), found[1]
        if _canonical(re.sub(r"[^\d+]", "", found[1])) is not None:
            return found[1], found[2]
    return cleaned, ""


def _canonical(digits: str) -> str | None:
    """Return the spelling of a run of digits that may start with +, or None."""
    inland = _COUNTRY.sub("", digits)
    if inland == digits and digits.startswith("86") and _MOBILE.match(digits[2:]):
        inland = digits[2:]
    if inland != digits and re.match(r"^[1-9]\d{9,10}$", inland) and not _MOBILE.match(inland):
        inland = f"0{inland}"
    if _MOBILE.match(inland) or _LANDLINE.match(inland) or _SERVICE.match(inland):
        return inland
    if inland.startswith("01") and _MOBILE.match(inland[1:]):
        return inland[1:]
    abroad = _ABROAD.match(digits) if inland == digits else None
    return f"+{abroad[1]}" if abroad else None
