"""A small bank with its people, and cases brought into any state by the real verbs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from complaints import intake, records, workflow
from complaints.choices import Status
from complaints.drafts import CaseDraft
from complaints.models import Case
from complaints.workflow import payloads
from config.kernel import approvals
from config.kernel.defaults import terms
from config.kernel.models import Approval
from config.shared.actors import SYSTEM, Actor
from config.shared.scope import Scope
from staff.models import Account, Department
from staff.roles import scope_of
from tests.complaints import clock_house
from tests.factories.staff import AccountFactory, PersonFactory

AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Shanghai
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNITS = [
    "CMPT",
    "CSC",
    "RETAIL",
    "CARD",
    "LOAN",
    "WEALTH",
    "INTL",
    "OPS",
    "EBANK",
    "BRANCH",
    "RISK",
    "LAW",
    "PRIV",
]
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 32
_serial = count(1)

ANSWER = payloads.Answer(
    outcome="UPH",
    answer="We refund the fee of 300 CNY.",
    findings="The fee was booked twice.",
    basis="Tariff of 2026, section 4.",
    objection_ways="Review by head office within 30 days; mediation; court.",
    nature="SVC",
    cause="A1",
    responsibility="responsible",
)


@dataclass
class Bank:
    """People by role name and units by code."""

    units: dict[str, Department] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)

    def actor(self, name: str) -> Actor:
        person = self.accounts[name].person
        return Actor("person", person.pk, f"{person.name_en} {person.name_zh}")

    def scope(self, name: str) -> Scope:
        return scope_of(self.accounts[name], at=AT)

    def pk(self, name: str) -> int:
        return self.accounts[name].person_id


def bank() -> Bank:
    """Load lists and rules; one unit per code; the people the tests speak of."""
    terms.load(SYSTEM, AT)
    house = Bank({code: clock_house.unit(code) for code in UNITS})
    clock_house.build()
    staff = {
        "officer": ("CMPT", "officer"), "officer2": ("CMPT", "officer"),
        "supervisor": ("CMPT", "supervisor"), "handler": ("CARD", "handler"),
        "handler2": ("CARD", "handler"), "depthead": ("CARD", "department_head"),
        "agent": ("CSC", "hotline"), "approver": ("CMPT", "approver"),
        "analyst": ("CMPT", "analyst"), "loan_handler": ("LOAN", "handler"),
        "compliance": ("LAW", "compliance"),
    }  # fmt: skip
    for name, (code, role) in staff.items():
        person = PersonFactory.create(department=house.units[code], name_en=f"{name.title()} Test")
        house.accounts[name] = AccountFactory.create(person=person, roles=[role])
    card = house.units["CARD"]
    card.head = house.accounts["depthead"].person
    card.save(update_fields=["head"])
    return house


def draft(**given: Any) -> CaseDraft:
    """Return a sound draft: an e-mail about a card fee, from somebody with a mobile number."""
    n = next(_serial)
    values: dict[str, Any] = {
        "type": "CMP", "intake_channel": "EML", "business_line": "B-CC-02",
        "business_channel": "MOB", "core_issue": f"Card fee charged twice {n}",
        "content": "I was charged twice and nobody answers.", "demand": "Give the fee back.",
        "contact_name": "王丽", "contact_phone": f"138{n:08d}",
        "contact_email": f"customer{n}@example.com", "severity": 2,
    }  # fmt: skip
    return CaseDraft(**{**values, **given})


def open_case(house: Bank, *, at: datetime = AT, by: str = "officer", **given: Any) -> Case:
    """Register one case through the door."""
    result = intake.open_cases(
        [draft(**given)], actor=house.actor(by), at=at, registrar=house.accounts[by].person
    )[0]
    assert result.case is not None, result.refused
    return Case.objects.get(pk=result.case.pk)


def rows(*cases: Case) -> Any:
    return Case.objects.filter(pk__in=[case.pk for case in cases])


def do(house: Bank, case: Case, verb: str, what: Any = None, *, by: str = "officer", at=AT) -> Case:
    """Carry out one verb that must succeed; returns the case as stored."""
    function, kind = workflow.VERBS[verb]
    outcome = function(
        rows(case), what or default(house, verb, kind, at), actor=house.actor(by), at=at
    )[0]
    assert outcome.done, (verb, outcome.refused, outcome.why)
    return Case.objects.get(pk=case.pk)


def evidence(house: Bank, case: Case, *, at: datetime = AT) -> int:
    """Attach a small picture; returns the pk of the stored file."""
    upload = SimpleUploadedFile("proof.png", PNG, "image/png")
    return records.attach(rows(case), upload, actor=house.actor("officer"), at=at)[0].file_id


def decide(house: Bank, case: Case, decision: str, *, by: str, note: str = "seen", at=AT):
    """Decide the newest request about a case."""
    request = Approval.objects.filter(about=case.about).latest("pk")
    return approvals.decide(
        request.pk, decision, note=note, expected_version=None, actor=house.actor(by),
        scope=house.scope(by), at=at,
    )  # fmt: skip


def default(house: Bank, verb: str, kind: Any, at: datetime = AT) -> Any:
    """Return a payload with which the verb can succeed on an ordinary complaint."""
    made = {
        "accept": payloads.Taking(no_interest=True),
        "sign": payloads.Taking(no_interest=True, handler_id=house.pk("handler")),
        "refuse": payloads.Refusing(reason_code="NDB", words="This is no matter of ours."),
        "assign": payloads.Sending(house.units["CARD"].pk, house.pk("handler"), "Theirs."),
        "notify": payloads.Told("phone", "Told her the result."),
        "withdraw": payloads.Withdrawing("I take it back.", recording="REC-1"),
        "transfer": payloads.Transferring("Another Bank", "Not our card."),
        "retype": payloads.Retyping("INQ", "She only asks."),
        "raise_severity": payloads.Grading(3, "Press called."),
        "lower_severity": payloads.Grading(1, "Small."),
        "assign_handler": payloads.Handing(house.pk("handler2")),
        "external_appraisal": payloads.Appraising(
            "Card Institute", "The chip is tested.", AT + 9 * DAY, 1
        ),
        "restart_new_facts": payloads.Restarting("She found the slip.", AT + HOUR),
        "edit_facts": payloads.FactsEdit({"product": "Gold card"}),
        "ask_review": payloads.Objecting("I do not agree."),
        "acknowledge_review": payloads.Told("phone"),
        "progress_review": payloads.Told("phone", "Still at it."),
        "decide_review": payloads.Judging("maintained", "All in order.", no_interest=True),
        "tell_review": payloads.Told("phone", "The decision stays."),
    }
    if verb in made:
        return made[verb]
    if kind is payloads.Answer:
        return ANSWER
    if kind is payloads.Pausing:
        return payloads.Pausing("Papers are missing.", at + 9 * DAY)
    if kind is payloads.Reason:
        return payloads.Reason("Because it is so.")
    return kind() if kind in {payloads.Note, payloads.Assessing} else None


PATHS: dict[str, tuple[tuple[str, str], ...]] = {
    Status.RECEIVED: (),
    Status.NOT_ACCEPTED: (("refuse", "supervisor"),),
    Status.ACCEPTED: (("accept", "officer"),),
    Status.WITHDRAWN: (("withdraw", "supervisor"),),
    Status.TRANSFERRED: (("transfer", "officer"),),
}
_TO_ASSESSING = (("accept", "officer"), ("assess", "officer"))
_TO_ASSIGNED = (*_TO_ASSESSING, ("assign", "officer"))
_TO_PROGRESS = (*_TO_ASSIGNED, ("sign", "depthead"))
_TO_RESOLVED = (*_TO_PROGRESS, ("resolve", "officer"))
_TO_NOTIFIED = (*_TO_RESOLVED, ("notify", "officer"))
PATHS |= {
    Status.ASSESSING: _TO_ASSESSING,
    Status.ASSIGNED: _TO_ASSIGNED,
    Status.RETURNED: (*_TO_ASSIGNED, ("return", "depthead")),
    Status.IN_PROGRESS: _TO_PROGRESS,
    Status.WAITING_CUSTOMER: (*_TO_PROGRESS, ("wait_customer", "supervisor")),
    Status.WAITING_THIRD_PARTY: (*_TO_PROGRESS, ("wait_third_party", "supervisor")),
    Status.SUSPENDED: (*_TO_PROGRESS, ("suspend", "supervisor")),
    Status.PENDING_APPROVAL: (*_TO_PROGRESS, ("propose", "handler")),
    Status.SENT_BACK: (*_TO_PROGRESS, ("propose", "handler"), ("send_back", "depthead")),
    Status.RESOLVED: _TO_RESOLVED,
    Status.NOTIFIED: _TO_NOTIFIED,
    Status.CLOSED: (*_TO_NOTIFIED, ("confirm", "officer")),
    Status.REOPENED: (*_TO_NOTIFIED, ("reopen", "officer")),
}


def in_state(house: Bank, status: str, *, at: datetime = AT, **given: Any) -> Case:
    """Return a complaint that real verbs brought into this state."""
    case = open_case(house, at=at, **given)
    if status == Status.MERGED:
        into = open_case(house, at=at)
        return do(
            house, case, "merge", payloads.Merging(into.pk, "Same fee."), by="supervisor", at=at
        )
    if status == Status.ARCHIVED:
        closed = in_state(house, Status.CLOSED, at=at)
        return do(house, closed, "archive", by="supervisor", at=at + 91 * DAY)
    for verb, by in PATHS[status]:
        function, kind = workflow.VERBS[verb]
        what = default(house, verb, kind, at)
        done = function(rows(case), what, actor=house.actor(by), at=at)[0]
        assert done.done or done.asked, (verb, done.refused, done.why)
    return Case.objects.get(pk=case.pk)
