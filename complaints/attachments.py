"""Files of a case: the same bytes are kept once, and where else they are is told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db.models import QuerySet

from complaints import records
from complaints.models import Case, CaseAttachment
from config.shared.actors import Actor
from config.shared.scope import Scope

_TOLD = 3


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one upload: kept as `row`, or `there` holds the same bytes already.

    `elsewhere` are numbers of other cases of this reader's with the same bytes.
    """

    row: CaseAttachment | None
    there: CaseAttachment | None = None
    elsewhere: Sequence[str] = ()


def digest(upload: File[Any]) -> str:
    """Return the SHA-256 of an upload; leaves it at its beginning."""
    found = hashlib.sha256()
    upload.seek(0)
    for piece in upload.chunks():
        found.update(piece if isinstance(piece, bytes) else piece.encode())
    upload.seek(0)
    return found.hexdigest()


def add(
    cases: QuerySet[Case], upload: File[Any], *, scope: Scope, actor: Actor, at: datetime
) -> Added:
    """Attach a file to the one case of `cases` unless it is there; FileRefused, RecordRefused."""
    same = CaseAttachment.objects.filter(
        file__sha256=digest(upload), file__size=upload.size or 0, file__erased_at__isnull=True
    )
    there = same.filter(case__in=cases.values("pk")).select_related("file").first()
    if there is not None:
        return Added(None, there)
    [row] = records.attach(cases, upload, actor=actor, at=at)
    visible = Case.objects.visible_to(scope).filter(attachments__in=same).exclude(pk=row.case_id)
    numbers = visible.order_by("-pk").values_list("number", flat=True).distinct()
    return Added(row, elsewhere=tuple(numbers[:_TOLD]))


__all__ = ["Added", "add", "digest"]
