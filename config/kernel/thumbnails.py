"""Small pictures of stored pictures: made at the first look, safe against bombs, without EXIF.

A picture is opened as one of four formats only, refused above 40 million pixels before it is
decoded, turned upright, drawn anew at most 320 pixels wide or high and written without any of its
metadata (place, camera, embedded preview). What cannot be drawn is marked and not tried again.
"""

from __future__ import annotations

import logging
from io import BytesIO
from typing import IO, Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageOps

from config.kernel import files
from config.kernel.models import StoredFile

logger = logging.getLogger(__name__)

SIDE: Final = 320
MOST_PIXELS: Final = 40_000_000
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
CONTENT_TYPE: Final = "image/webp"
UNDRAWABLE: Final = "-"
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")


class NotDrawn(ValueError):  # noqa: N818 - reads as words
    """The bytes are no picture that can be drawn safely."""


def is_picture(stored: StoredFile) -> bool:
    """Whether a thumbnail may be asked for."""
    return stored.content_type in PICTURES and stored.erased_at is None


def opened(content: IO[bytes], side: int = SIDE * 4) -> Image.Image:
    """Return the first frame, upright and decoded; NotDrawn for bombs and broken files.

    A JPEG much larger than `side` is decoded at a fraction of its size.
    """
    try:
        picture = Image.open(content, formats=_FORMATS)
        _refuse_bomb(picture)
        picture.draft("RGB", (side, side))
        upright = ImageOps.exif_transpose(picture)
        upright.load()
    # Broken files raise almost anything: OSError, SyntaxError, struct.error, ValueError, warnings.
    except Exception as error:
        raise NotDrawn(type(error).__name__) from error
    return upright


def _refuse_bomb(picture: Image.Image) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        message = f"more than {MOST_PIXELS} pixels"
        raise NotDrawn(message)


def drawn(content: IO[bytes]) -> bytes:
    """Return the thumbnail as WebP without metadata; raises NotDrawn."""
    picture = opened(content)
    try:
        small = picture.convert("RGBA" if _has_alpha(picture) else "RGB")
        small.thumbnail((SIDE, SIDE))
        clean = Image.new(small.mode, small.size)
        clean.paste(small)
        target = BytesIO()
        clean.save(target, "WEBP", quality=78, method=2)
    except Exception as error:
        raise NotDrawn(type(error).__name__) from error
    return target.getvalue()


def read(stored: StoredFile) -> bytes | None:
    """Return the thumbnail of a stored picture, made now if it is the first look; None = none.

    Two first looks at once keep one of the two files. Call it outside a transaction.
    """
    if not is_picture(stored) or stored.thumbnail == UNDRAWABLE:
        return None
    if stored.thumbnail:
        kept = _kept(stored.thumbnail)
        if kept is not None:
            return kept
    try:
        with files.open_path(stored) as content:
            made = drawn(content)
    except FileNotFoundError:
        return None
    except NotDrawn as problem:
        logger.info("no thumbnail of stored file %s: %s", stored.pk, problem)
        StoredFile.objects.filter(pk=stored.pk).update(thumbnail=UNDRAWABLE)
        return None
    _keep(stored, made)
    return made


def _kept(path: str) -> bytes | None:
    """Return the thumbnail on disk; None when it was lost and must be drawn again."""
    try:
        with default_storage.open(path, "rb") as content:
            found: bytes = content.read()
    except FileNotFoundError:
        return None
    return found


def _keep(stored: StoredFile, made: bytes) -> None:
    """Write the thumbnail and name it in the row, unless the file was erased or drawn meanwhile."""
    path = stored.path + files.SMALL
    try:
        saved = default_storage.save(path, ContentFile(made))
    except OSError:
        logger.exception("a thumbnail could not be written")
        return
    if saved != path:  # somebody else's first look was faster
        files.remove(saved)
    row = StoredFile.objects.filter(pk=stored.pk, erased_at__isnull=True)
    if not row.update(thumbnail=path):
        files.remove(path)


def _has_alpha(picture: Image.Image) -> bool:
    return "A" in picture.getbands() or "transparency" in picture.info


__all__ = ["CONTENT_TYPE", "PICTURES", "NotDrawn", "drawn", "is_picture", "opened", "read"]
