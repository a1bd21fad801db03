"""The gateways through which messages leave: SMTP or console for e-mail, HTTPS or console for SMS.

Nothing here touches the database. A message that did not leave raises NotSent, which says whether
another try makes sense and whether the gateway itself is down.
"""

import logging
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email

from config.kernel import sms_gateway
from config.kernel.models.outbox import Channel
from config.shared.registry import contributed

logger = logging.getLogger(__name__)

_PERMANENT: Final = range(500, 600)  # RFC 5321: a 5yz answer is not tried again


class Sendable(Protocol):
    """What a gateway needs of a message; `message_id` is the same on every try."""

    pk: int
    key: str
    kind: str
    channel: str
    to: str
    subject: str
    text: str
    message_id: str
    gateway_ref: str


class NotSent(Exception):  # noqa: N818 - a result, named for what it says
    """A message did not leave. `code` is for logs, `words` for the outbox page; no names there."""

    def __init__(
        self, code: str, words: str = "", *, hopeless: bool = False, gateway_down: bool = False
    ) -> None:
        super().__init__(code)
        self.code, self.words = code, words or code
        self.hopeless, self.gateway_down = hopeless, gateway_down


@dataclass(frozen=True, slots=True)
class Gateway:
    """A way of its own for one channel (`key`), contributed; `send` raises NotSent."""

    key: str
    send: Callable[[Sendable], None]


class Gateways:
    """The gateways of one delivery run: one mail connection, opened when first needed.

    `down` holds the channels that stopped answering in this run.
    """

    def __init__(self) -> None:
        self.down: set[str] = set()
        self._mail: BaseEmailBackend | None = None
        self._ways: dict[str, Callable[[Sendable], None]] = {
            Channel.EMAIL: self._send_mail,
            Channel.SMS: self._send_sms,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hang_up()

    def send(self, message: Sendable) -> None:
        """Hand one message to its gateway, or raise NotSent."""
        way = self._ways.get(message.channel) or _contributed_way(message.channel)
        if way is None:
            raise NotSent("unknown channel", hopeless=True)
        try:
            way(message)
        except NotSent as problem:
            if problem.gateway_down:
                self.down.add(message.channel)
                self._hang_up()
            raise

    def _to_console(self, message: Sendable) -> None:
        """Say in the log that the message would have left; the outbox page shows its text."""
        if settings.PRODUCTION:
            raise NotSent("no gateway", f"No gateway for {message.channel} is set up.")
        logger.info(
            "message %s (%s, %s) left by the console", message.pk, message.kind, message.channel
        )

    def _send_sms(self, message: Sendable) -> None:
        """Send by the SMS gateway that is set up, or to the console; keeps the gateway's number."""
        if not settings.SMS_GATEWAY_URL:
            self._to_console(message)
            return
        ref, trouble = sms_gateway.hand_over(message.key, message.to, message.text)
        if trouble is not None:
            raise NotSent(trouble.code, trouble.words, hopeless=trouble.hopeless,
                          gateway_down=trouble.gateway_down)  # fmt: skip
        message.gateway_ref = ref

    def _send_mail(self, message: Sendable) -> None:
        """Send by the mail server that is set up, or to the console."""
        if settings.OUTBOX_MAIL == "console":
            self._to_console(message)
            return
        try:
            validate_email(message.to)
        except ValidationError:
            raise NotSent("bad address", "The address is not valid.", hopeless=True) from None
        mail = EmailMessage(
            subject=message.subject,
            body=message.text,
            to=[message.to],
            headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},
            connection=self._connection(),
        )
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as error:
            raise _recipient_refused(error) from error
        except (smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected, OSError) as error:
            raise _as_problem(error) from error
        except ValueError as error:  # BadHeaderError and addresses that cannot be encoded
            raise NotSent("bad header", "A header holds line breaks.", hopeless=True) from error

    def _connection(self) -> BaseEmailBackend:
        """Return the open mail connection of this run."""
        if self._mail is None:
            connection = get_connection()
            try:
                connection.open()
            except (smtplib.SMTPException, OSError) as error:
                raise NotSent(type(error).__name__, gateway_down=True) from error
            self._mail = connection
        return self._mail

    def _hang_up(self) -> None:
        """Close the mail connection; a broken one may complain, which changes nothing."""
        connection, self._mail = self._mail, None
        if connection is not None:
            try:
                connection.close()
            except (smtplib.SMTPException, OSError):
                logger.info("the mail server was gone before we hung up")


def _contributed_way(channel: str) -> Callable[[Sendable], None] | None:
    gateway = contributed(Gateway).get(channel)
    return gateway.send if gateway else None


def _recipient_refused(error: smtplib.SMTPRecipientsRefused) -> NotSent:
    """Turn the server's answers about the address into a problem; the address is left out."""
    codes = sorted({int(code) for code, _ in error.recipients.values()})
    hopeless = bool(codes) and all(code in _PERMANENT for code in codes)
    named = ", ".join(map(str, codes))
    return NotSent(f"recipient refused {named}", f"The mail server refused the address ({named}).",
                   hopeless=hopeless)  # fmt: skip


def _as_problem(error: OSError) -> NotSent:
    """Turn a fault of line or server into a problem; SMTPException is an OSError."""
    if isinstance(error, smtplib.SMTPResponseException) and not isinstance(
        error, smtplib.SMTPConnectError
    ):
        return NotSent(f"{type(error).__name__} {error.smtp_code}")
    answered = isinstance(error, smtplib.SMTPException) and not isinstance(
        error, smtplib.SMTPServerDisconnected | smtplib.SMTPConnectError
    )
    return NotSent(type(error).__name__, gateway_down=not answered)
