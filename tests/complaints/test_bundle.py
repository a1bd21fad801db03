"""The case bundle: index, page numbers, watermark, nobody but the customer, hash in the record."""

import hashlib
import re
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone, translation
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject
from reportlab.pdfgen.canvas import Canvas

from complaints import bundle, records
from complaints.bundle import asking
from complaints.bundle.asking import BundleRefused, Wish
from complaints.choices import Status
from complaints.models import CaseAgent, CaseExclusion
from config.kernel import files, job_runs, journal
from config.kernel.models import EventWords, Job, StoredFile
from config.kernel.models.jobs import JobState
from tests.factories.complaints import decide, in_state, open_case, rows
from tests.factories.customers import CustomerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
CUSTOMER, THIRD, AGENT = "欧阳小满", "诸葛亮亮", "司徒空"
PHONE, IDENTITY = "13812345678", "110101199003078515"
ALL = ("record", "timeline", "messages", "decisions", "approvals")


@pytest.fixture
def house(shared_house):
    return shared_house


def enter(client, house, name):
    client.force_login(house.accounts[name], backend="staff.accounts.AccountBackend")
    return client


def now():
    return timezone.now() - timedelta(minutes=30)


def lived(house):
    """Return a decided case whose texts speak of everybody and hold every kind of number."""
    words = f"{CUSTOMER}: {THIRD} took my card, call {PHONE}, my ID is {IDENTITY}."
    told = {
        "contact_name": CUSTOMER, "contact_phone": PHONE, "content": words,
        "core_issue": f"Fee of {CUSTOMER}", "demand": f"{THIRD} must pay.",
    }  # fmt: skip
    case = in_state(house, Status.IN_PROGRESS, at=now(), **told)
    officer = house.accounts["officer"].person
    note = f"Secretnote: ask {officer.name_zh} and @[{house.pk('depthead')}]."
    records.add_note(rows(case), note, actor=house.actor("supervisor"), at=now())
    call = records.Call("out", "reached", f"{AGENT} answered, {officer.name_en} spoke.", True)
    records.log_call(rows(case), call, actor=house.actor("officer"), at=now())
    CaseAgent.objects.create(case=case, name=AGENT, phone="", added_at=now())
    return case


def pdf(pages=2, size=(300, 500), text="Foreign page"):
    target = BytesIO()
    canvas = Canvas(target, pagesize=size)
    for number in range(pages):
        canvas.drawString(20, 20, f"{text} {number + 1}")
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def locked():
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf())))
    writer.encrypt("secret")
    target = BytesIO()
    writer.write(target)
    return target.getvalue()


