"""Routing at the door of the bank: what rules add, recusal, moves; drafts of rules and checks."""

import pytest

from complaints import routing
from complaints.defaults import rules as defaults
from complaints.models import (
    CaseClock,
    CaseExclusion,
    CaseGrant,
    CaseTag,
    HandOver,
    RoutingRule,
)
from complaints.routing import checking, drafting
from config.kernel import rule_kinds, rulesets
from config.kernel.models import JournalEntry, Notice
from config.kernel.rulesets import RulesRefused
from config.shared.actors import SYSTEM
from staff.models import Department, RoleGrant
from tests.complaints.clock_house import unit
from tests.complaints.routing_house import AT, DAY, rule_set, worker
from tests.factories.complaints import do, in_state, open_case
from tests.factories.customers import CustomerFactory
from tests.factories.staff import PersonFactory

pytestmark = pytest.mark.django_db


# --- What rules add --------------------------------------------------------------------------


def test_media_risk_is_high_before_clocks_start_and_brand_watches(shared_house):
    brand = unit("BRAND")
    head = worker("BRAND")
    Department.objects.filter(pk=brand.pk).update(head=head)
    case_ = open_case(shared_house, media_risk=True, severity=1)
    clock = CaseClock.objects.get(case=case_, name="resolve")
    assert (case_.severity, case_.policy_reason["why"]["severity"]) == (3, 3)
    assert clock.unit == "elapsed_minutes"
    assert not case_.regulatory_major
    grant = CaseGrant.objects.get(case=case_)
    assert (grant.person_id, grant.watcher, grant.why) == (head.pk, True, "rule")
    assert CaseTag.objects.get(case=case_).term.code == "MEDIA"
    assert Notice.objects.get(person_id=head.pk).kind == "case.watched_by_rule"
    rule = RoutingRule.objects.get(code="MEDIA")
    assert HandOver.objects.get(case=case_).rule_id == rule.pk
    assert routing.hits(AT - 400 * DAY, AT + 400 * DAY)["MEDIA-WATCH"] >= 1


def test_what_a_rule_raised_is_recorded_with_its_name(shared_house):
    base = rulesets.published("routing", AT)
    new = rulesets.new_version("routing", based_on=base, actor=SYSTEM, at=AT)
    RoutingRule.objects.create(
        rule_set=new, order=1, code="OLD", name_en="Elderly first", name_zh="老年", goes_on=True,
        conditions={"vulnerable": [True]}, severity_floor=4, tags=["ELDERLY", "NO-SUCH"],
    )  # fmt: skip
    rulesets.publish(new, reason="x", actor=SYSTEM, at=AT)
    customer = CustomerFactory.create(vulnerable=True)
    opened = open_case(shared_house, customer=customer, severity=2)
    entries = JournalEntry.objects.filter(stream=f"case:{opened.pk}").order_by("seq")
    actions = [entry.action for entry in entries]
    assert {"case.rule_raised", "case.rule_added"} <= set(actions)
    assert actions.index("case.rule_raised") < actions.index("clock.started")
    assert opened.severity == 4
    assert [row.term.code for row in CaseTag.objects.filter(case=opened)] == ["ELDERLY"]
    assert "Elderly first" in str(routing.explain(opened).added)


# --- Recusal (§4.8) --------------------------------------------------------------------------


def test_at_the_door_named_people_their_reports_and_a_named_heads_branch_stay_out(shared_house):
    top = unit("SH", kind="branch", superior=shared_house.units["RETAIL"])
    head, mate = worker("SH", "branch_head"), worker("SH")
    Department.objects.filter(pk=top.pk).update(head=head)
    branch = Department.objects.get(pk=top.pk)
    given = {"type": "CMP", "business_line": "B-BR", "branch": branch}
    boss = worker("SH")
    RoleGrant.objects.filter(account__person=mate).update(department=branch)
    type(mate).objects.filter(pk=mate.pk).update(reports_to=boss)
    stays = open_case(shared_house, named_ids=(boss.pk,), **given)
    assert stays.department == branch
    assert stays.handler_id not in {boss.pk, mate.pk}
    out = set(CaseExclusion.objects.filter(case=stays).values_list("person_id", flat=True))
    assert out == {boss.pk, mate.pk}
    moves = open_case(shared_house, named_ids=(head.pk,), **given)
    assert moves.department.code == "RETAIL"
    out = set(CaseExclusion.objects.filter(case=moves).values_list("person_id", flat=True))
    assert {head.pk, mate.pk, boss.pk} <= out


