"""Rules as rows: rule sets with versions, and the growing lists (terms)."""

from django.db import models
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from config.kernel.frozen import FrozenWhenPublished
from config.kernel.models.journal import Recorded
from config.kernel.querysets import TermQuerySet


class RuleState(models.TextChoices):
    """Life of a rule set version."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class RuleSet(Recorded):
    """One version of one kind of rules; its child rows are immutable once published.

    `kind` e.g. `clock_policies`, `routing`, `calendar:bank`. At most one version of a kind is in
    force at a time: the published one with the latest `valid_from` that has begun.
    """

    stream_kind = "rules"

    kind = models.CharField(max_length=40)
    number = models.PositiveIntegerField(help_text=_("Version number within the kind."))
    state = models.CharField(max_length=10, choices=RuleState, default=RuleState.DRAFT)
    title_en = models.CharField(max_length=120)
    title_zh = models.CharField(max_length=120)
    valid_from = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by_id = models.BigIntegerField(null=True, blank=True)
    reason = models.TextField(blank=True)
    source = models.CharField(max_length=60, blank=True, help_text=_("Default file and version."))
    settings = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("rule set")
        verbose_name_plural = _("rule sets")
        constraints = [
            models.UniqueConstraint(fields=["kind", "number"], name="rules_version_once"),
            models.CheckConstraint(
                condition=Q(state=RuleState.DRAFT) | Q(valid_from__isnull=False),
                name="rules_published_has_date",
            ),
        ]
        indexes = [models.Index(fields=["kind", "state", "-valid_from"], name="rules_in_force")]

    def __str__(self) -> str:
        return f"{self.title} v{self.number}"

    @property
    def title(self) -> str:
        """Title in the active language."""
        return self.title_zh if translation.get_language() == "zh-hans" else self.title_en


class RuleRow(FrozenWhenPublished):
    """Base of the child rows of a rule set; frozen once the set is published."""

    rule_set = models.ForeignKey(RuleSet, models.PROTECT, related_name="%(class)ss")
    order = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class Term(Recorded):
    """One entry of a list admins may extend. Code reads `flags`, never `code`."""

    stream_kind = "term"

    taxonomy = models.CharField(max_length=30)
    code = models.CharField(max_length=20)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    order = models.PositiveIntegerField(default=0)
    active = models.BooleanField(default=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    flags = models.JSONField(default=dict, blank=True)
    jrt_code = models.CharField(max_length=20, blank=True, verbose_name=_("JR/T 0169 code"))

    objects = TermQuerySet.as_manager()

    class Meta:
        verbose_name = _("term")
        verbose_name_plural = _("terms")
        ordering = ["taxonomy", "order", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["taxonomy", "code"],
                name="term_code_once",
                violation_error_message=_("This list already has that code."),
            )
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name in the active language."""
        return self.name_zh if translation.get_language() == "zh-hans" else self.name_en
