"""Which limits a case gets: every row of DOMAIN.md §4.12 through the published defaults."""

from datetime import timedelta

import pytest

from complaints import clocks
from complaints.clocks.rules import in_force
from complaints.clocks.timing import step_code
from complaints.defaults import rules
from complaints.models import CaseClock, ClockLimit, ClockPolicy, LadderStep
from config.kernel.models import RuleSet
from config.shared.actors import SYSTEM
from tests.complaints.clock_house import LONG_AGO, ZONE, build, case, keep, local

pytestmark = pytest.mark.django_db
AT = local("2026-03-04 10:00")  # a Wednesday in a plain week


@pytest.fixture(autouse=True)
def house():
    build()


def due_times(row, at=AT) -> dict[str, str]:
    keep(clocks.start([row], at), at)
    return {
        clock.name: clock.due_at.astimezone(ZONE).strftime("%m-%d %H:%M")
        for clock in CaseClock.objects.filter(case=row)
    }


@pytest.mark.parametrize(
    ("given", "code", "expected"),
    [
        (
            {"severity": 4},
            "CMP-4",
            {"acknowledge": "03-04 10:30", "accept": "03-04 10:30", "respond": "03-04 11:00",
             "resolve": "03-04 14:00", "loop": "03-07 10:00", "regulatory": "03-19 23:59"},
        ),
        (
            {"severity": 3},
            "CMP-3",
            {"acknowledge": "03-04 12:00", "accept": "03-04 14:00", "respond": "03-04 14:00",
             "resolve": "03-06 10:00", "loop": "03-07 10:00", "regulatory": "03-19 23:59"},
        ),
        (
            {"severity": 2, "tier_at_receipt": "core"},
            "CMP-2-CORE",
            {"acknowledge": "03-04 12:00", "accept": "03-05 10:00", "respond": "03-04 14:00",
             "resolve": "03-06 18:00", "loop": "03-06 18:00", "regulatory": "03-19 23:59"},
        ),
        ({"severity": 2, "tier_at_receipt": "ordinary", "vulnerable": True}, "CMP-2-CORE", None),
        (
            {"severity": 2, "tier_at_receipt": "key"},
            "CMP-2-KEY",
            {"acknowledge": "03-04 14:00", "accept": "03-05 10:00", "respond": "03-04 22:00",
             "resolve": "03-09 18:00", "loop": "03-09 18:00", "regulatory": "03-19 23:59"},
        ),
        ({"severity": 2, "tier_at_receipt": ""}, "CMP-2", None),
        (
            {"severity": 1, "tier_at_receipt": "core"},
            "CMP-1",
            {"acknowledge": "03-05 10:00", "accept": "03-05 10:00", "respond": "03-05 10:00",
             "resolve": "03-09 18:00", "loop": "03-09 18:00", "regulatory": "03-19 23:59"},
        ),
        (
            {"kind": "PET"},
            "PET",
            {"acknowledge": "03-05 10:00", "accept": "03-05 10:00", "respond": "03-05 10:00",
             "resolve": "05-03 23:59", "loop": "05-03 23:59", "regulatory": "05-03 23:59"},
        ),
        ({"kind": "TIP"}, "TIP", {"acknowledge": "03-05 10:00", "accept": "03-05 18:00"}),
        (
            {"kind": "OPN"},
            "SUG-OPN",
            {"acknowledge": "03-05 10:00", "accept": "03-05 10:00", "respond": "03-05 10:00",
             "resolve": "03-11 18:00", "loop": "03-11 18:00"},
        ),
        ({"kind": "PRS", "severity": 4}, "PRS", None),
        (
            {"kind": "INQ", "severity": 1},
            "INQ",
            dict.fromkeys(
                ["acknowledge", "accept", "respond", "resolve", "loop"], "03-05 10:00"
            ),
        ),
        (
            {"kind": "INQ", "severity": 3},
            "INQ-MAJOR",
            {"acknowledge": "03-04 14:00", "accept": "03-04 14:00", "respond": "03-05 10:00",
             "resolve": "03-06 10:00", "loop": "03-06 10:00"},
        ),
        ({"kind": "REQ"}, "REQ", None),
    ],
)  # fmt: skip
def test_the_most_specific_row_wins_and_sets_the_due_times(given, code, expected):
    row = case(AT, **given)
    found = due_times(row)
    row.refresh_from_db()
    assert row.policy_reason["policy"] == code
    if expected is not None:
        assert found == expected


def test_the_reason_names_rows_version_and_what_was_compared():
    due = AT + timedelta(days=9)
    row = case(AT, severity=2, tier_at_receipt="key", channel="R78", external_due_at=due)
    due_times(row)
    row.refresh_from_db()
    reason = row.policy_reason
    assert (reason["policy"], reason["overlay"], reason["version"]) == ("CMP-2-KEY", "REFERRAL", 1)
    assert reason["why"] == {
        "type": "CMP", "severity": 2, "tier": "key", "vulnerable": False, "channel": "R78",
    }  # fmt: skip


