"""Playbooks: which steps a case gets, ticking, leaving out, K35; drafts and their check."""

from datetime import timedelta
from itertools import product

import pytest

from complaints import workflow
from complaints.choices import Status, StepState
from complaints.defaults import rules
from complaints.models import Case, CaseExclusion, CaseStep, PlaybookStep
from complaints.teamwork import playbook_drafting, playbooks, steps
from complaints.teamwork.access import TeamRefused
from complaints.teamwork.playbook_drafting import StepData
from complaints.workflow import payloads
from config.kernel import journal, rule_kinds, rulesets
from config.kernel.models import Notice
from config.kernel.rulesets import RulesRefused
from config.shared.actors import SYSTEM
from config.shared.metrics import Period, figure
from config.shared.scope import WHOLE_BANK
from tests.complaints.clock_house import LONG_AGO
from tests.factories.complaints import ANSWER, AT, DAY, HOUR, do, in_state, open_case, rows
from tests.portal.desks import queries, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house):
    rules.load_playbooks(SYSTEM, LONG_AGO)
    return shared_house


def codes(case):
    return set(CaseStep.objects.filter(case=case).values_list("step__code", flat=True))


def families(case):
    return {code.partition("-")[0] for code in codes(case)}


def row(case, code):
    return CaseStep.objects.filter(case=case, step__code=code)


def draft():
    return rule_kinds.begin(playbooks.KIND, actor=SYSTEM, at=AT)


def put(version, code=None, **given):
    data = StepData(**{"name_en": "Do it", "name_zh": "办理", **given})
    said = {"actor": SYSTEM, "at": AT, "expected": version.version}
    return playbook_drafting.put_step(version, data, code=code, **said)


def publish(version, at=AT):
    said = {"reason": "New", "valid_from": None, "actor": SYSTEM, "at": at}
    return rule_kinds.publish(version, expected=version.version, **said)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, {"CMP"}),
        ({"type": "INQ"}, {"INQ"}),
        ({"type": "SUG"}, {"SUG"}),
        ({"type": "PET"}, {"PET"}),
        ({"type": "PRS"}, set()),
        ({"business_line": "B-CC-04"}, {"CMP", "FRD"}),
        ({"business_line": "B-DC-02", "type": "REQ"}, {"INQ", "FRD"}),
        ({"business_line": "B-EB-02", "severity": 2}, {"CMP"}),
        ({"business_line": "B-EB-02", "severity": 3}, {"CMP", "OUT"}),
        ({"business_line": "B-PI-01"}, {"CMP", "LEAK"}),
        ({"media_risk": True}, {"CMP", "MED"}),
        ({"severity": 4}, {"CMP", "EM"}),
        ({"emotion": 2}, {"CMP"}),
        ({"emotion": 3}, {"CMP", "CARE"}),
    ],
)
def test_the_starting_playbooks_by_kind_of_case(house, given, found):
    assert families(open_case(house, **given)) == found


@pytest.mark.parametrize(("emotion", "n"), [(0, 0), (2, 0), (3, 1), (4, 2), (5, 3)])
def test_care_steps_by_emotion(house, emotion, n):
    case = open_case(house, emotion=emotion)
    assert len([code for code in codes(case) if code.startswith("CARE")]) == n


def test_opening_is_recorded_with_due_times_and_the_version(house):
    case = open_case(house)
    call = row(case, "CMP-CALL").get()
    assert (call.opened_at, call.due_at) == (AT, AT + DAY)
    entry = journal.entries(case.stream).filter(action="case.steps_opened").get()
    assert journal.facts_of(entry)["version"] == 1
    assert journal.describe(entry) == "Playbook steps opened: 7"


def test_graver_later_opens_the_emergency_plan_once_and_tells(house):
    case = in_state(house, Status.IN_PROGRESS)
    assert "EM" not in families(case)
    do(
        house,
        case,
        "raise_severity",
        payloads.Grading(4, "Spreading."),
        by="supervisor",
        at=AT + HOUR,
    )
    assert "EM" in families(case)
    assert row(case, "EM-LEAD").get().due_at == AT + HOUR + timedelta(minutes=30)
    assert Notice.objects.filter(kind="case.steps_opened", person_id=house.pk("handler")).exists()
    n = CaseStep.objects.filter(case=case).count()
    do(house, case, "lower_severity", payloads.Grading(3, "Calmer."), by="supervisor")
    do(house, case, "raise_severity", payloads.Grading(4, "Again."), by="supervisor")
    assert CaseStep.objects.filter(case=case).count() == n


