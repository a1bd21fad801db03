"""Metrics of the case register (DOMAIN.md §2.2): volume, timely, legal limit, upheld, feedback."""

from statistics import median
from typing import Any, Final

from django.db.models import F, Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from complaints.choices import ClockName, ClockState, Status
from complaints.models import Case, CaseClock, PromisedReply
from complaints.querysets import CaseQuerySet
from config.shared.metrics import Beside, Metric, Period
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


def feedback_due(period: Period, scope: Scope) -> QuerySet[Any]:
    """K37, all: progress notices and promised replies whose time falls in the period.

    A row per notice or promise: `case`, `due_at`, `what`. Not owed were a promise that was taken
    back in time, a notice whose clock ended or stands still before its time, and one that the
    result itself overtook.
    """
    clocks, promised = _feedback(period, scope)
    return _together(clocks, promised)


def feedback_in_time(period: Period, scope: Scope) -> QuerySet[Any]:
    """K37, good: the customer was reached by the time that was owed or promised."""
    clocks, promised = _feedback(period, scope)
    return _together(clocks.filter(state=ClockState.MET), promised.filter(kept=True))


def feedback_missed(period: Period, scope: Scope) -> CaseQuerySet:
    """K37, drill: the cases whose customers waited longer than that, or wait still."""
    clocks, promised = _feedback(period, scope)
    late = Q(pk__in=clocks.exclude(state=ClockState.MET).values("case"))
    late |= Q(pk__in=promised.filter(Q(kept=False) | Q(kept__isnull=True)).values("case"))
    return Case.objects.visible_to(scope).filter(late)


def hours_to_tell(period: Period, scope: Scope) -> float | None:
    """K37, beside: the median hours from decision to telling of cases told in the period."""
    rows = Case.objects.visible_to(scope).exclude(status__in=_ASIDE)
    told = rows.filter(notified_at__gte=period.start, notified_at__lt=period.end)
    spans = [
        (told_at - decided_at).total_seconds() / 3600
        for told_at, decided_at in told.values_list("notified_at", "resolved_at")
        if told_at and decided_at
    ]
    return median(spans) if spans else None


def _feedback(period: Period, scope: Scope) -> tuple[QuerySet[CaseClock], QuerySet[PromisedReply]]:
    """Return the progress clocks and the promises whose time falls in the period."""
    cases = Case.objects.visible_to(scope).exclude(status__in=_ASIDE)
    inside = {"case__in": cases, "due_at__gte": period.start, "due_at__lt": period.end}
    clocks = CaseClock.objects.filter(name=ClockName.PROGRESS, **inside)
    unowed = Q(state__in=[ClockState.CANCELLED, ClockState.PAUSED], breached_at__isnull=True)
    overtaken = Q(state=ClockState.MET, stopped_at=F("case__notified_at"))
    overtaken &= Q(case__notified_at__isnull=False)
    promised = PromisedReply.objects.filter(**inside)
    taken_back = Q(ended_at__isnull=False, kept__isnull=True)
    return clocks.exclude(unowed).exclude(overtaken), promised.exclude(taken_back)


def _together(clocks: QuerySet[CaseClock], promised: QuerySet[PromisedReply]) -> QuerySet[Any]:
    """Return both as rows of one shape; two of one case at one moment stay two."""
    one = clocks.order_by().values("case", "due_at", what=Value("progress"))
    two = promised.order_by().values("case", "due_at", what=Value("promise"))
    return one.union(two, all=True)


METRICS: Final = (
    Metric("K01", _("Feedback collected"), "items", "S1-14", received, target=200),
    Metric("K02", _("Timely handling rate"), "%", "S1-8, S1-15", told_in_time, due, target=90),
    Metric("K23", _("Upheld rate"), "%", "§2.2", upheld, decided),
    Metric(
        "K28", _("Regulatory on-time rate"), "%", "§3.1", regulatory_met, regulatory_due, target=100
    ),
    Metric(
        "K37",
        _("Feedback timeliness"),
        "%",
        "S4-24, S3-36",
        feedback_in_time,
        feedback_due,
        drill=feedback_missed,
        beside=Beside(_("median time to tell"), "h", hours_to_tell),
    ),
)
