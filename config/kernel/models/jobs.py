"""Long work as rows: progress, batches, errors, cancel."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.kernel.models.files import StoredFile
from config.kernel.models.journal import Recorded
from config.kernel.querysets import JobQuerySet
from config.shared.claim import Queued


class JobState(models.TextChoices):
    """Life of a job; `checked` waits for a person to confirm."""

    CHECKING = "checking", _("Checking")
    CHECKED = "checked", _("Waiting for confirmation")
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Stopped")


class Job(Recorded, Queued):
    """One import, export or recompute. `kind` finds the JobHandler; `checkpoint` resumes it."""

    stream_kind = "job"

    kind = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    owner_id = models.BigIntegerField(null=True, help_text=_("Person who asked."))
    title = models.CharField(max_length=200, blank=True)
    params = models.JSONField(default=dict, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    checkpoint = models.JSONField(default=dict, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    source = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="jobs_from"
    )
    result = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="jobs_to"
    )
    errors_file = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="jobs_errors"
    )
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [
            models.Index(
                fields=["ready_at", "id"],
                name="job_due",
                condition=models.Q(ready_at__isnull=False),
            ),
            models.Index(fields=["owner_id", "-asked_at", "-id"], name="job_by_owner"),
            models.Index(fields=["kind", "-asked_at", "-id"], name="job_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class JobRow(models.Model):
    """What a job says about one row of its file: an error or a remark in words (codes + params)."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(help_text=_("Row number in the file, header = 1."))
    kind = models.CharField(max_length=10, help_text=_("error, warning or changed"))
    column = models.CharField(max_length=120, blank=True)
    value = models.TextField(blank=True)
    message = models.TextField(help_text=_("English source of the message."))
    params = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("job row")
        verbose_name_plural = _("job rows")
        indexes = [models.Index(fields=["job", "kind", "number", "id"], name="job_rows_in_order")]

    def __str__(self) -> str:
        return f"{self.job_id}:{self.number}"