def test_emotion_noted_later_and_the_regulators_mark_open_steps(house):
    case = in_state(house, Status.IN_PROGRESS)
    edit = payloads.FactsEdit({}, {"emotion_now": 4})
    do(house, case, "edit_facts", edit)
    assert {"CARE-3", "CARE-4"} <= codes(case)
    do(house, case, "set_major", by="supervisor")
    assert "EM" in families(case)


def test_retyping_keeps_the_steps_and_adds_those_of_the_new_type(house):
    case = in_state(house, Status.ASSESSING)
    before = codes(case)
    steps.done(row(case, "CMP-CALL"), actor=house.actor("officer"), at=AT)
    do(house, case, "retype", by="supervisor")
    assert before < codes(case)
    assert "INQ" in families(case)
    assert row(case, "CMP-CALL").get().state == StepState.DONE


def test_a_case_keeps_the_version_it_began_with(house):
    old = open_case(house)
    version = draft()
    put(version, types=["CMP"], emergency=True)
    publish(version)
    new = open_case(house, at=AT + HOUR, severity=4)
    assert "STEP-41" in codes(new)
    do(house, old, "raise_severity", payloads.Grading(4, "Bad."), by="supervisor", at=AT + DAY)
    assert "STEP-41" not in codes(old)
    assert "EM" in families(old)


def test_no_steps_without_a_version_for_history_or_for_ended_cases(shared_house):
    bare = open_case(shared_house, severity=4)
    assert not codes(bare)
    rules.load_playbooks(SYSTEM, LONG_AGO)
    closed = in_state(shared_house, Status.CLOSED)
    n = CaseStep.objects.filter(case=closed).count()
    Case.objects.filter(pk=closed.pk).update(severity=4)
    again = list(Case.objects.filter(pk=closed.pk).select_related("type"))
    assert playbooks.open_steps(again, at=AT) == {}
    assert CaseStep.objects.filter(case=closed).count() == n


def test_opening_twice_and_for_many_cases_at_once(house, django_assert_num_queries):
    cases = [open_case(house) for _n in range(3)]
    again = list(Case.objects.filter(pk__in=[c.pk for c in cases]).select_related("type"))
    with django_assert_num_queries(2):
        assert playbooks.open_steps(again, at=AT) == {}
    CaseStep.objects.all().delete()
    opened = playbooks.open_steps(again, at=AT)
    assert {len(found) for found in opened.values()} == {7}


def test_fits_agrees_with_a_plain_reading_of_the_conditions(house):
    """An oracle: every combination of conditions against every kind of case."""
    case = open_case(house)
    case = Case.objects.select_related("type").get(pk=case.pk)
    flags = list(product([False, True], repeat=3))
    for severity, emotion, risk in product((1, 3, 4), (None, 2, 3, 5), (False, True)):
        case.severity, case.emotion, case.emotion_now, case.media_risk = severity, 5, emotion, risk
        felt = 5 if emotion is None else emotion
        for (emergency, care, media), wanted, level in product(flags, ([], [3, 4]), (None, 4)):
            step = PlaybookStep(
                severities=wanted, emergency=emergency, care=care, media=media, emotion=level
            )
            plain = (
                (not wanted or severity in wanted)
                and (severity == 4 if emergency else True)
                and (felt >= (level or 3) if care else True)
                and (risk if media else True)
            )
            assert playbooks.fits(step, case) is plain


# --- Ticking -------------------------------------------------------------------------------


