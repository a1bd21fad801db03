"""The reach table: which role may do what, how far (DOMAIN.md §4.8); and the scope of an account.

`_TABLE` has one row per act, in the order of the document, with a letter per role: A all,
D own department or branch with the units below, O own (handled, registered, accepted, or whose
relationship manager one is), S severity high or critical, R restricted cases only. A role that is
missing does not reach the act. Rows that the document words as "ask" are acts `ask_...`: they
write an approval request and change nothing. Where the document says "masked" the act `identity`
is missing (names) or `reveal` is needed (contact data, with a reason).
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from config.shared.scope import Reach, Scope
from staff.duty import is_on_call
from staff.models import Account, Department
from staff.models.accounts import Role

A, D, O = Reach.ALL, Reach.DEPARTMENT, Reach.OWN  # noqa: E741 - the letters of the document
S, R = Reach.SEVERE, Reach.RESTRICTED
OD = O | D

_Row = Mapping[str, Reach]
_EVERYBODY: Final = [str(role) for role in Role]


def _row(**reach: Reach) -> _Row:
    """Return one row of the table, role code -> reach."""
    return reach


_ALL_OWN: Final = _row(**dict.fromkeys(_EVERYBODY, O))

_CASES: Final[Mapping[str, _Row]] = {
    # Register case
    "register": _row(HA=A, CO=A, CS=A, DH=D, HD=D, BH=D, RM=O, RMM=D, DL=A),
    # View case; `status` alone: number, state and due time of the caller's cases
    "view": _row(
        HA=O, CO=A, CS=A, DH=OD, HD=D, BH=D, RM=O, RMM=D, DL=S, QA=A, ER=A, AU=A, SA=A, CD=R
    ),
    "status": _row(HA=A, CO=A, CS=A, DH=OD, HD=D, BH=D, RM=O, RMM=D, DL=A),
    "identity": _row(HA=O, CO=A, CS=A, DH=OD, HD=D, BH=D, RM=O, RMM=D, DL=S, AU=A, SA=A, CD=R),
    # TIP cases: registered by anybody, then compliance only; the auditor after giving a reason
    "restricted": _row(CD=A),
    "open_restricted": _row(AU=A),
    # Edit facts, add notes
    "note": _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, DL=S, CD=R),
    "edit": _row(CO=O, CS=A, DH=O, CD=R),
    "attach": _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, CD=R),
    # Accept, classify; refuse 不予受理 (the officer's refusal asks)
    "claim": _row(CO=A, CS=A, DH=D, HD=D, BH=D, CD=R),
    "accept": _row(HA=O, CO=O, CS=A, CD=R),
    "refuse": _row(CO=O, CS=A, CD=R),
    "approve_refusal": _row(CS=A),
    # Route / reassign; sign 签收, refuse 退回
    "route": _row(CO=O, CS=A, HD=D, BH=D, DL=S, CD=R),
    "sign": _row(CS=A, DH=OD, HD=D, BH=D, CD=R),
    "return": _row(CS=A, HD=D, BH=D),
    # Re-type, change severity down
    "retype": _row(CS=A),
    "lower": _row(CS=A),
    "ask_retype": _row(HA=O, CO=O, CS=A),
    # Raise severity, supervise and press 督办, chase 催办
    "raise": _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, DL=A),
    "chase": _row(CO=O, CS=A, HD=D, BH=D, RM=O, RMM=D, DL=A),
    "supervise": _row(CS=A, HD=D, BH=D, DL=A),
    "ask_supervise": _row(ER=A),
    # Pause / extend internal due
    "ask_pause": _row(CO=O, CS=A, DH=O, HD=D, BH=D, CD=R),
    "pause": _row(CS=A, CD=R),
    # Say why a clock ran out; follow up what one accepted and others hold (S1-9)
    "delay": _row(CO=O, CS=A, DH=O, HD=D, BH=D, CD=R),
    "follow": _row(CO=O, CS=A),
    # Regulatory extension, external_appraisal, restart_new_facts: asked here, decided by SA
    "ask_extension": _row(CO=O, CS=A, DH=O, HD=D, BH=D, CD=R),
    "approve_regulatory": _row(SA=A),
    # Set regulatory_major
    "ask_major": _row(CO=O, HD=D, BH=D),
    "major": _row(CS=A, DL=S),
    # Resolve / close
    "settle": _row(HA=O, CO=O, CS=A),
    "propose": _row(CO=O, CS=A, DH=O, HD=D, BH=D),
    "resolve": _row(CO=O, CS=A, CD=R),
    "approve": _row(CS=A, HD=D, BH=D),
    "notify": _row(CO=O, CS=A, CD=R),
    "close": _row(CO=O, CS=A, CD=R),
    "reopen": _row(CO=O, CS=A, CD=R),
    "withdraw": _row(CO=O, CS=A, CD=R),
    "merge": _row(CO=O, CS=A),
    "transfer": _row(CO=O, CS=A, CD=R),
    # Watch 关注 (oneself; restricted cases have no watchers), let others watch, name who stays out
    "watch": _row(HA=O, CO=A, CS=A, DH=OD, HD=D, BH=D, RM=O, RMM=D, DL=S, QA=A, ER=A, SA=A),
    "share": _row(CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, DL=S),
    "recuse": _row(CO=O, CS=A, HD=D, BH=D, CD=R),
    "recusals": _row(CS=A, AU=A, SA=A, CD=R),
    # Send an answer back 审核退回; handle 核查 review (not one's own)
    "send_back": _row(CS=A, HD=D, BH=D),
    "review": _row(CS=A, HD=D, BH=D),
    # Write to the customer, recall it, report a wrong recipient; log calls (with `note`)
    "message": _row(HA=O, CO=O, CS=A, DH=O, CD=R),
    "misdelivered": _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, CD=R),
    "listen": _row(HA=O, CO=O, CS=A, QA=A, AU=A, CD=R),
    # "Customer chased" 催办 from any open case, also one found by its number alone
    "chased": _row(HA=A, CO=A, CS=A, DH=OD, HD=D, BH=D, RM=O, RMM=D, DL=A),
    # Identity of the customer before data is shown; showing it all the same, with a reason
    "identify": _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, DL=S, CD=R),
    "override_identity": _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, DL=S, CD=R),
    # Looks at contact data that came before identification
    "overrides": _row(CS=A, HD=D, BH=D, QA=A, AU=A),
    # Links, another matter, splitting, agents, sources; moving a case to the right customer
    "link": _row(HA=O, CO=O, CS=A, CD=R),
    "relink": _row(CO=O, CS=A),
    # Tags of a case
    "tag": _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, CD=R),
    # Co-handling 协办, task force, playbook; the tasked unit or person accepts, refuses, answers;
    # who only reads (executive reader, senior approver, auditor) answers nothing
    "task": _row(CO=O, CS=A, DH=O, HD=D, BH=D, CD=R),
    "answer_task": _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, DL=O, QA=O, CD=R),
    "task_force": _row(CO=O, CS=A, HD=D, BH=D),
    "step": _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, CD=R),
    # Remedies and their proof; budgets
    "remedy": _row(CO=O, CS=A, DH=O, HD=D, BH=D, CD=R),
    # Quality form §4.14 of a handled case
    "quality": _row(CS=A, QA=A),
    "quality_view": _row(CS=A, QA=A, HD=D, BH=D, AU=A, ER=A),
    # Printable record §4.15; case bundle 调卷
    "print": _row(CO=A, CS=A, DH=OD, HD=D, BH=D, RM=O, RMM=D, QA=A, AU=A, SA=A, CD=R),
    "bundle": _row(CO=O, CS=A, AU=A, SA=A, CD=R),
    # Reveal masked data (with a reason, journalled)
    "reveal": _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, DL=S, CD=R),
    # Export to Excel; without `export_plain` the sheet is masked
    "export": _row(CO=O, CS=A, HD=D, BH=D, RM=O, RMM=D, QA=A, AU=A),
    "export_plain": _row(CO=O, CS=A, RMM=D, AU=A),
}

_CUSTOMERS: Final[Mapping[str, _Row]] = {
    # Customers view / edit
    "view": _row(HA=A, CO=A, CS=A, DH=A, HD=A, BH=D, RM=O, RMM=D, DL=A, QA=A, ER=A, AU=A),
    "identity": _row(HA=A, CO=A, CS=A, DH=A, HD=A, BH=D, RM=O, RMM=D, DL=A, AU=A),
    "register": _row(HA=A, CO=A, CS=A, DH=D, HD=D, BH=D, RM=O, RMM=D, DL=A),
    "edit": _row(RM=O, RMM=D),
    "reveal": _row(CS=A, BH=D, RM=O, RMM=D),
    "import": _row(AD=A),
    "export": _row(CS=A, RM=O, RMM=D, QA=A, AU=A),
    "export_plain": _row(CS=A, RMM=D, AU=A),
    # Tier rules & quarterly review
    "propose_tier": _row(RM=O, RMM=D),
    "tiers": _row(RMM=D),
    "rm": _row(RMM=D),
    "erase": _row(CS=A),
}

_FOLLOW_UP: Final[Mapping[tuple[str, str], _Row]] = {
    # Callbacks
    ("callbacks", "view"): _row(HA=O, CO=O, CS=A, HD=D, BH=D, RM=O, RMM=D, QA=A, ER=A, AU=A),
    ("callbacks", "create"): _row(CO=A, CS=A, RM=O, RMM=D),
    ("callbacks", "work"): _row(HA=O, CS=A, RM=O, RMM=D),
    # Surveys
    ("surveys", "view"): _row(CS=A, BH=D, RMM=D, HR=O, QA=A, ER=A, AU=A),
    ("surveys", "edit"): _row(HR=O, QA=A),
    ("surveys", "send"): _row(HR=O, QA=A),
    ("surveys", "raw"): _row(CO=O, CS=A, HD=D, BH=D, RM=O, RMM=D, HR=O, QA=A, AU=A),
    # Training records; recognition and scorecards
    ("training", "view"): _row(
        HA=O, CO=O, CS=D, DH=O, HD=D, BH=D, RM=O, RMM=D, DL=O, HR=A, QA=A, ER=A, AU=A
    ),
    ("training", "edit"): _row(HR=A),
    ("recognition", "view"): _row(
        HA=O, CO=O, CS=D, DH=O, HD=D, BH=D, RM=O, RMM=D, DL=O, HR=A, QA=A, ER=A, AU=A
    ),
    ("recognition", "edit"): _row(HR=A),
    # Plans, actions, incidents, risk, drills
    ("improvement", "view"): _row(
        CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, DL=A, HR=O, QA=A, ER=A, AU=A
    ),
    ("improvement", "report"): _row(HA=O, CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, DL=A, QA=A),
    ("improvement", "edit"): _row(CO=O, CS=A, DH=O, HD=D, BH=D, RM=O, RMM=D, HR=O, QA=A),
    ("incidents", "view"): _row(CS=A, HD=D, BH=D, RMM=D, DL=A, QA=A, ER=A, AU=A),
    ("incidents", "edit"): _row(CS=A, DL=A, QA=A),
    # Reports & scoreboard
    ("scoreboard", "view"): _row(
        HA=O, CO=O, CS=A, DH=D, HD=D, BH=D, RM=O, RMM=D, DL=A, HR=O, QA=A, ER=A, AU=A
    ),
    ("reports", "export"): _row(CS=A, HD=D, BH=D, RMM=D, HR=O, QA=A, ER=A, AU=A),
}

_RUNNING: Final[Mapping[tuple[str, str], _Row]] = {
    # Requests and decisions; the kinds ask the case acts above, nobody decides his own
    ("approvals", "view"): _row(
        HA=O, CO=O, CS=A, DH=O, HD=OD, BH=OD, RM=O, RMM=OD, DL=O, AU=A, AD=O, SA=A, CD=O, ER=O
    ),
    ("approvals", "decide"): _row(CS=A, HD=D, BH=D, RMM=D, SA=A),
    ("notices", "view"): _ALL_OWN,
    ("jobs", "view"): _row(**{**_ALL_OWN, "AU": A, "AD": A}),
    ("jobs", "cancel"): _row(**{**_ALL_OWN, "AU": Reach.NONE, "AD": A}),
    # Messages out: the administrator sees state and errors, not the words
    ("outbox", "view"): _row(CS=A, AU=A, AD=A),
    ("outbox", "read"): _row(CS=A, AU=A),
    ("outbox", "retry"): _row(CS=A, AD=A),
    # Excel in and out
    ("imports", "view"): _row(CS=A, AU=A, AD=A),
    ("imports", "run"): _row(CS=A, AD=A),
    ("exports", "view"): _row(CO=O, CS=O, HD=O, BH=O, RM=O, RMM=O, HR=O, QA=O, ER=O, AU=A, AD=O),
    ("exports", "run"): _row(CO=O, CS=O, HD=O, BH=O, RM=O, RMM=O, HR=O, QA=O, ER=O, AU=O, AD=O),
    # SLA, taxonomies, holidays
    ("rules", "view"): _row(CS=A, AU=A, AD=A),
    ("rules", "propose"): _row(CS=A, AD=A),
    ("rules", "edit"): _row(AD=A),
    ("terms", "view"): _row(CS=A, AU=A, AD=A),
    ("terms", "edit"): _row(AD=A),
    # Duty roster 值班表 (S2-20): own = the shifts and calls one stands in; `look` = all
    ("duty", "view"): _row(
        **{**_ALL_OWN, "CS": A, "HD": A, "BH": A, "DL": A, "HR": A, "AU": A, "AD": A}
    ),
    ("duty", "look"): _row(CS=A, HD=A, BH=A, DL=A, HR=A, AU=A, AD=A),
    ("duty", "acknowledge"): _ALL_OWN,
    ("duty", "edit"): _row(CS=A, AD=A),
    # Live board; hand-over of the shift; look-alike cases of several customers
    ("board", "view"): _row(CS=A, HD=D, BH=D, RMM=D, DL=A, QA=A, ER=A, AU=A),
    ("board", "hand_out"): _row(CS=A, HD=D, BH=D),
    ("shifts", "view"): _row(HA=D, CO=D, CS=A, DL=A, AU=A),
    ("shifts", "sign"): _row(HA=D, CO=D, CS=A, DL=A),
    ("clusters", "view"): _row(CO=A, CS=A, QA=A, AU=A),
    # Service notices (maintenance, release, branch closure) as a banner at intake
    ("service_notices", "view"): _row(
        **{**dict.fromkeys(_EVERYBODY, A), "CD": Reach.NONE, "SA": Reach.NONE}
    ),
    ("service_notices", "edit"): _row(CS=A, DL=A, AD=A),
    # Managed tags; remedies ledger; group robots
    ("tags", "view"): _row(CO=A, CS=A, QA=A, AU=A, AD=A),
    ("tags", "edit"): _row(CS=A, QA=A, AD=A),
    ("remedies", "view"): _row(CO=O, CS=A, DH=D, HD=D, BH=D, RMM=D, QA=A, ER=A, AU=A, SA=A),
    ("remedies", "budget"): _row(CS=A),
    ("robots", "view"): _row(AU=A, AD=A),
    ("robots", "edit"): _row(AD=A),
    # Saved views of lists for a role or for everybody
    ("views", "share"): _row(CS=A, AD=A),
    # People by name in the search field
    ("people", "find"): _row(**dict.fromkeys(_EVERYBODY, A)),
    # Users, groups, access review
    ("people", "view"): _row(CS=D, HD=D, BH=D, RMM=D, HR=A, AU=A, AD=A),
    ("people", "attest"): _row(HD=D, BH=D, HR=A),
    ("people", "edit"): _row(AD=A),
    # Audit log
    ("audit", "view"): _row(CS=D, AU=A, AD=A),
    ("admin", "view"): _row(AU=A, AD=A),
    ("admin", "edit"): _row(AD=A),
    ("health", "view"): _row(AU=A, AD=A),
}

_TABLE: Final[Mapping[tuple[str, str], _Row]] = {
    **{("cases", act): row for act, row in _CASES.items()},
    **{("customers", act): row for act, row in _CUSTOMERS.items()},
    **_FOLLOW_UP,
    **_RUNNING,
}

REACH: Final[Mapping[str, Mapping[tuple[str, str], Reach]]] = {
    role: {key: row[role] for key, row in _TABLE.items() if row.get(role)} for role in _EVERYBODY
}
"""Role code -> {(area, act): Reach}."""

# What a duty leader keeps while somebody else is on call: the own things and the roster itself
RESTING: Final[Mapping[tuple[str, str], Reach]] = {
    key: reach
    for key, reach in REACH[Role.DUTY_LEADER].items()
    if reach == O or key in {("duty", "view"), ("duty", "look")}
}

UNLIMITED: Final = Decimal("999999999999.99")

# Compensation authority, CNY [D] (above 5 000: senior approver)
COMPENSATION: Final[Mapping[str, Decimal]] = {
    Role.OFFICER: Decimal(500),
    Role.SUPERVISOR: Decimal(5000),
    Role.HANDLER: Decimal(200),
    Role.DEPARTMENT_HEAD: Decimal(2000),
    Role.BRANCH_HEAD: Decimal(1000),
    Role.RM_MANAGER: Decimal(500),
    Role.APPROVER: UNLIMITED,
}


def compensation_authority(scope: Scope) -> Decimal:
    """Return the highest sum in CNY that this person may grant alone; the widest role wins."""
    if scope.everything:
        return UNLIMITED
    return max((COMPENSATION.get(role, Decimal(0)) for role in scope.roles), default=Decimal(0))


def scope_of(account: Account, *, at: datetime) -> Scope:
    """Return what this account reaches at `at`: all roles joined, units with their sub-units.

    The role duty leader gives its rights only to who is on call. At a moment the roster does not
    cover, or when nobody on it answered, all holders of the role act (`duty.is_on_call`); the
    others keep what `RESTING` says, and the role is not among their `roles`.
    Two queries: the grants and the units below the ones they name; two more for a duty leader.
    """
    grants = list(account.grants.all())
    rests = any(grant.role == Role.DUTY_LEADER for grant in grants) and not is_on_call(
        account.person_id, at
    )
    reach: dict[tuple[str, str], Reach] = {}
    for grant in grants:
        resting = rests and grant.role == Role.DUTY_LEADER
        for key, value in (RESTING if resting else REACH.get(grant.role, {})).items():
            reach[key] = reach.get(key, Reach.NONE) | value
    units = {grant.department_id or account.person.department_id for grant in grants}
    units.add(account.person.department_id)
    return Scope(
        member=account.person_id,
        departments=frozenset(Department.objects.below(units)),
        reach=reach,
        roles=frozenset(x.role for x in grants if not rests or x.role != Role.DUTY_LEADER),
    )


__all__ = [
    "COMPENSATION",
    "REACH",
    "RESTING",
    "UNLIMITED",
    "Role",
    "compensation_authority",
    "scope_of",
]
