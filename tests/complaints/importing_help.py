"""Small files of cases, and the lists a bank starts with, for the tests of imports and exports."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

from config.kernel.defaults import Default, terms
from config.shared.actors import SYSTEM
from config.shared.registry import contributed
from staff.models import Department

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
AT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
UNITS = [
    "CMPT",
    "RETAIL",
    "CARD",
    "LOAN",
    "LOAN-M",
    "LOAN-S",
    "LOAN-C",
    "OPS",
    "EBANK",
    "RISK",
    "LAW",
    "PRIV",
]
CFPB = [
    "Date received", "Product", "Sub-product", "Issue", "Sub-issue",
    "Consumer complaint narrative", "Company public response", "Company", "State", "ZIP code",
    "Tags", "Consumer consent provided?", "Submitted via", "Date sent to company",
    "Company response to consumer", "Timely response?", "Consumer disputed?", "Complaint ID",
]  # fmt: skip


def lists_and_units() -> None:
    """Load the term lists and one department per code."""
    terms.load(SYSTEM, AT)
    for code in UNITS:
        unit = Department.objects.create(
            code=code, name_en=f"{code.title()} department", name_zh=f"{code}部"
        )
        unit.path = f"/{unit.pk}/"
        unit.save(update_fields=["path"])


def load_defaults_for_clocks() -> None:
    """Load calendar and clock policies, so that a living case gets its clocks."""
    for key in ("calendar", "clock_policies"):
        contributed(Default)[key].load(SYSTEM, AT)


def cfpb_row(number: int, **changes: str) -> dict[str, str]:
    """Return one row of the CFPB layout."""
    row = {
        "Date received": "2019-04-29",
        "Product": "Mortgage",
        "Sub-product": "FHA mortgage",
        "Issue": "Trouble during payment process",
        "Sub-issue": "",
        "Consumer complaint narrative": f"My payment number {number} was lost, XXXX.",
        "Company public response": "",
        "Company": "SOME BANK, NATIONAL ASSOCIATION",
        "State": "UT",
        "ZIP code": "843XX",
        "Tags": "",
        "Consumer consent provided?": "Consent provided",
        "Submitted via": "Web",
        "Date sent to company": "2019-05-02",
        "Company response to consumer": "Closed with explanation",
        "Timely response?": "Yes",
        "Consumer disputed?": "N/A",
        "Complaint ID": str(2570000 + number),
    }
    return row | changes


def as_csv(
    rows: list[dict[str, str]], *, encoding: str = "utf-8", delimiter: str = ",", above: str = ""
) -> bytes:
    """Return the rows as a text table under their own headings."""
    text = io.StringIO(newline="")
    text.write(above)
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)