def test_ticking_leaving_out_and_doing_again(house):
    case = in_state(house, Status.IN_PROGRESS)
    actor = house.actor("handler")
    done = steps.done(row(case, "CMP-CALL"), actor=actor, at=AT)[0]
    assert (done.state, done.by_id, done.ended_at) == (StepState.DONE, house.pk("handler"), AT)
    with pytest.raises(TeamRefused) as again:
        steps.done(row(case, "CMP-CALL"), actor=actor, at=AT)
    assert again.value.code == "stale"
    with pytest.raises(TeamRefused, match="mandatory"):
        steps.leave_out(row(case, "CMP-ID"), " ", actor=actor, at=AT)
    steps.leave_out(row(case, "CMP-ID"), "No account involved.", actor=actor, at=AT)
    steps.leave_out(row(case, "CMP-LEARN"), "", actor=actor, at=AT)
    lines = {line.step.step.code: line for line in steps.lines(case, AT)}
    assert lines["CMP-ID"].reason == "No account involved."
    assert steps.progress(list(lines.values())) == (3, 7)
    entry = journal.entries(case.stream).get(seq=row(case, "CMP-ID").get().seq)
    assert "account" not in entry.body
    assert "Verify who speaks" in journal.describe(entry)
    steps.again(row(case, "CMP-CALL"), actor=actor, at=AT)
    assert row(case, "CMP-CALL").get().state == StepState.OPEN
    with pytest.raises(TeamRefused):
        steps.again(row(case, "CMP-CALL"), actor=actor, at=AT)


def test_overdue_is_shown_and_the_recused_tick_nothing(house):
    case = in_state(house, Status.IN_PROGRESS)
    late = {line.step.step.code: line.late for line in steps.lines(case, AT + DAY + HOUR)}
    assert late["CMP-CALL"]
    assert not late["CMP-TELL"]
    CaseExclusion.objects.create(case=case, person_id=house.pk("officer"), reason="named", at=AT)
    with pytest.raises(TeamRefused, match="stay out"):
        steps.done(row(case, "CMP-CALL"), actor=house.actor("officer"), at=AT)


def test_open_mandatory_steps_are_information_unless_the_version_says_more(house):
    case = in_state(house, Status.IN_PROGRESS)
    page = signed_in(house.accounts["supervisor"]).get(case.get_absolute_url()).content.decode()
    assert "6 mandatory steps still open" in page
    assert do(house, case, "resolve").status == Status.RESOLVED
    version = draft()
    said = {"actor": SYSTEM, "at": AT, "expected": version.version}
    playbook_drafting.set_switches(version, steps_block=True, report_minutes=60, **said)
    publish(version)
    strict = in_state(house, Status.IN_PROGRESS)
    outcome = workflow.resolve(rows(strict), ANSWER, actor=house.actor("officer"), at=AT)[0]
    assert "6 mandatory steps still open" in outcome.why
    mine = CaseStep.objects.filter(case=strict, step__mandatory=True)
    steps.done(mine, actor=house.actor("officer"), at=AT)
    assert do(house, strict, "resolve").status == Status.RESOLVED


def test_k35_counts_mandatory_steps_of_closed_cases_done_in_time(house):
    month = Period.month(2026, 3)
    assert figure(steps.METRIC, month, WHOLE_BANK).share is None
    case = in_state(house, Status.IN_PROGRESS)
    actor = house.actor("officer")
    steps.done(row(case, "CMP-CALL"), actor=actor, at=AT + HOUR)
    steps.done(row(case, "CMP-ID"), actor=actor, at=AT + 2 * DAY)  # late
    steps.leave_out(row(case, "CMP-RULE"), "None applies.", actor=actor, at=AT)
    steps.done(row(case, "CMP-LEARN"), actor=actor, at=AT)  # not mandatory
    assert figure(steps.METRIC, month, WHOLE_BANK).of == 0  # open cases do not count
    for verb in ("resolve", "notify", "confirm"):
        do(house, case, verb)
    told = figure(steps.METRIC, month, WHOLE_BANK)
    assert (told.count, told.of) == (1, 6)
    assert figure(steps.METRIC, month, house.scope("loan_handler")).of == 0
    assert figure(steps.METRIC, Period.month(2026, 4), WHOLE_BANK).of == 0


