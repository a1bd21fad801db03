"""The case and what belongs to it."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from complaints.choices import OPEN, Precision, RemedyState, Responsibility, Severity, Status
from complaints.models.priority import PRIORITY
from complaints.querysets import CaseQuerySet, OfCaseQuerySet
from config.kernel.models import Recorded, StoredFile, Term
from config.shared.crypto import EncryptedField
from customers.models import Customer
from staff.models import Department, Person


def _term(label: Any, **extra: object) -> "models.ForeignKey[Term, Term]":
    """Return a required or optional key to a Term without a reverse name."""
    return models.ForeignKey(
        Term,
        models.PROTECT,
        verbose_name=label,
        related_name="+",
        **extra,  # type: ignore[arg-type]
    )


class Case(Recorded):
    """One matter of one customer, owned by one department at a time (S1-5, S3-27, S3-34, S4-20)."""

    stream_kind = "case"

    number = models.CharField(_("case number"), max_length=16, unique=True)
    tracking_code = models.CharField(max_length=24, unique=True)
    origin_key = models.CharField(max_length=120, null=True, blank=True, unique=True)
    external_ref = models.CharField(max_length=80, blank=True)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.RECEIVED)
    is_history = models.BooleanField(
        default=False, help_text=_("Recorded as history: no clock ran here, nobody is told.")
    )

    # What it is about
    type = _term(_("type"))
    type_at_receipt = _term(_("type as registered"))
    severity = models.PositiveSmallIntegerField(
        _("severity"), choices=Severity, default=Severity.MEDIUM
    )
    business_line = _term(_("business line"), null=True, blank=True)
    product = models.CharField(_("product"), max_length=160, blank=True)
    core_issue = EncryptedField(_("core issue"))
    content = EncryptedField(_("customer's words"))
    demand = EncryptedField(_("demand"))
    expected_resolution = EncryptedField(_("wished-for outcome"))
    amount = models.DecimalField(
        _("amount in dispute"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    currency = models.CharField(max_length=3, default="CNY")
    loss_amount = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    emotion = models.PositiveSmallIntegerField(_("emotion"), null=True, blank=True)
    emotion_now = models.PositiveSmallIntegerField(_("emotion now"), null=True, blank=True)
    media_risk = models.BooleanField(_("media risk"), default=False)
    media_platform = models.CharField(_("platform"), max_length=60, blank=True)
    media_link = models.CharField(_("link to the post"), max_length=300, blank=True)
    regulatory_major = models.BooleanField(
        _("major complaint in the regulator's sense"), default=False
    )
    vulnerable = models.BooleanField(_("vulnerable customer"), default=False)
    restricted = models.BooleanField(_("restricted"), default=False)

    # Who
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="cases"
    )
    tier_at_receipt = models.CharField(max_length=8, blank=True)
    contact_name = EncryptedField(_("contact name"))
    contact_phone = EncryptedField(_("contact phone"))
    contact_phone_hash = models.CharField(max_length=64, blank=True, editable=False)
    contact_tail_hash = models.CharField(max_length=64, blank=True, editable=False)
    contact_email = EncryptedField(_("contact e-mail"))
    language = models.CharField(max_length=10, default="zh-hans")

    # How it came
    intake_channel = _term(_("intake channel"))
    business_channel = _term(_("business channel"), null=True, blank=True)
    branch = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="branch_cases"
    )
    referral_number = models.CharField(_("referral number"), max_length=80, blank=True)
    referral_body = models.CharField(_("referring body"), max_length=120, blank=True)
    referral_on = models.DateField(_("referral date"), null=True, blank=True)
    external_due_at = models.DateTimeField(_("referral deadline"), null=True, blank=True)
    group_size = models.PositiveIntegerField(_("people complaining jointly"), default=1)

    # Who works on it (kept by verbs, so that no scope needs an OR across joins)
    department = models.ForeignKey(Department, models.PROTECT, related_name="cases")
    handler = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="handled_cases"
    )
    rm = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="rm_cases")
    registrar = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="registered_cases"
    )
    officer = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="officer_cases",
        help_text=_("Named person of the complaint team who accepted it."),
    )
    routing_reason = models.JSONField(default=dict, blank=True)
    policy_reason = models.JSONField(default=dict, blank=True)

    # When (DOMAIN.md §2.1; UTC)
    occurred_on = models.DateField(_("happened on"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"), help_text=_("Start of every clock."))
    received_precision = models.CharField(max_length=6, choices=Precision, default=Precision.MINUTE)
    registered_at = models.DateTimeField(_("registered"))
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    not_accepted_at = models.DateTimeField(null=True, blank=True)
    first_response_at = models.DateTimeField(null=True, blank=True)
    assigned_at = models.DateTimeField(null=True, blank=True)
    dept_accepted_at = models.DateTimeField(null=True, blank=True)
    contained_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    notified_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    silence_ends_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    reopened_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    promised_reply_at = models.DateTimeField(_("promised reply"), null=True, blank=True)
    updated_at = models.DateTimeField()
    resolve_due_at = models.DateTimeField(null=True, blank=True)
    regulatory_due_at = models.DateTimeField(null=True, blank=True)

    # Clocks, kept by clocks.py
    next_due_at = models.DateTimeField(help_text=_("Nearest due time; year 9999 when none runs."))
    next_clock = models.CharField(max_length=12, blank=True)
    next_risk_at = models.DateTimeField(null=True, blank=True)
    paused = models.BooleanField(default=False)
    breached = models.BooleanField(default=False)
    round = models.PositiveSmallIntegerField(default=1)
    priority = models.GeneratedField(
        expression=PRIORITY,
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
        verbose_name=_("priority score"),
    )

    # Assessment and answer
    nature = _term(_("nature"), null=True, blank=True)
    cause = _term(_("root cause"), null=True, blank=True)
    release = models.CharField(
        _("release"), max_length=200, blank=True, help_text=_("Which change, for causes C2 and C3.")
    )
    trigger = _term(_("trigger point"), null=True, blank=True)
    outcome = _term(_("outcome"), null=True, blank=True)
    not_accepted_reason = _term(_("reason of non-acceptance"), null=True, blank=True)
    suggestion_decision = _term(_("suggestion decision"), null=True, blank=True)
    answer = EncryptedField(_("answer to the customer"))
    findings = EncryptedField(_("what was verified"))
    basis = EncryptedField(_("basis and reasons"))
    objection_ways = EncryptedField(_("ways to object"))
    compensation = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    compensation_kind = models.CharField(max_length=10, blank=True)
    reopen_count = models.PositiveSmallIntegerField(default=0)
    return_count = models.PositiveSmallIntegerField(default=0)
    repeat_count = models.PositiveSmallIntegerField(default=0)
    chase_count = models.PositiveSmallIntegerField(default=0)
    chased_at = models.DateTimeField(null=True, blank=True)
    settled_on_the_spot = models.BooleanField(default=False)
    repeat_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="repeats"
    )
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged"
    )
    transferred_to = models.CharField(max_length=160, blank=True)
    imported_timely = models.BooleanField(null=True, blank=True)
    source_facts = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("Coded columns of the source file that have no field."),
    )
    legal_hold = models.BooleanField(default=False)
    retain_until = models.DateField(null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="case_status_known"),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values), name="case_severity_known"
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.CLOSED) | Q(closed_at__isnull=False),
                name="case_closed_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.MERGED) | Q(merged_into__isnull=False),
                name="case_merged_has_target",
            ),
        ]
        indexes = [
            models.Index(fields=["paused", "next_due_at", "id"], name="case_by_clock"),
            models.Index(
                fields=["paused", "next_due_at", "id"],
                name="case_open_by_clock",
                condition=Q(status__in=OPEN),
            ),
            models.Index(
                fields=["department", "paused", "next_due_at", "id"],
                name="case_dept_by_clock",
                condition=Q(status__in=OPEN),
            ),
            models.Index(
                fields=["handler", "paused", "next_due_at", "id"],
                name="case_handler_by_clock",
                condition=Q(status__in=OPEN),
            ),
            models.Index(
                fields=["officer", "paused", "next_due_at", "id"],
                name="case_officer_by_clock",
                condition=Q(status__in=OPEN),
            ),
            models.Index(fields=["-received_at", "-id"], name="case_by_received"),
            models.Index(
                fields=["department", "-received_at", "-id"], name="case_dept_by_received"
            ),
            models.Index(fields=["-updated_at", "-id"], name="case_by_updated"),
            models.Index(fields=["-severity", "next_due_at", "id"], name="case_by_severity"),
            models.Index(fields=["-priority", "next_due_at", "id"], name="case_by_priority"),
            models.Index(fields=["customer", "-received_at"], name="case_of_customer"),
            models.Index(fields=["rm", "-received_at"], name="case_of_rm"),
            models.Index(fields=["registrar", "-received_at"], name="case_of_registrar"),
            models.Index(fields=["contact_phone_hash"], name="case_by_phone"),
            models.Index(fields=["contact_tail_hash"], name="case_by_phone_tail"),
            models.Index(fields=["external_ref"], name="case_by_external_ref"),
            models.Index(
                fields=["silence_ends_at"],
                name="case_by_silence",
                condition=Q(status=Status.NOTIFIED),
            ),
            models.Index(
                fields=["promised_reply_at"],
                name="case_by_promise",
                condition=Q(promised_reply_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        """Address of the case page."""
        return reverse("case", args=[self.number])

    @property
    def about(self) -> str:
        """Reference used by outbox, notices and approvals."""
        return f"case:{self.number}"

    @property
    def is_open(self) -> bool:
        """Whether the customer still waits for the result."""
        return self.status in OPEN


class CaseRemedy(models.Model):
    """A measure for the customer (many per case): who sees to it, by when, and the proof of it.

    Money counts against the budget of `department` (whoever pays) in the year of `at`.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="remedies")
    term = models.ForeignKey(Term, models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="+"
    )
    owner = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    due_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=RemedyState, default=RemedyState.PROMISED)
    done_at = models.DateTimeField(null=True, blank=True)
    proof = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+")
    escalated_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField()
    by_id = models.BigIntegerField(null=True)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("remedy")
        verbose_name_plural = _("remedies")
        indexes = [
            models.Index(
                fields=["due_at"],
                name="remedy_open",
                condition=Q(state=RemedyState.PROMISED, due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.term_id}"


class CaseResponsibility(models.Model):
    """Finding of responsibility, one per department."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="responsibilities")
    department = models.ForeignKey(Department, models.PROTECT, related_name="+")
    finding = models.CharField(max_length=12, choices=Responsibility)

    class Meta:
        verbose_name = _("responsibility")
        verbose_name_plural = _("responsibilities")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "department"], name="responsibility_once_per_department"
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.finding}"


class CaseAttachment(models.Model):
    """A stored file of a case; opened through the case's scope only."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="attachments")
    file = models.OneToOneField(StoredFile, models.PROTECT, related_name="case_attachment")
    added_by_id = models.BigIntegerField(null=True)
    added_at = models.DateTimeField()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        indexes = [models.Index(fields=["case", "id"], name="attachment_of_case")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.file_id}"
