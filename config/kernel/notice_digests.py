"""One message for everything a person is to be told now: the due work `notice_mail`.

Rows are locked, put into messages and marked in one transaction with the outbox row, so a worker
that dies leaves everything as it was, and of two workers the second finds nothing left. The key
of a message is made of its first row, which belongs to no other message.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.kernel import notice_mail, notices, outbox, running
from config.kernel.models import Heartbeat, Notice, NoticeMail
from config.kernel.models.outbox import Channel
from config.kernel.notice_mail import Address
from config.kernel.outbox import Letter
from config.kernel.rows import write

logger = logging.getLogger(__name__)

DIGEST: Final = "notice.digest"
URGENT: Final = "notice.urgent"
SIGN: Final = "notice_mail"
"""Name under which the figures of the last run are kept (`running`)."""
NO_ADDRESS: Final = "none:address"
SEEN: Final = "none:seen"
BARRED: Final = "none:barred"
"""Instead of a message key: the line stayed in the inbox, and why."""
MOST_LINES: Final = 100
_ROWS: Final = 1000
_LONGEST_SMS: Final = 140


@dataclass(slots=True)
class Counts:
    """What one run did: messages, lines in them, lines left to the inbox, and people among these.

    `without_address` are people that no address is known of for a way the rules want.
    """

    messages: int = 0
    lines: int = 0
    left: int = 0
    without_address: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Message:
    """The rows that leave together."""

    rows: Sequence[NoticeMail]

    @property
    def first(self) -> NoticeMail:
        return self.rows[0]

    @property
    def key(self) -> str:
        return f"notice-mail:{self.first.channel}:{self.first.pk}"


def send(at: datetime) -> int:
    """Put everything due at `at` into messages; returns how many. Costs one query when idle."""
    counts = Counts()
    while people := _due_people(at):
        _send_to(people, at, counts)
    if counts.messages or counts.left:
        facts = {
            "messages": counts.messages,
            "lines": counts.lines,
            "left": counts.left,
            "without_address": len(counts.without_address),
        }
        running.beat(SIGN, at, facts)
        logger.info("notices by mail: %s", facts)
    return counts.messages


def last_counts() -> dict[str, int]:
    """Return the figures of the last run that had something to do; empty before the first."""
    sign = Heartbeat.objects.filter(name=SIGN).first()
    return dict(sign.facts) if sign else {}


def _due_people(at: datetime) -> list[int]:
    """Return people with something due, longest waiting first; takes no lock."""
    due = NoticeMail.objects.filter(ready_at__lte=at).order_by("ready_at", "person_id", "pk")
    return sorted(set(due.values_list("person_id", flat=True)[:_ROWS]))


def _send_to(people: Sequence[int], at: datetime, counts: Counts) -> None:
    """Queue the messages of these people; another worker waits here and then finds nothing."""
    with transaction.atomic():
        due = NoticeMail.objects.filter(ready_at__lte=at, person_id__in=people)
        rows = list(due.select_for_update(of=("self",)).order_by("pk"))
        if not rows:
            return
        told = Notice.objects.in_bulk({row.notice_id for row in rows})
        barred = notice_mail.barred((told[row.notice_id].about, row.person_id) for row in rows)
        addresses = notice_mail.addresses({row.person_id for row in rows})
        live = [row for row in rows if _stays(row, told[row.notice_id], barred)]
        letters: list[Letter] = []
        for message in _messages(live):
            address = addresses.get(message.first.person_id, Address())
            to = address.of(message.first.channel)
            for row in message.rows:
                row.message_key = message.key if to else NO_ADDRESS
            if to:
                letters.append(_letter(message, to, address.language, told))
            else:
                counts.without_address.add(message.first.person_id)
        for row in rows:
            row.ready_at = None
        outbox.queue(letters, at=at)
        write(rows, ["ready_at", "message_key"])
    sent = sum(not row.message_key.startswith("none:") for row in rows)
    counts.messages += len(letters)
    counts.lines += sent
    counts.left += len(rows) - sent


def _stays(row: NoticeMail, notice: Notice, barred: set[tuple[str, int]]) -> bool:
    """Tell whether a line is still to be sent; says in the row why not."""
    if (notice.about, row.person_id) in barred:
        row.message_key = BARRED
    elif notice.read_at or notice.done_at:
        row.message_key = SEEN
    return not row.message_key


def _messages(rows: Iterable[NoticeMail]) -> list[_Message]:
    """Group rows: urgent ones alone, the rest by person and channel."""

    def together(row: NoticeMail) -> tuple[int, str, int]:
        return (row.person_id, row.channel, row.pk if row.urgent else 0)

    grouped = groupby(sorted(rows, key=lambda row: (*together(row), row.pk)), key=together)
    return [_Message(list(group)) for _key, group in grouped]


def _letter(message: _Message, to: str, language: str, told: Mapping[int, Notice]) -> Letter:
    """Word a message in the language of whoever gets it."""
    first = message.first
    lines = sorted(
        (told[row.notice_id] for row in message.rows),
        key=lambda notice: (not notice.needs_action, notice.at, notice.pk),
    )
    with translation.override(language or settings.LANGUAGE_CODE):
        short = _short(lines)
        text = _sms(short) if first.channel == Channel.SMS else _text(lines)
    return Letter(
        key=message.key,
        kind=URGENT if first.urgent else DIGEST,
        channel=first.channel,
        to=to,
        subject=short,
        text=text,
        about=lines[0].about if len(lines) == 1 else "",
    )


def _short(lines: Sequence[Notice]) -> str:
    """Return the one sentence of a message."""
    if len(lines) == 1:
        return notices.title(lines[0])
    return ngettext("%(n)s notice in the portal", "%(n)s notices in the portal", len(lines)) % {
        "n": len(lines)
    }


def _sms(short: str) -> str:
    """Return what fits a short message: what it is and where to look."""
    words = _("Huiyin: %(text)s. Please look into the portal.") % {"text": short}
    return words if len(words) <= _LONGEST_SMS else f"{words[: _LONGEST_SMS - 1]}…"


def _text(lines: Sequence[Notice]) -> str:
    """Return the body of an e-mail: a line per notice with its page, then where the rest is."""
    parts = [_item(notice) for notice in lines[:MOST_LINES]]
    if (left := len(lines) - MOST_LINES) > 0:
        more = ngettext("and %(n)s more in your inbox", "and %(n)s more in your inbox", left)
        parts.append(more % {"n": left})
    parts.append(_("Your inbox: %(url)s") % {"url": _absolute(_inbox())})
    parts.append(_("The portal wrote this message; answers to it are not read."))
    return "\n\n".join(parts)


def _item(notice: Notice) -> str:
    link = notices.link(notice)
    title = notices.title(notice)
    return f"{title}\n{_absolute(link)}" if link else title


def _inbox() -> str:
    try:
        return reverse("inbox")
    except NoReverseMatch:
        return "/"


def _absolute(path: str) -> str:
    """Return the address as it is typed from outside; as it is where none is set."""
    return f"{settings.PORTAL_URL}{path}"