def test_the_part_and_its_acts(house):
    case = in_state(house, Status.IN_PROGRESS, emotion=4)
    client = signed_in(house.accounts["handler"])
    part = f"/cases/{case.number}/parts/steps/"
    page = client.get(part).content.decode()
    assert "A supervisor joins" in page
    step = row(case, "CMP-CALL").get()
    url = f"/cases/{case.number}/steps/{step.pk}/"
    answer = client.post(url, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "To be done again" in answer.content.decode()
    assert client.post(url, headers={"HX-Request": "true"}).status_code == 409
    assert client.post(url, {"again": "1"}).status_code == 302
    assert client.post(f"{url}skip/", {"reason": ""}).status_code == 422
    assert client.post(f"{url}skip/", {"reason": "No phone."}).status_code == 302
    assert "No phone." in client.get(part).content.decode()
    other = open_case(house)
    odd = f"/cases/{case.number}/steps/{row(other, 'CMP-CALL').get().pk}/"
    assert client.post(odd).status_code == 404
    assert client.get(url).status_code == 405
    for name, code in (("analyst", 403), ("handler2", 403), ("loan_handler", 404)):
        assert signed_in(house.accounts[name]).post(url).status_code == code, name
    reader = signed_in(house.accounts["analyst"]).get(part).content.decode()
    assert "/skip/" not in reader


def test_the_part_costs_the_same_with_many_steps(house):
    client = signed_in(house.accounts["supervisor"])
    few, many = open_case(house, type="INQ"), open_case(house, severity=4, emotion=5)
    client.get(f"/cases/{few.number}/parts/steps/")
    one = queries(client, f"/cases/{few.number}/parts/steps/")
    assert queries(client, f"/cases/{many.number}/parts/steps/") == one


# --- Drafts --------------------------------------------------------------------------------


def test_a_draft_is_changed_moved_and_journalled(house):
    version = draft()
    put(version, types=["CMP"], minutes=30)
    assert PlaybookStep.objects.get(rule_set=version, code="STEP-41").minutes == 30
    put(version, "STEP-41", types=["CMP"], minutes=45)
    entry = journal.entries(version.stream).filter(action="rules.edited").last()
    assert journal.facts_of(entry)["changes"] == {"minutes": [30, 45]}
    said = {"actor": SYSTEM, "at": AT}
    first = playbooks.rows_of(version)[0].code
    playbook_drafting.move_step(version, first, up=False, expected=version.version, **said)
    assert playbooks.rows_of(version)[1].code == first
    playbook_drafting.move_step(version, first, up=True, expected=version.version, **said)
    seen = version.version
    playbook_drafting.move_step(version, first, up=True, expected=seen, **said)
    assert (playbooks.rows_of(version)[0].code, version.version) == (first, seen)
    playbook_drafting.drop_step(version, "STEP-41", expected=version.version, **said)
    with pytest.raises(RulesRefused):
        playbook_drafting.drop_step(version, "STEP-41", expected=version.version, **said)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name_zh": " "}, "name_zh"),
        ({"types": ["XYZ"]}, "types"),
        ({"lines": ["XYZ"]}, "lines"),
        ({"severities": [7]}, "severities"),
        ({"emotion": 2}, "emotion"),
        ({"minutes": 0}, "minutes"),
    ],
)
def test_what_a_step_cannot_be(house, given, field):
    with pytest.raises(RulesRefused) as refused:
        put(draft(), **given)
    assert refused.value.field == field


def test_the_starting_version_is_sound(house):
    assert rule_kinds.of(playbooks.KIND).check(rulesets.published(playbooks.KIND, AT)) == []


def test_the_check_finds_doubles_unreachable_and_unknown_steps(house):
    version = draft()
    put(version, types=["CMP"])
    put(version, types=["PET"])
    assert not found(version)
    put(version, types=["CMP", "SUG"])
    assert found(version) == {("warning", "double")}
    put(version, "STEP-41", emergency=True, severities=[2])
    assert ("error", "unreachable") in found(version)
    PlaybookStep.objects.filter(rule_set=version, code="STEP-42").update(types=["OLD"])
    assert ("error", "unknown") in found(version)
    PlaybookStep.objects.filter(rule_set=version, emergency=True).delete()
    PlaybookStep.objects.filter(rule_set=version, care=True).delete()
    assert {("warning", "emergency"), ("warning", "care")} <= found(version)
    PlaybookStep.objects.filter(rule_set=version).delete()
    assert found(version) == {("error", "empty")}
    with pytest.raises(RulesRefused):
        publish(version)


def found(version):
    return {(x.level, x.code) for x in rule_kinds.of(playbooks.KIND).check(version)}
