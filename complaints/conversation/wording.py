"""The sentences of the conversation in the record and in notices, and its lines of the registry."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from complaints.choices import NoticeMethod, NoticePurpose
from complaints.clocks.telling import case_link
from complaints.conversation import after_end, misdelivery, promises, writing
from config.kernel.actions import Action
from config.kernel.models import Notice
from config.kernel.notices import NoticeKind
from config.shared.registry import DueWork, NavItem
from config.shared.words import moment_words


def _method(code: Any) -> object:
    return NoticeMethod(code).label if code in NoticeMethod.values else code


def _purpose(code: Any) -> object:
    return NoticePurpose(code).label if code in NoticePurpose.values else code


def _moment(text: Any) -> object:
    return moment_words(datetime.fromisoformat(str(text)))


_SHOWN: Final = {"method": _method, "purpose": _purpose, "due": _moment}
_ACTIONS: Final = (
    ("case.message", _("Message to the customer (%(method)s)"), "message"),
    ("case.inbound", _("The customer wrote (%(method)s)"), "message-dots"),
    ("case.inbound_settled", _("A message after the end was seen to"), "check"),
    ("case.listened", _("A recording was opened"), "microphone"),
    ("case.posted", _("Proof of posting was added"), "mail-forward"),
    ("case.recalled", _("%(purpose)s recalled before it left (%(method)s)"), "arrow-back-up"),
    ("case.resent", _("%(purpose)s is sent again (%(method)s)"), "refresh"),
    (
        "case.sent_in_doubt",
        _("Sent to a doubtful contact all the same (%(method)s)"),
        "alert-triangle",
    ),
    (misdelivery.ASTRAY, _("%(purpose)s reached the wrong person (%(method)s)"), "user-x"),
    (misdelivery.TELL_AGAIN, _("The customer is to be told again by %(due)s"), "message-2-check"),
)


def _triage(_notice: Notice) -> str:
    try:
        return reverse("after_end")
    except NoReverseMatch:
        return ""


def contributions() -> Iterator[Action | NoticeKind | DueWork | NavItem]:
    """Yield the lines for the registry."""
    for key, sentence, icon in _ACTIONS:
        yield Action(key, sentence, icon, _SHOWN)
    reach = _("Reach the customer")
    yield NoticeKind(
        writing.WROTE, _("Case %(number)s: the customer wrote"), "message-dots", case_link
    )
    yield NoticeKind(
        writing.WROTE_AFTER,
        _("Case %(number)s has ended, and the customer wrote again"),
        "message-question",
        _triage,
        _("See to it"),
    )
    yield NoticeKind(
        misdelivery.ASTRAY,
        _("Case %(number)s: a message reached the wrong person"),
        "user-x",
        case_link,
        _("Judge the leak"),
        _SHOWN,
    )
    yield NoticeKind(
        misdelivery.TELL_AGAIN,
        _("Case %(number)s: the result reached the wrong person, tell the customer again"),
        "message-2-check",
        case_link,
        reach,
    )
    yield from promises.contributions()
    yield DueWork("promises", promises.sweep, timedelta(seconds=60))
    yield NavItem(
        "after_end", _("Messages after the end"), "after_end", "message-question", "work",
        "cases", "message", order=27, count=after_end.count,
    )  # fmt: skip
    yield NavItem(
        "misdelivered", _("Misdirected messages"), "misdelivered", "user-x", "oversight",
        "outbox", "read", order=45,
    )  # fmt: skip
