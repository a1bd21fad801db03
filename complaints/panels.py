"""What the complaints room shows on the page of a customer: their cases, within scope."""

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count, Max, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from complaints.choices import OPEN
from complaints.lists import rows_of, shown_rows
from config.shared.panels import Figure, Panel, Shown
from config.shared.scope import Scope
from customers.models import Customer

SHOWN: Final = 20
_WINDOW: Final = timedelta(days=90)


def customer_cases(customer: Customer, scope: Scope, at: datetime) -> Shown | None:
    """Return the customer's cases that this reader may see, newest first; three queries."""
    if not scope.may("cases"):
        return None
    rows = shown_rows(scope).filter(customer=customer)
    found: dict[str, Any] = rows.order_by().aggregate(
        total=Count("pk"),
        open=Count("pk", filter=Q(status__in=OPEN)),
        recent=Count(
            "pk",
            filter=Q(type__flags__track="complaint", received_at__gte=at - _WINDOW),
        ),
        last=Max("received_at"),
    )
    cases = list(rows.order_by("-received_at", "-pk")[:SHOWN])
    more = f"{reverse('cases')}?{urlencode({'customer': customer.number})}"
    return Shown(
        figures=(
            Figure(str(found["open"]), _("open cases")),
            Figure(str(found["recent"]), _("complaints in 90 days")),
            Figure(str(found["total"]), _("cases in all")),
        ),
        context={
            "rows": rows_of(cases, scope, at),
            "total": found["total"],
            "more": more if found["total"] > SHOWN else "",
            "last": found["last"],
        },
    )


def panels() -> tuple[Panel, ...]:
    """Return the panels of this room, for the registry."""
    return (Panel("cases", "customer", "customers/_panel_cases.html", customer_cases, order=10),)


__all__ = ["customer_cases", "panels"]
