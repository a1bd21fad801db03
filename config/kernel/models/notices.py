"""Notices to staff inside the portal."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.kernel.models.outbox import Channel
from config.kernel.querysets import NoticeQuerySet
from config.shared.claim import Queued


class Notice(models.Model):
    """One line in a person's inbox. Words come from `kind` and `facts`, in the reader's language.

    `person_id` is the staff person's pk. A notice that needs an act is done when the thing is
    done, not when it is read. `key` keeps it from being written twice.
    """

    key = models.CharField(max_length=120, unique=True)
    person_id = models.BigIntegerField()
    kind = models.CharField(max_length=60)
    about = models.CharField(max_length=60, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    needs_action = models.BooleanField(default=False)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes = [
            models.Index(fields=["person_id", "-at", "-id"], name="notice_inbox"),
            models.Index(
                fields=["person_id", "-at"],
                name="notice_needs_me",
                condition=models.Q(needs_action=True, done_at__isnull=True),
            ),
            models.Index(fields=["about"], name="notice_about"),
        ]

    def __str__(self) -> str:
        return self.key


class NoticeMail(Queued):
    """One notice on its way to a person's mail box or phone; due at `ready_at`.

    All lines of a person that are due together leave as one message (`message_key`, the key of
    the outbox row). `urgent` lines leave at once and alone.
    """

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="mails")
    person_id = models.BigIntegerField()
    channel = models.CharField(max_length=10, choices=Channel)
    urgent = models.BooleanField(default=False)
    message_key = models.CharField(max_length=120, blank=True)

    class Meta:
        verbose_name = _("notice by mail")
        verbose_name_plural = _("notices by mail")
        constraints = [
            models.UniqueConstraint(fields=["notice", "channel"], name="notice_mail_once")
        ]
        indexes = [
            models.Index(
                fields=["ready_at", "person_id", "id"],
                name="notice_mail_due",
                condition=models.Q(ready_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.channel}"
