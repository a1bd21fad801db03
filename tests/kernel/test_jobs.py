from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connections, transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from config.kernel import job_runs, jobs, journal, numbers
from config.kernel.models import Job, JobRow, Notice, NumberSeries
from config.kernel.models.jobs import JobState
from config.shared.actors import Actor
from config.shared.scope import Reach, Scope
from config.shared.worded import WordedError

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MEI = Actor("person", 7, "Mei Lin 林梅")
LATER = AT + job_runs.LEASE


@pytest.fixture
def handlers(monkeypatch):
    known = {}
    monkeypatch.setattr(jobs, "contributed", lambda _kind: known)

    def add(run, **more):
        known["count"] = jobs.JobHandler("count", run, **more)

    return add


def begin(**params):
    return jobs.start("count", owner_id=7, params=params, title="Count", actor=MEI, at=AT)


def actions(job):
    return [entry.action for entry in journal.entries(job.stream)]


def count_to(last, *, stop_after=None, fault=None):
    """Count by chunks of one; every number taken is a row of the job's work."""

    def run(job_run):
        begin_with = job_run.job.checkpoint.get("next", 1)
        for n in range(begin_with, last + 1):
            if job_run.cancelled():
                return
            with transaction.atomic():
                numbers.take("counted", 1)
                job_run.progress(done=n, total=last, checkpoint={"next": n + 1}, counts={"new": n})
            if n == stop_after:
                raise fault or KeyboardInterrupt

    return run


def counted():
    return NumberSeries.objects.get(key="counted").last


@pytest.mark.django_db
def test_a_job_runs_to_its_end_and_its_owner_is_told(handlers):
    handlers(count_to(3), link=lambda job: f"/imports/{job.pk}/")
    begin()
    assert job_runs.work(AT) == 1
    job = Job.objects.get()
    assert (job.state, job.done, job.total, job.counts) == (JobState.DONE, 3, 3, {"new": 3})
    assert job.finished_at is not None
    assert (job.ready_at, job.lease) == (None, None)
    assert actions(job) == ["job.started", "job.done"]
    notice = Notice.objects.get(person_id=7)
    assert (notice.kind, notice.facts["link"]) == ("job.done", f"/imports/{job.pk}/")
    assert job_runs.work(LATER) == 0


@pytest.mark.django_db
def test_a_killed_worker_s_job_goes_on_where_it_was(handlers):
    handlers(count_to(5, stop_after=3))
    begin()
    with pytest.raises(KeyboardInterrupt):
        job_runs.work(AT)
    handlers(count_to(5))
    assert job_runs.work(AT + timedelta(minutes=1)) == 0  # nobody knows yet that it is dead
    assert job_runs.work(LATER + timedelta(seconds=5)) == 1
    assert (Job.objects.get().state, counted()) == (JobState.DONE, 5)


@pytest.mark.django_db
def test_a_job_that_kills_its_worker_three_times_is_given_up_in_words(handlers):
    handlers(count_to(9, stop_after=1))
    begin()
    moment = AT
    for n in range(job_runs.ATTEMPTS):
        handlers(count_to(9, stop_after=n + 1))
        with pytest.raises(KeyboardInterrupt):
            job_runs.work(moment)
        moment += 2 * job_runs.LEASE
    assert job_runs.work(moment) == 1
    job = Job.objects.get()
    assert job.state == JobState.FAILED
    assert "interrupted 3 times" in jobs.error_of(job)


@pytest.mark.django_db
def test_a_worker_that_lost_its_lease_rolls_its_chunk_back(handlers):
    def slow(job_run):
        with transaction.atomic():
            numbers.take("counted", 1)
            Job.objects.update(ready_at=AT)  # it slept through its lease
            handlers(count_to(2))
            assert job_runs.work(AT) == 1  # another worker does everything
            job_run.progress(done=1)

    NumberSeries.objects.create(key="counted")
    handlers(slow)
    begin()
    job_runs.work(AT)
    job = Job.objects.get()
    assert job.state != JobState.FAILED
    assert actions(job).count("job.done") <= 1


@pytest.mark.django_db
def test_a_fault_fails_the_job_without_its_details(handlers, caplog):
    handlers(count_to(5, stop_after=2, fault=ValueError("wang@example.com")))
    begin()
    assert job_runs.work(AT) == 1
    job = Job.objects.get()
    assert (job.state, job.done) == (JobState.FAILED, 2)
    assert "ValueError" in jobs.error_of(job)
    assert "wang" not in job.error
    assert "failed" in caplog.text
    assert actions(job) == ["job.started", "job.failed"]
    assert Notice.objects.get().kind == "job.failed"


@pytest.mark.django_db
def test_a_refusal_is_told_in_the_reader_s_language(handlers):
    problem = WordedError("large", _("The file is larger than %(limit)s MB."), {"limit": 20})
    handlers(count_to(5, stop_after=1, fault=problem))
    begin()
    with translation.override("zh-hans"):
        job_runs.work(AT)
    job = Job.objects.get()
    with translation.override("en"):
        assert jobs.error_of(job) == "The file is larger than 20 MB."


