"""The SMS gateway: one signed HTTPS call per message, and signed reports of what arrived.

We post JSON `{"id", "to", "text", "sign"}`; `id` is the message's business key, so a gateway that
got the same message twice sends it once. `sign` is the sender's name in front of Chinese texts
(签名). The answer may be JSON with the gateway's own number of the message in `ref`.

Both ways the headers are `X-Huiyin-Timestamp` (seconds since 1970) and `X-Huiyin-Signature`:
`sha256=` and the hex HMAC-SHA256 of `timestamp.body` under SMS_GATEWAY_SECRET.
"""

import hashlib
import hmac
import json
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from config.kernel.models.outbox import Channel

TIMEOUT: Final = 10  # seconds
WINDOW: Final = timedelta(minutes=5)
TIME_HEADER: Final = "X-Huiyin-Timestamp"
SIGN_HEADER: Final = "X-Huiyin-Signature"
_LARGEST_ANSWER: Final = 65_536
_LONGEST_REF: Final = 120
_KNOWN_ALREADY: Final = 409
_BUSY: Final = frozenset({401, 403, 408, 425, 429})


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the gateway did not take a message: a code for the log, words for the outbox page."""

    code: str
    words: str
    hopeless: bool = False
    gateway_down: bool = False


def reports(channel: str) -> bool:
    """Tell whether messages of this channel count as told only when the gateway reports them."""
    return channel == Channel.SMS and bool(settings.SMS_GATEWAY_URL) and settings.SMS_REPORTS


def signature(timestamp: str, body: bytes) -> str:
    """Return what stands in the signature header of a call with this time and body."""
    signed = timestamp.encode() + b"." + body
    digest = hmac.new(settings.SMS_GATEWAY_SECRET.encode(), signed, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def is_genuine(timestamp: str, given: str, body: bytes, *, at: datetime) -> bool:
    """Tell whether a call bears our secret's signature and a time within five minutes of `at`.

    Compared in constant time; without a secret nothing is genuine.
    """
    if not settings.SMS_GATEWAY_SECRET or not (timestamp.isascii() and timestamp.isdigit()):
        return False
    expected = signature(timestamp, body).encode()
    same = hmac.compare_digest(expected, given.encode("utf-8", "replace"))
    near = len(timestamp) < 12 and abs(at.timestamp() - int(timestamp)) <= WINDOW.total_seconds()
    return same and near


def hand_over(key: str, to: str, text: str) -> tuple[str, Trouble | None]:
    """Give one message to the gateway; returns (its number or '', what went wrong or None).

    Redirects are not followed: the address is part of what was configured and checked.
    """
    said = {"id": key, "to": to, "text": text, "sign": settings.SMS_SIGN}
    body = json.dumps(said, ensure_ascii=False).encode()
    stamp = str(int(timezone.now().timestamp()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": key,
        TIME_HEADER: stamp,
        SIGN_HEADER: signature(stamp, body),
    }
    try:
        status, answer = _post(settings.SMS_GATEWAY_URL, body, headers)
    except (OSError, HTTPException) as error:
        code = type(error).__name__
        return "", Trouble(code, f"SMS gateway: {code}", gateway_down=True)
    return _ref(answer), _judged(status)


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """Return status and the beginning of the answer."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    connection: HTTPConnection = (
        HTTPSConnection(host, parts.port, timeout=TIMEOUT, context=ssl.create_default_context())
        if secure
        else HTTPConnection(host, parts.port, timeout=TIMEOUT)
    )
    try:
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_LARGEST_ANSWER)
    finally:
        connection.close()


def _judged(status: int) -> Trouble | None:
    """Return what an answer of this status means; None = taken, now or on an earlier try."""
    if 200 <= status < 300 or status == _KNOWN_ALREADY:
        return None
    words = f"SMS gateway: {status}"
    if 400 <= status < 500 and status not in _BUSY:
        return Trouble(f"refused {status}", words, hopeless=True)
    down = status in _BUSY or 300 <= status < 400
    return Trouble(f"answer {status}", words, gateway_down=down)


def _ref(answer: bytes) -> str:
    """Return the gateway's number of the message from its answer; '' when it names none."""
    try:
        ref = json.loads(answer).get("ref", "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return str(ref)[:_LONGEST_REF] if isinstance(ref, str | int) else ""


__all__ = [
    "SIGN_HEADER",
    "TIME_HEADER",
    "WINDOW",
    "Trouble",
    "hand_over",
    "is_genuine",
    "reports",
    "signature",
]
