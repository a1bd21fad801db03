"""A bank with many cases for the measurements: a few hundred written, the others copied in SQL.

40 units, 200 people, customers one for five cases, two years; one case in eleven is open, so that
100,000 cases leave 9,090 open, just below what figures are still counted of. Copies differ in
number, customer and every moment; those of an open case lie hours apart, of a finished one days.
Works on both engines; 100,000 cases take well under a minute on PostgreSQL.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.management.color import no_style
from django.db import connection
from django.db.models import DateTimeField, Model

from complaints import indexing
from complaints.choices import ClockState, NoticePurpose, Severity, SignatureKind, Status
from complaints.clocks import NEVER
from complaints.models import (
    CallRecord,
    Case,
    CaseClock,
    CaseSignature,
    CustomerNotice,
    InboundMessage,
)
from config.kernel.models import SearchDoc
from customers.models import Customer
from customers.models.customer import Tier
from staff.models import Department, Person
from tests.complaints.queue_data import built
from tests.factories.complaints import Bank
from tests.factories.staff import AccountFactory, DepartmentFactory, PersonFactory

UNITS, PEOPLE, CUSTOMERS_PER_CASE = 40, 200, 5
OPEN_PER, TEMPLATES = 11, 275
_FIRST_NUMBER: Final = 2_000_000
_OPEN: Final = (
    Status.RECEIVED, Status.ACCEPTED, Status.ASSIGNED, Status.IN_PROGRESS,
    Status.WAITING_CUSTOMER, Status.WAITING_THIRD_PARTY, Status.RESOLVED,
)  # fmt: skip
_ENDED: Final = (Status.NOTIFIED, Status.CLOSED, Status.CLOSED, Status.WITHDRAWN)
_PER_OPEN, _YEARS = timedelta(minutes=23), timedelta(days=700)
_WORDS: Final = ("年费重复收取，要求退还。", "The card fee was charged twice and nobody answers.")
_SERIES: Final = {
    "postgresql": "SELECT generate_series(0, %d) AS n",
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < %d) "
    "SELECT n FROM s",
}
_EARLIER: Final = {
    "postgresql": "{0} - n * interval '{1} seconds'",
    "sqlite": "datetime({0}, '-' || (n * {1}) || ' seconds')",
}


@dataclass(frozen=True, slots=True)
class Copies:
    """One block of copies: of which rows, how many each, how far apart, the first id of all."""

    templates: list[Case]
    each: int
    apart: int
    first: int

    @property
    def ranks(self) -> str:
        """How far a template is from the first one."""
        return f"(t.id - {self.templates[0].pk})"

    @property
    def place(self) -> str:
        """The id of a copy counted from `first`; later copies are older and stand before."""
        return f"({self.each - 1} - n) * {len(self.templates)} + {self.ranks}"

    @property
    def source(self) -> str:
        """Templates and copies, as they are read from."""
        low, high = self.templates[0].pk, self.templates[-1].pk
        series = _SERIES[connection.vendor] % (self.each - 1)
        return f"complaints_case t, ({series}) AS series WHERE t.id BETWEEN {low} AND {high}"

    def earlier(self, column: str) -> str:
        """A moment of the template, moved back as far as its copy lies."""
        return _EARLIER[connection.vendor].format(column, self.apart)


def fill(house: Bank, total: int, at: datetime) -> None:
    """Bring the bank to about `total` cases, each with a search document, marks and contacts."""
    at = at.replace(microsecond=0)
    units = _units(house)
    people = _people(units)
    customers = _customers(max(20, total // CUSTOMERS_PER_CASE))
    n_open = max(1, round(total / OPEN_PER / TEMPLATES))
    n_ended = max(1, round((total - n_open * TEMPLATES) / TEMPLATES))
    ended = [_ended(n, units, people, at) for n in range(TEMPLATES)]
    waiting = [_open(n, units, people, at) for n in range(TEMPLATES)]
    for rows in (ended, waiting):
        for row in rows:
            row.save()
    blocks = (
        (ended, n_ended, int(_YEARS.total_seconds()) // n_ended),
        (waiting, n_open, int(_PER_OPEN.total_seconds())),
    )
    first = waiting[-1].pk + 1
    for rows, each, apart in blocks:
        indexing.put(Case.objects.filter(pk__in=[row.pk for row in rows]))
        block = Copies(rows, each, apart, first)
        _copy(block, customers)
        _documents(block)
        _contacts(block)
        first += each * len(rows)
    _clocks(at)
    _signatures(at - timedelta(days=60))
    _reset(Case, CaseClock, CaseSignature, CallRecord, CustomerNotice, InboundMessage, SearchDoc)
    settle()


def settle() -> None:
    """Let PostgreSQL know what is in the tables."""
    if connection.vendor == "postgresql":
        _run("ANALYZE")


# --- People and customers ------------------------------------------------------------------


def _units(house: Bank) -> list[Department]:
    known = [house.units[code] for code in ("CARD", "LOAN", "CMPT")]
    return [*known, *DepartmentFactory.create_batch(UNITS - len(house.units))]


def _people(units: list[Department]) -> dict[int, list[Person]]:
    """Return the handlers of every unit, who may work on cases."""
    found: dict[int, list[Person]] = {}
    for n in range(PEOPLE):
        unit = units[n % len(units)]
        person = PersonFactory.create(department=unit)
        AccountFactory.create(person=person, roles=["handler"])
        found.setdefault(unit.pk, []).append(person)
    return found


def _customers(total: int) -> tuple[int, int]:
    """Write customers with tiers and return the first pk and how many there are."""
    rows = [
        Customer(number=f"K7{n:07d}", name=f"客户{n}", tier=Tier.values[n % 10 % len(Tier.values)])
        for n in range(total)
    ]
    made = Customer.objects.bulk_create(rows, batch_size=2000)
    return made[0].pk, len(made)


# --- Templates -----------------------------------------------------------------------------


def _common(n: int, units: list[Department], people: dict[int, list[Person]]) -> dict[str, Any]:
    # Half of the work is with the three units that are looked at, as in a real bank with its cards.
    unit = units[n % 3] if n % 2 else units[n % len(units)]
    team = people[unit.pk]
    return {
        "department": unit,
        "handler": None if n % 9 == 0 else team[n // 3 % len(team)],
        "severity": Severity.values[n % 7 % 4],
        "repeat_count": int(n % 6 == 0),
        "chase_count": int(n % 5 == 0),
        "emotion": n % 6,
        "media_risk": n % 40 == 0,
        "vulnerable": n % 25 == 0,
        "breached": n % 8 == 0,
        "contact_phone": "",
        "content": f"{_WORDS[n % 2]} {n}",
    }


def _open(n: int, units: list[Department], people: dict[int, list[Person]], at: datetime) -> Case:
    received = at - timedelta(hours=n % 240, minutes=n % 60)
    case = built(
        at=at,
        due=timedelta(hours=n * 7 % 288 - 24),
        status=_OPEN[n % len(_OPEN)],
        received_at=received,
        updated_at=received + timedelta(minutes=40),
        paused=n % 11 == 0,
        **_common(n, units, people),
    )
    if n % 3:
        case.first_response_at = received + timedelta(minutes=5 + n % 300)
    if n % 5 == 0:
        case.chased_at = received + timedelta(hours=2)
    if n % 10 == 0:
        case.promised_reply_at = at + timedelta(hours=n % 48)
    return case


def _ended(n: int, units: list[Department], people: dict[int, list[Person]], at: datetime) -> Case:
    received = at - timedelta(days=5 + n % 20, hours=n % 24, minutes=n % 60)
    case = built(
        at=at, due=None, status=_ENDED[n % len(_ENDED)], received_at=received,
        updated_at=received + timedelta(days=4), **_common(n, units, people),
    )  # fmt: skip
    case.first_response_at = received + timedelta(minutes=5 + n % 300)
    case.resolved_at = case.notified_at = received + timedelta(days=3)
    if case.status == Status.CLOSED:
        case.closed_at = received + timedelta(days=4)
    if case.status == Status.WITHDRAWN:
        case.notified_at, case.withdrawn_at = None, received + timedelta(days=4)
    return case


# --- Copies --------------------------------------------------------------------------------


def _run(sql: str, params: list[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def _put(model: type[Model], cells: dict[str, str], source: str) -> None:
    """Write rows made of these cells; what is not named has its default."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    assert set(cells) <= set(columns), set(cells) - set(columns)
    into = f"INSERT INTO {model._meta.db_table} ({', '.join(cells)})"
    _run(f"{into} SELECT {', '.join(cells.values())} FROM {source}")  # noqa: S608 - names of our models


