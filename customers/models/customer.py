"""Customers, how to reach them, and the history of their tier."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.kernel.models import Recorded
from config.shared.crypto import EncryptedField
from customers.querysets import CustomerQuerySet
from staff.models import Department, Person


class CustomerKind(models.TextChoices):
    """Natural person or organisation."""

    PERSON = "person", _("Person")
    ORGANISATION = "organisation", _("Organisation")


class Tier(models.TextChoices):
    """Customer tiers by assets, frequency and potential (S2-3)."""

    CORE = "core", _("Core")
    KEY = "key", _("Key")
    ORDINARY = "ordinary", _("Ordinary")


class CustomerStatus(models.TextChoices):
    """Whether the relationship is alive."""

    ACTIVE = "active", _("Active")
    LOST = "lost", _("Lost")
    DECEASED = "deceased", _("Deceased")
    MERGED = "merged", _("Merged")
    ERASED = "erased", _("Erased")


class Customer(Recorded):
    """One customer. Names and identity numbers are encrypted; hashes beside them find equals."""

    stream_kind = "customer"

    number = models.CharField(_("customer number"), max_length=12, unique=True)
    kind = models.CharField(max_length=12, choices=CustomerKind, default=CustomerKind.PERSON)
    name = EncryptedField(_("name"))
    name_hash = models.CharField(max_length=64, blank=True, editable=False)
    id_kind = models.CharField(max_length=20, blank=True)
    id_number = EncryptedField(_("identity number"))
    id_hash = models.CharField(max_length=64, blank=True, editable=False)
    tier = models.CharField(_("tier"), max_length=8, choices=Tier, default=Tier.ORDINARY)
    tier_since = models.DateField(null=True, blank=True)
    rm = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="customers",
        verbose_name=_("relationship manager"),
    )
    branch = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="customers"
    )
    language = models.CharField(max_length=10, default="zh-hans")
    preferred_channel = models.CharField(max_length=10, blank=True)
    no_contact = models.BooleanField(_("wants no contact"), default=False)
    vulnerable = models.JSONField(default=list, blank=True, help_text=_("Codes; restricted view."))
    status = models.CharField(max_length=10, choices=CustomerStatus, default=CustomerStatus.ACTIVE)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True)
    joined_on = models.DateField(null=True, blank=True)
    external_ref = models.CharField(max_length=60, null=True, blank=True, unique=True)
    legal_hold = models.BooleanField(default=False)
    retain_until = models.DateField(null=True, blank=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="customer_tier_known"),
            models.UniqueConstraint(
                fields=["id_hash"],
                condition=~Q(id_hash=""),
                name="customer_id_once",
                violation_error_message=_("A customer with this identity number exists."),
            ),
        ]
        indexes = [
            models.Index(fields=["name_hash"], name="customer_by_name"),
            models.Index(fields=["rm", "id"], name="customer_by_rm"),
            models.Index(fields=["branch", "id"], name="customer_by_branch"),
            models.Index(fields=["tier", "id"], name="customer_by_tier"),
        ]

    def __str__(self) -> str:
        return self.number


class ContactKind(models.TextChoices):
    """How a customer can be reached."""

    MOBILE = "mobile", _("Mobile")
    PHONE = "phone", _("Phone")
    EMAIL = "email", _("E-mail")
    WECHAT = "wechat", _("WeChat")
    ADDRESS = "address", _("Postal address")


class ContactPoint(models.Model):
    """One number or address of one customer, with the keyed hashes that find it."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contacts")
    kind = models.CharField(max_length=8, choices=ContactKind)
    value = EncryptedField()
    value_hash = models.CharField(max_length=64, editable=False)
    tail_hash = models.CharField(max_length=64, blank=True, editable=False)
    preferred = models.BooleanField(default=False)
    consent = models.BooleanField(default=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("contact point")
        verbose_name_plural = _("contact points")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind", "value_hash"], name="contact_point_once"
            )
        ]
        indexes = [
            models.Index(fields=["value_hash"], name="contact_by_value"),
            models.Index(fields=["tail_hash", "customer"], name="contact_by_tail"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.kind}"


class TierChange(models.Model):
    """History of a customer's tier; the row in force on a date is the last one before it."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="tier_changes")
    before = models.CharField(max_length=8, blank=True)
    after = models.CharField(max_length=8, choices=Tier)
    on = models.DateField()
    reason = models.CharField(max_length=200, blank=True)
    by_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("tier change")
        verbose_name_plural = _("tier changes")
        indexes = [models.Index(fields=["customer", "-on", "-id"], name="tier_history")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.after} {self.on}"
