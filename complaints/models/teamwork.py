"""Work that others do for a case: tasks of departments, playbook steps, remedies, quality."""

from django.db import models
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from complaints.choices import StepState, TaskKind, TaskState
from complaints.models.case import Case
from complaints.querysets import OfCaseQuerySet
from complaints.task_querysets import CaseTaskQuerySet
from config.kernel.models import RuleRow
from config.shared.claim import Versioned
from staff.models import Department, Person


class CaseTask(Versioned):
    """One thing asked of a unit or person beside the lead 主办: co-handling 协办, care, report.

    Question, answers and refusals are words of the record. A mandatory task that is open keeps
    the lead from resolving.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=12, choices=TaskKind)
    department = models.ForeignKey(Department, models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    asked_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    mandatory = models.BooleanField(_("must be answered before resolving"), default=True)
    state = models.CharField(max_length=10, choices=TaskState, default=TaskState.ASKED)
    accepted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    seq = models.PositiveIntegerField(help_text=_("Entry with the question."))
    answer_seq = models.PositiveIntegerField(null=True, blank=True)

    objects = CaseTaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        indexes = [
            models.Index(fields=["case", "id"], name="task_of_case"),
            models.Index(
                fields=["department", "due_at", "id"],
                name="task_open_of_unit",
                condition=Q(ended_at__isnull=True),
            ),
            models.Index(
                fields=["person", "due_at", "id"],
                name="task_open_of_person",
                condition=Q(ended_at__isnull=True),
            ),
            models.Index(
                fields=["due_at", "id"],
                name="task_open",
                condition=Q(ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind} {self.state}"


class PlaybookStep(RuleRow):
    """One step of the playbooks (rule set `playbooks`): what to do for which cases, by when.

    Empty lists mean "any". `emergency` steps open at severity 4 (S2-22), `care` steps at `emotion`
    and above (3-5, empty = 3; S3-17), `media` steps where media risk is noted. `minutes` is the
    time from opening the step, 7x24; NULL = no due time.
    """

    code = models.CharField(max_length=40)
    name_en = models.CharField(max_length=200)
    name_zh = models.CharField(max_length=200)
    types = models.JSONField(default=list, blank=True)
    lines = models.JSONField(default=list, blank=True)
    severities = models.JSONField(default=list, blank=True)
    emergency = models.BooleanField(default=False)
    care = models.BooleanField(default=False)
    emotion = models.PositiveSmallIntegerField(null=True, blank=True)
    media = models.BooleanField(default=False)
    mandatory = models.BooleanField(default=False)
    minutes = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("playbook step")
        verbose_name_plural = _("playbook steps")
        ordering = ["order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["rule_set", "code"], name="playbook_step_once")
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name in the active language."""
        return self.name_zh if translation.get_language() == "zh-hans" else self.name_en


class CaseStep(models.Model):
    """A playbook step of one case; done, or left out with a reason (K35)."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="steps")
    step = models.ForeignKey(PlaybookStep, models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=StepState, default=StepState.OPEN)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    seq = models.PositiveIntegerField(null=True, blank=True)

    objects = OfCaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("step of a case")
        verbose_name_plural = _("steps of cases")
        constraints = [models.UniqueConstraint(fields=["case", "step"], name="case_step_once")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.step_id} {self.state}"


class RemedyBudget(models.Model):
    """What may be paid in one year: by one department, or by the bank (department empty)."""

    year = models.PositiveSmallIntegerField(_("year"))
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="+"
    )
    amount = models.DecimalField(_("amount, CNY"), max_digits=16, decimal_places=2)

    class Meta:
        verbose_name = _("budget of remedies")
        verbose_name_plural = _("budgets of remedies")
        constraints = [
            models.UniqueConstraint(fields=["year", "department"], name="budget_once"),
            models.UniqueConstraint(
                fields=["year"], condition=Q(department__isnull=True), name="budget_of_bank_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year} {self.amount}"


class QualityCheck(models.Model):
    """One handled case rated by the form of DOMAIN.md §4.14; scores 0-2 by code of the item.

    A recused person or a handler of the case may not rate it.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="quality_checks")
    rater = models.ForeignKey(Person, models.PROTECT, related_name="+")
    rated = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    scores = models.JSONField(default=dict)
    at = models.DateTimeField()
    seq = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("quality check")
        verbose_name_plural = _("quality checks")
        constraints = [models.UniqueConstraint(fields=["case", "rater"], name="quality_check_once")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.rater_id}"
