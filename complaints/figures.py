"""Metrics of the case register (DOMAIN.md §2.2): volume, timely handling, legal limit, upheld."""

from typing import Final

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from complaints.choices import Status
from complaints.models import Case
from complaints.querysets import CaseQuerySet
from config.shared.metrics import Metric, Period
from config.shared.scope import Scope

_ASIDE: Final = (Status.MERGED, Status.NOT_ACCEPTED, Status.TRANSFERRED)


def received(period: Period, scope: Scope) -> CaseQuerySet:
    """K01: cases of all types received in the period; a merged one counts with its survivor."""
    rows = Case.objects.visible_to(scope).exclude(status=Status.MERGED)
    return rows.filter(received_at__gte=period.start, received_at__lt=period.end)


def due(period: Period, scope: Scope) -> CaseQuerySet:
    """K02, all: the limit falls in the period, each case once, however late it ends."""
    rows = Case.objects.visible_to(scope).exclude(status__in=_ASIDE)
    rows = rows.exclude(withdrawn_at__lt=F("resolve_due_at"))
    return rows.filter(resolve_due_at__gte=period.start, resolve_due_at__lt=period.end)


def told_in_time(period: Period, scope: Scope) -> CaseQuerySet:
    """K02, good: the customer was told by the limit (told, not merely decided)."""
    return due(period, scope).filter(notified_at__lte=F("resolve_due_at"))


def regulatory_due(period: Period, scope: Scope) -> CaseQuerySet:
    """K28, all: complaints whose legal limit, with approved extensions, falls in the period."""
    rows = Case.objects.visible_to(scope).exclude(status__in=_ASIDE)
    rows = rows.exclude(withdrawn_at__lt=F("regulatory_due_at"))
    return rows.filter(regulatory_due_at__gte=period.start, regulatory_due_at__lt=period.end)


def regulatory_met(period: Period, scope: Scope) -> CaseQuerySet:
    """K28, good: decided and told within the legal limit."""
    return regulatory_due(period, scope).filter(notified_at__lte=F("regulatory_due_at"))


def decided(period: Period, scope: Scope) -> CaseQuerySet:
    """K23, all: complaints decided in the period, by an outcome that says upheld or not."""
    rows = Case.objects.visible_to(scope).filter(type__flags__track="complaint")
    rows = rows.filter(Q(outcome__flags__upheld=True) | Q(outcome__flags__upheld=False))
    return rows.filter(resolved_at__gte=period.start, resolved_at__lt=period.end)


def upheld(period: Period, scope: Scope) -> CaseQuerySet:
    """K23, counted: upheld or partly upheld."""
    return decided(period, scope).filter(outcome__flags__upheld=True)


METRICS: Final = (
    Metric("K01", _("Feedback collected"), "items", "S1-14", received, target=200),
    Metric("K02", _("Timely handling rate"), "%", "S1-8, S1-15", told_in_time, due, target=90),
    Metric("K23", _("Upheld rate"), "%", "§2.2", upheld, decided),
    Metric(
        "K28", _("Regulatory on-time rate"), "%", "§3.1", regulatory_met, regulatory_due, target=100
    ),
)