@pytest.mark.django_db
def test_a_failed_job_is_tried_again_from_its_checkpoint(handlers):
    handlers(count_to(5, stop_after=2, fault=ValueError()))
    job = begin()
    job_runs.work(AT)
    handlers(count_to(5))
    jobs.retry(job, actor=MEI, at=LATER)
    job_runs.work(LATER)
    assert (Job.objects.get().state, counted()) == (JobState.DONE, 5)
    with pytest.raises(jobs.JobRefused):
        jobs.retry(job, actor=MEI, at=LATER)


@pytest.mark.django_db
def test_a_lost_database_leaves_the_job_to_the_next_worker(handlers):
    handlers(count_to(5, stop_after=2, fault=OperationalError()))
    begin()
    with pytest.raises(OperationalError):
        job_runs.work(AT)
    handlers(count_to(5))
    assert job_runs.work(LATER + timedelta(seconds=5)) == 1
    assert counted() == 5


@pytest.mark.django_db
def test_a_waiting_job_is_stopped_at_once(handlers):
    handlers(count_to(5))
    job = begin()
    assert jobs.cancel(Job.objects.all(), actor=MEI, at=AT) == [job]
    assert job_runs.work(AT) == 0
    assert Job.objects.get().state == JobState.CANCELLED
    assert actions(job) == ["job.started", "job.cancelled"]
    assert jobs.cancel(Job.objects.all(), actor=MEI, at=AT) == []


@pytest.mark.django_db
def test_a_running_job_stops_between_two_chunks(handlers):
    def run(job_run):
        for n in range(1, 9):
            if job_run.cancelled():
                return
            job_run.progress(done=n, total=9)
            if n == 4:
                jobs.cancel(Job.objects.all(), actor=MEI, at=AT)

    handlers(run)
    begin()
    job_runs.work(AT)
    job = Job.objects.get()
    assert (job.state, job.done) == (JobState.CANCELLED, 4)
    assert actions(job) == ["job.started", "job.stop_asked", "job.cancelled"]


@pytest.mark.django_db
def test_a_job_whose_worker_died_after_the_stop_was_asked_does_not_run_again(handlers):
    handlers(count_to(5, stop_after=2))
    begin()
    with pytest.raises(KeyboardInterrupt):
        job_runs.work(AT)
    jobs.cancel(Job.objects.all(), actor=MEI, at=AT)
    handlers(count_to(5))
    job_runs.work(LATER + timedelta(seconds=5))
    assert (Job.objects.get().state, counted()) == (JobState.CANCELLED, 2)


@pytest.mark.django_db
def test_a_long_job_is_cut_into_runs_and_loses_no_attempt(handlers, monkeypatch):
    handlers(count_to(3))
    begin()
    monkeypatch.setattr(job_runs, "BUDGET_S", 0.0)
    for _turn in range(8):
        _work_once(LATER)
    job = Job.objects.get()
    assert (job.state, job.attempts) == (JobState.RUNNING, 0)
    monkeypatch.setattr(job_runs, "BUDGET_S", 60.0)
    _work_once(AT + 10 * job_runs.LEASE)
    assert Job.objects.get().state == JobState.DONE


def _work_once(at):
    (job,) = job_runs.claim(Job.objects.all(), limit=1, lease=job_runs.LEASE, at=at)
    run = job_runs.JobRun(job, at=at - job_runs.LEASE, started=job_runs.time.monotonic())
    job_runs._run(run)


@pytest.mark.django_db
def test_a_checked_job_waits_for_a_person(handlers):
    def check(job_run):
        rows = [JobRow(number=2, kind="error", message="Not a date")]
        jobs.remark(job_run.job, rows)
        job_run.progress(done=5, total=5, counts={"good": 4, "bad": 1})

    handlers(count_to(4), check=check)
    job = begin()
    assert job.state == JobState.CHECKING
    job_runs.work(AT)
    job.refresh_from_db()
    assert (job.state, job.ready_at, job.finished_at) == (JobState.CHECKED, None, None)
    assert job.rows.get().message == "Not a date"
    assert job_runs.work(LATER) == 0
    jobs.confirm(Job.objects.all(), actor=MEI, at=LATER)
    job_runs.work(LATER)
    job.refresh_from_db()
    assert (job.state, counted()) == (JobState.DONE, 4)
    expected = ["job.started", "job.checked", "job.confirmed", "job.done"]
    assert actions(job) == expected
    assert jobs.confirm(Job.objects.all(), actor=MEI, at=LATER) == []


@pytest.mark.django_db
def test_an_unknown_kind_is_refused_before_anything_is_written():
    with pytest.raises(LookupError):
        jobs.start("nothing", owner_id=7, params={}, title="", actor=MEI, at=AT)
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_everybody_sees_own_jobs_and_some_see_all(handlers):
    handlers(count_to(1))
    begin()
    own = {("jobs", "view"): Reach.OWN}
    everything = {("jobs", "view"): Reach.ALL}
    assert Job.objects.visible_to(Scope(member=7, reach=own)).count() == 1
    assert Job.objects.visible_to(Scope(member=8, reach=own)).count() == 0
    assert Job.objects.visible_to(Scope(member=8, reach=everything)).count() == 1
    assert Job.objects.visible_to(Scope(member=7)).count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_jobs_and_run_each_once(handlers):
    def run(job_run):
        with transaction.atomic():
            numbers.take("counted", 1)
            job_run.progress(done=1)

    handlers(run)
    for _n in range(8):
        begin()

    def worker(_):
        try:
            return job_runs.work(AT)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(worker, range(2))) == 8
    assert counted() == 8
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}
