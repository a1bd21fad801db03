"""Who handles a case, who may not, who watches; tags, reviews of objections, reasons of delay."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.choices import ReviewDecision, WatchedBy
from complaints.models.case import Case
from complaints.models.clock import CaseClock
from complaints.models.rules import RoutingRule
from config.kernel.models import Term
from config.shared.claim import Versioned
from staff.models import Department, Person


class HandOver(models.Model):
    """One stretch of time a case spent with a department and handler."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="hand_overs")
    department = models.ForeignKey(Department, models.PROTECT, related_name="+")
    handler = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    from_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True, blank=True)
    to_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=20, blank=True)
    rule = models.ForeignKey(
        RoutingRule,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The rule that sent it there; empty = a person did."),
    )

    class Meta:
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        indexes = [
            models.Index(fields=["case", "from_at", "id"], name="handover_of_case"),
            models.Index(
                fields=["rule", "from_at"],
                name="handover_by_rule",
                condition=Q(rule__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.department_id}"


class CaseExclusion(models.Model):
    """Recusal: this person is named in the case (or reports to one who is) and cannot open it."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="exclusions")
    person = models.ForeignKey(Person, models.PROTECT, related_name="excluded_from")
    reason = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("recusal")
        verbose_name_plural = _("recusals")
        constraints = [models.UniqueConstraint(fields=["person", "case"], name="exclusion_once")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.person_id}"


class CaseGrant(models.Model):
    """Right to open one restricted case, or a watcher's right to read a case."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="grants")
    person = models.ForeignKey(Person, models.PROTECT, related_name="case_grants")
    watcher = models.BooleanField(default=False)
    why = models.CharField(max_length=12, choices=WatchedBy, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("case grant")
        verbose_name_plural = _("case grants")
        constraints = [models.UniqueConstraint(fields=["person", "case"], name="grant_once")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.person_id}"


class InterestDeclaration(models.Model):
    """A person has declared to have no interest in a case (无利害关系声明) before an act on it."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="declarations")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    act = models.CharField(max_length=20, help_text=_("What it was declared for: the verb."))
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("declaration of no interest")
        verbose_name_plural = _("declarations of no interest")
        constraints = [
            models.UniqueConstraint(fields=["case", "person", "act"], name="declaration_once")
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.person_id}"


class CaseTag(models.Model):
    """A tag (term of the list `tag`) on a case; `by_id` NULL = set by a rule."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="tags")
    term = models.ForeignKey(Term, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    by_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        constraints = [models.UniqueConstraint(fields=["case", "term"], name="tag_once")]
        indexes = [models.Index(fields=["term", "-case"], name="tag_of_cases")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.term_id}"


class CaseReview(Versioned):
    """The review (核查) of a decision the customer objected to, by the superior unit (§3.1).

    Its words live in the record of the case. `department` is the unit that reviews, `reviewer`
    the person; never one who handled or decided the case.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="reviews")
    round = models.PositiveSmallIntegerField(default=1)
    department = models.ForeignKey(Department, models.PROTECT, related_name="+")
    reviewer = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(_("objection received"))
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=12, choices=ReviewDecision, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            models.UniqueConstraint(fields=["case", "round"], name="review_once_per_round"),
            models.UniqueConstraint(
                fields=["case"], condition=Q(told_at__isnull=True), name="review_one_open"
            ),
        ]
        indexes = [
            models.Index(
                fields=["department", "asked_at"],
                name="review_open_of_unit",
                condition=Q(told_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.round}"


class DelayReason(models.Model):
    """Why a clock ran out, given by whoever was to act; one per due time that passed.

    `reason` is a term of the list `delay_reason`; the words stand in the record (`seq`).
    """

    clock = models.ForeignKey(CaseClock, models.PROTECT, related_name="delay_reasons")
    due_rev = models.PositiveSmallIntegerField()
    reason = models.ForeignKey(Term, models.PROTECT, related_name="+")
    by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    seq = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("reason of delay")
        verbose_name_plural = _("reasons of delay")
        constraints = [
            models.UniqueConstraint(fields=["clock", "due_rev"], name="delay_reason_once")
        ]

    def __str__(self) -> str:
        return f"{self.clock_id} {self.reason_id}"
