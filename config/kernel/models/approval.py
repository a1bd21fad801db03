"""Acts that need a second person."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.kernel.models.journal import Recorded
from config.kernel.querysets import ApprovalQuerySet
from config.shared.crypto import EncryptedField


class ApprovalState(models.TextChoices):
    """Where a request stands; `returned` = sent back with a reason."""

    PENDING = "pending", _("Waiting for a decision")
    APPROVED = "approved", _("Approved")
    RETURNED = "returned", _("Sent back")
    REFUSED = "refused", _("Refused")
    CANCELLED = "cancelled", _("Withdrawn")


class Approval(Recorded):
    """One request. `kind` finds the ApprovalHandler; `facts` are codes and figures for it.

    `about` is `kind:number` of what is asked about; `about_id` its pk. One pending request per
    kind and subject. Nobody decides an own request.
    """

    stream_kind = "approval"

    kind = models.CharField(max_length=40)
    about = models.CharField(max_length=60)
    about_id = models.BigIntegerField()
    department_id = models.BigIntegerField(null=True, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    reason = EncryptedField()
    words = EncryptedField(help_text=_("JSON of free texts to carry out when approved."))
    asked_by_id = models.BigIntegerField(null=True)
    asked_by_label = models.CharField(max_length=120, blank=True)
    asked_at = models.DateTimeField()
    escalated_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=ApprovalState, default=ApprovalState.PENDING)
    decided_by_id = models.BigIntegerField(null=True, blank=True)
    decided_by_label = models.CharField(max_length=120, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = EncryptedField()

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "about"],
                condition=Q(state="pending"),
                name="approval_one_pending",
                violation_error_message=_("This is already waiting for a decision."),
            ),
            models.CheckConstraint(
                condition=Q(state="pending") ^ Q(decided_at__isnull=False),
                name="approval_decided_at_iff_decided",
            ),
        ]
        indexes = [models.Index(fields=["state", "asked_at", "id"], name="approval_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"
