"""Budgets of remedies: set, and shown to whom they concern; opening the proof of a payment."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.http import HttpResponseBase

from complaints import revealing
from complaints.models import Case, CaseRemedy, RemedyBudget
from complaints.remedies.listing import AREA
from config.kernel import files, journal
from config.shared.actors import Actor
from config.shared.scope import Reach, Scope
from staff.models import Department


def set_budget(
    year: int, department: Department | None, amount: Decimal, *, actor: Actor, at: datetime
) -> RemedyBudget:
    """Set what may be paid in a year by a unit (None = by the bank); journalled."""
    with transaction.atomic():
        known = RemedyBudget.objects.select_for_update().filter(year=year, department=department)
        row = known.first() or RemedyBudget(year=year, department=department)
        before, row.amount = (str(row.amount) if row.pk else None), amount
        row.save()
        facts = {
            "year": year,
            "department": department.code if department else None,
            "amount": str(amount),
            "amount_before": before,
        }
        journal.note("budgets", "budget.set", facts, actor=actor, at=at)
    return row


def units(scope: Scope) -> list[int] | None:
    """Return the units whose budgets this person may see; None = all, [] = the bank's alone."""
    reach = scope.to(AREA)
    if Reach.ALL in reach:
        return None
    return sorted(scope.departments) if Reach.DEPARTMENT in reach else []


def proof_of(case: Case, remedy: CaseRemedy, *, actor: Actor, at: datetime) -> HttpResponseBase:
    """Return the answer that sends the proof of a remedy; the look is journalled."""
    if remedy.proof is None:
        message = "a remedy without a proof has nothing to send"
        raise ValueError(message)
    rows = Case.objects.filter(pk=case.pk)
    revealing.opened_file(rows, str(remedy.proof.token), actor=actor, at=at)
    return files.response(remedy.proof)


__all__ = ["proof_of", "set_budget", "units"]
