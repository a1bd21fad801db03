"""The service record of a case on one page (DOMAIN.md §4.15): every field, in the form's order.

`record` gives sections of label and value, words as the reader may read them. Name and contact
are masked whatever the reader's rights: a sheet of paper leaves the house.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from complaints import identity, mentions, timeline
from complaints.choices import Responsibility
from complaints.forms import COMPENSATION_KINDS
from complaints.hiding import hider
from complaints.models import Case, IdentityCheck
from config.kernel import journal, terms
from config.kernel.models import Approval
from config.shared.actors import Actor
from config.shared.claim import hold
from config.shared.masking import mask_email, mask_name, mask_phone
from config.shared.scope import Scope
from config.shared.words import actor_words, day_words, listed, moment_words, noted, sentences

_NOT_STEPS: Final = frozenset(
    {"case.note", "case.file_opened", "case.revealed", "case.printed", "case.watch_added",
     "case.watch_removed", "case.recusal_named", "case.recusal_lifted"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One field of the form; `value` a dash where nothing is recorded."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """One block of the form."""

    title: str
    rows: list[Row] = field(default_factory=list)
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the handling: when, who, what."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Record:
    """The whole form. `entries` and `digest`: length and last hash of the case's record."""

    case: Case
    sections: list[Section]
    steps: list[Step]
    files: list[Row]
    entries: int
    digest: str
    at: datetime


Hide = Callable[[str], str]


def record(case: Case, scope: Scope, at: datetime) -> Record:
    """Return the form of a case loaded by `case_page.rows_for_page()`; about twelve queries."""
    hide = hider(case, scope)
    sections = [
        _how_it_came(case),
        _who(case, at),
        _what(case, hide),
        _words(case, hide),
        _finding(case),
        _decision(case, hide),
        _told(case),
        _after(case),
    ]
    return Record(
        case, sections, _steps(case, scope), _files(case, hide), case.event_seq, case.head_hash, at
    )


def printed(cases: QuerySet[Case], *, actor: Actor, at: datetime) -> None:
    """Record that somebody printed the record of these cases."""
    with hold(cases) as held:
        facts = [journal.Fact(case, "case.printed") for case in held.rows]
        journal.append(facts, actor=actor, at=at)


def _rows(pairs: Iterable[tuple[str, Any]]) -> list[Row]:
    return [Row(str(label), _shown(value)) for label, value in pairs]


