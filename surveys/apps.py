"""The surveys app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SurveysConfig(AppConfig):
    """Questionnaires, invitations, answers, scores."""

    name = "surveys"
    verbose_name = _("Surveys")
