"""Signs of life of the background processes."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """When a part last showed life, e.g. `beat`, `worker`, or `due:clocks`."""

    name = models.CharField(max_length=60, unique=True)
    at = models.DateTimeField()
    facts = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
