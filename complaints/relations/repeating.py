"""Noting that a case repeats an earlier one; the third complaint on one matter is grave."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.case_rules import rules_at, severity_of
from complaints.models import Case
from complaints.relations import looks
from complaints.relations.frame import RelationRefused, held
from complaints.workflow.classing import raise_severity
from complaints.workflow.payloads import Grading
from config.kernel import journal
from config.shared.actors import SYSTEM, Actor

NOTED: Final = "case.repeat_noted"


def note_repeat(
    cases: QuerySet[Case], earlier_pk: int, *, actor: Actor, at: datetime
) -> list[Case]:
    """Note that these cases repeat an earlier one: counted, linked, shown; the third is grave.

    RelationRefused for the case itself, another sender, or one that came later.
    """
    with held(cases, actor=actor, at=at) as rows:
        first = Case.objects.select_related("type").get(pk=earlier_pk)
        for case in rows:
            _refuse_repeat(case, first)
            case.repeat_of = first
            case.repeat_count = max(case.repeat_count, first.repeat_count + 1)
        facts = [
            journal.Fact(case, NOTED, {"number": first.number, "count": case.repeat_count})
            for case in rows
        ]
        saved = ["repeat_of", "repeat_count", "updated_at"]
        journal.append(facts, actor=actor, at=at, save=saved)
        _grade(rows, at)
    return rows


def recount(cases: Sequence[Case], at: datetime) -> None:
    """Set count and predecessor of held cases from all cases there are; the caller saves them."""
    for case in cases:
        found = looks.earlier(case, Case.objects.all(), at)
        case.repeat_count = len(found)
        case.repeat_of = found[0] if found else None


def _grade(cases: Sequence[Case], at: datetime) -> None:
    """Raise the severity of a third complaint on one matter to high (DOMAIN.md §4.5)."""
    rules = rules_at(at)
    due = []
    for case in cases:
        repeats = case.repeat_count if looks.track(case) == "complaint" else 0
        least = severity_of(rules, loss=None, media=False, emotion=None, repeats=repeats)
        if case.is_open and case.severity < least:
            due.append((case.pk, least))
    for pk, least in due:
        reason = _("Third complaint on one matter in %(days)s days.") % {"days": rules.repeat_days}
        rows = Case.objects.filter(pk=pk)
        raise_severity(rows, Grading(least, reason), actor=SYSTEM, at=at)


def _refuse_repeat(case: Case, first: Case) -> None:
    if first.pk == case.pk or first.received_at > case.received_at:
        text = gettext_lazy("A case repeats an earlier one, never itself or a later one.")
        raise RelationRefused("order", text)
    same = (case.customer_id and case.customer_id == first.customer_id) or (
        case.contact_phone_hash and case.contact_phone_hash == first.contact_phone_hash
    )
    if not same:
        text = gettext_lazy("These cases are not of the same customer.")
        raise RelationRefused("sender", text)
