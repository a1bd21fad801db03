"""Departments, branches and the people in them."""

from django.db import models
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from config.kernel.models import Recorded
from config.shared.crypto import EncryptedField
from staff.querysets import DepartmentQuerySet, PersonQuerySet


class UnitKind(models.TextChoices):
    """Head-office department or branch."""

    DEPARTMENT = "department", _("Department")
    BRANCH = "branch", _("Branch")


class Department(Recorded):
    """A unit of the bank. `superior` hears objections and recusals; `path` caches the tree."""

    stream_kind = "department"

    code = models.CharField(_("code"), max_length=20, unique=True)
    name_en = models.CharField(_("English name"), max_length=120)
    name_zh = models.CharField(_("Chinese name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=UnitKind, default=UnitKind.DEPARTMENT)
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("part of"),
    )
    superior = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="subordinates",
        verbose_name=_("superior unit"),
    )
    head = models.ForeignKey(
        "staff.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="heads",
        verbose_name=_("head"),
    )
    city_en = models.CharField(_("city in English"), max_length=60, blank=True)
    city_zh = models.CharField(_("city in Chinese"), max_length=60, blank=True)
    calendar = models.CharField(
        _("calendar"),
        max_length=20,
        blank=True,
        help_text=_("Key of the unit's own working calendar; empty = that of the unit above."),
    )
    active = models.BooleanField(_("active"), default=True)
    path = models.CharField(max_length=200, blank=True, editable=False)

    objects = DepartmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["path", "code"]
        indexes = [models.Index(fields=["path"], name="department_by_path")]
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                name="department_not_own_parent",
            )
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name in the active language."""
        return self.name_zh if translation.get_language() == "zh-hans" else self.name_en


class Person(Recorded):
    """A member of staff, with or without a login; English names in pinyin, given name first."""

    stream_kind = "person"

    staff_no = models.CharField(_("staff number"), max_length=20, unique=True)
    name_en = models.CharField(_("English name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=40)
    department = models.ForeignKey(
        Department, models.PROTECT, related_name="people", verbose_name=_("department")
    )
    post_en = models.CharField(_("post in English"), max_length=80, blank=True)
    post_zh = models.CharField(_("post in Chinese"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    mobile = EncryptedField(_("mobile number for duty calls"), blank=True)
    reports_to = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reports",
        verbose_name=_("reports to"),
    )
    active = models.BooleanField(_("active"), default=True)
    joined_on = models.DateField(_("joined on"), null=True, blank=True)
    left_on = models.DateField(_("left on"), null=True, blank=True)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["staff_no"]
        indexes = [models.Index(fields=["department", "active"], name="person_by_department")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name in the active language."""
        return self.name_zh if translation.get_language() == "zh-hans" else self.name_en

    @property
    def initials(self) -> str:
        """Avatar text: the family name in Chinese, two letters in English."""
        if translation.get_language() == "zh-hans":
            return self.name_zh[:1]
        return "".join(part[:1] for part in self.name_en.split()[:2]).upper()


class Absence(models.Model):
    """A person is away from `start_at` (included) to `end_at` (excluded); routing skips them."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="absences")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    substitute = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="substitutes_for"
    )
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        constraints = [
            models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="absence_ends_after")
        ]
        indexes = [models.Index(fields=["person", "end_at"], name="absence_of_person")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.start_at:%Y-%m-%d}"
