"""The staff app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    """Departments, people, accounts, calendars."""

    name = "staff"
    verbose_name = _("Staff")

    def ready(self) -> None:
        """Register the system checks."""
        from staff import checks  # noqa: F401, PLC0415 - needs the app registry
