"""Where cases go: first rule wins, people present and free of interest, reason kept."""

from datetime import timedelta

import pytest

from complaints import routing
from complaints.models import Case, CaseExclusion, RoutingRule
from config.kernel import rulesets
from config.kernel.models import RuleSet
from config.shared.actors import SYSTEM
from staff.models import Absence, Department
from tests.complaints.clock_house import LONG_AGO, build, case, local, term, unit
from tests.factories.staff import AccountFactory, PersonFactory

pytestmark = pytest.mark.django_db
AT = local("2026-03-04 10:00")


@pytest.fixture(autouse=True)
def house():
    build()
    for code in ("CMPT", "CARD", "LOAN", "LAW", "RETAIL"):
        unit(code)
    unit("NJ01", kind="branch")


def worker(code: str, role="handler"):
    person = PersonFactory.create(department=unit(code))
    return AccountFactory.create(roles=[role], person=person).person


def line(code="B-CC", owner="CARD"):
    return term("business_line", code, owner=owner)


def rule(strategy: str, department="CARD", **fields) -> RuleSet:
    """Publish one single rule."""
    draft = rulesets.new_version("routing", titles=("R", "R"), actor=SYSTEM, at=LONG_AGO)
    RoutingRule.objects.create(
        rule_set=draft, code="ONE", name_en="One", name_zh="一", department=department,
        strategy=strategy, **fields,
    )  # fmt: skip
    begins = AT - timedelta(days=1)
    return rulesets.publish(draft, valid_from=begins, reason="", actor=SYSTEM, at=AT)


def send(**given):
    row = case(AT, **given)
    [routed] = routing.assign([row], at=AT)
    return routed


@pytest.mark.parametrize(
    ("given", "code", "department"),
    [
        ({"kind": "TIP"}, "TIP", "LAW"),
        ({"media_risk": True, "line": "B-CC"}, "MEDIA", "CMPT"),
        ({"kind": "PET"}, "PETITION", "CMPT"),
        ({"kind": "PRS", "branch": "NJ01"}, "PRAISE", "NJ01"),
        ({"line": "B-CC"}, "LINE", "CARD"),
        ({"line": "B-BR", "branch": "NJ01"}, "BRANCH-SERVICE", "NJ01"),
        ({"branch": "NJ01"}, "BRANCH", "NJ01"),
        ({"line": "B-BR"}, "FALLBACK", "CMPT"),
        ({}, "FALLBACK", "CMPT"),
    ],
)
def test_the_default_rules(given, code, department):
    owners = {"B-CC": "CARD", "B-BR": "BRANCH"}
    wanted = dict(given)
    if name := wanted.pop("line", ""):
        wanted["business_line"] = line(name, owners[name])
    if name := wanted.pop("branch", ""):
        wanted["branch"] = unit(name)
    routed = send(**wanted)
    assert (routed.rule.code, routed.department.code) == (code, department)
    assert routed.case.department.code == department
    assert routed.case.routing_reason["rule"] == code


def test_a_second_level_line_goes_to_the_owner_of_its_parent():
    child = term("business_line", "B-CC-09")
    child.parent, child.flags = line(), {}
    child.save()
    assert send(business_line=child).department.code == "CARD"


def test_a_rule_is_named_by_its_place_in_the_list_not_by_its_stored_order():
    reason = routing.assign([case(AT, business_line=line())], at=AT)[0].why
    rules = RoutingRule.objects.filter(rule_set=reason["rule_set"]).order_by("order", "id")
    place = list(rules.values_list("code", flat=True)).index(reason["rule"]) + 1
    assert place != reason["order"]
    assert routing.sentence(reason).startswith(f"Rule {place} of version")


def test_assigning_writes_nothing():
    row = case(AT, business_line=line())
    routing.assign([row], at=AT)
    assert Case.objects.get(pk=row.pk).routing_reason == {}


def test_the_least_loaded_present_handler_gets_it_and_the_batch_counts():
    busy, free = worker("CARD"), worker("CARD")
    for _n in range(2):
        case(AT, handler=busy)
    case(AT, handler=free, status="closed", closed_at=AT)
    rows = [case(AT, business_line=line()) for _n in range(3)]
    handlers = [routed.handler for routed in routing.assign(rows, at=AT)]
    assert handlers[:2] == [free, free]
    assert handlers[2] in {busy, free}
    assert rows[0].routing_reason["strategy"] == "least_loaded"


def test_absent_and_recused_people_are_skipped_and_named():
    away, named, left = worker("CARD"), worker("CARD"), worker("CARD")
    Absence.objects.create(person=away, start_at=AT - timedelta(1), end_at=AT + timedelta(1))
    row = case(AT, business_line=line())
    CaseExclusion.objects.create(case=row, person=named, reason="named", at=AT)
    [routed] = routing.assign([row], at=AT)
    assert routed.handler == left
    assert routed.why["skipped"] == [[away.pk, "away"], [named.pk, "recused"]]
    assert "recused (1)" in routing.explain(routed.case).why


