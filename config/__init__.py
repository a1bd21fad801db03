"""Project package: settings, URLs, Celery, and the three platform layers shared, kernel, portal."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
