"""Thumbnails: drawn once, upright, without EXIF; bombs and broken files are marked, not tried."""

import struct
import zlib
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from config.kernel import files, thumbnails
from config.kernel.models import StoredFile
from tests.factories.complaints import PNG

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
TYPES = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
FORMATS = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "webp": "WEBP"}
SECRET = "31.2304N 121.4737E home of Kanarigelb"


def picture(ending="png", size=(800, 400), **options):
    target = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(target, FORMATS[ending], **options)
    return target.getvalue()


def with_exif():
    """Return a JPEG turned by 90 degrees with a place in its EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn right
    exif[0x010E] = SECRET
    return picture("jpg", exif=exif)


def store(name, content):
    upload = SimpleUploadedFile(name, content, "application/octet-stream")
    return files.store(upload, kind="case", uploaded_by_id=None, at=AT)


def fresh(row):
    return StoredFile.objects.get(pk=row.pk)


@pytest.mark.parametrize("ending", sorted(TYPES))
def test_every_kind_of_picture_gets_a_small_one_that_keeps_its_shape(ending):
    row = store(f"a.{ending}", picture(ending))
    made = thumbnails.read(row)
    small = Image.open(BytesIO(made))
    assert small.format == "WEBP"
    assert small.size == (320, 160)
    assert fresh(row).thumbnail == row.path + "_small"


def test_it_stands_upright_and_holds_no_exif():
    content = with_exif()
    assert SECRET.encode() in content
    made = thumbnails.read(store("a.jpg", content))
    small = Image.open(BytesIO(made))
    assert small.size == (160, 320)
    assert dict(small.getexif()) == {}
    assert SECRET.encode() not in made
    assert b"EXIF" not in made


def test_it_is_drawn_once_and_drawn_again_when_lost(monkeypatch):
    row = store("a.png", picture())
    first, drawn, times = thumbnails.read(row), thumbnails.drawn, []
    monkeypatch.setattr(thumbnails, "drawn", lambda content: times.append(1) or drawn(content))
    assert thumbnails.read(fresh(row)) == first
    assert times == []
    default_storage.delete(row.path + "_small")
    assert thumbnails.read(fresh(row)) == first
    assert times == [1]


def test_of_two_first_looks_one_file_stays():
    row = store("a.png", picture())
    assert thumbnails.read(row) == thumbnails.read(row)  # the second still sees the old row
    folder = row.path.rpartition("/")[0]
    names = [n for n in default_storage.listdir(folder)[1] if n.startswith(row.token.hex)]
    assert sorted(names) == [row.token.hex, f"{row.token.hex}_small"]


def bomb(width, height):
    """Return a PNG of a few bytes whose header promises width x height pixels."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\x00" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


ODD = {
    "bomb": bomb(50_000, 50_000),
    "just too large": bomb(6_400, 6_300),
    "absurd": bomb(2**31 - 1, 2**31 - 1),
    "cut": picture()[:200],
    "no picture at all": PNG,
    "another format inside": b"\x89PNG\r\n\x1a\n" + b"%!PS-Adobe-3.0 EPSF-3.0\n" * 10,
}


@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_drawn_is_marked_and_not_tried_again(name, monkeypatch):
    row = store("a.png", ODD[name])
    assert thumbnails.read(row) is None
    assert fresh(row).thumbnail == "-"
    monkeypatch.setattr(files, "open_path", lambda _row: pytest.fail("opened again"))
    assert thumbnails.read(fresh(row)) is None


def test_a_picture_above_forty_million_pixels_is_refused_before_it_is_decoded(monkeypatch):
    row, decoded = store("a.png", picture()), []
    monkeypatch.setattr(thumbnails, "MOST_PIXELS", 800 * 400 - 1)
    monkeypatch.setattr(Image.Image, "load", lambda _self: decoded.append(1))
    assert thumbnails.read(row) is None
    assert decoded == []


def test_only_the_four_formats_of_pictures_are_ever_opened():
    row = store("a.pdf", b"%PDF-1.7 <x>")
    assert thumbnails.read(row) is None
    target = BytesIO()
    Image.new("RGB", (8, 8)).save(target, "TIFF")
    with pytest.raises(thumbnails.NotDrawn):
        thumbnails.drawn(BytesIO(target.getvalue()))


def test_erasing_a_file_takes_its_thumbnail(django_capture_on_commit_callbacks):
    row = store("a.png", picture())
    thumbnails.read(row)
    with django_capture_on_commit_callbacks(execute=True):
        files.erase(fresh(row), at=AT)
    assert not default_storage.exists(row.path + "_small")
    assert not default_storage.exists(row.path)
    assert fresh(row).thumbnail == ""
    assert thumbnails.read(fresh(row)) is None


def test_a_thumbnail_drawn_while_the_file_is_erased_does_not_stay():
    row = store("a.png", picture())
    StoredFile.objects.filter(pk=row.pk).update(erased_at=AT)
    thumbnails.read(row)  # this reader met the row before
    assert not default_storage.exists(row.path + "_small")


def test_the_sweep_of_orphans_keeps_thumbnails_and_takes_those_without_a_file(monkeypatch):
    row, gone = store("a.png", picture()), store("b.png", picture())
    thumbnails.read(row), thumbnails.read(gone)
    StoredFile.objects.filter(pk=gone.pk).delete()
    old = datetime(2000, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(default_storage, "get_modified_time", lambda _path: old, raising=False)
    files.orphans(AT + timedelta(days=2))
    assert default_storage.exists(row.path + "_small")
    assert not default_storage.exists(gone.path + "_small")
