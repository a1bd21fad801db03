"""Letters to customers about their case: composed in the customer's language, sent by the outbox.

Every letter goes with a CustomerNotice row, which learns from the outbox whether it arrived.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from complaints.choices import NoticeMethod, NoticePurpose
from complaints.models import Case, CustomerNotice
from complaints.replies import details, result
from complaints.replies.blocks import blocks, objection_words
from config.kernel.outbox import Letter
from config.shared.actors import Actor
from config.shared.phones import normalise_phone
from config.shared.words import labelled, listed
from customers.models.customer import CustomerStatus

KINDS: Final = {purpose: f"case.{purpose}" for purpose in NoticePurpose.values}
"""NoticePurpose -> kind of the outbox message (its DeliveryHandler)."""

_SUBJECTS: Final = {
    NoticePurpose.ACKNOWLEDGEMENT: gettext_lazy("We have registered your words, case %(number)s"),
    NoticePurpose.ACCEPTANCE: gettext_lazy("Notice of acceptance, case %(number)s"),
    NoticePurpose.PROGRESS: gettext_lazy("How your case %(number)s is going"),
    NoticePurpose.RESULT: gettext_lazy("Result of your case %(number)s"),
    NoticePurpose.NOT_ACCEPTED: gettext_lazy("We cannot accept your case %(number)s"),
    NoticePurpose.SUSPENSION: gettext_lazy("Your case %(number)s is suspended"),
    NoticePurpose.EXTENSION: gettext_lazy("Your case %(number)s needs more time"),
    NoticePurpose.TRANSFER: gettext_lazy("Your case %(number)s was transferred"),
    NoticePurpose.REVIEW: gettext_lazy("Result of the review of your case %(number)s"),
    NoticePurpose.MESSAGE: gettext_lazy("About your case %(number)s"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A letter to write.

    `words` are for its body, `method` None = as the customer can be reached, `seq` the journal
    entry that causes it: part of its unique key. `substance`: a person tells more than a receipt,
    so its arrival is the first response (K03).
    """

    case: Case
    purpose: str
    seq: int
    words: Mapping[str, str] = field(default_factory=dict)
    method: str | None = None
    substance: bool = False


def reachable_by(case: Case) -> str | None:
    """Return how a message would go: e-mail, else SMS to a mobile; None when neither is known.

    Nothing is ever sent about a deceased customer.
    """
    if case.customer is not None and case.customer.status == CustomerStatus.DECEASED:
        return None
    if case.contact_email:
        return NoticeMethod.EMAIL
    return NoticeMethod.SMS if mobile_of(case) else None


def compose(order: Order, *, actor: Actor, at: datetime) -> tuple[Letter, CustomerNotice] | None:
    """Return the message and its notice row, both unsaved; None when there is no address.

    It leaves after MESSAGE_RECALL_SECONDS; until then `recalling.recall` takes it back.
    """
    case = order.case
    method = order.method or reachable_by(case)
    to = case.contact_email if method == NoticeMethod.EMAIL else mobile_of(case)
    if method is None or not to:
        return None
    key = f"{order.purpose}:{case.number}:{order.seq}:{method}"
    subject, text = shown(order, method, at)
    wait = timedelta(seconds=settings.MESSAGE_RECALL_SECONDS)
    leaves_at = at + wait if wait else None
    letter = Letter(
        key=key,
        kind=KINDS[order.purpose],
        channel="email" if method == NoticeMethod.EMAIL else "sms",
        to=to,
        subject=subject,
        text=text,
        about=case.about,
        department_id=case.department_id,
        leaves_at=leaves_at,
    )
    notice = CustomerNotice(
        case=case,
        purpose=order.purpose,
        method=method,
        at=at,
        outbox_key=key,
        by_id=actor.id,
        round=case.round,
        seq=order.seq,
        leaves_at=leaves_at,
        substance=order.substance,
    )
    return letter, notice


def together(cases: Sequence[Case], method: str, at: datetime) -> tuple[str, str]:
    """Return subject and text of one message with the results of several cases of one customer.

    In the language of the first case; each case has its number, its matter and its own blocks.
    """
    first = cases[0]
    with translation.override(first.language or "zh-hans"):
        numbers = listed(case.number for case in cases)
        subject = _("Result of your cases %(numbers)s") % {"numbers": numbers}
        if method == NoticeMethod.SMS:
            track = _("Follow it with the code %(code)s.") % {"code": first.tracking_code}
            pattern = pgettext("text message", "%(subject)s. %(follow)s")
            return subject, pattern % {"subject": subject, "follow": track}
        parts = [_("Dear %(name)s,") % {"name": first.contact_name or _("customer")}]
        parts.append(_("this letter answers everything you told us in one contact."))
        for case in cases:
            parts += [labelled(case.number, case.core_issue), *_result(case)]
        return subject, "\n\n".join([*parts, _closing(first, at)])


