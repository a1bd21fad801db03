"""Saved views of lists and drafts of forms."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.shared.crypto import EncryptedField


class SavedView(models.Model):
    """A named filter of one list: query string and columns; own, or shared with a role."""

    list_key = models.CharField(max_length=40)
    code = models.CharField(max_length=40, blank=True, help_text=_("Set for default views."))
    person_id = models.BigIntegerField(null=True, blank=True)
    role = models.CharField(max_length=10, blank=True)
    name_en = models.CharField(max_length=60)
    name_zh = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)
    columns = models.JSONField(default=list, blank=True)
    compact = models.BooleanField(_("compact rows"), default=False)
    owner_id = models.BigIntegerField(
        null=True, blank=True, help_text=_("Who shared it, for views shared by a person.")
    )
    opens = models.BooleanField(
        _("opens first for the role"), default=False, help_text=_("The list opens with this view.")
    )
    order = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [
            models.UniqueConstraint(
                fields=["list_key", "code", "role"], condition=~Q(code=""), name="view_code_once"
            )
        ]
        indexes = [models.Index(fields=["list_key", "person_id", "order"], name="view_of_person")]

    def __str__(self) -> str:
        return self.name_en


class Draft(models.Model):
    """Unsent words of one person in one form; bound to the person, never guessable."""

    person_id = models.BigIntegerField()
    key = models.CharField(max_length=80)
    body = EncryptedField()
    saved_at = models.DateTimeField()

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [models.UniqueConstraint(fields=["person_id", "key"], name="draft_once")]

    def __str__(self) -> str:
        return self.key


class Preference(models.Model):
    """One setting of one person, e.g. `cases.density`; the value is small JSON."""

    person_id = models.BigIntegerField()
    key = models.CharField(max_length=60)
    value = models.JSONField()

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        constraints = [models.UniqueConstraint(fields=["person_id", "key"], name="preference_once")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.key}"
