"""The dry run: the same rules give the same answers, others say who would have got what."""

import json
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from complaints import routing
from complaints.models import (
    Case,
    CaseClock,
    CaseExclusion,
    ClockLimit,
    HandOver,
    RoutingRule,
)
from complaints.routing import replaying
from complaints.routing.engine import rules_of
from complaints.routing.replaying import Work
from config.kernel import job_runs, rulesets
from config.kernel.models import Job
from config.kernel.models.jobs import JobState
from config.shared.actors import SYSTEM
from staff.models import Absence, CalendarSpan, Department, Qualification
from tests.complaints.clock_house import LONG_AGO, build, case, term, unit
from tests.complaints.routing_house import AT, DAY, line, rule_set, worker
from tests.factories.complaints import open_case

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def small():
    build()
    for code in ("CMPT", "CARD", "LOAN", "LAW", "RETAIL"):
        unit(code)
    unit("NJ", kind="branch", city_en="Nanjing")


def opened(**fields):
    """Store a case that the rules in force have sent somewhere."""
    at = fields.pop("at", AT)
    row = case(at, **fields)
    routing.assign([row], at=at)
    row.save()
    HandOver.objects.create(case=row, department=row.department, handler=row.handler, from_at=at)
    return row


def replayed(rules, *, size=2000, since=AT - 30 * DAY, until=AT + 30 * DAY):
    """Run a dry run at once, `size` cases at a time; returns its result."""
    work = Work(rules_of(rules), since, until)
    while rows := work.next_rows()[:size]:
        work.take(rows)
    return work.result()


def changed(base, **first):
    """Return a draft: the rules of a version with one more in front."""
    draft = rulesets.new_version("routing", based_on=base, actor=SYSTEM, at=AT)
    RoutingRule.objects.create(
        rule_set=draft, order=1, code="NEW", name_en="New", name_zh="新", **first
    )
    return draft


# --- The same rules --------------------------------------------------------------------------

UNITS = ("CMPT", "CARD", "LOAN", "@line", "@branch", "@registrar", "SHUT")
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "types": st.lists(st.sampled_from(["CMP", "INQ"]), max_size=2),
        "business_lines": st.lists(st.sampled_from(["B-CC", "B-CC-02", "B-LN"]), max_size=2),
        "severities": st.lists(st.sampled_from([1, 2, 3, 4]), max_size=3),
        "branches": st.just(["NJ"]),
        "regions": st.just(["Nanjing"]),
        "media_risk": st.lists(st.booleans(), max_size=1),
        "vulnerable": st.lists(st.booleans(), max_size=1),
        "repeat": st.lists(st.booleans(), max_size=1),
        "amount_from": st.sampled_from([0, 50, 100]),
        "amount_to": st.sampled_from([50, 100]),
        "keywords_any": st.lists(st.sampled_from(["fee", "lawyer", "媒体"]), max_size=2),
        "keywords_all": st.lists(st.sampled_from(["fee", "late"]), max_size=2),
        "products": st.lists(st.sampled_from(["Gold", "Go"]), max_size=1),
    },
)
RULES = st.lists(
    st.fixed_dictionaries(
        {
            "conditions": CONDITIONS,
            "department": st.sampled_from(UNITS),
            "strategy": st.sampled_from(RoutingRule.Strategy.values),
            "goes_on": st.booleans(),
            "active": st.sampled_from([True, True, True, False]),
            "severity_floor": st.sampled_from([None, 2, 3, 4]),
            "requires": st.sampled_from(["", "", "DIS"]),
        }
    ),
    min_size=1,
    max_size=6,
)


def some_people(dice):
    """Workers here and there: some away with substitutes, some trained."""
    people = [worker(code) for code in ("CARD", "CARD", "CARD", "LOAN", "LOAN", "NJ", "CMPT")]
    for person in people:
        if dice.random() < 0.4:
            begun = AT + dice.randrange(-20, 20) * HOUR
            Absence.objects.create(
                person=person, start_at=begun, end_at=begun + 10 * HOUR,
                substitute=dice.choice([p for p in people if p != person]),
            )  # fmt: skip
        if dice.random() < 0.5:
            Qualification.objects.create(
                person=person, course=term("training_course", "DIS"),
                obtained_on=date(2026, 3, dice.randrange(1, 8)),
            )  # fmt: skip
    Department.objects.filter(code="NJ").update(head=people[5], superior=unit("RETAIL"))
    return people


