"""Rows for list and desk tests: cases written directly, as many as wanted, without verbs."""

from datetime import UTC, datetime, timedelta
from itertools import count

from complaints.choices import Severity, Status
from complaints.clocks import NEVER
from complaints.models import Case
from config.kernel.models import Term
from customers.hashes import phone_hash, tail_hash
from tests.factories.customers import CustomerFactory
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory

AT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)  # 14:30 in Shanghai, a Friday
_serial = count(1)


def term(taxonomy, code, **flags):
    return Term.objects.get_or_create(
        taxonomy=taxonomy,
        code=code,
        defaults={"name_en": f"{code} en", "name_zh": f"{code} 中", "flags": flags},
    )[0]


def built(department, *, due=timedelta(hours=5), at=AT, **fields):
    """Return an unsaved case; `due` counts from `at` (None: no clock runs)."""
    n = next(_serial)
    fields.setdefault("type", term("feedback_type", "CMP"))
    fields.setdefault("intake_channel", term("intake_channel", "TEL", group="electronic: phone"))
    fields.setdefault("status", Status.RECEIVED)
    fields.setdefault("severity", Severity.MEDIUM)
    fields.setdefault("core_issue", f"Card fee charged twice {n}")
    fields.setdefault("received_at", at - timedelta(hours=4, minutes=n % 60))
    fields.setdefault("contact_name", "王丽")
    if phone := fields.get("contact_phone"):
        fields |= {"contact_phone_hash": phone_hash(phone), "contact_tail_hash": tail_hash(phone)}
    return Case(
        number=fields.pop("number", f"C-2026-{n:07d}"),
        tracking_code=f"T{n}",
        type_at_receipt=fields["type"],
        department=department,
        registered_at=fields["received_at"],
        updated_at=fields.pop("updated_at", fields["received_at"]),
        next_due_at=NEVER if due is None else at + due,
        next_risk_at=None if due is None else at + due - timedelta(hours=2),
        next_clock="" if due is None else "resolve",
        **fields,
    )


def case(department, **fields):
    row = built(department, **fields)
    row.save()
    return row


def many(department, total, **fields):
    """Write `total` cases with due times that repeat, so that the tail of an order matters."""
    fields.setdefault("type", term("feedback_type", "CMP"))
    fields.setdefault("intake_channel", term("intake_channel", "TEL", group="electronic: phone"))
    rows = [
        built(
            department,
            due=timedelta(hours=1 + n % 7),
            severity=Severity.values[n % 4],
            paused=n % 5 == 0,
            **fields,
        )
        for n in range(total)
    ]
    return Case.objects.bulk_create(rows, batch_size=500)


def signed_in(client, *roles, department=None):
    """Sign an account with these roles in; returns it."""
    person = PersonFactory.create(department=department or DepartmentFactory.create())
    account = AccountFactory.create(roles=list(roles), person=person)
    client.force_login(account, backend="staff.accounts.AccountBackend")
    return account


__all__ = ["AT", "CustomerFactory", "case", "many", "signed_in", "term"]
