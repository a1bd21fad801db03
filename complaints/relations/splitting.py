"""Splitting: a part of what came in becomes a case of its own, linked to the rest.

A petition may hold a consumer complaint, or a report against a person (§4.6): the report becomes
a restricted case. The record of the first case then says only that a part was split off.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints import intake
from complaints.choices import OPEN, LinkKind
from complaints.drafts import CaseDraft, Opened
from complaints.models import Case
from complaints.relations import linking
from complaints.relations.frame import RelationRefused, held, needed
from config.kernel import journal
from config.shared.actors import Actor
from staff.models import Person

SPLIT: Final = "case.split_off"
SPLIT_CLOSED: Final = "case.split_off_restricted"
CAME: Final = "case.split_from"


@dataclass(frozen=True, slots=True)
class Part:
    """What becomes a case of its own: its type (code), words and business line; times as now.

    `token` keeps a double click from making two; `named_ids` are pks of staff it is about.
    """

    type: str
    core_issue: str
    content: str
    token: str
    demand: str = ""
    business_line: str = ""
    severity: int = 1
    named_ids: tuple[int, ...] = ()


def split(
    cases: QuerySet[Case],
    part: Part,
    reason: str,
    *,
    actor: Actor,
    at: datetime,
    registrar: Person | None,
) -> Opened:
    """Open a linked case for a part of the one open case in `cases`; its clocks start with it.

    The sender, the channel, the time of receipt and the referral with its deadline are those of
    the first case. A refused part writes nothing. RelationRefused without a reason or words.
    """
    why = needed(reason)
    if not part.content.strip():
        raise RelationRefused("part", _("Write down the part that becomes a case of its own."))
    with transaction.atomic(), held(cases, actor=actor, at=at, states=OPEN) as rows:
        if not rows:
            raise RelationRefused("gone", _("There is no such case."))
        first = rows[0]
        draft = _draft(first, part)
        [opened] = intake.open_cases([draft], actor=actor, at=at, registrar=registrar)
        if opened.case is None or opened.duplicate:
            return opened
        new = Case.objects.get(pk=opened.case.pk)
        linking.join([(first, new)], LinkKind.SPLIT, actor=actor, at=at)
        journal.append(_facts(first, new, why), actor=actor, at=at)
    return opened


def _facts(first: Case, new: Case, reason: str) -> list[journal.Fact]:
    """Return the entries of both records; of a restricted part neither number nor reason."""
    hidden = new.restricted and not first.restricted
    away = (
        journal.Fact(first, SPLIT_CLOSED)
        if hidden
        else journal.Fact(first, SPLIT, {"number": new.number}, {"reason": reason})
    )
    return [away, journal.Fact(new, CAME, {"number": first.number}, {"reason": reason})]


def _draft(first: Case, part: Part) -> CaseDraft:
    return CaseDraft(
        type=part.type,
        intake_channel=first.intake_channel,
        business_line=part.business_line or None,
        core_issue=part.core_issue,
        content=part.content,
        demand=part.demand,
        branch=first.branch,
        customer=first.customer,
        contact_name=first.contact_name,
        contact_phone=first.contact_phone,
        contact_email=first.contact_email,
        language=first.language,
        tier_at_receipt=first.tier_at_receipt,
        severity=part.severity,
        received_at=first.received_at,
        received_precision=first.received_precision,
        backdate_reason=str(_("Split off from %(number)s") % {"number": first.number}),
        referral_number=first.referral_number,
        referral_body=first.referral_body,
        referral_on=first.referral_on,
        external_due_at=first.external_due_at,
        named_ids=part.named_ids,
        origin_key=f"split:{first.number}:{part.token}",
    )
