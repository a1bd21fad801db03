"""Contacts with the customer: calls and notices."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from complaints.choices import CallWay, NoticeMethod, NoticePurpose, NoticeResult
from complaints.models.case import Case
from config.kernel.models import StoredFile


class CallRecord(models.Model):
    """One call or meeting; its words live in the journal entry `seq` of the case's stream."""

    class Direction(models.TextChoices):
        """Who called whom."""

        IN = "in", _("Customer called")
        OUT = "out", _("We called")

    class Result(models.TextChoices):
        """Whom we spoke to."""

        REACHED = "reached", _("Reached the customer")
        NO_ANSWER = "no_answer", _("No answer")
        OTHER_PERSON = "other_person", _("Answered by another person")
        WRONG_NUMBER = "wrong_number", _("Wrong number")

    case = models.ForeignKey(Case, models.PROTECT, related_name="calls")
    direction = models.CharField(max_length=3, choices=Direction)
    result = models.CharField(max_length=12, choices=Result)
    way = models.CharField(max_length=10, choices=CallWay, default=CallWay.PHONE)
    substance = models.BooleanField(default=False, help_text=_("Gave the customer substance."))
    recording = models.CharField(
        _("recording"),
        max_length=300,
        blank=True,
        help_text=_("Reference or link in the recording system; the sound itself stays there."),
    )
    at = models.DateTimeField()
    seconds = models.PositiveIntegerField(null=True, blank=True)
    by_id = models.BigIntegerField(null=True)
    seq = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("call record")
        verbose_name_plural = _("call records")
        indexes = [models.Index(fields=["case", "at", "id"], name="call_of_case")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.direction} {self.at}"


class CustomerNotice(models.Model):
    """The customer was (or will be) told something; result notices end the loop when they arrive.

    `outbox_key` links the message by its business key; `proof` is the proof of posting.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="notices")
    purpose = models.CharField(max_length=16, choices=NoticePurpose)
    method = models.CharField(max_length=10, choices=NoticeMethod)
    result = models.CharField(max_length=14, choices=NoticeResult, default=NoticeResult.PENDING)
    at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    outbox_key = models.CharField(max_length=120, blank=True)
    proof = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+")
    by_id = models.BigIntegerField(null=True)
    round = models.PositiveSmallIntegerField(default=1)
    leaves_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Until then it can be recalled.")
    )
    misdelivered_at = models.DateTimeField(null=True, blank=True)
    substance = models.BooleanField(
        default=False,
        help_text=_("Written by a person and more than a receipt: answers K03 once it arrived."),
    )
    seq = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("customer notice")
        verbose_name_plural = _("customer notices")
        indexes = [
            models.Index(fields=["case", "at", "id"], name="customer_notice_of_case"),
            models.Index(
                fields=["outbox_key"],
                name="customer_notice_by_key",
                condition=~models.Q(outbox_key=""),
            ),
            models.Index(
                fields=["-misdelivered_at", "-id"],
                name="customer_notice_astray",
                condition=models.Q(misdelivered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.purpose} {self.result}"


class InboundMessage(models.Model):
    """The customer wrote: SMS, e-mail or letter put to the case; the words are in entry `seq`.

    `after_end`: the case had ended; it waits on the triage list until somebody saw to it
    (`triaged_at`), and only a person takes the case up again.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="inbound")
    method = models.CharField(max_length=10, choices=NoticeMethod)
    at = models.DateTimeField()
    by_id = models.BigIntegerField(null=True)
    after_end = models.BooleanField(default=False)
    triaged_at = models.DateTimeField(null=True, blank=True)
    triaged_by_id = models.BigIntegerField(null=True)
    seq = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("message of the customer")
        verbose_name_plural = _("messages of the customer")
        indexes = [
            models.Index(fields=["case", "at", "id"], name="inbound_of_case"),
            models.Index(
                fields=["at", "id"],
                name="inbound_to_triage",
                condition=models.Q(after_end=True, triaged_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.method} {self.at}"


class PromisedReply(models.Model):
    """The customer was told when to expect an answer (S3-35, K37); entry `seq` says so.

    It ends with the next contact of ours that reached the customer: `kept` True when that was in
    time, False when late, None when it was taken back or the case ended without an answer.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="promises")
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    by_id = models.BigIntegerField(null=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    missed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    kept = models.BooleanField(null=True, blank=True)
    seq = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("promised reply")
        verbose_name_plural = _("promised replies")
        indexes = [
            models.Index(fields=["case", "id"], name="promise_of_case"),
            models.Index(
                fields=["due_at", "id"],
                name="promise_open",
                condition=models.Q(ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.due_at}"
