"""Import pages and export centre: with and without htmx, by role, refusals in words."""

import io
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from complaints.models import Case
from config.kernel import job_runs, jobs, journal
from config.kernel.models import Job
from config.kernel.models.jobs import JobState
from staff.accounts import actor_of
from tests.complaints.importing_help import as_csv, cfpb_row, lists_and_units
from tests.factories.staff import AccountFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _bank():
    lists_and_units()


def signed_in(*roles: str, language: str = "en", **person) -> Client:
    account = AccountFactory.create(roles=list(roles), language=language, **person)
    client = Client()
    client.force_login(account)
    client.account = account
    return client


@pytest.fixture
def boss() -> Client:
    return signed_in("CS")


def send(client: Client, content: bytes, *, name: str = "cases.csv", **fields):
    data = {"file": SimpleUploadedFile(name, content), "profile": "", "key": str(uuid4())} | fields
    return client.post(reverse("imports"), data)


def sent(client: Client, rows) -> Job:
    answer = send(client, as_csv(rows))
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return Job.objects.latest("pk")


def work_off(job: Job) -> Job:
    job_runs.work(timezone.now() + timedelta(seconds=1))
    job.refresh_from_db()
    return job


def page(client: Client, job: Job, **options) -> str:
    answer = client.get(reverse("import", args=[job.pk]), **options)
    assert answer.status_code == 200
    return answer.content.decode()


def confirm(client: Client, job: Job):
    return client.post(reverse("import_confirm", args=[job.pk]), {"version": job.version})


@pytest.mark.parametrize(("language", "word"), [("en", "Upload and check"), ("zh-hans", "cfpb")])
def test_from_upload_to_result(language, word):
    client = signed_in("CS", language=language)
    assert word.lower() in client.get(reverse("imports")).content.decode().lower()
    rows = [cfpb_row(n) for n in range(5)]
    rows[2]["Date received"] = "someday"
    job = sent(client, rows)
    assert 'hx-trigger="every 2s"' in page(client, job)
    work_off(job)
    checked = page(client, job)
    assert "every 2s" not in checked
    assert "someday" in checked
    assert "cell-bad" in checked
    assert reverse("import_errors", args=[job.pk]) in checked
    assert Case.objects.count() == 0
    assert confirm(client, job).status_code == 302
    job.refresh_from_db()
    assert 'hx-trigger="every 2s"' in page(client, job, headers=HTMX)
    work_off(job)
    done = page(client, job, headers=HTMX)
    assert "every 2s" not in done
    assert "<html" not in done
    assert Case.objects.count() == 4


def test_english_words_on_the_check_page(boss):
    job = work_off(sent(boss, [cfpb_row(1), cfpb_row(2)]))
    html = page(boss, job)
    assert "Import 2 cases" in html
    assert "2 cases are recorded as history" in html


def test_a_double_click_starts_one_import(boss):
    key = str(uuid4())
    first = send(boss, as_csv([cfpb_row(1)]), key=key)
    second = send(boss, as_csv([cfpb_row(1)]), key=key)
    assert first.url == second.url
    assert Job.objects.count() == 1


def test_the_same_file_again_is_warned_about(boss):
    job = work_off(sent(boss, [cfpb_row(1)]))
    confirm(boss, job)
    work_off(job)
    again = work_off(sent(boss, [cfpb_row(1)]))
    html = page(boss, again)
    assert "This very file was loaded before" in html
    assert "There is nothing new to load" in html
    assert reverse("import_confirm", args=[again.pk]) not in html


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "cases.csv", "The file is empty"),
        (b"MZ\x90\x00", "cases.exe", "not accepted"),
        (b"%PDF-1.4", "cases.xlsx", "not what its ending"),
        (b"a\x00b", "cases.csv", "not what its ending"),
    ],
)
def test_a_bad_file_is_refused_at_once_and_the_choice_is_kept(boss, content, name, words):
    answer = send(boss, content, name=name, profile="cfpb")
    assert answer.status_code == 422
    html = answer.content.decode()
    assert words in html
    assert '<option value="cfpb" selected>' in html
    assert Job.objects.count() == 0


