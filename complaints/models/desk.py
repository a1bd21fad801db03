"""The desk: who looks at a case, checked identities, acts on many cases, hand-over of a shift."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.choices import IdentityMethod, IdentityResult, RowResult
from complaints.models.case import Case
from complaints.querysets import BulkActQuerySet, BulkRowQuerySet
from config.kernel.models import Recorded
from config.shared.crypto import EncryptedField
from staff.models import Department, Person


class CasePresence(models.Model):
    """A person has this case open; forgotten 45 seconds after `seen_at`. Never part of the record.

    `typing_at` is when they last wrote a letter in the composer or a form of the case.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="presences")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()
    typing_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")
        constraints = [models.UniqueConstraint(fields=["case", "person"], name="presence_once")]
        indexes = [models.Index(fields=["seen_at"], name="presence_by_time")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.person_id}"


class IdentityCheck(models.Model):
    """How the customer was identified before data was shown (S4-6, S3-47); never the biometric.

    `taken_from` is the check of a case of the same contact whose result holds here too. An
    override has the result `overridden`; its reason stands in the record (`seq`).
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="identity_checks")
    method = models.CharField(max_length=12, choices=IdentityMethod, blank=True)
    result = models.CharField(max_length=12, choices=IdentityResult)
    taken_from = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="copies"
    )
    at = models.DateTimeField()
    by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    seq = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("identity check")
        verbose_name_plural = _("identity checks")
        indexes = [models.Index(fields=["case", "-at", "-id"], name="identity_of_case")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.result}"


class BulkAct(Recorded):
    """One act on many cases, by one person, with a result per case; may be undone for a while.

    `verb` names the act, `what` its codes and ids (no words), `query` the filter when it was
    "all that match". `undoes` points to the act that this one takes back.
    """

    stream_kind = "bulk"

    verb = models.CharField(max_length=30)
    what = models.JSONField(default=dict, blank=True)
    query = models.CharField(max_length=1000, blank=True)
    by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)
    job_id = models.BigIntegerField(null=True, blank=True)
    undoes = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="undone_by"
    )

    objects = BulkActQuerySet.as_manager()

    class Meta:
        verbose_name = _("bulk act")
        verbose_name_plural = _("bulk acts")
        indexes = [models.Index(fields=["by", "-at", "-id"], name="bulk_of_person")]

    def __str__(self) -> str:
        return f"{self.verb} {self.at}"


class BulkRow(models.Model):
    """What became of one case in a bulk act; `before` holds what undoing needs."""

    act = models.ForeignKey(BulkAct, models.PROTECT, related_name="rows")
    case = models.ForeignKey(Case, models.PROTECT, related_name="bulk_rows")
    result = models.CharField(max_length=8, choices=RowResult)
    why = models.CharField(max_length=40, blank=True, help_text=_("Code of the refusal."))
    said = models.CharField(
        max_length=400, blank=True, help_text=_("The refusal in words, as the actor reads it.")
    )
    before = models.JSONField(default=dict, blank=True)
    version_after = models.PositiveIntegerField(default=0)

    objects = BulkRowQuerySet.as_manager()

    class Meta:
        verbose_name = _("row of a bulk act")
        verbose_name_plural = _("rows of bulk acts")
        constraints = [models.UniqueConstraint(fields=["act", "case"], name="bulk_row_once")]

    def __str__(self) -> str:
        return f"{self.act_id} {self.case_id} {self.result}"


class ShiftHandOver(Recorded):
    """The hand-over of a shift of one unit: what is critical, promised, waiting; both shifts sign.

    `items` is a list of {"case": number, "why": code, "due": ISO time} as it stood when the
    outgoing person signed; words stand in `note` and, per case, in `remarks` (JSON by number).
    """

    stream_kind = "shift"

    department = models.ForeignKey(Department, models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    begun_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    note = EncryptedField(_("notes for the next shift"))
    remarks = EncryptedField()
    items = models.JSONField(default=list, blank=True)
    out_signed_at = models.DateTimeField(null=True, blank=True)
    out_signed_by = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+"
    )
    in_signed_at = models.DateTimeField(null=True, blank=True)
    in_signed_by = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("shift hand-over")
        verbose_name_plural = _("shift hand-overs")
        constraints = [
            models.UniqueConstraint(
                fields=["department"],
                condition=Q(in_signed_at__isnull=True),
                name="shift_one_open_per_unit",
            )
        ]
        indexes = [models.Index(fields=["department", "-begun_at", "-id"], name="shift_of_unit")]

    def __str__(self) -> str:
        return f"{self.department_id} {self.begun_at}"
