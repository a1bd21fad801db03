"""Erasing a customer's words from the complaints room: facts and hashes stay, texts go."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q

from complaints import export_work, unsent
from complaints.importing import work
from complaints.models import (
    CallRecord,
    Case,
    CaseAgent,
    CaseAttachment,
    CaseRemedy,
    CaseSignature,
    CustomerNotice,
    SourceRef,
)
from config.kernel import files, journal, saved, search
from config.kernel.models import Approval, Job, JobRow, OutboxMessage, StoredFile
from config.kernel.models.outbox import OutboxState
from config.shared.actors import SYSTEM

_CHUNK: Final = 100
_TEXTS: Final = (
    "core_issue", "content", "demand", "expected_resolution", "contact_name", "contact_phone",
    "contact_phone_hash", "contact_tail_hash", "contact_email", "answer", "findings", "basis",
    "objection_ways", "product", "external_ref", "referral_number", "media_link",
)  # fmt: skip


def erase(customer_pks: Sequence[int], at: datetime) -> int:
    """Empty the words of these customers' cases, letters, requests and files; returns cases."""
    rows = Case.objects.filter(customer__in=list(customer_pks), legal_hold=False)
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), _CHUNK):
        _erase(ids[start : start + _CHUNK], at)
    if customer_pks:
        _erase_copies(at)
    return len(ids)


def _erase_copies(at: datetime) -> None:
    """Erase the files of ended imports and exports with their remarks.

    They are copies for transport, kept for seven days; which customers are in them is not known
    without reading them again, so all of them go.
    """
    jobs = Job.objects.filter(kind__in=[work.KIND, export_work.KIND], finished_at__isnull=False)
    JobRow.objects.filter(job__in=jobs).delete()
    named = ("source", "result", "errors_file")
    kept = {pk for row in jobs.values_list(*named) for pk in row if pk is not None}
    for stored in StoredFile.objects.filter(pk__in=kept, erased_at__isnull=True):
        files.erase(stored, at=at)


def _erase(ids: list[int], at: datetime) -> None:
    """Empty one chunk in one transaction."""
    with transaction.atomic():
        rows = Case.objects.filter(pk__in=ids)
        saved.forget(
            text
            for case in rows
            for text in (case.contact_name, case.contact_phone, case.contact_email)
        )
        unsent.forget_cases(ids)
        rows.update(source_facts={}, **dict.fromkeys(_TEXTS, ""))
        CaseSignature.objects.filter(case__in=ids).delete()
        acted = CaseAgent.objects.filter(case__in=ids)
        acted.update(name="", phone="", phone_hash="", relation="")
        SourceRef.objects.filter(Q(case__in=ids) | Q(came_with__in=ids)).update(number="")
        abouts = [f"case:{number}" for number in rows.values_list("number", flat=True)]
        told = CustomerNotice.objects.filter(case__in=ids).exclude(outbox_key="")
        of_them = Q(about__in=abouts) | Q(key__in=told.values("outbox_key"))
        letters = OutboxMessage.objects.filter(of_them)
        letters.filter(ready_at__isnull=False).update(
            state=OutboxState.CANCELLED, ready_at=None, lease=None
        )
        letters.update(to="", subject="", text="", last_error="")
        asked = Approval.objects.filter(about__in=abouts)
        asked.update(reason="", words="", decision="")
        attached = CaseAttachment.objects.filter(case__in=ids).values("file")
        proofs = CustomerNotice.objects.filter(case__in=ids, proof__isnull=False).values("proof")
        paid = CaseRemedy.objects.filter(case__in=ids, proof__isnull=False).values("proof")
        kept = Q(pk__in=attached) | Q(pk__in=proofs) | Q(pk__in=paid)
        for stored in StoredFile.objects.filter(kept, erased_at__isnull=True):
            files.erase(stored, at=at)
        CallRecord.objects.filter(case__in=ids).update(recording="")
        search.remove("case", ids)
        streams = [f"case:{pk}" for pk in ids]
        streams += [f"approval:{pk}" for pk in asked.values_list("pk", flat=True)]
        journal.erase_words(streams, actor=SYSTEM, at=at)