def shown(order: Order, method: str, at: datetime) -> tuple[str, str]:
    """Return subject and text as the customer gets them, in the customer's language."""
    with translation.override(order.case.language or "zh-hans"):
        return _worded(order, method, at)


def objection_ways(case: Case) -> str:
    """Return the standard words on how to object (§4.7), in the customer's language."""
    _rules, bank = details.in_force(timezone.now())
    return objection_words(case, bank, case.language or "zh-hans")


def usual_subject(case: Case) -> str:
    """Return the subject of a message to the customer where nobody typed one, in their language."""
    with translation.override(case.language or "zh-hans"):
        return _subject(Order(case, NoticePurpose.MESSAGE, 0))


def mobile_of(case: Case) -> str:
    """Return the mobile number of the case in canonical spelling, or ''."""
    number = normalise_phone(case.contact_phone) or ""
    return number if len(number) == 11 and number.startswith("1") else ""


def _worded(order: Order, method: str, at: datetime) -> tuple[str, str]:
    """Return subject and text in the active language."""
    if order.purpose == NoticePurpose.RESULT and (told := result.worded(order.case, method, at)):
        return told
    subject = _subject(order)
    if method == NoticeMethod.SMS and order.purpose == NoticePurpose.MESSAGE:
        return subject, order.words.get("text", "")
    if method == NoticeMethod.SMS:
        return subject, _short(order, subject)
    greeting = _("Dear %(name)s,") % {"name": order.case.contact_name or _("customer")}
    parts = [greeting, *_body(order), _closing(order.case, at)]
    return subject, "\n\n".join(part for part in parts if part)


def _subject(order: Order) -> str:
    """Return the subject line: the one a person typed for their message, else the usual one."""
    if order.purpose == NoticePurpose.MESSAGE and (typed := order.words.get("subject", "")):
        return " ".join(typed.split())
    return str(_SUBJECTS[NoticePurpose(order.purpose)]) % {"number": order.case.number}


def _short(order: Order, subject: str) -> str:
    """Return an SMS: no content of the case, only where it stands and how to follow it."""
    track = _("Follow it with the code %(code)s.") % {"code": order.case.tracking_code}
    pattern = pgettext("text message", "%(subject)s. %(follow)s")
    return pattern % {"subject": subject, "follow": track}


def _body(order: Order) -> list[str]:
    """Return the paragraphs between greeting and closing."""
    words = order.words
    match order.purpose:
        case NoticePurpose.ACKNOWLEDGEMENT:
            return [
                _("thank you for writing to us. We have registered what you told us."),
                _track(order.case),
            ]
        case NoticePurpose.ACCEPTANCE:
            return [
                _("a named member of our complaint team has taken your case and checks it now."),
                _track(order.case),
            ]
        case NoticePurpose.RESULT:
            return _result(order.case)
        case NoticePurpose.TRANSFER:
            told = _("your case is handled by %(receiver)s from now on.")
            return [told % {"receiver": words.get("receiver", "")}, words.get("reason", "")]
        case NoticePurpose.EXTENSION:
            return [_more_time(words), words.get("reason", "")]
        case _:
            return [words.get("text", "") or words.get("reason", "")]


def _more_time(words: Mapping[str, str]) -> str:
    """Return why and until when the answer takes longer; moments in `words` are ISO texts."""
    until = _day(words.get("until", ""))
    if "appraiser" in words:
        return _(
            "your case needs an outside appraisal by %(appraiser)s, expected by %(until)s. The "
            "time limit for our answer stands still until then."
        ) % {"appraiser": words["appraiser"], "until": until}
    if "new_facts" in words:
        return _(
            "new facts about your case came in on %(on)s. The time limit for our answer begins "
            "anew with that day and ends on %(until)s."
        ) % {"on": _day(words["new_facts"]), "until": until}
    return _("we need more time to answer you, until %(until)s at the latest.") % {"until": until}


def _day(moment: str) -> str:
    """Return the local day of an ISO moment as people write it; '' for none."""
    if not moment:
        return ""
    return date_format(timezone.localtime(datetime.fromisoformat(moment)), "DATE_FORMAT")


def _track(case: Case) -> str:
    return _("You can follow the case with the tracking code %(code)s.") % {
        "code": case.tracking_code
    }


def _result(case: Case) -> list[str]:
    """Return the blocks of the result letter (DOMAIN.md §4.7) where no template is in force."""
    found = blocks(case, case.language or "zh-hans")
    return [f"{block.title}\n{block.text}" for block in found if block.text]


def _closing(case: Case, at: datetime) -> str:
    """Return contact person and date."""
    person = case.officer or case.handler
    contact = _("Your contact: %(person)s, %(department)s.") % {
        "person": person.label if person else _("Complaint team"),
        "department": case.department.label,
    }
    return f"{contact}\n{date_format(timezone.localtime(at), 'DATE_FORMAT')}"
