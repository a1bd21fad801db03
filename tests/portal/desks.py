"""Help for tests of the portal pages: a bank, its people signed in, messages, requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from complaints.models import Case
from config.kernel import approvals, outbox
from config.kernel.models import Approval, OutboxMessage
from config.kernel.notices import Telling
from config.shared.actors import SYSTEM
from tests.factories.complaints import Bank
from tests.factories.staff import AccountFactory

AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


def signed_in(account: Any) -> Client:
    """Return a browser of this account."""
    client = Client()
    client.force_login(account, backend="staff.accounts.AccountBackend")
    return client


def as_role(*roles: str, department: Any = None) -> Client:
    """Return a browser of somebody new with these roles."""
    given = {"person__department": department} if department else {}
    return signed_in(AccountFactory.create(roles=list(roles), **given))


def telling(person_id: int, key: str, kind: str = "case.assigned", **given: Any) -> Telling:
    """Return a notice to write about a case."""
    number = given.pop("number", "C-2026-0000001")
    return Telling(key, person_id, kind, f"case:{number}", {"number": number}, **given)


def message(key: str, about: str = "", **fields: Any) -> OutboxMessage:
    """Write one outgoing message and bring it into a state."""
    given = {"channel": "email", "to": "wang.li@example.com", "subject": f"Subject {key}"}
    given |= {name: fields.pop(name) for name in ("channel", "to", "subject") if name in fields}
    letter = outbox.Letter(
        key=key, kind=fields.pop("kind", "case.result"), text="Dear Ms Wang, secret words.",
        about=about, **given,
    )  # fmt: skip
    outbox.queue([letter], at=fields.pop("at", AT))
    OutboxMessage.objects.filter(key=key).update(**fields)
    return OutboxMessage.objects.get(key=key)


def asked(
    house: Bank, case: Case, kind: str = "retype", *, by: str = "officer", **given: Any
) -> Approval:
    """Ask for a decision about a case; returns the request."""
    facts = {"retype": {"verb": "retype", "type": "INQ"}, "severity": {"verb": "lower_severity",
             "severity": 1}}.get(kind, {})  # fmt: skip
    words = {"reason": "She only asks."} if facts else {}
    request = approvals.Request(
        kind=kind,
        about=case.about,
        about_id=case.pk,
        reason=given.pop("reason", "She only asks."),
        facts=facts,
        words=words,
        department_id=case.department_id,
        **given,
    )
    return approvals.ask([request], actor=house.actor(by), at=AT + timedelta(hours=1))[0]


def queries(client: Client, url: str) -> int:
    """Return how many queries a page costs."""
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    passing = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
    return len([q for q in seen if not q["sql"].startswith(passing)])


__all__ = ["AT", "SYSTEM", "as_role", "asked", "message", "queries", "signed_in", "telling"]
