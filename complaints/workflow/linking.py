"""A matter that comes back too late to be reopened: a new case, linked to the old one."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from complaints import intake
from complaints.drafts import CaseDraft
from complaints.models import Case
from complaints.workflow.outcomes import Outcome, Refusal
from complaints.workflow.payloads import Reason
from complaints.workflow.work import Work
from config.shared.actors import Actor
from staff.models import Person


def follow_up(
    cases: QuerySet[Case],
    what: Reason,
    *,
    actor: Actor,
    at: datetime,
    expected: Mapping[int, int] | None = None,
) -> list[Outcome]:
    """Register a new case for each of these and link it (`repeat_of`); both records say so.

    The outcome's case is the old one; its newest repeat is the new case.
    """
    work = Work("follow_up", actor=actor, at=at)
    with work.on(cases, expected) as ready:
        wanted = []
        for case in ready:
            if what.reason.strip():
                wanted.append(case)
            else:
                work.refuse(case, Refusal.GUARD, _("Give the reason."))
        registrar = Person.objects.filter(pk=actor.id or 0).first()
        drafts = [_draft(case, what.reason, at) for case in wanted]
        opened = intake.open_cases(drafts, actor=actor, at=at, registrar=registrar)
        for case, result in zip(wanted, opened, strict=True):
            if result.case is None:
                work.refuse(case, Refusal.GUARD, result.refused)
            else:
                work.record(case, "case.follow_up", {"number": result.case.number})
    return work.outcomes


def _draft(case: Case, reason: str, at: datetime) -> CaseDraft:
    """Return a draft with what stays true; the customer's new words are the reason."""
    return CaseDraft(
        type=case.type,
        intake_channel=case.intake_channel,
        core_issue=case.core_issue,
        content=reason,
        demand=case.demand,
        business_line=case.business_line,
        product=case.product,
        branch=case.branch,
        customer=case.customer,
        contact_name=case.contact_name,
        contact_phone=case.contact_phone,
        contact_email=case.contact_email,
        language=case.language,
        severity=case.severity,
        received_at=at,
        repeat_of=case,
        origin_key=f"follow-up:{case.number}:{case.event_seq}",
    )
