"""Drafts of the time limits: every field checked, every change recorded as old and new codes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from complaints.clocks import drafting
from complaints.clocks.drafting import FieldRefused, LimitData, PolicyData, StepData
from complaints.models import ClockLimit, ClockPolicy, LadderStep
from config.kernel import journal, rule_kinds, rulesets
from config.kernel.models import RuleSet
from config.kernel.rulesets import RulesRefused
from tests.factories.complaints import AT

RESOLVE = LimitData("resolve", 2, "working_days", "bank")
LOOP = LimitData("loop", 72 * 60, "elapsed_minutes")
DATA = PolicyData("Card complaint", "信用卡投诉", types=["CMP"], severities=[2], limits=[RESOLVE])
STEP = StepData(["handler"], percent=50)
BREACH = StepData(["supervisor"], percent=100, breach=True)


@pytest.fixture
def draft(shared_house):
    return rule_kinds.begin("clock_policies", actor=shared_house.actor("supervisor"), at=AT)


@pytest.fixture
def by(shared_house):
    return {"actor": shared_house.actor("supervisor"), "at": AT, "expected": None}


def put(draft, by, data=DATA, code=None, **changes):
    return drafting.put_policy(draft, replace(data, **changes), code=code, **by)


def refused(act, *arguments, **changes):
    with pytest.raises(FieldRefused) as failed:
        act(*arguments, **changes)
    return failed.value


def last_facts(draft):
    return journal.facts_of(list(journal.entries(draft.stream))[-1])


def codes(draft):
    rows = ClockPolicy.objects.filter(rule_set=draft).order_by("order")
    return list(rows.values_list("code", flat=True))


def test_a_new_policy_stands_last_and_gets_a_free_code(draft, by):
    put(draft, by)
    put(draft, by, code=None, name_en="Another")
    assert codes(draft)[-2:] == ["P1", "P2"]
    row = ClockPolicy.objects.get(rule_set=draft, code="P1")
    assert (row.name_zh, row.types, row.severities) == ("信用卡投诉", ["CMP"], [2])
    limit = row.limits.get()
    assert (limit.clock, limit.amount, limit.unit, limit.calendar) == (
        "resolve", 2, "working_days", "bank",
    )  # fmt: skip
    facts = last_facts(draft)
    assert (facts["row"], facts["changes"]["resolve.amount"]) == ("P2", [None, 2])


def test_a_change_is_recorded_as_old_and_new(draft, by):
    before = draft.version
    limits = [LimitData("resolve", 36 * 60, "elapsed_minutes"), LOOP]
    data = PolicyData(
        "Complaint, high", "投诉·重要", types=["CMP"], severities=[3], origin="S4-24, S4-28",
        limits=limits,
    )  # fmt: skip
    held = put(draft, by, data, code="CMP-3")
    assert held.version == before + 1
    facts = last_facts(draft)
    assert facts["row"] == "CMP-3"
    assert facts["changes"]["resolve.amount"] == [2880, 2160]
    assert facts["changes"]["accept.amount"] == [240, None]
    assert "loop.amount" not in facts["changes"]
    assert "name_en" not in facts["changes"]
    assert ClockLimit.objects.filter(policy__rule_set=draft, policy__code="CMP-3").count() == 2


def test_writing_what_stands_there_changes_nothing(draft, by):
    put(draft, by, code=None)
    version = RuleSet.objects.get(pk=draft.pk).version
    put(draft, by, code="P1")
    assert RuleSet.objects.get(pk=draft.pk).version == version


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name_zh": " "}, "name_zh", "both languages"),
        ({"name_en": "x" * 121}, "name_en", "120 characters"),
        ({"origin": "a\x00"}, "origin", "characters"),
        ({"types": ["CMP", "XYZ"]}, "types", "XYZ"),
        ({"severities": [5]}, "severities", "5"),
        ({"tiers": ["gold"]}, "tiers", "gold"),
        ({"channels": ["FAX"]}, "channels", "FAX"),
        ({"data": replace(DATA, code="cmp 2")}, "code", "capital letters"),
        ({"limits": []}, "limits", "at least one clock"),
        ({"limits": [RESOLVE, RESOLVE]}, "resolve.clock", "only once"),
    ],
)
def test_a_policy_is_refused_by_field_and_in_words(draft, by, changes, field, words):
    error = refused(put, draft, by, **changes)
    assert error.field == field
    assert words in error.words
    assert "P1" not in codes(draft)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"clock": "lunch"}, "clock", "lunch"),
        ({"unit": "moons"}, "unit", "moons"),
        ({"amount": 0}, "amount", "1 to 400"),
        ({"amount": 401}, "amount", "1 to 400"),
        ({"amount": 10**30}, "amount", "1 to 400"),
        ({"unit": "elapsed_minutes", "calendar": "", "amount": 400 * 1440 + 1}, "amount", "576000"),
        ({"calendar": ""}, "calendar", "needs a calendar"),
        ({"calendar": "moon"}, "calendar", "moon"),
        ({"unit": "elapsed_minutes"}, "calendar", "no calendar"),
        ({"unit": "working_minutes", "calendar": ""}, "calendar", "needs a calendar"),
        ({"extensions": [2, 5]}, "extensions", "longer than the limit"),
        ({"extensions": [9, 5]}, "extensions", "rise"),
        ({"extensions": [5, 500]}, "extensions", "400"),
        ({"unit": "working_minutes", "amount": 60, "extensions": [90]}, "extensions", "in days"),
        ({"unit": "working_minutes", "amount": 60, "risk_minutes": 60}, "risk_minutes", "shorter"),
        ({"risk_minutes": 2 * 1440}, "risk_minutes", "shorter"),
        ({"risk_percent": 100}, "risk_percent", "99"),
        ({"max_pause_days": 0}, "max_pause_days", "1 to 400"),
        ({"starts_on": "born_at"}, "starts_on", "born_at"),
        ({"starts_on": "resolved_at", "stops_on": "resolved_at"}, "stops_on", "does not stop"),
        ({"stands_in": ["assigned"]}, "stands_in", "Suspended"),
        ({"repeats": True}, "repeats", "progress"),
        ({"clock": "external"}, "clock", "referrals"),
        ({"clock": "review"}, "clock", "review"),
        ({"clock": "regulatory", "stands_in": ["suspended"]}, "stands_in", "from outside"),
        ({"clock": "regulatory", "starts_on": "accepted_at"}, "starts_on", "from receipt"),
        ({"clock": "regulatory", "stops_on": "resolved_at"}, "stops_on", "from receipt"),
    ],
)
def test_a_clock_is_refused_by_field_and_in_words(draft, by, changes, field, words):
    limit = replace(RESOLVE, **changes)
    error = refused(put, draft, by, limits=[limit])
    assert (f"{limit.clock}.{field}", True) in [(f, words in w) for f, w in error.problems]
    assert error.field.startswith(f"{limit.clock}.")


@pytest.mark.parametrize(
    "limit",
    [
        LimitData("resolve", 1, "working_minutes", "@department"),
        LimitData("progress", 1, "working_days", "bank", repeats=True),
        LimitData("regulatory", 15, "calendar_days", "bank", extensions=[30, 60]),
        LimitData("regulatory", 15, "calendar_days", stands_in=[], stops_on="notified_at"),
        LimitData("resolve", 400, "calendar_days", risk_minutes=120, risk_percent=25),
        LimitData("accept", 30, "elapsed_minutes", starts_on="registered_at", tracked_only=True),
        LimitData("sign", 2, "working_days", "bank", stands_in=["suspended"], max_pause_days=5),
    ],
)
def test_what_the_bank_really_sets_is_taken_and_kept(draft, by, limit):
    put(draft, by, limits=[limit])
    row = ClockLimit.objects.get(policy__rule_set=draft, policy__code="P1")
    for name in ("amount", "unit", "calendar", "repeats", "stands_in", "starts_on", "risk_minutes"):
        assert getattr(row, name) == getattr(limit, name)
    assert row.extensions == list(limit.extensions)


def test_a_policy_for_reviews_has_the_clocks_of_reviews_only(draft, by):
    review = LimitData("review", 20, "calendar_days")
    put(draft, by, types=["@review"], severities=[], limits=[review])
    error = refused(put, draft, by, types=["@review"], limits=[RESOLVE])
    assert error.field == "resolve.clock"


def test_a_referral_sets_its_lead_in_working_days(draft, by):
    put(draft, by, overlay=True, limits=[LimitData("external", 2, "working_days", "bank")])
    error = refused(
        put, draft, by, overlay=True, limits=[LimitData("external", 2, "calendar_days")]
    )
    assert error.field == "external.unit"


def test_all_problems_are_told_at_once(draft, by):
    error = refused(put, draft, by, name_en="", limits=[replace(RESOLVE, amount=0, calendar="")])
    assert [name for name, _words in error.problems] == [
        "name_en", "resolve.amount", "resolve.calendar",
    ]  # fmt: skip


def test_a_code_is_used_once_and_never_changes(draft, by):
    assert refused(put, draft, by, code=None, name_en="x", data=replace(DATA, code="CMP-2"))
    error = refused(put, draft, by, data=replace(DATA, code="OTHER"), code="CMP-2")
    assert error.field == "code"


def test_a_policy_that_is_gone_is_named_so(draft, by):
    with pytest.raises(RulesRefused, match="not in the draft"):
        put(draft, by, code="NOTHING")
    with pytest.raises(RulesRefused, match="not in the draft"):
        drafting.drop_policy(draft, "NOTHING", **by)


@pytest.mark.parametrize(("to", "place"), [(1, 0), (3, 2), (99, -1), (0, 0), (-(10**20), 0)])
def test_moving_puts_a_policy_at_its_place_and_records_it(draft, by, to, place):
    before = codes(draft)
    drafting.move_policy(draft, "CMP-2", to, **by)
    after = codes(draft)
    assert after[place] == "CMP-2"
    assert sorted(after) == sorted(before)
    assert last_facts(draft)["changes"] == {
        "place": [before.index("CMP-2") + 1, after.index("CMP-2") + 1]
    }


def test_moving_to_the_same_place_is_no_change(draft, by):
    drafting.move_policy(draft, "CMP-4", 1, **by)
    assert [e.action for e in journal.entries(draft.stream)] == ["rules.drafted"]


def test_a_dropped_policy_leaves_no_step_that_names_it(draft, by):
    steps = [STEP, BREACH, replace(STEP, percent=70, policies=["CMP-1"]),
             replace(STEP, percent=90, policies=["CMP-1", "CMP-2"])]  # fmt: skip
    drafting.put_ladder(draft, steps, **by)
    drafting.drop_policy(draft, "CMP-1", **by)
    assert "CMP-1" not in codes(draft)
    named = LadderStep.objects.filter(rule_set=draft).values_list("percent", "policies")
    assert dict(named) == {50: [], 100: [], 90: ["CMP-2"]}
    facts = last_facts(draft)
    assert facts["changes"]["resolve.amount"] == [3, None]
    assert "steps" in facts["changes"]


def test_the_ladder_is_written_whole_with_levels_that_never_meet(draft, by):
    steps = [STEP, BREACH, replace(STEP, clocks=["resolve"], percent=None, minutes_before=120),
             replace(BREACH, clocks=["regulatory"])]  # fmt: skip
    before = LadderStep.objects.filter(rule_set=draft).count()
    drafting.put_ladder(draft, steps, **by)
    rows = LadderStep.objects.filter(rule_set=draft).order_by("order")
    assert [(row.level, row.clocks) for row in rows] == [
        (1, []), (2, []), (3, ["resolve"]), (1, ["regulatory"]),
    ]  # fmt: skip
    assert [len(part) for part in last_facts(draft)["changes"]["steps"]] == [before, 4]
    version = RuleSet.objects.get(pk=draft.pk).version
    drafting.put_ladder(draft, steps, **by)
    assert RuleSet.objects.get(pk=draft.pk).version == version


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"percent": None}, "2.moment"),
        ({"days_before": 3}, "2.moment"),
        ({"percent": 0}, "2.percent"),
        ({"percent": None, "minutes_after": 10**12}, "2.minutes_after"),
        ({"percent": None, "days_before": -1}, "2.days_before"),
        ({"audience": []}, "2.audience"),
        ({"audience": ["everybody"]}, "2.audience"),
        ({"channels": ["pigeon"]}, "2.channels"),
        ({"clocks": ["lunch"]}, "2.clocks"),
        ({"policies": ["GONE"]}, "2.policies"),
        ({"min_severity": 9}, "2.min_severity"),
        ({"percent": 80, "breach": True}, "2.breach"),
    ],
)
def test_a_step_is_refused_by_place_and_field(draft, by, changes, field):
    before = LadderStep.objects.filter(rule_set=draft).count()
    steps = [BREACH, replace(STEP, **changes)]
    error = refused(drafting.put_ladder, draft, steps, **by)
    assert error.field == field
    assert LadderStep.objects.filter(rule_set=draft).count() == before


def test_settings_change_one_by_one(draft, by):
    drafting.put_settings(draft, {"risk_percent": 30, "warn_minute": 540}, **by)
    kept = RuleSet.objects.get(pk=draft.pk).settings
    assert (kept["risk_percent"], kept["risk_minutes"], kept["calendar"]) == (30, 120, "bank")
    assert last_facts(draft)["changes"] == {"risk_percent": [25, 30]}


@pytest.mark.parametrize(
    "values",
    [
        {"risk_percent": 100},
        {"risk_minutes": 0},
        {"warn_minute": 1440},
        {"calendar": "moon"},
        {"calendar": "@department"},
        {"complaint_office": "NOBODY"},
        {"max_pause_days": "many"},
        {"colour": "red"},
    ],
)
def test_settings_that_make_no_sense_are_refused(draft, by, values):
    assert refused(drafting.put_settings, draft, values, **by).field == next(iter(values))


def test_the_slower_of_two_is_told_and_changes_nothing(draft, by):
    put(draft, by)
    with pytest.raises(RulesRefused) as stale:
        put(draft, by | {"expected": 1}, name_en="Late")
    assert stale.value.code == "stale"
    assert codes(draft).count("P1") == 1
    assert "P2" not in codes(draft)


def test_what_is_in_force_is_never_touched_and_new_cases_get_the_published_draft(draft, by):
    published = rulesets.published("clock_policies", AT)
    before = list(
        ClockLimit.objects.filter(policy__rule_set=published).order_by("pk").values_list("amount")
    )
    put(draft, by, code="CMP-2", data=replace(
        DATA, types=["CMP"], tiers=["ordinary"],
        limits=[RESOLVE, LOOP, LimitData("regulatory", 15, "calendar_days")],
    ))  # fmt: skip
    after = ClockLimit.objects.filter(policy__rule_set=published).order_by("pk")
    assert list(after.values_list("amount")) == before
    later = AT + timedelta(minutes=1)
    rule_kinds.publish(
        draft, reason="Board", valid_from=None, actor=by["actor"], at=later, expected=None
    )
    assert rulesets.published("clock_policies", later).pk == draft.pk
