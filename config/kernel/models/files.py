"""Stored files: outside the web root, under a random name, opened only through scoped views."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.shared.crypto import EncryptedField


class StoredFile(models.Model):
    """One uploaded or produced file. `path` is below MEDIA_ROOT; the original name is encrypted."""

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    path = models.CharField(max_length=120, unique=True)
    name = EncryptedField()
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    thumbnail = models.CharField(
        max_length=120, blank=True, help_text=_("Small picture below MEDIA_ROOT; pictures only.")
    )
    kind = models.CharField(max_length=30)
    uploaded_by_id = models.BigIntegerField(null=True)
    uploaded_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("stored file")
        verbose_name_plural = _("stored files")

    def __str__(self) -> str:
        return str(self.token)
