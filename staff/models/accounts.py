"""Accounts, roles and sessions."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.translation import gettext_lazy as _

from staff.managers import AccountManager
from staff.models.people import Department, Person


class Role(models.TextChoices):
    """Roles of DOMAIN.md §4.8; what each may do stands in staff/roles.py."""

    HOTLINE = "HA", _("Hotline agent")
    OFFICER = "CO", _("Complaint officer")
    SUPERVISOR = "CS", _("Complaint supervisor")
    HANDLER = "DH", _("Department handler")
    DEPARTMENT_HEAD = "HD", _("Department head")
    BRANCH_HEAD = "BH", _("Branch head")
    RM = "RM", _("Relationship manager")
    RM_MANAGER = "RMM", _("Relationship manager lead")
    DUTY_LEADER = "DL", _("Duty leader")
    HR = "HR", _("Human resources")
    ANALYST = "QA", _("Quality analyst")
    EXECUTIVE = "ER", _("Executive reader")
    AUDITOR = "AU", _("Auditor")
    ADMIN = "AD", _("Administrator")
    APPROVER = "SA", _("Senior approver")
    COMPLIANCE = "CD", _("Compliance and discipline")


class Account(AbstractBaseUser):
    """A login. Rights come from RoleGrant and staff/roles.py, never from Django permissions."""

    username = models.CharField(_("user name"), max_length=60, unique=True)
    person = models.OneToOneField(
        Person, models.PROTECT, related_name="account", verbose_name=_("person")
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_demo = models.BooleanField(default=False, editable=False)
    must_change_password = models.BooleanField(_("must change password"), default=False)
    password_changed_at = models.DateTimeField(null=True, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    theme = models.CharField(max_length=5, blank=True)
    single_keys = models.BooleanField(_("single-key shortcuts"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[AccountManager] = AccountManager()

    USERNAME_FIELD = "username"

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self) -> str:
        return self.username

    @property
    def is_staff(self) -> bool:
        """Whether the reference-data admin opens for this account."""
        return self.is_active and any(
            g.role in {Role.ADMIN, Role.AUDITOR} for g in self.grants.all()
        )

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Deny: the reach table decides, not Django permissions."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """Let admin and auditor see the reference-data admin."""
        return self.is_staff


class RoleGrant(models.Model):
    """One role of one account; `department` widens or moves the unit it counts for."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="grants")
    role = models.CharField(_("role"), max_length=4, choices=Role)
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, verbose_name=_("counts for unit")
    )
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "role", "department"], name="role_granted_once_per_unit"
            ),
            models.UniqueConstraint(
                fields=["account", "role"],
                condition=models.Q(department__isnull=True),
                name="role_granted_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.role}"


class AccountSession(AbstractBaseSession):
    """A signed-in browser; listed on the account page, ended there or by a password change."""

    account_id = models.BigIntegerField(null=True, db_index=True)
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta(AbstractBaseSession.Meta):
        verbose_name = _("session")  # type: ignore[assignment]
        verbose_name_plural = _("sessions")  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.account_id} {self.started_at}"
