"""Child rows of a calendar rule set (kind `calendar:<key>`); settings hold zone and years."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.kernel.models import RuleRow


class CalendarSpan(RuleRow):
    """Opening span of one weekday (0 = Monday), minutes after local midnight, end up to 1440."""

    weekday = models.PositiveSmallIntegerField()
    start_minute = models.PositiveSmallIntegerField()
    end_minute = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        ordering = ["rule_set", "weekday", "start_minute"]

    def __str__(self) -> str:
        return f"{self.weekday} {self.start_minute}-{self.end_minute}"


class CalendarDay(RuleRow):
    """A day unlike its weekday: off, or working (`spans` [[start, end]] or the usual hours)."""

    date = models.DateField()
    working = models.BooleanField()
    spans = models.JSONField(null=True, blank=True)
    name_en = models.CharField(max_length=60)
    name_zh = models.CharField(max_length=60)
    source = models.CharField(max_length=120, blank=True)
    confirmed = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("calendar day")
        verbose_name_plural = _("calendar days")
        ordering = ["rule_set", "date"]
        constraints = [
            models.UniqueConstraint(fields=["rule_set", "date"], name="calendar_day_once")
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.name_en}"
