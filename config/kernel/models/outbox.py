"""Messages waiting to leave the house."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.kernel.querysets import OutboxQuerySet
from config.shared.claim import Queued
from config.shared.crypto import EncryptedField


class Channel(models.TextChoices):
    """How a message leaves."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    ROBOT = "robot", _("Group robot")


class OutboxState(models.TextChoices):
    """Where a message stands; `failed` = given up, needs attention."""

    WAITING = "waiting", _("Waiting")
    RETRYING = "retrying", _("Trying again")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Needs attention")
    CANCELLED = "cancelled", _("Cancelled")


class OutboxMessage(Queued):
    """One message, written in the transaction that caused it; delivery is at least once.

    `key` is the business key (unique); `kind` finds the DeliveryHandler; `about` is `kind:number`.
    """

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=60)
    channel = models.CharField(max_length=10, choices=Channel)
    to = EncryptedField()
    subject = EncryptedField()
    text = EncryptedField()
    about = models.CharField(max_length=60, blank=True)
    department_id = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=OutboxState, default=OutboxState.WAITING)
    queued_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    message_id = models.CharField(max_length=120, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    gateway_ref = models.CharField(
        max_length=120, blank=True, help_text=_("The gateway's own number of the message.")
    )
    delivered_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the gateway reported its arrival.")
    )

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outgoing messages")
        indexes = [
            models.Index(
                fields=["ready_at", "id"],
                name="outbox_due",
                condition=models.Q(ready_at__isnull=False),
            ),
            models.Index(fields=["state", "-queued_at", "-id"], name="outbox_by_state"),
            models.Index(fields=["about", "id"], name="outbox_by_subject"),
            models.Index(
                fields=["gateway_ref"],
                name="outbox_by_gateway_ref",
                condition=~models.Q(gateway_ref=""),
            ),
        ]

    def __str__(self) -> str:
        return self.key
