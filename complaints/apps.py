"""The complaints app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ComplaintsConfig(AppConfig):
    """Cases, clocks, routing, workflow."""

    name = "complaints"
    verbose_name = _("Cases")