def test_an_unsaved_case_brings_its_own_recusals():
    named, other = worker("CARD"), worker("CARD")
    row = case(AT, business_line=line())
    row.pk = None
    [routed] = routing.assign([row], at=AT, out=[{named.pk}])
    assert routed.handler == other


def test_when_the_head_is_named_the_superior_unit_handles_it():
    head = worker("NJ01", "branch_head")
    Department.objects.filter(code="NJ01").update(head=head, superior=unit("RETAIL"))
    row = case(AT, branch=Department.objects.get(code="NJ01"))
    CaseExclusion.objects.create(case=row, person=head, reason="named", at=AT)
    [routed] = routing.assign([row], at=AT)
    assert (routed.department.code, routed.why["superior"]) == ("RETAIL", True)


def test_nobody_there_leaves_it_to_the_department():
    routed = send(business_line=line())
    assert (routed.department.code, routed.handler) == ("CARD", None)
    assert "the department decides" in routing.explain(routed.case).why


def test_a_named_person_gets_it_unless_away():
    person = worker("CARD")
    rule("person", person=person)
    assert send().handler == person
    Absence.objects.create(person=person, start_at=AT, end_at=AT + timedelta(1))
    assert send().handler is None


def test_the_customers_own_manager():
    rm = PersonFactory.create(department=unit("NJ01"))
    rule("customer_rm", department="NJ01")
    assert send(rm=rm).handler == rm


def test_a_repeat_returns_to_its_last_handler_while_there():
    mine, other = worker("CARD"), worker("CARD")
    first = case(AT, handler=mine)
    routed = send(repeat_of=first, business_line=line())
    assert (routed.rule.code, routed.handler) == ("REPEAT", mine)
    Absence.objects.create(person=mine, start_at=AT, end_at=AT + timedelta(1))
    assert send(repeat_of=first, business_line=line()).handler == other


def test_taking_turns():
    one, two = worker("CARD"), worker("CARD")
    rule("round_robin")
    rows = [case(AT) for _n in range(4)]
    got = [routed.handler for routed in routing.assign(rows, at=AT)]
    assert got in ([one, two, one, two], [two, one, two, one])


def test_a_restricted_case_names_no_handler():
    worker("CARD")
    rule("least_loaded")
    assert send(restricted=True).handler is None


@pytest.mark.parametrize(
    ("conditions", "given", "matches"),
    [
        ({"types": ["CMP"], "severities": [3, 4]}, {"severity": 3}, True),
        ({"types": ["CMP"], "severities": [3, 4]}, {"severity": 2}, False),
        ({"tiers": ["ordinary"]}, {"tier_at_receipt": ""}, True),
        ({"intake_channels": ["TEL"]}, {"channel": "LTR"}, False),
        ({"products": ["信用卡"]}, {"product": "信用卡分期"}, True),
        ({"products": ["信用卡"]}, {"product": ""}, False),
        ({"colour": ["red"]}, {}, False),
        ({"types": []}, {}, True),
    ],
)
def test_conditions_are_joined_and_an_unknown_one_never_holds(conditions, given, matches):
    rule("nobody", conditions=conditions)
    routed = send(**given)
    assert (routed.rule is not None) is matches


def test_trace_names_the_condition_that_failed():
    rules = list(RoutingRule.objects.order_by("order"))
    seen = list(routing.trace(case(AT, kind="PET"), rules))
    assert [(t.rule.code, t.matched, t.failed) for t in seen] == [
        ("TIP", False, "types"), ("MEDIA-WATCH", False, "media_risk"),
        ("MEDIA", False, "media_risk"), ("PETITION", True, ""),
    ]  # fmt: skip


def test_replay_lists_what_a_draft_would_change():
    stays, moves = (
        case(AT, business_line=line(), department=unit("CARD")),
        case(AT, business_line=line("B-LN", "LOAN"), department=unit("LOAN")),
    )
    base = rulesets.published("routing", AT)
    draft = rulesets.new_version("routing", based_on=base, actor=SYSTEM, at=AT)
    RoutingRule.objects.create(
        rule_set=draft, order=1, code="LOANS", name_en="x", name_zh="x", department="CARD",
        conditions={"business_lines": ["B-LN"]},
    )  # fmt: skip
    changes = routing.replay(draft, [stays, moves], at=AT)
    assert [(c.case, c.before, c.after, c.rule) for c in changes] == [
        (moves, "LOAN", "CARD", "LOANS")
    ]


def test_explain_reads_the_stored_reason():
    worker("CARD")
    routed = send(business_line=line())
    told = routing.explain(routed.case)
    assert told.rule == "The owner of the business line"
    assert "department CARD" in told.why
    assert "Least loaded" in told.why
    assert routing.explain(case(AT)).rule == ""


def test_the_cost_does_not_follow_the_cases(django_assert_max_num_queries):
    worker("CARD")
    rows = [case(AT, business_line=line()) for _n in range(25)]
    with django_assert_max_num_queries(9):
        routing.assign(rows, at=AT)


def test_without_published_rules_nothing_is_changed():
    RuleSet.objects.filter(kind="routing").update(state="retired")
    routed = send(business_line=line())
    assert (routed.rule, routed.department, routed.case.routing_reason) == (None, None, {})