def _copy(block: Copies, customers: tuple[int, int]) -> None:
    """Write the copies, oldest first, as they would have come."""
    cells = {}
    for model_field in Case._meta.concrete_fields:
        name = str(model_field.column)
        if model_field.generated:
            continue
        cells[name] = f"t.{name}"
        if isinstance(model_field, DateTimeField) and name != "next_due_at":
            cells[name] = block.earlier(f"t.{name}")
    never = f"'{NEVER:%Y-%m-%d}'"
    ahead = block.earlier("t.next_due_at")
    place, (customer, n_customers) = f"{block.first} + {block.place}", customers
    number = _FIRST_NUMBER + block.first
    cells |= {
        "id": place,
        "number": f"'C-2026-' || ({number} + {block.place})",
        "tracking_code": f"'W' || ({place})",
        "next_due_at": f"CASE WHEN t.next_due_at >= {never} THEN t.next_due_at ELSE {ahead} END",
        "customer_id": f"{customer} + (n * 7919 + t.id * 31) % {n_customers}",
    }
    _put(Case, cells, f"{block.source} ORDER BY {place}")


def _documents(block: Copies) -> None:
    """Write the search documents: the words of the template, the number of the copy."""
    number = _FIRST_NUMBER + block.first
    terms = f"d.terms || ' ' || ({number} + {block.place})"
    cells = {"kind": "'case'", "ref_id": f"{block.first} + {block.place}", "terms": terms}
    joined = f"kernel_searchdoc d, {block.source} AND d.kind = 'case' AND d.ref_id = t.id"
    _put(SearchDoc, cells, joined)


