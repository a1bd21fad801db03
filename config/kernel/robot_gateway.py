"""The gateway to group robots: signed webhooks of WeCom, DingTalk and Feishu.

Signing as the three document it; T is time stamp, line break and secret. DingTalk: `timestamp`
(ms) and `sign` in the query, the sign is HMAC-SHA256 of T under the secret, base64. Feishu:
`timestamp` (s) and `sign` in the body, HMAC-SHA256 of nothing under T, base64. WeCom: the key in
the address is the whole proof. Requests go by https to hosts of `settings.ROBOT_HOSTS` only, no
redirect is followed, and no answer is read beyond 64 kB.
"""

import base64
import hashlib
import hmac
import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.kernel.models import GroupRobot
from config.kernel.models.robots import RobotKind
from config.kernel.sending import NotSent, Sendable

TIMEOUT: Final = 5.0  # seconds, for connecting and for each read
_LONGEST_ANSWER: Final = 65_536
_PATHS: Final[Mapping[str, str]] = {
    RobotKind.WECOM: "/cgi-bin/webhook/send",
    RobotKind.DINGTALK: "/robot/send",
    RobotKind.FEISHU: "/open-apis/bot/v2/hook/",
}
_KEYS: Final[Mapping[str, str]] = {RobotKind.WECOM: "key=", RobotKind.DINGTALK: "access_token="}
_SIGNED: Final = (RobotKind.DINGTALK, RobotKind.FEISHU)
_REFUSED: Final[Mapping[tuple[str, int], str]] = {
    (RobotKind.WECOM, 93000): "unknown address",
    (RobotKind.WECOM, 93017): "unknown address",
    (RobotKind.WECOM, 45009): "too many",
    (RobotKind.DINGTALK, 310000): "sign refused",
    (RobotKind.DINGTALK, 300005): "unknown address",
    (RobotKind.DINGTALK, 400101): "unknown address",
    (RobotKind.DINGTALK, 400102): "stopped",
    (RobotKind.DINGTALK, 400013): "unknown group",
    (RobotKind.DINGTALK, 130101): "too many",
    (RobotKind.FEISHU, 19001): "unknown address",
    (RobotKind.FEISHU, 19021): "sign refused",
    (RobotKind.FEISHU, 19022): "sender refused",
    (RobotKind.FEISHU, 19024): "word missing",
    (RobotKind.FEISHU, 9499): "bad request",
    (RobotKind.FEISHU, 11232): "too many",
}
"""Codes of the three services that are known, by what they mean."""
_AGAIN: Final = ("too many",)
WORDS: Final[Mapping[str, str | Promise]] = {
    "unknown address": _("The group chat does not know this address any more."),
    "sign refused": _("The group chat refused the signature; check the secret."),
    "sender refused": _("The group chat does not take messages from this server."),
    "word missing": _("The robot asks for a keyword; switch it to signing."),
    "stopped": _("The robot was switched off in the group chat."),
    "unknown group": _("The group chat does not exist any more."),
    "bad request": _("The group chat did not understand the message."),
    "too many": _("The group chat takes no more messages for now."),
    "host": _("The address is not of an allowed host."),
    "robot gone": _("The robot was removed or switched off."),
}
"""What `last_error` of a message to a robot says, for the page of messages."""


def wrong_address(kind: str, webhook: str) -> str:
    """Return why a webhook cannot be of this kind of robot (a code), or '' when it may be used.

    `https` on port 443 unless the allowed host names another; no user, no fragment; path and key
    as the service gives them.
    """
    parts = _split(webhook)
    if parts is None or parts.scheme != "https" or parts.username or parts.fragment:
        return "https"
    if parts.netloc.lower() not in settings.ROBOT_HOSTS:
        return "host"
    path, key = _PATHS[kind], _KEYS.get(kind, "")
    if kind == RobotKind.FEISHU:
        return "" if parts.path.startswith(path) and len(parts.path) > len(path) else "path"
    return "" if parts.path == path and key in parts.query else "path"


def needs_secret(kind: str) -> bool:
    """Tell whether robots of this kind sign with a secret."""
    return kind in _SIGNED


def send(message: Sendable) -> None:
    """Post one message to the robot its `to` names (`robot:<pk>`), or raise NotSent."""
    robot = GroupRobot.objects.filter(pk=_pk(message.to), active=True).first()
    if robot is None:
        raise NotSent("robot gone", hopeless=True)
    if wrong_address(robot.kind, robot.webhook):
        raise NotSent("host", hopeless=True)
    answer = _post(*request_of(robot, message.text, at=time.time()))
    _judge(robot.kind, answer)


def request_of(robot: GroupRobot, text: str, *, at: float) -> tuple[str, dict[str, Any]]:
    """Return address and body of a signed request at `at` (seconds since 1970)."""
    if robot.kind == RobotKind.FEISHU:
        stamp = str(int(at))
        body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
        if robot.secret:
            body |= {"timestamp": stamp, "sign": _hmac(f"{stamp}\n{robot.secret}", "")}
        return robot.webhook, body
    body = {"msgtype": "text", "text": {"content": text}}
    if robot.kind == RobotKind.DINGTALK and robot.secret:
        stamp = str(int(at * 1000))
        sign = quote(_hmac(robot.secret, f"{stamp}\n{robot.secret}"), safe="")
        return f"{robot.webhook}&timestamp={stamp}&sign={sign}", body
    return robot.webhook, body


def _hmac(key: str, text: str) -> str:
    mac = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(mac).decode()


def _split(webhook: str) -> SplitResult | None:
    """Return the parts of an address; None for what is none."""
    if not (webhook.isascii() and webhook.isprintable()) or " " in webhook:
        return None
    try:
        parts = urlsplit(webhook)
    except ValueError:
        return None
    return parts if parts.netloc else None


def _pk(to: str) -> int:
    name = to.removeprefix("robot:")
    return int(name) if name.isascii() and name.isdigit() and len(name) < 19 else 0


def _post(webhook: str, body: Mapping[str, Any]) -> bytes:
    """Return what the host answered with status 200; anything else is NotSent, to be tried again.

    http.client follows no redirect and knows no proxy.
    """
    parts = urlsplit(webhook)
    trust = ssl.create_default_context(cafile=settings.ROBOT_CA_FILE or None)
    line = http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT, context=trust)
    try:
        line.request(
            "POST",
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            json.dumps(body, ensure_ascii=False).encode(),
            {"Content-Type": "application/json; charset=utf-8"},
        )
        answer = line.getresponse()
        content = answer.read(_LONGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(type(error).__name__) from error
    finally:
        line.close()
    if answer.status != http.client.OK:
        raise NotSent(f"HTTP {answer.status}")
    return content


def _judge(kind: str, content: bytes) -> None:
    """Read the verdict of the service: silence when it took the message, else NotSent."""
    try:
        told = json.loads(content)
        code = told.get("errcode", told.get("code", told.get("StatusCode")))
        number = int(code)
    except (ValueError, TypeError, AttributeError) as error:
        raise NotSent("no answer understood") from error
    if number == 0:
        return
    known = _REFUSED.get((kind, number), "")
    if not known:
        raise NotSent(f"{kind} {number}")
    raise NotSent(known, hopeless=known not in _AGAIN)
