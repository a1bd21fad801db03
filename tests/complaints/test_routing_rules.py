"""The wider rules: conditions, what rules add, who stands in, recusal, why."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import translation

from complaints import routing
from complaints.models import (
    Case,
    CaseExclusion,
    RoutingRule,
)
from complaints.routing import words
from config.kernel.models import RuleSet, Term
from staff.models import Absence, Department, Qualification
from tests.complaints.clock_house import build, case, term, unit
from tests.complaints.routing_house import AT, DAY, line, rule_set, send, worker
from tests.factories.staff import PersonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def small():
    """Units and published rules, no people."""
    build()
    for code in ("CMPT", "CARD", "LOAN", "LAW", "RETAIL", "BRAND"):
        unit(code)
    top = unit("NJ", kind="branch", city_en="Nanjing")
    below = unit("NJ01", kind="branch", parent=top, superior=top)
    Department.objects.filter(pk=below.pk).update(path=f"{top.path}{below.pk}/")
    unit("HZ", kind="branch", city_en="Hangzhou")


# --- Conditions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "given", "matches"),
    [
        ({"causes": ["A"]}, {"cause": "A1"}, True),
        ({"causes": ["A"]}, {"cause": "B1"}, False),
        ({"causes": ["A"]}, {}, False),
        ({"business_lines": ["B-CC"]}, {"line": "B-CC-02"}, True),
        ({"business_lines": ["B-CC-02"]}, {"line": "B-CC"}, False),
        ({"branches": ["NJ"]}, {"branch": "NJ01"}, True),
        ({"branches": ["NJ01"]}, {"branch": "NJ"}, False),
        ({"branches": ["NJ"]}, {"branch": "HZ"}, False),
        ({"regions": ["Nanjing"]}, {"branch": "NJ01"}, True),  # the city of the unit above
        ({"regions": ["Nanjing"]}, {"branch": "HZ"}, False),
        ({"regions": ["Nanjing"]}, {}, False),
        ({"amount_from": 100}, {"amount": Decimal(100)}, True),
        ({"amount_from": 100}, {"amount": Decimal("99.99")}, False),
        ({"amount_from": 0}, {}, False),
        ({"amount_to": "100.00"}, {"amount": Decimal(100)}, True),
        ({"amount_from": 100, "amount_to": 200}, {"amount": Decimal(201)}, False),
        ({"amount_from": 100}, {"amount": Decimal(900), "currency": "USD"}, False),
        ({"amount_from": "much"}, {"amount": Decimal(900)}, False),
        ({"vulnerable": [True]}, {"vulnerable": True}, True),
        ({"vulnerable": [False]}, {"vulnerable": True}, False),
        ({"referred": [True]}, {"referral_number": "R-1"}, True),
        ({"referred": [True]}, {"referral_body": "PBOC"}, True),
        ({"referred": [True]}, {}, False),
        ({"keywords_any": ["lawyer", "媒体"]}, {"content": "我要找媒体曝光"}, True),
        ({"keywords_any": ["lawyer"]}, {"demand": "My LAWYER will call"}, True),
        ({"keywords_any": ["ATM"]}, {"content": "your treatment is bad"}, False),
        ({"keywords_any": ["ATM"]}, {"content": "在ATM取款失败"}, True),
        ({"keywords_any": ["ＡＴＭ"]}, {"content": "the atm"}, True),
        ({"keywords_any": ["no refund"]}, {"core_issue": "No\n  Refund given"}, True),
        ({"keywords_all": ["fee", "twice"]}, {"core_issue": "fee", "demand": "twice"}, True),
        ({"keywords_all": ["fee", "twice"]}, {"core_issue": "fee"}, False),
        ({"keywords_all": ["  "]}, {"core_issue": "fee"}, False),
        ({"colour": ["red"]}, {}, False),
    ],
)
def test_conditions(small, conditions, given, matches):
    rule_set({"conditions": conditions})
    wanted = dict(given)
    if code := wanted.pop("cause", ""):
        above = term("cause", code[0])
        below = term("cause", code)
        Term.objects.filter(pk=below.pk).update(parent=above)
        wanted["cause"] = Term.objects.get(pk=below.pk)
    if code := wanted.pop("line", ""):
        above = line()
        if code != "B-CC":
            below = term("business_line", code)
            Term.objects.filter(pk=below.pk).update(parent=above)
        wanted["business_line"] = Term.objects.get(taxonomy="business_line", code=code)
    if code := wanted.pop("branch", ""):
        wanted["branch"] = Department.objects.get(code=code)
    assert (send(**wanted).rule is not None) is matches


def test_a_rule_switched_off_is_not_asked(small):
    rule_set({"active": False, "department": "LAW"}, {"department": "CARD"})
    assert send().rule.code == "R2"


def test_the_reason_keeps_no_words_of_the_customer(small):
    rule_set({"conditions": {"keywords_any": ["lawyer"], "products": ["Gold"]}})
    routed = send(content="My lawyer Mr Wang will call", product="Gold card of Li")
    assert routed.why["facts"]["words"] == ["lawyer"]
    assert routed.why["facts"]["products"] == ["Gold"]
    assert "Wang" not in str(routed.why)
    assert "of Li" not in str(routed.why)


# --- What rules add --------------------------------------------------------------------------


def test_a_rule_that_goes_on_raises_for_the_rules_below_it(small):
    rule_set(
        {"goes_on": True, "conditions": {"media_risk": [True]}, "severity_floor": 3},
        {"conditions": {"severities": [1, 2]}, "department": "LAW"},
        {"conditions": {"severities": [3, 4]}},
    )
    routed = send(severity=1, media_risk=True)
    assert (routed.rule.code, routed.case.severity) == ("R3", 3)
    assert routed.raised == (("R1", 1, 3),)
    assert send(severity=1).rule.code == "R2"


def test_a_floor_never_lowers(small):
    rule_set({"severity_floor": 2})
    assert send(severity=4).case.severity == 4


def test_watchers_are_heads_managers_and_named_people_but_never_recused_ones(small):
    head, boss, rm, named = (worker("BRAND"), worker("NJ01"), worker("NJ01", "rm"), worker("LAW"))
    Department.objects.filter(code="BRAND").update(head=head)
    Department.objects.filter(code="NJ01").update(head=boss)
    gone = PersonFactory.create(active=False)
    rule_set(
        {
            "goes_on": True,
            "watchers": [
                "BRAND", "@rm", "@branch_head", f"staff:{named.staff_no}",
                f"staff:{gone.staff_no}", "NOWHERE",
            ],
        },
        {},
    )  # fmt: skip
    branch = Department.objects.get(code="NJ01")
    assert set(send(rm=rm, branch=branch).watchers) == {head.pk, rm.pk, boss.pk, named.pk}
    row = case(AT, rm=rm, branch=branch)
    CaseExclusion.objects.create(case=row, person=head, reason="unit", at=AT)
    [routed] = routing.assign([row], at=AT)
    assert set(routed.watchers) == {rm.pk, boss.pk, named.pk}
    assert send(rm=rm, branch=branch, restricted=True).watchers == ()


def test_history_is_neither_raised_nor_watched(small):
    rule_set({"goes_on": True, "severity_floor": 4, "watchers": ["BRAND"]}, {})
    row = case(AT, severity=1, is_history=True)
    [routed] = routing.assign([row], at=AT)
    assert (row.severity, routed.raised, routed.watchers) == (1, (), ())


# --- People ----------------------------------------------------------------------------------


def away(person, substitute=None):
    Absence.objects.create(person=person, start_at=AT - DAY, end_at=AT + DAY, substitute=substitute)


def test_an_absent_person_is_replaced_by_the_substitute_up_to_three_times(small):
    first, second, third, fourth = (worker("CARD") for _n in range(4))
    rule_set({"strategy": "person", "person": first})
    away(first, second)
    routed = send()
    assert (routed.handler, routed.why["instead_of"]) == (second, first.pk)
    away(second, third)
    away(third, fourth)
    assert send().handler == fourth
    last = worker("CARD")
    away(fourth, last)
    assert send().handler is None  # the chain ends after three


@pytest.mark.parametrize("why", ["recused", "no account", "untrained"])
def test_a_substitute_who_cannot_take_it_is_not_chosen(small, why):
    first = worker("CARD")
    second = PersonFactory.create() if why == "no account" else worker("LOAN")
    away(first, second)
    requires = ""
    if why == "untrained":
        requires = term("training_course", "DIS").code
    rule_set({"strategy": "person", "person": first, "requires": requires})
    row = case(AT)
    if why == "recused":
        CaseExclusion.objects.create(case=row, person=second, reason="named", at=AT)
    [routed] = routing.assign([row], at=AT)
    assert routed.handler is None
    assert "the department decides" in routing.sentence(routed.why)


def test_a_team_all_away_is_replaced_by_substitutes(small):
    one, other = worker("CARD"), worker("LOAN")
    away(one, other)
    rule_set({"strategy": "least_loaded"})
    routed = send()
    assert (routed.handler, routed.why["skipped"]) == (other, [[one.pk, "away"]])


@pytest.mark.parametrize(
    ("obtained", "until", "fits"),
    [
        (date(2026, 3, 4), date(2026, 3, 4), True),
        (date(2025, 1, 1), None, True),
        (date(2025, 1, 1), date(2026, 3, 3), False),
        (date(2026, 3, 5), None, False),
    ],
)
def test_a_course_is_required_and_valid_on_that_day(small, obtained, until, fits):
    course = term("training_course", "DIS")
    busy, trained = worker("CARD"), worker("CARD")
    case(AT, handler=trained)
    Qualification.objects.create(
        person=trained, course=course, obtained_on=obtained, valid_until=until
    )
    rule_set({"strategy": "least_loaded", "requires": "DIS"})
    routed = send()
    assert routed.handler == (trained if fits else None)
    assert [busy.pk, "untrained"] in routed.why["skipped"]


def test_the_last_handler_needs_the_course_too(small):
    term("training_course", "DIS")
    mine, trained = worker("CARD"), worker("CARD")
    Qualification.objects.create(
        person=trained, course=term("training_course", "DIS"), obtained_on=date(2025, 1, 1)
    )
    rule_set({"strategy": "last_handler", "requires": "DIS"})
    assert send(repeat_of=case(AT, handler=mine)).handler == trained


# --- Recusal (§4.8) --------------------------------------------------------------------------


def test_peers_recusal_the_branch_stays_when_only_a_report_heads_it(small):
    """A head who only reports to a named person is out, the branch is not."""
    head = worker("NJ01", "branch_head")
    mate = worker("NJ01")
    Department.objects.filter(code="NJ01").update(head=head)
    rule_set({"department": "@branch", "strategy": "least_loaded"})
    row = case(AT, branch=Department.objects.get(code="NJ01"))
    CaseExclusion.objects.create(case=row, person=head, reason="unit", at=AT)
    [routed] = routing.assign([row], at=AT)
    assert (routed.department.code, routed.handler) == ("NJ01", mate)


def test_the_superior_of_the_superior_when_both_heads_are_named(small):
    low, high = worker("NJ01", "branch_head"), worker("NJ", "branch_head")
    Department.objects.filter(code="NJ01").update(head=low)
    Department.objects.filter(code="NJ").update(head=high, superior=unit("RETAIL"))
    rule_set({"department": "@branch"})
    row = case(AT, branch=Department.objects.get(code="NJ01"))
    for person in (low, high):
        CaseExclusion.objects.create(case=row, person=person, reason="named", at=AT)
    [routed] = routing.assign([row], at=AT)
    assert (routed.department.code, routed.why["unit"]) == ("RETAIL", "NJ01")


def test_a_department_keeps_the_case_when_its_head_is_named(small):
    head = worker("CARD", "department_head")
    Department.objects.filter(code="CARD").update(head=head, superior=unit("RETAIL"))
    rule_set({})
    row = case(AT)
    CaseExclusion.objects.create(case=row, person=head, reason="named", at=AT)
    assert routing.assign([row], at=AT)[0].department.code == "CARD"


# --- Why -------------------------------------------------------------------------------------


def test_explain_tells_from_the_snapshot_why_earlier_rules_did_not_match(small):
    child = term("business_line", "B-CC-02")
    Term.objects.filter(pk=child.pk).update(parent=line())
    people = worker("CARD"), worker("CARD")
    away(people[0])
    rule_set(
        {"conditions": {"types": ["PET"]}},
        {"conditions": {"amount_from": 100}},
        {"department": "GONE"},
        {"conditions": {"keywords_any": ["lawyer"]}},
        {"goes_on": True, "tags": ["FEES"]},
        {"conditions": {"business_lines": ["B-CC"]}, "strategy": "least_loaded"},
    )
    term("feedback_type", "PET")
    routed = send(business_line=Term.objects.get(pk=child.pk))
    Case.objects.filter(pk=routed.case.pk).update(type=term("feedback_type", "PET"), amount=500)
    kept = Case.objects.get(pk=routed.case.pk)
    kept.routing_reason = routed.case.routing_reason  # `assign` writes nothing
    told = routing.explain(kept)
    assert [row.code for row in told.earlier] == ["R1", "R2", "R3", "R4"]
    assert told.earlier[0].why == "wanted: type is PET; it was: CMP"
    assert told.earlier[1].why == "wanted: amount is at least 100 CNY; it was: not known"
    assert "no open unit: GONE" in told.earlier[2].why
    assert told.earlier[3].why == "not so: words hold one of: lawyer"
    assert told.added == ["Rule 5: tagged FEES"]
    assert told.skipped == [(people[0].label, "absent")]
    assert routed.why["candidates"] == [[people[1].pk, 0]]
    with translation.override("zh-hans"):
        assert routing.explain(kept).earlier[0].name == "规则1"


def test_older_reasons_are_still_told(small):
    row = case(AT)
    rules = RuleSet.objects.get(kind="routing")
    row.routing_reason = {
        "rule": "LINE", "order": 70, "rule_set": rules.pk, "version": 1, "department": "CARD",
        "superior": False, "strategy": "least_loaded", "handler": None, "skipped": [1, 2],
    }  # fmt: skip
    told = routing.explain(row)
    assert "Skipped as absent or recused: 2." in told.why
    assert told.earlier == []


def test_a_rule_reads_as_phrases(small):
    [rule] = [
        RoutingRule(
            code="X", name_en="X", name_zh="X", department="CARD", strategy="least_loaded",
            conditions={"types": ["CMP"], "severities": [3], "media_risk": [True]},
            watchers=["BRAND", "@rm", "staff:S-1"], severity_floor=4, tags=["FEES"], requires="DIS",
        )
    ]  # fmt: skip
    names = {("feedback_type", "CMP"): "Complaint", ("tag", "FEES"): "Fees"}
    phrases = words.sentence_of(rule, names, {"CARD": "Cards", "BRAND": "Brand"})
    assert [(p.role, p.key) for p in phrases][:3] == [
        ("when", "types"), ("when", "severities"), ("when", "media_risk"),
    ]  # fmt: skip
    text = "; ".join(p.text for p in phrases)
    assert "type is Complaint; severity is High; there is media risk; send to Cards" in text
    assert "the head of Brand" in text
    assert "severity at least Critical" in text
    empty = words.sentence_of(RoutingRule(department="@line"), {}, {})
    assert [p.text for p in empty][:2] == [
        "every case", "send to the owner of the business line",
    ]  # fmt: skip
