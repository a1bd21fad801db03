"""What is written to the customer by a person, and what the customer writes to us."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints import clocks, letters
from complaints.appending import RecordRefused, held, needed
from complaints.choices import OPEN, NoticeMethod, NoticePurpose, NoticeResult, Status
from complaints.conversation import doubting, promises
from complaints.conversation.promises import Promise
from complaints.conversation.speaking import answered
from complaints.models import Case, CaseAttachment, CaseExclusion, CustomerNotice, InboundMessage
from complaints.replies.filling import demand_filled
from config.kernel import files, journal, notices, outbox
from config.shared.actors import Actor
from config.shared.worded import WordedError
from customers.models.customer import CustomerStatus

SPOKEN: Final = (NoticeMethod.PHONE, NoticeMethod.IN_PERSON)
SENT: Final = (NoticeMethod.EMAIL, NoticeMethod.SMS)
WRITTEN: Final = (*SENT, NoticeMethod.LETTER)
LONGEST_SMS: Final = 500
LONGEST_SUBJECT: Final = 200
WROTE: Final = "case.customer_wrote"
WROTE_AFTER: Final = "case.customer_wrote_after"


class Doubtful(WordedError):  # noqa: N818 - reads as words
    """The contact may not be the customer's: the sender is asked once more. `code` says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the customer: NoticeMethod sms, email or letter, and its words.

    `subject` is the line of an e-mail; '' = the usual one.

    `sure`: the sender was asked about a doubtful contact and sends it all the same. `substance`:
    it tells more than "we have it". `reply_by`: when it promises an answer.
    """

    method: str
    text: str
    substance: bool = True
    sure: bool = False
    reply_by: datetime | None = None
    subject: str = ""


def write(
    cases: QuerySet[Case], what: Message, *, actor: Actor, at: datetime
) -> list[CustomerNotice]:
    """Write to the customers of these cases; e-mail and SMS leave through the outbox.

    A registered letter is noted and waits for its proof of posting (`posted`). Raises Doubtful
    when a contact is in doubt and the sender was not asked, RecordRefused without an address.
    """
    words = _typed(what)
    text = words["text"]
    if what.method not in WRITTEN:
        raise RecordRefused("method", _("Choose how the customer is told."))
    if what.method == NoticeMethod.SMS and len(text) > LONGEST_SMS:
        long = _("An SMS holds %(most)s characters, this one has %(have)s.")
        raise RecordRefused("long", long, {"most": LONGEST_SMS, "have": len(text)})
    with held(cases, actor, at) as rows:
        doubts = {case.pk: _doubt(case, what.method, what.sure, at) for case in rows}
        made = [_made(case, what, words, actor, at) for case in rows]
        facts = [
            journal.Fact(case, "case.message", _told(what, doubts[case.pk]), words) for case in rows
        ]
        journal.append(facts, actor=actor, at=at, save=["updated_at"])
        if what.reply_by is not None:
            for case, (_letter, notice) in zip(rows, made, strict=True):
                promised = Promise(what.reply_by, seq=notice.seq)
                promises.promise([case], promised, actor=actor, at=at)
        if queued := [letter for letter, _notice in made if letter is not None]:
            outbox.queue(queued, at=at)
        return CustomerNotice.objects.bulk_create([notice for _letter, notice in made])


def tell_progress(
    cases: QuerySet[Case],
    text: str,
    *,
    method: str,
    actor: Actor,
    at: datetime,
    sure: bool = True,
) -> list[CustomerNotice]:
    """Tell the customer how the matter is going; the progress clock starts its next round.

    By phone or in person it counts at once, a letter when it arrives; refused without an address,
    and with a doubtful one unless `sure`.
    """
    words = needed(text)
    demand_filled(words)
    with held(cases, actor, at, states=OPEN) as rows:
        made, spoken = [], method in SPOKEN
        for case in rows:
            doubt = _doubt(case, method, sure, at) if not spoken else ""
            seq = case.event_seq + 1
            order = letters.Order(
                case, NoticePurpose.PROGRESS, seq, {"text": words}, method, substance=True
            )
            pair = None if spoken else letters.compose(order, actor=actor, at=at)
            if pair is None and not spoken:
                raise _no_address()
            made.append((pair, doubt))
        change = clocks.progressed(rows if spoken else (), at=at)
        first, saved = answered(rows if spoken else (), at)
        said = [
            journal.Fact(
                case, "case.progress", {"method": method, **_doubted(doubt)}, {"text": words}
            )
            for case, (_pair, doubt) in zip(rows, made, strict=True)
        ]
        fields = sorted({"updated_at", *change.fields, *saved})
        seqs = [case.event_seq + 1 for case in rows]
        journal.append([*said, *change.facts, *first.facts], actor=actor, at=at, save=fields)
        if spoken:
            promises.answered(rows, at, actor=actor, at=at)
        if sent := [pair[0] for pair, _doubt in made if pair]:
            outbox.queue(sent, at=at)
        return CustomerNotice.objects.bulk_create(
            pair[1] if pair else _spoken(case, method, seq, actor, at)
            for case, (pair, _doubt), seq in zip(rows, made, seqs, strict=True)
        )


def receive(
    cases: QuerySet[Case],
    text: str,
    *,
    method: str,
    actor: Actor,
    at: datetime,
    written_at: datetime | None = None,
) -> list[InboundMessage]:
    """Put what the customer wrote to the case; whoever holds it is told.

    To a case that has ended it goes to the triage list, and the officer is told: nothing is
    reopened by it (PEERS 17), a person decides.
    """
    words, when = needed(text), written_at or at
    if method not in WRITTEN or when > at:
        raise RecordRefused("inbound", _("Way or time of the message is not possible."))
    with held(cases, actor, at, states=tuple(Status.values)) as rows:
        facts = {"method": method, "written_at": when}
        said = [journal.Fact(case, "case.inbound", facts, {"text": words}) for case in rows]
        entries = journal.append(said, actor=actor, at=at, save=["updated_at"])
        _tell_holders(rows, [entry.seq for entry in entries], actor, at)
        return InboundMessage.objects.bulk_create(
            InboundMessage(
                case=case, method=method, at=when, by_id=actor.id, seq=entry.seq,
                after_end=not case.is_open,
            )
            for case, entry in zip(rows, entries, strict=True)
        )  # fmt: skip


def posted(
    cases: QuerySet[Case], pk: int, upload: Any, *, actor: Actor, at: datetime
) -> CustomerNotice:
    """Keep the proof of posting of a registered letter of the one case; the letter counts as told.

    Raises FileRefused, and RecordRefused when no letter waits for its proof.
    """
    with held(cases, actor, at) as rows:
        wanted = CustomerNotice.objects.filter(
            case__in=rows, pk=pk, method=NoticeMethod.LETTER, result=NoticeResult.PENDING
        )
        notice = wanted.first()
        if len(rows) != 1 or notice is None:
            raise RecordRefused("gone", _("No letter of this case waits for its proof."))
        case = rows[0]
        stored = files.store(upload, kind="case", uploaded_by_id=actor.id, at=at)
        CaseAttachment.objects.create(case=case, file=stored, added_by_id=actor.id, added_at=at)
        notice.proof, notice.delivered_at = stored, at
        notice.result = NoticeResult.DELIVERED
        notice.save(update_fields=["proof", "delivered_at", "result"])
        change, saved = answered(rows if notice.substance else (), at)
        told = {"file": str(stored.token), "sha256": stored.sha256, "notice": notice.seq}
        fact = journal.Fact(case, "case.posted", told, {"name": stored.name})
        fields = sorted({"updated_at", *saved})
        journal.append([fact, *change.facts], actor=actor, at=at, save=fields)
        promises.answered(rows, at, actor=actor, at=at, before=notice.seq)
        return notice


def _typed(what: Message) -> dict[str, str]:
    """Return subject and text of a message as they go out; raises when a gap is left in them."""
    words = {"text": needed(what.text)}
    if what.method == NoticeMethod.EMAIL and (subject := " ".join(what.subject.split())):
        words = {"subject": subject[:LONGEST_SUBJECT], **words}
    demand_filled(*words.values())
    return words


def _doubt(case: Case, method: str, sure: bool, at: datetime) -> str:  # noqa: FBT001 - a fact
    """Return the doubt about the contact; raises Doubtful when nobody was asked about it."""
    code = doubting.doubt(case, method, at)
    if code and not sure:
        raise Doubtful(code, doubting.WORDS[code])
    return code


def _doubted(code: str) -> dict[str, str]:
    """Return the fact that somebody sent it all the same."""
    return {"doubt": code} if code else {}


def _told(what: Message, doubt: str) -> dict[str, Any]:
    return {"method": what.method, "substance": what.substance, **_doubted(doubt)}


def _made(
    case: Case, what: Message, words: Mapping[str, str], actor: Actor, at: datetime
) -> tuple[outbox.Letter | None, CustomerNotice]:
    """Return the message and its notice, unsaved; a registered letter has no message."""
    if case.customer is not None and case.customer.status == CustomerStatus.DECEASED:
        raise RecordRefused("deceased", _("The customer has died: nothing is written to them."))
    seq, purpose = case.event_seq + 1, NoticePurpose.MESSAGE
    if what.method == NoticeMethod.LETTER:
        notice = CustomerNotice(
            case=case, purpose=purpose, method=what.method, at=at, by_id=actor.id,
            round=case.round, seq=seq, substance=what.substance,
        )  # fmt: skip
        return None, notice
    order = letters.Order(case, purpose, seq, words, what.method, what.substance)
    made = letters.compose(order, actor=actor, at=at)
    if made is None:
        raise _no_address()
    return made


def _no_address() -> RecordRefused:
    return RecordRefused("address", _("The case holds no address for this way of telling."))


def _spoken(case: Case, method: str, seq: int, actor: Actor, at: datetime) -> CustomerNotice:
    return CustomerNotice(
        case=case, purpose=NoticePurpose.PROGRESS, method=method, result=NoticeResult.TOLD, at=at,
        delivered_at=at, by_id=actor.id, round=case.round, seq=seq, substance=True,
    )  # fmt: skip


def _tell_holders(cases: Sequence[Case], seqs: Sequence[int], actor: Actor, at: datetime) -> None:
    """Tell whoever holds a case that the customer wrote; of an ended one its officer."""
    out = set(CaseExclusion.objects.filter(case__in=cases).values_list("case_id", "person_id"))
    tellings = []
    for case, seq in zip(cases, seqs, strict=True):
        head = case.department.head_id
        holder = case.handler_id or case.officer_id or head
        person = holder if case.is_open else case.officer_id or holder
        kind = WROTE if case.is_open else WROTE_AFTER
        if person is None or person == actor.id or (case.pk, person) in out:
            continue
        tellings.append(
            notices.Telling(
                key=f"{kind}:{case.number}:{seq}:{person}",
                person_id=person,
                kind=kind,
                about=case.about,
                facts={"number": case.number},
                needs_action=not case.is_open,
            )
        )
    notices.tell(tellings, at=at)


__all__ = [
    "SENT",
    "SPOKEN",
    "WRITTEN",
    "Doubtful",
    "Message",
    "posted",
    "receive",
    "tell_progress",
    "write",
]