def test_a_referral_tightens_and_never_loosens():
    near = case(AT, channel="R78", external_due_at=local("2026-03-06 17:00"))
    far = case(AT, channel="R78", external_due_at=local("2026-03-30 17:00"))
    tight, loose = due_times(near), due_times(far)
    assert (tight["external"], tight["resolve"], tight["loop"]) == (
        "03-06 17:00", "03-05 18:00", "03-05 18:00",
    )  # fmt: skip
    assert (loose["external"], loose["resolve"]) == ("03-30 17:00", "03-09 18:00")


def test_a_referral_due_before_a_working_day_has_passed_keeps_its_own_deadline():
    row = case(local("2026-03-04 20:00"), channel="GOV", kind="REQ",
               external_due_at=local("2026-03-05 12:00"))  # fmt: skip
    found = due_times(row, local("2026-03-04 20:01"))
    assert found["external"] == found["resolve"] == "03-05 12:00"


def test_referral_overlay_shortens_the_signature_of_a_slower_row():
    row = case(AT, channel="GOV", kind="INQ", assigned_at=AT)
    assert due_times(row)["sign"] == "03-05 18:00"


def test_a_type_without_a_row_has_no_clock_and_says_so():
    row = case(AT, kind="NEW")
    assert due_times(row) == {}
    row.refresh_from_db()
    assert row.policy_reason["policy"] is None
    assert row.policy_reason["why"]["type"] == "NEW"


def test_defaults_are_loaded_once_and_keep_the_order_of_the_document():
    assert rules.load_clock_policies(SYSTEM, LONG_AGO) == 0
    assert RuleSet.objects.filter(kind="clock_policies").count() == 1
    book = in_force(AT)
    assert [row.code for row in book.policies][:3] == ["CMP-4", "CMP-3", "CMP-2-CORE"]
    assert ClockPolicy.objects.filter(overlay=True).count() == 2


VECTORS = [  # DOMAIN.md §5.3: received, 3 wd, 5 wd, 15 calendar days
    ("2025-01-24 16:00", "2025-02-05", "2025-02-07", "2025-02-08"),
    ("2025-01-27 10:00", "2025-02-07", "2025-02-10", "2025-02-11"),
    ("2025-09-30 17:30", "2025-10-11", "2025-10-14", "2025-10-15"),
    ("2026-02-13 15:00", "2026-02-25", "2026-02-27", "2026-02-28"),
    ("2026-02-14 15:00", "2026-02-26", "2026-02-28", "2026-03-01"),
    ("2026-04-30 11:00", "2026-05-08", "2026-05-11", "2026-05-15"),
    ("2026-06-18 20:15", "2026-06-24", "2026-06-26", "2026-07-03"),
    ("2026-09-19 09:30", "2026-09-22", "2026-09-24", "2026-10-04"),
    ("2026-09-25 10:00", "2026-09-30", "2026-10-09", "2026-10-10"),
    ("2026-09-30 17:00", "2026-10-10", "2026-10-13", "2026-10-15"),
]


@pytest.mark.parametrize(("received", "three", "five", "natural"), VECTORS)
def test_golden_vectors_hold_through_the_policies(received, three, five, natural):
    at = local(received)
    complaint, suggestion = case(at, severity=1), case(at, kind="SUG")
    keep(clocks.start([complaint, suggestion], at), at)
    found = {
        (clock.case_id, clock.name): clock.due_at.astimezone(ZONE)
        for clock in CaseClock.objects.all()
    }
    assert found[complaint.pk, "resolve"] == local(f"{three} 18:00")
    assert found[suggestion.pk, "resolve"] == local(f"{five} 18:00")
    assert found[complaint.pk, "regulatory"] == local(f"{natural} 23:59") + timedelta(seconds=59)