# --- Back and forth --------------------------------------------------------------------------


def test_the_third_move_between_two_departments_is_told_once(shared_house):
    moved = in_state(shared_house, "assigned")  # CARD
    for turn in range(3):
        moved = do(shared_house, moved, "return", by="depthead")
        told = Notice.objects.filter(kind="case.third_move", about=moved.about)
        assert told.count() == (1 if turn else 0), turn
        if turn < 2:
            moved = do(shared_house, moved, "assign")
    entries = JournalEntry.objects.filter(stream=f"case:{moved.pk}", action="case.third_move")
    assert entries.count() == 1
    assert told.get().person_id == shared_house.pk("supervisor")
    assert moved.return_count == 3


def test_a_refusal_gives_the_time_back_to_the_officers_department(shared_house):
    refused = in_state(shared_house, "returned")
    stretches = HandOver.objects.filter(case=refused).order_by("pk")
    assert [s.department.code for s in stretches][-2:] == ["CARD", "CMPT"]
    ended, running = list(stretches)[-2:]
    assert (ended.ended_by, running.to_at) == ("return", None)
    assert running.handler_id == shared_house.pk("officer")
    assert running.rule_id is None


def test_an_answer_sent_back_leaves_the_time_with_the_department_and_is_counted(shared_house):
    back = in_state(shared_house, "sent_back")
    running = HandOver.objects.get(case=back, to_at__isnull=True)
    assert (running.department.code, running.handler_id) == ("CARD", shared_house.pk("handler"))
    assert back.return_count == 1


# --- On the case -----------------------------------------------------------------------------


def test_the_case_tells_why_earlier_rules_did_not_decide_and_what_rules_added(client, shared_house):
    head = worker("BRAND")
    unit("BRAND")
    Department.objects.filter(code="BRAND").update(head=head)
    opened = open_case(shared_house, media_risk=True)
    account = shared_house.accounts["officer"]
    client.force_login(account, backend="staff.accounts.AccountBackend")
    text = client.get(f"/cases/{opened.number}/parts/routing/").content.decode()
    assert "Reports against a person go to legal" in text
    assert "wanted: type is Report against a person; it was: Complaint" in text
    assert f"watched by {head.label}" in text


# --- Checks ----------------------------------------------------------------------------------


def found(rules, code):
    return {f.row: f for f in checking.check(rules) if f.code == code}


@pytest.fixture
def bank_(shared_house):
    head = worker("BRAND")
    Department.objects.filter(code="BRAND").update(head=head)
    return shared_house


FALLBACK = {"code": "ALL", "department": "CMPT"}


def test_the_default_rules_are_sound(bank_):
    assert checking.check(rulesets.published("routing", AT)) == []


@pytest.mark.parametrize(
    ("above", "below", "reached"),
    [
        ({"types": ["CMP", "SUG"]}, {"types": ["CMP"]}, False),
        ({"types": ["CMP"]}, {"types": ["CMP", "SUG"]}, True),
        ({"business_lines": ["B-CC"]}, {"business_lines": ["B-CC-02"]}, False),
        ({"business_lines": ["B-CC-02"]}, {"business_lines": ["B-CC"]}, True),
        ({"severities": [1, 2, 3, 4]}, {}, False),
        ({"severities": [1, 2, 3]}, {}, True),
        ({"amount_from": 100}, {"amount_from": 200, "amount_to": 300}, False),
        ({"amount_from": 100}, {"amount_from": 99}, True),
        ({"amount_to": 100}, {"types": ["CMP"]}, True),
        ({"keywords_any": ["Fee", "x"]}, {"keywords_any": ["fee"]}, False),
        ({"keywords_any": ["fee"]}, {"keywords_all": ["fee", "late"]}, False),
        ({"keywords_any": ["fee"]}, {"keywords_any": ["fee", "late"]}, True),
        ({"keywords_all": ["fee", "late"]}, {"keywords_any": ["fee"]}, True),
        ({"products": ["Gold"]}, {"products": ["Gold card"]}, False),
        ({"media_risk": [True]}, {"media_risk": [True], "repeat": [True]}, False),
    ],
)
def test_unreachable_rules_are_found_exactly(bank_, above, below, reached):
    rules = rule_set({"conditions": above}, {"conditions": below}, FALLBACK, publish=False)
    assert ("R2" not in found(rules, "unreachable")) is reached


