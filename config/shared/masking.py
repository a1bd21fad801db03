"""What a person without the right to see it gets to see of personal data.

Masked text keeps just enough to recognise a number that one already knows. `scrub` removes
such numbers from free text that must not hold any, log lines above all.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from config.shared.phones import normalise_phone

BULLET = "•"
HIDDEN = BULLET * 4

_EMAIL = re.compile(r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}")
_ID_NUMBER = re.compile(
    r"(?<!\d)[1-9]\d{5}[ -]?(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ -]?"
    r"\d{3}[\dXxＸｘ](?!\d)"
)
_OLD_ID_NUMBER = re.compile(
    r"(?<!\d)[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)"
)
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_MOBILE = re.compile(r"(?<!\d)(?:0|(?:\+|00)?86[ -]?)?1[3-9]\d[ .-]?\d{4}[ .-]?\d{4}(?!\d)")
_AREA = r"(?:\(?0(?:10|2\d|[3-9]\d{2})\)?|(?:\+|00)86[ -]?(?:10|2\d|[3-9]\d{2}))"
_LANDLINE = re.compile(rf"(?<!\d){_AREA}[ -]?[2-9]\d{{2,3}}[ -]?\d{{4}}(?!\d)")
_WIDE_DIGITS = {0xFF10 + value: str(value) for value in range(10)}


_GROUPED = r"\d{4}(?:[ -]\d{4}){2,4}(?:[ -]?\d{1,3})?"
_PLAIN = r"(?!(?:400|800)\d{7}(?!\d))(?!0\d{9,11}(?!\d))\d{10,30}"
_ACCOUNT = re.compile(rf"(?<![A-Za-z0-9])(?<![A-Za-z0-9]-)(?:{_GROUPED}|{_PLAIN})(?!\d)")


def mask_phone(text: str) -> str:
    """Return `138 •••• 2107`, `010 •••• 4321`; only bullets when too short to keep anything."""
    if not text.strip():
        return ""
    number = (normalise_phone(text) or text).split("-")[0]
    digits = re.sub(r"\D", "", number)
    if len(digits) < 8:
        return HIDDEN
    if digits.startswith("0") and len(digits) > 10:
        head = digits[:3] if digits[1] in "12" else digits[:4]
    else:
        head = digits[:3] if len(digits) > 10 else ""
    return f"{head} {HIDDEN} {digits[-4:]}".strip()


def mask_id_number(text: str) -> str:
    """Return the first three and last four places of an identity number, less of a short one."""
    kept = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not kept:
        return ""
    if len(kept) >= 15:
        return f"{kept[:3]} {BULLET * 8} {kept[-4:]}"
    return f"{kept[0]} {HIDDEN} {kept[-2:]}" if len(kept) >= 7 else HIDDEN


def mask_account(text: str) -> str:
    """Return `•••• 6789` for an account or card number; only bullets below eight places."""
    kept = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text))
    if not kept:
        return ""
    return f"{HIDDEN} {kept[-4:]}" if len(kept) >= 8 else HIDDEN


def mask_email(text: str) -> str:
    """Return `l••••@example.com`; only bullets when it is no address."""
    if not text.strip():
        return ""
    local, at, host = text.strip().rpartition("@")
    return f"{local[0]}{HIDDEN}@{host}" if at and local and host else HIDDEN


def mask_name(text: str) -> str:
    """Return the first letter of each word and bullets: `王••`, `L• W••`.

    Staff need names to speak with customers, so pages do not mask them by default.
    """
    return " ".join(word[0] + BULLET * min(len(word) - 1, 4) for word in text.split())


def mask_numbers(text: str) -> str:
    """Return free text with e-mail addresses, identity, account, card and mobile numbers masked.

    Each keeps what `mask_email` and its like keep, so that who knows the number recognises it.
    Landlines and 400 numbers stay: letters name those of the bank and of its supervisors.
    """
    text = text.translate(_WIDE_DIGITS)
    for pattern, mask in _SEEN_AS.values():
        text = _masked(text, pattern, mask)
    return text


def numbers_in(text: str) -> list[tuple[str, str]]:
    """Return what `mask_numbers` would mask as (kind, value): email, id, account or phone."""
    found = []
    text = text.translate(_WIDE_DIGITS)
    for kind, (pattern, mask) in _SEEN_AS.items():
        found += [(kind, hit[0]) for hit in pattern.finditer(text)]
        text = _masked(text, pattern, mask)
    return found


def _masked(text: str, pattern: re.Pattern[str], mask: Callable[[str], str]) -> str:
    return pattern.sub(lambda found: mask(found[0]), text)


def scrub(text: str) -> str:
    """Replace e-mail addresses, identity, card and telephone numbers by `[email]`, `[id]`, ...

    Rather too much than too little: a number of another kind that looks like one is replaced
    too. Bank cards must pass the Luhn check, so case numbers and most references stay.
    Full-width digits come back as ordinary ones.
    """
    text = _EMAIL.sub("[email]", text.translate(_WIDE_DIGITS))
    text = _ID_NUMBER.sub("[id]", text)
    text = _CARD.sub(_scrub_card, text)
    text = _OLD_ID_NUMBER.sub("[id]", text)
    text = _MOBILE.sub("[phone]", text)
    return _LANDLINE.sub("[phone]", text)


def passes_luhn(digits: str) -> bool:
    """Return whether the digits (any Unicode digits) carry a right Luhn check digit."""
    total = 0
    for place, sign in enumerate(reversed(digits)):
        value = int(sign) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _scrub_card(found: re.Match[str]) -> str:
    """Replace the match only when it is a plausible card number."""
    return "[card]" if passes_luhn(re.sub(r"[ -]", "", found[0])) else found[0]


_SEEN_AS: Final[Mapping[str, tuple[re.Pattern[str], Callable[[str], str]]]] = {
    "email": (_EMAIL, mask_email),
    "id": (_ID_NUMBER, mask_id_number),
    "phone": (_MOBILE, mask_phone),
    "account": (_ACCOUNT, mask_account),
}
"""What free text may hold of a customer, in the order in which it is looked for."""
