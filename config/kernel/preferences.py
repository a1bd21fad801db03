"""Settings of one person: small JSON values by key, e.g. `cases.looks`. Nobody else reads them."""

from typing import Any

from config.kernel.models import Preference


def read(person_id: int | None, key: str, default: Any = None) -> Any:
    """Return the value, or `default` where nothing was set or there is no person; one query."""
    if person_id is None:
        return default
    found = Preference.objects.filter(person_id=person_id, key=key).values_list("value", flat=True)
    return next(iter(found), default)


def write(person_id: int, key: str, value: Any) -> None:
    """Set a value, replacing the one before."""
    Preference.objects.bulk_create(
        [Preference(person_id=person_id, key=key, value=value)],
        update_conflicts=True,
        unique_fields=["person_id", "key"],
        update_fields=["value"],
    )


def drop(person_id: int, key: str) -> None:
    """Forget a value; nothing happens when there is none."""
    Preference.objects.filter(person_id=person_id, key=key).delete()
