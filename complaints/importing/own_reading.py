"""Reading rows of our own layout, as exported or as filled in by hand.

Only time and words are needed. A row without status, or with status "registered", received less
than `LIVE_DAYS` days ago and not marked as history, becomes a case that begins to live: it is
routed and its clocks start. Every other row is history.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from complaints.choices import Status
from complaints.importing.lookups import Lookups
from complaints.importing.own_layout import KEY, PRIVATE, own_key
from complaints.importing.reading import Reader, kept
from complaints.importing.shapes import CaseRow
from config.shared.cell_values import CellError, as_text
from config.shared.crypto import keyed_hash
from config.shared.sheet_types import SheetRow

LIVE_DAYS: Final = 30
_TERMS: Final = {
    "type": "feedback_type",
    "intake_channel": "intake_channel",
    "business_channel": "business_channel",
    "business_line": "business_line",
}
_RESULT_TERMS: Final = {"outcome": "outcome", "cause": "cause", "nature": "nature"}
_WORDS: Final = ("demand", "expected_resolution")
_RESULT_WORDS: Final = ("answer", "findings", "basis", "objection_ways")
_TIMES: Final = (
    "registered_at", "acknowledged_at", "accepted_at", "first_response_at", "resolved_at",
    "notified_at", "closed_at", "withdrawn_at",
)  # fmt: skip
_ENDED: Final = (Status.CLOSED, Status.ARCHIVED)
_NOT_TAKEN: Final = (Status.MERGED, Status.TRANSFERRED)


class OwnReading:
    """Reads rows of our own layout. `order` is how dates with the year last are written."""

    def __init__(self, lookups: Lookups, places: Mapping[str, str], *, order: str) -> None:
        self._lookups, self._places, self._order = lookups, places, order

    def read(self, row: SheetRow, at: datetime) -> CaseRow:
        """Return the values of one row; errors are remarks of the row."""
        cell = Reader(row, self._places, private=PRIVATE, at=at, order=self._order)
        found = cell.row
        received = cell.must("time", cell.moment("time"))
        content = cell.must("content", cell.text("content") or None)
        found.customer_number = cell.code("customer_number", limit=12)
        found.own_number = cell.code("number", limit=16)
        facts = kept({"department_group": cell.line("group", limit=80)})
        found.values = {**self._who(cell), **self._matter(cell), **self._referral(cell)}
        found.values |= {"content": content or "", "source_facts": facts}
        if received:
            found.values["received_at"], known = received
            told = cell.one_of("received_precision", self._lookups.precisions)
            found.values["received_precision"] = told or known
        past = self._past(cell)
        found.registered_at = past.get("registered_at")
        found.history = self._history(cell, found, past)
        found.key = self._key(cell, found)
        return found

    def _who(self, cell: Reader) -> dict[str, Any]:
        """Return contact data; a contact with @ is an e-mail address."""
        is_address = "@" in as_text(cell.raw("contact"))
        contact = cell.line("contact", limit=254 if is_address else 40)
        email, phone = cell.line("email", limit=254), "" if is_address else contact
        return {
            "contact_name": cell.line("name", limit=120),
            "contact_phone": phone,
            "contact_email": email or ("" if phone else contact),
            "tier_at_receipt": str(cell.one_of("tier", self._lookups.tiers) or ""),
            "language": self._language(cell),
        }

    def _language(self, cell: Reader) -> str:
        """Return the customer's language; Chinese unless the row says English."""
        said = cell.code("language", limit=10).casefold()
        return "en" if said.startswith(("en", "英")) else "zh-hans"

    def _matter(self, cell: Reader) -> dict[str, Any]:
        """Return what the case is about."""
        found = {
            key: cell.one_of(key, self._lookups.terms(taxonomy)) for key, taxonomy in _TERMS.items()
        }
        if not cell.has("type"):
            found["type"] = self._lookups.terms("feedback_type").get("CMP")
        if not cell.has("intake_channel"):
            found["intake_channel"] = self._lookups.terms("intake_channel").get("OTH")
        flags = ("vulnerable", "media_risk", "regulatory_major")
        return {
            **found,
            **{key: bool(cell.flag(key)) for key in flags},
            **{key: cell.text(key) for key in _WORDS},
            "severity": cell.one_of("severity", self._lookups.severities),
            "department": cell.one_of("department", self._lookups.departments),
            "handler": cell.one_of("handler", self._lookups.people),
            "branch": cell.one_of("branch", self._lookups.departments),
            "product": cell.line("product", limit=160),
            "core_issue": cell.text("core_issue", limit=500).replace("\n", " "),
            "amount": cell.amount("amount"),
            "currency": (cell.code("currency", limit=3) or "CNY").upper(),
            "loss_amount": cell.amount("loss_amount"),
            "occurred_on": cell.day("occurred_on"),
            "emotion": cell.whole("emotion", least=0, most=5),
            "group_size": cell.whole("group_size", least=1, most=100_000) or 1,
            "imported_timely": cell.flag("imported_timely"),
            "external_ref": cell.line("external_ref", limit=80),
        }

    def _referral(self, cell: Reader) -> dict[str, Any]:
        """Return the referral sheet's data."""
        return {
            "referral_number": cell.line("referral_number", limit=80),
            "referral_body": cell.line("referral_body", limit=120),
            "referral_on": cell.day("referral_on"),
            "external_due_at": cell.time("external_due_at", future=True),
            "promised_reply_at": cell.time("promised_reply_at", future=True),
        }

    def _past(self, cell: Reader) -> dict[str, Any]:
        """Return times and results that only an old case has."""
        found: dict[str, Any] = {key: cell.time(key) for key in _TIMES}
        for key, taxonomy in _RESULT_TERMS.items():
            found[key] = cell.one_of(key, self._lookups.terms(taxonomy))
        found |= {key: cell.text(key) for key in _RESULT_WORDS}
        found["compensation"] = cell.amount("compensation")
        return kept(found)

    def _history(self, cell: Reader, row: CaseRow, past: dict[str, Any]) -> dict[str, Any] | None:
        """Return state and past of an old case; None for one that begins to live."""
        status = cell.one_of("status", self._lookups.statuses)
        received = row.values.get("received_at")
        if received is None or (cell.has("status") and status is None):
            return None
        self._check_order(cell, received, past)
        status = status or Status.RECEIVED
        is_young = received > cell.now - timedelta(days=LIVE_DAYS)
        if status == Status.RECEIVED and is_young and not cell.flag("is_history"):
            return None
        if status in _NOT_TAKEN:
            message = _("Merged and transferred cases are not loaded: load the case they led to.")
            cell.fail("status", CellError("status", message))
        if status in _ENDED and "closed_at" not in past:
            message = _("A closed case needs the time of closing.")
            cell.fail("closed_at", CellError("blank", message))
        return {"status": status, **past}

    def _check_order(self, cell: Reader, received: datetime, past: dict[str, Any]) -> None:
        """Refuse times of an end that lie before the beginning."""
        for key in ("resolved_at", "notified_at", "closed_at"):
            if key in past and past[key] < received:
                message = _("The time lies before the customer's words were received.")
                cell.fail(key, CellError("order", message))

    def _key(self, cell: Reader, row: CaseRow) -> str:
        """Return what finds the row again: its source key, number, reference or content."""
        said = cell.line("key", limit=110)
        if said:
            return said
        if row.own_number and row.registered_at:
            return own_key(row.own_number, row.registered_at)
        values = row.values
        parts = [values.get(name) for name in ("external_ref", "contact_name", "contact_phone",
                                               "received_at", "content")]  # fmt: skip
        text = "\x1f".join(str(part or "") for part in parts)
        return f"{KEY}:{keyed_hash('case_row', text)[:40]}"