def test_no_file_at_all(boss):
    answer = boss.post(reverse("imports"), {"profile": ""})
    assert answer.status_code == 422
    assert "Choose a file." in answer.content.decode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n", "headings"),
        (b"Time,Name\n2024-01-01,A\n", "Columns are missing: Content"),
        (b'Time,Content\n2024-01-01,"open\n', "not closed"),
    ],
)
def test_a_file_that_is_no_table_is_told_on_its_page(boss, content, words):
    send(boss, content)
    job = work_off(Job.objects.get())
    html = page(boss, job)
    assert "Nothing was stored" in html
    assert words in html


def test_an_uploaded_department_file_decides(boss):
    rules = SimpleUploadedFile("map.csv", b"product_prefix,department\nMortgage,LAW\n")
    send(boss, as_csv([cfpb_row(1)]), departments=rules)
    job = work_off(Job.objects.get())
    confirm(boss, job)
    work_off(job)
    assert Case.objects.get().department.code == "LAW"
    wrong = SimpleUploadedFile("map.csv", b"product_prefix,department\nMortgage,Nobody\n")
    answer = send(boss, as_csv([cfpb_row(1)]), departments=wrong)
    assert answer.status_code == 422
    assert "no department of the bank" in answer.content.decode()


def test_confirming_what_was_stopped_is_a_conflict(boss):
    job = work_off(sent(boss, [cfpb_row(1)]))
    version = job.version
    assert boss.post(reverse("import_stop", args=[job.pk]), {"version": version}).status_code == 302
    answer = boss.post(reverse("import_confirm", args=[job.pk]), {"version": version})
    assert answer.status_code == 409
    assert "moved on meanwhile" in answer.content.decode()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30, "\x00"])
def test_a_garbled_version_is_a_conflict(boss, version):
    job = work_off(sent(boss, [cfpb_row(1)]))
    answer = boss.post(reverse("import_confirm", args=[job.pk]), {"version": version})
    assert answer.status_code == 409
    assert Case.objects.count() == 0


def test_error_rows_are_downloaded_and_recorded(boss):
    job = work_off(sent(boss, [cfpb_row(1), cfpb_row(2, **{"Date received": "x"})]))
    answer = boss.get(reverse("import_errors", args=[job.pk]))
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    assert b"".join(answer.streaming_content).startswith(b"PK")
    assert journal.entries("ledger:exports").last().action == "export.downloaded"


@pytest.mark.parametrize(
    ("role", "listed", "posted"),
    [("CS", 200, 422), ("AD", 200, 422), ("AU", 200, 403), ("CO", 403, 403), ("HA", 403, 403),
     ("DH", 403, 403), ("RM", 403, 403), ("HR", 403, 403), ("QA", 403, 403), ("CD", 403, 403)],
)  # fmt: skip
def test_who_may_import(role, listed, posted):
    client = signed_in(role)
    assert client.get(reverse("imports")).status_code == listed
    assert client.post(reverse("imports"), {}).status_code == posted


def test_the_import_of_somebody_else(boss):
    job = work_off(sent(boss, [cfpb_row(1), cfpb_row(2, **{"Date received": "x"})]))
    other, auditor = signed_in("CS"), signed_in("AU")
    for name in ("import", "import_errors"):
        assert other.get(reverse(name, args=[job.pk])).status_code == 404
    assert auditor.get(reverse("import", args=[job.pk])).status_code == 200
    for name in ("import_confirm", "import_stop", "import_retry"):
        answer = other.post(reverse(name, args=[job.pk]), {"version": job.version})
        assert answer.status_code == 404
        assert auditor.post(reverse(name, args=[job.pk]), {}).status_code == 403
    job.refresh_from_db()
    assert job.state == JobState.CHECKED


def test_the_list_costs_the_same_for_3_and_30_imports(boss):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert boss.get(reverse("imports")).status_code == 200
        return len(queries)

    for n in range(3):
        sent(boss, [cfpb_row(n)])
    few = cost()
    for n in range(27):
        sent(boss, [cfpb_row(n)])
    assert cost() == few


# --- Export centre ---------------------------------------------------------------------


def loaded(client: Client, count: int) -> None:
    job = work_off(sent(client, [cfpb_row(n) for n in range(count)]))
    confirm(client, job)
    work_off(job)


