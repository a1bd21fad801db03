"""What a batch of drafts needs, read once; what is wrong with a draft; the case it makes."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Q
from django.utils.translation import gettext as _

from complaints.case_rules import CaseRules, local_day, rules_at, severity_of
from complaints.choices import Precision, Severity, Status
from complaints.clocks.desk import NEVER
from complaints.drafts import CaseDraft, Code
from complaints.models import Case
from config.kernel.models import Term
from config.shared.moments import YEARS
from customers.hashes import phone_hash, tail_hash
from customers.models import ContactPoint
from customers.models.customer import ContactKind
from staff.models import Person
from staff.models.people import UnitKind

_LISTS: Final = (
    "feedback_type", "intake_channel", "business_line", "business_channel", "outcome", "cause",
    "nature",
)  # fmt: skip
_LONGEST: Final = {
    "product": 160,
    "external_ref": 80,
    "referral_number": 80,
    "referral_body": 120,
    "origin_key": 120,
    "language": 10,
    "currency": 3,
    "core_issue": 500,
    "content": 60_000,
    "demand": 20_000,
    "expected_resolution": 20_000,
    "contact_name": 120,
    "contact_phone": 40,
    "contact_email": 254,
}
_AHEAD: Final = timedelta(minutes=5)
_BACK: Final = timedelta(days=1)
_ISSUE_LENGTH: Final = 80
_CODE_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier case of the same sender, as far as repeats need it."""

    pk: int | None
    case: Case | None
    received_at: datetime
    track: str
    line: int | None
    cause: int | None


@dataclass
class Batch:
    """Everything a set of drafts is judged with; reading it costs a fixed number of queries."""

    at: datetime
    rules: CaseRules
    terms: dict[tuple[str, str], Term]
    known: dict[str, Case]
    contacts: dict[int, dict[str, str]]
    earlier: dict[tuple[str, Any], list[Earlier]]
    excluded: dict[int, set[int]] = field(default_factory=dict)
    branches_out: set[int] = field(default_factory=set)

    @classmethod
    def read(cls, drafts: Sequence[CaseDraft], at: datetime) -> "Batch":
        """Read terms, cases under the same origin keys, contacts, earlier cases, recusals."""
        rules = rules_at(at)
        rows = Term.objects.filter(taxonomy__in=_LISTS).select_related("parent")
        keys = [draft.origin_key for draft in drafts if draft.origin_key]
        known = Case.objects.filter(origin_key__in=keys) if keys else Case.objects.none()
        batch = cls(
            at,
            rules,
            {(term.taxonomy, term.code): term for term in rows},
            {case.origin_key or "": case for case in known},
            _contacts(drafts),
            _earlier(drafts, at, rules.repeat_days),
        )
        batch._read_exclusions({pk for draft in drafts for pk in draft.named_ids})
        return batch

    def term(self, taxonomy: str, code: Code | None) -> Term | None:
        """Return the entry of a code; None for nothing or an unknown code."""
        if isinstance(code, Term):
            return code
        return self.terms.get((taxonomy, code)) if code else None

    def out_of(self, draft: CaseDraft) -> set[int]:
        """Return the pks of people who stay out of this draft's case."""
        return {pk for named in draft.named_ids for pk in self.excluded.get(named, {named})}

    def repeats(self, draft: CaseDraft, kind: Term) -> list[Earlier]:
        """Return earlier cases of the same sender on the same matter, oldest first."""
        received = draft.received_at or self.at
        if received.year not in YEARS:
            return []
        since = received - timedelta(days=self.rules.repeat_days)
        line = _root(self.term("business_line", draft.business_line))
        cause = _root(self.term("cause", draft.history.cause)) if draft.history else None
        found = {
            id(row): row
            for key in _sender_keys(draft)
            for row in self.earlier.get(key, ())
            if row.received_at >= since and row.track == kind.flags.get("track")
            if _same(row.line, line) or _same(row.cause, cause)
        }
        return sorted(found.values(), key=lambda row: row.received_at)

    def remember(self, draft: CaseDraft, case: Case) -> None:
        """Let later drafts of the batch see this one as earlier."""
        row = _as_earlier(case)
        for key in _sender_keys(draft):
            self.earlier.setdefault(key, []).append(row)

    def _read_exclusions(self, named: set[int]) -> None:
        """Named people, their direct reports, and a whole branch whose head is named (§4.8)."""
        if not named:
            return
        heads_branch = Q(department__head__in=named, department__kind=UnitKind.BRANCH)
        people = Person.objects.filter(Q(pk__in=named) | Q(reports_to__in=named) | heads_branch)
        rows = people.values_list("pk", "reports_to_id", "department__head_id", "department_id")
        for pk, chief, head, unit in rows:
            for reason in {pk, chief, head} & named:
                self.excluded.setdefault(reason, {reason}).add(pk)
            if head in named:
                self.branches_out.add(unit)


