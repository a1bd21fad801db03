"""Checks of the time limits; what catches what is held against brute force over every case."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from complaints.choices import Severity
from complaints.clocks import checking, drafting
from complaints.clocks.checking import Space
from complaints.clocks.drafting import LimitData, PolicyData, StepData
from complaints.clocks.rules import OWN_LADDER, fits
from complaints.models import ClockLimit, ClockPolicy
from config.kernel import rule_kinds
from config.kernel.models import RuleSet, Term
from config.kernel.rulesets import RulesRefused
from customers.models.customer import Tier
from staff.models import Department
from tests.factories.complaints import AT

CLOCKS = [
    LimitData("resolve", 3, "working_days", "bank"),
    LimitData("loop", 72 * 60, "elapsed_minutes"),
    LimitData("regulatory", 15, "calendar_days", "bank", extensions=[30, 60]),
]
POLICY = PolicyData("One", "一", types=["CMP"], limits=CLOCKS)


@pytest.fixture
def draft(shared_house):
    return rule_kinds.begin("clock_policies", actor=shared_house.actor("supervisor"), at=AT)


@pytest.fixture
def by(shared_house):
    return {"actor": shared_house.actor("supervisor"), "at": AT, "expected": None}


def put(draft, by, code, place=None, **changes):
    data = replace(POLICY, code=code, name_en=f"Policy {code}", **changes)
    drafting.put_policy(draft, data, code=None, **by)
    if place:
        drafting.move_policy(draft, code, place, **by)


def found(draft, *codes):
    return [f for f in checking.check(draft) if not codes or f.code in codes]


def one(draft, code):
    (finding,) = found(draft, code)
    return finding


def test_the_starting_rules_have_no_error(draft):
    assert [f for f in found(draft) if f.level == "error"] == []


def test_a_row_behind_a_wider_one_is_unreachable_and_both_are_named(draft, by):
    put(draft, by, "WIDE", place=1, severities=[3, 4])
    findings = found(draft, "unreachable")
    assert {(f.row, f.other, f.level) for f in findings} == {
        ("CMP-4", "WIDE", "error"), ("CMP-3", "WIDE", "error"),
    }  # fmt: skip
    assert "“Complaint, critical” is never reached: “Policy WIDE”" in findings[0].words


def test_several_rows_together_make_a_later_one_unreachable(draft, by):
    put(draft, by, "TWO", severities=[2])
    finding = one(draft, "unreachable")
    assert finding.row == "TWO"
    for name in ("core or vulnerable customer", "key customer", "“Complaint, medium”"):
        assert name in finding.words


def test_a_row_for_types_that_are_no_longer_used_is_only_a_warning(draft, by):
    Term.objects.filter(taxonomy="feedback_type", code="PRS").update(active=False)
    finding = one(draft, "never")
    assert (finding.row, finding.level) == ("PRS", "warning")


def test_a_more_specific_row_that_loses_cases_to_an_earlier_one_is_named(draft, by):
    put(draft, by, "EMAIL", place=1, channels=["EML"])
    put(draft, by, "CORE", place=2, tiers=["core"], severities=[])
    finding = next(f for f in found(draft, "overlap") if f.row == "CORE")
    assert (finding.other, finding.level) == ("EMAIL", "warning")
    assert "“Policy CORE” is more specific than “Policy EMAIL”" in finding.words


def test_a_gap_is_shown_by_one_example_in_words(draft, by):
    drafting.drop_policy(draft, "CMP-2-KEY", **by)
    finding = one(draft, "no_catch_all")
    assert (finding.level, finding.row) == ("error", "")
    assert "Complaint, severity Medium, customer Key" in finding.words
    assert "vulnerable" not in finding.words


def test_a_complaint_without_the_clocks_it_must_have_is_an_error(draft, by):
    row = ClockPolicy.objects.get(rule_set=draft, code="CMP-2")
    ClockLimit.objects.filter(policy=row, clock__in=["loop", "regulatory"]).delete()
    finding = one(draft, "clock_missing")
    assert finding.row == "CMP-2"
    assert "Tell the customer, Regulatory limit" in finding.words


def test_a_catch_all_behind_every_complaint_needs_no_regulatory_clock(draft, by):
    put(draft, by, "REST", types=[], limits=[CLOCKS[0]])
    assert found(draft, "clock_missing") == []
    drafting.drop_policy(draft, "CMP-1", **by)
    assert one(draft, "clock_missing").row == "REST"


def test_a_calendar_nobody_published_is_an_error(draft, by, shared_house):
    rule_kinds.begin("calendar:night", actor=shared_house.actor("supervisor"), at=AT)
    limits = [replace(CLOCKS[0], calendar="night"), *CLOCKS[1:]]
    put(draft, by, "NIGHT", place=1, severities=[4], limits=limits)
    finding = one(draft, "calendar_missing")
    assert finding.row == "NIGHT"
    assert "“night”" in finding.words


def test_the_department_calendar_and_a_review_row_are_no_fault(draft, by):
    put(draft, by, "OWN", place=1, severities=[4],
        limits=[replace(CLOCKS[0], calendar="@department"), *CLOCKS[1:]])  # fmt: skip
    put(
        draft, by, "OBJECTION", types=["@review"], limits=[LimitData("review", 20, "calendar_days")]
    )
    assert {f.code for f in found(draft) if f.row in {"OWN", "OBJECTION"}} <= {"ladder_order"}


def test_a_complaint_office_that_is_no_unit_is_a_warning(draft, shared_house):
    Department.objects.filter(code="CMPT").update(active=False)
    assert one(draft, "office_missing").level == "warning"


def test_rules_without_a_policy_are_an_error(draft):
    ClockLimit.objects.filter(policy__rule_set=draft).delete()
    ClockPolicy.objects.filter(rule_set=draft).delete()
    assert one(draft, "empty").level == "error"


# --- The ladder ----------------------------------------------------------------------------

HANDLER = StepData(["handler"], percent=50)
BREACH = StepData(["supervisor"], percent=100, breach=True)


def climb(draft, by, *steps):
    drafting.put_ladder(draft, [*steps, replace(BREACH, clocks=sorted(OWN_LADDER))], **by)


def test_a_level_that_fires_before_a_lower_one_is_named(draft, by):
    climb(draft, by, HANDLER, StepData(["officer"], minutes_before=30), BREACH)
    rows = found(draft, "ladder_order")
    assert "CMP-4" in {f.row for f in rows}  # 30 minutes before 30 minutes is the very start
    finding = next(f for f in rows if f.row == "CMP-4")
    assert finding.level == "warning"
    assert "level 2 (30 minutes before) comes before level 1 (50%)" in finding.words


def test_a_ladder_in_order_has_no_finding(draft, by):
    together = StepData(["officer"], percent=100)
    climb(draft, by, HANDLER, together, BREACH, StepData(["complaint_head"], percent=120))
    assert found(draft, "ladder_order", "no_breach", "audience", "level_twice") == []


def test_a_clock_without_a_breach_step_is_an_error(draft, by):
    climb(draft, by, HANDLER, replace(BREACH, min_severity=3))
    rows = found(draft, "no_breach")
    assert {f.level for f in rows} == {"error"}
    assert "CMP-2" in {f.row for f in rows}
    assert "CMP-3" not in {f.row for f in rows}


def test_a_breach_for_one_policy_only_leaves_the_others_without(draft, by):
    climb(draft, by, replace(BREACH, policies=["CMP-4"]))
    assert "CMP-4" not in {f.row for f in found(draft, "no_breach")}
    assert "CMP-3" in {f.row for f in found(draft, "no_breach")}


def test_a_step_nobody_hears_and_a_level_twice_are_errors(draft, by):
    climb(draft, by, HANDLER, BREACH)
    draft.laddersteps.filter(percent=50).update(audience=[], level=2)
    assert one(draft, "audience").level == "error"
    assert {f.level for f in found(draft, "level_twice")} == {"error"}


def test_errors_block_publishing_with_the_words_of_the_first(draft, by):
    drafting.drop_policy(draft, "CMP-2-KEY", **by)
    with pytest.raises(RulesRefused, match="customer Key"):
        rule_kinds.publish(
            draft, reason="x", valid_from=None, actor=by["actor"], at=AT, expected=None
        )
    assert RuleSet.objects.get(pk=draft.pk).state == "draft"


def test_a_check_costs_a_fixed_number_of_queries(draft, by, django_assert_max_num_queries):
    for place in range(12):
        put(draft, by, f"X{place}", severities=[1], place=1)
    with django_assert_max_num_queries(16):
        checking.check(draft)


# --- Against brute force -------------------------------------------------------------------

TYPES, CHANNELS = ["CMP", "SUG", "PET"], ["TEL", "EML"]


def everything() -> Iterator[SimpleNamespace]:
    """Every case there can be, as `fits` reads it, in the order of the bits."""
    for kind, severity, tier, weak, channel in product(
        TYPES, Severity.values, Tier.values, (False, True), CHANNELS
    ):
        yield SimpleNamespace(
            type=SimpleNamespace(code=kind),
            severity=severity,
            tier_at_receipt=tier,
            vulnerable=weak,
            intake_channel=SimpleNamespace(code=channel),
        )


CASES = list(everything())


def subset(values):
    return st.lists(st.sampled_from(values), max_size=len(values), unique=True)


policies = st.lists(
    st.builds(
        ClockPolicy,
        types=subset(TYPES),
        severities=subset(list(Severity.values)),
        tiers=subset([*Tier.values, "vulnerable"]),
        channels=subset(CHANNELS),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=150)
@given(rows=policies)
def test_what_a_row_catches_and_gets_agrees_with_brute_force(rows):
    space = Space(TYPES, CHANNELS)
    assert space.size == len(CASES)
    for place, row in enumerate(rows):
        row.code = row.name_en = f"R{place}"
    shares = checking._shares(space, rows)
    won: dict[str, set[int]] = {row.code: set() for row in rows}
    lost = set()
    for bit, case in enumerate(CASES):
        winner = next((row for row in rows if fits(row, case)), None)
        (won[winner.code] if winner else lost).add(bit)
    for share in shares:
        caught = {bit for bit, case in enumerate(CASES) if fits(share.row, case)}
        assert caught == {bit for bit in range(space.size) if share.caught >> bit & 1}
        assert won[share.row.code] == {bit for bit in range(space.size) if share.own >> bit & 1}
    findings = list(checking._reach(shares))
    unreachable = {f.row for f in findings if f.code in {"unreachable", "never"}}
    assert unreachable == {code for code, cases in won.items() if not cases}
    for finding in findings:
        if finding.code == "overlap":
            mine = {b for b, c in enumerate(CASES) if fits(_row(rows, finding.row), c)}
            assert mine & won[finding.other]
            assert won[finding.row]
    left = space.whole & ~_union(shares)
    assert bool(left) == bool(lost)
    if left:
        example = space.example(left)
        case = CASES[min(lost)]
        assert (example.type, example.severity, example.tier) == (
            case.type.code, case.severity, case.tier_at_receipt,
        )  # fmt: skip
        assert (example.vulnerable, example.channel) == (
            case.vulnerable, case.intake_channel.code,
        )  # fmt: skip


def _row(rows, code):
    return next(row for row in rows if row.code == code)


def _union(shares):
    union = 0
    for share in shares:
        union |= share.caught
    return union
