"""Tasks of other departments: asked, taken, refused, answered, late; and what they hold up."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from complaints import workflow
from complaints.choices import Status, TaskKind, TaskState
from complaints.models import Case, CaseExclusion, CaseGrant, CaseTask
from complaints.teamwork import asking, lateness, tasks
from complaints.teamwork.access import TeamRefused
from complaints.teamwork.asking import Asking
from complaints.workflow import payloads
from config.kernel import journal
from config.kernel.models import Notice
from config.shared.scope import WHOLE_BANK
from config.shared.worktime import Limit, Unit
from tests.factories.complaints import ANSWER, AT, DAY, HOUR, PNG, do, in_state, open_case, rows
from tests.factories.staff import AccountFactory, PersonFactory
from tests.portal.desks import queries, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(shared_house):
    head = AccountFactory.create(
        person=PersonFactory.create(department=shared_house.units["LOAN"]),
        roles=["department_head"],
    )
    shared_house.accounts["loanhead"] = head
    unit = shared_house.units["LOAN"]
    unit.head = head.person
    unit.save(update_fields=["head"])
    return shared_house


@pytest.fixture
def case(house):
    return in_state(house, Status.IN_PROGRESS)


def ask(house, case, *, by="supervisor", at=AT, **given):
    what = {"question": "Was the fee agreed?", "departments": [house.units["LOAN"].pk]} | given
    return asking.ask(rows(case), Asking(**what), actor=house.actor(by), at=at)[0]


def one(task):
    return CaseTask.objects.filter(pk=task.pk)


def told(name, house, kind):
    return Notice.objects.filter(person_id=house.pk(name), kind=kind)


def test_asking_records_tells_and_lets_the_head_read(house, case):
    assert not Case.objects.visible_to(house.scope("loanhead")).filter(pk=case.pk).exists()
    task = ask(house, case)
    assert Case.objects.visible_to(house.scope("loanhead")).filter(pk=case.pk).exists()
    notice = told("loanhead", house, asking.ASKED).get()
    assert notice.needs_action
    assert notice.about == f"task:{task.pk}"
    entry = journal.entries(case.stream).get(seq=task.seq)
    assert entry.action == asking.ASKED
    assert "agreed" not in entry.body
    assert journal.words_of([entry])[entry.pk]["text"] == "Was the fee agreed?"
    assert "Asked LOAN, answer due" in journal.describe(entry)


def test_due_time_counts_on_the_calendar_of_the_department(house, case):
    friday = datetime(2026, 3, 6, 7, 0, tzinfo=UTC)  # 15:00 in Shanghai
    task = ask(house, case, at=friday, limit=Limit(2, Unit.WORKING_DAYS))
    assert task.due_at == datetime(2026, 3, 10, 10, 0, tzinfo=UTC)  # Tuesday 18:00
    hours = ask(house, case, at=friday, limit=Limit(240, Unit.WORKING_MINUTES))
    assert hours.due_at == datetime(2026, 3, 9, 2, 0, tzinfo=UTC)  # 3 h on Friday, 1 on Monday


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"question": " \x00 "}, "question"),
        ({"departments": []}, "departments"),
        ({"departments": [10**12]}, "departments"),
        ({"due_at": AT}, "due_at"),
        ({"due_at": AT + timedelta(days=400)}, "due_at"),
        ({"kind": TaskKind.REPORT}, ""),
    ],
)
def test_what_cannot_be_asked(house, case, given, field):
    with pytest.raises(TeamRefused) as refused:
        ask(house, case, **given)
    assert refused.value.field == field
    assert not CaseTask.objects.filter(case=case).exists()


def test_lead_its_handler_and_departments_without_people_are_not_asked(house, case):
    with pytest.raises(TeamRefused, match="leads the case already"):
        ask(house, case, departments=[house.units["CARD"].pk])
    with pytest.raises(TeamRefused, match="handles the case"):
        ask(house, case, departments=[], person_id=house.pk("handler"))
    with pytest.raises(TeamRefused, match="Nobody in"):
        ask(house, case, departments=[house.units["WEALTH"].pk])
    closed = in_state(house, Status.CLOSED)
    with pytest.raises(TeamRefused, match="while the case is open"):
        ask(house, closed)


def test_recused_people_are_never_asked_and_never_act(house, case):
    CaseExclusion.objects.create(case=case, person_id=house.pk("loanhead"), reason="named", at=AT)
    with pytest.raises(TeamRefused):
        ask(house, case, departments=[], person_id=house.pk("loanhead"))
    task = ask(house, case)  # the department is asked: somebody else there hears of it
    assert not told("loanhead", house, asking.ASKED).exists()
    assert told("loan_handler", house, asking.ASKED).exists()
    assert not one(task).visible_to(house.scope("loanhead")).exists()
    with pytest.raises(TeamRefused, match="stay out"):
        tasks.answer(one(task), "No.", actor=house.actor("loanhead"), at=AT)
    with pytest.raises(TeamRefused, match="stays out"):
        tasks.accept(one(task), house.pk("loanhead"), actor=house.actor("loan_handler"), at=AT)


def test_naming_somebody_takes_the_task_and_the_access(house, case):
    from complaints import recusal

    task = ask(house, case)
    tasks.accept(one(task), house.pk("loan_handler"), actor=house.actor("loanhead"), at=AT)
    assert CaseGrant.objects.filter(case=case, person=house.pk("loan_handler")).exists()
    who = [house.pk("loan_handler")]
    recusal.name(rows(case), who, "Her cousin.", actor=house.actor("supervisor"), at=AT)
    assert one(task).get().person_id is None
    assert not CaseGrant.objects.filter(case=case, person__in=who).exists()
    assert not told("loan_handler", house, tasks.TAKEN).filter(done_at=None).exists()


def test_restricted_cases_ask_only_who_may_see_them(house):
    tip = open_case(house, type="TIP", business_line="", severity=3)
    assert tip.restricted
    with pytest.raises(TeamRefused, match="Nobody in"):
        ask(house, tip, by="compliance")
    task = ask(house, tip, by="officer", departments=[], person_id=house.pk("compliance"))
    assert not CaseGrant.objects.filter(case=tip).exists()
    assert one(task).visible_to(house.scope("compliance")).exists()
    assert not one(task).visible_to(house.scope("supervisor")).exists()


def test_a_task_of_a_restricted_case_is_taken_only_with_who_may_open_it(house):
    tip = open_case(house, type="TIP", business_line="", severity=3)
    other = AccountFactory.create(
        person=PersonFactory.create(department=house.units["LAW"]), roles=["handler"]
    )
    task = ask(house, tip, by="officer", departments=[], person_id=house.pk("compliance"))
    with pytest.raises(TeamRefused) as caught:
        tasks.accept(one(task), other.person_id, actor=house.actor("compliance"), at=AT)
    assert caught.value.code == "restricted"
    assert one(task).get().state == TaskState.ASKED
    tasks.accept(one(task), house.pk("compliance"), actor=house.actor("compliance"), at=AT)
    assert one(task).get().state == TaskState.ACCEPTED


def test_a_mandatory_task_holds_up_every_way_to_a_decision(house, case):
    task = ask(house, case)
    ask(house, case, departments=[house.units["CMPT"].pk], mandatory=False)
    for verb, by in (("resolve", "officer"), ("propose", "handler")):
        outcome = workflow.VERBS[verb][0](rows(case), ANSWER, actor=house.actor(by), at=AT)[0]
        assert not outcome.done
        assert "1 department still to answer" in outcome.why
    page = signed_in(house.accounts["supervisor"]).get(case.get_absolute_url()).content.decode()
    assert "1 department still to answer" in page
    tasks.answer(one(task), "Yes.", actor=house.actor("loanhead"), at=AT)
    assert do(house, case, "resolve").status == Status.RESOLVED


def test_settling_and_approving_are_held_up_too(house):
    early = in_state(house, Status.ASSESSING)
    ask(house, early)
    outcome = workflow.settle(rows(early), ANSWER, actor=house.actor("officer"), at=AT)[0]
    assert "still to answer" in outcome.why
    waiting = in_state(house, Status.PENDING_APPROVAL)
    ask(house, waiting)
    outcome = workflow.approve(rows(waiting), ANSWER, actor=house.actor("depthead"), at=AT)[0]
    assert "still to answer" in outcome.why


def test_the_dialog_of_the_page_refuses_in_words(house, case):
    ask(house, case)
    client = signed_in(house.accounts["supervisor"])
    form = client.get(f"/cases/{case.number}/do/resolve/").context["form"]
    given = {
        "version": form.fields["version"].initial, "outcome": "UPH", "answer": "We refund.",
        "findings": "Twice.", "basis": "Tariff.", "objection_ways": "Court.", "nature": "SVC",
        "cause": "A1", "responsibility": "responsible",
    }  # fmt: skip
    answer = client.post(f"/cases/{case.number}/do/resolve/", given)
    assert answer.status_code == 422
    assert "1 department still to answer" in answer.content.decode()


def test_accepting_names_a_person_of_the_department(house, case):
    task = ask(house, case)
    outsider = AccountFactory.create(roles=["handler"]).person_id
    with pytest.raises(TeamRefused, match="does not work in the department"):
        tasks.accept(one(task), outsider, actor=house.actor("loanhead"), at=AT)
    taken = tasks.accept(
        one(task), house.pk("loan_handler"), actor=house.actor("loanhead"), at=AT + HOUR
    )[0]
    assert (taken.state, taken.accepted_at) == (TaskState.ACCEPTED, AT + HOUR)
    assert told("loan_handler", house, tasks.TAKEN).get().needs_action
    assert not told("loanhead", house, asking.ASKED).filter(done_at=None).exists()
    assert Case.objects.visible_to(house.scope("loan_handler")).filter(pk=case.pk).exists()
    with pytest.raises(TeamRefused) as again:
        tasks.accept(one(task), house.pk("loan_handler"), actor=house.actor("loanhead"), at=AT)
    assert again.value.code == "stale"


def test_refusing_needs_a_reason_ends_the_access_and_lets_the_case_go_on(house, case):
    task = ask(house, case)
    with pytest.raises(TeamRefused):
        tasks.refuse(one(task), " ", actor=house.actor("loanhead"), at=AT)
    tasks.refuse(one(task), "Not our product.", actor=house.actor("loanhead"), at=AT)
    assert one(task).get().state == TaskState.REFUSED
    assert told("supervisor", house, tasks.REFUSED).exists()
    assert not Case.objects.visible_to(house.scope("loanhead")).filter(pk=case.pk).exists()
    assert do(house, case, "resolve").status == Status.RESOLVED


def test_an_answer_comes_with_files_and_is_told(house, case):
    task = ask(house, case)
    upload = SimpleUploadedFile("slip.png", PNG, "image/png")
    actor = house.actor("loanhead")
    done = tasks.answer(one(task), "Agreed in 2024.", uploads=[upload], actor=actor, at=AT)[0]
    assert done.state == TaskState.ANSWERED
    assert case.attachments.get().file.name == "slip.png"
    entry = journal.entries(case.stream).get(seq=one(task).get().answer_seq)
    assert journal.facts_of(entry)["files"] == [str(case.attachments.get().file.token)]
    assert "Agreed" not in entry.body
    assert told("supervisor", house, tasks.ANSWERED).exists()
    assert told("handler", house, tasks.ANSWERED).exists()
    assert not told("loanhead", house, asking.ASKED).filter(done_at=None).exists()
    assert Case.objects.visible_to(house.scope("loanhead")).filter(pk=case.pk).exists()
    with pytest.raises(TeamRefused):
        tasks.answer(one(task), "Twice.", actor=actor, at=AT)


def test_another_open_task_keeps_the_access_and_watchers_keep_theirs(house, case):
    first, second = ask(house, case), ask(house, case)
    tasks.cancel(one(first), "Asked twice.", actor=house.actor("supervisor"), at=AT)
    assert CaseGrant.objects.filter(case=case, person=house.pk("loanhead")).exists()
    CaseGrant.objects.filter(case=case, person=house.pk("loanhead")).update(watcher=True)
    tasks.cancel(one(second), "Solved.", actor=house.actor("supervisor"), at=AT)
    assert CaseGrant.objects.get(case=case, person=house.pk("loanhead")).watcher


def test_who_stops_watching_still_reads_what_they_were_asked(house, case):
    from complaints import watching

    ask(house, case)
    who = [house.pk("loanhead")]
    watching.watch(rows(case), who, actor=house.actor("supervisor"), at=AT)
    watching.unwatch(rows(case), who, actor=house.actor("supervisor"), at=AT)
    assert not CaseGrant.objects.get(case=case, person__in=who).watcher


@pytest.mark.parametrize(
    ("verb", "what", "by"),
    [
        ("withdraw", payloads.Withdrawing("Enough.", recording="R"), "supervisor"),
        ("transfer", payloads.Transferring("Another Bank", "Not ours."), "officer"),
    ],
)
def test_a_case_that_ends_calls_its_tasks_back(house, verb, what, by):
    case = in_state(house, Status.ACCEPTED)
    task = ask(house, case)
    do(house, case, verb, what, by=by)
    assert one(task).get().state == TaskState.CANCELLED
    assert not told("loanhead", house, asking.ASKED).filter(done_at=None).exists()
    assert not CaseGrant.objects.filter(case=case).exists()


def test_answered_tasks_stay_readable_until_the_archive(house):
    case = in_state(house, Status.IN_PROGRESS)
    task = ask(house, case)
    tasks.answer(one(task), "Yes.", actor=house.actor("loanhead"), at=AT)
    for verb in ("resolve", "notify", "confirm"):
        case = do(house, case, verb)
    assert case.status == Status.CLOSED
    assert CaseGrant.objects.filter(case=case, person=house.pk("loanhead")).exists()
    do(house, case, "archive", by="supervisor", at=AT + 91 * DAY)
    assert not CaseGrant.objects.filter(case=case).exists()


# --- Late ----------------------------------------------------------------------------------


def late(house, number, kind=lateness.LATE):
    return list(
        Notice.objects.filter(kind=kind, facts__number=number).values_list("person_id", flat=True)
    )


def test_a_late_task_is_raised_to_the_head_then_to_the_supervisors_once_each(house, case):
    task = ask(house, case, by="officer")
    due, line = task.due_at, lateness.second_line(task)
    assert lateness.escalate(due - timedelta(seconds=1)) == 0
    assert lateness.escalate(due + timedelta(seconds=1)) == 1
    assert lateness.escalate(due + timedelta(minutes=5)) == 0
    assert late(house, case.number) == [house.pk("loanhead")]
    assert line == due + 3 * DAY  # from Friday evening to Monday evening
    assert lateness.escalate(line) == 1
    assert lateness.escalate(line + DAY) == 0
    assert sorted(late(house, case.number)) == sorted(
        [house.pk("loanhead"), house.pk("supervisor")]
    )
    stages = [
        journal.facts_of(x)["stage"]
        for x in journal.entries(case.stream).filter(action=lateness.LATE)
    ]
    assert stages == [lateness.HEAD, lateness.BOSSES]
    tasks.answer(one(task), "Sorry.", actor=house.actor("loanhead"), at=line + DAY)
    assert not Notice.objects.filter(kind=lateness.LATE, done_at=None).exists()


def test_after_downtime_both_steps_are_taken_at_once(house, case):
    task = ask(house, case, by="officer")
    assert lateness.escalate(task.due_at + 5 * DAY) == 2
    assert lateness.escalate(task.due_at + 6 * DAY) == 0
    assert len(late(house, case.number)) == 2


def test_recused_heads_hear_nothing_of_late_tasks(house, case):
    task = ask(house, case, by="officer")
    CaseExclusion.objects.create(case=case, person_id=house.pk("loanhead"), reason="named", at=AT)
    lateness.escalate(task.due_at + HOUR)
    assert house.pk("loanhead") not in late(house, case.number)


# --- The report to the regulator -----------------------------------------------------------


def test_the_regulators_mark_opens_the_report_and_its_end_calls_it_back(house, case):
    do(house, case, "set_major", by="supervisor")
    task = CaseTask.objects.get(case=case, kind=TaskKind.REPORT)
    assert (task.department.code, task.person_id) == ("CMPT", house.pk("officer"))
    assert task.due_at == AT + timedelta(minutes=240)
    assert told("officer", house, tasks.REPORT).get().needs_action
    assert not one(task).visible_to(house.scope("officer"), "cancel").exists()
    assert one(task).visible_to(house.scope("supervisor"), "cancel").exists()
    do(house, case, "clear_major", by="supervisor")
    assert one(task).get().state == TaskState.CANCELLED
    assert not told("officer", house, tasks.REPORT).filter(done_at=None).exists()
    do(house, case, "set_major", by="supervisor")
    assert CaseTask.objects.filter(case=case, kind=TaskKind.REPORT).open().count() == 1


def test_a_major_case_at_the_door_opens_the_report_and_it_needs_proof(house):
    case = open_case(house, regulatory_major=True, severity=4, by="agent")
    task = CaseTask.objects.get(case=case, kind=TaskKind.REPORT)
    actor = house.actor("supervisor")
    with pytest.raises(TeamRefused, match="proof"):
        tasks.answer(one(task), "Reported.", actor=actor, at=AT)
    with pytest.raises(TeamRefused):
        tasks.refuse(one(task), "No.", actor=actor, at=AT)
    upload = SimpleUploadedFile("fax.png", PNG, "image/png")
    tasks.answer(one(task), "Reported by fax.", uploads=[upload], actor=actor, at=AT)
    assert one(task).get().state == TaskState.ANSWERED


# --- Pages ---------------------------------------------------------------------------------


def test_asking_and_answering_through_the_dialogs(house, case):
    boss, head = (signed_in(house.accounts[name]) for name in ("supervisor", "loanhead"))
    url = f"/cases/{case.number}/tasks/new/"
    unit = house.units["LOAN"].pk
    given = {"departments": [unit], "question": "", "unit": "days", "kind": "co_handling"}
    wrong = boss.post(url, given)
    assert wrong.status_code == 422
    odd = boss.post(url, given | {"question": "Why?", "departments": ["9" * 30]})
    assert odd.status_code == 422
    good = given | {"question": "Was it agreed?", "amount": 3, "mandatory": "on"}
    assert boss.post(url, good).status_code == 302
    task = CaseTask.objects.get(case=case)
    part = head.get(f"/cases/{case.number}/parts/tasks/").content.decode()
    assert "Was it agreed?" in part
    assert f"/tasks/{task.pk}/answer/" in part
    assert "Was it agreed?" in head.get(f"/tasks/{task.pk}/accept/").content.decode()
    person = house.pk("loan_handler")
    sent = {"version": task.version, "person": person}
    assert head.post(f"/tasks/{task.pk}/accept/", sent).status_code == 302
    stale = head.post(f"/tasks/{task.pk}/answer/", {"version": task.version, "words": "My words"})
    assert stale.status_code == 409
    assert "My words" in stale.content.decode()
    now = one(task).get().version
    mine = signed_in(house.accounts["loan_handler"])
    assert mine.post(f"/tasks/{task.pk}/answer/", {"version": now, "words": ""}).status_code == 422
    done = mine.post(f"/tasks/{task.pk}/answer/", {"version": now, "words": "Yes, in 2024."})
    assert done.status_code == 302
    assert "Yes, in 2024." in boss.get(f"/cases/{case.number}/parts/tasks/").content.decode()


def test_who_may_do_what_with_a_task(house, case):
    task = ask(house, case)
    acts = ("accept", "refuse", "answer", "cancel")
    expected = {
        "loanhead": (200, 200, 200, 403), "loan_handler": (200, 200, 200, 403),
        "supervisor": (403, 403, 403, 200), "officer2": (404, 404, 404, 404),
        "handler": (404, 404, 404, 404), "depthead": (404, 404, 404, 404),
    }  # fmt: skip
    for name, codes in expected.items():
        client = signed_in(house.accounts[name])
        got = tuple(client.get(f"/tasks/{task.pk}/{act}/").status_code for act in acts)
        assert got == codes, name
    asked = f"/cases/{case.number}/tasks/new/"
    for name, code in (("handler", 200), ("loanhead", 403), ("agent", 403), ("officer2", 403)):
        assert signed_in(house.accounts[name]).get(asked).status_code == code, name


def test_the_page_of_tasks_in_its_views(house, case):
    task = ask(house, case)
    for name, view, there in (
        ("loanhead", "unit", True), ("loanhead", "mine", False), ("supervisor", "asked", True),
        ("loan_handler", "unit", True), ("handler2", "unit", False), ("officer2", "asked", False),
    ):  # fmt: skip
        page = signed_in(house.accounts[name]).get(f"/tasks/?view={view}")
        assert (case.number in page.content.decode()) is there, (name, view)
    tasks.accept(one(task), house.pk("loan_handler"), actor=house.actor("loanhead"), at=AT)
    client = signed_in(house.accounts["loan_handler"])
    assert case.number in client.get("/tasks/?view=odd&sort=new").content.decode()
    assert case.number in client.get("/tasks/?view=late").content.decode()  # AT is long ago
    from complaints.teamwork import listing

    assert listing.count(house.scope("loan_handler"), AT) == (1, False)
    assert listing.count(house.scope("loan_handler"), AT + 30 * DAY) == (1, True)
    assert signed_in(AccountFactory.create(roles=["hr"])).get("/tasks/").status_code == 403


def test_the_page_costs_the_same_with_many_tasks(house, case):
    client = signed_in(house.accounts["loanhead"])
    ask(house, case)
    client.get("/tasks/?view=unit")
    few = queries(client, "/tasks/?view=unit")
    for _n in range(20):
        ask(house, case)
    assert queries(client, "/tasks/?view=unit") == few


def test_the_list_exports_its_rows_in_order(house, case):
    from django.http import QueryDict

    from complaints.teamwork.listing import TASKS

    made = [ask(house, case, limit=Limit(3 - n, Unit.WORKING_DAYS)) for n in range(3)]
    found = TASKS.read(QueryDict("view=late"), WHOLE_BANK, AT + 30 * DAY)
    assert [task.pk for task in found] == [task.pk for task in reversed(made)]