# DOMAIN.md §4.12, row by row: acknowledge, accept, respond, sign, progress, resolve, loop,
# regulatory. E = 7 x 24, W = the bank's working time; "" = no such clock.
TABLE = {
    "CMP-4": "30 E|30 E|60 E|30 E|240 E|240 E|4320 E|15 C",
    "CMP-3": "120 E|240 E|240 E|240 E|1440 E|2880 E|4320 E|15 C",
    "CMP-2-CORE": "120 E|1440 E|240 E|240 W|1 wd|2 wd|2 wd|15 C",
    "CMP-2-KEY": "240 E|1440 E|720 E|480 W|1 wd|3 wd|3 wd|15 C",
    "CMP-2": "1440 E|1440 E|1440 E|1 wd|2 wd|3 wd|3 wd|15 C",
    "CMP-1": "1440 E|1440 E|1440 E|1 wd|2 wd|3 wd|3 wd|15 C",
    "PET": "1440 E|1440 E|1440 E|1 wd|15 C|60 C|60 C|60 C",
    "TIP": "1440 E|1 wd||||||",
    "SUG-OPN": "1440 E|1440 E|1440 E|1 wd||5 wd|5 wd|",
    "PRS": "1440 E|1440 E|1440 E|||5 wd|5 wd|",
    "INQ": "1440 E|1440 E|1440 E|||1440 E|1440 E|",
    "INQ-MAJOR": "240 E|240 E|1440 E|||2880 E|2880 E|",
    "REQ": "1440 E|1440 E|1440 E|1 wd|1 wd|2880 E|2880 E|",
    "REFERRAL": "|||1 wd||||",
    "REFERRAL-GOV": "|||1 wd||||",
    "REVIEW": "|||||||",
}
MATCHES = {
    "CMP-4": (["CMP"], [4], [], []),
    "CMP-3": (["CMP"], [3], [], []),
    "CMP-2-CORE": (["CMP"], [2], ["core", "vulnerable"], []),
    "CMP-2-KEY": (["CMP"], [2], ["key"], []),
    "CMP-2": (["CMP"], [2], ["ordinary"], []),
    "CMP-1": (["CMP"], [1], [], []),
    "PET": (["PET"], [], [], []),
    "TIP": (["TIP"], [], [], []),
    "SUG-OPN": (["SUG", "OPN"], [], [], []),
    "PRS": (["PRS"], [], [], []),
    "INQ": (["INQ"], [1, 2], [], []),
    "INQ-MAJOR": (["INQ"], [3, 4], [], []),
    "REQ": (["REQ"], [], [], []),
    "REFERRAL": (["CMP"], [], [], ["R78", "R63", "RNF", "RPB"]),
    "REFERRAL-GOV": (["CMP", "REQ", "INQ", "SUG", "OPN"], [], [], ["GOV", "CCA"]),
    "REVIEW": (["@review"], [], [], []),
}
OTHERS = {  # code -> clocks beside those of the columns
    "REFERRAL": {"external": "1 wd"},
    "REFERRAL-GOV": {"external": "1 wd"},
    "REVIEW": {
        "review_ack": "1 wd",
        "review_step": "5 wd",
        "review": "20 C",
        "review_told": "30 C",
    },
}
LADDER = [  # clocks, when, severity from, who, breach
    ("", "50%", 1, "handler", False),
    ("", "80%", 1, "handler supervisor", False),
    ("", "100%", 1, "supervisor department_head", True),
    ("", "100%", 4, "duty_leader", False),
    ("", "120%", 1, "complaint_head", False),
    ("", "+1wd", 3, "executive", False),
    ("regulatory external", "-5d", 1, "handler supervisor", False),
    ("regulatory external", "-3d", 1, "handler supervisor", False),
    ("regulatory external", "-1d", 1, "handler supervisor department_head", False),
    ("regulatory external", "-0d", 1, "handler supervisor department_head", False),
    ("regulatory external", "100%", 1, "supervisor department_head complaint_head", True),
    ("regulatory external", "+1wd", 3, "executive", False),
    ("review_ack review_step review review_told", "80%", 1, "supervisor", False),
    ("review_ack review_step review review_told", "100%", 1, "supervisor complaint_head", True),
]
COLUMNS = ["acknowledge", "accept", "respond", "sign", "progress", "resolve", "loop", "regulatory"]
UNITS = {"E": "elapsed_minutes", "W": "working_minutes", "wd": "working_days", "C": "calendar_days"}


def limits_of(code: str) -> dict[str, tuple[int, str]]:
    """The clocks the table gives a row: name -> amount and unit."""
    cells = dict(zip(COLUMNS, TABLE[code].split("|"), strict=True)) | OTHERS.get(code, {})
    given = {name: cell.split() for name, cell in cells.items() if cell}
    return {name: (int(amount), UNITS[unit]) for name, (amount, unit) in given.items()}


@pytest.mark.parametrize("code", TABLE)
def test_the_published_defaults_are_the_table_clock_by_clock(code):
    policy = ClockPolicy.objects.get(code=code)
    rows = {row.clock: row for row in ClockLimit.objects.filter(policy=policy)}
    assert {name: (row.amount, row.unit) for name, row in rows.items()} == limits_of(code)
    assert (policy.types, policy.severities, policy.tiers, policy.channels) == MATCHES[code]
    assert policy.overlay == code.startswith("REFERRAL")
    counted = {name: row.calendar for name, row in rows.items()}
    wanted = {name: "" if row.unit == UNITS["E"] else "bank" for name, row in rows.items()}
    assert counted == wanted
    repeating = {name for name, row in rows.items() if row.repeats}
    assert repeating == set(rows) & {"progress", "review_step"}
    stages = {"CMP": [30, 60], "PET": [90]}.get(code.partition("-")[0], [])
    assert all(
        row.extensions == (stages if name == "regulatory" else []) for name, row in rows.items()
    )


def test_there_is_no_row_the_table_does_not_have():
    codes = ClockPolicy.objects.order_by("order").values_list("code", flat=True)
    assert list(codes) == list(TABLE)


def test_the_published_ladder_is_that_of_the_domain():
    steps = LadderStep.objects.order_by("order")
    found = [
        (" ".join(s.clocks), step_code(s), s.min_severity, " ".join(s.audience), s.breach)
        for s in steps
    ]
    assert found == LADDER
    assert not any(step.policies for step in steps)
