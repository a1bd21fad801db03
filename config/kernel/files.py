"""Stored files: what may be uploaded, where it lies, how it is handed out.

A file is accepted when its name and its first bytes agree on one entry of the allow-list
(`file_types.py`). It lies below MEDIA_ROOT under a random name; the name people gave it is
encrypted in the row and only used for the download. Files are opened through views that checked
the scope of what they belong to.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any, Final
from urllib.parse import quote
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import FileResponse, Http404
from django.utils.translation import gettext_lazy as _

from config.kernel import file_names, file_types
from config.kernel.file_types import FileRefused
from config.kernel.models import StoredFile

__all__ = ["FileRefused", "Produced", "open_path", "orphans", "remove", "response", "store"]

logger = logging.getLogger(__name__)

FOLDER: Final = "files"
SMALL: Final = "_small"  # the thumbnail of a picture lies beside it, named after it
ORPHAN_AGE: Final = timedelta(days=1)  # longer than any upload takes
_ORPHANS_PER_RUN: Final = 2_000
_DISPLAYABLE: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"}
)


@dataclass(frozen=True, slots=True)
class Produced:
    """Content made by the portal itself (an export, an errors file), stored like an upload."""

    name: str
    content: bytes

    def as_file(self) -> ContentFile[bytes]:
        """Return it in the shape of an upload."""
        return ContentFile(self.content, name=self.name)


def store(
    upload: File[Any], *, kind: str, uploaded_by_id: int | None, at: datetime, max_bytes: int = 0
) -> StoredFile:
    """Check and keep one file; returns its row. Belongs to the caller's transaction.

    `kind` e.g. `attachment`, `import`, `export`; `max_bytes` 0 = settings.ATTACHMENT_MAX_BYTES.
    Raises FileRefused in words: empty, too large, not on the allow-list, name and content
    disagree, or the disk is full. After a refusal nothing is left behind; when the caller's
    transaction is rolled back later, `orphans` removes the file.
    """
    size = upload.size or 0
    limit = max_bytes or settings.ATTACHMENT_MAX_BYTES
    if size == 0:
        raise FileRefused("empty", _("The file is empty."))
    if size > limit:
        params = {"limit": limit // 1_000_000}
        raise FileRefused("large", _("The file is larger than %(limit)s MB."), params)
    name = file_names.clean(upload.name or "")
    content_type = file_types.accept(name, upload, size)
    token = uuid4()
    path = f"{FOLDER}/{token.hex[:2]}/{token.hex}"
    digest = _write(path, upload)
    row = StoredFile(
        token=token, path=path, name=name, content_type=content_type, size=size, sha256=digest,
        kind=kind, uploaded_by_id=uploaded_by_id, uploaded_at=at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except Exception:
        remove(path)
        raise
    return row


def _write(path: str, upload: File[Any]) -> str:
    """Write the bytes below MEDIA_ROOT and return their SHA-256; nothing stays after an error."""
    digest = hashlib.sha256()
    for piece in upload.chunks():
        digest.update(piece if isinstance(piece, bytes) else piece.encode())
    upload.seek(0)
    try:
        saved = default_storage.save(path, File(upload.file or upload, name=path))
    except OSError as error:
        remove(path)
        logger.exception("a file could not be written")
        message = _("The file could not be saved: the storage is full or not available.")
        raise FileRefused("storage", message) from error
    if saved != path:  # a random name is taken only by a fault of the storage
        remove(saved)
        raise FileRefused("storage", _("The file could not be saved. Try again."))
    return digest.hexdigest()


def remove(path: str) -> None:
    """Delete a file that must not stay; what cannot be deleted is left to `orphans`."""
    try:
        default_storage.delete(path)
    except OSError:
        logger.exception("a half-written file stays until the orphans are swept")


def open_path(stored: StoredFile) -> IO[bytes]:
    """Open the content for reading; raises FileNotFoundError when it was erased."""
    if stored.erased_at is not None:
        raise FileNotFoundError(stored.path)
    return default_storage.open(stored.path, "rb")


def response(stored: StoredFile, *, inline: bool = False) -> FileResponse:
    """Hand out a file whose scope the view has checked.

    Always sandboxed, never sniffed, never cached by others. `inline` is obeyed for pictures and
    PDF only; everything else is a download. Raises Http404 when it was erased or is lost.
    """
    try:
        content = open_path(stored)
    except FileNotFoundError as error:
        if stored.erased_at is None:
            logger.error("the content of stored file %s is missing", stored.pk)  # noqa: TRY400 - no trace needed
        raise Http404 from error
    shown = inline and stored.content_type in _DISPLAYABLE
    answer = FileResponse(content, content_type=stored.content_type)
    answer["Content-Disposition"] = disposition(stored.name, inline=shown)
    answer["Content-Length"] = str(stored.size)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["Cache-Control"] = "private, no-store"
    return answer


def disposition(name: str, *, inline: bool = False) -> str:
    """Return the Content-Disposition of a name: ASCII stand-in and the name (RFC 6266)."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    plain = "".join("_" if sign in '"\\;%' or ord(sign) < 32 else sign for sign in plain)
    way = "inline" if inline else "attachment"
    return f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def erase(stored: StoredFile, *, at: datetime) -> None:
    """Remove content, thumbnail and name of a file; the row stays and says when it went."""
    rows = StoredFile.objects.filter(pk=stored.pk)
    small = rows.values_list("thumbnail", flat=True).first() or ""
    rows.update(erased_at=at, name="", thumbnail="")
    transaction.on_commit(lambda: remove(stored.path))
    if small.startswith(f"{FOLDER}/"):
        transaction.on_commit(lambda: remove(small))


def orphans(at: datetime) -> int:
    """Due work `orphans`: delete files older than a day that no row names; returns how many."""
    removed = 0
    for batch in _in_batches(_old_paths(at)):
        owners = [path.removesuffix(SMALL) for path in batch]
        known = set(StoredFile.objects.filter(path__in=owners).values_list("path", flat=True))
        for path in batch:
            if path.removesuffix(SMALL) not in known:
                remove(path)
                removed += 1
        if removed >= _ORPHANS_PER_RUN:
            break
    return removed


def _old_paths(at: datetime) -> Iterator[str]:
    """Walk the stored files that were last written more than a day before `at`."""
    if not default_storage.exists(FOLDER):
        return
    folders, _files = default_storage.listdir(FOLDER)
    for folder in sorted(folders):
        _deeper, names = default_storage.listdir(f"{FOLDER}/{folder}")
        for name in sorted(names):
            path = f"{FOLDER}/{folder}/{name}"
            if _is_ours(name) and default_storage.get_modified_time(path) < at - ORPHAN_AGE:
                yield path


def _is_ours(name: str) -> bool:
    """Tell whether a file was written by `store` (or left half-written by it)."""
    try:
        UUID(hex=name.partition("_")[0])
    except ValueError:
        return False
    return True


def _in_batches(paths: Iterator[str], size: int = 500) -> Iterator[list[str]]:
    """Cut a walk into lists of at most `size`."""
    batch: list[str] = []
    for path in paths:
        batch.append(path)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
