"""The allow-list of uploads: an extension, the first bytes that go with it, and the type we serve.

Own table instead of a sniffing library: an upload is accepted only when its bytes fit the type its
name claims, which is a closed question; guessing what else it might be is not needed.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from typing import IO, Any, Final, cast

from django.core.files.base import File
from django.utils.translation import gettext_lazy as _

from config.kernel import file_names
from config.shared.worded import WordedError

_HEAD: Final = 64 * 1024
_ZIP_ENTRIES: Final = 5_000
_ZIP_UNPACKED: Final = 300 * 1024**2
_ZIP_RATIO: Final = 200
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAIL_HEADER: Final = re.compile(
    rb"(?im)^(?:from|to|subject|date|received|return-path|message-id|mime-version|delivered-to):"
)
_MARKUP: Final = re.compile(
    rb"(?is)^\s*(?:<!doctype|<html|<svg|<\?xml|<script|<head|<body|#!|<\?php)"
)
# Extensions that make a double name dangerous where a careless server or reader looks at any part.
_RUNNABLE: Final = frozenset(
    "php phtml phar asp aspx jsp cgi pl py rb sh bash bat cmd com exe dll scr msi ps1 vbs vbe "  # noqa: SIM905 - 50 lines otherwise
    "js mjs jse wsf hta htm html xhtml svg xml jar lnk reg".split()
)


class FileRefused(WordedError):  # noqa: N818 - named for what happened
    """A file is not taken; the words say why."""


def accept(name: str, upload: File[Any], size: int) -> str:
    """Return the content type under which the file will be served, or raise FileRefused.

    Only the last extension counts; a runnable one before it is refused as a disguise. Leaves
    `upload` at its beginning.
    """
    ending = file_names.extension(name)
    if ending not in TYPES:
        params = {"types": ", ".join(sorted(TYPES))}
        raise FileRefused(
            "type", _("Files of this kind are not accepted. Accepted: %(types)s."), params
        )
    if _RUNNABLE.intersection(file_names.extensions(name)[:-1]):
        raise FileRefused("name", _("The file name holds two endings. Rename the file."))
    upload.seek(0)
    head = upload.read(_HEAD)
    content_type, fits = TYPES[ending]
    good = fits(head, upload, size)
    upload.seek(0)
    if not good:
        params = {"ending": ending}
        message = _("The content of the file is not what its ending .%(ending)s says.")
        raise FileRefused("content", message, params)
    return content_type


Fits = Callable[[bytes, "File[Any]", int], bool]


def _starts(*signatures: bytes) -> Fits:
    """Fit files that begin with one of the signatures."""
    return lambda head, _upload, _size: head.startswith(signatures)


def _riff(form: bytes) -> Fits:
    """Fit RIFF containers of one form: WEBP or WAVE."""
    return lambda head, _upload, _size: head[:4] == b"RIFF" and head[8:12] == form


def _pdf(head: bytes, _upload: File[Any], _size: int) -> bool:
    """Fit PDF: its mark in the first kilobyte, and no markup before it."""
    found = head[:1024].find(b"%PDF-")
    return found >= 0 and b"<" not in head[:found]


def _mp3(head: bytes, _upload: File[Any], _size: int) -> bool:
    """Fit an ID3 tag or an MPEG audio layer III frame."""
    return head[:3] == b"ID3" or (len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2)


def _m4a(head: bytes, _upload: File[Any], _size: int) -> bool:
    """Fit an ISO media file of an audio or plain MP4 brand."""
    return head[4:8] == b"ftyp" and head[8:12] in {b"M4A ", b"M4B ", b"mp42", b"mp41", b"isom"}


def _text(head: bytes, _upload: File[Any], _size: int) -> bool:
    """Fit text in UTF-8, UTF-16 with mark, or GB 18030, that is no markup and no program."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decodes(head, "utf-16")
    if b"\x00" in head or _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        return False
    return _decodes(head, "utf-8") or _decodes(head, "gb18030")


def _decodes(head: bytes, encoding: str) -> bool:
    """Tell whether the bytes are text of this encoding; the last letter may be cut."""
    cut = len(head) == _HEAD
    tries = range(4) if cut else range(1)
    for missing in tries:
        try:
            head[: len(head) - missing].decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


def _mail(head: bytes, upload: File[Any], size: int) -> bool:
    """Fit a saved e-mail: text whose first lines are mail headers. Served as plain text."""
    return _text(head, upload, size) and len(_MAIL_HEADER.findall(head[:8192])) >= 2


def _ooxml(part: str) -> Fits:
    """Fit an Office Open XML file that holds `part`, has no macros and is no zip bomb."""

    def fits(head: bytes, upload: File[Any], size: int) -> bool:
        if not head.startswith(b"PK\x03\x04"):
            return False
        upload.seek(0)
        try:
            with zipfile.ZipFile(cast("IO[bytes]", upload)) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            return False
        names = {entry.filename for entry in entries}
        unpacked = sum(entry.file_size for entry in entries)
        return (
            {"[Content_Types].xml", part} <= names
            and len(entries) <= _ZIP_ENTRIES
            and unpacked <= min(_ZIP_UNPACKED, max(size * _ZIP_RATIO, 1_000_000))
            and not any("vbaproject" in name.lower() or ".." in name for name in names)
        )

    return fits


TYPES: Final[dict[str, tuple[str, Fits]]] = {
    "pdf": ("application/pdf", _pdf),
    "png": ("image/png", _starts(b"\x89PNG\r\n\x1a\n")),
    "jpg": ("image/jpeg", _starts(b"\xff\xd8\xff")),
    "jpeg": ("image/jpeg", _starts(b"\xff\xd8\xff")),
    "gif": ("image/gif", _starts(b"GIF87a", b"GIF89a")),
    "webp": ("image/webp", _riff(b"WEBP")),
    "txt": ("text/plain; charset=utf-8", _text),
    "csv": ("text/csv; charset=utf-8", _text),
    "eml": ("text/plain; charset=utf-8", _mail),
    "xls": ("application/vnd.ms-excel", _starts(_OLE)),
    "doc": ("application/msword", _starts(_OLE)),
    "xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ooxml("xl/workbook.xml"),
    ),
    "docx": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _ooxml("word/document.xml"),
    ),
    "mp3": ("audio/mpeg", _mp3),
    "wav": ("audio/wav", _riff(b"WAVE")),
    "m4a": ("audio/mp4", _m4a),
}
