"""Why a time limit ends when it does, told to the customer: plain paragraphs, no inside words."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.choices import ClockName
from complaints.clocks.bars import Part, Stretch
from complaints.models import CaseClock
from config.shared.words import listed, moment_words

_AIMS: Final[Mapping[str, str | Promise]] = {
    ClockName.ACKNOWLEDGE: gettext_lazy(
        "We confirm that we received your matter within %(limit)s, by %(due)s at the latest."
    ),
    ClockName.ACCEPT: gettext_lazy(
        "A named person takes up your matter within %(limit)s, by %(due)s at the latest."
    ),
    ClockName.RESPOND: gettext_lazy(
        "We speak to you about your matter for the first time within %(limit)s, by %(due)s at the "
        "latest."
    ),
    ClockName.SIGN: gettext_lazy(
        "The department in charge takes over your matter within %(limit)s, by %(due)s at the "
        "latest."
    ),
    ClockName.PROGRESS: gettext_lazy(
        "We tell you how your matter is going within %(limit)s, by %(due)s at the latest."
    ),
    ClockName.RESOLVE: gettext_lazy(
        "We decide your matter within %(limit)s, by %(due)s at the latest."
    ),
    ClockName.LOOP: gettext_lazy(
        "We tell you the result within %(limit)s, by %(due)s at the latest."
    ),
    ClockName.REGULATORY: gettext_lazy(
        "The law gives us %(limit)s for our answer, that is until %(due)s."
    ),
    ClockName.EXTERNAL: gettext_lazy(
        "The body that sent us your matter asks for an answer by %(due)s."
    ),
    ClockName.REVIEW_ACK: gettext_lazy(
        "We confirm that we received your objection within %(limit)s, by %(due)s at the latest."
    ),
    ClockName.REVIEW_STEP: gettext_lazy(
        "We tell you how the review is going within %(limit)s, by %(due)s at the latest."
    ),
    ClockName.REVIEW: gettext_lazy(
        "The review is decided within %(limit)s, by %(due)s at the latest."
    ),
    ClockName.REVIEW_TOLD: gettext_lazy(
        "We tell you the result of the review within %(limit)s, by %(due)s at the latest."
    ),
}


def letter(
    clock: CaseClock,
    limit: str,
    parts: Sequence[Part],
    pauses: Sequence[Stretch],
    extended_to: datetime | None,
) -> str:
    """Return paragraphs for a letter, an empty line between them; `limit` in words."""
    return "\n\n".join(_paragraphs(clock, limit, parts, pauses, extended_to))


def _paragraphs(
    clock: CaseClock,
    limit: str,
    parts: Sequence[Part],
    pauses: Sequence[Stretch],
    extended_to: datetime | None,
) -> Iterator[str]:
    received = clock.started_at == clock.case.received_at
    first = _("We received your matter on %(at)s.") if received else _("The time began on %(at)s.")
    yield first % {"at": moment_words(clock.started_at)}
    yield str(_AIMS[clock.name]) % {"limit": limit, "due": moment_words(clock.due_at)}
    kinds = {part.kind for part in parts}
    holidays = list(dict.fromkeys(part.label for part in parts if part.kind == "holiday"))
    if holidays:
        told = _("Days off and these holidays do not count: %(names)s.")
        yield told % {"names": listed(holidays)}
    elif kinds & {"weekend", "closed"}:
        yield _("Only our working hours count; days off do not.")
    for start, end in pauses:
        yield _pause(start, end)
    if extended_to is not None:
        yield _("The time had to be extended to %(due)s.") % {"due": moment_words(extended_to)}
    if clock.provisional:
        yield _("The official days off of that year are not known yet; the day may still move.")


def _pause(start: datetime, end: datetime | None) -> str:
    if end is None:
        told = _("Since %(start)s we are waiting for what we need to go on; this does not count.")
        return told % {"start": moment_words(start)}
    told = _("From %(start)s to %(end)s we waited for what we needed to go on; this did not count.")
    return told % {"start": moment_words(start), "end": moment_words(end)}
