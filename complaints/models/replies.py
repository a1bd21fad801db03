"""Words the bank has ready: reply templates, macros (rule set `replies`), service notices."""

from django.db import models
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from complaints.choices import ServiceNoticeKind
from complaints.models.case import Case
from complaints.querysets import ServiceNoticeQuerySet
from config.kernel.models import Recorded, RuleRow, Term
from staff.models import Department


class ReplyTemplate(RuleRow):
    """One reply in both languages with `{variables}`; versions by rule set `replies`.

    `methods` (NoticeMethod values) and `types` (feedback types) say where it is offered; empty =
    everywhere. `purpose` is a NoticePurpose value.
    """

    code = models.CharField(max_length=40)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    purpose = models.CharField(max_length=16)
    methods = models.JSONField(default=list, blank=True)
    types = models.JSONField(default=list, blank=True)
    subject_en = models.CharField(max_length=200, blank=True)
    subject_zh = models.CharField(max_length=200, blank=True)
    body_en = models.TextField()
    body_zh = models.TextField()

    class Meta:
        verbose_name = _("reply template")
        verbose_name_plural = _("reply templates")
        ordering = ["order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["rule_set", "code"], name="reply_template_once")
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name in the active language."""
        return self.name_zh if translation.get_language() == "zh-hans" else self.name_en


class Macro(RuleRow):
    """One click for a template, fields and a move together; part of rule set `replies`.

    `template` is the code of a template of the same version or ''; `fields` maps names of facts
    of the case to values; `verb` is a verb of the workflow or '', `given` its payload (codes).
    """

    code = models.CharField(max_length=40)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    template = models.CharField(max_length=40, blank=True)
    method = models.CharField(max_length=10, blank=True)
    fields = models.JSONField(default=dict, blank=True)
    verb = models.CharField(max_length=30, blank=True)
    given = models.JSONField(default=dict, blank=True)
    types = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = _("macro")
        verbose_name_plural = _("macros")
        ordering = ["order", "pk"]
        constraints = [models.UniqueConstraint(fields=["rule_set", "code"], name="macro_once")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name in the active language."""
        return self.name_zh if translation.get_language() == "zh-hans" else self.name_en


class ServiceNotice(Recorded):
    """Planned maintenance, a release, a closed branch: told to intake staff as a banner (S3-10).

    Shown from `shown_from` to `ends_at`. `cause` is filled in for cases that are registered from
    it; `template` is the code of a reply template.
    """

    stream_kind = "service_notice"

    kind = models.CharField(max_length=12, choices=ServiceNoticeKind)
    title_en = models.CharField(max_length=120)
    title_zh = models.CharField(max_length=120)
    text_en = models.CharField(max_length=500, blank=True)
    text_zh = models.CharField(max_length=500, blank=True)
    shown_from = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    branch = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="+")
    line = models.ForeignKey(Term, models.PROTECT, null=True, blank=True, related_name="+")
    cause = models.ForeignKey(Term, models.PROTECT, null=True, blank=True, related_name="+")
    release = models.CharField(_("release"), max_length=60, blank=True)
    template = models.CharField(max_length=40, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = ServiceNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("service notice")
        verbose_name_plural = _("service notices")
        indexes = [models.Index(fields=["ends_at", "id"], name="service_notice_live")]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """Title in the active language."""
        return self.title_zh if translation.get_language() == "zh-hans" else self.title_en

    @property
    def text(self) -> str:
        """Text in the active language."""
        return self.text_zh if translation.get_language() == "zh-hans" else self.text_en


class NoticeOfCase(models.Model):
    """A case that was registered because of a service notice."""

    case = models.OneToOneField(Case, models.PROTECT, related_name="service_notice")
    notice = models.ForeignKey(ServiceNotice, models.PROTECT, related_name="cases")

    class Meta:
        verbose_name = _("case of a service notice")
        verbose_name_plural = _("cases of service notices")

    def __str__(self) -> str:
        return f"{self.case_id} {self.notice_id}"
