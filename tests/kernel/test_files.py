import io
import logging
import os
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.db import transaction
from django.http import Http404

from config.kernel import file_names, files
from config.kernel.files import FileRefused
from config.kernel.models import StoredFile

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
PDF = b"%PDF-1.7\n1 0 obj\n"
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 20
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def office(part, **extra):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"[Content_Types].xml": "<Types/>", part: "<x/>", **extra}.items():
            archive.writestr(name, content)
    return held.getvalue()


def store(name, content, **how):
    upload = SimpleUploadedFile("x", content)
    upload._name = name  # a browser may send any name; Django cleans only the path
    return files.store(upload, kind="attachment", uploaded_by_id=7, at=AT, **how)


def on_disk():
    return list(files._old_paths(AT + timedelta(days=9999)))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("收据.PDF", PDF, "application/pdf"),
        ("photo.jpeg", JPG, "image/jpeg"),
        ("a.png", PNG, "image/png"),
        ("a.gif", b"GIF89a" + b"\x00" * 9, "image/gif"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("note.txt", "投诉内容".encode(), "text/plain; charset=utf-8"),
        ("gbk.csv", "姓名,电话\n王,1".encode("gb18030"), "text/csv; charset=utf-8"),
        ("utf16.txt", "投诉".encode("utf-16"), "text/plain; charset=utf-8"),
        ("old.xls", OLE, "application/vnd.ms-excel"),
        ("old.doc", OLE, "application/msword"),
        ("call.mp3", b"ID3\x04\x00" + b"\x00" * 20, "audio/mpeg"),
        ("call.wav", b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        ("call.m4a", b"\x00\x00\x00\x20ftypM4A \x00\x00", "audio/mp4"),
        ("m.eml", b"From: a@b.c\r\nSubject: x\r\n\r\nHi", "text/plain; charset=utf-8"),
    ],
)
def test_files_that_people_send_are_kept(name, content, content_type):
    row = store(name, content)
    assert row.content_type == content_type
    with files.open_path(row) as stored:
        assert stored.read() == content
    assert row.name == name
    assert row.path == f"files/{row.token.hex[:2]}/{row.token.hex}"


@pytest.mark.django_db
def test_office_files_are_looked_into():
    assert "spreadsheet" in store("a.xlsx", office("xl/workbook.xml")).content_type
    assert "word" in store("a.docx", office("word/document.xml")).content_type


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.svg", b"<svg onload=alert(1)>", "type"),
        ("a.html", b"<html>", "type"),
        ("a.xml", b"<?xml version='1.0'?>", "type"),
        ("a.exe", b"MZ\x90", "type"),
        ("a.zip", office("a"), "type"),
        ("noending", PDF, "type"),
        (".pdf", PDF, "type"),
        ("a.pdf.exe", PDF, "type"),
        ("a.php.png", PNG, "name"),
        ("a.HTML.pdf", PDF, "name"),
        ("a.png", PDF, "content"),
        ("a.pdf", b"MZ\x90\x00", "content"),
        ("a.pdf", b"<script>alert(1)</script>%PDF-1.4", "content"),
        ("a.txt", b"<!DOCTYPE html><script>", "content"),
        ("a.txt", b"\xef\xbb\xbf  <svg>", "content"),
        ("a.csv", b"<?php system($_GET[0]);", "content"),
        ("a.txt", b"\x00\x01\x02binary", "content"),
        ("a.csv", b"PK\x03\x04\x00\xff\xfe", "content"),
        ("a.eml", b"just words", "content"),
        ("a.xlsx", office("word/document.xml"), "content"),
        ("a.xlsx", b"PK\x03\x04 broken", "content"),
        ("a.docx", office("word/document.xml", **{"word/vbaProject.bin": "x"}), "content"),
        ("a.xlsx", office("xl/workbook.xml", **{"xl/b.xml": "0" * 9_000_000}), "content"),
        ("a.wav", b"RIFF\x00\x00\x00\x00WEBP", "content"),
        ("a.pdf", b"", "empty"),
        ("rechnung\u202efdp.exe", PDF, "type"),
        ("a.pdf\x00.exe", PDF, "type"),
    ],
)
def test_everything_else_is_refused_in_words_and_leaves_nothing(name, content, code):
    with pytest.raises(FileRefused) as refusal:
        store(name, content)
    assert refusal.value.code == code
    assert str(refusal.value)
    assert not StoredFile.objects.exists()
    assert on_disk() == []