def ask(client: Client, **data):
    return client.post(reverse("exports"), {"state": "all", "format": "xlsx"} | data)


def export_job() -> Job:
    return Job.objects.filter(kind="case_export").latest("pk")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_an_export_from_start_to_download(language):
    client = signed_in("CS", language=language)
    loaded(client, 4)
    assert ask(client).status_code == 302
    assert "every 2s" in client.get(reverse("exports")).content.decode()
    job = work_off(export_job())
    part = client.get(reverse("exports"), headers=HTMX).content.decode()
    assert "every 2s" not in part
    assert "<html" not in part
    url = reverse("export_file", args=[job.pk])
    assert url in part
    answer = client.get(url)
    content = io.BytesIO(b"".join(answer.streaming_content))
    assert content.getvalue().startswith(b"PK")
    assert answer["Cache-Control"] == "private, no-store"
    actions = [entry.action for entry in journal.entries("ledger:exports")]
    assert actions == ["export.made", "export.downloaded"]


def test_the_case_list_sends_its_filters(boss):
    loaded(boss, 4)
    Case.objects.filter(external_ref="2570001").update(severity=4)
    asked = {"kind": "cases", "query": "state=all&severity=4&cursor=abc"}
    assert boss.post(reverse("exports"), asked).status_code == 302
    assert boss.post(reverse("exports"), asked).status_code == 302
    assert Job.objects.filter(kind="case_export").count() == 1
    assert work_off(export_job()).counts["rows"] == 1


def test_only_the_owner_downloads(boss):
    loaded(boss, 2)
    ask(boss)
    job = work_off(export_job())
    url = reverse("export_file", args=[job.pk])
    assert boss.get(url).status_code == 200
    for role in ("CS", "AU", "AD"):
        assert signed_in(role).get(url).status_code == 404
    assert signed_in("HA").get(url).status_code == 403
    assert Client().get(url).status_code == 302


@pytest.mark.parametrize(
    ("role", "shown", "started"),
    [("CS", 200, 302), ("CO", 200, 302), ("HD", 200, 302), ("AU", 200, 302), ("QA", 200, 302),
     ("AD", 200, 403), ("HR", 200, 403), ("HA", 403, 403), ("DH", 403, 403), ("CD", 403, 403)],
)  # fmt: skip
def test_who_may_export(role, shown, started):
    client = signed_in(role)
    assert client.get(reverse("exports")).status_code == shown
    assert ask(client).status_code == started


def test_too_many_rows_and_wrong_periods_are_told(boss, monkeypatch):
    loaded(boss, 3)
    answer = ask(boss, since="2024-02-01", until="2024-01-01", format="csv")
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "before the first one" in html
    assert 'value="2024-02-01"' in html
    monkeypatch.setattr("complaints.export_work.MOST_ROWS", 2)
    answer = ask(boss)
    assert answer.status_code == 422
    assert "3 cases match" in answer.content.decode()
    assert not Job.objects.filter(kind="case_export").exists()


@pytest.mark.parametrize("query", ["%00", "q=%00&sort=zz", "x" * 5000, "?severity=9&type=%27"])
def test_garbled_filters_do_no_harm(boss, query):
    answer = boss.post(reverse("exports"), {"kind": "cases", "query": query})
    assert answer.status_code == 302
    assert work_off(export_job()).state == JobState.DONE


def test_an_export_is_stopped(boss):
    ask(boss)
    job = export_job()
    assert boss.post(reverse("export_stop", args=[job.pk])).status_code == 302
    assert work_off(job).state == JobState.CANCELLED
    assert boss.get(reverse("export_file", args=[job.pk])).status_code == 404


def test_the_export_list_costs_the_same_for_3_and_30(boss):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert boss.get(reverse("exports")).status_code == 200
        return len(queries)

    def some(count: int) -> None:
        for _ in range(count):
            jobs.start(
                "case_export", owner_id=boss.account.person_id, params={"format": "csv"},
                title="Cases", actor=actor_of(boss.account), at=timezone.now(),
            )  # fmt: skip

    some(3)
    few = cost()
    some(27)
    assert cost() == few
