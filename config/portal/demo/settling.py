"""Remedies of the demo year: budgets; promises are kept with a receipt, and some are late."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.core.files.base import ContentFile
from django.db.models import QuerySet

from complaints.choices import RemedyState
from complaints.models import CaseRemedy
from complaints.remedies import budgets, ledger
from config.portal.demo.stage import Stage, local
from config.shared.actors import Actor
from staff.models import Person
from staff.models.accounts import Role

_FRESH: Final = timedelta(days=6)  # promised later than this: still to do
_LEFT: Final = 9  # every so many-th of the old ones was forgotten and is late
_RECEIPT: Final = b"%PDF-1.4\n%made-up receipt of the demonstration\n%%EOF\n"
_BUDGET: Final = Decimal(400_000)
_UNITS: Final = (("CARD", Decimal(120_000)), ("RETAIL", Decimal(60_000)))


def settle_remedies(stage: Stage) -> int:
    """Set this year's budgets and let owners finish what they promised; returns how many."""
    boss = stage.actor(stage.roles[Role.SUPERVISOR][0])
    year = local(stage.at).year
    budgets.set_budget(year, None, _BUDGET, actor=boss, at=stage.at)
    for code, amount in _UNITS:
        if code in stage.units:
            budgets.set_budget(year, stage.units[code], amount, actor=boss, at=stage.at)
    rows = CaseRemedy.objects.filter(state=RemedyState.PROMISED, at__lt=stage.at - _FRESH)
    rows = rows.exclude(case__isnull=True).select_related("term", "owner").order_by("at", "pk")
    done = 0
    plain: dict[tuple[int, datetime], list[int]] = {}
    for place, row in enumerate(rows):
        if place % _LEFT == 0 and row.at > stage.at - timedelta(days=30):
            continue
        at = min(stage.at, row.at + timedelta(days=1 + place % 5, hours=2))
        if row.term.flags.get("money"):
            done += _pay(row, stage, at)
        elif row.owner_id is not None:
            plain.setdefault((row.owner_id, at), []).append(row.pk)
    people = Person.objects.in_bulk({owner for owner, _at in plain})
    for (owner, at), pks in plain.items():
        done += _finish(CaseRemedy.objects.filter(pk__in=pks), stage.actor(people[owner]), at)
    return done


def _pay(row: CaseRemedy, stage: Stage, at: datetime) -> int:
    """Complete one paying remedy with its receipt."""
    receipt = ContentFile(_RECEIPT, name=f"receipt-{row.pk}.pdf")
    found = CaseRemedy.objects.filter(pk=row.pk)
    return _finish(found, stage.actor(row.owner), at, receipt)


def _finish(
    rows: QuerySet[CaseRemedy],
    actor: Actor,
    at: datetime,
    proof: "ContentFile[bytes] | None" = None,
) -> int:
    """Complete remedies; what the verb refuses (a withdrawn case) stays promised."""
    try:
        return len(ledger.complete(rows, "已办理并核对。", proof=proof, actor=actor, at=at))
    except ledger.RemedyRefused:
        return 0


__all__ = ["settle_remedies"]