def acting():
    """Return a PDF with scripts in the document, on a page and in a link."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf(1))))
    run = DictionaryObject(
        {
            NameObject("/S"): NameObject("/JavaScript"),
            NameObject("/JS"): TextStringObject("Evilpage"),
        }
    )
    writer._root_object[NameObject("/OpenAction")] = run
    page = writer.pages[0]
    page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): run})
    link = DictionaryObject({NameObject("/Subtype"): NameObject("/Link"), NameObject("/A"): run})
    page[NameObject("/Annots")] = ArrayObject([link])
    target = BytesIO()
    writer.write(target)
    return target.getvalue()


def photo():
    exif = Image.Exif()
    exif[0x010E] = "Geoplace"
    target = BytesIO()
    Image.new("RGB", (600, 300), (10, 120, 60)).save(target, "JPEG", exif=exif)
    return target.getvalue()


def attach(house, case, name, content):
    upload = SimpleUploadedFile(name, content, "application/octet-stream")
    row = records.attach(rows(case), upload, actor=house.actor("officer"), at=now())[0]
    return str(row.file.token)


def make(house, case, parts=ALL, tokens=(), names=(), by="supervisor"):
    """Ask for a bundle and run its job; returns the job."""
    wish = Wish(tuple(parts), tuple(tokens), "Court of Pudong", "Order 12", tuple(names))
    job = bundle.ask(rows(case), wish, actor=house.actor(by), at=timezone.now())
    job_runs.work(timezone.now())
    return Job.objects.get(pk=job.pk)


def read(job):
    assert job.state == JobState.DONE, job.error
    with files.open_path(job.result) as content:
        raw = content.read()
    pages = PdfReader(BytesIO(raw)).pages
    return raw, [page.extract_text() for page in pages]


def squeezed(text):
    return re.sub(r"\s+", "", text)


def test_every_page_has_its_number_and_the_watermark_and_the_index_is_right(house):
    case = lived(house)
    tokens = [
        attach(house, case, "statement.pdf", pdf()),
        attach(house, case, "photo.jpg", photo()),
    ]
    job = make(house, case, tokens=tokens)
    _raw, pages = read(job)
    total = len(pages)
    assert job.counts["pages"] == total
    who = house.accounts["supervisor"].person.name_zh
    for number, text in enumerate(pages, 1):
        flat = squeezed(text)
        assert f"{number}/{total}" in flat
        assert "CourtofPudong" in flat
        assert squeezed(who) in flat
        assert case.number in flat
    index = squeezed(pages[0])
    with translation.override("zh-hans"):
        titles = [str(asking.PARTS[key]) for key in ALL]
    for number, title in enumerate([*titles, "statement.pdf", "photo.jpg"], 1):
        assert re.search(rf"{number}\D*{re.escape(squeezed(title))}\d+", index), title
    first = next(n for n, text in enumerate(pages, 1) if "Foreignpage1" in squeezed(text))
    assert f"{first - 1}–{first + 1}" in index  # its sheet, then two pages
    assert pages[first - 2].count("SHA-256") == 1


def test_nobody_but_the_customer_is_in_it(house):
    case = lived(house)
    _raw, pages = read(make(house, case, parts=(*ALL, "notes"), names=[THIRD]))
    text = squeezed("".join(pages))
    for secret in (THIRD, AGENT, PHONE, IDENTITY, "12345678"):
        assert secret not in text, secret
    asker = house.accounts["supervisor"].person
    for name, account in house.accounts.items():
        person = account.person
        if person.pk == asker.pk:  # who made it stands across every page
            continue
        for known in (person.name_en, person.name_zh):
            assert squeezed(known) not in text.replace(squeezed(asker.name_zh), ""), (name, known)
    assert CUSTOMER in text
    assert "诸•••" in text
    assert "[phone]" in text
    assert "[id]" in text


def test_internal_notes_go_in_only_when_they_are_asked_for(house):
    case = lived(house)
    _raw, pages = read(make(house, case))
    assert "Secretnote" not in squeezed("".join(pages))
    _raw, pages = read(make(house, case, parts=("notes",)))
    assert "Secretnote" in squeezed("".join(pages))


def test_decisions_and_approvals_name_roles(house):
    case = in_state(house, Status.PENDING_APPROVAL, at=now())
    decide(house, case, "approved", by="depthead", note="Fair enough.", at=now())
    _raw, pages = read(make(house, case, parts=("decisions", "approvals")))
    text = squeezed("".join(pages))
    assert "Fairenough." in text
    assert "Werefundthefeeof300CNY." in text
    assert squeezed(house.accounts["depthead"].person.name_zh) not in text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("locked.pdf", locked()),
        ("broken.pdf", b"%PDF-1.7\n" + b"\x00garbage" * 50),
        ("empty.pdf", b"%PDF-1.4\n%%EOF"),
        ("cut.pdf", pdf()[:300]),
        ("broken.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 64),
        ("words.txt", b"Plain words"),
    ],
)
def test_what_cannot_be_printed_becomes_a_sheet(house, name, content):
    case = open_case(house, at=now())
    _raw, pages = read(make(house, case, parts=(), tokens=[attach(house, case, name, content)]))
    assert len(pages) == 2
    assert name in squeezed(pages[1])
    assert hashlib.sha256(content).hexdigest() in squeezed(pages[1])


def test_scripts_links_and_metadata_of_attachments_stay_behind(house):
    case = open_case(house, at=now())
    tokens = [attach(house, case, "a.pdf", acting()), attach(house, case, "p.jpg", photo())]
    raw, pages = read(make(house, case, parts=(), tokens=tokens))
    assert "Foreign page 1" in "".join(pages)
    for evil in (b"Evilpage", b"JavaScript", b"/AA", b"/Annots", b"Geoplace"):
        assert evil not in raw, evil
    assert "/OpenAction" not in PdfReader(BytesIO(raw)).trailer["/Root"]


def test_pages_turned_or_of_another_size_are_stamped_upright(house):
    case = open_case(house, at=now())
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf(1, size=(900, 200)))))
    writer.pages[0].rotate(90)
    target = BytesIO()
    writer.write(target)
    token = attach(house, case, "wide.pdf", target.getvalue())
    _raw, pages = read(make(house, case, parts=(), tokens=[token]))
    assert "3/3" in squeezed(pages[2])
    assert "Foreign" in pages[2]


def test_the_record_says_who_had_it_made_for_whom_why_and_the_hash(house):
    case = lived(house)
    job = make(house, case)
    raw, _pages = read(job)
    asked = journal.entries(case.stream).get(action=asking.ASKED)
    words = journal.words_of([asked])[asked.pk]
    assert (words["recipient"], words["reason"]) == ("Court of Pudong", "Order 12")
    made = journal.entries(case.stream).get(action=asking.BUNDLED)
    assert journal.facts_of(made)["sha256"] == hashlib.sha256(raw).hexdigest()
    assert made.actor_id == house.pk("supervisor")
    assert "Court" not in str(job.params)


def test_the_wizard_asks_for_a_reason_and_something_to_put_in(client, house):
    case = lived(house)
    enter(client, house, "supervisor")
    url = f"/cases/{case.number}/bundle/"
    page = client.get(url).content.decode()
    assert "Internal notes as well" in page
    for data in (
        {"parts": ["record"], "recipient": "", "reason": "x"},
        {"parts": ["record"], "recipient": "Court", "reason": " "},
        {"parts": [], "recipient": "Court", "reason": "x"},
        {"parts": ["secrets"], "recipient": "Court", "reason": "x"},
        {"parts": ["record"], "attached": ["not-a-token"], "recipient": "C", "reason": "x"},
        {"parts": ["record"], "names": "x", "recipient": "C", "reason": "x"},
    ):
        answer = client.post(url, data)
        assert answer.status_code == 422, data
        assert not Job.objects.filter(kind=asking.KIND).exists()
    good = {"parts": ["record"], "recipient": "Court", "reason": "Order"}
    assert client.post(url, good).status_code == 302
    assert client.post(url, good).status_code == 302  # the second click finds the first
    assert Job.objects.filter(kind=asking.KIND).count() == 1
    assert "Being made" in client.get(f"{url}list/", headers=HTMX).content.decode()
    job_runs.work(timezone.now())
    text = client.get(f"{url}list/", headers=HTMX).content.decode()
    assert "Download" in text
    assert "every 3s" not in text


def test_the_file_is_for_the_asker_alone_and_each_download_is_recorded(client, house):
    case = lived(house)
    job = make(house, case)
    url = f"/cases/{case.number}/bundle/{job.pk}/"
    answer = enter(client, house, "supervisor").get(url)
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert b"".join(answer.streaming_content).startswith(b"%PDF-")
    entry = journal.entries(case.stream).filter(action=asking.OPENED).get()
    assert entry.actor_id == house.pk("supervisor")
    for name, status in {
        "officer": 404,
        "approver": 404,
        "handler": 403,
        "loan_handler": 403,
    }.items():
        assert enter(client, house, name).get(url).status_code == status, name
    other = open_case(house, at=now())
    enter(client, house, "supervisor")
    assert client.get(f"/cases/{other.number}/bundle/{job.pk}/").status_code == 404


def test_who_lost_the_case_meanwhile_gets_no_bundle(house):
    case = lived(house)
    wish = Wish(("record",), (), "Court", "Order")
    job = bundle.ask(rows(case), wish, actor=house.actor("supervisor"), at=timezone.now())
    person = house.accounts["supervisor"].person
    CaseExclusion.objects.create(case=case, person=person, reason="named", at=now())
    job_runs.work(timezone.now())
    job.refresh_from_db()
    assert (job.state, job.result) == (JobState.FAILED, None)
    assert asking.BUNDLED not in journal.entries(case.stream).values_list("action", flat=True)


@pytest.mark.parametrize(
    ("recipient", "reason", "parts"), [(" ", "x", ALL), ("x", "", ALL), ("x", "x", ())]
)
def test_the_verb_refuses_what_the_form_would(house, recipient, reason, parts):
    case = open_case(house, at=now())
    with pytest.raises(BundleRefused):
        bundle.ask(
            rows(case), Wish(parts, (), recipient, reason), actor=house.actor("officer"), at=now()
        )


def test_files_go_after_seven_days(house, django_capture_on_commit_callbacks):
    case = open_case(house, at=now())
    job = make(house, case, parts=("record",))
    assert asking.expire(job.finished_at + timedelta(days=6)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert asking.expire(job.finished_at + timedelta(days=7)) == 1
    assert asking.expire(job.finished_at + timedelta(days=8)) == 0
    assert StoredFile.objects.get(pk=job.result_id).erased_at is not None
    [row] = bundle.made(case, house.scope("supervisor"))
    assert not row.ready


def test_erasing_the_customer_takes_bundles_and_their_words(house):
    customer = CustomerFactory.create(name=CUSTOMER)
    case = open_case(house, at=now(), customer=customer)
    job = make(house, case, parts=("record",), names=[THIRD])
    assert asking.erase([customer.pk], now()) == 1
    assert StoredFile.objects.get(pk=job.result_id).erased_at is not None
    assert asking.erase([customer.pk], now()) == 0
    journal.erase_words([case.stream], actor=house.actor("supervisor"), at=now())
    kept = EventWords.objects.filter(entry__stream=case.stream, entry__action=asking.ASKED)
    assert {word.text for word in kept} == {""}


@pytest.mark.parametrize(
    "text",
    ["x" * 3000, "字" * 2000, "a\n" * 120, "<b>&amp; \U0001f600 \ud7a3", "", "\u202etxt"],
)
def test_odd_texts_are_set_without_a_fault(house, text):
    case = open_case(house, at=now(), content=text or "x", demand=text)
    _raw, pages = read(make(house, case, parts=("record", "timeline", "messages")))
    assert len(pages) >= 4