@pytest.mark.django_db
def test_a_file_that_is_too_large_is_refused():
    with pytest.raises(FileRefused, match="larger than 1 MB"):
        store("a.pdf", PDF + b"x" * 1_000_000, max_bytes=1_000_000)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\王\\投诉.docx", "投诉.docx"),
        ("a\x00b\r\n.pdf", "ab.pdf"),
        ("harmless\u202egpj.pdf", "harmlessgpj.pdf"),
        ("trailing.pdf. . ", "trailing.pdf"),
        ('quote"<>|.txt', "quote____.txt"),
        ("", "file"),
        ("...", "file"),
        ("字" * 300 + ".pdf", "字" * 116 + ".pdf"),
        ("x" * 300, "x" * 120),
    ],
)
def test_names_are_made_harmless(raw, name):
    assert file_names.clean(raw) == name


def test_a_full_width_ending_is_the_same_ending():
    assert file_names.extension("a.ＰＤＦ") == "pdf"


@pytest.mark.django_db
def test_a_download_is_sandboxed_and_never_cached_or_sniffed():
    row = store("投诉 receipt;1.pdf", PDF)
    answer = files.response(row)
    assert answer["Content-Disposition"] == (
        'attachment; filename="__ receipt_1.pdf"; '
        "filename*=UTF-8''%E6%8A%95%E8%AF%89%20receipt%3B1.pdf"
    )
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"] == "private, no-store"
    assert int(answer["Content-Length"]) == len(PDF)
    assert b"".join(answer.streaming_content) == PDF


@pytest.mark.django_db
def test_only_pictures_and_pdf_are_shown_in_the_page():
    assert files.response(store("a.png", PNG), inline=True)["Content-Disposition"].startswith(
        "inline"
    )
    shown = files.response(store("a.txt", b"words"), inline=True)
    assert shown["Content-Disposition"].startswith("attachment")


@pytest.mark.django_db
def test_a_large_upload_that_lies_in_a_temporary_file_is_kept_and_not_moved():
    with TemporaryUploadedFile("a.pdf", "application/pdf", 0, None) as upload:
        upload.write(PDF * 1000)
        upload.size = len(PDF) * 1000
        upload.seek(0)
        row = files.store(upload, kind="import", uploaded_by_id=None, at=AT)
        assert os.path.exists(upload.temporary_file_path())  # noqa: PTH110
    with files.open_path(row) as stored:
        assert stored.read() == PDF * 1000


@pytest.mark.django_db
def test_a_full_disk_is_told_in_words_and_leaves_no_half_file(monkeypatch):
    save = FileSystemStorage._save

    def full(storage, name, content):
        save(storage, name, ContentFile(b"half"))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    with pytest.raises(FileRefused, match="storage is full"):
        store("a.pdf", PDF)
    assert not StoredFile.objects.exists()
    assert on_disk() == []


@pytest.mark.django_db
def test_a_row_that_cannot_be_written_leaves_no_file(monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError

    monkeypatch.setattr(StoredFile, "save", broken)
    with pytest.raises(RuntimeError):
        store("a.pdf", PDF)
    assert on_disk() == []


@pytest.mark.django_db
def test_a_file_of_a_transaction_that_failed_is_swept_a_day_later(caplog):
    caplog.set_level(logging.ERROR)
    kept = store("a.pdf", PDF)
    with transaction.atomic():
        store("b.pdf", PDF)
        transaction.set_rollback(True)
    stranger = default_storage.save("files/ab/not-ours.txt", io.BytesIO(b"x"))
    written = max(default_storage.get_modified_time(path) for path in on_disk())
    assert files.orphans(written) == 0  # may still be in somebody's transaction
    assert files.orphans(written + timedelta(days=2)) == 1
    assert on_disk() == [kept.path]
    assert default_storage.exists(stranger)


@pytest.mark.django_db(transaction=True)
def test_an_erased_file_is_gone_with_its_name():
    row = store("王小明.pdf", PDF)
    files.erase(row, at=AT)
    row.refresh_from_db()
    assert (row.name, row.erased_at) == ("", AT)
    assert on_disk() == []
    with pytest.raises(Http404):
        files.response(row)


@pytest.mark.django_db
def test_a_file_lost_from_the_storage_is_not_found_and_logged(caplog):
    row = store("a.pdf", PDF)
    default_storage.delete(row.path)
    with caplog.at_level(logging.ERROR), pytest.raises(Http404):
        files.response(row)
    assert "is missing" in caplog.text


@pytest.mark.django_db
def test_what_the_portal_makes_is_stored_like_an_upload():
    made = files.Produced("errors.csv", "行,错误\n".encode())
    row = files.store(made.as_file(), kind="export", uploaded_by_id=None, at=AT)
    assert row.name == "errors.csv"
