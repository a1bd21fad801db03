"""Imports and exports as jobs: check, confirm, progress, kill, stop, expiry."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from complaints import export_work, intake
from complaints.importing import work
from complaints.models import Case
from config.kernel import files, job_runs, jobs
from config.kernel.models import Job, JobRow, Notice, StoredFile
from config.kernel.models.jobs import JobState
from config.shared.sheets import read_sheet
from staff.accounts import actor_of
from tests.complaints.importing_help import as_csv, cfpb_row, lists_and_units
from tests.factories.staff import AccountFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bank():
    lists_and_units()


@pytest.fixture
def owner():
    return AccountFactory.create(roles=["CS"], language="en")


def upload(owner, content: bytes, name: str = "cases.csv") -> Job:
    at = timezone.now()
    source = files.store(
        ContentFile(content, name=name), kind="case_import", uploaded_by_id=owner.person_id, at=at
    )
    return jobs.start(
        work.KIND, owner_id=owner.person_id, params={"name": name, "profile": ""},
        title="Import of cases", source=source, actor=actor_of(owner), at=at,
    )  # fmt: skip


def work_off(job: Job) -> Job:
    job_runs.work(timezone.now() + timedelta(seconds=1))
    job.refresh_from_db()
    return job


def confirm(job: Job, owner) -> None:
    jobs.confirm(Job.objects.filter(pk=job.pk), actor=actor_of(owner), at=timezone.now())


def rows_with_faults() -> list[dict[str, str]]:
    rows = [cfpb_row(n) for n in range(10)]
    rows[3]["Date received"] = "tomorrow"
    rows[5]["Submitted via"] = "Pigeon"
    rows[7] = rows[6] | {"State": "NY"}
    return rows


def test_a_check_stores_no_case_and_says_what_would_happen(owner):
    job = work_off(upload(owner, as_csv(rows_with_faults())))
    assert job.state == JobState.CHECKED
    wanted = {"rows": 10, "new": 8, "repeated": 1, "errors": 1, "existing": 0, "live": 0}
    assert wanted.items() <= job.counts.items()
    assert Case.objects.count() == 0
    error = JobRow.objects.get(job=job, kind="error")
    assert (error.number, error.column, error.value) == (5, "Date received", "tomorrow")
    assert Notice.objects.get(kind="job.checked").person_id == owner.person_id
    with files.open_path(job.errors_file) as content:
        sheet = read_sheet(content, name="x.xlsx", headers=["Row", "What to fix"], limit_rows=9)
        rows = list(sheet.rows)
    assert [row.cells["Row"] for row in rows] == [5]
    assert "tomorrow" in rows[0].cells["What to fix"]
    assert rows[0].cells["Complaint ID"] == "2570003"


def test_after_confirmation_the_good_rows_are_loaded_once(owner):
    job = work_off(upload(owner, as_csv(rows_with_faults())))
    confirm(job, owner)
    confirm(job, owner)
    work_off(job)
    assert (job.state, job.counts["new"], job.counts["errors"]) == (JobState.DONE, 8, 1)
    assert Case.objects.filter(registrar=owner.person).count() == 8
    again = work_off(upload(owner, as_csv(rows_with_faults())))
    assert (again.counts["new"], again.counts["existing"]) == (0, 8)


def test_personal_data_does_not_stand_in_remarks(owner):
    row = {"Time": "2024-01-01", "Content": "CANARY" + "x" * 70_000, "Name": "CANARY" * 40,
           "Contact": "CANARY" * 20}  # fmt: skip
    job = work_off(upload(owner, as_csv([row])))
    stored = list(JobRow.objects.filter(job=job).values_list("value", "message", "params"))
    assert len(stored) == 3
    assert "CANARY" not in str(stored)


def test_a_file_that_is_no_table_fails_in_words(owner):
    job = work_off(upload(owner, b"a,b\n1,2\n"))
    assert job.state == JobState.FAILED
    assert "headings" in jobs.error_of(job)


def test_a_worker_that_dies_in_the_third_chunk_leaves_nothing_half(owner, monkeypatch):
    job = work_off(upload(owner, as_csv([cfpb_row(n) for n in range(230)])))
    confirm(job, owner)
    calls, open_cases = [], intake.open_cases

    def dies(*args, **kwargs):
        calls.append(1)
        opened = open_cases(*args, **kwargs)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return opened

    monkeypatch.setattr(intake, "open_cases", dies)
    with pytest.raises(KeyboardInterrupt):
        job_runs.work(timezone.now() + timedelta(seconds=1))
    job.refresh_from_db()
    assert Case.objects.count() == job.done == 100
    job_runs.work(timezone.now() + timedelta(minutes=6))  # the lease has run out
    job.refresh_from_db()
    assert (job.state, job.counts["new"], job.counts["rows"]) == (JobState.DONE, 230, 230)
    assert Case.objects.count() == 230


def test_a_fault_ends_the_job_and_it_goes_on_from_there(owner, monkeypatch):
    job = work_off(upload(owner, as_csv([cfpb_row(n) for n in range(120)])))
    confirm(job, owner)
    calls, open_cases = [], intake.open_cases

    def fails(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError
        return open_cases(*args, **kwargs)

    monkeypatch.setattr(intake, "open_cases", fails)
    assert work_off(job).state == JobState.FAILED
    assert Case.objects.count() == 50
    jobs.retry(job, actor=actor_of(owner), at=timezone.now())
    assert work_off(job).state == JobState.DONE
    assert Case.objects.count() == 120


def test_stopped_between_two_chunks(owner, monkeypatch):
    job = work_off(upload(owner, as_csv([cfpb_row(n) for n in range(120)])))
    confirm(job, owner)
    open_cases = intake.open_cases

    def stopped(*args, **kwargs):
        jobs.cancel(Job.objects.filter(pk=job.pk), actor=actor_of(owner), at=timezone.now())
        return open_cases(*args, **kwargs)

    monkeypatch.setattr(intake, "open_cases", stopped)
    assert work_off(job).state == JobState.CANCELLED
    assert Case.objects.count() == job.counts["new"] == 50


def start_export(owner, **params) -> Job:
    wanted = {"query": "state=all", "format": "xlsx", "since": None, "until": None} | params
    return jobs.start(
        export_work.KIND, owner_id=owner.person_id, params=wanted, title="Cases",
        actor=actor_of(owner), at=timezone.now(),
    )  # fmt: skip


def loaded(owner, count: int) -> None:
    job = work_off(upload(owner, as_csv([cfpb_row(n) for n in range(count)])))
    confirm(job, owner)
    work_off(job)


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_an_export_writes_a_file_with_all_rows(owner, kind):
    loaded(owner, 12)
    job = work_off(start_export(owner, format=kind))
    assert (job.state, job.counts["rows"], job.done) == (JobState.DONE, 12, 12)
    with files.open_path(job.result) as content:
        rows = list(read_sheet(content, name="x", headers=["Time", "Status"], limit_rows=99).rows)
    assert len(rows) == 12


def test_an_account_that_lost_its_rights_gets_no_file(owner):
    loaded(owner, 2)
    job = start_export(owner)
    owner.grants.all().delete()
    assert work_off(job).state == JobState.FAILED
    assert job.result is None


def test_files_go_after_seven_days(owner):
    loaded(owner, 2)
    job = work_off(start_export(owner))
    assert export_work.expire(job.finished_at + timedelta(days=6)) == 0
    assert export_work.expire(job.finished_at + timedelta(days=8)) == 2
    assert StoredFile.objects.filter(erased_at=None).count() == 0
    assert export_work.expire(job.finished_at + timedelta(days=8)) == 0


def test_an_import_nobody_confirms_is_stopped_after_seven_days(owner):
    job = work_off(upload(owner, as_csv([cfpb_row(1)])))
    export_work.expire(job.asked_at + timedelta(days=8))
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
