"""Robots of group chats: staff notices leave to them as case number and due time only."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.shared.claim import Versioned
from config.shared.crypto import EncryptedField


class RobotKind(models.TextChoices):
    """Whose group chat."""

    WECOM = "wecom", _("WeCom")
    DINGTALK = "dingtalk", _("DingTalk")
    FEISHU = "feishu", _("Feishu")


class GroupRobot(Versioned):
    """One signed webhook of one group chat; `department_id` None = the whole bank.

    `kinds` are the kinds of notices it gets, `language` is that of the chat; address and secret
    are encrypted.
    """

    kind = models.CharField(max_length=10, choices=RobotKind)
    name = models.CharField(_("name"), max_length=80, unique=True)
    department_id = models.BigIntegerField(null=True, blank=True)
    kinds = models.JSONField(default=list, blank=True)
    language = models.CharField(_("language of the chat"), max_length=10, default="zh-hans")
    webhook = EncryptedField(_("address of the webhook"))
    secret = EncryptedField(_("secret"))
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("group robot")
        verbose_name_plural = _("group robots")

    def __str__(self) -> str:
        return self.name
