"""The real file of 5,000 rows becomes 5,000 cases, once."""

import csv
import time
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from complaints.choices import Precision, Status
from complaints.models import Case, CaseClock, CustomerNotice
from config.kernel.models import JournalEntry, Notice, OutboxMessage
from tests.complaints.importing_help import SHARED, lists_and_units

FILE = SHARED / "cfpb_sample_5k.csv"
ZONE = ZoneInfo("Asia/Shanghai")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not FILE.exists(), reason="../shared/data is not here"),
]


def source() -> dict[str, dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as text:
        return {row["Complaint ID"]: row for row in csv.DictReader(text)}


def test_all_rows_become_history_and_loading_again_changes_nothing(capsys):
    lists_and_units()
    began = time.monotonic()
    call_command("import_cases", str(FILE), "--departments", str(SHARED / "department_map.csv"))
    took = time.monotonic() - began
    assert "5000 created, 0 already there" in capsys.readouterr().out
    rows = source()
    cases = Case.objects.select_related(
        "intake_channel", "department", "business_line", "outcome", "type"
    )
    found = {case.external_ref: case for case in cases}
    assert found.keys() == rows.keys()
    for reference, row in rows.items():
        case = found[reference]
        day = datetime.strptime(row["Date received"], "%Y-%m-%d").replace(tzinfo=ZONE)
        assert case.received_at == day
        assert case.received_precision == Precision.DAY
        words = " ".join(row["Consumer complaint narrative"].split())
        assert (" ".join(case.content.split()) == words) if words else case.core_issue
        assert case.imported_timely is (row["Timely response?"] == "Yes")
        assert case.product.startswith(row["Product"][:60])
    figures_are_right(found)
    assert took < 60
    before = JournalEntry.objects.count()
    call_command("import_cases", str(FILE))
    assert "0 created, 5000 already there" in capsys.readouterr().out
    assert Case.objects.count() == 5000
    assert JournalEntry.objects.count() == before


def figures_are_right(found: dict[str, Case]) -> None:
    assert Counter(c.intake_channel.code for c in found.values()) == {
        "WEB": 4179, "GOV": 344, "TEL": 262, "LTR": 213, "EML": 2,
    }  # fmt: skip
    groups = Counter(c.source_facts["department_group"] for c in found.values())
    assert groups == {
        "Credit reporting": 2252, "Debt collection": 809, "Consumer loan": 833,
        "Deposit accounts": 320, "Mortgage": 311, "Cards": 307, "Student loan": 105,
        "Payments/transfer": 63,
    }  # fmt: skip
    assert Counter(c.outcome.code if c.outcome else "" for c in found.values()) == {
        "NUP": 4229, "UPH": 728, "": 43,
    }  # fmt: skip
    assert Counter(c.status for c in found.values()) == {
        Status.CLOSED: 4983,
        Status.IN_PROGRESS: 17,
    }
    assert all(c.is_history for c in found.values())
    assert CaseClock.objects.count() == OutboxMessage.objects.count() == 0
    assert CustomerNotice.objects.count() == Notice.objects.count() == 0
