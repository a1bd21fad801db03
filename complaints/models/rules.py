"""Child rows of the rule sets `clock_policies` and `routing`."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from complaints.choices import ClockEvent, ClockName
from config.kernel.frozen import FrozenWhenPublished
from config.kernel.models import RuleRow
from staff.models import Person


class LimitUnit(models.TextChoices):
    """Units of shared/worktime.py; values equal worktime.Unit values."""

    ELAPSED_MINUTES = "elapsed_minutes", _("minutes, 7x24")
    WORKING_MINUTES = "working_minutes", _("working minutes")
    WORKING_DAYS = "working_days", _("working days")
    CALENDAR_DAYS = "calendar_days", _("calendar days")


class ClockPolicy(RuleRow):
    """A row of DOMAIN.md §4.12. Empty list = any. The first row that matches in `order` wins.

    An `overlay` row (referrals) is added to the winner and may only tighten it.
    """

    code = models.CharField(max_length=40)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    types = models.JSONField(default=list, blank=True)
    severities = models.JSONField(default=list, blank=True)
    tiers = models.JSONField(default=list, blank=True, help_text=_("`vulnerable` may stand here."))
    channels = models.JSONField(default=list, blank=True)
    overlay = models.BooleanField(default=False)
    origin = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name = _("clock policy")
        verbose_name_plural = _("clock policies")
        ordering = ["rule_set", "order"]
        constraints = [
            models.UniqueConstraint(fields=["rule_set", "code"], name="policy_code_once")
        ]

    def __str__(self) -> str:
        return self.code


class ClockLimit(FrozenWhenPublished):
    """One clock of one policy. `calendar` is the key of a `calendar:<key>` rule set; '' = 7x24.

    `@department` stands for the calendar of the department that handles the case. `starts_on`,
    `stops_on` and `stands_in` change what starts, stops and halts the clock; the risk line is
    `risk_minutes` of work or `risk_percent` of the clock, else that of the version's settings.

    In an overlay the row of the clock `external` is the lead that resolving and telling keep
    before the referral's deadline.
    """

    rule_path = "policy__rule_set"

    policy = models.ForeignKey(ClockPolicy, models.PROTECT, related_name="limits")
    clock = models.CharField(max_length=12, choices=ClockName)
    amount = models.PositiveIntegerField()
    unit = models.CharField(max_length=16, choices=LimitUnit)
    calendar = models.CharField(max_length=20, blank=True)
    repeats = models.BooleanField(default=False, help_text=_("Starts anew after each notice."))
    tracked_only = models.BooleanField(default=False, help_text=_("Never escalates."))
    extensions = models.JSONField(
        default=list, blank=True, help_text=_("Totals after each approved extension, in days.")
    )
    starts_on = models.CharField(
        max_length=20, choices=ClockEvent, blank=True, help_text=_("Empty = as usual.")
    )
    stops_on = models.CharField(
        max_length=20, choices=ClockEvent, blank=True, help_text=_("Empty = as usual.")
    )
    stands_in = models.JSONField(
        null=True, blank=True, help_text=_("States in which it does not count; NULL = as usual.")
    )
    risk_minutes = models.PositiveIntegerField(null=True, blank=True)
    risk_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    max_pause_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Longest pause in working days; NULL = as set.")
    )

    class Meta:
        verbose_name = _("clock limit")
        verbose_name_plural = _("clock limits")
        constraints = [models.UniqueConstraint(fields=["policy", "clock"], name="limit_once")]

    def __str__(self) -> str:
        return f"{self.policy_id} {self.clock}"


class LadderStep(RuleRow):
    """One escalation level of some clocks (`clocks` empty = all internal ones).

    `percent` of the clock, or `days_before` (calendar days before due), or `working_days_after`,
    or `minutes_before` / `minutes_after` on the clock's own calendar. `policies` empty = all, else
    codes. `audience`: handler, officer, supervisor, department_head, branch_head, complaint_head,
    executive, duty_leader, rm, watchers. `channels` besides the inbox: email, sms; they wait for
    the recipient's hours unless `at_once`.
    """

    clocks = models.JSONField(default=list, blank=True)
    level = models.PositiveSmallIntegerField()
    percent = models.PositiveSmallIntegerField(null=True, blank=True)
    days_before = models.PositiveSmallIntegerField(null=True, blank=True)
    working_days_after = models.PositiveSmallIntegerField(null=True, blank=True)
    minutes_before = models.PositiveIntegerField(null=True, blank=True)
    minutes_after = models.PositiveIntegerField(null=True, blank=True)
    policies = models.JSONField(default=list, blank=True)
    channels = models.JSONField(default=list, blank=True)
    at_once = models.BooleanField(default=False, help_text=_("Also outside the person's hours."))
    min_severity = models.PositiveSmallIntegerField(default=1)
    audience = models.JSONField(default=list)
    breach = models.BooleanField(default=False, help_text=_("This step is the breach itself."))

    class Meta:
        verbose_name = _("ladder step")
        verbose_name_plural = _("ladder steps")
        ordering = ["rule_set", "order", "level"]

    def __str__(self) -> str:
        return f"{self.level}"


class RoutingRule(RuleRow):
    """One routing rule; conditions are ANDed, each a list of codes (empty = any); first match wins.

    `conditions` keys: types, business_lines and causes (a parent stands for its children),
    intake_channels, severities, tiers, products (prefixes), branches (a unit stands for those
    below it), regions (English city of the branch), media_risk, repeat, vulnerable, referred;
    amount_from and amount_to (CNY, both included); keywords_any, keywords_all (in core issue,
    content or demand, without regard to case and width). `department` is a code, or `@line`
    (owner of the business line), `@branch` (the case's branch), `@registrar`.

    A rule that `goes_on` sends the case nowhere: it adds its watchers, tags and severity, and the
    rules below it are still asked. `watchers`: department codes (their heads), `@rm`,
    `@branch_head`, `staff:<number>`. `severity_floor` never lowers. `requires` is the course whose
    valid training a person needs to be chosen.
    """

    class Strategy(models.TextChoices):
        """How the person is chosen."""

        NOBODY = "nobody", _("Department decides")
        PERSON = "person", _("Named person")
        LEAST_LOADED = "least_loaded", _("Least loaded")
        ROUND_ROBIN = "round_robin", _("In turn")
        CUSTOMER_RM = "customer_rm", _("The customer's relationship manager")
        LAST_HANDLER = "last_handler", _("Last handler of a repeat")

    code = models.CharField(max_length=40)
    name_en = models.CharField(max_length=160)
    name_zh = models.CharField(max_length=160)
    conditions = models.JSONField(default=dict, blank=True)
    department = models.CharField(max_length=20, blank=True)
    strategy = models.CharField(max_length=12, choices=Strategy, default=Strategy.NOBODY)
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    goes_on = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    watchers = models.JSONField(default=list, blank=True)
    severity_floor = models.PositiveSmallIntegerField(null=True, blank=True)
    tags = models.JSONField(default=list, blank=True)
    requires = models.CharField(max_length=20, blank=True)

    class Meta:
        verbose_name = _("routing rule")
        verbose_name_plural = _("routing rules")
        ordering = ["rule_set", "order"]
        constraints = [
            models.UniqueConstraint(fields=["rule_set", "code"], name="routing_code_once")
        ]

    def __str__(self) -> str:
        return self.code


class DutyLine(RuleRow):
    """One line of the duty table (rule set `duties`): who does what for a kind of matter.

    `type` and `business_line` are codes, '' = any (a parent line stands for its children); the
    most specific line that fits a case counts. `responsible` and `approves` are department codes
    or `@line`, `@branch`; `consulted` and `told` lists of these.
    """

    type = models.CharField(max_length=20, blank=True)
    business_line = models.CharField(max_length=20, blank=True)
    responsible = models.CharField(max_length=20)
    approves = models.CharField(max_length=20, blank=True)
    consulted = models.JSONField(default=list, blank=True)
    told = models.JSONField(default=list, blank=True)
    origin = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name = _("duty line")
        verbose_name_plural = _("duty lines")
        ordering = ["rule_set", "order"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule_set", "type", "business_line"], name="duty_line_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.type or '*'} {self.business_line or '*'}"
