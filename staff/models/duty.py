"""The duty roster: who is on call in which shift, and the calls that went to them (S2-20)."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.kernel.models import Recorded, Term
from staff.models.people import Person
from staff.querysets import DutyCallQuerySet, DutyShiftQuerySet


class DutyShift(Recorded):
    """One shift of one date: first and second on call, from `starts_at` to before `ends_at`.

    `on` is the local date on which the shift begins, `shift` its name in the bank's sheet
    (`day`, `night`).
    """

    stream_kind = "duty"

    on = models.DateField(_("date"))
    shift = models.CharField(_("shift"), max_length=20)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("to"))
    first = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="first_duties",
        verbose_name=_("first on call"),
    )
    second = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="second_duties",
        verbose_name=_("second on call"),
    )
    note = models.CharField(_("note"), max_length=120, blank=True)

    objects = DutyShiftQuerySet.as_manager()

    class Meta:
        verbose_name = _("duty shift")
        verbose_name_plural = _("duty shifts")
        ordering = ["starts_at", "shift"]
        constraints = [
            models.UniqueConstraint(fields=["on", "shift"], name="duty_shift_once"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="duty_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["ends_at", "starts_at"], name="duty_by_end")]

    def __str__(self) -> str:
        return f"{self.on} {self.shift}"


class DutyCall(models.Model):
    """A call to whoever is on duty; unacknowledged at `pass_at` it goes to the second on call.

    `key` keeps it from being made twice; `kind` and `facts["told"]` are those of the notice,
    `about` the matter; the other facts say who may be called (staff/duty.py). `called` is who is
    called now. `pass_at` is NULL when acknowledged or nobody is left.
    """

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=60)
    about = models.CharField(max_length=60)
    facts = models.JSONField(default=dict, blank=True)
    shift = models.ForeignKey(
        DutyShift, models.PROTECT, null=True, blank=True, related_name="calls"
    )
    called = models.ForeignKey(Person, models.PROTECT, related_name="+")
    called_at = models.DateTimeField()
    level = models.PositiveSmallIntegerField(default=1, help_text=_("1 = first on call."))
    pass_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = DutyCallQuerySet.as_manager()

    class Meta:
        verbose_name = _("duty call")
        verbose_name_plural = _("duty calls")
        indexes = [
            models.Index(
                fields=["pass_at", "id"], name="duty_call_due", condition=Q(pass_at__isnull=False)
            ),
            models.Index(fields=["about"], name="duty_call_about"),
            models.Index(fields=["-called_at", "-id"], name="duty_call_newest"),
        ]

    def __str__(self) -> str:
        return self.key


class Qualification(models.Model):
    """A training that a person has passed and until when it counts (NULL = for good)."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="qualifications")
    course = models.ForeignKey(Term, models.PROTECT, related_name="+")
    obtained_on = models.DateField(_("obtained on"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    class Meta:
        verbose_name = _("qualification")
        verbose_name_plural = _("qualifications")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "course", "obtained_on"], name="qualification_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.course_id}"