def test_several_rules_together_can_hide_one(bank_):
    rules = rule_set(
        {"conditions": {"media_risk": [True]}},
        {"conditions": {"media_risk": [False], "severities": [1, 2]}},
        {"conditions": {"media_risk": [False], "severities": [3, 4]}},
        {"conditions": {"types": ["CMP"]}, "code": "HIDDEN"},
        FALLBACK,
        publish=False,
    )
    hidden = found(rules, "unreachable")
    assert set(hidden) == {"HIDDEN", "ALL"}
    assert "Rule 1, Rule 2, Rule 3" in hidden["HIDDEN"].words


def test_a_rule_without_a_sure_unit_hides_nothing(bank_):
    rules = rule_set(
        {"department": "@branch"}, {"department": "@registrar"}, FALLBACK, publish=False
    )
    assert found(rules, "unreachable") == {}
    assert found(rules, "no_catch_all") == {}


def test_a_floor_can_put_a_rule_out_of_reach(bank_):
    floor = {"goes_on": True, "severity_floor": 3, "conditions": {"media_risk": [True]}}
    low = {"conditions": {"media_risk": [True], "severities": [1, 2]}}
    assert set(found(rule_set(floor, low, FALLBACK, publish=False), "unreachable")) == {"R2"}
    above = {"conditions": {"severities": [3]}}
    same = {"conditions": {"severities": [3], "types": ["CMP"]}}
    sure = rule_set(above, same, FALLBACK, publish=False)
    assert set(found(sure, "unreachable")) == {"R2"}
    unsure = rule_set(above, floor, same, FALLBACK, publish=False)  # raised below the first
    assert found(unsure, "unreachable") == {}


def test_what_cannot_be_carried_out_is_said(bank_):
    gone = PersonFactory.create(active=False)
    unit("SHUT", active=False)
    rules = rule_set(
        {"department": "SHUT"},
        {"strategy": "person", "person": gone},
        {"conditions": {"types": ["NO-SUCH"], "colour": ["red"]}},
        {"conditions": {"types": ["CMP"]}, "watchers": ["SHUT"], "goes_on": True},
        {"goes_on": True},
        publish=False,
    )
    findings = checking.check(rules)
    seen = {(f.level, f.code, f.row) for f in findings}
    assert seen >= {
        ("error", "department", "R1"), ("error", "person", "R2"), ("error", "unknown", "R3"),
        ("warning", "unreachable", "R3"), ("warning", "watcher", "R4"), ("warning", "idle", "R5"),
    }  # fmt: skip
    assert ("error", "no_catch_all", "") not in seen  # R2 takes every case
    assert found(rule_set({"department": "SHUT"}, publish=False), "no_catch_all")


def test_a_rule_against_the_duty_table_is_flagged(bank_):
    defaults.load_duties(SYSTEM, AT)
    assert checking.check(rulesets.published("routing", AT)) == []
    wrong = {"conditions": {"business_lines": ["B-CC"]}, "department": "LOAN"}
    flag = found(rule_set(wrong, FALLBACK, publish=False), "contradicts_duties")["R1"]
    assert flag.other == "*/B-CC"
    assert "LOAN" in flag.words
    narrow = {"conditions": {"business_lines": ["B-CC"], "media_risk": [True]}, "department": "LAW"}
    right = {"department": "@line"}
    assert "R1" not in found(rule_set(narrow, right, FALLBACK, publish=False), "contradicts_duties")


# --- Drafts ----------------------------------------------------------------------------------


def edit(verb, rules, *args, expected=None, **more):
    return verb(rules, *args, actor=SYSTEM, at=AT, expected=expected, **more)


def data(**given):
    values = {"name_en": "New", "name_zh": "新", "department": "CARD"} | given
    return drafting.RuleData(**values)