def problems(draft: CaseDraft, batch: Batch) -> list[str]:
    """Return what is wrong with a draft, in words of the active language; [] when nothing is."""
    return [*_text_problems(draft), *_fact_problems(draft, batch), *_time_problems(draft, batch)]


def build(draft: CaseDraft, batch: Batch, registrar: Person | None) -> Case:
    """Return the unsaved case of a sound draft: without number, department and clocks."""
    kind = batch.term("feedback_type", draft.type)
    channel = batch.term("intake_channel", draft.intake_channel)
    if kind is None or channel is None:
        message = "a draft is judged by problems() before it is built"
        raise ValueError(message)
    customer, received = draft.customer, draft.received_at or batch.at
    repeats = batch.repeats(draft, kind)
    known = batch.contacts.get(customer.pk, {}) if customer else {}
    phone = draft.contact_phone or known.get("phone", "")
    case = Case(
        tracking_code=tracking_code(),
        origin_key=draft.origin_key or None,
        type=kind,
        type_at_receipt=kind,
        intake_channel=channel,
        business_line=batch.term("business_line", draft.business_line),
        business_channel=batch.term("business_channel", draft.business_channel),
        core_issue=draft.core_issue.strip() or _first_line(draft.content),
        severity=_severity(draft, batch, kind, len(repeats)),
        restricted=bool(kind.flags.get("restricted")),
        vulnerable=draft.vulnerable or bool(customer and customer.vulnerable),
        customer=customer,
        tier_at_receipt=draft.tier_at_receipt or (customer.tier if customer else ""),
        rm_id=customer.rm_id if customer else None,
        branch_id=draft.branch.pk if draft.branch else (customer.branch_id if customer else None),
        contact_name=draft.contact_name or (customer.name if customer else ""),
        contact_phone=phone,
        contact_phone_hash=phone_hash(phone) if phone else "",
        contact_tail_hash=tail_hash(phone) if phone else "",
        contact_email=draft.contact_email or known.get("email", ""),
        language=draft.language or (customer.language if customer else "zh-hans"),
        registrar=registrar,
        received_at=received,
        registered_at=batch.at,
        updated_at=batch.at,
        next_due_at=NEVER,
        repeat_count=len(repeats),
        source_facts=dict(draft.source_facts),
        **{name: getattr(draft, name) for name in _AS_THEY_ARE},
    )
    _link(case, draft, repeats)
    if draft.service_notice is not None:
        case.cause_id, case.release = draft.service_notice.cause_id, draft.service_notice.release
    if draft.history is not None:
        _apply_history(case, draft, batch)
    elif channel.flags.get("live"):
        case.acknowledged_at = received
        case.first_response_at = received if draft.substance else None
    return case


