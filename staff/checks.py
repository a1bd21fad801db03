"""System checks of the staff room."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from staff.models import Account


@register(Tags.database)
def no_demo_accounts_in_production(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Sequence[str] | None = None,
    **_kwargs: Any,
) -> list[CheckMessage]:
    """Report demo accounts in a production database (`check --database default`, `migrate`)."""
    if settings.PORTAL_MODE != "production" or not databases:
        return []
    table = Account._meta.db_table
    for name in databases:
        if table not in connections[name].introspection.table_names():
            continue
        if Account.objects.using(name).filter(is_demo=True).exists():
            message = "This database holds demo accounts; they cannot sign in here."
            hint = "Production starts from an empty database: load_defaults, never seed_demo."
            return [Error(message, hint=hint, id="staff.E001")]
    return []