def _shown(value: Any) -> str:
    """Return a value in words; a dash for none."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime):
        return moment_words(value)
    return str(value)


def _how_it_came(case: Case) -> Section:
    due = case.external_due_at
    pairs = [
        (_("Case number"), case.number),
        (_("Intake channel"), case.intake_channel),
        (_("Business channel"), case.business_channel),
        (_("Referral number"), case.referral_number),
        (_("Referring body"), case.referral_body),
        (_("Referral deadline"), due),
        (_("Received"), case.received_at),
        (pgettext("time", "Registered"), case.registered_at),
        (_("Receipt acknowledged"), case.acknowledged_at),
        (_("Accepted"), case.accepted_at),
        (_("Customer told"), case.notified_at),
        (_("Status"), case.get_status_display()),
    ]
    return Section(_("How it came"), _rows(pairs))


def _who(case: Case, at: datetime) -> Section:
    customer = case.customer
    name = case.contact_name or (customer.name if customer else "")
    last = case.identity_checks.order_by("-at", "-id").first()
    named = case.exclusions.filter(reason="named").count()
    pairs = [
        (_("Customer number"), customer.number if customer else ""),
        (pgettext("of a person", "Name"), mask_name(name)),
        (_("Tier"), customer.get_tier_display() if customer else ""),
        (_("Phone"), mask_phone(case.contact_phone)),
        (_("E-mail"), mask_email(case.contact_email)),
        (_("Identity check"), _identity(last, identity.standing(case, at).failed)),
        (_("Branch"), case.branch.label if case.branch else ""),
        (_("Staff concerned"), _("%(count)s named") % {"count": named} if named else ""),
        (_("Department"), case.department.label),
        (_("Complaint officer"), case.officer.label if case.officer else ""),
        (_("Handler"), case.handler.label if case.handler else ""),
    ]
    return Section(_("Who"), _rows(pairs))


def _identity(check: IdentityCheck | None, failed: int) -> str:
    """Return method, result and time of the newest check; the result alone for an override."""
    if check is None:
        return ""
    method = check.get_method_display() if check.method else ""
    parts = [part for part in (method, check.get_result_display(), moment_words(check.at)) if part]
    if failed:
        parts.append(_("failed checks: %(count)s") % {"count": failed})
    return " · ".join(str(part) for part in parts)


def _what(case: Case, hide: Hide) -> Section:
    feelings = {term.code: term.label for term in terms.of("emotion", active_only=False)}
    emotion = [
        feelings.get(str(x), str(x)) for x in (case.emotion, case.emotion_now) if x is not None
    ]
    money = case.amount
    pairs = [
        (_("Type"), case.type),
        (_("Business line"), terms.path(case.business_line) if case.business_line else ""),
        (_("Product"), hide(case.product)),
        (_("Severity"), case.get_severity_display()),
        (_("Emotion"), " → ".join(emotion)),
        (_("Amount in dispute"), f"{case.currency} {money:,.2f}" if money else ""),
        (_("Loss"), f"{case.currency} {case.loss_amount:,.2f}" if case.loss_amount else ""),
        (_("People complaining jointly"), case.group_size if case.group_size > 1 else ""),
        (_("Media risk"), case.media_risk),
        (_("Earlier in 90 days"), case.repeat_count or ""),
    ]
    return Section(_("What it is about"), _rows(pairs))


def _words(case: Case, hide: Hide) -> Section:
    pairs = [
        (_("Core issue"), hide(case.core_issue)),
        (_("In the customer's words"), hide(case.content)),
        (_("Demand"), hide(case.demand)),
        (_("Wished-for outcome"), hide(case.expected_resolution)),
    ]
    return Section(_("Words of the customer"), _rows(pairs), wide=True)


def _finding(case: Case) -> Section:
    found = [
        noted(row.department.label, Responsibility(row.finding).label)
        for row in case.responsibilities.all()
    ]
    pairs = [
        (_("Nature"), case.nature),
        (_("Root cause"), terms.path(case.cause) if case.cause else ""),
        (_("Responsibility"), listed(found)),
        (_("Harm contained"), case.contained_at),
    ]
    return Section(_("Cause and responsibility"), _rows(pairs))


def _decision(case: Case, hide: Hide) -> Section:
    remedies = [
        sentences([f"{row.term} {row.amount:,.2f}" if row.amount else str(row.term)])
        for row in case.remedies.select_related("term").order_by("pk")
    ]
    kinds = {code: str(label) for code, label in COMPENSATION_KINDS}
    paid = case.compensation
    money = f"{case.currency} {paid:,.2f}" if paid is not None else ""
    if money and case.compensation_kind in kinds:
        money = noted(money, kinds[case.compensation_kind])
    pairs = [
        (_("What was verified"), hide(case.findings)),
        (_("Basis and reasons"), hide(case.basis)),
        (_("Decision"), case.outcome),
        (_("Decided"), case.resolved_at),
        (_("Answer to the customer"), hide(case.answer)),
        (_("Remedies"), listed(remedies)),
        (_("Compensation"), money),
        (_("Approved by"), _approvers(case)),
        (_("Ways to object"), hide(case.objection_ways)),
    ]  # fmt: skip
    return Section(_("Decision"), _rows(pairs), wide=True)


def _approvers(case: Case) -> str:
    """Return who approved requests about the case, and when."""
    rows = Approval.objects.filter(about=case.about, state="approved").order_by("decided_at")
    return listed(
        noted(actor_words(row.decided_by_label), moment_words(row.decided_at))
        for row in rows
        if row.decided_at
    )


def _told(case: Case) -> Section:
    pairs = []
    for row in case.notices.select_related("proof").order_by("at", "pk"):
        parts = [row.get_method_display(), row.get_result_display(), moment_words(row.at)]
        if row.proof_id:
            parts.append(_("proof of posting kept"))
        pairs.append((str(row.get_purpose_display()), " · ".join(str(part) for part in parts)))
    return Section(_("How the customer was told"), _rows(pairs))


def _after(case: Case) -> Section:
    pairs = [
        (_("Confirmed by the customer"), case.confirmed_at),
        (_("Silence ends"), case.silence_ends_at),
        (_("Closed"), case.closed_at),
        (_("Promised reply"), case.promised_reply_at),
        (_("Reopened"), case.reopened_at),
        (_("Keep until"), day_words(case.retain_until) if case.retain_until else ""),
    ]
    return Section(_("Afterwards"), _rows(pairs))


def _steps(case: Case, scope: Scope) -> list[Step]:
    """Return the steps with time and person; clocks and looks are no steps of the handling."""
    items = timeline.timeline(case, scope)
    return [
        Step(item.at, item.who, item.sentence)
        for item in items
        if item.action not in _NOT_STEPS and not item.action.startswith("clock")
    ]


def _files(case: Case, hide: Hide) -> list[Row]:
    rows = case.attachments.select_related("file").filter(file__erased_at__isnull=True)
    return [Row(hide(row.file.name), row.file.sha256) for row in rows.order_by("pk")]


def readable(texts: Sequence[str]) -> Callable[[str], str]:
    """Return what puts names in place of the codes of mentions in these texts; one query."""
    people = mentions.people_of(texts)
    return lambda text: mentions.plain(text, people)


__all__ = ["Record", "Row", "Section", "Step", "printed", "readable", "record"]
