"""The kernel app: installs database triggers after every migrate."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class KernelConfig(AppConfig):
    """Configuration of the platform tables."""

    name = "config.kernel"
    label = "kernel"
    verbose_name = _("Platform")

    def ready(self) -> None:
        """Connect the idempotent trigger installer."""
        from config.kernel.triggers import install_after_migrate  # noqa: PLC0415 - needs the app registry

        post_migrate.connect(install_after_migrate, dispatch_uid="kernel.triggers")
