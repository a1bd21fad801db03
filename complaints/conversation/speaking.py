"""What was said by telephone, in person or by video: call records, spoken progress, recordings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints import clocks
from complaints.appending import RecordRefused, held, needed
from complaints.choices import CallWay, ClockName, Status
from complaints.conversation import promises
from complaints.conversation.promises import Promise
from complaints.models import CallRecord, Case
from config.kernel import journal
from config.shared.actors import Actor

LONGEST: Final = 86_400  # seconds of one call
_LONGEST_REFERENCE: Final = 300
_EVERY: Final = tuple(Status.values)


@dataclass(frozen=True, slots=True)
class Call:
    """One call or meeting: CallRecord.Direction, CallRecord.Result, what was said.

    `substance`: the customer got more than a greeting; `at` None = now. `recording` is a number
    of the recording system or an https link into it, `reply_by` when an answer was promised.
    """

    direction: str
    result: str
    summary: str
    substance: bool = False
    seconds: int | None = None
    at: datetime | None = None
    way: str = CallWay.PHONE
    recording: str = ""
    reply_by: datetime | None = None


def log_call(cases: QuerySet[Case], call: Call, *, actor: Actor, at: datetime) -> list[CallRecord]:
    """Record a call; it stays in the record whatever came of it.

    The first outbound call with substance that reached the customer is the first response (K03)
    and stops that clock; every outbound call that reached them answers what was promised before.
    """
    summary, when = needed(call.summary), call.at or at
    _judge(call, when, at)
    reference = recording_of(call.recording)
    told = call.result == CallRecord.Result.REACHED and (call.direction == CallRecord.Direction.OUT)
    with held(cases, actor, at) as rows:
        facts: dict[str, Any] = {
            "direction": call.direction, "result": call.result, "substance": call.substance,
            "seconds": call.seconds, "call_at": when, "way": call.way,
            "recorded": bool(reference),
        }  # fmt: skip
        said = [journal.Fact(case, "case.call", facts, {"summary": summary}) for case in rows]
        change, saved = answered(rows if told and call.substance else (), when)
        entries = journal.append([*said, *change.facts], actor=actor, at=at, save=saved)
        made = CallRecord.objects.bulk_create(
            CallRecord(
                case=case, direction=call.direction, result=call.result, substance=call.substance,
                at=when, seconds=call.seconds, by_id=actor.id, seq=entry.seq, way=call.way,
                recording=reference,
            )
            for case, entry in zip(rows, entries, strict=False)
        )  # fmt: skip
        if told:
            promises.answered(rows, when, actor=actor, at=at)
        if call.reply_by is not None:
            promises.promise(rows, Promise(call.reply_by), actor=actor, at=at)
        return made


def answered(cases: Sequence[Case], moment: datetime) -> tuple[clocks.ClockChange, Sequence[str]]:
    """Note the first response (K03) of held cases that had none; returns change, fields to save.

    The caller appends the facts of the change to the record.
    """
    first = [case for case in cases if case.first_response_at is None and case.is_open]
    for case in first:
        case.first_response_at = max(moment, case.received_at)
    change = clocks.stop(first, [ClockName.RESPOND], at=moment)
    saved = sorted({"first_response_at", "updated_at", *change.fields}) if first else ()
    return change, saved


def recording_of(text: str) -> str:
    """Return a reference to a recording as it is kept; raises RecordRefused for other links.

    Links are https and lead to a host of RECORDING_HOSTS; anything else is a plain number.
    """
    kept = " ".join(text.split())
    if len(kept) > _LONGEST_REFERENCE:
        raise RecordRefused("recording", _("The reference of the recording is too long."))
    if ":" not in kept and "//" not in kept:
        return kept
    if not link_of(kept):
        raise RecordRefused(
            "recording",
            _("Give the number of the recording, or an https link to the recording system."),
        )
    return kept


def link_of(reference: str) -> str:
    """Return the address behind a reference when it is one of the recording system, else ''."""
    try:
        parts = urlsplit(reference)
        known = (parts.hostname or "") in settings.RECORDING_HOSTS
        sound = parts.scheme == "https" and parts.port in {None, 443}
    except ValueError:
        return ""
    return reference if known and sound and not parts.username else ""


def listen(cases: QuerySet[Case], pk: int, *, actor: Actor, at: datetime) -> str:
    """Record that somebody listens to a recording of the one case in `cases`; returns its link.

    '' when the reference is a number to look up in the recording system: that is recorded too.
    Raises RecordRefused when there is no such recording.
    """
    with held(cases, actor, at, states=_EVERY) as rows:
        call = CallRecord.objects.filter(case__in=rows, pk=pk).exclude(recording="").first()
        if len(rows) != 1 or call is None:
            raise RecordRefused("gone", _("There is no such recording."))
        facts = {"call": call.seq, "reference": not link_of(call.recording)}
        journal.append([journal.Fact(rows[0], "case.listened", facts)], actor=actor, at=at)
        return link_of(call.recording)


def _judge(call: Call, when: datetime, at: datetime) -> None:
    """Raise RecordRefused for a call that cannot have been."""
    known = (
        call.direction in CallRecord.Direction.values
        and call.result in CallRecord.Result.values
        and call.way in CallWay.values
    )
    if not known or when > at:
        raise RecordRefused("call", _("Direction, result or time of the call is not possible."))
    if call.seconds is not None and not 0 <= call.seconds <= LONGEST:
        raise RecordRefused("call", _("A call lasts a day at most."))


__all__ = ["Call", "answered", "link_of", "listen", "log_call", "recording_of"]
