"""The regulatory limit: standing still for an appraisal, begun anew; pauses that run out."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from complaints import clocks, workflow
from complaints.choices import ClockName, ClockState, PauseKind, Status
from complaints.models import Case, CaseClock, CaseExclusion, CasePause
from complaints.workflow import MOVES, available, payloads
from complaints.workflow.outcomes import Refusal
from config.kernel import journal
from config.kernel.models import Approval, Notice, OutboxMessage
from tests.factories.complaints import (
    AT,
    DAY,
    HOUR,
    PNG,
    bank,
    decide,
    do,
    evidence,
    in_state,
    rows,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return bank()


def asked(house, case, verb, what, *, by="officer", at=AT):
    return workflow.ask(verb, rows(case), what, actor=house.actor(by), at=at)[0]


def fresh(case):
    return Case.objects.get(pk=case.pk)


def clock(case, name=ClockName.REGULATORY):
    return CaseClock.objects.filter(case=case, name=name).latest("round")


def order(house, case, until=AT + 9 * DAY):
    return payloads.Appraising(
        "Card Institute", "The chip is tested.", until, evidence(house, case)
    )


def appraised(house, **given):
    """A case whose regulatory limit stands still until the ninth day."""
    case = in_state(house, Status.IN_PROGRESS, **given)
    assert asked(house, case, "external_appraisal", order(house, case)).asked
    assert decide(house, case, "approved", by="approver", at=AT + HOUR).refused is None
    return fresh(case)


def test_an_appraisal_stops_the_regulatory_limit_alone_and_the_customer_is_told(house):
    case = appraised(house)
    assert case.status == Status.IN_PROGRESS
    assert clock(case).state == ClockState.PAUSED
    others = CaseClock.objects.filter(case=case).exclude(name=ClockName.REGULATORY)
    assert not others.filter(state=ClockState.PAUSED).exists()
    pause = CasePause.objects.get(case=case)
    assert (pause.kind, pause.expected_end_at) == (PauseKind.APPRAISAL, AT + 9 * DAY)
    letter = OutboxMessage.objects.get(kind="case.extension")
    assert "2026" in letter.text
    assert "Card Institute" in letter.text
    assert "The chip is tested." in letter.text
    said = journal.describe(journal.entries(case.stream).get(action="case.external_appraisal"))
    assert "Card Institute" in said


def test_only_the_senior_approver_lets_the_limit_stand_still(house):
    case = in_state(house, Status.IN_PROGRESS)
    asked(house, case, "external_appraisal", order(house, case))
    told = Notice.objects.filter(kind="approval.asked").values_list("person_id", flat=True)
    assert list(told) == [house.pk("approver")]
    assert decide(house, case, "approved", by="supervisor").refused == "not_allowed"
    assert clock(case).state == ClockState.RUNNING
    assert decide(house, case, "refused", by="approver").refused is None
    assert clock(case).state == ClockState.RUNNING


def test_without_a_document_or_with_an_end_in_the_past_nothing_is_asked(house):
    case = in_state(house, Status.IN_PROGRESS)
    bare = payloads.Appraising("Institute", "Test.", AT + DAY)
    late = order(house, case, until=AT)
    for what in (bare, late):
        assert asked(house, case, "external_appraisal", what).refused is Refusal.GUARD
    assert not Approval.objects.exists()


def test_when_the_appraisal_is_there_the_due_time_moves_by_the_days_it_took(house):
    case = appraised(house)
    due = clock(case).due_at
    after = do(house, case, "end_appraisal", at=AT + 5 * DAY)
    assert clock(after).state == ClockState.RUNNING
    assert clock(after).due_at - due == timedelta(days=4, hours=23) or (
        clock(after).due_at - due == timedelta(days=5)
    )
    assert after.regulatory_due_at == clock(after).due_at
    again = workflow.end_appraisal(rows(case), actor=house.actor("officer"), at=AT + 6 * DAY)[0]
    assert again.refused is Refusal.GUARD


def test_an_appraisal_that_runs_out_ends_by_itself_and_the_state_stays(house):
    case = appraised(house)
    assert workflow.resume_over(AT + 8 * DAY) == 0
    assert workflow.resume_over(AT + 10 * DAY) == 1
    assert workflow.resume_over(AT + 10 * DAY) == 0
    after = fresh(case)
    assert (after.status, clock(after).state) == (Status.IN_PROGRESS, ClockState.RUNNING)
    assert CasePause.objects.get(case=case).ended_at == AT + 9 * DAY
    assert Notice.objects.filter(kind="clock.resumed", person_id=house.pk("handler")).exists()


def test_without_an_address_the_named_person_must_tell_the_customer(house):
    case = appraised(house, contact_email="", contact_phone="02188886666")
    assert not OutboxMessage.objects.filter(kind="case.extension").exists()
    assert Notice.objects.filter(
        kind="case.not_delivered", person_id=house.pk("officer"), about=case.about
    ).exists()


def test_new_facts_begin_the_limit_anew_and_the_old_due_time_stays_readable(house):
    case = in_state(house, Status.IN_PROGRESS)
    old = clock(case)
    since = AT + 3 * DAY
    what = payloads.Restarting("She found the slip.", since)
    assert asked(house, case, "restart_new_facts", what, at=AT + 4 * DAY).asked
    assert decide(house, case, "approved", by="supervisor", at=AT + 4 * DAY).refused
    assert decide(house, case, "approved", by="approver", at=AT + 4 * DAY).refused is None
    new = clock(case)
    assert (new.round, new.started_at, new.state) == (2, since, ClockState.RUNNING)
    assert new.due_at - old.due_at == timedelta(days=3)
    kept = CaseClock.objects.get(pk=old.pk)
    assert (kept.state, kept.due_at) == (ClockState.CANCELLED, old.due_at)
    assert fresh(case).regulatory_due_at == new.due_at
    entry = journal.entries(case.stream).get(action="case.restart_new_facts")
    assert journal.facts_of(entry)["was"] == old.due_at.isoformat()
    assert OutboxMessage.objects.filter(kind="case.extension").count() == 1
    assert list(clocks.recompute(check=True, actor=None, at=AT + 4 * DAY)) == []


def test_new_facts_are_newer_than_the_limit_and_not_of_tomorrow(house):
    case = in_state(house, Status.IN_PROGRESS)
    for since in (AT - DAY, AT + 9 * DAY, None):
        what = payloads.Restarting("She found the slip.", since)
        assert asked(house, case, "restart_new_facts", what, at=AT + DAY).refused is Refusal.GUARD


def test_the_limit_does_not_begin_anew_while_an_appraisal_is_under_way(house):
    case = appraised(house)
    what = payloads.Restarting("She found the slip.", AT + DAY)
    assert asked(house, case, "restart_new_facts", what, at=AT + 2 * DAY).refused is Refusal.GUARD


def test_buttons_of_the_limit_show_where_they_can_do_something(house):
    case = in_state(house, Status.IN_PROGRESS)
    scope = house.scope("officer")

    def verbs(row):
        return {view.move.verb for view in available(row, scope)}

    assert {"external_appraisal", "restart_new_facts"} <= verbs(case)
    assert "end_appraisal" not in verbs(case)
    case.in_appraisal = True
    assert "end_appraisal" in verbs(case)
    case.regulatory_due_at = None
    assert not {"external_appraisal", "restart_new_facts", "extend"} & verbs(case)
    assert MOVES["external_appraisal"].only_approved


@pytest.mark.parametrize(
    ("verb", "state"),
    [("wait_customer", Status.WAITING_CUSTOMER), ("suspend", Status.SUSPENDED)],
)
def test_a_pause_that_runs_out_brings_the_case_back_to_handling(house, verb, state):
    case = in_state(house, Status.IN_PROGRESS)
    due = case.resolve_due_at
    end = AT + 6 * HOUR
    do(house, case, verb, payloads.Pausing("Papers are missing.", end), by="supervisor")
    assert fresh(case).status == state
    assert workflow.resume_over(end - HOUR) == 0
    assert workflow.resume_over(end + HOUR) == 1
    assert workflow.resume_over(end + HOUR) == 0
    after = fresh(case)
    assert (after.status, after.paused) == (Status.IN_PROGRESS, False)
    resolve = clock(case, ClockName.RESOLVE)
    assert (resolve.state, resolve.paused_seconds) == (ClockState.RUNNING, 6 * 3600)
    assert resolve.due_at > due
    entry = journal.entries(case.stream).get(action="case.resume")
    assert (entry.actor_kind, journal.facts_of(entry)["by_itself"]) == ("system", True)
    assert Notice.objects.get(kind="clock.resumed").person_id == house.pk("handler")
    assert list(clocks.recompute(check=True, actor=None, at=end + HOUR)) == []


def test_somebody_named_in_the_case_does_not_hear_that_its_pause_ended(house):
    case = in_state(house, Status.IN_PROGRESS)
    CaseExclusion.objects.create(case=case, person_id=house.pk("handler"), reason="named", at=AT)
    what = payloads.Pausing("Papers are missing.", AT + HOUR)
    do(house, case, "wait_customer", what, by="supervisor")
    assert workflow.resume_over(AT + 2 * HOUR) == 1
    assert not Notice.objects.filter(kind="clock.resumed").exists()


def test_a_case_resolved_while_suspended_leaves_no_pause_and_its_clocks_run(house):
    case = in_state(house, Status.SUSPENDED)
    what = payloads.Answer(
        outcome="MED", answer="See the ruling.", findings="Court.", basis="Ruling.",
        objection_ways="Court.", nature="SVC", cause="A1", responsibility="none",
    )  # fmt: skip
    after = do(house, case, "resolve", what, at=AT + HOUR)
    assert after.status == Status.RESOLVED
    assert not CasePause.objects.filter(case=case, ended_at__isnull=True).exists()
    assert clock(case, ClockName.LOOP).state == ClockState.RUNNING
    told = do(house, after, "notify", at=AT + 2 * HOUR)
    again = do(house, told, "reopen", at=AT + 3 * HOUR)
    again = do(house, again, "start", at=AT + 3 * HOUR)
    do(house, again, "wait_customer", by="supervisor", at=AT + 4 * HOUR)
    assert clock(case, ClockName.RESOLVE).state == ClockState.PAUSED


def test_a_case_that_leaves_the_way_while_waiting_takes_its_pause_along(house):
    case = in_state(house, Status.IN_PROGRESS)
    what = payloads.Pausing("Papers are missing.", AT + HOUR)
    do(house, case, "wait_customer", what, by="supervisor")
    do(house, case, "transfer")
    assert workflow.resume_over(AT + 2 * HOUR) == 0
    assert fresh(case).status == Status.TRANSFERRED


def test_an_appraisal_is_asked_for_by_its_dialog_with_the_document(client, house):
    at = timezone.now() - HOUR
    case = in_state(house, Status.IN_PROGRESS, at=at)
    client.force_login(house.accounts["officer"], backend="staff.accounts.AccountBackend")
    url = f"/cases/{case.number}/do/external_appraisal/"
    shown = client.get(url).content.decode()
    assert 'name="appraiser"' in shown
    assert 'type="datetime-local"' in shown
    until = timezone.localtime(at + 5 * DAY).strftime("%Y-%m-%dT%H:%M")
    data = {"appraiser": "Card Institute", "reason": "The chip is tested.",
            "expected_end_at": until, "version": str(case.version)}  # fmt: skip
    bare = client.post(url, data, headers={"HX-Request": "true"})
    assert (bare.status_code, Approval.objects.count()) == (422, 0)
    upload = SimpleUploadedFile("order.png", PNG, "image/png")
    done = client.post(url, data | {"file": upload}, headers={"HX-Request": "true"})
    assert done.status_code == 200, done.content.decode()[:2000]
    request = Approval.objects.get(kind="external_appraisal")
    assert request.facts["proof_id"] == case.attachments.get().file_id
    assert decide(house, case, "approved", by="approver", at=timezone.now()).refused is None
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert f"/cases/{case.number}/do/end_appraisal/" in page
    assert "Card Institute" in page


def test_new_facts_are_asked_for_by_their_dialog(client, house):
    at = timezone.now() - 2 * DAY
    case = in_state(house, Status.IN_PROGRESS, at=at)
    client.force_login(house.accounts["officer"], backend="staff.accounts.AccountBackend")
    since = timezone.localtime(at + DAY).strftime("%Y-%m-%dT%H:%M")
    data = {"new_facts_at": since, "reason": "She found the slip.", "version": str(case.version)}
    url = f"/cases/{case.number}/do/restart_new_facts/"
    assert client.post(url, data, headers={"HX-Request": "true"}).status_code == 200
    assert decide(house, case, "approved", by="approver", at=timezone.now()).refused is None
    assert clock(case).round == 2
    assert "begun anew" in client.get(f"/cases/{case.number}/").content.decode()