def _contacts(block: Copies) -> None:
    """Write what the customer wrote, when we called and what we told, of some of the copies."""
    pk = f"{block.first} + {block.place}"
    received = block.earlier("t.received_at")
    later = "+ interval '1 hour'" if connection.vendor == "postgresql" else ""
    common = {"case_id": pk, "seq": "1"}
    false = "false" if connection.vendor == "postgresql" else "0"
    wrote = {"method": "'email'", "at": f"{received} {later}", "after_end": false}
    called = {
        "direction": "'out'", "result": "'reached'", "way": "'phone'", "substance": false,
        "recording": "''", "at": f"{received} {later}",
    }  # fmt: skip
    told = {
        "purpose": f"'{NoticePurpose.values[0]}'", "method": "'email'", "result": "'delivered'",
        "at": received, "outbox_key": "''", "round": "1", "substance": false,
    }  # fmt: skip
    _put(InboundMessage, common | wrote, f"{block.source} AND t.id % 3 = 0")
    _put(CallRecord, common | called, f"{block.source} AND t.id % 5 < 2")
    _put(CustomerNotice, common | told, f"{block.source} AND t.id % 4 < 3")


def _clocks(at: datetime) -> None:
    """Write the clock that each open case shows; it is exhausted, so that no sweep takes it."""
    cells = {
        "case_id": "c.id", "name": "'resolve'", "round": "1", "unit": "'elapsed_minutes'",
        "amount": "2880", "started_at": "c.received_at", "base_due_at": "c.next_due_at",
        "due_at": "c.next_due_at", "due_rev": "1", "risk_at": "c.next_risk_at",
        "provisional": "c.is_history", "state": f"'{ClockState.RUNNING}'", "paused_seconds": "0",
        "extension_days": "0", "next_level": "9",
    }  # fmt: skip
    _put(CaseClock, cells, "complaints_case c WHERE c.next_risk_at IS NOT NULL")


def _signatures(since: datetime) -> None:
    """Write the marks of the last weeks: five a case, most of them nobody else's.

    One case in 40 shares its telephone with the other ones of its hundred.
    """
    zeros = "0" * 40
    for k, kind in enumerate([SignatureKind.PHONE, *[SignatureKind.TEXT] * 4]):
        own = f"substr('{zeros}' || (c.id * 8 + {k}), length('' || (c.id * 8 + {k})) + 1)"
        shared = f"'shared' || (c.id / 100) || '-' || {k}"
        value = f"CASE WHEN c.id % 40 = 0 AND {k} < 2 THEN {shared} ELSE {own} END"
        cells = {"case_id": "c.id", "kind": f"'{kind}'", "value": value, "at": "c.received_at"}
        _put(CaseSignature, cells, f"complaints_case c WHERE c.received_at > '{since:%Y-%m-%d}'")


def _reset(*models: type[Model]) -> None:
    """Let ids go on behind those that were given."""
    for sql in connection.ops.sequence_reset_sql(no_style(), list(models)):
        _run(sql)
