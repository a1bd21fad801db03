"""How codes and names of fields in this room's entries read."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils.text import capfirst

from config.shared.words import day_words, listed
from staff.models.accounts import Role


def roles(codes: Iterable[str]) -> str:
    """Return the names of roles; a dash for none."""
    return listed(Role(code).label if code in Role.values else code for code in codes) or "–"


def fields_of(model: type[Model]) -> Callable[[Any], str]:
    """Return what turns names of fields, as a list or with commas between, into their labels."""

    def labels(names: Any) -> str:
        each = names.split(", ") if isinstance(names, str) else names
        return listed(_field(model, name) for name in each) or "–"

    return labels


def day(text: str) -> str:
    """Return an ISO date in words."""
    return day_words(date.fromisoformat(text))


def model_list(name: str) -> str:
    """Return what the rows of a table are called, by the name of its model."""
    named = [model for model in apps.get_models() if model._meta.model_name == name]
    return str(capfirst(named[0]._meta.verbose_name_plural)) if named else name


def _field(model: type[Model], name: str) -> str:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return name
    return str(getattr(field, "verbose_name", name))
