"""The people of the demonstration (DESIGN.md §6): made-up names, one password, demo mode only."""

from datetime import date, datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from config.kernel import journal
from config.kernel.journal import Fact
from config.shared.actors import SYSTEM
from staff import people
from staff.loading import table
from staff.models import Account, Department, Person, RoleGrant

PASSWORD: Final = "huiyin-demo"  # noqa: S105 - printed at the start of the demonstration
NAMED: Final = 19  # the first rows of the table have a user name of their own
_FIRST_NUMBER: Final = 10201
_JOINED: Final = date(2019, 7, 1)


def demo_rows() -> list[dict[str, Any]]:
    """Return the table with staff numbers; people without a user name sign in with the number."""
    rows = list(table("demo_people.json"))
    for place, row in enumerate(rows):
        row["staff_no"] = f"S-{_FIRST_NUMBER + 7 * place}"
        row["username"] = row["username"] or row["staff_no"].lower()
    return rows


def make_demo_people(at: datetime) -> int:
    """Make the people, accounts, roles and heads that are missing; returns how many people.

    Needs the default units. Raises ImproperlyConfigured in production.
    """
    if settings.PORTAL_MODE == "production":
        message = "Demo accounts are not made in production."
        raise ImproperlyConfigured(message)
    units = {unit.code: unit for unit in Department.objects.all()}
    with transaction.atomic():
        known = set(Person.objects.values_list("staff_no", flat=True))
        fresh = [row for row in demo_rows() if row["staff_no"] not in known]
        joined = people.join([_draft(row, units) for row in fresh], actor=SYSTEM, at=at)
        _open_accounts(fresh, joined, at=at)
        _name_heads(fresh, joined, units, at=at)
    return len(joined)


def _draft(row: dict[str, Any], units: dict[str, Department]) -> people.PersonDraft:
    return people.PersonDraft(
        staff_no=row["staff_no"],
        name_en=row["name_en"],
        name_zh=row["name_zh"],
        department=units[row["department"]],
        post=(row["post_en"], row["post_zh"]),
        email=f"{row['staff_no'].lower()}@bank.example",
        joined_on=_JOINED,
    )


def _open_accounts(rows: list[dict[str, Any]], joined: list[Person], *, at: datetime) -> None:
    """Open one account per person; the password is hashed once, hashing is slow on purpose."""
    hashed = make_password(PASSWORD)
    accounts = Account.objects.bulk_create(
        Account(
            username=row["username"],
            person=person,
            password=hashed,
            is_demo=True,
            password_changed_at=at,
        )
        for row, person in zip(rows, joined, strict=True)
    )
    RoleGrant.objects.bulk_create(
        RoleGrant(account=account, role=role)
        for row, account in zip(rows, accounts, strict=True)
        for role in row["roles"]
    )
    facts = [
        Fact(person, "person.roles", {"before": [], "after": sorted(row["roles"])})
        for row, person in zip(rows, joined, strict=True)
    ]
    journal.append(facts, actor=SYSTEM, at=at)


def _name_heads(
    rows: list[dict[str, Any]], joined: list[Person], units: dict[str, Department], *, at: datetime
) -> None:
    changed = []
    for row, person in zip(rows, joined, strict=True):
        if row["heads"] and units[row["heads"]].head_id is None:
            units[row["heads"]].head = person
            changed.append(units[row["heads"]])
    facts = [Fact(unit, "department.changed", {"fields": ["head"]}) for unit in changed]
    journal.append(facts, actor=SYSTEM, at=at, save=["head"])
