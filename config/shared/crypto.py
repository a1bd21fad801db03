"""Encrypted text columns and keyed hashes for personal data (DESIGN.md §4, personal data).

A stored value is `keyid:base64(nonce + AES-GCM)`. Reading looks the key id up in the ring
(settings.DATA_KEYS, first key writes), so keys can be rotated row by row.
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models


class Undecipherable(ValueError):  # noqa: N818 - reads as words
    """A stored value cannot be read: unknown key id, or the bytes were altered."""


@lru_cache(maxsize=4)
def _ring(setting: str) -> dict[str, AESGCM]:
    ring = {}
    for part in setting.split(","):
        key_id, _, secret = part.strip().partition(":")
        ring[key_id] = AESGCM(hashlib.sha256(secret.encode()).digest())
    return ring


def encrypt(text: str) -> str:
    """Return `text` encrypted with the first key of the ring; empty stays empty."""
    if not text:
        return ""
    key_id, cipher = next(iter(_ring(settings.DATA_KEYS).items()))
    nonce = secrets.token_bytes(12)
    sealed = nonce + cipher.encrypt(nonce, text.encode(), None)
    return f"{key_id}:{base64.b64encode(sealed).decode()}"


def decrypt(stored: str) -> str:
    """Return the text behind `stored`; raises Undecipherable, never returns rubbish."""
    if not stored:
        return ""
    key_id, _, encoded = stored.partition(":")
    cipher = _ring(settings.DATA_KEYS).get(key_id)
    if cipher is None:
        message = f"no data key {key_id!r} in DATA_KEYS"
        raise Undecipherable(message)
    try:
        sealed = base64.b64decode(encoded)
        return cipher.decrypt(sealed[:12], sealed[12:], None).decode()
    except (InvalidTag, ValueError) as error:
        message = "an encrypted value was altered"
        raise Undecipherable(message) from error


def keyed_hash(purpose: str, text: str) -> str:
    """Return a look-up hash of the normalised text (NFKC, case-folded, trimmed); '' for nothing."""
    normal = unicodedata.normalize("NFKC", text).casefold().strip()
    if not normal:
        return ""
    digest = hmac.new(settings.INDEX_KEY.encode(), f"{purpose}\0{normal}".encode(), hashlib.sha256)
    return digest.hexdigest()


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class EncryptedField(_TextField):
    """Text that is encrypted in the database. Never filtered, ordered or indexed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: str | None, *_: object) -> str:
        """Decrypt what the database holds."""
        return decrypt(value or "")

    def get_prep_value(self, value: Any) -> str:
        """Encrypt on the way to the database."""
        return encrypt(str(value)) if value else ""

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse look-ups: equality on random ciphertext never finds anything."""
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        message = "EncryptedField cannot be searched; use its keyed hash or the search document."
        raise TypeError(message)
