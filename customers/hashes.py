"""The keyed hashes that find customers and cases by number, name or identity document.

Cases and contact points use the same purposes, so that a caller is recognised in both.
"""

import re
import unicodedata

from config.shared.crypto import keyed_hash
from config.shared.phones import normalise_phone, phone_tail


def phone_hash(text: str) -> str:
    """Return the hash of a telephone number in its canonical spelling; '' for nothing."""
    return keyed_hash("phone", normalise_phone(text) or text)


def tail_hash(text: str) -> str:
    """Return the hash of the last four digits of a telephone number; '' when it has fewer."""
    return keyed_hash("phone_tail", phone_tail(text))


def name_hash(text: str) -> str:
    """Return the hash of a name; blanks inside do not matter."""
    return keyed_hash("name", re.sub(r"\s+", "", text))


def id_hash(text: str) -> str:
    """Return the hash of an identity number, blanks and dashes removed, in capitals."""
    kept = unicodedata.normalize("NFKC", text)
    return keyed_hash("id", re.sub(r"[\s\-]", "", kept).upper())


def value_hash(kind: str, text: str) -> str:
    """Return the hash of a contact point's value; telephone kinds share one purpose."""
    return phone_hash(text) if kind in {"mobile", "phone"} else keyed_hash(f"contact_{kind}", text)
