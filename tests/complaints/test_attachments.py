"""Files dropped on the case page: kept once, shown small, handed out as downloads only."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from complaints.choices import Status
from complaints.erasing import erase
from complaints.models import CaseAttachment, CaseExclusion
from config.kernel import journal
from config.kernel.models import StoredFile
from tests.factories.complaints import in_state, open_case
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return client


def now():
    return timezone.now() - timedelta(minutes=30)


def picture(colour=(200, 30, 30)):
    target = BytesIO()
    Image.new("RGB", (400, 300), colour).save(target, "PNG")
    return target.getvalue()


def drop(client, case, name="screen.png", content=None, **options):
    upload = SimpleUploadedFile(name, picture() if content is None else content)
    return client.post(f"/cases/{case.number}/files/", {"file": upload, **options})


def small(client, case, row):
    return client.get(f"/cases/{case.number}/files/{row.file.token}/small/")


def test_a_dropped_file_is_kept_and_told_in_words(client, house):
    case = open_case(house, at=now())
    answer = drop(enter(client, house, "officer"), case)
    assert (answer.status_code, answer.json()) == (201, {"text": "Attached.", "kept": True})
    assert CaseAttachment.objects.get(case=case).file.name == "screen.png"
    assert journal.entries(case.stream).filter(action="case.attached").count() == 1


def test_the_same_bytes_are_kept_once_and_other_cases_are_told(client, house):
    case, other = open_case(house, at=now()), open_case(house, at=now())
    enter(client, house, "officer")
    drop(client, case)
    again = drop(client, case, "another-name.png")
    assert (again.status_code, again.json()["kept"]) == (200, False)
    assert "attached already" in again.json()["text"]
    assert CaseAttachment.objects.filter(case=case).count() == 1
    assert case.number in drop(client, other).json()["text"]
    assert CaseAttachment.objects.filter(case=other).count() == 1


def test_cases_one_may_not_open_are_not_told(client, house):
    hidden, case = open_case(house, at=now()), open_case(house, at=now())
    drop(enter(client, house, "supervisor"), hidden)
    person = house.accounts["officer"].person
    CaseExclusion.objects.create(case=hidden, person=person, reason="named", at=now())
    assert hidden.number not in drop(enter(client, house, "officer"), case).json()["text"]


ODD = {
    "page.html": b"<html><script>alert(1)</script>",
    "run.exe": b"MZ" + b"\x00" * 50,
    "logo.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "invoice.php.png": picture(),
    "fake.png": b"%PDF-1.7",
    "empty.png": b"",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_refused_in_words_and_nothing_stays(client, house, name):
    case = open_case(house, at=now())
    before = StoredFile.objects.count()
    answer = drop(enter(client, house, "officer"), case, name, ODD[name])
    assert answer.status_code == 422
    assert answer.json()["text"]
    assert StoredFile.objects.count() == before


def test_nothing_is_dropped_without_a_file_the_right_or_on_archived_cases(client, house):
    case = open_case(house, at=now())
    enter(client, house, "officer")
    assert client.post(f"/cases/{case.number}/files/").status_code == 422
    assert client.get(f"/cases/{case.number}/files/").status_code == 405
    assert drop(enter(client, house, "loan_handler"), case).status_code == 404
    assert drop(enter(client, house, "analyst"), case).status_code == 403
    old = in_state(house, Status.ARCHIVED, at=now() - timedelta(days=92))
    assert drop(enter(client, house, "supervisor"), old).status_code == 422
    assert "data-drop-url" not in client.get(f"/cases/{old.number}/").content.decode()


def test_the_small_picture_is_served_safely_and_only_to_who_sees_the_case(client, house):
    case = open_case(house, at=now())
    drop(enter(client, house, "officer"), case)
    row = CaseAttachment.objects.select_related("file").get(case=case)
    answer = small(client, case, row)
    assert answer["Content-Type"] == "image/webp"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert "private" in answer["Cache-Control"]
    assert Image.open(BytesIO(answer.content)).size == (320, 240)
    looked = journal.entries(case.stream).filter(action="case.file_opened")
    assert not looked.exists()  # the list of files is no look into one
    other = open_case(house, at=now())
    assert client.get(f"/cases/{other.number}/files/{row.file.token}/small/").status_code == 404
    assert small(enter(client, house, "loan_handler"), case, row).status_code == 404


def test_what_cannot_be_drawn_shows_a_sheet_and_text_has_no_picture(client, house):
    case = open_case(house, at=now())
    enter(client, house, "officer")
    drop(client, case, "broken.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40)
    drop(client, case, "words.txt", b"plain words")
    broken, text = CaseAttachment.objects.filter(case=case).select_related("file").order_by("pk")
    assert small(client, case, broken).status_code == 302
    assert small(client, case, text).status_code == 404
    side = client.get(f"/cases/{case.number}/side/", headers=HTMX).content.decode()
    assert side.count("/small/") == 1


def test_files_are_handed_out_as_downloads_and_each_look_is_recorded(client, house):
    case = open_case(house, at=now())
    drop(enter(client, house, "officer"), case)
    row = CaseAttachment.objects.select_related("file").get(case=case)
    answer = client.get(f"/cases/{case.number}/files/{row.file.token}/")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert b"".join(answer.streaming_content) == picture()
    assert journal.entries(case.stream).filter(action="case.file_opened").count() == 1


def test_the_gallery_shows_all_files_masked_for_readers_without_names(client, house):
    case = open_case(house, at=now(), contact_name="欧阳小满")
    enter(client, house, "officer")
    drop(client, case, "欧阳小满.png")
    drop(client, case, "words.txt", b"plain words")
    page = client.get(f"/cases/{case.number}/gallery/", headers=HTMX).content.decode()
    assert "欧阳小满.png" in page
    assert page.count("<img") == 1
    assert "<html" in client.get(f"/cases/{case.number}/gallery/").content.decode()
    masked = enter(client, house, "analyst").get(f"/cases/{case.number}/gallery/", headers=HTMX)
    assert "欧阳小满" not in masked.content.decode()


def test_erasing_the_customer_takes_small_pictures_too(
    client, house, django_capture_on_commit_callbacks
):
    customer = CustomerFactory.create()
    case = open_case(house, at=now(), customer=customer)
    drop(enter(client, house, "officer"), case)
    row = CaseAttachment.objects.select_related("file").get(case=case)
    small(client, case, row)
    assert default_storage.exists(f"{row.file.path}_small")
    with django_capture_on_commit_callbacks(execute=True):
        erase([customer.pk], timezone.now())
    assert not default_storage.exists(f"{row.file.path}_small")
    assert not default_storage.exists(row.file.path)
    assert small(client, case, row).status_code == 404