def tracking_code() -> str:
    """Return an unguessable code that can be read aloud: `XXXX-XXXX-XXXX-XXXX`, 80 bits."""
    letters = [secrets.choice(_CODE_LETTERS) for _place in range(16)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


_AS_THEY_ARE: Final = (
    "content", "demand", "expected_resolution", "product", "amount", "currency", "loss_amount",
    "emotion", "media_risk", "regulatory_major", "group_size", "received_precision", "occurred_on",
    "promised_reply_at", "referral_number", "referral_body", "referral_on", "external_due_at",
    "external_ref", "imported_timely",
)  # fmt: skip


def _text_problems(draft: CaseDraft) -> Iterator[str]:
    for name, longest in _LONGEST.items():
        text = getattr(draft, name) or ""
        label = _label(name)
        if "\x00" in text:
            yield _("“%(field)s” holds a character that cannot be kept.") % {"field": label}
        if len(text) > longest:
            told = {"field": label, "longest": longest}
            yield _("“%(field)s” is longer than %(longest)s characters.") % told
    if not draft.core_issue.strip() and not draft.content.strip():
        yield _("Write down what the customer said, or the core issue.")


def _fact_problems(draft: CaseDraft, batch: Batch) -> Iterator[str]:
    required = {"type": "feedback_type", "intake_channel": "intake_channel"}
    optional = {"business_line": "business_line", "business_channel": "business_channel"}
    for name, taxonomy in {**required, **optional}.items():
        code = getattr(draft, name)
        if (code or name in required) and batch.term(taxonomy, code) is None:
            told = {"field": _label(name), "code": code or "–"}
            yield _("“%(code)s” is not in the list of “%(field)s”.") % told
    if draft.severity not in Severity.values:
        yield _("The severity must be one of 1 to 4.")
    if draft.emotion is not None and draft.emotion not in range(6):
        yield _("The emotion must be one of 0 to 5.")
    if draft.group_size < 1:
        yield _("At least one person complains.")
    for sum_ in (draft.amount, draft.loss_amount):
        if sum_ is not None and not Decimal(0) <= sum_ < Decimal(10) ** 14:
            yield _("A sum of money must not be negative or beyond any measure.")


def _time_problems(draft: CaseDraft, batch: Batch) -> Iterator[str]:
    received = draft.received_at or batch.at
    moments = (draft.received_at, draft.promised_reply_at, draft.external_due_at)
    if any(moment is not None and moment.year not in YEARS for moment in moments):
        yield _("A time outside the years 1990 to 2099 cannot be kept.")
        return
    if received > batch.at + _AHEAD:
        yield _("The time of receipt lies in the future.")
    if draft.occurred_on and draft.occurred_on > local_day(batch.at):
        yield _("The day on which it happened lies in the future.")
    channel = batch.term("intake_channel", draft.intake_channel)
    live = channel is not None and channel.flags.get("live")
    late = batch.at - received > _BACK and draft.received_precision == Precision.MINUTE
    if draft.history is None and live and late and not draft.backdate_reason.strip():
        yield _("Received more than a day ago: say why it is registered only now.")
    if draft.history is not None:
        yield from _history_problems(draft, received)


def _history_problems(draft: CaseDraft, received: datetime) -> Iterator[str]:
    past = draft.history
    if past is None:
        return
    if past.status not in Status.values or past.status == Status.MERGED:
        yield _("“%(state)s” is not a state a recorded case can have.") % {"state": past.status}
    if past.status == Status.CLOSED and past.closed_at is None:
        yield _("A closed case needs the time of closing.")
    if past.closed_at is not None and past.closed_at < received:
        yield _("The case was closed before it was received.")


def _severity(draft: CaseDraft, batch: Batch, kind: Term, repeats: int) -> int:
    """Return the severity given, raised where the facts demand it (DOMAIN.md §4.5)."""
    if draft.history is not None:
        return draft.severity
    least = severity_of(
        batch.rules,
        loss=draft.loss_amount,
        media=draft.media_risk,
        emotion=draft.emotion,
        repeats=repeats if kind.flags.get("track") == "complaint" else 0,
    )
    return Severity.CRITICAL if draft.regulatory_major else max(draft.severity, least)


def _link(case: Case, draft: CaseDraft, repeats: list[Earlier]) -> None:
    """Point to the case this one repeats; one of the same batch is saved later."""
    last = repeats[-1] if repeats else None
    if draft.repeat_of is not None:
        case.repeat_of_id = draft.repeat_of.pk
    elif last is not None and last.pk is not None:
        case.repeat_of_id = last.pk
    elif last is not None:
        case.repeats_in_batch = last.case  # type: ignore[attr-defined]


def _apply_history(case: Case, draft: CaseDraft, batch: Batch) -> None:
    """Set what is known of the past."""
    past = draft.history
    if past is None:
        return
    case.is_history, case.status = True, Status(past.status)
    for name in ("outcome", "cause", "nature"):
        setattr(case, name, batch.term(name, getattr(past, name)))
    case.handler, case.answer, case.compensation = past.handler, past.answer, past.compensation
    for name in (
        "findings", "basis", "objection_ways",
        "acknowledged_at", "accepted_at", "first_response_at", "resolved_at", "notified_at",
        "closed_at", "withdrawn_at",
    ):  # fmt: skip
        setattr(case, name, getattr(past, name))


def _contacts(drafts: Iterable[CaseDraft]) -> dict[int, dict[str, str]]:
    """Return phone and e-mail of the drafts' customers, preferred ones first."""
    ids = {draft.customer.pk for draft in drafts if draft.customer}
    found: dict[int, dict[str, str]] = {}
    rows = ContactPoint.objects.filter(customer__in=ids) if ids else ContactPoint.objects.none()
    for row in rows.order_by("-preferred", "pk"):
        if row.kind in {ContactKind.MOBILE, ContactKind.PHONE}:
            found.setdefault(row.customer_id, {}).setdefault("phone", row.value)
        elif row.kind == ContactKind.EMAIL:
            found.setdefault(row.customer_id, {}).setdefault("email", row.value)
    return found


def _earlier(
    drafts: Sequence[CaseDraft], at: datetime, days: int
) -> dict[tuple[str, Any], list[Earlier]]:
    """Return earlier cases of the drafts' senders by sender key; one query."""
    keys = {key for draft in drafts for key in _sender_keys(draft)}
    if not keys:
        return {}
    known = [draft.received_at for draft in drafts if draft.received_at]
    since = min((x for x in known if x.year in YEARS), default=at) - timedelta(days=days)
    rows = Case.objects.filter(
        Q(customer__in=[pk for kind, pk in keys if kind == "customer"])
        | Q(contact_phone_hash__in=[text for kind, text in keys if kind == "phone"]),
        received_at__gte=since,
    ).exclude(status=Status.MERGED)
    found: dict[tuple[str, Any], list[Earlier]] = {}
    for case in rows.select_related("type", "business_line", "cause"):
        row = _as_earlier(case)
        for key in (("customer", case.customer_id), ("phone", case.contact_phone_hash)):
            if key in keys:
                found.setdefault(key, []).append(row)
    return found


def _as_earlier(case: Case) -> Earlier:
    track = str(case.type.flags.get("track", ""))
    line, cause = _root(case.business_line), _root(case.cause)
    return Earlier(case.pk, case, case.received_at, track, line, cause)


def _sender_keys(draft: CaseDraft) -> list[tuple[str, Any]]:
    """Return what the sender is recognised by: the customer, the telephone."""
    keys: list[tuple[str, Any]] = []
    if draft.customer is not None:
        keys.append(("customer", draft.customer.pk))
    if draft.contact_phone:
        keys.append(("phone", phone_hash(draft.contact_phone)))
    return keys


def _root(term: Term | None) -> int | None:
    """Return the pk of the first level a term stands below."""
    return None if term is None else (term.parent_id or term.pk)


def _same(one: int | None, other: int | None) -> bool:
    return one is not None and one == other


def _first_line(content: str) -> str:
    """Return the first line of the customer's words, short enough for a list; '' of nothing."""
    line = next(iter(content.strip().splitlines()), "").strip()
    return line if len(line) <= _ISSUE_LENGTH else f"{line[: _ISSUE_LENGTH - 1]}…"


def _label(name: str) -> str:
    """Return the label of a field of Case."""
    if name not in {f.name for f in Case._meta.get_fields()}:
        return name
    return str(getattr(Case._meta.get_field(name), "verbose_name", name))


__all__ = ["Batch", "Earlier", "build", "problems", "tracking_code"]
