"""Everything about one customer: facts, contact points, tiers, changes, and panels of the rooms."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config.kernel import journal
from config.kernel.actions import Action, describe
from config.shared.masking import mask_id_number, mask_name
from config.shared.panels import Figure, Panel, Shown
from config.shared.registry import contributed
from config.shared.scope import Scope
from config.shared.words import actor_words
from customers.forms import masked
from customers.lookup import hit_of
from customers.models import Customer
from staff.http import StaffRequest

_CHANGES: Final = 30
_ACTS: Final = {"tiers": "tier", "rm": "rm", "edit": "contacts", "reveal": "reveal"}


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the record of a customer; `text` the words given, "" for none or erased."""

    at: datetime
    sentence: str
    icon: str
    who: str
    text: str


def row_for_page(scope: Scope, number: str, act: str = "view") -> Customer:
    """Return one customer with what the page and its dialogs show, or refuse."""
    return (
        Customer.objects.select_related("rm", "branch")
        .prefetch_related("contacts")
        .fetch(scope, act, number=number)
    )


@require_safe
def customer(request: StaffRequest, number: str) -> HttpResponse:
    """Show one customer, cut to what the reader may see."""
    scope, at = request.scope, timezone.now()
    row = row_for_page(scope, number)
    parts = _panels(row, scope, at)
    figures = [figure for _panel, shown in parts for figure in shown.figures]
    context: dict[str, Any] = {
        "customer": row,
        "hit": hit_of(row, scope),
        "name": row.name if scope.may("customers", "identity") else mask_name(row.name),
        "identity": mask_id_number(row.id_number),
        "figures": [*figures, *_figures(row)],
        "panels": [(panel.template, shown.context) for panel, shown in parts],
        "contacts": [(point, masked(point)) for point in row.contacts.all()],
        "tiers": list(row.tier_changes.order_by("-on", "-id")[:10]),
        "changes": _changes(row),
        "may": _may(row, scope),
        "may_open_case": scope.may("cases", "register"),
    }
    return render(request, "customers/card.html", context)


def _panels(row: Customer, scope: Scope, at: datetime) -> list[tuple[Panel, Shown]]:
    """Read what the rooms show about this customer."""
    wanted = [panel for panel in contributed(Panel).values() if panel.page == "customer"]
    read = [(panel, panel.read(row, scope, at)) for panel in sorted(wanted, key=lambda p: p.order)]
    return [(panel, shown) for panel, shown in read if shown is not None]


def _figures(row: Customer) -> list[Figure]:
    """Return the facts this room knows."""
    since = f"{row.joined_on:%Y}" if row.joined_on else "–"
    return [
        Figure(row.rm.label if row.rm else "–", _("relationship manager")),
        Figure(row.branch.label if row.branch else "–", _("branch")),
        Figure(since, _("customer since")),
    ]


def _changes(row: Customer) -> list[Change]:
    """Return the newest lines of the record; two queries."""
    entries = list(journal.entries(row.stream).order_by("-seq")[:_CHANGES])
    words = journal.words_of(entries)
    actions = contributed(Action)
    return [
        Change(
            at=entry.at,
            sentence=describe(entry),
            icon=actions[entry.action].icon if entry.action in actions else "dot",
            who=actor_words(entry.actor_label),
            text=words.get(entry.pk, {}).get("reason") or "",
        )
        for entry in entries
    ]


def _may(row: Customer, scope: Scope) -> dict[str, bool]:
    """Tell which acts this reader reaches on this customer; one query at most."""
    wanted = [act for act in _ACTS if scope.may("customers", act)]
    return {
        _ACTS[act]: Customer.objects.visible_to(scope, act).filter(pk=row.pk).exists()
        for act in wanted
    }
