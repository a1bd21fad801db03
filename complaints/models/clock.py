"""Clocks, pauses and escalations of cases (DESIGN.md §4, clocks)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.choices import ClockName, ClockState, PauseKind, Status
from complaints.models.case import Case
from complaints.models.rules import ClockLimit
from complaints.querysets import OfCaseQuerySet
from config.kernel.models import RuleSet


class CaseClock(models.Model):
    """One run of one named clock. Reopening or a repeated progress notice is the next round.

    `limit` pins the policy row and so its version; `calendar` pins the calendar version (NULL =
    7x24). `due_at` is what lists read; `due_rev` rises whenever it moves, `base_due_at` is the
    due time before pauses. `paused_seconds` counts in the clock's own calendar. `ceiling_at` is a
    moment the due time never passes (referrals); with `amount` 0 it is the due time itself.
    `next_fire_at` is the next ladder step (NULL when stopped or exhausted). `breached_at` is
    never erased.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="clocks")
    name = models.CharField(max_length=12, choices=ClockName)
    round = models.PositiveSmallIntegerField(default=1)
    limit = models.ForeignKey(ClockLimit, models.PROTECT, null=True, related_name="+")
    calendar = models.ForeignKey(RuleSet, models.PROTECT, null=True, related_name="+")
    unit = models.CharField(max_length=16)
    amount = models.PositiveIntegerField(help_text=_("Minutes, or days for day units."))
    started_at = models.DateTimeField()
    base_due_at = models.DateTimeField()
    due_at = models.DateTimeField()
    due_rev = models.PositiveSmallIntegerField(default=1)
    risk_at = models.DateTimeField()
    provisional = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ClockState, default=ClockState.RUNNING)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_seconds = models.PositiveBigIntegerField(default=0)
    extension_days = models.PositiveSmallIntegerField(default=0)
    ceiling_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    breached_at = models.DateTimeField(null=True, blank=True)
    next_level = models.PositiveSmallIntegerField(default=1)
    next_fire_at = models.DateTimeField(null=True, blank=True)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("clock")
        verbose_name_plural = _("clocks")
        constraints = [
            models.UniqueConstraint(fields=["case", "name", "round"], name="clock_once_per_round"),
            models.CheckConstraint(
                condition=Q(state__in=[ClockState.RUNNING, ClockState.PAUSED])
                ^ Q(stopped_at__isnull=False),
                name="clock_stopped_at_iff_stopped",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_fire_at", "id"],
                name="clock_due",
                condition=Q(next_fire_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.name} {self.round}"


class CasePause(models.Model):
    """A stretch in which clocks stand still; ends by a verb or by itself at `expected_end_at`."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="pauses")
    kind = models.CharField(max_length=20, choices=PauseKind, default=PauseKind.INTERNAL)
    status = models.CharField(max_length=20, choices=Status, blank=True)
    started_at = models.DateTimeField()
    expected_end_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    by_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind"],
                condition=Q(ended_at__isnull=True),
                name="pause_one_running",
            )
        ]
        indexes = [
            models.Index(
                fields=["expected_end_at"],
                name="pause_due",
                condition=Q(ended_at__isnull=True, expected_end_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind}"


class Escalation(models.Model):
    """One ladder step that fired; unique, so each level happens once per due time."""

    clock = models.ForeignKey(CaseClock, models.PROTECT, related_name="escalations")
    due_rev = models.PositiveSmallIntegerField()
    level = models.PositiveSmallIntegerField()
    # xgettext:no-python-format  # noqa: ERA001 - a hint for gettext
    step = models.CharField(max_length=20, help_text=_("e.g. 80% or -1d"))
    planned_at = models.DateTimeField()
    fired_at = models.DateTimeField()
    audience = models.JSONField(default=list, blank=True)
    sent = models.BooleanField(default=False, help_text=_("False: passed while we were down."))

    class Meta:
        verbose_name = _("escalation")
        verbose_name_plural = _("escalations")
        constraints = [
            models.UniqueConstraint(
                fields=["clock", "due_rev", "level"], name="escalation_once_per_level"
            )
        ]
        indexes = [models.Index(fields=["fired_at", "id"], name="escalation_by_time")]

    def __str__(self) -> str:
        return f"{self.clock_id} {self.step}"
