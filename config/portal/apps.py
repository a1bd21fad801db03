"""The portal app (collects every room's contributions) and the admin site in use."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class PortalAdminConfig(AdminConfig):
    """Stock Django admin on our own site class."""

    default_site = "config.portal.site.PortalAdminSite"


class PortalConfig(AppConfig):
    """Pages that see everything."""

    name = "config.portal"
    label = "portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        """Import `contributions.py` of every room, lowest first."""
        for app in apps.get_app_configs():
            if app.label in {"kernel", "staff", "customers", "surveys", "complaints", "portal"}:
                name = f"{app.name}.contributions"
                if find_spec(name):
                    import_module(name)