def some_cases(dice, people, n):
    """Cases hour by hour, each routed when it came, changed and closed by people afterwards."""
    lines = [line(), term("business_line", "B-LN", owner="LOAN"), term("business_line", "B-NO")]
    child = term("business_line", "B-CC-02")
    type(child).objects.filter(pk=child.pk).update(parent=lines[0])
    lines += [type(child).objects.get(pk=child.pk), None]
    made = []
    for place in range(n):
        at = AT + (place - n // 2) * HOUR
        row = case(
            at, kind=dice.choice(["CMP", "INQ"]), severity=dice.randrange(1, 5),
            business_line=dice.choice(lines), media_risk=dice.random() < 0.3,
            vulnerable=dice.random() < 0.3, product=dice.choice(["", "Gold card"]),
            branch=dice.choice([None, Department.objects.get(code="NJ")]),
            amount=dice.choice([None, Decimal(50), Decimal("99.99")]),
            content=dice.choice(["The late fee", "我找媒体", "feeling fine"]),
            registrar=dice.choice([None, *people]), rm=dice.choice([None, *people]),
            repeat_of=dice.choice([None, *made]), restricted=dice.random() < 0.1,
        )  # fmt: skip
        if dice.random() < 0.3:
            CaseExclusion.objects.create(
                case=row, person=dice.choice(people), at=at,
                reason=dice.choice(["named", "unit"]),
            )  # fmt: skip
        [routed] = routing.assign([row], at=at)
        row.save()
        if routed.rule is not None:
            HandOver.objects.create(
                case=row, department=row.department, handler=row.handler, from_at=at,
                rule=routed.rule,
            )  # fmt: skip
        made.append(row)
        if dice.random() < 0.4:  # a person corrects it, moves it, closes it
            Case.objects.filter(pk=dice.choice(made).pk).update(
                handler=dice.choice(people), severity=dice.randrange(1, 5), amount=None,
                content="nothing of it", business_line=None, status="closed",
                closed_at=at, notified_at=at, updated_at=at,
            )  # fmt: skip
    return made


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(rules=RULES, seed=st.integers(0, 10_000), size=st.sampled_from([3, 2000]))
def test_the_rules_in_force_give_every_case_to_whom_it_went(small, rules, seed, size):
    """100 %: the same department and the same person, whatever happened to the cases since."""
    with transaction.atomic():
        unit("SHUT", active=False)
        dice = random.Random(seed)
        people = some_people(dice)
        version = rule_set(*rules)
        sent = [row for row in some_cases(dice, people, 14) if row.routing_reason]
        Department.objects.filter(code="LOAN").update(active=False)
        Department.objects.filter(code="SHUT").update(active=True)
        Absence.objects.filter(person=people[0]).delete()
        found = replayed(version, size=size)
        assert found.cases == len(sent)
        assert (found.moved, found.repersoned, found.raised) == (0, 0, 0)
        assert all(before == after for _who, before, after in found.by_person)
        assert all(before == after for _code, before, after in found.by_department)
        assert found.rows == []
        transaction.set_rollback(True)


def test_a_batch_is_replayed_person_by_person(small):
    for _n in range(3):
        worker("CARD")
    version = rule_set({"strategy": "round_robin"})
    rows = [case(AT) for _n in range(7)]
    routing.assign(rows, at=AT)
    for row in rows:
        row.save()
    found = replayed(version)
    assert (found.cases, found.repersoned) == (7, 0)
    assert sorted(after for _pk, _before, after in found.by_person) == [2, 2, 3]


# --- Other rules -----------------------------------------------------------------------------


def test_moved_cases_and_loads_are_counted(small):
    one, two = worker("CARD"), worker("LOAN")
    version = rule_set({"strategy": "least_loaded"})
    kept, moved = opened(), opened(media_risk=True)
    draft = changed(
        version, department="LOAN", strategy="least_loaded", conditions={"media_risk": [True]}
    )
    found = replayed(draft)
    assert (found.cases, found.moved, found.by_hand) == (2, 1, 0)
    assert found.matched == {"NEW": 1, "R1": 1}
    assert found.by_department == [("CARD", 2, 1), ("LOAN", 0, 1)]
    assert found.by_person == [(one.pk, 2, 1), (two.pk, 0, 1)]
    [row] = found.rows
    assert (row.number, row.department_before, row.department_after, row.rule) == (
        moved.number, "CARD", "LOAN", "NEW",
    )  # fmt: skip
    assert kept.pk


def test_what_others_take_over_changes_who_has_least(small):
    """A has 1, B has 2: the draft takes A's new case away, so A also gets what B would have."""
    one, two = worker("CARD"), worker("CARD")
    worker("LOAN")
    version = rule_set({"strategy": "least_loaded"})
    case(AT - 5 * HOUR, handler=two)
    first = opened(at=AT, media_risk=True)
    second = opened(at=AT + HOUR)
    third = opened(at=AT + 2 * HOUR)
    assert [c.handler for c in (first, second, third)] == [one, one, two] or [
        c.handler for c in (first, second, third)
    ] == [one, two, one]
    draft = changed(
        version, department="LOAN", strategy="least_loaded", conditions={"media_risk": [True]}
    )
    found = replayed(draft)
    assert (found.moved, found.repersoned) == (1, 1)
    Case.objects.filter(pk=first.pk).update(
        status="closed", closed_at=AT, notified_at=AT + HOUR / 2
    )
    found = replayed(draft)  # it ended before the others came: nothing is left to shift
    assert (found.moved, found.repersoned) == (1, 0)


def test_people_away_then_or_without_the_course_are_not_given_moved_cases(small):
    worker("CARD")
    away, untrained, right = worker("LOAN"), worker("LOAN"), worker("LOAN")
    Absence.objects.create(person=away, start_at=AT - DAY, end_at=AT + DAY)
    for person in (away, right):
        Qualification.objects.create(
            person=person, course=term("training_course", "DIS"), obtained_on=date(2026, 1, 1)
        )
    version = rule_set({"strategy": "least_loaded"})
    opened()
    draft = changed(version, department="LOAN", strategy="least_loaded", requires="DIS")
    by = {pk: after for pk, _before, after in replayed(draft).by_person}
    assert by[right.pk] == 1
    assert untrained.pk not in by
    stand_in = changed(version, department="LOAN", strategy="person", person=away)
    assert (0, 0, 1) in replayed(stand_in).by_person
    Absence.objects.filter(person=away).update(substitute=right)
    assert (right.pk, 0, 1) in replayed(stand_in).by_person


def test_new_keywords_are_looked_for_in_the_words(small):
    version = rule_set({})
    opened(content="My Lawyer will call")
    opened(content="nothing")
    draft = changed(version, department="LAW", conditions={"keywords_any": ["lawyer"]})
    assert replayed(draft).moved == 1


def test_the_branch_of_a_named_head_is_passed_over_in_a_draft_too(small):
    head = worker("NJ", "branch_head")
    Department.objects.filter(code="NJ").update(head=head, superior=unit("RETAIL"))
    version = rule_set({})
    row = opened(branch=Department.objects.get(code="NJ"))
    draft = changed(version, department="@branch")
    CaseExclusion.objects.create(case=row, person=head, reason="named", at=AT + DAY)
    assert replayed(draft).rows[0].department_after == "NJ"  # named only later
    CaseExclusion.objects.update(at=AT)
    assert replayed(draft).rows[0].department_after == "RETAIL"


def test_placed_by_hand_and_history_are_not_asked_about(small):
    version = rule_set({})
    by_hand = case(AT)
    Case.objects.filter(pk=by_hand.pk).update(routing_reason={"rule": "", "why": "given"})
    opened(is_history=True)
    opened(at=AT - 40 * DAY)
    found = replayed(changed(version, department="LAW"))
    assert (found.cases, found.by_hand) == (0, 1)


def test_cases_routed_before_facts_were_kept_are_read_from_their_columns(small):
    version = rule_set({"conditions": {"business_lines": ["B-CC"]}})
    row = opened(business_line=line(), amount=Decimal(70))
    reason = {k: v for k, v in row.routing_reason.items() if k not in ("facts", "severity")}
    reason["skipped"] = []
    Case.objects.filter(pk=row.pk).update(routing_reason=reason)
    assert replayed(version).moved == 0
    draft = changed(version, department="LAW", conditions={"amount_from": 70})
    assert replayed(draft).moved == 1


def test_a_raised_severity_shortens_the_deadline_and_may_make_it_late(shared_house):
    late, kept = (open_case(shared_house, at=AT, severity=1) for _n in range(2))
    Case.objects.filter(pk=late.pk).update(resolved_at=AT + 50 * HOUR)
    Case.objects.filter(pk=kept.pk).update(resolved_at=AT + HOUR)
    base = rulesets.published("routing", AT)
    draft = changed(base, goes_on=True, severity_floor=3)
    found = replayed(draft)
    ours = {row.number: row for row in found.rows if row.number in {late.number, kept.number}}
    assert (found.moved, found.longer) == (0, 0)
    assert found.raised >= 2
    assert found.shorter == found.raised
    before = CaseClock.objects.get(case=late, name="resolve").due_at
    row = ours[late.number]
    assert (row.due_before, row.due_after) == (before, AT + 48 * HOUR)
    assert (row.late, ours[kept.number].late) == (True, False)
    assert found.newly_late >= 1


def test_a_departments_own_calendar_moves_the_deadline(shared_house):
    old = rulesets.published("clock_policies", AT)
    limits = rulesets.new_version("clock_policies", based_on=old, actor=SYSTEM, at=AT)
    ClockLimit.objects.filter(policy__rule_set=limits, clock="resolve").exclude(calendar="").update(
        calendar="@department"
    )
    rulesets.publish(limits, valid_from=AT, reason="x", actor=SYSTEM, at=AT)
    week = rulesets.new_version(
        "calendar:short", titles=("S", "S"), actor=SYSTEM, at=LONG_AGO,
        settings={"zone": "Asia/Shanghai", "confirmed_years": [2026]},
    )  # fmt: skip
    CalendarSpan.objects.create(rule_set=week, weekday=0, start_minute=540, end_minute=1080)
    rulesets.publish(week, valid_from=LONG_AGO, reason="", actor=SYSTEM, at=LONG_AGO)
    Department.objects.filter(code="LOAN").update(calendar="short")
    one = open_case(shared_house, at=AT, severity=1)
    base = rulesets.published("routing", AT)
    draft = changed(base, department="LOAN", conditions={"business_lines": ["B-CC"]})
    row = next(row for row in replayed(draft).rows if row.number == one.number)
    assert row.due_before < row.due_after
    assert replayed(draft).longer >= 1


# --- The job ---------------------------------------------------------------------------------


def test_the_job_runs_with_progress_and_keeps_its_result(small):
    worker("CARD")
    version = rule_set({"strategy": "least_loaded"})
    opened(media_risk=True)
    draft = changed(version, department="LAW", conditions={"media_risk": [True]})
    assert replaying.latest(draft) is None
    at = AT + DAY
    job = replaying.start(draft, days=30, actor=SYSTEM, at=at)
    assert replaying.read(job) is None
    assert job_runs.work(at) == 1
    done = replaying.latest(draft)
    assert (done.pk, done.state, done.done, done.total) == (job.pk, JobState.DONE, 1, 1)
    found = replaying.read(done)
    assert (found.moved, found.rows[0].department_after) == (1, "LAW")
    assert found == replayed(draft, since=at - 30 * DAY, until=at)


def test_a_job_that_was_interrupted_goes_on_where_it_stopped(small):
    people = [worker("CARD") for _n in range(3)] + [worker("LOAN")]
    version = rule_set({"strategy": "round_robin"})
    for n in range(12):
        opened(at=AT + n * HOUR, media_risk=n % 3 == 0)
    draft = changed(
        version, department="LOAN", strategy="round_robin", conditions={"media_risk": [True]}
    )
    whole = replayed(draft)
    work = Work(rules_of(draft), AT - 30 * DAY, AT + 30 * DAY)
    while rows := work.next_rows()[:5]:
        work.take(rows)
        state = json.loads(json.dumps(work.state()))
        work = Work(rules_of(draft), AT - 30 * DAY, AT + 30 * DAY)
        work.restore(state)
    assert work.result() == whole
    assert (whole.moved, len(people)) == (4, 4)


def test_a_draft_changed_meanwhile_is_begun_anew(small):
    version = rule_set({})
    opened()
    draft = changed(version, department="LAW")
    job = replaying.start(draft, days=30, actor=SYSTEM, at=AT + DAY)
    state = {"version": draft.version + 1, "state": {"done": 99}}
    Job.objects.filter(pk=job.pk).update(checkpoint=state)
    job_runs.work(AT + DAY)
    assert replaying.read(Job.objects.get(pk=job.pk)).cases == 1


def test_unreachable_rules_are_named_and_the_cost_does_not_follow_the_cases(
    small, django_assert_max_num_queries
):
    worker("CARD")
    version = rule_set({"code": "ALL", "strategy": "least_loaded"}, {"code": "NEVER"})
    for n in range(30):
        opened(at=AT + n * HOUR)
    with django_assert_max_num_queries(22):
        found = replayed(version)
    assert found.unreachable == ["NEVER"]
    assert found.cases == 30
