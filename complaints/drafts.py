"""What comes in at the one door: a draft of a case, from a page, a call, the API, a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from complaints.choices import Precision, Severity, Status
from complaints.models import Case, ServiceNotice
from config.kernel.models import Term
from customers.models import Customer
from staff.models import Department, Person

Code = Term | str


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """The past of a case that was handled elsewhere or before: recorded, never acted on.

    No clock runs, no letter goes out, nobody is told.
    """

    status: str = Status.CLOSED
    outcome: Code = ""
    cause: Code = ""
    nature: Code = ""
    answer: str = ""
    findings: str = ""
    basis: str = ""
    objection_ways: str = ""
    acknowledged_at: datetime | None = None
    accepted_at: datetime | None = None
    first_response_at: datetime | None = None
    resolved_at: datetime | None = None
    notified_at: datetime | None = None
    closed_at: datetime | None = None
    withdrawn_at: datetime | None = None
    compensation: Decimal | None = None
    handler: Person | None = None


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """One matter as it came in. Terms as rows or codes; times aware; sums in `currency`.

    `origin_key` finds the same matter again when it is sent twice. `substance`: on a live channel
    the person who took it already gave the customer substance. `named_ids` are the pks of staff
    the matter is about: they and their direct reports stay out of it. `service_notice` is what the
    case was registered from: it gives cause and release. `received_at` None = now.
    """

    type: Code
    intake_channel: Code
    core_issue: str = ""
    content: str = ""
    demand: str = ""
    expected_resolution: str = ""
    business_line: Code | None = None
    business_channel: Code | None = None
    product: str = ""
    branch: Department | None = None
    department: Department | None = None
    handler: Person | None = None
    customer: Customer | None = None
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    language: str = ""
    tier_at_receipt: str = ""
    severity: int = Severity.LOW
    amount: Decimal | None = None
    currency: str = "CNY"
    loss_amount: Decimal | None = None
    emotion: int | None = None
    media_risk: bool = False
    regulatory_major: bool = False
    vulnerable: bool = False
    group_size: int = 1
    received_at: datetime | None = None
    received_precision: str = Precision.MINUTE
    backdate_reason: str = ""
    occurred_on: date | None = None
    promised_reply_at: datetime | None = None
    substance: bool = False
    referral_number: str = ""
    referral_body: str = ""
    referral_on: date | None = None
    external_due_at: datetime | None = None
    external_ref: str = ""
    origin_key: str = ""
    named_ids: tuple[int, ...] = ()
    repeat_of: Case | None = None
    imported_timely: bool | None = None
    service_notice: ServiceNotice | None = None
    source_facts: Mapping[str, Any] = field(default_factory=dict)
    history: HistoryFacts | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The result for one draft, in the order of the drafts.

    `case` None = refused, then `refused` says why. `duplicate`: the case existed already under
    the draft's origin key and nothing was written.
    """

    case: Case | None
    refused: str = ""
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Similar:
    """An open case that may be the same matter, and why it looks so.

    `why` is the first reason: customer or phone; `reasons` are all of them, with line (the same
    business line) and words; `share` of the pairs of letters both core issues have in common.
    """

    case: Case
    why: str
    reasons: tuple[str, ...] = ()
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen: where the case goes, by which rule; its policy and due times by clock."""

    department: Department | None
    handler: Person | None
    rule: str
    why: str
    policy: str
    severity: int
    due: Mapping[str, datetime] = field(default_factory=dict)
    provisional: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