def codes(rules):
    rows = RoutingRule.objects.filter(rule_set=rules).order_by("order")
    return list(rows.values_list("code", flat=True))


def test_rules_are_added_changed_moved_and_dropped(bank_):
    rules = rule_kinds.begin("routing", actor=SYSTEM, at=AT)
    first = codes(rules)
    seen = rules.version
    edit(drafting.put_rule, rules, data(conditions={"types": ["CMP"]}), code=None)
    new = codes(rules)[-1]
    assert rules.version == seen + 1
    edit(drafting.move_rule, rules, new, 1)
    assert codes(rules) == [new, *first]
    edit(drafting.move_rule, rules, new, 999)
    assert codes(rules) == [*first, new]
    edit(drafting.put_rule, rules, data(department="LOAN"), code=new)
    row = RoutingRule.objects.get(rule_set=rules, code=new)
    assert (row.department, row.conditions) == ("LOAN", {})
    edit(drafting.drop_rule, rules, new)
    assert codes(rules) == first
    entries = JournalEntry.objects.filter(stream=f"rules:{rules.pk}", action="rules.edited")
    assert entries.count() == 5


def test_a_stale_or_lost_draft_is_refused(bank_):
    rules = rule_kinds.begin("routing", actor=SYSTEM, at=AT)
    with pytest.raises(RulesRefused, match="changed this version"):
        edit(drafting.put_rule, rules, data(), code=None, expected=rules.version - 1)
    with pytest.raises(RulesRefused):
        edit(drafting.drop_rule, rules, "NO-SUCH")
    with pytest.raises(RulesRefused):
        edit(drafting.move_rule, rulesets.published("routing", AT), "TIP", 3)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name_en", {"name_en": " "}),
        ("name_zh", {"name_zh": "字" * 161}),
        ("department", {"department": ""}),
        ("department", {"department": "NO-SUCH"}),
        ("department", {"goes_on": True}),
        ("strategy", {"strategy": "lottery"}),
        ("person", {"strategy": "person"}),
        ("severity_floor", {"severity_floor": 5}),
        ("watchers", {"watchers": ["NO-SUCH"]}),
        ("watchers", {"watchers": ["staff:NO-SUCH"]}),
        ("tags", {"tags": ["NO-SUCH"]}),
        ("requires", {"requires": "NO-SUCH"}),
        ("conditions", {"conditions": {"colour": ["red"]}}),
        ("types", {"conditions": {"types": ["NO-SUCH"]}}),
        ("severities", {"conditions": {"severities": [9]}}),
        ("media_risk", {"conditions": {"media_risk": ["yes"]}}),
        ("amount_from", {"conditions": {"amount_from": "NaN"}}),
        ("amount_from", {"conditions": {"amount_from": -1}}),
        ("amount_to", {"conditions": {"amount_from": 2, "amount_to": 1}}),
        ("branches", {"conditions": {"branches": ["NO-SUCH"]}}),
        ("keywords_any", {"conditions": {"keywords_any": ["x" * 61]}}),
        ("keywords_any", {"conditions": {"keywords_any": [["nested"]]}}),
    ],
)
def test_a_field_that_cannot_be_kept_is_named(bank_, field, given):
    rules = rule_kinds.begin("routing", actor=SYSTEM, at=AT)
    before = codes(rules)
    with pytest.raises(drafting.FieldRefused) as refused:
        edit(drafting.put_rule, rules, data(**given), code=None)
    assert refused.value.field == field
    assert str(refused.value)
    assert codes(rules) == before


def test_publishing_is_refused_while_the_check_finds_an_error(bank_):
    rules = rule_kinds.begin("routing", actor=SYSTEM, at=AT)
    edit(drafting.drop_rule, rules, "FALLBACK")
    with pytest.raises(RulesRefused, match="go nowhere"):
        rule_kinds.publish(rules, reason="x", valid_from=None, actor=SYSTEM, at=AT, expected=None)
    edit(drafting.put_rule, rules, data(department="CMPT"), code=None)
    done = rule_kinds.publish(
        rules, reason="x", valid_from=None, actor=SYSTEM, at=AT, expected=None
    )
    assert done.state == "published"
