"""Rules under hard conditions: several versions in one sweep, overtaken calls, old verdicts."""

import re
from datetime import timedelta

import pytest

from complaints import clocks, unassigned, workflow
from complaints.clocks import explaining
from complaints.models import CaseClock, CaseExclusion, Escalation
from complaints.workflow import payloads
from config.kernel import rule_kinds
from config.kernel.models import Approval, Notice
from config.shared.actors import SYSTEM
from config.shared.openings import Span
from staff import calendar, calendar_drafts, duty
from staff.calendar_files import OfficialDay
from staff.models import DutyShift
from tests.complaints.clock_house import build, clock, local, unit
from tests.complaints.rule_house import publish_rules
from tests.complaints.test_apply import apply, new_rules
from tests.complaints.test_escalation import one, only, staff
from tests.complaints.test_intake_page import enter, filled
from tests.factories.complaints import ANSWER, AT, DAY, HOUR, do, in_state, open_case, rows
from tests.factories.staff import AccountFactory, PersonFactory

MINUTE = timedelta(minutes=1)


def test_two_versions_in_one_sweep_each_reach_their_own_complaint_office(db):
    build()
    people = staff()
    other = AccountFactory.create(
        roles=["department_head"], person=PersonFactory.create(department=unit("RISK"))
    ).person.pk
    first = only_resolve(one(AT, severity=3, handler_id=people["handler"]))
    publish_rules(settings={"complaint_office": "RISK"}, at=AT + MINUTE)
    second = only_resolve(one(AT + 2 * MINUTE, severity=3, handler_id=people["handler"]))
    clocks.sweep(AT + 49 * HOUR)
    clocks.sweep(AT + 58 * HOUR)
    heard = {
        row.case_id: list(
            Escalation.objects.filter(clock=row, step="120%").values_list("audience", flat=True)
        )
        for row in (first, second)
    }
    assert heard == {first.case_id: [[people["office"]]], second.case_id: [[other]]}


def only_resolve(case) -> CaseClock:
    return only(case, "resolve")


def test_a_duty_call_about_a_case_that_was_answered_meanwhile_is_not_passed_on(shared_house):
    house = shared_house
    leaders = [
        AccountFactory.create(
            roles=["duty_leader"], person=PersonFactory.create(department=house.units["CMPT"])
        )
        for _n in range(2)
    ]
    DutyShift.objects.create(
        on=AT.date(),
        shift="day",
        starts_at=AT - HOUR,
        ends_at=AT + DAY,
        first=leaders[0].person,
        second=leaders[1].person,
    )
    case = open_case(house, severity=4)
    do(house, case, "withdraw", by="supervisor", at=AT + 5 * MINUTE)
    assert duty.pass_on(AT + 20 * MINUTE) == 0
    assert not Notice.objects.filter(
        about=case.about, person_id=leaders[1].person_id, kind="case.critical"
    ).exists()


def test_the_explanation_of_a_stopped_clock_names_the_version_it_ran_under(shared_house):
    house = shared_house
    case = open_case(house)
    do(house, case, "accept")
    version = new_rules(house, resolve=5)
    apply(house, version)
    stopped, running = clock(case, "accept"), clock(case, "resolve")
    words = {row.name: explaining.explain(row).text for row in (stopped, running)}
    assert f"version {version.number}" in words["resolve"]
    assert f"version {version.number}" not in words["accept"]


def test_the_third_move_is_told_and_the_fourth_and_fifth_are_not(shared_house):
    moved = in_state(shared_house, "assigned")
    for _turn in range(5):
        moved = do(shared_house, moved, "return", by="depthead")
        moved = do(shared_house, moved, "assign")
    told = Notice.objects.filter(kind="case.third_move", about=moved.about)
    assert told.count() == 1


def test_the_panel_of_a_new_case_shows_the_due_times_of_the_raised_severity(client, shared_house):
    enter(client, shared_house, "officer")
    panels = {
        name: due_times(client.post("/cases/new/hints/", filled(**given)).text)
        for name, given in {
            "plain": {},
            "raised": {"media_risk": "on"},
            "high": {"severity": "3"},
        }.items()
    }
    assert panels["raised"] == panels["high"] != panels["plain"]


def due_times(panel: str) -> list[str]:
    return re.findall(r'<dd class="num">([^<]+)', panel)


@pytest.mark.parametrize("decision", ["approved", "returned", "rejected"])
def test_a_recused_head_reaches_the_request_by_no_address(client, shared_house, decision):
    case = in_state(shared_house, "pending_approval")
    request = Approval.objects.get(about=case.about)
    enter(client, shared_house, "depthead")
    assert client.get(f"/approvals/{request.pk}/").status_code == 200
    CaseExclusion.objects.create(
        case=case, person_id=shared_house.pk("depthead"), reason="named", at=AT
    )
    given = {"decision": decision, "note": "seen", "version": str(request.version)}
    answers = [
        client.get(f"/approvals/{request.pk}/").status_code,
        client.post(f"/approvals/{request.pk}/", given).status_code,
        client.get(f"/cases/{case.number}/").status_code,
        client.post(f"/cases/{case.number}/do/approve/", given).status_code,
    ]
    assert set(answers) <= {403, 404}, answers
    outcome = workflow.VERBS["approve"][0](
        rows(case), ANSWER, actor=shared_house.actor("depthead"), at=AT
    )[0]
    assert not outcome.done
    request.refresh_from_db()
    assert request.state == "pending"


def test_a_case_left_on_friday_evening_alarms_on_monday_and_once(shared_house):
    house = shared_house
    friday = local("2026-03-06 17:45")
    case = in_state(house, "assessing", at=friday)
    case = do(
        house, case, "assign", payloads.Sending(house.units["LOAN"].pk, note="Theirs."), at=friday
    )

    def told():
        return Notice.objects.filter(kind="case.unassigned", about=case.about).count()

    counts = []
    for moment in (
        "2026-03-06 18:30",
        "2026-03-07 10:00",
        "2026-03-08 22:00",
        "2026-03-09 09:10",
        "2026-03-09 09:16",
        "2026-03-09 17:00",
        "2026-03-10 10:00",
    ):
        unassigned.alarm(local(moment))
        counts.append(told())
    assert counts == [0, 0, 0, 0, 1, 1, 1]


def test_the_yearly_notice_neither_hastens_nor_loses_a_version_that_is_yet_to_begin(shared_house):
    """Summer hours published for July: the notice loaded in June changes days only, in both."""
    how = {"actor": SYSTEM, "at": AT, "expected": None}
    july = AT + 120 * DAY
    draft = rule_kinds.begin("calendar:bank", actor=SYSTEM, at=AT)
    calendar_drafts.put_week(draft, {day: [Span(480, 960)] for day in range(5)}, **how)
    rule_kinds.publish(draft, reason="Summer hours", valid_from=july, **how)
    flood = OfficialDay((july + 10 * DAY).date(), False, "某", "Off")
    calendar_drafts.load_official_days([flood], actor=SYSTEM, at=AT + HOUR)
    now, then = (calendar.calendar("bank", moment) for moment in (AT + 2 * HOUR, july + HOUR))
    assert (now.week[0][0].start_minute, then.week[0][0].start_minute) == (540, 480)
    assert flood.date in now.days
    assert flood.date in then.days
