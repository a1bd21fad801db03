"""What the tests of relations share: signing in, addresses, what a record holds."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from complaints.models import Case
from config.kernel import journal
from config.kernel.models import Notice

HTMX = {"HX-Request": "true"}


def enter(client: Any, house: Any, name: str) -> Any:
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return house.accounts[name]


def now(**back: float) -> Any:
    return timezone.now() - timedelta(**(back or {"minutes": 30}))


def url(case: Case, rest: str = "") -> str:
    return f"/cases/{case.number}/{rest}"


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def actions(case: Any) -> list[str]:
    return list(journal.entries(case.stream).values_list("action", flat=True))


def last(case: Any, action: str) -> Any:
    entry = journal.entries(case.stream).filter(action=action).last()
    return journal.facts_of(entry) if entry else None


def words(case: Any) -> str:
    """Return every word of a case's record."""
    found = journal.words_of(list(journal.entries(case.stream)))
    return " ".join(str(text) for said in found.values() for text in said.values())


def told(case: Case, kind: str) -> set[int]:
    rows = Notice.objects.filter(about=case.about, kind=kind)
    return set(rows.values_list("person_id", flat=True))
