"""Acts on many cases: chosen or all that match, true counts, results in words, jobs, races."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from complaints import bulk, tagging
from complaints.bulk import engine
from complaints.bulk.results import What
from complaints.bulk.running import erase
from complaints.choices import RowResult, Status
from complaints.exporting import Export
from complaints.models import BulkAct, BulkRow, Case, CaseExclusion, CaseTag
from complaints.workflow.payloads import FactsEdit
from config.kernel import files, job_runs, jobs, journal
from config.kernel.models import EventWords, Job, JournalEntry
from config.kernel.models.jobs import JobState
from config.shared.actors import SYSTEM
from tests.complaints.queue_data import term
from tests.factories.complaints import do, in_state, open_case
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


@pytest.fixture
def as_(client, house):
    def sign_in(name):
        client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
        return client

    return sign_in


def ago(**span):
    return timezone.now() - timedelta(**(span or {"hours": 2}))


def post(client, verb, *cases, headers=HTMX, **data):
    picked = {
        "case": [row.number for row in cases],
        "version": [f"{row.number}:{row.version}" for row in cases],
    }
    return client.post(f"/cases/bulk/{verb}/", picked | data, headers=headers)


def all_of(client, verb, query, **data):
    return client.post(f"/cases/bulk/{verb}/", {"all": "1", "query": query} | data, headers=HTMX)


def fresh(case):
    return Case.objects.get(pk=case.pk)


def the_act():
    return BulkAct.objects.latest("pk")


def copies(house, count, status=Status.ASSESSING, **given):
    return [in_state(house, status, at=ago(), **given) for _ in range(count)]


def test_assigning_many_gives_a_result_per_case_and_a_toast_with_undo(as_, house):
    mine, named = copies(house, 2, Status.IN_PROGRESS)
    CaseExclusion.objects.create(
        case=named, person=house.accounts["handler2"].person, reason="named", at=ago()
    )
    person = house.accounts["handler2"].person
    answer = post(as_("supervisor"), "assign_handler", mine, named, handler=person.staff_no)
    assert answer.status_code == 200
    assert "named in the case" in answer.content.decode()
    assert fresh(mine).handler_id == person.pk
    assert fresh(named).handler_id != person.pk
    rows = {row.case_id: row for row in BulkRow.objects.filter(act=the_act())}
    assert (rows[mine.pk].result, rows[named.pk].result) == ("done", "refused")
    assert rows[mine.pk].version_after == fresh(mine).version
    only = post(
        as_("supervisor"),
        "assign_handler",
        fresh(mine),
        handler=house.accounts["handler"].person.staff_no,
    )
    told = json.loads(only["HX-Trigger"])["toast"]
    assert told["undo"] == f"/cases/bulk/acts/{the_act().pk}/undo/"


def test_the_question_names_the_true_count_and_what_will_be_left(as_, house):
    copies(house, 2, severity=4)
    open_case(house, at=ago(), severity=4)  # registered: cannot be sent yet
    text = all_of(as_("supervisor"), "assign", "severity=4", ask="1").content.decode()
    assert "All 3 cases that match" in text
    assert 'name="count" value="3"' in text
    assert "Registered" in text
    assert "only it can sign" in text  # this act lasts


def test_all_that_match_is_asked_again_when_the_number_has_changed(as_, house):
    found = copies(house, 2, severity=4)
    client = as_("supervisor")
    late = in_state(house, Status.ASSESSING, at=ago(), severity=4)
    again = all_of(client, "assign", "severity=4", count="2", department="LOAN")
    assert again.status_code == 422
    assert "now 3 cases match" in again.content.decode()
    assert fresh(found[0]).status == Status.ASSESSING
    assert not BulkAct.objects.exists()
    assert all_of(client, "assign", "severity=4", count="3", department="LOAN").status_code == 200
    assert {fresh(case).status for case in (*found, late)} == {Status.ASSIGNED}


def test_a_post_on_all_without_a_count_only_asks(as_, house):
    [case] = copies(house, 1, Status.IN_PROGRESS, severity=4)
    Case.objects.filter(pk=case.pk).update(handler=None)
    answer = all_of(as_("supervisor"), "claim", "severity=4")
    assert (answer.status_code, fresh(case).handler_id) == (200, None)


def test_the_list_changed_since_the_reader_saw_it_and_that_is_told(as_, house):
    copies(house, 2, severity=4)
    text = all_of(as_("supervisor"), "tag", "severity=4", ask="1", seen="5").content.decode()
    assert "The list showed 5 cases" in text
    same = all_of(as_("supervisor"), "tag", "severity=4", ask="1", seen="2").content.decode()
    assert "The list showed" not in same


def test_classifying_sets_codes_and_keeps_what_was(as_, house):
    case, alike = copies(house, 2, Status.IN_PROGRESS)
    do(house, alike, "edit_facts", engine_edit(nature="SVC"), by="supervisor", at=ago(hours=1))
    answer = post(as_("supervisor"), "classify", case, fresh(alike), nature="SVC")
    assert "classified like that already" in answer.content.decode()
    assert fresh(case).nature.code == "SVC"
    row = BulkRow.objects.get(act=the_act(), case=case)
    assert row.before["nature"] == ""
    empty = post(as_("supervisor"), "classify", case)
    assert empty.status_code == 422
    assert "Choose at least one thing" in empty.content.decode()


def engine_edit(**values):
    return FactsEdit(values=values, reason="Because.")


def test_a_correction_needs_its_reason_per_row(as_, house):
    [case] = copies(house, 1, Status.IN_PROGRESS)
    other = term("business_line", "B-CC-01")
    answer = post(as_("supervisor"), "classify", case, business_line=other.code)
    assert answer.status_code == 409
    assert "Say why you correct" in answer.content.decode()
    good = post(as_("supervisor"), "classify", case, business_line=other.code, reason="Wrong one.")
    assert good.status_code == 200
    assert fresh(case).business_line == other


def test_raising_the_severity_leaves_those_that_are_graver(as_, house):
    low = in_state(house, Status.IN_PROGRESS, at=ago(), severity=2)
    high = in_state(house, Status.IN_PROGRESS, at=ago(), severity=4)
    post(as_("supervisor"), "severity", low, high, severity="3", reason="Press called.")
    assert (fresh(low).severity, fresh(high).severity) == (3, 4)


def test_duplicates_go_into_the_surviving_case_and_it_stays(as_, house):
    first, second, third = copies(house, 3, Status.IN_PROGRESS)
    asked = client_text(as_("supervisor"), "duplicate", first, second, third)
    assert f'value="{first.number}"' in asked
    data = {"into": first.number, "reason": "The same fee."}
    assert post(as_("supervisor"), "duplicate", first, second, third, **data).status_code == 200
    assert fresh(first).is_open
    assert {fresh(c).merged_into_id for c in (second, third)} == {first.pk}
    unknown = post(as_("supervisor"), "duplicate", first, into="C-2020-0000001", reason="x")
    assert unknown.status_code == 422


def client_text(client, verb, *cases):
    return post(client, verb, *cases, ask="1").content.decode()


def test_a_duplicate_cannot_go_into_a_case_out_of_reach(as_, house):
    own = in_state(house, Status.IN_PROGRESS, at=ago())
    closed = in_state(house, Status.CLOSED, at=ago())
    answer = post(as_("officer"), "duplicate", own, into=closed.number, reason="x")
    assert answer.status_code == 422
    assert fresh(own).is_open


def test_tags_are_added_once_and_taken_away(as_, house):
    one, two = copies(house, 2, Status.IN_PROGRESS)
    tagging.add(Case.objects.filter(pk=two.pk), ["FEES"], actor=SYSTEM, at=ago())
    version = fresh(one).version
    answer = post(as_("supervisor"), "tag", one, two, tags=["FEES"])
    assert "has this tag already" in answer.content.decode()
    assert CaseTag.objects.filter(term__code="FEES").count() == 2
    assert fresh(one).version == version  # a tag makes nobody's form stale
    offered = client_text(as_("supervisor"), "untag", one)
    assert 'value="FEES"' in offered
    assert 'value="MEDIA"' not in offered
    post(as_("supervisor"), "untag", one, two, tags=["FEES"])
    assert not CaseTag.objects.filter(term__code="FEES").exists()
    assert JournalEntry.objects.filter(stream=one.stream, action="case.untagged").exists()


def test_chosen_cases_are_exported_in_the_background_and_only_those(as_, house):
    chosen, other = copies(house, 2, Status.IN_PROGRESS)
    assert post(as_("supervisor"), "export", chosen, format="csv").status_code == 200
    job = Job.objects.get(kind="case_export")
    assert job.params["act"] == the_act().pk
    job_runs.work(timezone.now())
    job.refresh_from_db()
    assert job.state == JobState.DONE, jobs.error_of(job)
    text = files.open_path(job.result).read().decode("utf-8-sig")
    assert chosen.number in text
    assert other.number not in text


def test_a_person_exports_only_own_lists(house):
    [case] = copies(house, 1, Status.IN_PROGRESS)
    act = BulkAct.objects.create(verb="export", by_id=house.pk("officer2"), at=ago(), total=1)
    BulkRow.objects.create(act=act, case=case, result=RowResult.DONE)
    mine = Export("", house.scope("supervisor"), timezone.now(), act=act.pk)
    assert not mine.rows().exists()


def test_words_of_a_search_and_of_a_reason_are_kept_encrypted_only(as_, house):
    copies(house, 2, contact_name="Kanarigelb", content="Kanarigelb was charged twice.")
    client = as_("supervisor")
    assert "All 2 cases" in all_of(client, "tag", "q=Kanarigelb", ask="1").content.decode()
    all_of(client, "tag", "q=Kanarigelb&state=all", count="2", tags="FEES")
    act = the_act()
    assert (act.done, act.query) == (2, "")
    assert engine.words_of(act) == {"query": "q=Kanarigelb&state=all"}
    bodies = JournalEntry.objects.filter(stream=act.stream).values_list("body", flat=True)
    assert not [body for body in bodies if "Kanarigelb" in body]
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM kernel_eventwords")
        assert not [row for row in cursor.fetchall() if "Kanarigelb" in row[0]]
    plain = all_of(client, "tag", "severity=2", ask="1").content.decode()
    assert 'value="severity=2"' in plain


def test_erasing_a_customer_takes_the_words_of_acts_on_their_cases(as_, house):
    customer = CustomerFactory.create()
    case = in_state(house, Status.IN_PROGRESS, at=ago(), customer=customer)
    post(as_("supervisor"), "severity", case, severity="4", reason="Kanarigelb is in the press.")
    act = the_act()
    assert erase([customer.pk], timezone.now()) == 1
    assert engine.words_of(act) == {}
    assert not EventWords.objects.filter(entry__stream=act.stream, erased_at=None).exists()


def test_a_double_click_is_one_act(as_, house):
    [case] = copies(house, 1, Status.IN_PROGRESS)
    data = {"tags": "FEES", "key": "abc"}
    for _ in range(2):
        assert post(as_("supervisor"), "tag", case, **data).status_code == 200
    assert BulkAct.objects.filter(verb="tag").count() == 1
    entries = JournalEntry.objects.filter(stream=case.stream, action="case.tagged")
    assert entries.count() == 1


def test_more_than_two_hundred_become_a_job_with_progress(as_, house, monkeypatch):
    monkeypatch.setattr(engine, "AT_ONCE", 3)
    monkeypatch.setattr(engine, "CHUNK", 2)
    cases = copies(house, 5, severity=4)
    client = as_("supervisor")
    answer = all_of(client, "assign", "severity=4", count="5", department="LOAN", note="Yours.")
    act = the_act()
    assert answer["HX-Redirect"] == f"/cases/bulk/acts/{act.pk}/"
    assert fresh(cases[0]).status == Status.ASSESSING
    page = client.get(f"/cases/bulk/acts/{act.pk}/").content.decode()
    assert "0 of 5 cases" in page
    assert 'hx-trigger="every 2s"' in page
    job_runs.work(timezone.now())
    act.refresh_from_db()
    assert (act.done, act.refused) == (5, 0)
    assert {fresh(case).status for case in cases} == {Status.ASSIGNED}
    moved = JournalEntry.objects.filter(stream=cases[0].stream, action="case.assign").first()
    assert journal.words_of([moved])[moved.pk] == {"note": "Yours."}
    assert "every 2s" not in client.get(f"/cases/bulk/acts/{act.pk}/").content.decode()


def a_job_of(house, cases, monkeypatch, *, chunk=2):
    """Begin an act of several chunks as a job; returns it."""
    monkeypatch.setattr(engine, "AT_ONCE", 1)
    monkeypatch.setattr(engine, "CHUNK", chunk)
    picked = bulk.Picked(
        [bulk.choosing.Chosen(c.pk, c.number, c.version, c.status, c.department_id) for c in cases]
    )
    order = bulk.Order(bulk.ACTS["tag"], What({"tags": ["FEES"]}), picked)
    return bulk.begin(order, actor=house.actor("supervisor"), at=timezone.now())[0]


def test_a_killed_worker_repeats_nothing_and_loses_nothing(house, monkeypatch):
    cases = copies(house, 5, Status.IN_PROGRESS)
    act = a_job_of(house, cases, monkeypatch)
    write, calls = engine._write, []

    def killed(*args):
        calls.append(1)
        write(*args)
        if len(calls) == 2:
            raise KeyboardInterrupt  # the worker dies inside its second chunk

    monkeypatch.setattr(engine, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        job_runs.work(timezone.now())
    assert CaseTag.objects.filter(term__code="FEES").count() == 2
    job_runs.work(timezone.now() + timedelta(minutes=6))
    act.refresh_from_db()
    assert (act.done, act.refused) == (5, 0)
    for case in cases:
        assert JournalEntry.objects.filter(stream=case.stream, action="case.tagged").count() == 1


def test_a_worker_that_lost_its_job_leaves_no_half_chunk(house, monkeypatch):
    cases = copies(house, 4, Status.IN_PROGRESS)
    act = a_job_of(house, cases, monkeypatch)
    write = engine._write

    def robbed(*args):
        write(*args)
        Job.objects.filter(pk=act.job_id).update(lease="0" * 32)

    monkeypatch.setattr(engine, "_write", robbed)
    job_runs.work(timezone.now())
    assert not CaseTag.objects.filter(term__code="FEES").exists()
    assert BulkRow.objects.filter(act=act, result=RowResult.WAITING).count() == 4


def test_stopping_leaves_the_rest_as_it_is(as_, house, monkeypatch):
    cases = copies(house, 4, Status.IN_PROGRESS)
    act = a_job_of(house, cases, monkeypatch)
    write = engine._write

    def stopped(*args):
        write(*args)
        as_("supervisor").post(f"/cases/bulk/acts/{act.pk}/stop/")

    monkeypatch.setattr(engine, "_write", stopped)
    job_runs.work(timezone.now())
    act.refresh_from_db()
    assert (act.done, act.refused) == (2, 2)
    assert BulkRow.objects.filter(act=act, why="stopped").exclude(said="").count() == 2
    assert Job.objects.get(pk=act.job_id).state == JobState.CANCELLED


def test_stopping_before_it_began_ends_the_act(as_, house, monkeypatch):
    act = a_job_of(house, copies(house, 3, Status.IN_PROGRESS), monkeypatch)
    as_("supervisor").post(f"/cases/bulk/acts/{act.pk}/stop/")
    act.refresh_from_db()
    assert (act.done, act.refused) == (0, 3)
    assert act.finished_at is not None


def test_rights_are_those_of_the_moment_of_the_work(house, monkeypatch):
    act = a_job_of(house, copies(house, 3, Status.IN_PROGRESS), monkeypatch)
    house.accounts["supervisor"].grants.all().delete()
    job_runs.work(timezone.now())
    act.refresh_from_db()
    assert (act.done, act.refused) == (0, 3)
    assert set(BulkRow.objects.filter(act=act).values_list("why", flat=True)) == {"reach"}


def test_far_more_than_an_act_may_take_is_refused_in_words(as_, house, monkeypatch):
    monkeypatch.setattr(bulk.choosing, "MOST_MATCHING", 2)
    copies(house, 3, severity=4)
    told = json.loads(all_of(as_("supervisor"), "tag", "severity=4", ask="1")["HX-Trigger"])
    assert "Narrow the filters" in told["toast"]["text"]


@pytest.mark.parametrize(
    "query",
    ["", "?", "q=%00", "severity=x&handler__password=a", "a" * 3000, "q=<script>", "page=x"],
)
def test_odd_filters_are_an_answer_in_words(as_, house, query):
    copies(house, 1, severity=4)
    answer = all_of(as_("supervisor"), "tag", query, ask="1")
    assert answer.status_code == 200
    assert "<script>" not in answer.content.decode()


def test_hidden_cases_are_neither_done_nor_counted(as_, house):
    """PEERS 31-32: all that match is cut by the same scope as the list."""
    seen = in_state(house, Status.IN_PROGRESS, at=ago(), severity=4)
    hidden = open_case(house, at=ago(), severity=4)
    Case.objects.filter(pk=hidden.pk).update(department=house.units["LOAN"])
    text = all_of(as_("depthead"), "tag", "severity=4", ask="1").content.decode()
    assert "1 case that matches" in text
    assert hidden.number not in text
    all_of(as_("depthead"), "tag", "severity=4", count="1", tags="FEES")
    assert [row.case for row in CaseTag.objects.all()] == [seen]


def test_cases_one_may_only_read_are_told_apart(as_, house):
    in_state(house, Status.IN_PROGRESS, at=ago(), severity=4)
    text = all_of(as_("officer2"), "tag", "severity=4", ask="1").content.decode()
    assert "Nothing" in text or "Select at least one" in text or not text


def test_the_page_of_an_act_belongs_to_its_person_and_to_supervisors(as_, house):
    case = in_state(house, Status.IN_PROGRESS, at=ago())
    post(as_("officer"), "tag", case, tags="FEES")
    act = the_act()
    url = f"/cases/bulk/acts/{act.pk}/"
    assert as_("officer").get(url).status_code == 200
    assert case.number in as_("supervisor").get(url).content.decode()
    assert as_("officer2").get(url).status_code == 404
    assert as_("officer2").post(f"{url}undo/").status_code == 404
    assert as_("analyst").get("/cases/bulk/acts/").status_code == 200
    assert "Tag cases" in as_("supervisor").get("/cases/bulk/acts/?of=all").content.decode()
    assert "Tag cases" not in as_("officer2").get("/cases/bulk/acts/?of=all").content.decode()


def test_the_pages_cost_the_same_for_few_and_many(as_, house):
    def cost(count):
        cases = copies(house, count, Status.IN_PROGRESS)
        post(as_("supervisor"), "tag", *cases, tags="FEES")
        url = f"/cases/bulk/acts/{the_act().pk}/"
        client = as_("supervisor")
        client.get(url)
        with CaptureQueriesContext(connection) as one:
            client.get(url)
        with CaptureQueriesContext(connection) as two:
            client.get("/cases/bulk/acts/")
        return len(one), len(two)

    assert cost(2) == cost(9)
