"""Another matter in the same contact: a case of its own beside the first, answered together.

One call, three matters: three cases, so that each is counted, routed and decided for itself; but
one customer, one verification, one recording, and one answer when all are decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints import identity, intake, letters
from complaints.choices import LinkKind, NoticeMethod, NoticePurpose, NoticeResult, Status
from complaints.conversation import doubting
from complaints.drafts import CaseDraft, Opened
from complaints.models import CallRecord, Case, CustomerNotice
from complaints.relations import linking, merging
from complaints.relations.frame import RelationRefused, held
from complaints.replies import result
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Told
from complaints.workflow.telling import SENT, SPOKEN, notify, tell_senders
from complaints.workflow.work import Work
from config.kernel import journal, outbox
from config.kernel.models import OutboxMessage
from config.kernel.models.outbox import OutboxState
from config.shared.actors import Actor
from config.shared.words import listed
from staff.models import Person

OPENED: Final = "case.another_matter"
BESIDE: Final = "case.beside"


def first_values(case: Case) -> dict[str, str]:
    """Return what a further matter of the same contact begins with, by name of the form field.

    Contact data are not shown again, since a look at them is recorded; they are taken over when
    the matter is registered.
    """
    return {
        "customer": case.customer.number if case.customer else "",
        "intake_channel": case.intake_channel.code,
        "beside": case.number,
    }


def _of_contact(draft: CaseDraft, first: Case) -> CaseDraft:
    """Return the draft with the contact data of the first matter where it says nothing else."""
    names = ("contact_name", "contact_phone", "contact_email")
    known = {name: getattr(draft, name) or getattr(first, name) for name in names}
    same = draft.customer is None or draft.customer.pk == first.customer_id
    return replace(draft, customer=first.customer, **known) if same else draft


def open_beside(
    cases: QuerySet[Case],
    draft: CaseDraft,
    *,
    actor: Actor,
    at: datetime,
    registrar: Person | None,
) -> Opened:
    """Register a further matter of the contact of the one case in `cases`, linked to it.

    What was verified and the reference of the recording hold for the new case too. A draft that
    was registered before (double click) gives its case back and nothing is written.
    """
    with transaction.atomic(), held(cases, actor=actor, at=at) as rows:
        if not rows:
            raise RelationRefused("gone", _("There is no such case."))
        first = rows[0]
        [opened] = intake.open_cases(
            [_of_contact(draft, first)], actor=actor, at=at, registrar=registrar
        )
        if opened.case is None or opened.duplicate:
            return opened
        new = Case.objects.get(pk=opened.case.pk)
        if first.restricted == new.restricted:
            linking.join([(first, new)], LinkKind.SAME_CONTACT, actor=actor, at=at)
            _say_so(first, new, actor, at)
        identity.carry_over(first, [new], actor=actor, at=at)
        return replace(opened, case=new)


def try_beside(
    cases: QuerySet[Case],
    draft: CaseDraft,
    *,
    actor: Actor,
    at: datetime,
    registrar: Person | None,
) -> Opened:
    """As `open_beside`; what hinders it comes back as a refused draft, for the form."""
    try:
        return open_beside(cases, draft, actor=actor, at=at, registrar=registrar)
    except RelationRefused as refused:
        return Opened(None, str(refused))


def _say_so(first: Case, new: Case, actor: Actor, at: datetime) -> None:
    """Write both records, and copy the reference of the recording of the contact."""
    call = CallRecord.objects.filter(case=first, direction=CallRecord.Direction.IN)
    taken = call.exclude(recording="").order_by("-at", "-pk").first()
    facts = [
        journal.Fact(first, OPENED, {"number": new.number}),
        journal.Fact(new, BESIDE, {"number": first.number, "recorded": taken is not None}),
    ]
    entries = journal.append(facts, actor=actor, at=at)
    if taken is not None:
        CallRecord.objects.create(
            case=new, direction=taken.direction, result=taken.result, way=taken.way,
            recording=taken.recording, at=taken.at, seconds=taken.seconds, by_id=taken.by_id,
            seq=entries[1].seq,
        )  # fmt: skip


def answerable(case: Case, rows: QuerySet[Case]) -> list[Case]:
    """Return the decided cases of this contact that are to be told, in order; `rows` by scope."""
    pks = linking.group([case.pk])
    if len(pks) < 2:
        return []
    found = rows.filter(pk__in=pks, status=Status.RESOLVED).select_related("type", "customer")
    return list(found.order_by("pk"))


def answer_together(
    cases: QuerySet[Case],
    what: Told,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
    doubt: str = "",
) -> list[Outcome]:
    """Tell the customer the results of several cases of one contact at once.

    By phone or in person: all are told now. By e-mail or SMS: one message that names them all;
    its delivery tells all of them. All or none: what hinders one case hinders the message, and
    the others say which case it was. A registered letter has its proof per case: RelationRefused.
    `doubt` is the code of a doubt about the contact that the sender accepted. `expected` names
    every case that is to be answered with the version that was seen: RelationRefused `gone` where
    one of them is not in `cases` any more.
    """
    if what.method not in (*SPOKEN, *SENT):
        raise RelationRefused("method", _("Tell them by phone, in person, by e-mail or by SMS."))
    pks = _of_one_contact(cases)
    with transaction.atomic():
        if what.method in SPOKEN:
            outcomes = notify(cases, what, actor=actor, at=at, expected=expected)
        else:
            outcomes = _send(cases, what, actor, at, expected)
        if expected is not None and {outcome.case.pk for outcome in outcomes} != set(expected):
            raise RelationRefused("gone", _("One of the cases is not yours to answer any more."))
        if not all(outcome.done for outcome in outcomes):
            transaction.set_rollback(True)
        elif doubt:
            for pk in pks:
                doubting.accepted(pk, what.method, doubt, actor=actor, at=at)
    if not all(outcome.done for outcome in outcomes):
        _hold_back(outcomes)
    return outcomes


def _of_one_contact(cases: QuerySet[Case]) -> list[int]:
    """Return the pks of the cases; RelationRefused unless they are of one contact and customer."""
    pks = list(cases.order_by("pk").values_list("pk", flat=True))
    if len(pks) < 2 or not set(pks) <= linking.group(pks[:1]):
        raise RelationRefused("group", _("Choose two or more decided cases of one contact."))
    if cases.order_by().values("customer").distinct().count() > 1:
        raise RelationRefused("customer", _("The cases are not of one customer. Answer each."))
    return pks


def _send(
    cases: QuerySet[Case],
    what: Told,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None,
) -> list[Outcome]:
    """Queue one message for all of them; the cases wait for its delivery."""
    work = Work("notify", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        fit = [case for case in ready if work.fits(case)]
        if len(fit) == len(work.outcomes):
            made = _compose(work, fit, what)
            if made is not None:
                outbox.queue([made[0]], at=at)
                work.add(*made[1])
    return work.outcomes


def _compose(
    work: Work, cases: Sequence[Case], what: Told
) -> tuple[outbox.Letter, list[CustomerNotice]] | None:
    """Return the message and a notice per case; refuses all without one common address."""
    made, senders = [], merging.merged_below(cases)
    if any(_hindered(work, case, what.method) for case in cases):
        return None
    for case in cases:
        facts = {"method": what.method, "together": [other.number for other in cases]}
        seq = work.record(case, "case.result_sent", facts)
        order = letters.Order(case, NoticePurpose.RESULT, seq, {}, what.method)
        made.append(letters.compose(order, actor=work.actor, at=work.at))
        work.change(case)
        tell_senders(work, case, senders.get(case.pk, ()), seq)
    whole = [pair for pair in made if pair is not None]
    if len(whole) < len(cases) or len({letter.to for letter, _notice in whole}) != 1:
        for case in cases:
            why = _("The cases do not hold one common address for this way of telling.")
            work.refuse(case, Refusal.GUARD, why)
        return None
    subject, text = letters.together(cases, NoticeMethod(what.method), work.at)
    letter = replace(whole[0][0], subject=subject, text=text)
    for _letter, notice in whole:
        notice.outbox_key = letter.key
    return letter, [notice for _letter, notice in whole]


def _hindered(work: Work, case: Case, method: str) -> bool:
    """Refuse a case whose result letter has gaps, or has one on its way already."""
    why = ""
    if missing := result.gaps(case, method, work.at):
        why = _("The result letter is not complete. Missing: %(gaps)s.") % {"gaps": listed(missing)}
    sent = CustomerNotice.objects.filter(
        case=case, purpose=NoticePurpose.RESULT, round=case.round, result=NoticeResult.PENDING
    )
    waiting = OutboxMessage.objects.filter(key__in=sent.exclude(outbox_key="").values("outbox_key"))
    if not why and waiting.exclude(state=OutboxState.CANCELLED).exists():
        why = _("A message with the result is on its way already.")
    if why:
        work.refuse(case, Refusal.GUARD, why)
    return bool(why)


def _hold_back(outcomes: Sequence[Outcome]) -> None:
    """Mark the cases that were fit as not told either, with the case that hindered them."""
    hinders = next(outcome for outcome in outcomes if not outcome.done)
    for outcome in outcomes:
        if outcome.done:
            outcome.refused = Refusal.GUARD
            outcome.why = _("Nothing was sent: case %(number)s is not ready.") % {
                "number": hinders.case.number
            }
